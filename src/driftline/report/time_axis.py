"""The axis of time that all charts of a page share: where a moment stands, which windows touch, and the names of round moments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from driftline.core.records import Window
from driftline.report.moments import Clock

_MOST_LABELS = 5
_MONTHS = 3
"""From so many beginnings of months on, months are named."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From the start of the first window to the end of the last; `length` is that of one window."""

    start: datetime
    end: datetime
    length: timedelta

    @classmethod
    def of(cls, windows: Sequence[Window]) -> TimeAxis:
        lengths = sorted(window.end - window.start for window in windows)
        return cls(windows[0].start, windows[-1].end, lengths[len(lengths) // 2])

    def share(self, moment: datetime) -> float:
        """Where a moment stands, from 0 to 1."""
        return (moment - self.start) / (self.end - self.start)

    def middle(self, window: Window) -> float:
        return (self.share(window.start) + self.share(window.end)) / 2

    def together(self, one: Window, other: Window) -> bool:
        """Whether no window is missing between two."""
        return other.start - one.end < self.length / 2

    def labels(self, clock: Clock, most: int = _MOST_LABELS) -> list[tuple[float, str]]:
        """Round moments with their names: months for spans of months, else days or hours."""
        found = list(_months(self, clock))
        if len(found) >= 3:
            each = math.ceil(len(found) / most)
            return found[::each]
        days = max((self.end - self.start) / timedelta(days=1), 1e-9)
        each_hours = next((h for h in (1, 3, 6, 12, 24, 48, 72, 168, 336) if days * 24 / h <= most), 720)
        first = self.start.astimezone(clock.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        steps = (first + timedelta(hours=each_hours * i) for i in range(int(days * 24 / each_hours) + 26))
        return [(self.share(at), at.strftime("%H:%M" if at.hour else "%m-%d")) for at in steps if self.start <= at < self.end][:most]


def _months(axis: TimeAxis, clock: Clock) -> Iterator[tuple[float, str]]:
    at = axis.start.astimezone(clock.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at < axis.end:
        if at >= axis.start:
            yield axis.share(at), at.strftime("%b %Y") if at.month == 1 else at.strftime("%b")
        at = (at + timedelta(days=32)).replace(day=1)
