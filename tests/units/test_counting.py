"""The counting kernel equals binary search on every grid and on data made to break it."""

import math

import numpy as np
import pytest

from driftline.profiles.binning import choose_bins
from driftline.profiles.counting import (
    ABOVE,
    BELOW,
    CHUNK,
    FAR_ABOVE,
    FAR_BELOW,
    FEW,
    MISSING,
    NAN,
    NEG_INF,
    POS_INF,
    SPECIAL,
    Counter,
)
from driftline.profiles.grids import Bits, Symlog, Uniform, find_lookup

RNG = np.random.default_rng(7)
ROWS = 5_000
SIGNS = RNG.choice([-1.0, 1.0], ROWS)
NORMAL = RNG.normal(size=ROWS)
REFERENCES = {
    "normal": NORMAL,
    "lognormal": np.exp(NORMAL),
    "integers": RNG.integers(-500, 500, ROWS).astype(np.float64),
    "wide integers": RNG.integers(-(2**53), 2**53, ROWS).astype(np.float64),
    "zero-inflated": np.where(RNG.random(ROWS) < 0.5, 0.0, RNG.exponential(size=ROWS)),
    "zero in the middle": np.where(RNG.random(ROWS) < 0.5, 0.0, NORMAL),
    "cauchy": RNG.standard_cauchy(ROWS),
    "two heavy tails": np.exp(3 * NORMAL) * SIGNS,
    "heavier still": np.exp(8 * NORMAL) * SIGNS,
    "scores at both ends": 1 / (1 + np.exp(-6 * NORMAL)),
    "two tight modes": np.where(SIGNS > 0, -1 + 1e-3 * NORMAL, 1e3 + 1e-3 * NORMAL),
    "seconds": 1.7e9 + 86_400 * RNG.random(ROWS),
    "nanoseconds": np.floor(1.7e18 + 1e9 * RNG.random(ROWS)),
    "huge": 1e308 * np.clip(NORMAL, -1.7, 1.7),
    "tiny": 1e-307 * NORMAL,
    "subnormal": 5e-320 * NORMAL,
    "negative": -np.exp(NORMAL),
    "two values": np.repeat([0.0, 1.0], ROWS // 2),
    "constant": np.full(ROWS, 3.25),
    "constant zero": np.zeros(ROWS),
    "constant, far down": np.full(ROWS, -1.7976931348623157e308),
    "neighbours": 1.0 + np.arange(ROWS) % 3 * 2.0**-52,
    "all magnitudes": np.array([-1.0, 0.0, 5e-324, 0.5, 1.0, 8.98846567e307]),
    "one row": np.array([2.5]),
}
each_reference = pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES.keys())
NEGATIVE_NAN = np.copysign(np.nan, -1.0)


def edges_of(reference):
    return choose_bins(np.sort(reference), lowest=float(reference.min()), highest=float(reference.max())).edges


