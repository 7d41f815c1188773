"""One model over time: its plan, its store and its row log, and the references that its rows are counted under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from driftline.config.plan import Plan
from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.ledger import Step, StoredReference
from driftline.engine.learned import Learned, decode_learned
from driftline.engine.spec import CompareSpec
from driftline.performance.labels import LabelKind
from driftline.ports import Lake, Store
from driftline.profiles.codec import decode
from driftline.profiles.intake import Names
from driftline.profiles.outcomes import OutcomePlan
from driftline.profiles.reference import Reference
from driftline.profiles.segments import BySegment
from driftline.profiles.tiling import MONTH, Tiling

ACTIVE, ANCHOR = "active", "anchor"
MONITOR_SHARE = 0.5
"""Part of the false alarms that goes to the monitor, where there is one."""
MOST_ALARMS = 0.25
"""False alarms per window beyond which nothing would be a finding."""
PAGES_FOR_QUALITY = 0.5
"""Part of the false pages that goes to quality by labels."""


@dataclass(frozen=True, eq=False)
class Known:
    """A reference that has been set, ready for use."""

    stored: StoredReference
    reference: Reference

    @cached_property
    def learned(self) -> Learned:
        """What its history taught."""
        return decode_learned(self.stored.learned, name=f"reference {self.stored.id}")

    @cached_property
    def counting(self) -> BySegment:
        """What parts are counted with, by `again`: it has counted nothing itself."""
        return BySegment(self.reference.schema, keys=False)


@dataclass(frozen=True, eq=False)
class Model:
    """What a command works on. `digest` identifies the plan; `references` are all that were ever set, the latest last; `raised` says by how
    much the lines of the monitor of a step (its value) are put up, because people have closed false alarms of it."""

    plan: Plan
    digest: str
    store: Store
    lake: Lake
    references: Sequence[Known]
    raised: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, plan: Plan, digest: str, store: Store, lake: Lake, *, known: Sequence[Known] = ()) -> Model:
        """The model with the references that its store holds; `known` are those that were decoded before."""
        ready = {each.stored: each for each in known}
        found = [
            ready.get(stored) or Known(stored, decode(stored.data, name=f"reference {stored.id}"))
            for stored in store.references(plan.model)
        ]
        return cls(plan, digest, store, lake, found)

    @property
    def name(self) -> str:
        return self.plan.model

    @cached_property
    def tiling(self) -> Tiling:
        """How time is cut."""
        return Tiling(duration(self.plan.windows.base), self.plan.windows.timezone)

    @cached_property
    def by_schema(self) -> Mapping[str, Known]:
        """The latest reference of each schema."""
        return {known.reference.schema.id: known for known in self.references}

    def active(self, version: str) -> Known:
        """What rows of this version are compared with: its own reference, else the one for all versions, else the latest.

        Raises `UsageError` where none has been set.
        """
        active = [known for known in self.references if known.stored.role == ACTIVE]
        for wanted in (version, ""):
            own = [known for known in active if known.stored.version == wanted]
            if own:
                return own[-1]
        if not active:
            raise UsageError(
                f"The model '{self.name}' has no reference yet", hint="Set one with 'driftline reference set FILE', or name it under data."
            )
        return active[-1]

    def knows(self, version: str) -> bool:
        """Whether there is a reference for this version or for all versions."""
        return any(known.stored.version in (version, "") for known in self.references if known.stored.role == ACTIVE)

    def anchor(self) -> Known | None:
        """The reference beside the active one that shows slow drift, where there is one."""
        return next((known for known in reversed(self.references) if known.stored.role == ANCHOR), None)

    def schemas(self, version: str) -> list[Known]:
        """What rows of this version are counted under: the active reference, and the anchor where its schema is another."""
        active, anchor = self.active(version), self.anchor()
        return [active] if anchor is None or anchor.reference.schema.id == active.reference.schema.id else [active, anchor]

    def outcomes(self, version: str = "") -> OutcomePlan | None:
        """How labelled predictions are summarised, None where the reference has no labels or the model gets none."""
        return None if self.plan.labels.kind is LabelKind.NONE else self.active(version).reference.schema.outcomes

    @property
    def prediction_names(self) -> Names:
        """The columns of deliveries of predictions."""
        columns, task = self.plan.columns, self.plan.task
        scores, eligible = tuple(task.scores.values()), self.plan.labels.eligible
        return Names(
            id=columns.id,
            time=columns.time,
            value=columns.prediction,
            scores=scores,
            segments=self.plan.segments,
            version=columns.version,
            latency=columns.latency,
            error=columns.error,
            levels=eligible,
        )

    @property
    def label_names(self) -> Names:
        """The columns of deliveries of labels."""
        columns = self.plan.columns
        return Names(columns.label_id or columns.id, columns.label_time, columns.label, levels=self.plan.labels.void)

    @property
    def compare_spec(self) -> CompareSpec:
        """What the plan says about the columns of the reference."""
        columns, task = self.plan.columns, self.plan.task
        named = (columns.version, columns.latency, columns.error, columns.label_time)
        kept = (columns.time, columns.label, columns.prediction, *self.plan.segments)
        return CompareSpec(
            prediction=columns.prediction or None,
            label=columns.label or None,
            segments=self.plan.segments,
            time=columns.time or None,
            threshold=task.threshold,
            positive=task.positive,
            task=task.type,
            scores=task.scores,
            ignore=(*columns.ignore, *(name for name in named if name and name not in kept)),
            identifiers=(*columns.identifiers, columns.id),
            kinds=columns.kinds,
            importance=self.plan.drift.importance,
        )


def in_force(model: Model, schema: str, versions: Iterable[str]) -> Known:
    """What rows of these versions that were counted under a schema are compared with: the active reference of the newest of them; where
    that has another schema by now, the latest active one with this schema, and the anchor only where there is none."""
    newest = model.active(max(versions, default=""))
    if newest.reference.schema.id == schema:
        return newest
    same = [known for known in model.references if known.reference.schema.id == schema]
    return ([known for known in same if known.stored.role == ACTIVE] or same)[-1]


def alarms_of(model: Model, step: Step) -> float:
    """False alarms that one window may raise in step 2 or 3."""
    return min(model.plan.false_alarms(step) / model.tiling.per_month, MOST_ALARMS)


def segments_of(model: Model) -> int:
    """How many segments its references have."""
    return len({segment for known in model.references for segment in known.reference.segments})


def quality_alpha(plan: Plan) -> float:
    """The probability that one window is called worse by its labels although it is not: as the plan says, and no more than half of the
    false pages that are allowed, for these may page."""
    windows = MONTH / duration(plan.windows.base)
    return min(plan.performance.alpha, PAGES_FOR_QUALITY * plan.alerts.budget.pages_per_month / windows)
