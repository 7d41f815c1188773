"""What scores are worth: isotonic calibration, the bins of live scores, and the expected outcomes against estimates row by row."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from driftline.performance import quality
from driftline.performance.calibration import Calibration, fit_calibration, isotonic, isotonic_pays, score_edges, score_rows
from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, MISSING, SPECIAL
from driftline.profiles.outcome_plan import ABOVE_ONE
from driftline.profiles.outcomes import Outcomes, Task, plan_outcomes, tally
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind, Role


def plan_for(scores, labels, threshold=0.5):
    columns = pa.array(scores), pa.array(labels)
    return plan_outcomes(*columns, prediction_name="score", label_name="y", table="reference", task=Task.BINARY, threshold=threshold)


def outcomes_of(scores, labels, threshold=0.5, plan=None):
    plan = plan or plan_for(scores, labels, threshold)
    return tally(plan, pa.array(scores), pa.array(labels), None, 1, table="t", first_row=0)[0]


def column_of(*edges, points=()):
    return Column("score", Kind.NUMERIC, Role.PREDICTION, "double", "", edges=edges, coarse=(0,) * (len(edges) - 1), points=points)


def column_for(scores):
    """A column fitted on scores as a reference's is: 256 quantiles, the threshold, and which bins hold a single value."""
    edges = np.unique([*np.quantile(scores, np.linspace(0, 1, 257), method="inverted_cdf")[:-1], 0.5])
    values = [np.unique(scores[(scores >= low) & (scores < high)]) for low, high in zip(edges, [*edges[1:], 2], strict=True)]
    return column_of(*edges.tolist(), ABOVE_ONE, points=tuple(len(each) == 1 for each in values))


def live(column, scores):
    """Cells of a numeric column without values outside its range."""
    counts = np.zeros(column.width, np.int64)
    counts[SPECIAL:] = np.histogram(scores, [*column.edges[:-1], np.inf])[0]
    return counts


PLAN = plan_for([0.2, 0.8, 0.2, 0.8], [0, 1, 1, 0])
TWO = np.array([0.0, 0.5, ABOVE_ONE])


@pytest.mark.parametrize(
    ("probability", "metric", "expected"),
    [
        # 10 rows of score 0.2 and 10 of 0.8: expected are 8 + 2 negatives and 2 + 8 positives
        ([0.2, 0.8], quality.roc_auc, 0.80),  # of 100 pairs 64 in order and 32 in the same bin, which count half
        ([0.2, 0.8], quality.accuracy, 0.80),
        ([0.2, 0.8], quality.precision, 0.80),
        ([0.2, 0.8], quality.recall, 0.80),
        ([0.2, 0.8], quality.f1, 0.80),
        ([0.2, 0.8], quality.mcc, 0.60),  # (64 - 4) / 100
        ([0.2, 0.8], quality.brier, 0.16),  # p (1 - p)
        ([0.2, 0.8], quality.log_loss, -0.2 * np.log(0.2) - 0.8 * np.log(0.8)),
        ([0.2, 0.8], quality.observed_expected, 1.0),
        # the same scores, and calibration says 0.1 and 0.9: the losses are still those of the scores
        ([0.1, 0.9], quality.accuracy, 0.90),
        ([0.1, 0.9], quality.brier, 0.9 * 0.04 + 0.1 * 0.64),
        ([0.1, 0.9], quality.log_loss, -0.9 * np.log(0.8) - 0.1 * np.log(0.2)),
        ([0.1, 0.5], quality.observed_expected, 0.6),  # 1 + 5 positives expected, scores promised 2 + 8
        ([0.0, 0.0], quality.recall, None),  # no positive is expected
    ],
)
def test_expected_outcomes_of_two_bins(probability, metric, expected):
    calibration = Calibration(TWO, np.array([0.2, 0.8]), np.array(probability), isotonic=True)
    assert metric(calibration.expected(np.array([10.0, 10.0]), PLAN)) == (None if expected is None else pytest.approx(expected))


def test_expected_sums_by_hand():
    """Those that intervals are made of: squares of the losses, of the scores, and scores of the positives."""
    found = Calibration(TWO, np.array([0.2, 0.8]), np.array([0.1, 0.9]), isotonic=True).expected(np.array([10.0, 20.0]), PLAN)
    right, wrong = -np.log(0.8), -np.log(0.2)  # 9 and 18 rows are right, 1 and 2 wrong
    assert found.sum("loss2") == pytest.approx(27 * right**2 + 3 * wrong**2)
    assert found.sum("square2") == pytest.approx(27 * 0.2**4 + 3 * 0.8**4)
    assert found.sum("score2") == pytest.approx(10 * 0.04 + 20 * 0.64)
    assert found.sum("scorelabel") == pytest.approx(1 * 0.2 + 18 * 0.8)
    assert found.scores.tolist() == pytest.approx([2.0, 16.0])
    assert found.rows == 30


