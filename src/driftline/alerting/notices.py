"""Notices: who is told what of which incident, and when. Decided from what receivers were last told against what is.

    decide(incidents, ...) -> (incidents, outgoing)        active_notices(incidents, channel, ...) -> [Notice]

Nobody is told twice of the same, and whoever was told of a beginning is told of the end, on the same channels. Critical pages, warning is a
ticket, info waits for the digest. Beyond the budget of false alarms a ticket waits for the digest too, and a page goes out as a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from driftline.alerting.incidents import worst
from driftline.alerting.inhibition import INHIBITED
from driftline.alerting.records import Closing, Incident, Key, Kind, Level, Member, Notice, Outgoing, Sending, Silence, Stage, Told
from driftline.alerting.silences import MUTED, muted, silenced
from driftline.alerting.spec import AlertsSpec
from driftline.alerting.words import About, News, clock, notice, seen
from driftline.core.verdicts import Severity

FIRING, HELD, RESOLVED, NOTED = "firing", "held", "resolved", "noted"
"""The first word of `Told.status`: people were told at once, it waits for the digest, they were told of the end, its end waits for the
digest (or nobody was there to be told). The channels follow: `firing to pages, tickets`."""
LATELY = timedelta(days=30)
RESENT = timedelta(minutes=5)
"""For so long those that forget are told again that something is over."""
Notify = Mapping[Severity, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Spent:
    """Pages and tickets told in the last 30 days, without those of incidents that were closed as real. `waiting`: incidents of which a
    notice has not arrived yet: nobody is reminded of what nobody has heard."""

    pages: int = 0
    tickets: int = 0
    waiting: frozenset[str] = frozenset()

    @classmethod
    def of(cls, incidents: Iterable[Incident], now: datetime, waiting: Iterable[str] = ()) -> Spent:
        """What these incidents have used up by now."""
        pages = tickets = 0
        for incident in incidents:
            told = incident.told
            if told is None or word(told) not in (FIRING, RESOLVED) or now - told.at > LATELY or _was_real(incident):
                continue
            pages += told.severity is Severity.CRITICAL
            tickets += told.severity is Severity.WARNING
        return cls(pages, tickets, frozenset(waiting))


@dataclass(frozen=True, slots=True)
class Way:
    """Where news goes: to these channels, at once or with the next digest. `severity`: as which they go out. `remark`: why otherwise."""

    channels: tuple[str, ...]
    state: Sending
    severity: Severity
    remark: str = ""


def word(told: Told | None) -> str:
    """What receivers know: `firing`, `held`, `resolved`, `noted`, or nothing."""
    return "" if told is None else told.status.split(" ", 1)[0]


def went_to(told: Told, notify: Notify) -> tuple[str, ...]:
    """The channels that were told; where that was not kept, those of its severity."""
    _, found, listed = told.status.partition(" to ")
    return tuple(listed.split(", ")) if found else tuple(notify.get(told.severity, ()))


def decide(
    incidents: Sequence[Incident],
    *,
    silences: Sequence[Silence],
    spec: AlertsSpec,
    notify: Notify,
    sent: Spent,
    now: datetime,
    about: About,
) -> tuple[tuple[Incident, ...], list[Outgoing]]:
    """The incidents with what receivers will have been told, and what is to be sent. The worst are decided first, for the budget's sake."""
    desk = _Desk(tuple(silences), spec, notify, sent, now, about)
    after = {incident.id: incident for incident in incidents}
    for incident in sorted(incidents, key=lambda each: (-each.severity.rank, each.opened, each.id)):
        told = desk.tell(incident)
        if told is not None:
            after[incident.id] = replace(incident, told=told)
    return tuple(after[incident.id] for incident in incidents), desk.outgoing


