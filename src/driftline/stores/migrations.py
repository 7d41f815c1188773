"""The tables of a store by numbered steps, taken in one transaction when a store is opened.

A step is never changed once it is released: a change of the tables is a new step, here and in `tables.py`. What driftline of a higher
number made is refused with a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, func, inspect, select, text

from driftline.core.errors import StoreError
from driftline.stores import tables as t
from driftline.stores.database import Database

Step = Callable[[Connection], None]
WAIT = 60.0  # seconds until another process has taken its steps

_FIRST = """
CREATE TABLE models (
    model INTEGER PRIMARY KEY {counted}, name_key {bytes} NOT NULL, name TEXT NOT NULL, sequence BIGINT NOT NULL,
    evaluations BIGINT NOT NULL, reference_count BIGINT NOT NULL,
    CONSTRAINT models_name UNIQUE (name_key));
CREATE TABLE deliveries (
    model BIGINT NOT NULL, sequence BIGINT NOT NULL, kind TEXT NOT NULL, digest_key {bytes} NOT NULL, digest TEXT NOT NULL,
    source TEXT NOT NULL, arrived_us BIGINT NOT NULL, rows BIGINT NOT NULL, accepted BIGINT NOT NULL, duplicates BIGINT NOT NULL,
    contradictions BIGINT NOT NULL, rejected BIGINT NOT NULL, counts TEXT NOT NULL, first_us BIGINT, last_us BIGINT,
    PRIMARY KEY (model, sequence), CONSTRAINT deliveries_digest UNIQUE (model, kind, digest_key));
CREATE TABLE rejects (
    model BIGINT NOT NULL, sequence BIGINT NOT NULL, place BIGINT NOT NULL, source TEXT NOT NULL, row_number BIGINT NOT NULL,
    column_name TEXT NOT NULL, reason TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model, sequence, place));
CREATE TABLE windows (
    model BIGINT NOT NULL, start_us BIGINT NOT NULL, end_us BIGINT NOT NULL, rows BIGINT NOT NULL, labels BIGINT NOT NULL,
    PRIMARY KEY (model, start_us, end_us));
CREATE TABLE parts (
    model BIGINT NOT NULL, kind TEXT NOT NULL, start_us BIGINT NOT NULL, end_us BIGINT NOT NULL, schema_key {bytes} NOT NULL,
    name BIGINT NOT NULL, through BIGINT NOT NULL, rows BIGINT NOT NULL, schema TEXT NOT NULL, version TEXT NOT NULL,
    data {bytes} NOT NULL,
    PRIMARY KEY (model, kind, start_us, end_us, schema_key, name));
CREATE INDEX parts_counts ON parts (model, kind, start_us, end_us, rows, through);
CREATE TABLE evaluations (
    model BIGINT NOT NULL, number BIGINT NOT NULL, step TEXT NOT NULL, start_us BIGINT NOT NULL, end_us BIGINT NOT NULL,
    as_of_us BIGINT NOT NULL, made_us BIGINT NOT NULL, through BIGINT NOT NULL, plan TEXT NOT NULL, reference TEXT NOT NULL,
    measurements {bytes} NOT NULL,
    PRIMARY KEY (model, number));
CREATE INDEX evaluations_window ON evaluations (model, start_us, end_us, step, number);
CREATE TABLE latest (
    model BIGINT NOT NULL, step TEXT NOT NULL, start_us BIGINT NOT NULL, end_us BIGINT NOT NULL, number BIGINT NOT NULL,
    through BIGINT NOT NULL, as_of_us BIGINT NOT NULL,
    PRIMARY KEY (model, step, start_us, end_us));
CREATE TABLE reference_log (
    model BIGINT NOT NULL, number BIGINT NOT NULL, id_key {bytes} NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, role TEXT NOT NULL,
    made_us BIGINT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, rows BIGINT NOT NULL,
    data {bytes} NOT NULL, learned {bytes} NOT NULL, history {bytes} NOT NULL,
    PRIMARY KEY (model, number));
CREATE INDEX reference_log_id ON reference_log (model, id_key, number)
"""

_SECOND = """
CREATE TABLE counters (
    model BIGINT NOT NULL, name TEXT NOT NULL, last BIGINT NOT NULL,
    PRIMARY KEY (model, name));
