"""Plan: everything that a configuration file says about one model, checked and with its defaults.

The top keys are the rooms of the house in the order of the steps: who the model is, where its rows are, how they are kept, then steps 1
to 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from driftline.config.alerts import AlertsPlan
from driftline.config.fields import Duration, Share, Target, check_durations
from driftline.core.durations import duration
from driftline.core.errors import UsageError, nearest
from driftline.core.ledger import Step
from driftline.core.spec import Field, Spec
from driftline.drift.spec import DriftSpec
from driftline.performance.labels import LabelSpec
from driftline.performance.step import PerformanceSpec
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind

LONGEST_NAME = 100
"""Of a model: it stands in every line that is printed about it."""
PART_OF_TICKETS = 0.25
"""Of the false tickets that are allowed a month, what each of steps 2 and 3 may use: the other half is for all else."""


class TaskSpec(Spec):
    """What the model does. `threshold`: the score from which a binary model decides. `positive`: its positive class. `scores`: the
    probability column of each class of a multiclass model."""

    type: Task | None = None
    threshold: float | None = None
    positive: str | None = None
    scores: Mapping[str, str] = {}

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for settings that the type of task has no use for."""
        uses = {"threshold": (Task.BINARY,), "positive": (Task.BINARY, Task.MULTICLASS), "scores": (Task.MULTICLASS,)}
        for name, tasks in uses.items():
            if self.type is not None and self.type not in tasks and getattr(self, name) not in (None, {}):
                known = " or ".join(tasks)
                raise UsageError(f"'{name}' is for a {known} task, and this one is {self.type}", where=name, hint="Take it out.")


class OwnerSpec(Spec):
    """Who is responsible."""

    team: str = ""
    email: str = ""


class DataSpec(Spec):
    """Where rows are found when a command names no files: files, folders or globs. `reference` is the table to be compared with."""

    predictions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reference: str = ""


class ColumnsSpec(Spec):
    """Which columns of the predictions and of the labels hold what.

    `id` joins the two. `time` is the event time. `label_time`: when a label became known. `latency`: milliseconds. `error`: true where
    the request failed and there is no prediction. `label_id`: name of the identifier among the labels where it is another. `sources`: the
    columns that come from one upstream source, by its name.
    """

    id: str
    time: str
    prediction: str = ""
    label: str = ""
    label_id: str = ""
    label_time: str = ""
    version: str = ""
    latency: str = ""
    error: str = ""
    ignore: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = {}
    sources: Mapping[str, tuple[str, ...]] = {}

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a column of one table that should be two things at once."""
        of_predictions = ("id", "time", "prediction", "version", "latency", "error")
        of_labels = ("label_id" if self.label_id else "id", "label", "label_time")
        for table in (of_predictions, of_labels, ("prediction", "label")):
            seen: dict[str, str] = {}
            for role in table:
                name = getattr(self, role)
                if name and seen.setdefault(name, role) != role:
                    raise _two_things(name, seen[name], role)
        for name in self.ignore:
            roles = [role for role in (*of_predictions, *of_labels) if getattr(self, role) == name]
            if roles:
                raise _two_things(name, roles[0], "ignore")
        _check_names(self.sources, "sources", "source")
        seen = {}
        for source, names in self.sources.items():
            for name in names:
                if seen.setdefault(name, source) != source:
                    what = f"Column '{name}' comes from '{seen[name]}' and from '{source}'"
                    raise UsageError(what, where=f"sources.{source}", hint="Name it once.")


def _check_names(named: Mapping[str, tuple[str, ...]], where: str, what: str) -> None:
    """Raises `UsageError` for a name that people could not see."""
    for name in named:
        if not is_name(name):
            hint = f"Use up to {LONGEST_NAME} visible characters."
            raise UsageError(f"{name[:LONGEST_NAME]!r} is no name of a {what}", where=where, hint=hint)


def _two_things(column: str, one: str, other: str) -> UsageError:
    return UsageError(f"Column '{column}' cannot be '{one}' and '{other}' at once", where=other, hint="Name it once.")


class WindowsSpec(Spec):
    """How time is cut. `base`: length of a window. `timezone`: whose midnight a day begins at. `widen_to`: how far windows are joined
    backwards where one alone has too few rows. `future`: how far ahead of the clock an event time may be."""

    base: Duration = "1d"
    timezone: str = "UTC"
    widen_to: Duration = "14d"
    future: Duration = "10m"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for spans and zones that do not exist or do not fit."""
        check_durations(self)
        base, day = duration(self.base), timedelta(days=1)
        if (base < day and day % base) or (base > day and base % day):
            hint = "Use a part of a day such as 1h or 6h, or whole days."
            raise UsageError(f"A window of {self.base} does not fit a day", where="base", hint=hint)
        if duration(self.widen_to) < base:
            hint = "Give at least one window."
            raise UsageError(f"Windows of {self.base} cannot be widened to {self.widen_to}", where="widen_to", hint=hint)
        _check_zone(self.timezone)


