"""What a reference teaches about the quality of rows without labels: an estimator, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import FormatError
from driftline.performance import calibration as scores
from driftline.performance.calibration import Calibration, fit_calibration
from driftline.performance.intervals import interval
from driftline.performance.loss_model import LossModel, fit_loss_model
from driftline.performance.novelty import learn_dependence
from driftline.performance.step import METRICS, SHOWN_CONFIDENCE
from driftline.profiles.cells import LossSample
from driftline.profiles.labelled import Floats
from driftline.profiles.outcomes import Outcomes, Summary, Task
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role, Schema

POSITIVE_SHARE = "positive_share"
ESTIMATED: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: (
        "roc_auc",
        "observed_expected",
        "average_precision",
        "log_loss",
        "brier",
        "precision",
        "recall",
        "f1",
        "accuracy",
        "balanced_accuracy",
        "mcc",
        POSITIVE_SHARE,
    ),
    Task.MULTICLASS: ("accuracy",),
    Task.REGRESSION: ("mae", "rmse"),
}
"""What is estimated by task. The share of positives is no metric of the catalogue: it says how many to expect, not how good that is."""

LEAST_LABELLED, LEAST_OF_A_CLASS, LEAST_SAMPLED = 300, 30, 500
"""Labelled rows of the reference, of each of two classes, and of the sample of losses."""
WEIGHTY = 0.05
"""A column with more of the variance of the modelled loss is a top column."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no estimate, in a sentence."""

    reason: str


@dataclass(frozen=True, eq=False)
class Estimator:
    """What a reference teaches about the quality of rows without labels; small, and read back from JSON and arrays.

    `calibration`: of two classes. `losses`: of a regression or several classes, the model of the loss by metric. `dependence`: how the
    prediction follows from the other columns, (traits, cells). `doubt`: by metric the half-width of the reference's own interval. `top`:
    columns that must stay known to the reference. `rows`: labelled rows it rests on.
    """

    task: Task
    schema_id: str
    rows: int
    top: tuple[str, ...] = ()
    doubt: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    losses: Mapping[str, LossModel] = field(default_factory=dict)
    dependence: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return {
            "task": self.task.value,
            "schema_id": self.schema_id,
            "rows": self.rows,
            "top": list(self.top),
            "doubt": dict(self.doubt),
            "calibration": None if self.calibration is None else scores.to_arrays(self.calibration)[0],
            "losses": {
                name: {part: getattr(model, part) for part in ("base", "spread", "constant", "surer", "rows")}
                for name, model in self.losses.items()
            },
        }

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Facts for JSON, and arrays by name."""
        arrays: dict[str, NDArray[Any]] = {f"loss.{name}": model.effects for name, model in self.losses.items()}
        if self.calibration is not None:
            arrays |= {f"calibration.{name}": array for name, array in scores.to_arrays(self.calibration)[1].items()}
        return self.facts, {"dependence": self.dependence, **arrays}

    @classmethod
    def from_arrays(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Estimator:
        """What `to_arrays` wrote. Raises `FormatError` for parts that do not fit together."""
        try:
            mine = {key.removeprefix("calibration."): array for key, array in arrays.items() if key.startswith("calibration.")}
            return cls(
                Task(facts["task"]),
                str(facts["schema_id"]),
                int(facts["rows"]),
                tuple(facts["top"]),
                {name: float(half) for name, half in facts["doubt"].items()},
                scores.from_arrays(facts["calibration"], mine) if facts["calibration"] else None,
                {name: LossModel(effects=arrays[f"loss.{name}"], **known) for name, known in facts["losses"].items()},
                arrays["dependence"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError("The estimator has parts that do not fit together", hint="Make the reference again.") from error


def learn_estimator(reference: Reference, sample: LossSample | None = None, *, top: Sequence[str] = ()) -> Estimator | Refusal:
    """What the labelled rows of a reference teach, or why they do not teach enough.

    `sample` (`profiles.cells.sample_losses`) is needed for a regression and for several classes, whose losses are modelled by column.
    `top`: further columns that must stay known, such as the important ones.
    """
    outcomes = reference.profile.outcomes
    column = reference.schema.role(Role.PREDICTION)
    if outcomes is None or outcomes.rows == 0 or column is None:
        return Refusal("the reference has no labelled predictions to learn from")
    if outcomes.rows < LEAST_LABELLED:
        return Refusal(f"the reference has {outcomes.rows:,} labelled rows, and {LEAST_LABELLED} are needed to learn from")
    names = tuple(dict.fromkeys(name for name in (column.name, *top) if name in reference.schema.by_name))
    if not isinstance(outcomes, Outcomes):
        return _learn_losses(reference.schema, outcomes, sample, names)
    fewest = int(outcomes.counts.sum(axis=1).min())
    if fewest < LEAST_OF_A_CLASS:
        classes = "only one class" if fewest == 0 else f"{fewest} labelled rows of one class, and {LEAST_OF_A_CLASS} are needed"
        return Refusal(f"the reference has {classes}")
    if not (column.is_numeric or column.is_levels):
        return Refusal(f"the prediction '{column.name}' is summarised as {column.kind}, not as scores")
    return Estimator(Task.BINARY, reference.schema.id, outcomes.rows, names, _doubt(outcomes), fit_calibration(outcomes, column))


def _doubt(outcomes: Outcomes) -> dict[str, float]:
    """How far each metric of the reference may be from what more of its rows would show: the calibration was learned on no more."""
    found = {name: interval(METRICS[name], outcomes, SHOWN_CONFIDENCE) for name in ESTIMATED[Task.BINARY] if name in METRICS}
    return {name: (ends[1] - ends[0]) / 2 for name, ends in found.items() if ends is not None}


def _learn_losses(schema: Schema, outcomes: Summary, sample: LossSample | None, names: tuple[str, ...]) -> Estimator | Refusal:
    if sample is None:
        return Refusal("the loss of this task is modelled by column, and no sample of labelled rows was kept for that")
    if len(sample.loss) < LEAST_SAMPLED:
        return Refusal(f"the sample holds {len(sample.loss):,} labelled rows, and {LEAST_SAMPLED} are needed to model the loss")
    first, *others = ESTIMATED[outcomes.plan.task]
    powers = {first: sample.loss, **({"rmse": sample.loss**2} if others else {})}
    losses = {name: fit_loss_model(schema, sample, loss) for name, loss in powers.items() if np.isfinite(loss @ loss)}
    if first not in losses:
        return Refusal("the losses of the reference are too large to model")
    model = losses[first]
    if not model.useful:
        return Refusal(
            "how wrong the model is does not follow from the columns: on held-out rows a model of the loss is no better than its mean "
            f"(error {model.spread:.4g} against {model.constant:.4g})"
        )
    weights = {i: float(np.abs(model.effects[schema.cells(i)]).max()) for i in model.columns(schema)}
    heavy = {i: _variance(schema, sample, model, i) for i in weights}
    total = sum(heavy.values()) or 1.0
    top = tuple(schema.columns[i].name for i in sorted(heavy, key=lambda i: -heavy[i]) if heavy[i] > WEIGHTY * total)
    return Estimator(
        outcomes.plan.task,
        schema.id,
        len(sample.loss),
        tuple(dict.fromkeys((*names, *top))),
        losses=losses,
        dependence=learn_dependence(schema, sample),
    )


def _variance(schema: Schema, sample: LossSample, model: LossModel, position: int) -> float:
    effects = model.effects[schema.cells(position)]
    return float(np.mean(effects[sample.cells[:, sample.positions.index(position)]] ** 2))
