"""Event times as whole nanoseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import DataError
from driftline.profiles.values import whole

NANOSECONDS = pa.timestamp("ns", "UTC")
REACH = "the years 1678 to 2261"


def nanoseconds(values: pa.Array, *, column: str, table: str, first_row: int) -> NDArray[np.int64]:
    """The times of the rows that have one, (n,). Text is read as ISO 8601; a time without a zone is taken as UTC.

    Raises `DataError` with the row where a value is no time, or one that nanoseconds do not reach.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    present = values.drop_null()
    if len(present) == 0:
        return np.zeros(0, np.int64)
    kind = _read_as(present)
    try:
        return _ticks(present, kind)
    except pa.ArrowInvalid:
        row, value = _first_bad(values, kind)
    known = kind == values.type
    raise DataError(
        f"The time column '{column}' " + (f"holds {value}, outside of {REACH}" if known else f"does not parse: it holds {value}"),
        where=f"{table}, row {first_row + row + 1:,}",
        hint="Leave times that are not known empty." if known else "Use timestamps, dates or ISO 8601 text such as 2026-11-22T06:00:00Z.",
    )


def _read_as(present: pa.Array) -> pa.DataType | None:
    """The type of time that values are read as: their own, for text that of the first one, None for what holds no times."""
    if pa.types.is_timestamp(present.type) or pa.types.is_date(present.type):
        return present.type
    if not (pa.types.is_string(present.type) or pa.types.is_large_string(present.type)):
        return None
    first = present[0].as_py()
    zoned = first.endswith(("Z", "z")) or "+" in first[10:] or "-" in first[10:]
    return pa.timestamp("us", "UTC") if zoned else pa.timestamp("us")


def _ticks(values: pa.Array, kind: pa.DataType | None) -> NDArray[np.int64]:
    """Raises ArrowInvalid where a value is no such time."""
    if kind is None:
        raise pa.ArrowInvalid(f"{values.type} is no time")
    moments = values.cast(kind)
    if pa.types.is_timestamp(kind) and kind.tz is None:
        moments = moments.cast(pa.timestamp(kind.unit, "UTC"))
    return whole(moments, NANOSECONDS if pa.types.is_timestamp(kind) else pa.timestamp("ns"))


def _first_bad(values: pa.Array, kind: pa.DataType | None) -> tuple[int, str]:
    """The position and the text of the first value that is no time."""
    for position in range(len(values)):
        value = values.slice(position, 1)
        if value.null_count:
            continue
        try:
            _ticks(value, kind)
        except pa.ArrowInvalid:
            return position, _shown(value[0])
    raise AssertionError("one of the values is no time")


def _shown(value: pa.Scalar) -> str:
    try:
        plain = value.as_py()
    except (OverflowError, ValueError):  # Python's dates end with the year 9999
        return "a time after the year 9999 or before the year 1"
    return repr(plain) if isinstance(plain, str) else str(plain)


def moment(nanoseconds_since_1970: int) -> str:
    """A time in ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(nanoseconds_since_1970 // 1_000_000_000, tz=UTC).isoformat().replace("+00:00", "Z")
