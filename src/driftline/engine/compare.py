"""Two tables, no store: the notebook and CI path. Reads, profiles, judges, and puts the answers into one record."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib.metadata import version

import numpy as np
import pyarrow as pa

from driftline.core.errors import SchemaMismatch
from driftline.core.records import Segment, segment_name
from driftline.core.verdicts import ColumnVerdict, Comparison, Excluded, Provenance, QualityVerdict, Severity, TableInfo, Verdict
from driftline.drift.checks import column_checks, readable
from driftline.drift.judge import judge
from driftline.drift.labels import labelled, late
from driftline.drift.ranking import headline, ranked, with_segments
from driftline.drift.unrest import FEWEST, unrest_of
from driftline.engine.reference import Progress, coded, make_reference, silent, watched
from driftline.engine.settle import agree, settle
from driftline.engine.spec import CompareSpec
from driftline.performance.step import judge_quality
from driftline.ports import Source
from driftline.profiles.outcomes import check_classes
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.segments import profile_by_segment
from driftline.profiles.times import moment
from driftline.profiles.windows import joined

Shared = Mapping[Segment, tuple[Profile, Profile]]
"""Segments that both tables have, with the reference's profile first."""

SEGMENT_SHARE = 0.5
"""Part of the false-alarm probability that goes to the segments, where there are any."""


def compare(reference: Source | Reference, current: Source, spec: CompareSpec, *, now: datetime, progress: Progress = silent) -> Comparison:
    """The verdict about `current` against `reference`, a table or one profiled before. `now` is recorded as when it was made."""
    notes: tuple[str, ...] = ()
    if isinstance(reference, Reference):
        agree(spec, reference.schema, current.schema, f"{reference.source.name} and {current.name}")
    else:
        columns, notes = settle(spec, (reference.schema, current.schema), f"{reference.name} and {current.name}")
        reference = make_reference(reference, spec, columns, progress)
    schema = reference.schema
    names = [name for name in readable(schema, current.schema) if name not in spec.ignore]
    if not names:
        raise SchemaMismatch(
            f"It has none of the {len(schema.columns)} columns of the reference in a type that fits",
            where=current.name,
            hint=f"It has {', '.join(current.schema.names[:8])}; is it the right table?",
        )
    batches = current.batches(names, [name for name in coded(schema) if name in names])
    profile, segments = profile_by_segment(watched(batches, f"counting {current.name}", current.rows, progress), schema, table=current.name)
    return conclude(reference, profile, segments, current, spec, notes=notes, now=now)


def conclude(
    reference: Reference,
    profile: Profile,
    segments: Mapping[Segment, Profile],
    current: Source,
    spec: CompareSpec,
    *,
    notes: tuple[str, ...],
    now: datetime,
) -> Comparison:
    """All verdicts about a profile, put together."""
    schema = reference.schema
    shared = {segment: (reference.segments[segment], mine) for segment, mine in segments.items() if segment in reference.segments}
    columns = judge_all_columns(reference, profile, shared, spec) + column_checks(schema, current.schema, spec.drift(), spec.ignore)
    quality = judge_all_quality(reference, profile, shared, spec, current.name)
    verdict, severity = verdict_of(columns, quality)
    counts = count(columns)
    gone = [segment_name(s) for s in reference.segments if s not in segments]
    return Comparison(
        verdict=verdict,
        severity=severity,
        headline=headline(columns, quality),
        counts=counts,
        columns=ranked(columns),
        quality=tuple(quality),
        excluded=tuple(Excluded(name, "ignored as asked") for name in spec.ignore),
        notes=(*notes, *_notes(reference, profile, gone)),
        provenance=Provenance(
            _info(reference.source, reference.profile),
            _info(replace(current.info(), rows=profile.rows), profile),
            schema.id,
            now.isoformat(timespec="seconds"),
            _versions(),
            {k: v for k, v in spec.model_dump(mode="json").items() if v not in (None, [], {}, "")},
        ),
        task=schema.outcomes.task.value if schema.outcomes else "",
        alpha=spec.alpha,
    )


def judge_all_columns(reference: Reference, profile: Profile, shared: Shared, spec: CompareSpec) -> list[ColumnVerdict]:
    """The verdict about each column over all rows, with what the segments add to it."""
    schema = reference.schema
    judged = partial(
        judge,
        spec=spec.drift(),
        columns=[i for i, column in enumerate(schema.columns) if column.name not in spec.ignore and not late(profile, column)],
        threshold=schema.outcomes.threshold if schema.outcomes else spec.threshold,
        unrest=unrest_of(reference.profile, windows_like(reference, profile)),
    )
    overall = judged(labelled(reference.profile), labelled(profile), share=1 - SEGMENT_SHARE if shared else 1.0)
    asked = {schema.by_name[v.name]: [f.kind for f in v.findings if f.crossed] for v in overall}
    by_segment = {
        segment_name(segment): judged(labelled(before), labelled(mine), share=SEGMENT_SHARE / len(shared), asked=asked)
        for segment, (before, mine) in shared.items()
    }
    return with_segments(overall, by_segment)


