"""How right a model is: the catalogue of quality metrics.

Every public function here is a metric. Its annotation says which summary of labelled predictions it takes: `Outcomes` (scores of two
classes), `Confusion` (classes) or `Residuals` (numbers). A metric that is not defined for the rows at hand is None, never NaN.
"""

from __future__ import annotations

import math

import numpy as np

from driftline.performance import agreement
from driftline.performance.agreement import Margins
from driftline.profiles.labelled import Ints
from driftline.profiles.outcomes import Confusion, Outcomes, Residuals

_CALIBRATION_GROUPS = 10


def roc_auc(outcomes: Outcomes) -> float | None:
    """The probability that a positive row scores higher than a negative one: P(s⁺ > s⁻) + ½ P(s⁺ = s⁻), by trapezoids over the score bins.

    Within `roc_auc_bound` of the value from rows; None unless both classes are there. Source: Hanley and McNeil 1982.

    How to read it: 0.5 is guessing, 1 a perfect order, 0 the order reversed; 0.1 less is one pair in ten more in the wrong order.

    When not to use it: to judge the level of the scores, which it does not see.

    >>> roc_auc(Outcomes.of([0.1, 0.6, 0.4, 0.9], [0, 0, 1, 1]))  # of the four pairs only 0.4 against 0.6 is wrong: 3/4
    0.75
    """
    return _auc(outcomes.counts)


def average_precision(outcomes: Outcomes) -> float | None:
    """Precision averaged over the positives, from the highest score down: Σ (Rₖ - Rₖ₋₁) Pₖ, as in scikit-learn.

    The rows of a bin are taken to be evenly mixed. None without positives.

    How to read it: the share of positives is guessing, 1 is every positive above every negative.

    When not to use it: between tables whose share of positives differs, since guessing then differs too.

    >>> average_precision(Outcomes.of([0.9, 0.8, 0.7, 0.6], [1, 0, 0, 1]))  # precision 1/1 at the first positive, 2/4 at the second
    0.75
    """
    negatives, positives = outcomes.counts[:, ::-1].astype(np.float64)
    if not positives.any():
        return None
    found = np.cumsum(positives) - positives
    above = found + np.cumsum(negatives) - negatives
    edges = np.asarray(outcomes.plan.edges)
    tied = (np.nextafter(edges[:-1], np.inf) >= edges[1:])[::-1]
    with_ties = positives * (found + positives) / np.maximum(above + positives + negatives, 1)
    # The k-th of p positives among n negatives has about k·n/(p+1) of them before it; the mean over k is an integral in closed form.
    step = 1 + negatives / (positives + 1)
    mixed = positives / step + (found - above / step) / step * np.log((above + step * (positives + 0.5)) / (above + step * 0.5))
    return float(np.sum(np.where(tied, with_ties, mixed)) / positives.sum())


def log_loss(summary: Outcomes | Confusion) -> float | None:
    """The mean of -ln(probability given to the true class). Exact.

    In a multiclass task it needs the score columns, and rows with a label that the reference never held are left out.

    How to read it: 0 is perfect; answering 1/k for each of k classes gives ln k, 0.693 in a binary task.

    When not to use it: alone, where scores reach 0 or 1; one certain and wrong score costs 36. Look at `brier` too.

    >>> round(log_loss(Outcomes.of([0.5, 0.5], [0, 1])), 3)  # ln 2
    0.693
    """
    return _ratio(summary.sum("loss"), summary.scored)


def brier(outcomes: Outcomes) -> float | None:
    """The mean squared difference of score and label: Σ (p - y)² / n, y being 1 or 0. Exact.

    Source: Brier 1950, whose score adds up both classes and is twice this one.

    How to read it: 0 is perfect, 1 always certain and wrong; the constant score π, the share of positives, gives π(1 - π).

    When not to use it: between tables whose share of positives differs, since π(1 - π) then differs too.

    >>> brier(Outcomes.of([0.5, 0.5], [0, 1]))  # ½ · ½
    0.25
    """
    return _ratio(outcomes.sum("square"), outcomes.rows)


