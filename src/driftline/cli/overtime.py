"""What the verbs on a model over time share: its configuration, stretches of time, and the moment that counts as now."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline.overtime import OpenModel

CONFIG = "driftline.yaml"
MOST = 1_000_000


def add_config(verb: Any) -> None:
    """`-c FILE`."""
    verb.add_argument("-c", "--config", metavar="FILE", default=CONFIG, help=f"the configuration of the model (default {CONFIG})")


def add_as_of(verb: Any) -> None:
    """`--as-of TIME`."""
    verb.add_argument("--as-of", metavar="TIME", help="what was known at this time (default: now)")


def several(text: str) -> int:
    """How many of something. Raises `ArgumentTypeError` for what is no whole number above zero."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:10]) <= MOST and len(text) <= len(str(MOST))):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no whole number from 1 to {MOST:,}")
    return int(text)


def opened(arguments: argparse.Namespace) -> OpenModel:
    """The model of the configuration."""
    from driftline.overtime import open_model

    return open_model(arguments.config)


def moment(text: str | None, option: str, zone: str = "UTC") -> datetime | None:
    """A time as people write it, in UTC: ISO 8601; without an offset it is in the time zone of the windows. None for none.

    Raises `UsageError`.
    """
    from zoneinfo import ZoneInfo

    from driftline.core.errors import UsageError

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"'{text}' is no time", where=option, hint="Write it as 2026-11-22 or 2026-11-22T06:00.") from None


def stretch(text: str | None, option: str, zone: str = "UTC") -> tuple[datetime, datetime] | None:
    """FROM/TO as two times. None for none. Raises `UsageError`."""
    from driftline.core.errors import UsageError

    if text is None:
        return None
    start, slash, end = text.partition("/")
    if not slash:
        raise UsageError(f"'{text}' is no stretch of time", where=option, hint="Write FROM/TO, such as 2026-11-01/2026-11-08.")
    first, last = moment(start, option, zone), moment(end, option, zone)
    assert first is not None
    assert last is not None
    if last <= first:
        raise UsageError(f"'{text}' ends before it begins", where=option, hint="Write the earlier time first.")
    return first, last


def with_model(arguments: argparse.Namespace, act: Callable[[OpenModel], int]) -> int:
    """Opens the model, acts, and closes it whatever happens."""
    with opened(arguments) as model:
        return act(model)
