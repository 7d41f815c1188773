"""Arrow arrays as the two things the kernels count: float64 with a validity mask, and text.

Reads the buffers directly: the conversions of pyarrow import pandas wherever it is installed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def as_floats(values: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Numbers as float64 and where they are valid (None: everywhere); the value of an invalid row is arbitrary.

    Whole numbers beyond 2**53 lose their last digits. Durations become seconds. Dictionaries are decoded.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if pa.types.is_duration(values.type):
        values = pc.divide(values.cast(pa.duration("ns"), safe=False).cast(pa.int64()).cast(pa.float64(), safe=False), 1e9)
    if values.type != pa.float64():
        values = values.cast(pa.float64(), safe=False)
    count = len(values)
    if count == 0:
        return np.zeros(0), None
    floats = np.frombuffer(values.buffers()[1], np.float64)[values.offset : values.offset + count]
    return floats, valid_rows(values)


def valid_rows(values: pa.Array) -> NDArray[np.bool_] | None:
    """Which rows are not null, (n,); None where all are valid."""
    if values.null_count == 0:
        return None
    bitmap = values.buffers()[0]
    if bitmap is None:
        return np.zeros(len(values), np.bool_)
    first = values.offset // 8
    bits = np.unpackbits(
        np.frombuffer(bitmap, np.uint8)[first : (values.offset + len(values) + 7) // 8], bitorder="little"
    )
    skip = values.offset - 8 * first
    return bits[skip : skip + len(values)].view(np.bool_)


def as_text(values: pa.Array) -> pa.Array:
    """Levels as strings, the same for every way a table may write them: true and false, whole numbers without a point."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type):
        values = pa.array([None if v is None else v.decode("utf-8", "replace") for v in values.to_pylist()], pa.string())
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def whole(values: pa.Array, kind: pa.DataType) -> NDArray[np.int64]:
    """An array without nulls as int64 after a cast to `kind`: times as their ticks, codes as they are."""
    ticks = values.cast(kind).cast(pa.int64())
    return np.frombuffer(ticks.buffers()[1], np.int64)[ticks.offset : ticks.offset + len(ticks)] if len(ticks) else np.zeros(0, np.int64)
