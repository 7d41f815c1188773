"""Step 1: how right the model is, as measurements, and whether that is worse than on the reference.

A headline metric is judged by the interval of the difference current - reference, both errors included (Newcombe 1998): drifted where the
loss exceeds the tolerated one with confidence, insufficient where the interval is wider than the tolerated loss, stable otherwise.
The other metrics are shown beside it and never raise an alarm, so that their number costs no false alarms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from driftline.core.catalog import Catalog
from driftline.core.errors import UsageError
from driftline.core.records import Measurement, Scope, Status, segment_name
from driftline.core.spec import Spec
from driftline.core.verdicts import QualityVerdict, Severity, Verdict
from driftline.performance import quality
from driftline.performance.classes import class_quality
from driftline.performance.intervals import Interval, interval
from driftline.profiles.outcomes import Confusion, Outcomes, Residuals, Summary, Task

METRICS: Catalog[[Any], float | None] = Catalog.of("quality metric", quality)

HEADLINES = {
    Task.BINARY: ("roc_auc", "observed_expected"),
    Task.MULTICLASS: ("accuracy", "macro_f1"),
    Task.REGRESSION: ("mae", "bias"),
}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "mae", "rmse", "mape"})
TARGETS: dict[str, float | None] = {
    "observed_expected": 1.0,
    "bias": 0.0,
    "decision_rate": None,
    "residual_p05": None,
    "residual_p50": 0.0,
    "residual_p95": None,
}
"""Metrics where neither more nor less is better, and the best value where there is one."""

TOLERATED = {
    "roc_auc": 0.03,
    "macro_roc_auc": 0.03,
    "accuracy": 0.03,
    "balanced_accuracy": 0.03,
    "precision": 0.05,
    "recall": 0.05,
    "f1": 0.05,
    "macro_precision": 0.05,
    "macro_recall": 0.05,
    "macro_f1": 0.05,
    "mcc": 0.05,
    "calibration_error": 0.03,
    "decision_rate": 0.05,
    "r2": 0.05,
}
"""Tolerated losses in the unit of the metric."""

TOLERATED_SHARE = {
    "average_precision": 0.10,
    "log_loss": 0.10,
    "brier": 0.10,
    "observed_expected": 0.15,
    "mae": 0.10,
    "rmse": 0.10,
    "mape": 0.10,
    "bias": 0.25,
    "residual_p05": 0.25,
    "residual_p50": 0.25,
    "residual_p95": 0.25,
}
"""Tolerated losses as a share of the reference's value; for the bias and the residual quantiles, of the reference's mean absolute error."""

SHOWN_CONFIDENCE = 0.95
RANKED = ("roc_auc", "average_precision")
LEAST_OF_CLASS = 5
"""Rows of either class below which nothing is said of how a score ranks them: one positive with a low score is no broken model."""


class PerformanceSpec(Spec):
    """What is shown and what is tolerated.

    `metrics`: those to show (all where empty); `headline`: those that may raise an alarm (two per task where empty). `tolerated`: losses
    in the unit of the metric, `tolerated_share`: losses as a share of the reference's value; both overrule `TOLERATED` and
    `TOLERATED_SHARE`. `alpha`: the probability that a table is called worse although it is not, by all headlines together.
    `least_rows`: labelled rows below which nothing is said.
    """

    metrics: tuple[str, ...] = ()
    headline: tuple[str, ...] = ()
    tolerated: Mapping[str, float] = {}
    tolerated_share: Mapping[str, float] = {}
    alpha: float = 0.01
    least_rows: int = 30

    def model_post_init(self, context: object) -> None:
        """Raises `UnknownName` for a metric that does not exist, `UsageError` for a number out of its range."""
        for name in (*self.metrics, *self.headline, *self.tolerated, *self.tolerated_share):
            METRICS[name]
        for name, loss in (*self.tolerated.items(), *self.tolerated_share.items()):
            if loss <= 0:
                raise UsageError(f"The tolerated loss of '{name}' is above 0, and {loss:g} is not", where="tolerated")
        if not 0 < self.alpha < 1:
            raise UsageError(f"A probability of false alarms is between 0 and 1, and {self.alpha:g} is not", where="alpha")
        if self.least_rows < 1:
            raise UsageError(f"At least one row is needed to judge, and {self.least_rows} is less", where="least_rows")


@dataclass(frozen=True, slots=True)
class _Estimate:
    """One metric of one summary, with the interval asked for."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, metric: str, summary: Summary, confidence: float) -> _Estimate:
        function = METRICS[metric]
        found = interval(function, summary, confidence)
        return cls(function(summary), *(found or (None, None)))


