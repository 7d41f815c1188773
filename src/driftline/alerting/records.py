"""What alerting remembers and tells: alerts, their transitions, incidents, silences, notices.

All times are event times, the ends of windows, unless they are called `made`, `at` or `now`: those are the clock's. An alert is one rule
on one identity. An identity never holds a value or a time: the same trouble is the same alert for as long as it lasts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from driftline.core.records import ALL_ROWS, Basis, Segment, Window, segment_name
from driftline.core.verdicts import Severity


class Level(StrEnum):
    """What one window says about one identity: beyond the limit, between the limit and where it clears, clear, or no evidence."""

    BEYOND = "beyond"
    BETWEEN = "between"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class State(StrEnum):
    """Where an alert stands."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"

    @property
    def is_active(self) -> bool:
        """Firing, or recovering from it: people count on being told of its end."""
        return self in (State.FIRING, State.RECOVERING)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The identity of an alert within a model. `reason` is empty but for the alert about another one that has lost its evidence."""

    rule: str
    metric: str
    basis: Basis = Basis.OBSERVED
    column: str = ""
    segment: Segment = ALL_ROWS
    version: str = ""
    reason: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for it."""
        text = json.dumps([self.rule, self.metric, self.basis, self.column, self.segment, self.version, self.reason])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def labels(self, model: str) -> dict[str, str]:
        """What other systems know it by; only what is not empty."""
        found = {
            "alertname": self.rule,
            "model": model,
            "metric": self.metric,
            "basis": "" if self.basis is Basis.OBSERVED else str(self.basis),
            "column": self.column,
            "segment": segment_name(self.segment) if self.segment else "",
            "version": self.version,
            "reason": self.reason,
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Sight:
    """One identity in one window. `note` is the story and where the limit comes from, `reason` why there is no evidence."""

    key: Key
    window: Window
    level: Level
    value: float | None = None
    limit: float | None = None
    n: int = 0
    note: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule on one identity, as of the last window that was looked at.

    `since`: when it came into its state; `fired`: when it began to fire, None before. `recent`: the last windows that could be judged,
    oldest first, as starts and levels. `quiet`: clear windows since it recovers. `blind`: windows in a row without evidence. `last`: the
    last sight with evidence; `seen`: the start of the last window of any kind. `incident` is the id of the one it belongs to.
    """

    key: Key
    severity: Severity
    group: str
    state: State
    since: datetime
    last: Sight
    seen: datetime
    fired: datetime | None = None
    recent: tuple[tuple[datetime, Level], ...] = ()
    quiet: int = 0
    blind: int = 0
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert that went from one state into another: appended, never changed.

    `revises`: what was known of this alert from this window on has been replaced, because rows or labels came late. `as_of` is what was
    known then, `plan` the hash of the configuration. The `number` is given by the store.
    """

    key: Key
    before: State
    after: State
    window: Window
    as_of: datetime
    made: datetime
    value: float | None
    limit: float | None
    n: int
    derivation: str
    reason: str
    plan: str
    severity: Severity
    revises: bool = False
    number: int = 0


class Stage(StrEnum):
    """Where an incident stands: open, taken by somebody, over by itself, closed by somebody with a reason."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Closing(StrEnum):
    """Why an incident was closed: what the precision of rules is counted from."""

    REAL_FIXED = "real_fixed"
    REAL_ACCEPTED = "real_accepted"
    EXPECTED_EVENT = "expected_event"
    FALSE_ALARM = "false_alarm"
    DUPLICATE = "duplicate"

    @property
    def is_real(self) -> bool | None:
        """Whether there was something to find; None where that was counted elsewhere."""
        if self is Closing.DUPLICATE:
            return None
        return self in (Closing.REAL_FIXED, Closing.REAL_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did to an incident: `acknowledge`, `close` or `note`, when, and why."""

    what: str
    author: str
    reason: str
    at: datetime
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """An alert inside an incident: who it is, its worst severity, when it fired and ended there, its strongest sight.

    `muted_by` is empty, or says why nobody is told of this one: `inhibited by SchemaBreak (income)`, `muted: black friday`.
    """

    key: Key
    severity: Severity
    fired: datetime
    strongest: Sight
    latest: Sight
    ended: datetime | None = None
    muted_by: str = ""


def gravest(members: Iterable[Member]) -> int:
    """The rank of the gravest member that people may be told of; 0 where there is none."""
    return max((member.severity.rank for member in members if not member.muted_by), default=0)


def is_open(members: Iterable[Member]) -> bool:
    """Whether an alert still fires that is as grave as any there was: lesser ones are no reason to keep somebody on a page."""
    found = list(members)
    least = gravest(found)
    return any(member.ended is None and member.severity.rank >= least for member in found)


@dataclass(frozen=True, slots=True)
class Told:
    """What receivers were last told of an incident. `count` numbers the notices of one incident from 1."""

    status: str
    severity: Severity
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem: alerts of one model and one root cause that began within a day of each other.

    `id` is `inc_` and a hash of the model, the group and the first alert with the time it fired, so a replay gives the same. `opened`,
    `changed` (the last member that began) and `ended` are event times.
    """

    id: str
    model: str
    group: str
    stage: Stage
    severity: Severity
    opened: datetime
    changed: datetime
    members: tuple[Member, ...]
    ended: datetime | None = None
    acts: tuple[Act, ...] = ()
    told: Told | None = None
    closing: Closing | None = None

    @property
    def is_active(self) -> bool:
        """Whether any of its alerts still fires that keeps it open."""
        return is_open(self.members)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of alerts whose labels match all of `matchers` (label name → exact text, or a pattern with `*`) until `ends`."""

    id: str
    matchers: Mapping[str, str]
    author: str
    comment: str
    starts: datetime
    ends: datetime
    made: datetime
    ended_by: str = ""


class Kind(StrEnum):
    """Why a notice is sent."""

    FIRING = "firing"
    WORSE = "worse"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told, once, whatever the channel: everything that a message may say, and no secret.

    `id` is the same each time the notice is sent. `summary` is the one sentence; `details` more lines; `labels` and `annotations` as other
    systems know them; `evidence` the numbers. `incident` is the id and the key under which receivers join the notices of one problem.
    """

    id: str
    kind: Kind
    incident: str
    model: str
    status: str
    severity: Severity
    summary: str
    details: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    evidence: Mapping[str, object]
    starts_at: datetime
    ends_at: datetime | None
    made: datetime
    alerts: tuple[Mapping[str, object], ...] = ()
    """Of each alert that people are told of: `labels`, `annotations`, `fingerprint`, `starts_at`, `ends_at` (texts, ISO 8601)."""


class Sending(StrEnum):
    """Where a notice to one channel stands: waiting, kept for the next digest, delivered, part of a digest that was made, or given up."""

    WAITING = "waiting"
    HELD = "held"
    DELIVERED = "delivered"
    DIGESTED = "digested"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice on its way to one channel. `due`: not before this time. `error`: what the receiver or the network said last."""

    channel: str
    notice: Notice
    due: datetime
    state: Sending = Sending.WAITING
    attempts: int = 0
    error: str = ""
    settled: datetime | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """All that alerting remembers of a model between two runs.

    `number`: the last evaluation it has seen. `alerts`: those that are not simply fine, by fingerprint. `incidents`: those that are not
    over for longer than they could be joined again. `heads`: the start of the last window seen of each step. `versions`: the start of the
    first window with each version of the model. `rules`: digest of the rules that were last replayed over history, and `replayed` the pages
    a month that they would have made there, None where the history is too short. `revision` counts the times it was saved.
    """

    revision: int = 0
    number: int = 0
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    heads: Mapping[str, datetime] = field(default_factory=dict)
    versions: Mapping[str, datetime] = field(default_factory=dict)
    rules: str = ""
    replayed: float | None = None


EMPTY = Board()


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one run of alerting leaves: kept in one transaction, so that what was decided is told. `board.revision` is one more than
    that which was read; `incidents` are those that are new or have changed."""

    board: Board
    transitions: tuple[Transition, ...] = ()
    incidents: tuple[Incident, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
