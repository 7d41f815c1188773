"""What rules must hold before anybody is woken by them, checked when a configuration is read.

A page needs somebody it belongs to and a page that says what to do. Drift alone is never reason enough for one: inputs drift for good
reasons, and drift says nothing of harm. Breaks of the data and the rates of decisions may page, and so may all of step 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from driftline.alerting.defaults import named_by
from driftline.alerting.rules import Rule
from driftline.core.errors import nearest
from driftline.core.ledger import Step
from driftline.core.verdicts import Severity

VERDICT = "verdict"
FAULTY = 1.5
"""Between the values of `verdict`: 1 drifted, 2 faulty."""
GUARDS = frozenset({"unreadable", "missing_rate", "decision_rate"})
"""What steps 2 and 3 measure and may page for: faults of the data, and the rate of decisions."""
DRIFTING = (
    *("verdict", "surprise", "accumulated", "mean", "near_threshold"),
    *("psi", "js", "hellinger", "total_variation", "chi2", "ks", "wasserstein"),
    *("location", "shape", "bin_rate", "level_rate", "missing_rate", "infinite_rate", "far_out_of_range_rate", "out_of_range_rate"),
    *("unseen_rate", "changed_rate", "largest_share", "duplicate_rate", "unit_factor", "decision_rate", "segment_rows", "unreadable"),
)
"""What steps 2 and 3 measure. Those of other comparisons have the same names behind one of `BEFORE`."""
BEFORE = ("", "anchor_", "versions_")
SHARE_NOTED = 0.6
"""A burn rate that takes more than this share of bad requests hardly ever fires."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the alerts of a plan. `where`: the key below `alerts`; `grave`: it cannot stay so."""

    where: str
    what: str
    hint: str
    grave: bool = False


def troubles(
    written: Mapping[str, Rule], defaults: Mapping[str, Rule], *, owned: bool, pages: bool, targets: Mapping[str, float]
) -> list[Trouble]:
    """What is wrong with the rules of a plan, the grave first.

    `written`: what the plan says of rules, by name; `defaults`: the rules it has without saying so. `owned`: whether somebody is
    responsible; `pages`: whether somebody is told of what is critical. `targets`: share of good requests of each serving objective.
    """
    found = list(_unfinished(written, defaults))
    if not found:
        rules = _in_force(written, defaults)
        found = [*_combined(rules), *_settings(rules), *_critical(rules, written, owned=owned), *_burning(rules, targets)]
        found += _unprepared(rules, owned=owned) if pages else []
    return sorted(found, key=lambda trouble: not trouble.grave)


def _unfinished(written: Mapping[str, Rule], defaults: Mapping[str, Rule]) -> Iterator[Trouble]:
    """Rules without a condition that no default rule has the name of."""
    for name, rule in written.items():
        if rule.when is not None or name in defaults:
            continue
        near = nearest(name, defaults)
        guess = f"Did you mean '{near}', which is there already? " if near else ""
        what = f"The rule '{name}' has no condition, and no default rule has its name"
        yield Trouble(f"rules.{name}", what, f"{guess}Write 'when: beyond_limit', or 'when: {{above: 0.05}}'.", grave=True)


