"""How bins are chosen: equal masses, deciles, atoms, required edges; and what that buys for KS and PSI."""

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from driftline.profiles.binning import Bins, choose_bins

RNG = np.random.default_rng(20240501)
ROWS = 20_000
COLUMNS = {
    "normal": RNG.normal(size=ROWS),
    "lognormal": np.exp(RNG.normal(size=ROWS)),
    "integers": RNG.poisson(8.0, ROWS).astype(np.float64),
    "zero-inflated": np.where(RNG.random(ROWS) < 0.6, 0.0, RNG.exponential(size=ROWS)),
    "money": np.round(np.exp(2 + RNG.normal(size=ROWS)), 1),
    "scores": 1 / (1 + np.exp(-4 * RNG.normal(size=ROWS))),
    "many atoms": np.where(np.arange(ROWS) % 2, RNG.integers(0, 120, ROWS), 120 * RNG.random(ROWS)),
}
each_column = pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS.keys())


def bins_of(values, **options) -> Bins:
    ordered = np.sort(values)
    return choose_bins(ordered, lowest=float(ordered[0]), highest=float(ordered[-1]), **options)


def masses(bins: Bins, values):
    return np.histogram(np.searchsorted(bins.edges, values, side="right"), np.arange(1, len(bins.edges) + 1))[0] / len(values)


@pytest.mark.parametrize(
    ("values", "edges", "coarse"),
    [
        ([7.0], [7.0, math.nextafter(7.0, math.inf)], [0]),  # one row
        ([7.0] * 50, [7.0, math.nextafter(7.0, math.inf)], [0]),  # constant
        ([-0.0, 0.0], [0.0, 5e-324], [0]),  # the two zeros are one value
        ([-1.0, -0.0, 1.0], [-1.0, 0.0, 1.0, math.nextafter(1.0, math.inf)], [0, 1, 2]),
        ([0.0, 1.0], [0.0, 1.0, math.nextafter(1.0, math.inf)], [0, 1]),  # two rows
        ([0.0] * 60 + [1.0] * 40, [0.0, 1.0, math.nextafter(1.0, math.inf)], [0, 1]),  # two atoms
        ([1.7e308] * 2 + [1.7976931348623157e308] * 2, [1.7e308, 1.7976931348623157e308, math.inf], [0, 1]),  # nothing above the top
    ],
)
def test_exact_small_table(values, edges, coarse):
    bins = bins_of(np.array(values))
    assert bins.edges.tolist() == edges
    assert not np.signbit(bins.edges[bins.edges == 0.0]).any()
    assert bins.coarse.tolist() == coarse


def test_an_empty_sample_is_refused():
    with pytest.raises(ValueError, match="at least one finite value"):
        choose_bins(np.empty(0), lowest=0.0, highest=1.0)


@each_column
def test_edges_rise_strictly_cover_the_range_and_stay_few(values):
    bins = bins_of(values)
    assert (np.diff(bins.edges) > 0).all()
    assert bins.edges[0] == values.min()
    assert bins.edges[-1] == math.nextafter(values.max(), math.inf)
    assert len(bins.edges) - 1 <= 261
    assert masses(bins, values).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.9])
def test_alternating_atoms_and_gaps_never_make_more_than_320_bins(share):
    atoms = np.repeat(np.arange(150.0), 100)  # 150 atoms, between them a few rows each
    between = np.arange(150 * 40) / 40 + 0.01
    values = np.concatenate([atoms[: int(share * len(atoms))], between])
    assert len(bins_of(values).edges) - 1 <= 320


def test_a_continuous_column_has_bins_of_equal_mass():
    assert masses(bins_of(COLUMNS["normal"]), COLUMNS["normal"]).max() <= 1 / 260 + 1 / ROWS


@each_column
def test_an_atom_has_a_bin_of_its_own(values):
    bins = bins_of(values)
    distinct, counts = np.unique(values, return_counts=True)
    for atom in distinct[counts > 2 / 260 * len(values)]:
        bin_of_atom = np.searchsorted(bins.edges, atom, side="right") - 1
        assert bins.edges[bin_of_atom] == atom
        assert np.array_equal(np.unique(values[(values >= atom) & (values < bins.edges[bin_of_atom + 1])]), [atom])


@each_column
def test_a_heavy_atom_is_a_coarse_group_of_its_own(values):
    bins = bins_of(values)
    groups = bins.coarse[np.searchsorted(bins.edges, values, side="right") - 1]
    assert bins.coarse[0] == 0
    assert set(np.diff(bins.coarse)) <= {0, 1}
    assert 1 <= bins.coarse[-1] + 1 <= 22
    distinct, counts = np.unique(values, return_counts=True)
    for atom in distinct[counts >= 0.05 * len(values)]:
        assert np.unique(values[groups == groups[values == atom][0]]).tolist() == [atom]


