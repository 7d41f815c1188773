"""Steps 2 and 3 on one window: all rows, each segment, each version, the anchor, and the monitor over the windows before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from driftline.core.durations import duration
from driftline.core.ledger import PartKind, Step, StoredPart
from driftline.core.records import ALL_ROWS, Measurement, Scope, Status, Window
from driftline.drift import monitor as watching
from driftline.drift.data import data_drift, inputs
from driftline.drift.measurements import VERDICT, located
from driftline.drift.monitor import Watch
from driftline.drift.overtime import UNKNOWN, Normal
from driftline.drift.prediction import outputs, prediction_drift
from driftline.drift.presence import segment_rows
from driftline.drift.spec import DriftSpec
from driftline.engine.model import MONITOR_SHARE, Known, Model, alarms_of, in_force
from driftline.engine.timeline import Timeline
from driftline.profiles.parts import Part
from driftline.profiles.reference import Reference

SERIES = 30
"""Windows over which small shifts add up."""
SEGMENT_SHARE = 0.5
"""Part of the rest that goes to the segments, where there are any."""
WIDER = (2, 4, 7, 14, 28, 56)
"""How many windows are joined, one try after the other, until the rows suffice."""

Compare = Callable[..., list[Measurement]]


@dataclass(frozen=True, eq=False)
class Look:
    """One step on one window: the reference that its rows are compared with, and the rows."""

    model: Model
    timeline: Timeline
    step: Step
    window: Window
    known: Known
    part: Part

    @property
    def columns(self) -> list[int]:
        schema = self.known.reference.schema
        return inputs(schema) if self.step is Step.DRIFT else outputs(schema)

    def normal(self, watches: Mapping[str, Watch]) -> Normal:
        """What the windows of the reference have told, and the monitor says of this one."""
        learned = self.known.learned
        return Normal(learned.unrest, learned.ordinary, watches, monitored=self.step.value in learned.baselines)

    @property
    def unmonitored(self) -> Normal:
        """The same for rows that the monitor does not watch, such as those of one version: the distances tell alone."""
        return replace(self.normal({}), monitored=False)

    def compare(self, *, segments: bool, normal: Normal | None = None) -> Compare:
        """The function of the step with all that is settled of it."""
        monitored = self.step.value in self.known.learned.baselines
        share = (1 - MONITOR_SHARE if monitored else 1.0) * (1 - SEGMENT_SHARE if segments else 1.0)
        settings: dict[str, Any] = {"share": share, "normal": normal or self.normal({})}
        if self.step is Step.PREDICTIONS:
            plan = self.known.reference.schema.outcomes
            settings["threshold"] = plan.threshold if plan is not None else self.model.plan.task.threshold
            settings["near"] = self.model.plan.predictions.near_threshold
            return partial(prediction_drift, spec=self.spec, **settings)
        return partial(data_drift, spec=self.spec, **settings)

    @property
    def spec(self) -> DriftSpec:
        plan = self.model.plan.drift
        return DriftSpec(alpha=alarms_of(self.model, self.step), importance=plan.importance, least_rows=plan.least_rows)

    def scope(self, window: Window, **more: Any) -> Scope:
        return Scope(self.model.name, window=window, **more)


def drift_of(model: Model, timeline: Timeline, step: Step, window: Window) -> tuple[list[Measurement], str, list[StoredPart]]:
    """The measurements of a window, the reference they rest on, and the scores to keep for the windows after it."""
    parts = timeline.parts(window)
    anchor = model.anchor()
    schemas = dict.fromkeys(schema for schema, _ in parts)
    found: list[Measurement] = []
    references, kept = [], []
    for schema in schemas:
        known, part = in_force(model, schema, [version for own, version in parts if own == schema]), timeline.of_schema(window, schema)
        assert part is not None
        if anchor is not None and known is anchor and len(schemas) > 1:
            found += _against(anchor, Look(model, timeline, step, window, known, part))
            continue
        references.append(known.stored.id)
        look = Look(model, timeline, step, window, known, part)
        watches, scores = monitored(look)
        kept += scores
        # Rows that are counted in different ways cannot be added: each lot speaks for its versions.
        several = len(schemas) - (anchor is not None and anchor.reference.schema.id in schemas) > 1
        whose = ", ".join(sorted(version for own, version in parts if own == schema)) if several else ""
        own = located(all_rows(look, watches) + by_segment(look))
        own += watching.measurements(watches, look.scope(window), part.profile) + present(look)
        found += [replace(m, scope=replace(m.scope, version=whose)) for m in own] if whose else own
        found += by_version(look)
        if anchor is not None and anchor is not known and anchor.reference.schema.id == schema:
            found += _against(anchor, look)
    if not references:
        reference = model.active("").stored.id
        note = "no rows in this window"
        return [Measurement(VERDICT, None, Scope(model.name, window=window), 0, status=Status.NODATA, note=note)], reference, []
    return found, ",".join(references), kept


def reach(model: Model, step: Step) -> int:
    """How many windows before its own the measurements of a window may rest on."""
    series = SERIES if any(step.value in known.learned.baselines for known in model.references) else 1
    return max(series, duration(model.plan.windows.widen_to) // model.tiling.length) - 1


def all_rows(look: Look, watches: Sequence[Watch]) -> list[Measurement]:
    """Every column over all rows; where they are too few, over as many windows as it takes, back to the widest that is allowed."""
    reference, shared = look.known.reference, bool(_shared(look))
    compare = look.compare(segments=shared, normal=look.normal({watch.column: watch for watch in watches}))
    found = compare(look.part.profile, reference, look.scope(look.window))
    for count in _wider(look):
        short = _insufficient(found)
        if not short:
            break
        window, part = look.timeline.joined(look.window, count, reference.schema.id)
        if part is None or part.profile.rows <= look.part.profile.rows:
            continue
        wider = compare(part.profile, reference, look.scope(window), columns=[reference.schema.by_name[name] for name in short])
        better = {m.column for m in wider if m.metric == VERDICT and m.value is not None}
        found = [m for m in found if m.column not in better] + [m for m in wider if m.column in better]
    return found


def by_segment(look: Look) -> list[Measurement]:
    """What decided in each segment that the reference has too."""
    shared, reference = _shared(look), look.known.reference
    if not shared:
        return []
    share = (1 - MONITOR_SHARE if look.step.value in look.known.learned.baselines else 1.0) * SEGMENT_SHARE / len(shared)
    compare = look.compare(segments=True)
    found = []
    for segment in shared:
        scope = look.scope(look.window, segment=segment)
        found += compare(look.part.profiles[segment], reference, scope, share=share, brief=True)
    return found


def present(look: Look) -> list[Measurement]:
    """How many rows each segment of the reference has sent, for step 2."""
    if look.step is not Step.DRIFT:
        return []
    rows = {segment: profile.rows for segment, profile in look.part.profiles.items() if segment != ALL_ROWS}
    return segment_rows(rows, look.part.profile.rows, look.known.reference, look.scope(look.window), look.normal({}))


def by_version(look: Look) -> list[Measurement]:
    """Where several versions served in this window: each against the reference, and the latest against the others."""
    schema = look.known.reference.schema.id
    versions = {version: part for (own, version), part in look.timeline.parts(look.window).items() if own == schema}
    if len(versions) < 2:
        return []
    compare, reference = look.compare(segments=False, normal=look.unmonitored), look.known.reference
    found = []
    for version, part in versions.items():
        own = replace(look, known=in_force(look.model, schema, [version]))
        scope = look.scope(look.window, version=version)
        compared = own.compare(segments=False, normal=own.unmonitored)
        found += compared(part.profile, own.known.reference, scope, brief=True, share=1 / len(versions))
    *others, newest = sorted(versions)
    before = versions[others[0]].profile
    for version in others[1:]:
        before += versions[version].profile
    against = replace(reference, profile=before)
    scope = look.scope(look.window, version=newest)
    return found + compare(versions[newest].profile, against, scope, brief=True, normal=UNKNOWN, prefix="versions_")


def monitored(look: Look) -> tuple[list[Watch], list[StoredPart]]:
    """What the monitor says after this window, and the scores of the windows that had none yet."""
    baseline = look.known.learned.baselines.get(look.step.value)
    if baseline is None or look.part.profile.rows == 0:
        return [], []
    model, schema, name = look.model, look.known.reference.schema, _series_name(look)
    stretch = look.timeline.back(look.window, SERIES)
    stored = model.store.parts(model.name, PartKind.SCORES, start=stretch[0].start, end=look.window.end)
    fresh = model.store.windows(model.name, start=stretch[0].start, end=look.window.end)
    changed = {touched.window: touched.rows for touched in fresh}
    known = {p.window: p for p in stored if p.version == name and p.through >= changed.get(p.window, 0)}
    series, kept = [], []
    for window in stretch:
        if window in known:
            series.append(np.frombuffer(known[window].data, "<f4"))
            continue
        part = look.part if window == look.window else look.timeline.of_schema(window, schema.id)
        if part is None or part.profile.rows == 0:
            continue
        scores = watching.scores(baseline, look.known.reference.profile, part.profile, model.tiling.phase(window))
        series.append(scores)
        data = scores.astype("<f4").tobytes()
        kept.append(StoredPart(PartKind.SCORES, schema.id, name, window, 0, changed.get(window, 0), 0, data))
    return watching.monitor(baseline, series, schema, raised=model.raised.get(look.step.value, 0.0)), kept


def _series_name(look: Look) -> str:
    """Scores are those of a step under one reference."""
    return f"{look.step.value}:{look.known.stored.id}"


def _shared(look: Look) -> list[Any]:
    reference = look.known.reference
    return [s for s, profile in look.part.profiles.items() if s != ALL_ROWS and s in reference.segments and profile.rows]


def _wider(look: Look) -> Sequence[int]:
    most = duration(look.model.plan.windows.widen_to) // look.model.tiling.length
    return [count for count in WIDER if count <= most]


def _insufficient(found: Sequence[Measurement]) -> list[str]:
    return [m.column for m in found if m.metric == VERDICT and m.status is Status.INSUFFICIENT and m.column]


def _against(anchor: Known, look: Look) -> list[Measurement]:
    """The same rows against the anchor."""
    own = replace(look, known=anchor)
    reference: Reference = anchor.reference
    return own.compare(segments=False, normal=own.unmonitored)(
        look.part.profile, reference, look.scope(look.window), brief=True, prefix="anchor_"
    )
