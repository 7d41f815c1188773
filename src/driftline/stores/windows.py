"""The windows of a model: which deliveries changed them, and the parts they are the sum of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, func, select

from driftline.core.ledger import PartKind, StoredPart, Touched
from driftline.core.records import Window
from driftline.stores import tables as t
from driftline.stores.cells import key, micros, window
from driftline.stores.database import Database, Section, known, number_of
from driftline.stores.refusals import replaced


class Windows(Section):
    """The windows of all models."""

    def windows(self, model: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Touched]:
        w = t.WINDOWS.c
        with self._database.reading() as connection:
            mine = (w.model == number_of(connection, model), *between(w.start_us, start, end))
            columns = select(w.start_us, w.end_us, w.rows, w.labels).where(*mine).order_by(w.start_us, w.end_us)
            return [Touched(window(first, after), rows, labels) for first, after, rows, labels in connection.execute(columns)]

    def parts(self, model: str, kind: PartKind, *, start: datetime, end: datetime) -> list[StoredPart]:
        p = t.PARTS.c
        with self._database.reading() as connection:
            mine = (p.model == number_of(connection, model), p.kind == kind.value, *between(p.start_us, start, end))
            return sorted((_part(row) for row in connection.execute(select(t.PARTS).where(*mine))), key=in_order)

    def rows(self, model: str, *, start: datetime, end: datetime) -> dict[Window, int]:
        p = t.PARTS.c
        with self._database.reading() as connection:
            mine = (p.model == number_of(connection, model), p.kind == PartKind.ROWS.value, *between(p.start_us, start, end))
            sums = select(p.start_us, p.end_us, func.sum(p.rows)).where(*mine).group_by(p.start_us, p.end_us).order_by(p.start_us, p.end_us)
            return {window(first, after): int(rows) for first, after, rows in connection.execute(sums)}

    def marks(self, model: str, kind: PartKind) -> dict[Window, int]:
        p = t.PARTS.c
        with self._database.reading() as connection:
            mine = (p.model == number_of(connection, model), p.kind == kind.value)
            last = (
                select(p.start_us, p.end_us, func.max(p.through)).where(*mine).group_by(p.start_us, p.end_us).order_by(p.start_us, p.end_us)
            )
            return {window(first, after): through for first, after, through in connection.execute(last)}

    def put(self, model: str, parts: Sequence[StoredPart], *, instead_of: Sequence[StoredPart] = ()) -> None:
        if not parts and not instead_of:
            return
        database = self._database
        with database.writing() as connection:
            number = known(database, connection, model)
            for part in instead_of:
                if not _removed(connection, number, part):
                    raise replaced(model, part, where=database.where)
            keep_parts(database, connection, number, parts)


def keep_parts(database: Database, connection: Connection, model: int, parts: Sequence[StoredPart]) -> None:
    """Writes parts by name, each instead of the one with its name."""
    if parts:
        connection.execute(database.upsert(t.PARTS), [_values(model, part) for part in parts])


def in_order(part: StoredPart) -> tuple[Window, str, str, int]:
    """By time, schema, version and name."""
    return part.window, part.schema, part.version, part.name


def between(column: Column[int], start: datetime | None, end: datetime | None) -> Iterable[ColumnElement[bool]]:
    """The condition that a column of moments is in [start, end)."""
    if start is not None:
        yield column >= micros(start)
    if end is not None:
        yield column < micros(end)


def _name(model: int, part: StoredPart) -> dict[str, Any]:
    return {
        "model": model,
        "kind": part.kind.value,
        "start_us": micros(part.window.start),
        "end_us": micros(part.window.end),
        "schema_key": key(part.schema, part.version),
        "name": part.name,
    }


def _values(model: int, part: StoredPart) -> dict[str, Any]:
    rest = {"through": part.through, "rows": part.rows, "schema": part.schema, "version": part.version, "data": part.data}
    return _name(model, part) | rest


def _removed(connection: Connection, model: int, part: StoredPart) -> bool:
    named = _name(model, part) | {"through": part.through}
    same = [t.PARTS.c[column] == value for column, value in named.items()]
    return connection.execute(t.PARTS.delete().where(*same)).rowcount == 1


def _part(row: Row[Any]) -> StoredPart:
    return StoredPart(
        kind=PartKind(row.kind),
        schema=row.schema,
        version=row.version,
        window=window(row.start_us, row.end_us),
        name=row.name,
        through=row.through,
        rows=row.rows,
        data=bytes(row.data),
    )
