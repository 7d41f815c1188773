"""Tail probabilities, for many values at once: normal, chi-square, gamma-corrected normal and hypergeometric.

These are the few that the verdicts need. They agree with scipy to the digits that the tests state, and keep scipy out of the install.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_STANDARD = NormalDist()
_erfc = np.frompyfunc(math.erfc, 1, 1)
_lgamma = np.frompyfunc(math.lgamma, 1, 1)
_TERMS = 400


def normal_tail(z: ArrayLike) -> Floats:
    """P(Z >= z) of the standard normal."""
    return np.asarray(_erfc(np.asarray(z, np.float64) / math.sqrt(2)), np.float64) / 2


def normal_quantile(tail: float) -> float:
    """The z with P(Z >= z) = tail."""
    return -_STANDARD.inv_cdf(tail)


def student_quantile(tail: float, degrees: float) -> float:
    """The t with P(T >= t) = tail under Student's t: Wallace's 1959 normal score of t, inverted.

    Never too small; too large by less than 2 % from 8 degrees on, by more with fewer.
    """
    z, k = normal_quantile(tail), degrees
    return math.sqrt(k * math.expm1((z * (8 * k + 3) / (8 * k + 1)) ** 2 / k))


def skewed_tail(z: Floats, skewness: Floats) -> Floats:
    """Two-sided tail of a standardised sum whose skewness is known: the normal score of a gamma of that skewness.

    Source: the cube root of Wilson and Hilferty 1931, as used for the Pearson type III distribution. Where the gamma ends before z, the
    plain normal tail is kept: the larger of the two.
    """
    tails = [normal_tail(np.abs(z)) for _ in range(2)]
    for i, sign in enumerate((1.0, -1.0)):
        g = sign * np.sign(z) * skewness
        small = np.abs(g) < 1e-6
        safe = np.where(small, 1.0, g)
        inner = safe * np.abs(z) / 2 + 1
        score = np.where(small | (inner <= 0), np.abs(z), 6 / safe * (np.cbrt(np.maximum(inner, 0)) - 1) + safe / 6)
        tails[i] = normal_tail(score)
    return np.minimum(tails[0] + np.minimum(tails[0], tails[1]), 1.0)


def log_gamma(x: ArrayLike) -> Floats:
    """The logarithm of the gamma function."""
    return np.asarray(_lgamma(x), np.float64)


def chi2_tail(x: ArrayLike, degrees: ArrayLike) -> Floats:
    """P(X >= x) of the chi-square distribution: the upper regularised incomplete gamma function. 1 for zero degrees.

    Source: DLMF 8.11.4 (series) below the mean, 8.9.2 (continued fraction, by Lentz's method) above.
    """
    x, degrees = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(degrees, np.float64))
    a, half = np.maximum(degrees, 1e-9) / 2, np.maximum(x, 0) / 2
    front = np.exp(np.where(half > 0, a * np.log(np.where(half > 0, half, 1)) - half - log_gamma(a), -np.inf))
    tail = np.where(half < a + 1, 1 - front * _series(a, half), front * _fraction(a, half))
    return np.where((degrees < 0.5) | (half <= 0), 1.0, np.clip(tail, 0.0, 1.0))


def _series(a: Floats, x: Floats) -> Floats:
    x = np.where(x < a + 1, x, 0.0)
    term = 1 / a
    total = term.copy()
    for i in range(1, 5000):
        term = term * x / (a + i)
        total = total + term
        if np.all(term <= 1e-15 * total):
            break
    return total


def _fraction(a: Floats, x: Floats) -> Floats:
    x = np.where(x < a + 1, a + 2, x)
    b = x + 1 - a
    c = np.full_like(x, 1e300)
    d = 1 / b
    value = d.copy()
    for i in range(1, 5000):
        step = -i * (i - a)
        b = b + 2
        d = 1 / np.where(np.abs(step * d + b) < 1e-300, 1e-300, step * d + b)
        c = np.where(np.abs(b + step / c) < 1e-300, 1e-300, b + step / c)
        value = value * c * d
        if np.all(np.abs(c * d - 1) < 1e-15):
            break
    return value


def chi2_quantile(tail: float, degrees: ArrayLike) -> Floats:
    """The x with P(X >= x) = tail, for each number of degrees; 0 for zero degrees."""
    if np.ndim(degrees) == 0:
        return np.asarray(_chi2_quantile(tail, float(degrees)))  # type: ignore[arg-type]
    wanted, back = np.unique(np.asarray(degrees, np.float64), return_inverse=True)
    return np.array([_chi2_quantile(tail, float(d)) for d in wanted])[back].reshape(np.shape(degrees))


@cache
def _chi2_quantile(tail: float, degrees: float) -> float:
    """Newton's method on the logarithm of the tail, which is concave, from the cube root of Wilson and Hilferty 1931."""
    if degrees < 0.5:
        return 0.0
    a, spread = degrees / 2, 2 / (9 * degrees)
    x = max(degrees * (1 - spread + normal_quantile(tail) * math.sqrt(spread)) ** 3, 1e-3)
    for _ in range(30):
        above = float(chi2_tail(x, degrees))
        density = math.exp((a - 1) * math.log(x / 2) - x / 2 - math.lgamma(a)) / 2
        step = math.log(above / tail) * above / density
        x = max(x + step, x / 10)
        if abs(step) < 1e-12 * x:
            break
    return x


def hypergeometric_tail(x: ArrayLike, n: ArrayLike, marked: ArrayLike, total: ArrayLike) -> Floats:
    """P(X >= x) for the number of marked rows among n rows drawn from `total` rows of which `marked` are marked.

    The sum of its terms; where more than 400 count, the rest is bounded by the geometric series, so that it is never too small.
    """
    x, n, k, t = (np.asarray(v, np.float64) for v in np.broadcast_arrays(x, n, marked, total))
    least, most = np.maximum(0.0, n + k - t), np.minimum(n, k)
    start = np.clip(x, least, np.maximum(most, least))
    first = hypergeometric_mass(start, n, k, t)
    term, total_sum, at = np.ones_like(start), np.ones_like(start), start
    ratio = np.zeros_like(start)
    for _ in range(_TERMS):
        ratio = np.maximum((k - at) * (n - at), 0.0) / ((at + 1) * (t - k - n + at + 1))
        term = term * ratio
        total_sum = total_sum + term
        at = at + 1
        if np.all(term <= 1e-12 * total_sum):
            break
    rest = np.where(ratio < 1, term * ratio / np.maximum(1 - ratio, 1e-9), np.inf)
    sums = np.minimum(first * (total_sum + np.where(term > 0, rest, 0.0)), 1.0)
    return np.where(x <= least, 1.0, np.where(x > most, 0.0, sums))


def one_hypergeometric_tail(x: int, n: int, marked: int, total: int) -> float:
    """`hypergeometric_tail` of one number, without the cost of arrays."""
    if x <= max(0, n + marked - total):
        return 1.0
    if x > min(n, marked):
        return 0.0
    term = whole = 1.0
    at = x
    for _ in range(_TERMS):
        ratio = (marked - at) * (n - at) / ((at + 1) * (total - marked - n + at + 1))
        term *= ratio
        whole += term
        at += 1
        if term <= 1e-12 * whole:
            break
    rest = term * ratio / max(1 - ratio, 1e-9) if ratio < 1 else math.inf
    return min(one_hypergeometric_mass(x, n, marked, total) * (whole + (rest if term > 0 else 0.0)), 1.0)


def one_hypergeometric_mass(x: int, n: int, marked: int, total: int) -> float:
    """`hypergeometric_mass` of one number."""
    parts = ((marked, x), (total - marked, n - x), (total, n))
    logs = [math.lgamma(a + 1) - math.lgamma(b + 1) - math.lgamma(a - b + 1) for a, b in parts]
    return math.exp(logs[0] + logs[1] - logs[2])


def hypergeometric_mass(x: Floats, n: Floats, marked: Floats, total: Floats) -> Floats:
    """P(X = x) for x from max(0, n + marked - total) to min(n, marked)."""
    return np.asarray(np.exp(_choose(marked, x) + _choose(total - marked, n - x) - _choose(total, n)))


def _choose(n: Floats, k: Floats) -> Floats:
    return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(np.maximum(n - k, 0) + 1)
