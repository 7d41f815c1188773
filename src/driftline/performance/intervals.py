"""How sure a quality metric is: confidence intervals from the same counts and sums as the metric itself.

Rates take Wilson's interval, means Wald's with Student's quantile, areas under the curve DeLong's variance on a logit scale, functions
of a confusion table the delta method, residual quantiles the binomial order statistics, ratios of counts Byar's. A metric without an
entry here is bootstrapped over the score bins or table cells.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np

from driftline.performance import agreement
from driftline.performance.agreement import Margins
from driftline.profiles.labelled import Floats, Ints
from driftline.profiles.outcomes import Confusion, Outcomes, Residuals, Summary

Interval = tuple[float, float]
Metric = Callable[[Any], float | None]
Method = Callable[[Any, float, float], Interval | None]

DRAWS = 100
"""The spread of a hundred draws is known to 7 %."""


def interval(metric: Metric, summary: Summary, confidence: float = 0.95) -> Interval | None:
    """The two-sided interval of a metric of the catalogue. None where the metric has no value or too few rows for an interval."""
    value = metric(summary)
    if value is None:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    method = METHODS.get(metric.__name__)
    found = method(summary, value, z) if method else _bootstrap(metric, summary, value, z)
    if found is None or not all(map(math.isfinite, found)):
        return None
    low, high = RANGES.get(metric.__name__, (-math.inf, math.inf))
    return max(found[0], low), min(found[1], high)


def roc_auc_bound(outcomes: Outcomes) -> float | None:
    """How far `roc_auc` can be from the value computed from rows: ½ Σ pᵢnᵢ, the shares of positives and negatives in the same bin."""
    negatives, positives = outcomes.counts.astype(np.float64)
    pairs = negatives.sum() * positives.sum()
    return float(np.dot(negatives, positives) / pairs / 2) if pairs else None


def wilson(part: float, whole: float, z: float) -> Interval:
    """Interval of a rate (Wilson 1927)."""
    share, shrink = part / whole, 1 + z * z / whole
    middle = (share + z * z / (2 * whole)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def wald(total: float, squares: float, count: int, z: float) -> Interval | None:
    """Interval of a mean from a sum and a sum of squares. None for a single value."""
    if count < 2:
        return None
    mean = total / count
    half = student(z, count - 1) * math.sqrt(max(squares - total * mean, 0.0) / (count - 1) / count)
    return mean - half, mean + half


def student(z: float, freedom: float) -> float:
    """Student's quantile from the normal one (Cornish and Fisher; Abramowitz and Stegun 26.7.5)."""
    z3, z5, z7 = z**3, z**5, z**7
    return (
        z
        + (z3 + z) / (4 * freedom)
        + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom**2)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom**3)
    )


def byar(count: float, z: float) -> Interval:
    """Interval of a Poisson count (Byar's approximation; Breslow and Day 1987, 2.11)."""
    low = count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    return max(low, 0.0), more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3


def auc_error(counts: Ints) -> float:
    """Standard error of the area under the curve from bins by class, (2, bins): DeLong, DeLong and Clarke-Pearson 1988.

    Never less than Hanley's and McNeil's where a class has fewer than ten rows or the classes are apart, where DeLong's is too small.
    """
    negatives, positives = counts.astype(np.float64)
    n, p = negatives.sum(), positives.sum()
    of_positive = (np.cumsum(negatives) - negatives / 2) / n
    of_negative = 1 - (np.cumsum(positives) - positives / 2) / p
    auc = float(np.dot(positives, of_positive) / p)
    variance = float(
        np.dot(positives, (of_positive - auc) ** 2) / max(p - 1, 1) / p + np.dot(negatives, (of_negative - auc) ** 2) / max(n - 1, 1) / n
    )
    if min(n, p) >= 10 and 0 < auc < 1:
        return math.sqrt(variance)
    auc = (auc * n * p + 0.5) / (n * p + 1)
    higher, lower = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    return math.sqrt(max(variance, (auc * (1 - auc) + (p - 1) * higher + (n - 1) * lower) / (n * p)))


def _auc(outcomes: Outcomes, value: float, z: float) -> Interval:
    negatives, positives = outcomes.counts.sum(axis=1).tolist()
    return _on_logit(value, auc_error(outcomes.counts), z, negatives * positives)


