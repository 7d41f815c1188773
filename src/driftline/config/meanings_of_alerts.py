"""What the keys about alerts mean, as `meanings` has it for all others; those of conditions come from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from driftline.alerting.conditions import COMBINING, CONDITIONS

RULE = "alerts.rules.*"
_SETTINGS: Mapping[str, tuple[str, str]] = {
    "value": ("the threshold, in the unit of the metric", "0.05"),
    "low": ("the value below which it is outside", "0.10"),
    "high": ("the value above which it is outside", "0.20"),
    "rate": ("how many times as fast as tolerated the budget may be used", "6"),
    "share": ("share of the value before that it may change by", "0.2"),
    "amount": ("how much it may change by, in the unit of the metric", "0.05"),
    "least_rows": ("rows from which on a window that tells of no fault has none", "100"),
    "rule": ("the rule whose alerts are counted", "Slow"),
    "above": ("share of what that rule judges, above which it is too much", "0.3"),
    "least": ("so many must be beyond their limits at least", "3"),
    "rules": ("the rules that it speaks of", "[Slow]"),
}
"""The settings of conditions by their names: what each means, and a value for examples. A test asks for those of a new condition."""
_UNTOLD = ("", "1")


def _rule(settings: str) -> str:
    return f"alerts: {{rules: {{MyRule: {{metric: error_rate, {settings}}}}}}}"


def _channel(settings: str) -> str:
    return f"alerts: {{channels: {{pager: {{{settings}}}}}}}"


def _notify(settings: str) -> str:
    return f"alerts: {{channels: {{pager: {{type: webhook, url: $PAGER_URL}}}}, notify: {settings}}}"


def _conditions() -> Iterator[tuple[str, tuple[str, str]]]:
    """The keys of `when`: each condition with the first sentence that its function says of itself, and its settings."""
    for name in CONDITIONS:
        fields = CONDITIONS.parameters(name).model_fields
        needed = {field: _SETTINGS.get(field, _UNTOLD)[1] for field, info in fields.items() if info.is_required()}
        summary = CONDITIONS.summary(name).split(". ")[0].rstrip(".")
        yield f"{RULE}.when.{name}", (summary[0].lower() + summary[1:], _condition(name, needed or _first(fields)))
        for field in fields:
            meaning, value = _SETTINGS.get(field, _UNTOLD)
            yield f"{RULE}.when.{name}.{field}", (meaning, _condition(name, {**needed, field: value}))


def _first(fields: Mapping[str, object]) -> dict[str, str]:
    return {field: _SETTINGS.get(field, _UNTOLD)[1] for field in list(fields)[:1]}


def _condition(name: str, settings: Mapping[str, str]) -> str:
    said = "{" + ", ".join(f"{field}: {value}" for field, value in settings.items()) + "}"
    when = f"when: {{{name}: {said}}}" if settings else f"when: {name}"
    if name not in COMBINING:
        return _rule(when)
    return f"alerts: {{rules: {{Slow: {{metric: latency_p95, when: beyond_limit}}, MyRule: {{{when}}}}}}}"


ALERTS: Mapping[str, tuple[str, str]] = {
    "alerts": ("step 4: which measurements people are told of, and how", "alerts: {budget: {tickets_per_month: 2}}"),
    "alerts.defaults": ("whether there are the default rules", "alerts: {defaults: false}"),
    "alerts.rules": (
        "rules by name; one of the name of a default rule changes what it says of that and keeps the rest",
        "alerts: {rules: {ColumnDrift: {hold: 3 of 4}}}",
    ),
    f"{RULE}.enabled": ("false switches the rule off", "alerts: {rules: {SegmentDrift: {enabled: false}}}"),
    f"{RULE}.step": ("only what this step measures", _rule("step: performance, when: {above: 0.05}")),
    f"{RULE}.metric": ("names of metrics, or patterns of them; all where left out", _rule("when: {above: 0.05}")),
    f"{RULE}.column": ("names of columns, or patterns of them; all where left out", "alerts: {rules: {ColumnDrift: {column: income_*}}}"),
    f"{RULE}.segment": (
        "all rows together, each segment, or patterns such as channel=*",
        _rule("when: {above: 0.05}, segment: [all, channel=*]"),
    ),
    f"{RULE}.version": ("all versions of the model together, or each by itself", _rule("when: {above: 0.05}, version: each")),
    f"{RULE}.basis": ("what the measurement may rest on", "alerts: {rules: {QualityBelowFloor: {basis: [matured, same_age]}}}"),
    f"{RULE}.least_importance": (
        "only columns of at least this share of importance ('drift.importance')",
        "alerts: {rules: {SchemaBreak: {least_importance: 0.05}}}",
    ),
    f"{RULE}.when": ("the condition; its name alone where it needs no settings", _rule("when: beyond_limit")),
    **dict(_conditions()),
    f"{RULE}.hold": (
        "windows that must be beyond before it fires: 2, '2 of 3', or a duration",
        "alerts: {rules: {ColumnDrift: {hold: 3 of 4}}}",
    ),
    f"{RULE}.clear": (
        "share of the threshold below which it may end, so that it does not flap",
        _rule("when: {above: 0.05}, clear: 0.9"),
    ),
    f"{RULE}.keep_firing_for": (
        "windows that must be clear before it ends, or a duration",
        "alerts: {rules: {ColumnDrift: {keep_firing_for: 2d}}}",
    ),
    f"{RULE}.severity": (
        "critical pages somebody, warning is a ticket, info waits for the digest",
        _rule("when: {above: 0.05}, severity: info"),
    ),
    f"{RULE}.group": ("the kind of problem: alerts of one group are told together", _rule("when: {above: 0.05}, group: serving")),
    f"{RULE}.runbook": (
        "address of the page that says what to do; a critical rule needs one",
        "alerts: {rules: {TrafficAbsent: {runbook: 'https://wiki.example.com/traffic'}}}",
    ),
    f"{RULE}.description": ("what the rule says, in a line", _rule("when: {above: 0.05}, description: More than one in twenty fails")),
    "alerts.budget": ("false alarms that are allowed, from which the limits follow", "alerts: {budget: {pages_per_month: 0.5}}"),
    "alerts.budget.pages_per_month": ("pages a month that may be false", "alerts: {budget: {pages_per_month: 0.5}}"),
    "alerts.budget.tickets_per_month": ("tickets a month that may be false", "alerts: {budget: {tickets_per_month: 2}}"),
    "alerts.budget.over_budget": (
        "digest: what exceeds the budget waits for the digest, and a page becomes a ticket; send: it is sent all the same",
        "alerts: {budget: {over_budget: send}}",
    ),
    "alerts.budget.confirmed": (
        "why pages are wanted although there would have been more of them than the budget allows",
        "alerts: {budget: {confirmed: the outages of March were real}}",
    ),
    "alerts.muted": (
        "known events: alerts on their windows are kept, and nobody is told",
        "alerts: {muted: {black-friday: {from: 2026-11-27, to: 2026-11-30}}}",
    ),
    "alerts.muted.*.from": (
        "its first moment, in UTC unless an offset is written",
        "alerts: {muted: {black-friday: {from: 2026-11-27, to: 2026-11-30}}}",
    ),
    "alerts.muted.*.to": (
        "the first moment after it",
        "alerts: {muted: {black-friday: {from: 2026-11-27, to: '2026-11-27T18:00+01:00'}}}",
    ),
    "alerts.muted.*.column": (
        "columns that it explains, or patterns of them; all alerts where left out",
        "alerts: {muted: {black-friday: {from: 2026-11-27, to: 2026-11-30, column: basket_*}}}",
    ),
    "alerts.repeat": ("after how long a page that nobody has taken is told again", "alerts: {repeat: 12h}"),
    "alerts.channels": ("ways to tell people and other systems, by name", _channel("type: webhook, url: $PAGER_URL")),
    "alerts.channels.*.type": (
        "webhook posts JSON; alertmanager pushes to one; apprise reaches chats and mail by its URLs",
        _channel("type: apprise, url: $CHAT_URL"),
    ),
    "alerts.channels.*.url": (
        "the address; one that holds a secret comes from $NAME or file:PATH",
        _channel("type: webhook, url: $PAGER_URL"),
    ),
    "alerts.channels.*.secret": (
        "key that signs a webhook: $NAME or file:PATH",
        _channel("type: webhook, url: $PAGER_URL, secret: $PAGER_SECRET"),
    ),
    "alerts.channels.*.old_secret": (
        "the key before it, while keys are changed",
        _channel("type: webhook, url: $PAGER_URL, secret: $PAGER_SECRET, old_secret: $PAGER_SECRET_BEFORE"),
    ),
    "alerts.channels.*.routing_key": (
        "routing key of PagerDuty: $NAME or file:PATH",
        _channel("type: webhook, format: pagerduty, routing_key: $PAGERDUTY_KEY"),
    ),
    "alerts.channels.*.format": ("body of a webhook", _channel("type: webhook, url: $PAGER_URL, format: alertmanager")),
    "alerts.channels.*.allow": (
        "hosts in private networks that may be reached, and without https",
        _channel("type: alertmanager, url: 'http://alertmanager:9093', allow: [alertmanager]"),
    ),
    "alerts.channels.*.timeout": ("seconds to wait for an answer", _channel("type: webhook, url: $PAGER_URL, timeout: 5")),
    "alerts.notify": ("the channels that are told; a severity without any is kept and sent nowhere", _notify("{critical: pager}")),
    "alerts.notify.critical": ("channels of pages", _notify("{critical: [pager]}")),
    "alerts.notify.warning": ("channels of tickets", _notify("{warning: [pager]}")),
    "alerts.notify.info": ("channels of what is only worth knowing", _notify("{info: [pager]}")),
    "alerts.notify.digest": ("channels that the digest goes to", _notify("{digest: [pager]}")),
    "alerts.digest_every": ("how often the digest is sent", "alerts: {digest_every: 1d}"),
    "alerts.heartbeat": (
        "secret address that is called after each run, so that its silence is noticed: $NAME or file:PATH",
        "alerts: {heartbeat: $HEARTBEAT_URL}",
    ),
}
"""Dotted keys in the order of the file, `*` for a name: what each means, and a line that uses it."""
