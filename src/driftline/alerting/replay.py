"""Replay before notify: what rules would have told of the past, without telling anybody.

    backtest(ticks, rules, frame, known) -> Backtest         replay(ticks, rules, frame) -> each tick with what came of it

It counts what is known by now: windows in their order, each with its latest evaluations. Nothing is read and nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from driftline.alerting.budget import NO_THEORY, Expected, Rate, rate_per_month
from driftline.alerting.incidents import strength
from driftline.alerting.records import EMPTY, Board, Incident, Key, Sight, State, Transition
from driftline.alerting.rules import Rule
from driftline.alerting.spec import BudgetSpec
from driftline.alerting.step import Folded, Frame, Tick, alerting
from driftline.core.records import Status
from driftline.core.verdicts import Severity

MONTH = timedelta(days=30)
FOLLOWS = "it tells that another alert has lost its evidence"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the windows. `expected`: false alarms of each rule by theory. `real`: incidents that people closed as real.
    `evaluations`: how many are replayed, of which `other_plans` were made with another plan."""

    budget: BudgetSpec
    expected: Sequence[Expected] = ()
    real: Sequence[Incident] = ()
    evaluations: int = 0
    other_plans: int = 0


@dataclass(frozen=True, slots=True)
class Fired:
    """One rule that fired: how many alerts began, the starts of the windows in which the first and the last did, in how many windows one
    was active, the identities with how often each began, the strongest sight, and alerts per month: as counted, and as expected when
    nothing is wrong."""

    rule: str
    severity: Severity
    times: int
    first: datetime
    last: datetime
    windows: int
    identities: tuple[tuple[Key, int], ...]
    strongest: Sight | None
    rate: Rate
    expected: Expected


