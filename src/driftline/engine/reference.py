"""From a table to a reference: fit the schema, count the rows, keep where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa

from driftline.core.errors import SchemaMismatch
from driftline.engine.spec import CompareSpec
from driftline.ports import Source
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.outcomes import plan_outcomes
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Schema, family
from driftline.profiles.segments import profile_by_segment
from driftline.profiles.tiling import Tiling
from driftline.profiles.times import nanoseconds
from driftline.profiles.windows import History, most_windows, window_length

Progress = Callable[[str, int, int | None], None]
"""Told what is being read, how many rows of it have been, and how many there are where that is known."""

DEFAULT_THRESHOLD = 0.5


def silent(what: str, done: int, total: int | None) -> None:
    """Progress that nobody sees."""


def make_reference(
    source: Source, spec: CompareSpec, columns: SchemaSpec, progress: Progress = silent, tiling: Tiling | None = None
) -> Reference:
    """The reference of a table. Reads it twice: once to fit the schema, once to count. Its history has the windows of `tiling`, where one
    is given and they are not too many, else windows of a length that fits the table."""
    names = [name for name in source.schema.names if name not in spec.ignore]
    if not names:
        raise SchemaMismatch("No column is left to compare", where=source.name, hint="Ignore fewer columns.")
    edge = DEFAULT_THRESHOLD if columns.threshold is None and columns.label else columns.threshold
    here = present(columns.but(threshold=edge), source.schema)
    table = pa.schema([source.schema.field(name) for name in names])
    texts = [field.name for field in table if family(field.type) == "text"]
    schema, sample = fit(table, watched(source.batches(names, texts), f"fitting {source.name}", source.rows, progress), here)
    if here.prediction and here.label:
        schema = with_outcomes(schema, sample, spec, here, source.name)
    history = history_for(schema, sample, source.name, tiling)
    batches = watched(source.batches(names, coded(schema)), f"counting {source.name}", source.rows, progress)
    profile, segments = profile_by_segment(recorded(batches, history), schema, table=source.name)
    windows = history.windows(schema) if history is not None else ()
    return Reference(schema, profile, replace(source.info(), rows=profile.rows), segments=segments, history=windows)


def present(columns: SchemaSpec, table: pa.Schema) -> SchemaSpec:
    """The spec without roles for columns that this table lacks."""
    gone = {role: None for role in ("prediction", "label", "time") if getattr(columns, role) not in table.names}
    return columns.but(**gone, segments=tuple(s for s in columns.segments if s in table.names))


def with_outcomes(schema: Schema, sample: pa.Table, spec: CompareSpec, columns: SchemaSpec, table: str) -> Schema:
    """The schema with the plan for its labelled rows."""
    assert columns.prediction is not None
    assert columns.label is not None
    plan = plan_outcomes(
        sample.column(columns.prediction),
        sample.column(columns.label),
        prediction_name=columns.prediction,
        label_name=columns.label,
        table=table,
        task=spec.task,
        threshold=spec.threshold,
        positive=spec.positive,
        score_columns=spec.scores or None,
    )
    return replace(schema, outcomes=plan)


def history_for(schema: Schema, sample: pa.Table, table: str, tiling: Tiling | None = None) -> History | None:
    """What cuts the rows into windows, where they have times."""
    if not schema.time:
        return None
    times = nanoseconds(sample.column(schema.time).combine_chunks(), column=schema.time, table=table, first_row=0)
    if not len(times):
        return None
    first, last = int(times.min()), int(times.max())
    if tiling is not None and (last - first) / tiling.length.total_seconds() / 1e9 <= most_windows(schema):
        return History(schema, 0, table=table, tiling=tiling)
    return History(schema, window_length(first, last), table=table)


def recorded(batches: Iterator[pa.RecordBatch], history: History | None) -> Iterator[pa.RecordBatch]:
    """The batches, each also counted by window."""
    for batch in batches:
        if history is not None:
            history.add(batch)
        yield batch


def coded(schema: Schema) -> list[str]:
    """The columns that are best read as codes of a dictionary."""
    return [column.name for column in schema.columns if column.is_levels]


def watched(batches: Iterator[pa.RecordBatch], what: str, total: int | None, progress: Progress) -> Iterator[pa.RecordBatch]:
    """The batches, each told to `progress`."""
    done = 0
    progress(what, 0, total)
    for batch in batches:
        yield batch
        done += len(batch)
        progress(what, done, total)
    progress(what, done, done)
