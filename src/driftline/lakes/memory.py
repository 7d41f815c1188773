"""The row log in memory: simple enough to be seen to be right, and so the measure of the other one. Nothing of it outlives the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from driftline.core.ledger import RowKind
from driftline.lakes.columns import CLOCK, SEQUENCE, TEXT, TableName, answered, day, declared, empty, utc, widened

WHERE = "memory"
BATCH_ROWS = 1 << 16

Row = dict[str, Any]


class MemoryLake:
    """The row log of one model as lists of rows."""

    def __init__(self) -> None:
        self._schemas = {name: empty(name) for name in TableName}
        self._rows: dict[TableName, list[Row]] = {name: [] for name in TableName}

    def append(self, kind: RowKind, rows: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds the rows of a delivery, all or none. The same sequence again changes nothing."""
        self._add(TableName(kind), rows, sequence, arrived)

    def keep(self, features: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds rows of features."""
        self._add(TableName.FEATURES, features, sequence, arrived)

    def discard(self, *, after: int) -> int:
        """Removes rows of deliveries above `after`; their number."""
        return sum(self._remove(name, lambda row: row[SEQUENCE] > after) for name in TableName)

    def known(self, ids: pa.Array, *, first: datetime, last: datetime, through: int) -> pa.Table:
        """The predictions with one of these identifiers on the days from `first` to `last`."""
        found = self._predictions(set(ids.to_pylist()), through, day(first), day(last))
        return pa.Table.from_pylist(found, schema=self._schemas[TableName.PREDICTIONS])

    def labels_of(self, ids: pa.Array, *, through: int) -> pa.Table:
        """The latest label of each of these identifiers that has one."""
        latest = self._latest(set(ids.to_pylist()), through, None)
        return pa.Table.from_pylist(list(latest.values()), schema=pa.schema([("id", TEXT), *self._answer()]))

    def times_of(self, ids: pa.Array, *, since: datetime | None, through: int) -> pa.Table:
        """`id` and `time` of the predictions with one of these identifiers, from the day of `since` on."""
        found = self._predictions(set(ids.to_pylist()), through, date.min if since is None else day(since))
        return pa.Table.from_pylist(found, schema=self._schemas[TableName.PREDICTIONS]).select(["id", "time"])

    def joined(self, *, start: datetime, end: datetime, through: int, as_of: datetime | None = None) -> Iterator[pa.RecordBatch]:
        """The predictions of [start, end) with their latest labels, in order of time, identifier and sequence."""
        rows = [row for row in self._visible(TableName.PREDICTIONS, through) if start <= row["time"] < end]
        rows.sort(key=lambda row: (row["time"], row["id"], row[SEQUENCE]))
        latest = self._latest({row["id"] for row in rows}, through, as_of)
        whole = [row | latest.get(row["id"], {"changes": 0}) for row in rows]
        schema = pa.schema([*self._schemas[TableName.PREDICTIONS], *self._answer()])
        yield from pa.Table.from_pylist(whole, schema=schema).to_batches(max_chunksize=BATCH_ROWS)

    def waiting(self, *, since: datetime, through: int) -> tuple[int, int]:
        """Identifiers with labels known since then, and how many of them have no prediction."""
        labelled = {row["id"] for row in self._visible(TableName.LABELS, through) if row["known"] >= utc(since)}
        return len(labelled), len(labelled - {row["id"] for row in self._visible(TableName.PREDICTIONS, through)})

    def tidy(self, *, before: datetime) -> None:
        """Nothing: there are no files."""

    def retain(self, *, predictions: datetime | None = None, features: datetime | None = None) -> int:
        """Removes rows with an event time before these moments, and the labels of predictions that go; their number."""
        gone = 0
        if features is not None:
            gone += self._remove(TableName.FEATURES, lambda row: row["time"] < features)
        if predictions is not None:
            stay = {row["id"] for row in self._rows[TableName.PREDICTIONS] if row["time"] >= predictions}
            go = {row["id"] for row in self._rows[TableName.PREDICTIONS]} - stay
            gone += self._remove(TableName.LABELS, lambda row: row["id"] in go)
            gone += self._remove(TableName.PREDICTIONS, lambda row: row["time"] < predictions)
        return gone

    def erase(self, ids: Sequence[str]) -> int:
        """Removes all rows of these identifiers; their number."""
        wanted = set(ids)
        return sum(self._remove(name, lambda row: row["id"] in wanted) for name in TableName)

    def size(self) -> Mapping[str, int]:
        """Bytes, as Arrow tables would take, and rows by table."""
        facts: dict[str, int] = {}
        for name, rows in self._rows.items():
            facts |= {f"{name}.bytes": pa.Table.from_pylist(rows, schema=self._schemas[name]).nbytes, f"{name}.rows": len(rows)}
            facts[f"{name}.files"] = 0
        return facts

    def _add(self, name: TableName, rows: pa.Table, sequence: int, arrived: datetime) -> None:
        if not len(rows):
            return
        typed = declared(name, rows, sequence=sequence, arrived=arrived, where=WHERE)
        if any(row[SEQUENCE] == sequence for row in self._rows[name]):
            return
        self._schemas[name] = widened(self._schemas[name], typed.schema, where=WHERE)
        self._rows[name] += typed.to_pylist()

    def _visible(self, name: TableName, through: int) -> list[Row]:
        return [row for row in self._rows[name] if row[SEQUENCE] <= through]

    def _predictions(self, ids: set[str], through: int, first: date, last: date = date.max) -> list[Row]:
        visible = self._visible(TableName.PREDICTIONS, through)
        return [row for row in visible if row["id"] in ids and first <= day(row[CLOCK[TableName.PREDICTIONS]]) <= last]

    def _answer(self) -> pa.Schema:
        return answered(self._schemas[TableName.LABELS])

    def _latest(self, ids: set[str], through: int, as_of: datetime | None) -> dict[str, Row]:
        """The latest label of each identifier, in the columns of `answered` and `id`."""
        history: dict[str, list[Row]] = {}
        for row in self._visible(TableName.LABELS, through):
            if row["id"] in ids and (as_of is None or row["known"] <= as_of):
                history.setdefault(row["id"], []).append(row)
        return {name: _verdict(rows) for name, rows in history.items()}

    def _remove(self, name: TableName, gone: Callable[[Row], bool]) -> int:
        before = len(self._rows[name])
        self._rows[name] = [row for row in self._rows[name] if not gone(row)]
        return before - len(self._rows[name])


def _verdict(rows: list[Row]) -> Row:
    """The latest of the labels of one identifier: the greatest (known, sequence), a value before a void, the greater value."""
    values = {(not row["void"], None if row["void"] else row.get("label")) for row in rows}
    newest = max((row["known"], row[SEQUENCE]) for row in rows)
    last = [row for row in rows if (row["known"], row[SEQUENCE]) == newest]
    valued = [row for row in last if not row["void"]]
    label = max(row["label"] for row in valued) if valued else None
    return {"id": rows[0]["id"], "label": label, "known": newest[0], "void": not valued, "changes": len(values) - 1}
