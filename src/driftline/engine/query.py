"""Rows of measurements as an Arrow table and a Parquet file. The rows are those of `report.measurements.rows_of`.

arrow_table(rows) -> pyarrow.Table        the types of SCHEMA, also where there is no row
write_parquet(path, rows) -> None
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.engine.files import write_bytes

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = {
    "model": "text",
    "step": "text",
    "window_start": "time",
    "window_end": "time",
    "metric": "text",
    "column": "text",
    "version": "text",
    "segment": "text",
    "basis": "text",
    "value": "number",
    "low": "number",
    "high": "number",
    "limit": "number",
    "beyond": "truth",
    "status": "text",
    "n": "count",
    "scope_start": "time",
    "scope_end": "time",
    "note": "text",
    "as_of": "time",
    "made": "time",
    "plan": "text",
    "reference": "text",
    "number": "count",
}
"""The columns and what they hold: text is a string, time a timestamp in UTC to the microsecond, number a double, count an int64."""


def arrow_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows as a table with the declared types; names that UTF-8 cannot hold are escaped."""
    import pyarrow as pa

    types = {"text": pa.string(), "time": pa.timestamp("us", "UTC"), "number": pa.float64(), "truth": pa.bool_(), "count": pa.int64()}
    schema = pa.schema([(name, types[kind]) for name, kind in SCHEMA.items()])
    arrays = [pa.array([_storable(row[field.name]) for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the rows as Parquet, whole or not at all. Raises `WriteError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(arrow_table(rows), sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value
