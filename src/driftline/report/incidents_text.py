"""Incidents for a terminal: the open ones, all, one with everything about it, and how often rules were right.

incidents_text(incidents, paper, ...)   incident_text(incident, transitions, outgoing, paper, ...)   precision_text(found, proposals, paper)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from driftline.alerting.inhibition import name_of
from driftline.alerting.precision import Precision
from driftline.alerting.records import Incident, Member, Outgoing, Transition
from driftline.core.verdicts import Severity
from driftline.report import numbers
from driftline.report.alert_words import (
    OPEN,
    act_of,
    alike,
    derivation_of,
    heard,
    in_turn,
    lead_story,
    member_span,
    names_of,
    sight_of,
    standing_of,
    story_of,
    together,
)
from driftline.report.outbox_text import sent_lines
from driftline.report.paper import Paper

_MEMBERS = 8
_CHANGES = 8


def incidents_text(incidents: Sequence[Incident], paper: Paper, *, quiet: int = 0, all_: bool = False, next_step: str = "") -> str:
    """A few lines for each incident, open ones first and of them the gravest. `quiet`: how many more are open that are only information;
    `all_`: whether those that are over were asked for too. `next_step` is the last line, whole."""
    information = f"{'is' if quiet == 1 else 'are'} only information: --all"
    if not incidents:
        return f"no open page or ticket, and {quiet} that {information}" if quiet else "no incident" if all_ else "no open incident"
    lines = [line for incident in in_turn(incidents) for line in _brief(incident, paper)]
    lines += [f"and {quiet} that {information}"] if quiet else []
    return "\n".join([*lines, *([paper.screen.safe(next_step)] if next_step else [])])


def incident_text(
    incident: Incident,
    transitions: Sequence[Transition],
    outgoing: Sequence[Outgoing],
    paper: Paper,
    *,
    verbose: bool = False,
    next_step: str = "",
) -> str:
    """Everything about one incident: what it is, its alerts, who is muted and why, what people did, what was sent, and the last changes.

    `verbose`: each alert by itself, where its limit comes from, and every change. `next_step` is the last line, whole.
    """
    members = heard(incident)
    groups = [[member] for member in members] if verbose else together(members, alike)
    kept = groups if verbose else groups[:_MEMBERS]
    end = f"{standing_of(incident, paper.clock)} ({paper.clock.name}), group {incident.group}"
    lines = [*paper.headed(incident.severity, incident.id, end), "alerts"]
    for i, group in enumerate(kept):
        lines += _member(group, paper, most=2 if i else 3, verbose=verbose)
    left = sum(map(len, groups[len(kept) :]))
    lines += [paper.screen.safe(f"  … and {numbers.plural(left, 'more alert')}: --verbose")] if left else []
    silent = [(member.muted_by, member.key) for member in incident.members if member.muted_by]
    lines += paper.muted(silent, verbose=verbose)
    lines += _section("what people did", (line for act in incident.acts for line in _dated(act.at, act_of(act), paper)))
    lines += _section("notices", (line for each in outgoing for line in sent_lines(each, paper, summary=False)))
    grave = {m.key for m in members if m.severity is not Severity.INFO} or {m.key for m in members}
    lines += _changes([t for t in transitions if verbose or t.key in grave], paper, verbose=verbose)
    return "\n".join([*lines, *([paper.screen.safe(next_step)] if next_step else [])])


def precision_text(found: Sequence[Precision], proposals: Sequence[str], paper: Paper) -> str:
    """How often each rule was right, by what its incidents were closed as: the worst first, and what is proposed."""
    if not found:
        said = "no incident was closed as real or false yet: driftline close INCIDENT --as real_fixed, false_alarm, ..."
        return "\n".join(paper.wrapped(said))
    order = sorted(found, key=lambda each: (each.share, each.rule))
    rows = [(each.rule, right(each), f"{numbers.percent(each.share)} [{_percent(each.low)}, {_percent(each.high)}]") for each in order]
    told = [line for proposal in proposals for line in paper.told(proposal, 5, 2)]
    return "\n".join(["of the incidents that people closed, so many were real", *paper.columns(rows), *_section("proposed", told)])


def right(each: Precision) -> str:
    """`3 of 5 real`."""
    return f"{numbers.count(each.real)} of {numbers.count(each.real + each.false)}"


def _percent(share: float) -> str:
    return numbers.percent(share)


def _brief(incident: Incident, paper: Paper) -> Iterator[str]:
    """One incident in a list."""
    free = sum(not member.muted_by for member in incident.members)
    silent = len(incident.members) - free
    counts = [numbers.plural(free, "alert")] if free > 1 else []
    counts += [f"{silent} muted"] if silent else []
    still = ["its alerts still fire"] if incident.stage not in OPEN and incident.is_active else []
    yield from paper.headed(incident.severity, incident.id, ", ".join([standing_of(incident, paper.clock), *still, *counts]))
    yield from paper.told(lead_story(incident), 2)


def _member(group: Sequence[Member], paper: Paper, *, most: int, verbose: bool) -> Iterator[str]:
    """An alert, or several of one rule that began and ended together."""
    first = group[0]
    yield from paper.headed(first.severity, names_of([member.key for member in group]), member_span(first, paper.clock))
    which = f"{first.key.column}: " if len(group) > 1 and first.key.column else ""
    told = story_of(sight_of(first))
    yield from paper.told(f"{which}{told}" if told else "", 4 if verbose else most)
    yield from paper.told(derivation_of(sight_of(first)), 6) if verbose else ()


def _dated(at: datetime, said: str, paper: Paper, most: int = 4) -> list[str]:
    """A moment, and beside it what happened."""
    start = f"  {paper.clock.moment(at):<16}  "
    lines = paper.screen.told(paper.screen.safe(said), "", paper.screen.width - len(start), most)
    return [start + lines[0], *(" " * len(start) + line for line in lines[1:])]


def _changes(transitions: Sequence[Transition], paper: Paper, *, verbose: bool) -> list[str]:
    """The last changes of the alerts that people are told of, all where `verbose`; those of one window and kind in one line."""
    groups = [[t] for t in transitions] if verbose else together(transitions, lambda t: (t.window, t.before, t.after, t.key.rule, t.reason))
    kept = groups if verbose else groups[-_CHANGES:]
    lines = []
    for group in kept:
        first = group[0]
        arrow = f"{first.before} → {first.after}" + (f", {first.reason}" if first.reason else "")
        revised = "; came late" if first.revises else ""
        name = name_of(first.key) if len(group) == 1 else names_of([t.key for t in group])
        lines += _dated(first.window.start, f"{name}: {arrow}{revised}", paper, 2)
    left = len(groups) - len(kept)
    more = f" (the last {len(kept)} of {numbers.count(len(groups))}: --verbose)" if left else ""
    return _section(f"changes{more}", lines)


def _section(name: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [name, *found] if found else []
