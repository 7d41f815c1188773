"""PostgreSQL through psycopg 3: the same tables in the schema `driftline` of a database, for more than one machine."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

from sqlalchemy import URL, Connection, Table, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import ArgumentError, DBAPIError

from driftline.core.errors import StoreError
from driftline.stores.cells import key
from driftline.stores.database import Database
from driftline.stores.failures import speaking
from driftline.stores.locks import busy

SCHEMA = "driftline"
CONNECT = 10  # seconds
LONGEST = 2_000_000  # seconds: PostgreSQL counts up to 24 days
LOCKED = 60_000  # milliseconds to wait for another writer of the same model
_SPACE = 0x64726966  # half of the number of an advisory lock, so that we do not meet the locks of others: "drif"

_HOLDER = """
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = :space AND l.objid::bigint = :number AND l.objsubid = 2
"""


class PostgresqlDatabase(Database):
    """A database of a server. The schema is made by the first who writes."""

    def __init__(self, where: str) -> None:
        url = _url(where)
        self.where = f"postgresql://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"
        query = dict(url.query)
        given = query.pop("options", "")
        ours = f"-c search_path={SCHEMA} -c lock_timeout={LOCKED}"
        named = f"driftline {os.getpid()} on {socket.gethostname()}"
        self.engine = create_engine(
            url.set(query=query),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "options": f"{given if isinstance(given, str) else ' '.join(given)} {ours}".strip(),
                "connect_timeout": int(str(query.get("connect_timeout", CONNECT))),
                "application_name": named[:63],
            },
        )

    def insert(self, table: Table) -> Any:
        return insert(table)

    @contextlib.contextmanager
    def exclusive(self, name: str, *, what: str, wait: float) -> Iterator[None]:
        """A lock of a session of its own, which the server lets go of when the connection ends."""
        number = int.from_bytes(key(name)[:4], signed=True)
        with speaking(self.where):
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with speaking(self.where):
                connection.detach()  # closed at the end, never given back to the pool with a lock on it
                connection.exec_driver_sql(f"SET lock_timeout = {round(1000 * min(max(wait, 0.001), LONGEST))}")
                self._wait(connection, number, what=what, wait=wait)
            yield
        finally:
            with contextlib.suppress(DBAPIError):
                connection.close()

    def _wait(self, connection: Connection, number: int, *, what: str, wait: float) -> None:
        try:
            connection.execute(text("SELECT pg_advisory_lock(:space, :number)"), {"space": _SPACE, "number": number})
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != "55P03":
                raise
            holder = connection.scalar(
                text(_HOLDER),
                {"space": _SPACE, "number": number % (1 << 32)},
            )
            raise busy(what, where=self.where, holder=str(holder or ""), wait=wait) from None

    def size(self, connection: Connection) -> dict[str, int]:
        of_tables = (
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(:schema)"
        )
        sizes = {name: int(size) for name, size in connection.execute(text(of_tables), {"schema": SCHEMA})}
        return {**sizes, "total": sum(sizes.values())}


def _url(where: str) -> URL:
    """The address with its driver. Raises `StoreError`, which does not repeat it: there may be a password in it."""
    form = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for an @ in the password."
    try:
        url = make_url(where)
        int(str(url.query.get("connect_timeout", CONNECT)))
    except (ArgumentError, ValueError):
        raise StoreError("The address of the PostgreSQL store cannot be read", hint=form) from None
    if "@" in (url.host or "") or "@" in (url.database or ""):  # the rest of a password, which messages would show
        raise StoreError("The address of the PostgreSQL store cannot be read", hint=form)
    return url.set(drivername="postgresql+psycopg")
