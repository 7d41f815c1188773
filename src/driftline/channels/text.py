"""A notice as a title and plain text, for chats and mails.

Names of columns and levels come from data, and whoever writes the data may want to call everybody in a chat, to show a link or to hide
what is said. So no sign that chats act upon is left in a text; only addresses of our own annotations remain links.
"""

from __future__ import annotations

from datetime import UTC, datetime

from driftline.alerting.records import Kind, Notice
from driftline.channels.fitting import cut, links
from driftline.core.verdicts import Severity

LONGEST_TITLE = 200
LONGEST_LINE = 500
LINES = 30
# Signs of mentions, of HTML and Markdown, and others that look like them and do nothing.
_HARMLESS = str.maketrans({"@": "\uff20", "<": "\u2039", ">": "\u203a", "`": "'", "*": "\u2217", "~": "\u223c", "|": "\u00a6"})
RUNBOOK = "runbook: "
_WORDS = {Severity.CRITICAL: "CRITICAL", Severity.WARNING: "Warning", Severity.INFO: "Info", Severity.NONE: "Info"}


def title(notice: Notice) -> str:
    """One line: what kind of news, which model, what it is about."""
    return cut(f"[{_heading(notice)}] {harmless(notice.model)}: {harmless(notice.summary)}", LONGEST_TITLE)


def body(notice: Notice) -> str:
    """The sentence, more lines, since when, and where to look."""
    lines = [harmless(line) for line in notice.details if not line.startswith(RUNBOOK)]  # it stands below as a link
    shown = [f"- {cut(line, LONGEST_LINE)}" for line in lines[:LINES]]
    if len(lines) > LINES:
        shown.append(f"- ... and {len(lines) - LINES} more")
    parts = [cut(harmless(notice.summary), 2 * LONGEST_LINE), "\n".join(shown), "\n".join(_facts(notice))]
    return "\n\n".join(part for part in parts if part) + "\n"


def harmless(text: str) -> str:
    """The text on one line, without anything that a chat or a terminal acts upon. Signs that cannot be seen are written out."""
    seen = "".join(char if char.isprintable() else _written(char) for char in text)
    return seen.translate(_HARMLESS).replace("://", ": //").replace("](", "] (").strip()


def _facts(notice: Notice) -> list[str]:
    found = []
    if notice.kind is not Kind.TEST:
        end = f" to {_clock(notice.ends_at)}" if notice.ends_at and notice.ends_at != notice.starts_at else ""
        found.append(f"{'From' if end else 'Since'} {_clock(notice.starts_at)}{end}")
    if notice.incident and notice.kind not in (Kind.DIGEST, Kind.TEST):
        found.append(f"Incident {harmless(notice.incident)}")
    return found + [f"{name.removesuffix('_url').capitalize()}: {cut(page, LONGEST_LINE)}" for name, page in links(notice).items()]


def _heading(notice: Notice) -> str:
    if notice.kind in (Kind.DIGEST, Kind.TEST, Kind.RESOLVED):
        return str(notice.kind).capitalize()
    more = {Kind.WORSE: ", worse", Kind.REMINDER: ", still"}.get(notice.kind, "")
    return f"{_WORDS[notice.severity]}{more}"


def _clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _written(char: str) -> str:
    if char in "\n\r\t\v\f\u2028\u2029":
        return " "
    return char.encode("unicode_escape").decode("ascii")
