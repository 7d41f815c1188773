"""Laws of the drift room, over everything in its catalogue."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from driftline.core.catalog import Catalog
from driftline.drift import measures
from driftline.drift.judge import judge
from driftline.drift.noise import chance, chance_limit, distance_test
from driftline.drift.pairs import OrderedPair, Pair
from driftline.drift.rates import rate_p
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering

CATALOG: Catalog[..., np.ndarray] = Catalog.of("drift measure", measures)
ORDERED = ("ks", "wasserstein")
OVER_CELLS = [name for name in CATALOG if name not in ORDERED]
COUNTS = hnp.arrays(np.float64, (3, 7), elements=st.integers(0, 40).map(float))
EXAMPLES = settings(max_examples=60)


def in_order(reference: np.ndarray, current: np.ndarray) -> OrderedPair:
    """Seven cells as four bins one apart between the special cells: -inf, below, ... above, +inf, missing."""
    shape = reference.shape[0]
    bins = slice(3, 5)
    edges = np.tile(np.arange(3.0), (shape, 1))
    finite = [side[:, bins] / np.maximum(side[:, bins].sum(axis=1, keepdims=True), 1) for side in (reference, current)]
    moments = np.stack([np.stack([side @ np.array([0.5, 1.5]), np.full(shape, 0.7)], axis=1) for side in finite], axis=1)
    extremes = np.tile(np.array([-1.0, 3.0]), (shape, 2, 1))
    return OrderedPair(reference, current, edges, np.zeros((shape, 2), np.bool_), moments, extremes)


def measured(name: str, reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    return CATALOG[name](in_order(reference, current) if name in ORDERED else Pair(reference, current))


@pytest.mark.parametrize("name", CATALOG)
@EXAMPLES
@given(COUNTS, COUNTS)
def test_a_distance_is_not_negative_and_unknown_only_without_rows(name: str, r: np.ndarray, c: np.ndarray) -> None:
    value = measured(name, r, c)
    empty = (r.sum(axis=1) == 0) | (c.sum(axis=1) == 0)
    assert np.array_equal(np.isnan(value), empty)
    assert np.all(value[~empty] >= 0)


@pytest.mark.parametrize("name", CATALOG)
@EXAMPLES
@given(COUNTS, st.integers(1, 5))
def test_the_same_shares_are_no_distance(name: str, r: np.ndarray, times: int) -> None:
    r = r + 1
    limit = 1e-6 if name in ("js", "hellinger") else 1e-9
    if name in ("psi", "wasserstein"):  # half a row weighs less among more rows; moments and extremes are made up
        times = 1
    assert np.all(measured(name, r, r * times) <= limit)


@pytest.mark.parametrize("name", ["psi", "js", "hellinger", "total_variation", "chi2", "ks"])
@EXAMPLES
@given(COUNTS, COUNTS)
def test_both_tables_may_change_places(name: str, r: np.ndarray, c: np.ndarray) -> None:
    np.testing.assert_allclose(measured(name, r, c), measured(name, c, r), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OVER_CELLS)
@EXAMPLES
@given(COUNTS, COUNTS, st.integers(0, 7))
def test_a_cell_that_is_empty_on_both_sides_changes_nothing(name: str, r: np.ndarray, c: np.ndarray, at: int) -> None:
    wider = [np.insert(side, at, 0.0, axis=1) for side in (r, c)]
    np.testing.assert_allclose(measured(name, *wider), measured(name, r, c), rtol=1e-9, atol=1e-12)
    for known, wide in zip(distance_test(Pair(r, c)), distance_test(Pair(*wider)), strict=True):
        np.testing.assert_allclose(wide, known, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CATALOG)
@EXAMPLES
@given(COUNTS, COUNTS, st.integers(1, 2))
def test_columns_do_not_know_of_each_other(name: str, r: np.ndarray, c: np.ndarray, at: int) -> None:
    parts = [measured(name, r[rows], c[rows]) for rows in (slice(None, at), slice(at, None))]
    np.testing.assert_allclose(np.concatenate(parts), measured(name, r, c), rtol=1e-12)  # numpy may sum in another order


@pytest.mark.parametrize("name", OVER_CELLS)
@EXAMPLES
@given(COUNTS, COUNTS)
def test_chance_is_finite_and_below_its_limit(name: str, r: np.ndarray, c: np.ndarray) -> None:
    pair = Pair(r + 1, c + 1)
    mean, limit = chance(name, pair), chance_limit(name, pair, 0.01)
    assert np.isfinite(mean).all()
    assert np.isfinite(limit).all()
    assert np.all(limit >= mean)


@EXAMPLES
@given(COUNTS, COUNTS)
def test_probabilities_are_probabilities(r: np.ndarray, c: np.ndarray) -> None:
    p = distance_test(Pair(r, c))[2]
    x, n = c[:, 0], c.sum(axis=1)
    for found in (p, rate_p(x, n, r[:, 0], r.sum(axis=1)), rate_p(x, n, r[:, 0], r.sum(axis=1), both=False)):
        assert np.all((found >= 0) & (found <= 1))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_the_order_of_rows_and_columns_changes_no_verdict(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"]

    def table(n: int, shift: float) -> pa.Table:
        return pa.table(
            {
                "a": rng.standard_normal(n) + shift,
                "b": rng.poisson(3 + shift, n),
                "c": [f"l{i}" for i in rng.integers(0, 5, n)],
                "d": pa.array(np.exp(rng.standard_normal(n)), mask=rng.random(n) < 0.1 * shift),
            }
        )

    before, now = table(800, 0.0), table(300, 0.4)
    shuffled = now.take(rng.permutation(len(now))).select([names[i] for i in order])
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    verdicts = []
    for current in (before, now, shuffled):
        gathering = Gathering(schema)
        for batch in current.to_batches(max_chunksize=97 if current is shuffled else None):
            gathering.add(batch)
        verdicts.append(gathering.total())
    plain, other = (judge(verdicts[0], current, DriftSpec()) for current in verdicts[1:])
    assert [(v.name, v.verdict, v.measure, v.limit, v.note) for v in plain] == [
        (v.name, v.verdict, v.measure, v.limit, v.note) for v in other
    ]
    assert [v.value for v in plain] == pytest.approx([v.value for v in other], rel=1e-9)
