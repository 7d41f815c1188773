"""The page model: what the HTML report shows, decided here so that the templates only lay it out.

Its size is bounded: every column has a row in the table, but only the first columns that are not stable have a card with charts, and a
few stable ones a chart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from driftline.core.verdicts import Chart, ColumnVerdict, Comparison, QualityVerdict, SegmentVerdict, Verdict
from driftline.report import charts
from driftline.report.advice import next_steps
from driftline.report.stories import deciding_segment, drifted_segments
from driftline.report.words import QUALITY_FULL, QUALITY_LOOKS, quality_state

MOST_CARDS = 50
MOST_STABLE_CHARTS = 9
WHOLE_JSON = 300
ORDERED_KINDS = frozenset({"numeric", "integer", "datetime"})
_LEFT_OUT = ("chart", "measures", "findings", "segments", "evidence", "why_measure", "derivation")


@dataclass(frozen=True, slots=True)
class Figure:
    """One distribution: the drawing, its words and the rows of its table."""

    id: str
    drawing: Markup
    summary: str
    rows: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One column shown in full. Where it drifted in segments only, `segment` is the one whose numbers it shows and `only` names them."""

    id: str
    column: ColumnVerdict
    story: str
    segment: SegmentVerdict | None
    only: str
    figure: Figure | None
    chance: float | None
    bullet: Markup | None


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One quality metric, its two intervals drawn on the scale of that metric. `word` is empty where it is shown and not judged."""

    quality: QualityVerdict
    word: str
    look: str
    story: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the report template is given."""

    comparison: Comparison
    steps: tuple[str, ...]
    faults: tuple[Card, ...]
    drift: tuple[Card, ...]
    predictions: tuple[Card, ...]
    insufficient: tuple[ColumnVerdict, ...]
    uncarded: int
    quality: tuple[QualityRow, ...]
    other_quality: tuple[QualityRow, ...]
    segment_quality: tuple[QualityRow, ...]
    stable_figures: tuple[tuple[ColumnVerdict, Figure], ...]
    links: dict[str, str]
    document: dict[str, Any]


def page_of(comparison: Comparison) -> Page:
    """The page of a comparison."""
    shown = [c for c in comparison.columns if _has_card(c)]
    cards = [_card(f"c{i}", column) for i, column in enumerate(shown[:MOST_CARDS], start=1)]
    stable = [c for c in comparison.columns if c.verdict is Verdict.STABLE and c.role != "prediction" and c.chart is not None]
    quality = _quality_rows(comparison.quality)
    faulty = [card for card in cards if card.column.verdict is Verdict.FAULTY]
    other = [card for card in cards if card.column.verdict is not Verdict.FAULTY]
    return Page(
        comparison=comparison,
        steps=next_steps(comparison),
        faults=tuple(faulty),
        drift=tuple(card for card in other if card.column.role != "prediction"),
        predictions=tuple(card for card in other if card.column.role == "prediction"),
        insufficient=tuple(c for c in comparison.columns if c.verdict is Verdict.INSUFFICIENT and c.role != "prediction"),
        uncarded=len(shown) - len(cards),
        quality=tuple(row for row in quality if row.word and not row.quality.segment),
        other_quality=tuple(row for row in quality if not row.word and not row.quality.segment),
        segment_quality=tuple(row for row in quality if row.quality.segment and row.word),
        stable_figures=tuple((c, figure(f"s{i}", c, c.chart)) for i, c in enumerate(stable[:MOST_STABLE_CHARTS], start=1) if c.chart),
        links={card.column.name: card.id for card in cards},
        document=document(comparison, frozenset(card.column.name for card in cards)),
    )


def document(comparison: Comparison, detailed: frozenset[str]) -> dict[str, Any]:
    """The JSON document; above 300 columns, only the `detailed` ones keep their charts and evidence, and `abridged` says so."""
    whole = comparison.to_dict()
    if len(comparison.columns) <= WHOLE_JSON:
        return whole
    columns = [
        column if column["name"] in detailed else {key: value for key, value in column.items() if key not in _LEFT_OUT}
        for column in whole["columns"]
    ]
    left = sum("chart" not in column for column in columns)
    why = f"more than {WHOLE_JSON} columns; `driftline compare --json` writes the whole document"
    return {**whole, "columns": columns, "abridged": {"columns": left, "left_out": list(_LEFT_OUT), "why": why}}


def figure(id_: str, column: ColumnVerdict, chart: Chart) -> Figure:
    """The distribution of a column as a figure with its table."""
    return Figure(
        id=id_,
        drawing=charts.distribution(chart, ordered=column.kind in ORDERED_KINDS),
        summary=f"Largest changes: {charts.largest_changes(chart)}." if chart.labels else "No bins.",
        rows=tuple(zip(chart.labels, chart.reference, chart.current, strict=True)),
    )


def _has_card(column: ColumnVerdict) -> bool:
    return column.role == "prediction" or column.verdict in (Verdict.FAULTY, Verdict.DRIFTED)


def _card(id_: str, column: ColumnVerdict) -> Card:
    # A column that drifted in one segment only is decided by numbers of that segment; what chance gives in all rows is no match for them.
    chance = next((m.chance for m in column.measures if m.name == column.measure and m.value == column.value), None)
    drawn = None
    if column.value is not None and column.limit is not None:
        drawn = charts.bullet(column.value, column.limit, chance, crossed=column.verdict in (Verdict.FAULTY, Verdict.DRIFTED))
    segment = deciding_segment(column)
    return Card(
        id=id_,
        column=column,
        story=column.note if segment is None else segment.note,
        segment=segment,
        only="" if segment is None else drifted_segments(column),
        figure=figure(f"{id_}-shares", column, column.chart) if column.chart else None,
        chance=chance,
        bullet=drawn,
    )


def _quality_rows(quality: tuple[QualityVerdict, ...]) -> tuple[QualityRow, ...]:
    scales: dict[str, list[float]] = {}
    for q in quality:
        ends = (q.low, q.value, q.high, q.reference_low, q.reference, q.reference_high)
        scales.setdefault(q.metric, []).extend(end for end in ends if end is not None)
    rows = []
    for q in quality:
        scale = scales[q.metric] or [0.0, 1.0]
        state = quality_state(q)
        judged = q.headline or q.verdict is not Verdict.STABLE
        drawing = charts.intervals((q.low, q.value, q.high), (q.reference_low, q.reference, q.reference_high), min(scale), max(scale))
        rows.append(QualityRow(q, QUALITY_FULL[state] if judged else "", QUALITY_LOOKS[state], q.note, drawing))
    return tuple(rows)
