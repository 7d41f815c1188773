"""Small worlds of windows for the laws of alerting: what is known of each window, and ticks of it in any order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from driftline.alerting.inhibition import Facts
from driftline.alerting.observe import LATE, Look, Watchers, sight_of, sights
from driftline.alerting.records import EMPTY, Board, Level, State
from driftline.alerting.rules import Rule
from driftline.alerting.step import Frame, Past, Tick, alerting, fold
from driftline.core.ledger import Step
from driftline.core.records import Basis, Measurement, Scope, Status, Window

DAY = timedelta(days=1)
T0 = datetime(2026, 3, 1, tzinfo=UTC)


def day(i):
    return Window(T0 + i * DAY, T0 + (i + 1) * DAY)


def measured(letter, i=0, *, metric="verdict", column="income", limit=0.5, basis=Basis.OBSERVED):
    """One window in a letter: `x` beyond, `.` clear, `-` between (of a rule above 0.5), `?` too few rows, `0` no rows, `!` an error,
    `_` not measured."""
    scope = Scope("m", window=day(i))
    if letter == "_":
        return []
    status = {"?": Status.INSUFFICIENT, "0": Status.NODATA, "!": Status.ERROR}.get(letter, Status.OK)
    value = {"x": 1.0, ".": 0.0, "-": 0.45}.get(letter)
    beyond = None if value is None else value > limit
    return [Measurement(metric, value, scope, 100, column, limit=limit, status=status, beyond=beyond, basis=basis, note=f"said {letter}")]


def rule(name="Drift", **more):
    facts = {"step": Step.DRIFT, "metric": ("verdict",), "when": {"above": {"value": 0.5}}, "group": "inputs"}
    return Rule(name=name, **{**facts, **more})


@dataclass
class World:
    """Alerting living through windows. `known`: the measurements of each window by now."""

    rules: dict
    board: Board = EMPTY
    known: dict = field(default_factory=dict)
    transitions: list = field(default_factory=list)
    incidents: dict = field(default_factory=dict)
    grouping: bool = False
    importance: dict = field(default_factory=dict)
    muted: dict = field(default_factory=dict)

    def frame(self):
        facts = Facts(importance=self.importance, sources={}, upstream=frozenset(), warming=False, rules=self.rules)
        return Frame("m", DAY, "plan", T0, facts, self.past, muted=self.muted)

    def past(self, key, start, until):
        watchers, found = Watchers(self.rules, self.importance), []
        for i, looked in sorted(self.known.items()):
            if day(i).start > until:
                continue
            for step, measurements in looked.items():
                own = [s for s in sights(watchers, step, measurements, day(i), {}) if s.key == key]
                rule_ = self.rules[key.rule]
                if not own and key.basis not in LATE and rule_.step is step:
                    own = [sight_of(rule_, key, None, day(i), None)]
                found += own
        return Past([t for t in self.transitions if t.key == key], found)

    def see(self, i, measurements, step=Step.DRIFT):
        """One more evaluation of a window, the first or a later one."""
        looked = self.known.setdefault(i, {})
        before = looked.get(step)
        looked[step] = list(measurements)
        tick = Tick(day(i), day(i).end, (Look(step, looked[step], before),))
        folded = (alerting if self.grouping else fold)(self.board, [tick], self.rules, self.frame())
        self.board = folded.board
        self.transitions += folded.transitions
        self.incidents |= {incident.id: incident for incident in folded.incidents}
        return folded

    def live(self, letters, **more):
        """One window after the other; the states that the alert is in after each, `.` where it is not remembered."""
        return "".join(self._after(i, letter, **more) for i, letter in enumerate(letters))

    def _after(self, i, letter, **more):
        self.see(i, measured(letter, i, **more))
        return self.state(**more)

    def state(self, *, name="Drift", reason="", **more):
        own = [a for a in self.board.alerts.values() if a.key.rule == name and a.key.reason == reason]
        return {State.OK: ".", State.PENDING: "p", State.FIRING: "F", State.RECOVERING: "r"}[own[0].state] if own else "."


__all__ = ["DAY", "T0", "Level", "World", "day", "measured", "rule"]
