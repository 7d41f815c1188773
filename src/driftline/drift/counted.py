"""Counted: how surprising x rows of n are where a share p is expected, as a standard normal score.

Where many rows are expected it is the difference on the arcsine scale (Anscombe 1948). Where few are, it is the normal score of the tail of
a Poisson count: of its middle (half the probability of x counts) as long as x is nothing special, so that mean and variance stay near 0
and 1 and small excesses add up rightly; of the whole tail further out, so that the score never promises more than its probability.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from driftline.drift.floors import rate_effect
from driftline.drift.tails import log_gamma

Floats = NDArray[np.float64]

MANY = 20.0
"""Expected rows from which the arcsine scale is good enough."""
LEAST = 1e-5
COUNTS = 121
"""Counts up to which the tail of a Poisson count is tabled; beyond, the signed root of its deviance is as good."""
STEPS = 300
SPECIAL = 0.005
"""Middle tail from which the whole tail is taken."""


def count_scores(x: Floats, n: Floats, p: Floats) -> Floats:
    """The score of x of n rows at the expected share p, all of one shape. 0 where n is 0."""
    expected = n * p
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.sqrt(n + 0.5) * rate_effect((x + 0.375) / (n + 0.75), (expected + 0.375) / (n + 0.75))
    few = (expected < MANY) & (2 * expected < n + 2 * MANY)
    if few.any():
        scores = np.where(few, 0.0, scores)
        scores[few] = _poisson_scores(x[few], np.maximum(expected[few], LEAST))
    return np.where(n > 0, scores, 0.0)


def _poisson_scores(x: Floats, mean: Floats) -> Floats:
    """Interpolated in the logarithm of the mean between the columns of the table."""
    table, first, step = _table()
    place = np.clip((np.log(mean) - first) / step, 0.0, STEPS - 1.000001)
    left = place.astype(np.intp)
    row = np.minimum(x, COUNTS - 1).astype(np.intp)
    low = table[row, left]
    scores = low + (place - left) * (table[row, left + 1] - low)
    far = x >= COUNTS
    if far.any():
        scores[far] = np.sqrt(2 * (x[far] * np.log(x[far] / mean[far]) - (x[far] - mean[far])))
    return np.asarray(scores)


@cache
def _table() -> tuple[Floats, float, float]:
    """Scores by count and mean, (COUNTS, STEPS), the logarithm of the first mean and the step between two."""
    logs = np.linspace(math.log(LEAST), math.log(MANY), STEPS)
    x = np.arange(3.0 * COUNTS)[:, None]
    mass = np.exp(np.maximum(x * logs - np.exp(logs) - log_gamma(x + 1), -700.0))
    upper = np.cumsum(mass[::-1], axis=0)[::-1][:COUNTS]
    lower, mass = np.cumsum(mass, axis=0)[:COUNTS], mass[:COUNTS]
    up, down = (np.clip(np.where(tail - mass / 2 < SPECIAL, tail, tail - mass / 2), 1e-300, 1.0) for tail in (upper, lower))
    quantile = np.frompyfunc(NormalDist().inv_cdf, 1, 1)
    scores = np.asarray(quantile(np.minimum(np.minimum(up, down), 0.5)), np.float64)
    return np.where(up <= down, -scores, scores), float(logs[0]), float(logs[1] - logs[0])


def skew_corrected(scores: Floats, skewness: Floats) -> Floats:
    """Standardised sums of that skewness as normal scores: the cube root of Wilson and Hilferty 1931, as for the Pearson type III."""
    g = np.where(np.abs(skewness) < 1e-6, 1.0, np.clip(skewness, -2.0, 2.0))
    root = 6 / g * (np.cbrt(g * scores / 2 + 1) - 1) + g / 6
    return np.where(np.abs(skewness) < 1e-6, scores, root)
