"""The one counting kernel: values of a numeric column into the cells of its bins.

Every profile of a numeric column, in any engine, comes from here. Besides the bins there are eight cells for what is no value inside the
range of the reference, so that every row lands in exactly one cell. The kernel works through short chunks with whole-array operations
into buffers that stay in the cache, and finds bins through a grid, about ten times faster than by binary search.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.grids import find_lookup

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]

MISSING, NAN, NEG_INF, POS_INF, FAR_BELOW, BELOW, ABOVE, FAR_ABOVE = range(8)
SPECIAL = 8
"""Number of cells before the bins."""

CHUNK = 32_768
"""Rows at a time."""
FEW = 300
"""Below this many rows a binary search is as quick as a grid."""
HEAD = 2_048
"""Rows of a chunk that set the extremes of the groups, so that hardly any later row has to."""

NO_ROWS: Indices = np.empty(0, dtype=np.intp)


class Scratch(threading.local):
    """Buffers for one chunk, kept by each thread: allocating them for every batch would cost more than counting it."""

    def __init__(self) -> None:
        self.cells = np.empty(CHUNK, dtype=np.intp)
        self.index = np.empty(CHUNK, dtype=np.intp)
        self.number = np.empty(CHUNK, dtype=np.float64)
        self.filled = np.empty(CHUNK, dtype=np.float64)
        self.lows = np.empty(CHUNK, dtype=np.float64)
        self.highs = np.empty(CHUNK, dtype=np.float64)
        self.past = np.empty(CHUNK, dtype=np.bool_)


scratch = Scratch()


class Counter:
    """Counts values by cell: eight special cells, then bin i = [edges[i], edges[i + 1]).

    Values outside are `FAR_BELOW` or `FAR_ABOVE` where they are further out than all bins together are wide. `scale` is positive.
    """

    def __init__(self, edges: Floats, *, center: float = 0.0, scale: float = 1.0) -> None:
        self.edges = edges + 0.0  # -0.0 becomes 0.0
        self.width = SPECIAL + len(edges) - 1
        self.center = center
        self.factor = min(1.0 / scale, sys.float_info.max)
        self.first, self.end = float(self.edges[0]), float(self.edges[-1])
        highest = math.nextafter(self.end, -math.inf)
        self.far_below, self.far_above = self.first - (highest - self.first), highest + (highest - self.first)
        self.lookup = find_lookup(self.edges)
        self.table = self.lookup.table + SPECIAL if self.lookup else NO_ROWS  # from grid cells to cells
        self.bin_end = np.concatenate([np.zeros(SPECIAL), self.edges[1:]])  # by cell

    def add(self, values: Floats, valid: Mask | None, group: Indices | None, counts: Counts, moments: Floats, extremes: Floats) -> None:
        """Adds rows to `counts` (groups, width), `moments` (groups, 2) and `extremes` (groups, 2), in place.

        Rows that are not `valid` count as missing, whatever their value. `group` says which row of the three tables each value belongs
        to, 0 if None. Moments are the sum and the sum of squares of (x - center) / scale over finite values, infinite where they
        overflow; extremes are the least and the greatest finite value and start at (inf, -inf).
        """
        with np.errstate(all="ignore"):
            for rows, x, nulls in chunks(values, valid):
                g = None if group is None else group[rows]
                if g is None or (g[0] == g[-1] and g.min() == g.max()):
                    self.add_one(x, nulls, 0 if g is None else int(g[0]), counts, moments, extremes)
                else:
                    self.add_many(x, nulls, g, counts, moments, extremes)

    def add_one(self, x: Floats, nulls: Indices, g: int, counts: Counts, moments: Floats, extremes: Floats) -> None:
        """Adds a chunk whose rows are all of group `g`."""
        low, high = x.min(), x.max()
        cells, void = self.place(x, nulls, low, high)
        y = self.standardised(x, void)
        counts[g] += np.bincount(cells, minlength=self.width)
        moments[g] += y.sum(), np.einsum("i,i->", y, y)  # not np.dot: BLAS waits for its threads when the cores are busy
        if not (extremes[g, 0] <= low and high <= extremes[g, 1]):
            lows, highs = finite_ends(x, void)
            extremes[g] = min(extremes[g, 0], lows.min()), max(extremes[g, 1], highs.max())

    def add_many(self, x: Floats, nulls: Indices, group: Indices, counts: Counts, moments: Floats, extremes: Floats) -> None:
        """Adds a chunk of several groups."""
        cells, void = self.place(x, nulls, x.min(), x.max())
        y = self.standardised(x, void)
        flat, stride = flattened(counts)
        index = scratch.index[: len(x)]
        np.multiply(group, stride, out=index)
        np.add(index, cells, out=index)
        np.add.at(flat, index, 1)
        moments[:, 0] += np.bincount(group, weights=y, minlength=len(moments))
        np.multiply(y, y, out=y)
        moments[:, 1] += np.bincount(group, weights=y, minlength=len(moments))
        stretch(extremes, group, x, cells)

    def place(self, x: Floats, nulls: Indices, low: float, high: float) -> tuple[Indices, Indices]:
        """The cell of each row, and the rows that hold no finite value. `low` and `high` are the extremes of x, nan if any value is."""
        cells, void = scratch.cells[: len(x)], NO_ROWS
        self.locate(x, cells)
        if not (self.first <= low and high < self.end):
            outside = np.flatnonzero(~((x >= self.first) & (x < self.end)))
            cells[outside] = special = self.special(x[outside])
            void = outside[special <= POS_INF]
        if len(nulls):
            cells[nulls] = MISSING
            void = np.concatenate([void, nulls])
        return cells, void

    def locate(self, x: Floats, cells: Indices) -> None:
        """Writes the cell of each value to `cells`: of values in the bins, others get any."""
        if self.lookup is None or len(x) < FEW:
            np.add(np.searchsorted(self.edges, x, side="right"), SPECIAL - 1, out=cells)
            return
        index, number, past = scratch.index[: len(x)], scratch.number[: len(x)], scratch.past[: len(x)]
        np.clip(x, self.lookup.first, self.lookup.last, out=number)
        self.lookup.grid.cells(number, index)
        self.table.take(index, mode="clip", out=cells)
        for _ in range(self.lookup.steps):
            self.bin_end.take(cells, mode="clip", out=number)
            np.greater_equal(x, number, out=past)
            np.add(cells, past, out=cells)

    def special(self, x: Floats) -> Indices:
        """The cell of each value outside the bins."""
        cells = np.full(len(x), NAN, dtype=np.intp)
        for cell, holds in (
            (BELOW, x < self.first),
            (FAR_BELOW, x < self.far_below),
            (NEG_INF, x == -math.inf),
            (ABOVE, x >= self.end),
            (FAR_ABOVE, x > self.far_above),
            (POS_INF, x == math.inf),
        ):
            cells[holds] = cell
        return cells

    def standardised(self, x: Floats, void: Indices) -> Floats:
        """(x - center) / scale, and 0 for rows without a finite value."""
        y = scratch.number[: len(x)]
        np.subtract(x, self.center, out=y)
        np.multiply(y, self.factor, out=y)
        if len(void):
            y[void] = 0.0
        return y


def chunks(values: Floats, valid: Mask | None) -> Iterator[tuple[slice, Floats, Indices]]:
    """The rows some at a time: which they are, their values with nulls filled, and the rows of the chunk that are null."""
    for start in range(0, len(values), CHUNK):
        rows = slice(start, start + CHUNK)
        x, nulls = values[rows], NO_ROWS
        if valid is not None:
            nulls = np.flatnonzero(~valid[rows])
            x = filled(x, nulls, x[int(valid[rows].argmax())])
        yield rows, x, nulls


def flattened(counts: Counts) -> tuple[Counts, int]:
    """A table as one long row that shares its memory, and how far apart its rows start in it: the table may be a slice of a wider one."""
    stride = counts.strides[0] // counts.itemsize
    return np.lib.stride_tricks.as_strided(
        counts, shape=((len(counts) - 1) * stride + counts.shape[1],), strides=(counts.itemsize,)
    ), stride


def filled(x: Floats, nulls: Indices, value: float) -> Floats:
    """The values with `value` where rows are null.

    Arrow leaves zeros there: outside the range of the reference they would send every chunk the slow way.
    """
    if not len(nulls):
        return x
    copy = scratch.filled[: len(x)]
    np.copyto(copy, x)
    copy[nulls] = value
    return copy


def finite_ends(x: Floats, void: Indices) -> tuple[Floats, Floats]:
    """The values twice, with the rows `void` at inf and at -inf, where they cannot be the least or the greatest."""
    if not len(void):
        return x, x
    lows, highs = scratch.lows[: len(x)], scratch.highs[: len(x)]
    np.copyto(lows, x)
    lows[void] = math.inf
    np.copyto(highs, x)
    highs[void] = -math.inf
    return lows, highs


def stretch(extremes: Floats, group: Indices, x: Floats, cells: Indices) -> None:
    """Stretches the extremes of each group to its finite values.

    Once the first rows have done so, hardly any other row can, and only those few take the slow way.
    """
    least, greatest = extremes[:, 0].copy(), extremes[:, 1].copy()
    for rows in (slice(0, HEAD), slice(HEAD, None)):
        values, g, cell = x[rows], group[rows], cells[rows]
        bound = scratch.number[: len(g)]
        few = np.flatnonzero(values < least.take(g, mode="clip", out=bound))
        few = few[cell[few] > POS_INF]
        np.minimum.at(least, g[few], values[few])
        few = np.flatnonzero(values > greatest.take(g, mode="clip", out=bound))
        few = few[cell[few] > POS_INF]
        np.maximum.at(greatest, g[few], values[few])
    extremes[:, 0], extremes[:, 1] = least, greatest
