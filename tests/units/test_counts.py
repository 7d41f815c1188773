"""Probabilities of counts: exact values from theory, then scipy, then how often they call a normal count strange."""

import math

import numpy as np
import pytest
from scipy import stats

from driftline.performance.counts import (
    beta_tails,
    binomial_tails,
    count_tails,
    gamma_tails,
    lower_chi_square,
    quiet_range,
    scatter,
)
from driftline.performance.shares import normal_share


@pytest.mark.parametrize(
    ("count", "mean", "dispersion", "at_most", "at_least"),
    [
        (0, 10.0, 0.0, math.exp(-10), 1.0),  # one empty hour where ten are expected: 4.5e-5
        (0, 10.0, 0.5, 6**-2.0, 1.0),  # (1 + dispersion·mean)^(-1/dispersion)
        (1, 2.0, 0.0, 3 * math.exp(-2), 1 - math.exp(-2)),
        (1, 2.0, 1.0, 5 / 9, 2 / 3),  # geometric with success 1/3
        (-1, 5.0, 0.0, 0.0, 1.0),
        (0, 0.0, 0.0, 1.0, 1.0),  # nothing expected, nothing seen
        (3, 0.0, 0.0, 1.0, 0.0),
    ],
)
def test_tails_of_a_few_counts(count, mean, dispersion, at_most, at_least):
    assert count_tails(count, mean, dispersion) == pytest.approx((at_most, at_least), rel=1e-12)


@pytest.mark.parametrize("mean", [0.01, 1.0, 25.0, 1e4, 1e6])
@pytest.mark.parametrize("away", [-8, -5, -1, 0, 1, 5, 8])
@pytest.mark.parametrize("dispersion", [0.0, 1e-6, 1e-3, 0.05, 3.0])
def test_counts_agree_with_scipy(mean, away, dispersion):
    count = max(0, round(mean + away * math.sqrt(mean + dispersion * mean**2)))
    known = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean)) if dispersion else stats.poisson(mean)
    expected = known.cdf(count), known.sf(count - 1)
    assert count_tails(count, mean, dispersion) == pytest.approx(expected, rel=1e-5, abs=1e-250)


@pytest.mark.parametrize("away", [-5, -2, 0, 2, 5])
def test_a_billion_is_normal(away):
    # Φ(±5) = 2.87e-7; the skewness of the Poisson is 3e-5.
    at_most, at_least = count_tails(round(1e9 + away * math.sqrt(1e9)), 1e9)
    assert (at_most, at_least) == pytest.approx((stats.norm.cdf(away), stats.norm.sf(away)), rel=1e-3)


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (0, 100), (8, 100), (100, 100), (50, 10_000), (999_000, 1_000_000)])
@pytest.mark.parametrize("rate", [1e-6, 0.005, 0.5, 0.999])
def test_binomial_agrees_with_scipy(part, whole, rate):
    known = stats.binom(whole, rate)
    assert binomial_tails(part, whole, rate) == pytest.approx((known.cdf(part), known.sf(part - 1)), rel=1e-6, abs=1e-250)


def test_binomial_at_certain_rates_and_impossible_counts():
    assert [binomial_tails(part, 5, 0.0) for part in (0, 1)] == [(1.0, 1.0), (1.0, 0.0)]
    assert [binomial_tails(part, 5, 1.0) for part in (4, 5)] == [(0.0, 1.0), (1.0, 1.0)]
    assert binomial_tails(8, 100, 0.005)[1] == pytest.approx(4.83e-8, rel=1e-3)  # the eight errors of a page at 99.5 %
    assert binomial_tails(6, 5, 0.5) == (1.0, 0.0)
    assert binomial_tails(-1, 5, 0.5) == (0.0, 1.0)
    assert binomial_tails(0, 0, 0.5) == (1.0, 1.0)


