"""What was delivered to a model, and which rows were not taken."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from driftline.core.ledger import Delivery, Reject, RowKind, StoredPart
from driftline.core.records import Window
from driftline.stores import tables as t
from driftline.stores.cells import key, micros, moment
from driftline.stores.database import Section, known, number_of
from driftline.stores.refusals import known_content, not_next
from driftline.stores.windows import keep_parts


class Deliveries(Section):
    """The deliveries of all models with what came of them."""

    def sequence(self, model: str) -> int:
        with self._database.reading() as connection:
            return connection.scalar(select(t.MODELS.c.sequence).where(t.MODELS.c.name_key == key(model))) or 0

    def delivered(self, model: str, kind: RowKind, digest: str) -> Delivery | None:
        with self._database.reading() as connection:
            found = _delivered(connection, number_of(connection, model), kind, digest)
            return None if found is None else _delivery(found)

    def deliveries(self, model: str, *, last: int = 20) -> list[Delivery]:
        d = t.DELIVERIES
        with self._database.reading() as connection:
            mine = d.c.model == number_of(connection, model)
            return [_delivery(row) for row in connection.execute(select(d).where(mine).order_by(d.c.sequence.desc()).limit(last))]

    def accept(
        self,
        model: str,
        delivery: Delivery,
        *,
        parts: Sequence[StoredPart] = (),
        rejects: Sequence[Reject] = (),
        rows: Collection[Window] = (),
        labels: Collection[Window] = (),
    ) -> None:
        database = self._database
        with database.writing() as connection:
            number = known(database, connection, model)
            self._take(connection, model, number, delivery)
            connection.execute(t.DELIVERIES.insert(), _values(number, delivery))
            keep_parts(database, connection, number, parts)
            if rejects:
                connection.execute(t.REJECTS.insert(), [_reject_values(number, place, reject) for place, reject in enumerate(rejects)])
            for column, other, windows in (("rows", "labels", rows), ("labels", "rows", labels)):
                if windows:
                    touched = [_touch(number, window) | {column: delivery.sequence, other: 0} for window in dict.fromkeys(windows)]
                    connection.execute(database.upsert(t.WINDOWS, keep=[other]), touched)

    def _take(self, connection: Connection, model: str, number: int, delivery: Delivery) -> None:
        """Gives the delivery its number. Raises `StoreError` where that is not the next one, or the content is known."""
        where = self._database.where
        last = connection.scalar(select(t.MODELS.c.sequence).where(t.MODELS.c.model == number)) or 0
        if delivery.sequence != last + 1:
            raise not_next(model, delivery.sequence, last, where=where)
        if (before := _delivered(connection, number, delivery.kind, delivery.digest)) is not None:
            raise known_content(model, before.sequence, where=where)
        connection.execute(update(t.MODELS).where(t.MODELS.c.model == number).values(sequence=delivery.sequence))

    def rejects(self, model: str, *, last: int = 100) -> list[Reject]:
        r = t.REJECTS
        with self._database.reading() as connection:
            mine = select(r).where(r.c.model == number_of(connection, model))
            found = connection.execute(mine.order_by(r.c.sequence.desc(), r.c.place.desc()).limit(last)).all()
        return [Reject(row.sequence, row.source, row.row_number, row.column_name, row.reason, row.value) for row in found]

    def rejected(self, model: str) -> Mapping[str, int]:
        r = t.REJECTS
        with self._database.reading() as connection:
            mine = select(r.c.reason, func.count()).where(r.c.model == number_of(connection, model))
            found = connection.execute(mine.group_by(r.c.reason)).all()
        return {row[0]: row[1] for row in found}


def _delivered(connection: Connection, model: int | None, kind: RowKind, digest: str) -> Row[Any] | None:
    d = t.DELIVERIES
    return connection.execute(select(d).where(d.c.model == model, d.c.kind == kind.value, d.c.digest_key == key(digest))).first()


def _values(model: int, d: Delivery) -> dict[str, Any]:
    return {
        "model": model,
        "sequence": d.sequence,
        "kind": d.kind.value,
        "digest_key": key(d.digest),
        "digest": d.digest,
        "source": d.source,
        "arrived_us": micros(d.arrived),
        "rows": d.rows,
        "accepted": d.accepted,
        "duplicates": d.duplicates,
        "contradictions": d.contradictions,
        "rejected": d.rejected,
        "counts": json.dumps(dict(d.counts)),
        "first_us": None if d.first is None else micros(d.first),
        "last_us": None if d.last is None else micros(d.last),
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        sequence=row.sequence,
        kind=RowKind(row.kind),
        digest=row.digest,
        source=row.source,
        arrived=moment(row.arrived_us),
        rows=row.rows,
        accepted=row.accepted,
        duplicates=row.duplicates,
        contradictions=row.contradictions,
        rejected=row.rejected,
        counts=json.loads(row.counts),
        first=None if row.first_us is None else moment(row.first_us),
        last=None if row.last_us is None else moment(row.last_us),
    )


def _reject_values(model: int, place: int, r: Reject) -> dict[str, Any]:
    return {
        "model": model,
        "sequence": r.sequence,
        "place": place,
        "source": r.source,
        "row_number": r.row,
        "column_name": r.column,
        "reason": r.reason,
        "value": r.value,
    }


def _touch(model: int, window: Window) -> dict[str, Any]:
    return {"model": model, "start_us": micros(window.start), "end_us": micros(window.end)}
