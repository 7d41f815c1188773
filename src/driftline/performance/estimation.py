"""Step 1 without labels: the quality that live rows are expected to show, from their profile alone.

A classifier's scores say how many of its decisions are right, once they are calibrated on the reference; what the rows of a regression or
of several classes lose is modelled by column. Both assume that the reference still speaks for the world, which only labels can show, so an
estimate names its assumption and its back-test, and is refused where something speaks against it without labels.
"""

from __future__ import annotations

import math

from driftline.core.records import Basis, Measurement, Scope, Status
from driftline.performance.back_test import BackTest, BackTests, back_test
from driftline.performance.calibration import score_rows
from driftline.performance.estimator import ESTIMATED, POSITIVE_SHARE, Estimator, Refusal, learn_estimator
from driftline.performance.intervals import RANGES, Interval, interval, wilson
from driftline.performance.refusals import Z, refused, too_far
from driftline.performance.step import HEADLINES, METRICS, SHOWN_CONFIDENCE, PerformanceSpec, better, tolerated_loss
from driftline.profiles.cells import LossSample
from driftline.profiles.counting import FAR_BELOW
from driftline.profiles.outcomes import Outcomes, Summary, Task
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role

__all__ = [
    "BackTest",
    "BackTests",
    "Estimator",
    "LossSample",
    "Refusal",
    "back_test",
    "estimate",
    "expected_values",
    "learn_estimator",
    "realised",
    "refused",
]

UNIT = (POSITIVE_SHARE, "roc_auc", "accuracy", "precision", "recall")
ASSUMES = {
    Task.BINARY: "assumes that scores stay calibrated and that there is no concept drift",
    Task.MULTICLASS: "assumes that rows with these values are decided as rightly as in the reference: no concept drift",
    Task.REGRESSION: "assumes that rows with these values lose as much as in the reference: no concept drift",
}


def estimate(
    estimator: Estimator | Refusal,
    current: Profile,
    reference: Reference,
    scope: Scope,
    *,
    back_test: BackTests | None = None,
    spec: PerformanceSpec,
) -> list[Measurement]:
    """The expected quality of rows without labels, headlines first, `basis` ESTIMATED, each with its 95 % interval.

    The interval holds the sampling error of so many rows, that of the reference, and what the back-test shows beyond; `beyond` is True
    only for a headline, and only where all of its interval is past the limit. `n` counts the rows with a prediction. A
    refusal is measurements without a value, with the reason as their note. Raises `IncompatibleProfiles` where the schemas differ.
    """
    outcomes, plan = reference.profile.outcomes, reference.schema.outcomes
    if plan is None:
        return []
    tests = back_test or {}
    reason, n = refused(estimator, current, reference, tests, spec), _predicted_rows(current)
    names = _wanted(plan.task, spec)
    if n < spec.least_rows and not reason:
        reason = f"{n:,} rows with a prediction, and at least {spec.least_rows} are needed to estimate"
    if reason or isinstance(estimator, Refusal) or outcomes is None:
        status = Status.INSUFFICIENT if n else Status.NODATA
        return [Measurement(name, None, scope, n, basis=Basis.ESTIMATED, status=status, note=reason) for name in names]
    case = _Case(estimator, current, reference, spec)
    return [case.measurement(name, tests.get(name), scope) for name in names]


def expected_values(estimator: Estimator, current: Profile, reference: Reference, spec: PerformanceSpec) -> dict[str, float]:
    """What is expected by metric: what a later back-test holds against what came true.

    Given too where a back-test refuses the estimate, so that it ends once newer windows say otherwise; nothing where it is refused for what
    is seen without labels, since nothing was promised. Raises `IncompatibleProfiles` where the schemas differ.
    """
    if reference.profile.outcomes is None or not _predicted_rows(current) or refused(estimator, current, reference, None, spec):
        return {}
    return _Case(estimator, current, reference, spec).values


def realised(summary: Summary) -> dict[str, float]:
    """What estimates are held against once the labels of their rows are there, by metric; those without a value are left out."""
    values = {name: METRICS[name](summary) for name in ESTIMATED[summary.plan.task] if name in METRICS}
    if isinstance(summary, Outcomes) and summary.rows:
        values[POSITIVE_SHARE] = float(summary.counts[1].sum()) / float(summary.counts.sum())
    return {name: value for name, value in values.items() if value is not None}


