"""Ingest: deliveries of predictions and labels become log rows and parts of windows, each exactly once.

A delivery is at most half a million rows of one source. It is acknowledged by one transaction of the store; before that its rows are in the
log under a number that nobody has accepted yet, and readers and the next ingest pass such rows over.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.ledger import Delivery, Reject, RowKind
from driftline.core.records import Window
from driftline.engine.cohorts import settle
from driftline.engine.model import Model
from driftline.engine.reference import Progress, coded, silent, watched
from driftline.engine.rows import parts_of
from driftline.ports import Source
from driftline.profiles.intake import Labels, Predictions, Refused, check_columns, take_labels, take_predictions
from driftline.profiles.repeats import Repeats, among_labels, among_predictions
from driftline.profiles.tiling import from_nanoseconds, to_nanoseconds
from driftline.profiles.values import from_flags, whole

DELIVERY_ROWS = 500_000
REJECTS_KEPT = 1_000
"""Rejected rows of one delivery that are kept with their value; all are counted."""


@dataclass
class Ingested:
    """What came of one source: its deliveries, and how many rows had been delivered before just so. `whole_again`: it is a file that was
    taken to its end before and was not read."""

    source: str
    kind: RowKind
    deliveries: list[Delivery] = field(default_factory=list)
    again: int = 0
    whole_again: bool = False
    reasons: Counter[str] = field(default_factory=Counter)


def ingest(
    model: Model, kind: RowKind, source: Source, *, now: datetime, arrived: datetime | None = None, progress: Progress = silent
) -> Ingested:
    """Takes all rows of a source. `arrived`: when they came, the clock unless it is said.

    Raises `UsageError` where no reference is set or a needed column is missing, `DataError` where rows, store or log cannot be used.
    """
    names = model.prediction_names if kind is RowKind.PREDICTIONS else model.label_names
    if kind is RowKind.LABELS and not names.value:
        raise UsageError("The plan names no label column", where="columns.label", hint="Name it, or leave out 'labels'.")
    check_columns(source.schema, names, source.name, needed=(names.value,) if kind is RowKind.LABELS else ())
    model.active("")
    done, first = Ingested(source.name, kind), 0
    batches = watched(
        source.batches(_columns(model, kind, source), _repeating(model, kind)), f"ingesting {source.name}", source.rows, progress
    )
    came = arrived or now
    latest = to_nanoseconds(max(now, came) + duration(model.plan.windows.future))
    for rows in _deliveries(batches):
        batch = _Batch(rows, first, came, latest)
        if kind is RowKind.PREDICTIONS:
            _predictions(model, done, batch)
        else:
            _labels(model, done, batch)
        first += len(rows)
    settle(model)
    return done


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """The rows of a delivery: how many came before them, when they arrived, and the last time that is not in the future (nanoseconds)."""

    rows: pa.RecordBatch
    first: int
    arrived: datetime
    latest: int


def accept_mark(model: Model, kind: RowKind, mark: str, source: str, *, arrived: datetime) -> None:
    """Notes that a file has been taken to its end, so that it need not be read again."""
    with model.store.exclusive(model.name):
        if model.store.delivered(model.name, kind, mark) is None:
            through = _recovered(model)
            model.store.accept(model.name, Delivery(through + 1, kind, mark, source, arrived, 0, 0))


def _columns(model: Model, kind: RowKind, source: Source) -> list[str]:
    """The columns that are read: what is named, and what any reference counts."""
    names = set((model.prediction_names if kind is RowKind.PREDICTIONS else model.label_names).all)
    if kind is RowKind.PREDICTIONS:
        for known in model.references:
            names |= set(known.reference.schema.by_name)
    return [name for name in source.schema.names if name in names]


def _repeating(model: Model, kind: RowKind) -> list[str]:
    """The columns of which a reference lists the levels: they are best read as codes of a dictionary."""
    if kind is not RowKind.PREDICTIONS:
        return []
    return sorted({name for known in model.references for name in coded(known.reference.schema)})


def _deliveries(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches put together to deliveries."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        if rows >= DELIVERY_ROWS:
            yield _together(waiting)
            waiting, rows = [], 0
    if rows:
        yield _together(waiting)


def _together(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    return pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], schema=table.schema)


def _predictions(model: Model, done: Ingested, batch: _Batch) -> None:
    taken = take_predictions(batch.rows, model.prediction_names, latest=batch.latest, table=done.source, plan=model.outcomes())
    with model.store.exclusive(model.name):
        through = _recovered(model)
        digest = digest_of(taken.log, taken.refused)
        if _came_before(model, done, batch, digest):
            return
        repeats = among_predictions(taken.log, _known(model, taken, through))
        new, sequence = taken.take(repeats.new), through + 1
        parts = parts_of(model, new, sequence=sequence, arrived=batch.arrived, table=done.source)
        if len(new.log):
            model.lake.append(RowKind.PREDICTIONS, new.log, sequence=sequence, arrived=batch.arrived)
            _keep_features(model, new, sequence, batch.arrived)
        delivery = _delivery(done, batch, sequence, digest, taken.refused, repeats, new.times)
        unknown = sum(int(np.count_nonzero(_is(new.log["version"], v))) for v in new.versions if not model.knows(v))
        if unknown:
            delivery = replace(delivery, counts={**delivery.counts, "unknown_version": unknown})
        rejects = _rejects(done, sequence, batch.first, taken.refused)
        model.store.accept(model.name, delivery, parts=parts, rejects=rejects, rows={part.window for part in parts})
    done.deliveries.append(delivery)


def _labels(model: Model, done: Ingested, batch: _Batch) -> None:
    plan, names = model.outcomes(), model.label_names
    if plan is None:
        raise UsageError(
            "The reference has no labels, so labels cannot be judged", where=done.source, hint="Set a reference that has the label column."
        )
    taken = take_labels(batch.rows, names, arrived=to_nanoseconds(batch.arrived), latest=batch.latest, table=done.source, plan=plan)
    with model.store.exclusive(model.name):
        through = _recovered(model)
        digest = digest_of(_said(taken), taken.refused)
        if _came_before(model, done, batch, digest):
            return
        before = model.lake.labels_of(taken.log["id"].combine_chunks(), through=through)
        repeats = among_labels(taken.log, before, told=taken.told)
        log = taken.log.filter(from_flags(repeats.new))
        sequence, waiting = through + 1, 0
        windows: set[Window] = set()
        if len(log):
            model.lake.append(RowKind.LABELS, log, sequence=sequence, arrived=batch.arrived)
            windows, waiting = _windows_of(model, log, through)
        known = whole(log["known"].combine_chunks(), pa.timestamp("ns", "UTC"))
        delivery = _delivery(done, batch, sequence, digest, taken.refused, repeats, known)
        corrected = len(set(before["id"].to_pylist()) & set(log["id"].to_pylist())) if len(before) else 0
        noticed = {name: count for name, count in (("waiting", waiting), ("corrected", corrected)) if count}
        delivery = replace(delivery, counts={**delivery.counts, **noticed})
        rejects = _rejects(done, sequence, batch.first, taken.refused)
        model.store.accept(model.name, delivery, rejects=rejects, labels=windows)
    done.deliveries.append(delivery)


def _came_before(model: Model, done: Ingested, batch: _Batch, digest: str) -> bool:
    """Whether just these rows have been delivered before."""
    if model.store.delivered(model.name, done.kind, digest) is None:
        return False
    done.again += len(batch.rows)
    return True


def _recovered(model: Model) -> int:
    """The last accepted sequence, after the log has lost what was never accepted."""
    through = model.store.sequence(model.name)
    model.lake.discard(after=through)
    return through


def _known(model: Model, taken: Predictions, through: int) -> pa.Table:
    if not len(taken.log):
        return taken.log
    first, last = from_nanoseconds(int(taken.times.min())), from_nanoseconds(int(taken.times.max()))
    return model.lake.known(taken.log["id"].combine_chunks(), first=first, last=last, through=through)


def _keep_features(model: Model, new: Predictions, sequence: int, arrived: datetime) -> None:
    rows = model.plan.storage.rows
    if rows.keep == "none":
        return
    schema = model.active("").reference.schema
    columns = [name for name in schema.by_name if name in new.rows.schema.names and name not in ("id", "time")]
    table = pa.table({"id": new.log["id"], "time": new.log["time"], **{name: new.rows.column(name) for name in columns}})
    if rows.keep == "sample":
        from driftline.profiles.hashing import hash_text

        chosen = hash_text(new.log["id"].combine_chunks()) < np.uint64(rows.sample * float(2**64 - 2**11))
        table = table.filter(from_flags(chosen))
    if len(table):
        model.lake.keep(table, sequence=sequence, arrived=arrived)


def _windows_of(model: Model, log: pa.Table, through: int) -> tuple[set[Window], int]:
    """The windows of the predictions that these labels are about, and how many have none yet."""
    found = model.lake.times_of(log["id"].combine_chunks(), since=None, through=through)
    windows, _ = model.tiling.cut(whole(found["time"].combine_chunks(), pa.timestamp("ns", "UTC")))
    ids = len(log["id"].unique())
    return set(windows), ids - len(found["id"].unique())


def _delivery(  # noqa: PLR0917 - what a delivery is made of
    done: Ingested,
    batch: _Batch,
    sequence: int,
    digest: str,
    refused: Sequence[Refused],
    repeats: Repeats,
    times: NDArray[np.int64],
) -> Delivery:
    reasons = Counter(each.reason for each in refused)
    done.reasons.update(reasons)
    return Delivery(
        sequence,
        done.kind,
        digest,
        done.source,
        batch.arrived,
        len(batch.rows),
        accepted=int(np.count_nonzero(repeats.new)),
        duplicates=repeats.duplicates,
        contradictions=repeats.contradictions,
        rejected=len(refused),
        counts={f"rejected: {reason}": count for reason, count in sorted(reasons.items())},
        first=from_nanoseconds(int(times.min())) if len(times) else None,
        last=from_nanoseconds(int(times.max())) if len(times) else None,
    )


def _rejects(done: Ingested, sequence: int, first: int, refused: Sequence[Refused]) -> list[Reject]:
    kept = refused[:REJECTS_KEPT]
    return [Reject(sequence, done.source, first + each.row + 1, each.column, each.reason, each.value) for each in kept]


def _said(taken: Labels) -> pa.Table:
    """What labels say by themselves: without the time at which they became known, where that is when they came."""
    known = taken.log["known"].combine_chunks()
    said = pc.if_else(from_flags(taken.told), known, pa.scalar(None, known.type))
    return taken.log.set_column(taken.log.schema.get_field_index("known"), "known", said.fill_null(datetime(1, 1, 1, tzinfo=UTC)))


def digest_of(log: pa.Table, refused: Sequence[Refused] = ()) -> str:
    """What identifies the content of a delivery: a hash of its rows in their order, and of those that are not taken."""
    digest = hashlib.sha256()
    for each in refused:
        digest.update(f"{each.row}:{each.column}:{each.reason}:{each.value}\n".encode("utf-8", "backslashreplace"))
    for name, column in zip(log.column_names, log.columns, strict=True):
        digest.update(f"{name}:{column.type}:{len(column)}\n".encode())
        for chunk in column.chunks:
            clean = pa.concat_arrays([chunk])
            for buffer in clean.buffers():
                digest.update(b"-" if buffer is None else memoryview(buffer))
    return digest.hexdigest()[:32]


def _is(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    from driftline.profiles.values import true_rows

    return true_rows(pc.equal(column.combine_chunks(), pa.scalar(text)))
