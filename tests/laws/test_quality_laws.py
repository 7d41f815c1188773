"""Laws of labelled predictions: summaries are a monoid, metrics keep their range, and intervals cover as often as they say."""

from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.performance import quality
from driftline.performance.intervals import RANGES, interval
from driftline.performance.step import METRICS, metrics_for
from driftline.profiles.outcomes import plan_outcomes, tally, zero


def plan_for(prediction, label, **settings):
    return plan_outcomes(pa.array(prediction), pa.array(label), prediction_name="score", label_name="y", table="reference", **settings)


def tally_groups(plan, rows, group=None, groups=1):
    prediction, label = pa.array([row[0] for row in rows]), pa.array([row[1] for row in rows])
    index = None if group is None else np.array(group, np.intp)
    return tally(plan, prediction, label, index, groups, table="current", first_row=0)


SCORES, CLASSES = st.none() | st.floats(0, 1), st.none() | st.sampled_from("abcd")
NUMBERS = st.none() | st.floats(-1e6, 1e6)
TASKS = {
    "binary": (plan_for([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1]), st.tuples(SCORES, st.sampled_from([None, 0, 1]))),
    "multiclass": (plan_for(["a", "b"], ["b", "c"]), st.tuples(CLASSES, CLASSES)),
    "regression": (plan_for([1.5, 2.0], [1.0, 3.5]), st.tuples(NUMBERS, NUMBERS)),
}


def assert_same(one, other):
    for name, array in one.to_arrays().items():
        again = other.to_arrays()[name]
        if array.dtype == np.int64:
            assert (array == again).all(), name
        else:
            assert np.allclose(array, again, rtol=1e-9, atol=1e-9 * max(1, np.abs(array[np.isfinite(array)]).max(initial=0))), name


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_split_order_and_grouping_gives_the_same(task, data):
    plan, row = TASKS[task]
    rows = data.draw(st.lists(row, max_size=30))
    group = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    whole = tally_groups(plan, rows)[0]
    parts = tally_groups(plan, rows, group, 4)
    assert_same(whole, reduce(add, data.draw(st.permutations(parts)), zero(plan)))
    assert_same(whole, (parts[0] + parts[1]) + (parts[2] + parts[3]))
    assert_same(whole, tally_groups(plan, data.draw(st.permutations(rows)))[0])
    assert whole.rows + whole.unlabelled + whole.unscored == len(rows)


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_metrics_are_finite_or_none_and_their_intervals_hold_them(task, data):
    plan, row = TASKS[task]
    summary = tally_groups(plan, data.draw(st.lists(row, max_size=12)))[0]
    for name in metrics_for(summary):
        value = METRICS[name](summary)
        assert value is None or np.isfinite(value), name
        if value is not None and name not in ("average_precision", "calibration_error"):
            low, high = RANGES.get(name, (-np.inf, np.inf))
            slack = 1e-9 * max(1.0, abs(value))
            assert low - slack <= value <= high + slack, name
            found = interval(METRICS[name], summary)
            assert found is None or found[0] - slack <= value <= found[1] + slack, name


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_is(name):
    assert METRICS.summary(name).endswith(".")
    assert len(METRICS.summary(name)) > 30


def covered(metric, plan, draw, truth, draws=300):
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(draws):
        p, y = draw(random)
        low, high = interval(metric, tally(plan, pa.array(p), pa.array(y), None, 1, table="current", first_row=0)[0])
        hits += low <= truth <= high
    return hits / draws


def normal_scores(random, rows=400, apart=1.5):
    """Two normal classes, one third positive: the area under the curve is Φ(apart / √2)."""
    y = random.random(rows) < 1 / 3
    return 1 / (1 + np.exp(-(random.normal(size=rows) + apart * y - apart))), y


def normal_errors(random, rows=200):
    y = random.normal(size=rows) * 3 + 10
    return y + random.normal(size=rows), y


SCORED, NUMBERED = plan_for(*normal_scores(np.random.default_rng(1), 4000)), plan_for(*normal_errors(np.random.default_rng(1), 4000))
# The cut at ½ is where the logit is 0: Φ(1.5) of the negatives and half of the positives are decided rightly.
ACCURACY = (2 / 3) * 0.9331927987311419 + (1 / 3) * 0.5


@pytest.mark.parametrize(
    ("metric", "plan", "draw", "truth"),
    [
        (quality.roc_auc, SCORED, normal_scores, 0.8555778168267576),  # Φ(1.5 / √2)
        (quality.accuracy, SCORED, normal_scores, ACCURACY),
        (quality.recall, SCORED, normal_scores, 0.5),
        (quality.mae, NUMBERED, normal_errors, np.sqrt(2 / np.pi)),
        (quality.rmse, NUMBERED, normal_errors, 1.0),
        (quality.bias, NUMBERED, normal_errors, 0.0),
        (quality.r2, NUMBERED, normal_errors, 1 - 1 / 9),
        (quality.residual_p95, NUMBERED, normal_errors, 1.6448536269514722),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_intervals_cover_as_often_as_they_say(metric, plan, draw, truth):
    assert covered(metric, plan, draw, truth) == pytest.approx(0.95, abs=0.035)
