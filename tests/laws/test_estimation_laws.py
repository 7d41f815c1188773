"""Laws of estimated quality: it reads profiles only, so rows may come in any order and windows may be merged."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.core.records import Scope, Status
from driftline.engine.reference import make_reference
from driftline.engine.spec import CompareSpec
from driftline.performance.calibration import isotonic
from driftline.performance.estimation import Estimator, back_test, estimate, learn_estimator, realised
from driftline.performance.intervals import RANGES
from driftline.performance.loss_model import LossModel
from driftline.performance.step import PerformanceSpec
from driftline.profiles.cells import sample_losses
from driftline.profiles.gather import profile
from driftline.sources.open import open_source

SPEC = PerformanceSpec(least_rows=1)
RANDOM = np.random.default_rng(1)


def reference_of(columns):
    spec = CompareSpec(prediction="score", label="y")
    return make_reference(open_source(pa.table(columns), name="reference"), spec, spec.columns())


def taught(reference, columns):
    return sample_losses(pa.table(columns).to_batches(), reference.schema)


ODDS = RANDOM.normal(0, 2, 3000)
SCORED = {"score": 1 / (1 + np.exp(-ODDS)), "y": (RANDOM.random(3000) < 1 / (1 + np.exp(-ODDS))).astype(int)}
SIZE = RANDOM.exponential(1, 3000)
NUMBERED = {"score": SIZE, "y": SIZE * (1 + RANDOM.normal(0, 0.3, 3000)), "kind": RANDOM.choice(["a", "b"], 3000)}
REFERENCES = {"binary": reference_of(SCORED), "regression": reference_of(NUMBERED)}
ESTIMATORS = {
    "binary": learn_estimator(REFERENCES["binary"]),
    "regression": learn_estimator(REFERENCES["regression"], taught(REFERENCES["regression"], NUMBERED)),
}
NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)
ROWS = {
    "binary": st.fixed_dictionaries({"score": st.none() | st.floats(0, 1)}),
    "regression": st.fixed_dictionaries({"score": st.floats(0, 10) | NUMBERS, "kind": st.sampled_from(["a", "b", "new", None])}),
}
USUAL = {
    "binary": st.fixed_dictionaries({"score": st.floats(0.1, 0.9)}),
    "regression": st.fixed_dictionaries({"score": st.floats(0.1, 3), "kind": st.sampled_from("ab")}),
}
TYPES = {"score": pa.float64(), "kind": pa.string()}


def table(task, rows):
    names = ["score"] if task == "binary" else ["score", "kind"]
    return pa.table({name: pa.array([row[name] for row in rows], TYPES[name]) for name in names})


def live(task, rows):
    return profile(table(task, rows).to_batches(), REFERENCES[task].schema)


def estimated(task, rows, tests=None):
    """The measurements, and without the refusals that a few odd rows rightly cause."""
    return estimate(ESTIMATORS[task], rows, REFERENCES[task], Scope(), back_test=tests, spec=SPEC)


@pytest.mark.parametrize("task", ROWS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_measurement_is_sound_whatever_the_rows_are(task, data):
    rows = data.draw(st.lists(ROWS[task], max_size=40) | st.lists(USUAL[task], max_size=40))
    tests = {"roc_auc": back_test(data.draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 99)), max_size=5)))}
    for each in estimated(task, live(task, rows), tests):
        assert (each.value is None) == (each.status is not Status.OK)
        assert each.note
        if each.value is None:
            assert each.beyond is None
            assert (each.status is Status.NODATA) == (each.n == 0)
            continue
        assert np.isfinite(each.value)
        if each.low is not None:
            least, most = RANGES.get(each.metric, (-np.inf, np.inf))
            slack = 1e-9 * max(1.0, abs(each.value))
            assert max(each.low, least) - slack <= each.value <= min(each.high, most) + slack, each.metric
        if each.beyond:
            assert each.limit < each.low or each.high < each.limit


@pytest.mark.parametrize("task", ROWS)
@settings(max_examples=40)
@given(data=st.data())
def test_the_order_of_rows_and_their_batches_do_not_matter(task, data):
    rows = data.draw(st.lists(ROWS[task], min_size=1, max_size=30))
    again = data.draw(st.permutations(rows))
    pieces = profile(table(task, again).to_batches(max_chunksize=7), REFERENCES[task].schema)
    assert estimated(task, live(task, rows)) == estimated(task, pieces)


ADDITIVE = {"binary": ("accuracy", "brier", "log_loss", "positive_share"), "regression": ("mae", "rmse")}


@pytest.mark.parametrize("task", USUAL)
@settings(max_examples=40)
@given(data=st.data())
def test_two_windows_together_are_the_weighted_mean_of_each(task, data):
    """Of what is a mean over rows. The dependence of columns is left out: so few rows go together anyhow."""
    parts = [live(task, data.draw(st.lists(USUAL[task], min_size=1, max_size=30))) for _ in range(2)]
    estimator = ESTIMATORS[task]
    if task == "regression":
        assert isinstance(estimator, Estimator)
        model = estimator.losses["mae"]
        one, other, both = (model.mean(part.schema, part.counts) for part in (*parts, parts[0] + parts[1]))
        assert both == pytest.approx((parts[0].rows * one + parts[1].rows * other) / (parts[0].rows + parts[1].rows))
        return
    values = [{each.metric: each.value for each in estimated(task, part)} for part in (*parts, parts[0] + parts[1])]
    for metric in ADDITIVE[task]:
        mean = (parts[0].rows * values[0][metric] + parts[1].rows * values[1][metric]) / (parts[0].rows + parts[1].rows)
        assert values[2][metric] == pytest.approx(mean), metric


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 100)), max_size=50))
def test_isotonic_ascends_keeps_the_mean_and_is_settled(pairs):
    values, weights = np.array([v for v, _ in pairs]), np.array([w for _, w in pairs])
    fitted = isotonic(values, weights)
    assert (np.diff(fitted) >= 0).all()
    assert fitted @ weights == pytest.approx(values @ weights)
    assert isotonic(fitted, weights) == pytest.approx(fitted)


def test_an_effect_of_no_column_is_the_base():
    schema = REFERENCES["regression"].schema
    model = LossModel(2.5, np.zeros(int(schema.offsets[-1])), 1.0, 1.0, 0.0, 10)
    assert model.mean(schema, live("regression", []).counts) == 2.5


def test_intervals_hold_what_comes_true():
    """Windows of a world that is less sure than the reference: nineteen of twenty and more, since the scores of a window are known."""
    random = np.random.default_rng(2)
    hits: dict[str, list[bool]] = {}
    for _ in range(200):
        odds = random.normal(0.3, 1.4, 500)
        y = (random.random(500) < 1 / (1 + np.exp(-odds))).astype(int)
        window = profile(pa.table({"score": 1 / (1 + np.exp(-odds)), "y": y}).to_batches(), REFERENCES["binary"].schema)
        truth = realised(window.outcomes)
        for each in estimated("binary", window):
            hits.setdefault(each.metric, []).append(each.low <= truth[each.metric] <= each.high)
    assert {metric: np.mean(found) for metric, found in hits.items() if np.mean(found) < 0.93} == {}
    assert len(hits) == 12
