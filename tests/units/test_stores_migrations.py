"""The tables of a store: as the queries speak of them, from every version ever released, and found by an index."""

import importlib.util
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Integer, LargeBinary, UniqueConstraint, create_engine, event, inspect, text

from driftline.alerting.records import EMPTY, Board, Reaction, Sending, Stage
from driftline.core.errors import StoreError
from driftline.core.ledger import PartKind, RowKind, Step, Touched
from driftline.stores import migrations
from driftline.stores.open import open_store
from driftline.stores.sql import SqlStore
from driftline.stores.tables import METADATA
from postgres import started

GOLDEN = Path(__file__).parents[1] / "golden" / "store_1.db"
EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def golden():
    """What the golden file was made from."""
    spec = importlib.util.spec_from_file_location("make_store_1", GOLDEN.with_name("make_store_1.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path):
    return shutil.copy(GOLDEN, tmp_path / "store.db")


def test_a_store_of_version_1_is_read_for_ever(copy, golden):
    store = open_store(str(copy))
    assert store.models() == ["credit"]
    assert store.deliveries("credit") == [golden.LABELS, golden.PREDICTIONS]
    assert store.delivered("credit", RowKind.LABELS, "sha-2") == golden.LABELS
    assert store.windows("credit") == [Touched(golden.FIRST, 1, 2), Touched(golden.SECOND, 1, 0)]
    assert store.parts("credit", PartKind.ROWS, start=EARLY, end=LATE) == golden.PARTS
    assert store.parts("credit", PartKind.COHORT, start=EARLY, end=LATE) == [golden.COHORT]
    assert store.rows("credit", start=EARLY, end=LATE) == {golden.FIRST: 3}
    assert store.rejects("credit") == [golden.REJECT]
    assert store.rejected("credit") == {"no number": 1}
    assert store.evaluations("credit") == [golden.LATER]
    assert store.evaluations("credit", every=True) == [golden.EARLIER, golden.LATER]
    assert store.evaluated("credit", Step.DRIFT) == {golden.FIRST: (2, golden.START)}
    assert [reference.author for reference in store.references("credit")] == ["ann"]
    assert store.history("credit", "r1") == b"history"
    store.close()


def test_a_store_of_version_1_goes_on(copy, golden):
    """The numbers that were given out are known: the next ones follow."""
    store = open_store(str(copy))
    store.save("credit", [golden.EARLIER])
    store.add_reference("credit", golden.REFERENCE)
    assert [evaluation.number for evaluation in store.evaluations("credit")] == [3]
    assert [reference.number for reference in store.references("credit")] == [1, 2]
    assert store.sequence("credit") == 2
    store.close()


def test_in_a_store_of_version_1_nobody_was_alerted(copy):
    store = open_store(str(copy))
    assert store.board("credit") == EMPTY
    assert (store.transitions("credit"), store.incidents("credit"), store.silences("credit"), store.outgoing("credit")) == ([], [], [], [])
    store.react("credit", Reaction(Board(revision=1, number=2)))
    assert store.board("credit") == Board(revision=1, number=2)
    store.close()
    assert versions(copy) == [1, 2]


def another(connection):
    """A step as a later version might take it."""
    connection.exec_driver_sql("ALTER TABLE models ADD COLUMN owner TEXT NOT NULL DEFAULT ''")


def opened(where):
    store = open_store(str(where))
    assert isinstance(store, SqlStore)
    return store


def versions(path):
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute("SELECT version FROM schema_version ORDER BY version")]
    connection.close()
    return found


def test_an_older_store_is_brought_up_step_by_step(copy, golden, monkeypatch):
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, another))
    for _ in range(2):  # the second opening finds nothing to do
        store = open_store(str(copy), create=False)
        assert store.deliveries("credit") == [golden.LABELS, golden.PREDICTIONS]
        store.close()
    assert versions(copy) == [1, 2, 3]


def test_steps_are_taken_together_or_not_at_all(copy, monkeypatch):
    def broken(connection):
        connection.exec_driver_sql("ALTER TABLE models ADD COLUMN half TEXT")
        connection.exec_driver_sql("ALTER TABLE nowhere ADD COLUMN x TEXT")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, another, broken))
    with pytest.raises(StoreError):
        open_store(str(copy))
    assert versions(copy) == [1]
    monkeypatch.undo()
    store = open_store(str(copy))
    assert store.sequence("credit") == 2
    store.close()


