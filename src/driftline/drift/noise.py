"""Noise: how large a distance is by chance, for these cells and these numbers of rows, and how small a drift these rows could show.

With Q = 1/n + 1/m and k cells that have rows, the statistic behind every distance over cells is Q times a chi-square with k - 1 degrees of
freedom, when nothing has changed and every cell is well filled. Source for the PSI: Yurdakul 2018, "Statistical properties of the
population stability index". Where cells hold few rows, the means are corrected by what a Poisson count of that size does (`sparse`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair
from driftline.drift.sparse import correction
from driftline.drift.tails import chi2_quantile, chi2_tail, log_gamma, normal_quantile, normal_tail

Floats = NDArray[np.float64]

POWER = 0.8
SPARSE = 3.0
FEWEST = 1.0
"""Cells expected to hold fewer rows than this in the smaller sample are counted together by `distance_test`: `SPARSE`, or `FEWEST` where
that would put nearly all rows together."""
NEARLY_ALL = 0.9


def chance(measure: str, pair: Pair) -> Floats:
    """The mean of a measure without a change, (columns,)."""
    return _SCALES[measure](pair, None)


def chance_limit(measure: str, pair: Pair, tail: float) -> Floats:
    """The value that a measure exceeds with probability `tail` (or less) without a change, (columns,)."""
    return _SCALES[measure](pair, tail)


def distance_test(pair: Pair, rare: int | None = None) -> tuple[Floats, Floats, Floats]:
    """Whether the cells differ by more than chance, whatever distance it is told with: the statistic, its degrees of freedom and its
    probability without a change, each (columns,).

    The power divergence of Cressie and Read 1984 with exponent 2/3 on the two-sample table, whose tail follows the chi-square most
    closely when cells are small. Sparse cells are counted together, and left out where they are sparse even so; a column with a single
    cell left has probability 1. Which cells are sparse is decided on both samples together, so that it says nothing about their difference.
    `rare` is a cell that always counts as sparse: that of the levels which the reference lacks, since it is the reference that decided
    which levels these are, and together with the other rare ones they are again a cell like any other.
    """
    r, c = _filled(pair, rare)
    total, m, n = r + c, r.sum(axis=1, keepdims=True), c.sum(axis=1, keepdims=True)
    statistic = np.zeros(len(total))
    with np.errstate(divide="ignore", invalid="ignore"):
        for x, s in ((r, m), (c, n)):
            ratio = np.where(total > 0, x * (m + n) / (total * s), 1.0)
            statistic += 1.8 * (x * (np.cbrt(ratio) ** 2 - 1)).sum(axis=1)
    degrees = np.maximum((total > 0).sum(axis=1) - 1.0, 0.0)
    known = (m * n)[:, 0] > 0
    statistic = np.where(known, np.maximum(statistic, 0.0), 0.0)
    return statistic, degrees, np.where(known, chi2_tail(statistic, degrees), 1.0)


def _filled(pair: Pair, rare: int | None) -> tuple[Floats, Floats]:
    """Reference and current counts with sparse cells together in one more cell, the last, or left out."""
    r, c, rows = pair.reference, pair.current, np.maximum(pair.m + pair.n, 1)
    total, smaller = r + c, np.minimum(pair.m, pair.n) / rows
    sparse = total * smaller < SPARSE
    many = np.where(sparse, total, 0.0).sum(axis=1, keepdims=True) > NEARLY_ALL * rows
    least = np.where(many, FEWEST, SPARSE)
    sparse = total * smaller < least
    if rare is not None:
        sparse[:, rare] = True
    enough = np.where(sparse, total, 0.0).sum(axis=1, keepdims=True) * smaller >= least
    r, c = (
        np.concatenate([np.where(sparse, 0.0, x), np.where(sparse & enough, x, 0.0).sum(axis=1, keepdims=True)], axis=1) for x in (r, c)
    )
    return r, c


@cache
def smallest_noncentrality(degrees: float, tail: float) -> float:
    """The noncentrality that a chi-square test with `degrees` of freedom at level `tail` finds with 80 % probability.

    Times 1/n + 1/m it is the smallest visible drift as a PSI. It solves the power equation in the normal approximation of Sankaran 1963.
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


def _degrees(pair: Pair) -> Floats:
    return np.asarray(np.maximum(pair.live.sum(axis=1) - 1.0, 0.0))


