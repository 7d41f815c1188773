"""All tests of all columns, as arrays: what the verdicts are read off.

`Tests` holds one entry per test and column. A test has crossed where chance is ruled out (p at most alpha) and the effect is at least its
floor. The probability allowed to a table is shared equally by its columns and, inside a column, by its tests, so that the limits stand
before the data are seen and all columns together hold the promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.components import Components, components
from driftline.drift.floors import FLOORS, LEAST_CHANGE, RATE, rate_effect
from driftline.drift.noise import distance_p
from driftline.drift.pairs import LOWER, UPPER, OrderedPair, Pair, level_pair, numeric_pairs
from driftline.drift.rates import rate_p, unseen_p
from driftline.profiles.counting import FAR_ABOVE, FAR_BELOW, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Kind

Floats = NDArray[np.float64]

NUMERIC_TESTS = (
    "location",
    "shape",
    "distance",
    "spike",
    "level",
    "missing",
    "infinite",
    "far_out_of_range",
    "out_of_range",
    "constant",
    "decision_rate",
)
LEVEL_TESTS = ("distance", "level", "unseen", "missing", "constant")
OTHER_TESTS = ("missing", "duplicate_ids")
SPIKE_CHANGE = 0.02
SPIKE_RATIO = 3.0
UNSEEN_SHARE, UNSEEN_ROWS = 0.002, 5
MOST_SINGLE = 0.10
"""Levels with more than this share of the reference are judged by the distance, rarer ones each by its rate."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test of one column. `cell` is which bin or level, where the test looks at one. Rates have their counts x of n and r of m."""

    kind: str
    value: float
    p: float
    effect_ok: bool
    reference: float | None = None
    cell: int = -1
    counts: tuple[int, int, int, int] | None = None


def numeric_tests(
    reference: Profile, current: Profile, rows: Sequence[int], floors: Sequence[str]
) -> tuple[list[dict[str, Test]], Pair, OrderedPair, Components]:
    """The tests of numeric columns (rows in `schema.numeric`), each with the floor of its standing, and the pairs they rest on."""
    coarse, fine = numeric_pairs(reference, current, rows)
    parts = components(fine)
    p_of_cells = distance_p(coarse)
    tests: list[dict[str, Test]] = [{} for _ in rows]
    shift = np.array([FLOORS["psi"][f] for f in floors])
    location, shape = parts.effects[:, 0], parts.shape
    location_p, shape_p = parts.location_p, parts.shape_p
    for i in range(len(rows)):
        unit = float(parts.unit[i])
        tests[i]["location"] = Test("location", float(location[i]), float(location_p[i]), bool(location[i] ** 2 - unit >= shift[i]))
        allowed = float(parts.degrees[i]) * unit if np.isfinite(unit) else 0.0
        tests[i]["shape"] = Test("shape", float(shape[i]), float(shape_p[i]), bool(shape[i] - allowed >= shift[i]))
        tests[i]["distance"] = Test("distance", 0.0, float(p_of_cells[i]), True)
    _special_rates(tests, _cells(reference, rows), _cells(current, rows), floors)
    _spikes(tests, fine)
    for i, row in enumerate(rows):
        column = reference.schema.columns[reference.schema.numeric[row]]
        if column.kind is Kind.INTEGER:
            inside = slice(LOWER, LOWER + column.coarse[-1] + 1)
            tests[i]["level"] = _levels(coarse.reference[i, inside], coarse.current[i, inside], floors[i])
        low, high = current.extremes[row]
        if low == high and column.kind is not Kind.CONSTANT:
            tests[i]["constant"] = _constant(fine.reference[i, 2:-1], fine.current[i, 2:-1])
    return tests, coarse, fine, parts


def level_tests(
    reference: Profile, current: Profile, positions: Sequence[int], floors: Sequence[str]
) -> tuple[list[dict[str, Test]], Pair]:
    """The tests of columns with levels (positions in the schema), and the pair they rest on."""
    pair = level_pair(reference, current, positions)
    whole = distance_p(pair)
    tests: list[dict[str, Test]] = []
    for i, (position, floor) in enumerate(zip(positions, floors, strict=True)):
        column = reference.schema.columns[position]
        r, c = (profile.counts[profile.schema.cells(position)] for profile in (reference, current))
        mine = {"distance": Test("distance", 0.0, float(whole[i]), True)}
        mine["level"] = _levels(r[FIRST_LEVEL:].astype(float), c[FIRST_LEVEL:].astype(float), floor, r[1:].sum(), c[1:].sum())
        if column.complete:
            mine["unseen"] = _unseen(r, c)
        mine["missing"] = _rate("missing", int(c[0]), int(c.sum()), int(r[0]), int(r.sum()), floor)
        if column.kind is not Kind.CONSTANT and c[1:].sum() > 0 and (c[1:] > 0).sum() == 1:
            mine["constant"] = _constant(r[1:].astype(float), c[1:].astype(float))
        tests.append(mine)
    return tests, pair


def other_tests(reference: Profile, current: Profile, position: int, floor: str) -> dict[str, Test]:
    """The tests of a column of which only missing values and duplicates are known."""
    r, c = (profile.counts[profile.schema.cells(position)] for profile in (reference, current))
    tests = {"missing": _rate("missing", int(c[0]), int(c.sum()), int(r[0]), int(r.sum()), floor)}
    if position in reference.keys and position in current.keys:
        (n, x), (m, y) = current.keys[position].repeated, reference.keys[position].repeated
        tests["duplicate_ids"] = _rate("duplicate_ids", x, n, y, m, floor, both=False)
    return tests