def metrics_for(summary: Summary, spec: PerformanceSpec | None = None) -> tuple[str, ...]:
    """Names of the metrics that this kind of summary has, headlines first; those of the spec where it names some."""
    wanted = spec or PerformanceSpec()
    unscored = {"log_loss", "macro_roc_auc"} if isinstance(summary, Confusion) and not summary.plan.score_columns else set()
    fitting = [name for name in METRICS if isinstance(summary, _takes(name)) and name not in unscored]
    headlines = [name for name in wanted.headline or HEADLINES[summary.plan.task] if name in fitting]
    return tuple(headlines + [name for name in fitting if name not in headlines and (not wanted.metrics or name in wanted.metrics)])


def better(metric: str) -> str:
    """Which way a metric is better: `higher`, `lower` or `target`."""
    return "target" if metric in TARGETS else "lower" if metric in LOWER_IS_BETTER else "higher"


def performance(current: Summary, reference: Summary | None, scope: Scope, spec: PerformanceSpec) -> list[Measurement]:
    """The quality metrics of `current` with their 95 % intervals; the limit is the reference's value with the tolerated loss.

    Headlines are `beyond` where they are drifted, as `judge_quality` has it, and not where they are stable; nothing else is judged.
    Raises `IncompatibleProfiles` where the two summaries have different plans.
    """
    comparable = reference is not None and reference.rows > 0
    judged = {each.metric: each for each in judge_quality(current, reference, spec, segment_name(scope.segment))} if comparable else {}
    measurements = []
    for metric in metrics_for(current, spec):
        found = _Estimate.of(metric, current, SHOWN_CONFIDENCE)
        limit, note, verdict = None, "no labels in the reference to compare with", judged.get(metric)
        if reference is not None and (value := METRICS[metric](reference)) is not None:
            loss = tolerated_loss(metric, reference, spec)
            if loss is not None and better(metric) != "target":
                limit = value - loss if better(metric) == "higher" else value + loss
            note = f"reference {_number(value)}, tolerated loss {_number(loss)}" if loss is not None else f"reference {_number(value)}"
        note += f"; {verdict.note}" if verdict else ""
        unknown = found.value is None or (verdict is not None and verdict.verdict is Verdict.INSUFFICIENT)
        status = Status.NODATA if current.rows == 0 else Status.INSUFFICIENT if unknown else Status.OK
        beyond = verdict.verdict is Verdict.DRIFTED if verdict is not None and status is Status.OK else None
        n, low, high = current.rows, found.low, found.high
        measurements.append(
            Measurement(metric, found.value, scope, n, low=low, high=high, limit=limit, status=status, note=note, beyond=beyond)
        )
    return measurements


def judge_quality(current: Summary, reference: Summary | None, spec: PerformanceSpec, segment: str = "") -> list[QualityVerdict]:
    """One verdict per metric, headlines first, then each class of a multiclass model; of a segment the headlines only.

    Raises `IncompatibleProfiles` where the two summaries have different plans.
    """
    if reference is not None:
        current + reference.zero(reference.plan)
    names = metrics_for(current, spec)
    headlines = tuple(name for name in names if name in (spec.headline or HEADLINES[current.plan.task]))
    alpha = spec.alpha / max(len(headlines), 1)
    # Only a loss is called out, so an interval for a metric with a bad side may spend all of alpha on that side.
    confidence = {metric: 1 - alpha * (1 if better(metric) == "target" else 2) for metric in names}
    cases = [_Case(metric, current, reference, spec, confidence[metric]) for metric in (headlines if segment else names)]
    verdicts = [case.verdict(headline=case.metric in headlines, segment=segment) for case in cases]
    if isinstance(current, Confusion) and not segment:
        verdicts += class_quality(current, reference if isinstance(reference, Confusion) else None)
    return verdicts


def tolerated_loss(metric: str, reference: Summary, spec: PerformanceSpec) -> float | None:
    """The loss that is tolerated against this reference, in the unit of the metric; None where none is set."""
    if metric in spec.tolerated:
        return spec.tolerated[metric]
    share = spec.tolerated_share.get(metric, TOLERATED_SHARE.get(metric))
    if metric in TOLERATED and metric not in spec.tolerated_share:
        return TOLERATED[metric]
    base = quality.mae(reference) if better(metric) == "target" and isinstance(reference, Residuals) else METRICS[metric](reference)
    return None if share is None or base is None else share * abs(base)


def difference(current: float, now: Interval, reference: float, before: Interval) -> Interval:
    """Interval of current - reference from the interval of each, at the same confidence (Newcombe 1998, method 10)."""
    middle = current - reference
    low = middle - math.hypot(current - now[0], before[1] - reference)
    high = middle + math.hypot(now[1] - current, reference - before[0])
    return low, high


