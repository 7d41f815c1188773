"""Late labels: whether they come as they should, when a window is final, and how a young one compares with others at the same age.

A window is `matured` once its last prediction is as old as the labels need. Until then its labels are a part of what will come, and not
just any part: so it is compared with what was known of matured windows at the same age, and with nothing else (`same_age`). The ages are
the checkpoints of the cohorts; `age` is always that of the youngest prediction of a window, the time since its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from operator import add

from driftline.core.durations import written
from driftline.core.records import ALL_ROWS, Basis, Measurement, Scope, Segment, Status, Window
from driftline.performance.counts import binomial_tails
from driftline.performance.intervals import wilson
from driftline.performance.labels import LabelKind, LabelSpec
from driftline.performance.operational import SHOWN
from driftline.performance.shares import LEAST, NormalShare, normal_share
from driftline.performance.step import TOLERATED_SHARE, PerformanceSpec, performance
from driftline.profiles.cohort import Cohort
from driftline.profiles.outcomes import Summary, zero

ALPHA = 1e-4
"""Probability that a number of a normal label feed is beyond its limit by chance."""
TOLERATED_COVERAGE = 0.05
"""The share of the expected rows by which coverage may fall short of the normal however certain the difference is."""
LEAST_ROWS = 30


def matured(cohort: Cohort, window: Window, as_of: datetime, spec: LabelSpec, segment: Segment = ALL_ROWS) -> Summary | None:
    """How right the predictions of a window were, by final labels; None as long as they are not final, or where there are none.

    Of events, rows without a label count as negative.
    """
    if spec.kind is LabelKind.NONE or as_of - window.end < spec.maturity:
        return None
    return _final(cohort, spec, segment)


def label_health(cohort: Cohort, past: Sequence[Cohort], scope: Scope, spec: LabelSpec, age: timedelta) -> list[Measurement]:
    """Whether labels come as they should: coverage (of outcomes), observability, lags, and what is odd about them, where anything is.

    `past` are matured cohorts of windows before this one. Nothing for a model without labels.
    """
    if spec.kind is LabelKind.NONE:
        return []
    found = [] if spec.kind is LabelKind.EVENT else [_coverage(cohort, past, scope, spec, age)]
    note = "rows that can ever get a label, of all; quality speaks of them only"
    found.append(_share("observability", cohort.eligible, cohort.rows, scope, note))
    young = "; of those known so far, the late ones are still to come" if age < spec.maturity else ""
    for name, share in (("label_lag_p50", 0.5), ("label_lag_p95", 0.95)):
        value, n = cohort.lags.quantile(share), cohort.lags.count
        status = Status.NODATA if value is None else Status.OK
        words = f"seconds from the prediction to its label, to 1 %{young}" if n else "no label with a time yet"
        found.append(Measurement(name, value, scope, n, status=status, note=words))
    odd = (
        ("corrected_labels", cohort.corrected, cohort.labelled, "labels that were another before, of all labels"),
        ("unfit_labels", cohort.unfit, cohort.labelled, "labels that are no class, or no number, of the model, of all labels"),
        (
            "unexpected_labels",
            cohort.unexpected,
            cohort.unexpected + cohort.labelled,
            "labels of rows that are not eligible, of all labels",
        ),
    )
    return found + [_share(name, part, whole, scope, words) for name, part, whole, words in odd if part]


def orphan_share(labels: int, orphans: int, scope: Scope, spec: LabelSpec) -> Measurement:
    """Labels without a prediction, of all labels known in some stretch of time. Beyond where chance does not explain them."""
    note = f"{orphans:,} of {labels:,} labels have no prediction: a join key that broke, or predictions that come later"
    found = _share("orphan_share", orphans, labels, scope, note)
    if not labels:
        return replace(found, limit=spec.max_orphans)
    p = binomial_tails(orphans, labels, spec.max_orphans)[1]
    known = p <= ALPHA or labels >= LEAST_ROWS
    return replace(
        found,
        limit=spec.max_orphans,
        status=Status.OK if known else Status.INSUFFICIENT,
        beyond=p <= ALPHA if known else None,
        note=f"{note}; probability at {spec.max_orphans:g}: {p:.2g}",
    )


def quality(
    cohort: Cohort,
    past: Sequence[Cohort],
    reference: Summary | None,
    scope: Scope,
    spec: LabelSpec,
    performance_spec: PerformanceSpec,
    *,
    age: timedelta,
) -> list[Measurement]:
    """How right the predictions of one window are: by final labels against the reference, or while it is young against others that were.

    `past` are matured cohorts of windows before this one; `reference` is that of the scope's segment. A young window is not compared by
    segment, and has no measurements before the first checkpoint.
    """
    if spec.kind is LabelKind.NONE:
        return []
    if age >= spec.maturity:
        found = performance(_final(cohort, spec, scope.segment), reference, scope, performance_spec)
        how = f"final after {written(spec.maturity)}, {cohort.labelled:,} of {cohort.expected:,} expected labels known"
        how += ", no news is a negative" if spec.kind is LabelKind.EVENT else ""
        return [replace(each, basis=Basis.MATURED, note=f"{how}; {each.note}") for each in found]
    at = _checkpoint(cohort, age)
    return [] if at is None or scope.segment else same_age(cohort, past, scope, spec, performance_spec, at=at)


def same_age(
    cohort: Cohort, past: Sequence[Cohort], scope: Scope, spec: LabelSpec, performance_spec: PerformanceSpec, *, at: int
) -> list[Measurement]:
    """A young window by the labels known at checkpoint `at`, against matured windows by those known at the same age.

    Insufficient where there are fewer than four of them: such a number means nothing by itself.
    """
    others = _comparable(cohort, past)
    enough = len(others) >= LEAST
    before = reduce(add, (other.by_age[at] for other in others)) if enough else None
    how = f"labels known at {_age(cohort, at)} of age, against {len(others)} windows at that age"
    found = []
    for each in performance(cohort.by_age[at], before, scope, performance_spec):
        status = each.status if enough or each.status is Status.NODATA else Status.INSUFFICIENT
        found.append(replace(each, basis=Basis.SAME_AGE, status=status, note=f"{how}; {each.note}" if enough else _too_few(others)))
    if spec.kind is LabelKind.EVENT:
        found.append(_positive_share(cohort, others, scope, performance_spec, at))
    return found


def _positive_share(cohort: Cohort, others: Sequence[Cohort], scope: Scope, spec: PerformanceSpec, at: int) -> Measurement:
    """Events known at this age, of all expected rows: far fewer than usual is a feed that broke, more is a world that turned."""
    part, n = int(cohort.positives[: at + 1].sum()), cohort.expected
    found = _share("positive_share", part, n, scope, f"events known at {_age(cohort, at)} of age, of the rows that expect a label")
    found = replace(found, basis=Basis.SAME_AGE)
    normal = normal_share([(int(other.positives[: at + 1].sum()), other.expected) for other in others])
    if found.value is None or normal is None or n < LEAST_ROWS:
        status = Status.NODATA if not n else Status.INSUFFICIENT
        return replace(found, status=status, note=_too_few(others) if normal is None else found.note)
    tolerated = spec.tolerated_share.get("observed_expected", TOLERATED_SHARE["observed_expected"])
    low, high = normal.limits(n, spec.alpha / 2)
    low, high = min(low, normal.share * (1 - tolerated)), max(high, normal.share * (1 + tolerated))
    below = found.value < normal.share
    silent = "" if part else "no event is known: see whether labels still come; "
    chance = f"chance {spec.alpha:.2g}, tolerated {tolerated:.0%}"
    note = f"{silent}{found.note}; {_normal(normal)}, {low:.3g} to {high:.3g} is normal ({chance})"
    return replace(found, limit=low if below else high, beyond=found.value < low or found.value > high, note=note)


def _coverage(cohort: Cohort, past: Sequence[Cohort], scope: Scope, spec: LabelSpec, age: timedelta) -> Measurement:
    """Labelled rows of the expected ones, at the last checkpoint that all rows have reached, and at all ages once the window is final.

    Its limit is what earlier windows had at that age, less what chance and scatter or the tolerated shortfall allow; once final no less
    than what the labels were declared to reach.
    """
    n, at, final = cohort.expected, _checkpoint(cohort, age), age >= spec.maturity
    if final or at is None:
        known, note = cohort.labelled, "labelled rows, of those that expect a label"
    else:
        known, note = cohort.known(at), f"rows labelled at {_age(cohort, at)} of age, of those that expect a label"
    found = _share("coverage", known, n, scope, note)
    others = _comparable(cohort, past)
    normal = None if at is None else normal_share([(other.labelled if final else other.known(at), other.expected) for other in others])
    limits = []
    if normal is not None and n:
        low = min(normal.limits(n, ALPHA)[0], normal.share - TOLERATED_COVERAGE)
        limits.append((low, known < low * n, f"{_normal(normal)} at that age"))
    if final:
        p = binomial_tails(known, n, spec.expected_coverage)[0]
        limits.append((spec.expected_coverage, p <= ALPHA, f"declared {spec.expected_coverage:g}, probability of so few {p:.2g}"))
    if not n:
        return found
    if not limits or n < LEAST_ROWS:
        few = f"fewer than {LEAST_ROWS} rows expect a label" if n < LEAST_ROWS else "too young" if at is None else _too_few(others)
        return replace(found, status=Status.INSUFFICIENT, note=f"{note}; {few}")
    why = "; ".join(words for _, _, words in limits)
    if max(limit for limit, _, _ in limits) <= 0:
        return replace(found, status=Status.INSUFFICIENT, note=f"{note}; {why}; not even none would be too few")
    beyond = any(crossed for _, crossed, _ in limits)
    return replace(found, limit=max(0.0, *(limit for limit, _, _ in limits)), beyond=beyond, note=f"{note}; {why}")


def _final(cohort: Cohort, spec: LabelSpec, segment: Segment) -> Summary:
    known = cohort.outcomes.get(segment, zero(cohort.plan))
    silent = cohort.silent.get(segment) if spec.kind is LabelKind.EVENT else None
    return known if silent is None else known + silent


def _comparable(cohort: Cohort, past: Sequence[Cohort]) -> list[Cohort]:
    """The cohorts of the past with rows that were counted in the same way."""
    return [other for other in past if other.expected and other.checkpoints == cohort.checkpoints and other.plan == cohort.plan]


def _checkpoint(cohort: Cohort, age: timedelta) -> int | None:
    """The position of the last checkpoint that all rows have reached, None before the first."""
    nanoseconds = age // timedelta(microseconds=1) * 1000
    reached = [at for at, checkpoint in enumerate(cohort.checkpoints) if checkpoint <= nanoseconds]
    return reached[-1] if reached else None


def _share(metric: str, part: int, whole: int, scope: Scope, note: str) -> Measurement:
    """A share with Wilson's 95 % interval; no data where there is nothing to have a share of."""
    if not whole:
        return Measurement(metric, None, scope, 0, status=Status.NODATA, note=note)
    low, high = wilson(part, whole, SHOWN)
    return Measurement(metric, part / whole, scope, whole, low=low, high=high, note=note)


def _age(cohort: Cohort, at: int) -> str:
    return written(timedelta(microseconds=cohort.checkpoints[at] // 1000))


def _normal(normal: NormalShare) -> str:
    return f"{normal.windows} earlier windows had {normal.share:.3g}"


def _too_few(others: Sequence[Cohort]) -> str:
    return f"{len(others)} matured windows to compare with at this age, and {LEAST} are needed"
