"""Alerts for a terminal: how they stand, what was sent, what false alarms are to be expected.

alerts_text(board, muted, paper)   brief_text(board, muted, paper)   standing_lines(shown, paper)   sent_text(...)   expected_text(...)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from driftline.alerting.budget import Forecast
from driftline.alerting.records import Alert, Board, Incident, State
from driftline.core.verdicts import Severity
from driftline.report import numbers
from driftline.report.alert_words import (
    OPEN,
    age_of,
    derivation_of,
    first_of,
    in_order,
    in_turn,
    lead_story,
    names_of,
    span_of,
    stage_of,
    standing,
    story_of,
    together,
)
from driftline.report.alerts_shown import AlertsShown
from driftline.report.paper import Paper

_MOST = 12
_NAMED = 3
_PAST = 2
_WIDE = 100
_PLACE = 14
"""Where the lines of `show` begin beside the name of a step."""


def alerts_text(board: Board, muted: Mapping[str, str], paper: Paper, *, verbose: bool = False) -> str:
    """The alerts that are not fine, the worst first, those of one rule that began together in one line; then in a line each those that
    wait, and why nobody is told of others. `muted` says why, by fingerprint. `verbose`: each by itself, and where its limit comes from."""
    found = in_order(alert for alert in board.alerts.values() if alert.state is not State.OK)
    if not found:
        return "no alert"
    heard = [alert for alert in found if alert.key.fingerprint not in muted]
    waiting = [] if verbose else [alert for alert in heard if alert.state is State.PENDING]
    groups = [[alert] for alert in heard] if verbose else together((a for a in heard if a.state is not State.PENDING), _alike)
    lines = paper.wrapped(standing(board, muted))
    for group in groups if verbose else groups[:_MOST]:
        lines += _group_lines(group, paper, verbose=verbose)
    left = 0 if verbose else sum(map(len, groups[_MOST:]))
    lines += [paper.screen.safe(f"  … and {numbers.plural(left, 'more alert')}: --verbose")] if left else []
    lines += _waiting_lines(waiting, paper)
    silent = [(muted[a.key.fingerprint], a.key) for a in found if a.key.fingerprint in muted]
    lines += paper.muted(silent, verbose=verbose)
    return "\n".join(lines)


def brief_text(board: Board, muted: Mapping[str, str], paper: Paper) -> list[str]:
    """How the alerts stand, in two lines: `alerts: 1 PAGE firing (NullSpike (bureau_score)), 2 pending, 3 muted`."""
    said = standing(board, muted)
    firing = [alert for alert in in_order(board.alerts.values()) if alert.state is State.FIRING and alert.key.fingerprint not in muted]
    groups = together((alert for alert in firing if alert.severity is not Severity.INFO), _alike)
    if groups:
        names = ", ".join(names_of([alert.key for alert in group]) for group in groups[:_NAMED])
        left = sum(map(len, groups[_NAMED:]))
        said += f": {names}" + (f" and {left} more" if left else "")
    lines = paper.screen.told(paper.screen.safe(f"alerts: {said}"), "", paper.screen.width - 2, 3)
    return [lines[0], *("  " + line for line in lines[1:])]


def standing_lines(shown: AlertsShown, paper: Paper, *, most: int | None = 8) -> list[str]:
    """Step 4 in `show`: how the alerts stand, the open incidents, and the last few that are over, in at most so many lines."""
    wide = paper.screen.width >= _WIDE
    said = paper.screen.told(paper.screen.safe(standing(shown.board, shown.muted)), "", paper.screen.width - _PLACE, 2)
    lines = [f"{'' if i else '4 alerts':<{_PLACE}}{line}" for i, line in enumerate(said)]
    room = None if most is None else max(most - len(lines), 1)
    graver = [i for i in shown.incidents if i.severity is not Severity.INFO]
    open_, over = ([i for i in in_turn(graver) if (i.stage in OPEN) is is_open] for is_open in (True, False))
    quiet = sum(i.stage in OPEN and i.severity is Severity.INFO for i in shown.incidents)
    kept = open_ if room is None else open_[: max(room - 1, 1)]
    left = [f"{len(open_) - len(kept)} more open"] if len(kept) < len(open_) else []
    left += [f"{quiet} open that {'is' if quiet == 1 else 'are'} only information"] if quiet else []
    past = over[:10] if room is None else over[: max(room - len(kept) - bool(left), 0)][:_PAST]
    indent = _PLACE if wide else 2
    rows = [_incident_line(each, paper, indent) for each in [*kept, *past]]
    rows += [" " * indent + paper.screen.short(f"and {', and '.join(left)}", paper.screen.width - indent)] if left else []
    if wide and rows:
        rows[0] = f"{'  incidents':<{_PLACE}}{rows[0][_PLACE:]}"
    return lines + (rows if room is None else rows[:room])


def _incident_line(incident: Incident, paper: Paper, indent: int) -> str:
    """One incident in one line: severity, id, from when to when, and its lead."""
    over, start = incident.stage not in OPEN, paper.clock.moment(first_of(incident, paper.clock))
    cells = 19 if paper.screen.width >= _WIDE else 16
    when = f"since {start}" if len(start) <= cells - len("since ") or paper.screen.width >= _WIDE else start
    if over:
        first, _, last = span_of(incident, paper.clock).partition(" .. ")
        days = paper.screen.width >= _WIDE and len(last) == len("2026-11-22")
        when = f"{first} .. {last.removeprefix(first[:5])}" if days else start
    stage = f"{stage_of(incident)}, " if over else ""
    told = f"{incident.id}  {when:<{cells}}  {stage}{lead_story(incident)}"
    room = paper.screen.width - indent - 8
    return " " * indent + paper.word(incident.severity) + "  " + paper.screen.cut(paper.screen.safe(told), room)


def _alike(alert: Alert) -> tuple[object, ...]:
    """What alerts must share to be told in one line."""
    key = alert.key
    what = (key.rule, key.metric, bool(key.segment), key.version, key.reason)
    return *what, alert.severity, alert.state, alert.fired or alert.since, alert.incident, alert.blind


def _group_lines(group: Sequence[Alert], paper: Paper, *, verbose: bool) -> Iterator[str]:
    first = group[0]
    incident = f"  {first.incident}" if first.incident else ""
    yield from paper.headed(first.severity, names_of([alert.key for alert in group]), f"{age_of(first, paper.clock)}{incident}")
    which = f"{first.key.column}: " if len(group) > 1 and first.key.column else ""
    told = story_of(first.last)
    yield from paper.told(f"{which}{told}" if told else "", 4 if verbose else 2)
    yield from paper.told(derivation_of(first.last), 6) if verbose else ()


def _waiting_lines(waiting: Sequence[Alert], paper: Paper) -> list[str]:
    """Those that have not been beyond in enough windows yet, in a few lines."""
    if not waiting:
        return []
    names = [names_of([alert.key for alert in group]) for group in together(waiting, lambda a: (a.key.rule, a.key.metric, a.severity))]
    lines = paper.screen.told(paper.screen.safe(f"pending: {', '.join(names)}"), "", paper.screen.width - 2, 3)
    return [lines[0], *("  " + line for line in lines[1:])]


def sent_text(counts: Mapping[str, int], errors: Mapping[str, str], paper: Paper) -> list[str]:
    """What delivery did, in a line, and a few for each channel with an error."""
    said = ", ".join(f"{numbers.count(count)} {word}" for word, count in counts.items() if count)
    lines = [f"notices: {said}"] if said else []
    for name, error in errors.items():
        lines += [" " * 2 + line for line in paper.screen.told(paper.screen.safe(f"{name}: {error}"), "", paper.screen.width - 2, 3)]
    return lines


def expected_text(found: Forecast, paper: Paper) -> str:
    """How many false pages and tickets a month are to be expected, at most, when nothing is wrong."""
    unknown = [each.rule for each in found.rules if each.per_month is None]
    more = f"; no theory for {', '.join(unknown)}: back-test" if unknown else ""
    pages, tickets = numbers.number(found.pages), numbers.number(found.tickets)
    return "\n".join(paper.wrapped(f"when nothing is wrong, expect at most {pages} pages and {tickets} tickets a month{more}"))
