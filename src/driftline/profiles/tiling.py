"""How time is cut into windows: one after the other, of equal length, counted from midnight in a time zone.

Windows shorter than a day divide the day from its midnight on, so a day of 23 or 25 hours has as many windows of an hour; the last window
of such a day may be shorter than the others. Windows of days begin at midnight, those of weeks on Mondays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from driftline.core.records import Window

DAY = timedelta(days=1)
FIRST_MONDAY = date(1970, 1, 5).toordinal()
MONTH = timedelta(days=30)
DAY_TICKS = 86_400_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Windows of `length`, a part of a day or whole days, in the time zone `zone`."""

    length: timedelta
    zone: str = "UTC"

    def around(self, moment: datetime) -> Window:
        """The window that holds a moment."""
        return self.over(moment, moment + timedelta(microseconds=1))[0]

    def over(self, start: datetime, end: datetime) -> list[Window]:
        """The windows that share time with [start, end), in order."""
        edges = self._edges(start, end)
        return [Window(a, b) for a, b in pairwise(edges) if b > start and a < end]

    def within(self, start: datetime, end: datetime) -> list[Window]:
        """The windows that begin in [start, end), in order."""
        return [window for window in self.over(start, end) if window.start >= start]

    def cut(self, times: NDArray[np.int64]) -> tuple[list[Window], NDArray[np.intp]]:
        """The windows that hold the times, (n,) nanoseconds since 1970, and the position of each time's window among them."""
        if len(times) == 0:
            return [], np.zeros(0, np.intp)
        windows = [window for first, last in self._stretches(times) for window in self.over(first, last)]
        starts = np.array([to_nanoseconds(window.start) for window in windows], np.int64)
        place = np.searchsorted(starts, times, side="right") - 1
        used, where = np.unique(place, return_inverse=True)
        return [windows[i] for i in used.tolist()], where.astype(np.intp)

    def phase(self, window: Window) -> int:
        """What repeats itself from week to week: the hour of the week of a window within a day, the weekday of a day, else 0."""
        local = window.start.astimezone(ZoneInfo(self.zone))
        if self.length > DAY:
            return 0
        return local.weekday() if self.length == DAY else 24 * local.weekday() + local.hour

    @property
    def per_month(self) -> float:
        """Windows in 30 days."""
        return MONTH / self.length

    def _stretches(self, times: NDArray[np.int64]) -> list[tuple[datetime, datetime]]:
        """The stretches of days that hold the times, far enough apart to share no window: one time in 1970 costs one window."""
        days = np.unique(times // DAY_TICKS)
        ends = np.flatnonzero(np.diff(days) > 2 + 2 * max(1, self.length // DAY))
        firsts, lasts = days[np.append(0, ends + 1)].tolist(), days[np.append(ends, len(days) - 1)].tolist()
        return [(from_nanoseconds(a * DAY_TICKS), from_nanoseconds((b + 1) * DAY_TICKS)) for a, b in zip(firsts, lasts, strict=True)]

    def _edges(self, start: datetime, end: datetime) -> list[datetime]:
        zone = ZoneInfo(self.zone)
        days = max(1, self.length // DAY)
        first, last = start.astimezone(zone).date().toordinal() - 1, end.astimezone(zone).date().toordinal() + 1
        first -= (first - FIRST_MONDAY) % days
        edges = []
        for ordinal in range(first, last + days + 1, days):
            midnight, tomorrow = _midnight(ordinal, zone), _midnight(ordinal + days, zone)
            edges.append(midnight)
            if self.length < DAY and midnight < tomorrow:
                pieces = -((midnight - tomorrow) // self.length)
                edges += [midnight + k * self.length for k in range(1, pieces) if midnight + k * self.length < tomorrow]
        return list(dict.fromkeys(edges))  # a day that a country passed over, to change sides of the date line, has no length


def to_nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a moment, exact to the microsecond that Python's times have."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def from_nanoseconds(ticks: int) -> datetime:
    """The moment, in UTC, with the nanoseconds below a microsecond left out."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 1_000)


def _midnight(ordinal: int, zone: ZoneInfo) -> datetime:
    day = date.fromordinal(ordinal)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
