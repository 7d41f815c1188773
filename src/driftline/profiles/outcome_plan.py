"""How labelled predictions are summarised: the plan, made from labelled rows of the reference and owned by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import UsageError
from driftline.profiles.labelled import TWINS, Classes, is_number
from driftline.profiles.task import LabelledRows, Task, all_classes, labelled_rows, listed, recognise
from driftline.profiles.values import as_floats

Floats = NDArray[np.float64]

DECISION_THRESHOLD = 0.5
MOST_CLASSES = 100

ABOVE_ONE = float(np.nextafter(1.0, 2.0))
POSITIVE_WORDS = ("1", "true", "yes", "y", "t", "positive", "pos")
NEGATIVE_WORDS = ("0", "false", "no", "n", "f", "negative", "neg", "-1")


@dataclass(frozen=True, slots=True)
class OutcomePlan:
    """How labelled predictions are summarised. Two summaries can be added and compared where their plans are equal.

    `edges` are the bins of the score, [e0, e1), [e1, e2)..., in a binary task (0 first, just above 1 last, `threshold` among them) and of
    each class's score in a multiclass task with `score_columns`; in a regression they are the inner cuts of the residual, prediction -
    label. `classes` are the label's values as text: (negative, positive), or all classes. `shift` is near the mean label of a
    regression, so that its sums keep their digits. `reason` says to people how the task was recognised.
    """

    task: Task
    prediction: str
    label: str
    edges: tuple[float, ...]
    threshold: float | None
    classes: tuple[str, ...]
    reason: str = field(compare=False)
    score_columns: tuple[str, ...] = ()
    shift: float = 0.0

    @property
    def bins(self) -> int:
        """Number of bins of the score or the residual."""
        if self.task is Task.REGRESSION:
            return len(self.edges) + 1
        return max(len(self.edges) - 1, 0)


def plan_outcomes(  # noqa: PLR0913 - the settings are what users may say, one by one
    prediction: pa.Array,
    label: pa.Array,
    *,
    prediction_name: str,
    label_name: str,
    table: str,
    task: Task | None = None,
    threshold: float | None = None,
    positive: str | None = None,
    score_columns: Mapping[str, str] | None = None,
) -> OutcomePlan:
    """The plan for labelled rows, or a sample of them, of the reference.

    Without a `task`: two label values and scores in [0, 1] are binary; text, flags, or few whole numbers on both sides are multiclass
    (hard decisions included); other numbers are a regression. `positive` names the positive class of a binary task, `threshold` the
    score from which it is decided (0.5), `score_columns` the probability column of each class. Raises `DataError` where the columns fit
    no task, `UsageError` where a setting does not fit the task.
    """
    rows = labelled_rows(prediction, label, prediction_name, label_name, table)
    reason = "given"
    if task is None:
        task, reason = (Task.MULTICLASS, "a score column for each class") if score_columns else recognise(rows)
    if score_columns and task is not Task.MULTICLASS:
        raise UsageError(f"Score columns per class need a multiclass task, and the task is {task}", hint="Name one prediction column only.")
    if task is Task.BINARY:
        return _binary(rows, threshold, positive, reason)
    if threshold is not None:
        raise UsageError(
            f"A decision threshold needs a binary task with scores, and the task is {task} ({reason})", hint="Leave the threshold out."
        )
    if task is Task.MULTICLASS:
        return _multiclass(rows, positive, dict(score_columns or {}), reason)
    if positive is not None:
        raise UsageError(f"A positive class needs a binary task, and the task is regression ({reason})", hint="Name task='binary'.")
    return _regression(rows, reason)


def _binary(rows: LabelledRows, threshold: float | None, positive: str | None, reason: str) -> OutcomePlan:
    threshold = DECISION_THRESHOLD if threshold is None else float(threshold)
    if not 0 <= threshold <= 1:
        raise UsageError(f"A decision threshold is between 0 and 1, and {threshold:g} is not", hint=f"{DECISION_THRESHOLD} is the default.")
    if not (is_number(rows.prediction.type) or pa.types.is_boolean(rows.prediction.type)):
        raise rows.problem(
            f"A binary task needs scores, and column '{rows.prediction_name}' holds {rows.prediction.type}",
            "Pass the column of scores, or name task='multiclass' for decisions.",
        )
    classes, how = _two_classes(rows, positive)
    scores = as_floats(rows.prediction)[0]
    usable = (scores >= 0) & (scores <= 1)
    is_positive = Classes.of(rows.label).codes(classes) == 1
    edges = {0.0, threshold, ABOVE_ONE, *_logit_grid(60, 9.2)}
    for group in (scores[usable & is_positive], scores[usable & ~is_positive]):
        edges |= _quantile_edges(group, 128)
    return OutcomePlan(
        Task.BINARY,
        rows.prediction_name,
        rows.label_name,
        tuple(sorted(edge for edge in edges if 0 <= edge <= ABOVE_ONE)),
        threshold,
        classes,
        f"binary: {reason}; the positive class is '{classes[1]}' ({how}), decided from a score of {threshold:g}",
    )


def _multiclass(rows: LabelledRows, positive: str | None, score_columns: dict[str, str], reason: str) -> OutcomePlan:
    seen = set(score_columns) or all_classes(rows)
    if len(seen) > MOST_CLASSES:
        raise rows.problem(
            f"Columns '{rows.prediction_name}' and '{rows.label_name}' hold more than {MOST_CLASSES} classes, the most that are compared",
            "Check that they are classes, or group the rare ones.",
        )
    positive = _chosen(rows, positive, seen)
    classes = tuple(sorted(seen, key=lambda text: (text == positive, *_order(text))))
    return OutcomePlan(
        Task.MULTICLASS,
        rows.prediction_name,
        rows.label_name,
        tuple(sorted({0.0, ABOVE_ONE, *_logit_grid(240, 12.0)})) if score_columns else (),
        None,
        classes,
        f"multiclass with {len(classes)} classes: {reason}",
        tuple(score_columns[name] for name in classes) if score_columns else (),
    )


def _regression(rows: LabelledRows, reason: str) -> OutcomePlan:
    for name, column in ((rows.prediction_name, rows.prediction), (rows.label_name, rows.label)):
        if not is_number(column.type):
            raise rows.problem(
                f"A regression needs numbers, and column '{name}' holds {column.type}", "Convert it to numbers, or name another task."
            )
    predicted, actual = as_floats(rows.prediction)[0], as_floats(rows.label)[0]
    usable = np.isfinite(predicted) & np.isfinite(actual)
    residual, actual = predicted[usable] - actual[usable], actual[usable]
    widest = float(np.max(np.abs(residual), initial=0.0)) or float(np.max(np.abs(actual), initial=0.0)) or 1.0
    edges = _quantile_edges(residual, 200)
    for size in widest * np.logspace(-3, 3, 37):
        edges |= {-float(size), float(size)}
    return OutcomePlan(
        Task.REGRESSION,
        rows.prediction_name,
        rows.label_name,
        tuple(sorted(edge for edge in edges if np.isfinite(edge))),
        None,
        (),
        f"regression: {reason}",
        shift=float(np.mean(actual)) if len(actual) else 0.0,
    )


def _two_classes(rows: LabelledRows, positive: str | None) -> tuple[tuple[str, str], str]:
    """(negative, positive) and how they were told apart."""
    seen = list(rows.labels)
    if len(seen) == 1:
        seen += [partner for partner in [_partner(seen[0])] if partner]
    if len(seen) != 2:
        raise rows.problem(
            f"A binary task needs two classes, and column '{rows.label_name}' holds {listed(rows.labels)}",
            "Check the label column, or name another task.",
        )
    chosen, how = _chosen(rows, positive, seen), "given"
    if chosen is None:
        words = [text for text in seen if text.casefold() in POSITIVE_WORDS]
        ordered = sorted(seen, key=_order)
        chosen, how = (words[0], "by its name") if len(words) == 1 else (ordered[1], "the larger of the two")
    return (next(text for text in seen if text != chosen), chosen), how


def _partner(text: str) -> str | None:
    """The class that a well-known one stands against: '0' for '1', 'no' for 'yes'; written the same way."""
    pairs = [*zip(POSITIVE_WORDS, NEGATIVE_WORDS, strict=False), *zip(NEGATIVE_WORDS, POSITIVE_WORDS, strict=False)]
    other = dict(pairs).get(text.casefold())
    if other is None or text == text.casefold():
        return other
    return other.upper() if text.isupper() else other.capitalize()


def _chosen(rows: LabelledRows, positive: str | None, seen: Collection[str]) -> str | None:
    """The positive class that people named, written as the labels write it."""
    if positive is None or positive in seen:
        return positive
    if TWINS.get(positive) in seen:
        return TWINS[positive]
    raise UsageError(
        f"Column '{rows.label_name}' of {rows.table} never holds the positive class '{positive}'", hint=f"It holds {listed(sorted(seen))}."
    )


def _quantile_edges(values: Floats, parts: int) -> set[float]:
    """Quantiles that are values themselves; a value that takes up a whole part gets a bin of its own."""
    if not len(values):
        return set()
    found = np.quantile(values, np.linspace(0, 1, parts + 1), method="inverted_cdf")
    edges, times = np.unique(found, return_counts=True)
    return {*edges.tolist(), *np.nextafter(edges[times > 1], np.inf).tolist()}


def _logit_grid(points: int, reach: float) -> list[float]:
    grid: list[float] = (1 / (1 + np.exp(-np.linspace(-reach, reach, points)))).tolist()
    return grid


def _order(text: str) -> tuple[bool, float, str]:
    """Sort key of a class: numbers by value, before words."""
    try:
        return (False, float(text), text)
    except ValueError:
        return (True, 0.0, text)
