"""Components: a few signed numbers per numeric column that see location, scale, skew and tails. Neyman's smooth test on ranks.

The mid-ranks of the pooled rows within the bins carry orthonormal polynomials; the difference of their means between current and
reference is a component. With the ranks of the pooled rows, mean, variance and skewness of a component under "no change" are those of
drawing n rows out of N without replacement, so that its tail needs no assumption about the shape of the column.

Sources: Neyman 1937, "Smooth test for goodness of fit"; Rayner and Best 1989, "Smooth Tests of Goodness of Fit"; moments of a sample mean
without replacement: Cochran 1977, "Sampling Techniques", section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.pairs import OrderedPair
from driftline.drift.tails import chi2_tail, skewed_tail

Floats = NDArray[np.float64]
ORDERS = 4
MOST_KURTOSIS = 0.25
"""A component after the first is left out where so few rows carry it that its score has a larger excess kurtosis than this."""


@dataclass(frozen=True, eq=False, slots=True)
class Components:
    """scores: (columns, 4) of variance 1 without a change; effects: the same as a difference of means, in units in which a normal column
    that moves by s standard deviations has about s in the first. skewness: of each score. usable: whether the column has enough distinct
    values for that order. unit: (columns,) 1/n + 1/m over finite rows. excess: (columns,) how much larger than that of a chi-square the
    variance of the sum of squared scores is, less 1."""

    scores: Floats
    effects: Floats
    skewness: Floats
    usable: NDArray[np.bool_]
    unit: Floats
    excess: Floats

    @property
    def location_p(self) -> Floats:
        """Two-sided probability of the first score, (columns,)."""
        return np.where(self.usable[:, 0], skewed_tail(self.scores[:, 0], self.skewness[:, 0]), 1.0)

    @property
    def shape(self) -> Floats:
        """Sum of the squared effects of all orders, (columns,): on the scale of a PSI."""
        return np.asarray((self.effects**2).sum(axis=1))

    @property
    def degrees(self) -> Floats:
        """Number of usable orders, (columns,)."""
        return np.asarray(self.usable.sum(axis=1), np.float64)

    @property
    def shape_p(self) -> Floats:
        """Probability of the sum of squared scores, (columns,): a chi-square, stretched until its variance is that of the sum.

        Far out, the sum over few rows has a heavier tail than that: it is taken through v ln(1 + Q / v) with v = n m / (n + m) first, as
        Bartlett 1938 does for Hotelling's statistic.
        """
        stretch = 1 + self.excess
        statistic, degrees = (self.scores**2).sum(axis=1) / stretch, self.degrees / stretch
        unit = np.where(np.isfinite(self.unit), self.unit, 1.0)
        return chi2_tail(np.log1p(statistic * unit) * np.maximum(1 / unit + degrees / 2 - 1, 0.0), degrees)


def components(pair: OrderedPair) -> Components:
    """The components of each column over its finite rows."""
    r, c = _finite(pair.reference), _finite(pair.current)
    m, n = r.sum(axis=1), c.sum(axis=1)
    total = np.maximum(m + n, 2)
    weight = (r + c) / total[:, None]
    rank = 2 * (np.cumsum(weight, axis=1) - weight / 2) - 1
    basis: list[Floats] = [np.ones_like(weight)]
    effects, scores, skews, usable = [], [], [], []
    enough = (m > 0) & (n > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 1 / n + 1 / m
        fourth = (1 / n**3 + 1 / m**3) / unit**2
        lopsided = (m - n) * np.sqrt(total - 1) / (np.maximum(total - 2, 1) * np.sqrt(n * m))
        for _ in range(ORDERS):
            f, good = _next(rank, basis, weight)
            basis.append(f)
            effect = (c * f).sum(axis=1) / n - (r * f).sum(axis=1) / m
            tailed = fourth * ((weight * f**4).sum(axis=1) - 3) > MOST_KURTOSIS
            good = good & enough & ~(tailed & (len(basis) > 2))
            usable.append(good)
            effects.append(np.where(good, effect, 0.0))
            scores.append(np.where(good, effect / np.sqrt(unit * total / (total - 1)), 0.0))
            skews.append(np.where(good, (weight * f**3).sum(axis=1) * lopsided, 0.0))
    each = [np.stack(part, axis=1) for part in (scores, effects, skews)]
    known = np.stack(usable, axis=1)
    return Components(each[0], each[1], each[2], known, unit, _excess(np.stack(basis[1:]), weight, known, fourth))


def _excess(basis: Floats, weight: Floats, usable: NDArray[np.bool_], fourth: Floats) -> Floats:
    """By what part the variance of the sum of squared scores is above the 2 k of a chi-square: few rows far out weigh more than many.

    For scores z = sum of w_i f(row i) with independent rows it is 2 k + sum of w_i^4 (E |f|^4 - k^2 - 2 k), where k counts the usable f and
    `fourth` is the sum of w_i^4.
    """
    k = usable.sum(axis=1)
    length = np.where(usable.T[:, :, None], basis**2, 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = fourth * ((weight * length**2).sum(axis=1) - k**2 - 2 * k) / (2 * k)
    return np.where(np.isfinite(excess), np.maximum(excess, -0.5), 0.0)


def _next(rank: Floats, basis: list[Floats], weight: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The next polynomial in the rank, orthogonal to the ones before and of variance 1, and where it exists."""
    f = rank * basis[-1]
    for known in (*basis, *basis):  # twice: once is not enough in floating point
        f = f - known * (weight * f * known).sum(axis=1, keepdims=True)
    size = (weight * f**2).sum(axis=1)
    good = size > 1e-6
    return np.where(good[:, None], f / np.sqrt(np.where(good, size, 1.0))[:, None], 0.0), good


def _finite(counts: Floats) -> Floats:
    """Counts of the cells that have a place: below, the bins, above."""
    return counts[:, 2:-1]
