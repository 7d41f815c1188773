"""Grids: how a value finds its bin without a search.

A grid maps values to a few thousand cells by arithmetic that never decreases. A table holds for each cell the first bin that reaches into
it, and a comparison with the end of that bin corrects the rest: one if no cell holds two edges, as nearly always, else as many as the
fullest cell holds edges. The grid spans the edges between bins alone and values are clipped to it, so that far tails cost no resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_STEPS = 16
"""With more edges in one cell than this, a binary search is no slower."""

ANCHOR = 2.0**52
"""From here to its double, neighbouring floats differ by one: adding it rounds to a whole number that can be read from the bits."""

ANCHOR_BITS = int(np.float64(ANCHOR).view(np.int64))
ONE_BITS = int(np.float64(1.0).view(np.int64))


class Grid(Protocol):
    """A non-decreasing map from values to whole numbers, about 0 for the first inner edge."""

    def cells(self, x: Floats, out: Indices) -> None:
        """Writes the cell of each value to `out`; overwrites `x`, whose values lie from the first to the last inner edge."""
        ...


@dataclass(frozen=True, slots=True)
class Bits:
    """The leading bits of the float itself: cells whose width grows with the value. For columns whose inner edges are not negative."""

    shift: int
    base: int

    @classmethod
    def over(cls, inner: Floats, size: int) -> Bits | None:
        if inner[0] < 0.0:
            return None
        whole = inner.view(np.int64)
        return cls(*fitting_shift(int(whole[0]), int(whole[-1]), size))

    def cells(self, x: Floats, out: Indices) -> None:
        np.right_shift(x.view(np.int64), self.shift, out=out)
        np.subtract(out, self.base, out=out)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Cells of equal width, for columns of either sign and for integers."""

    factor: float
    offset: float

    @classmethod
    def over(cls, inner: Floats, size: int) -> Uniform | None:
        first, last = float(inner[0]), float(inner[-1])
        factor = (size - 1) / (last - first) if last > first else 1.0
        offset = ANCHOR - first * factor
        usable = 0.0 < factor < math.inf and math.isfinite(offset) and first * factor + offset > 0.0
        return cls(factor, offset) if usable else None

    def cells(self, x: Floats, out: Indices) -> None:
        np.multiply(x, self.factor, out=x)
        np.add(x, self.offset, out=x)
        np.subtract(x.view(np.int64), ANCHOR_BITS, out=out)


@dataclass(frozen=True, slots=True)
class Symlog:
    """The leading bits of 1 + |t| with the sign of t, the distance from the middle in spreads. For two heavy tails."""

    shift_by: float
    factor: float
    shift: int
    base: int

    @classmethod
    def over(cls, inner: Floats, size: int) -> Symlog | None:
        middle, spread = float(inner[len(inner) // 2]), float(inner[(3 * len(inner)) // 4]) - float(inner[len(inner) // 4])
        factor = 2.0 / spread if spread > 0.0 else 1.0
        if not 0.0 < factor < math.inf:
            return None
        ends = np.empty(2, dtype=np.intp)
        cls(0.0 - middle, factor, 0, 0).cells(inner[[0, -1]], ends)
        return cls(0.0 - middle, factor, *fitting_shift(int(ends[0]), int(ends[1]), size))

    def cells(self, x: Floats, out: Indices) -> None:
        np.add(x, self.shift_by, out=x)  # adding 0.0 turns -0.0 into 0.0, subtracting it would not
        np.multiply(x, self.factor, out=x)
        np.right_shift(x.view(np.int64), 63, out=out)  # no bits for t >= 0, all bits for t < 0
        np.abs(x, out=x)
        np.add(x, 1.0, out=x)
        bits = x.view(np.int64)
        np.subtract(bits, ONE_BITS, out=bits)
        np.bitwise_xor(out, bits, out=out)
        np.right_shift(out, self.shift, out=out)
        np.subtract(out, self.base, out=out)


Kind = type[Bits] | type[Uniform] | type[Symlog]

TRIALS: tuple[tuple[Kind, int], ...] = (
    *((kind, size) for size in (1_024, 4_096, 16_384) for kind in (Bits, Uniform)),
    *((Symlog, size) for size in (1_024, 4_096, 16_384, 65_536)),
    *((kind, 65_536) for kind in (Bits, Uniform)),
)
"""Grids and numbers of cells in the order in which they are tried: quick arithmetic first, and small tables, which stay in the cache and
of which a wide dataset holds a thousand."""


@dataclass(frozen=True, eq=False, slots=True)
class Lookup:
    """A grid from the `first` to the `last` inner edge, the first bin that reaches into each cell, and the most edges in one."""

    grid: Grid
    first: float
    last: float
    table: Indices
    steps: int


def find_lookup(edges: Floats) -> Lookup | None:
    """The smallest and quickest look-up for these edges with one step, else the one with fewest; None where all need many."""
    best: tuple[int, Grid, Indices] | None = None
    for kind, size in TRIALS:
        laid = lay(kind, edges, size)
        if laid is None:
            continue
        grid, cells = laid
        steps = int(np.bincount(cells).max())
        if best is None or steps < best[0]:
            best = steps, grid, cells
        if steps == 1:
            break
    if best is None or best[0] > MOST_STEPS:
        return None
    steps, grid, cells = best
    inner = inner_edges(edges)
    return Lookup(grid, float(inner[0]), float(inner[-1]), np.searchsorted(cells, np.arange(cells[-1] + 1)), steps)


def lay(kind: Kind, edges: Floats, size: int) -> tuple[Grid, Indices] | None:
    """A grid of about `size` cells over the edges, and the cells of the inner edges in it."""
    inner = inner_edges(edges)
    cells = np.empty(len(inner), dtype=np.intp)
    with np.errstate(over="ignore"):
        grid = kind.over(inner, size)
        if grid is None:
            return None
        grid.cells(inner.copy(), cells)
    np.maximum(cells, 0, out=cells)
    return (grid, cells) if cells[-1] <= 2 * size else None  # coarse rounding far from zero can overshoot


def inner_edges(edges: Floats) -> Floats:
    """The edges between bins; for a single bin its end, which no value inside reaches."""
    return edges[1:-1] if len(edges) > 2 else edges[1:]


def fitting_shift(first: int, last: int, size: int) -> tuple[int, int]:
    """The shift by which the numbers from `first` to `last` fill at most `size` cells, and the cell of `first`."""
    shift = max(0, (last - first).bit_length() - size.bit_length())
    while (last >> shift) - (first >> shift) >= size:
        shift += 1
    return shift, first >> shift