def calibration_error(outcomes: Outcomes) -> float | None:
    """The mean distance between mean score and share of positives, in ten groups of about equally many rows by score (ECE).

    Σ (n_g / n) |mean score - share of positives|. Rows of one score bin stay together.

    How to read it: 0 is calibrated; 0.05 means that scores are off by five points on average.

    When not to use it: for small tables; chance alone gives up to about 0.4 / √(n/10), which is 0.04 for 1,000 rows.

    >>> calibration_error(Outcomes.of([0.5] * 10, [0] * 3 + [1] * 7))  # |5/10 - 7/10|
    0.2
    """
    rows = outcomes.counts.sum(axis=0)
    if not outcomes.rows:
        return None
    middle = np.cumsum(rows) - rows / 2
    group = np.minimum((_CALIBRATION_GROUPS * middle / rows.sum()).astype(np.intp), _CALIBRATION_GROUPS - 1)
    gap = np.bincount(group, outcomes.scores - outcomes.counts[1])
    return float(np.abs(gap).sum() / rows.sum())


def observed_expected(outcomes: Outcomes) -> float | None:
    """Observed positives over expected ones: Σ y / Σ p. None where all scores are 0.

    How to read it: 1 is right on average, 1.2 means a fifth more positives than the scores say, 0 none at all.

    When not to use it: alone; scores too high for some rows and too low for others cancel. Look at `calibration_error` too.

    >>> observed_expected(Outcomes.of([0.5] * 4, [0, 1, 1, 1]))  # 3 observed, 2 expected
    1.5
    """
    return _ratio(float(outcomes.counts[1].sum()), float(outcomes.scores.sum()))


def decision_rate(outcomes: Outcomes) -> float | None:
    """The share of rows decided positive: rows with a score at or above the threshold / all rows.

    How to read it: 0 is no row decided positive, 1 every row; no value is good in itself, a change is what matters.

    >>> decision_rate(Outcomes.of([0.1, 0.5, 0.6, 0.9], [0, 0, 1, 1]))  # three of four, the threshold of 0.5 being one of them
    0.75
    """
    return _ratio(outcomes.matrix[:, 1].sum(), outcomes.rows)


def precision(outcomes: Outcomes) -> float | None:
    """The share of rows decided positive that are positive: tp / (tp + fp). None where none is decided positive.

    How to read it: 1 is no false alarm, 0 nothing but false alarms, the share of positives is guessing.

    When not to use it: between tables whose share of positives differs; it falls with that share though the model is the same.

    >>> precision(Outcomes.of([0.1, 0.5, 0.6, 0.7, 0.9], [1, 0, 1, 1, 1]))  # four decided, three of them positive
    0.75
    """
    return _ratio(outcomes.matrix[1, 1], outcomes.matrix[:, 1].sum())


def recall(outcomes: Outcomes) -> float | None:
    """The share of positive rows that are decided positive: tp / (tp + fn). None without positives.

    How to read it: 1 is every positive found, 0 none; deciding at random gives the `decision_rate`.

    When not to use it: alone; deciding every row positive gives 1. Look at `precision` too.

    >>> recall(Outcomes.of([0.1, 0.5, 0.6, 0.7, 0.9], [1, 0, 1, 1, 1]))  # four positives, three of them decided
    0.75
    """
    return _ratio(outcomes.matrix[1, 1], outcomes.matrix[1].sum())


def f1(outcomes: Outcomes) -> float | None:
    """The harmonic mean of precision and recall at the threshold: 2tp / (2tp + fp + fn). None where nothing is positive or decided so.

    How to read it: 1 is perfect, 0 no positive found; deciding every row positive gives 2π / (1 + π), π being the share of positives.

    When not to use it: between tables whose share of positives differs, or where the negatives matter, which it does not see.

    >>> f1(Outcomes.of([0.1, 0.2, 0.6, 0.7], [0, 1, 0, 1]))  # tp = fp = fn = 1: 2/4
    0.5
    """
    return _ratio(2 * outcomes.matrix[1, 1], outcomes.matrix[1].sum() + outcomes.matrix[:, 1].sum())


def accuracy(summary: Outcomes | Confusion) -> float | None:
    """The share of rows whose decided class is the true one: right / rows.

    How to read it: 1 is all right, 0 all wrong; the share of the largest class is what a constant answer gives.

    When not to use it: where one class is rare; a model that never finds it still looks good. Look at `balanced_accuracy` too.

    >>> accuracy(Confusion.of("aaab", "aabb"))  # three of four
    0.75
    """
    return _ratio(np.trace(summary.matrix), summary.rows)


