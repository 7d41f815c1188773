"""Hashes of many values at once, the same on every machine and in every run.

A polynomial over the bytes of a string, finished by the mixer of splitmix64. It spreads values over buckets and picks samples; it is no
protection against somebody who looks for collisions, and nothing here relies on that.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.values import integers

_PRIME = np.uint64(0x100000001B3)
PIECE = 4_096
"""Strings at a time."""


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
    if len(values) == 0:
        return np.zeros(0, np.uint64)
    _, offset_buffer, data_buffer = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[values.offset : values.offset + len(values) + 1]
    data = np.frombuffer(data_buffer if data_buffer is not None else b"", np.uint8)
    pieces = [_hash_piece(data, offsets[start : start + PIECE + 1]) for start in range(0, len(values), PIECE)]
    return np.concatenate(pieces)


def _hash_piece(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Of few enough strings for the working arrays to stay in the cache."""
    lengths = np.diff(offsets)
    used = data[offsets[0] : offsets[-1]]
    evenly = bool((lengths == lengths[0]).all())
    with np.errstate(over="ignore"):
        sums = _even_sums(used, len(lengths)) if evenly else _sums(used, offsets[:-1] - offsets[0], lengths)
        return mix(sums + mix(lengths.astype(np.uint64)))


def _sums(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The sum of (byte + 1) * prime ** position over each string."""
    terms = data.astype(np.uint64) + np.uint64(1)
    position = np.arange(len(data)) - np.repeat(starts, lengths)
    terms *= _powers(int(lengths.max()))[position]
    sums = np.zeros(len(lengths), np.uint64)
    filled = lengths > 0
    sums[filled] = np.add.reduceat(terms, starts[filled])
    return sums


def _even_sums(data: NDArray[np.uint8], count: int) -> NDArray[np.uint64]:
    """The same sums where all strings are as long as each other, as most keys are, several times quicker: by Horner's rule."""
    sums = np.zeros(count, np.uint64)
    for each in np.ascontiguousarray(data.reshape(count, -1).T)[::-1]:
        sums *= _PRIME
        sums += each
        sums += np.uint64(1)
    return sums


def hash_values(values: pa.Array) -> NDArray[np.uint64]:
    """Hash of each value of an array without nulls: integers by value, everything else by its text, (n,) uint64."""
    if pa.types.is_integer(values.type):
        return mix(integers(values.cast(pa.int64(), safe=False)).view(np.uint64))
    if pa.types.is_dictionary(values.type):
        hashes: NDArray[np.uint64] = hash_values(values.dictionary)[integers(values.indices)]
        return hashes
    return hash_text(values.cast(pa.large_string()))


def hash_rows(first: int, count: int) -> NDArray[np.uint64]:
    """Hash of the row numbers first, first + 1, ..., (count,) uint64: a sample that does not depend on how the rows are cut."""
    return mix(np.arange(first, first + count, dtype=np.uint64))


def _powers(count: int) -> NDArray[np.uint64]:
    powers = np.full(count, _PRIME, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