class _Case:
    """Some rows, what they are estimated with, and the values that come of it by metric."""

    def __init__(self, estimator: Estimator, current: Profile, reference: Reference, spec: PerformanceSpec) -> None:
        assert reference.profile.outcomes is not None
        self.estimator, self.spec, self.reference = estimator, spec, reference.profile.outcomes
        self.n = _predicted_rows(current)
        self.outcomes: Outcomes | None = None
        if estimator.calibration is None:
            self.values = self._losses(current)
            return
        position = _prediction(current)
        rows = score_rows(current.schema.columns[position], current.counts[current.schema.cells(position)], estimator.calibration.edges)
        self.outcomes = estimator.calibration.expected(rows, self.reference.plan)
        self.values = realised(self.outcomes)

    def _losses(self, current: Profile) -> dict[str, float]:
        """A mean loss, the root of a mean squared one, or the share of right classes, from the models that are of use."""
        means = {name: model.mean(current.schema, current.counts) for name, model in self.estimator.losses.items() if model.useful}
        return {name: _as_metric(name, mean) for name, mean in means.items()}

    def _sampling(self, metric: str) -> Interval | None:
        """The interval of a value that so many rows alone give."""
        if self.outcomes is not None and metric == POSITIVE_SHARE:
            return wilson(float(self.outcomes.counts[1].sum()), float(self.outcomes.counts.sum()), Z)
        if self.outcomes is not None:
            return interval(METRICS[metric], self.outcomes, SHOWN_CONFIDENCE)
        model, value = self.estimator.losses[metric], self.values[metric]
        half = Z * model.spread * math.sqrt(1 / self.n + 1 / model.rows)
        mean = value**2 if metric == "rmse" else 1 - value if metric == "accuracy" else value
        low, high = sorted(_as_metric(metric, end) for end in (mean - half, mean + half))
        return low, high

    def measurement(self, metric: str, test: BackTest | None, scope: Scope) -> Measurement:
        """What is said of one metric."""
        value, reason = self.values.get(metric), too_far(metric, test, self.reference, self.spec)
        if value is None or reason:
            note = reason or f"not defined for what these {self.n:,} rows are expected to be, or no model of it is better than a constant"
            return Measurement(metric, None, scope, self.n, basis=Basis.ESTIMATED, status=Status.INSUFFICIENT, note=note)
        low, high = self._widened(metric, value, test)
        limit, words = self._limit(metric)
        beyond = None
        headline = metric in (self.spec.headline or HEADLINES[self.estimator.task])
        if headline and limit is not None and low is not None and high is not None:
            beyond = high < limit if better(metric) == "higher" else low > limit
        return Measurement(
            metric,
            value,
            scope,
            self.n,
            low=low,
            high=high,
            limit=limit,
            basis=Basis.ESTIMATED,
            note="; ".join([words, ASSUMES[self.estimator.task], self._rests_on(), _tested(test)]),
            beyond=beyond,
        )

    def _widened(self, metric: str, value: float, test: BackTest | None) -> tuple[float | None, float | None]:
        """The sampling interval with the error of the reference and what the back-test shows beyond; squares add up."""
        found = self._sampling(metric)
        if found is None:
            return None, None
        low, high = found
        more = [self.estimator.doubt.get(metric, 0.0), test.half_width((high - low) / 2, self.n, Z) if test else 0.0]
        least, most = RANGES.get(metric, (0.0, 1.0) if metric in UNIT else (-math.inf, math.inf))
        return max(value - math.hypot(value - low, *more), least), min(value + math.hypot(high - value, *more), most)

    def _limit(self, metric: str) -> tuple[float | None, str]:
        """The reference's value with the tolerated loss, and both in words."""
        value = METRICS[metric](self.reference) if metric in METRICS else None
        if value is None:
            return None, "no value in the reference to compare with"
        loss = tolerated_loss(metric, self.reference, self.spec)
        if loss is None:
            return None, f"reference {value:.4g}"
        words = f"reference {value:.4g}, tolerated loss {loss:.3g}"
        if better(metric) == "target":
            return None, words
        return (value - loss if better(metric) == "higher" else value + loss), words

    def _rests_on(self) -> str:
        rows, calibration = f"{self.estimator.rows:,} labelled rows of the reference", self.estimator.calibration
        if calibration is None:
            return f"loss modelled by column on {rows}"
        return f"scores calibrated on {rows}" if calibration.isotonic else f"scores taken as probabilities, as they are on {rows}"


def _wanted(task: Task, spec: PerformanceSpec) -> list[str]:
    """What is estimated, headlines first; where the spec names metrics, those and the headlines."""
    known = ESTIMATED[task]
    headlines = [name for name in spec.headline or HEADLINES[task] if name in known]
    return headlines + [name for name in known if name not in headlines and (not spec.metrics or name in spec.metrics)]


def _as_metric(name: str, mean: float) -> float:
    """A mean loss as the metric made of it, in its range."""
    mean = max(mean, 0.0)
    return math.sqrt(mean) if name == "rmse" else max(1 - mean, 0.0) if name == "accuracy" else mean


def _prediction(profile: Profile) -> int:
    column = profile.schema.role(Role.PREDICTION)
    assert column is not None
    return profile.schema.by_name[column.name]


def _predicted_rows(profile: Profile) -> int:
    """Rows with a prediction."""
    if profile.schema.role(Role.PREDICTION) is None:
        return 0
    position = _prediction(profile)
    first = FAR_BELOW if profile.schema.columns[position].is_numeric else 1
    return int(profile.counts[profile.schema.cells(position)][first:].sum())


def _tested(test: BackTest | None) -> str:
    if test is None or not test.windows:
        return "not back-tested yet: no matured window"
    return f"back-test: {test}"
