"""React: evaluations that alerting has not seen become alerts, incidents, and notices to send. All of it is kept at once, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from driftline.alerting.defaults import rules_digest, rules_of
from driftline.alerting.notices import Spent, decide
from driftline.alerting.observe import Watchers
from driftline.alerting.records import Board, Incident, Key, Outgoing, Reaction, Sending, Transition
from driftline.alerting.rules import Rule
from driftline.alerting.step import Frame, Past, alerting
from driftline.alerting.words import About
from driftline.config.alerts import AlertsPlan
from driftline.core.ledger import Evaluation
from driftline.core.verdicts import Severity
from driftline.engine.model import Model
from driftline.engine.ticks import frame_of, past_of, ticks_of

AT_ONCE = 2_000
"""Evaluations that are taken in together."""
LOOKED_AT = 200
"""Incidents of the past that are counted against the budget, at most."""


@dataclass(frozen=True, slots=True)
class Reacted:
    """What one run of alerting did: how many evaluations it saw, what changed, and what is to be sent. `board` is how things stand now."""

    board: Board
    rules: Mapping[str, Rule]
    seen: int = 0
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()


def react(model: Model, *, now: datetime, dry: bool = False) -> Reacted:
    """Takes in what alerting has not seen, and decides what people are told. The caller holds `store.exclusive(model)`.

    `dry`: nothing is kept. Raises `UsageError` for rules that do not hold together, `StoreError`.
    """
    store, name, rules = model.store, model.name, rules_of(model.plan.alerts)
    board = _replayed(model, rules, store.board(name), now)
    run = _Run(model, rules, board, now)
    while True:
        evaluations = store.evaluations_after(name, run.board.number, last=AT_ONCE)
        run.take(evaluations)
        last = len(evaluations) < AT_ONCE
        if last:
            run.decide()
        if not dry:
            run.keep()
        if last or dry:
            return run.done()


class _Run:
    """One run of alerting: what it has seen so far, and what it will leave."""

    def __init__(self, model: Model, rules: Mapping[str, Rule], board: Board, now: datetime) -> None:
        self.model, self.rules, self.board, self.now = model, rules, board, now
        self.frame = frame_of(model, rules, now=now)
        self.pool = {incident.id: incident for incident in board.incidents}
        self.stood = dict(self.pool) if board.revision else {}
        self.seen = 0
        self.before = model.store.board(model.name)
        self.transitions: list[Transition] = []
        self.fresh: list[Transition] = []
        self.outgoing: list[Outgoing] = []

    def take(self, evaluations: Sequence[Evaluation]) -> None:
        """Evaluations become alerts and incidents."""
        if not evaluations:
            return
        ticks, self.fresh = ticks_of(self.model, evaluations, self.board), []
        for as_of, told in groupby(ticks, key=lambda tick: tick.as_of):
            folded = alerting(self.board, list(told), self.rules, self._frame(as_of))
            self.fresh += folded.transitions
            self.pool |= {incident.id: incident for incident in (*folded.board.incidents, *folded.incidents)}
            self.board = folded.board
        self.seen += len(evaluations)
        self.transitions += self.fresh
        self.board = replace(self.board, number=evaluations[-1].number)

    def _frame(self, as_of: datetime) -> Frame:
        """What holds for what became known at one time. Where many days are taken in at once, what the later ones say is in the store
        already; it must not be known before its time, or a past that is filled in would be another than the one that was lived through."""
        seen, watchers = self.board.number, Watchers(self.rules, self.model.plan.drift.importance)

        def past(key: Key, start: datetime, until: datetime) -> Past:
            found = past_of(self.model, watchers, key, start, until, lambda each: each.number > seen and each.as_of > as_of)
            return replace(found, transitions=[*found.transitions, *(each for each in self.fresh if each.key == key)])

        return replace(self.frame, past=past)

    def decide(self) -> None:
        """What people are told of all that this run knows of."""
        plan, store, name = self.model.plan, self.model.store, self.model.name
        waiting = {each.notice.incident for each in store.outgoing(name, states=(Sending.WAITING,))}
        told, self.outgoing = decide(
            list(self.pool.values()),
            silences=store.silences(name),
            spec=plan.alerts,
            notify=ways(plan.alerts, paging=may_page(plan.alerts, self.board)),
            sent=Spent.of(store.incidents(name, last=LOOKED_AT), self.now, waiting),
            now=self.now,
            about=About(rules=self.rules, importance=plan.drift.importance),
        )
        self.pool = {incident.id: incident for incident in told}
        self.board = replace(self.board, incidents=tuple(self.pool[incident.id] for incident in self.board.incidents))

    def keep(self) -> None:
        """Keeps it, where there is anything to keep."""
        changed = tuple(incident for incident in self.pool.values() if self.stood.get(incident.id) != incident)
        if self.board == self.before and not changed and not self.fresh and not self.outgoing:
            return
        self.board = replace(self.board, revision=self.board.revision + 1)
        self.model.store.react(self.model.name, Reaction(self.board, tuple(self.fresh), changed, tuple(self.outgoing)))
        self.before, self.fresh, self.stood = self.board, [], dict(self.pool)

    def done(self) -> Reacted:
        """What it did."""
        return Reacted(self.board, self.rules, self.seen, tuple(self.transitions), tuple(self.pool.values()), tuple(self.outgoing))


def ways(spec: AlertsPlan, *, paging: bool = True) -> dict[Severity, tuple[str, ...]]:
    """The channels of each severity. Where the rules may not page, what is critical goes out as a ticket."""
    notify = spec.notify
    pages = notify.critical if paging else notify.warning or notify.critical
    return {Severity.CRITICAL: pages, Severity.WARNING: notify.warning, Severity.INFO: notify.info or notify.digest}


def may_page(spec: AlertsPlan, board: Board) -> bool:
    """Whether these rules may page: not where they would have made too many pages in the past, unless that is confirmed with a reason."""
    return board.replayed is None or board.replayed <= spec.budget.pages_per_month or bool(spec.budget.confirmed)


def _replayed(model: Model, rules: Mapping[str, Rule], board: Board, now: datetime) -> Board:
    """The board with the pages that these rules would have made in the past: once they have changed, and once there is a past."""
    digest = rules_digest(rules)
    if board.rules == digest and board.replayed is not None:
        return board
    from driftline.engine.backtest import pages_per_month

    return replace(board, rules=digest, replayed=pages_per_month(model, rules, now))