def nasty(edges):
    """Values at, just below and just above every edge, both zeros, both NaNs, both infinities, subnormals, the largest floats."""
    with np.errstate(all="ignore"):
        span = edges[-1] - edges[0]
        special = [0.0, -0.0, np.nan, NEGATIVE_NAN, np.inf, -np.inf, 5e-324, -5e-324, 2.3e-308, 1e308, -1e308, 2.0**53, -(2.0**53)]
        special += [np.finfo(np.float64).max, np.finfo(np.float64).min, edges[0] - span, edges[0] - 2 * span, edges[-1] + 2 * span]
        inside = edges[0] + RNG.random(1_000) * span
        values = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), special, inside])
    return RNG.permutation(np.tile(values, 2 + FEW // len(values)))


def cells_by_search(edges, values, valid=None):
    """The truth, one value at a time."""
    lowest, highest = float(edges[0]), math.nextafter(float(edges[-1]), -math.inf)
    cells = []
    for i, x in enumerate(values.tolist()):
        if valid is not None and not valid[i]:
            cells.append(MISSING)
        elif math.isnan(x):
            cells.append(NAN)
        elif math.isinf(x):
            cells.append(POS_INF if x > 0 else NEG_INF)
        elif x < lowest:
            cells.append(FAR_BELOW if x < lowest - (highest - lowest) else BELOW)
        elif x > highest:
            cells.append(FAR_ABOVE if x > highest + (highest - lowest) else ABOVE)
        else:
            cells.append(SPECIAL - 1 + int(np.searchsorted(edges, x, side="right")))
    return np.array(cells, dtype=np.intp)


def tables(counter, groups=1):
    return np.zeros((groups, counter.width), np.int64), np.zeros((groups, 2)), np.tile([np.inf, -np.inf], (groups, 1))


def counted(counter, values, valid=None, group=None, groups=1):
    result = tables(counter, groups)
    counter.add(values, valid, group, *result)
    return result


def expected(counter, values, valid=None, center=0.0, scale=1.0):
    counts = np.bincount(cells_by_search(counter.edges, values, valid), minlength=counter.width)
    finite = values[np.isfinite(values) & (True if valid is None else valid)]
    y = (finite - center) / scale
    extremes = [finite.min(), finite.max()] if len(finite) else [np.inf, -np.inf]
    return counts, [y.sum(), (y * y).sum()], extremes


@each_reference
def test_counts_equal_binary_search_on_nasty_values(reference):
    counter = Counter(edges_of(reference))
    values = nasty(counter.edges)
    assert len(values) > FEW
    counts, _, extremes = counted(counter, values)
    assert counts[0].tolist() == np.bincount(cells_by_search(counter.edges, values), minlength=counter.width).tolist()
    finite = values[np.isfinite(values)]
    assert extremes.tolist() == [[finite.min(), finite.max()]]


@each_reference
def test_every_usable_grid_is_exact_for_every_value(reference, monkeypatch):
    used = exact_on_every_usable_grid(edges_of(reference), monkeypatch)
    assert used > 0 or np.abs(reference).max() < 1e-300  # among subnormal numbers no factor is finite


@pytest.mark.parametrize(
    "edges",
    [
        [-10.0, -1e-9, 0.0, 1.0, 10.0],  # -0.0 belongs to 0.0, not to the cell below it
        [-1e300, 0.1, 1.0, 2.0, 1e300],  # the ends are further out than any grid reaches
        [0.0, 5e-324, 1e-323, 1.0],  # single steps between floats
        [1.0, 1.0 + 2.0**-52, 1.0 + 2.0**-51, 1e308],
    ],
)
def test_every_usable_grid_is_exact_for_odd_edges(edges, monkeypatch):
    assert exact_on_every_usable_grid(np.array(edges), monkeypatch) >= 2


def exact_on_every_usable_grid(edges, monkeypatch):
    """How many look-ups could be built; a small grid holds many edges in a cell and needs many steps."""
    used = 0
    for kind in (Bits, Uniform, Symlog):
        for size in (16, 1_024, 65_536):
            monkeypatch.setattr("driftline.profiles.grids.TRIALS", ((kind, size),))
            monkeypatch.setattr("driftline.profiles.grids.MOST_STEPS", len(edges))
            counter = Counter(edges)
            if counter.lookup is None:
                continue
            used += 1
            assert isinstance(counter.lookup.grid, kind)
            values = nasty(edges)
            wanted = np.bincount(cells_by_search(counter.edges, values), minlength=counter.width)
            assert counted(counter, values)[0][0].tolist() == wanted.tolist()
    return used


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("lognormal", Bits),
        ("zero-inflated", Bits),
        ("seconds", Bits),
        ("normal", Uniform),
        ("integers", Uniform),
        ("two heavy tails", Symlog),
        ("two tight modes", None),  # no grid tells the modes' edges apart: binary search
    ],
)
def test_the_grid_suits_the_column(name, grid):
    lookup = find_lookup(edges_of(np.tile(REFERENCES[name], 2)))
    assert (type(lookup.grid) if lookup else None) is grid
    assert lookup is None or lookup.steps <= 2


def test_exact_small_table():
    """One row in every cell: range 10 to 20, so that far begins beyond 0 and 30."""
    counter = Counter(np.array([10.0, 15.0, math.nextafter(20.0, math.inf)]), center=10.0, scale=2.0)
    values = np.array([99.0, NEGATIVE_NAN, -np.inf, np.inf, -0.5, 0.0, 30.0, 30.5, 10.0, 20.0])
    counts, moments, extremes = counted(counter, values, np.arange(10) > 0)
    assert counts.tolist() == [[1] * 10]
    assert moments.tolist() == [[sum([-5.25, -5, 10, 10.25, 0, 5]), sum([5.25**2, 25, 100, 10.25**2, 0, 25])]]
    assert extremes.tolist() == [[-0.5, 30.5]]


def test_nothing_is_added_by_no_rows():
    counter = Counter(edges_of(NORMAL))
    counts, moments, extremes = counted(counter, np.empty(0), np.empty(0, np.bool_), np.empty(0, np.intp))
    assert counts.sum() == 0
    assert moments.tolist() == [[0.0, 0.0]]
    assert extremes.tolist() == [[np.inf, -np.inf]]