@pytest.mark.parametrize(
    ("values", "weights", "fitted"),
    [
        ([1, 2, 3], [1, 1, 1], [1, 2, 3]),  # in order already
        ([1, 3, 2, 4], [1, 1, 1, 1], [1, 2.5, 2.5, 4]),
        ([1, 3, 2, 4], [1, 1, 3, 1], [1, 2.25, 2.25, 4]),  # (3 + 3 · 2) / 4
        ([3, 2, 1], [1, 1, 1], [2, 2, 2]),
        ([2, 3, 1, 1], [1, 1, 1, 1], [1.75] * 4),  # the last one drags all down, one after the other
        ([], [], []),
    ],
)
def test_isotonic_by_hand(values, weights, fitted):
    assert isotonic(np.array(values, float), np.array(weights, float)).tolist() == pytest.approx(fitted)


def test_isotonic_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    for size in (1, 2, 10, 300):
        values, weights = random.random(size) + np.linspace(0, 1, size), random.integers(1, 50, size).astype(float)
        other = IsotonicRegression().fit_transform(np.arange(size), values, sample_weight=weights)
        assert isotonic(values, weights) == pytest.approx(other)


@pytest.mark.parametrize(
    ("column", "cells", "rows"),
    [
        (column_of(0.2, 0.5, 0.8), {8: 3, 9: 4}, [0, 3, 4, 0]),
        (column_of(0.2, 0.5, 0.8), {BELOW: 1, 8: 3, ABOVE: 2, FAR_ABOVE: 1, MISSING: 9}, [1, 3, 0, 3]),
        (column_of(0.0, 0.5, ABOVE_ONE), {BELOW: 1, 8: 3, 9: 1, ABOVE: 1}, [3, 1]),  # scores below 0 and above 1 are none
        (column_of(0.2, 0.8), {8: 6}, [0, 3, 3, 0]),  # the threshold cuts a bin: rows are spread evenly
        (column_of(0.1, 0.3), {8: 6, ABOVE: 7}, [0, 6, 2, 5]),  # it lies above the bins: 2 of the 7 tenths from 0.3 to 1
    ],
)
def test_live_scores_by_bin(column, cells, rows):
    counts = np.zeros(column.width, np.int64)
    for cell, count in cells.items():
        counts[cell] = count
    assert score_rows(column, counts, score_edges(column, PLAN)).tolist() == pytest.approx(rows)


def test_flags_and_levels_are_scores():
    column = Column("score", Kind.BOOLEAN, Role.PREDICTION, "bool", "", levels=("false", "true"))
    counts = np.zeros(column.width, np.int64)
    counts[[0, 5, FIRST_LEVEL, FIRST_LEVEL + 1]] = 7, 2, 30, 10  # missing, an unseen level, false, true
    edges = score_edges(column, PLAN)
    rows = score_rows(column, counts, edges)
    assert rows.sum() == 40
    assert rows[edges[:-1] == 0.0].tolist() == [30]
    assert rows[edges[:-1] == 1.0].tolist() == [10]
    assert edges.tolist() == sorted({0.0, float(np.nextafter(0, 1)), 0.5, 1.0, ABOVE_ONE})


def draw(random, rows, bend=1.0, level=0.0, spread=2.0):
    """Scores, and labels whose log odds are `bend` times those of the score and `level` more."""
    odds = random.normal(-0.5, spread, rows)
    return 1 / (1 + np.exp(-odds)), (random.random(rows) < 1 / (1 + np.exp(-(bend * odds + level)))).astype(int)


@pytest.mark.parametrize(
    ("bend", "level", "pays"),
    [
        (1.0, 0.0, False),  # calibrated
        (0.6, 0.0, True),  # too sure of itself
        (1.5, 0.0, True),
        (1.0, 0.7, True),  # too low
    ],
)
def test_calibration_is_taken_where_it_pays(bend, level, pays):
    random = np.random.default_rng(5)
    found = [isotonic_pays(outcomes_of(*draw(random, 4000, bend, level))) for _ in range(20)]
    assert np.mean(found) == (1.0 if pays else pytest.approx(0.0, abs=0.2))


def test_few_rows_seldom_teach_a_calibration():
    random = np.random.default_rng(6)
    assert np.mean([isotonic_pays(outcomes_of(*draw(random, 300))) for _ in range(50)]) < 0.4
    assert not isotonic_pays(outcomes_of([0.5], [1]))


