"""Intake: rows as they come become rows that can be counted and logged; those that cannot are named with the reason.

A row needs an identifier and an event time that is not in the future; everything else that may be wrong with it is for the profile to
show. A label needs an identifier and a value that fits the task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import DataError, SchemaMismatch, UnknownName
from driftline.profiles.labelled import Classes, is_number
from driftline.profiles.outcomes import OutcomePlan
from driftline.profiles.task import Task
from driftline.profiles.tiling import to_nanoseconds
from driftline.profiles.times import nanoseconds
from driftline.profiles.values import as_floats, as_text, from_flags, from_integers, from_texts, integers, valid_rows

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

TIME = pa.timestamp("us", "UTC")
NO_ID, NO_TIME, FUTURE, BAD_TIME = "no identifier", "no event time", "event time in the future", "no event time can be read"
NO_LABEL, NO_CLASS, NO_NUMBER = "no label", "no class of the model", "no number"
EARLIEST = to_nanoseconds(datetime(1678, 1, 1, tzinfo=UTC))
"""A window that begins earlier may begin before what nanoseconds reach."""
LONGEST = 200
"""Characters of a value that are kept of a rejected row."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the columns of deliveries are called. Empty where there is none. `levels` says which texts make a row eligible, or void."""

    id: str
    time: str = ""
    value: str = ""
    scores: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    version: str = ""
    latency: str = ""
    error: str = ""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which no row can be taken."""
        return tuple(name for name in (self.id, self.time, self.version, self.latency, self.error, *self.levels) if name)

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is named."""
        return tuple(dict.fromkeys(name for name in (*self.needed, self.value, *self.scores, *self.segments) if name))


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken: its position in the batch, the column that is at fault, the reason, and what is there."""

    row: int
    column: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The usable rows of a batch: as they came, as the log keeps them, and for the traffic."""

    rows: pa.RecordBatch
    log: pa.Table
    times: Ints
    versions: tuple[str, ...]
    latency: NDArray[np.float64] | None
    failed: Mask | None
    refused: tuple[Refused, ...]

    def take(self, chosen: Mask) -> Predictions:
        """Some of the rows."""
        if chosen.all():
            return self
        flags = from_flags(chosen)
        return Predictions(
            self.rows.filter(flags),
            self.log.filter(flags),
            self.times[chosen],
            self.versions,
            None if self.latency is None else self.latency[chosen],
            None if self.failed is None else self.failed[chosen],
            self.refused,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The usable labels of a batch as the log keeps them; `told` says which of them brought the time at which they became known, (n,)."""

    log: pa.Table
    told: Mask
    refused: tuple[Refused, ...]


def take_predictions(batch: pa.RecordBatch, names: Names, *, latest: int, table: str, plan: OutcomePlan | None) -> Predictions:
    """The predictions of a batch. `latest`: the last event time, in nanoseconds, that is not in the future.

    Raises `UnknownName` where a needed column is missing.
    """
    check_columns(batch.schema, names, table)
    ids, times = _ids(batch, names.id), _times(batch.column(names.time))
    usable, refused = _usable(batch, ids, names.id)
    _refuse(refused, usable, ~times.present & times.blank, batch.column(names.time), names.time, NO_TIME)
    _refuse(refused, usable, ~times.present & ~times.blank, batch.column(names.time), names.time, BAD_TIME)
    _refuse(refused, usable, times.present & (times.ticks > latest), batch.column(names.time), names.time, FUTURE)
    if not usable.all():
        flags = from_flags(usable)
        batch, ids = batch.filter(flags), ids.filter(flags)
    ticks = times.ticks[usable]
    if times.mixed:  # who counts the rows reads a column in one way
        at = batch.schema.get_field_index(names.time)
        batch = batch.set_column(at, names.time, from_integers(ticks).cast(pa.timestamp("ns", "UTC")))
    failed = Classes.of(batch.column(names.error)).codes(("false", "true")) == 1 if names.error else None
    eligible = _has_levels(batch, names.levels)
    version = as_text(batch.column(names.version)).fill_null("") if names.version else _same("", len(batch))
    log = {
        "id": ids,
        "time": from_integers(ticks // 1_000).cast(TIME),
        "version": version,
        "eligible": from_flags(eligible if failed is None else eligible & ~failed),
        **_outputs(batch, names, plan),
        **{name: as_text(batch.column(name)) for name in names.segments if name in batch.schema.names},
    }
    return Predictions(
        batch,
        pa.table(log),
        ticks,
        tuple(sorted(version.unique().to_pylist())) if names.version else ("",),
        _latencies(batch.column(names.latency)) if names.latency else None,
        failed,
        tuple(refused),
    )


def take_labels(batch: pa.RecordBatch, names: Names, *, arrived: int, latest: int, table: str, plan: OutcomePlan) -> Labels:
    """The labels of a batch. `arrived`: when they came, which is when they became known where no column says so (nanoseconds).

    Raises `UnknownName` where a needed column is missing.
    """
    check_columns(batch.schema, names, table, needed=(names.value,))
    ids = _ids(batch, names.id)
    void = _has_levels(batch, names.levels) if names.levels else np.zeros(len(batch), np.bool_)
    values = batch.column(names.value)
    usable, refused = _usable(batch, ids, names.id)
    label, present, unfit = _label(values, plan)
    _refuse(refused, usable, ~present & ~unfit & ~void, values, names.value, NO_LABEL)
    _refuse(refused, usable, unfit & ~void, values, names.value, NO_NUMBER if plan.task is Task.REGRESSION else NO_CLASS)
    known, told = np.full(len(batch), arrived, np.int64), np.zeros(len(batch), np.bool_)
    if names.time:
        times = _times(batch.column(names.time))
        _refuse(refused, usable, ~times.present & ~times.blank, batch.column(names.time), names.time, BAD_TIME)
        _refuse(refused, usable, times.present & (times.ticks > latest), batch.column(names.time), names.time, FUTURE)
        known, told = np.where(times.present, times.ticks, arrived), times.present
    nothing = pa.nulls(len(batch), label.type)
    label = pa.chunked_array([label if not void.any() else _where(void, nothing, label)]).combine_chunks()
    log = pa.table({"id": ids, "label": label, "known": from_integers(known // 1_000).cast(TIME), "void": from_flags(void)})
    return Labels(log if usable.all() else log.filter(from_flags(usable)), told[usable], tuple(refused))


def check_columns(schema: pa.Schema, names: Names, table: str, *, needed: Sequence[str] = ()) -> None:
    """Raises `UnknownName` for the first column without which no row can be taken, `SchemaMismatch` for one that holds no single values."""
    for name in (*names.needed, *needed):
        if name not in schema.names:
            raise UnknownName("column", name, schema.names, where=table)
    for name in names.all:
        if name in schema.names and pa.types.is_nested(kind := schema.field(name).type):
            hint = "Take the value out of it first."
            raise SchemaMismatch(f"Column '{name}' holds {kind}, and a single value is needed", where=table, hint=hint)


def _usable(batch: pa.RecordBatch, ids: pa.Array, column: str) -> tuple[Mask, list[Refused]]:
    import pyarrow.compute as pc

    usable = np.ones(len(batch), np.bool_)
    refused: list[Refused] = []
    valid = valid_rows(ids)
    empty = integers(pc.binary_length(ids)) == 0
    _refuse(refused, usable, empty if valid is None else empty | ~valid, batch.column(column), column, NO_ID)
    return usable, refused


def _refuse(refused: list[Refused], usable: Mask, bad: Mask, values: pa.Array, column: str, reason: str) -> None:
    """Notes the rows that are bad and were usable so far."""
    rows = np.flatnonzero(bad & usable)
    if len(rows):
        refused += [Refused(row, column, reason, _shown(values, row)) for row in rows.tolist()]
        usable[rows] = False


def _shown(values: pa.Array, row: int) -> str:
    if not values[row].is_valid:
        return "null"
    try:
        return str(values.slice(row, 1).cast(pa.string())[0].as_py())[:LONGEST]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, ValueError):
        return f"a value of type {values.type}"


def _ids(batch: pa.RecordBatch, name: str) -> pa.Array:
    return as_text(batch.column(name))


@dataclass(frozen=True, slots=True, eq=False)
class _Times:
    """Nanoseconds of each row, which rows have a time, and which are empty rather than unreadable; `mixed` where they could only be read
    one by one."""

    ticks: Ints
    present: Mask
    blank: Mask
    mixed: bool


def _times(values: pa.Array) -> _Times:
    """The times of a column; a value that is no time, or one beyond the reach of nanoseconds, costs its own row only."""
    valid = valid_rows(values)
    present = np.ones(len(values), np.bool_) if valid is None else valid.copy()
    blank, ticks, mixed = ~present, np.zeros(len(values), np.int64), False
    try:
        ticks[present] = nanoseconds(values, column="", table="", first_row=0)
    except DataError:
        mixed = True
        for row in np.flatnonzero(present).tolist():
            try:
                ticks[row] = nanoseconds(values.slice(row, 1), column="", table="", first_row=0)[0]
            except DataError:
                present[row] = False
    present &= ticks >= EARLIEST
    return _Times(ticks, present, blank, mixed)


def _has_levels(batch: pa.RecordBatch, levels: Mapping[str, tuple[str, ...]]) -> Mask:
    """Which rows have one of the given levels in each of the columns."""
    found = np.ones(len(batch), np.bool_)
    for name, allowed in levels.items():
        codes = Classes.of(batch.column(name)).codes(allowed)
        found &= (codes >= 0) & (codes < len(allowed))
    return found


def _outputs(batch: pa.RecordBatch, names: Names, plan: OutcomePlan | None) -> dict[str, pa.Array]:
    """Prediction and scores as the log keeps them: what can take no part in the quality is null there."""
    outputs = {}
    for name in (names.value, *names.scores):
        if not name or name not in batch.schema.names:
            continue
        values = batch.column(name)
        if plan is not None and plan.task is Task.MULTICLASS and name == names.value:
            outputs[name] = as_text(values)
        elif plan is None and not is_number(values.type):
            continue
        else:
            outputs[name] = _floats(values, within=plan is None or plan.task is not Task.REGRESSION)
    return outputs


def _floats(values: pa.Array, *, within: bool) -> pa.Array:
    """Numbers, null where they are none; `within` [0, 1] where they are scores."""
    if not (is_number(values.type) or pa.types.is_boolean(values.type)):
        return pa.nulls(len(values), pa.float64())
    floats, valid = as_floats(values)
    good = (floats >= 0) & (floats <= 1) if within else np.isfinite(floats)
    if valid is not None:
        good &= valid
    return _array(floats, good)


def _array(floats: NDArray[np.float64], good: Mask) -> pa.Array:
    bits = None if good.all() else pa.py_buffer(np.packbits(good, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), len(floats), [bits, pa.py_buffer(np.ascontiguousarray(floats))])


def _label(values: pa.Array, plan: OutcomePlan) -> tuple[pa.Array, Mask, Mask]:
    """Labels as the log keeps them, (n,): numbers of a regression, else classes as the plan writes them; and which are there, and unfit."""
    if plan.task is Task.REGRESSION:
        if not is_number(values.type):
            valid = valid_rows(values)
            unfit = np.ones(len(values), np.bool_) if valid is None else valid
            return pa.nulls(len(values), pa.float64()), np.zeros(len(values), np.bool_), unfit
        floats, valid = as_floats(values)
        there = ~np.isnan(floats) if valid is None else valid & ~np.isnan(floats)
        good = there & np.isfinite(floats)
        return _array(floats, good), good, there & ~good
    classes = Classes.of(values)
    codes = classes.codes(plan.classes)
    there, fits = codes >= 0, (codes >= 0) & (codes < len(plan.classes))
    if plan.task is Task.MULTICLASS:
        # A class that the reference never held is a label all the same; the summary counts it as such.
        texts = [text or "" for text in classes.texts]
        written = pa.array([*texts, None], pa.string()).take(from_integers(np.where(there, classes.index, len(texts)).astype(np.int64)))
        return written, there, np.zeros(len(values), np.bool_)
    written = pa.array([*plan.classes, None], pa.string()).take(from_integers(np.where(fits, codes, len(plan.classes)).astype(np.int64)))
    return written, fits, there & ~fits


def _latencies(values: pa.Array) -> NDArray[np.float64]:
    if not is_number(values.type):
        return np.full(len(values), np.nan)
    floats, valid = as_floats(values)
    return floats if valid is None else np.where(valid, floats, np.nan)


def _same(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(from_integers(np.zeros(count, np.int64)), from_texts([text])).dictionary_decode()


def _where(chosen: Mask, yes: pa.Array, no: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(from_flags(chosen), yes, no)
