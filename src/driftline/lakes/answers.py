"""DuckDB in memory, as the row log asks it: bounded, without extensions, and without a time zone."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from driftline.lakes.columns import fitted

BATCH_ROWS = 1 << 16

Beside = Mapping[str, pa.Table]
NOTHING: Beside = {}


class Answers:
    """One database in memory, opened by the first question. Each question has a cursor of its own, so that several may be open."""

    def __init__(self, *, threads: int, memory: str) -> None:
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": memory,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._database: Any = None

    def table(self, sql: str, schema: pa.Schema, beside: Beside = NOTHING) -> pa.Table:
        """All rows at once, with these columns. `beside` are tables in memory that the SQL names."""
        cursor = self._cursor(beside)  # held until the rows are there
        return fitted(cursor.sql(sql).to_arrow_table(), schema)

    def batches(self, sql: str, schema: pa.Schema, beside: Beside = NOTHING) -> Iterator[pa.RecordBatch]:
        """The rows with these columns, in batches of at most 65,536, as they come."""
        cursor = self._cursor(beside)
        relation = cursor.sql(sql)
        read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader  # its name before DuckDB 1.4
        for batch in read(BATCH_ROWS):
            if len(batch):
                yield from fitted(pa.Table.from_batches([batch]), schema).to_batches(max_chunksize=BATCH_ROWS)

    def all(self, sql: str, beside: Beside = NOTHING) -> list[tuple[Any, ...]]:
        """A few rows as Python has them."""
        cursor = self._cursor(beside)
        found: list[tuple[Any, ...]] = cursor.sql(sql).fetchall()
        return found

    def _cursor(self, beside: Beside) -> Any:
        if self._database is None:
            import duckdb

            # Rows go there when memory is short, so nobody else may look in.
            aside = tempfile.mkdtemp(prefix="driftline-")
            weakref.finalize(self, shutil.rmtree, aside, ignore_errors=True)
            self._database = duckdb.connect(":memory:", config=self._settings | {"temp_directory": aside})
        cursor = self._database.cursor()
        for name, table in beside.items():
            cursor.register(name, table)
        return cursor
