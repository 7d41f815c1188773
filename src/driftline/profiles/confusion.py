"""Predicted and true classes as a table of counts, with one-vs-rest score histograms where every class has a score column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.labelled import MISSING, Classes, Floats, Groups, Index, Ints, Mask, Place, read_scores
from driftline.profiles.outcome_plan import OutcomePlan, plan_outcomes
from driftline.profiles.outcome_summary import Summary
from driftline.profiles.task import Task

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Confusion(Summary):
    """`matrix` counts rows by true and predicted class, (k + 2, k + 2) for k classes of the reference.

    Values that the reference never held come after the classes: `[k, k]` where label and prediction are the same new value,
    column k + 1 where a wrong prediction is a new value; so the diagonal is always what was right. Row k + 1 is empty.
    `histograms` counts rows by class, not-that-class and that-class, and score bin, (classes with scores, 2, bins). `scored` rows have
    a known label and all scores.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("rows", "unlabelled", "unscored", "scored")
    SUMS: ClassVar[tuple[str, ...]] = ("loss", "loss2")

    matrix: Ints
    histograms: Ints

    @classmethod
    def blank(cls, plan: OutcomePlan) -> dict[str, NDArray[Any]]:
        """The arrays of no rows at all, by field."""
        size = len(plan.classes) + 2
        return {
            "totals": np.zeros(len(cls.TOTALS), np.int64),
            "sums": np.zeros(len(cls.SUMS)),
            "matrix": np.zeros((size, size), np.int64),
            "histograms": np.zeros((len(plan.score_columns), 2, plan.bins), np.int64),
        }

    @classmethod
    def of(cls, predictions: Iterable[object], labels: Iterable[object], scores: Mapping[str, Sequence[float]] | None = None) -> Confusion:
        """A few rows, with the scores of each class where given: for examples and trials."""
        columns, table, scores = (pa.array([*predictions]), pa.array([*labels])), "the rows given", scores or {}
        names = {name: name for name in scores}
        plan = plan_outcomes(
            *columns, prediction_name="prediction", label_name="label", table=table, task=Task.MULTICLASS, score_columns=names
        )
        by_class = [pa.array(scores[name]) for name in plan.score_columns]
        return tally_classes(plan, *columns, Groups(None, 1), Place(table, 0), by_class)[0]

    @property
    def scored(self) -> int:
        """Rows with a known label and a score for every class."""
        return self.total("scored")

    @property
    def other(self) -> int:
        """Rows whose label was never seen in the reference."""
        return int(self.matrix[len(self.plan.classes)].sum())


def tally_classes(
    plan: OutcomePlan, prediction: pa.Array, label: pa.Array, groups: Groups, place: Place, scores: Sequence[pa.Array]
) -> list[Confusion]:
    """One confusion table per group."""
    predicted, labels = Classes.of(prediction), Classes.of(label)
    usable = predicted.present & labels.present
    known = len(plan.classes)
    codes = labels.codes(plan.classes)
    truth, guess = codes[usable], predicted.codes(plan.classes)[usable]
    new = guess == known
    guess[new] += ~_same_text(labels, predicted, usable, new)
    kept = groups.keep(usable)
    matrix = kept.cells(truth * (known + 2) + guess, (known + 2, known + 2))
    scored, sums, histograms = _tally_scores(plan, codes, usable, groups, place, scores)
    totals = np.stack([groups.rows(usable), groups.rows(~labels.present), groups.rows(labels.present & ~predicted.present), scored], axis=1)
    return [Confusion(plan, totals[g], sums[g], matrix[g], histograms[g]) for g in range(groups.count)]


def _same_text(labels: Classes, predicted: Classes, usable: Mask, new: Mask) -> Mask:
    """Whether label and prediction agree, for the rows whose prediction is new; (rows that are new,)."""
    rows = np.flatnonzero(usable)[new]
    return np.array([labels.text(row) == predicted.text(row) for row in rows.tolist()], np.bool_)


def _tally_scores(
    plan: OutcomePlan, truth: Index, usable: Mask, groups: Groups, place: Place, scores: Sequence[pa.Array]
) -> tuple[Ints, Floats, Ints]:
    """By group: rows with all scores, the sums, and the histograms."""
    shape = (len(plan.score_columns), 2, plan.bins)
    if not scores or len(scores) != len(plan.score_columns):
        return np.zeros(groups.count, np.int64), np.zeros((groups.count, 2)), np.zeros((groups.count, *shape), np.int64)
    columns = [read_scores(column, name, place) for column, name in zip(scores, plan.score_columns, strict=True)]
    complete = np.logical_and.reduce([present for _, present in columns])
    rows = usable & complete & (truth != MISSING) & (truth < len(plan.classes))
    kept, truth = groups.keep(rows), truth[rows]
    own = np.zeros(len(truth))
    by_class = []
    for k, (values, _) in enumerate(columns):
        values = values[rows]
        is_class = truth == k
        own = np.where(is_class, values, own)
        bins = np.searchsorted(plan.edges, values, side="right") - 1
        by_class.append(kept.cells(is_class * plan.bins + bins, (2, plan.bins)))
    loss = -np.log(np.clip(own, EPSILON, 1 - EPSILON))
    return groups.rows(rows), kept.sums([loss, loss * loss]), np.stack(by_class, axis=1)