def _macro_auc(confusion: Confusion, value: float, z: float) -> Interval:
    """As if the classes' errors went together: at least as wide as it has to be."""
    usable = [counts for counts in confusion.histograms if counts.sum(axis=1).all()]
    return _on_logit(value, float(np.mean([auc_error(counts) for counts in usable])), z, confusion.scored)


def _on_logit(value: float, error: float, z: float, pairs: float) -> Interval:
    inside = (value * pairs + 0.5) / (pairs + 1) if value in (0.0, 1.0) else value
    middle, half = math.log(inside / (1 - inside)), z * error / (inside * (1 - inside))
    low, high = (0.5 * (1 + math.tanh(x / 2)) for x in (middle - half, middle + half))
    return min(low, value), max(high, value)


def _of_margins(metric: Callable[[Margins], float | None]) -> Method:
    """Delta method for a function of the margins. The variance is taken with one more row for each class, so that it is never 0."""

    def method(summary: Outcomes | Confusion, value: float, z: float) -> Interval | None:
        table = summary.matrix.astype(np.float64)
        seen = (table.sum(axis=0) + table.sum(axis=1)) > 0
        table = table[np.ix_(seen, seen)] + 1 / max(seen.sum(), 1)
        slopes = [_slope(metric, Margins.of(table), which) for which in ("right", "true", "decided")]
        weights = slopes[1][:, None] + slopes[2][None, :] + np.diag(slopes[0])
        rows = table.sum()
        variance = np.sum(table * weights**2) - np.sum(table * weights) ** 2 / rows
        half = z * math.sqrt(max(float(variance), 0.0))
        return value - half, value + half

    return method


def _slope(metric: Callable[[Margins], float | None], margins: Margins, which: str) -> Floats:
    """Derivatives of the metric by the rows of each class in one of the margins."""
    base: Floats = getattr(margins, which)
    slopes = np.zeros(len(base))
    for k, rows in enumerate(base.tolist()):
        step = 1e-4 * rows
        ends = []
        for moved in (rows - step, rows + step):
            changed = base.copy()
            changed[k] = moved
            ends.append(metric(replace(margins, **{which: changed})) or 0.0)
        slopes[k] = (ends[1] - ends[0]) / (2 * step)
    return slopes


def _bootstrap(metric: Metric, summary: Summary, value: float, z: float) -> Interval | None:
    """Poisson bootstrap over bins or cells, seeded by the counts; the spread of the draws around the value. None for residuals."""
    if not isinstance(summary, Outcomes | Confusion):
        return None
    counts = summary.counts if isinstance(summary, Outcomes) else summary.matrix
    random = np.random.default_rng(zlib.crc32(counts.tobytes()))
    draws = [metric(_redrawn(summary, random)) for _ in range(DRAWS)]
    known = [draw for draw in draws if draw is not None]
    if len(known) < DRAWS / 2:
        return None
    half = z * float(np.std(known, ddof=1))
    return value - half, value + half


def _redrawn(summary: Outcomes | Confusion, random: np.random.Generator) -> Summary:
    """The summary as it might have been with other rows: counts drawn anew, mean scores of the bins as they are."""
    if isinstance(summary, Confusion):
        matrix = random.poisson(summary.matrix)
        return replace(summary, matrix=matrix, totals=np.array([matrix.sum(), *summary.totals[1:]]))
    counts = random.poisson(summary.counts)
    rows = summary.counts.sum(axis=0)
    means = np.divide(summary.scores, rows, out=np.zeros(len(rows)), where=rows > 0)
    return replace(summary, counts=counts, scores=means * counts.sum(axis=0), totals=np.array([counts.sum(), *summary.totals[1:]]))


def _observed_expected(outcomes: Outcomes, value: float, z: float) -> Interval:
    """Byar's interval of the observed positives where they are few, else the ratio's variance on a log scale."""
    observed, expected = float(outcomes.counts[1].sum()), float(outcomes.scores.sum())
    if observed < 20:
        low, high = byar(observed, z)
        return low / expected, high / expected
    squares = observed - 2 * value * outcomes.sum("scorelabel") + value**2 * outcomes.sum("score2")
    factor = math.exp(z * math.sqrt(max(squares, 0.0)) / observed)
    return value / factor, value * factor


