"""Pairs: the counts of two samples over the same cells, for many columns at once. What the measures take.

Shorter columns are padded with cells that are empty on both sides; an empty cell adds nothing to any measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from driftline.core.verdicts import Chart
from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, MISSING, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_CELLS = 100
"""Levels with a cell of their own in a measure; rarer ones share one."""
CHARTED = 24


@dataclass(frozen=True, eq=False)
class Pair:
    """Counts of reference and current rows over the same cells: both (columns, cells)."""

    reference: Floats
    current: Floats

    @cached_property
    def m(self) -> Floats:
        """Reference rows, (columns, 1)."""
        return np.asarray(self.reference.sum(axis=1, keepdims=True))

    @cached_property
    def n(self) -> Floats:
        """Current rows, (columns, 1)."""
        return np.asarray(self.current.sum(axis=1, keepdims=True))

    @cached_property
    def shares(self) -> tuple[Floats, Floats]:
        """Shares of reference and current rows; all zero where there are no rows."""
        return self.reference / np.maximum(self.m, 1), self.current / np.maximum(self.n, 1)

    @cached_property
    def live(self) -> NDArray[np.bool_]:
        """Cells with a row on either side, (columns, cells)."""
        return np.asarray((self.reference + self.current) > 0)

    @cached_property
    def smoothed(self) -> tuple[Floats, Floats]:
        """Shares after half a row is added to every live cell on both sides; 0 in cells that are empty on both."""
        live, k = self.live, self.live.sum(axis=1, keepdims=True)
        p = np.where(live, (self.reference + 0.5) / np.maximum(self.m + 0.5 * k, 0.5), 0.0)
        return p, np.where(live, (self.current + 0.5) / np.maximum(self.n + 0.5 * k, 0.5), 0.0)

    @cached_property
    def unit(self) -> Floats:
        """1/n + 1/m, (columns,): the variance that sampling alone gives to a standardised difference. Infinite without rows."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / self.n + 1 / self.m)[:, 0]


@dataclass(frozen=True, eq=False)
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
    schema = reference.schema
    columns = [schema.columns[schema.numeric[r]] for r in rows]
    widths = np.array([len(c.edges) - 1 for c in columns], np.intp)
    bins, groups = int(widths.max(initial=0)), max((c.coarse[-1] + 1 for c in columns), default=0)
    coarse_of = np.full((len(rows), bins), groups, np.intp)  # padding lands in a group of its own, which is cut off
    edges, points = np.zeros((len(rows), bins + 1)), np.zeros((len(rows), bins), np.bool_)
    for i, (column, width) in enumerate(zip(columns, widths.tolist(), strict=True)):
        edges[i] = column.edges[-1]
        edges[i, : width + 1] = column.edges
        points[i, :width] = column.points
        coarse_of[i, :width] = column.coarse
    flat = (coarse_of + np.arange(len(rows))[:, None] * (groups + 1)).ravel()
    fine, coarse = [], []
    for profile in (reference, current):
        cells = _padded(profile, rows, widths, bins)
        inside = cells[:, SPECIAL:]
        grouped = np.bincount(flat, weights=inside.ravel(), minlength=len(rows) * (groups + 1)).reshape(len(rows), groups + 1)[:, :groups]
        special = _special(cells)
        fine.append(np.concatenate([special[:, :LOWER], inside, special[:, LOWER:]], axis=1))
        coarse.append(np.concatenate([special[:, :LOWER], grouped, special[:, LOWER:]], axis=1))
    moments = np.stack([profile.centres()[list(rows)] for profile in (reference, current)], axis=1)
    extremes = np.stack([p.extremes[list(rows)] for p in (reference, current)], axis=1)
    return Pair(coarse[0], coarse[1]), OrderedPair(fine[0], fine[1], edges, points, moments, extremes)


def _padded(profile: Profile, rows: Sequence[int], widths: NDArray[np.intp], bins: int) -> Floats:
    """The cells of numeric columns side by side, (columns, SPECIAL + bins), with zeros after a column's last bin."""
    starts = profile.schema.offsets[[profile.schema.numeric[r] for r in rows]]
    at = np.arange(SPECIAL + bins)
    own = at[None, :] < SPECIAL + widths[:, None]
    return np.where(own, profile.counts[np.where(own, starts[:, None] + at[None, :], 0)], 0).astype(np.float64)


def _special(cells: Floats) -> Floats:
    """Missing or not a number, -inf, below, above, +inf: (columns, 5)."""
    return np.stack(
        [
            cells[:, MISSING] + cells[:, NAN],
            cells[:, NEG_INF],
            cells[:, FAR_BELOW] + cells[:, BELOW],
            cells[:, ABOVE] + cells[:, FAR_ABOVE],
            cells[:, POS_INF],
        ],
        axis=1,
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


def named_cells(column: Column, cells: int) -> tuple[tuple[int, str], ...]:
    """The cells of a column's pair that its own width fills, each with what it is called: coarse bins for numbers, levels otherwise."""
    if not column.is_numeric:
        return tuple(enumerate(("missing", "other" if not column.complete else "unseen", "rare", *column.levels[:MOST_CELLS])))
    starts = [column.edges[column.coarse.index(g)] for g in range(column.coarse[-1] + 1)]
    single = column.kind.value in ("integer", "constant")
    ends = [*starts[1:], column.edges[-1]]
    bins = [f"{a:g}" if single else f"{edge(a)} to {edge(b)}" for a, b in zip(starts, ends, strict=True)]
    names = ("missing", "-inf", f"below {edge(column.edges[0])}", *bins, f"above {edge(column.edges[-1])}", "+inf")
    places = (*range(LOWER + len(bins)), *range(cells - UPPER, cells))
    return tuple(zip(places, names, strict=True))


def chart(pair: Pair, row: int, column: Column) -> Chart | None:
    """Shares over the coarse cells that have rows; of many levels those that matter most. None without any row."""
    p, q = (side[row].tolist() for side in pair.shares)
    kept = [(name, p[i], q[i]) for i, name in named_cells(column, len(p)) if p[i] > 0 or q[i] > 0]
    if len(kept) > CHARTED:
        best = sorted(range(len(kept)), key=lambda k: -max(kept[k][1], kept[k][2], 2 * abs(kept[k][1] - kept[k][2])))[: CHARTED - 1]
        rest = [kept[k] for k in range(len(kept)) if k not in best]
        kept = [kept[k] for k in sorted(best)] + [(f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))]
    return Chart(*(tuple(part) for part in zip(*kept, strict=True))) if kept else None


def edge(value: float) -> str:
    """An edge as people write it: four digits, whole thousands in full up to a million."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
