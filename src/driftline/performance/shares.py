"""Which share is normal, judged by the shares of earlier windows: no more scatter than chance, or as much as they have shown.

Shares are compared as angles, 2 asin √share, whose variance from chance is 1/(n + ½) whatever the share is (Anscombe 1948), so that shares
near 0 and 1 and few rows are treated fairly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from driftline.performance.counts import lower_chi_square

LEAST = 4
"""Windows from which a normal share is known at all."""


@dataclass(frozen=True, slots=True)
class NormalShare:
    """The mean angle, the variance between windows beyond chance, the variance of the mean, and the number of windows."""

    angle: float
    between: float
    error: float
    windows: int

    @property
    def share(self) -> float:
        """The share that the mean angle stands for."""
        return _share(self.angle)

    def limits(self, n: int, tail: float) -> tuple[float, float]:
        """The shares that n rows fall below, and exceed, with this probability each."""
        reach = -NormalDist().inv_cdf(tail) * math.sqrt(1 / (n + 0.5) + self.between + self.error)
        return _share(self.angle - reach), _share(self.angle + reach)


def normal_share(windows: Sequence[tuple[int, int]]) -> NormalShare | None:
    """What earlier windows, as (part, whole), let expect. None where fewer than four have rows.

    The variance between windows is an upper bound at 95 %: the one at which Σ (angle - mean)² / (chance + between) falls to the lower 5 %
    quantile of its chi-square.
    """
    known = [(_angle(part, whole), 1 / (whole + 0.5)) for part, whole in windows if whole > 0]
    if len(known) < LEAST:
        return None
    wanted = lower_chi_square(len(known) - 1)
    between = 0.0
    if _scatter(known, 0.0) > wanted:
        low, high = 0.0, 4 * math.pi**2 * len(known) / wanted
        while high - low > 1e-6 * high:
            between = (low + high) / 2
            low, high = (between, high) if _scatter(known, between) > wanted else (low, between)
    mean, error = _mean(known, between)
    return NormalShare(mean, between, error, len(known))


def _mean(known: Sequence[tuple[float, float]], between: float) -> tuple[float, float]:
    """The mean angle, weighted by its variances, and its own variance."""
    weight = sum(1 / (chance + between) for _, chance in known)
    return sum(angle / (chance + between) for angle, chance in known) / weight, 1 / weight


def _scatter(known: Sequence[tuple[float, float]], between: float) -> float:
    mean = _mean(known, between)[0]
    return sum((angle - mean) ** 2 / (chance + between) for angle, chance in known)


def _angle(part: int, whole: int) -> float:
    return 2 * math.asin(math.sqrt((part + 0.375) / (whole + 0.75)))


def _share(angle: float) -> float:
    return math.sin(min(max(angle, 0.0), math.pi) / 2) ** 2
