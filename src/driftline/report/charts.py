"""Charts drawn on the server as SVG: no script, colours from the page's style sheet, text from the data escaped.

Each chart is small and drawn at the size at which it is read on a phone; a wide screen enlarges it a little. Reference shares are outlined,
current shares are filled, so the two can be told apart without colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from driftline.core.verdicts import Chart
from driftline.report import numbers
from driftline.report.text import shorten, visible, width

WIDE = 360
_CHAR = 5.9  # mean width of a character at font size 11
_MOST_ROWS = 20
_MOST_BARS = 60
_SLOT_LABEL = 16
_ROW_LABEL = 16


def distribution(chart: Chart, *, ordered: bool) -> Markup:
    """Shares per bin, reference outlined and current filled on the same axis from 0. Bins with an order stand side by side, levels lie
    below each other with their change beside them. The SVG is hidden from screen readers; its table says the same."""
    return _columns(chart) if ordered else _rows(chart)


def bullet(value: float, limit: float, chance: float | None, *, crossed: bool) -> Markup:
    """A value as a bar against its limit (tall line) and what chance alone gives (short line), by size on one scale from 0. A rate that
    fell may have `crossed` a limit that it lies below."""
    value, limit = abs(value), abs(limit)
    top = 1.12 * max(value, limit, chance or 0.0) or 1.0

    def x(number: float) -> float:
        return number / top * 240

    parts = [
        '<rect class="track" x="0" y="7" width="240" height="10" rx="2"/>',
        f'<rect class="{"over" if crossed else "under"}" x="0" y="7" width="{x(value):.1f}" height="10" rx="2"/>',
    ]
    if chance is not None:
        parts.append(f'<path class="chance" d="M{x(chance):.1f} 4V20"/>')
    parts.append(f'<path class="limit" d="M{x(limit):.1f} 0V24"/>')
    return _svg(parts, 240, 24, "bullet")


def intervals(
    current: tuple[float | None, float | None, float | None],
    reference: tuple[float | None, float | None, float | None],
    low: float,
    high: float,
) -> Markup:
    """Two intervals (low, value, high) above each other on the scale from `low` to `high`: current on top, reference below."""
    span = (high - low) or 1.0
    parts = []
    for (left, middle, right), y, name in ((current, 7, "cur"), (reference, 19, "ref")):
        if middle is None:
            continue
        x = [8 + 144 * (number - low) / span for number in (middle if left is None else left, middle, middle if right is None else right)]
        parts.append(f'<path class="range-{name}" d="M{x[0]:.1f} {y}H{x[2]:.1f}M{x[0]:.1f} {y - 3}V{y + 3}M{x[2]:.1f} {y - 3}V{y + 3}"/>')
        parts.append(f'<circle class="dot-{name}" cx="{x[1]:.1f}" cy="{y}" r="3.5"/>')
    return _svg(parts, 160, 26, "intervals")


def largest_changes(chart: Chart, most: int = 2) -> str:
    """The bins that changed most, in words: `60k to 80k: 10.0 % → 19.1 % (+9.1 pp)`."""
    changes = sorted(zip(chart.labels, chart.reference, chart.current, strict=True), key=lambda bin_: -abs(bin_[2] - bin_[1]))
    told = [
        f"{shorten(visible(label), 40)}: {numbers.percent(before)} → {numbers.percent(now)} ({numbers.points(now - before)})"
        for label, before, now in changes[:most]
    ]
    return "; ".join(told)


def _columns(chart: Chart) -> Markup:
    bars = _folded(chart, _MOST_BARS)
    left, plot, bottom = 38, WIDE - 42, 150
    top_share, ticks = _axis(max((*bars.reference, *bars.current), default=0.0))
    slot = plot / max(len(bars.labels), 1)

    def y(share: float) -> float:
        return 10 + (bottom - 10) * (1 - share / top_share)

    parts = []
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{left} {y(tick):.1f}H{left + plot}"/>')
        parts.append(f'<text class="tick" x="{left - 5}" y="{y(tick) + 3.5:.1f}" text-anchor="end">{round(tick * 100, 6):g} %</text>')
    for i, (before, now) in enumerate(zip(bars.reference, bars.current, strict=True)):
        x = left + i * slot
        parts.append(_bar("ref", x + slot * 0.1, y(before), slot * 0.8, bottom - y(before)))
        parts.append(_bar("cur", x + slot * 0.28, y(now), slot * 0.44, bottom - y(now)))
    parts.append(f'<path class="axis" d="M{left} {bottom}H{left + plot}"/>')
    labels, depth = _slot_labels(bars.labels, left, slot, bottom)
    return _svg([*parts, *labels], WIDE, bottom + depth, "distribution")


def _slot_labels(labels: Sequence[str], left: float, slot: float, bottom: float) -> tuple[list[str], float]:
    """The names of the bins below the axis: level where they fit, slanted and thinned out where they do not."""
    short = [shorten(visible(label), _SLOT_LABEL) for label in labels]
    longest = max(map(width, short), default=0)
    if longest * _CHAR <= slot:
        level = [
            f'<text x="{left + (i + 0.5) * slot:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(s)}</text>'
            for i, s in enumerate(short)
        ]
        return level, 22
    each = max(1, math.ceil(15 / slot))
    slanted = [
        f'<text transform="translate({left + (i + 0.5) * slot + 3:.1f} {bottom + 12}) rotate(-38)" text-anchor="end">{escape(s)}</text>'
        for i, s in enumerate(short)
        if i % each == 0
    ]
    return slanted, 20 + 0.62 * longest * _CHAR


def _rows(chart: Chart) -> Markup:
    bars = _folded(chart, _MOST_ROWS)
    left, plot, high = 120, 180, 24
    top_share = max((*bars.reference, *bars.current), default=0.0) or 1.0
    parts = []
    for i, (label, before, now) in enumerate(zip(bars.labels, bars.reference, bars.current, strict=True)):
        y = 4 + i * high
        parts.append(
            f'<text class="level" x="{left - 8}" y="{y + 13.5}" text-anchor="end">{escape(shorten(visible(label), _ROW_LABEL))}</text>'
        )
        parts.append(_bar("ref", left, y + 1, plot * before / top_share, 16))
        parts.append(_bar("cur", left, y + 5, plot * now / top_share, 8))
        parts.append(f'<text class="tick" x="{WIDE}" y="{y + 13}" text-anchor="end">{numbers.points(now - before)}</text>')
    parts.append(f'<path class="axis" d="M{left} 2V{6 + high * len(bars.labels)}"/>')
    return _svg(parts, WIDE, 8 + high * len(bars.labels), "distribution")


def _folded(chart: Chart, most: int) -> Chart:
    """The chart with its last bins added up where there are more than can be drawn."""
    left = len(chart.labels) - (most - 1)
    if left <= 1:
        return chart
    kept = most - 1
    return Chart(
        (*chart.labels[:kept], f"{left} more"),
        (*chart.reference[:kept], sum(chart.reference[kept:])),
        (*chart.current[:kept], sum(chart.current[kept:])),
    )


def _axis(largest: float) -> tuple[float, list[float]]:
    """The top of the axis and its marks, at round shares: three to five of them."""
    if largest <= 0:
        return 1.0, [0.0, 0.5, 1.0]
    unit = 10.0 ** math.floor(math.log10(largest))
    step = next(unit * part for part in (0.25, 0.5, 1, 2, 2.5, 5) if largest / (unit * part) <= 4)
    marks = math.ceil(largest / step - 1e-9)
    return marks * step, [i * step for i in range(marks + 1)]


def _bar(name: str, x: float, y: float, wide: float, high: float) -> str:
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'


def _svg(parts: Sequence[str], wide: float, high: float, name: str) -> Markup:
    # Safe to mark: every label above went through `escape`, everything else is a number or a word of ours.
    drawing = f'<svg class="{name}" viewBox="0 0 {wide:.0f} {high:.0f}" aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    return Markup(drawing)  # noqa: S704