def _cells(profile: Profile, rows: Sequence[int]) -> NDArray[np.int64]:
    """The special cells and the number of rows of numeric columns: (columns, SPECIAL + 1)."""
    starts = profile.schema.offsets[[profile.schema.numeric[r] for r in rows]]
    ends = profile.schema.offsets[[profile.schema.numeric[r] + 1 for r in rows]]
    special = profile.counts[starts[:, None] + np.arange(SPECIAL)[None, :]]
    sums = np.concatenate([[0], np.cumsum(profile.counts)])
    return np.concatenate([special, (sums[ends] - sums[starts])[:, None]], axis=1)


def _special_rates(tests: list[dict[str, Test]], r: NDArray[np.int64], c: NDArray[np.int64], floors: Sequence[str]) -> None:
    """Missing, infinite, far outside and outside the range, for all columns at once."""
    groups = {
        "missing": (slice(0, NAN + 1), True),
        "infinite": (slice(NEG_INF, POS_INF + 1), False),
        "far_out_of_range": ([FAR_BELOW, FAR_ABOVE], False),
        "out_of_range": (slice(FAR_BELOW, FAR_ABOVE + 1), False),
    }
    n, m = c[:, -1], r[:, -1]
    for kind, (cells, both) in groups.items():
        x, y = c[:, cells].sum(axis=1), r[:, cells].sum(axis=1)
        p = rate_p(x, n, y, m, both=both)
        for i, floor in enumerate(floors):
            tests[i][kind] = _rate(kind, int(x[i]), int(n[i]), int(y[i]), int(m[i]), floor, both=both, p=float(p[i]))


def _rate(kind: str, x: int, n: int, r: int, m: int, floor: str, *, both: bool = True, p: float | None = None, cell: int = -1) -> Test:
    value, reference = x / n if n else 0.0, r / m if m else 0.0
    enough = bool(abs(rate_effect(np.array(value), np.array(reference))) >= RATE[floor] and abs(value - reference) >= LEAST_CHANGE)
    known = float(rate_p(x, n, r, m, both=both)) if p is None else p
    return Test(kind, value, known, enough, reference, cell, (x, n, r, m))


def _spikes(tests: list[dict[str, Test]], fine: OrderedPair) -> None:
    """The bin that has grown most beyond chance, and beyond its neighbours: a value that is suddenly filled in."""
    r, c = fine.reference[:, LOWER:-UPPER], fine.current[:, LOWER:-UPPER]
    m, n = fine.reference[:, 2:-1].sum(axis=1, keepdims=True), fine.current[:, 2:-1].sum(axis=1, keepdims=True)
    p = rate_p(c, n, r, m, both=False)
    best = p.argmin(axis=1)
    count = np.maximum((r + c > 0).sum(axis=1), 1)
    for i, b in enumerate(best.tolist()):
        around = [j for j in (b - 2, b - 1, b + 1, b + 2) if 0 <= j < r.shape[1]]
        rise = (c[i, b] + 0.5) / (r[i, b] + 0.5)
        nearby = (c[i, around].sum() + 0.5) / (r[i, around].sum() + 0.5)
        share, before = float(c[i, b] / max(n[i, 0], 1)), float(r[i, b] / max(m[i, 0], 1))
        enough = share - before >= SPIKE_CHANGE and bool(rise >= SPIKE_RATIO * nearby) and bool(share >= 2 * before)
        counts = (int(c[i, b]), int(n[i, 0]), int(r[i, b]), int(m[i, 0]))
        tests[i]["spike"] = Test("spike", share, min(float(p[i, b]) * int(count[i]), 1.0), enough, before, b, counts)


def _levels(r: Floats, c: Floats, floor: str, m: float | None = None, n: float | None = None) -> Test:
    """The rare level whose rate has changed most beyond chance; the probability is that of the best of all levels."""
    m, n = float(r.sum() if m is None else m), float(c.sum() if n is None else n)
    if m == 0 or n == 0:
        return Test("level", 0.0, 1.0, False)
    before, now = r / m, c / n
    judged = (before <= MOST_SINGLE) | (len(r) <= 2)
    change = np.abs(rate_effect(now, before)) >= RATE[floor]
    doubled = (np.maximum(now, before) >= 2 * np.minimum(now, before)) | (len(r) <= 2)
    p = np.where(judged & (r + c > 0), rate_p(c, n, r, m), 1.0)
    enough = change & doubled & (np.abs(now - before) >= LEAST_CHANGE)
    best = int(np.lexsort((p, ~enough))[0]) if len(r) != 2 else int(r.argmin())
    tried = max(int((judged & (r + c > 0)).sum()), 1)
    counts = (int(c[best]), int(n), int(r[best]), int(m))
    return Test("level", float(now[best]), min(float(p[best]) * tried, 1.0), bool(enough[best]), float(before[best]), best, counts)


def _unseen(r: NDArray[np.int64], c: NDArray[np.int64]) -> Test:
    tail = c[1:FIRST_LEVEL]
    m, n = int(r[1:].sum()), int(c[1:].sum())
    value = float(tail.sum() / n) if n else 0.0
    p = unseen_p(tail, r[FIRST_LEVEL:], c[FIRST_LEVEL:], m, n)
    return Test("unseen", value, p, value >= UNSEEN_SHARE and int(tail.sum()) >= UNSEEN_ROWS, 0.0, -1, (int(tail.sum()), n, 0, m))


def _constant(r: Floats, c: Floats) -> Test:
    """All current rows in one cell: the probability that rows drawn from the reference would all fall there."""
    cell = int(c.argmax())
    share = float((r[cell] + 1) / (r.sum() + 1))
    return Test("constant", 1.0, share ** float(c.sum()), share < 0.9, float(r[cell] / max(r.sum(), 1)), cell)

