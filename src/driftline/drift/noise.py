"""Noise: how large a distance is by chance, for these cells and these numbers of rows, and how small a drift these rows could show.

With Q = 1/n + 1/m and k cells that have rows, the statistic behind every distance over cells is Q times a chi-square with k - 1 degrees of
freedom, when nothing has changed. Source for the PSI: Yurdakul 2018, "Statistical properties of the population stability index".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair
from driftline.drift.tails import chi2_quantile, chi2_tail, normal_quantile, normal_tail

Floats = NDArray[np.float64]

POWER = 0.8
SPARSE = 3.0
"""Cells expected to hold fewer rows than this in the smaller sample are counted together by `distance_p`."""


def chance(measure: str, pair: Pair) -> Floats:
    """The mean of a measure without a change, (columns,)."""
    return _SCALES[measure](pair, None)


def chance_limit(measure: str, pair: Pair, tail: float) -> Floats:
    """The value that a measure exceeds with probability `tail` (or less) without a change, (columns,)."""
    return _SCALES[measure](pair, tail)


def distance_p(pair: Pair) -> Floats:
    """Probability of cells at least this different without a change, (columns,), whatever distance they are told with.

    The power divergence of Cressie and Read 1984 with exponent 2/3 on the two-sample table, whose tail follows the chi-square most
    closely when cells are small. Sparse cells are counted together; a column with a single cell left has probability 1.
    """
    r, c, m, n = pair.reference, pair.current, pair.m, pair.n
    total = r + c
    sparse = total * np.minimum(m, n) < SPARSE * (m + n)
    merged = [np.concatenate([np.where(sparse, 0.0, x), np.where(sparse, x, 0.0).sum(axis=1, keepdims=True)], axis=1) for x in (r, c)]
    total = merged[0] + merged[1]
    statistic = np.zeros(len(total))
    with np.errstate(divide="ignore", invalid="ignore"):
        for x, s in zip(merged, (m, n), strict=True):
            ratio = np.where(total > 0, x * (m + n) / (total * s), 1.0)
            statistic += (x * (np.cbrt(ratio) ** 2 - 1)).sum(axis=1)
    cells = (total > 0).sum(axis=1)
    return np.where((m * n)[:, 0] > 0, chi2_tail(statistic * 1.8, cells - 1), 1.0)


@cache
def smallest_noncentrality(degrees: float, tail: float) -> float:
    """The noncentrality that a chi-square test with `degrees` of freedom at level `tail` finds with 80 % probability.

    Times 1/n + 1/m it is the smallest visible drift as a PSI. For one degree it is (z + 0.84)^2; otherwise it solves the power equation
    in the normal approximation of Sankaran 1963.
    """
    crossing = float(chi2_quantile(tail, degrees))
    low, high = 0.0, crossing * 4 + 100
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _power(crossing, degrees, middle) < POWER else (low, middle)
    return high


def visible_shift(unit: float, tail: float) -> float:
    """The shift in standard deviations that the location test at two-sided level `tail` finds with 80 % probability."""
    return (normal_quantile(tail / 2) + normal_quantile(1 - POWER)) * math.sqrt(unit)


def _power(crossing: float, k: float, shift: float) -> float:
    """P(noncentral chi-square > crossing): Sankaran's approximation."""
    h = 1 - 2 * (k + shift) * (k + 3 * shift) / (3 * (k + 2 * shift) ** 2)
    p = (k + 2 * shift) / (k + shift) ** 2
    m = (h - 1) * (1 - 3 * h)
    spread = h * math.sqrt(2 * p) * (1 + 0.5 * m * p)
    return float(normal_tail(((crossing / (k + shift)) ** h - (1 + h * p * (h - 1 - 0.5 * (2 - h) * m * p))) / spread))


def _chi2(pair: Pair, tail: float | None) -> Floats:
    """Mean (no tail) or limit of a chi-square with one degree less than there are cells with rows."""
    degrees = np.maximum(pair.live.sum(axis=1) - 1.0, 0.0)
    return degrees if tail is None else chi2_quantile(tail, degrees)


def _rooted(divisor: float) -> Callable[[Pair, float | None], Floats]:
    """Distances whose square is Q chi2 / divisor to first order."""
    return lambda pair, tail: np.sqrt(pair.unit * _chi2(pair, tail) / divisor)


def _total_variation(pair: Pair, tail: float | None) -> Floats:
    """Mean: half the sum of E|N(0, Q p (1 - p))|. Limit: Cauchy-Schwarz on the chi-square, an upper bound."""
    if tail is not None:
        return np.asarray(np.sqrt(pair.unit * _chi2(pair, tail)) / 2)
    pooled = (pair.reference + pair.current) / np.maximum(pair.m + pair.n, 1)
    return np.asarray(np.sqrt(2 * pair.unit[:, None] * pooled * (1 - pooled) / math.pi).sum(axis=1) / 2)


def _ks(pair: Pair, tail: float | None) -> Floats:
    """Kolmogorov's distribution: mean sqrt(pi/2) ln 2, tail 2 exp(-2 x^2)."""
    scale = math.sqrt(math.pi / 2) * math.log(2) if tail is None else math.sqrt(math.log(2 / tail) / 2)
    return np.asarray(scale * np.sqrt(pair.unit))


def _wasserstein(pair: Pair, tail: float | None) -> Floats:
    """Mean: the integral of E|bridge(F)|. Limit: mean plus the Gaussian concentration sqrt(2 Q ln(1/tail)) (Borell 1975), a bound."""
    assert isinstance(pair, OrderedPair)
    p = pair.shares[0]
    f = np.clip(np.cumsum(p, axis=1), 0, 1)
    height = np.sqrt(f * (1 - f))
    left, right = height[:, LOWER - 1 : -UPPER - 1], height[:, LOWER:-UPPER]
    area = (np.diff(pair.edges, axis=1) * np.where(pair.points, right, (left + right) / 2)).sum(axis=1)
    spread = np.where(pair.moments[:, 0, 1] > 0, pair.moments[:, 0, 1], 1.0)
    mean = math.sqrt(2 / math.pi) * np.sqrt(pair.unit) * area / spread
    return np.asarray(mean if tail is None else mean + np.sqrt(2 * pair.unit * math.log(1 / tail)))


_SCALES: Mapping[str, Callable[[Pair, float | None], Floats]] = {
    "psi": lambda pair, tail: pair.unit * _chi2(pair, tail),
    "js": _rooted(8 * math.log(2)),
    "hellinger": _rooted(8.0),
    "chi2": _chi2,
    "total_variation": _total_variation,
    "ks": _ks,
    "wasserstein": _wasserstein,
}
