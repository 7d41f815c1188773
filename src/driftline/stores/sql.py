"""A store in a SQL database: SQLite on one machine, PostgreSQL beyond, by the same code."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from sqlalchemy import func, select

from driftline.stores import tables as t
from driftline.stores.alarms import Alarms
from driftline.stores.baselines import References
from driftline.stores.cells import shown
from driftline.stores.database import Database
from driftline.stores.deliveries import Deliveries
from driftline.stores.findings import Evaluations
from driftline.stores.migrations import migrate
from driftline.stores.outbox import Outbox
from driftline.stores.postgresql import PostgresqlDatabase
from driftline.stores.sqlite import SqliteDatabase
from driftline.stores.windows import Windows


class SqlStore(Deliveries, Windows, Evaluations, References, Alarms, Outbox):
    """The `Store` of a database. Usable from several threads; not over a fork. Raises `StoreError`."""

    def __init__(self, database: Database, *, create: bool = True) -> None:
        super().__init__(database)
        try:
            migrate(database, create=create)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        self._database.close()

    def models(self) -> list[str]:
        with self._database.reading() as connection:
            return sorted(connection.scalars(select(t.MODELS.c.name)))

    def exclusive(self, model: str, *, wait: float = 60.0) -> AbstractContextManager[None]:
        return self._database.exclusive(f"model {model}", what=f"model {shown(model)}", wait=wait)

    def size(self) -> Mapping[str, int]:
        """Bytes by table with its indexes, of all in `total`, and of all by window in `per_window`."""
        with self._database.reading() as connection:
            sizes = self._database.size(connection)
            windows = connection.scalar(select(func.count()).select_from(t.WINDOWS)) or 0
        return {**sizes, "per_window": round(sizes["total"] / windows)} if windows else sizes


def sqlite_store(path: str, *, create: bool) -> SqlStore:
    """The store in a file. Raises `StoreError`."""
    return SqlStore(SqliteDatabase(path, create=create), create=create)


def postgresql_store(where: str, *, create: bool) -> SqlStore:
    """The store in a database of a server. Raises `StoreError`."""
    return SqlStore(PostgresqlDatabase(where), create=create)
