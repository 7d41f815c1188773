"""Alerts and incidents in a few words, for the terminal and the page: severities, names, stories, spans of time, who is muted and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeVar

from driftline.alerting.incidents import leader, strength
from driftline.alerting.inhibition import name_of
from driftline.alerting.records import Act, Alert, Board, Incident, Key, Member, Sight, Stage, State
from driftline.core.records import Measurement, Scope, Window
from driftline.core.verdicts import Severity
from driftline.report import numbers
from driftline.report.figures import limited
from driftline.report.moments import Clock
from driftline.report.states import story_of_note
from driftline.report.text import shorten

T = TypeVar("T")

WORDS = {Severity.CRITICAL: "PAGE", Severity.WARNING: "TICKET", Severity.INFO: "info"}
COUNTED = {Severity.CRITICAL: ("PAGE", "PAGES"), Severity.WARNING: ("TICKET", "TICKETS"), Severity.INFO: ("info", "info")}
NAMED = 3
"""Alerts of one rule that are named one by one."""
OPEN = (Stage.OPEN, Stage.ACKNOWLEDGED)
_DONE = {"acknowledge": "acknowledged", "close": "closed", "note": "noted"}
_LONGEST = 80
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def numbers_of(sight: Sight) -> str:
    """Value and limit in the unit of their metric; empty for a verdict, whose story tells, and where nothing is known."""
    if sight.value is None or not sight.key.metric or sight.key.metric.endswith("verdict") or sight.key.reason:
        return ""
    return limited(Measurement(sight.key.metric, sight.value, Scope(), sight.n, limit=sight.limit))


def story_of(sight: Sight) -> str:
    """What one sight says: value and limit, and what its note tells. A story that begins with the value is not told it twice."""
    figures, told = numbers_of(sight), story_of_note(sight.note)
    value, _, limit = figures.partition(" (limit ")
    if figures and told.startswith(f"{value} "):
        first, sign, rest = told.partition("; ")
        return f"{first}{f', limit {limit[:-1]}' if limit else ''}{sign}{rest}"
    return "; ".join(part for part in (figures, told) if part)


def derivation_of(sight: Sight) -> str:
    """How many rows it rests on, and where its limit comes from."""
    rest = sight.note.strip().removeprefix(story_of_note(sight.note)).lstrip("\n; ")
    rows = numbers.plural(sight.n, "row")
    return f"{rows}; {rest}" if rest else rows


def short_name(key: Key) -> str:
    """An alert as people call it, no longer than a line has room for."""
    return shorten(name_of(key), _LONGEST)


def names_of(keys: Sequence[Key]) -> str:
    """Alerts of one rule: `ColumnFaulty (humid, temp, visib and 2 more)`."""
    if len(keys) == 1:
        return short_name(keys[0])
    found = [name_of(key).removeprefix(key.rule).strip()[1:-1] for key in keys]
    sign = "; " if any(", " in name for name in found) else ", "
    named = [shorten(name, _LONGEST // 2) for name in found if name][:NAMED]
    left = len(keys) - len(named)
    more = f" and {left} more" if left else ""
    return f"{keys[0].rule} ({sign.join(named)}{more})"


def together(items: Iterable[T], alike: Callable[[T], Hashable]) -> list[list[T]]:
    """What is alike beside each other, in the order of the first of each."""
    found: dict[Hashable, list[T]] = {}
    for item in items:
        found.setdefault(alike(item), []).append(item)
    return list(found.values())


def muted_of(incidents: Iterable[Incident]) -> dict[str, str]:
    """Why nobody is told of alerts that fire, by fingerprint."""
    members = [m for incident in incidents for m in incident.members if m.muted_by and m.ended is None]
    return {member.key.fingerprint: member.muted_by for member in members}


def muted_lines(named: Iterable[tuple[str, Key]], *, all_: bool = False) -> list[str]:
    """One line for each reason, that of the most first: `12 inhibited by WideDrift: ColumnDrift (a, b, c and 9 more)`."""
    lines = []
    for found in sorted(together(named, lambda one: one[0]), key=len, reverse=True):
        keys = [key for _, key in found]
        rules = [[key] for key in keys] if all_ else together(keys, lambda key: key.rule)
        lines.append(f"{len(found)} {shorten(found[0][0], _LONGEST)}: {', '.join(names_of(each) for each in rules)}")
    return lines


def in_order(alerts: Iterable[Alert]) -> list[Alert]:
    """Alerts, what asks for a person first."""
    order = {State.FIRING: 0, State.RECOVERING: 1, State.PENDING: 2, State.OK: 3}
    return sorted(alerts, key=lambda a: (order[a.state], -a.severity.rank, bool(a.key.reason), a.since, a.key))


def standing(board: Board, muted: Mapping[str, str]) -> str:
    """How the alerts stand: `1 PAGE and 6 TICKETS firing, 4 pending, 23 muted`; those that are muted count there alone."""
    heard = [alert for alert in board.alerts.values() if alert.key.fingerprint not in muted]
    counts = Counter(alert.severity for alert in heard if alert.state is State.FIRING)
    firing = [numbers.plural(counts[severity], *COUNTED[severity]) for severity in COUNTED if counts[severity]]
    parts = [f"{', '.join(firing[:-1])}{' and ' if firing[:-1] else ''}{firing[-1]} firing"] if firing else []
    for state in (State.RECOVERING, State.PENDING):
        count = sum(alert.state is state for alert in heard)
        parts += [f"{numbers.count(count)} {state}"] if count else []
    silent = sum(alert.state.is_active and fingerprint in muted for fingerprint, alert in board.alerts.items())
    return ", ".join([*parts, *([f"{numbers.count(silent)} muted"] if silent else [])]) or "none"


def lead_of(incident: Incident) -> Member:
    """The alert that speaks for the others."""
    found = leader(incident.members)
    assert found is not None, "an incident has a member"
    return found


def lead_name(incident: Incident) -> str:
    """The lead of an incident, with those of the same rule that began and ended with it."""
    return names_of([member.key for member in _leading(incident)])


def lead_story(incident: Incident) -> str:
    """The incident in a sentence: the name and the story of its lead."""
    lead, *same = _leading(incident)
    which = f"{lead.key.column}: " if same and lead.key.column else ""
    told = story_of(sight_of(lead))
    return f"{lead_name(incident)}: {which}{told}" if told else lead_name(incident)


def _leading(incident: Incident) -> list[Member]:
    lead = lead_of(incident)
    return [lead, *(m for m in heard(incident) if m is not lead and alike(m) == alike(lead))]


def sight_of(member: Member) -> Sight:
    """The strongest sight of a member, of equally strong ones the latest: verdicts are all as strong."""
    return member.latest if strength(member.latest) >= max(strength(member.strongest), 0.0) else member.strongest


def alike(member: Member) -> Hashable:
    """What members must share to be told in one line."""
    key = member.key
    what = (key.rule, key.metric, bool(key.segment), key.version, key.reason)
    return *what, member.severity, member.fired, member.ended, bool(member.muted_by)


def heard(incident: Incident) -> list[Member]:
    """The members that people are told of: those that still fire first, then the gravest."""
    found = [member for member in incident.members if not member.muted_by]
    lead = lead_of(incident)
    return sorted(found, key=lambda m: (m is not lead, m.ended is not None, -m.severity.rank, m.fired, m.key))


def in_turn(incidents: Iterable[Incident]) -> list[Incident]:
    """Open incidents first, the gravest of them, then those that are over; of the same kind the latest first."""
    return sorted(
        incidents,
        key=lambda i: (i.stage not in OPEN, -i.severity.rank if i.stage in OPEN else 0, -i.opened.timestamp(), i.id),
    )


def stage_of(incident: Incident) -> str:
    """`open`, `acknowledged by ann`, `resolved`, `closed as false_alarm`."""
    if incident.stage is Stage.CLOSED:
        return f"closed as {incident.closing}" if incident.closing else "closed"
    if incident.stage is Stage.ACKNOWLEDGED:
        authors = [act.author for act in incident.acts if act.what == "acknowledge"]
        return f"acknowledged by {shorten(authors[-1], _LONGEST // 2)}" if authors else "acknowledged"
    return str(incident.stage)


def act_of(act: Act) -> str:
    """What a person did: `ann closed it as real_fixed: the bureau is back`."""
    closing = f" as {act.closing}" if act.closing else ""
    return f"{act.author} {_DONE.get(act.what, act.what)} it{closing}" + (f": {act.reason}" if act.reason else "")


def began(fired: datetime, window: Window, clock: Clock) -> datetime:
    """The start of the window at whose end an alert began to fire. Days are counted by the calendar: some have 23 hours."""
    length = window.end - window.start
    days, local = round(length / _DAY), fired.astimezone(clock.zone)
    if days and local.time() == time() and abs(length - days * _DAY) <= _HOUR:
        return (local.replace(tzinfo=None) - days * _DAY).replace(tzinfo=clock.zone).astimezone(UTC)
    return fired - length


def first_of(incident: Incident, clock: Clock) -> datetime:
    """The start of the first window that an incident is about."""
    return began(incident.opened, lead_of(incident).strongest.window, clock)


def span_of(incident: Incident, clock: Clock) -> str:
    """`since 2026-11-22 04:00`, or from when to when where it is over."""
    return stretch(first_of(incident, clock), None if incident.stage in OPEN else incident.ended, clock)


def standing_of(incident: Incident, clock: Clock) -> str:
    """Stage and stretch of time: `open since 2026-11-22 04:00`, `resolved, 2026-11-22 04:00 .. 2026-11-22 09:00`."""
    return f"{stage_of(incident)}{'' if incident.stage is Stage.OPEN else ','} {span_of(incident, clock)}"


def member_span(member: Member, clock: Clock) -> str:
    """The same of one alert in an incident."""
    return stretch(began(member.fired, member.strongest.window, clock), member.ended, clock)


def stretch(start: datetime, end: datetime | None, clock: Clock) -> str:
    """From when to when, or since when."""
    return f"since {clock.moment(start)}" if end is None else clock.window(Window(start, max(end, start)))


def age_of(alert: Alert, clock: Clock) -> str:
    """`firing since 2026-11-22 04:00`, and for how many windows nothing has been known of it."""
    since = clock.moment(began(alert.fired or alert.since, alert.last.window, clock))
    blind = f", nothing known in the last {numbers.plural(alert.blind, 'window')}" if alert.blind else ""
    told = f"firing since {since}, recovering" if alert.state is State.RECOVERING else f"{alert.state} since {since}"
    return told + blind
