"""Tables in memory and in engines: Arrow, pandas, polars, DuckDB, columns in a dict, anything that exports an Arrow stream.

No library is imported for this: an object of it can only be here when the user has imported it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from driftline.core.errors import DriftlineError, SourceError
from driftline.core.verdicts import TableInfo
from driftline.sources.columns import BATCH_ROWS, chosen, fit, plain_schema
from driftline.sources.failures import checked_names, empty
from driftline.sources.spool import Spool, write_stream

Reader = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
"""The rows from the start with at least these columns, as often as it is called."""


class FrameSource:
    """A table that is no file. `schema` has the types as the frame has them, `read` delivers its rows as often as asked.

    Raises `SourceError` for a table without columns or rows, and for names that occur twice.
    """

    def __init__(self, name: str, schema: pa.Schema, rows: int | None, read: Reader) -> None:
        checked_names(schema.names, name)
        if rows == 0:
            raise empty(name)
        self._name = name
        self._schema = plain_schema(schema)
        self._encoded = frozenset(field.name for field in schema if pa.types.is_dictionary(field.type))
        self._rows = rows
        self._read = read

    @property
    def name(self) -> str:
        """The name it was given."""
        return self._name

    @property
    def schema(self) -> pa.Schema:
        """Names and plain types of the columns."""
        return self._schema

    @property
    def rows(self) -> int | None:
        """Number of rows; None for a stream."""
        return self._rows

    def batches(self, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """The rows. Columns that are dictionaries in the frame are delivered so where asked. Raises `UnknownName` at once."""
        return self._batches(chosen(self._schema, columns, self._encoded.intersection(dictionary)))

    def info(self) -> TableInfo:
        """The name and the number of rows; a frame has no files and no fingerprint."""
        return TableInfo(self._name, self._rows or 0)

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in fit(_guarded(self._read(schema.names), self._name), schema, self._name):
            rows += batch.num_rows
            yield batch
        if rows == 0:
            raise empty(self._name)


def frame_source(thing: object, name: str) -> FrameSource | None:
    """The source of a table in memory, or None where `thing` is no such table. Raises `SourceError` for one that cannot be read."""
    if isinstance(thing, pa.RecordBatch):
        thing = pa.Table.from_batches([thing])
    if isinstance(thing, pa.Table):
        return _of_table(thing, name)
    if isinstance(thing, Mapping):
        return _of_table(_from_columns(thing, name), name)
    for library, kind, source in KINDS:
        if _is_a(thing, library, kind):
            return source(thing, name)
    if hasattr(thing, "__arrow_c_stream__") and not isinstance(thing, (pa.Array, pa.ChunkedArray)):
        return _of_stream(thing, name)
    return None


def _of_table(table: pa.Table, name: str) -> FrameSource:
    return FrameSource(name, table.schema, table.num_rows, lambda columns: iter(table.select(columns).to_batches(BATCH_ROWS)))


def _of_dataset(dataset: Any, name: str) -> FrameSource:
    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        # The defaults read 16 batches of 4 files ahead: hundreds of MiB.
        batches: Iterator[pa.RecordBatch] = dataset.to_batches(
            columns=list(columns), batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1, use_threads=False
        )
        return batches

    return FrameSource(name, dataset.schema, None, read)


def _of_stream(thing: Any, name: str) -> FrameSource | None:
    """Streams can often be read once only, and nothing tells which: the rows are spooled when they are first read."""
    try:
        reader = thing if isinstance(thing, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(thing)
    except pa.ArrowInvalid:
        return None  # a stream of values instead of rows: a Series is a column, not a table
    except Exception as error:
        raise _unreadable(name, error) from error
    return _spooled(name, reader.schema, partial(write_stream, reader, reader.schema))


def _of_polars(frame: Any, name: str) -> FrameSource:
    def read(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for piece in frame.select(list(columns)).iter_slices(BATCH_ROWS):
            yield from piece.to_arrow().to_batches()

    return FrameSource(name, frame.head(0).to_arrow().schema, frame.height, read)


def _of_lazy_polars(query: Any, name: str) -> FrameSource:
    """The query runs once, in polars' streaming engine, into a temporary file; a query may give another order each time."""
    polars = sys.modules["polars"]
    try:
        schema = polars.DataFrame(schema=query.collect_schema()).to_arrow().schema
        # String views are too new for the oldest Arrow, and asking for plain strings is too new for the oldest polars.
        if "compat_level" not in inspect.signature(query.sink_ipc).parameters:
            return _of_polars(query.collect(), name)
    except Exception as error:
        raise _unreadable(name, error) from error
    return _spooled(name, schema, partial(query.sink_ipc, compat_level=polars.CompatLevel.oldest()))


