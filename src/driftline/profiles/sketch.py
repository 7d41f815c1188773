"""A sketch of the values of an identifier column: how many are distinct, how many come twice.

It keeps the values with the smallest hashes and counts each of them in full, so that it can be merged in any order, needs the same few
kilobytes for a hundred rows or a billion, and sees duplicates that lie a million rows apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.hashing import hash_values

KEPT = 4096


@dataclass(frozen=True, eq=False, slots=True)
class KeySketch:
    """The `KEPT` smallest hashes among the values, sorted, with the number of rows of each. Adding two sketches adds their rows."""

    hashes: NDArray[np.uint64]
    counts: NDArray[np.int64]

    @classmethod
    def zero(cls) -> KeySketch:
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, values: pa.Array, *, below: int | None = None) -> KeySketch:
        """The sketch of the values that are not null. `below`: hashes from here on cannot be among the smallest, and are left out early."""
        if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
            values = values.dictionary_decode()
        if pa.types.is_string_view(values.type):  # which Arrow cannot filter yet
            values = values.cast(pa.large_string())
        hashes = hash_values(values.drop_null())
        if below is not None:
            hashes = hashes[hashes < np.uint64(below)]
        unique, counts = np.unique(hashes, return_counts=True)
        return cls(unique[:KEPT], counts[:KEPT].astype(np.int64))

    def __add__(self, other: KeySketch) -> KeySketch:
        hashes, where = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.zeros(len(hashes), np.int64)
        np.add.at(counts, where, np.concatenate([self.counts, other.counts]))
        return KeySketch(hashes[:KEPT], counts[:KEPT])

    @property
    def bound(self) -> int | None:
        """The largest hash kept plus one where the sketch is full, else None."""
        return int(self.hashes[-1]) + 1 if len(self.hashes) == KEPT and int(self.hashes[-1]) < 2**64 - 1 else None

    @property
    def distinct(self) -> float:
        """Number of distinct values; exact while the sketch is not full, else with a relative error of about 1.6 %."""
        if len(self.hashes) < KEPT:
            return float(len(self.hashes))
        return (KEPT - 1) / (float(self.hashes[-1]) / 2.0**64)

    @property
    def repeated(self) -> tuple[int, int]:
        """Rows seen in the sketch, and those of them that repeat a value already seen."""
        rows = int(self.counts.sum())
        return rows, rows - len(self.counts)
