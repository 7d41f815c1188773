"""Durations as people write them: `15m`, `48h`, `28d`, `4w`."""

from __future__ import annotations

import re
from datetime import timedelta

from driftline.core.errors import UsageError

UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST = timedelta(days=36_525)
"""Further back than that no clock and no calendar is asked."""
_WRITTEN = re.compile(r"(\d{1,6})\s*([smhdw])")
_HINT = "Write a whole number and s, m, h, d or w, such as 15m, 48h, 28d or 4w."


def duration(text: str) -> timedelta:
    """The time span that a text means. Raises `UsageError` for anything else and for nothing at all."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{text}' is no duration", hint=_HINT)
    span = int(found[1]) * UNITS[found[2]]
    if not span:
        raise UsageError(f"A duration of '{text}' lasts no time", hint=_HINT)
    if span > LONGEST:
        raise UsageError(f"A duration of '{text}' is longer than a hundred years", hint=_HINT)
    return span


def written(span: timedelta) -> str:
    """The shortest way to write a span: `2d` for 48 hours."""
    seconds = int(span.total_seconds())
    for unit, length in reversed(UNITS.items()):
        whole, rest = divmod(seconds, int(length.total_seconds()))
        if whole and not rest:
            return f"{whole}{unit}"
    return f"{seconds}s"
