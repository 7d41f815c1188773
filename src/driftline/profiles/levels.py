"""Levels of a text or boolean column into cells: one per known level, and a hashed tail for all others.

Text is counted by the codes of its dictionary: each distinct value is looked up once per dictionary, each row costs one table look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.profiles.hashing import hash_text
from driftline.profiles.schema import FIRST_LEVEL, TAIL
from driftline.profiles.values import Mask, as_text, from_flags, from_integers, from_texts, integers, true_rows, valid_rows

Indices = NDArray[np.intp]

SHOWN = 80
FLAGS = from_texts(("false", "true"))
NO_ROWS: Indices = np.empty(0, np.intp)
CHUNK = 8_192
"""Rows at a time: larger arrays would be given back to the operating system after each."""
Examples = tuple[str, ...]
"""For each tail bucket the alphabetically first value in it, cut to 80 characters; empty where the bucket is empty."""

NO_EXAMPLES: Examples = ("",) * TAIL


class LevelCounter:
    """Maps the rows of one column to its cells: 0 missing, 1 to TAIL the hashed tail, then the levels in order."""

    def __init__(self, levels: Sequence[str]) -> None:
        self._levels = from_texts(levels)
        self._last: _Table | None = None
        self.width = FIRST_LEVEL + len(levels)
        self.examples = NO_EXAMPLES

    def again(self) -> LevelCounter:
        """One that has counted nothing yet and knows what this one has looked up."""
        other = copy(self)
        other.examples = NO_EXAMPLES
        return other

    def counts(self, values: pa.Array) -> NDArray[np.int64]:
        """How many rows each cell has, (width,)."""
        codes = _Codes.of(values)
        table = self._table(codes.texts)
        each = codes.counts()
        self._show(table, each)
        counts = np.zeros(self.width, np.int64)
        np.add.at(counts, table.cells, each)
        return counts

    def cells(self, values: pa.Array) -> Indices:
        """The cell of each row, (n,)."""
        codes = _Codes.of(values)
        table = self._table(codes.texts)
        if len(table.unseen):
            self._show(table, codes.counts())
        found = np.empty(len(values), np.intp)
        for start, part in zip(range(0, len(values), CHUNK), codes.parts(), strict=True):
            table.cells.take(part, mode="clip", out=found[start : start + CHUNK])
        return found

    def _table(self, texts: pa.Array) -> _Table:
        if self._last is None or not _same(self._last.texts, texts):
            self._last = _Table.of(texts, self._levels)
        return self._last

    def _show(self, table: _Table, rows: NDArray[np.int64]) -> None:
        """Takes examples from the unseen levels that have rows: dictionaries may hold values that no row uses."""
        new = table.unseen[rows[table.unseen] > 0]
        if len(new):
            self.examples = first_examples(self.examples, as_text(table.texts).take(from_integers(new)), table.cells[new] - 1)


@dataclass(frozen=True, eq=False, slots=True)
class _Table:
    """For the dictionary `texts`: the cell of each of its values and of a null last, and the positions of those in the hashed tail."""

    texts: pa.Array
    cells: Indices
    unseen: Indices

    @classmethod
    def of(cls, texts: pa.Array, levels: pa.Array) -> _Table:
        read = as_text(texts)
        found = pc.index_in(read, value_set=levels)
        cells = np.append(integers(found).astype(np.intp) + FIRST_LEVEL, 0)
        known, present = valid_rows(found), valid_rows(read)
        if known is None:
            return cls(texts, cells, NO_ROWS)
        cells[:-1][~known] = 0
        unseen = np.flatnonzero(~known if present is None else ~known & present)
        if len(unseen):
            cells[unseen] = 1 + (hash_text(read.take(from_integers(unseen))) >> np.uint64(32)).astype(np.intp) % TAIL
        return cls(texts, cells, unseen)


@dataclass(frozen=True, eq=False, slots=True)
class _Codes:
    """A column as the positions of its rows in `texts`, its distinct values."""

    texts: pa.Array
    positions: NDArray[np.signedinteger]
    valid: Mask | None

    @classmethod
    def of(cls, values: pa.Array) -> _Codes:
        if pa.types.is_boolean(values.type):
            texts, codes = FLAGS, values.cast(pa.uint8())
        elif pa.types.is_dictionary(values.type):
            texts, codes = values.dictionary, values.indices
        else:
            encoded = values.dictionary_encode()
            texts, codes = encoded.dictionary, encoded.indices
        return cls(texts, integers(codes), valid_rows(codes))

    def parts(self) -> Iterator[Indices]:
        """The positions of the rows, one past the last where there is no value, in parts small enough for the cache."""
        for start in range(0, len(self.positions), CHUNK):
            part = self.positions[start : start + CHUNK].astype(np.intp)
            if self.valid is not None:
                np.putmask(part, ~self.valid[start : start + CHUNK], len(self.texts))
            yield part

    def counts(self) -> NDArray[np.int64]:
        """How many rows each text has, and last how many have none, (texts + 1,)."""
        width = len(self.texts) + 1
        return sum((np.bincount(part, minlength=width) for part in self.parts()), start=np.zeros(width, np.int64))


def level_counts(values: pa.Array) -> dict[str, int]:
    """The levels of a column and how many rows each has."""
    codes = _Codes.of(values)
    each = codes.counts()[:-1]
    used = np.flatnonzero(each)
    counts: dict[str, int] = {}
    for text, count in zip(as_text(codes.texts).take(from_integers(used)).to_pylist(), each[used].tolist(), strict=True):
        if text is not None:
            counts[text] = counts.get(text, 0) + count
    return counts


def first_examples(known: Examples, values: pa.Array, buckets: Indices) -> Examples:
    """The alphabetically first value of each bucket, among those known and the new ones: the same whatever the order of the rows."""
    if any(known):
        # Most new values come after the example their bucket has already, and need not be sorted.
        empty = np.array([not text for text in known])
        sooner = true_rows(pc.less(values, from_texts(known).take(from_integers(buckets)))) | empty[buckets]
        values, buckets = values.filter(from_flags(sooner)), buckets[sooner]
    positions = integers(pc.sort_indices(values)).astype(np.intp)
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
