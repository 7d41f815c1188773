"""Setting a reference: a table, or windows that have been, becomes what live rows are compared with, and what can be learned from it is.

A reference is never overwritten: setting another one adds it, with who did it and why. Windows that were evaluated keep their verdicts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import add

from driftline.core.errors import UsageError
from driftline.core.ledger import Step, StoredReference
from driftline.core.records import ALL_ROWS, Segment
from driftline.core.verdicts import TableInfo
from driftline.drift.data import inputs
from driftline.drift.monitor import learn
from driftline.drift.overtime import learn_ordinary
from driftline.drift.prediction import outputs
from driftline.drift.spec import DriftSpec
from driftline.drift.unrest import unrest_of
from driftline.engine.cohorts import cohorts
from driftline.engine.learned import Learned, encode_learned
from driftline.engine.model import MONITOR_SHARE, Model, alarms_of
from driftline.engine.reference import Progress, make_reference, silent
from driftline.engine.settle import settle
from driftline.engine.timeline import Timeline
from driftline.performance.estimation import Estimator, Refusal, learn_estimator
from driftline.performance.restless import learn_slacks
from driftline.ports import Source
from driftline.profiles.cells import LossSample, sample_losses
from driftline.profiles.codec import encode
from driftline.profiles.outcomes import Task
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.tiling import from_nanoseconds, to_nanoseconds
from driftline.profiles.windows import joined


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of a reference that is set: its role and version, who sets it, why, and when."""

    role: str
    version: str
    author: str
    reason: str
    made: datetime


def set_reference(model: Model, source: Source, saying: Saying, progress: Progress = silent) -> StoredReference:
    """Makes the reference of a table and adds it. Raises as `compare` does for tables that cannot be used."""
    spec = model.compare_spec
    present = set(source.schema.names)
    spec = spec.but(
        ignore=tuple(name for name in spec.ignore if name in present),
        identifiers=tuple(name for name in spec.identifiers if name in present),
        time=spec.time if spec.time in present else None,
    )
    columns, _ = settle(spec, (source.schema,), source.name)
    reference = replace(make_reference(source, spec, columns, progress, model.tiling), version=saying.version)
    plan = reference.schema.outcomes
    sample = None
    if plan is not None and plan.task is not Task.BINARY:
        sample = sample_losses(source.batches([name for name in source.schema.names if name not in spec.ignore]), reference.schema)
    return _added(model, reference, sample, saying)


def reference_from_windows(model: Model, start: datetime, end: datetime, saying: Saying) -> StoredReference:
    """Makes the reference of the windows that begin in [start, end) and adds it. The bins stay those of the reference they were counted
    under: rows that are not kept cannot be counted anew. Raises `UsageError` where there are no such rows."""
    known = model.active(saying.version)
    schema = known.reference.schema
    windows = [t.window for t in model.store.windows(model.name, start=start, end=end) if t.rows]
    timeline = Timeline(model, windows)
    parts = [(window, part) for window in windows if (part := timeline.of_schema(window, schema.id)) is not None and part.profile.rows]
    if not parts:
        stretch = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
        raise UsageError(f"The model '{model.name}' has no rows from {stretch}", hint="Choose another time.")
    through = model.store.sequence(model.name)
    labelled, _ = cohorts(model, start, end, as_of=saying.made, through=through)
    profiles: dict[Segment, Profile] = {}
    for window, part in parts:
        summaries = [cohort.outcomes for cohort in labelled.get(window, {}).values()]
        for segment, profile in part.profiles.items():
            own = [found[segment] for found in summaries if segment in found]
            full = replace(profile, outcomes=reduce(add, own)) if own else profile
            profiles[segment] = profiles[segment] + full if segment in profiles else full
    history = tuple(replace(part.profile, times=(to_nanoseconds(window.start), to_nanoseconds(window.end) - 1)) for window, part in parts)
    everything = profiles.pop(ALL_ROWS)
    name = f"windows from {start.isoformat()} to {end.isoformat()}"
    source = TableInfo(name, everything.rows, first_time=start.isoformat(), last_time=end.isoformat())
    reference = Reference(schema, everything, source, saying.version, profiles, history)
    return _added(model, reference, None, saying)


def _added(model: Model, reference: Reference, sample: LossSample | None, saying: Saying) -> StoredReference:
    learned = encode_learned(learn_from(model, reference, sample))
    data = encode(replace(reference, history=()))
    identity = hashlib.sha256(data + learned).hexdigest()[:16]
    stored = StoredReference(
        identity,
        saying.version,
        saying.role,
        saying.made,
        saying.author,
        saying.reason,
        reference.source.name,
        reference.profile.rows,
        data,
        learned,
        encode(reference) if reference.history else b"",
    )
    model.store.add_reference(model.name, stored)
    return stored


def _top(model: Model) -> list[str]:
    """The columns that the plan says matter most: together half of all importance."""
    importance = model.plan.drift.importance
    ranked, total, top = sorted(importance, key=lambda name: -importance[name]), sum(importance.values()), list[str]()
    while ranked and sum(importance[name] for name in top) < total / 2:
        top.append(ranked.pop(0))
    return top


def learn_from(model: Model, reference: Reference, sample: LossSample | None) -> Learned:
    """What a reference teaches about its own unrest at the length of the model's windows, and about quality without labels."""
    base = model.tiling.length
    history = joined(reference.history, 0, round(base.total_seconds() * 1e9) - 1) if reference.history else ()
    phases = [model.tiling.phase(model.tiling.around(from_nanoseconds(window.times[0]))) for window in history]
    baselines = {}
    for step, columns in ((Step.DRIFT, inputs(reference.schema)), (Step.PREDICTIONS, outputs(reference.schema))):
        if columns:
            rate = MONITOR_SHARE * alarms_of(model, step)
            baseline = learn(reference.profile, history, phases, alarms_per_window=rate, columns=columns)
            if baseline is not None:
                baselines[step.value] = baseline
    threshold = reference.schema.outcomes.threshold if reference.schema.outcomes else model.plan.task.threshold
    estimator = learn_estimator(reference, sample, top=_top(model))
    unrest = unrest_of(reference.profile, history)
    drift = model.plan.drift
    spec = DriftSpec(alpha=alarms_of(model, Step.DRIFT), importance=drift.importance, least_rows=drift.least_rows)
    return Learned(
        unrest,
        learn_ordinary(reference.profile, history, spec, unrest, threshold=threshold),
        baselines,
        learn_slacks(reference.profile.outcomes, [window.outcomes for window in history], model.plan.performance),
        estimator if isinstance(estimator, Estimator) else None,
        len(history),
        estimator.reason if isinstance(estimator, Refusal) else "",
    )
