"""How probable a count is: tails of the Poisson, the negative binomial and the binomial, and how much counts scatter beyond chance.

All three are incomplete gamma or beta functions, taken from whichever side is small, so that a probability of 1e-12 keeps its digits. They
agree with scipy to the digits that the tests state, and keep scipy out of the install.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

TERMS = 1_000_000
EXACT = 1e-14
_TINY = 1e-300
CAUTION = 0.05
"""The scatter that is reckoned with is exceeded with this probability only: a few windows know it badly."""


def count_tails(count: int, mean: float, dispersion: float = 0.0) -> tuple[float, float]:
    """P(X <= count) and P(X >= count) of a count with this mean and the variance mean + dispersion·mean².

    Poisson where the dispersion is 0, negative binomial with size 1/dispersion otherwise.
    """
    if count < 0:
        return 0.0, 1.0
    if mean <= 0:
        return 1.0, float(count == 0)
    if dispersion * mean < 1e-9:
        return gamma_tails(count + 1, mean)[1], gamma_tails(count, mean)[0] if count else 1.0
    size, success = 1 / dispersion, 1 / (1 + dispersion * mean)
    failure = dispersion * mean / (1 + dispersion * mean)
    return beta_tails(size, count + 1, success, failure)[0], beta_tails(size, count, success, failure)[1] if count else 1.0


def binomial_tails(part: int, whole: int, rate: float) -> tuple[float, float]:
    """P(X <= part) and P(X >= part) of the successes among `whole` trials."""
    if not 0 < rate < 1:
        certain = 0 if rate <= 0 else whole
        return float(part >= certain), float(part <= certain)
    at_least = 1.0 if part <= 0 else 0.0 if part > whole else beta_tails(part, whole - part + 1, rate, 1 - rate)[0]
    at_most = 1.0 if part >= whole else 0.0 if part < 0 else beta_tails(part + 1, whole - part, rate, 1 - rate)[1]
    return at_most, at_least


def quiet_range(mean: float, dispersion: float, tail: float) -> tuple[int, int]:
    """The smallest count that is not too small and the largest that is not too large, at this probability on each side."""
    spread = math.sqrt(mean + dispersion * mean * mean)
    reach = -NormalDist().inv_cdf(min(tail, 0.4)) * spread
    low = first(lambda count: count_tails(count, mean, dispersion)[0] > tail, round(mean - reach), spread)
    high = first(lambda count: count_tails(count, mean, dispersion)[1] <= tail, round(mean + reach), spread) - 1
    return low, high


def first(holds: Callable[[int], bool], guess: int, spread: float) -> int:
    """The smallest count from 0 on for which `holds`, which never stops holding once it does; found outwards from a guess."""
    step, high = max(1, round(spread / 8)), max(guess, 0)
    low = high - 1
    while not holds(high):
        low, high, step = high, high + step, 2 * step
    while low >= 0 and holds(low):
        high, low, step = low, max(low - step, -1), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def scatter(groups: Sequence[Sequence[int]]) -> tuple[float, int]:
    """The dispersion of counts about the mean of their group, cautiously, and the degrees of freedom it rests on.

    It is the dispersion at which Pearson's chi-square, Σ (x - m)² / (m + dispersion·m²), falls to its lower 5 % quantile: an upper bound,
    at 95 %, of Breslow's 1984 estimate, where it falls to its degrees of freedom. 0 where the counts scatter no more than Poisson's.
    """
    lots = [np.asarray(group, np.float64) for group in groups if len(group) > 1 and any(group)]
    freedom = sum(len(lot) - 1 for lot in lots)
    if not freedom:
        return 0.0, 0
    squares = np.concatenate([(lot - lot.mean()) ** 2 for lot in lots])
    means = np.concatenate([np.full(len(lot), lot.mean()) for lot in lots])
    wanted = lower_chi_square(freedom)

    def excess(dispersion: float) -> bool:
        return float(np.sum(squares / (means + dispersion * means**2))) > wanted

    if not excess(0.0):
        return 0.0, freedom
    low, high = 0.0, float(np.sum(squares / means**2)) / wanted
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) else (low, middle)
    return high, freedom


def lower_chi_square(freedom: int) -> float:
    """The lower 5 % quantile of chi-square, by the cube root of Wilson and Hilferty 1931: 7 % too small at 3 degrees, exact for many."""
    part = 2 / (9 * freedom)
    return freedom * max(1 - part + NormalDist().inv_cdf(CAUTION) * math.sqrt(part), 0.05) ** 3


def gamma_tails(shape: float, x: float) -> tuple[float, float]:
    """The lower and the upper regularised incomplete gamma function: DLMF 8.11.4 below the mean, 8.9.2 by Lentz's method above."""
    if x <= 0:
        return 0.0, 1.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        for i in range(1, TERMS):
            term *= x / (shape + i)
            total += term
            if term <= EXACT * total:
                break
        lower = min(front * total, 1.0)
        return lower, 1 - lower
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / b
    value = d
    for i in range(1, TERMS):
        step = -i * (i - shape)
        b += 2
        d = 1 / _not_zero(step * d + b)
        c = _not_zero(b + step / c)
        value *= c * d
        if abs(c * d - 1) <= EXACT:
            break
    upper = min(front * value, 1.0)
    return 1 - upper, upper


def beta_tails(a: float, b: float, x: float, y: float) -> tuple[float, float]:
    """The regularised incomplete beta function at x = 1 - y, and its complement."""
    if x > (a + 1) / (a + b + 2):
        upper = _lower_beta(b, a, y, x)
        return 1 - upper, upper
    lower = _lower_beta(a, b, x, y)
    return lower, 1 - lower


def _lower_beta(a: float, b: float, x: float, y: float) -> float:
    """DLMF 8.17.22 by Lentz's method."""
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)) / a
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for i in range(1, TERMS):
        change = 1.0
        for step in (
            i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i)),
            -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1)),
        ):
            d = 1 / _not_zero(1 + step * d)
            c = _not_zero(1 + step / c)
            change = c * d
            value *= change
        if abs(change - 1) <= EXACT:
            break
    return min(max(front * value, 0.0), 1.0)


def _not_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