def test_the_two_tails_of_a_function_are_complements():
    for a, x in ((0.5, 0.2), (30.0, 29.0), (30.0, 45.0)):
        assert sum(gamma_tails(a, x)) == pytest.approx(1.0, abs=1e-15)
        assert sum(beta_tails(a, 3.0, x / 50, 1 - x / 50)) == pytest.approx(1.0, abs=1e-15)
    assert gamma_tails(2.0, 0.0) == (0.0, 1.0)


@pytest.mark.parametrize(("mean", "dispersion"), [(0.1, 0.0), (25.0, 0.0), (25.0, 0.05), (60_000.0, 0.0), (60_000.0, 0.02), (3.0, 2.0)])
@pytest.mark.parametrize("tail", [0.01, 1e-4, 1e-6])
def test_the_quiet_range_ends_where_the_tails_say(mean, dispersion, tail):
    low, high = quiet_range(mean, dispersion, tail)
    assert count_tails(low, mean, dispersion)[0] > tail >= count_tails(low - 1, mean, dispersion)[0]
    assert count_tails(high, mean, dispersion)[1] > tail >= count_tails(high + 1, mean, dispersion)[1]


def test_scatter_of_a_few_counts():
    assert scatter([]) == (0.0, 0)
    assert scatter([[5], [0, 0, 0]]) == (0.0, 0)  # no group that could scatter
    assert scatter([[100, 100, 100, 100]]) == (0.0, 3)
    # Two counts m ± d: 2d² / (m + k·m²) = q solves to k = (2d²/q - m) / m².
    quantile = lower_chi_square(1)
    assert scatter([[50, 150]]) == pytest.approx(((5000 / quantile - 100) / 1e4, 1), rel=1e-5)


@pytest.mark.parametrize("freedom", [3, 10, 100, 500])
def test_the_lower_quantile_of_chi_square(freedom):
    assert lower_chi_square(freedom) == pytest.approx(stats.chi2.ppf(0.05, freedom), rel=0.07 if freedom == 3 else 0.01)


@pytest.mark.parametrize("dispersion", [0.0, 0.01, 0.2])
def test_scatter_is_rarely_less_than_the_truth(dispersion):
    random = np.random.default_rng(3)
    below = 0
    for _ in range(200):
        rate = 300.0 if not dispersion else random.gamma(1 / dispersion, 300 * dispersion, (7, 4))
        below += scatter(random.poisson(rate, (7, 4)).tolist())[0] < dispersion
    assert below / 200 <= 0.10  # 5 % are promised, for counts near normal


def test_many_windows_know_the_scatter_well():
    random = np.random.default_rng(4)
    found, freedom = scatter(random.poisson(random.gamma(20, 50, (168, 8))).tolist())
    assert found == pytest.approx(0.05, rel=0.15)
    assert freedom == 168 * 7


def test_a_normal_share_of_a_few_windows():
    assert normal_share([(1, 10)] * 3 + [(0, 0)] * 9) is None
    same = normal_share([(50, 1000)] * 4)
    assert same.share == pytest.approx(0.05, abs=4e-4)
    assert (same.between, same.windows) == (0.0, 4)
    half = 1.959963984540054 * math.sqrt(1 / 1000.5 + 1 / 4002) / 2  # the window's own chance, and that of the four
    middle = math.asin(math.sqrt(50.375 / 1000.75))
    assert same.limits(1000, 0.025) == pytest.approx((math.sin(middle - half) ** 2, math.sin(middle + half) ** 2), rel=1e-12)
    wild = normal_share([(10, 1000), (90, 1000), (30, 1000), (70, 1000)])
    assert wild.between > 0.05
    assert wild.limits(10**9, 0.025)[1] > 0.15  # however many rows: windows differ


def test_a_normal_share_rarely_finds_a_normal_window_strange():
    random = np.random.default_rng(5)
    strange = 0
    for _ in range(400):
        rates = np.clip(random.normal(0.2, 0.03, 13), 0, 1)
        *past, now = random.binomial(2000, rates).tolist()
        low, high = normal_share([(part, 2000) for part in past]).limits(2000, 0.005)
        strange += not low <= now / 2000 <= high
    assert strange / 400 <= 0.02  # 1 % is promised
