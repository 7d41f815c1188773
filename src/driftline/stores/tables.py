"""The tables of a store, the same in SQLite and PostgreSQL.

`migrations.py` makes them; this page is what the queries speak of, and a test holds the two together. Columns that end in `_us` are
moments in microseconds since 1970, UTC; those that end in `_key` stand for a text that may be too long for an index.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from driftline.stores.cells import read, written

METADATA = MetaData()


class Words(TypeDecorator[str]):
    """Text that may hold anything a Python string may hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else read(value)


def _whole(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _words(name: str) -> Column[str]:
    return Column(name, Words, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


SCHEMA_VERSION = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False), _whole("applied_us"))
"""One row per step of `migrations.py` that was taken."""

MODELS = Table(
    "models",
    METADATA,
    Column("model", Integer, primary_key=True),
    _bytes("name_key"),
    _words("name"),
    _whole("sequence"),
    _whole("evaluations"),
    _whole("reference_count"),
    UniqueConstraint("name_key", name="models_name"),
)
"""A model and the last numbers given out: of its deliveries, its evaluations, its references. Whoever writes locks its row first."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    _whole("model"),
    _whole("sequence"),
    _words("kind"),
    _bytes("digest_key"),
    _words("digest"),
    _words("source"),
    _whole("arrived_us"),
    _whole("rows"),
    _whole("accepted"),
    _whole("duplicates"),
    _whole("contradictions"),
    _whole("rejected"),
    _words("counts"),
    _whole("first_us", null=True),
    _whole("last_us", null=True),
    PrimaryKeyConstraint("model", "sequence"),
    UniqueConstraint("model", "kind", "digest_key", name="deliveries_digest"),
)
"""`counts` is a JSON object."""

REJECTS = Table(
    "rejects",
    METADATA,
    _whole("model"),
    _whole("sequence"),
    _whole("place"),
    _words("source"),
    _whole("row_number"),
    _words("column_name"),
    _words("reason"),
    _words("value"),
    PrimaryKeyConstraint("model", "sequence", "place"),
)
"""`place` counts the rejects of one delivery from 0."""

WINDOWS = Table(
    "windows",
    METADATA,
    _whole("model"),
    _whole("start_us"),
    _whole("end_us"),
    _whole("rows"),
    _whole("labels"),
    PrimaryKeyConstraint("model", "start_us", "end_us"),
)
"""The last sequences that changed the rows and the labels of a window; 0 where none did."""

PARTS = Table(
    "parts",
    METADATA,
    _whole("model"),
    _words("kind"),
    _whole("start_us"),
    _whole("end_us"),
    _bytes("schema_key"),
    _whole("name"),
    _whole("through"),
    _whole("rows"),
    _words("schema"),
    _words("version"),
    _bytes("data"),
    PrimaryKeyConstraint("model", "kind", "start_us", "end_us", "schema_key", "name"),
    Index("parts_counts", "model", "kind", "start_us", "end_us", "rows", "through"),
)
"""`schema_key` stands for schema and version together. The index answers how many rows a window has, and up to which sequence, without
touching the data."""

EVALUATIONS = Table(
    "evaluations",
    METADATA,
    _whole("model"),
    _whole("number"),
    _words("step"),
    _whole("start_us"),
    _whole("end_us"),
    _whole("as_of_us"),
    _whole("made_us"),
    _whole("through"),
    _words("plan"),
    _words("reference"),
    _bytes("measurements"),
    PrimaryKeyConstraint("model", "number"),
    Index("evaluations_window", "model", "start_us", "end_us", "step", "number"),
)
"""Appended, never changed. `measurements` as `evaluations.py` writes them."""

LATEST = Table(
    "latest",
    METADATA,
    _whole("model"),
    _words("step"),
    _whole("start_us"),
    _whole("end_us"),
    _whole("number"),
    _whole("through"),
    _whole("as_of_us"),
    PrimaryKeyConstraint("model", "step", "start_us", "end_us"),
)
"""The evaluation that counts of each step and window, so that a window evaluated a hundred times costs as much as one evaluated once."""

REFERENCES = Table(
    "reference_log",
    METADATA,
    _whole("model"),
    _whole("number"),
    _bytes("id_key"),
    _words("id"),
    _words("version"),
    _words("role"),
    _whole("made_us"),
    _words("author"),
    _words("reason"),
    _words("source"),
    _whole("rows"),
    _bytes("data"),
    _bytes("learned"),
    _bytes("history"),
    PrimaryKeyConstraint("model", "number"),
    Index("reference_log_id", "model", "id_key", "number"),
)
"""All references ever set."""

COUNTERS = Table("counters", METADATA, _whole("model"), _words("name"), _whole("last"), PrimaryKeyConstraint("model", "name"))
"""The last numbers given out to a model beside those in `models`: of its `transitions`, and of its notices in the `outbox`."""

BOARDS = Table("boards", METADATA, _whole("model"), _whole("revision"), _bytes("data"), PrimaryKeyConstraint("model"))
"""What alerting remembers of a model. `data` is deflated JSON, as `plain.py` writes it; so are the texts `data` and `notice` below, but
not deflated."""

TRANSITIONS = Table(
    "transitions",
    METADATA,
    _whole("model"),
    _whole("number"),
    _words("fingerprint"),
    _whole("start_us"),
    _words("data"),
    PrimaryKeyConstraint("model", "number"),
    Index("transitions_alert", "model", "fingerprint", "start_us", "number"),
    Index("transitions_window", "model", "start_us", "number"),
)
"""Appended, never changed."""

INCIDENTS = Table(
    "incidents",
    METADATA,
    _whole("model"),
    _bytes("id_key"),
    _words("stage"),
    _whole("opened_us"),
    _words("data"),
    PrimaryKeyConstraint("model", "id_key"),
    Index("incidents_opened", "model", "opened_us", "id_key"),
    Index("incidents_stage", "model", "stage", "opened_us", "id_key"),
)
"""Replaced by their id."""

SILENCES = Table(
    "silences",
    METADATA,
    _whole("model"),
    _bytes("id_key"),
    _whole("starts_us"),
    _whole("ends_us"),
    _words("data"),
    PrimaryKeyConstraint("model", "id_key"),
)
"""Replaced by their id."""

OUTBOX = Table(
    "outbox",
    METADATA,
    _whole("model"),
    _whole("number"),
    _bytes("id_key"),
    _bytes("queue_key"),
    _words("channel"),
    _words("state"),
    _whole("due_us"),
    _whole("attempts"),
    _words("error"),
    _whole("settled_us", null=True),
    _words("notice"),
    PrimaryKeyConstraint("model", "number"),
    UniqueConstraint("model", "id_key", name="outbox_id"),
    Index("outbox_queue", "model", "state", "queue_key", "number"),
    Index("outbox_state", "model", "state", "number"),
)
"""`id_key` stands for the notice and its channel together, `queue_key` for its incident and channel: those of one queue wait for each
other. A notice without an incident has a queue of its own."""
