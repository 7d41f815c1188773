"""Labelled predictions become a summary: the brick of a binary task, and the doors `tally`, `zero` and `from_arrays` for all three."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import DataError
from driftline.profiles.confusion import EPSILON, Confusion, tally_classes
from driftline.profiles.labelled import Classes, Floats, Groups, Ints, Place, first_true, read_scores
from driftline.profiles.outcome_plan import OutcomePlan, plan_outcomes
from driftline.profiles.outcome_summary import Summary
from driftline.profiles.residuals import Residuals, tally_residuals
from driftline.profiles.task import Task

__all__ = [
    "Confusion",
    "OutcomePlan",
    "Outcomes",
    "Residuals",
    "Summary",
    "Task",
    "check_classes",
    "from_arrays",
    "plan_outcomes",
    "tally",
    "zero",
]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes(Summary):
    """Scores and labels of two classes. `counts` are rows by class (negative, positive) and score bin, (2, bins); `scores` the sum of the
    scores in each bin, (bins,). With p the score and y the label, the sums are those of the log loss and its square, of (p - y)² and
    (p - y)⁴, p² and py.
    """

    SUMS: ClassVar[tuple[str, ...]] = ("loss", "loss2", "square", "square2", "score2", "scorelabel")

    counts: Ints
    scores: Floats

    @classmethod
    def blank(cls, plan: OutcomePlan) -> dict[str, NDArray[Any]]:
        """The arrays of no rows at all, by field."""
        return {
            "totals": np.zeros(len(cls.TOTALS), np.int64),
            "sums": np.zeros(len(cls.SUMS)),
            "counts": np.zeros((2, plan.bins), np.int64),
            "scores": np.zeros(plan.bins),
        }

    @classmethod
    def of(cls, scores: Iterable[float], labels: Iterable[object]) -> Outcomes:
        """A few rows in bins of their own, decided positive from 0.5 on: for examples and trials."""
        columns, table = (pa.array([*scores]), pa.array([*labels])), "the rows given"
        plan = plan_outcomes(*columns, prediction_name="score", label_name="label", table=table, task=Task.BINARY)
        return _tally_binary(plan, *columns, Groups(None, 1), Place(table, 0))[0]

    @property
    def scored(self) -> int:
        """Rows with a label and a score."""
        return self.rows

    @property
    def matrix(self) -> Ints:
        """Rows by true and decided class, ((negative, positive), (negative, positive)); decided positive from the threshold on."""
        cut = self.plan.edges.index(self.plan.threshold) if self.plan.threshold is not None else 0
        return np.stack([self.counts[:, :cut].sum(axis=1), self.counts[:, cut:].sum(axis=1)], axis=1)


def tally(  # noqa: PLR0913 - a batch of rows and where it stands
    plan: OutcomePlan,
    prediction: pa.Array,
    label: pa.Array,
    group: NDArray[np.intp] | None,
    groups: int,
    *,
    table: str,
    first_row: int,
    scores: Sequence[pa.Array] = (),
) -> list[Summary]:
    """One summary per group of a batch of rows.

    `group` is the group of each row, (n,), None where there is one; `first_row` the number of rows before this batch, for messages;
    `scores` the plan's score columns; where one is missing, none is used. Raises `DataError`, with table, column and row, for values
    that fit no task.
    """
    place, by = Place(table, first_row), Groups(group, groups)
    if plan.task is Task.BINARY:
        return [*_tally_binary(plan, prediction, label, by, place)]
    if plan.task is Task.MULTICLASS:
        return [*tally_classes(plan, prediction, label, by, place, scores)]
    return [*tally_residuals(plan, prediction, label, by, place)]


def zero(plan: OutcomePlan) -> Summary:
    """The summary of no rows."""
    return _kind(plan).zero(plan)


def from_arrays(plan: OutcomePlan, arrays: Mapping[str, NDArray[Any]]) -> Summary:
    """The summary that `Summary.to_arrays` wrote. Raises `FormatError` for arrays that do not fit the plan."""
    return _kind(plan).from_arrays(plan, arrays)


def check_classes(summary: Summary, table: str) -> None:
    """Raises `DataError` where the labels of a binary task hold only one of the two classes."""
    if not isinstance(summary, Outcomes) or summary.rows == 0:
        return
    negatives, positives = summary.counts.sum(axis=1).tolist()
    if negatives and positives:
        return
    only = summary.plan.classes[1 if positives else 0]
    raise DataError(
        f"All {summary.rows:,} labels in column '{summary.plan.label}' of {table} are '{only}'",
        hint="Quality needs both classes: check the column, or wait for the labels of the other class.",
    )


def _kind(plan: OutcomePlan) -> type[Summary]:
    return {Task.BINARY: Outcomes, Task.MULTICLASS: Confusion, Task.REGRESSION: Residuals}[plan.task]


def _tally_binary(plan: OutcomePlan, prediction: pa.Array, label: pa.Array, groups: Groups, place: Place) -> list[Outcomes]:
    scores, has_score = read_scores(prediction, plan.prediction, place)
    labels = Classes.of(label)
    codes = labels.codes(plan.classes)
    if (row := first_true(codes == len(plan.classes))) is not None:
        raise DataError(
            f"The label '{labels.text(row)}' in column '{plan.label}', {place.row(row)} is neither '{plan.classes[0]}' nor "
            f"'{plan.classes[1]}', the two classes of the reference",
            hint="Correct the label, or leave it empty where it is not known.",
        )
    has_label = labels.present
    usable = has_label & has_score
    totals = np.stack([groups.rows(usable), groups.rows(~has_label), groups.rows(has_label & ~has_score)], axis=1)
    kept, p, positive = groups.keep(usable), scores[usable], codes[usable] == 1
    bins = np.searchsorted(plan.edges, p, side="right") - 1
    counts = kept.cells(positive * plan.bins + bins, (2, plan.bins))
    score_sums = kept.weighted(bins, p, plan.bins)
    sums = kept.sums(_losses(p, positive.astype(np.float64)))
    return [Outcomes(plan, totals[g], sums[g], counts[g], score_sums[g]) for g in range(groups.count)]


def _losses(p: Floats, y: Floats) -> list[Floats]:
    """The columns of `Outcomes.SUMS`. Scores of 0 and 1 are clipped by the float64 epsilon for the log loss, as scikit-learn does."""
    loss = -np.log(np.clip(np.where(y == 1, p, 1 - p), EPSILON, 1 - EPSILON))
    square = (p - y) ** 2
    return [loss, loss * loss, square, square * square, p * p, p * y]
