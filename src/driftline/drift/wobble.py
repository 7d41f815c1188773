"""Wobble: how much each signal moves from window to window when nothing is wrong, beyond what its rows explain.

A signal of n rows has variance 1 by sampling and n kappa by itself. Scores are held in units of both together. A variance taken from few
windows is badly known: it is drawn towards those of the other signals of its kind, the more the more they resemble each other, and the
score goes through Student's t to a normal one. Neighbouring windows that are alike count as fewer.

Sources: the drawing together, Smyth 2004, "Linear models and empirical Bayes methods"; the normal score of t, Wallace 1959.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_WINDOWS = 3.0
MOST_LIKE = 0.95
MOST_DEGREES = 1e6
FARTHEST = 100.0
"""Scores beyond this are this: so many normal wobbles are no better known."""
IDLE = 0.5
"""Rates with hardly a row vary less than their rows allow: below this variance they say nothing about others of their kind."""
LITTLE = 0.01
"""What a signal weighs at least where the likeness of its group is taken."""
TINY = 1e-9
COMPANY = 3.0
"""How many signals the likeness of all kinds weighs against that within one kind."""


@dataclass(frozen=True, eq=False, slots=True)
class Wobble:
    """All (signals,). kappa: variance beyond sampling, of a window that is yet to come. windows: how many independent windows taught it.
    degrees: degrees of freedom of the variance. rows: the usual number of rows. likeness: of neighbouring windows. seen: the variance of
    the scores of the reference's windows, below 1 where hardly a row is expected."""

    kappa: Floats
    windows: Floats
    degrees: Floats
    rows: Floats
    likeness: Floats
    seen: Floats

    def standardised(self, scores: Floats, rows: Floats) -> Floats:
        """Scores of so many rows in units of sampling and wobble together."""
        return scores / np.sqrt(1 + rows * self.kappa)

    def sampling(self, rows: Floats) -> Floats:
        """The share of the variance that sampling explains."""
        return np.asarray(1 / (1 + rows * self.kappa))

    def degrees_at(self, rows: Floats) -> Floats:
        """Degrees of freedom of the scale of a score: more where sampling explains most, which is known."""
        return np.asarray(np.minimum(self.degrees / np.maximum(1 - self.sampling(rows), 1e-3), MOST_DEGREES))

    def judged(self, standardised: Floats, rows: Floats) -> Floats:
        """Standardised scores as normal ones."""
        return normal_scores(standardised, self.degrees_at(rows))


def normal_scores(t: Floats, degrees: Floats) -> Floats:
    """The normal score of Student's t (Wallace 1959)."""
    root = np.sqrt(degrees * np.log1p(t * t / degrees)) * (8 * degrees + 1) / (8 * degrees + 3)
    return np.asarray(np.clip(np.copysign(root, t), -FARTHEST, FARTHEST))


def learn_wobble(residuals: Floats, rows: Floats, groups: Sequence[int]) -> tuple[Wobble, Kin]:
    """From the residual scores of windows and their rows, (windows, signals). `groups` says which signals are of one kind, (signals,)."""
    known = rows > 0
    count = np.maximum(known.sum(axis=0), 1).astype(np.float64)
    usual = rows.sum(axis=0) / count
    seen = np.where(known, residuals**2, 0.0).sum(axis=0) / count
    windows, likeness = independent(residuals, seen, groups)
    variance = enlarged(seen, windows, count)
    kin = kin_of(variance, np.maximum(np.minimum(windows, count) - 1, 1.0), groups)
    kappa = np.where(usual > 0, np.maximum(kin.drawn(variance) - 1, 0.0) / np.maximum(usual, 1e-300), 0.0)
    return Wobble(kappa, windows, np.minimum(kin.prior + kin.free, MOST_DEGREES), usual, likeness, seen), kin


def enlarged(variance: Floats, windows: Floats, count: Floats) -> Floats:
    """Variances of the reference's windows, each around the others, as those of a window to come around the mean of the reference.

    With W windows that count for w, the first is (1 - 1/w) (W / (W - 1))^2 and the second 1 + 1/w times that of the windows themselves.
    """
    factor = (1 + 1 / windows) / (1 - 1 / windows) * (1 - 1 / np.maximum(count, 2)) ** 2
    return np.where(variance > 1, 1 + (variance - 1) * factor, variance)


@dataclass(frozen=True, eq=False, slots=True)
class Kin:
    """How far variances are drawn towards those of their kind, all (signals,): to `centre`, which weighs as much as `prior` degrees of
    freedom against the `free` ones of the signal itself."""

    centre: Floats
    prior: Floats
    free: Floats

    def drawn(self, variance: Floats) -> Floats:
        return np.asarray((self.prior * self.centre + self.free * variance) / (self.prior + self.free))


