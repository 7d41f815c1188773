"""Single values: the bin or the level whose share has changed most, where the distance over all of them may be blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.floors import COMMON, RARE, RARE_RATIO, rate_bounds
from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair
from driftline.drift.rates import rate_p
from driftline.drift.result import Result
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SPIKE_CHANGE = 0.02
SPIKE_RATIO = 3.0
HEAVY = 0.05
"""A value that repeats in this share of the rows of a continuous column is judged like a level: the zeros of an amount."""


def spikes(fine: OrderedPair) -> list[Result]:
    """The bin of each column that has grown most beyond its neighbours and beyond chance: a value that is suddenly filled in.

    Not the first and the last: they are wide and have neighbours on one side only, so a drifting tail piles up there too.
    """
    r, c = fine.reference[:, LOWER:-UPPER], fine.current[:, LOWER:-UPPER]
    m, n = fine.reference[:, 2:-1].sum(axis=1, keepdims=True), fine.current[:, 2:-1].sum(axis=1, keepdims=True)
    now, before = c / np.maximum(n, 1), r / np.maximum(m, 1)
    rise, nearby = (c + 0.5) / (r + 0.5), (_around(c) + 0.5) / (_around(r) + 0.5)
    least = np.maximum(before + SPIKE_CHANGE, 2 * before)
    enough = (now > least) & (rise >= SPIKE_RATIO * nearby) & _inner(fine)
    p = np.ones_like(now)
    if enough.any():
        of = np.nonzero(enough)[0]
        p[enough] = rate_p(c[enough], n[of, 0], r[enough], m[of, 0], both=False)
    best = p.argmin(axis=1)
    tried = np.maximum((r + c > 0).sum(axis=1), 1).tolist()
    results = []
    for i, (b, count) in enumerate(zip(best.tolist(), tried, strict=True)):
        counts = (int(c[i, b]), int(n[i, 0]), int(r[i, b]), int(m[i, 0]))
        chance = min(float(p[i, b]) * count, 1.0)
        bounds = (0.0, float(least[i, b]))
        results.append(
            Result("spike", float(now[i, b]), chance, bool(enough[i, b]), float(before[i, b]), b, counts, bounds, count, both=False)
        )
    return results


def _inner(fine: OrderedPair) -> NDArray[np.bool_]:
    """Which bins of each column lie between its first and its last: (columns, bins)."""
    own = np.diff(fine.edges, axis=1) > 0
    at = np.arange(own.shape[1])[None, :]
    return np.asarray((at > 0) & (at < own.sum(axis=1, keepdims=True) - 1))


def _around(counts: Floats) -> Floats:
    """Rows in the two bins on either side of each bin."""
    padded = np.pad(counts, ((0, 0), (2, 2)))
    width = counts.shape[1]
    return np.asarray(sum(padded[:, 2 + step : 2 + step + width] for step in (-2, -1, 1, 2)))


@dataclass(frozen=True, eq=False, slots=True)
class Values:
    """The single values of some columns: rows of each in both tables, and which cell or level of its column it is.

    m, n: rows with a value, (columns,). two: whether the column has two values only.
    """

    reference: Sequence[Floats]
    current: Sequence[Floats]
    cells: Sequence[NDArray[np.intp]]
    m: Floats
    n: Floats
    two: NDArray[np.bool_]


def common_values(columns: Sequence[Column], coarse: Pair, fine: OrderedPair, least: Floats) -> list[Result | None]:
    """The value whose share has changed most: any of whole numbers with a bin each, those that repeat heavily in a continuous column.

    None for a column without such values.
    """
    chosen, found = [], []
    m, n = (side[:, 2:-1].sum(axis=1) for side in (coarse.reference, coarse.current))
    for i, column in enumerate(columns):
        if column.kind is Kind.INTEGER:
            chosen.append(i)
            found.append((coarse, np.arange(column.coarse[-1] + 1)))
        elif any(column.points) and column.kind is not Kind.CONSTANT:
            inside = fine.reference[i, LOWER : LOWER + len(column.points)]
            chosen.append(i)
            found.append((fine, np.flatnonzero(np.array(column.points) & (inside >= HEAVY * max(m[i], 1)))))
    results: list[Result | None] = [None] * len(columns)
    if not chosen:
        return results
    two = np.array([columns[i].kind is Kind.INTEGER and columns[i].coarse[-1] == 1 for i in chosen])
    sides = [[side[i, LOWER + cell] for i, (side, cell) in zip(chosen, picked, strict=True)] for picked in _sides(found)]
    values = Values(sides[0], sides[1], [cell for _, cell in found], m[chosen], n[chosen], two)
    for i, result in zip(chosen, _most_changed(values, least[chosen]), strict=True):
        results[i] = result
    return results


def _sides(found: Sequence[tuple[Pair, NDArray[np.intp]]]) -> tuple[list[tuple[Floats, NDArray[np.intp]]], ...]:
    """The same cells of the reference and of the current side of their pairs."""
    return [(pair.reference, cell) for pair, cell in found], [(pair.current, cell) for pair, cell in found]


def single_levels(reference: Sequence[Counts], current: Sequence[Counts], least: Floats) -> list[Result]:
    """The level of each column whose share of the rows with a value has changed most beyond chance, from the cells of the columns."""
    r, c = ([side[FIRST_LEVEL:].astype(np.float64) for side in sides] for sides in (reference, current))
    m, n = (np.array([side[1:].sum() for side in sides], np.float64) for sides in (reference, current))
    two = np.array([len(levels) == 2 for levels in r])
    return _most_changed(Values(r, c, [np.arange(len(levels)) for levels in r], m, n, two), least)


def _most_changed(values: Values, least: Floats) -> list[Result]:
    """The value of each column whose rate has changed most beyond chance; the probability is that of the best of all its values.

    Of two values only the rarer one is judged, since the other says the same. Rare values have to double or halve.
    """
    sizes = np.array([len(part) for part in values.reference])
    of = np.repeat(np.arange(len(sizes)), sizes)
    r, c = (np.concatenate([*side, np.zeros(0)]) for side in (values.reference, values.current))
    m, n, paired = values.m[of], values.n[of], values.two[of]
    before, now = r / np.maximum(m, 1), c / np.maximum(n, 1)
    common = before > RARE
    ratio = np.where(common | paired, 1.0, RARE_RATIO)
    low, high = rate_bounds(before, least[of] * np.where(common & ~paired, COMMON, 1.0), ratio)
    judged = (r + c > 0) & (~paired | _rarer(values))
    enough = judged & ((now > high) | (now < low))
    known = enough | (judged & paired)
    p = np.ones(len(r))
    p[known] = rate_p(c[known], n[known], r[known], m[known])
    tried = np.maximum(np.bincount(of, weights=judged, minlength=len(sizes)), 1).astype(int).tolist()
    order = np.lexsort((p, ~enough, ~judged, of))
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    results = []
    for i, first in enumerate(firsts.tolist()):
        if sizes[i] == 0:
            results.append(Result("level", 0.0, 1.0, enough=False))
            continue
        k = int(order[first])
        results.append(
            Result(
                kind="level",
                value=float(now[k]),
                p=min(float(p[k]) * tried[i], 1.0),
                enough=bool(enough[k]),
                reference=float(before[k]),
                cell=int(values.cells[i][k - first]),
                counts=(int(c[k]), int(values.n[i]), int(r[k]), int(values.m[i])),
                bounds=(float(low[k]), float(high[k])),
                tried=tried[i],
            )
        )
    return results


def _rarer(values: Values) -> NDArray[np.bool_]:
    """Marks the rarer of two values; everything else is marked too."""
    marks = [
        np.arange(len(part)) == part.argmin() if pair else np.ones(len(part), np.bool_)
        for part, pair in zip(values.reference, values.two, strict=True)
    ]
    return np.concatenate([*marks, np.zeros(0, np.bool_)])


def constant_cells(fine: OrderedPair) -> list[Result | None]:
    """Of each column whose current rows all have one value while the reference varies: how likely its rows would be so by chance."""
    low, high = fine.extremes[:, 1, 0], fine.extremes[:, 1, 1]
    results: list[Result | None] = [None] * len(low)
    for i in np.flatnonzero(low == high).tolist():
        r, c = fine.reference[i, 2:-1], fine.current[i, 2:-1]
        cell = int(c.argmax())
        share = float((r[cell] + 1) / (r.sum() + 1))
        before = float(r[cell] / max(r.sum(), 1))
        results[i] = Result("constant", 1.0, share ** float(c.sum()), share < 0.9, before, cell, None, (0.0, 0.9))
    return results
