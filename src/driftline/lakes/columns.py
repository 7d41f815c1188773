"""The declared columns of the row log: which types it keeps, and how a delivery is brought to them.

Types are declared once and never change: text is a string, every number a float64, every time a UTC timestamp in microseconds. No engine
that reads the files ever has to guess, so none guesses differently from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from driftline.core.errors import LakeError

TEXT, NUMBER, TRUTH, COUNT, TIME, DAY = pa.string(), pa.float64(), pa.bool_(), pa.int64(), pa.timestamp("us", "UTC"), pa.date32()
"""The types of the log. `DAY` is that of dates, and of the column that tables are partitioned by."""

SEQUENCE, ARRIVED, PARTITION = "sequence", "arrived", "date"
"""What the log adds to every row: the number of its delivery, when that came, and (outside the files) the UTC day."""

ANSWER = pa.schema([("known", TIME), ("void", TRUTH), ("changes", COUNT)])
"""What a latest label says beside its value."""


class TableName(StrEnum):
    """The tables of a row log."""

    PREDICTIONS = "predictions"
    LABELS = "labels"
    FEATURES = "features"


REQUIRED: Mapping[TableName, pa.Schema] = {
    TableName.PREDICTIONS: pa.schema([("id", TEXT), ("time", TIME), ("version", TEXT), ("eligible", TRUTH)]),
    TableName.LABELS: pa.schema([("id", TEXT), ("known", TIME), ("void", TRUTH)]),
    TableName.FEATURES: pa.schema([("id", TEXT), ("time", TIME)]),
}
"""The columns that every delivery to a table has. The value of a label comes with the first label that has one."""

CLOCK: Mapping[TableName, str] = {TableName.PREDICTIONS: "time", TableName.LABELS: "known", TableName.FEATURES: "time"}
"""The column whose UTC day a table is partitioned by."""

_OURS = {SEQUENCE, ARRIVED, PARTITION}
_TAKEN: Mapping[TableName, set[str]] = {
    TableName.PREDICTIONS: _OURS | {"label", "known", "void", "changes"},
    TableName.LABELS: _OURS | {"changes"},
    TableName.FEATURES: _OURS,
}


def declared(name: TableName, rows: pa.Table, *, sequence: int, arrived: datetime, where: str) -> pa.Table:
    """The rows with the types of the log, `sequence` and `arrived` added, in order of their clock. A column without a type (all null) is
    left out. Raises `LakeError` for a column that is missing, named like one of the log's own, or of a type that it does not keep.
    """
    _check_names(name, rows.column_names, where)
    columns = {field.name: _typed(rows.column(field.name), field.name, where) for field in rows.schema if not pa.types.is_null(field.type)}
    for field in REQUIRED[name]:
        column = columns.get(field.name)
        if column is None or column.type != field.type:
            found = f"is {column.type}" if column is not None else "has no values" if field.name in rows.column_names else "is missing"
            raise LakeError(f"The column '{field.name}' of {name} {found}, and has to be {field.type}", where=where, hint="Map it anew.")
        if column.null_count:
            raise LakeError(f"The column '{field.name}' of {name} has empty cells", where=where, hint="Leave those rows out.")
    columns[SEQUENCE] = pa.repeat(pa.scalar(sequence, COUNT), len(rows))
    columns[ARRIVED] = pa.repeat(pa.scalar(arrived, TIME), len(rows))
    return _in_order(pa.table(columns), CLOCK[name])


def answered(labels: pa.Schema) -> pa.Schema:
    """The columns of a latest label, of a table of labels with these columns: without any value so far its type is null."""
    return pa.schema([pa.field("label", labels.field("label").type if "label" in labels.names else pa.null()), *ANSWER])


def empty(name: TableName) -> pa.Schema:
    """The columns of a table that nothing was ever added to."""
    return widened(REQUIRED[name], pa.schema([(SEQUENCE, COUNT), (ARRIVED, TIME)]), where="")


def widened(schema: pa.Schema, more: pa.Schema, *, where: str) -> pa.Schema:
    """`schema` with the columns of `more` that it does not have. Raises `LakeError` where a column has two types, or where two names
    differ only in case: most engines hold those for one."""
    folded = {field.name.lower(): field for field in schema}
    for field in more:
        known = folded.setdefault(field.name.lower(), field)
        if known.name != field.name:
            raise LakeError(f"The columns '{known.name}' and '{field.name}' differ only in case", where=where, hint="Rename one of them.")
        if known.type != field.type:
            raise LakeError(
                f"The column '{field.name}' is {field.type} in this delivery and {known.type} in the row log",
                where=where,
                hint="Deliver it with the type it has always had, or under another name.",
            )
    return pa.schema(list(folded.values()))


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly these columns; those it does not have are null."""
    return pa.Table.from_arrays([_fitted(table, field) for field in schema], schema=schema)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises `LakeError` for a time without a zone."""
    if moment.tzinfo is None:
        raise LakeError(f"A time without a time zone cannot be compared with the row log: {moment.isoformat()}", hint="Give it one.")
    return moment.astimezone(UTC)


def day(moment: datetime) -> date:
    """The UTC day of a moment."""
    return utc(moment).date()


def texts(ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Identifiers as a table with one column `id`, each once."""
    return pa.table({"id": pc.unique(ids.cast(TEXT)).drop_null()})


def _fitted(table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_null(field.type) or field.name not in table.column_names:
        return pa.nulls(len(table), field.type)
    return table.column(field.name).cast(field.type)


def _check_names(name: TableName, names: list[str], where: str) -> None:
    for column in names:
        if column.lower() in _TAKEN[name]:
            raise LakeError(f"The row log has a column '{column}' of its own", where=where, hint="Deliver yours under another name.")
    twice = {column for column in names if names.count(column) > 1}
    if twice:
        raise LakeError(f"Column names occur more than once: {', '.join(sorted(twice))}", where=where, hint="Rename them.")


def _typed(column: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    """A column with the type that the log has for its kind."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _typed(column.cast(kind.value_type), name, where)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_view(kind):
        return column.cast(TEXT)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(NUMBER, safe=False)
    if pa.types.is_boolean(kind) or kind == DAY:
        return column
    if pa.types.is_timestamp(kind):
        return (column if kind.tz else pc.assume_timezone(column, "UTC")).cast(TIME, safe=False)
    raise LakeError(f"The row log does not keep columns of type {kind}, and '{name}' is one", where=where, hint="Leave it out.")


def _is_view(kind: pa.DataType) -> bool:
    return bool(kind == pa.string_view())


def _in_order(table: pa.Table, clock: str) -> pa.Table:
    """The rows in order of time, so that a reader of one hour skips most of a day. Equal times keep their order."""
    times = table.column(clock).cast(COUNT).to_numpy()
    if len(times) < 2 or bool((times[1:] >= times[:-1]).all()):
        return table.combine_chunks()
    return table.take(pa.array(times.argsort(kind="stable"))).combine_chunks()
