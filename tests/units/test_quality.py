"""Quality metrics and their intervals: scikit-learn and SciPy on rows, small tables worked by hand, and the words of a verdict."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn import metrics as sklearn

from driftline.core.errors import IncompatibleProfiles, UnknownName, UsageError
from driftline.core.records import Scope, Status
from driftline.core.verdicts import Severity, Verdict
from driftline.performance import quality
from driftline.performance.agreement import ClassQuality, Margins, by_class
from driftline.performance.intervals import auc_error, byar, interval, roc_auc_bound, student, wald, wilson
from driftline.performance.step import METRICS, PerformanceSpec, difference, judge_quality, metrics_for, performance, tolerated_loss
from driftline.profiles.outcomes import plan_outcomes, tally, zero

SPEC = PerformanceSpec()


def plan_for(prediction, label, **settings):
    return plan_outcomes(pa.array(prediction), pa.array(label), prediction_name="score", label_name="y", table="reference", **settings)


def tally_all(plan, prediction, label, scores=()):
    columns = [pa.array(column) for column in scores]
    return tally(plan, pa.array(prediction), pa.array(label), None, 1, table="current", first_row=0, scores=columns)[0]


def scored_rows(rows, rate, seed, shift=1.5):
    random = np.random.default_rng(seed)
    y = random.random(rows) < rate
    return 1 / (1 + np.exp(-(random.normal(size=rows) + shift * y + np.log(rate / (1 - rate)) - shift / 2))), y


def summary_of(rows, rate, shift=1.5):
    """Current rows in the bins of other reference rows."""
    plan = plan_for(*scored_rows(rows, rate, seed=1, shift=shift))
    p, y = scored_rows(rows, rate, seed=2, shift=shift)
    return tally_all(plan, p, y), p, y


@pytest.mark.parametrize(("rows", "rate"), [(500, 0.3), (20_000, 0.1), (200_000, 0.001)])
def test_scores_against_scikit_learn(rows, rate):
    summary, p, y = summary_of(rows, rate)
    bound = roc_auc_bound(summary)
    assert abs(quality.roc_auc(summary) - sklearn.roc_auc_score(y, p)) <= bound < 0.01
    assert quality.roc_auc(summary) == pytest.approx(sklearn.roc_auc_score(y, p), abs=1e-3)
    assert quality.average_precision(summary) == pytest.approx(sklearn.average_precision_score(y, p), abs=2e-3)
    assert quality.log_loss(summary) == pytest.approx(sklearn.log_loss(y, p), abs=1e-9)
    assert quality.brier(summary) == pytest.approx(sklearn.brier_score_loss(y, p), abs=1e-9)
    assert quality.observed_expected(summary) == pytest.approx(y.sum() / p.sum(), rel=1e-9)


def test_decisions_against_scikit_learn():
    summary, p, y = summary_of(20_000, 0.2)
    decided = p >= 0.5
    for ours, theirs in [
        (quality.accuracy, sklearn.accuracy_score),
        (quality.balanced_accuracy, sklearn.balanced_accuracy_score),
        (quality.precision, sklearn.precision_score),
        (quality.recall, sklearn.recall_score),
        (quality.f1, sklearn.f1_score),
        (quality.mcc, sklearn.matthews_corrcoef),
    ]:
        assert ours(summary) == pytest.approx(theirs(y, decided), abs=1e-9), ours.__name__
    assert quality.decision_rate(summary) == decided.mean()


def test_certain_scores_are_clipped_as_scikit_learn_does():
    summary = tally_all(plan_for([0.2, 0.7], [0, 1]), [0.0, 1.0, 0.0], [0, 1, 1])
    assert quality.log_loss(summary) == pytest.approx(sklearn.log_loss([0, 1, 1], [0.0, 1.0, 0.0]), abs=1e-9)


def test_tied_scores_against_scikit_learn():
    p, y = np.repeat([0.1, 0.5, 0.9], [40, 30, 30]), np.tile([0, 1, 1, 0, 1], 20)
    summary = tally_all(plan_for(p, y), p, y)
    assert quality.roc_auc(summary) == pytest.approx(sklearn.roc_auc_score(y, p), abs=1e-12)
    assert quality.average_precision(summary) == pytest.approx(sklearn.average_precision_score(y, p), abs=1e-12)


def test_classes_against_scikit_learn():
    random = np.random.default_rng(3)
    y = random.choice(4, 3000, p=[0.6, 0.3, 0.09, 0.01])
    raw = random.normal(size=(3000, 4)) + 1.5 * (y[:, None] == np.arange(4))
    scores = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    decided = scores.argmax(axis=1)
    columns = {str(k): f"p{k}" for k in range(4)}
    summary = tally_all(plan_for(decided, y, score_columns=columns), decided, y, list(scores.T))
    expected = {
        "accuracy": sklearn.accuracy_score(y, decided),
        "balanced_accuracy": sklearn.balanced_accuracy_score(y, decided),
        "macro_precision": sklearn.precision_score(y, decided, average="macro"),
        "macro_recall": sklearn.recall_score(y, decided, average="macro"),
        "macro_f1": sklearn.f1_score(y, decided, average="macro"),
        "mcc": sklearn.matthews_corrcoef(y, decided),
        "log_loss": sklearn.log_loss(y, scores),
    }
    for name, value in expected.items():
        assert METRICS[name](summary) == pytest.approx(value, abs=1e-9), name
    by_rows = sklearn.roc_auc_score(y, scores, multi_class="ovr", average="macro")
    assert quality.macro_roc_auc(summary) == pytest.approx(by_rows, abs=1e-3)


def test_numbers_against_scikit_learn():
    random = np.random.default_rng(4)
    y = 1e6 + 50 * random.standard_t(4, 5000)
    p = y + 10 * random.normal(size=5000) + 2
    summary = tally_all(plan_for(p[:500], y[:500]), p, y)
    assert quality.mae(summary) == pytest.approx(sklearn.mean_absolute_error(y, p), rel=1e-9)
    assert quality.rmse(summary) == pytest.approx(sklearn.root_mean_squared_error(y, p), rel=1e-9)
    assert quality.mape(summary) == pytest.approx(sklearn.mean_absolute_percentage_error(y, p), rel=1e-9)
    assert quality.r2(summary) == pytest.approx(sklearn.r2_score(y, p), abs=1e-9)
    assert quality.bias(summary) == pytest.approx((p - y).mean(), abs=1e-9)
    for metric, share in ((quality.residual_p05, 0.05), (quality.residual_p50, 0.5), (quality.residual_p95, 0.95)):
        assert metric(summary) == pytest.approx(np.quantile(p - y, share), abs=0.5)  # a twentieth of the residual's deviation


def test_calibration_error_of_known_groups():
    """Scores 0.05, 0.15 ... 0.95, each right in its group of 100 rows, then every score 0.05 too low."""
    p = np.repeat(np.arange(10) / 10 + 0.05, 100)
    y = np.concatenate([np.arange(100) < hits for hits in range(5, 100, 10)])
    plan = plan_for(p, y)
    assert quality.calibration_error(tally_all(plan, p, y)) == pytest.approx(0, abs=1e-12)
    assert quality.calibration_error(tally_all(plan, p - 0.05, y)) == pytest.approx(0.05, abs=1e-12)


PLAN = plan_for([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("p", "y", "expected"),
    [
        # No row at all: nothing is defined.
        ([], [], {"roc_auc": None, "log_loss": None, "accuracy": None, "f1": None, "decision_rate": None, "calibration_error": None}),
        # One negative row, answered 0.25.
        ([0.25], [0], {"roc_auc": None, "brier": 0.0625, "accuracy": 1.0, "precision": None, "recall": None, "f1": None, "mcc": None}),
        # No positives: what needs one is undefined, what is decided wrongly counts.
        ([0.25, 0.75], [0, 0], {"average_precision": None, "precision": 0.0, "recall": None, "f1": 0.0, "balanced_accuracy": None}),
        # No positives expected.
        ([0.0, 0.0], [0, 1], {"observed_expected": None, "roc_auc": 0.5, "recall": 0.0, "precision": None, "f1": 0.0, "mcc": None}),
        # One pair in the right order and one in the wrong one.
        ([0.1, 0.9], [0, 1], {"roc_auc": 1.0, "average_precision": 1.0, "f1": 1.0, "mcc": 1.0, "observed_expected": 1.0}),
        ([0.9, 0.1], [0, 1], {"roc_auc": 0.0, "average_precision": 0.5, "f1": 0.0, "mcc": -1.0, "brier": 0.81}),
    ],
)
def test_small_binary_tables(p, y, expected):
    summary = tally_all(PLAN, pa.array(p, pa.float64()), pa.array(y, pa.int64()))
    for name, value in expected.items():
        found = METRICS[name](summary)
        assert found == (None if value is None else pytest.approx(value, abs=1e-12)), name


def test_small_tables_of_numbers():
    plan = plan_for([1.5, 2.0], [1.0, 3.5])
    none, one = zero(plan), tally_all(plan, [3.0], [0.0])
    assert [METRICS[name](none) for name in metrics_for(none)] == [None] * 8
    found = {name: METRICS[name](one) for name in metrics_for(one)}
    assert found == {"mae": 3, "bias": 3, "rmse": 3, "mape": None, "r2": None, "residual_p05": 3, "residual_p50": 3, "residual_p95": 3}
    constant = tally_all(plan, [4.0, 6.0], [5.0, 5.0])
    assert quality.r2(constant) is None
    assert quality.mae(constant) == 1
    assert quality.bias(constant) == 0


def test_a_square_beyond_the_largest_float_has_no_value():
    huge = tally_all(plan_for([1.5, 2.0], [1.0, 3.5]), [1e200, 0.0], [0.0, 1.0])
    assert quality.rmse(huge) is None
    assert quality.mae(huge) == pytest.approx(5e199)
    assert interval(quality.mae, huge) is None


def test_new_classes_count_as_wrong():
    plan = plan_for(["a", "b"], ["a", "b"])
    assert quality.accuracy(tally_all(plan, ["a", "b", "b"], ["a", "b", "c"])) == pytest.approx(2 / 3)
    assert metrics_for(zero(plan))[:2] == ("accuracy", "macro_f1")
    assert "log_loss" not in metrics_for(zero(plan))


def test_each_class_by_itself():
    plan = plan_for(["a", "b", "c"], ["a", "b", "c"])
    summary = tally_all(plan, ["a", "b", "b", "z"], ["a", "a", "b", "z"])
    two_thirds = 2 * 0.5 / 1.5
    assert by_class(summary.matrix, plan.classes) == (
        ClassQuality("a", 2, 1.0, 0.5, two_thirds),
        ClassQuality("b", 1, 0.5, 1.0, two_thirds),
        ClassQuality("c", 0, None, None, None),
    )


@pytest.mark.parametrize(("part", "whole"), [(0, 10), (3, 10), (999, 1000), (1, 1)])
def test_wilson_against_scipy(part, whole):
    expected = stats.binomtest(part, whole).proportion_ci(0.95, method="wilson")
    assert wilson(part, whole, stats.norm.ppf(0.975)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_student_and_byar_against_scipy():
    z = stats.norm.ppf(0.975)
    for freedom in (5, 10, 30, 1000):
        assert student(z, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-3)
    for count in (0, 1, 5, 20, 200):
        exact = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0, stats.chi2.ppf(0.975, 2 * count + 2) / 2
        assert byar(count, z) == pytest.approx(exact, rel=0.04, abs=0.02)
    assert wald(50.0, 370.0, 10, z) == pytest.approx(stats.t.interval(0.95, 9, 5, np.sqrt(120 / 9 / 10)), rel=1e-3)
    assert wald(6.0, 36.0, 1, z) is None


def test_auc_error_is_delongs_on_rows():
    """Mann-Whitney placements of every row give the same variance as their bins, where each score has its bin."""
    p, y = np.round(np.random.default_rng(5).random(80), 1), np.arange(80) % 3 == 0
    counts = np.stack([np.bincount((p[y == c] * 10).round().astype(int), minlength=11) for c in (0, 1)])
    wins = (p[y][:, None] > p[~y][None, :]) + 0.5 * (p[y][:, None] == p[~y][None, :])
    by_rows = np.sqrt(wins.mean(axis=1).var(ddof=1) / y.sum() + wins.mean(axis=0).var(ddof=1) / (~y).sum())
    assert auc_error(counts) == pytest.approx(by_rows, rel=1e-12)


def test_f1_error_is_the_delta_methods():
    """The spread of f1 over tables drawn anew is what the interval says."""
    random = np.random.default_rng(6)
    table = np.array([[700, 60], [90, 150]])
    draws = random.multinomial(1000, table.ravel() / 1000, size=4000).reshape(-1, 2, 2)
    f1s = 2 * draws[:, 1, 1] / (draws[:, 1].sum(axis=1) + draws[:, :, 1].sum(axis=1))
    p = np.repeat([0.1, 0.9, 0.1, 0.9], table.ravel())
    y = np.repeat([0, 0, 1, 1], table.ravel())
    low, high = interval(quality.f1, tally_all(PLAN, p, y))
    assert (high - low) / 2 / 1.96 == pytest.approx(f1s.std(), rel=0.05)
    assert Margins.of(table).right.tolist() == [700, 150]


def test_intervals_hold_the_value_and_widen_with_confidence():
    summary, _, _ = summary_of(500, 0.2)
    for name in metrics_for(summary):
        value = METRICS[name](summary)
        low, high = interval(METRICS[name], summary)
        wide = interval(METRICS[name], summary, 0.999)
        assert wide[0] <= low < value < high <= wide[1], name


def test_a_loss_beyond_the_tolerated_one_is_drift():
    plan = plan_for(*scored_rows(4000, 0.3, seed=1))
    reference = tally_all(plan, *scored_rows(4000, 0.3, seed=2))
    worse = tally_all(plan, *scored_rows(4000, 0.3, seed=3, shift=0.8))
    verdicts = judge_quality(worse, reference, SPEC)
    first = verdicts[0]
    assert (first.metric, first.verdict, first.severity, first.headline) == ("roc_auc", Verdict.DRIFTED, Severity.WARNING, True)
    assert first.note == f"fell by {first.reference - first.value:.3f}, more than the tolerated 0.030"
    assert [v.metric for v in verdicts if v.headline] == ["roc_auc", "observed_expected"]
    assert {(v.verdict, v.severity) for v in verdicts if not v.headline} == {(Verdict.STABLE, Severity.NONE)}


def test_the_same_rows_are_stable_and_few_rows_are_not_judged():
    plan = plan_for(*scored_rows(4000, 0.3, seed=1))
    reference = tally_all(plan, *scored_rows(4000, 0.3, seed=2))
    assert {v.verdict for v in judge_quality(reference, reference, SPEC)} == {Verdict.STABLE}
    for rows, words in ((20, "at least 30 are needed"), (120, "too few rows to see the tolerated 0.030")):
        auc, ratio = judge_quality(tally_all(plan, *scored_rows(rows, 0.3, seed=4)), reference, SPEC, segment="channel=app")
        assert auc.headline
        assert ratio.headline
        assert (auc.verdict, auc.severity, auc.segment) == (Verdict.INSUFFICIENT, Severity.NONE, "channel=app")
        assert words in auc.note
    no_positives = judge_quality(tally_all(plan, [0.2] * 50, [0] * 50), reference, SPEC)[0]
    assert (no_positives.value, no_positives.verdict) == (None, Verdict.INSUFFICIENT)
    assert judge_quality(zero(plan), reference, SPEC)[0].note.startswith("no labelled rows")


def test_without_labels_in_the_reference_values_are_shown():
    plan = plan_for(*scored_rows(4000, 0.3, seed=1))
    current = tally_all(plan, *scored_rows(400, 0.3, seed=2))
    for reference in (None, zero(plan)):
        first = judge_quality(current, reference, SPEC)[0]
        assert first.verdict is Verdict.STABLE
        assert first.reference is None
        assert first.low < first.value < first.high
        assert first.note == "no labels in the reference to compare with"


def test_calibration_moving_towards_its_target_is_no_loss():
    """Twice as many positives as the scores say in the reference, and the expected number now."""
    p = np.tile([0.1, 0.4], 2000)
    plan = plan_for(p, np.arange(4000) % 2)
    low, right, high = (tally_all(plan, p, np.arange(4000) < share * 4000) for share in (0.12, 0.25, 0.50))
    assert quality.observed_expected(right) == pytest.approx(1)
    found = [judge_quality(now, before, SPEC)[1].verdict for now, before in ((right, high), (high, right), (low, right))]
    assert found == [Verdict.STABLE, Verdict.DRIFTED, Verdict.DRIFTED]


def test_more_error_and_a_new_bias_are_drift():
    random = np.random.default_rng(7)
    y, e = 100 + 10 * random.normal(size=3000), random.normal(size=3000)
    plan = plan_for(y + e, y)
    reference = tally_all(plan, y + e, y)
    verdicts = {v.metric: v for v in judge_quality(tally_all(plan, y + 1.3 * e + 0.5, y), reference, SPEC)}
    assert verdicts["mae"].verdict is verdicts["bias"].verdict is Verdict.DRIFTED
    assert "rose by" in verdicts["mae"].note
    assert verdicts["mae"].better == "lower"
    assert verdicts["bias"].better == "target"
    better = {v.metric: v for v in judge_quality(tally_all(plan, y + 0.5 * e, y), reference, SPEC)}
    assert better["mae"].verdict is Verdict.STABLE
    assert tolerated_loss("bias", reference, SPEC) == pytest.approx(0.25 * quality.mae(reference))


def test_the_spec_is_checked_and_followed():
    with pytest.raises(UnknownName, match="Did you mean 'roc_auc'"):
        PerformanceSpec(metrics=("roc_acu",))
    with pytest.raises(UsageError, match="above 0"):
        PerformanceSpec(tolerated={"roc_auc": -0.1})
    summary, _, _ = summary_of(500, 0.2)
    spec = PerformanceSpec(metrics=("brier",), headline=("f1",), tolerated={"f1": 0.2}, tolerated_share={"roc_auc": 0.5})
    assert metrics_for(summary, spec) == ("f1", "brier")
    assert tolerated_loss("f1", summary, spec) == 0.2
    assert tolerated_loss("roc_auc", summary, spec) == 0.5 * quality.roc_auc(summary)


def test_measurements_carry_interval_and_limit():
    summary, _, _ = summary_of(500, 0.2)
    found = {m.metric: m for m in performance(summary, summary, Scope(model="credit"), SPEC)}
    auc = found["roc_auc"]
    assert auc.limit == pytest.approx(auc.value - 0.03)
    assert auc.low < auc.value < auc.high
    assert auc.n == 500
    assert found["brier"].limit == pytest.approx(1.1 * found["brier"].value)
    empty = performance(zero(summary.plan), None, Scope(), SPEC)
    assert {m.status for m in empty} == {Status.NODATA}
    assert {m.value for m in empty} == {None}


def test_summaries_of_different_plans_are_not_judged():
    with pytest.raises(IncompatibleProfiles):
        judge_quality(zero(PLAN), zero(plan_for([0.1, 0.9], [0, 1], threshold=0.2)), SPEC)


def test_newcombes_difference():
    """The first row of his table II: 56/70 - 48/80 has the 95 % interval 0.0524 to 0.3339."""
    z = stats.norm.ppf(0.975)
    low, high = difference(56 / 70, wilson(56, 70, z), 48 / 80, wilson(48, 80, z))
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_every_class_is_shown_with_its_intervals_and_not_judged():
    plan = plan_for(["a", "b", "c"], ["a", "b", "c"])
    summary = tally_all(plan, ["a", "b", "b", "a"], ["a", "a", "b", "a"])
    shown = {(v.label, v.metric): v for v in judge_quality(summary, summary, SPEC) if v.label}
    assert set(shown) == {(name, metric) for name in "abc" for metric in ("precision", "recall", "f1")}
    recall = shown["a", "recall"]
    assert (recall.value, recall.n, recall.reference) == (2 / 3, 3, 2 / 3)
    assert (recall.low, recall.high) == pytest.approx(wilson(2, 3, 1.959963984540054))
    assert shown["b", "precision"].value == 0.5
    assert shown["c", "recall"].value is None
    assert {(v.verdict, v.severity, v.headline) for v in shown.values()} == {(Verdict.STABLE, Severity.NONE, False)}
    assert not [v for v in judge_quality(summary, summary, SPEC, segment="x=1") if v.label]
