"""What receivers take: JSON below 20 kB, whatever texts and numbers are in it. What is too long is cut, and says so."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from driftline.alerting.records import Kind, Notice

LARGEST = 20_000
_DEPTH = 6
_STEPS = ((200, 2_000), (100, 1_000), (50, 500), (25, 300), (10, 200), (5, 150), (2, 100), (1, 60))
"""So many items of each list and characters of each text: the first that fits is taken."""


def fitted(notice: Notice, build: Callable[[Notice], Mapping[str, Any]], largest: int = LARGEST) -> bytes:
    """What `build` makes of the notice, as JSON of fewer than `largest` bytes: of long lists and texts only the beginning."""
    body = b""
    for items, characters in _STEPS:
        body = encoded(build(shortened(notice, items, characters)))
        if len(body) < largest:
            break
    return body


def encoded(document: Any) -> bytes:
    """JSON that every reader takes: plain ASCII, finite numbers, no half characters."""
    return json.dumps(plain(document), ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def shortened(notice: Notice, items: int, characters: int) -> Notice:
    """The notice with at most so many items per list and characters per text; lists that were cut say how long they were."""
    details = [cut(line, characters) for line in notice.details]
    left_out = len(details) - items
    if left_out > 0:
        details = [*details[:items], f"... and {left_out} more"]
    evidence = plain(notice.evidence, items=items, characters=characters)
    if len(notice.alerts) > items:
        evidence["alerts_left_out"] = len(notice.alerts) - items
    return replace(
        notice,
        summary=cut(notice.summary, characters),
        details=tuple(details),
        labels=plain(notice.labels, items=items, characters=characters),
        annotations=plain(notice.annotations, items=items, characters=characters),
        evidence=evidence,
        alerts=tuple(plain(alert, items=items, characters=characters) for alert in notice.alerts[:items]),
    )


def plain(value: Any, *, items: int = 1_000, characters: int = 10_000, depth: int = _DEPTH) -> Any:
    """A value as JSON knows it: what it does not know becomes a text, a number that is none becomes null."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value, items=items, characters=characters, depth=depth)
    if isinstance(value, int) and abs(value) < 2**53:  # larger ones are rounded by many readers
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping) and depth:
        some = list(value.items())[:items]
        found = {cut(str(key), characters): plain(item, items=items, characters=characters, depth=depth - 1) for key, item in some}
        return found | ({"...": f"{len(value) - items} more"} if len(value) > items else {})
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes) and depth:
        listed = [plain(item, items=items, characters=characters, depth=depth - 1) for item in list(value)[:items]]
        return listed + ([f"... and {len(value) - items} more"] if len(value) > items else [])
    return cut(str(value), characters)


def cut(text: str, characters: int) -> str:
    """The text, or its beginning and three dots; half of a character in it becomes a question mark."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= characters else whole[: max(characters - 3, 0)] + "..."


def moment(time: datetime) -> str:
    """A time as the web writes it, in UTC: `2026-11-22T06:40:00Z`."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def links(notice: Notice) -> dict[str, str]:
    """The pages that the notice leads to, by the names of their annotations."""
    return {name: text for name, text in notice.annotations.items() if name.endswith("_url") and is_link(text)}


def is_link(text: str) -> bool:
    """Whether a text is an address of a page and nothing else."""
    return text.startswith(("https://", "http://")) and text.isascii() and text.isprintable() and not set(text) & set(" <>\"'\\`{}|^")


def is_over(notice: Notice) -> bool:
    """Whether the notice tells of an end."""
    return notice.kind is Kind.RESOLVED or notice.status == "resolved"
