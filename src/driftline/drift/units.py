"""Unit changes: a column that is now the same times 1000, or in miles instead of kilometres.

For a factor f the current mean and standard deviation must be f times the reference's, within their noise, and the current distribution
at f x the reference's at x. Asked only of columns that have drifted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from driftline.drift.pairs import LOWER, UPPER, OrderedPair

Floats = NDArray[np.float64]

FACTORS: Mapping[float, str] = {
    1000.0: "thousand times: grams for kilograms, milliseconds for seconds",
    100.0: "hundred times: cents for euros, percent for shares",
    10.0: "ten times",
    12.0: "yearly for monthly",
    60.0: "minutes for hours or seconds for minutes",
    3600.0: "seconds for hours",
    1e6: "million times",
    1.609344: "kilometres for miles",
    3.28084: "feet for metres",
    2.20462: "pounds for kilograms",
    2.54: "centimetres for inches",
    4.54609: "litres for gallons",
}
NEAR = 2.5
"""Standard errors that the mean and the standard deviation may be away from those that a factor asks for."""
SMALL, SHARP = math.log(15.0), 0.12
"""A factor below 15 is claimed only where the ratio is known to 12 %, and for values of one sign: the world can move that far by itself,
and a column around zero that spreads more has only become more variable."""
CLOSE = 0.02


def unit_factor(pair: OrderedPair, i: int) -> float | None:
    """The factor by which column i seems to have been multiplied, or None."""
    (mean, spread), (mean_now, spread_now) = pair.moments[i].tolist()
    sizes = [math.hypot(mean, spread), math.hypot(mean_now, spread_now)]
    if not all(map(math.isfinite, sizes)) or min(*sizes, spread, spread_now) <= 0:
        return None
    unit = sum(1 / max(float(side[i, 2:-1].sum()), 1.0) for side in (pair.reference, pair.current))
    errors = spread / sizes[0] * math.sqrt(unit), math.sqrt(max(_kurtosis(pair, i) - 1, 0.1) * unit) / 2
    one_sign = pair.edges[i, 0] >= 0 or pair.edges[i, -1] <= 0 or abs(mean) > 2 * spread
    unchanged, noise = _gap(pair, i, 1.0), 1.6 * math.sqrt(unit)
    best: tuple[float, float] | None = None
    for factor in (*FACTORS, *(1 / f for f in FACTORS)):
        if abs(math.log(factor)) < SMALL and (NEAR * min(errors) > SHARP or not one_sign):
            continue
        off = abs(mean_now - factor * mean) / (factor * sizes[0])
        wide = abs(math.log(spread_now / spread / factor))
        if off > NEAR * errors[0] + 0.01 or wide > NEAR * errors[1] + 0.02 or (best is not None and off + wide >= best[0]):
            continue
        gap = _gap(pair, i, factor)
        if gap <= max(CLOSE, noise) and gap * 3 <= unchanged:
            best = (off + wide, factor)
    return best[1] if best else None


def unit_name(factor: float) -> str:
    """`x1000 (thousand times: ...)`, or its inverse."""
    if factor in FACTORS:
        return f"x{factor:.4g} ({FACTORS[factor]})"
    inverse = min(FACTORS, key=lambda known: abs(known - 1 / factor))
    return f"x{factor:.4g} (the reverse of {FACTORS[inverse]})"


def _kurtosis(pair: OrderedPair, i: int) -> float:
    """Fourth standardised moment of the reference, from the middles of its bins."""
    counts = pair.reference[i, LOWER:-UPPER]
    middle = (pair.edges[i, :-1] + pair.edges[i, 1:]) / 2
    mean, spread = pair.moments[i, 0]
    return float((counts * ((middle - mean) / spread) ** 4).sum() / max(counts.sum(), 1.0))


def _gap(pair: OrderedPair, i: int, factor: float) -> float:
    """The largest gap between the current distribution and the reference's times the factor, looked at on the reference's edges."""
    edges = pair.edges[i]
    p, q = (_cumulative(counts[i]) for counts in (pair.reference, pair.current))
    first = np.concatenate([[True], np.diff(edges) > 0])
    scaled = np.interp(edges[first] / factor, edges[first], p[first], left=0.0, right=1.0)
    inverse = np.interp(edges[first] * factor, edges[first], q[first], left=float(q[0]), right=float(q[-1]))
    at = np.abs(scaled - q[first]).max()
    beyond = edges[first] * factor
    inside = (beyond >= edges[0]) & (beyond <= edges[-1])
    back = np.abs(inverse - p[first])[inside].max() if inside.any() else 0.0
    return float(max(at, back))


def _cumulative(counts: Floats) -> Floats:
    """Share of the finite rows below each edge."""
    finite = counts[LOWER - 1 : -1]
    return np.asarray(np.cumsum(finite)[: len(finite) - UPPER + 1] / max(finite.sum(), 1.0))
