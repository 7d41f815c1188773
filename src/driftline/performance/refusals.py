"""When nothing is estimated: what speaks against an estimate before its own labels are there, in a sentence."""

from __future__ import annotations

from statistics import NormalDist

from driftline.core.errors import IncompatibleProfiles
from driftline.performance.back_test import BackTest, BackTests
from driftline.performance.estimator import ESTIMATED, Estimator, Refusal
from driftline.performance.novelty import dependence_gap, novel_share
from driftline.performance.step import HEADLINES, METRICS, SHOWN_CONFIDENCE, PerformanceSpec, tolerated_loss
from driftline.profiles.outcomes import Summary, Task
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference

MOST_NOVEL = 0.05
"""Share of rows of the prediction or a top column that the reference may not know."""
Z = NormalDist().inv_cdf((1 + SHOWN_CONFIDENCE) / 2)


def refused(
    estimator: Estimator | Refusal, current: Profile, reference: Reference, back_test: BackTests | None, spec: PerformanceSpec
) -> str:
    """Why nothing is estimated for these rows, in one sentence; empty where something is.

    Raises `IncompatibleProfiles` where estimator, reference and rows were made with different schemas.
    """
    if isinstance(estimator, Refusal):
        return estimator.reason
    if not estimator.schema_id == current.schema.id == reference.schema.id:
        raise IncompatibleProfiles(
            "An estimator, its reference and the rows it is asked about were made with different schemas",
            hint="Learn the estimator again from this reference.",
        )
    by_name = current.schema.by_name
    for name in estimator.top:
        share = novel_share(current, reference.profile, by_name[name])
        if share > MOST_NOVEL:
            return (
                f"{share:.1%} of the rows have a value of '{name}' that the reference does not know (missing, out of range or unseen), "
                f"and at most {MOST_NOVEL:.0%} may"
            )
    return _contradicted(estimator, reference, back_test or {}, spec) or _otherwise_dependent(estimator, current, reference, spec)


def _contradicted(estimator: Estimator, reference: Reference, tests: BackTests, spec: PerformanceSpec) -> str:
    """What matured labels say against the estimates."""
    assert reference.profile.outcomes is not None
    for metric in spec.headline or HEADLINES[estimator.task]:
        if metric == "observed_expected" or metric not in ESTIMATED[estimator.task]:
            continue
        if reason := too_far(metric, tests.get(metric), reference.profile.outcomes, spec):
            return reason
    drift = tests.get("observed_expected")
    loss = tolerated_loss("observed_expected", reference.profile.outcomes, spec) if estimator.task is Task.BINARY else None
    if drift is not None and loss is not None and drift.shift(Z) > loss:
        return (
            f"scores are no longer calibrated: over {drift.windows} matured windows the observed positives over the expected are "
            f"{abs(drift.bias):.2g} {'below' if drift.bias > 0 else 'above'} what was estimated, more than the tolerated {loss:.2g}"
        )
    return ""


def too_far(metric: str, test: BackTest | None, outcomes: Summary, spec: PerformanceSpec) -> str:
    """Why one metric is not estimated: its back-test is off by more than half of its tolerated loss. Empty where it is not."""
    loss = tolerated_loss(metric, outcomes, spec) if metric in METRICS else None
    if test is None or not test.conclusive or loss is None or test.error <= loss / 2:
        return ""
    return f"estimates of {metric} were {test}, more than half the tolerated loss of {loss:.2g}"


def _otherwise_dependent(estimator: Estimator, current: Profile, reference: Reference, spec: PerformanceSpec) -> str:
    """Whether the columns go together so differently that the sum of their effects may miss half of the tolerated loss."""
    if not estimator.losses:
        return ""
    assert reference.profile.outcomes is not None
    metric, model = next(iter(estimator.losses.items()))
    loss, gap = tolerated_loss(metric, reference.profile.outcomes, spec), dependence_gap(estimator.dependence, current)
    if loss is None or gap * model.constant <= loss / 2:
        return ""
    return (
        f"the columns go together differently than in the reference: the prediction is {gap:.2g} standard deviations from what they say "
        "one by one, so a sum of their effects would mislead"
    )
