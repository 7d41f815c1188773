"""The references of a model: every one ever set, with who set it, when and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from driftline.core.ledger import StoredReference
from driftline.stores import tables as t
from driftline.stores.cells import key, micros, moment
from driftline.stores.database import Section, known, number_of, numbered
from driftline.stores.refusals import unknown


class References(Section):
    """The references of all models."""

    def add_reference(self, model: str, reference: StoredReference) -> None:
        database = self._database
        with database.writing() as connection:
            number = known(database, connection, model)
            count = numbered(connection, number, "reference_count", 1) + 1
            connection.execute(t.REFERENCES.insert(), _values(reference) | {"model": number, "number": count})

    def references(self, model: str) -> list[StoredReference]:
        r = t.REFERENCES.c
        columns = [column for column in t.REFERENCES.columns if column.name != "history"]
        with self._database.reading() as connection:
            mine = select(*columns).where(r.model == number_of(connection, model)).order_by(r.number)
            return [_reference(row) for row in connection.execute(mine)]

    def history(self, model: str, reference: str) -> bytes:
        r = t.REFERENCES.c
        with self._database.reading() as connection:
            mine = (r.model == number_of(connection, model), r.id_key == key(reference))
            found = connection.scalar(select(r.history).where(*mine).order_by(r.number.desc()).limit(1))
        if found is None:
            raise unknown(model, reference, where=self._database.where)
        return bytes(found)


def _values(reference: StoredReference) -> dict[str, Any]:
    return {
        "id_key": key(reference.id),
        "id": reference.id,
        "version": reference.version,
        "role": reference.role,
        "made_us": micros(reference.made),
        "author": reference.author,
        "reason": reference.reason,
        "source": reference.source,
        "rows": reference.rows,
        "data": reference.data,
        "learned": reference.learned,
        "history": reference.history,
    }


def _reference(row: Row[Any]) -> StoredReference:
    return StoredReference(
        id=row.id,
        version=row.version,
        role=row.role,
        made=moment(row.made_us),
        author=row.author,
        reason=row.reason,
        source=row.source,
        rows=row.rows,
        data=bytes(row.data),
        learned=bytes(row.learned),
        number=row.number,
    )
