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


@dataclass(frozen=True, eq=False, slots=True)
class Components:
    """scores: (columns, 4) of variance 1 without a change; effects: the same as a difference of means, in units in which a normal column
    that moves by s standard deviations has about s in the first. skewness: of each score. usable: whether the column has enough distinct
    values for that order. unit: (columns,) 1/n + 1/m over finite rows."""

    scores: Floats
    effects: Floats
    skewness: Floats
    usable: NDArray[np.bool_]
    unit: Floats

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
        return self.usable.sum(axis=1).astype(np.float64)

    @property
    def shape_p(self) -> Floats:
        """Probability of the sum of squared scores, (columns,)."""
        return chi2_tail((self.scores**2).sum(axis=1), self.degrees)


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
        lopsided = (m - n) * np.sqrt(total - 1) / (np.maximum(total - 2, 1) * np.sqrt(n * m))
        for _ in range(ORDERS):
            f, good = _next(rank, basis, weight)
            basis.append(f)
            effect = (c * f).sum(axis=1) / n - (r * f).sum(axis=1) / m
            good = good & enough
            usable.append(good)
            effects.append(np.where(good, effect, 0.0))
            scores.append(np.where(good, effect / np.sqrt(unit * total / (total - 1)), 0.0))
            skews.append(np.where(good, (weight * f**3).sum(axis=1) * lopsided, 0.0))
    return Components(*(np.stack(part, axis=1) for part in (scores, effects, skews)), np.stack(usable, axis=1), unit)


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