def _in_force(written: Mapping[str, Rule], defaults: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules with what the plan changes of the default ones; without those that are switched off."""
    found = dict(defaults)
    for name, rule in written.items():
        said = {field: getattr(rule, field) for field in rule.model_fields_set if field != "name"}
        found[name] = found[name].but(**said) if name in found else rule
    return {name: rule for name, rule in found.items() if rule.enabled}


def _combined(rules: Mapping[str, Rule]) -> Iterator[Trouble]:
    """Rules that speak of others which are not there, or of themselves."""
    for name, rule in rules.items():
        if rule.combines and not named_by(rule):
            yield Trouble(f"rules.{name}.when", f"The rule '{name}' speaks of no rule", "Name some: {any_of: [A, B]}.", grave=True)
        for other in named_by(rule):
            where = f"rules.{name}.when.{rule.condition}"
            if other not in rules:
                near = nearest(other, rules)
                hint = f"Did you mean '{near}'?" if near else "Name a rule that is there and switched on."
                yield Trouble(where, f"The rule '{name}' speaks of '{other[:60]}', and there is no such rule", hint, grave=True)
            elif name in _behind(other, rules):
                yield Trouble(where, f"The rule '{name}' waits for itself", "Name rules that do not speak of it.", grave=True)


def _settings(rules: Mapping[str, Rule]) -> Iterator[Trouble]:
    """Settings of conditions that are always beyond, or never."""
    for name, rule in rules.items():
        said = rule.settings
        if rule.condition == "outside" and said["low"] >= said["high"]:
            what = f"The rule '{name}' is always beyond: {said['low']:g} is not below {said['high']:g}"
            yield Trouble(f"rules.{name}.when.outside", what, "Write the smaller number as 'low'.", grave=True)
        if rule.condition == "changed_by" and not _all_positive(said["share"], said["amount"]):
            hint = "Write 'changed_by: {share: 0.2}', or 'amount'."
            yield Trouble(f"rules.{name}.when.changed_by", f"The rule '{name}' does not say how much may change", hint, grave=True)


def _all_positive(*amounts: float | None) -> bool:
    said = [amount for amount in amounts if amount is not None]
    return bool(said) and min(said) > 0


def _behind(name: str, rules: Mapping[str, Rule]) -> set[str]:
    """A rule with all that it speaks of, through others too."""
    found: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one not in found and one in rules:
            found.add(one)
            left += named_by(rules[one])
    return found


def _critical(rules: Mapping[str, Rule], written: Mapping[str, Rule], *, owned: bool) -> Iterator[Trouble]:
    """Written rules that page and must not, or lack what a page needs."""
    for name, rule in rules.items():
        if name not in written or rule.severity is not Severity.CRITICAL:
            continue
        drifting = [other for other in sorted(_behind(name, rules)) if not _may_page(rules[other])]
        if drifting:
            through = "" if drifting == [name] else f" ('{next(other for other in drifting if other != name)}')"
            guards = ", ".join(sorted(GUARDS))
            hint = f"Make it 'severity: warning', say 'step: performance', or watch {guards}, or 'verdict' with 'when: faulty'."
            what = f"The rule '{name}' speaks of drift alone{through}, and drift alone pages nobody"
            yield Trouble(f"rules.{name}.severity", what, hint, grave=True)
        said = written[name].model_fields_set
        if "severity" not in said and "when" not in said:
            continue  # a default rule that keeps its severity: only a note where nobody has prepared for it
        if not _is_page(rule.runbook):
            what = f"The rule '{name}' is critical and has no runbook"
            hint = "Write 'runbook: https://...' with the page that says what to do, or 'severity: warning'."
            yield Trouble(f"rules.{name}.{'runbook' if rule.runbook else 'severity'}", what, hint, grave=True)
        if not owned:
            what = f"The rule '{name}' is critical, and nobody owns this model"
            yield Trouble(f"rules.{name}.severity", what, "Write 'owner: TEAM', or 'severity: warning'.", grave=True)


def _may_page(rule: Rule) -> bool:
    """Whether what a rule watches by itself is reason enough for a page."""
    if rule.combines or rule.step is Step.PERFORMANCE:
        return True
    if rule.metric and all(metric in GUARDS or (metric == VERDICT and _faulty_alone(rule)) for metric in rule.metric):
        return True
    return rule.step is None and bool(rule.metric) and not any(_fits_drift(metric) for metric in rule.metric if metric not in GUARDS)


def _faulty_alone(rule: Rule) -> bool:
    """Whether a rule on verdicts is beyond for faults only."""
    return rule.condition == "faulty" or (rule.condition == "above" and float(rule.settings["value"]) >= FAULTY)


def _fits_drift(pattern: str) -> bool:
    return any(fnmatchcase(before + metric, pattern) for before in BEFORE for metric in DRIFTING)


def _is_page(runbook: str) -> bool:
    try:
        parts = urlsplit(runbook)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and runbook.isprintable() and " " not in runbook


def _burning(rules: Mapping[str, Rule], targets: Mapping[str, float]) -> Iterator[Trouble]:
    """Burn rates that the objectives of the plan cannot reach, or hardly: all requests bad burn at 1 / (1 - target)."""
    for name, rule in rules.items():
        if rule.condition != "burn_rate":
            continue
        rate = float(rule.settings["rate"])
        for objective, target in targets.items():
            share = rate * (1 - target)
            if share <= SHARE_NOTED or not _watches(rule, objective):
                continue
            grave = share > 1 - 1e-9
            reached = f"all requests bad are {1 / (1 - target):.3g}" if grave else f"that is {share:.0%} bad requests"
            what = f"The rule '{name}' waits for a burn rate of {rate:g}, and with a target of {target:g} {reached}"
            hint = f"Take one of at most {SHARE_NOTED / (1 - target):.2g} for '{objective}', or name other objectives in 'column'."
            yield Trouble(f"rules.{name}.when.burn_rate.rate", what, hint, grave=grave)


def _watches(rule: Rule, objective: str) -> bool:
    """Whether the patterns of a rule fit burn rates of an objective, which are called `availability 14.4x over 1h`."""
    begins = f"{objective} "
    fixed = [re.split(r"[*?\[]", column)[0] for column in rule.column]
    return not fixed or any(begins.startswith(start) or start.startswith(begins) for start in fixed)


def _unprepared(rules: Mapping[str, Rule], *, owned: bool) -> Iterator[Trouble]:
    """Notes about pages of default rules that nobody has prepared for."""
    paging = {name: rule for name, rule in rules.items() if rule.severity is Severity.CRITICAL}
    bare = [name for name, rule in paging.items() if not _is_page(rule.runbook)]
    if bare:
        named = ", ".join(bare[:3]) + (f" and {len(bare) - 3} more" if len(bare) > 3 else "")
        hint = f"Write 'alerts: {{rules: {{{bare[0]}: {{runbook: https://...}}}}}}'."
        yield Trouble("notify.critical", f"Critical alerts have no runbook: {named}", hint)
    if paging and not owned:
        yield Trouble("notify.critical", "Critical alerts are sent, and nobody owns this model", "Write 'owner: TEAM'.")
