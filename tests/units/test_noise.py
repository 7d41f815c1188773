"""What chance alone gives to a measure: theory against simulation."""

import numpy as np
import pytest

from driftline.core.catalog import Catalog
from driftline.drift import measures
from driftline.drift.components import components
from driftline.drift.noise import chance, chance_limit, distance_test, smallest_noncentrality, visible_shift
from driftline.drift.pairs import OrderedPair, Pair
from driftline.drift.sparse import correction

RUNS = 4000
CELLS = {
    "ten equal": np.full(10, 0.1),
    "five falling": 1 / np.arange(1, 6) / (1 / np.arange(1, 6)).sum(),
    "twenty falling": 1 / np.arange(1, 21) / (1 / np.arange(1, 21)).sum(),
    "a rare flag": np.array([0.98, 0.02]),
}


def drawn(shares: np.ndarray, n: int, m: int, seed: int = 3) -> Pair:
    rng = np.random.default_rng(seed)
    return Pair(rng.multinomial(m, shares, RUNS).astype(float), rng.multinomial(n, shares, RUNS).astype(float))


def drawn_in_order(n: int, m: int, bins: int = 40) -> OrderedPair:
    pair = drawn(np.full(bins, 1 / bins), n, m)
    special = np.zeros((RUNS, 3)), np.zeros((RUNS, 2))
    edges = np.tile(np.linspace(0, 1, bins + 1), (RUNS, 1))
    moments = np.tile(np.array([0.5, 12**-0.5]), (RUNS, 2, 1))
    sides = [np.concatenate([special[0], side, special[1]], axis=1) for side in (pair.reference, pair.current)]
    return OrderedPair(sides[0], sides[1], edges, np.zeros((RUNS, bins), np.bool_), moments, np.tile([0.0, 1.0], (RUNS, 2, 1)))


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize(("n", "m", "off"), [(1000, 5000, 0.05), (200, 5000, 0.07), (100, 200, 0.12)])
@pytest.mark.parametrize("name", ["psi", "js", "hellinger", "total_variation", "chi2"])
def test_mean_and_limit_of_distances_over_cells(name: str, n: int, m: int, off: float, cells: str) -> None:
    pair = drawn(CELLS[cells], n, m)
    value = getattr(measures, name)(pair)
    assert float(value.mean()) == pytest.approx(float(chance(name, pair).mean()), rel=off)
    assert float((value > chance_limit(name, pair, 0.01)).mean()) <= 0.01 + 3 * np.sqrt(0.01 / RUNS) + (
        0.006 if n * CELLS[cells].min() < 5 else 0
    )


@pytest.mark.parametrize("name", ["ks", "wasserstein"])
@pytest.mark.parametrize(("n", "m"), [(1000, 5000), (100, 5000), (200, 200)])
def test_mean_and_limit_of_distances_that_need_the_order(name: str, n: int, m: int) -> None:
    pair = drawn_in_order(n, m)
    value = getattr(measures, name)(pair)
    # The mean of KS is that of a continuous column; bins and few rows only take away from it.
    assert 0.80 <= float(value.mean()) / float(chance(name, pair).mean()) <= 1.05
    assert float((value > chance_limit(name, pair, 0.01)).mean()) <= 0.01


@pytest.mark.parametrize("name", Catalog.of("drift measure", measures))
def test_limits_fall_with_the_rows_and_rise_with_the_certainty(name: str) -> None:
    few, many = drawn_in_order(100, 200), drawn_in_order(1000, 2000)
    if name != "chi2":
        assert np.all(chance_limit(name, few, 0.01) > chance_limit(name, many, 0.01))
    assert np.all(chance_limit(name, few, 1e-4) > chance_limit(name, few, 0.01))
    assert np.all(chance_limit(name, few, 0.01) > chance(name, few))


@pytest.mark.parametrize("cells", [*CELLS, "hundred equal"])
@pytest.mark.parametrize(("n", "m"), [(50, 200), (50, 5000), (200, 1000), (1000, 1000), (2000, 200)])
def test_the_test_of_the_distance_holds_its_level(cells: str, n: int, m: int) -> None:
    pair = drawn(CELLS.get(cells, np.full(100, 0.01)), n, m)
    p = distance_test(pair)[2]
    assert float((p <= 0.05).mean()) <= 0.05 + 3 * np.sqrt(0.05 / RUNS)
    assert float((p <= 0.01).mean()) <= 0.0165
    assert float((p <= 0.001).mean()) <= 0.004


