"""Laws of counting: how rows are split, ordered or grouped changes nothing, and every row lands in exactly one cell."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from driftline.profiles.binning import choose_bins
from driftline.profiles.counting import FEW, SPECIAL, Counter

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SAMPLES = hnp.arrays(np.float64, st.integers(1, 60), elements=FINITE | st.integers(-3, 3).map(float))
VALUES = hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats() | st.integers(-4, 4).map(float))


def counter_for(sample):
    ordered = np.sort(sample)
    return Counter(choose_bins(ordered, lowest=float(ordered[0]), highest=float(ordered[-1])).edges)


def counted(counter, values, valid=None, group=None, groups=1):
    counts, extremes = np.zeros((groups, counter.width), np.int64), np.tile([np.inf, -np.inf], (groups, 1))
    counter.add(values, valid, group, counts, np.zeros((groups, 2)), extremes)
    return counts, extremes


def many(values):
    """The values often enough for the grid to be used."""
    return np.tile(values, 1 + FEW // max(len(values), 1)) if len(values) else values


@given(SAMPLES, VALUES)
def test_the_grid_counts_as_binary_search_does(sample, values):
    counter = counter_for(sample)
    values = np.concatenate([sample, values])
    times = 1 + FEW // len(values)
    by_grid, by_search = counted(counter, np.tile(values, times)), counted(counter, values)
    assert len(values) < FEW <= len(values) * times
    assert np.array_equal(by_grid[0], times * by_search[0])
    assert np.array_equal(by_grid[1], by_search[1])


@given(SAMPLES, VALUES)
def test_every_row_lands_in_exactly_one_cell(sample, values):
    counter = counter_for(sample)
    assert counted(counter, many(values))[0].sum() == len(many(values))
    assert counted(counter, sample)[0][0, :SPECIAL].sum() == 0


@given(SAMPLES, VALUES, st.data())
def test_any_split_and_order_of_rows_gives_equal_counts(sample, values, data):
    counter, values = counter_for(sample), many(values)
    valid = np.arange(len(values)) % 5 != data.draw(st.integers(0, 5))
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(len(values))
    cut = data.draw(st.integers(0, len(values)))
    whole = counted(counter, values, valid)
    parts = [counted(counter, values[rows], valid[rows]) for rows in (order[:cut], order[cut:])]
    assert np.array_equal(whole[0], parts[0][0] + parts[1][0])
    assert whole[1][0, 0] == min(parts[0][1][0, 0], parts[1][1][0, 0])
    assert whole[1][0, 1] == max(parts[0][1][0, 1], parts[1][1][0, 1])


@given(SAMPLES, VALUES, st.integers(1, 4))
def test_grouping_equals_filtering(sample, values, groups):
    counter, values = counter_for(sample), many(values)
    group = np.arange(len(values)) * 7 % 11 % groups
    counts, extremes = counted(counter, values, None, group, groups)
    for g in range(groups):
        alone = counted(counter, values[group == g])
        assert np.array_equal(counts[g], alone[0][0])
        assert np.array_equal(extremes[g], alone[1][0])


@given(SAMPLES)
def test_edges_rise_and_cover_the_sample(sample):
    ordered = np.sort(sample)
    bins = choose_bins(ordered, lowest=float(ordered[0]), highest=float(ordered[-1]))
    assert (np.diff(bins.edges) > 0).all()
    assert bins.edges[0] == ordered[0]
    assert bins.edges[-2] <= ordered[-1] < bins.edges[-1]
    assert len(bins.coarse) == len(bins.edges) - 1
    assert bins.coarse[0] == 0
    assert set(np.diff(bins.coarse)) <= {0, 1}