def balanced_accuracy(summary: Outcomes | Confusion) -> float | None:
    """Recall averaged over the k classes that are true at least once: (1/k) Σ right_c / true_c.

    In a binary task None unless both classes are there.

    How to read it: 1 is all right, 0 all wrong, 1/k guessing or a constant answer.

    >>> balanced_accuracy(Confusion.of("aaaa", "aaab"))  # recall 1 and 0: a constant answer has 1/2 though three of four are right
    0.5
    """
    margins = Margins.of(summary.matrix)
    if isinstance(summary, Outcomes) and not summary.counts.sum(axis=1).all():
        return None
    return agreement.mean_recall(margins)


def macro_precision(confusion: Confusion) -> float | None:
    """Precision averaged over the k classes that are true or decided at least once: (1/k) Σ right_c / decided_c.

    How to read it: 1 is all right, 0 all wrong; each class counts the same, and one never decided counts as 0.

    >>> macro_precision(Confusion.of("aabb", "abbb"))  # 1/2 for a, 2/2 for b
    0.75
    """
    return agreement.mean_precision(Margins.of(confusion.matrix))


def macro_recall(confusion: Confusion) -> float | None:
    """Recall averaged over the k classes that are true or decided at least once: (1/k) Σ right_c / true_c.

    How to read it: 1 is all right, 0 all wrong. A class decided and never true counts as 0, unlike in `balanced_accuracy`.

    >>> macro_recall(Confusion.of("aaab", "aabb"))  # 2/2 for a, 1/2 for b
    0.75
    """
    return agreement.mean_sensitivity(Margins.of(confusion.matrix))


def macro_f1(confusion: Confusion) -> float | None:
    """F1 averaged over the k classes that are true or decided at least once: (1/k) Σ 2 right_c / (true_c + decided_c).

    Not the F1 of the averaged precision and recall, which goes by the same name (Opitz and Burst 2019).

    How to read it: 1 is all right, 0 all wrong; a rare class weighs as much as a common one.

    When not to use it: where a class has a few rows only; each of them then moves the average.

    >>> macro_f1(Confusion.of("aaa", "aab"))  # 4/5 for a, 0 for b
    0.4
    """
    return agreement.mean_f1(Margins.of(confusion.matrix))


def mcc(summary: Outcomes | Confusion) -> float | None:
    """The correlation of decided and true class: (n right - Σ true_c decided_c) / √((n² - Σ true_c²) (n² - Σ decided_c²)) for n rows.

    Sources: Matthews 1975; for several classes Gorodkin 2004. None where either is constant.

    How to read it: 0 is guessing, 1 perfect, -1 always wrong in a binary task; a rare class missed shows, unlike in `accuracy`.

    >>> round(mcc(Confusion.of("aaabbbba", "aaaabbbb")), 3)  # six of eight right: (8 · 6 - 32) / (64 - 32)
    0.5
    """
    return agreement.matthews(Margins.of(summary.matrix))


def macro_roc_auc(confusion: Confusion) -> float | None:
    """`roc_auc` of each class against the rest, averaged over the classes that have one: (1/k) Σ AUC_c. Needs the score columns.

    How to read it: 0.5 is guessing, 1 a perfect order for every class, 0 every order reversed.

    When not to use it: to judge decisions; a class can be in perfect order by its score and never be decided.

    >>> scores = {"a": [0.9, 0.4, 0.6, 0.1], "b": [0.1, 0.6, 0.4, 0.9]}
    >>> macro_roc_auc(Confusion.of("abab", "aabb", scores))  # for each class three of four pairs in order
    0.75
    """
    found = [auc for counts in confusion.histograms if (auc := _auc(counts)) is not None]
    return float(np.mean(found)) if found else None


def mae(residuals: Residuals) -> float | None:
    """The mean absolute error: Σ |e| / n with e = prediction - label, in the unit of the label.

    How to read it: 0 is perfect; 1 means that answers are off by one unit on average.

    >>> mae(Residuals.of([3.0, 5.0], [1.0, 6.0]))  # (2 + 1) / 2
    1.5
    """
    return _ratio(residuals.sum("size"), residuals.rows)


