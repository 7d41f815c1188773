"""Which files a path stands for, and what format each of them has.

A path is a file, a folder or a glob. In folders and globs, files that are hidden or begin with `_` are left out, as every engine that
writes tables expects. The ending decides the format; where there is no known ending, the first bytes do.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from enum import StrEnum

from driftline.core.errors import SourceError, UsageError, nearest
from driftline.sources.failures import reading, shown


class Format(StrEnum):
    """The formats that are read."""

    PARQUET = "Parquet"
    ARROW = "Arrow"
    DELIMITED = "CSV"
    NDJSON = "NDJSON"


ENDINGS = {
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".arrow": Format.ARROW,
    ".feather": Format.ARROW,
    ".ipc": Format.ARROW,
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".json": Format.NDJSON,
}
TEXTS = (Format.DELIMITED, Format.NDJSON)
MAGIC = {b"PAR1": Format.PARQUET, b"ARROW1": Format.ARROW}
KNOWN = "Known endings: .parquet, .csv, .tsv, .ndjson, .jsonl, .json, .arrow, .feather, and .gz after those of text."


GLOB = r"[*?]|\[.+\]"


def files_of(path: str) -> list[tuple[str, Format]]:
    """The files that `path` stands for, sorted, each with its format. Raises `SourceError` where there is none."""
    if "://" in path:
        raise UsageError(f"'{shown(path)}' is an address, and only local files are read", hint="Pass a pyarrow Dataset, or fetch it.")
    if "\0" in path or not path:
        raise UsageError(f"{path!r} is no path", hint="Name a file, a folder or a glob.")
    with reading(path):
        if os.path.isdir(path):
            found = _known(_below(path))
        elif os.path.lexists(path):
            return [(path, _format_of_file(path))]
        elif re.search(GLOB, path):
            found = _known(_matches(path))
        else:
            raise _missing(path)
    if not found:
        what = "The folder holds no table" if os.path.isdir(path) else "The glob matches no table"
        raise SourceError(what, where=shown(path), hint=KNOWN)
    return found


def compression_of(path: str) -> str | None:
    """`gzip` for a name that ends in `.gz`, else None."""
    return "gzip" if path.lower().endswith(".gz") else None


def _format_of_file(path: str) -> Format:
    if not os.path.isfile(path):
        raise SourceError("The path is neither a file nor a folder", where=shown(path), hint="Name a file, a folder or a glob.")
    if os.path.getsize(path) == 0:
        raise SourceError("The file holds no bytes", where=shown(path), hint="Check the job that wrote it.")
    kind = _format(path)
    if kind is None:
        raise SourceError("The ending tells no known format", where=shown(path), hint=KNOWN)
    return kind


def _format(path: str) -> Format | None:
    stem, ending = os.path.splitext(path.lower())
    if ending == ".gz":
        kind = ENDINGS.get(os.path.splitext(stem)[1])
        return kind if kind in TEXTS else None
    if ending in ENDINGS:
        return ENDINGS[ending]
    with open(path, "rb") as file:
        start = file.read(6)
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)


def _known(paths: Iterator[str]) -> list[tuple[str, Format]]:
    """Sorted by path; a file of no bytes with a known ending is an error here too, for it stands for rows that are lost."""
    found = []
    for path in sorted(set(paths)):
        if _format(path) is not None:
            found.append((path, _format_of_file(path)))
    return found


def _below(folder: str) -> Iterator[str]:
    if os.path.isdir(os.path.join(folder, "_delta_log")):
        what = "The folder is a Delta table, which also holds files of deleted rows"
        raise SourceError(what, where=shown(folder), hint="Pass `deltalake.DeltaTable(path).to_pyarrow_dataset()`.")
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if name[0] not in "._"]
        yield from (os.path.join(place, name) for name in names if name[0] not in "._")


def _matches(pattern: str) -> Iterator[str]:
    named = set(pattern.split(os.sep))
    for path in glob.iglob(pattern, recursive=True):
        if any(part[:1] in {".", "_"} for part in path.split(os.sep) if part not in named):
            continue
        if not os.path.isdir(path):
            yield path
        elif not pattern.rstrip(os.sep).endswith("**"):
            yield from _below(path)


def _missing(path: str) -> SourceError:
    folder, name = os.path.split(path)
    if not os.path.isdir(folder or "."):
        return SourceError(f"There is no folder '{shown(folder)}'", where=shown(path), hint="Check the path.")
    near = nearest(name, os.listdir(folder or "."))
    hint = f"Did you mean '{shown(os.path.join(folder, near))}'?" if near else "Check the path."
    return SourceError("There is no such file", where=shown(path), hint=hint)


def _raise(error: OSError) -> None:
    raise error
