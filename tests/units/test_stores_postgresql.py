"""What can go wrong with a server: one sentence with the place and the next step, and never a password."""

import os
import traceback
from datetime import UTC, datetime

import psycopg
import pytest

from driftline.core.errors import StoreError
from driftline.core.ledger import Delivery, RowKind
from driftline.stores import postgresql
from driftline.stores.open import open_store
from postgres import PASSWORD, started
from stored import open_one, refused

T0 = datetime(2026, 3, 28, tzinfo=UTC)


def delivery(sequence):
    return Delivery(sequence, RowKind.PREDICTIONS, f"sha-{sequence}", "file", T0, 1, 1)


def told(error):
    """All that a person may see of an error, with its causes."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (lambda server: server.address("nowhere"), "/nowhere: There is no such database in PostgreSQL. Make it with 'createdb'"),
        (lambda server: server.address(password=PASSWORD + "x"), "/postgres: PostgreSQL refuses the user or the password. Check both."),
        (lambda server: server.address(user="stranger"), "PostgreSQL refuses the user or the password"),
        (lambda server: f"postgresql://owner:{PASSWORD}@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x: PostgreSQL cannot be reached"),
        (lambda server: f"postgres://owner:{PASSWORD}@nowhere.invalid/x", "postgresql://nowhere.invalid/x: PostgreSQL cannot be reached"),
        (
            lambda server: f"postgresql:///x?host={server.folder}&port=1&password={PASSWORD}",
            "postgresql:///x: PostgreSQL cannot be reached",
        ),
        (lambda server: f"postgresql://owner:one@{PASSWORD}@127.0.0.1/x", "cannot be read. Write it as"),
        (lambda server: f"postgresql://owner:{PASSWORD}@127.0.0.1:port/x", "cannot be read. Write it as"),
        (lambda server: f"postgresql://owner:{PASSWORD}@127.0.0.1/x?connect_timeout=soon", "cannot be read. Write it as"),
    ],
)
def test_a_server_that_cannot_be_used(address, says):
    error = refused(address(started()))
    assert isinstance(error, StoreError)
    assert says in str(error)
    assert PASSWORD not in told(error)


def test_a_missing_store_is_not_made_in_a_database_for_reading():
    where = started().fresh()
    error = refused(where, create=False)
    assert "yet; ingest first" in str(error)
    assert PASSWORD not in told(error)
    with psycopg.connect(where) as connection:
        assert connection.execute("SELECT to_regnamespace('driftline')").fetchone() == (None,)


def test_other_tables_of_the_database_are_left_alone():
    where = started().fresh()
    with psycopg.connect(where) as connection:
        connection.execute("CREATE TABLE models (mine int)")
    with open_one(where) as store:
        store.accept("m", delivery(1))
    with psycopg.connect(where) as connection:
        assert connection.execute("SELECT * FROM models").fetchall() == []


def test_a_user_without_rights():
    server = started()
    where = server.fresh()
    server.run("DROP ROLE IF EXISTS reader")
    server.run(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    error = refused(where.replace("owner:", "reader:"))
    assert "does not let this user do that. Grant the user the schema 'driftline'" in str(error)
    assert PASSWORD not in told(error)
    server.run("CREATE SCHEMA driftline AUTHORIZATION reader", where.rpartition("/")[2])
    with open_one(where.replace("owner:", "reader:")) as store:
        store.accept("m", delivery(1))


def test_a_server_that_takes_no_writes():
    server = started()
    where = server.fresh()
    open_store(where).close()
    name = where.rpartition("/")[2]
    server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with open_one(where, create=False) as store:
        assert store.models() == []
        with pytest.raises(StoreError, match=r"it is read-only. Name the primary server."):
            store.accept("m", delivery(1))


def hang_up():
    """Ends the connections of this process, as a server does that is shut down."""
    started().run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'driftline {os.getpid()} %'")


def test_a_connection_that_breaks_is_replaced_by_the_next_call():
    with open_one(started().fresh()) as store:
        store.accept("m", delivery(1))
        hang_up()
        store.accept("m", delivery(2))
        with pytest.raises(StoreError, match=r"shut down meanwhile|the connection broke"), store._database.writing() as connection:  # noqa: PT012
            hang_up()
            connection.exec_driver_sql("SELECT 1")
        assert store.sequence("m") == 2


def test_a_model_that_is_locked_for_too_long(monkeypatch):
    monkeypatch.setattr(postgresql, "LOCKED", 100)
    where = started().fresh()
    with open_one(where) as store, psycopg.connect(where) as other:
        store.accept("m", delivery(1))
        other.execute("SELECT * FROM driftline.models FOR UPDATE")
        with pytest.raises(StoreError, match="locked by another process for too long"):
            store.accept("m", delivery(2))
        other.rollback()
        store.accept("m", delivery(2))


def test_options_of_the_address_are_kept():
    with open_one(started().fresh() + "?options=-c%20work_mem%3D5MB&connect_timeout=3") as store, store._database.reading() as connection:
        assert connection.exec_driver_sql("SHOW work_mem").scalar() == "5MB"
        assert connection.exec_driver_sql("SHOW search_path").scalar() == "driftline"
