"""CompareSpec: all that a user may say about a comparison, in Python and on the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from driftline.core.spec import Field, Spec
from driftline.drift.spec import DriftSpec
from driftline.performance.step import PerformanceSpec
from driftline.profiles.fit import SchemaSpec
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind


class CompareSpec(Spec):
    """Roles of columns by name, the decision threshold of a score, and how strict to be.

    `alpha` is the probability that a table without any change shows a drifted column. `importance` maps columns to their share of
    importance. `kinds` overrides how a column is summarised. `positive` names the positive class of a binary label, `scores` the
    probability column of each class of a multiclass model. `tolerated` maps quality metrics to the loss that is tolerated.
    """

    prediction: str | None = None
    label: str | None = None
    segments: tuple[str, ...] = ()
    time: str | None = None
    threshold: float | None = None
    positive: str | None = None
    task: Task | None = None
    scores: Mapping[str, str] = {}
    ignore: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = {}
    importance: Mapping[str, Annotated[float, Field(ge=0.0)]] = {}
    tolerated: Mapping[str, float] = {}
    alpha: float = Field(default=0.01, gt=0.0, lt=0.5)

    def columns(self) -> SchemaSpec:
        """What it says about the columns."""
        return SchemaSpec(
            prediction=self.prediction,
            label=self.label,
            time=self.time,
            segments=self.segments,
            ignore=self.ignore,
            identifiers=self.identifiers,
            threshold=self.threshold,
            kinds=self.kinds,
        )

    def drift(self) -> DriftSpec:
        """What it says about drift."""
        return DriftSpec(alpha=self.alpha, importance=self.importance)

    def performance(self) -> PerformanceSpec:
        """What it says about quality."""
        return PerformanceSpec(alpha=self.alpha, tolerated=self.tolerated)
