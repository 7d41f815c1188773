"""What can go wrong while a file is read, as one sentence of ours: no exception of Arrow or of the operating system passes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from driftline.core.errors import EmptyTable, SourceError

Stamp = tuple[int, int]
"""Size and time of the last change of a file: what tells that it is no longer the one that was opened."""


def shown(path: str) -> str:
    """A path as it may be printed: as it is, or as `repr` where it holds something that moves cursors or cannot be encoded."""
    return path if path.isprintable() else repr(path)


def stamp(path: str) -> Stamp:
    """The stamp of a file as it is now. Raises OSError."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


@contextmanager
def reading(path: str, opened: Stamp | None = None) -> Iterator[None]:
    """Turns every failure to read `path` into a `SourceError`; with the stamp taken at the opening it can tell damage from change."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError("The file is no longer there", where=shown(path), hint="Read a copy that nobody moves.") from error
    except PermissionError as error:
        raise SourceError("The file may not be read by this user", where=shown(path), hint="Check its permissions.") from error
    except IsADirectoryError as error:
        raise SourceError("A file was expected and this is a folder", where=shown(path), hint="Name the files in it.") from error
    except MemoryError as error:
        raise SourceError("The file asks for more memory than there is", where=shown(path), hint="Check that it is whole.") from error
    except UnicodeEncodeError as error:
        raise SourceError("The name of the file is no UTF-8", where=shown(path), hint="Rename it.") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise (changed(path) if opened is not None and _moved(path, opened) else damaged(path)) from error


def damaged(path: str) -> SourceError:
    """The error of a file that is cut off or is not what its name says."""
    return SourceError("The file is damaged or cut off", where=shown(path), hint="Write or copy it again.")


def changed(path: str) -> SourceError:
    """The error of a file that is not the one that was opened."""
    return SourceError("The file changed while it was being read", where=shown(path), hint="Read a copy that nobody writes to.")


def empty(path: str) -> EmptyTable:
    """The error of a table with columns and nothing below them."""
    return EmptyTable("The table holds no rows", where=shown(path), hint="Check the job that wrote it.")


def no_columns(path: str) -> SourceError:
    """The error of a table without a single column."""
    return SourceError("The table holds no columns", where=shown(path), hint="Check the job that wrote it.")


def checked_names(names: Iterable[str], path: str) -> None:
    """Raises `SourceError` for a table with no columns, for a name that occurs twice and for one that is no Unicode."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    if not seen:
        raise no_columns(path)
    for name in seen:
        if not name.isascii() and name != name.encode("utf-8", "replace").decode():
            raise SourceError(f"The name of column {shown(name)} is no UTF-8", where=shown(path), hint="Rename it.")
    twice = ", ".join(f"'{shown(name)}'" for name, count in seen.items() if count > 1)
    if twice:
        raise SourceError(f"Column names occur more than once: {twice}", where=shown(path), hint="Rename them.")


def _moved(path: str, opened: Stamp) -> bool:
    try:
        return stamp(path) != opened
    except OSError:
        return True
