"""Silences and notices for a terminal.

silences_text(silences, now, paper)   outgoing_text(outgoing, paper)   sent_lines(outgoing, paper)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from driftline.alerting.records import Outgoing, Sending, Silence
from driftline.report import numbers, text
from driftline.report.paper import Paper

STATES = {
    Sending.DEAD: "GIVEN UP",
    Sending.WAITING: "waits",
    Sending.HELD: "kept for the digest",
    Sending.DIGESTED: "in a digest",
    Sending.DELIVERED: "delivered",
}
"""What became of a notice, in words, what asks for a person first."""
_INDENT = 4


def silences_text(silences: Sequence[Silence], now: datetime, paper: Paper) -> str:
    """A few lines for each silence: those in force, the next to end first, then those to come, then those that are over."""
    if not silences:
        return "no silence"
    lines = []
    for silence in sorted(silences, key=lambda s: (s.ends <= now, s.starts > now, max(s.ends, now), s.id)):
        first, *more = paper.wrapped(f"{silence.id}  {silence_state(silence, now, paper)}  {matchers_of(silence)}", _INDENT)
        lines += [f"  {first}", *more]
        by = f"ended by {silence.ended_by}; " if silence.ended_by else ""
        lines += paper.told(f"{by}{silence.author}: {silence.comment}", 3, _INDENT)
    return "\n".join(lines)


def silence_state(silence: Silence, now: datetime, paper: Paper) -> str:
    """`in force until 2026-11-27 04:00`."""
    starts, ends = paper.clock.moment(silence.starts), paper.clock.moment(silence.ends)
    if silence.ends <= now:
        return f"over, {starts} .. {ends}"
    return f"in force until {ends}" if silence.starts <= now else f"to come, {starts} .. {ends}"


def matchers_of(silence: Silence) -> str:
    """`alertname=*Drift column=income`."""
    return "  ".join(f"{name}={pattern}" for name, pattern in silence.matchers.items())


def outgoing_text(outgoing: Sequence[Outgoing], paper: Paper) -> str:
    """How many notices there are of each kind, and two lines for each of them, the latest last."""
    if not outgoing:
        return "nothing was to be sent"
    counts = Counter(each.state for each in outgoing)
    said = ", ".join(f"{numbers.count(counts[state])} {word}" for state, word in STATES.items() if counts[state])
    again = "; driftline notify retry sends what was given up again" if counts[Sending.DEAD] else ""
    return "\n".join([*paper.wrapped(said + again), *(line for each in outgoing for line in sent_lines(each, paper))])


def sent_lines(each: Outgoing, paper: Paper, *, summary: bool = True) -> list[str]:
    """A notice: when, where to, what became of it; below that its sentence."""
    moment = paper.clock.moment(each.settled or each.notice.made)
    again = f", again at {paper.clock.moment(each.due)}" if each.state is Sending.WAITING and each.attempts else ""
    tries = f" after {numbers.plural(each.attempts, 'try', 'tries')}" if each.attempts > 1 else ""
    error = f": {each.error}" if each.error and each.state is not Sending.DELIVERED else ""
    said = f"{each.channel}  {each.notice.kind}  {STATES[each.state]}{tries}{again}{error}"
    start = f"  {moment:<16}  "
    lines = paper.screen.told(paper.screen.safe(said), "", paper.screen.width - text.width(start), 3)
    found = [start + lines[0], *(" " * len(start) + line for line in lines[1:])]
    return [*found, *(paper.told(each.notice.summary, 2, len(start)) if summary else [])]
