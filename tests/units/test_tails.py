"""Tail probabilities agree with scipy to the digits stated here."""

import numpy as np
import pytest
from scipy import stats

from driftline.drift.tails import (
    chi2_quantile,
    chi2_tail,
    hypergeometric_mass,
    hypergeometric_tail,
    normal_quantile,
    normal_tail,
    skewed_tail,
)


def test_normal_tail_and_quantile_to_twelve_digits() -> None:
    z = np.array([-8.0, -1.0, 0.0, 0.5, 3.0, 8.0, 20.0])
    np.testing.assert_allclose(normal_tail(z), stats.norm.sf(z), rtol=1e-12)
    for tail in (0.5, 0.05, 1e-4, 1e-9):
        assert normal_quantile(tail) == pytest.approx(stats.norm.isf(tail), rel=1e-9, abs=1e-12)


def test_chi2_tail_to_nine_digits_far_into_the_tail() -> None:
    x, degrees = np.meshgrid([1e-3, 0.5, 2.0, 9.0, 40.0, 150.0, 900.0], [0.7, 1.0, 2.0, 9.0, 99.0, 400.0])
    wanted = stats.chi2.sf(x, degrees)
    found = chi2_tail(x, degrees)
    visible = wanted > 1e-250
    np.testing.assert_allclose(found[visible], wanted[visible], rtol=1e-9)


def test_chi2_tail_of_no_degrees_or_nothing_is_one() -> None:
    assert chi2_tail([3.0, 0.0], [0.0, 5.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("tail", [0.5, 0.01, 1e-4, 1e-8])
def test_chi2_quantile_to_nine_digits(tail: float) -> None:
    degrees = np.array([1.0, 2.0, 4.0, 12.0, 102.0])
    np.testing.assert_allclose(chi2_quantile(tail, degrees), stats.chi2.isf(tail, degrees), rtol=1e-9)
    assert chi2_quantile(tail, 0.0) == 0.0


def test_hypergeometric_tail_to_nine_digits() -> None:
    cases = [(5, 50, 30, 1050), (1, 10, 3, 200), (40, 1000, 60, 6000), (0, 5, 2, 20), (200, 10_000, 900, 110_000), (3, 3, 3, 6)]
    for x, n, marked, total in cases:
        assert hypergeometric_tail(x, n, marked, total) == pytest.approx(stats.hypergeom.sf(x - 1, total, marked, n), rel=1e-8)
    assert hypergeometric_tail(4, 3, 5, 10) == 0.0, "more than there are rows"
    assert hypergeometric_tail(2, 8, 5, 10) == pytest.approx(1.0), "fewer than there must be"


def test_a_long_hypergeometric_tail_is_never_too_small() -> None:
    """Where more terms count than are summed, the rest is bounded from above."""
    x, n, marked, total = 2_400, 10_000, 24_000, 110_000
    wanted = stats.hypergeom.sf(x - 1, total, marked, n)
    assert wanted * (1 - 1e-6) <= float(hypergeometric_tail(x, n, marked, total)) <= 1.0


def test_hypergeometric_mass_sums_to_one() -> None:
    x = np.arange(31.0)
    assert float(hypergeometric_mass(x, np.array(50.0), np.array(30.0), np.array(500.0)).sum()) == pytest.approx(1.0, rel=1e-10)


@pytest.mark.parametrize("skewness", [0.0, 0.1, 0.4])
def test_skewed_tail_follows_pearsons_third_type(skewness: float) -> None:
    """Wilson and Hilferty's cube root: at least nine tenths of the exact gamma where a verdict looks, and at most twice."""
    z = np.array([2.0, 2.6, 3.3])
    exact = stats.pearson3.sf(z, skewness) + stats.pearson3.cdf(-z, skewness)
    found = skewed_tail(z, np.full(3, skewness))
    assert np.all(found >= exact * 0.9)
    assert np.all(found <= 2.0 * exact)
    np.testing.assert_allclose(skewed_tail(z, np.zeros(3)), 2 * stats.norm.sf(z), rtol=1e-9)