def test_the_test_of_the_distance_says_nothing_where_nothing_can_be_said() -> None:
    r = np.array([[10.0, 0.0], [0.0, 0.0], [1.0, 0.0], [40.0, 60.0]])
    c = np.array([[0.0, 0.0], [5.0, 5.0], [0.0, 1.0], [40.0, 60.0]])
    statistic, _, p = distance_test(Pair(r, c))
    assert p.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert statistic.tolist() == pytest.approx([0.0] * 4, abs=1e-12)


def test_levels_that_the_reference_lacks_by_definition_are_no_difference_of_their_own() -> None:
    """Each of many rare levels is unseen in the reference by its own choice; the test puts them with the other rare ones."""
    rng = np.random.default_rng(5)
    shares = np.concatenate([np.full(5, 0.18), np.full(100, 0.001)])
    r, c = rng.multinomial(1000, shares, RUNS), rng.multinomial(1000, shares, RUNS)
    unseen = np.where(r == 0, c, 0).sum(axis=1)
    own = np.where(r == 0, 0, c)
    pair = Pair(np.concatenate([np.zeros((RUNS, 2)), r], axis=1), np.concatenate([np.zeros((RUNS, 1)), unseen[:, None], own], axis=1))
    known, p = distance_test(pair)[2], distance_test(pair, rare=1)[2]
    assert float((known <= 0.01).mean()) > 0.5, "a cell of its own would alarm all the time"
    assert float((p <= 0.01).mean()) <= 0.015


def test_visible_effects_are_found_with_eighty_percent() -> None:
    """A planted shift of the visible size crosses the limit of a one-degree test in 80 % of runs, and so in more degrees."""
    rng = np.random.default_rng(1)
    unit, tail = 1 / 300 + 1 / 5000, 0.003
    z = rng.standard_normal(20_000) + visible_shift(unit, tail) / np.sqrt(unit)
    assert float((np.abs(z) > 2.9677).mean()) == pytest.approx(0.8, abs=0.01)
    for degrees in (1, 9, 60):
        limit = np.quantile(rng.chisquare(degrees, 400_000), 0.99)
        found = rng.noncentral_chisquare(degrees, smallest_noncentrality(float(degrees), 0.01), 40_000) > limit
        assert float(found.mean()) == pytest.approx(0.8, abs=0.02)


def test_corrections_for_sparse_cells_end_at_one() -> None:
    for shape in ("js", "hellinger", "gap", "log", "entropy"):
        assert float(correction(shape, np.array([1e9]))[0]) == pytest.approx(1.0, abs=0.02)
    # A cell that expects nearly no rows: |x - e| is 2 e on average, (1 - sqrt(x / e))^2 is 2.
    assert float(correction("gap", np.array([1e-6]))[0]) == pytest.approx(2e-6 / np.sqrt(2e-6 / np.pi), rel=1e-3)
    assert float(correction("hellinger", np.array([1e-6]))[0]) == pytest.approx(8e-6, rel=2e-3)


@pytest.mark.parametrize("cells", [np.full(30, 1 / 30), np.concatenate([[0.6], np.full(20, 0.02)]), 0.5 ** np.arange(1, 9)])
def test_location_and_shape_hold_their_level_far_out(cells: np.ndarray) -> None:
    """Where a table of 200 columns looks, and with few rows: at most three times as many as it says beyond 1 in 10,000."""
    rng = np.random.default_rng(9)
    runs, n, m = 100_000, 50, 5000
    sides = [np.pad(rng.multinomial(rows, cells / cells.sum(), runs).astype(float), ((0, 0), (3, 2))) for rows in (m, n)]
    none = np.zeros((runs, 2, 2))
    parts = components(
        OrderedPair(sides[0], sides[1], np.zeros((runs, len(cells) + 1)), np.zeros((runs, len(cells)), np.bool_), none, none)
    )
    for p in (parts.location_p, parts.shape_p):
        assert float((p <= 0.01).mean()) <= 0.0125
        assert float((p <= 0.0001).mean()) <= 0.0003


def test_the_distance_holds_its_level_far_out() -> None:
    rng = np.random.default_rng(9)
    shares = 1 / np.arange(1, 101)
    pair = Pair(*(rng.multinomial(rows, shares / shares.sum(), 50_000).astype(float) for rows in (5000, 50)))
    p = distance_test(pair)[2]
    assert float((p <= 0.01).mean()) <= 0.0115
    assert float((p <= 0.0001).mean()) <= 0.0004
