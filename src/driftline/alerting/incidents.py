"""Incidents: alerts that are one problem, told and handled together.

    gather(incidents, alerts, muted_by, model, now, base) -> (incidents, {fingerprint: incident})
    kept(incidents, now, base)   acknowledge(incident, ...)   close(incident, ...)   leader(incident)   strength(sight)

An alert that begins to fire joins the incident of its group that had its last news within a day (three windows where these are longer). One
that is only information joins any that is open; one about no column joins one that is open about none. One that is inhibited is evidence in
the incident of what inhibits it, and leaves it when that no longer does. An incident is over when none of its gravest alerts fires any
more; lesser ones that still do leave it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from driftline.alerting.inhibition import INHIBITED, blame, in_order
from driftline.alerting.records import Act, Alert, Closing, Incident, Key, Level, Member, Sight, Stage, State, gravest, is_open
from driftline.core.errors import UsageError
from driftline.core.verdicts import Severity

DAY = timedelta(hours=24)
WINDOWS = 3
"""Rules on drift ask for two of three windows, so that one cause may reach its columns three windows apart."""
_RANK = {severity: severity.rank for severity in Severity}
_LONGEST = 1_000
"""Characters of a reason that a person gives."""


def span(base: timedelta) -> timedelta:
    """How long after its last news an incident can still be joined, where windows are `base` long."""
    return max(DAY, WINDOWS * base)


def gather(
    incidents: Sequence[Incident],
    alerts: Mapping[str, Alert],
    muted_by: Mapping[str, str],
    model: str,
    now: datetime,
    base: timedelta,
) -> tuple[tuple[Incident, ...], dict[str, str]]:
    """The incidents after `alerts` (by fingerprint) have come into these states, and of each active one the incident it belongs to.

    `muted_by` says why nobody is told of an alert: see `inhibited` and `muted`. `now` is the end of the window that was looked at.
    """
    gathering = _Gathering([_Draft.of(incident) for incident in incidents], alerts, muted_by, model, span(base))
    gathering.follow(now)
    gathering.release(now)
    gathering.settle()
    gathering.attach(now)
    found = sorted((draft.incident_now() for draft in gathering.drafts), key=lambda each: (each.opened, each.id))
    return tuple(found), {gathering.prints[key]: draft.incident.id for key, draft in gathering.homes.items()}


def kept(incidents: Iterable[Incident], now: datetime, base: timedelta) -> tuple[Incident, ...]:
    """Those that must still be remembered at this event time: an alert fires in them, or one may still join them."""

    def last(incident: Incident) -> datetime:
        return max(incident.changed, incident.ended or incident.changed)

    return tuple(each for each in incidents if any(m.ended is None for m in each.members) or now - last(each) <= span(base))


def acknowledge(incident: Incident, author: str, reason: str, at: datetime) -> Incident:
    """The incident, taken by somebody: nobody is reminded of it any more. Raises `UsageError` where that makes no sense."""
    _check(incident, author, reason)
    if incident.stage is Stage.RESOLVED:
        raise UsageError(f"The incident {incident.id} is over by itself", hint="Close it, and say whether it was real.")
    if incident.stage is Stage.ACKNOWLEDGED and incident.acts[-1].author == author.strip():
        raise UsageError(f"The incident {incident.id} is {author.strip()}'s already", hint="Close it when it is done.")
    return replace(incident, stage=Stage.ACKNOWLEDGED, acts=(*incident.acts, Act("acknowledge", author.strip(), reason.strip(), at)))


def close(incident: Incident, closing: Closing, author: str, reason: str, at: datetime) -> Incident:
    """The incident, closed for good: alerts of it that still fire stay with it and are silent. Raises `UsageError` for a second time."""
    _check(incident, author, reason)
    act = Act("close", author.strip(), reason.strip(), at, closing)
    return replace(incident, stage=Stage.CLOSED, closing=closing, acts=(*incident.acts, act))


def leader(members: Iterable[Member]) -> Member | None:
    """The one that speaks for the others: the worst that nobody is kept from hearing of, of these the first, of these the strongest."""
    found = list(members)
    free = [member for member in found if not member.muted_by] or found
    return min(free, key=lambda m: (-_RANK[m.severity], m.fired, -strength(m.strongest), in_order(m.key)), default=None)


def strength(sight: Sight) -> float:
    """How far beyond its limit it is, as a share of that; below zero where it is not."""
    if sight.level is not Level.BEYOND:
        return -1.0
    if sight.value is None:
        return 0.0
    if not sight.limit:
        return abs(sight.value)
    return abs(sight.value - sight.limit) / abs(sight.limit)


def worst(severities: Iterable[Severity]) -> Severity:
    """The worst of these; info where there is none."""
    return max(severities, key=_RANK.__getitem__, default=Severity.INFO)


@dataclass(slots=True, eq=False)
class _Draft:
    """An incident that is being worked on."""

    incident: Incident
    members: dict[Key, Member]
    opened: datetime
    changed: datetime
    active: int
    gravest: int = 0
    is_open: bool = True

    @classmethod
    def of(cls, incident: Incident) -> _Draft:
        active = sum(member.ended is None for member in incident.members)
        return cls(incident, {member.key: member for member in incident.members}, incident.opened, incident.changed, active)

    @property
    def is_closed(self) -> bool:
        return self.incident.stage is Stage.CLOSED

    def is_evidence(self, member: Member, group: str) -> bool:
        """Whether an alert is here only because another one inhibits it."""
        return member.muted_by.startswith(INHIBITED) and (self.is_closed or group != self.incident.group)

    def takes(self, alert: Alert) -> bool:
        """Whether an alert belongs here although the last news are old: what is only information, and what is about no column where such
        an alert fires already. Two metrics of a model that has become worse need not say so in the same week."""
        if alert.severity is Severity.INFO:
            return True
        return not alert.key.column and any(m.ended is None and not m.key.column for m in self.incident.members)

    def take(self, alert: Alert, why: str) -> None:
        """Keeps an alert that fires as a member, one that has been there before as the same."""
        fired, known, last = _fired(alert), self.members.get(alert.key), alert.last
        if known is None:
            self.members[alert.key] = Member(alert.key, alert.severity, fired, last, last, None, why)
        else:
            severity = worst((known.severity, alert.severity))
            strongest = last if strength(last) > strength(known.strongest) else known.strongest
            self.members[alert.key] = Member(alert.key, severity, min(fired, known.fired), strongest, last, None, why)
        self.active += known is None or known.ended is not None
        if not why and alert.severity.rank >= self.gravest:
            self.gravest, self.is_open = alert.severity.rank, True
        news = not why.startswith(INHIBITED) and (known is None or known.ended is not None)
        if news and (alert.severity is not Severity.INFO or not self.incident.members):
            self.opened, self.changed = min(self.opened, fired), max(self.changed, fired)

    def end(self, key: Key, at: datetime) -> None:
        member = self.members[key]
        self.members[key] = replace(member, ended=max(at, member.fired))
        self.active -= 1

    def incident_now(self) -> Incident:
        """The incident as its members are now."""
        members = tuple(self.members.values())
        active = is_open(members)
        stage = self.incident.stage
        if stage is not Stage.CLOSED:
            stage = Stage.RESOLVED if not active else Stage.OPEN if stage is Stage.RESOLVED else stage
        return replace(
            self.incident,
            stage=stage,
            severity=worst(member.severity for member in members if not member.muted_by),
            opened=self.opened,
            changed=self.changed,
            members=members,
            ended=None if active else max((m.ended for m in members if m.ended is not None), default=self.changed),
        )


class _Gathering:
    """Alerts on their way into incidents. `homes`: the incident of each active alert that has one."""

    def __init__(
        self, drafts: list[_Draft], alerts: Mapping[str, Alert], muted_by: Mapping[str, str], model: str, reach: timedelta
    ) -> None:
        self.drafts, self.model, self.reach = drafts, model, reach
        self.known = {alert.key: alert for alert in alerts.values()}
        self.prints = {alert.key: print_ for print_, alert in alerts.items()}
        self.why = {alert.key: muted_by.get(print_, "") for print_, alert in alerts.items()}
        self.active = sorted((alert for alert in alerts.values() if alert.state.is_active), key=_order)
        self.homes: dict[Key, _Draft] = {}
        self.evidence: dict[Key, _Draft] = {}
        self.left: dict[Key, _Draft] = {}
        self.groups: dict[str, list[_Draft]] = defaultdict(list)
        for draft in drafts:
            self.groups[draft.incident.group].append(draft)

    def follow(self, now: datetime) -> None:
        """Members go where their alerts went."""
        for draft in self.drafts:
            for member in list(draft.members.values()):
                if member.ended is not None:
                    continue
                alert = self.known.get(member.key)
                if alert is None or not alert.state.is_active or member.key in self.homes:
                    # An alert that was ended by what came late says since when; one that is forgotten ended in this window.
                    draft.end(member.key, now if alert is None else min(max(alert.since, member.fired), now))
                elif draft.is_evidence(member, alert.group):
                    self.evidence[member.key] = draft
                else:
                    self.homes[member.key] = draft
                    # In a closed incident it is silent anyway, and must not look like evidence that may leave.
                    why = self.why[member.key]
                    draft.take(alert, "" if draft.is_closed and why.startswith(INHIBITED) else why)

    def release(self, now: datetime) -> None:
        """What still fires in an incident that nothing keeps open any more leaves it for one of its own. What recovers, what is only
        information, and what another alert speaks for stays until it ends."""
        for draft in self.drafts:
            draft.gravest, draft.is_open = gravest(draft.members.values()), is_open(draft.members.values())
            if draft.is_closed or draft.is_open:
                continue
            for member in [m for m in draft.members.values() if m.ended is None and self.homes.get(m.key) is draft]:
                fires = self.known[member.key].state is State.FIRING and member.severity is not Severity.INFO
                if fires and not member.muted_by.startswith(INHIBITED):
                    draft.end(member.key, now)
                    del self.homes[member.key]
                    self.left[member.key] = draft

    def settle(self) -> None:
        """Alerts that nothing inhibits find the incident of their group, or open one; those that have left one stay together."""
        moved: dict[str, _Draft] = {}
        for alert in self.active:
            if alert.key in self.homes or self.why[alert.key].startswith(INHIBITED):
                continue
            left = self.left.get(alert.key)
            if left is None:
                draft = self._joined(alert) or self._opened(alert)
            else:
                draft = moved.get(left.incident.id) or self._opened(alert)
                moved[left.incident.id] = draft
            draft.take(alert, self.why[alert.key])
            self.homes[alert.key] = draft

    def attach(self, now: datetime) -> None:
        """Alerts that are inhibited go to the incident of what inhibits them, link by link where that is inhibited too."""
        causes: dict[str, list[Key]] = defaultdict(list)
        for alert in self.active:
            causes[blame(alert.key)].append(alert.key)
        waiting = [alert for alert in self.active if alert.key not in self.homes]
        while waiting:
            left = []
            for alert in waiting:
                home = next((self.homes[key] for key in causes.get(self.why[alert.key], ()) if key in self.homes), None)
                if home is None:
                    left.append(alert)
                else:
                    home.take(alert, self.why[alert.key])
                    self.homes[alert.key] = home
            if len(left) == len(waiting):
                break
            waiting = left
        for key, draft in self.evidence.items():
            if self.homes.get(key) is not draft:
                draft.end(key, now)

    def _joined(self, alert: Alert) -> _Draft | None:
        """The incident it belongs to: the one it left a short while ago, or the one of its group with the latest news."""
        fired, found = _fired(alert), []
        for draft in self.groups[alert.group]:
            member = draft.members.get(alert.key)
            if draft.is_closed:
                # What came late may end an alert and begin it again: that is the same problem, and somebody has closed it.
                if member is not None and member.fired == fired and not member.muted_by:
                    return draft
                continue
            was_here = member is not None and member.ended is not None and member.fired <= fired <= member.ended + self.reach
            joins = draft.opened - self.reach <= fired <= draft.changed + self.reach
            if not draft.is_open and alert.severity.rank < draft.gravest:
                continue  # it would be told of nowhere: that incident is over, and so little does not open it again
            if was_here or joins or (draft.is_open and draft.opened <= fired and draft.takes(alert)):
                found.append((was_here, draft.active > 0, draft.changed, draft.incident.id, draft))
        return max(found, key=lambda each: each[:-1])[-1] if found else None

    def _opened(self, alert: Alert) -> _Draft:
        """A new incident; where its very beginning is known already, that one."""
        fired = _fired(alert)
        name = identity(self.model, alert.group, alert.key, fired)
        known = next((draft for draft in self.groups[alert.group] if draft.incident.id == name), None)
        if known is not None:
            return known
        incident = Incident(name, self.model, alert.group, Stage.OPEN, alert.severity, fired, fired, ())
        draft = _Draft.of(incident)
        self.drafts.append(draft)
        self.groups[alert.group].append(draft)
        return draft


def identity(model: str, group: str, first: Key, fired: datetime) -> str:
    """The id of an incident that begins with this alert."""
    text = f"{model}|{group}|{first.fingerprint}|{fired.isoformat()}"
    return f"inc_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _fired(alert: Alert) -> datetime:
    return alert.fired or alert.since


def _order(alert: Alert) -> tuple[object, ...]:
    return _fired(alert), -_RANK[alert.severity], in_order(alert.key)


def _check(incident: Incident, author: str, reason: str) -> None:
    """Raises `UsageError` for an incident that is closed, and for nobody."""
    if incident.stage is Stage.CLOSED:
        last = next((act for act in reversed(incident.acts) if act.what == "close"), None)
        by = f" by {last.author}, as {incident.closing}" if last is not None else ""
        raise UsageError(f"The incident {incident.id} was closed{by}", hint="It stays so; what fires anew opens another one.")
    if not author.strip():
        raise UsageError("Nobody is named", where="author", hint="Say who you are, so that others can ask.")
    if len(reason) > _LONGEST:
        raise UsageError(f"The reason is longer than {_LONGEST:,} characters", where="reason", hint="Say it in fewer words.")
