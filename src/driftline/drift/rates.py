"""Rates: whether x of n rows is more, or less, than r of m rows allow. Missing values, unseen levels, single levels, rows out of range.

Distances over many cells are blind to rare values, so each rate has an exact test of its own. With a cell chosen by the reference, the
probability that n rows put at least x into it is at most the hypergeometric tail used here, for counts and for bins cut at order
statistics of the reference alike; so the test never rejects more often than it says, at any number of rows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.drift.floors import rate_effect
from driftline.drift.tails import (
    hypergeometric_mass,
    hypergeometric_tail,
    normal_quantile,
    normal_tail,
    one_hypergeometric_mass,
    one_hypergeometric_tail,
)

Floats = NDArray[np.float64]

PLAIN = 2.0
"""Below this score the probability is far above any limit, and the normal tail is good enough to print."""


def rate_p(x: ArrayLike, n: ArrayLike, r: ArrayLike, m: ArrayLike, *, both: bool = True) -> Floats:
    """Probability of x of n rows, or further out, where the reference has r of m: Fisher's exact test. `both` sides, or more only.

    Both sides are twice the one tail, except where not even the far end of the other side is as unlikely. 1 where a side has no rows.
    """
    x, n, r, m = (np.asarray(v, np.float64) for v in np.broadcast_arrays(x, n, r, m))
    score = rate_score(x, n, r, m)
    p = np.asarray(normal_tail(np.abs(score) if both else score) * (2.0 if both else 1.0))
    near = np.abs(score) > PLAIN if both else score > PLAIN
    if near.any():
        p[near] = _exact(x[near], n[near], r[near], m[near], both=both)
    return np.where((n > 0) & (m > 0), np.minimum(p, 1.0), 1.0)


def _exact(x: Floats, n: Floats, r: Floats, m: Floats, *, both: bool) -> Floats:
    up = x * m >= r * n
    a, b = np.where(up, x, r), np.where(up, n, m)
    tail = hypergeometric_tail(a, b, x + r, n + m)
    if not both:
        return tail
    end = hypergeometric_mass(np.maximum(0.0, b + x + r - n - m), b, x + r, n + m)
    return np.where(end > tail, tail, 2 * tail)


def rate_score(x: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    """The difference of the rates in units of its noise, on the arcsine scale (Anscombe 1948). 0 where a side has no rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = rate_effect((x + 0.375) / (n + 0.75), (r + 0.375) / (m + 0.75))
        return np.where((n > 0) & (m > 0), difference / np.sqrt(1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)), 0.0)


def quiet_rate(n: int, r: int, m: int, alpha: float, *, higher: bool, both: bool) -> float:
    """The rate of n rows furthest from the reference's r of m that is no more than chance: what a printed rate limit rests on.

    It walks to the last quiet number of rows from where the normal approximation has it.
    """
    step, end, middle = (1, n, math.floor(r * n / m)) if higher else (-1, 0, math.ceil(r * n / m))
    angle = math.asin(math.sqrt((r + 0.375) / (m + 0.75))) + step * normal_quantile(min(alpha, 0.4)) * math.sqrt(1 / n + 1 / m) / 2
    guess = round((n + 0.75) * math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2 - 0.375)
    x = min(max(guess, middle), end) if higher else max(min(guess, middle), end)
    while x != middle and one_rate_p(x, n, r, m, both=both) <= alpha:
        x -= step
    while x != end and one_rate_p(x + step, n, r, m, both=both) > alpha:
        x += step
    return x / n


def one_rate_p(x: int, n: int, r: int, m: int, *, both: bool) -> float:
    """`rate_p` of one rate, without the cost of arrays."""
    angles = [2 * math.asin(math.sqrt((a + 0.375) / (b + 0.75))) for a, b in ((x, n), (r, m))]
    score = (angles[0] - angles[1]) / math.sqrt(1 / n + 1 / m)
    size = abs(score) if both else score
    if size <= PLAIN:
        return min(math.erfc(size / math.sqrt(2)) * (1.0 if both else 0.5), 1.0)
    a, b = (x, n) if x * m >= r * n else (r, m)
    tail = one_hypergeometric_tail(a, b, x + r, n + m)
    if not both:
        return tail
    end = one_hypergeometric_mass(max(0, b + x + r - n - m), b, x + r, n + m)
    return tail if end > tail else min(2 * tail, 1.0)


def unseen_p(current: NDArray[np.int64], known_reference: NDArray[np.int64], known_current: NDArray[np.int64], m: int, n: int) -> float:
    """Probability that n rows bring as many rows of levels that m reference rows lack, by chance alone.

    current: rows per bucket of unseen levels. known_*: rows of each known level. Were both tables drawn from one, a level with t rows in
    all would be absent from the reference with probability at most (n / (n + m))^t; the sum over all levels of the rows this brings is
    bounded by Chernoff. So a reference that itself has many levels seen once expects unseen levels, as Good and Turing taught.
    """
    seen = int(current.sum())
    if seen == 0 or n == 0 or m == 0:
        return 1.0
    clumps = np.concatenate([current[current > 0], known_reference + known_current]).astype(np.float64)
    clumps = clumps[clumps > 0]
    log_absent = clumps * np.log(n / (n + m))
    keep = log_absent > -60
    clumps, log_absent = clumps[keep], log_absent[keep]
    if len(clumps) == 0:
        return float(np.exp(-60.0))
    tilt = np.concatenate([np.geomspace(1e-4, 20.0, 160), [60.0]]) / max(float(np.median(clumps)), 1.0)
    exponent = tilt[:, None] * clumps[None, :] + log_absent[None, :]
    moment = np.logaddexp(np.log1p(-np.exp(np.minimum(log_absent, -1e-12)))[None, :], exponent).sum(axis=1)
    return float(np.exp(min(0.0, float((moment - tilt * seen).min()))))
