"""`driftline rules show|test`: the rules that are in force, and tests of them from files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config

if TYPE_CHECKING:
    from driftline.alerting.budget import Expected
    from driftline.alerting.rule_tests import Outcome
    from driftline.alerting.rules import Rule
    from driftline.config.load import Loaded

HEAD = ("rule", "severity", "watches", "when", "hold", "clear", "keep", "false/month", "runbook")
_CELLS = {2: 48, 3: 36, 8: 60}


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "rules", allow_abbrev=False, help="what raises alerts, and tests of it", description="The rules that raise alerts."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    display = actions.add_parser(
        "show",
        allow_abbrev=False,
        help="the rules in force",
        description="Prints the rules in force: the default ones and those of the file.",
    )
    add_config(display)
    display.add_argument("--json", action="store_true", help="print them as JSON")
    tests = actions.add_parser(
        "test",
        allow_abbrev=False,
        help="test rules from files",
        description="Plays made-up windows to the rules, and says what did not come.",
    )
    tests.add_argument("files", metavar="FILE", nargs="+", help="tests of rules")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Shows the rules, or tests them: 1 where a test fails. Raises `ConfigError` for a mistake in a file."""
    if arguments.action == "test":
        return run_tests(arguments.files)
    from driftline.config.load import load

    loaded = load(Path(arguments.config), os.environ, secrets=False)
    rules = in_force(loaded)
    chances = expected_of(loaded, rules)
    show(as_json(rules, chances) if arguments.json else as_text(rules, chances))
    return 0


def in_force(loaded: Loaded) -> Mapping[str, Rule]:
    """The rules of a configuration. Raises `ConfigError`."""
    from driftline.alerting.defaults import rules_of
    from driftline.core.errors import ConfigError, UsageError

    try:
        return rules_of(loaded.plan.alerts)
    except UsageError as error:
        raise ConfigError(error.what, where=f"{loaded.path}: alerts.{error.where}", hint=error.hint) from None


def expected_of(loaded: Loaded, rules: Mapping[str, Rule]) -> Mapping[str, Expected]:
    """False alarms of each rule in a month, at most, by what the plan says: how many segments there are only the reference knows."""
    from driftline.alerting.budget import expected
    from driftline.engine.chances import chances_of

    return {each.rule: each for each in expected(rules, chances_of(loaded.plan))}


def as_json(rules: Mapping[str, Rule], chances: Mapping[str, Expected]) -> str:
    """Every rule with all that it says."""
    import json

    found = []
    for name, rule in rules.items():
        fields = {field: _plain(getattr(rule, field)) for field in type(rule).model_fields if field not in ("name", "when", "enabled")}
        said = chances.get(name)
        found.append(
            {
                "name": name,
                "when": {rule.condition: {key: _plain(value) for key, value in rule.settings.items()}},
                **fields,
                "false_alarms_per_month": None if said is None else said.per_month,
                "false_alarms_derivation": "" if said is None else said.derivation,
            }
        )
    return json.dumps(found, indent=2)


def as_text(rules: Mapping[str, Rule], chances: Mapping[str, Expected]) -> str:
    """One line for each rule, the severe ones first."""
    from driftline.report.text import pad, shorten, width

    ranked = sorted(rules.items(), key=lambda item: -item[1].severity.rank)
    lines = [HEAD, *(_line(name, rule, chances.get(name)) for name, rule in ranked)]
    lines = [tuple(shorten(_visible(cell), _CELLS.get(i, 30), "...") for i, cell in enumerate(line)) for line in lines]
    kept = [i for i in range(len(HEAD)) if any(line[i] not in ("", "-") for line in lines[1:])] or list(range(3))
    cells = {i: max(width(line[i]) for line in lines) for i in kept}
    return "\n".join("  ".join(pad(line[i], cells[i]) for i in kept).rstrip() for line in lines)