def _check_zone(name: str) -> None:
    """Raises `UnknownName` for a time zone that this machine does not know."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found, a folder of zones, or no name at all
        near = nearest(name, available_timezones())
        hint = f"Did you mean '{near}'?" if near else "Use a name such as UTC or Europe/Lisbon."
        raise UsageError(f"There is no time zone '{name}'", where="timezone", hint=hint) from None


class RowsSpec(Spec):
    """What is kept of the features of single rows: `none`, a `sample` by the hash of the identifier, or `all`. A file says `for`, which is
    no name in Python."""

    keep: Literal["none", "sample", "all"] = "none"
    sample: Share = 0.05
    for_: Duration = "30d"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a duration that is none."""
        check_durations(self)


class StorageSpec(Spec):
    """Where things are kept. `store`: a SQLite file or a PostgreSQL URL, with `$NAME` where a secret stands: a plan never holds one.
    `lake`: the folder of the row log. `predictions_for`: how long identifiers, outputs and labels of single rows are kept. `fold_after`:
    age from which the parts of a window become one."""

    store: str = "driftline.db"
    lake: str = "driftline.lake"
    rows: RowsSpec = RowsSpec()
    predictions_for: Duration = "400d"
    fold_after: Duration = "7d"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a duration that is none."""
        check_durations(self)


class AvailabilitySpec(Spec):
    """The share of requests that must not fail, over a window."""

    target: Target = 0.995
    window: Duration = "28d"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a duration that is none."""
        check_durations(self)


class LatencySpec(Spec):
    """The share of requests that must be answered within `within` milliseconds, over a window."""

    within: float = Field(gt=0.0)
    target: Target = 0.99
    window: Duration = "28d"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a duration that is none."""
        check_durations(self)


class ServingSpec(Spec):
    """Step 1, operations. `absent_p`: how improbable a quiet window must be before it counts as absence."""

    availability: AvailabilitySpec | None = None
    latency: LatencySpec | None = None
    absent_p: float = Field(default=1e-6, gt=0.0, lt=0.1)


FalseAlarms = Annotated[float, Field(gt=0.0, le=31.0)]
"""A month, of all columns and segments together."""


class DriftPlan(DriftSpec):
    """Step 2. `false_alarms_per_month` sets alpha: how many windows a month may be called drifted although nothing has changed. Left out it
    is a part of the budget of alerts: see `Plan.false_alarms`."""

    hidden: ClassVar[frozenset[str]] = frozenset({"alpha"})
    """Fields that are no keys of the file."""

    importance: Mapping[str, Annotated[float, Field(ge=0.0)]] = {}
    false_alarms_per_month: FalseAlarms | None = None


class PredictionsPlan(Spec):
    """Step 3. `near_threshold`: half the width of the band around the decision threshold whose share is watched."""

    near_threshold: float = Field(default=0.05, gt=0.0, lt=0.5)
    false_alarms_per_month: FalseAlarms | None = None


class Plan(Spec):
    """All of it. `depends_on`: other models of the same store, and the columns that they produce."""

    version: int = 1
    model: str
    description: str = ""
    owner: OwnerSpec = OwnerSpec()
    task: TaskSpec = TaskSpec()
    data: DataSpec = DataSpec()
    columns: ColumnsSpec
    labels: LabelSpec = LabelSpec()
    segments: tuple[str, ...] = ()
    depends_on: Mapping[str, tuple[str, ...]] = {}
    windows: WindowsSpec = WindowsSpec()
    storage: StorageSpec = StorageSpec()
    serving: ServingSpec = ServingSpec()
    performance: PerformanceSpec = PerformanceSpec()
    drift: DriftPlan = DriftPlan()
    predictions: PredictionsPlan = PredictionsPlan()
    alerts: AlertsPlan = AlertsPlan()

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a format that is not this one."""
        if self.version != 1:
            hint = "This driftline reads version 1; a newer one may read it."
            raise UsageError(f"There is no version {self.version} of the configuration", where="version", hint=hint)
        if not is_name(self.model):
            hint = f"Use up to {LONGEST_NAME} visible characters, such as credit-default."
            raise UsageError(f"{self.model[:LONGEST_NAME]!r} is no name of a model", where="model", hint=hint)
        for name in self.segments:
            if name in self.columns.ignore:
                raise _two_things(name, "ignore", "segments")
        _check_names(self.depends_on, "depends_on", "model")
        if self.model in self.depends_on:
            raise UsageError(f"The model '{self.model}' depends on itself", where="depends_on", hint="Name the models before it.")

    def false_alarms(self, step: Step) -> float:
        """How many windows a month step 2 or 3 may call drifted although nothing has changed: as it says, else a quarter of the tickets."""
        said = (self.drift if step is Step.DRIFT else self.predictions).false_alarms_per_month
        return self.alerts.budget.tickets_per_month * PART_OF_TICKETS if said is None else said


def is_name(text: str) -> bool:
    """Whether a model can be called so: what people can see and type."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()