@dataclass(frozen=True, slots=True)
class Made:
    """An incident that the rules would have made: the worst that people would have been told of it (none where all of it was muted all
    along), and whether people closed it as real."""

    severity: Severity
    incident: Incident
    real: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """Incidents of one severity: how many there were, how many of them people closed as real, and the others per month."""

    count: int
    real: int
    rate: Rate
    budget: float

    @property
    def is_over(self) -> bool:
        """Whether there are surely more than the budget allows: the lower end of the interval is above it."""
        return self.rate.low > self.budget


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a set of rules would have told. `months` of 30 days; `quiet`: rules that never fired, with what is expected of them;
    `incidents`: those it would have made, in order of time; `thin`: windows in which something had too few rows to be judged, `blind`:
    those in which nothing could be judged at all; `failed`: those with an error; `confirmed`: why pages are wanted all the same."""

    model: str
    start: datetime
    end: datetime
    windows: int
    months: float
    fired: tuple[Fired, ...]
    quiet: tuple[Expected, ...]
    incidents: tuple[Made, ...]
    pages: Load
    tickets: Load
    confirmed: str = ""
    evaluations: int = 0
    other_plans: int = 0
    thin: int = 0
    blind: int = 0
    failed: int = 0

    @property
    def is_over_budget(self) -> bool:
        """Whether these rules would surely have paged more often than the budget allows."""
        return self.pages.is_over

    @property
    def may_page(self) -> bool:
        """Whether they may page: within the budget, or confirmed with a reason."""
        return not self.is_over_budget or bool(self.confirmed)

    @property
    def is_short(self) -> bool:
        """Whether the stretch is shorter than a month."""
        return self.months < 1


@dataclass(slots=True)
class _Seen:
    """What has been seen of one rule."""

    starts: list[Transition] = field(default_factory=list)
    windows: int = 0
    strongest: Sight | None = None


def replay(ticks: Iterable[Tick], rules: Mapping[str, Rule], frame: Frame, board: Board = EMPTY) -> Iterator[tuple[Tick, Folded]]:
    """Each tick with what came of it, from a board on."""
    for tick in ticks:
        folded = alerting(board, [tick], rules, frame)
        board = folded.board
        yield tick, folded


def began(transitions: Iterable[Transition]) -> list[Transition]:
    """Those with which an alert began to fire."""
    return [each for each in transitions if each.after is State.FIRING and not each.before.is_active]


def named(key: Key) -> str:
    """The rule of an alert, and that it is about lost evidence where it is."""
    return f"{key.rule} ({key.reason})" if key.reason else key.rule


def backtest(ticks: Sequence[Tick], rules: Mapping[str, Rule], frame: Frame, known: Known) -> Backtest | None:
    """What these rules would have told of these windows, given in order of time. None where there are none."""
    if not ticks:
        return None
    seen: dict[str, _Seen] = {}
    incidents: dict[str, Incident] = {}
    worst: dict[str, Severity] = {}
    for _, folded in replay(ticks, rules, frame):
        _follow(seen, folded)
        for incident in folded.incidents:
            incidents[incident.id] = incident
            told = _told(incident)
            worst[incident.id] = max(worst.get(incident.id, told), told, key=lambda severity: severity.rank)
    months = len(ticks) * frame.base / MONTH
    theory = {each.rule: each for each in known.expected}
    fired = sorted((_fired(name, one, months, theory) for name, one in seen.items() if one.starts), key=_first_worst)
    made = [
        Made(worst[incident.id], incident, any(_same(incident, other) for other in known.real))
        for incident in sorted(incidents.values(), key=lambda incident: (incident.opened, incident.id))
    ]
    pages = _load(made, Severity.CRITICAL, months, known.budget.pages_per_month)
    tickets = _load(made, Severity.WARNING, months, known.budget.tickets_per_month)
    blind, thin, failed = _gaps(ticks)
    return Backtest(
        model=frame.model,
        start=ticks[0].window.start,
        end=ticks[-1].window.end,
        windows=len(ticks),
        months=months,
        fired=tuple(fired),
        quiet=tuple(each for each in known.expected if each.rule not in seen),
        incidents=tuple(made),
        pages=pages,
        tickets=tickets,
        confirmed=known.budget.confirmed,
        evaluations=known.evaluations,
        other_plans=known.other_plans,
        thin=thin,
        blind=blind,
        failed=failed,
    )


def _load(made: Sequence[Made], severity: Severity, months: float, allowed: float) -> Load:
    own = [each for each in made if each.severity is severity]
    real = sum(each.real for each in own)
    return Load(len(own), real, rate_per_month(len(own) - real, months), allowed)


def _follow(seen: dict[str, _Seen], folded: Folded) -> None:
    """Takes in what one tick has changed."""
    for transition in began(folded.transitions):
        seen.setdefault(named(transition.key), _Seen()).starts.append(transition)
    on: set[str] = set()
    for alert in folded.board.alerts.values():
        if not alert.state.is_active:
            continue
        name = named(alert.key)
        own = seen.setdefault(name, _Seen())
        on.add(name)
        if own.strongest is None or strength(alert.last) > strength(own.strongest):
            own.strongest = alert.last
    for name in on:
        seen[name].windows += 1


def _fired(name: str, seen: _Seen, months: float, theory: Mapping[str, Expected]) -> Fired:
    keys = Counter(transition.key for transition in seen.starts)
    moments = [transition.window.start for transition in seen.starts]
    severity = max((transition.severity for transition in seen.starts), key=lambda each: each.rank)
    often = sorted(keys.items(), key=lambda item: (-item[1], item[0]))
    return Fired(
        rule=name,
        severity=severity,
        times=len(seen.starts),
        first=min(moments),
        last=max(moments),
        windows=seen.windows,
        identities=tuple(often),
        strongest=seen.strongest,
        rate=rate_per_month(len(seen.starts), months),
        expected=theory.get(name) or Expected(name, None, FOLLOWS if keys and next(iter(keys)).reason else NO_THEORY),
    )


def _first_worst(fired: Fired) -> tuple[int, int, str]:
    return -fired.severity.rank, -fired.times, fired.rule


def _told(incident: Incident) -> Severity:
    """As what people would be told of an incident now: nothing where all of it is muted."""
    return incident.severity if any(not member.muted_by for member in incident.members) else Severity.NONE


def _same(incident: Incident, other: Incident) -> bool:
    """Whether a replayed incident is the one that people had: the same id, or of the same group at the same time."""
    if incident.id == other.id:
        return True
    after = incident.ended is not None and incident.ended < other.opened
    before = other.ended is not None and other.ended < incident.opened
    return incident.group == other.group and not after and not before


def _gaps(ticks: Sequence[Tick]) -> tuple[int, int, int]:
    """Windows in which nothing could be judged, something had too few rows, something failed."""
    blind = thin = failed = 0
    for tick in ticks:
        statuses = {measurement.status for look in tick.looks for measurement in look.measurements}
        blind += not any(measurement.beyond is not None for look in tick.looks for measurement in look.measurements)
        thin += Status.INSUFFICIENT in statuses
        failed += Status.ERROR in statuses
    return blind, thin, failed