def kin_of(variance: Floats, free: Floats, groups: Sequence[int]) -> Kin:
    """Drawn the more the more the variances of a group resemble each other, given how much they differ by chance."""
    _, place = np.unique(np.asarray(groups, np.intp), return_inverse=True)
    busy = (variance >= IDLE).astype(np.float64)
    size = np.bincount(place, weights=busy)
    each = np.maximum(size, 1)
    logs = np.log(np.maximum(variance, IDLE)) - digamma(free / 2) + np.log(free / 2)
    middle = np.bincount(place, weights=busy * logs) / each
    squares = np.bincount(place, weights=busy * (logs - middle[place]) ** 2)
    pooled = float(squares.sum() / max(float(np.maximum(size - 1, 0).sum()), 1.0))
    spread = (squares + COMPANY * pooled) / (each - 1 + COMPANY)
    surplus = spread - np.bincount(place, weights=busy * trigamma(free / 2)) / each
    prior = np.where(surplus > 0, 2 * inverse_trigamma(np.maximum(surplus, TINY)), MOST_DEGREES)
    centre = np.exp(np.minimum(middle + digamma(prior / 2) - np.log(prior / 2), 50.0))
    return Kin(centre[place], prior[place] * busy, free)


def independent(residuals: Floats, variance: Floats, groups: Sequence[int]) -> tuple[Floats, Floats]:
    """How many independent windows those of each signal count for, R (1 - r) / (1 + r), and r, the likeness of neighbours.

    In a short series r comes out too small by (1 + 3 r) / R (Kendall 1954), which is put back. Half of it is that of its group, where
    signals count by what they move beyond chance.
    """
    count = len(residuals)
    _, place = np.unique(np.asarray(groups, np.intp), return_inverse=True)
    centred = residuals - residuals.mean(axis=0)
    spread = (centred**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(spread > TINY, (centred[1:] * centred[:-1]).sum(axis=0) / spread, 0.0)
    own = np.where(spread > TINY, (own * count + 1) / (count - 3), 0.0)
    weight = np.where(spread > TINY, np.maximum(variance - 1, 0.0) + LITTLE, 0.0)
    pooled = np.bincount(place, weights=own * weight) / np.maximum(np.bincount(place, weights=weight), 1e-300)
    likeness = np.clip((own + pooled[place]) / 2, 0.0, MOST_LIKE)
    return np.maximum(count * (1 - likeness) / (1 + likeness), LEAST_WINDOWS), likeness


def left_out(wobble: Wobble, residuals: Floats, rows: Floats, kin: Kin) -> Floats:
    """The normal scores of all windows, (windows, signals), each judged by the variance that the others show."""
    known = rows > 0
    count = known.sum(axis=0).astype(np.float64)
    squares = np.where(known, residuals**2, 0.0)
    others = (squares.sum(axis=0) - squares) / np.maximum(count - known, 1)
    drawn = kin.drawn(enlarged(others, wobble.windows, count))
    kappa = np.where(wobble.rows > 0, np.maximum(drawn - 1, 0.0) / np.maximum(wobble.rows, 1e-300), 0.0)
    left = replace(wobble, kappa=kappa)
    return left.judged(left.standardised(residuals, rows), rows)


def digamma(x: Floats) -> Floats:
    """The derivative of the logarithm of the gamma function: recurrence up to 6, then the asymptotic series (DLMF 5.11.2)."""
    x = np.array(x, np.float64)
    shift = np.zeros(x.shape)
    for _ in range(6):
        low = x < 6
        shift = shift - np.where(low, 1 / x, 0.0)
        x = np.where(low, x + 1, x)
    f = 1 / (x * x)
    return np.asarray(shift + np.log(x) - 0.5 / x - f * (1 / 12 - f * (1 / 120 - f * (1 / 252 - f / 240))))


def trigamma(x: Floats) -> Floats:
    """The derivative of `digamma` (DLMF 5.15.8)."""
    x = np.array(x, np.float64)
    shift = np.zeros(x.shape)
    for _ in range(6):
        low = x < 6
        shift = shift + np.where(low, 1 / (x * x), 0.0)
        x = np.where(low, x + 1, x)
    f = 1 / (x * x)
    return np.asarray(shift + 1 / x + f / 2 + f / x * (1 / 6 - f * (1 / 30 - f * (1 / 42 - f / 30))))


def inverse_trigamma(value: Floats) -> Floats:
    """The x with trigamma(x) = value, by bisection on the logarithm, from 0.5 to half a million."""
    low, high = np.full(value.shape, math.log(0.5)), np.full(value.shape, math.log(MOST_DEGREES / 2))
    for _ in range(50):
        middle = (low + high) / 2
        above = trigamma(np.exp(middle)) > value
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.exp(high))
