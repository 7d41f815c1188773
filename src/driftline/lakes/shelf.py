"""The small files of a table, kept in memory once they were read: opening hundreds of them for every question takes longer than asking.

A file is written once, under a name that is never used again, so what was read stays true as long as the snapshot names it. Large files
stay on disk, where DuckDB reads the parts it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from driftline.lakes.columns import fitted
from driftline.lakes.snapshot import DataFile, Snapshot

SMALL = 1 << 18
"""Bytes on disk up to which a file is small: some 15,000 rows."""

ROOM = 1 << 26
"""Bytes in memory that the files of one table may take together."""


@dataclass(slots=True)
class Shelf:
    """The small files of the table in `folder`."""

    folder: str
    _schema: pa.Schema | None = field(default=None, repr=False)
    _tables: dict[str, pa.Table] = field(default_factory=dict, repr=False)
    _bytes: int = 0

    def parted(self, snapshot: Snapshot, files: Sequence[DataFile]) -> tuple[pa.Table | None, list[DataFile]]:
        """The rows of those of the files that are on the shelf, or come to it, with the columns of the snapshot; and the other files."""
        self._clear(snapshot)
        here: list[pa.Table] = []
        there: list[DataFile] = []
        for file in files:
            table = self._tables.get(file.path) or self._put(file, snapshot.schema)
            if table is None:
                there.append(file)
            else:
                here.append(table)
        return pa.concat_tables(here) if here else None, there

    def _put(self, file: DataFile, schema: pa.Schema) -> pa.Table | None:
        if file.bytes > SMALL or self._bytes >= ROOM:
            return None
        with pa.OSFile(f"{self.folder}/{file.path}") as raw, pq.ParquetFile(raw) as opened:
            table = fitted(opened.read(use_threads=False), schema)
        self._tables[file.path] = table
        self._bytes += table.nbytes
        return table

    def _clear(self, snapshot: Snapshot) -> None:
        """Lets go of what the snapshot does not name any more; of all where columns came."""
        if self._schema is not snapshot.schema:
            self._tables, self._bytes, self._schema = {}, 0, snapshot.schema
        for path in [path for path in self._tables if path not in snapshot.files]:
            self._bytes -= self._tables.pop(path).nbytes
