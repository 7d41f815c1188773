"""Conclusions: from the findings about a column to its verdict, and which finding decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driftline.core.verdicts import Finding, Verdict
from driftline.drift.findings import is_fault
from driftline.drift.floors import Floor
from driftline.drift.noise import smallest_noncentrality, visible_shift
from driftline.drift.spec import DriftSpec
from driftline.drift.stories import Case

FIRST = (
    "unit_change",
    "missing",
    "infinite",
    "constant",
    "far_out_of_range",
    "duplicate_ids",
    "varies",
    "unseen",
    "decision_rate",
    "location",
    "spike",
    "level",
    "shape",
    "out_of_range",
    "distance",
)
"""Which finding decides, and is told first, where several do."""


def conclude(crossed: Sequence[Finding], visible: float | None, floor: Floor, n: int, spec: DriftSpec, *, known: bool) -> Verdict:
    """The verdict. `visible` is the smallest visible drift; `known` is False where no distribution is judged, only single rates."""
    if any(is_fault(finding) for finding in crossed):
        return Verdict.FAULTY
    if crossed:
        return Verdict.DRIFTED
    too_coarse = visible is None or visible > 2 * floor.psi
    blind = too_coarse if known else n < spec.least_rows
    return Verdict.INSUFFICIENT if blind else Verdict.STABLE


def lead_of(findings: Sequence[Finding], crossed: Sequence[Finding], measure: str) -> Finding:
    """The finding that decides: a fault first, then the measure of the column, then the first that has something to tell."""
    faults = [f for f in crossed if is_fault(f)]
    if faults:
        return min(faults, key=lambda f: FIRST.index(f.kind))
    own = next((f for f in findings if f.measure == measure), findings[0])
    if own.crossed or not crossed:
        return own
    return min(crossed, key=lambda f: FIRST.index(f.kind))


def visible_drift(case: Case, alphas: Mapping[str, float]) -> float | None:
    """The smallest drift, as a PSI, that these rows show with 80 % probability; None where no distribution is judged or has rows."""
    alpha = alphas.get("distance", alphas.get("level"))
    if case.pair is None or alpha is None:
        return None
    if case.fine is not None:
        now, before = (float(side[case.place, 2:-1].sum()) for side in (case.fine.current, case.fine.reference))
        return visible_shift(1 / now + 1 / before, alphas.get("location", alpha)) ** 2 if min(now, before) > 0 else None
    if min(float(case.pair.n[case.place, 0]), float(case.pair.m[case.place, 0])) == 0:
        return None
    degrees = max(float(case.pair.live[case.place].sum()) - 1, 1.0)
    return smallest_noncentrality(degrees, alpha) * float(case.pair.unit[case.place])