def active_notices(
    incidents: Sequence[Incident], channel: str, *, silences: Sequence[Silence], spec: AlertsSpec, now: datetime, about: About
) -> list[Notice]:
    """What a channel that forgets must be told again: all that it was told of and still fires, and what was over five minutes ago."""
    desk, found = _Desk(tuple(silences), spec, {}, Spent(), now, about), []
    for incident in sorted(incidents, key=lambda each: (each.opened, each.id)):
        told = incident.told
        if told is None or channel not in (went_to(told, {}) or (channel,)):
            continue
        if word(told) == FIRING and incident.is_active and incident.stage is not Stage.CLOSED:
            speaking, quiet = desk.heard(incident)
            if speaking:
                news = News(Kind.FIRING, FIRING, told.severity, told.count, now, speaking, quiet)
                found.append(notice(incident, news, about))
        elif word(told) == RESOLVED and now - told.at < RESENT:
            found.append(notice(incident, desk.ending(incident, told.severity, told.count), about))
    return found


@dataclass(slots=True)
class _Desk:
    """One sitting in which all incidents of a model are decided."""

    silences: tuple[Silence, ...]
    spec: AlertsSpec
    notify: Notify
    sent: Spent
    now: datetime
    about: About
    outgoing: list[Outgoing] = field(default_factory=list)

    def tell(self, incident: Incident) -> Told | None:
        """What receivers will have been told of it; None where that does not change."""
        known = word(incident.told)
        if incident.stage in (Stage.RESOLVED, Stage.CLOSED):
            return self._over(incident) if known in ("", FIRING, HELD) else None
        speaking, quiet = self.heard(incident)
        if not speaking:
            return None
        if known in (FIRING, HELD):
            return self._still(incident, speaking, quiet)
        if _is_going(speaking):
            return None  # a silence or a known event has ended, and so has the problem
        return self._begins(incident, speaking, quiet)

    def heard(self, incident: Incident) -> tuple[tuple[Member, ...], dict[Key, str]]:
        """The members that fire and may be told of, and the others that fire with the reason why not."""
        speaking, quiet = [], {}
        for member in incident.members:
            if member.ended is not None:
                continue
            why = self._why_quiet(member, incident.model)
            if why:
                quiet[member.key] = why
            else:
                speaking.append(member)
        return tuple(speaking), quiet

    def ending(self, incident: Incident, severity: Severity, count: int) -> News:
        """The news that it is over, by itself or because somebody has closed it."""
        told = tuple(member for member in incident.members if member.severity.rank >= severity.rank > Severity.INFO.rank)
        free = told or tuple(member for member in incident.members if not member.muted_by) or incident.members
        quiet = {member.key: member.muted_by for member in incident.members if member.muted_by and member not in free}
        closing = next((act for act in reversed(incident.acts) if act.what == "close"), None)
        if incident.stage is Stage.CLOSED and closing is not None:
            said = f": {seen(closing.reason, 200)}" if closing.reason else ""
            opening = f"Closed by {seen(closing.author, 60)}: {incident.closing}. "
            remarks = (f"closed by {seen(closing.author, 60)} as {incident.closing}{said}",)
            return News(Kind.RESOLVED, RESOLVED, severity, count, self.now, free, quiet, opening, remarks, closing.at)
        over = incident.ended or self.now
        return News(Kind.RESOLVED, RESOLVED, severity, count, self.now, free, quiet, "Over: ", (), over)

    def _begins(self, incident: Incident, speaking: tuple[Member, ...], quiet: Mapping[Key, str]) -> Told | None:
        """Nobody knows, or people were told that it was over."""
        severity = worst(member.severity for member in speaking)
        again = word(incident.told) == RESOLVED
        way = self._back(incident, severity) if again else self._way(severity)
        if not way.channels:
            return None
        opening = "Again: " if again else ""
        news = News(Kind.FIRING, FIRING, way.severity, _next(incident), self.now, speaking, quiet, opening, _remarks(way))
        return self._send(incident, news, way, severity)

    def _back(self, incident: Incident, severity: Severity) -> Way:
        """Where a problem that returns is told: to whom its end was told. It was counted the first time, unless it is worse by now."""
        told = incident.told
        assert told is not None
        used = {channel for channels in self.notify.values() for channel in channels}
        before = tuple(channel for channel in went_to(told, self.notify) if channel in used)
        if severity is told.severity and before:
            return Way(before, Sending.WAITING, self._shown(severity, before))
        return self._way(severity, counted=told.severity.rank > severity.rank)

    def _still(self, incident: Incident, speaking: tuple[Member, ...], quiet: Mapping[Key, str]) -> Told | None:
        """People know that it fires, or will read so in the digest: worse, not taken for long, or nothing new."""
        told = incident.told
        assert told is not None
        severity, live = worst(member.severity for member in speaking), word(told) == FIRING
        before = went_to(told, self.notify) if live else ()
        if severity.rank > told.severity.rank:
            way = self._way(severity)
            channels = tuple(dict.fromkeys((*before, *way.channels)))
            if not channels:
                return None
            way = replace(way, channels=channels, state=Sending.WAITING if live else way.state)
            opening = f"Worse, now {severity}: "
            news = News(Kind.WORSE, FIRING, way.severity, _next(incident), self.now, speaking, quiet, opening, _remarks(way))
            return self._send(incident, news, way, severity)
        is_due = self.now - told.at >= self.spec.repeat_after and not _is_going(speaking) and incident.id not in self.sent.waiting
        if not live or not before or incident.stage is not Stage.OPEN or severity is not Severity.CRITICAL or not is_due:
            return None
        opening = "Nobody has taken it yet: "
        news = News(Kind.REMINDER, FIRING, self._shown(severity, before), _next(incident), self.now, speaking, quiet, opening)
        return self._send(incident, news, Way(before, Sending.WAITING, severity), told.severity)

    def _over(self, incident: Incident) -> Told | None:
        """It is over, or closed: whoever was told of it is told, and what nobody was told of in time is noted in the digest."""
        told = incident.told
        if told is not None:
            state = Sending.WAITING if word(told) == FIRING else Sending.HELD
            way = Way(went_to(told, self.notify), state, told.severity)
            shown = self._shown(told.severity, way.channels)
            return self._send(incident, self.ending(incident, shown, _next(incident)), way, told.severity)
        if incident.stage is Stage.CLOSED:
            return None
        # Where nobody can be told by now, nobody will be: a channel that is added later tells of what still fires.
        channels = tuple(self.notify.get(Severity.INFO, ()) or self.notify.get(incident.severity, ()))
        if not channels:
            return Told(NOTED, Severity.INFO, self.now, 0)
        why = self._why_untold(incident)
        news = replace(self.ending(incident, Severity.INFO, _next(incident)), opening=f"{why[0]}: ", remarks=(why[1],))
        return self._send(incident, news, Way(channels, Sending.HELD, Severity.INFO), Severity.INFO)

    def _send(self, incident: Incident, news: News, way: Way, severity: Severity) -> Told:
        """Puts a notice on its way to each channel. `severity` is what receivers know then, whatever it went out as."""
        if way.channels:
            message = notice(incident, news, self.about)
            self.outgoing += [Outgoing(channel, message, self.now, way.state) for channel in way.channels]
        over, held = news.kind is Kind.RESOLVED, way.state is Sending.HELD
        status = (NOTED if held else RESOLVED) if over else HELD if held else FIRING
        return Told(f"{status} to {', '.join(way.channels)}" if way.channels else status, severity, self.now, news.count)

    def _way(self, severity: Severity, *, counted: bool = False) -> Way:
        """Where news of a severity goes. `counted`: it has been taken from the budget before."""
        pages, tickets = tuple(self.notify.get(Severity.CRITICAL, ())), tuple(self.notify.get(Severity.WARNING, ()))
        budget = self.spec.budget
        sends = counted or budget.over_budget == "send"
        if severity is Severity.CRITICAL and pages:
            if sends or self.sent.pages < budget.pages_per_month:
                self._spend(pages=not counted)
                return Way(pages, Sending.WAITING, severity)
            remark = (
                f"sent as a ticket although critical: more pages than {budget.pages_per_month:g} in 30 days, see budget.pages_per_month"
            )
            self._spend(tickets=True)
            return Way(tickets or pages, Sending.WAITING, Severity.WARNING if tickets else severity, remark)
        if severity is Severity.WARNING and tickets:
            if sends or self.sent.tickets < budget.tickets_per_month:
                self._spend(tickets=not counted)
                return Way(tickets, Sending.WAITING, severity)
            remark = f"kept for the digest: more tickets than {budget.tickets_per_month:g} in 30 days, see budget.tickets_per_month"
            return Way(tickets, Sending.HELD, severity, remark)
        if severity is Severity.INFO:
            return Way(tuple(self.notify.get(Severity.INFO, ())), Sending.HELD, severity)
        return Way((), Sending.WAITING, severity)

    def _shown(self, severity: Severity, channels: Sequence[str]) -> Severity:
        """What something is called where it went: a page that went out as a ticket stays one."""
        only_tickets = set(self.notify.get(Severity.WARNING, ())) - set(self.notify.get(Severity.CRITICAL, ()))
        is_ticket = severity is Severity.CRITICAL and bool(channels) and only_tickets.issuperset(channels)
        return Severity.WARNING if is_ticket else severity

    def _spend(self, *, pages: bool = False, tickets: bool = False) -> None:
        self.sent = replace(self.sent, pages=self.sent.pages + pages, tickets=self.sent.tickets + tickets)

    def _why_quiet(self, member: Member, model: str) -> str:
        """Why nobody is told of a member that fires. What the plan says of known events is asked anew: it may have changed."""
        if member.muted_by.startswith(INHIBITED):
            return member.muted_by
        if member.muted_by.startswith(MUTED) and member.latest.level is Level.CLEAR:
            return member.muted_by
        event = muted(member.key, member.latest.window, self.spec.muted)
        if event:
            return event
        silence = silenced(member.key.labels(model), self.silences, self.now)
        return "" if silence is None else f"silenced by {seen(silence.author, 60)}: {seen(silence.comment, 60)}"

    def _why_untold(self, incident: Incident) -> tuple[str, str]:
        """Why nobody was told of what is over, in a word and in a line."""
        silences = [self._past_silence(member, incident.model) for member in incident.members if not member.muted_by]
        if silences and all(silences):
            first = next(each for each in silences if each is not None)
            line = f"silenced by {seen(first.author, 60)} until {clock(first.ends)} UTC: {seen(first.comment, 200)}"
            return "Was silenced", line
        known = sorted({member.muted_by for member in incident.members if member.muted_by})
        if not silences and known:
            return ("Was muted" if known[0].startswith(MUTED) else "Was inhibited"), f"nobody was told: {seen(known[0], 200)}"
        return "Told late", "it was over before it became known, or before anybody could be told"

    def _past_silence(self, member: Member, model: str) -> Silence | None:
        """The silence that fits a member now, or has been in force while the incident was known."""
        labels = member.key.labels(model)
        found = silenced(labels, self.silences, self.now)
        if found is not None or member.ended is None:
            return found
        return next((each for moment in (member.ended, member.fired) if (each := silenced(labels, self.silences, moment))), None)


def _is_going(speaking: Iterable[Member]) -> bool:
    """Whether all that fires was clear when it was last seen: it will be over soon, and nobody is called for it."""
    return all(member.latest.level is Level.CLEAR for member in speaking)


def _next(incident: Incident) -> int:
    return 1 if incident.told is None else incident.told.count + 1


def _remarks(way: Way) -> tuple[str, ...]:
    return (way.remark,) if way.remark else ()


def _was_real(incident: Incident) -> bool:
    return incident.closing in (Closing.REAL_FIXED, Closing.REAL_ACCEPTED)
