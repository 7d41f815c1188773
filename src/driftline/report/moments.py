"""Windows and moments as people of one time zone write them: `2013-06-08`, `2013-06-08 14:00`, `2013-06-24 .. 2013-07-10`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from driftline.core.records import Window


@dataclass(frozen=True, slots=True)
class Clock:
    """The time zone that texts are written for. A zone that this machine does not know is written as UTC, and `name` says so."""

    name: str = "UTC"
    zone: tzinfo = field(default=UTC, repr=False)

    @classmethod
    def of(cls, zone: str) -> Clock:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return cls(zone, ZoneInfo(zone)) if zone not in ("", "UTC") else cls()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return cls()

    def moment(self, moment: datetime | None) -> str:
        """A moment to the minute, a midnight as its day; a dash where there is none."""
        if moment is None:
            return "\N{EN DASH}"
        local = moment.astimezone(self.zone)
        return local.strftime("%Y-%m-%d" if local.time() == time() else "%Y-%m-%d %H:%M")

    def day(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d")

    def window(self, window: Window) -> str:
        """A day as its date, whole days by the first and the last, an hour by its start, anything else by both ends."""
        if self._midnight(window.start) and self._midnight(window.end):
            first, last = self.day(window.start), self._last_day(window)
            return first if first == last else f"{first} .. {last}"
        if window.end - window.start == timedelta(hours=1):
            return self._minute(window.start)
        return f"{self._minute(window.start)} .. {self._minute(window.end)}"

    def span(self, first: Window, last: Window) -> str:
        """From one window to another, both included."""
        if first == last:
            return self.window(first)
        if self._midnight(first.start) and self._midnight(last.end):
            return f"{self.day(first.start)} .. {self._last_day(last)}"
        return f"{self._minute(first.start)} .. {self._minute(last.start)}"

    def brief(self, first: Window, last: Window) -> str:
        """The same without saying the year twice: `2013-06-24 .. 07-10`."""
        start, _, end = self.span(first, last).partition(" .. ")
        return f"{start} .. {end.removeprefix(start[:5])}" if end else start

    def _last_day(self, window: Window) -> str:
        return self.day(window.end - timedelta(seconds=1))

    def _midnight(self, moment: datetime) -> bool:
        return moment.astimezone(self.zone).time() == time()

    def _minute(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
