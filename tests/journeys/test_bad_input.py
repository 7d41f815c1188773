"""What is wrong with the input is said in one sentence with its place, the exit code is 2, and nothing is written."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import SMALL, fails

from driftline.sources import files as reading
from driftline.sources import parquet


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def parquet_bytes(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


GOOD_PARQUET = parquet_bytes(pa.table({"income": np.arange(5_000.0)}))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("t.parquet", GOOD_PARQUET[: len(GOOD_PARQUET) // 2], ["t.parquet", "damaged or cut off"]),
        ("t.parquet", b"PAR1" + b"\0" * 500 + b"PAR1", ["t.parquet", "damaged or cut off"]),
        ("t.csv.gz", gzip.compress(SMALL.encode())[:-30], ["t.csv.gz", "damaged or cut off"]),
        ("t.csv", b"a,b\n1,2\n3,4,5\n", ["t.csv"]),
        ("t.csv", b"", ["t.csv", "no bytes"]),
        ("t.parquet", b"", ["t.parquet", "no bytes"]),
        ("t.csv", b"income,city\n", ["t.csv", "holds no rows"]),
        ("t.csv", b"income,income\n1,2\n", ["t.csv", "'income'", "more than once"]),
        ("t.ndjson", b'{"income": 1}\n{"income": \n', ["t.ndjson"]),
        ("t.xlsx", b"PK\x03\x04", ["t.xlsx", "ending", ".parquet"]),
    ],
)
def test_files_that_cannot_be_read(run, folder, name, data, words):
    (folder / name).write_bytes(data)
    for pair in (("good.csv", name), (name, "good.csv")):
        fails(run, folder, "compare", *pair, words=words)
    fails(run, folder, "profile", name, "-o", "out.profile", words=words)


def test_paths_that_lead_nowhere(run, folder):
    (folder / "empty").mkdir()
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.md").write_text("no table")
    fails(run, folder, "compare", "good.csv", "god.csv", words=["god.csv", "no such file", "Did you mean 'good.csv'?"])
    fails(run, folder, "compare", "good.csv", "empty", words=["empty", "folder holds no table"])
    fails(run, folder, "compare", "good.csv", "notes", words=["notes", "folder holds no table"])
    fails(run, folder, "compare", "good.csv", "*.parquet", words=["*.parquet", "glob matches no table"])
    fails(run, folder, "compare", "good.csv", "s3://bucket/t.parquet", words=["address", "local files"])
    fails(run, folder, "compare", "", "good.csv", words=["no path"])


def test_tables_that_have_nothing_in_common(run, folder):
    (folder / "other.csv").write_text("x,y\n1,2\n")
    fails(run, folder, "compare", "good.csv", "other.csv", words=["other.csv", "none of the 4 columns", "It has x, y"])


@pytest.mark.parametrize(
    ("option", "near"),
    [
        (["--prediction", "scor"], "score"),
        (["--label", "labell"], "label"),
        (["--segment", "City"], "city"),
        (["--time", "incom"], "income"),
        (["--ignore", "incme"], "income"),
        (["--id", "citty"], "city"),
        (["--kind", "citi=categorical"], "city"),
        (["--importance", "icnome=0.3"], "income"),
        (["--score", "0=scoore"], "score"),
    ],
)
def test_unknown_columns_have_a_nearest_name(run, folder, option, near):
    wrong = option[1].partition("=")[0] if option[0] != "--score" else "scoore"
    fails(
        run,
        folder,
        "compare",
        "good.csv",
        "good.csv",
        *option,
        words=[f"There is no column '{wrong}'", f"Did you mean '{near}'?", "good.csv"],
    )
    if option[0] != "--importance":
        fails(run, folder, "profile", "good.csv", "-o", "out.profile", *option, words=[f"Did you mean '{near}'?"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--importance", "income"], ["--importance takes NAME=VALUE", "'income'"]),
        (["--importance", "=3"], ["--importance takes NAME=VALUE"]),
        (["--importance", "income=much"], ["--importance takes a number for 'income'", "'much'"]),
        (["--importance", "income=nan"], ["importance.income", "finite"]),
        (["--importance", "income=-1"], ["importance.income", "greater than or equal to 0"]),
        (["--tolerate", "roc_auc=lots"], ["--tolerate takes a number for 'roc_auc'"]),
        (["--tolerate", "rocauc=0.1"], ["There is no quality metric 'rocauc'", "Did you mean 'roc_auc'?"]),
        (["--tolerate", "roc_auc=-0.1"], ["tolerated", "above 0"]),
        (["--kind", "city=categorial"], ["There is no kind of column 'categorial'", "Did you mean 'categorical'?"]),
        (["--kind", "city=numeric"], ["Column 'city' holds string and cannot be summarised as numeric"]),
        (["--score", "1"], ["--score takes NAME=VALUE"]),
        (["--alpha", "0"], ["alpha", "greater than 0"]),
        (["--alpha", "0.7"], ["alpha", "less than 0.5"]),
        (["--alpha", "nan"], ["alpha", "finite"]),
        (["--threshold", "1.5"], ["threshold is between 0 and 1", "1.5"]),
        (["--threshold", "nan"], ["threshold", "finite"]),
        (["--positive", "7"], ["'label'", "never holds the positive class '7'", "It holds '0', '1'"]),
        (["--prediction", "label", "--label", "label"], ["Column 'label' cannot be the prediction and the label at once"]),
        (["--prediction", "score", "--ignore", "score"], ["Column 'score' cannot be the prediction and left out at once"]),
        (["--segment", "city", "--ignore", "city"], ["Column 'city' cannot be a segment and left out at once"]),
        (["--segment", "label", "--label", "label"], ["Column 'label' cannot be the label and a segment at once"]),
        (["--id", "city", "--segment", "city"], ["Column 'city' cannot be a segment and an identifier at once"]),
        (["--score", "1=score", "--ignore", "score"], ["Column 'score' cannot be"]),
        (["--ignore", "score", "--ignore", "label", "--threshold", "0.5"], ["A threshold needs predictions"]),
        (["--ignore", "label", "--positive", "1"], ["A positive class needs labels"]),
        (["--ignore", "label", "--task", "binary"], ["A task needs labels"]),
        (["--ignore", "label", "--tolerate", "roc_auc=0.1"], ["A tolerated loss needs labels"]),
        (["--task", "regression", "--threshold", "0.5"], ["threshold needs a binary task"]),
        ([word for name in ("income", "city", "score", "label") for word in ("--ignore", name)], ["No column is left to compare"]),
        (["--time", "income"], ["good.csv, row 1", "time column 'income' does not parse", "ISO 8601"]),
    ],
)
def test_options_that_do_not_fit(run, folder, options, words):
    fails(run, folder, "compare", "good.csv", "good.csv", *options, words=words)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["compare", "good.csv"], "the following arguments are required: CURRENT"),
        (["compare", "good.csv", "good.csv", "--fail-on", "panic"], "invalid choice: 'panic'"),
        (["compare", "good.csv", "good.csv", "--alpha", "much"], "invalid float value: 'much'"),
        (["compare", "good.csv", "good.csv", "--seg", "city"], "unrecognized arguments: --seg city"),
        (["profile", "good.csv"], "required: -o/--output"),
        (["compere", "good.csv", "good.csv"], "invalid choice: 'compere'"),
    ],
)
def test_a_command_line_that_is_none(run, folder, argv, words):
    ran = run(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert names_in(folder) == ["good.csv"]


def labelled(**columns):
    n = 200
    base = {"x": np.arange(n) / 7 % 5, "score": (np.arange(n) % 100) / 100, "label": np.arange(n) % 3 % 2, "at": ["2026-01-01"] * n}
    return pa.table({**base, **{name: pa.array(values) for name, values in columns.items()}})


def changed(values, position, value):
    values = list(values)
    values[position] = value
    return values


SCORES = ((np.arange(200) % 100) / 100).tolist()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"label": [1] * 200}, ["All 200 labels in column 'label'", "are '1'", "bad.parquet"]),
        ({"label": [None] * 199 + [1]}, ["labels in column 'label'", "'1'"]),
        ({"score": changed(SCORES, 7, float("nan"))}, ["NaN", "column 'score', row 8 of bad.parquet"]),
        ({"score": changed(SCORES, 11, 1.5)}, ["1.5", "column 'score', row 12 of bad.parquet", "outside [0, 1]"]),
        ({"at": ["2026-01-01"] * 3 + ["yesterday"] + ["2026-01-01"] * 196}, ["bad.parquet, row 4", "'at' does not parse", "'yesterday'"]),
        ({"at": [None, "2026-01-01", "noon"] + [None] * 197}, ["bad.parquet, row 3", "'noon'"]),
        ({"at": pa.array([253402300799] * 200, pa.timestamp("s"))}, ["bad.parquet, row 1", "9999-12-31 23:59:59", "1678 to 2261"]),
        ({"at": pa.array([2**31 - 1] * 200, pa.int32()).cast(pa.date32())}, ["row 1", "after the year 9999"]),
        ({"at": list(range(200))}, ["row 1", "'at' does not parse: it holds 0"]),
    ],
)
def test_values_that_fit_no_task_are_named_with_their_row(run, folder, columns, words):
    pq.write_table(labelled(), folder / "good.parquet")
    pq.write_table(labelled(**columns), folder / "bad.parquet")
    for pair in (("good.parquet", "bad.parquet"), ("bad.parquet", "good.parquet")):
        fails(run, folder, "compare", *pair, "--time", "at", words=words)


def test_a_label_that_only_the_current_table_has(run, folder):
    pq.write_table(labelled(), folder / "good.parquet")
    pq.write_table(labelled(label=np.arange(200) % 3), folder / "bad.parquet")
    fails(run, folder, "compare", "good.parquet", "bad.parquet", words=["The label '2' in column 'label', row 3 of bad.parquet"])


def test_a_change_of_type_is_a_finding_and_no_error(run, folder):
    (folder / "text.csv").write_text(SMALL.replace("\n4", "\nx4"))
    ran = run("compare", "good.csv", "text.csv", "--json", "-")
    income = next(column for column in json.loads(ran.out)["columns"] if column["name"] == "income")
    assert ran.code == 1
    assert (income["verdict"], income["measure"]) == ("faulty", "type_change")
    assert income["note"] == "was numbers (int64), is text (string); not compared"


def test_a_file_that_vanishes_between_opening_and_reading(run, folder, monkeypatch):
    pq.write_table(labelled(), folder / "good.parquet")
    pq.write_table(labelled(), folder / "gone.parquet")
    real = reading.FileSource.batches

    def batches(self, *arguments):
        Path("gone.parquet").unlink(missing_ok=True)
        return real(self, *arguments)

    monkeypatch.setattr(reading.FileSource, "batches", batches)
    ran = run("compare", "gone.parquet", "good.parquet", "--html", "out.html")
    assert ran.failed("gone.parquet", "no longer there")
    assert not Path("out.html").exists()


def test_a_file_that_is_cut_while_it_is_read(run, folder, monkeypatch):
    pq.write_table(pa.table({"x": np.random.default_rng(0).normal(size=200_000)}), folder / "big.parquet")
    real = parquet.ParquetFile.batches

    def batches(self, *arguments):
        for i, batch in enumerate(real(self, *arguments)):
            if i == 1:
                os.truncate("big.parquet", 1_000)
            yield batch

    monkeypatch.setattr(parquet.ParquetFile, "batches", batches)
    ran = run("compare", "big.parquet", "big.parquet", "--html", "out.html")
    assert ran.failed("big.parquet", "changed while it was being read")
    assert not Path("out.html").exists()


@pytest.mark.parametrize(
    ("option", "path", "words"),
    [
        ("--html", "nowhere/out.html", ["nowhere/out.html", "there is no folder 'nowhere'"]),
        ("--json", "nowhere/out.json", ["nowhere/out.json", "there is no folder 'nowhere'"]),
        ("--html", ".", ["it is a folder"]),
        ("--html", "", ["it is a folder"]),
        ("--html", "good.csv/out.html", ["there is no folder 'good.csv'"]),
        ("--html", "/dev/full", ["/dev/full", "no space left on device"]),
        ("--json", "/dev/full", ["/dev/full", "no space left on device"]),
        ("--json", "good.csv", ["'good.csv' is to be written, and is named for something else too"]),
    ],
)
def test_results_that_cannot_be_written(run, folder, option, path, words):
    assert run("compare", "good.csv", "good.csv", option, path).failed(*words)
    assert names_in(folder) == ["good.csv"]
    assert Path("good.csv").read_text() == SMALL


def test_one_name_for_both_results(run, folder):
    assert run("compare", "good.csv", "good.csv", "--html", "out", "--json", "./out").failed("'out' is to be written")
    assert run("compare", "good.csv", "good.csv", "--html", "/dev/null", "--json", "/dev/null", "--quiet").code in {0, 3}
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("kind", ["html", "json", "profile"])
def test_a_disk_that_fills_up_leaves_the_old_file(run, folder, monkeypatch, kind, step):
    """The write, the flush to the disk and the move into place: where any of them fails, what was there is still there."""
    target = folder / f"out.{kind}"
    target.write_text("as it was")

    def full(*_):
        raise OSError(28, "No space left on device")

    class Full:
        def __init__(self, handle, *_):
            self.handle = handle

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.handle)

        write = full

    if step == "write":
        monkeypatch.setattr("driftline.engine.files.os.fdopen", Full)
    elif step == "fsync":
        monkeypatch.setattr("driftline.engine.files.os.fsync", full)
    else:
        monkeypatch.setattr("driftline.engine.files.Path.replace", full)
    argv = ["profile", "good.csv", "-o", target] if kind == "profile" else ["compare", "good.csv", "good.csv", f"--{kind}", target]
    assert run(*argv).failed(f"out.{kind}", "no space left on device")
    assert target.read_text() == "as it was"
    assert names_in(folder) == ["good.csv", f"out.{kind}"]


def test_a_read_only_folder(run, folder, monkeypatch):
    (folder / "locked").mkdir(mode=0o555)
    real = os.access
    monkeypatch.setattr("os.access", lambda path, *rest: "locked" not in str(path) and real(path, *rest))  # root may write anywhere
    assert run("compare", "good.csv", "good.csv", "--html", "locked/out.html").failed("read-only for this user")
    assert run("profile", "good.csv", "-o", "locked/out.profile").failed("read-only for this user")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["r.json", "no such file"]),
        ("{", ["r.json", "no JSON"]),
        ("[" * 100_000, ["r.json", "no JSON"]),
        ("[]", ["r.json", "no result of format"]),
        ('{"format": "driftline.comparison/9"}', ["no result of format driftline.comparison/1"]),
        ('{"format": "driftline.comparison/1"}', ["do not fit together"]),
        ('{"format": "driftline.comparison/1", "columns": [{"name": "x"}]}', ["do not fit together"]),
        ('{"format": "driftline.comparison/1", "columns": [{"name": "xy"}]}', ["There is no column 'x'"]),
    ],
)
def test_results_that_explain_nothing(run, folder, text, words):
    if text is not None:
        (folder / "r.json").write_text(text)
    assert run("explain", "r.json", "x").failed(*words)


def test_json_on_the_standard_output_stays_empty_where_something_is_wrong(run, folder):
    assert run("compare", "good.csv", "god.csv", "--json", "-").failed("Did you mean 'good.csv'?")
    assert run("compare", "good.csv", "good.csv", "--json", "-", "--label", "lable").failed("Did you mean 'label'?")


def test_a_fault_of_ours_is_neither_fine_nor_an_alarm(run, folder, monkeypatch):
    monkeypatch.setattr("driftline.api.run", lambda *_, **__: 1 / 0)
    ran = run("compare", "good.csv", "good.csv")
    assert (ran.code, ran.out) == (2, "")
    assert "ZeroDivisionError" in ran.err
    assert ran.err.splitlines()[-1].startswith("driftline: this is a fault of driftline")


def test_too_little_memory(run, folder, monkeypatch):
    def none_left(*_, **__):
        raise MemoryError

    monkeypatch.setattr("driftline.api.run", none_left)
    assert run("compare", "good.csv", "good.csv").failed("not enough memory")