def _mean(total: str, squares: str) -> Method:
    def method(summary: Outcomes | Confusion | Residuals, value: float, z: float) -> Interval | None:
        count = summary.rows - summary.zero_labels if total == "relative" and isinstance(summary, Residuals) else summary.rows
        if isinstance(summary, Confusion):
            count = summary.scored
        return wald(summary.sum(total), summary.sum(squares), count, z)

    return method


def _rate(part_and_whole: Callable[[Any], tuple[float, float]]) -> Method:
    def method(summary: Outcomes | Confusion, value: float, z: float) -> Interval:
        part, whole = part_and_whole(summary)
        return wilson(float(part), float(whole), z)

    return method


def _rmse(residuals: Residuals, value: float, z: float) -> Interval | None:
    """Delta method: the mean square's error over twice the root."""
    square = wald(residuals.sum("e2"), residuals.sum("e4"), residuals.rows, z)
    if square is None:
        return None
    half = (square[1] - square[0]) / 4 / value if value else 0.0
    return value - half, value + half


def _r2(residuals: Residuals, value: float, z: float) -> Interval | None:
    """Delta method for a ratio of means: the variance of e² - (1 - r²)(y - ȳ)² over the variance of the label."""
    n = residuals.rows
    if n < 3:
        return None
    e4, e2, e2d, e2d2 = (residuals.sum(name) / n for name in ("e4", "e2", "e2d", "e2d2"))
    d, d2, d3, d4 = (residuals.sum(name) / n for name in ("d", "d2", "d3", "d4"))
    ratio, spread = 1 - value, d2 - d * d
    about_mean2 = e2d2 - 2 * d * e2d + d * d * e2
    about_mean4 = d4 - 4 * d * d3 + 6 * d * d * d2 - 3 * d**4
    variance = e4 - 2 * ratio * about_mean2 + ratio**2 * about_mean4
    half = student(z, n - 2) * math.sqrt(max(variance, 0.0) / n) / spread
    return value - half, value + half


def _quantile(share: float) -> Method:
    """Order statistics: where the quantile's rank may be, read from the same histogram."""

    def method(residuals: Residuals, value: float, z: float) -> Interval:
        half = z * math.sqrt(share * (1 - share) / residuals.rows)
        low, high = (residuals.quantile(min(max(at, 0.0), 1.0)) for at in (share - half, share + half))
        return (value if low is None else low), (value if high is None else high)

    return method


METHODS: dict[str, Method] = {
    "roc_auc": _auc,
    "macro_roc_auc": _macro_auc,
    "log_loss": _mean("loss", "loss2"),
    "brier": _mean("square", "square2"),
    "observed_expected": _observed_expected,
    "decision_rate": _rate(lambda s: (s.matrix[:, 1].sum(), s.rows)),
    "precision": _rate(lambda s: (s.matrix[1, 1], s.matrix[:, 1].sum())),
    "recall": _rate(lambda s: (s.matrix[1, 1], s.matrix[1].sum())),
    "accuracy": _rate(lambda s: (np.trace(s.matrix), s.rows)),
    "f1": _of_margins(agreement.positive_f1),
    "balanced_accuracy": _of_margins(agreement.mean_recall),
    "macro_precision": _of_margins(agreement.mean_precision),
    "macro_recall": _of_margins(agreement.mean_sensitivity),
    "macro_f1": _of_margins(agreement.mean_f1),
    "mcc": _of_margins(agreement.matthews),
    "mae": _mean("size", "e2"),
    "mape": _mean("relative", "relative2"),
    "bias": _mean("e", "e2"),
    "rmse": _rmse,
    "r2": _r2,
    "residual_p05": _quantile(0.05),
    "residual_p50": _quantile(0.50),
    "residual_p95": _quantile(0.95),
}

_SHARE, _SIZE = (0.0, 1.0), (0.0, math.inf)
RANGES: dict[str, Interval] = {
    **dict.fromkeys(("average_precision", "calibration_error", "balanced_accuracy", "f1", "brier"), _SHARE),
    **dict.fromkeys(("macro_precision", "macro_recall", "macro_f1"), _SHARE),
    **dict.fromkeys(("log_loss", "mae", "rmse", "mape"), _SIZE),
    "mcc": (-1.0, 1.0),
    "r2": (-math.inf, 1.0),
}