@dataclass(frozen=True, slots=True)
class _Case:
    """One metric on both tables, and what it is held to."""

    metric: str
    current: Summary
    reference: Summary | None
    spec: PerformanceSpec
    confidence: float

    def verdict(self, *, headline: bool, segment: str) -> QualityVerdict:
        now = _Estimate.of(self.metric, self.current, SHOWN_CONFIDENCE)
        before = _Estimate(None, None, None) if self.reference is None else _Estimate.of(self.metric, self.reference, SHOWN_CONFIDENCE)
        verdict, note = self._unjudged(now, before) or self._judged(now, before)
        if not headline:
            verdict = Verdict.STABLE
        return QualityVerdict(
            metric=self.metric,
            verdict=verdict,
            severity=Severity.WARNING if verdict is Verdict.DRIFTED else Severity.NONE,
            value=now.value,
            low=now.low,
            high=now.high,
            n=self.current.rows,
            reference=before.value,
            reference_low=before.low,
            reference_high=before.high,
            reference_n=0 if self.reference is None else self.reference.rows,
            better=better(self.metric),
            note=note,
            headline=headline,
            segment=segment,
        )

    def _unjudged(self, now: _Estimate, before: _Estimate) -> tuple[Verdict, str] | None:
        """What is said where there is nothing to compare, or too little."""
        if now.value is None:
            return Verdict.INSUFFICIENT, _why_not(self.current)
        if self.current.rows < self.spec.least_rows:
            words = f"{self.current.rows:,} labelled rows, and at least {self.spec.least_rows} are needed to judge"
            return Verdict.INSUFFICIENT, words
        if self.metric in RANKED and isinstance(self.current, Outcomes) and (few := self.current.counts.sum(axis=1)).min() < LEAST_OF_CLASS:
            words = f"{few[1]:,} positive and {few[0]:,} negative rows, and at least {LEAST_OF_CLASS} of each are needed to judge"
            return Verdict.INSUFFICIENT, words
        if self.reference is None or self.reference.rows == 0:
            return Verdict.STABLE, "no labels in the reference to compare with"
        if before.value is None:
            return Verdict.INSUFFICIENT, f"no value in the reference to compare with: {_why_not(self.reference)}"
        return None

    def _judged(self, now: _Estimate, before: _Estimate) -> tuple[Verdict, str]:
        """The verdict that a headline gets, and why in words."""
        assert self.reference is not None
        assert now.value is not None
        assert before.value is not None
        loss = tolerated_loss(self.metric, self.reference, self.spec)
        ends = [interval(METRICS[self.metric], summary, self.confidence) for summary in (self.current, self.reference)]
        if loss is None or ends[0] is None or ends[1] is None:
            return Verdict.INSUFFICIENT, "no tolerated loss is set" if loss is None else "too few rows for an interval"
        low, high = difference(now.value, ends[0], before.value, ends[1])
        change, half = now.value - before.value, (high - low) / 2
        moved = f"{'fell' if change < 0 else 'rose'} by {_number(abs(change))}" if change else "did not change"
        worse, more = _worse(self.metric, now.value, before.value), f"more than the tolerated {_number(loss)}"
        if worse and _beyond(self.metric, low, high, loss):
            return Verdict.DRIFTED, f"{moved}, {more}"
        if half > loss:
            return Verdict.INSUFFICIENT, f"{moved}, known to ±{_number(half)} only: too few rows to see the tolerated {_number(loss)}"
        if worse and _beyond(self.metric, change, change, loss):
            return Verdict.STABLE, f"{moved}, {more} but within chance (±{_number(half)})"
        return Verdict.STABLE, f"{moved}, within the tolerated {_number(loss)}" if worse and change else moved


def _beyond(metric: str, low: float, high: float, loss: float) -> bool:
    """Whether a change that lies in [low, high] is all of it beyond the tolerated loss, on the bad side."""
    direction = better(metric)
    return (direction != "lower" and high < -loss) or (direction != "higher" and low > loss)


def _worse(metric: str, value: float, reference: float) -> bool:
    direction = better(metric)
    if direction == "target":
        best = TARGETS[metric]
        return best is None or abs(value - best) >= abs(reference - best)
    return value < reference if direction == "higher" else value > reference


def _why_not(summary: Summary) -> str:
    if summary.rows == 0:
        return f"no labelled rows ({summary.unlabelled:,} without a label, {summary.unscored:,} without a prediction)"
    return f"not defined for these {summary.rows:,} labelled rows"


def _number(value: float | None) -> str:
    """Three decimals or digits, and two digits below 0.01: `0.712`, `0.068`, `0.0081`, `12.3`, `4,210`."""
    if value is None:
        return "-"
    size = abs(value)
    if 100 <= size < 1e9:
        return f"{value:,.0f}"
    if size < 0.01:
        return f"{value:.2g}"
    return f"{value:.3f}" if size < 1 else f"{value:.3g}"


@cache
def _takes(metric: str) -> Any:
    """The kinds of summary that a metric is annotated with."""
    hints = get_type_hints(METRICS[metric])
    return next(kind for name, kind in hints.items() if name != "return")
