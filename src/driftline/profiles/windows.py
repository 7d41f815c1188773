"""Windows of a reference: the same rows cut into consecutive stretches of time, so that its own unrest can be seen.

A window of the history is a profile whose `times` are its bounds. Since profiles add, short windows are kept and joined to whatever
length the current rows have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Schema
from driftline.profiles.tiling import Tiling, from_nanoseconds, to_nanoseconds
from driftline.profiles.times import nanoseconds
from driftline.profiles.values import from_flags, valid_rows

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
LENGTHS = (SECOND * 60, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY)
MOST = 130
THIN = 0.2
"""A joined window with less than this part of the usual rows is left out: a hole in the data, or its ragged ends."""


def window_length(first: int, last: int) -> int:
    """The shortest of the usual lengths, in nanoseconds, that cuts [first, last] into at most about 130 windows."""
    return next((length for length in LENGTHS if (last - first) / length <= MOST), LENGTHS[-1])


def most_windows(schema: Schema) -> int:
    """How many windows of this schema are held at a time: what takes about 400 MB, and never fewer than the usual."""
    return max(MOST, 50_000_000 // max(1, int(schema.offsets[-1])))


class History:
    """Counts batches by window, in the same reading as everything else.

    `length` is that of the windows in nanoseconds, counted from 1970; with a `tiling` they are its windows.
    """

    def __init__(self, schema: Schema, length: int, *, table: str, tiling: Tiling | None = None) -> None:
        # How right the model was from window to window matters to those who watch it over time, and takes memory.
        self.schema = schema if tiling is not None else replace(schema, outcomes=None)
        self.length = length
        self.tiling = tiling
        self.table = table
        self._numbers: dict[int, int] = {}
        self._gathering = Gathering(self.schema, table=table)
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts the rows that have a time."""
        values = batch.column(self.schema.time)
        stamps = nanoseconds(values, column=self.schema.time, table=self.table, first_row=self._rows)
        self._rows += len(batch)
        valid = valid_rows(values)
        if valid is not None:
            batch = batch.filter(from_flags(valid))
        if len(batch):
            self._gathering.add(batch, self._group(self._starts(stamps)), len(self._numbers))

    def _starts(self, stamps: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.tiling is None:
            return stamps - stamps % self.length
        windows, place = self.tiling.cut(stamps)
        return np.array([to_nanoseconds(window.start) for window in windows], np.int64)[place]

    def _end(self, start: int) -> int:
        return start + self.length if self.tiling is None else to_nanoseconds(self.tiling.around(from_nanoseconds(start)).end)

    def _group(self, numbers: NDArray[np.int64]) -> NDArray[np.intp]:
        unique, where = np.unique(numbers, return_inverse=True)
        groups = [self._numbers.setdefault(number, len(self._numbers)) for number in unique.tolist()]
        return np.array(groups, np.intp)[where]

    def windows(self, schema: Schema) -> tuple[Profile, ...]:
        """The windows that have rows, in order of time."""
        profiles = self._gathering.profiles()
        return tuple(
            replace(profiles[group], schema=schema, keys={}, times=(start, self._end(start) - 1))
            for start, group in sorted(self._numbers.items())
        )


def joined(history: Sequence[Profile], rows: int, span: int) -> tuple[Profile, ...]:
    """The history in windows as long as the current rows: `span` nanoseconds, or with about as many rows where their span is not known.

    Windows that are not full, because of a hole or an end, are left out.
    """
    if not history:
        return ()
    length = history[0].times[1] - history[0].times[0] + 1
    usual = float(np.median([window.rows for window in history]))
    together = max(1, round((span + 1) / length if span > 0 else rows / usual))
    parts: dict[int, list[Profile]] = {}
    for window in history:
        steps = (window.times[0] - history[0].times[0] + length // 2) // length  # days of 23 and 25 hours count as one
        parts.setdefault(steps // together, []).append(window)
    whole = [reduce(add, part) for part in parts.values() if len(part) == together]
    if not whole:
        return ()
    enough = THIN * float(np.median([window.rows for window in whole]))
    return tuple(window for window in whole if window.rows >= enough)
