"""Charts over time, drawn on the server as SVG: no script, colours from the style sheet, text from the data escaped.

All charts of a page share one axis of time, so that what happened at the same time stands at the same place. Gaps stay gaps. What is beyond
its limit has a shape of its own and not only a colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from driftline.core.records import Window
from driftline.report import figures
from driftline.report.moments import Clock
from driftline.report.states import BAD, State
from driftline.report.svg import described, path, pen
from driftline.report.time_axis import TimeAxis
from driftline.report.timeline import Point

WIDE, LEFT, RIGHT, TOP, PLOT, BARS = 360, 50, 6, 8, 92, 16
_BOTTOM = TOP + PLOT
_HIGH = _BOTTOM + 6 + BARS + 16
_ACROSS = WIDE - LEFT - RIGHT
_TICKS = 3
_APART = 4.5
_LARGEST = 1e300
"""What is larger is as good as infinite, and is not drawn."""
_MARKS = {
    State.DATA: ("fault", "l-3.5-3.5m0 7l7-7m0 7l-3.5-3.5"),
    State.UNUSUAL: ("odd", "m0-3.5l3.5 3.5l-3.5 3.5l-3.5-3.5z"),
}
_MARK = ("beyond", "m0-4l3.8 6.5h-7.6z")
"""Shapes, drawn from the point on: a cross for a fault, a hollow diamond for an unusual window, a triangle for all else."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart. `look` is its style: `observed`, `matured`, `same_age`, `estimated`, `proxy`."""

    name: str
    look: str
    points: Sequence[Point]

    @property
    def metric(self) -> str:
        return self.points[-1].measurement.metric


