"""Bad input to every command on a model over time: one sentence, exit code 2, and nothing half written; bad rows cost themselves only."""

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.overtime import open_model
from small_models import Label, Row, labels, predictions, reference_table

CONFIG = """
model: small
task: {type: binary, threshold: 0.5}
data: {predictions: p/*.parquet, labels: l/*.parquet, reference: ref.parquet}
columns: {id: id, time: time, prediction: out, label: label, version: version, latency: ms, error: failed, label_time: known}
labels: {matures_after: 2d, void: {void: ["yes"]}}
segments: [city]
windows: {base: 1d, widen_to: 1d}
"""
EVALUATING = [["performance"], ["drift"], ["predictions"], ["backfill", "--from", "2026-03-27"]]
READING = [["show"], ["query"], ["rejects"], ["report"], ["reference", "list"], ["store", "size"]]
TAKING = [["run"], ["ingest", "predictions"], ["ingest", "labels"]]
NAMES = ["\x1b[31mred", "=1+1", "two\nlines", "'\"", "x" * 10_000, "\u202eback"]
"""Texts that do something where they are printed."""


@pytest.fixture(scope="session")
def reference():
    return reference_table(rows=200)


@pytest.fixture
def small(tmp_path, monkeypatch, reference):
    """A folder with the configuration, a reference and one good file of each kind, and nothing taken yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for kind in ("p", "l"):
        (tmp_path / kind).mkdir()
    pq.write_table(predictions([Row(f"i{i}", i) for i in range(48)]), "p/0.parquet")
    pq.write_table(labels([Label(f"i{i}", i + 5, i) for i in range(48)]), "l/0.parquet")
    pq.write_table(reference, "ref.parquet")
    (tmp_path / "driftline.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def taken(small, run):
    """The same with both files taken."""
    assert [run("ingest", kind, "--quiet").code for kind in ("predictions", "labels")] == [0, 0]
    return small


def made(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def kept():
    """All that the store and the log count."""
    with open_model("driftline.yaml") as model:
        return model.store.sequence("small"), len(model.evaluations()), model.lake.size()


@pytest.mark.parametrize("command", [*EVALUATING, *READING, *TAKING], ids=" ".join)
def test_a_configuration_that_is_not_there_or_wrong(small, run, command):
    before = made(small)
    assert run(*command, "-c", "drift.yaml").failed("drift.yaml", "There is driftline.yaml")
    (small / "driftline.yaml").write_text(CONFIG.replace("windows:", "windos:"))
    assert run(*command).failed("driftline.yaml:8:1", "'windows'")
    (small / "driftline.yaml").write_text(CONFIG + "storage: {store: nofolder/driftline.db}\n")
    assert run(*command).failed("nofolder")
    assert made(small) == before


@pytest.mark.parametrize("command", EVALUATING, ids=" ".join)
def test_nothing_to_compare_with(small, run, command):
    assert run(*command).failed("no reference yet", "driftline reference set")


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_nothing_to_show_yet_is_no_error(small, run, command):
    ran = run(*command)
    assert (ran.code, ran.err) == (0, "")


def test_no_reference_is_named(small, run):
    (small / "driftline.yaml").write_text(CONFIG.replace(", reference: ref.parquet", ""))
    assert run("run").failed("no reference yet", "data.reference")
    assert run("ingest", "predictions").failed("no reference yet")
    assert kept() == (0, 0, kept()[2])


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("gone.parquet", None, "no such file"),
        ("empty.csv", b"", "holds no bytes"),
        ("bad.parquet", b"nonsense", "damaged"),
        ("rows.csv", b"id,time\n", "holds no rows"),
        ("notes.txt", b"hello", "no known format"),
    ],
)
@pytest.mark.parametrize("kind", ["predictions", "labels"])
def test_files_that_are_no_tables(taken, run, kind, name, data, words):
    if data is not None:
        (taken / name).write_bytes(data)
    before = kept()
    assert run("ingest", kind, name).failed(name, words)
    assert run("reference", "set", name, "--reason", "new").failed(name, words)
    assert kept() == before


def test_columns_that_are_missing(taken, run):
    """The nearest name is said, and nothing of the file is taken."""
    before = kept()
    rows, told = predictions([Row("a", 1)]), labels([Label("a", 2, 1)])
    for i, (kind, table, column, near) in enumerate(
        [("predictions", rows, name, f"{name}s") for name in ("id", "time", "version", "ms", "failed")]
        + [("labels", told, name, f"{name}s") for name in ("id", "label", "known", "void")]
    ):
        pq.write_table(table.rename_columns([near if name == column else name for name in table.column_names]), f"{i}.parquet")
        assert run("ingest", kind, f"{i}.parquet").failed(f"There is no column '{column}'", f"Did you mean '{near}'?")
    assert kept() == before


def changed(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table


@pytest.mark.parametrize("column", ["id", "time", "out", "city", "version"])
def test_a_column_of_lists(taken, run, column):
    before = kept()
    pq.write_table(changed(predictions([Row("a", 1)]), **{column: pa.array([[1, 2]])}), "lists.parquet")
    assert run("ingest", "predictions", "lists.parquet").failed(f"Column '{column}' holds list", "a single value")
    assert kept() == before


T = pa.timestamp("us", "UTC")
LONG_AGO = [datetime(1677, 9, 22), datetime(1678, 6, 1), datetime(1970, 1, 1), datetime(2026, 3, 28), datetime(2262, 4, 11), None]
ROWS = {
    "no identifier": ({"id": pa.array([None, "", "a", "b", "c", "d"])}, {"no identifier": 2}),
    "no identifier at all": ({"id": pa.nulls(6)}, {"no identifier": 6}),
    "the same identifier": ({"id": pa.array(["a"] * 6)}, {}),
    "long ago and far ahead": (
        {"time": pa.array(LONG_AGO, T)},
        {"event time in the future": 1, "no event time": 1, "no event time can be read": 1},
    ),
    "no times": ({"time": pa.array(range(6))}, {"no event time can be read": 6}),
    "beyond all years": ({"time": pa.array([10**17] * 6, T)}, {"no event time can be read": 6}),
    "texts of several kinds": (
        {"time": pa.array(["2026-03-28T01:00:00Z", "2026-03-28", "2026-03-28 04:00:00", "soon", None, "2026-02-30"])},
        {"no event time can be read": 2, "no event time": 1},
    ),
    "other types": (
        {"x": pa.array(["a"] * 6), "out": pa.array(["high"] * 6), "ms": pa.array(["slow"] * 6), "city": pa.array(range(6))},
        {},
    ),
    "impossible scores": ({"out": pa.array([float("nan"), float("inf"), -1.0, 2.0, None, 0.5])}, {}),
    "impossible latencies": ({"ms": pa.array([float("nan"), -1.0, 0.0, 1e300, None, 5.0])}, {}),
    "hostile texts": ({"id": pa.array(NAMES), "version": pa.array(NAMES), "city": pa.array(NAMES)}, {}),
    "identifiers of other types": ({"id": pa.array([1.5, 2, 3, 4, 5, None])}, {"no identifier": 1}),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_that_cannot_be_used_are_told_and_the_rest_is_taken(small, run, case):
    """Each has its row number and reason; all commands work afterwards, and print no codes that the rows brought."""
    columns, reasons = ROWS[case]
    pq.write_table(changed(predictions([Row(f"z{i}", 2 * i) for i in range(6)]), **columns), "p/0.parquet")
    ran = run("ingest", "predictions", "--json")
    assert (ran.code, ran.err) == (0, "")
    (told,) = json.loads(ran.out)
    assert told["rows"] == 6 == told["accepted"] + told["duplicates"] + told["contradictions"] + told["rejected"]
    assert {name.removeprefix("rejected: "): count for name, count in told.items() if name.startswith("rejected: ")} == reasons
    rejects = json.loads(run("rejects", "--json").out)
    assert len(rejects) == sum(reasons.values()) == told["rejected"]
    assert all(1 <= each["row"] <= 6 and each["source"] == "p/0.parquet" for each in rejects)
    ran = run("run", "--as-of", "2026-03-31", "--fail-on", "never")
    assert ran.code in (0, 3), ran
    for command in (["show"], ["query"], ["rejects"], ["report"]):
        ran = run(*command)
        assert (ran.code, ran.err) == (0, "")
        assert not {"\x1b", "\u202e"} & set(ran.out)


def test_rejected_rows_count_once(small, run):
    """A delivery of which no row can be used is kept in mind like any other: another such one is not taken for it."""
    for i, ids in enumerate(([None, None], ["", None])):
        pq.write_table(changed(predictions([Row("a", 1), Row("b", 2)]), id=pa.array(ids, pa.string())), f"p/{i}.parquet")
    pq.write_table(changed(predictions([Row("a", 1), Row("b", 2)]), id=pa.array([None, None], pa.string())), "p/2.parquet")
    told = json.loads(run("ingest", "predictions", "--json").out)
    assert [(each["rejected"], each["passed_over"]) for each in told] == [(2, False), (2, False), (0, True)]
    assert len(json.loads(run("rejects", "--json").out)) == 4


@pytest.mark.parametrize(
    ("columns", "reasons"),
    [
        ({"label": pa.array(["2", "maybe", "1", None])}, {"no class of the model": 2, "no label": 1}),
        ({"label": pa.array([0.0, 1.0, 0.5, float("nan")])}, {"no class of the model": 1, "no label": 1}),
        ({"label": pa.array([True, False, None, True])}, {"no label": 1}),
        ({"id": pa.array([None, "", "i1", "i1"])}, {"no identifier": 2}),
        ({"known": pa.array(["soon", None, "2999-01-01", "2026-03-28"])}, {"no event time can be read": 2}),
        ({"void": pa.array(["yes", None, "YES", "no"])}, {}),
        ({"label": pa.nulls(4), "void": pa.array(["yes"] * 4)}, {}),
    ],
)
def test_labels_that_cannot_be_used(taken, run, columns, reasons):
    pq.write_table(changed(labels([Label(f"i{i}", 30 + i, i) for i in range(4)]), **columns), "bad.parquet")
    (told,) = json.loads(run("ingest", "labels", "bad.parquet", "--json").out)
    assert {name.removeprefix("rejected: "): count for name, count in told.items() if name.startswith("rejected: ")} == reasons
    assert run("run", "--as-of", "2026-04-03", "--quiet", "--fail-on", "never").code in (0, 3)


@pytest.mark.parametrize("text", ["x", "", "2026-02-30", "now", "10000-01-01", "\x1b[31m", "2026-01-01T25:00"])
def test_times_that_are_none(taken, run, text):
    before = kept()
    for command in (["performance", "--as-of"], ["show", "--as-of"], ["ingest", "predictions", "--arrived"], ["backfill", "--from"]):
        assert run(*command, text).failed(command[-1], "is no time")
    for command in (["drift"], ["run"], ["show"], ["query"], ["report"]):
        assert run(*command, "--window", f"{text}/2026-03-28").failed("--window")
        assert run(*command, "--window", text).failed("--window")
        assert run(*command, "--window", "2026-03-28/2026-03-27").failed("ends before it begins")
    assert run("backfill", "--from", "2026-03-28", "--to", "2026-03-27").failed("ends before it begins")
    assert kept() == before


def test_times_far_away(taken, run):
    """Nothing there is no error, and costs nothing; but who asks for windows and gets none has no answer."""
    for code, command in ((0, ["performance", "--as-of", "0001-01-01"]), (3, ["drift", "--window", "0001-01-01/1900-01-02"])):
        ran = run(*command)
        assert (ran.code, ran.err) == (code, "")
        assert "nothing" in ran.out
    assert run("backfill", "--from", "1700-01-01", "--to", "2026-03-29", "--quiet", "--fail-on", "never").code in (0, 3)
    assert run("drift", "--as-of", "9999-12-31", "--quiet", "--fail-on", "never").code in (0, 3)


@pytest.mark.parametrize("last", ["0", "-1", "x", "1e3", "1000000000", "9" * 40])
def test_numbers_that_are_none(taken, run, last):
    for verb in ("rejects", "show", "report"):
        ran = run(verb, f"--last={last}")
        assert (ran.code, ran.out) == (2, "")
        assert "is no whole number from 1 to 1,000,000" in ran.err
    assert run("show", "--last", "1000000").code == 0


def test_references_that_cannot_be_set(taken, run):
    before = run("reference", "list").out
    assert run("reference", "set", "--reason", "x").failed("a table or a stretch of windows")
    assert run("reference", "set", "ref.parquet", "--from-windows", "2026-03-01/2026-03-02", "--reason", "x").failed("a table or a stretch")
    assert run("reference", "set", "--from-windows", "2025-03-01/2025-03-02", "--reason", "x").failed("has no rows from 2025-03-01")
    assert run("reference", "set", "p/0.parquet", "--reason", "x").failed("There is no column 'label'")
    assert run("reference", "set", "ref.parquet", "--reason", " ").failed("--reason")
    assert run("reference", "list").out == before
    assert run("reference", "set", "ref.parquet", "--reason", "why\x1b[2J\n", "--author", "\x1b[31m").code == 0
    assert not {"\x1b"} & set(run("reference", "list").out)
    assert run("reference", "list").out.count("\n") == 2


def test_files_that_cannot_be_written(taken, run):
    for command in (["query", "-o"], ["report", "--html"]):
        assert run(*command, "nofolder/out").failed("nofolder")
        assert run(*command, "driftline.yaml").failed("is to be written")
    assert run("query", "--format", "parquet").failed("not for a terminal")
    assert (taken / "driftline.yaml").read_text() == CONFIG


def test_options_between_files(small, run):
    """Files may stand after an option."""
    assert run("ingest", "predictions", "--quiet", "p/0.parquet").code == 0
    assert kept()[0] == 2
    ran = run("ingest", "labels", "--quiet", "l/0.parquet", "--nonsense")
    assert ran.code == 2
    assert "unrecognized arguments" in ran.err