def test_a_newer_store_is_refused(copy):
    connection = sqlite3.connect(copy)
    connection.execute("INSERT INTO schema_version VALUES (7, 0)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"The store has version 7, and this driftline knows versions up to 2. Update driftline."):
        open_store(str(copy))


def test_a_database_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id INTEGER)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to something else"):
        open_store(str(path))
    with sqlite3.connect(path) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["customers"]
    connection.close()
    assert len(path.read_bytes()) == len(before)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_steps_make_the_tables_that_the_queries_speak_of(kind, tmp_path):
    where = str(tmp_path / "store.db") if kind == "sqlite" else started().fresh()
    open_store(where).close()
    if kind == "sqlite":
        engine = create_engine(f"sqlite:///{where}")
    else:
        engine = create_engine(where.replace("postgresql:", "postgresql+psycopg:"), connect_args={"options": "-c search_path=driftline"})
    made = inspect(engine)
    assert set(made.get_table_names()) == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        columns = {column["name"]: column for column in made.get_columns(name)}
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
            kinds = [kind for kind in (BigInteger, Integer, LargeBinary) if isinstance(column.type, kind)]
            assert not kinds or isinstance(columns[column.name]["type"], kinds[0]), (name, column.name)
            assert columns[column.name]["nullable"] == column.nullable or column.primary_key, (name, column.name)
        assert made.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
        unique = {constraint["name"]: constraint["column_names"] for constraint in made.get_unique_constraints(name)}
        indexes = {index["name"]: index["column_names"] for index in made.get_indexes(name) if index["name"] not in unique}
        assert indexes == {index.name: [column.name for column in index.columns] for index in table.indexes}
        kept = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
        assert unique == {constraint.name: [column.name for column in constraint.columns] for constraint in kept}
    engine.dispose()


def test_the_tables_are_on_their_page():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "store.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.partition("\n## Tables\n")[2].splitlines() if line.startswith("| `")]
    documented = {name.strip("`"): re.findall(r"`(\w+)`", columns) for name, _, columns in rows}
    assert documented == {name: [column.name for column in table.columns] for name, table in METADATA.tables.items()}


def test_an_opened_store_acknowledges_nothing_before_it_is_on_the_disk(tmp_path):
    store = opened(tmp_path / "store.db")
    with store._database.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
    store.close()


READINGS = {
    "sequence": lambda store: store.sequence("credit"),
    "delivered": lambda store: store.delivered("credit", RowKind.LABELS, "sha-2"),
    "deliveries": lambda store: store.deliveries("credit"),
    "rejects": lambda store: store.rejects("credit"),
    "rejected": lambda store: store.rejected("credit"),
    "windows": lambda store: store.windows("credit"),
    "windows of a time": lambda store: store.windows("credit", start=EARLY, end=LATE),
    "parts": lambda store: store.parts("credit", PartKind.ROWS, start=EARLY, end=LATE),
    "rows": lambda store: store.rows("credit", start=EARLY, end=LATE),
    "marks": lambda store: store.marks("credit", PartKind.COHORT),
    "evaluations": lambda store: store.evaluations("credit"),
    "evaluations of a step": lambda store: store.evaluations("credit", Step.DRIFT, start=EARLY, end=LATE),
    "every evaluation": lambda store: store.evaluations("credit", every=True, start=EARLY, end=LATE),
    "evaluated": lambda store: store.evaluated("credit", Step.DRIFT),
    "references": lambda store: store.references("credit"),
    "history": lambda store: store.history("credit", "r1"),
    "evaluations after one": lambda store: store.evaluations_after("credit", 1),
    "board": lambda store: store.board("credit"),
    "transitions": lambda store: store.transitions("credit"),
    "transitions of an alert": lambda store: store.transitions("credit", fingerprint="0123456789abcdef", start=EARLY, end=LATE),
    "transitions of a time": lambda store: store.transitions("credit", start=EARLY, end=LATE),
    "incidents": lambda store: store.incidents("credit"),
    "incidents of a stage": lambda store: store.incidents("credit", stages=[Stage.OPEN]),
    "incident": lambda store: store.incident("credit", "inc_1"),
    "silences": lambda store: store.silences("credit", at=LATE),
    "outgoing": lambda store: store.outgoing("credit"),
    "outgoing of a state": lambda store: store.outgoing("credit", states=[Sending.HELD]),
    "due": lambda store: store.due("credit", now=LATE),
}
SORTED_BY_AN_INDEX = {
    "sequence",
    "delivered",
    "deliveries",
    "rejects",
    "windows",
    "windows of a time",
    "rows",
    "marks",
    "evaluated",
    "history",
    "evaluations after one",
    "board",
    "transitions",
    "incidents",
    "incidents of a stage",
    "incident",
    "outgoing",
    "outgoing of a state",
    "due",
}
WITHOUT_THE_TABLE = {"rows", "marks"}
BY_THIS_INDEX = {
    "transitions of an alert": "transitions_alert",
    "transitions of a time": "transitions_window",
    "incidents of a stage": "incidents_stage",
    "outgoing of a state": "outbox_state",
    "due": "outbox_queue",
}


@pytest.mark.parametrize("name", READINGS)
def test_what_is_read_is_found_by_an_index(copy, name):
    store = opened(copy)
    engine, asked = store._database.engine, []
    event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, parameters, *rest: asked.append((statement, parameters)))
    READINGS[name](store)
    queries = [(statement, parameters) for statement, parameters in asked if statement.startswith("SELECT")]
    assert queries
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all() for statement, parameters in queries]
    steps = [row[-1] for plan in plans for row in plan]
    assert [step for step in steps if re.match(r"SCAN\b", step)] == []
    if name in SORTED_BY_AN_INDEX:
        assert [step for step in steps if "TEMP B-TREE" in step] == []
    if name in WITHOUT_THE_TABLE:
        assert any("USING COVERING INDEX parts_counts" in step for step in steps)
    if name in BY_THIS_INDEX:
        assert any(f"INDEX {BY_THIS_INDEX[name]} " in step for step in steps), steps
    store.close()
