"""Signals: the few signed numbers that a window is watched by, each of variance 1 under sampling noise.

Of a number: location, spread, skew and tails of its ranks in the reference, and the shares of rows that are missing, below the range, above
it, or infinite. Of levels: the share of each of the twenty most frequent, of all others, of unseen ones, of missing ones. Of anything else:
missing. The ranks and polynomials are those of the reference, so that the sums behind them are additive over the parts of a window.

Sources: as in `components`; the ranks are here those of the reference alone, which stays while windows come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, MISSING, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind, Schema

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Indices = NDArray[np.intp]

ORDERS = ("location", "spread", "skew", "tails")
MISSED, UNDER, OVER, ENDLESS, UNSEEN, OTHERS = "missing", "below the range", "above the range", "infinite", "unseen levels", "other levels"
LEVELS = 20
"""Levels with a signal of their own."""
SMALLEST = 1e-5
"""Least variance of a polynomial that the values of a column can tell from the ones before it."""


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Where the signals of some columns lie in the counts of a profile.

    Numbers: `ordered`, their cells in the order of values, one column after the other, which begin at `starts`. Rates: `cells`, the cells
    that each rate counts, which begin at `cell_starts`; `of`, the place of its column in the schema; `valued`, whether rows with a value
    alone are its rows. `firsts` are the first cells of all columns of the schema, which hold missing values.
    """

    numbers: tuple[int, ...]
    number_names: tuple[str, ...]
    ordered: Indices
    starts: Indices
    rates: tuple[tuple[str, str], ...]
    cells: Indices
    cell_starts: Indices
    of: Indices
    valued: NDArray[np.bool_]
    firsts: Indices


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """What the counts of one profile say. sums: (numbers, 5), rows with a finite value and the sums of the first four Legendre polynomials
    of their ranks. x, n: (rates,) how many of how many rows."""

    sums: Floats
    x: Floats
    n: Floats


def layout(schema: Schema, columns: Sequence[int]) -> Layout:
    """The signals of the columns at these positions, in this order."""
    numbers = tuple(i for i in columns if schema.columns[i].is_numeric and schema.columns[i].kind is not Kind.CONSTANT)
    widths = np.array([schema.columns[i].width - SPECIAL for i in numbers], np.intp)
    stretches = [_in_order(int(schema.offsets[i]), int(width)) for i, width in zip(numbers, widths.tolist(), strict=True)]
    rates: list[tuple[str, str]] = []
    cells: list[int] = []
    starts: list[int] = []
    of: list[int] = []
    valued: list[bool] = []
    for i in columns:
        column, first = schema.columns[i], int(schema.offsets[i])
        for name, own in _rates(column):
            rates.append((column.name, name))
            starts.append(len(cells))
            cells.extend(first + cell for cell in own)
            of.append(i)
            valued.append(column.is_levels and name != MISSED)
    return Layout(
        numbers,
        tuple(schema.columns[i].name for i in numbers),
        np.concatenate([*stretches, np.zeros(0, np.intp)]),
        np.concatenate([[0], np.cumsum(widths + 4)[:-1]]).astype(np.intp) if numbers else np.zeros(0, np.intp),
        tuple(rates),
        np.array(cells, np.intp),
        np.array(starts, np.intp),
        np.array(of, np.intp),
        np.array(valued, np.bool_),
        schema.offsets[:-1],
    )


def _in_order(first: int, bins: int) -> Indices:
    """The cells of a number in the order of values: far below, below, the bins, above, far above."""
    inside = np.arange(first + SPECIAL, first + SPECIAL + bins, dtype=np.intp)
    return np.concatenate([[first + FAR_BELOW, first + BELOW], inside, [first + ABOVE, first + FAR_ABOVE]]).astype(np.intp)


def _rates(column: Column) -> list[tuple[str, list[int]]]:
    """The rates of a column, each with the cells it counts."""
    if column.is_numeric:
        ends = [(UNDER, [FAR_BELOW, BELOW]), (OVER, [ABOVE, FAR_ABOVE]), (ENDLESS, [NEG_INF, POS_INF])]
        return [(MISSED, [MISSING, NAN]), *ends]
    found = [(MISSED, [0])]
    if not column.is_levels:
        return found
    tail, levels = list(range(1, FIRST_LEVEL)), column.levels
    if column.kind is not Kind.CONSTANT:
        own = range(1, 2) if len(levels) == 2 else range(min(len(levels), LEVELS))
        found += [(f"level '{levels[k]}'", [FIRST_LEVEL + k]) for k in own]
        rest = [FIRST_LEVEL + k for k in range(LEVELS, len(levels))] + ([] if column.complete else tail)
        found += [(OTHERS, rest)] if rest else []
    return found + ([(UNSEEN, tail)] if column.complete else [])


