"""Everything that can go wrong, as one tree.

    DriftlineError
    ├── UsageError            the call or the command line is wrong
    │   ├── UnknownName       a name that is not in a catalogue or a table
    │   └── ConfigError       a configuration file does not say what it should
    └── DataError             the data cannot be used as asked
        ├── SourceError       a file or table cannot be read to its end
        ├── SchemaMismatch    the columns of two tables do not fit together
        ├── FormatError       bytes that are no profile of ours, or a damaged one
        ├── IncompatibleProfiles   two profiles made with different schemas
        ├── WriteError        a result cannot be written
        ├── StoreError        the store of windows cannot be read or written
        └── LakeError         the log of rows cannot be read or written

An error is one sentence that says what is wrong and where, followed by what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DriftlineError(Exception):
    """Base of every error that driftline raises on purpose.

    `what` is a full sentence without its full stop, `where` names the place (`file:line`, column, row), `hint` is the next step.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what, where, hint)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}." + (f" {self.hint}" if self.hint else "")


class UsageError(DriftlineError):
    """The call or the command line asks for something that does not exist or does not fit together."""


class UnknownName(UsageError):
    """A name that is not known; says the nearest known one."""

    def __init__(self, noun: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        near = nearest(name, names)
        hint = f"Did you mean '{near}'? " if near else ""
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        super().__init__(f"There is no {noun} '{name}'", where=where, hint=f"{hint}Known: {listed}." if names else hint.strip())
        self.name = name
        self.near = near


class ConfigError(UsageError):
    """A configuration file does not say what it should; `where` is `file:line:column`."""


class DataError(DriftlineError):
    """The data cannot be used as asked."""


class SourceError(DataError):
    """A file or table cannot be read to its end."""


class EmptyTable(SourceError):
    """A table with columns and nothing below them."""


class SchemaMismatch(DataError):
    """The columns of two tables do not fit together."""


class FormatError(DataError):
    """Bytes that are no profile of ours, or a damaged one."""


class IncompatibleProfiles(DataError):
    """Two profiles made with different schemas cannot be added or compared."""


class WriteError(DataError):
    """A result cannot be written."""


class StoreError(DataError):
    """The store of windows cannot be read or written."""


class LakeError(DataError):
    """The log of rows cannot be read or written."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None where none is alike."""
    by_folded = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
