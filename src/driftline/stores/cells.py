"""How values lie in the columns of a store: times as integers, any text as text that every database keeps, names as short keys.

Both databases hold the same: a time is a whole number of microseconds since 1970 in UTC. No database takes lone surrogates, and PostgreSQL
takes no NUL, yet both come in names of files and in rejected rows; they are written as U+001A and four hexadecimal digits.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from driftline.core.errors import StoreError
from driftline.core.records import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REFUSED = re.compile("[\x00\x1a\ud800-\udfff]")
_WRITTEN = re.compile("\x1a([0-9a-f]{4})")


def micros(moment: datetime) -> int:
    """A moment as microseconds since 1970 in UTC. Raises `StoreError` for a time without a zone."""
    if moment.tzinfo is None:
        raise StoreError(f"A time without a time zone cannot be kept: {moment.isoformat()}", hint="Give it one, such as UTC.")
    return (moment - EPOCH) // _MICROSECOND


@functools.lru_cache(maxsize=1 << 14)  # the end of a window is the start of the next
def moment(count: int) -> datetime:
    """The moment from its microseconds."""
    return EPOCH + timedelta(0, 0, count)


@functools.lru_cache(maxsize=1 << 14)  # the same windows are asked for by every step: made once, thousands of them cost nothing
def window(start: int, end: int) -> Window:
    """A window from the microseconds of its two ends."""
    return Window(moment(start), moment(end))


def utc(when: datetime) -> datetime:
    """The same moment in UTC. Raises `StoreError` for a time without a zone."""
    return moment(micros(when))


def written(text: str) -> str:
    """Any text as text that every database keeps."""
    return _REFUSED.sub(lambda found: f"\x1a{ord(found[0]):04x}", text)


def read(text: str) -> str:
    """The text from what `written` made of it."""
    return _WRITTEN.sub(lambda found: chr(int(found[1], 16)), text) if "\x1a" in text else text


def key(*texts: str) -> bytes:
    """16 bytes that stand for some texts of any length: what indexes hold."""
    return hashlib.sha256(json.dumps(texts).encode()).digest()[:16]


def place(path: str) -> str:
    """A path as messages begin with it."""
    return path if path.isprintable() else ascii(path)


def shown(text: str) -> str:
    """A name as messages print it: cut to 100 characters, and with escapes where it holds something that moves cursors."""
    cut = text if len(text) <= 100 else text[:99] + "…"
    return f"'{cut}'" if cut.isprintable() else ascii(cut)
