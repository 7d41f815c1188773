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
    """The probability that a positive row scores higher than a negative one, ties counting half.

    Trapezoids over the score bins; within `roc_auc_bound` of the value from rows. 0.5 is guessing, 1 a perfect order. It says nothing
    about the level of the scores. Hanley and McNeil 1982. None unless both classes are there.
    """
    return _auc(outcomes.counts)


def average_precision(outcomes: Outcomes) -> float | None:
    """Precision averaged over the positives, from the highest score down.

    Σ (Rₖ - Rₖ₋₁) Pₖ as in scikit-learn, the rows of a bin taken to be evenly mixed. The share of positives is guessing, 1 is perfect;
    not comparable between tables whose share of positives differs. None without positives.
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
    """The mean of -log of the probability given to the true class.

    Exact. 0 is perfect, 0.693 is answering one half in a binary task. One certain and wrong score costs 36: look at `brier` too.
    In a multiclass task it needs the score columns, and rows with a label that the reference never held are left out.
    """
    return _ratio(summary.sum("loss"), summary.scored)


def brier(outcomes: Outcomes) -> float | None:
    """The mean squared difference of score and label (1 or 0).

    Exact. 0 is perfect, π(1 - π) is what the constant score π, the share of positives, gives. Brier 1950.
    """
    return _ratio(outcomes.sum("square"), outcomes.rows)


def calibration_error(outcomes: Outcomes) -> float | None:
    """The mean distance between the mean score and the share of positives, in ten groups of about equally many rows by score (ECE).

    Σ (n_g / n) |mean score - share of positives|. 0 is calibrated; 0.05 means that scores are off by five points on average. Chance
    alone gives about 0.25/√(n/10), so that small tables look worse than they are.
    """
    rows = outcomes.counts.sum(axis=0)
    if not outcomes.rows:
        return None
    middle = np.cumsum(rows) - rows / 2
    group = np.minimum((_CALIBRATION_GROUPS * middle / rows.sum()).astype(np.intp), _CALIBRATION_GROUPS - 1)
    gap = np.bincount(group, outcomes.scores - outcomes.counts[1])
    return float(np.abs(gap).sum() / rows.sum())


def observed_expected(outcomes: Outcomes) -> float | None:
    """Observed positives over expected ones, the sum of the scores.

    1 is right on average, 1.2 means a fifth more positives than the scores say. None where all scores are 0.
    """
    return _ratio(float(outcomes.counts[1].sum()), float(outcomes.scores.sum()))


def decision_rate(outcomes: Outcomes) -> float | None:
    """The share of rows decided positive, that is with a score at or above the threshold."""
    return _ratio(outcomes.matrix[:, 1].sum(), outcomes.rows)


def precision(outcomes: Outcomes) -> float | None:
    """The share of rows decided positive that are positive. None where none is decided positive."""
    return _ratio(outcomes.matrix[1, 1], outcomes.matrix[:, 1].sum())


def recall(outcomes: Outcomes) -> float | None:
    """The share of positive rows that are decided positive. None without positives."""
    return _ratio(outcomes.matrix[1, 1], outcomes.matrix[1].sum())


def f1(outcomes: Outcomes) -> float | None:
    """The harmonic mean of precision and recall at the threshold, 2tp / (2tp + fp + fn). None where nothing is positive or decided so."""
    return _ratio(2 * outcomes.matrix[1, 1], outcomes.matrix[1].sum() + outcomes.matrix[:, 1].sum())


def accuracy(summary: Outcomes | Confusion) -> float | None:
    """The share of rows whose decided class is the true one.

    Compare it with the share of the largest class, which needs no model.
    """
    return _ratio(np.trace(summary.matrix), summary.rows)


def balanced_accuracy(summary: Outcomes | Confusion) -> float | None:
    """Recall averaged over the classes that are true at least once; 1/k is guessing.

    In a binary task None unless both classes are there.
    """
    margins = Margins.of(summary.matrix)
    if isinstance(summary, Outcomes) and not summary.counts.sum(axis=1).all():
        return None
    return agreement.mean_recall(margins)


def macro_precision(confusion: Confusion) -> float | None:
    """Precision averaged over the classes, each counting the same."""
    return agreement.mean_precision(Margins.of(confusion.matrix))


def macro_recall(confusion: Confusion) -> float | None:
    """Recall averaged over the classes, each counting the same."""
    return agreement.mean_sensitivity(Margins.of(confusion.matrix))


def macro_f1(confusion: Confusion) -> float | None:
    """F1 averaged over the classes, each counting the same: a rare class weighs as much as a common one."""
    return agreement.mean_f1(Margins.of(confusion.matrix))


def mcc(summary: Outcomes | Confusion) -> float | None:
    """The correlation of decided and true class (Matthews), for several classes after Gorodkin 2004.

    0 is guessing, 1 perfect, -1 always wrong; honest where classes are unequal. None where either is constant.
    """
    return agreement.matthews(Margins.of(summary.matrix))


def macro_roc_auc(confusion: Confusion) -> float | None:
    """`roc_auc` of each class against the rest, averaged over the classes that have one. Needs the score columns."""
    found = [auc for counts in confusion.histograms if (auc := _auc(counts)) is not None]
    return float(np.mean(found)) if found else None


def mae(residuals: Residuals) -> float | None:
    """The mean absolute error, in the unit of the label."""
    return _ratio(residuals.sum("size"), residuals.rows)


def rmse(residuals: Residuals) -> float | None:
    """The root of the mean squared error, in the unit of the label. A few large errors decide it: look at `mae` too."""
    square = _ratio(residuals.sum("e2"), residuals.rows)
    return None if square is None else math.sqrt(square)


def mape(residuals: Residuals) -> float | None:
    """The mean absolute error as a share of the label, over the rows whose label is not 0. Labels near 0 decide it."""
    return _ratio(residuals.sum("relative"), residuals.rows - residuals.zero_labels)


def r2(residuals: Residuals) -> float | None:
    """The share of the label's variance that is explained, 1 - Σe² / Σ(y - ȳ)².

    1 is perfect, 0 is answering the mean. Not comparable between tables whose label varies differently. None where it is constant.
    """
    if residuals.rows < 2:
        return None
    spread = residuals.sum("d2") - residuals.sum("d") ** 2 / residuals.rows
    unexplained = _ratio(residuals.sum("e2"), spread if spread > 1e-14 * residuals.sum("d2") else 0)
    return None if unexplained is None else 1 - unexplained


def bias(residuals: Residuals) -> float | None:
    """The mean residual, prediction - label: above 0 the model answers too high on average."""
    return _ratio(residuals.sum("e"), residuals.rows)


def residual_p05(residuals: Residuals) -> float | None:
    """The residual below which 5 % of the rows lie, to the width of a bin."""
    return residuals.quantile(0.05)


def residual_p50(residuals: Residuals) -> float | None:
    """The median residual, to the width of a bin."""
    return residuals.quantile(0.50)


def residual_p95(residuals: Residuals) -> float | None:
    """The residual below which 95 % of the rows lie, to the width of a bin."""
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
