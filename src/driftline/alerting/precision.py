"""How often rules are right: counted from incidents that people have closed, and what follows from it.

    precision(incidents) -> (Precision, ...)      proposal(rule, incidents) -> str      raised(incidents, step, ...) -> float

An incident counts for the rule of its leader, the alert that people were told of first; one that was closed as a duplicate counts nowhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist

from driftline.alerting.incidents import leader
from driftline.alerting.records import Closing, Incident, Sight
from driftline.alerting.rules import Rule
from driftline.core.ledger import Step

ENOUGH = 5
"""Closed incidents from which on a rule is judged."""
WRONG = 0.5
MARGIN = 1.1
"""A proposed threshold is so many times the strongest false alarm."""
MONITOR = ("surprise", "accumulated", "verdict", "anchor_verdict")
"""What the monitor and the verdicts of steps 2 and 3 are called as metrics."""
DRIFTED = 1.0
"""The verdict of drift: one that is larger is a fault, and no line of the monitor moves for it."""
MOST_RAISED = 3.0
RULE_STEPS: Mapping[str, Step] = {
    "ColumnDrift": Step.DRIFT,
    "SegmentDrift": Step.DRIFT,
    "WideDrift": Step.DRIFT,
    "PredictionDrift": Step.PREDICTIONS,
}
"""Default rules on drift, where no rules are given to ask."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the closed incidents that a rule led, how many were real and how many were not; the share of real ones with a 95 % interval."""

    rule: str
    real: int
    false: int
    share: float
    low: float
    high: float


def precision(incidents: Iterable[Incident]) -> tuple[Precision, ...]:
    """How often each rule was right, in order of their names."""
    found = []
    for rule, closed in sorted(_closings(incidents).items()):
        real = sum(was_real for _, was_real in closed)
        low, high = wilson(real, len(closed))
        found.append(Precision(rule, real, len(closed) - real, real / len(closed), low, high))
    return tuple(found)


def proposal(rule: Rule, incidents: Iterable[Incident]) -> str:
    """A sentence that proposes another threshold for a rule which is mostly wrong; empty where it is not, or where too little is known."""
    closed = _closings(incidents).get(rule.name, [])
    real = [sight for sight, was_real in closed if was_real]
    false = [sight for sight, was_real in closed if not was_real]
    if len(closed) < ENOUGH or len(real) / len(closed) >= WRONG:
        return ""
    low, high = wilson(len(real), len(closed))
    start = f"{rule.name} was right in {len(real)} of {len(closed)} closed incidents ({low:.0%} to {high:.0%})"
    threshold = _threshold(rule, false)
    if threshold is None:
        k, n = rule.held(closed[0][0].window.end - closed[0][0].window.start)
        return f"{start}: its limit is not a number of yours, so let it hold longer ('hold: {k + 1} of {n + 2}') or make it less severe"
    kept = sum(_is_beyond(rule, sight, threshold) for sight in real)
    still = sum(_is_beyond(rule, sight, threshold) for sight in false)
    what = f"'{rule.condition}: {threshold:.3g}' instead of {float(rule.settings['value']):.3g}"
    return f"{start}: {what} would have kept {kept} of {len(real)} real and {still} of {len(false)} false ones"


def raised(
    incidents: Iterable[Incident],
    step: Step,
    *,
    windows_since: Callable[[datetime], float],
    rate: float,
    rules: Mapping[str, Rule] | None = None,
) -> float:
    """By how much the lines of the monitor are raised: 1 for each incident that drift has led and somebody closed as false or expected,
    less `rate` for every window since, never below 0 and never above 3.

    `windows_since(moment)` counts windows from an event time to now; `rate` is how many false alarms one window may raise.
    """
    at = sorted(
        (incident.opened for incident in incidents if _is_false_drift(incident, step, rules or {})), key=windows_since, reverse=True
    )
    level, since = 0.0, math.inf
    for moment in at:
        left = windows_since(moment)
        quiet = since - left if math.isfinite(since) else 0.0
        level = min(MOST_RAISED, max(0.0, level - rate * quiet) + 1.0)
        since = left
    return max(0.0, level - rate * since) if at else 0.0


def wilson(part: int, whole: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927); from 0 to 1 where nothing was counted."""
    if not whole:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, shrink = part / whole, 1 + z * z / whole
    middle = (share + z * z / (2 * whole)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def _closings(incidents: Iterable[Incident]) -> dict[str, list[tuple[Sight, bool]]]:
    """By rule, the strongest sight of each closed incident that it led, and whether it was real."""
    found: dict[str, list[tuple[Sight, bool]]] = defaultdict(list)
    for incident in incidents:
        real = None if incident.closing is None else incident.closing.is_real
        lead = leader(incident.members)
        if real is not None and lead is not None:
            found[lead.key.rule].append((lead.strongest, real))
    return found


def _threshold(rule: Rule, false: Sequence[Sight]) -> float | None:
    """Just beyond the strongest false alarm; None where the rule has no threshold that somebody wrote."""
    values = [sight.value for sight in false if sight.value is not None]
    if rule.condition not in ("above", "below") or not values:
        return None
    value, up = (max(values), True) if rule.condition == "above" else (min(values), False)
    return value * MARGIN if (value > 0) == up else value / MARGIN


def _is_beyond(rule: Rule, sight: Sight, threshold: float) -> bool:
    if sight.value is None:
        return False
    return sight.value > threshold if rule.condition == "above" else sight.value < threshold


def _is_false_drift(incident: Incident, step: Step, rules: Mapping[str, Rule]) -> bool:
    """Whether drift of this step has led an incident that was closed as false or expected."""
    lead = leader(incident.members)
    if lead is None or incident.closing not in (Closing.FALSE_ALARM, Closing.EXPECTED_EVENT):
        return False
    rule = rules.get(lead.key.rule)
    found = rule.step if rule is not None else RULE_STEPS.get(lead.key.rule)
    watched = lead.key.metric in MONITOR or lead.key.rule in RULE_STEPS
    return watched and found is step and (lead.key.metric != "verdict" or (lead.strongest.value or 0.0) <= DRIFTED)
