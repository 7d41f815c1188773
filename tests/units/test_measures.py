"""Measures: against scipy on the same shares, then a table of exact values."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from driftline.core.catalog import Catalog
from driftline.drift import measures
from driftline.drift.components import components
from driftline.drift.floors import FLOORS
from driftline.drift.pairs import OrderedPair, Pair
from driftline.profiles.binning import choose_bins
from driftline.profiles.counting import SPECIAL, Counter

RNG = np.random.default_rng(7)
PLAIN = ("psi", "js", "hellinger", "total_variation", "chi2")


def ordered(reference: np.ndarray, current: np.ndarray, *, each_value: bool = False, fine: int = 256) -> OrderedPair:
    """The pair of one column as its profile would hold it."""
    bins = choose_bins(np.sort(reference), lowest=reference.min(), highest=reference.max(), each_value=each_value, fine=fine)
    counter = Counter(bins.edges)
    sides, extremes, moments = [], [], []
    for values in (reference, current):
        counts, sums, ends = np.zeros((1, counter.width), np.int64), np.zeros((1, 2)), np.array([[np.inf, -np.inf]])
        counter.add(values, None, None, counts, sums, ends)
        c = counts[0]
        sides.append(np.concatenate([[c[0] + c[1], c[2], c[4] + c[5]], c[SPECIAL:], [c[6] + c[7], c[3]]])[None].astype(float))
        finite = values[np.isfinite(values)]
        extremes.append(ends[0])
        moments.append([finite.mean(), finite.std()])
    values = np.sort(reference)
    points = [len(np.unique(values[(values >= a) & (values < b)])) <= 1 for a, b in zip(bins.edges, bins.edges[1:], strict=False)]
    return OrderedPair(sides[0], sides[1], bins.edges[None], np.array(points)[None], np.array([moments]), np.array([extremes]))


@pytest.mark.parametrize("seed", range(4))
def test_distances_agree_with_scipy_on_the_same_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, c = rng.integers(1, 60, (5, 12)).astype(float), rng.integers(1, 30, (5, 12)).astype(float)
    pair = Pair(r, c)
    p, q = r / r.sum(1, keepdims=True), c / c.sum(1, keepdims=True)
    smooth_p, smooth_q = (r + 0.5) / (r + 0.5).sum(1, keepdims=True), (c + 0.5) / (c + 0.5).sum(1, keepdims=True)
    np.testing.assert_allclose(measures.js(pair), [jensenshannon(a, b, base=2) for a, b in zip(p, q, strict=True)], rtol=1e-12)
    np.testing.assert_allclose(measures.hellinger(pair), np.sqrt(1 - np.sqrt(p * q).sum(1)), rtol=1e-9)
    np.testing.assert_allclose(measures.total_variation(pair), np.abs(p - q).sum(1) / 2, rtol=1e-12)
    psi = [stats.entropy(a, b) + stats.entropy(b, a) for a, b in zip(smooth_p, smooth_q, strict=True)]
    np.testing.assert_allclose(measures.psi(pair), psi, rtol=1e-10)
    chi2 = [stats.chi2_contingency([a, b], correction=False).statistic for a, b in zip(r, c, strict=True)]
    np.testing.assert_allclose(measures.chi2(pair), chi2, rtol=1e-12)


EXACT = [
    # reference, current: psi, js, hellinger, total variation, chi2
    ([8, 8], [4, 4], (0.0, 0.0, 0.0, 0.0, 0.0)),  # the same shares
    ([4, 4, 0], [2, 2, 0], (0.0, 0.0, 0.0, 0.0, 0.0)),  # a bin empty on both sides adds nothing
    ([2, 0], [0, 2], (2 * (2 / 3) * math.log(5), 1.0, 1.0, 1.0, 4.0)),  # nothing in common; (2.5 - 0.5) / 3 ln 5, twice
    ([1, 1], [1, 0], (0.25 * math.log(1.5) + 0.25 * math.log(2), 0.5579230, math.sqrt(1 - 0.5**0.5), 0.5, 0.75)),
    ([3, 1], [1, 3], (2 * 0.4 * math.log(7 / 3), 0.4344208, math.sqrt(1 - 0.75**0.5), 0.5, 2.0)),
]


@pytest.mark.parametrize(("reference", "current", "values"), EXACT)
def test_exact_values(reference: list[int], current: list[int], values: tuple[float, ...]) -> None:
    pair = Pair(np.array([reference], float), np.array([current], float))
    found = [float(getattr(measures, name)(pair)[0]) for name in PLAIN]
    assert found == pytest.approx(list(values), abs=1e-5)


@pytest.mark.parametrize("name", PLAIN)
def test_a_column_without_rows_on_one_side_has_no_distance(name: str) -> None:
    pair = Pair(np.array([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]))
    assert np.isnan(getattr(measures, name)(pair)).all()


@pytest.mark.parametrize("name", Catalog.of("drift measure", measures))
def test_identical_samples_and_a_single_row_are_no_distance(name: str) -> None:
    values = RNG.standard_normal(500)
    for sample in (values, values[:1]):
        pair = ordered(sample, sample)
        assert float(getattr(measures, name)(pair)[0]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("fine", [20, 256])
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_ks_from_bins_is_within_one_bin_mass_of_the_exact_value(shift: float, fine: int) -> None:
    reference, current = RNG.standard_normal(5000), RNG.standard_normal(800) * 1.2 + shift
    pair = ordered(reference, current, fine=fine)
    exact = stats.ks_2samp(reference, current).statistic
    largest = float(pair.shares[0].max())
    assert exact - largest <= float(measures.ks(pair)[0]) <= exact + 1e-12


def test_ks_counts_missing_rows() -> None:
    reference, current = RNG.standard_normal(1000), RNG.standard_normal(1000)
    current[:300] = np.nan
    assert float(measures.ks(ordered(reference, current))[0]) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0, 5.0])
def test_wasserstein_of_continuous_values(shift: float) -> None:
    """Within 0.03 of a standard deviation of the exact distance, also where most rows lie beyond the range of the reference."""
    reference, current = RNG.standard_normal(20_000) * 3 + 7, RNG.standard_normal(3000) * 3 + 7 + 3 * shift
    exact = stats.wasserstein_distance(reference, current) / reference.std()
    assert float(measures.wasserstein(ordered(reference, current))[0]) == pytest.approx(exact, abs=0.03)


def test_wasserstein_of_whole_numbers_is_exact() -> None:
    reference, current = RNG.poisson(4, 3000).astype(float), RNG.poisson(4.5, 700).astype(float)
    current = np.clip(current, 0, reference.max())
    exact = stats.wasserstein_distance(reference, current) / reference.std()
    assert float(measures.wasserstein(ordered(reference, current, each_value=True))[0]) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("standing", "shift"), [("top", 0.23), ("normal", 0.32), ("low", 0.45)])
def test_a_floor_is_the_same_shift_on_every_scale(standing: str, shift: float) -> None:
    """The shares of a normal column and of one moved by the floor, in ten equal bins, against the tabled floors: within 12 %."""
    edges = np.concatenate([[-np.inf], stats.norm.isf(np.arange(9, 0, -1) / 10), [np.inf]])
    p, q = np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges - shift))
    pair = Pair(p[None] * 1e9, q[None] * 1e9)
    for name in ("psi", "js", "hellinger"):
        assert float(getattr(measures, name)(pair)[0]) == pytest.approx(FLOORS[name][standing], rel=0.12)
    assert stats.norm.cdf(shift / 2) - stats.norm.cdf(-shift / 2) == pytest.approx(FLOORS["ks"][standing], abs=0.003)
    assert shift == FLOORS["wasserstein"][standing]


def test_the_first_component_of_a_moved_normal_column_is_its_shift() -> None:
    reference = stats.norm.isf((np.arange(40_000) + 0.5) / 40_000)
    for shift in (0.1, 0.3):
        parts = components(ordered(reference, reference[::4] + shift))
        assert float(parts.effects[0, 0]) == pytest.approx(shift * math.sqrt(3 / math.pi), rel=0.03)
        assert float(parts.shape[0]) == pytest.approx(shift**2, rel=0.1)
