"""Rows as cells: which cell of its column each value falls in, row by row, beside how wrong the model was there.

A profile keeps how many rows each cell has. What depends on the columns together, such as a model of the loss, is fitted on some rows of
the reference in this form; once fitted it reads profiles only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.counting import Counter, chunks
from driftline.profiles.hashing import hash_rows
from driftline.profiles.labelled import MISSING, TWINS, Classes, Floats, Index, Mask, Place, read_numbers
from driftline.profiles.levels import LevelCounter
from driftline.profiles.outcomes import OutcomePlan, Task
from driftline.profiles.schema import Kind, Role, Schema
from driftline.profiles.values import as_flags, as_floats, from_flags

SAMPLE_ROWS, SAMPLE_CELLS = 50_000, 5_000_000
"""Rows of the sample at most, fewer where there are many columns."""
ROLES = (Role.FEATURE, Role.PREDICTION, Role.SEGMENT)


@dataclass(frozen=True, slots=True, eq=False)
class LossSample:
    """Labelled rows of the reference in their order.

    `positions`: which columns of the schema they tell, (columns,). `cells`: the cell of each row in each of them, counted from the
    column's first, (rows, columns). `loss`: |prediction - label| of a regression, 1 for a wrong class and 0 for a right one, (rows,).
    """

    positions: tuple[int, ...]
    cells: Index
    loss: Floats

    def __post_init__(self) -> None:
        if self.cells.shape != (len(self.loss), len(self.positions)):
            raise ValueError(f"{self.cells.shape} cells, {len(self.loss)} losses and {len(self.positions)} columns do not fit together")


def sample_losses(batches: Iterable[pa.RecordBatch], schema: Schema, *, table: str = "the table", most: int = SAMPLE_ROWS) -> LossSample:
    """Labelled rows of a stream as cells with their losses, at most `most` of them, picked by a hash of the row number.

    Memory does not depend on the number of rows, nor the sample on how they are cut into batches. A column that a batch lacks counts as
    missing. Raises ValueError where the schema has no outcomes or a binary task, which needs no loss.
    """
    plan = schema.outcomes
    if plan is None or plan.task is Task.BINARY:
        raise ValueError("losses are sampled for a regression or for classes")
    cells = _Cells(schema)
    most = max(min(most, SAMPLE_CELLS // max(len(cells.positions), 1)), 1)
    kept: list[tuple[Index, Floats, NDArray[np.uint64]]] = []
    first, shift = 0, 0
    for batch in batches:
        hashes = hash_rows(first, len(batch))
        chosen = _begins_with_zeros(hashes, shift)
        place, first = Place(table, first), first + len(batch)
        if not {plan.prediction, plan.label} <= set(batch.schema.names):
            continue
        loss, usable = _losses(plan, batch, place)
        chosen &= usable
        kept.append((cells.of(batch.filter(from_flags(chosen))), loss[chosen], hashes[chosen]))
        while sum(len(part[1]) for part in kept) > most:
            shift += 1
            kept = [_thinned(part, shift) for part in kept]
    if not kept:
        return LossSample(cells.positions, np.zeros((0, len(cells.positions)), np.intp), np.zeros(0))
    return LossSample(cells.positions, np.concatenate([part[0] for part in kept]), np.concatenate([part[1] for part in kept]))


class _Cells:
    """The columns of a schema whose values have cells of their own, and what finds them."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.positions = tuple(
            i for i, column in enumerate(schema.columns) if column.role in ROLES and (column.is_numeric or column.is_levels)
        )
        self._levels = {i: LevelCounter(schema.columns[i].levels) for i in self.positions if schema.columns[i].is_levels}

    def of(self, batch: pa.RecordBatch) -> Index:
        """The cell of each row in each column, (rows, columns)."""
        found = np.zeros((len(batch), len(self.positions)), np.intp)
        for k, i in enumerate(self.positions):
            column = self.schema.columns[i]
            if column.name not in batch.schema.names or not len(batch):
                continue
            values = batch.column(column.name)
            if column.is_numeric:
                found[:, k] = numeric_cells(self.schema.counters[i], *as_floats(values))
            else:
                found[:, k] = self._levels[i].cells(as_flags(values) if column.kind is Kind.BOOLEAN else values)
        return found


def numeric_cells(counter: Counter, values: Floats, valid: Mask | None) -> Index:
    """The cell of each row of a numeric column, (n,): the one in which `Counter.add` counts it."""
    found = np.empty(len(values), np.intp)
    with np.errstate(all="ignore"):
        for rows, x, nulls in chunks(values, valid):
            found[rows] = counter.place(x, nulls, x.min(), x.max())[0]
    return found


def _losses(plan: OutcomePlan, batch: pa.RecordBatch, place: Place) -> tuple[Floats, Mask]:
    """The loss of each row and which rows have one, (n,) each."""
    prediction, label = batch.column(plan.prediction), batch.column(plan.label)
    if plan.task is Task.MULTICLASS:
        predicted, actual = Classes.of(prediction), Classes.of(label)
        known = {*plan.classes, *(TWINS[text] for text in plan.classes if text in TWINS)}
        new = dict.fromkeys(text for text in (*predicted.texts, *actual.texts) if text is not None and text not in known)
        classes = (*plan.classes, *new)
        guess, truth = predicted.codes(classes), actual.codes(classes)
        return (guess != truth).astype(np.float64), (guess != MISSING) & (truth != MISSING)
    guesses, has_guess = read_numbers(prediction, plan.prediction, "a prediction", place)
    truths, has_truth = read_numbers(label, plan.label, "a label", place)
    with np.errstate(all="ignore"):
        loss = np.abs(guesses - truths)
    return loss, has_guess & has_truth & np.isfinite(loss)


def _begins_with_zeros(hashes: NDArray[np.uint64], shift: int) -> Mask:
    if not shift:
        return np.ones(len(hashes), np.bool_)
    zeros: Mask = hashes >> np.uint64(64 - shift) == 0
    return zeros


def _thinned(part: tuple[Index, Floats, NDArray[np.uint64]], shift: int) -> tuple[Index, Floats, NDArray[np.uint64]]:
    chosen = _begins_with_zeros(part[2], shift)
    return part[0][chosen], part[1][chosen], part[2][chosen]
