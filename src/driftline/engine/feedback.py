"""Feedback: what people closed as false or expected raises the lines of the monitor, for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from driftline.alerting.defaults import rules_of
from driftline.alerting.precision import raised
from driftline.alerting.records import Stage
from driftline.core.ledger import Step
from driftline.engine.model import ACTIVE, Model, alarms_of

LOOKED_AT = 200
"""Closed incidents that are looked at, the latest of more."""


def with_feedback(model: Model, *, at: datetime) -> Model:
    """The model with its lines raised as they are at a moment. A new reference has new lines: what was closed before it does not count."""
    closed = model.store.incidents(model.name, stages=(Stage.CLOSED,), last=LOOKED_AT)
    if not closed:
        return model
    learned = max((known.stored.made for known in model.references if known.stored.role == ACTIVE), default=None)
    since = [each for each in closed if each.opened <= at and (learned is None or each.acts[-1].at >= learned)]
    rules, length = rules_of(model.plan.alerts), model.tiling.length
    found = {
        step.value: raised(since, step, windows_since=lambda then: (at - then) / length, rate=alarms_of(model, step), rules=rules)
        for step in (Step.DRIFT, Step.PREDICTIONS)
    }
    return replace(model, raised={step: much for step, much in found.items() if much})
