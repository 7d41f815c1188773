"""Levels of a text or boolean column into cells: one per known level, and a hashed tail for all others.

Text is counted by the codes of its dictionary: each distinct value is looked up once per dictionary, each row costs one table look-up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.profiles.hashing import hash_text
from driftline.profiles.schema import FIRST_LEVEL, TAIL
from driftline.profiles.values import as_text

SHOWN = 80
Examples = tuple[str, ...]
"""For each tail bucket the alphabetically first value in it, cut to 80 characters; empty where the bucket is empty."""

NO_EXAMPLES: Examples = ("",) * TAIL


class LevelCounter:
    """Maps the rows of one column to its cells: 0 missing, 1 to TAIL the hashed tail, then the levels in order."""

    def __init__(self, levels: Sequence[str]) -> None:
        self._levels = pa.array(levels, pa.string())
        self._last: tuple[pa.Array, NDArray[np.intp]] | None = None
        self.examples = NO_EXAMPLES

    def cells(self, values: pa.Array) -> NDArray[np.intp]:
        """The cell of each row, (n,)."""
        if pa.types.is_boolean(values.type):
            values = as_text(values)
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        table = self._table(coded.dictionary)
        codes = pc.fill_null(coded.indices.cast(pa.int64()), len(table) - 1)
        return table.take(np.frombuffer(codes.buffers()[1], np.int64)[codes.offset : codes.offset + len(codes)])

    def _table(self, dictionary: pa.Array) -> NDArray[np.intp]:
        """The cell of each dictionary value, and of a null last."""
        if self._last is not None and _same(self._last[0], dictionary):
            return self._last[1]
        texts = as_text(dictionary)
        found = pc.index_in(texts, value_set=self._levels)
        cells = np.zeros(len(texts) + 1, np.intp)
        position = pc.fill_null(found, -1).cast(pa.int64())
        cells[:-1] = np.frombuffer(position.buffers()[1], np.int64)[position.offset : position.offset + len(position)] + FIRST_LEVEL
        unknown = pc.and_(pc.is_null(found), pc.is_valid(texts))
        if pc.any(unknown).as_py():
            where = np.flatnonzero(cells[:-1] == FIRST_LEVEL - 1)
            others = texts.filter(unknown)
            buckets = (hash_text(others) >> np.uint64(32)).astype(np.intp) % TAIL
            valid = where if texts.null_count == 0 else np.array([i for i in where if texts[i].is_valid], np.intp)
            cells[valid] = 1 + buckets
            self.examples = first_examples(self.examples, others, buckets)
        if texts.null_count:
            nulls = pc.is_null(texts)
            cells[:-1][np.array(nulls.to_pylist(), np.bool_)] = 0
        self._last = (dictionary, cells)
        return cells


def first_examples(known: Examples, values: pa.Array, buckets: NDArray[np.intp]) -> Examples:
    """The alphabetically first value of each bucket, among those known and the new ones: the same whatever the order of the rows."""
    order = pc.sort_indices(values)
    positions = np.frombuffer(order.buffers()[1], np.uint64)[: len(order)].astype(np.intp)
    bucket, first = np.unique(buckets[positions], return_index=True)
    new = list(known)
    for b, f in zip(bucket.tolist(), first.tolist(), strict=True):
        text = values[int(positions[f])].as_py()[:SHOWN]
        new[b] = min(new[b], text) if new[b] else text
    return tuple(new)


def merge_examples(left: Examples, right: Examples) -> Examples:
    """The first example of each bucket on both sides."""
    return tuple(min(a, b) if a and b else a or b for a, b in zip(left, right, strict=True))


def _same(old: pa.Array, new: pa.Array) -> bool:
    """Whether two dictionaries are the same memory; `old` is alive, so its addresses cannot have been used again."""
    return len(old) == len(new) and old.offset == new.offset and _addresses(old) == _addresses(new)


def _addresses(values: pa.Array) -> list[int]:
    return [buffer.address if buffer is not None else 0 for buffer in values.buffers()]
