"""Findings: tests with their limits printed, and which of them are faults of the data rather than drift."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from driftline.core.verdicts import Finding, MeasureValue
from driftline.drift.floors import FLOORS, LEAST_CHANGE, RATE
from driftline.drift.rates import highest_quiet
from driftline.drift.stories import Case, tell
from driftline.drift.tails import chi2_quantile, normal_quantile
from driftline.drift.tested import UNSEEN_SHARE, Test

TITLES: Mapping[str, str] = {
    "location": "location",
    "shape": "shape",
    "spike": "bin_rate",
    "level": "level_rate",
    "missing": "missing_rate",
    "infinite": "infinite_rate",
    "far_out_of_range": "far_out_of_range_rate",
    "out_of_range": "out_of_range_rate",
    "unseen": "unseen_rate",
    "constant": "largest_share",
    "duplicate_ids": "duplicate_rate",
    "decision_rate": "decision_rate",
    "unit_change": "unit_factor",
}
"""What the number of each test is called; a distance goes by the name of its measure."""

ALWAYS_FAULTS = ("infinite", "far_out_of_range", "constant", "unit_change", "type_change", "missing_column", "duplicate_ids")
MISSING_FAULT = 0.05
NEVER_MISSING_FAULT = 0.01
UNSEEN_FAULT = 0.10


@dataclass(frozen=True, slots=True)
class Line:
    """Where the limits of a table come from: the probability it may spend, and the number of columns that share it."""

    alpha: float
    columns: int

    def derivation(self, lead: Finding, alpha: float, floor: str, values: Sequence[MeasureValue]) -> str:
        """How the limit of the deciding number was found, in one sentence that can be checked with a pocket calculator."""
        tests = round(self.alpha / max(self.columns, 1) / alpha)
        shared = f"{self.alpha:.2g} per table / {self.columns} columns / {tests} tests = {alpha:.2g} by chance per test"
        own = next((v for v in values if v.name == lead.measure), None)
        if own is not None:
            least = FLOORS["psi" if own.name == "chi2" else own.name][floor]
            return f"limit {own.limit:.3g}: at least the floor {least:g} ({floor} importance) with the {own.chance:.2g} that chance adds, and {shared}"
        if lead.limit is None:
            return shared
        return f"limit {lead.limit:.3g}: {shared}, and the floor for {floor} importance"


def finding_of(test: Test, case: Case, alpha: float, floor: str, primary: MeasureValue | None) -> Finding:
    """The finding of one test. `primary` is the measure that speaks for the distance test."""
    value, limit, measure = test.value, _limit(test, case, alpha, floor), TITLES.get(test.kind, "")
    enough = test.effect_ok
    if primary is not None:
        value, limit, measure = primary.value, primary.limit, primary.name
        enough = value > limit
    crossed = bool(test.p <= alpha and enough)
    text = tell(test, case) if crossed else ""
    known = test.kind != "distance" or primary is not None
    finding = Finding(test.kind, measure, _finite(value) if known else None, limit, text, crossed, False, test.reference, test.p, alpha)
    return Finding(**{**_fields(finding), "fault": crossed and is_fault(finding)})


def is_fault(finding: Finding) -> bool:
    """Whether a crossed finding says that the data are broken, not that the world has changed."""
    now, before = finding.value or 0.0, finding.reference or 0.0
    if finding.kind == "missing":
        return now - before >= MISSING_FAULT or (before == 0.0 and now >= NEVER_MISSING_FAULT)
    if finding.kind == "unseen":
        return now >= UNSEEN_FAULT
    return finding.kind in ALWAYS_FAULTS


def _limit(test: Test, case: Case, alpha: float, floor: str) -> float | None:
    """The value that the test has to exceed: what chance allows or the floor of the effect, whichever is higher."""
    if test.kind in ("location", "shape"):
        assert case.fine is not None
        unit = float(1 / max(case.fine.current[case.place, 2:-1].sum(), 1) + 1 / max(case.fine.reference[case.place, 2:-1].sum(), 1))
        least = FLOORS["psi"][floor]
        if test.kind == "location":
            return max(normal_quantile(alpha / 2) * math.sqrt(unit), math.sqrt(least + unit))
        return max(float(chi2_quantile(alpha, 4)) * unit, least + 4 * unit)
    if test.kind == "unseen":
        return UNSEEN_SHARE
    if test.counts is None:
        return None
    before = test.reference or 0.0
    quiet_now = test.p > alpha or not test.effect_ok
    if test.value < before and not quiet_now:
        return math.sin(max(math.asin(math.sqrt(before)) - RATE[floor] / 2, 0.0)) ** 2
    quiet = highest_quiet(test.counts[1], test.counts[2], test.counts[3], alpha) if not quiet_now else 0.0
    least = math.sin(min(math.asin(math.sqrt(before)) + RATE[floor] / 2, math.pi / 2)) ** 2
    return max(quiet, least, before + LEAST_CHANGE)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _fields(finding: Finding) -> dict[str, object]:
    return {name: getattr(finding, name) for name in finding.__slots__}