def _of_duckdb(relation: Any, name: str) -> FrameSource:
    """The query runs when the rows are first read, and to its end: another query on its connection would cut it off."""

    def write(path: str) -> None:
        # The older name is deprecated, the newer one not there before DuckDB 1.4.
        reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
        batches = reader(BATCH_ROWS)
        write_stream(batches, batches.schema, path)

    try:
        schema = relation.limit(0).to_arrow_table().schema
    except Exception as error:
        raise _unreadable(name, error) from error
    return _spooled(name, schema, write)


def _spooled(name: str, schema: pa.Schema, write: Callable[[str], Any]) -> FrameSource:
    spool = Spool(write)
    return FrameSource(name, schema, None, lambda columns: (batch.select(columns) for batch in spool.batches()))


def _of_pandas(frame: Any, name: str) -> FrameSource:
    """NaN, NaT and None are null. The index is a column where it has a name, and is dropped where it has none."""
    if any(level is not None for level in frame.index.names):
        frame = frame.reset_index([level for level in range(frame.index.nlevels) if frame.index.names[level] is not None])
    try:
        checked_names([str(column) for column in frame.columns], name)
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        # Arrow adds a second argument: 'Conversion failed for column x with type object'.
        column = re.search(r"for column (.*) with type", " ".join(str(part) for part in error.args), re.DOTALL)
        raise _mixed(column[1] if column else None, name) from error
    return _of_table(table, name)


def _from_columns(columns: Mapping[Any, Any], name: str) -> pa.Table:
    checked_names([str(column) for column in columns], name)
    arrays: dict[str, pa.Array] = {}
    for column, values in columns.items():
        try:
            if isinstance(values, (str, bytes, Mapping)):
                raise TypeError("not a column")
            array = pa.array(values)
            arrays[str(column)] = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise _mixed(str(column), name) from error
    lengths = {column: len(array) for column, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        (first, n), *others = lengths.items()
        other, m = next(pair for pair in others if pair[1] != n)
        raise SourceError(f"Column '{first}' has {n} rows and column '{other}' has {m}", where=name, hint="Give all the same length.")
    return pa.table(arrays)


def _guarded(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    """The batches; whatever the engine behind them raises becomes a `SourceError`."""
    try:
        yield from batches
    except DriftlineError:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> SourceError:
    reason = next(iter(str(error).splitlines()), "").strip().rstrip(".") or type(error).__name__
    return SourceError(f"The rows cannot be read: {reason}", where=name, hint="Check that it can be collected.")


def _mixed(column: str | None, name: str) -> SourceError:
    what = f"Column '{column}' is not of one type" if column is not None else "A column is not of one type"
    return SourceError(what, where=name, hint="Make it a flat column of numbers, texts, dates or booleans.")


def _is_a(thing: object, library: str, kind: str) -> bool:
    """Whether a class of that name from that library is among the classes of `thing`."""
    return any(each.__name__ == kind and each.__module__.partition(".")[0].lstrip("_") == library for each in type(thing).__mro__)


KINDS: tuple[tuple[str, str, Callable[[Any, str], FrameSource]], ...] = (
    ("pandas", "DataFrame", _of_pandas),
    ("polars", "DataFrame", _of_polars),
    ("polars", "LazyFrame", _of_lazy_polars),
    ("duckdb", "DuckDBPyRelation", _of_duckdb),
    ("pyarrow", "Dataset", _of_dataset),
)
