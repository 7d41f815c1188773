"""The rules a model gets without writing any, and how written ones join them.

Severity follows one policy: what serves wrongly now, or is proven wrong, pages; drift alone never does. Breaks of inputs page only on
columns that the plan calls important; on all others they are tickets, by `ColumnFaulty`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from driftline.alerting.rules import EACH, Rule
from driftline.alerting.spec import AlertsSpec
from driftline.core.errors import UsageError
from driftline.core.ledger import Step
from driftline.core.records import Basis
from driftline.core.verdicts import Severity

IMPORTANT = 0.1
"""Share of importance from which a break of a column pages."""
WIDE = 0.3
"""Share of the columns that drift at once from which it is told as one."""

_BEYOND: Mapping[str, Any] = {"when": {"beyond_limit": {}}}
_PERFORMANCE: Mapping[str, Any] = {"step": Step.PERFORMANCE}
_INPUTS: Mapping[str, Any] = {"step": Step.DRIFT, "group": "inputs"}
_OUTPUT: Mapping[str, Any] = {"step": Step.PREDICTIONS, "group": "inputs"}
_LASTING: Mapping[str, Any] = {"hold": "2 of 3", "keep_firing_for": "3"}
_FAULTY: Mapping[str, Any] = {"metric": ("verdict",), "when": {"faulty": {}}, "keep_firing_for": "2"}
_DRIFTED: Mapping[str, Any] = {"metric": ("verdict",), "when": {"drifted": {}}, **_LASTING}
_PAGE: Mapping[str, Any] = {"severity": Severity.CRITICAL}
_INFO: Mapping[str, Any] = {"severity": Severity.INFO}
_BREAK: Mapping[str, Any] = {**_BEYOND, "least_importance": IMPORTANT, "keep_firing_for": "2", **_PAGE}

_RULES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "TrafficAbsent": (
        "far fewer predictions than this hour usually has",
        {**_PERFORMANCE, **_BEYOND, "metric": ("absence",), "group": "traffic", **_PAGE},
    ),
    "TrafficUnusual": (
        "more or fewer predictions than this hour usually has",
        {**_PERFORMANCE, **_BEYOND, "metric": ("requests",), "group": "traffic", **_INFO},
    ),
    "SegmentAbsent": (
        "a segment that should have rows has none",
        {"step": Step.DRIFT, **_BEYOND, "metric": ("segment_rows",), "segment": (EACH,), "group": "traffic", "keep_firing_for": "2"},
    ),
    "ServingFastBurn": (
        "the error budget is used up so fast that a part of it is gone within hours",
        {
            **_PERFORMANCE,
            "metric": ("burn_rate",),
            "column": ("* 14.4x over *", "* 6x over *"),
            "when": {"burn_rate": {}},
            "group": "serving",
            **_PAGE,
        },
    ),
    "ServingSlowBurn": (
        "the error budget is used up faster than it should last",
        {**_PERFORMANCE, "metric": ("burn_rate",), "column": ("* 1x over *",), "when": {"burn_rate": {}}, "group": "serving"},
    ),
    "SchemaBreak": ("an important input is gone or has another type", {**_INPUTS, **_BREAK, "metric": ("unreadable",)}),
    "NullSpike": ("an important input is missing far more often than usual", {**_INPUTS, **_BREAK, "metric": ("missing_rate",)}),
    "ColumnFaulty": ("an input is broken: missing, constant, in another unit, out of range", {**_INPUTS, **_FAULTY}),
    "ColumnDrift": ("an input has drifted", {**_INPUTS, **_DRIFTED}),
    "WideDrift": (
        "so many inputs drift at once that they have one cause",
        {**_INPUTS, **_LASTING, "when": {"share_of": {"rule": "ColumnDrift", "above": WIDE}}},
    ),
    "SegmentFaulty": ("an input is broken in a segment", {**_INPUTS, **_FAULTY, "segment": (EACH,), **_INFO}),
    "SegmentDrift": ("an input has drifted in a segment", {**_INPUTS, **_DRIFTED, "segment": (EACH,), **_INFO}),
    "AnchorDrift": ("an input has moved away from the first reference", {**_INPUTS, **_DRIFTED, "metric": ("anchor_verdict",), **_INFO}),
    "PredictionsMissing": (
        "predictions are missing, or cannot be read",
        {**_OUTPUT, **_BEYOND, "metric": ("missing_rate", "unreadable"), "keep_firing_for": "2", "group": "traffic", **_PAGE},
    ),
    "PredictionFaulty": ("predictions are broken: constant, out of range", {**_OUTPUT, **_FAULTY}),
    "PredictionDrift": ("the predictions have drifted", {**_OUTPUT, **_DRIFTED}),
    "DecisionRate": ("another share of decisions than usual", {**_OUTPUT, **_BEYOND, "metric": ("decision_rate",), **_LASTING}),
    "QualityBelowFloor": (
        "by final labels the model is worse than is tolerated",
        {**_PERFORMANCE, **_BEYOND, "basis": (Basis.MATURED,), "group": "quality", **_LASTING, **_PAGE},
    ),
    "QualityEarly": (
        "by the labels known so far the model is worse than others were at this age",
        {**_PERFORMANCE, **_BEYOND, "basis": (Basis.SAME_AGE,), "group": "quality", "hold": "2 of 3", "keep_firing_for": "2"},
    ),
    "QualityEstimated": (
        "without labels the model seems worse than is tolerated",
        {**_PERFORMANCE, **_BEYOND, "basis": (Basis.ESTIMATED,), "group": "quality", **_LASTING, **_INFO},
    ),
    "LabelFeedLate": (
        "fewer labels have come than at this age usually have",
        {**_PERFORMANCE, **_BEYOND, "metric": ("coverage",), "group": "labels", "keep_firing_for": "2", "waits": True},
    ),
    "OrphanLabels": (
        "labels come without a prediction",
        {**_PERFORMANCE, **_BEYOND, "metric": ("orphan_share",), "group": "labels", "keep_firing_for": "2", "waits": True},
    ),
    "EvaluationFailed": (
        "something could not be measured because of an error",
        {"when": {"failed": {}}, "segment": ("all", EACH), "basis": tuple(Basis), "group": "monitor"},
    ),
}

DEFAULT_NAMES = tuple(_RULES)


def default_rules() -> dict[str, Rule]:
    """The default rules by name."""
    return {name: Rule(name=name, description=text, **values) for name, (text, values) in _RULES.items()}


def rules_of(spec: AlertsSpec) -> dict[str, Rule]:
    """The rules in force, by name: the default ones with what the plan changes of them, then its own. Those switched off are left out.

    Raises `UsageError` for a rule without a condition, and for one that speaks of a rule which does not exist.
    """
    found = default_rules() if spec.defaults else {}
    for name, rule in spec.rules.items():
        said = {field: getattr(rule, field) for field in rule.model_fields_set if field != "name"}
        if "when" not in said and name not in found:
            if not rule.enabled:
                continue
            hint = "Write 'when: beyond_limit', or 'when: {above: 0.05}'."
            raise UsageError(f"The rule '{name}' has no condition", where=f"rules.{name}", hint=hint)
        found[name] = found[name].but(**said) if name in found else rule.but(name=name)
    found = {name: rule if rule.group else rule.but(group=name) for name, rule in found.items() if rule.enabled}
    for name, rule in found.items():
        for other in named_by(rule):
            if other not in found:
                raise UsageError(f"The rule '{name}' speaks of '{other}', which is no rule", where=f"rules.{name}", hint="Check its name.")
    return found


def rules_digest(rules: Mapping[str, Rule]) -> str:
    """16 hexadecimal digits that stand for what all rules say."""
    said = {name: rule.model_dump(mode="json") for name, rule in sorted(rules.items())}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def named_by(rule: Rule) -> tuple[str, ...]:
    """The rules that a combining rule speaks of."""
    if not rule.combines:
        return ()
    settings = rule.settings
    return tuple(settings["rules"]) if "rules" in settings else (str(settings["rule"]),)
