"""Step 4: the windows of a model, one after the other, become alerts and incidents.

    alerting(board, ticks, rules, frame) -> Folded      fold(...) is the same without incidents

A tick is what became known of one window at one time. Ticks come in the order in which things became known, and those of one time in the
order of their windows. Where a window that was seen before is looked at again, because its rows or labels came late, the alerts that it
changes are worked out anew from there, and end up as if it had always been so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from driftline.alerting.incidents import gather, kept
from driftline.alerting.inhibition import Facts, inhibited
from driftline.alerting.lifecycle import Pace, advance, fresh, in_force, resumed
from driftline.alerting.observe import Look, Watchers, combined, missing, sights
from driftline.alerting.records import Alert, Board, Incident, Key, Level, Sight, State, Transition
from driftline.alerting.rules import Rule
from driftline.alerting.silences import muted
from driftline.alerting.spec import MutedSpec
from driftline.core.records import Window
from driftline.core.verdicts import Severity

__all__ = ["Folded", "Frame", "Look", "Past", "Tick", "alerting", "fold"]

BLIND = 2
"""Windows without evidence after which an alert that fires is told of as blind."""
_EVER = datetime.min.replace(tzinfo=UTC)
LOST = "no evidence"
"""The reason in the identity of such an alert."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What became known of one window at one time. `versions`: those of the model that served in it."""

    window: Window
    as_of: datetime
    looks: tuple[Look, ...]
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one alert before and after a window that came late: its transitions, and its sights up to the last window seen."""

    transitions: Sequence[Transition]
    sights: Sequence[Sight]


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds for a whole run. `base`: length of a window; `made`: the clock; `plan`: hash of the configuration.

    `past(key, start, until)` gives the past of an alert that a late window at `start` changes, with its sights up to the window that begins
    at `until`; `told(key)` says whether it has any transition at all. `muted`: known events. `referenced`: versions of
    the model with a reference of their own, None where every version is compared with the same one for good.
    """

    model: str
    base: timedelta
    plan: str
    made: datetime
    facts: Facts
    past: Callable[[Key, datetime, datetime], Past]
    told: Callable[[Key], bool] = lambda _key: True
    muted: Mapping[str, MutedSpec] = field(default_factory=dict)
    referenced: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of some ticks: the board after them, what changed, and the incidents that are new or have changed."""

    board: Board
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()


def nothing_late(_key: Key, _start: datetime, _until: datetime) -> Past:
    """The past where no window ever comes late, such as in a replay of what is known by now."""
    return Past((), ())


def alerting(board: Board, ticks: Sequence[Tick], rules: Mapping[str, Rule], frame: Frame) -> Folded:
    """The board after these ticks, with alerts gathered into incidents."""
    watchers = Watchers(rules, frame.facts.importance)
    transitions: list[Transition] = []
    changed: dict[str, Incident] = {}
    for tick in ticks:
        turn = _Turn(board, tick, watchers, frame, transitions)
        turn.take()
        transitions += turn.transitions
        after = turn.board()
        for alerts in _spells(after, turn.spells):
            after, news = _gathered(after, alerts, tick, frame)
            changed |= news
        board = after
    return Folded(board, tuple(transitions), tuple(changed.values()))


def _spells(after: Board, spells: Sequence[Alert]) -> list[Mapping[str, Alert]]:
    """The alerts to gather, one time after the other: those that began and ended in the past as they fired, then all as they are."""
    known = [{**after.alerts, spell.key.fingerprint: spell} for spell in spells]
    return [*known, after.alerts]


def _gathered(after: Board, alerts: Mapping[str, Alert], tick: Tick, frame: Frame) -> tuple[Board, dict[str, Incident]]:
    """The board with alerts gathered into incidents, and the incidents that are new or have changed."""
    active = [alert for alert in alerts.values() if alert.state.is_active]
    if not active and not after.incidents:
        return after, {}
    why = inhibited(active, replace(frame.facts, warming=_is_warming(after, tick, frame)))
    known = {alert.key.fingerprint: muted(alert.key, _last_beyond(alert, tick.window, frame.base), frame.muted) for alert in active}
    why |= {print_: text for print_, text in known.items() if text}
    incidents, joined = gather(after.incidents, alerts, why, frame.model, tick.window.end, frame.base)
    before = {incident.id: incident for incident in after.incidents}
    changed = {each.id: each for each in incidents if before.get(each.id) != each}
    homes = {p: replace(a, incident=joined.get(p, "")) if a.incident != joined.get(p, "") else a for p, a in after.alerts.items()}
    return replace(after, alerts=homes, incidents=kept(incidents, tick.window.end, frame.base)), changed


def _last_beyond(alert: Alert, window: Window, base: timedelta) -> Window:
    """The last window in which an alert was beyond: one that recovers after a known event has nothing to do with what comes after it."""
    return Window(alert.since - 2 * base, alert.since - base) if alert.state is State.RECOVERING else window


def fold(board: Board, ticks: Sequence[Tick], rules: Mapping[str, Rule], frame: Frame) -> Folded:
    """The same without incidents: the states of alerts alone."""
    watchers, transitions = Watchers(rules, frame.facts.importance), list[Transition]()
    for tick in ticks:
        turn = _Turn(board, tick, watchers, frame, transitions)
        turn.take()
        transitions += turn.transitions
        board = turn.board()
    return Folded(board, tuple(transitions))


class _Turn:
    """One tick on one board."""

    def __init__(self, board: Board, tick: Tick, watchers: Watchers, frame: Frame, said: Sequence[Transition]) -> None:
        self.before, self.tick, self.watchers, self.frame, self.said = board, tick, watchers, frame, said
        self.alerts = {alert.key: alert for alert in board.alerts.values()}
        self.transitions: list[Transition] = []
        self.spells: list[Alert] = []
        """Alerts as they fired in the past, which nobody knew until now, and which are over."""

    def take(self) -> None:
        """Everything that the tick says."""
        self._without_rules()
        window, steps = self.tick.window, frozenset(look.step for look in self.tick.looks)
        found: list[Sight] = []
        for look in self.tick.looks:
            now = sights(self.watchers, look.step, look.measurements, window, self.alerts)
            earlier = None if look.before is None else sights(self.watchers, look.step, look.before, window, self.alerts)
            levels = None if earlier is None else {sight.key: sight.level for sight in earlier}
            for sight in now:
                self._see(sight, levels)
            found += now
        newest = all(window.start > self.before.heads.get(step.value, _EVER) for step in steps)
        if newest:
            gone = missing(self.watchers, self.alerts, (sight.key for sight in found), steps, window)
            for sight in gone:
                self._advance(sight)
            active = frozenset(key.rule for key, alert in self.alerts.items() if alert.state.is_active and not key.reason)
            for sight in combined(self.watchers, found, active, window):
                self._see(sight, None)
            self._blind([*found, *gone])

    def board(self) -> Board:
        """The board after it."""
        heads = dict(self.before.heads)
        for look in self.tick.looks:
            heads[look.step.value] = max(self.tick.window.start, heads.get(look.step.value, self.tick.window.start))
        versions = dict(self.before.versions)
        for version in self.tick.versions:
            versions.setdefault(version, self.tick.window.start)
        remembered = {alert.key.fingerprint: alert for alert in self.alerts.values() if self._is_remembered(alert)}
        return replace(self.before, alerts=remembered, heads=heads, versions=versions)

    def _see(self, sight: Sight, earlier: Mapping[Key, Level] | None) -> None:
        """A sight of now, or of a window that has been seen before."""
        alert, then = self.alerts.get(sight.key), (earlier or {}).get(sight.key)
        if earlier is not None and (alert is None or sight.window.start <= alert.seen):
            if then is not sight.level and (alert is not None or Level.BEYOND in (then, sight.level) or self._was_told(sight.key)):
                self._revise(sight)
        elif alert is not None or sight.level is Level.BEYOND or self.watchers.rules[sight.key.rule].remembers:
            self._advance(sight)

    def _advance(self, sight: Sight) -> None:
        alert = self.alerts.get(sight.key) or fresh(sight, self.watchers.rules[sight.key.rule])
        self._keep(alert, sight)

    def _keep(self, alert: Alert, sight: Sight) -> None:
        """One step of one alert."""
        step = advance(self._as_ruled(alert), sight, self._pace(alert.key))
        self.alerts[alert.key] = step.alert
        if step.reason:
            self.transitions.append(self._transition(step.alert, step.before, sight, step.reason))

    def _was_told(self, key: Key) -> bool:
        """Whether there was ever such an alert: what is fine is no news of one that never was."""
        return any(each.key == key for each in (*self.said, *self.transitions)) or self.frame.told(key)

    def _revise(self, sight: Sight) -> None:
        """Works an alert out anew from a window that came late, up to the last one that was seen."""
        start, key, pace = sight.window.start, sight.key, self._pace(sight.key)
        stands = self.alerts.get(key) or fresh(sight, self.watchers.rules[key.rule])
        past = self.frame.past(key, start, max([stands.seen, *self.before.heads.values()]))
        known = in_force([*past.transitions, *(each for each in (*self.said, *self.transitions) if each.key == key)])
        alert = resumed(stands, known, past.sights, start, pace)
        before, found, fired = alert.state, list[Transition](), list[Alert]()
        for each in [sight, *(other for other in past.sights if other.window.start > start)]:
            step = advance(alert, each, pace)
            alert = step.alert
            if step.reason:
                found.append(self._transition(alert, step.before, each, step.reason))
            if step.reason and alert.state is State.FIRING and not step.before.is_active:
                fired.append(alert)
        alert = replace(alert, incident=stands.incident, seen=max(alert.seen, stands.seen))
        self.alerts[key] = alert
        replaced = [each for each in known if each.window.start >= start]
        if [_what(each) for each in found] == [_what(each) for each in replaced]:
            return
        told = {each.window for each in replaced if each.after is State.FIRING}
        self.spells += [spell for spell in fired if spell.last.window not in told and spell.fired != alert.fired]
        if replaced:
            marked = self._transition(alert, before, sight, "rows or labels came late")
            self.transitions.append(replace(marked, after=before, revises=True))
        self.transitions += found

    def _blind(self, found: Sequence[Sight]) -> None:
        """Alerts that fire and have lost their evidence are told of by alerts of their own."""
        why = {sight.key: sight.reason for sight in found}
        for key, alert in list(self.alerts.items()):
            if key.reason:
                if replace(key, reason="") not in self.alerts:  # what came late has ended the one that it is about
                    self._keep(alert, Sight(key, self.tick.window, Level.CLEAR, 0.0, float(BLIND)))
                continue
            waits = self.watchers.rules[key.rule].waits
            child, lost = replace(key, reason=LOST), alert.state.is_active and alert.blind >= BLIND and not waits
            if lost or child in self.alerts:
                note = f"no evidence for {alert.blind} windows: {why.get(key, 'not measured')}" if lost else ""
                level = Level.BEYOND if lost else Level.CLEAR
                sight = Sight(child, self.tick.window, level, float(alert.blind), float(BLIND), 0, note)
                severity = min(Severity.WARNING, alert.severity, key=lambda each: each.rank)
                known = self.alerts.get(child) or replace(fresh(sight, self.watchers.rules[key.rule]), severity=severity)
                self._keep(known, sight)

    def _without_rules(self) -> None:
        """Ends the alerts of rules that are no longer there, and those that were closed and are no longer measured."""
        closed = {incident.id for incident in self.before.incidents if incident.closing is not None}
        for key, alert in list(self.alerts.items()):
            gone = key.rule not in self.watchers.rules
            if not gone and not (alert.incident in closed and alert.blind >= BLIND):
                continue
            reason = "its rule was taken out" if gone else "closed, and no longer measured"
            ended = replace(alert, state=State.OK, since=self.tick.window.end, fired=None, recent=(), quiet=0)
            if alert.state is not State.OK:
                self.transitions.append(self._transition(ended, alert.state, replace(alert.last, window=self.tick.window), reason))
            del self.alerts[key]

    def _as_ruled(self, alert: Alert) -> Alert:
        """With the severity and group that its rule has by now; an alert about lost evidence keeps its own severity."""
        rule = self.watchers.rules[alert.key.rule]
        severity = alert.severity if alert.key.reason else rule.severity
        same = alert.severity is severity and alert.group == rule.group
        return alert if same else replace(alert, severity=severity, group=rule.group)

    def _pace(self, key: Key) -> Pace:
        return Pace(1, 1, 1, self.frame.base) if key.reason else Pace.of(self.watchers.rules[key.rule], self.frame.base)

    def _is_remembered(self, alert: Alert) -> bool:
        if alert.state is not State.OK or any(level is Level.BEYOND for _, level in alert.recent):
            return True
        rule = self.watchers.rules.get(alert.key.rule)
        return rule is not None and rule.remembers and not alert.key.reason

    def _transition(self, alert: Alert, before: State, sight: Sight, reason: str) -> Transition:
        return Transition(
            alert.key,
            before,
            alert.state,
            sight.window,
            self.tick.as_of,
            self.frame.made,
            sight.value,
            sight.limit,
            sight.n,
            sight.note,
            reason,
            self.frame.plan,
            alert.severity,
        )


def _what(transition: Transition) -> tuple[object, ...]:
    return transition.window, transition.before, transition.after


WARM_UP = 3
"""Windows in which a version without a reference of its own is not said to drift from another one's."""


def _is_warming(board: Board, tick: Tick, frame: Frame) -> bool:
    """Whether a version serves that is new and has no reference of its own; the first version ever seen is not new."""
    if len(board.versions) < 2 or frame.referenced is None:
        return False
    first = min(board.versions.values())
    return any(
        first < board.versions[version] and tick.window.start - board.versions[version] < WARM_UP * frame.base
        for version in tick.versions
        if version not in frame.referenced
    )
