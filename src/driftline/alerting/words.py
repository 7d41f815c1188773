"""What people are told of an incident: one sentence, more lines, and the numbers.

    notice(incident, news, about) -> Notice        happening(sight)   note_of(text)   seen(text)

Names of columns and levels, and notes made from them, come from whoever fills the tables: what cannot be seen in them is written out, and
all of it is cut.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from driftline.alerting.incidents import leader, strength
from driftline.alerting.inhibition import name_of
from driftline.alerting.records import Incident, Key, Kind, Member, Notice, Sight
from driftline.alerting.rules import Rule
from driftline.core.records import segment_name
from driftline.core.verdicts import Severity
from driftline.core.visible import visible

LONGEST_SUMMARY = 300
LONGEST_LINE = 400
LISTED = 20
"""Alerts that are named; of more there is a number."""
PUSHED = 500
"""Alerts of an incident that go out one by one, for receivers that keep each: Alertmanager would take one that is left out for over."""
_NAME, _STORY = 60, 160
_RATES = frozenset({"rate", "rates", "share", "coverage", "unreadable", "observability", "availability"})
_ENDS = re.compile(r"\n|; limits? |; asked because ")
_GUESS = re.compile(r"(?:^|; )looks like: ([^;]+)")
_WHERE = re.compile(r"only ([^:]{1,200}): ")

_PHRASES: Mapping[str, str] = {
    "TrafficAbsent": "far fewer predictions come than usual",
    "TrafficUnusual": "{value} predictions have come, which is not usual{limit}",
    "SegmentAbsent": "{segment} has hardly any rows",
    "SchemaBreak": "{column} cannot be read in {value} of the rows{limit}",
    "NullSpike": "{column} is missing in {value} of the rows{limit}",
    "PredictionsMissing": "predictions are missing or cannot be read in {value} of the rows{limit}",
    "WideDrift": "{value} of the inputs drift at once{limit}",
    "DecisionRate": "the decision rate is {value}{limit}",
    "QualityBelowFloor": "{metric} is {value} by final labels{limit}",
    "QualityEarly": "{metric} is {value} by the labels known so far{limit}",
    "QualityEstimated": "{metric} is {value} as estimated without labels{limit}",
    "ServingFastBurn": "the error budget of {column} is used up {value} times as fast as it may be",
    "ServingSlowBurn": "the error budget of {column} is used up {value} times as fast as it may be",
    "LabelFeedLate": "labels are late: {value} have come{limit}",
    "OrphanLabels": "{value} of the labels have no prediction{limit}",
}
"""What has happened, where a number says it."""
_STORIED: Mapping[str, str] = {
    "ColumnFaulty": "{column} is broken",
    "ColumnDrift": "{column} has drifted",
    "SegmentFaulty": "{column} is broken in {segment}",
    "SegmentDrift": "{column} has drifted in {segment}",
    "AnchorDrift": "{column} has moved away from the first reference",
    "PredictionFaulty": "the predictions ({column}) are broken",
    "PredictionDrift": "the predictions ({column}) have drifted",
    "EvaluationFailed": "{subject} could not be measured",
}
"""What has happened, where the note tells the story."""


@dataclass(frozen=True, slots=True)
class About:
    """What a message may say of a model beside its incident: rules by name, importance of columns, addresses of pages by their names."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What is new about an incident. `speaking`: the members that people are told of; `quiet`: the others, and why. `opening`: words
    before the sentence, `remarks`: lines of their own. `over`: when it ended or was closed."""

    kind: Kind
    status: str
    severity: Severity
    count: int
    made: datetime
    speaking: tuple[Member, ...]
    quiet: Mapping[Key, str] = field(default_factory=dict)
    opening: str = ""
    remarks: tuple[str, ...] = ()
    over: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart: the story, the only rows it is about, what it looks like, and where the limit comes from."""

    story: str
    where: str = ""
    guess: str = ""
    derivation: str = ""


