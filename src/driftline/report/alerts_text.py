"""Alerts, incidents, silences and notices for a terminal.

alerts_text(board, ...)   incidents_text(incidents, ...)   incident_text(incident, ...)   silences_text(...)   outgoing_text(...)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from driftline.alerting.budget import Expected
from driftline.alerting.inhibition import name_of
from driftline.alerting.precision import Precision
from driftline.alerting.records import Alert, Board, Incident, Key, Member, Outgoing, Sending, Sight, Silence, Stage, State, Transition
from driftline.core.records import Measurement, Scope, segment_name
from driftline.core.verdicts import Severity
from driftline.report import numbers, text
from driftline.report.figures import limited, title
from driftline.report.moments import Clock
from driftline.report.screen import Screen
from driftline.report.states import story_of_note

WORDS = {Severity.CRITICAL: "PAGE", Severity.WARNING: "TICKET", Severity.INFO: "info"}
COLOURS = {"PAGE": "1;31", "TICKET": "1;33", "info": "36", "muted": "36"}
_ORDER = {State.FIRING: 0, State.RECOVERING: 1, State.PENDING: 2, State.OK: 3}
_MOST = 20
_NAMED = 3
_INDENT = 10


@dataclass(frozen=True, slots=True)
class Paper:
    """What the texts are written on: a screen and a time zone."""

    screen: Screen
    clock: Clock

    @classmethod
    def of(cls, *, zone: str = "UTC", width: int = 100, colour: bool = False, ascii_only: bool = False) -> Paper:
        return cls(Screen(max(width, 60), colour, ascii_only), Clock.of(zone))

    def told(self, story: str, most: int = 3, indent: int = _INDENT) -> list[str]:
        """A story on lines of its own."""
        lines = self.screen.told(self.screen.safe(story), "", self.screen.width - indent, most) if story else []
        return [" " * indent + line for line in lines]

    def word(self, severity: Severity, *, muted: bool = False) -> str:
        """The severity in a word of the width of all of them."""
        word = "muted" if muted else WORDS.get(severity, str(severity))
        return self.screen.painted(word, COLOURS.get(word, "")) + " " * (6 - len(word))


def about(key: Key) -> str:
    """What an alert is about, without its rule: `bureau_score, channel=app`, or the metric where there is no column."""
    parts = [
        key.column or (title(key.metric) if key.metric not in ("", "verdict") else ""),
        segment_name(key.segment) if key.segment else "",
        f"version {key.version}" if key.version else "",
        key.reason,
    ]
    return ", ".join(part for part in parts if part)


def numbers_of(sight: Sight) -> str:
    """Value and limit in the unit of their metric; empty for a verdict, whose story tells, and where nothing is known."""
    if sight.value is None or not sight.key.metric or sight.key.metric.endswith("verdict") or sight.key.reason:
        return ""
    return limited(Measurement(sight.key.metric, sight.value, Scope(), sight.n, limit=sight.limit))


def alerts_text(board: Board, muted: Mapping[str, str], paper: Paper, *, verbose: bool = False) -> str:
    """The alerts that are not fine, the worst first; `muted` says of which nobody is told and why, by fingerprint."""
    found = sorted(
        (alert for alert in board.alerts.values() if alert.state is not State.OK),
        key=lambda a: (bool(muted.get(a.key.fingerprint)), _ORDER[a.state], -a.severity.rank, a.since, a.key),
    )
    if not found:
        return "no alert"
    counts = {state: sum(alert.state is state for alert in found) for state in _ORDER}
    lines = [", ".join(f"{count} {state}" for state, count in counts.items() if count)]
    shown = found if verbose else found[:_MOST]
    for alert in shown:
        lines += _alert_lines(alert, muted.get(alert.key.fingerprint, ""), paper)
    if len(shown) < len(found):
        lines.append(f"  … and {len(found) - len(shown)} more; --verbose shows all")
    return "\n".join(paper.screen.safe(line) if "\x1b" not in line else line for line in lines)


def brief_text(board: Board, muted: Mapping[str, str], paper: Paper) -> list[str]:
    """How the alerts stand in a line: `alerts: 1 firing (NullSpike bureau_score), 2 pending, 3 muted`."""
    heard = [alert for alert in board.alerts.values() if alert.key.fingerprint not in muted and alert.state is not State.OK]
    heard.sort(key=lambda a: (-a.severity.rank, a.since, a.key))
    parts = []
    for state in (State.FIRING, State.RECOVERING, State.PENDING):
        names = [f"{alert.key.rule} {about(alert.key)}".strip() for alert in heard if alert.state is state]
        if names:
            listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
            parts.append(f"{len(names)} {state}" + (f" ({listed})" if state is State.FIRING else ""))
    silent = sum(alert.state.is_active for alert in board.alerts.values()) - sum(alert.state.is_active for alert in heard)
    parts += [f"{silent} muted"] if silent else []
    lines = text.wrap(paper.screen.safe(f"alerts: {', '.join(parts) or 'none'}"), paper.screen.width - 2)
    return [lines[0], *(f"  {line}" for line in lines[1:])]


def _alert_lines(alert: Alert, why: str, paper: Paper) -> Iterator[str]:
    since = paper.clock.moment(alert.fired or alert.since)
    state = str(alert.state) if not alert.blind else f"{alert.state}, blind for {alert.blind}"
    head = f"{alert.key.rule}  {about(alert.key)}".rstrip()
    incident = f"  {alert.incident}" if alert.incident else ""
    yield f"  {paper.word(alert.severity, muted=bool(why))}  {paper.screen.safe(head)}  {state} since {since}{incident}"
    story = "; ".join(part for part in (numbers_of(alert.last), story_of_note(alert.last.note), why) if part)
    yield from paper.told(story)


def incidents_text(incidents: Sequence[Incident], paper: Paper) -> str:
    """A few lines for each incident, the latest first."""
    if not incidents:
        return "no incident"
    lines = []
    for incident in incidents:
        lead = _lead(incident)
        count = f", {len(incident.members)} alerts" if len(incident.members) > 1 else ""
        closing = f" as {incident.closing}" if incident.closing else ""
        span = _span(incident, paper)
        lines.append(f"  {paper.word(incident.severity)}  {incident.id}  {incident.stage}{closing}  {span}{count}")
        lines += paper.told(f"{name_of(lead.key)}: {_story(lead)}", 2)
    return "\n".join(lines)


def incident_text(incident: Incident, transitions: Iterable[Transition], outgoing: Iterable[Outgoing], paper: Paper) -> str:
    """Everything about one incident: its alerts, what people did, what was sent, and every change of state with its numbers."""
    clock, screen = paper.clock, paper.screen
    closing = f" as {incident.closing}" if incident.closing else ""
    lines = [f"{incident.id}: {incident.stage}{closing}, {incident.group}, {WORDS.get(incident.severity, '')}, {_span(incident, paper)}"]
    lines.append("alerts")
    for member in incident.members:
        end = f" until {clock.moment(member.ended)}" if member.ended else ""
        lines.append(
            f"  {paper.word(member.severity, muted=bool(member.muted_by))}  {screen.safe(name_of(member.key))}  "
            f"{clock.moment(member.fired)}{end}"
        )
        lines += paper.told("; ".join(part for part in (_story(member), member.muted_by) if part))
        lines += paper.told(_derivation(member.strongest), 4)
    lines += _section("what people did", (_act_line(act.what, act.author, act.reason, act.at, paper) for act in incident.acts))
    lines += _section("told", (_sent_line(each, paper) for each in outgoing))
    changes = [
        f"  {clock.window(t.window)}  {screen.safe(name_of(t.key))}: {t.before} → {t.after}, {screen.safe(t.reason)}" for t in transitions
    ]
    return "\n".join([*lines, *_section("changes", changes)])


def silences_text(silences: Sequence[Silence], now: datetime, paper: Paper) -> str:
    """A line for each silence."""
    if not silences:
        return "no silence"
    lines = []
    for silence in silences:
        state = "in force" if silence.starts <= now < silence.ends else "over" if silence.ends <= now else "to come"
        matchers = ", ".join(f"{name}={pattern}" for name, pattern in silence.matchers.items())
        span = f"{paper.clock.moment(silence.starts)} .. {paper.clock.moment(silence.ends)}"
        lines.append(paper.screen.safe(f"  {silence.id}  {state}  {span}  {matchers}"))
        by = f"ended by {silence.ended_by}; " if silence.ended_by else ""
        lines += paper.told(f"{by}{silence.author}: {silence.comment}")
    return "\n".join(lines)


def outgoing_text(outgoing: Sequence[Outgoing], paper: Paper) -> str:
    """A line for each notice on its way, the latest last."""
    return "\n".join(_sent_line(each, paper, notice=True) for each in outgoing) or "nothing was to be sent"


def _sent_line(each: Outgoing, paper: Paper, *, notice: bool = False) -> str:
    moment = paper.clock.moment(each.settled or each.notice.made)
    words = {Sending.WAITING: "waits", Sending.HELD: "kept for the digest", Sending.DIGESTED: "in a digest", Sending.DEAD: "GIVEN UP"}
    state = words.get(each.state, str(each.state))
    error = f": {each.error}" if each.error and each.state is not Sending.DELIVERED else ""
    again = f", again at {paper.clock.moment(each.due)}" if each.state is Sending.WAITING and each.attempts else ""
    tries = f" after {numbers.plural(each.attempts, 'try', 'tries')}" if each.attempts > 1 else ""
    line = f"  {moment}  {each.channel}  {each.notice.kind}  {state}{tries}{again}{error}"
    if notice:
        line = f"{line}  {each.notice.summary}"
    return text.shorten(paper.screen.safe(line), paper.screen.width, paper.screen.ellipsis)


def _lead(incident: Incident) -> Member:
    free = [member for member in incident.members if not member.muted_by] or list(incident.members)
    return min(free, key=lambda m: (-m.severity.rank, m.fired, m.key))


def _story(member: Member) -> str:
    return "; ".join(part for part in (numbers_of(member.strongest), story_of_note(member.strongest.note)) if part)


def _derivation(sight: Sight) -> str:
    story = story_of_note(sight.note)
    rest = sight.note.strip().removeprefix(story).lstrip("\n; ")
    return f"n = {sight.n:,}; {rest}" if rest else f"n = {sight.n:,}"


def _span(incident: Incident, paper: Paper) -> str:
    opened = paper.clock.moment(incident.opened)
    open_ = incident.stage in (Stage.OPEN, Stage.ACKNOWLEDGED) or incident.ended is None
    return f"since {opened}" if open_ else f"{opened} .. {paper.clock.moment(incident.ended)}"


def _act_line(what: str, author: str, reason: str, at: datetime, paper: Paper) -> str:
    return paper.screen.safe(
        f"  {paper.clock.moment(at)}  {author}: {what}, {reason}" if reason else f"  {paper.clock.moment(at)}  {author}: {what}"
    )


def _section(name: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [name, *found] if found else []


def sent_text(counts: Mapping[str, int], errors: Mapping[str, str], paper: Paper) -> list[str]:
    """What delivery did, in a line, and a line for each channel with an error."""
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    lines = [f"notices: {said}"] if said else []
    return [*lines, *(paper.screen.safe(f"  {name}: {error}") for name, error in errors.items())]


def expected_text(found: Sequence[Expected], severities: Mapping[str, Severity]) -> str:
    """How many false pages and tickets a month are to be expected, at most, when nothing is wrong."""
    sums = {
        severity: sum(each.per_month or 0.0 for each in found if severities.get(each.rule) is severity)
        for severity in (Severity.CRITICAL, Severity.WARNING)
    }
    pages, tickets = (numbers.number(sums[severity]) for severity in sums)
    unknown = [each.rule for each in found if each.per_month is None]
    more = f"; no theory for {', '.join(unknown)}: back-test" if unknown else ""
    return f"false alarms to expect in a month, at most: {pages} pages, {tickets} tickets{more}"


def precision_text(found: Sequence[Precision], proposals: Sequence[str], paper: Paper) -> str:
    """How often each rule was right, by what its incidents were closed as."""
    if not found:
        return "no incident was closed as real or false yet: driftline close INCIDENT --as real_fixed|false_alarm|..."
    lines = [
        f"  {each.rule}: {each.real} of {each.real + each.false} real, "
        f"{numbers.percent(each.share)} [{numbers.percent(each.low)}, {numbers.percent(each.high)}]"
        for each in found
    ]
    return "\n".join([*lines, *(line for proposal in proposals for line in paper.told(proposal, 4, 4))])
