"""Arrow arrays as what the kernels count: float64 with a validity mask, codes, and text; and the way back.

Reads the buffers directly: the conversions of pyarrow, and its functions that take a number or a list, import pandas wherever it is
installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def as_floats(values: pa.Array) -> tuple[NDArray[np.float64], Mask | None]:
    """Numbers as float64 and where they are valid (None: everywhere); the value of an invalid row is arbitrary.

    Whole numbers beyond 2**53 lose their last digits. Durations become seconds. Dictionaries are decoded.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if values.null_count == len(values):
        return np.zeros(len(values)), valid_rows(values)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_duration(values.type):
        seconds, valid = as_floats(values.cast(pa.duration("ns"), safe=False).cast(pa.int64()))
        return seconds / 1e9, valid
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if values.type != pa.float64():
        values = values.cast(pa.float64(), safe=False)
    floats = np.frombuffer(values.buffers()[1], np.float64)[values.offset : values.offset + len(values)]
    return floats, valid_rows(values)


def integers(values: pa.Array) -> NDArray[np.signedinteger]:
    """Whole numbers as they are stored, (n,); the value of an invalid row is arbitrary."""
    if len(values) == 0:
        return np.zeros(0, str(values.type))
    return np.frombuffer(values.buffers()[1], str(values.type))[values.offset : values.offset + len(values)]


def valid_rows(values: pa.Array) -> Mask | None:
    """Which rows are not null, (n,); None where all are valid."""
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()
    if values.null_count == 0:
        return None
    bitmap = values.buffers()[0]
    return np.zeros(len(values), np.bool_) if bitmap is None else _unpacked(bitmap, values.offset, len(values))


def true_rows(values: pa.Array) -> Mask:
    """Which rows of a boolean array are true, (n,): a null is not."""
    if len(values) == 0:
        return np.zeros(0, np.bool_)
    flags, valid = _unpacked(values.buffers()[1], values.offset, len(values)), valid_rows(values)
    return flags if valid is None else flags & valid


def _unpacked(bits: pa.Buffer, offset: int, count: int) -> Mask:
    first = offset // 8
    flags = np.unpackbits(np.frombuffer(bits, np.uint8)[first : (offset + count + 7) // 8], bitorder="little")
    return flags[offset - 8 * first :][:count].view(np.bool_)


def from_integers(values: NDArray[np.int64]) -> pa.Array:
    """An Arrow array that shares the memory of whole numbers."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values, np.int64))])


def from_flags(flags: Mask) -> pa.Array:
    """An Arrow array of truth values, such as filters take."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, pa.py_buffer(np.packbits(flags, bitorder="little"))])


def from_texts(texts: Sequence[str]) -> pa.Array:
    """An Arrow array of strings."""
    data = [text.encode() for text in texts]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in data])]).astype(np.int32)
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(ends), pa.py_buffer(b"".join(data)))


def as_text(values: pa.Array) -> pa.Array:
    """Levels as strings, the same for every way a table may write them: true and false, whole numbers without a point."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type):
        values = pa.array([None if v is None else v.decode("utf-8", "replace") for v in values.to_pylist()], pa.string())
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def as_flags(values: pa.Array) -> pa.Array:
    """Flags as true and false, whatever a table writes for them: booleans as they are, of numbers 1 and 0 as text."""
    if pa.types.is_boolean(values.type):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.bool_())
    coded = values.dictionary_encode()
    texts = [{"0": "false", "1": "true"}.get(text, text) for text in as_text(coded.dictionary).to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, from_texts(texts))


def whole(values: pa.Array, kind: pa.DataType) -> NDArray[np.int64]:
    """An array without nulls as int64 after a cast to `kind`: times as their ticks, codes as they are."""
    return integers(values.cast(kind).cast(pa.int64()))