@pytest.mark.parametrize("rows", [1, 2, FEW - 1, FEW, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + FEW])
@pytest.mark.parametrize("nulls", [None, 0.0, 0.02, 0.7, 1.0])
def test_counts_moments_and_extremes_at_every_length(rows, nulls):
    counter = Counter(edges_of(NORMAL), center=0.1, scale=1.7)
    values = np.random.default_rng(rows).normal(size=rows)
    values[::50] = np.nan
    values[7::300] = np.inf
    values[9::300] = 40.0
    valid = None if nulls is None else np.random.default_rng(rows).random(rows) >= nulls
    counts, moments, extremes = counted(counter, values, valid)
    wanted = expected(counter, values, valid, 0.1, 1.7)
    assert counts[0].tolist() == wanted[0].tolist()
    np.testing.assert_allclose(moments[0], wanted[1], rtol=1e-12, atol=1e-9)
    assert extremes[0].tolist() == list(wanted[2])


@pytest.mark.parametrize("groups", [1, 2, 37])
@pytest.mark.parametrize("nulls", [None, 0.1])
def test_grouping_equals_filtering(groups, nulls):
    rng = np.random.default_rng(groups)
    counter = Counter(edges_of(np.exp(NORMAL)), center=1.0, scale=2.0)
    values = np.exp(1.2 * rng.normal(size=CHUNK + 5_000)) - 0.01
    values[::70] = np.nan
    valid = None if nulls is None else rng.random(len(values)) >= nulls
    group = rng.integers(0, groups, len(values))
    counts, moments, extremes = counted(counter, values, valid, group, groups + 1)  # the last group stays empty
    for g in range(groups):
        rows = group == g
        wanted = expected(counter, values[rows], None if valid is None else valid[rows], 1.0, 2.0)
        assert counts[g].tolist() == wanted[0].tolist()
        np.testing.assert_allclose(moments[g], wanted[1], rtol=1e-11)
        assert extremes[g].tolist() == list(wanted[2])
    assert counts[groups].sum() == 0
    assert extremes[groups].tolist() == [np.inf, -np.inf]


def test_tables_may_be_slices_of_wider_ones():
    counter = Counter(edges_of(NORMAL))
    group = RNG.integers(0, 5, ROWS)
    alone = counted(counter, NORMAL, None, group, 5)
    wide = np.zeros((5, counter.width + 11), np.int64)
    counter.add(NORMAL, None, group, wide[:, 4:-7], np.zeros((5, 2)), np.tile([np.inf, -np.inf], (5, 1)))
    assert wide[:, 4:-7].tolist() == alone[0].tolist()
    assert wide.sum() == ROWS


def test_a_run_of_one_group_goes_to_its_own_row():
    counter = Counter(edges_of(NORMAL))
    counts, moments, extremes = counted(counter, NORMAL, None, np.full(ROWS, 2), 4)
    assert counts.sum(axis=1).tolist() == [0, 0, ROWS, 0]
    assert moments[[0, 1, 3]].tolist() == [[0.0, 0.0]] * 3
    assert extremes[2].tolist() == [NORMAL.min(), NORMAL.max()]


def test_values_of_nulls_do_not_matter():
    counter = Counter(edges_of(NORMAL))
    valid = np.arange(ROWS) % 3 > 0
    results = [counted(counter, np.where(valid, NORMAL, hidden), valid) for hidden in (0.0, 1e300, np.nan, -np.inf)]
    for counts, moments, extremes in results[1:]:
        assert counts.tolist() == results[0][0].tolist()
        assert moments.tolist() == results[0][1].tolist()
        assert extremes.tolist() == results[0][2].tolist()


def test_moments_that_overflow_are_infinite_and_silent():
    counter = Counter(edges_of(NORMAL))
    _, moments, extremes = counted(counter, np.array([1e200, -1e200]))
    assert moments.tolist() == [[0.0, np.inf]]
    assert extremes.tolist() == [[-1e200, 1e200]]


def test_read_only_and_strided_values_are_fine():
    counter = Counter(edges_of(NORMAL))
    values = np.repeat(NORMAL, 2)
    values.flags.writeable = False
    assert counted(counter, values[::2])[0].tolist() == counted(counter, NORMAL)[0].tolist()
    assert np.array_equal(values[::2], NORMAL)
