"""Rates: the exact test, its printed limits, and the single values picked by it."""

import numpy as np
import pytest
from scipy import stats

from driftline.drift.floors import LEAST_CHANGE, rate_bounds, rate_effect, standing
from driftline.drift.rates import one_rate_p, quiet_rate, rate_p, unseen_p
from driftline.drift.singles import single_levels
from driftline.profiles.schema import FIRST_LEVEL

CASES = [(6, 100, 50, 5000), (30, 1000, 50, 5000), (0, 500, 60, 5000), (12, 40, 20, 200), (4, 10, 0, 1000), (900, 1000, 3900, 5000)]


@pytest.mark.parametrize(("x", "n", "r", "m"), CASES)
def test_one_sided_is_fishers_exact_test(x: int, n: int, r: int, m: int) -> None:
    exact = stats.fisher_exact([[x, n - x], [r, m - r]], alternative="greater").pvalue
    found = float(rate_p(x, n, r, m, both=False))
    assert found == pytest.approx(exact, rel=1e-8) if exact < 0.02 else found > 0.02


@pytest.mark.parametrize(("x", "n", "r", "m"), CASES)
def test_two_sided_is_at_most_twice_fishers_and_never_below_it(x: int, n: int, r: int, m: int) -> None:
    exact = stats.fisher_exact([[x, n - x], [r, m - r]]).pvalue
    assert exact * (1 - 1e-7) <= float(rate_p(x, n, r, m)) <= 2 * exact * (1 + 1e-7)


def test_a_side_without_rows_says_nothing() -> None:
    assert rate_p([0, 3, 0], [0, 5, 0], [3, 0, 0], [5, 0, 0]).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("rate", [0.0005, 0.01, 0.2])
@pytest.mark.parametrize(("n", "m"), [(50, 1000), (1000, 1000), (5000, 1000)])
def test_never_more_false_alarms_than_it_says(rate: float, n: int, m: int) -> None:
    rng = np.random.default_rng(2)
    p = rate_p(rng.binomial(n, rate, 20_000), n, rng.binomial(m, rate, 20_000), m)
    for alpha in (0.01, 0.001):
        assert float((p <= alpha).mean()) <= alpha + 3 * np.sqrt(alpha / 20_000)


@pytest.mark.parametrize(("x", "n", "r", "m"), CASES)
@pytest.mark.parametrize("alpha", [0.01, 1e-5])
def test_a_printed_limit_is_the_last_quiet_rate(x: int, n: int, r: int, m: int, alpha: float) -> None:
    higher = x * m >= r * n
    limit = quiet_rate(n, r, m, alpha, higher=higher, both=True)
    assert (float(rate_p(x, n, r, m)) <= alpha) == (x / n > limit if higher else x / n < limit)


def test_floors_of_rates() -> None:
    low, high = rate_bounds(np.array([0.0, 0.01, 0.3, 0.3]), np.array([0.1, 0.1, 0.1, 0.2]))
    np.testing.assert_allclose(high, [0.0025, 0.0224, 0.3467, 0.3950], atol=1e-4)
    assert low[0] <= 0.0, "a rate cannot fall below none"
    assert float(rate_effect(np.array(high[2]), np.array(0.3))) == pytest.approx(0.1, rel=1e-9)
    doubled = rate_bounds(np.array([0.08]), np.array([0.1]), 2.0)
    assert (float(doubled[0][0]), float(doubled[1][0])) == (0.04, 0.16)
    assert float(rate_bounds(np.array([0.5]), np.array([1e-9]))[1][0]) == 0.5 + LEAST_CHANGE


@pytest.mark.parametrize(("importance", "wanted"), [(None, "normal"), (0.1, "top"), (0.05, "normal"), (0.02, "low"), (0.0, "low")])
def test_standing_by_importance(importance: float | None, wanted: str) -> None:
    assert standing(importance) == wanted


def cells(*levels: int, missing: int = 0) -> np.ndarray:
    return np.concatenate([[missing], np.zeros(FIRST_LEVEL - 1), levels]).astype(np.int64)


def test_the_level_that_changed_is_picked() -> None:
    found = single_levels([cells(600, 300, 90, 10)], [cells(590, 290, 90, 30)], np.array([0.1]))[0]
    assert (found.cell, found.reference, found.value) == (3, 0.01, 0.03)
    assert found.enough
    assert found.p == pytest.approx(4 * float(rate_p(30, 1000, 10, 1000))), "the best of four levels"


def test_of_two_levels_the_rarer_one_speaks_for_both() -> None:
    found = single_levels([cells(980, 20)], [cells(900, 100)], np.array([0.1]))[0]
    assert (found.cell, found.tried, found.value) == (1, 1, 0.1)
    assert found.p == pytest.approx(float(rate_p(100, 1000, 20, 1000)))


def test_a_rare_level_has_to_double_and_a_common_one_to_move_by_ten_points() -> None:
    small = single_levels([cells(9000, 400, 600)], [cells(8800, 600, 600)], np.array([0.1]))[0]
    assert not small.enough, "4 % to 6 % is not twice"
    common = single_levels([cells(3000, 3000, 4000)], [cells(3600, 2600, 3800)], np.array([0.1]))[0]
    assert not common.enough, "30 % to 36 %"
    assert single_levels([cells(3000, 3000, 4000)], [cells(4000, 2500, 3500)], np.array([0.1]))[0].enough


def test_levels_unseen_by_chance_and_not_by_chance() -> None:
    rng = np.random.default_rng(4)
    shares = 1 / np.arange(1, 301) ** 1.1
    shares /= shares.sum()
    alarms = 0
    for _ in range(300):
        r, c = rng.multinomial(1000, shares), rng.multinomial(5000, shares)
        known = r > 0
        alarms += unseen_p(c[~known], r[known], c[known], 1000, 5000) <= 0.01
    assert alarms <= 3, "a long tail always brings levels the reference lacks"
    assert unseen_p(np.array([40]), np.full(5, 1000), np.full(5, 192), 5000, 1000) < 1e-6, "a reference of five common levels does not"
    assert unseen_p(np.zeros(32, np.int64), np.array([5]), np.array([5]), 5, 5) == 1.0


@pytest.mark.parametrize(("x", "n", "r", "m"), [*CASES, (55, 1000, 200, 5000), (3, 3, 2, 4), (0, 1, 0, 1)])
@pytest.mark.parametrize("both", [True, False])
def test_one_rate_is_as_many(x: int, n: int, r: int, m: int, both: bool) -> None:
    assert one_rate_p(x, n, r, m, both=both) == pytest.approx(float(rate_p(x, n, r, m, both=both)), rel=1e-9)
