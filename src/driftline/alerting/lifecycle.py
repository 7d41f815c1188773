"""The life of an alert: ok, pending, firing, recovering, and back.

    ok ──beyond──▶ pending ──k of n beyond──▶ firing ──clear──▶ recovering ──clear for long enough──▶ ok
                      └──none of n beyond──▶ ok     ◀──beyond────┘

A window without evidence changes no state: an alert that fires goes on firing, and is told of as blind. A value between the limit and where
it clears keeps what is. All is counted in windows of event time, so that a back-fill gives what living through it gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from driftline.alerting.records import Alert, Level, Sight, State, Transition
from driftline.alerting.rules import Rule

MEMORY = 2
"""A window counts among the last n for at most this many times n windows."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a rule counts windows: `k` of `n` beyond before it fires, `kept` clear before it ends, each of length `base`."""

    k: int
    n: int
    kept: int
    base: timedelta

    @classmethod
    def of(cls, rule: Rule, base: timedelta) -> Pace:
        return cls(*rule.held(base), rule.kept(base), base)


@dataclass(frozen=True, slots=True)
class Step:
    """An alert after one window, and why its state is another than before; empty where it is the same."""

    alert: Alert
    before: State
    reason: str = ""


def fresh(sight: Sight, rule: Rule) -> Alert:
    """An alert that has seen nothing yet."""
    return Alert(sight.key, rule.severity, rule.group, State.OK, sight.window.start, sight, seen=sight.window.start)


def advance(alert: Alert, sight: Sight, pace: Pace) -> Step:
    """The alert after one more window."""
    seen = max(alert.seen, sight.window.start)
    if sight.level is Level.UNKNOWN:
        return Step(replace(alert, blind=alert.blind + 1, seen=seen), alert.state)
    oldest = sight.window.start - MEMORY * pace.n * pace.base
    recent = tuple(each for each in alert.recent if each[0] > oldest)
    recent = (*recent, (sight.window.start, sight.level))[-pace.n :]
    known = replace(alert, blind=0, seen=seen, recent=recent, last=sight)
    return _running(known, sight, pace) if alert.state.is_active else _waiting(known, sight, pace)


def _waiting(alert: Alert, sight: Sight, pace: Pace) -> Step:
    """From ok or pending."""
    bad = sum(level is Level.BEYOND for _, level in alert.recent)
    if bad >= pace.k:
        reason = f"beyond its limit in {bad} of {pace.n} windows" if pace.n > 1 else "beyond its limit"
        return _into(State.FIRING, replace(alert, fired=sight.window.end, quiet=0), sight, reason)
    if any(level is Level.BEYOND for _, level in alert.recent[-(pace.n - 1) :]):  # those that the next window can still add to
        return _into(State.PENDING, alert, sight, f"beyond its limit in {bad} of {pace.n} windows, and {pace.k} are needed")
    return _into(State.OK, alert, sight, "no longer beyond its limit")


def _running(alert: Alert, sight: Sight, pace: Pace) -> Step:
    """From firing or recovering."""
    if sight.level is Level.BEYOND:
        return _into(State.FIRING, replace(alert, quiet=0), sight, "beyond its limit again")
    if sight.level is Level.BETWEEN:
        return Step(alert, alert.state)
    quiet = alert.quiet + 1
    if quiet >= pace.kept:
        windows = f"for {quiet} windows" if quiet > 1 else "again"
        return _into(State.OK, replace(alert, quiet=0, fired=None, recent=()), sight, f"clear {windows}")
    return _into(State.RECOVERING, replace(alert, quiet=quiet), sight, f"clear, and ends after {pace.kept} clear windows")


def _into(state: State, alert: Alert, sight: Sight, reason: str) -> Step:
    if state is alert.state:
        return Step(alert, state)
    return Step(replace(alert, state=state, since=sight.window.end), alert.state, reason)


def in_force(transitions: Iterable[Transition]) -> list[Transition]:
    """What is now known to have happened to one alert: without what later knowledge has replaced, and without the marks of that."""
    found: list[Transition] = []
    for each in transitions:
        if each.revises:
            found = [kept for kept in found if kept.window.start < each.window.start]
        if each.before is not each.after:
            found.append(each)
    return found


def resumed(alert: Alert, transitions: Sequence[Transition], sights: Sequence[Sight], at: datetime, pace: Pace) -> Alert:
    """The alert as it stood before the window that begins at `at`.

    `transitions`: those in force; `sights`: of the windows before, at least the last `MEMORY` · n + kept of them.
    """
    earlier = [each for each in transitions if each.window.start < at]
    state = earlier[-1].after if earlier else State.OK
    since = earlier[-1].window.end if earlier else at
    before = [sight for sight in sights if sight.window.start < at]
    judged = [sight for sight in before if sight.level is not Level.UNKNOWN]
    oldest = at - MEMORY * pace.n * pace.base
    ended = max((t.window.start for t in earlier if t.after is State.OK and t.before.is_active), default=None)
    recent = tuple((s.window.start, s.level) for s in judged if s.window.start >= oldest and (ended is None or s.window.start > ended))[
        -pace.n :
    ]
    quiet = sum(s.level is Level.CLEAR and s.window.end >= since for s in judged) if state is State.RECOVERING else 0
    started = [t.window.end for t in earlier if t.after is State.FIRING and not t.before.is_active]
    blind = 0
    for sight in reversed(before):
        if sight.level is not Level.UNKNOWN:
            break
        blind += 1
    return replace(
        alert,
        state=state,
        since=since,
        fired=started[-1] if started and state.is_active else None,
        recent=recent,
        quiet=quiet,
        blind=blind,
        last=judged[-1] if judged else alert.last,
        seen=before[-1].window.start if before else alert.seen,
    )