def expected_row_by_row(scores, probability):
    """What CBPE says: each row counts as a positive with its probability and as a negative with the rest."""
    twice, weight = np.concatenate([scores, scores]), np.concatenate([probability, 1 - probability])
    truth = np.repeat([1, 0], len(scores))
    decided = scores >= 0.5
    right = np.where(decided, probability, 1 - probability)
    hit = probability[decided].sum()
    return {
        "roc_auc": roc_auc_score(truth, twice, sample_weight=weight),
        "average_precision": average_precision_score(truth, twice, sample_weight=weight),
        "log_loss": log_loss(truth, twice, sample_weight=weight),
        "brier": brier_score_loss(truth, twice, sample_weight=weight),
        "accuracy": right.mean(),
        "precision": hit / decided.sum(),
        "recall": hit / probability.sum(),
        "f1": 2 * hit / (decided.sum() + probability.sum()),
    }


@pytest.mark.parametrize("digits", [12, 2], ids=["continuous scores", "scores of two digits"])
@pytest.mark.parametrize(("bend", "level"), [(1.0, 0.0), (0.6, 0.3)], ids=["calibrated", "miscalibrated"])
def test_estimates_are_those_of_cbpe_row_by_row(digits, bend, level):
    random = np.random.default_rng(7)
    taught, labels = draw(random, 40_000, bend, level)
    asked = draw(random, 5000, spread=1.3)[0]  # another population, less sure
    taught, asked = np.round(taught, digits), np.round(asked, digits)
    outcomes = outcomes_of(taught, labels)
    column = column_for(taught)
    calibration = fit_calibration(outcomes, column)
    assert calibration.isotonic == (bend != 1.0)
    found = calibration.expected(score_rows(column, live(column, asked), calibration.edges), outcomes.plan)
    model = IsotonicRegression(out_of_bounds="clip").fit(taught, labels) if calibration.isotonic else None
    for metric, value in expected_row_by_row(asked, asked if model is None else model.predict(asked)).items():
        assert getattr(quality, metric)(found) == pytest.approx(value, abs=0.002), metric


def test_what_binning_takes_is_given_back():
    """On its own reference an estimate has the losses of the rows, though its bins are wide."""
    scores, labels = draw(np.random.default_rng(8), 5000, bend=0.6)
    outcomes, column = outcomes_of(scores, labels), column_of(0.0, 0.01, 0.5, 0.99, ABOVE_ONE)  # five wide bins
    calibration = fit_calibration(outcomes, column)
    found = calibration.expected(score_rows(column, live(column, scores), calibration.edges), outcomes.plan)
    assert quality.log_loss(found) == pytest.approx(quality.log_loss(outcomes), rel=2e-3)
    assert quality.brier(found) == pytest.approx(quality.brier(outcomes), rel=2e-3)
    without = replace(calibration, loss_gap=0.0, square_gap=0.0).expected(score_rows(column, live(column, scores), calibration.edges), PLAN)
    assert abs(quality.log_loss(without) / quality.log_loss(outcomes) - 1) > 0.02


def test_expected_metrics_are_the_mean_of_what_comes_true():
    """Labels drawn again and again from the scores of one small window: the estimate is their mean, within its error of a third."""
    random = np.random.default_rng(9)
    scores, labels = draw(random, 20_000)
    plan = plan_for(scores, labels)
    column = column_for(scores)
    asked = draw(random, 400)[0]
    edges = score_edges(column, plan)
    middle = (edges[:-1] + np.minimum(edges[1:], 1)) / 2
    found = Calibration(edges, middle, middle, isotonic=False).expected(score_rows(column, live(column, asked), edges), plan)
    drawn = [outcomes_of(asked, (random.random(400) < asked).astype(int), plan=plan) for _ in range(300)]
    for metric in (quality.roc_auc, quality.average_precision, quality.brier, quality.log_loss, quality.f1, quality.precision):
        came_true = np.array([metric(each) for each in drawn])
        assert abs(metric(found) - came_true.mean()) < came_true.std() / 3, metric.__name__


def test_one_row_and_none():
    calibration = Calibration(TWO, np.array([0.2, 0.8]), np.array([0.2, 0.8]), isotonic=False)
    one, none = (calibration.expected(np.array(rows, float), PLAN) for rows in ([1, 0], [0, 0]))
    assert isinstance(none, Outcomes)
    assert quality.accuracy(one) == pytest.approx(0.8)
    assert quality.precision(one) is None
    assert [metric(none) for metric in (quality.roc_auc, quality.log_loss, quality.f1, quality.average_precision)] == [None] * 4
