"""SQLite: one file, in WAL mode, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event, text
from sqlalchemy.dialects.sqlite import insert

from driftline.core.errors import StoreError
from driftline.stores.cells import key, place
from driftline.stores.database import Database
from driftline.stores.failures import speaking
from driftline.stores.locks import file_lock

BUSY = 60.0  # seconds to wait for another writer; a write takes milliseconds


class SqliteDatabase(Database):
    """A database in a file. With `create` a missing one is made; without, one that cannot be written is opened to be read."""

    def __init__(self, path: str, *, create: bool) -> None:
        self.where = place(path)
        self.path = Path(os.path.realpath(path))  # a lock on a link would not be a lock on the file
        with speaking(self.where):
            mode = self._prepared(create=create)
        self.engine = _engine(self.path, mode)
        if self.path.stat().st_size == 0:  # the first connection makes it a database in WAL mode, which one process has to do alone
            with self.exclusive("tables", what="the tables of the store", wait=BUSY), self.reading():
                pass

    def insert(self, table: Table) -> Any:
        return insert(table)

    @contextlib.contextmanager
    def exclusive(self, name: str, *, what: str, wait: float) -> Iterator[None]:
        folder = self.path.with_name(self.path.name + ".locks")
        with file_lock(folder / key(name).hex(), what=what, where=self.where, wait=wait):
            yield

    def size(self, connection: Connection) -> dict[str, int]:
        pages, width = connection.scalar(text("PRAGMA page_count")), connection.scalar(text("PRAGMA page_size"))
        sizes = {"total": (pages or 0) * (width or 0)}
        if connection.scalar(text("SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")):
            of_tables = "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
            sizes |= {row[0]: row[1] for row in connection.execute(text(of_tables))}
        return sizes

    def _prepared(self, *, create: bool) -> str:
        """How the file is to be opened: rw, ro, or immutable where not even the files beside it can be made. Raises OSError."""
        if self.path.is_dir():
            raise StoreError("A store is a file, and this is a folder", where=self.where, hint="Name a file in it, such as driftline.db.")
        if self.path.exists() and not self.path.is_file():
            raise StoreError("A store is a file, and this is a device or a pipe", where=self.where, hint="Name a file.")
        if create:
            _make(self.path, self.where)
        elif not self.path.exists() or self.path.stat().st_size == 0:
            raise StoreError(f"There is no store at '{self.where}' yet; ingest first", hint="Or check the path.")
        with self.path.open("rb"):
            pass  # says at once whether it may be read at all
        if create or (_writable(self.path) and _writable(self.path.parent)):
            return "mode=rw"
        left_over = self.path.with_name(self.path.name + "-wal")
        beside = _writable(self.path.parent) or (left_over.exists() and left_over.stat().st_size > 0)
        return "mode=ro" if beside else "mode=ro&immutable=1"


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _make(path: Path, where: str) -> None:
    if not path.parent.is_dir():
        raise StoreError(f"There is no folder '{path.parent}' for the store", where=where, hint="Make it, or name another file.")
    if path.exists():
        return
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    if os.name == "posix":  # the name of the new file is on the disk as well, before anything in it is acknowledged
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _engine(path: Path, mode: str) -> Engine:
    address = f"{path.as_uri()}?{mode}"

    def connect() -> sqlite3.Connection:
        # Transactions are begun by us (isolation_level=None): the module would begin them too late, after what was read.
        connection = sqlite3.connect(address, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            if mode == "mode=rw":
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
