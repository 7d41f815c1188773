"""The charts of the page over time: which series are drawn together, what is said of them, and the table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from driftline.core.records import Basis, Window
from driftline.report import figures, numbers
from driftline.report.highlights import in_bases
from driftline.report.states import BAD, MONITOR, STANDING, Group, State
from driftline.report.time_axis import TimeAxis
from driftline.report.timeline import Point, Series, Timeline
from driftline.report.timeline_charts import Line, line_chart
from driftline.report.timeline_words import is_from_zero, series_name

MOST_QUALITY = 6
MOST_OTHERS = 14
MOST_POINTS = 16_000
"""Points in all charts together, so that the page stays under two megabytes."""

DISTANCES = frozenset({"psi", "js", "hellinger", "total_variation", "chi2", "ks", "wasserstein"})
"""Measures that tell the same story; one of them is drawn."""

_UNDRAWN = ("absence",)
"""A probability that is near 0 when it matters; the requests show the same."""

_LEGEND = {"observed": "value", "matured": "final labels", "same_age": "labels of the same age", "estimated": "estimated", "proxy": "proxy"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart with its words, its state now, its legend (look and name of each line) and its table."""

    id: str
    name: str
    state: State
    drawing: Markup
    summary: str
    legend: tuple[tuple[str, str], ...]
    table: Markup


@dataclass(frozen=True, slots=True)
class Charts:
    """Draws the series of a timeline over the last windows."""

    timeline: Timeline
    axis: TimeAxis
    windows: frozenset[Window]

    def of(self, group: Group, room: int) -> list[Figure]:
        """The charts of one part of the page, at most `room` of them: what is and was in trouble first where not all
        fit, and among columns."""
        together = self._together(group)
        ranked = sorted(range(len(together)), key=lambda i: (not self._is_bad(together[i]), -self._bad(together[i]), i))[:room]
        found = []
        for i in ranked if group is Group.DATA else sorted(ranked):
            figure = self._figure(f"{group.value}-{i}", together[i])
            found += [figure] if figure else []
        return found

    def _is_bad(self, together: Sequence[Series]) -> bool:
        """Whether its column, or it itself, is not fine now."""
        first = together[0]
        return self.timeline.verdicts.get((first.group, first.column or ""), first).latest.state in BAD

    def _bad(self, together: Sequence[Series]) -> int:
        """In how many windows it was not fine; for a column, by its verdict."""
        verdict = self.timeline.verdicts.get((together[0].group, together[0].column or ""))
        return max(sum(s.bad for s in together), verdict.bad if verdict else 0)

    def _together(self, group: Group) -> list[list[Series]]:
        """Series that share a chart: a quality metric in its bases, a column by its leading distance, anything else by itself."""
        series = [s for s in self.timeline.of(group) if figures.family_of(s.metric)[1] != "verdict"]
        if group is Group.QUALITY:
            ranked = in_bases(series, None)
            metrics = list(dict.fromkeys(s.metric for s in ranked))[:MOST_QUALITY]
            return [[s for s in ranked if s.metric == metric] for metric in metrics]
        if group not in (Group.DATA, Group.PREDICTIONS):
            return [[s] for s in series if s.metric not in _UNDRAWN][:MOST_OTHERS]
        columns: dict[str | None, list[Series]] = {}
        for s in series:
            columns.setdefault(s.column, []).append(s)
        monitors = [[s] for s in series if s.metric in MONITOR and s.bad]
        if group is Group.DATA:
            found_numbers = [[s for s in found if s.metric not in MONITOR] for found in columns.values()]
            return [*([max(found, key=_leads)] for found in found_numbers if found), *monitors]
        distances = [[s for s in found if s.metric in DISTANCES] for found in columns.values()]
        others = [[s] for s in series if s.metric not in DISTANCES and s.metric not in MONITOR]
        return [*([max(found, key=_leads)] for found in distances if found), *others, *monitors][:MOST_OTHERS]

    def _figure(self, id_: str, together: Sequence[Series]) -> Figure | None:
        lines = [Line(_LEGEND[s.basis.value], s.basis.value, self._points(s)) for s in together]
        lines = [line for line in lines if any(p.measurement.value is not None for p in line.points)]
        if not lines:
            return None
        first, name = together[0], series_name(replace(together[0], basis=Basis.OBSERVED))
        summary = _summary(lines, self.timeline)
        zero = is_from_zero(first)
        drawing = line_chart(id_, name, summary, lines, self.axis, self.timeline.clock, zero=zero)
        legend = tuple((line.look, line.name) for line in lines) if first.group is Group.QUALITY else ()
        verdict = self.timeline.verdicts.get((first.group, first.column or "")) if first.metric in DISTANCES else None
        spoken = [verdict] if verdict else together
        current = [s for s in spoken if self.timeline.is_current(s) or s.basis in (Basis.MATURED, Basis.SAME_AGE)]
        state = min((s.latest.state for s in current), key=list(State).index, default=State.NODATA)
        return Figure(id_, name, state, drawing, summary, legend, _table(lines, self.timeline))

    def _points(self, series: Series) -> tuple[Point, ...]:
        """The points that are drawn. A distance of a column carries the verdict of its window, which is what counts."""
        points = [p for p in series.points if p.window in self.windows]
        if series.column is None or series.metric in MONITOR or series.group not in (Group.DATA, Group.PREDICTIONS):
            return tuple(points)
        verdict = self.timeline.verdicts.get((series.group, series.column))
        states = {p.window: p.state for p in verdict.points} if verdict else {}
        judged = series.judged or series.group is Group.DATA
        return tuple(replace(p, state=states.get(p.window, p.state)) if judged else p for p in points)


