"""Pairs: the counts of two samples over the same cells, for many columns at once. What the measures take.

Shorter columns are padded with cells that are empty on both sides; an empty cell adds nothing to any measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, MISSING, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_CELLS = 100
"""Levels with a cell of their own in a measure; rarer ones share one."""


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """Counts of reference and current rows over the same cells: both (columns, cells)."""

    reference: Floats
    current: Floats

    @property
    def m(self) -> Floats:
        """Reference rows, (columns, 1)."""
        return self.reference.sum(axis=1, keepdims=True)

    @property
    def n(self) -> Floats:
        """Current rows, (columns, 1)."""
        return self.current.sum(axis=1, keepdims=True)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        """Shares of reference and current rows; all zero where there are no rows."""
        return self.reference / np.maximum(self.m, 1), self.current / np.maximum(self.n, 1)

    @property
    def live(self) -> NDArray[np.bool_]:
        """Cells with a row on either side, (columns, cells)."""
        return (self.reference + self.current) > 0

    @property
    def smoothed(self) -> tuple[Floats, Floats]:
        """Shares after half a row is added to every live cell on both sides; 0 in cells that are empty on both."""
        live, k = self.live, self.live.sum(axis=1, keepdims=True)
        p = np.where(live, (self.reference + 0.5) / (self.m + 0.5 * k), 0.0)
        return p, np.where(live, (self.current + 0.5) / (self.n + 0.5 * k), 0.0)

    @property
    def unit(self) -> Floats:
        """1/n + 1/m, (columns,): the variance that sampling alone gives to a standardised difference. Infinite without rows."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / self.n + 1 / self.m)[:, 0]


@dataclass(frozen=True, eq=False, slots=True)
class OrderedPair(Pair):
    """A pair whose cells are in the order of their values, missing first: cells are MISSING, -inf, below, the bins, above, +inf.

    edges: (columns, bins + 1), padded with the last edge. points: (columns, bins), bins that hold one single value of the reference.
    moments: (columns, 2 tables, 2), mean and standard deviation of the finite values. extremes: (columns, 2 tables, 2).
    """

    edges: Floats
    points: NDArray[np.bool_]
    moments: Floats
    extremes: Floats


LOWER, UPPER = 3, 2
"""Cells of an ordered pair before and after its bins."""


def numeric_pairs(reference: Profile, current: Profile, rows: Sequence[int]) -> tuple[Pair, OrderedPair]:
    """The coarse and the ordered pair of numeric columns, given by their rows in `schema.numeric`."""
    columns = [reference.schema.columns[reference.schema.numeric[r]] for r in rows]
    bins = max((len(c.edges) - 1 for c in columns), default=0)
    groups = max((c.coarse[-1] + 1 for c in columns), default=0)
    fine, coarse = np.zeros((2, len(rows), LOWER + bins + UPPER)), np.zeros((2, len(rows), LOWER + groups + UPPER))
    edges, points = np.zeros((len(rows), bins + 1)), np.zeros((len(rows), bins), np.bool_)
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        width = len(column.edges) - 1
        edges[i] = column.edges[-1]
        edges[i, : width + 1] = column.edges
        points[i, :width] = column.points
        for side, profile in enumerate((reference, current)):
            cells = profile.counts[profile.schema.cells(profile.schema.numeric[row])]
            special = _special(cells)
            for target, inside in ((fine, cells[SPECIAL:]), (coarse, np.bincount(column.coarse, weights=cells[SPECIAL:]))):
                target[side, i, :LOWER] = special[:LOWER]
                target[side, i, LOWER : LOWER + len(inside)] = inside
                target[side, i, -UPPER:] = special[LOWER:]
    moments = np.array([[(p.mean(r), p.deviation(r)) for p in (reference, current)] for r in rows]).reshape(len(rows), 2, 2)
    extremes = np.stack([p.extremes[list(rows)] for p in (reference, current)], axis=1)
    return Pair(coarse[0], coarse[1]), OrderedPair(fine[0], fine[1], edges, points, moments, extremes)


def _special(cells: Counts) -> tuple[float, ...]:
    """Missing or not a number, -inf, below, above, +inf."""
    return (
        float(cells[MISSING] + cells[NAN]),
        float(cells[NEG_INF]),
        float(cells[FAR_BELOW] + cells[BELOW]),
        float(cells[ABOVE] + cells[FAR_ABOVE]),
        float(cells[POS_INF]),
    )


def level_pair(reference: Profile, current: Profile, positions: Sequence[int]) -> Pair:
    """The pair of columns with levels, given by their positions: missing, tail, rarer levels together, then the most frequent levels."""
    columns = [reference.schema.columns[p] for p in positions]
    most = max((min(len(c.levels), MOST_CELLS) for c in columns), default=0)
    both = np.zeros((2, len(positions), 3 + most))
    for i, position in enumerate(positions):
        for side, profile in enumerate((reference, current)):
            cells = profile.counts[profile.schema.cells(position)]
            own = cells[FIRST_LEVEL : FIRST_LEVEL + MOST_CELLS]
            both[side, i, :3] = cells[0], cells[1:FIRST_LEVEL].sum(), cells[FIRST_LEVEL + MOST_CELLS :].sum()
            both[side, i, 3 : 3 + len(own)] = own
    return Pair(both[0], both[1])


def cell_names(column: Column) -> tuple[str, ...]:
    """What the cells of a column's pair are called: coarse bins for numbers, levels otherwise."""
    if not column.is_numeric:
        return ("missing", "other" if not column.complete else "unseen", "rare", *column.levels[:MOST_CELLS])
    starts = [column.edges[column.coarse.index(g)] for g in range(column.coarse[-1] + 1)]
    single = column.kind.value in ("integer", "constant")
    ends = [*starts[1:], column.edges[-1]]
    bins = [f"{a:g}" if single else f"{a:.4g} to {b:.4g}" for a, b in zip(starts, ends, strict=True)]
    return ("missing", "-inf", f"below {column.edges[0]:.4g}", *bins, f"above {column.edges[-1]:.4g}", "+inf")
