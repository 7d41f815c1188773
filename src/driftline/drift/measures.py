"""Distances between two distributions. Each is one function of a `Pair`, for all its columns at once: (columns,) of floats.

A measure that needs the order of the values takes an `OrderedPair`. Rows that are missing, infinite, outside the reference's range or of
an unseen level are mass like any other. A column without rows on one side has no distance: NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair

Floats = NDArray[np.float64]


def psi(pair: Pair) -> Floats:
    """The population stability index: sum over cells of (q - p) ln(q / p).

    p and q are the shares of reference and current rows after half a row is added to every cell, so that an empty cell stays finite.

    How to read it: 0 is equal; a normal column that moves by 0.32 standard deviations has 0.10, one that moves by 0.52 has 0.25. It is
    the symmetrised Kullback-Leibler divergence in nats. Chance alone gives (k - 1)(1/n + 1/m) on average over k cells.

    When not to use it: for rare cells; a level that triples from 1 % to 3 % has 0.022.

    >>> pair = Pair(np.array([[50.0, 50.0]]), np.array([[100.0, 0.0]]))
    >>> float(psi(pair)[0].round(3))  # p = 50.5/101, q = 100.5/101 and 0.5/101: (50/101) ln(100.5/50.5) + (50/101) ln(50.5/0.5)
    2.625
    """
    p, q = pair.smoothed
    with np.errstate(divide="ignore", invalid="ignore"):
        return _known(pair, np.where(pair.live, (q - p) * np.log(q / p), 0.0).sum(axis=1))


def js(pair: Pair) -> Floats:
    """The Jensen-Shannon distance to base 2: the root of the mean divergence of both from their middle.

    How to read it: 0 is equal, 1 is no cell in common; a normal column that moves by 0.32 standard deviations has 0.134.
    Source: Endres and Schindelin 2003, "A new metric for probability distributions".

    >>> float(js(Pair(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))[0])
    1.0
    """
    p, q = pair.shares
    middle = (p + q) / 2
    divergence = (_plogp(p, middle) + _plogp(q, middle)).sum(axis=1) / (2 * np.log(2))
    return _known(pair, np.sqrt(np.maximum(divergence, 0.0)))


def hellinger(pair: Pair) -> Floats:
    """The Hellinger distance: sqrt(1 - sum of sqrt(p q)).

    How to read it: 0 is equal, 1 is no cell in common; a normal column that moves by 0.32 standard deviations has 0.113.

    >>> float(hellinger(Pair(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))[0])
    1.0
    """
    p, q = pair.shares
    return _known(pair, np.sqrt(np.maximum(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=1) / 2, 0.0)))


def total_variation(pair: Pair) -> Floats:
    """The total variation distance: half the sum of |p - q|, the share of rows that would have to move to another cell.

    >>> float(total_variation(Pair(np.array([[3.0, 1.0]]), np.array([[1.0, 3.0]])))[0])  # half of the rows
    0.5
    """
    p, q = pair.shares
    return _known(pair, np.abs(p - q).sum(axis=1) / 2)


def chi2(pair: Pair) -> Floats:
    """The chi-square statistic of the two-sample contingency table, 2 x k cells: sum of (observed - expected)^2 / expected.

    Both samples are noisy and both are treated so: expected counts come from the two together, never from the reference alone.

    How to read it: chance alone gives k - 1 on average; it grows with the number of rows.

    >>> float(chi2(Pair(np.array([[10.0, 20.0]]), np.array([[20.0, 10.0]])))[0].round(4))  # 4 * 5^2 / 15
    6.6667
    """
    total, m, n = pair.reference + pair.current, pair.m, pair.n
    with np.errstate(divide="ignore", invalid="ignore"):
        both = (pair.reference * (n / m) - pair.current) ** 2 / total  # the two rows of the table add up to this, up to a factor
        return _known(pair, np.where(total > 0, both, 0.0).sum(axis=1) * (m / n)[:, 0])


def ks(pair: OrderedPair) -> Floats:
    """The Kolmogorov-Smirnov distance: the largest gap between the two cumulative distributions. Missing rows count as the smallest.

    From bins it is below the exact value by at most the largest mass of one bin of the reference.

    How to read it: 0 is equal, 1 is no overlap; a normal column that moves by 0.32 standard deviations has 0.129.

    >>> shape = np.zeros((1, 2, 2))
    >>> cells = np.array([[0.0, 0, 0, 1, 2, 1, 0, 0]]), np.array([[0.0, 0, 0, 0, 1, 3, 0, 0]])  # three bins between the special cells
    >>> float(ks(OrderedPair(*cells, np.arange(4.0)[None], np.zeros((1, 3), bool), shape, shape))[0])  # 3/4 below the last bin, then 1/4
    0.5
    """
    p, q = pair.shares
    return _known(pair, np.abs(np.cumsum(p - q, axis=1)).max(axis=1))


def wasserstein(pair: OrderedPair) -> Floats:
    """The Wasserstein-1 distance in standard deviations of the reference: how far the average row has to move.

    Inside a bin both distributions are taken as straight lines, or as a step where the reference has one single value there. Rows outside
    the range of the reference are placed by the mean of the current values. A row that is missing or infinite on one side only costs one
    standard deviation, since it has no distance.

    How to read it: 1 is a shift by one standard deviation. When not to use it: heavy tails, where the standard deviation is an accident.

    >>> moments = np.array([[[1.5, 2.0], [2.5, 2.0]]])  # the standard deviation is 2
    >>> cells = np.array([[0.0, 0, 0, 1, 1, 0, 0, 0]]), np.array([[0.0, 0, 0, 0, 1, 1, 0, 0]])  # all rows one value further up
    >>> pair = OrderedPair(*cells, np.array([[1.0, 2, 3, 4]]), np.ones((1, 3), bool), moments, np.array([[[1.0, 2], [2, 3]]]))
    >>> float(wasserstein(pair)[0])  # a distance of 1, in standard deviations
    0.5
    """
    p, q = _finite_shares(pair)
    gap = np.abs(np.cumsum(p - q, axis=1))
    left, right = gap[:, LOWER - 1 : -UPPER - 1], gap[:, LOWER:-UPPER]
    width = np.diff(pair.edges, axis=1)
    crossing = np.where(pair.points, right, (left + right) / 2)
    inside = (width * crossing).sum(axis=1)
    spread = pair.moments[:, 0, 1]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # values near the largest float
        outside = _outside(pair, p, q)
        moved = np.where(spread > 0, (inside + outside) / spread, np.where(inside + outside > 0, np.inf, 0.0))
    return _known(pair, moved + _placeless(pair))


def _outside(pair: OrderedPair, p: Floats, q: Floats) -> Floats:
    """The area between the two distributions beyond the range of the reference, in units of the column.

    It is how far the mean lies from where it would be were those rows at the ends of the range, and never more than their share times
    how far the furthest of them lies.
    """
    below, above = q[:, LOWER - 1] - p[:, LOWER - 1], q[:, -UPPER] - p[:, -UPPER]
    low, high = pair.edges[:, 0], pair.edges[:, -1]
    reach_low = np.where(below > 0, np.maximum(low - pair.extremes[:, 1, 0], 0.0), 0.0)
    reach_high = np.where(above > 0, np.maximum(pair.extremes[:, 1, 1] - high, 0.0), 0.0)
    shift = pair.moments[:, 1, 0] - _clipped_mean(pair, q)
    one_sided = (below > 0) ^ (above > 0)
    most = np.maximum(below, 0) * reach_low + np.maximum(above, 0) * reach_high
    area = np.minimum(np.where(one_sided, np.abs(shift), np.maximum(np.abs(shift), most / 2)), most)
    return np.where((below > 0) | (above > 0), np.nan_to_num(area, nan=0.0), 0.0)


def _clipped_mean(pair: OrderedPair, q: Floats) -> Floats:
    """The mean of the current values if those outside the range stood at its ends."""
    left, right = pair.edges[:, :-1], pair.edges[:, 1:]
    middle = np.where(pair.points, left, (left + right) / 2)
    inside = (middle * q[:, LOWER:-UPPER]).sum(axis=1)
    return np.asarray(inside + q[:, LOWER - 1] * pair.edges[:, 0] + q[:, -UPPER] * pair.edges[:, -1])


def _finite_shares(pair: OrderedPair) -> tuple[Floats, Floats]:
    """Shares among the finite values alone; cells of missing and infinite rows are zero."""
    sides = []
    for counts in (pair.reference, pair.current):
        finite = counts.copy()
        finite[:, [0, 1, -1]] = 0
        sides.append(finite / np.maximum(finite.sum(axis=1, keepdims=True), 1))
    return sides[0], sides[1]


def _placeless(pair: OrderedPair) -> Floats:
    """The share of rows that are missing or infinite on one side only."""
    p, q = pair.shares
    special = [0, 1, -1]
    risen = np.maximum(q[:, special] - p[:, special], 0).sum(axis=1)
    fallen = np.maximum(p[:, special] - q[:, special], 0).sum(axis=1)
    return np.asarray(np.maximum(risen, fallen))


def _plogp(p: Floats, middle: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / middle), 0.0)


def _known(pair: Pair, values: Floats) -> Floats:
    """NaN where one side has no rows."""
    return np.where((pair.m[:, 0] > 0) & (pair.n[:, 0] > 0), values, np.nan)
