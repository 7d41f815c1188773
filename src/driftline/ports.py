"""The doors: what the engine needs from the world outside, on one page.

A door is a `Protocol`; each file in the folder of a door is one implementation. The engine knows doors, never the rooms behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa

from driftline.core.verdicts import TableInfo


@runtime_checkable
class Source(Protocol):
    """A table that is read as a stream of Arrow batches, as often as asked, and never held whole.

    Every reading gives the same rows in the same order. All batches of a reading have the same schema, `schema` restricted to the
    columns asked for and in their order. A source raises `SourceError` (what, file, next step) and no other error of its own.
    """

    @property
    def name(self) -> str:
        """What people call this table: a file name, or `reference` and `current` for tables in memory."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, each name once."""
        ...

    @property
    def rows(self) -> int | None:
        """Number of rows where it is known without reading them, for a progress bar."""
        ...

    def batches(self, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """The rows, in batches of at most 65,536. `columns`: only these, in this order. `dictionary`: string columns that are best
        delivered dictionary-encoded where the file allows it (a wish, not a promise)."""
        ...

    def info(self) -> TableInfo:
        """Where the rows came from: files, bytes, hash. May read the files once more for the hash."""
        ...
