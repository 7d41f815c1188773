"""What `driftline show` prints: the state of a model over its last windows on one screen, what is not fine first.

timeline_text(timeline, *, width=100, colour=False, ascii_only=False, verbose=False, next_step="") -> str
headline(timeline) -> str
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from driftline.core.ledger import Step
from driftline.core.records import Basis
from driftline.report import figures, numbers, text
from driftline.report.alerts_text import standing_lines
from driftline.report.evaluation_text import COLOURS, Lines
from driftline.report.highlights import highlights
from driftline.report.paper import Paper
from driftline.report.reading import is_judged
from driftline.report.screen import Screen
from driftline.report.sparkline import UNKNOWN, sparkline
from driftline.report.states import BAD, Group, State
from driftline.report.timeline import Series, Timeline, slots
from driftline.report.timeline_words import feed_text, headline, is_from_zero, matured_until, reference_text, series_name

SCREEN = 30
PLACES = {
    Group.OPERATIONS: "1 operations",
    Group.QUALITY: "  quality",
    Group.LABELS: "  labels",
    Group.DATA: "2 data",
    Group.PREDICTIONS: "3 predictions",
}
_MOST_NOW = 6
_MOST_BEFORE = 6
_ALERTS = (2, 5, 7)
"""Lines about alerts: where nothing else has room, where the table has to be cut, and else."""
_PLACE, _NAME, _STATE = 13, 22, 7
_SIZES = ((_NAME, 17, 8, 20), (20, 9, 8, 12), (18, 9, 0, 5))
"""Cells of name, value and limit, and the fewest that must be left for the series; the first that fits is taken."""

_MOST_SLOTS = 40


def timeline_text(
    timeline: Timeline, *, width: int = 100, colour: bool = False, ascii_only: bool = False, verbose: bool = False, next_step: str = ""
) -> str:
    """The state of the model in at most 30 lines (everything where `verbose`), each at most `width` cells wide; no newline at the end.

    `next_step` is the last line, whole, so that a command in it can be copied.
    """
    page = _Page(timeline, Screen(max(width, 60), colour, ascii_only))
    head, last = page.heading(), [page.screen.safe(next_step)] if next_step else []
    feed = page.feed(lines=None if verbose else 2)
    now = page.now(None if verbose else _MOST_NOW)
    table = list(page.table(verbose=verbose))
    room = SCREEN - len(head) - len(last) - len(feed) - len(now)
    alerts = page.alerts(None if verbose else _lines_for_alerts(room, len(table)))
    room -= len(alerts)
    if verbose:
        before = page.before(None)
    else:
        table = page.fitted(table, room)
        before = page.before(min(room - len(table) - 1, _MOST_BEFORE))
    return "\n".join([*head, *now, *table, *alerts, *before, *feed, *last])


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of the table of measurements, in cells; no limits and no intervals where they do not fit."""

    name: int
    value: int
    limit: int
    spark: int

    @classmethod
    def of(cls, width: int) -> _Cells:
        left = width - (_PLACE + 1 + 2 * 4 + _STATE)
        name, value, limit = next((n, v, m) for n, v, m, least in _SIZES if left - n - v - m >= least or not m)
        return cls(name, value, limit, min(max(left - name - value - limit, 5), _MOST_SLOTS))


