"""What can go wrong in a database, as one sentence of ours: no exception of SQLAlchemy or of a driver passes, and no password is shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from driftline.core.errors import StoreError, UsageError

Sentence = tuple[str, str]
"""What is wrong, and what to do next."""

_COPY = "Restore a copy; 'sqlite3 FILE .recover' saves what can be read."
_RIGHTS = "Give this user the right to write to the file and to its folder."
_SQLITE: dict[int, Sentence] = {
    sqlite3.SQLITE_READONLY: ("The store cannot be written: it is read-only for this user", _RIGHTS),
    sqlite3.SQLITE_PERM: ("The store may not be opened by this user", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("The store cannot be opened", "Check that the file and its folder are there and may be written."),
    sqlite3.SQLITE_FULL: ("The store cannot be written: the disk is full", "Make room; nothing of this was kept, so do it again then."),
    sqlite3.SQLITE_BUSY: ("The store is locked by another process for too long", "Try again when it has ended, or end it."),
    sqlite3.SQLITE_LOCKED: ("The store is locked by another process for too long", "Try again when it has ended, or end it."),
    sqlite3.SQLITE_CORRUPT: ("The store is damaged", _COPY),
    sqlite3.SQLITE_NOTADB: ("The file is no store of driftline: it is no SQLite database", "Name another file."),
    sqlite3.SQLITE_IOERR: ("The store cannot be read or written: the disk fails", "Check the disk and its file system."),
    sqlite3.SQLITE_TOOBIG: ("Something is too large to be kept: a record may have 1 GB", "Deliver it in smaller batches."),
    sqlite3.SQLITE_NOMEM: ("There is not enough memory", "Deliver in smaller batches, or end other programs."),
}
_POSTGRESQL: dict[str, Sentence] = {
    "28P01": ("PostgreSQL refuses the user or the password", "Check both."),
    "28000": ("PostgreSQL refuses this user from here", "Check the user, and what pg_hba.conf allows."),
    "3D000": ("There is no such database in PostgreSQL", "Make it with 'createdb', or name another one."),
    "42501": ("PostgreSQL does not let this user do that", "Grant the user the schema 'driftline', or the right to create it."),
    "25006": ("PostgreSQL takes no writes: it is read-only", "Name the primary server."),
    "53100": ("The store cannot be written: the disk is full", "Make room; nothing of this was kept, so do it again then."),
    "53200": ("PostgreSQL has not enough memory", "Deliver in smaller batches, or give it more."),
    "53300": ("PostgreSQL takes no more connections", "Close some, or raise its 'max_connections'."),
    "55P03": ("The store is locked by another process for too long", "Try again when it has ended, or end it."),
    "40001": ("Two processes wrote at once, and PostgreSQL stopped this one", "Do it again: nothing of this was kept."),
    "40P01": ("Two processes waited for each other, and PostgreSQL stopped this one", "Do it again: nothing of this was kept."),
    "57P01": ("PostgreSQL was shut down meanwhile", "Do it again when it runs: nothing of this was kept."),
    "57P03": ("PostgreSQL is starting or stopping", "Do it again in a moment."),
}
# A connection that fails has no code in every version of psycopg: the words of the server are looked at instead.
_WORDS: tuple[tuple[str, str], ...] = (
    ("starting up", "57P03"),
    ("shutting down", "57P03"),
    ("password", "28P01"),
    ("pg_hba", "28000"),
    ('role "', "28000"),
    ("permission denied", "42501"),
    ("too many", "53300"),
    ("connection slots", "53300"),
    ("does not exist", "3D000"),
)
_GONE: Sentence = ("PostgreSQL cannot be reached, or the connection broke", "Check that it runs, and its host and port.")


@contextmanager
def speaking(where: str) -> Iterator[None]:
    """Turns every failure of a database into a `StoreError` about `where`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeError, MemoryError) as error:
        what, hint = sentence(error)
        raise StoreError(what, where=where, hint=hint) from error


@contextmanager
def understanding(where: str) -> Iterator[None]:
    """Turns what records cannot hold, such as a word of a newer driftline or a window that ends before it begins, into a `StoreError`."""
    try:
        yield
    except (ValueError, OverflowError, UsageError) as error:
        raise StoreError("The store holds a record that cannot be read", where=where, hint=f"Update driftline. {_COPY}") from error


def sentence(error: BaseException) -> Sentence:
    """What is wrong and what to do next, from what a driver raised."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the rest of the number says how, not what
        return _SQLITE.get(code) or _unknown(cause)
    if isinstance(error, PoolTimeout):
        return "All connections to the store are in use", "Use it from fewer threads."
    if isinstance(cause, OSError):
        reason = (cause.strerror or type(cause).__name__).lower()
        return f"The store cannot be read or written: {reason}", "Check the path and its permissions."
    if type(cause).__module__.startswith("psycopg"):
        return _of_postgresql(cause)
    return _unknown(cause)


def _of_postgresql(cause: BaseException) -> Sentence:
    code = getattr(cause, "sqlstate", None) or next((code for words, code in _WORDS if words in str(cause)), "")
    if known := _POSTGRESQL.get(code):
        return known
    if code.startswith(("08", "57")) or (not code and type(cause).__name__ in {"OperationalError", "ConnectionTimeout", "InterfaceError"}):
        return _GONE
    return _unknown(cause, f" ({code})" if code else "")


def _unknown(cause: BaseException, code: str = "") -> Sentence:
    """Named by its kind alone: the words of a driver may hold what was to be written."""
    name = getattr(cause, "sqlite_errorname", None) or type(cause).__name__
    return f"The store refused: {name}{code}", "Please report it with what you did."
