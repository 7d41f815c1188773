"""Hashes of many values at once, the same on every machine and in every run.

A polynomial over the bytes of a string, finished by the mixer of splitmix64. It spreads values over buckets and picks samples; it is no
protection against somebody who looks for collisions, and nothing here relies on that.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_PRIME = np.uint64(0x100000001B3)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: a bijection on 64 bits that spreads near values far apart."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def hash_text(values: pa.Array) -> NDArray[np.uint64]:
    """Hash of each string of a text array without nulls, (n,) uint64."""
    values = values.cast(pa.large_string())
    _, offset_buffer, data_buffer = values.buffers()
    if len(values) == 0:
        return np.zeros(0, np.uint64)
    offsets = np.frombuffer(offset_buffer, np.int64)[values.offset : values.offset + len(values) + 1]
    lengths = np.diff(offsets)
    if data_buffer is None or offsets[-1] == offsets[0]:
        return mix(mix(np.zeros(len(values), np.uint64)))
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)
    starts = offsets[:-1] - offsets[0]
    position = np.arange(len(data)) - np.repeat(starts, lengths)
    with np.errstate(over="ignore"):
        data *= _powers(int(lengths.max()))[position]
        sums = np.zeros(len(values), np.uint64)
        filled = lengths > 0
        sums[filled] = np.add.reduceat(data, starts[filled])
        return mix(sums + mix(lengths.astype(np.uint64)))


def hash_values(values: pa.Array) -> NDArray[np.uint64]:
    """Hash of each value of an array without nulls: integers by value, everything else by its text, (n,) uint64."""
    if pa.types.is_integer(values.type):
        wide = values.cast(pa.int64(), safe=False)
        return mix(np.frombuffer(wide.buffers()[1], np.int64)[wide.offset : wide.offset + len(wide)].view(np.uint64))
    if pa.types.is_dictionary(values.type):
        codes = pc.cast(values.indices, pa.int64())
        return hash_values(values.dictionary)[np.frombuffer(codes.buffers()[1], np.int64)[codes.offset : codes.offset + len(codes)]]
    return hash_text(values.cast(pa.large_string()))


def hash_rows(first: int, count: int) -> NDArray[np.uint64]:
    """Hash of the row numbers first, first + 1, ..., (count,) uint64: a sample that does not depend on how the rows are cut."""
    return mix(np.arange(first, first + count, dtype=np.uint64))


def _powers(count: int) -> NDArray[np.uint64]:
    powers = np.full(count, _PRIME, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
