"""Predicted and true numbers as sums of errors and a histogram of the residual, prediction - label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import DataError
from driftline.profiles.labelled import Floats, Groups, Ints, Mask, Place, first_true, read_numbers
from driftline.profiles.outcome_plan import OutcomePlan, plan_outcomes
from driftline.profiles.outcome_summary import Summary
from driftline.profiles.task import Task


@dataclass(frozen=True, slots=True, eq=False)
class Residuals(Summary):
    """With e the residual, a its share of a label that is not 0, and d the label less the plan's shift: sums of e, |e|, e², e⁴, |a|, a²,
    d, d², d³, d⁴, e²d, e²d². `counts` are rows by bin of the residual, (bins,), the first and last bin open; `extremes` are
    (-smallest, largest) residual, -inf without rows. `zero_labels` rows have no relative error.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("rows", "unlabelled", "unscored", "zero_labels")
    SUMS: ClassVar[tuple[str, ...]] = ("e", "size", "e2", "e4", "relative", "relative2", "d", "d2", "d3", "d4", "e2d", "e2d2")

    counts: Ints
    extremes: Floats

    @classmethod
    def blank(cls, plan: OutcomePlan) -> dict[str, NDArray[Any]]:
        """The arrays of no rows at all, by field."""
        return {
            "totals": np.zeros(len(cls.TOTALS), np.int64),
            "sums": np.zeros(len(cls.SUMS)),
            "counts": np.zeros(plan.bins, np.int64),
            "extremes": np.full(2, -np.inf),
        }

    @classmethod
    def of(cls, predictions: Iterable[float], labels: Iterable[float]) -> Residuals:
        """A few rows in bins of their own: for examples and trials."""
        columns, table = (pa.array([*predictions]), pa.array([*labels])), "the rows given"
        plan = plan_outcomes(*columns, prediction_name="prediction", label_name="label", table=table, task=Task.REGRESSION)
        return tally_residuals(plan, *columns, Groups(None, 1), Place(table, 0))[0]

    @property
    def zero_labels(self) -> int:
        """Rows whose label is 0."""
        return self.total("zero_labels")

    def quantile(self, share: float) -> float | None:
        """The residual below which this share of the rows lies, rows evenly spread inside each bin; None without rows."""
        if not self.rows:
            return None
        lowest, highest = -self.extremes[0], self.extremes[1]
        edges = np.clip(np.array([lowest, *self.plan.edges, highest]), lowest, highest)
        cumulative = np.concatenate([[0], np.cumsum(self.counts)]) / self.rows
        k = max(int(np.searchsorted(cumulative, share, side="left")), 1)
        k = max(k, int(np.argmax(cumulative > 0)))
        inside = (share - cumulative[k - 1]) / (cumulative[k] - cumulative[k - 1])
        return float(edges[k - 1] + inside * (edges[k] - edges[k - 1]))


def tally_residuals(plan: OutcomePlan, prediction: pa.Array, label: pa.Array, groups: Groups, place: Place) -> list[Residuals]:
    """One summary per group. Raises `DataError` for a prediction that is NaN or infinite, and for an infinite label."""
    predicted, has_prediction = read_numbers(prediction, plan.prediction, "a prediction", place)
    actual, has_label = read_numbers(label, plan.label, "a label", place)
    has_label = has_label & ~np.isnan(actual)
    _refuse("prediction", plan.prediction, predicted, has_prediction & ~np.isfinite(predicted), place)
    _refuse("label", plan.label, actual, has_label & np.isinf(actual), place)
    usable = has_prediction & has_label
    totals = [groups.rows(usable), groups.rows(~has_label), groups.rows(has_label & ~has_prediction), groups.rows(usable & (actual == 0))]
    kept, actual = groups.keep(usable), actual[usable]
    residual = predicted[usable] - actual
    counts = kept.cells(np.searchsorted(plan.edges, residual, side="right"), (plan.bins,))
    sums = kept.sums(_powers(residual, actual, plan.shift))
    extremes = np.full((groups.count, 2), -np.inf)
    index = np.zeros(len(residual), np.intp) if kept.index is None else kept.index
    np.maximum.at(extremes, index, np.stack([-residual, residual], axis=1))
    stacked = np.stack(totals, axis=1)
    return [Residuals(plan, stacked[g], sums[g], counts[g], extremes[g]) for g in range(groups.count)]


def _powers(e: Floats, y: Floats, shift: float) -> list[Floats]:
    """The columns of `Residuals.SUMS`. A square beyond the largest float is infinite: its metric then has no value."""
    with np.errstate(over="ignore"):
        e2, d = e * e, y - shift
        relative = np.divide(np.abs(e), np.abs(y), out=np.zeros(len(e)), where=y != 0)
        d2, e2d = d * d, e2 * d
        return [e, np.abs(e), e2, e2 * e2, relative, relative * relative, d, d2, d2 * d, d2 * d2, e2d, e2d * d]


def _refuse(what: str, name: str, values: Floats, bad: Mask, place: Place) -> None:
    if (row := first_true(bad)) is not None:
        shown = "not a number (NaN)" if np.isnan(values[row]) else "infinite"
        raise DataError(f"The {what} in column '{name}', {place.row(row)} is {shown}", hint=f"Leave a missing {what} empty.")
