"""What the false alarms of a model follow from, by its plan."""

from __future__ import annotations

from driftline.alerting.budget import Chances
from driftline.config.plan import Plan
from driftline.core.durations import duration
from driftline.core.ledger import Step
from driftline.engine.model import quality_alpha
from driftline.performance.slo import SloSpec, burns_for
from driftline.profiles.tiling import MONTH


def chances_of(plan: Plan, *, segments: int = 0) -> Chances:
    """The chances of a plan. `segments`: those that the reference has, where it is known."""
    base = duration(plan.windows.base)
    objectives = [each for each in (plan.serving.availability, plan.serving.latency) if each is not None]
    return Chances(
        windows=MONTH / base,
        base=base,
        alarms={step: plan.false_alarms(step) for step in (Step.DRIFT, Step.PREDICTIONS)},
        quality=quality_alpha(plan),
        burns=sum(len(burns_for(SloSpec(target=each.target, window=each.window), base)) for each in objectives),
        segments=segments,
        importance=plan.drift.importance,
    )