def windows_like(reference: Reference, profile: Profile) -> tuple[Profile, ...]:
    """The history of the reference in windows as long as the current rows."""
    return joined(reference.history, profile.rows, profile.times[1] - profile.times[0])


def judge_all_quality(reference: Reference, profile: Profile, shared: Shared, spec: CompareSpec, name: str) -> list[QualityVerdict]:
    """Quality of all rows and of each segment, where the current rows have labels."""
    mine, before = profile.outcomes, reference.profile.outcomes
    if mine is None or before is None or mine.rows == 0:
        return []
    check_classes(before, reference.source.name)
    check_classes(mine, name)
    verdicts = judge_quality(mine, before, spec.performance())
    for segment, (then, current) in shared.items():
        if then.outcomes is not None and current.outcomes is not None and current.outcomes.rows:
            every = judge_quality(current.outcomes, then.outcomes, spec.performance(), segment_name(segment))
            verdicts += [replace(v, severity=Severity.NONE) for v in every if v.headline]
    return verdicts


def verdict_of(columns: Sequence[ColumnVerdict], quality: Sequence[QualityVerdict]) -> tuple[Verdict, Severity]:
    """The verdict about the table: the worst there is; `insufficient` where no column with a distribution could be judged.

    That an identifier is never missing says nothing about drift.
    """
    alarms = [q for q in quality if q.headline and not q.segment]
    compared = [c for c in columns if c.kind != "new"]
    telling = [c for c in compared if c.chart is not None or c.verdict in (Verdict.FAULTY, Verdict.DRIFTED)] or compared
    verdicts = [c.verdict for c in telling] + [q.verdict for q in alarms]
    severity = max([c.severity for c in columns] + [q.severity for q in alarms], key=lambda s: s.rank, default=Severity.NONE)
    for worst in (Verdict.FAULTY, Verdict.DRIFTED):
        if worst in verdicts:
            return worst, severity
    return (Verdict.STABLE if Verdict.STABLE in verdicts else Verdict.INSUFFICIENT), severity


def count(columns: Sequence[ColumnVerdict]) -> dict[str, int]:
    """Number of columns by verdict, and in all."""
    by_verdict = Counter(column.verdict for column in columns if column.kind != "new")
    new = sum(column.kind == "new" for column in columns)
    return {"columns": len(columns) - new, **{v.value: by_verdict[v] for v in Verdict}, "new": new}


def _notes(reference: Reference, profile: Profile, gone: Sequence[str]) -> list[str]:
    schema, notes = reference.schema, []
    if reference.history:
        notes.append(_of_history(len(windows_like(reference, profile))))
    if gone:
        listed = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")
        notes.append(f"no current rows in {len(gone)} of the reference's segments: {listed}")
    plan, mine = schema.outcomes, profile.outcomes
    if plan is None:
        return notes
    notes.append(plan.reason)
    absent = [name for name in (plan.prediction, plan.label) if not profile.seen[schema.by_name[name]]]
    if absent == [plan.prediction]:
        notes.append(f"no predictions in column '{plan.prediction}' of the current table, so quality is not judged")
    elif mine is None or mine.rows == 0:
        notes.append("no labels in the current table, so quality is not judged")
    elif mine.unlabelled or mine.unscored:
        notes.append(f"quality rests on {mine.rows:,} rows; {mine.unlabelled:,} have no label and {mine.unscored:,} no prediction")
    return notes


def _of_history(windows: int) -> str:
    if windows >= FEWEST:
        return f"the limits know how much each column moved between {windows} windows of the reference as long as the current rows"
    have = f"the reference has {windows} {'window' if windows == 1 else 'windows'} as long as the current rows"
    return f"{have}, {FEWEST} are needed: the limits know sampling noise only"


def _info(info: TableInfo, profile: Profile) -> TableInfo:
    first, last = profile.times
    return info if first > last else replace(info, first_time=moment(first), last_time=moment(last))


def _versions() -> dict[str, str]:
    return {"driftline": version("driftline"), "python": platform.python_version(), "numpy": np.__version__, "pyarrow": pa.__version__}