def legendre(lay: Layout, counts: Counts) -> Floats:
    """The first four Legendre polynomials of the rank of each ordered cell among the rows of the reference, (4, ordered cells)."""
    held = counts[lay.ordered].astype(np.float64)
    if not lay.numbers:
        return np.zeros((len(ORDERS), 0))
    widths = np.diff(np.append(lay.starts, len(held)))
    total = np.add.reduceat(held, lay.starts)
    running = np.cumsum(held)
    before = np.repeat(running[lay.starts] - held[lay.starts], widths)
    t = 2 * (running - held / 2 - before) / np.repeat(np.maximum(total, 1), widths) - 1
    square = t * t
    return np.stack([t, 1.5 * square - 0.5, t * (2.5 * square - 1.5), (4.375 * square - 3.75) * square + 0.375])


def read(lay: Layout, counts: Counts, powers: Floats) -> Reading:
    """The reading of a profile's counts; `powers` come from `legendre` of the reference."""
    sums = np.zeros((len(lay.numbers), 1 + len(ORDERS)))
    if lay.numbers:
        held = counts[lay.ordered].astype(np.float64)
        sums[:, 0] = np.add.reduceat(held, lay.starts)
        sums[:, 1:] = np.add.reduceat(held * powers, lay.starts, axis=1).T
    if not lay.rates:
        return Reading(sums, np.zeros(0), np.zeros(0))
    x = np.add.reduceat(counts[lay.cells], lay.cell_starts).astype(np.float64)
    rows, gone = np.add.reduceat(counts, lay.firsts), counts[lay.firsts]
    n = (rows[lay.of] - np.where(lay.valued, gone[lay.of], 0)).astype(np.float64)
    return Reading(sums, x, n)


@dataclass(frozen=True, eq=False, slots=True)
class Polynomials:
    """Orthonormal polynomials of the ranks of the reference. `at`: (k,) which of the numbers each belongs to; `order`: 0 to 3; `weights`:
    (k, 5) of 1 and the four Legendre polynomials; `skewness` and `kurtosis` of its values over the reference's rows."""

    at: Indices
    order: Indices
    weights: Floats
    skewness: Floats
    kurtosis: Floats


def polynomials(lay: Layout, counts: Counts, powers: Floats) -> Polynomials:
    """Those that the values of each number can tell apart, by Gram and Schmidt, with positive leading weight."""
    numbers, size = len(lay.numbers), 1 + len(ORDERS)
    held = counts[lay.ordered].astype(np.float64)
    widths = np.diff(np.append(lay.starts, len(held)))
    share = held / np.repeat(np.maximum(np.add.reduceat(held, lay.starts), 1), widths) if numbers else held
    full = np.concatenate([np.ones((1, len(held))), powers])
    gram = np.zeros((numbers, size, size))
    for j in range(size):
        for k in range(j, size):
            gram[:, j, k] = gram[:, k, j] = np.add.reduceat(share * full[j] * full[k], lay.starts) if numbers else 0.0
    weights, known = np.zeros((numbers, size, size)), np.zeros((numbers, size), np.bool_)
    weights[:, 0, 0] = 1.0
    for k in range(1, size):
        v = np.zeros((numbers, size))
        v[:, k] = 1.0
        for _ in range(2):
            for j in range(k):
                v -= weights[:, j] * np.einsum("ca,cab,cb->c", weights[:, j], gram, v)[:, None]
        square = np.einsum("ca,cab,cb->c", v, gram, v)
        known[:, k] = square > SMALLEST
        weights[:, k] = np.where(known[:, k, None], v / np.sqrt(np.where(known[:, k], square, 1.0))[:, None], 0.0)
    at, order = np.nonzero(known[:, 1:])
    moments = np.zeros((2, numbers, size))
    for k in range(1, size):
        f = (np.repeat(weights[:, k], widths, axis=0).T * full).sum(axis=0)
        for row, power in enumerate((3, 4)):
            moments[row, :, k] = np.add.reduceat(share * f**power, lay.starts) if numbers else 0.0
    return Polynomials(at, order, weights[at, order + 1], moments[0, at, order + 1], moments[1, at, order + 1])


def effects(poly: Polynomials, sums: Floats) -> tuple[Floats, Floats]:
    """The mean of each polynomial over the rows behind `sums`, and how many rows they are: (k,) each. 0 where there is none."""
    own = sums[poly.at]
    n = own[:, 0]
    return (poly.weights * own).sum(axis=1) / np.maximum(n, 1), n
