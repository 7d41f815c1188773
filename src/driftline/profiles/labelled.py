"""Labelled rows as arrays: numbers and classes out of Arrow columns, the groups that rows belong to, and errors that name a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import DataError
from driftline.profiles.values import as_floats, as_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

MISSING = -1
TWINS = {"true": "1", "false": "0", "1": "true", "0": "false"}
"""Flags and 0/1 are one class written in two ways: one of the two tables may have been through CSV."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows stand: their table and the number of rows before them. Rows are counted from 1."""

    table: str
    first_row: int

    def row(self, position: int) -> str:
        """Words for the row at `position` of the batch."""
        return f"row {self.first_row + position + 1} of {self.table}"


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each row belongs to (None: all to the first), and sums by group."""

    index: Index | None
    count: int

    def keep(self, rows: Mask) -> Groups:
        """The groups of some of the rows."""
        return self if self.index is None else Groups(self.index[rows], self.count)

    def rows(self, rows: Mask) -> Ints:
        """Number of rows that are true, by group, (groups,)."""
        if self.index is None:
            return np.array([np.count_nonzero(rows)] + [0] * (self.count - 1), np.int64)
        return np.bincount(self.index[rows], minlength=self.count).astype(np.int64)

    def cells(self, cell: Index, shape: tuple[int, ...]) -> Ints:
        """Number of rows by group and flat cell, (groups, *shape)."""
        size = int(np.prod(shape))
        flat = cell if self.index is None else self.index * size + cell
        return np.bincount(flat, minlength=self.count * size).astype(np.int64).reshape(self.count, *shape)

    def weighted(self, cell: Index, weights: Floats, size: int) -> Floats:
        """Sums of weights by group and cell, (groups, size)."""
        flat = cell if self.index is None else self.index * size + cell
        totals = np.bincount(flat, weights, minlength=self.count * size).astype(np.float64)
        return totals.reshape(self.count, size)

    def sums(self, columns: Sequence[Floats]) -> Floats:
        """Sums of several columns by group, (groups, columns)."""
        totals = np.zeros((self.count, len(columns)))
        for k, values in enumerate(columns):
            if self.index is None:
                totals[0, k] = values.sum()
            else:
                totals[:, k] = np.bincount(self.index, values, minlength=self.count)
        return totals


@dataclass(frozen=True, slots=True)
class Classes:
    """A column as classes: the distinct values as text, and per row the position of its value, `MISSING` where there is none."""

    texts: tuple[str | None, ...]
    index: Index

    @classmethod
    def of(cls, column: pa.Array) -> Classes:
        """Every value as a class. Nulls, NaN and empty text are missing."""
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = encoded.dictionary
        empty = "nan" if pa.types.is_floating(values.type) else ""
        texts: list[str | None] = [None if text == empty else text for text in as_text(values).to_pylist()]
        # Two entries of a dictionary may be the same text, and an entry may be null.
        first = {text: position for position, text in reversed(list(enumerate(texts)))}
        own = np.array([MISSING if text is None else first[text] for text in texts] + [MISSING], np.intp)
        index, valid = as_floats(encoded.indices)
        positions = index.astype(np.intp)
        if valid is not None:
            positions = np.where(valid, positions, len(texts))
        return cls(tuple(texts), own[positions])

    @property
    def present(self) -> Mask:
        """Which rows have a class, (n,)."""
        present: Mask = self.index != MISSING
        return present

    @property
    def seen(self) -> tuple[str, ...]:
        """The classes of at least one row, in the order of the dictionary."""
        used = np.unique(self.index[self.present]).tolist()
        return tuple(text for position in used if (text := self.texts[position]) is not None)

    def codes(self, classes: Sequence[str]) -> Index:
        """Position in `classes` of each row's value, (n,); `len(classes)` for any other value, `MISSING` where there is none."""
        position = {TWINS[text]: k for k, text in enumerate(classes) if text in TWINS} | {text: k for k, text in enumerate(classes)}
        table = [MISSING if text is None else position.get(text, len(classes)) for text in self.texts]
        return np.array([*table, MISSING], np.intp)[self.index]

    def text(self, row: int) -> str:
        """The value of a row that is present."""
        return self.texts[self.index[row]] or ""


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type, dictionary or not, holds numbers; flags are none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def first_true(rows: Mask) -> int | None:
    """Position of the first row that is true."""
    return int(np.argmax(rows)) if rows.any() else None


def read_numbers(column: pa.Array, name: str, what: str, place: Place) -> tuple[Floats, Mask]:
    """Numbers and which rows have one. Raises `DataError` where the column holds none; `what` says what it is to be."""
    if pa.types.is_null(column.type):
        return np.zeros(len(column)), np.zeros(len(column), np.bool_)
    if not is_number(column.type) and not pa.types.is_boolean(column.type):
        raise DataError(f"Column '{name}' of {place.table} holds {column.type}, and {what} is a number", hint="Convert it to numbers.")
    values, valid = as_floats(column)
    return values, np.ones(len(values), np.bool_) if valid is None else valid


def read_scores(column: pa.Array, name: str, place: Place) -> tuple[Floats, Mask]:
    """Scores in [0, 1] and which rows have one. Raises `DataError` for NaN and for numbers outside, with the row."""
    scores, present = read_numbers(column, name, "a score", place)
    if (row := first_true(present & ~((scores >= 0) & (scores <= 1)))) is None:
        return scores, present
    if np.isnan(scores[row]):
        raise DataError(f"The score in column '{name}', {place.row(row)} is not a number (NaN)", hint="Leave a missing score empty.")
    raise DataError(
        f"The score {scores[row]:g} in column '{name}', {place.row(row)} is outside [0, 1]",
        hint="Pass probabilities, or name the task with task='regression'.",
    )
