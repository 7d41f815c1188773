"""A database behind a store: transactions, who comes first, and what all queries share.

SQLite and PostgreSQL differ in their two files, which fill in what is abstract here, and nowhere else.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine, Table, select, update
from sqlalchemy.sql.dml import Insert

from driftline.stores import tables as t
from driftline.stores.cells import key
from driftline.stores.failures import speaking, understanding

Values = Mapping[str, Any]


class Database(ABC):
    """Connections to one database. `where` names it in messages, without its password."""

    where: str
    engine: Engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that writes nothing. What is read is made into records inside it. Raises `StoreError`."""
        with speaking(self.where), understanding(self.where), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is kept on leaving, or nothing. Raises `StoreError`."""
        with speaking(self.where), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """An insert that knows `on_conflict_do_update`."""

    @abstractmethod
    def exclusive(self, name: str, *, what: str, wait: float) -> AbstractContextManager[None]:
        """Only one holder of `name` at a time over all processes; a holder that dies lets go."""

    @abstractmethod
    def size(self, connection: Connection) -> dict[str, int]:
        """Bytes by table with its indexes, and of all in `total`."""

    def upsert(self, table: Table, keep: Sequence[str] = ()) -> Insert:
        """An insert that replaces the row with the same primary key, apart from the columns in `keep`."""
        statement = self.insert(table)
        primary = [column.name for column in table.primary_key]
        changed = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in {*primary, *keep}}
        upserted: Insert = statement.on_conflict_do_update(index_elements=primary, set_=changed)
        return upserted


class Section:
    """Some of the tables of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database


def number_of(connection: Connection, model: str) -> int | None:
    """The number of a model in this store, None where it does not know the model."""
    found: int | None = connection.scalar(select(t.MODELS.c.model).where(t.MODELS.c.name_key == key(model)))
    return found


def known(database: Database, connection: Connection, model: str) -> int:
    """The number of a model, which is made known where it was not. Its row is locked until the transaction ends."""
    values = {"name_key": key(model), "name": model, "sequence": 0, "evaluations": 0, "reference_count": 0}
    if (found := _locked(connection, model)) is not None:
        return found
    connection.execute(database.insert(t.MODELS).on_conflict_do_nothing(index_elements=["name_key"]), values)
    made = _locked(connection, model)
    assert made is not None
    return made


def _locked(connection: Connection, model: str) -> int | None:
    found: int | None = connection.scalar(select(t.MODELS.c.model).where(t.MODELS.c.name_key == key(model)).with_for_update())
    return found


def numbered(connection: Connection, model: int, counter: str, count: int) -> int:
    """Raises a counter of a locked model by `count`; what it was before."""
    column = t.MODELS.c[counter]
    before: int | None = connection.scalar(select(column).where(t.MODELS.c.model == model))
    assert before is not None
    connection.execute(update(t.MODELS).where(t.MODELS.c.model == model).values({counter: before + count}))
    return before


def counted(database: Database, connection: Connection, model: int, name: str, count: int) -> int:
    """Raises a counter of a locked model in the table `counters` by `count`; what it was before."""
    c = t.COUNTERS.c
    before: int = connection.scalar(select(c.last).where(c.model == model, c.name == name)) or 0
    connection.execute(database.upsert(t.COUNTERS), {"model": model, "name": name, "last": before + count})
    return before
