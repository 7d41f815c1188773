"""The row log as Delta tables on disk, which any engine can read; questions are answered by DuckDB over their files.

`predictions`, `labels` and `features` are folders below that of the model, made by the first rows. No process is asked for anything: what
is there is what the log of each table says when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from driftline.core.errors import LakeError
from driftline.core.ledger import RowKind
from driftline.lakes import queries, upkeep
from driftline.lakes.answers import Answers
from driftline.lakes.columns import TEXT, TableName, answered, day, declared, empty, texts
from driftline.lakes.failures import shown, using
from driftline.lakes.shelf import Shelf
from driftline.lakes.snapshot import Snapshot
from driftline.lakes.table import Table


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that a question may need: their columns, the SQL that reads them, and the tables in memory it names."""

    schema: pa.Schema
    sql: str
    beside: dict[str, pa.Table]


class DeltaLake:
    """The row log of one model below `folder`. `threads` and `memory` (a size as DuckDB writes it) bound what a question may use."""

    def __init__(self, folder: str, *, threads: int = 2, memory: str = "1GB") -> None:
        self.folder = _usable(os.path.abspath(folder))
        self._tables = {name: Table(os.path.join(self.folder, name), name) for name in TableName}
        self._shelves = {name: Shelf(table.folder) for name, table in self._tables.items()}
        self._answers = Answers(threads=threads, memory=memory)

    def append(self, kind: RowKind, rows: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds the rows of a delivery, all or none; on the disk when it returns. The same sequence again changes nothing."""
        self._add(TableName(kind), rows, sequence, arrived)

    def keep(self, features: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds rows of features."""
        self._add(TableName.FEATURES, features, sequence, arrived)

    def discard(self, *, after: int) -> int:
        """Removes the rows of deliveries above `after`; their number."""
        with using(self.folder):
            return sum(table.delete(f"sequence > {after}") for table in self._tables.values() if _reaches(table.now(), after))

    def known(self, ids: pa.Array, *, first: datetime, last: datetime, through: int) -> pa.Table:
        """The predictions with one of these identifiers on the days from `first` to `last`, in no order."""
        with using(self.folder):
            found = self._found(TableName.PREDICTIONS, through, day(first), day(last))
            sql = f"SELECT {_list(found.schema)} FROM {found.sql} WHERE {queries.asked(through)}"
            return self._answers.table(sql, found.schema, found.beside | _wanted(ids))

    def labels_of(self, ids: pa.Array, *, through: int) -> pa.Table:
        """The latest label of each of these identifiers that has one, in no order."""
        with using(self.folder):
            found = self._found(TableName.LABELS, through)
            latest = queries.latest(found.sql, found.schema, ids=queries.WANTED, through=through)
            schema = pa.schema([("id", TEXT), *answered(found.schema)])
            return self._answers.table(f"SELECT id, {queries.VERDICT} FROM {latest}", schema, found.beside | _wanted(ids))

    def times_of(self, ids: pa.Array, *, since: datetime | None, through: int) -> pa.Table:
        """`id` and `time` of the predictions with one of these identifiers, from the day of `since` on, in no order."""
        with using(self.folder):
            found = self._found(TableName.PREDICTIONS, through, None if since is None else day(since))
            sql = f"SELECT id, time FROM {found.sql} WHERE {queries.asked(through)}"
            schema = pa.schema([found.schema.field("id"), found.schema.field("time")])
            return self._answers.table(sql, schema, found.beside | _wanted(ids))

    def joined(self, *, start: datetime, end: datetime, through: int, as_of: datetime | None = None) -> Iterator[pa.RecordBatch]:
        """The predictions of [start, end) with their latest labels, in order of time, identifier and sequence."""
        with using(self.folder):
            made = self._found(TableName.PREDICTIONS, through, day(start), day(end - timedelta.resolution))
            told = self._found(TableName.LABELS, through, None, None if as_of is None else day(as_of))
            inside = f"sequence <= {through} AND time >= {queries.moment(start)} AND time < {queries.moment(end)}"
            ids = f"(SELECT id FROM {made.sql} WHERE {inside})"
            latest = queries.latest(told.sql, told.schema, ids=ids, through=through, as_of=as_of)
            sql = f"""SELECT {_list(made.schema, "p.")}, {queries.VERDICT} FROM (SELECT * FROM {made.sql} WHERE {inside}) p
                LEFT JOIN {latest} l ON p.id = l.id ORDER BY p.time, p.id, p.sequence"""
            yield from self._answers.batches(sql, pa.schema([*made.schema, *answered(told.schema)]), made.beside | told.beside)

    def waiting(self, *, since: datetime, through: int) -> tuple[int, int]:
        """Identifiers with labels known since then, and how many of them have no prediction."""
        with using(self.folder):
            told = self._found(TableName.LABELS, through, day(since))
            made = self._found(TableName.PREDICTIONS, through)
            sql = f"""WITH l AS (SELECT DISTINCT id FROM {told.sql} WHERE sequence <= {through} AND known >= {queries.moment(since)})
                SELECT (SELECT count(*) FROM l), count(*)
                FROM l ANTI JOIN (SELECT id FROM {made.sql} WHERE sequence <= {through}) p ON l.id = p.id"""
            ((labelled, orphans),) = self._answers.all(sql, made.beside | told.beside)
            return labelled, orphans

    def tidy(self, *, before: datetime) -> None:
        """Compacts the days before that of `before`, shortens the logs, removes files that nobody reads any more."""
        with using(self.folder):
            for table in self._tables.values():
                upkeep.compact(table, self._answers, before=before)
                upkeep.sweep(table, hours=upkeep.READERS)
                upkeep.shorten(table)

    def retain(self, *, predictions: datetime | None = None, features: datetime | None = None) -> int:
        """Removes rows with an event time before these moments, and the labels of predictions that go; their number."""
        gone = 0
        with using(self.folder):
            if features is not None:
                gone += upkeep.drop(self._tables[TableName.FEATURES], self._answers, f"time < {queries.moment(features)}")
            if predictions is not None:
                found = self._found(TableName.PREDICTIONS)
                old, new = (f"(SELECT id FROM {found.sql} WHERE time {sign} {queries.moment(predictions)})" for sign in ("<", ">="))
                # The labels go first: without their predictions nothing would tell them from labels that wait.
                gone += upkeep.drop(self._tables[TableName.LABELS], self._answers, f"id IN {old} AND id NOT IN {new}", found.beside)
                gone += upkeep.drop(self._tables[TableName.PREDICTIONS], self._answers, f"time < {queries.moment(predictions)}")
        return gone

    def erase(self, ids: Sequence[str]) -> int:
        """Removes all rows of these identifiers, and the files that held them; their number."""
        with using(self.folder):
            wanted = _wanted(pa.array(ids, TEXT))
            gone = sum(upkeep.drop(table, self._answers, queries.ASKED, wanted) for table in self._tables.values())
            for table in self._tables.values():
                upkeep.sweep(table, hours=0)
            return gone

    def size(self) -> Mapping[str, int]:
        """Bytes, rows and files by table."""
        facts: dict[str, int] = {}
        with using(self.folder):
            for name, table in self._tables.items():
                snapshot = table.now()
                files = list(snapshot.files.values()) if snapshot is not None else []
                facts |= {f"{name}.bytes": sum(file.bytes for file in files), f"{name}.rows": sum(file.rows for file in files)}
                facts[f"{name}.files"] = len(files)
        return facts

    def _add(self, name: TableName, rows: pa.Table, sequence: int, arrived: datetime) -> None:
        if not len(rows):
            return
        with using(self.folder):
            table = self._tables[name]
            typed = declared(name, rows, sequence=sequence, arrived=arrived, where=shown(table.folder))
            table.add(typed, sequence=sequence, has=lambda snapshot: self._has(table, snapshot, sequence))

    def _has(self, table: Table, snapshot: Snapshot, sequence: int) -> bool:
        """Whether the rows of this delivery are in the table: a delivery comes whole, so one row tells."""
        files = [file for file in snapshot.files.values() if file.low <= sequence <= file.high]
        if any(file.low == file.high for file in files):
            return True
        rows = queries.rows([table.path(file.path) for file in files], snapshot.schema)
        return bool(files) and bool(self._answers.all(f"SELECT 1 FROM {rows} WHERE sequence = {sequence} LIMIT 1"))

    def _found(self, name: TableName, through: int = queries.EVERYTHING, first: date | None = None, last: date | None = None) -> Found:
        """The rows of a table that may be of these days and deliveries."""
        table = self._tables[name]
        snapshot = table.now()
        if snapshot is None:
            return Found(empty(name), queries.rows([], empty(name)), {})
        small, files = self._shelves[name].parted(snapshot, snapshot.chosen(through=through, first=first, last=last))
        beside = {} if small is None else {f"small_{name}": small}
        sql = queries.rows([table.path(file.path) for file in files], snapshot.schema, next(iter(beside), None))
        return Found(snapshot.schema, sql, beside)


def _usable(folder: str) -> str:
    """The folder, unless its path has something in it that breaks the addresses which deltalake makes of paths."""
    for sign in folder:
        if sign in "#%?[\\]^|" or not (sign.isprintable() or sign.isspace()) or sign in "\t\n\r\v\f":
            hint = "Put it into a folder with a plainer name."
            raise LakeError(f"Delta tables cannot be below a folder with {sign!r} in its name", where=shown(folder), hint=hint)
    return folder


def _reaches(snapshot: Snapshot | None, after: int) -> bool:
    """Whether a table may have rows of deliveries above `after`."""
    return snapshot is not None and any(file.high > after for file in snapshot.files.values())


def _wanted(ids: pa.Array) -> dict[str, pa.Table]:
    return {queries.WANTED: texts(ids)}


def _list(schema: pa.Schema, of: str = "") -> str:
    return ", ".join(of + queries.name(column) for column in schema.names)
