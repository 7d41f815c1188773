"""Stores by their address, and what can go wrong in them: one sentence with the place and the next step."""

import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftline.core.errors import StoreError, UsageError
from driftline.core.ledger import Delivery, Evaluation, PartKind, RowKind, Step, StoredPart
from driftline.core.records import Window
from driftline.stores import locks, sqlite
from driftline.stores.memory import MemoryStore
from driftline.stores.open import open_store
from driftline.stores.sql import SqlStore
from stored import open_one, refused

T0 = datetime(2026, 3, 28, tzinfo=UTC)
WINDOW = Window(T0, T0 + timedelta(hours=1))
NOBODY = 65_534


def delivery(sequence):
    return Delivery(sequence, RowKind.PREDICTIONS, f"sha-{sequence}", "file", T0, 1, 1)


def part(size, name=1):
    return StoredPart(PartKind.ROWS, "s", "v", WINDOW, name, name, 1, os.urandom(size))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def filled(path):
    with open_one(path) as store:
        store.accept("m", delivery(1), parts=[part(200_000)], rows=[WINDOW])
        store.save("m", [Evaluation(Step.DRIFT, WINDOW, T0, T0, 1, "p", "r", ())])
    return path


# ------------------------------------------------------------------- addresses


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}"])
@pytest.mark.parametrize("name", ["store.db", "a b?mode=ro&x=1#y%20z.db", "指標'\".db", "sqlite:", "no-suffix"])
def test_a_path_is_a_file_of_that_name(tmp_path, form, name):
    with open_one(form.format(tmp_path / name)) as store:
        assert isinstance(store, SqlStore)
        store.accept("m", delivery(1))
    assert (tmp_path / name).stat().st_size > 0
    assert {file.name for file in tmp_path.iterdir()} == {name, f"{name}.locks"}


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for form in ("one.db", "sqlite:///two.db"):
        open_store(form).close()
    assert {file.name for file in tmp_path.glob("*.db")} == {"one.db", "two.db"}


def test_a_link_is_the_file_it_leads_to(tmp_path, path):
    (tmp_path / "link.db").symlink_to(path)
    with open_one(tmp_path / "link.db") as one, open_one(path) as other:
        one.accept("m", delivery(1))
        assert other.sequence("m") == 1
        with one.exclusive("m"), pytest.raises(StoreError, match="holds it"), other.exclusive("m", wait=0):
            pass


def test_memory():
    assert isinstance(open_store("memory:"), MemoryStore)


@pytest.mark.parametrize(
    "where", ["", "mysql://ann:secret@host/x", "sqlite://store.db", "sqlite:///", "x\0y", "http://ann:secret@host/", "s3://bucket/store.db"]
)
def test_other_addresses_are_refused(where):
    error = refused(where)
    assert isinstance(error, UsageError)
    assert "postgresql://USER:PASSWORD@HOST/DATABASE" in str(error)
    assert "secret" not in str(error)
    assert str(error).isprintable()


