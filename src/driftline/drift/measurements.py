"""Verdicts as measurements, the only thing that goes upstairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftline.core.records import Measurement, Scope, Status
from driftline.core.verdicts import ColumnVerdict, Verdict


def measurements(verdicts: Sequence[ColumnVerdict], scope: Scope) -> list[Measurement]:
    """One measurement per distance and per deciding test of each column. Where the rows are too few they say so."""
    return [measurement for verdict in verdicts for measurement in _of(verdict, scope)]


def _of(verdict: ColumnVerdict, scope: Scope) -> Iterator[Measurement]:
    status = Status.NODATA if verdict.n == 0 else Status.INSUFFICIENT if verdict.verdict is Verdict.INSUFFICIENT else Status.OK
    numbers: dict[str, tuple[float | None, float | None]] = {m.name: (m.value, m.limit) for m in verdict.measures}
    numbers |= {f.measure: (f.value, f.limit) for f in verdict.findings if f.value is not None and f.measure not in numbers}
    for name, (value, limit) in numbers.items():
        note = verdict.derivation if name == verdict.measure else ""
        yield Measurement(name, value, scope, verdict.n, verdict.name, limit=limit, status=status, note=note)
