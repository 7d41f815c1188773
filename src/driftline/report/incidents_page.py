"""Step 4 on the page: what fired, and was it worth it? Decided here, so that the template only lays it out. Its size is bounded.

section_of(shown, clock, axis) -> Section
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from driftline.alerting.precision import Precision
from driftline.alerting.records import Incident, Member
from driftline.core.verdicts import Severity
from driftline.report import numbers
from driftline.report.alert_words import (
    OPEN,
    act_of,
    alike,
    first_of,
    heard,
    in_turn,
    lead_name,
    lead_story,
    member_span,
    muted_lines,
    names_of,
    sight_of,
    span_of,
    stage_of,
    standing,
    standing_of,
    story_of,
    together,
)
from driftline.report.alerts_shown import AlertsShown
from driftline.report.moments import Clock
from driftline.report.outbox_text import STATES, matchers_of
from driftline.report.svg import described, path
from driftline.report.time_axis import TimeAxis

MOST_CARDS = 12
MOST_ROWS = 60
MOST_MEMBERS = 12
MOST_REASONS = 8
MOST_SILENCES = 40
LOOKS = {Severity.CRITICAL: "alarm", Severity.WARNING: "ticket", Severity.INFO: "info"}
"""Names in the style sheet and of the symbols."""
SAID = {"alarm": "Page", "ticket": "Ticket", "info": "Information"}
_TOPS = {"alarm": 0.0, "ticket": 4.0, "info": 8.0}
"""Where a bar begins from the top of 12."""
_NARROWEST = 3.0
"""Thousandths of the axis that a bar takes at least, so that a day in a year is seen."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """Alerts of one rule in an incident: their name, when, and the story."""

    look: str
    name: str
    when: str
    story: str


@dataclass(frozen=True, slots=True)
class Card:
    """One open incident. `others`: alerts beside those of the first line; `more`: how many of them are not told; `silent`: how many are
    muted, for the reasons in `muted`."""

    id: str
    look: str
    name: str
    standing: str
    alerts: tuple[AlertLine, ...]
    others: int
    more: int
    silent: int
    muted: tuple[str, ...]
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One incident on the time line."""

    id: str
    look: str
    name: str
    when: str
    stage: str
    counts: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A notice that no receiver took."""

    when: str
    channel: str
    kind: str
    tries: str
    error: str
    summary: str


@dataclass(frozen=True, slots=True)
class Section:
    """Everything the template is given. `labels` are those of the time axis, `budget` what is allowed, used and to be expected."""

    look: str
    word: str
    standing: str
    counts: str
    cards: tuple[Card, ...]
    more_cards: int
    quiet: int
    rows: tuple[Row, ...]
    more_rows: int
    labels: tuple[tuple[float, str], ...]
    closings: str
    precision: tuple[tuple[str, str, str, str], ...]
    proposals: tuple[str, ...]
    budget: tuple[tuple[str, str, str, str], ...]
    rules: tuple[tuple[str, str, str, str], ...]
    silences: tuple[tuple[str, str, str, str, str], ...]
    more_silences: int
    given_up: tuple[GivenUp, ...]


def section_of(shown: AlertsShown, clock: Clock, axis: TimeAxis | None) -> Section:
    """The section; incidents are drawn over the time axis of the charts where there is one."""
    ordered = in_turn(shown.incidents)
    open_ = [incident for incident in ordered if incident.stage in OPEN]
    grave = [incident for incident in open_ if incident.severity is not Severity.INFO]
    seen = [i for i in ordered if i.stage in OPEN or axis is None or _is_on(i, axis, clock)]
    kept = sorted(seen[:MOST_ROWS], key=lambda i: (i.stage not in OPEN, -i.opened.timestamp()))
    word = SAID[LOOKS[grave[0].severity]] if grave else "No page, no ticket"
    return Section(
        look=LOOKS[grave[0].severity] if grave else "stable",
        word=f"{numbers.plural(len(grave), 'incident')} open" if grave else word,
        standing=standing(shown.board, shown.muted),
        counts=_counts(open_, len(ordered) - len(open_)),
        cards=tuple(_card(incident, clock) for incident in grave[:MOST_CARDS]),
        more_cards=max(len(grave) - MOST_CARDS, 0),
        quiet=len(open_) - len(grave),
        rows=tuple(_row(i, incident, clock, axis) for i, incident in enumerate(kept)),
        more_rows=len(seen) - len(kept),
        labels=tuple(axis.labels(clock, most=12)) if axis else (),
        closings=_closings(shown.incidents),
        precision=tuple(_right(each) for each in sorted(shown.precision, key=lambda each: (each.share, each.rule))),
        proposals=tuple(shown.proposals),
        budget=_budget(shown),
        rules=tuple(_rules(shown)),
        silences=tuple(
            (s.id, clock.moment(s.ends), matchers_of(s), s.author, s.comment)
            for s in sorted(shown.silences, key=lambda s: (s.ends, s.id))[:MOST_SILENCES]
        ),
        more_silences=max(len(shown.silences) - MOST_SILENCES, 0),
        given_up=tuple(_given_up(shown, clock)),
    )


def _counts(open_: Sequence[Incident], over: int) -> str:
    """`1 page, 2 tickets open; 11 over`."""
    found = Counter(incident.severity for incident in open_)
    nouns = {Severity.CRITICAL: "page", Severity.WARNING: "ticket"}
    parts = [numbers.plural(found[severity], noun) for severity, noun in nouns.items() if found[severity]]
    parts += [f"{found[Severity.INFO]} only information"] if found[Severity.INFO] else []
    return f"{', '.join(parts) or 'none'} open; {numbers.count(over)} over"


def _card(incident: Incident, clock: Clock) -> Card:
    groups = together(heard(incident), alike)
    silent = [(member.muted_by, member.key) for member in incident.members if member.muted_by]
    reasons = muted_lines(silent)
    more = [f"and for {numbers.plural(len(reasons) - MOST_REASONS, 'more reason')}"] if len(reasons) > MOST_REASONS else []
    return Card(
        id=incident.id,
        look=LOOKS[incident.severity],
        name=lead_name(incident),
        standing=standing_of(incident, clock),
        alerts=tuple(_alert(group, clock) for group in groups[:MOST_MEMBERS]),
        others=sum(map(len, groups[1:])),
        more=sum(map(len, groups[MOST_MEMBERS:])),
        silent=len(silent),
        muted=(*reasons[:MOST_REASONS], *more),
        acts=tuple(f"{clock.moment(act.at)} {act_of(act)}" for act in incident.acts[-MOST_MEMBERS:]),
    )


def _alert(group: Sequence[Member], clock: Clock) -> AlertLine:
    first = group[0]
    which = f"{first.key.column}: " if len(group) > 1 and first.key.column else ""
    told = story_of(sight_of(first))
    names = names_of([member.key for member in group])
    return AlertLine(LOOKS[first.severity], names, member_span(first, clock), f"{which}{told}" if told else "")


def _row(i: int, incident: Incident, clock: Clock, axis: TimeAxis | None) -> Row:
    free = sum(not member.muted_by for member in incident.members)
    silent = len(incident.members) - free
    counts = numbers.plural(free, "alert") + (f", {silent} muted" if silent else "")
    look, span = LOOKS[incident.severity], span_of(incident, clock)
    said = f"{SAID[look]}, {standing_of(incident, clock)}, {counts}."
    drawing = _bar(f"incident-{i}", lead_story(incident), said, incident, clock, axis) if axis else Markup("")
    return Row(incident.id, look, lead_name(incident), span, stage_of(incident), counts, drawing)


def _is_on(incident: Incident, axis: TimeAxis, clock: Clock) -> bool:
    """Whether any of it is within the stretch of time that is drawn."""
    return first_of(incident, clock) < axis.end and (incident.ended is None or incident.stage in OPEN or incident.ended > axis.start)


def _bar(id_: str, title: str, description: str, incident: Incident, clock: Clock, axis: TimeAxis) -> Markup:
    """When an incident was there. Height speaks beside colour: all of it for a page, most for a ticket, a line for information; one that
    is open ends in an arrow."""
    look = LOOKS[incident.severity]
    open_ = incident.stage in OPEN or incident.ended is None
    end = axis.end if incident.ended is None or open_ else min(incident.ended, axis.end)
    start = max(min(first_of(incident, clock), end), axis.start)
    left, right = 1000 * axis.share(start), 1000 * axis.share(end)
    left = max(min(left, right - _NARROWEST), 0.0)
    top = _TOPS[look]
    tip = f"L{right:.1f} {(top + 12) / 2:g}L{right - 6:.1f} 12" if open_ and right - left > 12 else "V12"
    edge = right - 6 if open_ and right - left > 12 else right
    drawn = "" if not _is_on(incident, axis, clock) else path(f"bar-{look}", f"M{left:.1f} {top:g}H{edge:.1f}{tip}H{left:.1f}z")
    return described(id_, title[:300], description, [drawn], "0 0 1000 12", "strip", stretch=True)


def _closings(incidents: Sequence[Incident]) -> str:
    """What people said that incidents were: `3 real_fixed, 1 false_alarm`."""
    counts = Counter(str(incident.closing) for incident in incidents if incident.closing is not None)
    return ", ".join(f"{count} {closing.replace('_', ' ')}" for closing, count in counts.most_common())


def _right(each: Precision) -> tuple[str, str, str, str]:
    whole = numbers.count(each.real + each.false)
    return each.rule, f"{numbers.count(each.real)} of {whole}", numbers.percent(each.share), _between(each.low, each.high)


def _between(low: float, high: float) -> str:
    return f"[{numbers.percent(low)}, {numbers.percent(high)}]"


def _budget(shown: AlertsShown) -> tuple[tuple[str, str, str, str], ...]:
    """Pages and tickets: told in the last 30 days, allowed in a month, and to be expected when nothing is wrong."""
    if not shown.expected.rules and not shown.pages_allowed:
        return ()
    rows = (
        ("Pages", shown.spent.pages, shown.pages_allowed, shown.expected.pages),
        ("Tickets", shown.spent.tickets, shown.tickets_allowed, shown.expected.tickets),
    )
    return tuple((name, numbers.count(spent), numbers.number(allowed), numbers.number(most)) for name, spent, allowed, most in rows)


def _rules(shown: AlertsShown) -> Iterator[tuple[str, str, str, str]]:
    """False alarms that each rule may raise in a month, and why; the most first, those without a theory last."""
    for each in sorted(shown.expected.rules, key=lambda each: (each.per_month is None, -(each.per_month or 0.0), each.rule)):
        severity = shown.severities.get(each.rule, Severity.INFO)
        yield each.rule, SAID[LOOKS.get(severity, "info")], numbers.number(each.per_month), each.derivation


def _given_up(shown: AlertsShown, clock: Clock) -> Iterator[GivenUp]:
    for each in reversed(shown.given_up):
        when = clock.moment(each.settled or each.notice.made)
        tries = numbers.plural(each.attempts, "try", "tries")
        yield GivenUp(when, each.channel, str(each.notice.kind), tries, each.error or STATES[each.state], each.notice.summary)
