"""All tests of all columns: what the verdicts are read off.

A test has crossed where chance is ruled out (p at most its part of the allowed probability) and the effect is beyond its floor. Tests on
distributions are computed for all columns at once; those on rates rest on the exact test of `rates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.components import components
from driftline.drift.floors import NORMAL, Floor, rate_bounds
from driftline.drift.noise import distance_test
from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair, level_pair, numeric_pairs
from driftline.drift.rates import rate_p, unseen_p
from driftline.drift.result import Result
from driftline.drift.singles import common_values, constant_cells, single_levels, spikes
from driftline.profiles.counting import FAR_ABOVE, FAR_BELOW, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Quadruple = tuple[Counts, Counts, Counts, Counts]
Results = dict[str, Result]

UNSEEN_SHARE, UNSEEN_ROWS = 0.002, 5


def asked_of(column: Column, *, decides: bool = False) -> tuple[str, ...]:
    """The tests that a column has, by what the reference says of it. `decides`: it is a score with a decision threshold."""
    constant = column.kind is Kind.CONSTANT
    if column.is_numeric:
        if constant:
            return ("missing", "infinite", "varies")
        moves = () if two_valued(column) else ("location", "shape", "distance", "spike")
        single = ("level",) if column.kind is Kind.INTEGER or any(column.points) else ()
        usual = (*moves, *single, "missing", "infinite", "far_out_of_range", "out_of_range", "constant")
        return (*usual, "decision_rate") if decides else usual
    if column.is_levels:
        if constant and column.complete:
            return ("missing", "varies")
        usual = ("level", "missing", "constant") if two_valued(column) else ("distance", "level", "missing", "constant")
        return (*usual, "unseen") if column.complete else usual
    return ("missing", "duplicate_ids") if column.kind is Kind.IDENTIFIER else ("missing",)


def two_valued(column: Column) -> bool:
    """Whether one rate says all about the column."""
    return len(column.levels) == 2 or (column.kind is Kind.INTEGER and column.coarse[-1] == 1)


@dataclass(frozen=True, eq=False)
class Tested:
    """The results of some columns of one kind, in their order, and the pairs they rest on, where there are any.

    `statistic` and `degrees` belong to the test of the distance: its value for each column, and its degrees of freedom.
    """

    results: Sequence[Results]
    pair: Pair | None = None
    fine: OrderedPair | None = None
    statistic: Floats | None = None
    degrees: Floats | None = None


def numeric_tests(reference: Profile, current: Profile, rows: Sequence[int], floors: Sequence[Floor]) -> Tested:
    """The tests of numeric columns (rows in `schema.numeric`), each with the floor of its standing."""
    columns = [reference.schema.columns[reference.schema.numeric[r]] for r in rows]
    coarse, fine = numeric_pairs(reference, current, rows)
    if not columns:
        return Tested([], coarse, fine)
    parts = components(fine)
    statistic, degrees, chance = distance_test(_ends_joined(coarse, columns))
    least = np.array([f.psi for f in floors])
    location, shape, unit = parts.effects[:, 0], parts.shape, np.where(np.isfinite(parts.unit), parts.unit, 0.0)
    moved, changed = location**2 - unit > least, shape - parts.degrees * unit > least
    found: list[Results] = [
        {
            "location": Result("location", location[i].item(), float(p_location), bool(moved[i])),
            "shape": Result("shape", shape[i].item(), float(p_shape), bool(changed[i])),
            "distance": Result("distance", 0.0, float(p_cells), True),
        }
        for i, (p_location, p_shape, p_cells) in enumerate(zip(parts.location_p, parts.shape_p, chance, strict=True))
    ]
    height, single = (np.array([getattr(f, name) for f in floors]) for name in ("rate", "level"))
    extra: list[Sequence[Result | None]] = [
        *_special_rates(_cells(reference, rows), _cells(current, rows), height),
        spikes(fine),
        common_values(columns, coarse, fine, single),
        constant_cells(fine),
    ]
    for results in extra:
        for mine, result in zip(found, results, strict=True):
            if result is not None:
                mine[result.kind] = result
    for i in [i for i, column in enumerate(columns) if column.kind is Kind.CONSTANT]:
        finite = [int(side[i, 2:-1].sum()) for side in (fine.current, fine.reference)]
        found[i]["varies"] = _varies(finite[0] - int(fine.current[i, LOWER]), *finite)
    return Tested(found, coarse, fine, statistic, degrees)


def level_tests(reference: Profile, current: Profile, positions: Sequence[int], floors: Sequence[Floor]) -> Tested:
    """The tests of columns with levels (positions in the schema)."""
    pair = level_pair(reference, current, positions)
    if not positions:
        return Tested([], pair)
    statistic, degrees, chance = distance_test(pair, rare=1)
    both = [[profile.counts[profile.schema.cells(p)] for p in positions] for profile in (reference, current)]
    height, single = (np.array([getattr(f, name) for f in floors]) for name in ("rate", "level"))
    (x, n), (r, m) = ((np.array([c[0] for c in side]), np.array([c.sum() for c in side])) for side in (both[1], both[0]))
    found: list[Results] = []
    missing = rates("missing", (x, n, r, m), height)
    levels = single_levels(both[0], both[1], single)
    for i, position in enumerate(positions):
        column, (mine, now) = reference.schema.columns[position], (both[0][i], both[1][i])
        results = {"distance": Result("distance", 0.0, float(chance[i]), True), "missing": missing[i], "level": levels[i]}
        if column.complete:
            results["unseen"] = _unseen(mine, now)
        if column.kind is Kind.CONSTANT:
            others = int(now[1:].sum() - now[FIRST_LEVEL:].sum())
            results["varies"] = _varies(others, int(now[1:].sum()), int(mine[1:].sum()))
        if now[1:].sum() > 0 and (now[1:] > 0).sum() == 1:
            results["constant"] = _constant(mine[1:], now[1:])
        found.append(results)
    return Tested(found, pair, None, statistic, degrees)


def other_tests(reference: Profile, current: Profile, positions: Sequence[int], floors: Sequence[Floor]) -> Tested:
    """The tests of columns of which only missing values and duplicates are known."""
    found: list[Results] = []
    for position, floor in zip(positions, floors, strict=True):
        r, c = (profile.counts[profile.schema.cells(position)] for profile in (reference, current))
        results = {"missing": rate("missing", (int(c[0]), int(c.sum()), int(r[0]), int(r.sum())), floor)}
        if position in reference.keys and position in current.keys:
            (n, x), (m, y) = current.keys[position].repeated, reference.keys[position].repeated
            results["duplicate_ids"] = rate("duplicate_ids", (x, n, y, m), floor, both=False)
        found.append(results)
    return Tested(found)


def rate(kind: str, counts: tuple[int, int, int, int], floor: Floor, *, both: bool = True) -> Result:
    """The test of one rate, x of n rows against r of m."""
    x, n, r, m = (np.array([count]) for count in counts)
    return rates(kind, (x, n, r, m), np.array([floor.rate]), both=both)[0]


def rates(kind: str, counts: Quadruple, least: Floats, *, both: bool = True, ends: int = 0) -> list[Result]:
    """The test of one rate of many columns: x of n rows against r of m, each (columns,), with the floors `least`.

    `ends`: how many ends of the cell are themselves rows of the reference. The rows of n that fall beyond the least and the greatest of m
    fall into two of their gaps, which hold as many as a cell with one row of the reference.
    """
    x, n, r, m = counts
    now, before = x / np.maximum(n, 1), r / np.maximum(m, 1)
    r = np.minimum(r + max(ends - 1, 0), m)
    p = rate_p(x, n, r, m, both=both)
    low, high = rate_bounds(before, least)
    enough = (now > high) | ((now < low) & both)
    parts = (v.tolist() for v in (now, p, enough, before, low, high, x, n, r, m))
    return [
        Result(kind, value, chance, passed, share, -1, (xs, ns, rs, ms), (least_now, most), both=both)
        for value, chance, passed, share, least_now, most, xs, ns, rs, ms in zip(*parts, strict=True)
    ]


def _ends_joined(coarse: Pair, columns: Sequence[Column]) -> Pair:
    """The pair with rows below and above the range of the reference counted with its first and last bin.

    Alone they would always differ, since the reference has none there by its own choice of the range.
    """
    every, last = np.arange(len(columns)), np.array([LOWER + column.coarse[-1] for column in columns])
    sides = []
    for counts in (coarse.reference, coarse.current):
        joined = counts.copy()
        joined[:, LOWER] += counts[:, LOWER - 1]
        joined[every, last] += counts[:, -UPPER]
        joined[:, [LOWER - 1, -UPPER]] = 0
        sides.append(joined)
    return Pair(sides[0], sides[1])


def _cells(profile: Profile, rows: Sequence[int]) -> Counts:
    """The special cells and the number of rows of numeric columns: (columns, SPECIAL + 1)."""
    starts = profile.schema.offsets[[profile.schema.numeric[r] for r in rows]]
    ends = profile.schema.offsets[[profile.schema.numeric[r] + 1 for r in rows]]
    special = profile.counts[starts[:, None] + np.arange(SPECIAL)[None, :]]
    sums = np.concatenate([[0], np.cumsum(profile.counts)])
    return np.concatenate([special, (sums[ends] - sums[starts])[:, None]], axis=1)


def _special_rates(r: Counts, c: Counts, least: Floats) -> list[list[Result]]:
    """Missing, infinite, far outside and outside the range, for all columns at once."""
    n, m = c[:, -1], r[:, -1]
    found = []
    for kind, cells in (("missing", [0, NAN]), ("infinite", [NEG_INF, POS_INF])):
        found.append(rates(kind, (c[:, cells].sum(axis=1), n, r[:, cells].sum(axis=1), m), least, both=kind == "missing"))
    for kind, cells in (("far_out_of_range", [FAR_BELOW, FAR_ABOVE]), ("out_of_range", [*range(FAR_BELOW, FAR_ABOVE + 1)])):
        found.append(rates(kind, (c[:, cells].sum(axis=1), n, r[:, cells].sum(axis=1), m), least, both=False, ends=2))
    return found


def _varies(x: int, n: int, m: int) -> Result:
    """How many rows of a column that was constant in the reference have another value."""
    return rate("varies", (x, n, 0, m), Floor.of(NORMAL), both=False)


def _unseen(r: Counts, c: Counts) -> Result:
    tail = c[1:FIRST_LEVEL]
    m, n = int(r[1:].sum()), int(c[1:].sum())
    seen = int(tail.sum())
    value = seen / n if n else 0.0
    enough = value > UNSEEN_SHARE and seen >= UNSEEN_ROWS
    p = unseen_p(tail, r[FIRST_LEVEL:], c[FIRST_LEVEL:], m, n) if enough else 1.0
    return Result("unseen", value, p, enough, 0.0, -1, None, (0.0, UNSEEN_SHARE))


def _constant(r: Counts, c: Counts) -> Result:
    """All current rows in one cell: the probability that rows drawn from the reference would all fall there."""
    cell = int(c.argmax())
    share = float((r[cell] + 1) / (r.sum() + 1))
    return Result("constant", 1.0, share ** float(c.sum()), share < 0.9, float(r[cell] / max(r.sum(), 1)), cell, None, (0.0, 0.9))
