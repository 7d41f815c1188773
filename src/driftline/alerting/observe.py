"""What the measurements of a window say to the rules: a sight of every identity that a rule watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from driftline.alerting.conditions import Evidence
from driftline.alerting.records import Alert, Key, Level, Sight
from driftline.alerting.rules import Rule
from driftline.core.ledger import Step
from driftline.core.records import ALL_ROWS, Basis, Measurement, Status, Window

LIMITED = frozenset({"beyond_limit", "burn_rate"})
"""Conditions on calibrated limits: what has none is only shown, and no rule watches it."""
LATE = frozenset({Basis.MATURED, Basis.SAME_AGE})
"""What rests on labels is measured when they have come: that it is not there says nothing."""
_RANK = {Level.BEYOND: 3, Level.BETWEEN: 2, Level.CLEAR: 1, Level.UNKNOWN: 0}


@dataclass(frozen=True, slots=True)
class Look:
    """The measurements of one step in one window, and those that stood there before, where it was evaluated again."""

    step: Step
    measurements: Sequence[Measurement]
    before: Sequence[Measurement] | None = None


@dataclass(frozen=True, eq=False)
class Watchers:
    """Rules, found quickly by what they watch."""

    rules: Mapping[str, Rule]
    importance: Mapping[str, float]
    _found: dict[tuple[Step, str, Basis], list[Rule]] = field(default_factory=dict)

    def of(self, step: Step, measurement: Measurement) -> Iterable[tuple[Rule, Key]]:
        """The rules that watch a measurement, each with the identity that it is to them."""
        name = (step, measurement.metric, measurement.basis)
        if name not in self._found:
            self._found[name] = [rule for rule in self.rules.values() if rule.watches(step, measurement.metric, measurement.basis)]
        for rule in self._found[name]:
            key = rule.key_of(step, measurement, self.importance)
            if key is not None:
                yield rule, key


def sights(watchers: Watchers, step: Step, measurements: Sequence[Measurement], window: Window, known: Mapping[Key, Alert]) -> list[Sight]:
    """Of each identity that is watched what this window says, the worst where several measurements speak of it. `known`: alerts of now."""
    found: dict[Key, Sight] = {}
    for measurement in measurements:
        for rule, key in watchers.of(step, measurement):
            if not _speaks(rule, measurement, key, known):
                continue
            sight = sight_of(rule, key, measurement, window, known.get(key))
            other = found.get(key)
            if other is None or _RANK[sight.level] > _RANK[other.level]:
                found[key] = sight
    return list(found.values())


def sight_of(rule: Rule, key: Key, measurement: Measurement | None, window: Window, alert: Alert | None) -> Sight:
    """What one measurement, or none, says to a rule."""
    before = alert.last.value if alert is not None else None
    judged = rule.judge(Evidence(measurement, before=before, clear=rule.clear))
    note, n = (measurement.note, measurement.n) if measurement is not None else ("", 0)
    value = measurement.value if measurement is not None and rule.condition != "changed_by" else judged.value
    return Sight(key, window, judged.level, value, judged.limit, n, note, judged.why)


def missing(watchers: Watchers, known: Mapping[Key, Alert], seen: Iterable[Key], steps: frozenset[Step], window: Window) -> list[Sight]:
    """A sight of each alert whose identity was not measured in this window although its step was.

    What rests on labels is measured when these have come, so that its absence says nothing. An alert about lost evidence follows its
    parent and not a measurement.
    """
    told, found = set(seen), []
    for key, alert in known.items():
        rule = watchers.rules.get(key.rule)
        if rule is None or rule.combines or key.reason or key in told or key.basis in LATE:
            continue
        if alert.seen >= window.start or not (steps == frozenset(Step) if rule.step is None else rule.step in steps):
            continue
        found.append(sight_of(rule, key, None, window, alert))
    return found


def combined(watchers: Watchers, found: Sequence[Sight], active: frozenset[str], window: Window) -> list[Sight]:
    """What the rules on other rules say, where the others could say something."""
    levels: dict[str, dict[str, Level]] = {}
    for sight in found:
        levels.setdefault(sight.key.rule, {})[f"{sight.key.column}|{sight.key.segment}|{sight.key.version}"] = sight.level
    told = []
    for rule in watchers.rules.values():
        if not rule.combines or (rule.condition == "share_of" and rule.settings["rule"] not in levels):
            continue
        judged = rule.judge(Evidence(None, levels=levels, active=active, clear=rule.clear))
        note = f"{rule.description}; {_counted(rule, levels)}" if rule.condition == "share_of" else rule.description
        n = len(levels.get(str(rule.settings.get("rule")), {}))
        told.append(Sight(Key(rule.name, ""), window, judged.level, judged.value, judged.limit, n, note, judged.why))
    return told


def _counted(rule: Rule, levels: Mapping[str, Mapping[str, Level]]) -> str:
    of = [level for level in levels[rule.settings["rule"]].values() if level is not Level.UNKNOWN]
    return f"{sum(level is Level.BEYOND for level in of)} of {len(of)} at once"


def _speaks(rule: Rule, measurement: Measurement, key: Key, known: Mapping[Key, Alert]) -> bool:
    """Whether a measurement is anything to a rule: a number without a limit is only shown, and what did not fail is no news."""
    if rule.condition in LIMITED:
        return measurement.beyond is not None or measurement.status is not Status.OK
    if rule.condition == "failed":
        return measurement.status is Status.ERROR or key in known
    return True


def is_of_all(sight: Sight) -> bool:
    """Whether it speaks of all rows together."""
    return sight.key.segment == ALL_ROWS and not sight.key.version
