"""What holds for every monitor: how a window was put together does not matter, and a window like the reference is nothing special."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.drift.monitor import learn, monitor, scores
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import profile

WINDOWS = 16


def rows(rng, count):
    return pa.table(
        {
            "number": pa.array(rng.normal(size=count), mask=rng.random(count) < 0.1),
            "heavy": np.where(rng.random(count) < 0.6, 0.0, rng.standard_cauchy(count)),
            "kind": pa.array(rng.choice([f"v{i}" for i in range(30)], count)),
        }
    )


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    tables = [rows(rng, 200) for _ in range(WINDOWS)]
    every = pa.concat_tables(tables)
    schema, _ = fit(every.schema, every.to_batches(), SchemaSpec())
    history = [profile(t.to_batches(), schema) for t in tables]
    reference = reduce(add, history)
    return schema, reference, history, learn(reference, history, [0] * WINDOWS, alarms_per_window=0.01, seed=3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_the_parts_of_a_window_add_up_in_any_order(known, seed, data):
    schema, reference, _, baseline = known
    table = rows(np.random.default_rng(seed), 120)
    cuts = sorted(data.draw(st.lists(st.integers(0, 120), max_size=4)))
    bounds = [0, *cuts, 120]
    parts = [profile(table.slice(a, b - a).to_batches(), schema) for a, b in pairwise(bounds) if b > a]
    shuffled = data.draw(st.permutations(parts))
    at_once = scores(baseline, reference, profile(table.to_batches(), schema), 0)
    assert (scores(baseline, reference, reduce(add, shuffled), 0) == at_once).all()


@settings(max_examples=10, deadline=None)
@given(phase=st.integers(-5, 200))
def test_the_reference_itself_is_no_surprise(known, phase):
    """Of what it has none by its nature, unseen levels and rows out of its range, half a row and more is expected: less than usual."""
    schema, reference, _, baseline = known
    found = scores(baseline, reference, reference, phase)
    assert np.abs(found[baseline.wobble.seen > 0.5]).max() < 0.05
    assert np.abs(found).max() < 1.0
    assert not any(watch.beyond for watch in monitor(baseline, [found] * 5, schema))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 5))
def test_learning_twice_gives_the_same(known, seed):
    _, reference, history, _ = known
    one, two = (learn(reference, history, [0] * WINDOWS, alarms_per_window=0.01, seed=seed) for _ in range(2))
    assert one.lines == two.lines
    assert all((a == b).all() for a, b in zip(one.to_arrays()[1].values(), two.to_arrays()[1].values(), strict=True))


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(0.0, 3.0))
def test_a_score_grows_with_the_shift(known, shift):
    schema, reference, _, baseline = known
    table = rows(np.random.default_rng(1), 300)
    moved = [
        table.set_column(0, "number", pa.array(np.asarray(table["number"].to_numpy(zero_copy_only=False)) + s, from_pandas=True))
        for s in (shift, shift + 0.1)
    ]
    location = baseline.names.index(("number", "location"))
    less, more = (scores(baseline, reference, profile(t.to_batches(), schema), 0)[location] for t in moved)
    assert more >= less
