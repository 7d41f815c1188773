"""Rates: whether x of n rows is more, or less, than r of m rows allow. Missing values, unseen levels, single levels, rows out of range.

Distances over many cells are blind to rare values, so each rate has an exact test of its own. With a cell chosen by the reference, the
probability that n rows put at least x into it is at most the hypergeometric tail used here, for counts and for bins cut at order
statistics of the reference alike; so the test never rejects more often than it says, at any number of rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from driftline.drift.floors import rate_effect
from driftline.drift.tails import hypergeometric_tail, normal_tail

Floats = NDArray[np.float64]

PLAIN = 2.5
"""Below this score the probability is far above any limit, and the normal tail is good enough to print."""


def rate_p(x: ArrayLike, n: ArrayLike, r: ArrayLike, m: ArrayLike, *, both: bool = True) -> Floats:
    """Probability of x of n rows, or further out, where the reference has r of m: Fisher's exact test. `both` sides, or more only.

    1 where a side has no rows.
    """
    x, n, r, m = (np.asarray(v, np.float64) for v in np.broadcast_arrays(x, n, r, m))
    score = rate_score(x, n, r, m)
    p = normal_tail(np.abs(score) if both else score) * (2.0 if both else 1.0)
    near = np.abs(score) > PLAIN if both else score > PLAIN
    if near.any():
        xs, ns, rs, ms = x[near], n[near], r[near], m[near]
        up = xs * ms >= rs * ns
        a, b = np.where(up, xs, rs), np.where(up, ns, ms)
        tail = hypergeometric_tail(a, b, xs + rs, ns + ms)
        p = np.array(p)
        p[near] = np.minimum(tail * (2.0 if both else 1.0), 1.0)
    return np.where((n > 0) & (m > 0), np.minimum(p, 1.0), 1.0)


def rate_score(x: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    """The difference of the rates in units of its noise, on the arcsine scale (Anscombe 1948). 0 where a side has no rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = rate_effect((x + 0.375) / (n + 0.75), (r + 0.375) / (m + 0.75))
        return np.where((n > 0) & (m > 0), difference / np.sqrt(1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)), 0.0)


def highest_quiet(n: int, r: int, m: int, alpha: float) -> float:
    """The highest rate of n rows that is no more than chance where the reference has r of m: the printed limit of a rate."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        quiet = middle * m <= r * n or hypergeometric_tail(middle, n, middle + r, n + m) > alpha
        low, high = (middle, high) if quiet else (low, middle - 1)
    return low / n if n else 0.0


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
