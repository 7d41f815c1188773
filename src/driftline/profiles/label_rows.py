"""Predictions joined with their labels, read as arrays: which rows expect a label, which have one, how old it was, and what fits the plan.

Rows were checked when they came in. Should a value fit the plan no longer, because the reference is another one now, it is counted and
not summarised; a prediction that fits nothing counts as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.labelled import Classes, Floats, Index, Mask, is_number
from driftline.profiles.outcome_plan import OutcomePlan
from driftline.profiles.task import Task
from driftline.profiles.values import as_floats, from_flags, from_texts, integers, true_rows, valid_rows

MICROSECOND = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True, eq=False)
class LabelRows:
    """A batch of joined rows. All masks are (n,).

    `expected`: eligible and not void; `present`: with a label; `fit`: with one that fits the plan. `seconds` is the age of each label when
    it became known, NaN where nobody says; `age` the position of the first checkpoint that it does not exceed, their number where it
    exceeds all. `columns` are prediction, label and scores as the plan reads them.
    """

    eligible: Mask
    void: Mask
    present: Mask
    fit: Mask
    positive: Mask
    corrected: Mask
    seconds: Floats
    age: Index
    columns: tuple[pa.Array, ...]

    @classmethod
    def of(cls, batch: pa.RecordBatch, plan: OutcomePlan, checkpoints: Sequence[int]) -> LabelRows:
        """Reads a batch with the columns `time`, `eligible`, `void`, `label`, `known`, `changes` and those of the plan."""
        present, fit, positive, label = _labels(batch.column("label"), plan)
        microseconds = _ages(batch.column("time"), batch.column("known"))
        limits = np.array(checkpoints, np.float64) / 1000
        in_class = plan.task is not Task.MULTICLASS
        prediction = _fitting(batch.column(plan.prediction), plan.task) if in_class else batch.column(plan.prediction)
        scores = [_fitting(batch.column(name), Task.BINARY) for name in plan.score_columns if name in batch.schema.names]
        return cls(
            true_rows(batch.column("eligible")),
            true_rows(batch.column("void")),
            present,
            fit,
            positive,
            present & (as_floats(batch.column("changes"))[0] > 0),
            microseconds / 1e6,
            np.searchsorted(limits, microseconds, side="left"),  # NaN comes after all
            (prediction, label, *scores),
        )

    @property
    def expected(self) -> Mask:
        """Rows that get a label some day."""
        return self.eligible & ~self.void

    def taken(self, rows: Mask) -> tuple[pa.Array, ...]:
        """Prediction, label and scores of some rows."""
        flags = from_flags(rows)
        return tuple(column.filter(flags) for column in self.columns)


def constant(text: str, rows: int) -> pa.Array:
    """A column that holds one text only."""
    codes = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(np.zeros(rows, np.int32))])
    return pa.DictionaryArray.from_arrays(codes, from_texts([text]))


def _labels(column: pa.Array, plan: OutcomePlan) -> tuple[Mask, Mask, Mask, pa.Array]:
    """Which rows have a label, which have one that fits, which are positive, and the labels as the plan reads them."""
    if plan.task is Task.REGRESSION:
        values, present = _numbers(column)
        return present, present & np.isfinite(values), np.zeros(len(values), np.bool_), _from_floats(values, present)
    classes = Classes.of(column)
    present = classes.present
    if plan.task is Task.MULTICLASS:
        return present, present, np.zeros(len(present), np.bool_), column  # classes that are new stay visible
    codes = classes.codes(plan.classes)
    return present, present & (codes < len(plan.classes)), codes == 1, column


def _numbers(column: pa.Array) -> tuple[Floats, Mask]:
    """Labels as numbers, infinite where they are none, and which rows have one. Text is read as numbers are written."""
    if is_number(column.type) or pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        values, valid = as_floats(column)
        return values, ~np.isnan(values) if valid is None else valid & ~np.isnan(values)
    classes = Classes.of(column)
    numbers = np.array([_number(text or "") for text in classes.texts] + [np.inf])
    return numbers[classes.index], classes.present & ~np.isnan(numbers[classes.index])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.inf


def _fitting(column: pa.Array, task: Task) -> pa.Array:
    """A column of predictions in which those that fit nothing are missing: scores outside [0, 1], NaN, infinities."""
    if not is_number(column.type):
        return column
    values, valid = as_floats(column)
    fits = (values >= 0) & (values <= 1) if task is Task.BINARY else np.isfinite(values)
    if valid is not None:
        fits = fits | ~valid
    if fits.all():
        return column
    return _from_floats(values, fits if valid is None else fits & valid)


def _ages(time: pa.Array, known: pa.Array) -> Floats:
    """Microseconds from the prediction to the day its label was known, (n,); NaN where that is not said."""
    ends = [integers(moments.cast(MICROSECOND, safe=False).cast(pa.int64())).astype(np.float64) for moments in (time, known)]
    valid = valid_rows(known)
    return ends[1] - ends[0] if valid is None else np.where(valid, ends[1] - ends[0], np.nan)


def _from_floats(values: NDArray[np.float64], valid: Mask) -> pa.Array:
    bits = from_flags(valid).buffers()[1]
    return pa.Array.from_buffers(pa.float64(), len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))])
