"""Findings: tests with their limits printed, and which of them are faults of the data rather than drift.

A printed limit and the verdict agree: what has crossed is beyond its limit, and what has not is within it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from driftline.core.verdicts import Finding, MeasureValue
from driftline.drift.floors import Floor
from driftline.drift.rates import one_rate_p, quiet_rate
from driftline.drift.result import Result
from driftline.drift.stories import Case, tell
from driftline.drift.tails import chi2_quantile, normal_quantile

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
    "varies": "changed_rate",
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


def has_crossed(result: Result, alpha: float) -> bool:
    """Whether chance is ruled out and the effect counts."""
    return result.p <= alpha and result.enough


def finding_of(result: Result, case: Case, alpha: float, floor: Floor, *, rising: bool = False) -> Finding:
    """The finding of one test; `primary_finding` makes that of the distance. `rising`: of a share of missing values that has not crossed
    the limit is that from which on it is a fault, even where the share has fallen."""
    crossed = has_crossed(result, alpha)
    limit = _rising_limit(result, alpha) if rising and not crossed else _limit(result, case, alpha, floor, crossed=crossed)
    text = tell(result, case) if crossed else ""
    value = float(result.value) if math.isfinite(result.value) else None
    return _judged(Finding(result.kind, TITLES[result.kind], value, limit, text, crossed, False, result.reference, result.p, alpha))


def primary_finding(result: Result, case: Case, alpha: float, primary: MeasureValue | None) -> Finding:
    """The finding of the test of the distance, told with the measure of the column."""
    value, limit, measure = (primary.value, primary.limit, primary.name) if primary else (None, None, "")
    crossed = has_crossed(result, alpha) and value is not None and limit is not None and value > limit
    return Finding("distance", measure, value, limit, tell(result, case) if crossed else "", crossed, False, None, result.p, alpha)


def settled(primary: MeasureValue, least: float, scale: float, p: float, alpha: float) -> MeasureValue:
    """The measure with a limit that agrees with the test of the distance.

    `least` is the limit of the effect, `scale` the factor by which the measure would have to grow (or could shrink) to be at the limit of
    the test. The limit by chance holds for all samples of this size; where it and the test disagree about these rows, the test is right.
    """
    own = primary.value * scale
    if p <= alpha:
        return replace(primary, limit=max(least, min(primary.limit, own)))
    return replace(primary, limit=max(least, primary.limit, own))


def is_fault(finding: Finding) -> bool:
    """Whether a crossed finding says that the data are broken, not that the world has changed."""
    now, before = finding.value or 0.0, finding.reference or 0.0
    if finding.kind == "missing":
        return now - before >= MISSING_FAULT or (before == 0.0 and now >= NEVER_MISSING_FAULT)
    if finding.kind == "unseen":
        return now >= UNSEEN_FAULT
    return finding.kind in ALWAYS_FAULTS


def missing_fault_limit(finding: Finding) -> float | None:
    """The share of missing values from which the finding is a fault; None where no share would be one, or nothing is known."""
    least = _least_missing(finding.reference or 0.0)
    return None if finding.limit is None or least > 1 else max(least, finding.limit)


def _least_missing(before: float) -> float:
    return before + MISSING_FAULT if before else NEVER_MISSING_FAULT


def _rising_limit(result: Result, alpha: float) -> float | None:
    """The smallest rise that is a fault where chance does not reach it, which is soon known; else what chance allows."""
    if result.counts is None or result.bounds is None or 0 in (result.counts[1], result.counts[3]):
        return None
    _, n, r, m = result.counts
    least = min(max(result.bounds[1], _least_missing(result.reference or 0.0)), 1.0)
    if one_rate_p(math.ceil(least * n), n, r, m, both=result.both) <= alpha:
        return least
    return max(least, quiet_rate(n, r, m, alpha, higher=True, both=result.both))


def _judged(finding: Finding) -> Finding:
    return replace(finding, fault=finding.crossed and is_fault(finding))


def _limit(result: Result, case: Case, alpha: float, floor: Floor, *, crossed: bool) -> float | None:
    """The value beyond which the test has crossed: what chance allows or the floor of the effect, whichever is further out."""
    if result.kind in ("location", "shape"):
        return _limit_of_move(result, case, alpha, floor, crossed=crossed)
    if result.bounds is None:
        return None
    low, high = result.bounds
    before = result.reference or 0.0
    fewer = result.value < before and result.both
    if result.counts is None:
        return high
    _, n, r, m = result.counts
    if m == 0 or n == 0:
        return None
    quiet = quiet_rate(n, r, m, alpha / result.tried, higher=not fewer, both=result.both)
    return max(min(low, quiet), 0.0) if fewer else min(max(high, quiet), 1.0)


def _limit_of_move(result: Result, case: Case, alpha: float, floor: Floor, *, crossed: bool) -> float:
    """The limit of a location (with the sign of the value) or a shape, from the plain tails.

    A skewed tail may put the limit of these rows a little elsewhere: then the limit of the effect alone is printed for what has crossed.
    """
    assert case.fine is not None
    unit = float(sum(1 / max(side[case.place, 2:-1].sum(), 1) for side in (case.fine.current, case.fine.reference)))
    least = floor.psi
    if result.kind == "shape":
        effect, chance = least + 4 * unit, float(chi2_quantile(alpha, 4)) * unit
        return _agreed(result.value, effect, chance, crossed=crossed)
    effect, chance = math.sqrt(least + unit), normal_quantile(alpha / 2) * math.sqrt(unit)
    return math.copysign(_agreed(abs(result.value), effect, chance, crossed=crossed), result.value)


def _agreed(value: float, effect: float, chance: float, *, crossed: bool) -> float:
    limit = max(effect, chance)
    if crossed and value <= limit:
        return min(effect, float(np.nextafter(value, -math.inf)))
    return max(limit, value) if not crossed else limit
