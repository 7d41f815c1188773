"""Silences, for a while and by somebody, and known events that the plan names: nobody is told, and all is kept.

A silence speaks of labels, so that it fits alerts that have not fired yet. It always ends by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from driftline.alerting.records import Key, Silence
from driftline.alerting.spec import MutedSpec
from driftline.core.errors import UnknownName, UsageError
from driftline.core.records import Window

LABELS = ("alertname", "model", "metric", "basis", "column", "segment", "version", "reason")
"""Labels that an alert may have: see `Key.labels`."""
LONGEST = timedelta(days=90)
MUTED = "muted"
"""How the reason of a known event begins."""
_MOST = {"author": 100, "comment": 1_000, "matcher": 500}


def make_silence(matchers: Sequence[str], *, author: str, comment: str, starts: datetime, ends: datetime, made: datetime) -> Silence:
    """A silence from texts such as `column=bureau_score` and `alertname=*Drift`. `made` is the clock.

    Raises `UsageError` for a label that does not exist, for no author or comment, and for an end that is past or too far away.
    """
    found = _read(matchers)
    _written("author", author, "Say who you are, so that others can ask.")
    _written("comment", comment, "Say why, so that others can judge.")
    for name, moment in (("start", starts), ("end", ends)):
        if moment.utcoffset() is None:
            raise UsageError(f"The {name} of a silence has a time zone, and {moment.isoformat()} has none", hint="Give it one: UTC.")
    if ends <= made:
        raise UsageError(f"The silence would end at {_minute(ends)}, which is past", where="until", hint="Name a time to come.")
    if ends <= starts:
        raise UsageError("The silence would end before it starts", where="until", hint="Name a later time.")
    if ends - starts > LONGEST:
        hint = "Silence it for less and look again, or change its rule."
        raise UsageError(f"A silence lasts at most {LONGEST.days} days, and this one {(ends - starts).days}", where="until", hint=hint)
    author, comment = author.strip(), comment.strip()
    content = [sorted(found.items()), author, comment, starts.isoformat(), ends.isoformat(), made.isoformat()]
    name = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    return Silence(f"sil_{name}", found, author, comment, starts, ends, made)


def matches(silence: Silence, labels: Mapping[str, str]) -> bool:
    """Whether all of its matchers fit. A label that is not there fits none, not even `*`."""
    return all(name in labels and _fits(labels[name], pattern) for name, pattern in silence.matchers.items())


def silenced(labels: Mapping[str, str], silences: Iterable[Silence], now: datetime) -> Silence | None:
    """The silence in force that fits these labels, the one that lasts longest where there are several."""
    found = [each for each in silences if each.starts <= now < each.ends and matches(each, labels)]
    return max(found, key=lambda each: (each.ends, each.id), default=None)


def ended(silence: Silence, author: str, now: datetime) -> Silence:
    """The silence, over from now on. Raises `UsageError` where it is over already, or nobody is named."""
    _written("author", author, "Say who you are, so that others can ask.")
    if silence.ends <= now:
        by = f" by {silence.ended_by}" if silence.ended_by else ""
        raise UsageError(f"The silence {silence.id} has ended{by} at {_minute(silence.ends)}", hint="There is nothing left to end.")
    return replace(silence, ends=now, ended_by=author.strip())


def muted(key: Key, window: Window, events: Mapping[str, MutedSpec]) -> str:
    """`muted: black friday` where a known event explains what this alert says about this window; empty where none does."""
    for name, event in events.items():
        explains = not event.column or any(fnmatchcase(key.column, pattern) for pattern in event.column)
        if explains and (key.column or not event.column) and window.start in event.window():
            return f"{MUTED}: {name}"
    return ""


def _read(matchers: Sequence[str]) -> dict[str, str]:
    """Matchers by label, in order of the labels. Raises `UsageError`."""
    if not matchers:
        raise UsageError("The silence does not say what it silences", hint="Write 'column=income', or 'alertname=*' for all.")
    found: dict[str, str] = {}
    for text in matchers:
        name, sign, pattern = (part.strip() for part in text.partition("="))
        if not sign or not pattern:
            raise UsageError(f"{text[:60]!r} is no matcher", hint="Write LABEL=TEXT: column=income, alertname=*Drift.")
        if name not in LABELS:
            raise UnknownName("label", name[:60], LABELS)
        if name in found:
            raise UsageError(f"The label '{name}' is matched twice", hint="Make two silences: all matchers of one must fit.")
        if len(pattern) > _MOST["matcher"]:
            raise UsageError(f"The text for '{name}' is longer than {_MOST['matcher']} characters", hint="Use a pattern with *.")
        found[name] = pattern
    return dict(sorted(found.items()))


def _written(name: str, text: str, hint: str) -> None:
    if not text.strip():
        raise UsageError(f"A silence has {'an author' if name == 'author' else 'a comment'}", where=name, hint=hint)
    if len(text) > _MOST[name]:
        raise UsageError(f"The {name} is longer than {_MOST[name]} characters", where=name, hint="Say it in fewer words.")


def _fits(text: str, pattern: str) -> bool:
    """Whether a text is the pattern, in which each `*` stands for anything. Nothing else in it is special: segments may hold `[`."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *inner, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in inner:
        place = text.find(piece, at, end)
        if place < 0:
            return False
        at = place + len(piece)
    return True


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