def line_chart(id_: str, title: str, description: str, lines: Sequence[Line], axis: TimeAxis, clock: Clock, *, zero: bool) -> Markup:
    """One measurement over time: interval band, limit, line, marks for what is beyond, and below it the rows of each window as bars.

    The first line has the band, the limit and the bars; `zero` begins the scale at 0.
    """
    low, high, ticks = _scale(lines, zero=zero)

    plot = _Plot(axis, low, high)
    parts = []
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{LEFT} {plot.y(tick):.1f}H{WIDE - RIGHT}"/>')
        label = escape(figures.amount(lines[0].metric, tick))
        parts.append(f'<text x="{LEFT - 5}" y="{plot.y(tick) + 3.5:.1f}" text-anchor="end">{label}</text>')
    for share, name in axis.labels(clock):
        at = LEFT + _ACROSS * share
        parts.append(f'<path class="tick" d="M{at:.1f} {_BOTTOM}v4"/><text x="{at:.1f}" y="{_HIGH - 3}">{escape(name)}</text>')
    parts += [plot.band(lines[0].points), plot.limit(lines[0].points)]
    parts += [path(f"line-{line.look}", plot.strokes(line.points)) for line in reversed(lines)]
    parts += [*plot.marks(lines), plot.bars(lines[0].points), f'<path class="axis" d="M{LEFT} {_BOTTOM}H{WIDE - RIGHT}"/>']
    return described(id_, title, description, parts, f"0 0 {WIDE} {_HIGH}", "series")


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where windows and values stand in a chart."""

    axis: TimeAxis
    low: float
    high: float

    def x(self, window: Window) -> float:
        return LEFT + _ACROSS * self.axis.middle(window)

    def y(self, value: float | None) -> float:
        known = min(max(value or 0.0, self.low), self.high)
        share = (known - self.low) / (self.high - self.low)
        return _BOTTOM - PLOT * share

    def strokes(self, points: Sequence[Point]) -> str:
        """A line for each stretch of windows without a gap; a dot where there is one alone."""
        stretches = [
            [(self.x(p.window), self.y(p.measurement.value)) for p in stretch] for stretch in self._stretches(filter(_drawable, points))
        ]
        return "".join(pen(at) + ("h0" if len(at) == 1 else "") for at in stretches)

    def band(self, points: Sequence[Point]) -> str:
        """The intervals."""
        drawn = []
        for stretch in self._stretches(p for p in points if p.measurement.low is not None and p.measurement.high is not None):
            half = 1.0 if len(stretch) == 1 else 0.0
            around = [(p, self.x(p.window) - half) for p in stretch] + ([(stretch[0], self.x(stretch[0].window) + half)] if half else [])
            upper = [(at, self.y(p.measurement.high)) for p, at in around]
            lower = [(at, self.y(p.measurement.low)) for p, at in reversed(around)]
            drawn.append(pen([*upper, *lower]) + "z")
        return path("band", "".join(drawn))

    def limit(self, points: Sequence[Point]) -> str:
        """Steps at the limits in force, written once for as long as a limit stays; those off the scale are left out."""
        drawn: list[str] = []
        held: tuple[float, float] | None = None
        for point in points:
            limit = point.measurement.limit
            if limit is None or not self.low <= limit <= self.high:
                drawn += [f"H{held[0]:g}"] if held else []
                held = None
                continue
            x, y = round(self.x(point.window), 1), round(self.y(limit), 1)
            if held is None:
                drawn.append(f"M{x:g} {y:g}")
            elif held[1] != y:
                drawn.append(f"H{x:g}V{y:g}")
            held = x, y
        return path("limit-line", "".join(drawn) + (f"H{held[0]:g}" if held else ""))

    def marks(self, lines: Sequence[Line]) -> list[str]:
        """A shape at each value that is beyond, where they crowd at some of them; a stroke at the bottom where no value can be judged."""
        drawn: dict[str, list[str]] = {}
        for line in lines:
            last: dict[str, float] = {}
            for point in line.points:
                x = self.x(point.window)
                if point.state in BAD and _drawable(point):
                    name, shape = _MARKS.get(point.state, _MARK)
                    if x - last.get(name, -_APART) >= _APART:
                        last[name] = x
                        drawn.setdefault(name, []).append(f"M{x:.1f} {self.y(point.measurement.value):.1f}{shape}")
                elif point.state is State.UNKNOWN and line is lines[0]:
                    drawn.setdefault("few", []).append(f"M{x:.1f} {_BOTTOM}v-5")
        return [path(f"mark-{name}", "".join(found)) for name, found in drawn.items()]

    def bars(self, points: Sequence[Point]) -> str:
        """The rows of each window."""
        most = max((p.measurement.n for p in points), default=0)
        if not most:
            return ""
        base = _BOTTOM + 5 + BARS
        wide = max(_ACROSS * (self.axis.length / (self.axis.end - self.axis.start)) * 0.8, 0.4)
        drawn = "".join(f"M{self.x(p.window):.1f} {base}v-{BARS * p.measurement.n / most:.1f}" for p in points if p.measurement.n)
        return f'<path class="bars" stroke-width="{min(wide, 24):.2f}" d="{drawn}"/>'

    def _stretches(self, points: Iterable[Point]) -> Iterator[list[Point]]:
        """Points without a gap between them."""
        held: list[Point] = []
        for point in points:
            if held and not self.axis.together(held[-1].window, point.window):
                yield held
                held = []
            held.append(point)
        if held:
            yield held


def _drawable(point: Point) -> bool:
    return point.measurement.value is not None and abs(point.measurement.value) < _LARGEST


def _scale(lines: Sequence[Line], *, zero: bool) -> tuple[float, float, list[float]]:
    """The ends of the scale and its round marks. Intervals may widen it to twice what the values need, and are cut beyond."""
    metric = lines[0].metric
    found = [p.measurement.value for line in lines for p in line.points if p.measurement.value is not None and _drawable(p)]
    found += [p.measurement.limit for p in lines[0].points if p.measurement.limit is not None and abs(p.measurement.limit) < _LARGEST]
    low, high = min(found, default=0.0), max(found, default=1.0)
    low = min(low, 0.0) if zero else low
    room = (high - low) / 2
    ends = [e for p in lines[0].points for e in (p.measurement.low, p.measurement.high) if e is not None and low - room <= e <= high + room]
    low, high = min([low, *ends]), max([high, *ends])
    if high / 2 - low / 2 <= 1e-9 * max(abs(low), abs(high)):
        low, high = (low - abs(low) / 2 - 0.5e-9, high + abs(high) / 2 + 0.5e-9) if low else (0.0, 1.0)
    span = high - low
    clock = figures.unit_of(metric, high)
    unit = clock * 10.0 ** math.floor(math.log10(span / clock))
    step = next(unit * part for part in (0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10) if span / (unit * part) <= _TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if figures.is_share(metric) and high <= 1:
        last = min(last, math.floor(1 / step + 1e-9))
    return first * step, max(last * step, high), [round(i * step, 12) for i in range(first, last + 1)]
