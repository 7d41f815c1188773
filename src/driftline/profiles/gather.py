"""Gathering: the one pass in which batches of rows are counted into the profiles of their groups.

A group is whatever the caller cuts the rows by: a window, a segment, both. All groups are counted in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.levels import LevelCounter
from driftline.profiles.outcomes import Summary, tally
from driftline.profiles.profile import NO_TIME, Profile, no_extremes
from driftline.profiles.schema import Column, Kind, Schema, family
from driftline.profiles.sketch import KeySketch
from driftline.profiles.times import nanoseconds
from driftline.profiles.values import as_flags, as_floats, valid_rows

Groups = NDArray[np.intp]
NUMBERS = ("int", "uint", "half", "float", "double", "decimal")
"""How the names of Arrow's number types begin."""


class Gathering:
    """Counts batches under one schema. `table` names the rows in messages; `keys` says whether identifiers are sketched. `like` is another
    one of the same schema whose looked up levels serve again."""

    def __init__(self, schema: Schema, *, table: str = "the table", keys: bool = True, like: Gathering | None = None) -> None:
        self.schema = schema
        self.table = table
        self.rows = 0
        self._counters = schema.counters
        self._cells = [schema.cells(i) for i in range(len(schema.columns))]
        self._levels: dict[int, LevelCounter]
        if like is not None:
            self._levels = {i: counter.again() for i, counter in like._levels.items()}  # noqa: SLF001 - of the same class
        else:
            self._levels = {i: LevelCounter(c.levels) for i, c in enumerate(schema.columns) if c.is_levels}
        self._groups = 0
        self._counts = np.zeros((0, int(schema.offsets[-1])), np.int64)
        self._group_rows = np.zeros(0, np.int64)
        self._moments = np.zeros((len(schema.numeric), 0, 2))
        self._extremes = np.zeros((len(schema.numeric), 0, 2))
        self._keys = {i: KeySketch.zero() for i in schema.keys} if keys else {}
        self._seen = np.zeros(len(schema.columns), np.bool_)
        self._outcomes: list[Summary] = []
        self._times = NO_TIME
        self._grow(1)

    def add(self, batch: pa.RecordBatch, group: Groups | None = None, groups: int = 1) -> None:
        """Counts the rows of a batch. `group`: the group of each row, (n,), all below `groups`; None where there is one group only."""
        self._grow(groups)
        self._group_rows[: max(groups, 1)] += len(batch) if group is None else np.bincount(group, minlength=groups)
        names = set(batch.schema.names)
        row = 0
        for i, column in enumerate(self.schema.columns):
            if column.name in names:
                self._seen[i] = True
                self._column(i, row, column, batch.column(column.name), group)
            row += column.is_numeric
        if self.schema.outcomes is not None and {self.schema.outcomes.prediction, self.schema.outcomes.label} <= names:
            self._tally(batch, group)
        if self.schema.time and self.schema.time in names:
            self._clock(batch.column(self.schema.time))
        self.rows += len(batch)

    def profiles(self) -> list[Profile]:
        """One profile per group, in the order of their numbers. Sketches and times are those of all rows, in `total` only."""
        examples = {i: counter.examples for i, counter in self._levels.items() if any(counter.examples)}
        return [
            Profile(
                self.schema,
                int(self._group_rows[g]),
                self._counts[g].copy(),
                self._moments[:, g].copy(),
                self._extremes[:, g].copy(),
                self._seen.copy(),
                examples,
                outcomes=self._outcomes[g] if self._outcomes else None,
            )
            for g in range(self._groups)
        ]

    def total(self) -> Profile:
        """The profile of the rows of all groups."""
        return replace(reduce(add, self.profiles()), keys=dict(self._keys), times=self._times)

    def _column(self, i: int, row: int, column: Column, values: pa.Array, group: Groups | None) -> None:
        counts = self._counts[:, self._cells[i]]
        if column.is_numeric:
            floats, valid = as_floats(values)
            self._counters[i].add(floats, valid, group, counts, self._moments[row], self._extremes[row])
        elif column.is_levels:
            if column.kind is Kind.BOOLEAN:
                values = as_flags(values)
            if group is None:
                counts[0] += self._levels[i].counts(values)
            else:
                add_at(counts, group, self._levels[i].cells(values))
        else:
            self._presence(values, counts, group)
            if i in self._keys:
                self._keys[i] += KeySketch.of(values, below=self._keys[i].bound)

    def _presence(self, values: pa.Array, counts: NDArray[np.int64], group: Groups | None) -> None:
        """Counts what is missing in cell 0 and what is there in cell 1."""
        valid = valid_rows(values)
        if group is not None:
            add_at(counts, group, np.ones(len(values), np.intp) if valid is None else valid.astype(np.intp))
            return
        present = len(values) if valid is None else int(np.count_nonzero(valid))
        counts[0] += len(values) - present, present

    def _tally(self, batch: pa.RecordBatch, group: Groups | None) -> None:
        plan = self.schema.outcomes
        assert plan is not None
        scores = [batch.column(name) for name in plan.score_columns if name in batch.schema.names]
        prediction, label = batch.column(plan.prediction), batch.column(plan.label)
        new = tally(plan, prediction, label, group, self._groups, table=self.table, first_row=self.rows, scores=scores)
        self._outcomes = [old + more for old, more in zip(self._outcomes, new, strict=False)] + new[len(self._outcomes) :]

    def _clock(self, values: pa.Array) -> None:
        moments = nanoseconds(values, column=self.schema.time, table=self.table, first_row=self.rows)
        if len(moments):
            self._times = (min(self._times[0], int(moments.min())), max(self._times[1], int(moments.max())))

    def _grow(self, groups: int) -> None:
        more = groups - self._groups
        if more <= 0:
            return
        self._groups = groups
        self._counts = np.concatenate([self._counts, np.zeros((more, self._counts.shape[1]), np.int64)])
        self._group_rows = np.concatenate([self._group_rows, np.zeros(more, np.int64)])
        count = len(self.schema.numeric)
        self._moments = np.concatenate([self._moments, np.zeros((count, more, 2))], axis=1)
        self._extremes = np.concatenate([self._extremes, np.tile(no_extremes(1), (count, more, 1))], axis=1)


def add_at(counts: NDArray[np.int64], group: Groups, cells: NDArray[np.intp]) -> None:
    """Adds one to the cell of each row in the counts of its group."""
    groups, width = counts.shape
    counts += np.bincount(group * width + cells, minlength=groups * width).reshape(groups, width)


def profile(batches: Iterable[pa.RecordBatch], schema: Schema) -> Profile:
    """The profile of a stream of Arrow batches, in memory that does not depend on the number of rows."""
    gathering = Gathering(schema)
    for batch in batches:
        gathering.add(batch)
    return gathering.total()


def fits(column: Column, kind: pa.DataType) -> bool:
    """Whether values of an Arrow type can be counted as the column is summarised."""
    what = family(kind)
    if what == "nothing" or not (column.is_numeric or column.is_levels):
        return True
    if column.is_numeric or column.kind is Kind.BOOLEAN:
        return what in ("number", "boolean")  # 0 and 1 are what some writers make of false and true
    was_number = column.arrow_type.startswith(NUMBERS)
    # Text that is all digits, such as a zip code, comes back as numbers once a table has been through CSV.
    as_number = was_number or all(_is_whole(level) for level in column.levels)
    return what == "boolean" or (what == "text" and not was_number) or (what == "number" and as_number)


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number in the one way that numbers are written as text again."""
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and str(int(text)) == text
