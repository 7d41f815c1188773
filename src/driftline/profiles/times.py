"""Event times as whole nanoseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.core.errors import DataError
from driftline.profiles.values import whole

NANOSECONDS = pa.timestamp("ns", "UTC")


def nanoseconds(values: pa.Array, *, column: str, table: str, first_row: int) -> NDArray[np.int64]:
    """The times of the rows that have one, (n,). Text is read as ISO 8601; a time without a zone is taken as UTC.

    Raises `DataError` with the row where a value is no time.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    values = values.drop_null()
    try:
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = pc.cast(values, pa.timestamp("us", "UTC") if _zoned(values) else pa.timestamp("us"))
        if not (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
            raise pa.ArrowInvalid(f"{values.type} is no time")
        if pa.types.is_timestamp(values.type) and values.type.tz is None:
            values = values.cast(pa.timestamp(values.type.unit, "UTC"))
        return whole(values, NANOSECONDS if pa.types.is_timestamp(values.type) else pa.timestamp("ns"))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        row, text = _first_bad(values)
        raise DataError(
            f"The time column '{column}' does not parse: it holds {text}",
            where=f"{table}, row {first_row + row + 1:,}",
            hint="Use timestamps, dates or ISO 8601 text such as 2026-11-22T06:00:00Z.",
        ) from None


def _zoned(values: pa.Array) -> bool:
    first = values[0].as_py() if len(values) else ""
    return first.endswith(("Z", "z")) or "+" in first[10:] or "-" in first[10:]


def _first_bad(values: pa.Array) -> tuple[int, str]:
    """The position and the text of the first value that is no time."""
    for position, value in enumerate(values):
        try:
            pc.cast(value, pa.timestamp("us"))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            try:
                pc.cast(value, pa.timestamp("us", "UTC"))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                return position, repr(value.as_py())
    return 0, f"{values.type} values"


def moment(nanoseconds_since_1970: int) -> str:
    """A time in ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(nanoseconds_since_1970 // 1_000_000_000, tz=UTC).isoformat().replace("+00:00", "Z")