CREATE TABLE boards (
    model BIGINT NOT NULL, revision BIGINT NOT NULL, data {bytes} NOT NULL,
    PRIMARY KEY (model));
CREATE TABLE transitions (
    model BIGINT NOT NULL, number BIGINT NOT NULL, fingerprint TEXT NOT NULL, start_us BIGINT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (model, number));
CREATE INDEX transitions_alert ON transitions (model, fingerprint, start_us, number);
CREATE INDEX transitions_window ON transitions (model, start_us, number);
CREATE TABLE incidents (
    model BIGINT NOT NULL, id_key {bytes} NOT NULL, stage TEXT NOT NULL, opened_us BIGINT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (model, id_key));
CREATE INDEX incidents_opened ON incidents (model, opened_us, id_key);
CREATE INDEX incidents_stage ON incidents (model, stage, opened_us, id_key);
CREATE TABLE silences (
    model BIGINT NOT NULL, id_key {bytes} NOT NULL, starts_us BIGINT NOT NULL, ends_us BIGINT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (model, id_key));
CREATE TABLE outbox (
    model BIGINT NOT NULL, number BIGINT NOT NULL, id_key {bytes} NOT NULL, queue_key {bytes} NOT NULL, channel TEXT NOT NULL,
    state TEXT NOT NULL, due_us BIGINT NOT NULL, attempts BIGINT NOT NULL, error TEXT NOT NULL, settled_us BIGINT, notice TEXT NOT NULL,
    PRIMARY KEY (model, number), CONSTRAINT outbox_id UNIQUE (model, id_key));
CREATE INDEX outbox_queue ON outbox (model, state, queue_key, number);
CREATE INDEX outbox_state ON outbox (model, state, number)
"""


def _first(connection: Connection) -> None:
    """The tables of version 1."""
    _made(connection, _FIRST)


def _second(connection: Connection) -> None:
    """The tables of alerting."""
    _made(connection, _SECOND)


def _made(connection: Connection, statements: str) -> None:
    postgresql = connection.dialect.name == "postgresql"
    words = {"bytes": "BYTEA", "counted": "GENERATED BY DEFAULT AS IDENTITY"} if postgresql else {"bytes": "BLOB", "counted": ""}
    for statement in statements.format(**words).split(";"):
        connection.exec_driver_sql(statement)


STEPS: tuple[Step, ...] = (_first, _second)


def migrate(database: Database, *, create: bool) -> None:
    """Brings the tables to the newest version. Raises `StoreError` for a newer one, and without `create` for none at all."""
    with database.reading() as connection:
        version = _version(connection, database)
    if version == 0 and not create:
        raise StoreError(f"There is no store at '{database.where}' yet; ingest first", hint="Or check its name.")
    if version == len(STEPS):
        return
    with database.exclusive("tables", what="the tables of the store", wait=WAIT), database.writing() as connection:
        if connection.dialect.name == "postgresql" and connection.scalar(text("SELECT to_regnamespace('driftline')")) is None:
            connection.exec_driver_sql("CREATE SCHEMA driftline")  # a user who may not make one can be given one
        if _version(connection, database) == 0:
            connection.exec_driver_sql("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_us BIGINT NOT NULL)")
        for number in range(_version(connection, database) + 1, len(STEPS) + 1):
            STEPS[number - 1](connection)
            connection.execute(t.SCHEMA_VERSION.insert(), {"version": number, "applied_us": time.time_ns() // 1000})


def _version(connection: Connection, database: Database) -> int:
    """The version of the tables, 0 where there are none. Raises `StoreError` for a newer one and for a database of something else."""
    names = set(inspect(connection).get_table_names())
    if t.SCHEMA_VERSION.name not in names:
        if names:
            raise StoreError("The database belongs to something else: it has other tables", where=database.where, hint="Name another one.")
        return 0
    version = connection.scalar(select(func.max(t.SCHEMA_VERSION.c.version))) or 0
    if version > len(STEPS):
        raise StoreError(
            f"The store has version {version}, and this driftline knows versions up to {len(STEPS)}",
            where=database.where,
            hint="Update driftline.",
        )
    return version
