"""Cohorts: what is known of the labels of a window, made anew from the row log whenever its rows or labels have changed.

They are made when rows come in, so that evaluating a window costs the same however many rows it had; and again, without being kept, where
somebody asks what was known on an earlier day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from driftline.core.ledger import PartKind, StoredPart, Touched
from driftline.core.records import Window
from driftline.engine.model import Known, Model
from driftline.performance.labels import LabelKind
from driftline.profiles.codec import pack, unpack
from driftline.profiles.cohort import CHECKPOINTS, Cohort, CohortGathering
from driftline.profiles.tiling import from_nanoseconds, to_nanoseconds
from driftline.profiles.values import from_integers, integers, whole

TOGETHER = 32
"""Windows that are joined with their labels in one reading."""
NEVER = -(2**63)

Found = Mapping[str, tuple[Cohort, int]]
"""The cohort of each version, and when the last of its labels became known (nanoseconds)."""


def settle(model: Model, windows: Sequence[Touched] | None = None) -> int:
    """Makes the cohorts of all windows whose rows or labels have changed since theirs were made; the number of windows. `windows` are all
    that there are, where they have just been read.

    Done again after an interruption it does what is left to do.
    """
    if model.outcomes() is None:
        return 0
    marks = model.store.marks(model.name, PartKind.COHORT)
    windows = model.store.windows(model.name) if windows is None else windows
    stale = [t.window for t in windows if max(t.rows, t.labels) > marks.get(t.window, 0)]
    _make(model, stale)
    return len(stale)


def cohorts(
    model: Model, start: datetime, end: datetime, *, as_of: datetime, through: int
) -> tuple[dict[Window, dict[str, Cohort]], set[Window]]:
    """The cohorts of the windows that begin in [start, end) by version, with the labels that were known by `as_of`; and the windows of
    which labels were left out because they became known later."""
    if model.outcomes() is None:
        return {}, set()
    parts = _fitting(model, start, end)
    if other := sorted({window for (window, _), part in parts.items() if part is None}):
        _make(model, other)  # another reference is in force since, which sums labels up in another way
        parts = _fitting(model, start, end)
    found: dict[Window, dict[str, Cohort]] = {}
    partly = set()
    for (window, version), part in parts.items():
        if part is None:
            continue
        cohort, last = _decoded(part, model.by_schema[part.schema])
        if last > to_nanoseconds(as_of):
            partly.add(window)
        found.setdefault(window, {})[version] = cohort
    for stretch in stretches(sorted(partly)):
        for window, anew in gathered(model, stretch, through=through, as_of=as_of).items():
            found[window] = {version: cohort for version, (cohort, _) in anew.items()}
    return found, partly


def last_known(model: Model, windows: Sequence[Window]) -> dict[Window, datetime]:
    """When the last label of each window became known, of those that have any."""
    if not windows:
        return {}
    last: dict[Window, int] = {}
    for part in model.store.parts(model.name, PartKind.COHORT, start=min(windows).start, end=max(windows).end):
        header, _ = unpack(part.data, name=f"cohort of {part.window}")
        last[part.window] = max(last.get(part.window, NEVER), int(header["last"]))
    return {window: from_nanoseconds(last[window]) for window in windows if last.get(window, NEVER) > NEVER}


def _make(model: Model, windows: Sequence[Window]) -> None:
    """Makes the cohorts of windows anew, while nobody delivers: an older one never replaces a newer one."""
    for stretch in stretches(windows):
        with model.store.exclusive(model.name):
            through = model.store.sequence(model.name)
            there = model.store.parts(model.name, PartKind.COHORT, start=stretch[0].start, end=stretch[-1].end)
            before = {(part.window, part.schema, part.version): part for part in there}
            parts = []
            for window, found in gathered(model, stretch, through=through).items():
                made = {version: _stored(model, window, version, cohort, last, through) for version, (cohort, last) in found.items()}
                made = made or {"": _nothing(model, window, through)}
                parts += [_kept(before.get((window, part.schema, part.version)), part) for part in made.values()]
            model.store.put(model.name, parts)


def _kept(before: StoredPart | None, part: StoredPart) -> StoredPart:
    """The new cohort of a window, or the one it has where the log holds most of its rows no longer."""
    forgotten = before is not None and before.rows > 2 * part.rows
    return replace(before, through=part.through) if before is not None and forgotten else part


def _fitting(model: Model, start: datetime, end: datetime) -> dict[tuple[Window, str], StoredPart | None]:
    """The latest part of each window and version that sums labels up as the reference in force does, None where there are others only."""
    found: dict[tuple[Window, str], StoredPart | None] = {}
    for part in model.store.parts(model.name, PartKind.COHORT, start=start, end=end):
        if not part.rows or part.schema not in model.by_schema:
            continue
        own, wanted = model.by_schema[part.schema].reference.schema, model.active(part.version).reference.schema
        if wanted.outcomes is None:
            continue
        fits = own.id == wanted.id or (own.outcomes == wanted.outcomes and own.segments == wanted.segments)
        best = found.setdefault((part.window, part.version), None)
        if fits and (best is None or part.through > best.through):
            found[part.window, part.version] = part
    return found


def stretches(windows: Sequence[Window]) -> Iterable[list[Window]]:
    """Windows that follow one another, some dozens at a time."""
    stretch: list[Window] = []
    for window in sorted(windows):
        if stretch and (window.start != stretch[-1].end or len(stretch) >= TOGETHER):
            yield stretch
            stretch = []
        stretch.append(window)
    if stretch:
        yield stretch


def gathered(model: Model, windows: Sequence[Window], *, through: int, as_of: datetime | None = None) -> Mapping[Window, Found]:
    """The cohorts of windows that follow one another, from the row log."""
    event = model.plan.labels.kind is LabelKind.EVENT
    ages = _ages(model)
    open_: dict[tuple[Window, str], CohortGathering] = {}
    latest: dict[tuple[Window, str], int] = {}
    for batch in model.lake.joined(start=windows[0].start, end=windows[-1].end, through=through, as_of=as_of):
        for window, version, rows in _cut(model, batch):
            schema, key = model.active(version).reference.schema, (window, version)
            if schema.outcomes is None:
                continue
            if key not in open_:
                open_[key] = CohortGathering(schema.outcomes, ages, schema.segments, event=event, table=f"the log of {model.name}")
            open_[key].add(rows)
            known = whole(rows.column("known").drop_null(), pa.timestamp("ns", "UTC"))
            latest[key] = max(latest.get(key, NEVER), int(known.max(initial=NEVER)))
    found: dict[Window, dict[str, tuple[Cohort, int]]] = {window: {} for window in windows}
    for (window, version), gathering in open_.items():
        found[window][version] = gathering.cohort(), latest[window, version]
    return found


def _cut(model: Model, batch: pa.RecordBatch) -> Iterable[tuple[Window, str, pa.RecordBatch]]:
    """The rows of each window and version."""
    windows, place = model.tiling.cut(whole(batch.column("time"), pa.timestamp("ns", "UTC")))
    versions = batch.column("version").dictionary_encode()
    codes = integers(versions.indices).astype("int64")
    key = place * max(len(versions.dictionary), 1) + codes
    order = key.argsort(kind="stable")
    rows = batch if (order[1:] > order[:-1]).all() else batch.take(from_integers(order.astype("int64")))
    names, sorted_ = versions.dictionary.to_pylist(), key[order]
    starts = np.flatnonzero(np.diff(sorted_, prepend=-1)).tolist()
    for at, end in pairwise([*starts, len(sorted_)]):
        window, version = divmod(int(sorted_[at]), len(names))
        yield windows[window], names[version], rows.slice(at, end - at)


def _stored(model: Model, window: Window, version: str, cohort: Cohort, last: int, through: int) -> StoredPart:
    facts, arrays = cohort.to_arrays()
    data = pack({"cohort": 1, "last": last, "facts": facts}, arrays)
    schema = model.active(version).reference.schema.id
    return StoredPart(PartKind.COHORT, schema, version, window, 0, through, cohort.rows, data)


def _nothing(model: Model, window: Window, through: int) -> StoredPart:
    """What is kept of a window without a row whose labels count, so that it is not looked at again."""
    plan = model.outcomes()
    assert plan is not None
    cohort = Cohort.zero(plan, _ages(model), event=model.plan.labels.kind is LabelKind.EVENT)
    return _stored(model, window, "", cohort, NEVER, through)


def _ages(model: Model) -> list[int]:
    """The ages at which labels are counted, in nanoseconds."""
    maturity = int(model.plan.labels.maturity.total_seconds()) * 1_000_000_000
    return [round(share * maturity) for share in CHECKPOINTS]


def _decoded(part: StoredPart, known: Known) -> tuple[Cohort, int]:
    name = f"cohort of {part.window}"
    header, arrays = unpack(part.data, name=name)
    plan = known.reference.schema.outcomes
    assert plan is not None
    return Cohort.from_arrays(plan, header["facts"], arrays), int(header["last"])