def rmse(residuals: Residuals) -> float | None:
    """The root of the mean squared error: √(Σ e² / n), in the unit of the label.

    How to read it: 0 is perfect; never below `mae`, and equal to it where all errors are of one size.

    When not to use it: alone, where a few labels are extreme; a few large errors decide it. Look at `mae` too.

    >>> rmse(Residuals.of([1.0, 7.0], [0.0, 0.0]))  # √((1 + 49) / 2)
    5.0
    """
    square = _ratio(residuals.sum("e2"), residuals.rows)
    return None if square is None else math.sqrt(square)


def mape(residuals: Residuals) -> float | None:
    """The mean absolute error as a share of the label: the mean of |e / y| over the rows whose label is not 0.

    How to read it: 0 is perfect, 0.1 is off by a tenth of the label on average; always answering 0 gives 1.

    When not to use it: where labels come near 0, which then decide it.

    >>> mape(Residuals.of([5.0, 4.0, 1.0], [4.0, 8.0, 0.0]))  # (1/4 + 4/8) / 2; the label 0 is left out
    0.375
    """
    return _ratio(residuals.sum("relative"), residuals.rows - residuals.zero_labels)


def r2(residuals: Residuals) -> float | None:
    """The share of the label's variance that is explained: 1 - Σ e² / Σ (y - ȳ)². None where the label is constant.

    How to read it: 1 is perfect, 0 as good as answering the mean, below 0 worse than that.

    When not to use it: between tables whose label varies differently; equal errors then give another value.

    >>> r2(Residuals.of([1.0, 2.0, 2.0], [1.0, 2.0, 3.0]))  # 1 - 1/2
    0.5
    """
    if residuals.rows < 2:
        return None
    spread = residuals.sum("d2") - residuals.sum("d") ** 2 / residuals.rows
    unexplained = _ratio(residuals.sum("e2"), spread if spread > 1e-14 * residuals.sum("d2") else 0)
    return None if unexplained is None else 1 - unexplained


def bias(residuals: Residuals) -> float | None:
    """The mean residual: Σ (prediction - label) / n, in the unit of the label.

    How to read it: 0 is right on average, 1 means one unit too high on average, -1 one too low.

    When not to use it: alone; errors to both sides cancel. Look at `mae` too.

    >>> bias(Residuals.of([4.0, 5.0], [1.0, 6.0]))  # (3 - 1) / 2
    1.0
    """
    return _ratio(residuals.sum("e"), residuals.rows)


def residual_p05(residuals: Residuals) -> float | None:
    """The residual, prediction - label, below which 5 % of the rows lie: F(e) = 0.05, to the width of a bin.

    How to read it: -2 means that 5 % of the answers are more than two units too low; a change says that the low tail moved.

    >>> round(residual_p05(Residuals.of(range(1000), [0] * 1000)), 6)  # 50 of the residuals 0, 1, ..., 999 are below 50
    50.0
    """
    return residuals.quantile(0.05)


def residual_p50(residuals: Residuals) -> float | None:
    """The median residual, prediction - label: F(e) = 0.5, to the width of a bin.

    How to read it: 0 means as many answers too high as too low, 1 that the middle row is one unit too high. Outliers barely move it.

    >>> round(residual_p50(Residuals.of(range(1000), [0] * 1000)), 6)  # 500 of the residuals 0, 1, ..., 999 are below 500
    500.0
    """
    return residuals.quantile(0.50)


def residual_p95(residuals: Residuals) -> float | None:
    """The residual, prediction - label, below which 95 % of the rows lie: F(e) = 0.95, to the width of a bin.

    How to read it: 2 means that 5 % of the answers are more than two units too high; a change says that the high tail moved.

    >>> round(residual_p95(Residuals.of(range(1000), [0] * 1000)), 6)  # 950 of the residuals 0, 1, ..., 999 are below 950
    950.0
    """
    return residuals.quantile(0.95)


def _auc(counts: Ints) -> float | None:
    negatives, positives = counts.astype(np.float64)
    pairs = negatives.sum() * positives.sum()
    if pairs == 0:
        return None
    below = np.cumsum(negatives) - negatives / 2
    return float(np.dot(positives, below) / pairs)


def _ratio(part: float | np.integer, whole: float | np.integer) -> float | None:
    """None where it is undefined or beyond the largest float."""
    if not whole:
        return None
    ratio = float(part) / float(whole)
    return ratio if math.isfinite(ratio) else None