def _line(name: str, rule: Rule, said: Expected | None) -> tuple[str, ...]:
    number = "-" if said is None or said.per_month is None else f"{said.per_month:.2g}"
    condition = " ".join([rule.condition, *(f"{key}={_word(value)}" for key, value in rule.settings.items() if value is not None)])
    clear = f"{rule.clear:g}" if rule.condition in ("above", "below", "outside", "changed_by", "share_of") else "-"
    return (
        name,
        str(rule.severity),
        watched(rule),
        condition,
        rule.hold,
        clear,
        rule.keep_firing_for,
        number,
        rule.runbook or "-",
    )


def watched(rule: Rule) -> str:
    """What a rule watches, in a few words."""
    from driftline.core.records import Basis

    if rule.combines:
        return "other rules"
    parts = [str(rule.step or "any step"), ", ".join(rule.metric) or "any metric"]
    parts += [f"of {', '.join(rule.column)}"] * bool(rule.column)
    parts += [f"in {', '.join(rule.segment)}"] * (rule.segment != ("all",))
    parts += ["of each version"] * (rule.version != "all")
    if rule.basis != (Basis.OBSERVED, Basis.MATURED):
        parts.append("on any basis" if set(rule.basis) == set(Basis) else f"({', '.join(map(str, rule.basis))})")
    parts += [f"importance >= {rule.least_importance:g}"] * bool(rule.least_importance)
    return " ".join(parts)


def run_tests(files: Sequence[str]) -> int:
    """Plays the tests of all files. All files are read before the first is played."""
    from driftline.alerting.rule_tests import Setting, run
    from driftline.config.load import load
    from driftline.config.rule_tests import read_rule_tests
    from driftline.core.durations import duration

    plays = []
    for name in files:
        file = read_rule_tests(Path(name))
        loaded = load(file.config, os.environ, secrets=False)
        rules = in_force(loaded)
        file.check(rules)
        plan = loaded.plan
        setting = Setting(file.window or duration(plan.windows.base), plan.model, plan.drift.importance)
        plays += [(test, rules, setting) for test in file.tests]
    outcomes = [run(test, rules, setting) for test, rules, setting in plays]
    lines = [line for outcome in outcomes for line in told(outcome)]
    failed = sum(bool(outcome.misses) for outcome in outcomes)
    lines.append(
        f"{failed} of {len(outcomes)} tests failed" if failed else f"{len(outcomes)} {'tests hold' if len(outcomes) > 1 else 'test holds'}"
    )
    show("\n".join(map(_visible, lines)))
    return 1 if failed else 0


def told(outcome: Outcome) -> list[str]:
    """One line for a test that holds; for one that failed what was expected, what came, and the states of all windows."""
    from driftline.alerting.rule_tests import UNWATCHED, name_of
    from driftline.report.text import pad, width

    if not outcome.misses:
        return [f"ok      {outcome.test.name}"]
    lines = [f"FAILED  {outcome.test.name}"]
    for miss in outcome.misses:
        wanted = miss.expected
        lines.append(f"  {wanted.where}: window {wanted.window}, {wanted}: expected {wanted.state or UNWATCHED}, came {miss.came}")
    rules = dict.fromkeys(miss.expected.rule for miss in outcome.misses)
    rows = [(f"{key.rule} ({name_of(key)})", _runs(states)) for key, states in outcome.states.items() if key.rule in rules]
    cells = max((width(name) for name, _ in rows), default=0)
    return lines + [f"    {pad(name, cells)}  {states}" for name, states in rows]


def _runs(states: Sequence[str]) -> str:
    """States of window after window, those in a row as one: `1-3 ok, 4 firing`."""
    found: list[tuple[int, int, str]] = []
    for at, state in enumerate(states, 1):
        if found and found[-1][2] == state:
            found[-1] = (found[-1][0], at, state)
        else:
            found.append((at, at, state))
    return ", ".join(f"{first} {state}" if first == last else f"{first}-{last} {state}" for first, last, state in found)


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value  # of an enumeration, its text


def _visible(text: str) -> str:
    from driftline.report.text import visible

    return visible(text)