def notice(incident: Incident, news: News, about: About) -> Notice:
    """The message. Its id is the same for the same news of the same incident."""
    lead = leader(news.speaking) or leader(incident.members)
    assert lead is not None
    rule = about.rules.get(lead.key.rule)
    said = summary(incident, lead, news)
    guess = _known(incident, lead).guess
    pages = {f"{name.removesuffix('_url')}_url": page for name, page in sorted(about.links.items()) if page}
    annotations = {"summary": said, **({"cause_guess": seen(guess)} if guess else {}), **pages}
    if rule is not None and rule.runbook:
        annotations["runbook_url"] = rule.runbook
    return Notice(
        id=notice_id(incident.id, news.count, news.kind),
        kind=news.kind,
        incident=incident.id,
        model=incident.model,
        status=news.status,
        severity=news.severity,
        summary=said,
        details=tuple(seen(line, LONGEST_LINE) for line in _details(incident, lead, news, about)),
        labels=labels_of(lead.key, incident.model),
        annotations=annotations,
        evidence=_evidence(incident, lead, news),
        starts_at=incident.opened,
        ends_at=news.over,
        made=news.made,
        alerts=tuple(_alert(incident, member, news) for member in _steady(news.speaking)[:PUSHED]),
    )


def notice_id(incident: str, count: int, kind: Kind) -> str:
    """The id of a notice: that of the same news is the same."""
    return f"evt_{hashlib.sha256(f'{incident}|{count}|{kind}'.encode()).hexdigest()[:16]}"


def summary(incident: Incident, lead: Member, news: News) -> str:
    """The one sentence, of at most 300 characters: what happened, since when, where, and what it looks like."""
    if news.over is not None:
        return seen(news.opening + _past(incident, lead, news), LONGEST_SUMMARY)
    note = _known(incident, lead)
    what = happening(lead.strongest)
    where = f" (only {seen(note.where, _NAME)})" if note.where and not lead.key.segment else ""
    guess = f"; looks like: {seen(note.guess, _NAME)}" if note.guess else ""
    more = f"; and {_alerts(len(news.speaking) - 1)}" if len(news.speaking) > 1 else ""
    end = f" since {clock(_began(lead))} UTC{where}{guess}{more}"
    start = seen(news.opening + what, LONGEST_SUMMARY - len(end))
    return seen(start + end, LONGEST_SUMMARY)


def _known(incident: Incident, lead: Member) -> Note:
    """What is told of a column, by the lead itself or by others on the same column: one may know the number, and another where and why."""
    own, column = note_of(lead.strongest.note), lead.key.column
    others = [note_of(m.strongest.note) for m in incident.members if column and m.key.column == column and not m.key.segment]
    where, guess = (next((text for text in texts if text), "") for texts in ([n.where for n in others], [n.guess for n in others]))
    return replace(own, where=own.where or where, guess=own.guess or guess)


def happening(sight: Sight) -> str:
    """What one sight says, without its time: `bureau_score is missing in 31.2 % of the rows (limit 0.83 %)`."""
    key, note = sight.key, note_of(sight.note)
    if key.reason:
        about = name_of(Key(key.rule, key.metric, key.basis, key.column, key.segment, key.version))
        return f"nothing is known any more of {seen(about, 2 * _NAME)}, which was firing"
    named = {
        "column": seen(key.column, _NAME) or "a column",
        "segment": seen(segment_name(key.segment), _NAME),
        "metric": seen(f"{key.metric} of {key.column}" if key.column else key.metric, _NAME),
        "subject": seen(" of ".join(part for part in (key.metric, key.column) if part), _NAME) or "something",
        "value": amount(key, sight.value),
        "limit": "" if sight.limit is None else f" (limit {amount(key, sight.limit)})",
    }
    if key.rule in _STORIED:
        story = f": {seen(note.story, _STORY)}" if note.story else ""
        return _STORIED[key.rule].format(**named) + story
    if key.rule in _PHRASES and (sight.value is not None or "{value}" not in _PHRASES[key.rule]):
        # Words that stay in place of what is not known would read as if it were known.
        inside = f" in {named['segment']}" if key.segment and "{segment}" not in _PHRASES[key.rule] else ""
        return _PHRASES[key.rule].format(**named) + inside
    about = seen(name_of(key), 2 * _NAME)
    told = f" is {named['value']}{named['limit']}" if sight.value is not None else ""
    return f"{about}{told}" if told or not note.story else f"{about}: {seen(note.story, _STORY)}"


