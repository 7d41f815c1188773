"""Ranking: what matters most comes first, and the whole table in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from driftline.core.verdicts import ColumnVerdict, QualityVerdict, SegmentVerdict, Verdict

BAD = (Verdict.FAULTY, Verdict.DRIFTED)
_ORDER = {Verdict.FAULTY: 0, Verdict.DRIFTED: 1, Verdict.INSUFFICIENT: 2, Verdict.STABLE: 3}
EVEN = 0.05
FURTHEST = 100.0
SPARED = 1 / 3
"""Segments whose effect is below this part of that of the segments which have changed are told to be spared."""


def ranked(columns: Sequence[ColumnVerdict]) -> tuple[ColumnVerdict, ...]:
    """Faults, then drift, then what cannot be judged; inside each by effect times importance."""
    return tuple(sorted(columns, key=lambda c: (_ORDER[c.verdict], -c.severity.rank, -weight(c), c.name)))


def weight(column: ColumnVerdict) -> float:
    """How much a column matters: how far it is beyond its limit, times its importance. A prediction counts as most important.

    A fault without a limit, such as a column that is gone, is as far beyond it as can be.
    """
    importance = 1.0 if column.role == "prediction" else EVEN if column.importance is None else column.importance
    bad = column.verdict in BAD
    if not column.value or not column.limit:
        return importance * (FURTHEST if bad else 1.0)
    beyond = abs(column.value) / abs(column.limit)
    return importance * min(max(beyond, 1 / beyond) if bad else beyond, FURTHEST)


def with_segments(overall: Sequence[ColumnVerdict], by_segment: Mapping[str, Sequence[ColumnVerdict]]) -> list[ColumnVerdict]:
    """The verdicts of all rows with what each segment says; a column that has drifted in a segment only has drifted."""
    if not by_segment:
        return list(overall)
    return [_one(column, {name: verdicts[i] for name, verdicts in by_segment.items()}) for i, column in enumerate(overall)]


def _one(column: ColumnVerdict, segments: Mapping[str, ColumnVerdict]) -> ColumnVerdict:
    bad = {name: v for name, v in segments.items() if v.verdict in BAD}
    judged = {name: v for name, v in segments.items() if v.verdict is not Verdict.INSUFFICIENT}
    parts = tuple(
        SegmentVerdict(name, v.verdict, v.n, v.measure, v.value, v.limit, v.note)
        for name, v in sorted(segments.items(), key=lambda item: (_ORDER[item[1].verdict], -weight(item[1]), item[0]))
    )
    if column.verdict in BAD:
        rest = [v for name, v in judged.items() if name not in bad]
        where = f"{column.note}; only {_listed(bad)}" if bad and rest and _spared(column, bad.values(), rest) else column.note
        return replace(column, note=where, segments=parts)
    if not bad:
        return replace(column, segments=parts)
    worst = max(bad.values(), key=lambda v: (v.severity.rank, weight(v)))
    name = next(name for name, v in bad.items() if v is worst)
    return replace(
        column,
        verdict=worst.verdict,
        severity=worst.severity,
        measure=worst.measure,
        value=worst.value,
        limit=worst.limit,
        cause=worst.cause,
        evidence=f"only {_listed(bad)}; {worst.evidence}",
        note=f"{name}: {worst.note}; not in all rows together",
        derivation=f"in {name}: {worst.derivation}",
        findings=worst.findings,
        segments=parts,
    )


def _spared(column: ColumnVerdict, bad: Iterable[ColumnVerdict], rest: Iterable[ColumnVerdict]) -> bool:
    """Whether the other segments really lack what moved the column, rather than the rows to show it."""
    lead = next((f for f in column.findings if f.measure == column.measure), column.findings[0])
    sizes = [_size(verdict, lead.kind) for verdict in bad]
    least = min((size for size in sizes if size is not None), default=None)
    others = [_size(verdict, lead.kind) for verdict in rest]
    return least is not None and all(size is not None and size < least * SPARED for size in others)


def _size(verdict: ColumnVerdict, kind: str) -> float | None:
    """How large the effect is that a test found in a segment; None where it was not asked there."""
    finding = next((f for f in verdict.findings if f.kind == kind and f.value is not None), None)
    return None if finding is None or finding.value is None else abs(finding.value - (finding.reference or 0.0))


def _listed(segments: Mapping[str, ColumnVerdict]) -> str:
    names = list(segments)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def headline(columns: Sequence[ColumnVerdict], quality: Sequence[QualityVerdict]) -> str:
    """The whole table in one sentence."""
    compared = [c for c in columns if c.kind != "new"]
    faults = [c for c in compared if c.verdict is Verdict.FAULTY]
    drifted = [c for c in compared if c.verdict is Verdict.DRIFTED]
    unknown = [c for c in compared if c.verdict is Verdict.INSUFFICIENT]
    worse = [q for q in quality if q.headline and not q.segment and q.verdict is Verdict.DRIFTED]
    parts = []
    if worse:
        parts.append(f"quality is worse than tolerated ({', '.join(q.metric.replace('_', ' ') for q in worse)})")
    if faults:
        parts.append(f"{len(faults)} of {len(compared)} columns {_has(faults)} a data problem ({_names(faults)})")
    if drifted:
        noun = "" if faults else " column" if len(drifted) == 1 else " columns"
        parts.append(f"{len(drifted)}{noun} {_has(drifted)} drifted ({_names(drifted)})")
    if unknown and len(unknown) == len(compared):
        return "Not enough rows to judge any column."
    if unknown:
        parts.append(f"{len(unknown)} {'has' if len(unknown) == 1 else 'have'} not enough data")
    stable = "the only column is stable" if len(compared) == 1 else f"all {len(compared)} columns are stable"
    sentence = "; ".join(parts) or stable
    return sentence[0].upper() + sentence[1:] + "."


def _has(columns: Sequence[ColumnVerdict]) -> str:
    return "has" if len(columns) == 1 else "have"


def _names(columns: Sequence[ColumnVerdict]) -> str:
    first = [c.name for c in ranked(columns)[:3]]
    return ", ".join(first) + (", ..." if len(columns) > 3 else "")
