"""The one way in: whatever people call a table becomes a `Source`."""

from __future__ import annotations

import os

from driftline.core.errors import UsageError
from driftline.ports import Source

ACCEPTED = (
    "Give a file, a folder or a glob; a pyarrow, pandas, polars or DuckDB table; "
    "any object with `__arrow_c_stream__`; or a dict of columns."
)


def open_source(thing: object, *, name: str) -> Source:
    """A path or a frame as a source. `name` is what a frame is called; a path is called by itself.

    A path is a file, a folder (all tables below it) or a glob with `*`, `?`, `[]` and `**`: Parquet, CSV, TSV, NDJSON, Arrow. Text files
    are read once to their end here, to settle their types. Raises `UsageError` for what is no table, `SourceError` for a table that
    cannot be read.
    """
    if isinstance(thing, (str, os.PathLike)):
        path = os.fspath(thing)
        if isinstance(path, str):
            from driftline.sources.files import FileSource

            return FileSource(path)
    from driftline.sources.frame import frame_source

    source = frame_source(thing, name)
    if source is None:
        raise UsageError(f"The {name} table is a {type(thing).__name__}, which is no table", hint=ACCEPTED)
    return source


def tables_of(path: str) -> list[str]:
    """The files that a file, folder or glob stands for, sorted. Raises `SourceError` where there is none."""
    from driftline.sources.paths import files_of

    return [file for file, _ in files_of(path)]


def mark_of(path: str) -> str:
    """What tells whether a file has changed since it was read: its fingerprint, and its time where that leaves bytes out."""
    from driftline.sources.fingerprint import fingerprint

    found = fingerprint([path])
    return f"{found}:{os.stat(path).st_mtime_ns}" if found.startswith("sha256-ends") else found