def room_for_columns(timeline: Timeline, windows: int, drawn: int) -> int:
    """How many charts of columns the page has room for, beside those that are drawn already."""
    return max(MOST_POINTS // max(windows, 1) - drawn, 6) if timeline.steps else 0


def _leads(series: Series) -> tuple[int, int, int]:
    """The distance that decides most often, then one with a limit, then the one with most values."""
    with_limit = sum(p.measurement.limit is not None for p in series.points)
    decided = series.bad if series.metric in STANDING else sum(p.measurement.beyond is not None for p in series.points)
    return decided, with_limit, len(series.points)


def _summary(lines: Sequence[Line], timeline: Timeline) -> str:
    """The chart in words: the value now, its limit, how often it was beyond, and when last."""
    parts = []
    for line in lines:
        latest = line.points[-1]
        m = latest.measurement
        value = figures.amount(m.metric, m.value) if m.value is not None else "not enough rows"
        limit = f", limit {figures.amount(m.metric, m.limit)}" if m.limit is not None else ""
        named = f"{line.name} " if len(lines) > 1 else ""
        parts.append(f"{named}{value}{limit} on {timeline.clock.window(latest.window)}")
    bad = [p for p in lines[0].points if p.state in BAD]
    often = f"not fine in {numbers.count(len(bad))} of {numbers.plural(len(lines[0].points), 'window')}"
    often += f", last on {timeline.clock.window(bad[-1].window)}" if bad else ""
    judged = any(p.state is not State.NONE for p in lines[0].points)
    return "; ".join([*parts, *([often] if judged else [])]) + "."


def _table(lines: Sequence[Line], timeline: Timeline) -> Markup:
    """The points as a table. End tags that HTML does not need are left out: there are thousands of cells."""
    by_window: dict[Window, list[Point | None]] = {}
    for i, line in enumerate(lines):
        for point in line.points:
            by_window.setdefault(point.window, [None] * len(lines))[i] = point
    names = [line.name if len(lines) > 1 else "Value" for line in lines]
    limited = any(p.measurement.limit is not None for p in lines[0].points)
    spread = any(p.measurement.low is not None for p in lines[0].points)
    head = ["Window", *names, *(["Interval"] if spread else []), *(["Limit"] if limited else []), "Rows", "State"]
    rows = []
    for window in sorted(by_window):
        points = by_window[window]
        first = next(p for p in points if p is not None)
        m = first.measurement
        cells = ["" if p is None else figures.amount(p.measurement.metric, p.measurement.value) for p in points]
        cells += [figures.interval(m)] if spread else []
        cells += ["" if m.limit is None else figures.amount(m.metric, m.limit)] if limited else []
        cells += [numbers.count(m.n), "" if first.state is State.OK else first.state.value]
        rows.append(
            f"<tr><th scope=row>{timeline.clock.window(window)}" + "".join(f"<td>{escape(cell)}" for cell in cells).removesuffix("<td>")
        )
    titles = "".join(f'<th scope="col">{escape(title)}' for title in head)
    # Safe to mark: every cell went through `escape`, and a window is written in digits.
    return Markup(f"<thead><tr>{titles}<tbody>{''.join(rows)}")  # noqa: S704
