"""Which task labelled predictions belong to, recognised from the values of the two columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.core.errors import DataError
from driftline.profiles.labelled import TWINS, Classes, is_number
from driftline.profiles.values import as_floats

MOST_NUMERIC_CLASSES = 20
"""Up to here whole numbers on both sides are taken for classes, above for counts."""
LISTED = 1000
"""Of more distinct values than this it does not matter what they are: they are no classes."""


class Task(StrEnum):
    """What a model predicts: a score for one of two classes, one of several classes, or a number."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """The rows with both a prediction and a label, and the first `LISTED` distinct values of each as classes."""

    prediction: pa.Array
    label: pa.Array
    predicted: tuple[str, ...]
    labels: tuple[str, ...]
    prediction_name: str
    label_name: str
    table: str

    def problem(self, what: str, hint: str) -> DataError:
        """An error about these rows."""
        return DataError(f"{what}, in {self.table}", hint=hint)


def labelled_rows(prediction: pa.Array, label: pa.Array, prediction_name: str, label_name: str, table: str) -> LabelledRows:
    """The rows of two columns that have both. Raises `DataError` where there is none."""
    prediction, label = (c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in (prediction, label))
    known = pc.and_(pc.is_valid(prediction), pc.is_valid(label))
    prediction, label = prediction.filter(known), label.filter(known)
    predicted, labels = (Classes.of(column.unique()[:LISTED]).seen for column in (prediction, label))
    if not labels:
        raise DataError(
            f"No row of {table} has both a prediction in column '{prediction_name}' and a label in column '{label_name}'",
            hint="Check the names of the two columns, or compare without labels.",
        )
    return LabelledRows(prediction, label, predicted, labels, prediction_name, label_name, table)


def recognise(rows: LabelledRows) -> tuple[Task, str]:
    """The task, and for people how it was told. Raises `DataError` where the two columns fit none."""
    predicted, labels = rows.predicted, rows.labels
    numeric = is_number(rows.prediction.type)
    known_labels = set(labels) <= {"0", "1"} or not is_number(rows.label.type)
    if not numeric or set(predicted) <= {"0", "1"} >= set(labels):
        _check_kinship(rows)
        return Task.MULTICLASS, f"column '{rows.prediction_name}' holds decisions, not scores"
    shares = _all_shares(rows.prediction)
    if (len(labels) == 2 and shares) or (len(labels) <= 2 and known_labels):
        return Task.BINARY, f"scores in column '{rows.prediction_name}' and {listed(labels)} as labels in column '{rows.label_name}'"
    if not is_number(rows.label.type):
        raise rows.problem(
            f"Column '{rows.prediction_name}' holds numbers and column '{rows.label_name}' {len(labels)} classes",
            "Name the column of the predicted class as prediction, and the score columns of the classes beside it.",
        )
    whole = _all_whole(rows.prediction) and _all_whole(rows.label)
    if whole and len(set(predicted) | set(labels)) <= MOST_NUMERIC_CLASSES:
        return Task.MULTICLASS, f"few whole numbers in columns '{rows.prediction_name}' and '{rows.label_name}'"
    return Task.REGRESSION, f"numbers in columns '{rows.prediction_name}' and '{rows.label_name}'"


def _check_kinship(rows: LabelledRows) -> None:
    """Decisions of another type than the labels must at least share a class with them."""
    predicted, labels = rows.predicted, rows.labels
    if rows.prediction.type != rows.label.type and set(predicted).isdisjoint(labels) and not all_classes(rows) <= set(TWINS):
        raise rows.problem(
            f"Column '{rows.prediction_name}' holds {listed(predicted)} and column '{rows.label_name}' {listed(labels)}: nothing in common",
            "Write predictions and labels in the same way.",
        )


def all_classes(rows: LabelledRows) -> set[str]:
    """The classes of both columns; flags and 0/1 are written as the labels write them."""
    seen = {*rows.predicted, *rows.labels}
    if seen <= set(TWINS):
        return {"0", "1"} if rows.labels[0] in ("0", "1") else {"false", "true"}
    return seen


def listed(classes: Sequence[str]) -> str:
    """The first five classes in quotes, and how many there are beside them."""
    first = ", ".join(f"'{text}'" for text in classes[:5])
    return first + (f" and {len(classes) - 5:,} more" if len(classes) > 5 else "")


def _all_shares(column: pa.Array) -> bool:
    values = as_floats(column)[0]
    values = values[~np.isnan(values)]
    return bool(np.all((values >= 0) & (values <= 1)))


def _all_whole(column: pa.Array) -> bool:
    values = as_floats(column)[0]
    return bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))