def test_without_sqlalchemy_it_says_what_to_install(path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("sqlalchemy", "driftline.stores."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert "pip install 'driftline[monitor]'" in str(refused(path))
    assert open_store("memory:").models() == []  # needs no database


def test_without_psycopg_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'driftline[postgres]'" in str(refused("postgresql://ann@host/x"))


# ---------------------------------------------------------------------- SQLite


def test_a_missing_store_is_not_made_for_reading(path):
    assert f"There is no store at '{path}' yet; ingest first." in str(refused(path, create=False))
    path.touch()  # what a crash at the very beginning leaves
    assert "yet; ingest first" in str(refused(path, create=False))
    assert list(path.parent.iterdir()) == [path]
    open_store(str(path)).close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (".", "A store is a file, and this is a folder. Name a file in it"),
        ("none/store.db", "There is no folder"),
        ("text.db", "it is no SQLite database. Name another file."),
        ("fifo", "this is a device or a pipe"),
        ("text.db/store.db", "There is no folder"),
        ("x" * 300, "file name too long"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_store(tmp_path, name, says, create):
    (tmp_path / "text.db").write_text("a,b\n1,2\n" * 200, encoding="ascii")
    os.mkfifo(tmp_path / "fifo")
    error = refused(tmp_path / name, create=create)
    assert isinstance(error, StoreError)
    assert says in str(error) or (not create and "There is no store at" in str(error))
    assert (tmp_path / "text.db").read_text(encoding="ascii").startswith("a,b\n")


@pytest.mark.parametrize("begin", [4096, 12_288, 40_960])
def test_a_damaged_file_is_an_error_not_an_answer(filled, begin):
    data = bytearray(filled.read_bytes())
    data[begin : begin + 4096 * 3] = b"\xa5" * 4096 * 3
    filled.write_bytes(data)
    with pytest.raises(StoreError) as caught, open_one(filled) as store:  # noqa: PT012 -- whichever touches the damage first
        store.parts("m", PartKind.ROWS, start=T0, end=WINDOW.end)
        store.evaluations("m")
        store.accept("m", delivery(2), parts=[part(10, 2)], rows=[WINDOW])
        store.deliveries("m")
        raise AssertionError("The damage was not noticed")
    assert str(caught.value).startswith(f"{filled}: ")
    assert ".recover" in str(caught.value)


def test_a_file_that_was_cut_off(filled):
    os.truncate(filled, filled.stat().st_size // 2)
    with pytest.raises(StoreError, match="The store is damaged"), open_one(filled) as store:
        store.parts("m", PartKind.ROWS, start=T0, end=WINDOW.end)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE parts SET kind = kind, end_us = start_us",  # a window that ends where it starts
        "UPDATE deliveries SET kind = 'features'",  # a word of a newer driftline
        "UPDATE deliveries SET counts = '{'",
        "UPDATE deliveries SET arrived_us = 1 << 62",  # the year 148,000
        "UPDATE evaluations SET step = 'drifting'",
    ],
)
def test_a_record_that_cannot_be_read(filled, change):
    with sqlite3.connect(filled) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(StoreError, match=r"holds a record that cannot be read. Update driftline"), open_one(filled) as store:  # noqa: PT012
        store.parts("m", PartKind.ROWS, start=T0, end=WINDOW.end)
        store.deliveries("m")
        store.evaluations("m")


def limited(monkeypatch, pages):
    """Connections to databases that may not grow any more: what a full disk is to SQLite."""
    connect = sqlite3.connect

    def small(*arguments, **more):
        connection = connect(*arguments, **more)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)


def test_a_full_disk_keeps_nothing_of_a_delivery_and_all_before(filled, monkeypatch):
    limited(monkeypatch, 120)
    with open_one(filled) as store:
        with pytest.raises(StoreError, match=r"the disk is full. Make room; nothing of this was kept, so do it again then"):
            store.accept("m", delivery(2), parts=[part(1_000_000, 2)], rows=[WINDOW])
        assert store.sequence("m") == 1
        assert [kept.name for kept in store.parts("m", PartKind.ROWS, start=T0, end=WINDOW.end)] == [1]
        store.accept("m", delivery(2), parts=[part(1000, 2)])  # a small one still fits
    with open_one(filled) as store:
        assert store.sequence("m") == 2


def test_a_full_disk_when_the_store_is_made(path, monkeypatch):
    limited(monkeypatch, 4)
    assert "the disk is full" in str(refused(path))
    monkeypatch.undo()
    open_store(str(path)).close()


def test_a_store_that_is_locked_for_too_long(filled, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY", 0.1)
    other = sqlite3.connect(filled, isolation_level=None)
    with open_one(filled) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked by another process for too long. Try again"):
            store.accept("m", delivery(2))
        assert store.sequence("m") == 1  # who reads does not wait
        other.execute("ROLLBACK")
        store.accept("m", delivery(2))
    other.close()


def test_a_writer_waits_for_the_other(filled):
    other = sqlite3.connect(filled, isolation_level=None, check_same_thread=False)
    with open_one(filled) as store:
        other.execute("BEGIN IMMEDIATE")
        later = threading.Timer(0.3, other.execute, ["COMMIT"])
        later.start()
        store.accept("m", delivery(2))
        later.join()
    other.close()


def test_a_store_that_is_taken_away_is_not_made_anew(filled):
    with open_one(filled) as store:
        store._database.engine.dispose()
        filled.unlink()
        with pytest.raises(StoreError, match="The store cannot be opened"):
            store.accept("m", delivery(2))
    assert not filled.exists()


@contextlib.contextmanager
def unprivileged():
    """As a user whom permissions bind; for root they do not exist."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def guarded(filled):
    """A store in a folder that any user can enter, and nobody but its owner could change."""
    folder = Path(tempfile.mkdtemp(prefix="driftline-guarded-"))
    yield shutil.copy(filled, folder / "store.db")
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_store_that_may_only_be_read(guarded):
    guarded.chmod(0o444)
    guarded.parent.chmod(0o555)
    with unprivileged():
        assert "read-only for this user" in str(refused(guarded))
        with open_one(guarded, create=False) as store:
            assert store.sequence("m") == 1
            assert len(store.parts("m", PartKind.ROWS, start=T0, end=WINDOW.end)) == 1
            assert store.size()["total"] > 200_000
            with pytest.raises(StoreError, match=r"read-only for this user. Give this user the right"):
                store.accept("m", delivery(2))
            with pytest.raises(StoreError, match="No lock can be taken on model 'm': permission denied"), store.exclusive("m"):
                pass


def test_a_folder_in_which_nothing_can_be_made(guarded):
    guarded.parent.chmod(0o555)
    with unprivileged():
        error = refused(guarded.with_name("other.db"))
    assert "permission denied" in str(error)
    assert "Check the path and its permissions." in str(error)


def test_a_store_that_may_not_be_read(guarded):
    guarded.parent.chmod(0o755)
    guarded.chmod(0o000)
    with unprivileged():
        assert "permission denied" in str(refused(guarded, create=False))


def test_a_lock_says_who_holds_it_where_that_is_known(path):
    lock = path.with_name("lock")
    with locks.file_lock(lock, what="it", where="here", wait=0):
        lock.write_text("no number", encoding="ascii")
        with (
            pytest.raises(StoreError, match="here: Waited 0 seconds for it, and another process holds it"),
            locks.file_lock(lock, what="it", where="here", wait=0),
        ):
            pass


def test_size_by_table(filled):
    with open_one(filled) as store:
        sizes = store.size()
    assert sizes["total"] == filled.stat().st_size
    assert sizes["per_window"] == sizes["total"]  # there is one window
    tables = {name: size for name, size in sizes.items() if name not in {"total", "per_window"}}
    assert sum(tables.values()) in {0, *range(sizes["total"] - 3 * 4096, sizes["total"] + 1)}  # none where SQLite cannot tell