def _stretch(pair: Pair, tail: float) -> Floats:
    """How much higher than its mean a chi-square is at that tail: quantile / degrees of freedom."""
    degrees = _degrees(pair)
    return np.asarray(chi2_quantile(tail, degrees) / np.maximum(degrees, 1.0))


def _chi2(pair: Pair, tail: float | None) -> Floats:
    degrees = _degrees(pair)
    return degrees if tail is None else chi2_quantile(tail, degrees)


def _psi(pair: Pair, tail: float | None) -> Floats:
    """Mean over Poisson counts with half a row added; the limit as that of a chi-square scaled to this mean."""
    pooled, live = _pooled(pair), pair.live
    k = live.sum(axis=1, keepdims=True)
    ends, logs, entropies = [], [], []
    for rows in (pair.m, pair.n):
        expected, whole = rows * pooled, rows + 0.5 * k
        ends.append((expected + 0.5) / whole)
        logs.append(correction("log", expected) / (2 * expected + 1))
        entropies.append(correction("entropy", expected) / (2 * whole))
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = (ends[1] - ends[0]) * np.log(ends[1] / ends[0])
    noise = (1 - pooled) * (entropies[0] + entropies[1] + ends[0] * logs[1] + ends[1] * logs[0])
    total = np.where(live, bias + noise, 0.0).sum(axis=1)
    return np.asarray(total if tail is None else total * _stretch(pair, tail))


def _squared(shape: str, divisor: float) -> Callable[[Pair, float | None], Floats]:
    """Distances whose square is Q chi2 / divisor where cells are well filled, and less or more where they are not."""

    def scale(pair: Pair, tail: float | None) -> Floats:
        pooled, degrees = _pooled(pair), np.maximum(_degrees(pair), 1.0)
        sides = [(rows * pooled, np.where(pair.live, 1 - pooled, 0.0) / np.maximum(rows, 1)) for rows in (pair.m, pair.n)]
        square = sum((correction(shape, expected) * part).sum(axis=1) for expected, part in sides) / divisor
        if tail is None:
            half = degrees / 2  # the mean of the root of a chi-square
            return np.asarray(np.sqrt(square / half) * np.exp(log_gamma(half + 0.5) - log_gamma(half)))
        # Sparse cells also vary more: what a chi-square exceeds its mean by is stretched by the ratio of the standard deviations.
        plain = sum(part.sum(axis=1) for _, part in sides)
        ratio = sum((correction(f"{shape} spread", expected) * part).sum(axis=1) for expected, part in sides) / np.maximum(plain, 1e-300)
        above = (chi2_quantile(tail, degrees) - degrees) * pair.unit / divisor
        return np.asarray(np.sqrt(square + np.maximum(above, 0.0) * np.sqrt(np.maximum(ratio, 1.0))))

    return scale


def _total_variation(pair: Pair, tail: float | None) -> Floats:
    """Mean: half the sum of E|N(0, Q p (1 - p))|. Limit: mean plus the bounded differences of McDiarmid 1989, an upper bound."""
    pooled = _pooled(pair)
    per_side = [correction("gap", rows * pooled) ** 2 / np.maximum(rows, 1) for rows in (pair.m, pair.n)]
    spread = np.where(pair.live, pooled * (1 - pooled) * (per_side[0] + per_side[1]), 0.0)
    mean = np.sqrt(2 * spread / math.pi).sum(axis=1) / 2
    return np.asarray(mean if tail is None else mean + np.sqrt(pair.unit * math.log(1 / tail) / 2))


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
    known = np.isfinite(pair.unit)  # without rows on one side there is no shape to draw from, and everything is chance
    mean = np.where(known, math.sqrt(2 / math.pi) * np.sqrt(np.where(known, pair.unit, 0.0)) * area / spread, np.inf)
    return np.asarray(mean if tail is None else mean + np.sqrt(2 * pair.unit * math.log(1 / tail)))


def _pooled(pair: Pair) -> Floats:
    """The share of each cell in both samples together."""
    return np.asarray((pair.reference + pair.current) / np.maximum(pair.m + pair.n, 1))


_SCALES: Mapping[str, Callable[[Pair, float | None], Floats]] = {
    "psi": _psi,
    "js": _squared("js", 8 * math.log(2)),
    "hellinger": _squared("hellinger", 8.0),
    "chi2": _chi2,
    "total_variation": _total_variation,
    "ks": _ks,
    "wasserstein": _wasserstein,
}
