"""Unit changes: a column that is now the same times 1000, or in miles instead of kilometres.

For a factor f the current distribution at f x must be the reference's at x. The factor is guessed from the root mean square, which scales
exactly, and confirmed on the whole distribution.
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
NEAR = math.log(1.3)
CLOSE = 0.05


def unit_factor(pair: OrderedPair, i: int) -> float | None:
    """The factor by which column i seems to have been multiplied, or None. Asked only of columns that have drifted."""
    sizes = np.hypot(pair.moments[i, :, 0], pair.moments[i, :, 1])
    if not np.isfinite(sizes).all() or (sizes <= 0).any() or pair.moments[i, 0, 1] <= 0:
        return None
    ratio = math.log(sizes[1] / sizes[0])
    unchanged = _gap(pair, i, 1.0)
    noise = 1.6 * float(np.sqrt(pair.unit[i]))
    best: tuple[float, float] | None = None
    for factor in (*FACTORS, *(1 / f for f in FACTORS)):
        off = abs(ratio - math.log(factor))
        if off < NEAR and (best is None or off < best[0]):
            gap = _gap(pair, i, factor)
            if gap <= max(CLOSE, noise) and gap * 3 <= unchanged:
                best = (off, factor)
    return best[1] if best else None


def unit_name(factor: float) -> str:
    """`x1000 (thousand times: ...)`, or its inverse."""
    if factor in FACTORS:
        return f"x{factor:.4g} ({FACTORS[factor]})"
    inverse = min(FACTORS, key=lambda known: abs(known - 1 / factor))
    return f"x{factor:.4g} (the reverse of {FACTORS[inverse]})"


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
