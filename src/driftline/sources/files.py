"""Tables in files: one file or many, of any known format, as one stream of batches with one schema.

The columns are the union of the files' columns by name. A column that a file does not have is null there; where types differ, all files
are read with the type that holds every value, and columns that are text in one text file are text in all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from driftline.core.errors import SourceError
from driftline.core.verdicts import TableInfo
from driftline.sources.columns import ENCODED, chosen, common, common_of, fit
from driftline.sources.failures import Stamp, changed, reading, shown, stamp
from driftline.sources.fingerprint import fingerprint
from driftline.sources.paths import Format, compression_of, files_of
from driftline.sources.prefetch import prefetch


class TableFile(Protocol):
    """One file of one format. `text`: its columns can be read as strings instead. `encodes`: it can deliver dictionaries."""

    path: str
    stamp: Stamp
    schema: pa.Schema
    text: bool
    encodes: bool

    @property
    def rows(self) -> int | None:
        """Number of rows where it is known."""
        ...

    def batches(self, schema: pa.Schema, dictionary: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns of `schema`. Its types are the file's own, or string, which only a text file needs to turn them into."""
        ...


class FileSource:
    """The files of a path as one table. Opening it reads the schemas, and text files once to their end to settle the types.

    Raises `SourceError` for files that cannot be read, hold no rows or do not fit together.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._files = tuple(_opened(file, kind) for file, kind in files_of(path))
        self._schema = union(self._files)

    @property
    def name(self) -> str:
        """The path as it was given, fit for printing."""
        return shown(self._path)

    @property
    def schema(self) -> pa.Schema:
        """The union of the files' columns, in the order in which they first occur."""
        return self._schema

    @property
    def rows(self) -> int | None:
        """Rows of all files together; None where an Arrow file is among them, which does not tell."""
        each = [file.rows for file in self._files]
        return None if None in each else sum(rows for rows in each if rows is not None)

    def batches(self, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """The rows of all files, in the order of their paths. Raises `UnknownName` at once for a column that is not there."""
        encoded = dictionary if all(file.encodes for file in self._files) else ()
        return self._read(chosen(self._schema, columns, encoded))

    def info(self) -> TableInfo:
        """Where the rows came from; reads the files once more for the fingerprint."""
        paths = tuple(file.path for file in self._files)
        size = sum(file.stamp[0] for file in self._files)
        return TableInfo(self.name, self.rows or 0, tuple(shown(path) for path in paths), fingerprint(paths), size)

    def _read(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for file in self._files:
            yield from _checked(file, schema)


def union(files: Sequence[TableFile]) -> pa.Schema:
    """The columns of all files by name, each with the type that holds the values of every file.

    Raises `SourceError` naming two files whose types do not fit together.
    """
    found: dict[str, list[tuple[pa.DataType, TableFile]]] = {}
    for file in files:
        for field in file.schema:
            found.setdefault(field.name, []).append((field.type, file))
    return pa.schema([(name, _one_type(name, each)) for name, each in found.items()])


def _one_type(name: str, each: Collection[tuple[pa.DataType, TableFile]]) -> pa.DataType:
    kind = common_of(kind for kind, _ in each)
    if kind is not None:
        return kind
    if all(file.text or kind == pa.string() or pa.types.is_null(kind) for kind, file in each):
        return pa.string()
    (one, first), *others = each
    other, second = next((pair for pair in others if common(one, pair[0]) is None), others[-1])
    what = f"Column '{name}' is {one} in '{shown(first.path)}' and {other} in '{shown(second.path)}'"
    raise SourceError(what, hint="Write both with one type, or compare them apart.")


def _opened(path: str, kind: Format) -> TableFile:
    """Each reader is imported where it is first needed: a Parquet user does not pay for the JSON reader."""
    if kind is Format.PARQUET:
        from driftline.sources.parquet import ParquetFile

        return ParquetFile(path)
    if kind is Format.ARROW:
        from driftline.sources.arrow import ArrowFile

        return ArrowFile(path)
    if kind is Format.DELIMITED:
        from driftline.sources.delimited import DelimitedFile

        return DelimitedFile(path, compression_of(path))
    from driftline.sources.ndjson import NdjsonFile

    return NdjsonFile(path, compression_of(path))


def _checked(file: TableFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of one file fitted to `schema`; an error where it is not the file that was opened."""
    # A file with none of the columns still has rows: one of its own columns tells how many.
    present = set(file.schema.names)
    own = [field for field in schema if field.name in present] or [file.schema.field(0)]
    dictionary = [field.name for field in own if pa.types.is_dictionary(field.type)]
    # Text is asked for as text, so that it comes as it is written; every other type is the file's own, and fitted afterwards.
    texts = {field.name for field in own if field.type in (ENCODED, pa.string())}
    asked = pa.schema([(field.name, pa.string() if field.name in texts else file.schema.field(field.name).type) for field in own])
    with reading(file.path, file.stamp):
        if stamp(file.path) != file.stamp:
            raise changed(file.path)
    rows = 0
    # Only the decoding is in the background: fitting is many short calls, each of which would wait for the interpreter lock.
    decoded = prefetch(file.batches(asked, dictionary))
    for batch in fit(decoded, schema, shown(file.path)):
        rows += batch.num_rows
        yield batch
    with reading(file.path, file.stamp):
        if stamp(file.path) != file.stamp or rows != (rows if file.rows is None else file.rows):
            raise changed(file.path)