@dataclass(frozen=True, slots=True)
class _Page:
    timeline: Timeline
    screen: Screen

    def heading(self) -> list[str]:
        """The model, its windows, its reference, how far data and labels reach, and the headline."""
        state, clock, windows = self.timeline.state, self.timeline.clock, self.timeline.windows
        model = f"{state.model}: {state.description}" if state.description else state.model
        parts = [f"{state.base_window} windows" if state.base_window else "windows"]
        if windows:
            parts[0] += f" {clock.span(windows[0], windows[-1])} ({clock.name})"
            parts.append(f"{numbers.count(len(windows))} evaluated")
        parts += [f"data until {clock.moment(state.last_predictions)}"] if state.last_predictions else []
        parts += [f"labels until {clock.moment(state.last_labels)}"] if state.last_labels else []
        matured = matured_until(self.timeline)
        parts += [f"quality final until {clock.window(matured)}"] if matured else []
        bad = self.timeline.ongoing
        colour = COLOURS[
            bad[0].state if bad else State.OK if any(is_judged(e[-1]) for e in self.timeline.steps.values()) else State.UNKNOWN
        ]
        return [
            self.screen.short(model, self.screen.width),
            *self._wrapped(", ".join(parts)),
            *self._wrapped(reference_text(self.timeline)),
            *(self.screen.painted(line, colour) for line in self._wrapped(headline(self.timeline))),
        ]

    def now(self, most: int | None) -> list[str]:
        """What is not fine now: since when, how often, and its latest story."""
        found = self.timeline.ongoing
        names = [self.screen.short(", ".join(e.subjects), _NAME) for e in found]
        cells = max(map(text.width, names[:most]), default=0)
        lines = []
        for episode, name in zip(found[:most], names, strict=False):
            word = self.screen.painted(episode.state.value, COLOURS[episode.state]) + " " * (_STATE - len(episode.state))
            since = self.timeline.clock.window(episode.first).split(" .. ")[0]
            often = f", {episode.windows} of {numbers.count(episode.of)} windows" if episode.of > 1 else ""
            story = self.screen.safe(f"since {since}{often}: {episode.latest}".rstrip(": "))
            first, *more = self.screen.told(story, "", self.screen.width - cells - _STATE - 6, 2 if most else 6)
            lines.append(f"  {word}  {text.pad(name, cells)}  {first}".rstrip())
            lines += [" " * (cells + _STATE + 6) + line for line in more]
        left = len(found) - len(lines) if most is None else len(found) - len(found[:most])
        return [*lines, self.screen.safe(f"  … and {numbers.count(left)} more")] if left > 0 else lines

    def table(self, *, verbose: bool) -> Iterator[str]:
        """A line for each measurement that matters, and one for what a step has not done."""
        cells = _Cells.of(self.screen.width)
        if self.timeline.windows:
            title = f"last {min(cells.spark, len(self.timeline.windows))} windows"
            yield self._line(("", "measurement", title if len(title) <= cells.spark else "", "now", "limit", ""), cells).rstrip()
        for group, place in PLACES.items():
            rows = list(self._rows(group, cells, verbose=verbose))
            for i, row in enumerate(rows):
                yield self._line(("" if i else place, *row), cells).rstrip()
            if not rows and place[0] != " ":
                yield f"{self.screen.safe(place):<{_PLACE}} has not run"

    def _rows(self, group: Group, cells: _Cells, *, verbose: bool) -> Iterator[tuple[str, ...]]:
        if group is Group.DATA and Step.DRIFT in self.timeline.steps:
            yield self._columns(cells.spark)
        column: str | None = None
        for series in highlights(self.timeline, group, verbose=verbose):
            name = series_name(series)
            if series.column is not None and series.column == column:
                name = f"  {series_name(replace(series, column=None))}"
            column = series.column
            yield name, *self._row(series, cells)

    def _row(self, series: Series, cells: _Cells) -> tuple[str, ...]:
        """Its sparkline, its value now, its limit and its state. What the latest window does not have is no data, not the last
        value, but for what needs labels, which come later."""
        point, measurement = series.latest, series.latest.measurement
        spark, limit = self._spark(series, cells.spark), measurement.limit
        if not self.timeline.is_current(series) and series.basis not in (Basis.MATURED, Basis.SAME_AGE):
            return spark, numbers.UNKNOWN, "", State.NODATA.value
        value, interval = figures.amount(series.metric, measurement.value), figures.interval(measurement)
        if interval and series.group is Group.QUALITY and len(value) + len(interval) < cells.value:
            value = f"{value} {interval}"
        return spark, value, "" if limit is None else figures.amount(series.metric, limit), point.state.value

    def _columns(self, most: int) -> tuple[str, ...]:
        """Number of columns that are not fine, over time."""
        found = self.timeline.steps[Step.DRIFT]
        by_window = {e.window: Counter(self.timeline.words[Step.DRIFT, e.window].values()) for e in found[-most:]}
        values: list[float | str | None] = []
        for window in slots([e.window for e in found], most):
            counts = by_window.get(window) if window else None
            values.append(_bad(counts) if counts and _judged(counts) else UNKNOWN if counts and State.UNKNOWN in counts else None)
        top = max([1.0, *(value for value in values if isinstance(value, float))])
        spark, latest = sparkline(values, ascii_only=self.screen.ascii_only, low=0.0, high=top), self.timeline.counts(Step.DRIFT)
        worst = next((state for state in State if latest.get(state)), State.NODATA) if _bad(latest) or not _judged(latest) else State.OK
        value = f"{_bad(latest):.0f} of {sum(latest.values())}" if _judged(latest) else numbers.UNKNOWN
        return "columns not fine", spark, value, "", worst.value

    def _spark(self, series: Series, most: int) -> str:
        points = {point.window: point for point in series.points}
        values: list[float | str | None] = []
        for window in slots([e.window for e in self.timeline.steps[series.step]], most):
            point = points.get(window) if window else None
            if point is None or point.state is State.NODATA:
                values.append(None)
            elif point.measurement.value is None or point.state is State.UNKNOWN:
                values.append(UNKNOWN)
            else:
                values.append(point.measurement.value)
        alike = [s for s in self.timeline.of(series.group) if s.metric == series.metric] if series.group is Group.QUALITY else [series]
        low, high = _scale(series, [v for s in alike for v in _values(s, most)])
        return sparkline(values, ascii_only=self.screen.ascii_only, low=low, high=high)

    def _line(self, row: tuple[str, ...], cells: _Cells) -> str:
        place, name, drawn, value, limit, word = row
        painted = self.screen.painted(word, COLOURS[State(word)]) if word else ""
        shown = [
            text.pad(self.screen.short(name, cells.name), cells.name),
            text.pad(drawn, cells.spark),
            text.pad(self.screen.short(value, cells.value), cells.value),
            *([text.pad(self.screen.short(limit, cells.limit), cells.limit)] if cells.limit else []),
        ]
        return f"{text.pad(self.screen.safe(place), _PLACE)} {'  '.join(shown)}  {painted}"

    def alerts(self, most: int | None) -> list[str]:
        """Step 4: how alerts and incidents stand, in at most so many lines; nothing where it has never run."""
        shown = self.timeline.state.alerts
        return standing_lines(shown, Paper(self.screen, self.timeline.clock), most=most) if shown is not None else []

    def fitted(self, table: Sequence[str], room: int) -> list[str]:
        """As many lines of the table as there is room for; never fewer than its head and one more."""
        if len(table) <= room:
            return list(table)
        kept = max(room - 1, 2)
        return [*table[:kept], self.screen.safe(f"… and {numbers.plural(len(table) - kept, 'more line')} (--verbose)")]

    def before(self, most: int | None) -> list[str]:
        """The episodes that have ended, the latest of them."""
        ended = [episode for episode in self.timeline.episodes if not episode.ongoing]
        shown = ended if most is None else sorted(ended, key=lambda e: e.last)[max(len(ended) - most, 0) :] if most > 0 else []
        if not shown:
            return []
        shown.sort(key=lambda e: e.first)
        title = "before" if len(shown) == len(ended) else f"before (the last {len(shown)} of {numbers.count(len(ended))})"
        narrow = Lines(Screen(self.screen.width - 2, self.screen.colour, self.screen.ascii_only), self.timeline.clock)
        return [title, *("  " + line for line in narrow.chronicle(shown, None))]

    def feed(self, lines: int | None) -> list[str]:
        """Rejected, repeated and waiting rows, where there are any."""
        told = feed_text(self.timeline)
        return self.screen.told(self.screen.safe(told), "", self.screen.width, lines or 20) if told else []

    def _wrapped(self, told: str) -> list[str]:
        return text.wrap(self.screen.safe(told), self.screen.width) if told else []


def _lines_for_alerts(room: int, table: int) -> int:
    least, some, most = _ALERTS
    return max(min(room - some, some), least) if room - table < some else min(room - table, most)


def _bad(counts: Mapping[State, int]) -> float:
    return float(sum(counts.get(state, 0) for state in BAD))


def _judged(counts: Mapping[State, int]) -> bool:
    return any(state in BAD or state is State.OK for state in counts)


def _values(series: Series, most: int) -> list[float]:
    return [p.measurement.value for p in series.points[-most:] if p.measurement.value is not None]


def _scale(series: Series, values: Sequence[float]) -> tuple[float | None, float | None]:
    """The ends of a sparkline: the limit is on it, so that a quiet series looks quiet, and what counts or is a distance begins at 0."""
    if figures.family_of(series.metric)[1] == "verdict":
        return 0.0, 2.0
    limits = [p.measurement.limit for p in series.points[-1:] if p.measurement.limit is not None]
    ends = [number for number in (*values, *limits) if abs(number) != float("inf")]
    if not ends:
        return None, None
    return min(0.0, *ends) if is_from_zero(series) else min(ends), max(ends)
