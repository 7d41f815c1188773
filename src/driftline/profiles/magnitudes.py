"""Positive numbers counted in logarithmic buckets, so that their quantiles are known to 1 % of their value at any number of rows.

Bucket i holds (LEAST·γ^(i-1), LEAST·γ^i] with γ = 1.02; each of its numbers is within a relative error of (γ - 1)/(γ + 1) = 0.99 % of
2 LEAST γ^i/(γ + 1). Source: the buckets of DDSketch (Masson, Rim and Lee 2019). The first bucket also takes all that is smaller, the
last all that is larger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import FormatError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ERROR = 0.01
"""The relative error that is promised for a quantile."""
GROWTH = 1.02
LEAST, MOST = 1e-3, 1e9
SIZE = math.ceil(math.log(MOST / LEAST) / math.log(GROWTH)) + 1
"""Number of buckets: 1,397."""


@dataclass(frozen=True, slots=True, eq=False)
class Magnitudes:
    """How many numbers lie in each bucket: `cells` (k, 2) are the buckets that are not empty, ascending, and their counts. Adds by `+`."""

    cells: Ints

    def __post_init__(self) -> None:
        """Make the counts read-only."""
        self.cells.flags.writeable = False

    @classmethod
    def zero(cls) -> Magnitudes:
        return cls(np.zeros((0, 2), np.int64))

    @classmethod
    def of(cls, values: Floats) -> Magnitudes:
        """The counts of positive numbers, (n,)."""
        return cls(gathered(buckets(values)))

    @classmethod
    def from_array(cls, cells: NDArray[Any]) -> Magnitudes:
        """What `cells` was. Raises `FormatError` for an array that is no such counts."""
        if cells.dtype == np.int64 and cells.ndim == 2 and cells.shape[1] == 2:
            own, counts = cells[:, 0], cells[:, 1]
            if not len(cells) or (own[0] >= 0 and own[-1] < SIZE and (counts > 0).all() and (own[1:] > own[:-1]).all()):
                return cls(cells.astype(np.int64))
        raise FormatError("The stored magnitudes are no counts by bucket", hint="Make them again from their rows.")

    @classmethod
    def total(cls, lots: Iterable[Magnitudes]) -> Magnitudes:
        """The counts of all lots together."""
        return cls(merged(*(each.cells for each in lots)))

    def __add__(self, other: Magnitudes) -> Magnitudes:
        return Magnitudes.total((self, other))

    @property
    def count(self) -> int:
        """How many numbers."""
        return int(self.cells[:, 1].sum())

    def quantile(self, share: float) -> float | None:
        """The smallest number with at least this share of all at or below it, to 1 %; None without numbers."""
        return self.ranked(math.ceil(share * self.count))

    def ranked(self, rank: int) -> float | None:
        """The number with this rank, 1 being the smallest, to 1 %; ranks outside are drawn in. None without numbers."""
        if not len(self.cells):
            return None
        below = np.cumsum(self.cells[:, 1])
        position = int(np.searchsorted(below, min(max(rank, 1), int(below[-1]))))
        return float(2 * LEAST * GROWTH ** int(self.cells[position, 0]) / (GROWTH + 1))

    def share_below(self, value: float) -> float | None:
        """The share of numbers up to `value`; the numbers in its own bucket count in proportion. None without numbers.

        It lies between the exact shares up to value/γ and up to value·γ.
        """
        if not len(self.cells):
            return None
        if not value > 0:
            return 0.0
        value = min(value, MOST)
        exact = math.log(value / LEAST) / math.log(GROWTH)
        own = min(max(math.ceil(exact), 0), SIZE - 1)
        within = (value / (LEAST * GROWTH**own) - 1 / GROWTH) / (1 - 1 / GROWTH)
        weights = np.where(self.cells[:, 0] < own, 1.0, np.where(self.cells[:, 0] == own, min(max(within, 0.0), 1.0), 0.0))
        return float(np.dot(weights, self.cells[:, 1]) / self.count)


def buckets(values: Floats) -> Ints:
    """The bucket of each positive number, (n,)."""
    positions = np.ceil(np.log(values / LEAST) / math.log(GROWTH))
    return np.clip(positions, 0, SIZE - 1).astype(np.int64)


def gathered(keys: Ints) -> Ints:
    """Whole numbers with their counts, ascending, (k, 2)."""
    if len(keys) and int(keys.max()) < 4 * len(keys) + 65_536:
        counts = np.bincount(keys)
        unique = np.flatnonzero(counts)
        return np.stack([unique, counts[unique]], axis=1).astype(np.int64)
    return np.stack(np.unique(keys, return_counts=True), axis=1).astype(np.int64)


def merged(*lots: Ints) -> Ints:
    """Several lots of counted keys as one, ascending, (k, 2)."""
    filled = [lot for lot in lots if len(lot)]
    if len(filled) < 2:
        return filled[0].copy() if filled else np.zeros((0, 2), np.int64)
    together = np.concatenate(filled)
    keys, where = np.unique(together[:, 0], return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, where, together[:, 1])
    return np.stack([keys, counts], axis=1)