def test_coarse_groups_of_a_continuous_column_are_its_deciles():
    values = np.sort(COLUMNS["normal"])
    bins = bins_of(values)
    starts = bins.edges[:-1][np.flatnonzero(np.diff(bins.coarse, prepend=-1))]
    assert starts.tolist() == [values[0], *values[np.arange(1, 10) * ROWS // 10]]


@pytest.mark.parametrize("zeros", [0.395, 0.4, 0.405, 0.45])
def test_no_coarse_group_is_a_sliver_between_an_atom_and_a_decile(zeros):
    values = np.concatenate([np.zeros(int(zeros * ROWS)), 1.0 + np.arange(ROWS - int(zeros * ROWS))])
    bins = bins_of(values)
    groups = np.bincount(bins.coarse, weights=masses(bins, values))
    assert groups[0] == pytest.approx(zeros)
    assert 0.02 <= groups.min() <= groups[1:].max() <= 0.121


def test_psi_over_deciles_is_exact():
    values, current = COLUMNS["lognormal"], COLUMNS["lognormal"] * 1.1
    bins = bins_of(values)
    cuts = np.sort(values)[np.arange(1, 10) * ROWS // 10]

    def psi(p, q):
        return float(((p - q) * np.log(p / q)).sum())

    def direct(x):
        return np.bincount(np.searchsorted(cuts, x, side="right"), minlength=10) / len(x)

    def binned(x):
        place = np.clip(np.searchsorted(bins.edges, x, side="right") - 1, 0, len(bins.coarse) - 1)
        return np.bincount(bins.coarse[place], minlength=10) / len(x)

    assert psi(binned(values), binned(current)) == psi(direct(values), direct(current)) > 0.005


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("name", ["normal", "lognormal", "integers", "zero-inflated"])
def test_ks_from_bins_is_off_by_at_most_the_largest_bin(name, shift):
    values = COLUMNS[name]
    current = RNG.permutation(values)[:5_000] * (1 + shift) + (shift if name == "normal" else 0.0)
    bins = bins_of(values)
    at_edges = [np.searchsorted(np.sort(x), bins.edges) / len(x) for x in (values, current)]
    exact = ks_2samp(values, current).statistic
    assert exact - masses(bins, values).max() - 1e-12 <= np.abs(at_edges[0] - at_edges[1]).max() <= exact + 1e-12


def test_a_change_of_an_atoms_share_is_seen_as_well_as_any_other():
    """Its bin holds no other reference value, so the error stays that of the other bins, although its own mass is 0.6."""
    values = COLUMNS["zero-inflated"]
    current = np.where(RNG.random(ROWS) < 0.3, RNG.exponential(size=ROWS), values)
    bins = bins_of(values)
    at_edges = [np.searchsorted(np.sort(x), bins.edges) / len(x) for x in (values, current)]
    assert np.abs(at_edges[0] - at_edges[1]).max() == pytest.approx(ks_2samp(values, current).statistic, abs=1 / 260)


@each_column
def test_required_values_are_edges_where_they_lie_inside(values):
    middle = float(np.mean(values)) + 1e-7
    bins = bins_of(values, required=(middle, values.min() - 1, values.max() + 1, math.nan))
    assert middle in bins.edges
    assert len(bins.edges) <= len(bins_of(values).edges) + 1


def test_the_range_is_that_of_the_whole_reference():
    bins = choose_bins(np.array([1.0, 2.0, 2.0, 3.0]), lowest=-5.0, highest=9.0)
    assert bins.edges[0] == -5.0
    assert bins.edges[-1] == math.nextafter(9.0, math.inf)
    assert 2.0 in bins.edges


def test_each_value_has_its_bin_and_its_group():
    bins = bins_of(np.repeat([1.0, 2.0, 5.0], [90, 9, 1]), each_value=True)
    assert bins.edges.tolist() == [1.0, 2.0, 5.0, math.nextafter(5.0, math.inf)]
    assert bins.coarse.tolist() == [0, 1, 2]


def test_a_required_edge_between_values_splits_a_bin_but_no_group():
    bins = bins_of(np.repeat([0.0, 1.0], 5), each_value=True, required=[0.5])
    assert bins.edges.tolist() == [0.0, 0.5, 1.0, math.nextafter(1.0, math.inf)]
    assert bins.coarse.tolist() == [0, 0, 1]