def note_of(text: str) -> Note:
    """A note taken apart. The story comes before the first line break and before where the limit comes from."""
    found = _ENDS.search(text)
    story, rest = (text, "") if found is None else (text[: found.start()], text[found.start() :].lstrip("\n; "))
    guess = _GUESS.search(story)
    if guess is not None:
        story = (story[: guess.start()] + story[guess.end() :]).strip("; ")
    where = _WHERE.match(story)
    if where is not None:
        story = story[where.end() :]
    return Note(story.strip(), where[1].strip() if where else "", guess[1].strip() if guess else "", rest.strip())


def labels_of(key: Key, model: str) -> dict[str, str]:
    """The labels of an alert as other systems may see them: nothing invisible, and no more than 200 characters each."""
    return {name: seen(value, 200) for name, value in key.labels(model).items()}


def amount(key: Key, value: float | None) -> str:
    """A value in the unit of its metric: shares in percent, three significant digits."""
    if value is None:
        return "unknown"
    is_share = key.metric != "burn_rate" and not _RATES.isdisjoint(key.metric.split("_"))
    if is_share or (not key.metric and 0 <= value <= 1):
        return f"{100 * value:.3g} %"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def seen(text: str, most: int = LONGEST_LINE) -> str:
    """The text on one line, with what cannot be seen written out (`\\x1b`, `\\u202e`), and cut where it is too long."""
    shown = visible(text[: 4 * most])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def clock(moment: datetime) -> str:
    """A time in UTC, to the minute: `2026-11-22 05:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _past(incident: Incident, lead: Member, news: News) -> str:
    """The sentence about what is over."""
    ended = incident.ended or news.over or incident.opened
    stay = f"from {clock(_began(lead))} to {clock(ended)} UTC" if incident.ended else f"since {clock(_began(lead))} UTC"
    value = lead.strongest.value
    peak = f", at its worst {amount(lead.key, value)}" if value is not None and lead.key.metric not in ("", "verdict") else ""
    more = f", with {_alerts(len(news.speaking) - 1)}" if len(news.speaking) > 1 else ""
    return f"{seen(name_of(lead.key), 2 * _NAME)}, {stay}{peak}{more}"


def _details(incident: Incident, lead: Member, news: News, about: About) -> list[str]:
    lines = [*news.remarks, _figures(lead.strongest)]
    derivation = note_of(lead.strongest.note).derivation
    lines += [derivation] if derivation else []
    lines += _ranked(incident, lead, about)
    others = [member for member in news.speaking if member.key != lead.key]
    others.sort(key=lambda m: (-m.severity.rank, -strength(m.strongest), m.fired, m.key.rule, m.key.column))
    lines += [f"also: {happening(member.strongest)}" for member in others[:LISTED]]
    lines += [f"and {len(others) - LISTED} more"] if len(others) > LISTED else []
    lines += _quiet(incident, news)
    lines.append(f"look further: driftline incidents {incident.id}")
    column = lead.key.column
    if column and visible(column) == column and len(column) <= 2 * _NAME:
        lines.append(f"numbers: driftline query --column {shlex.quote(column)}")
    rule = about.rules.get(lead.key.rule)
    return lines + ([f"runbook: {rule.runbook}"] if rule is not None and rule.runbook else [])


def _figures(sight: Sight) -> str:
    parts = [
        f"value {amount(sight.key, sight.value)}" if sight.value is not None else "",
        f"limit {amount(sight.key, sight.limit)}" if sight.limit is not None else "",
        f"{sight.n:,} rows" if sight.n else "",
        f"window {clock(sight.window.start)} to {clock(sight.window.end)} UTC",
    ]
    return ", ".join(part for part in parts if part)


def _ranked(incident: Incident, lead: Member, about: About) -> list[str]:
    """The columns that a rule on the share of another one speaks of, the strongest first."""
    rule = about.rules.get(lead.key.rule)
    if rule is None or rule.condition != "share_of":
        return []
    other = str(rule.settings["rule"])
    found = {m.key.column or name_of(m.key): m for m in incident.members if m.key.rule == other and m.ended is None and not m.key.reason}
    order = sorted(found, key=lambda name: (-strength(found[name].strongest), -about.importance.get(name, 0.0), name))
    if not order:
        return []
    listed = ", ".join(f"{place}. {seen(name, 30)}" for place, name in enumerate(order[:LISTED], 1))
    more = f" and {len(order) - LISTED} more" if len(order) > LISTED else ""
    return [_cut_at_comma(f"strongest first: {listed}", LONGEST_LINE - len(more)) + more]


def _quiet(incident: Incident, news: News) -> list[str]:
    """Who is muted, by reason: `14 more are inhibited by NullSpike (income): PredictionDrift, ColumnDrift (age)`."""
    reasons: dict[str, list[str]] = {}
    for member in incident.members:
        why = news.quiet.get(member.key, "")
        if why:
            reasons.setdefault(why, []).append(seen(name_of(member.key), _NAME))
    lines = []
    for why, names in list(reasons.items())[:LISTED]:
        left = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        verb = "more is" if len(names) == 1 else "more are"
        lines.append(f"{len(names)} {verb} {seen(why, 2 * _NAME)}: {', '.join(names[:LISTED])}{left}")
    return lines


def _evidence(incident: Incident, lead: Member, news: News) -> dict[str, object]:
    sight = lead.strongest
    parts = [m for m in incident.members if m.key.segment and m.key.column == lead.key.column and m.key != lead.key]
    quiet = Counter(
        seen("/".join(part for part in (m.key.rule, m.key.column) if part), 100) for m in incident.members if m.key in news.quiet
    )
    found: dict[str, object] = {
        "value": sight.value,
        "limit": sight.limit,
        "n": sight.n,
        "window": f"{_iso(sight.window.start)}/{_iso(sight.window.end)}",
        "derivation": seen(note_of(sight.note).derivation),
        "alerts": len(news.speaking),
    }
    if parts:
        found["segments"] = [{"segment": seen(segment_name(m.key.segment), 100), "value": m.strongest.value} for m in parts[:LISTED]]
    if quiet:
        found["suppressed"] = list(quiet)[:LISTED]
    return found


def _alert(incident: Incident, member: Member, news: News) -> dict[str, object]:
    ended = member.ended or news.over
    return {
        "labels": {**labels_of(member.key, incident.model), "severity": str(member.severity)},
        "annotations": {"summary": seen(happening(member.strongest), 200)},
        "fingerprint": member.key.fingerprint,
        "starts_at": _iso(member.fired),
        "ends_at": None if ended is None else _iso(ended),
    }


def _steady(members: Iterable[Member]) -> Sequence[Member]:
    """In an order that stays while they fire: who is cut off must not change from one notice to the next."""
    return sorted(members, key=lambda m: (-m.severity.rank, m.fired, m.key.rule, m.key.column, m.key.segment))


def _began(member: Member) -> datetime:
    """The start of the first window in which it fired."""
    return member.fired - (member.strongest.window.end - member.strongest.window.start)


def _alerts(count: int) -> str:
    return f"{count} more alert{'s' if count != 1 else ''}"


def _cut_at_comma(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 5].rpartition(", ")[0] + ", ..."


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
