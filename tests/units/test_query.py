"""Measurements as rows: chosen, typed, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import runpy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.core.errors import UnknownName, WriteError
from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.engine.query import SCHEMA, arrow_table, write_parquet
from driftline.report import text
from driftline.report.measurements import COLUMNS, Choice, csv_text, json_lines, json_text, rows_of, table_text

EXAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "timeline_example.py"))
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
WEEK = Window(START - timedelta(days=6), START + timedelta(days=1))
APP = Scope("m", "7", (("channel", "app"), ("region", "north")), WEEK)
MEASURED = (
    Measurement("psi", 0.31, Scope("m", window=DAY), 812, "income", limit=0.1, note="mean +1 sd; limit 0.1: a floor", beyond=True),
    Measurement("psi", 0.01, APP, 90, "age", limit=0.1, beyond=False),
    Measurement("mae", None, Scope("m"), 3, basis=Basis.MATURED, status=Status.INSUFFICIENT, note="3 rows"),
    Measurement("ratio", float("inf"), Scope("m"), 9),
)
ONE = Evaluation(Step.DRIFT, DAY, START, START + timedelta(hours=30), 4, "plan-1", "ref-1", MEASURED, 17)


def metrics(choice: Choice | None = None) -> list[tuple[str, str | None]]:
    return [(row["metric"], row["column"]) for row in rows_of([ONE], choice)]


ALL = [("psi", "income"), ("psi", "age"), ("mae", None), ("ratio", None)]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (Choice(), [0, 1, 2, 3]),
        (Choice(metrics=("psi",)), [0, 1]),
        (Choice(metrics=("psi", "mae")), [0, 1, 2]),
        (Choice(columns=("age",)), [1]),
        (Choice(steps=(Step.DRIFT,)), [0, 1, 2, 3]),
        (Choice(steps=(Step.PERFORMANCE,)), []),
        (Choice(segments=("all",)), [0, 2, 3]),
        (Choice(segments=("channel=app, region=north",)), [1]),
        (Choice(segments=("region",)), [1]),  # any level of a column
        (Choice(segments=("region", "all")), [0, 1, 2, 3]),
        (Choice(status=(Status.INSUFFICIENT,)), [2]),
        (Choice(basis=(Basis.MATURED,)), [2]),
        (Choice(beyond=True), [0]),
        (Choice(beyond=False), [1]),  # judged and fine, not what was never judged
        (Choice(metrics=("psi",), beyond=False, columns=("income",)), []),
    ],
)
def test_choosing(choice: Choice, kept: list[int]) -> None:
    assert metrics(choice) == [ALL[i] for i in kept]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(metrics=("pis",)), "There is no metric 'pis'. Did you mean 'psi'? Known: mae, psi, ratio."),
        (Choice(columns=("incme",)), "There is no column 'incme'. Did you mean 'income'? Known: age, income."),
        (Choice(segments=("chanel",)), "There is no segment 'chanel'. Did you mean 'channel'?"),
    ],
)
def test_a_slip_of_the_pen_is_an_error(choice: Choice, said: str) -> None:
    with pytest.raises(UnknownName) as caught:
        rows_of([ONE], choice)
    assert str(caught.value).startswith(said)
    assert rows_of([], choice) == []  # where there is nothing, nothing is known


def test_a_row_says_everything_in_a_fixed_order() -> None:
    first, second, *_ = rows_of([ONE])
    assert tuple(first) == COLUMNS == tuple(SCHEMA)
    assert first == {
        "model": "m",
        "step": "drift",
        "window_start": DAY.start,
        "window_end": DAY.end,
        "metric": "psi",
        "column": "income",
        "version": "",
        "segment": "",
        "basis": "observed",
        "value": 0.31,
        "low": None,
        "high": None,
        "limit": 0.1,
        "beyond": True,
        "status": "ok",
        "n": 812,
        "scope_start": DAY.start,
        "scope_end": DAY.end,
        "note": "mean +1 sd; limit 0.1: a floor",
        "as_of": START,
        "made": START + timedelta(hours=30),
        "plan": "plan-1",
        "reference": "ref-1",
        "number": 17,
    }
    assert (second["version"], second["segment"], second["scope_start"]) == ("7", "channel=app, region=north", WEEK.start)


@pytest.mark.parametrize("evaluations", [[], [ONE]])
def test_the_arrow_table_has_its_types_with_and_without_rows(evaluations: list[Evaluation]) -> None:
    table = arrow_table(rows_of(evaluations))
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == sum(len(e.measurements) for e in evaluations)
    assert {str(field.type) for field in table.schema} == {"string", "double", "bool", "int64", "timestamp[us, tz=UTC]"}
    assert table.schema.field("beyond").type == pa.bool_()


def test_parquet_holds_what_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "measurements.parquet"
    write_parquet(file, rows_of([ONE]))
    read = pq.read_table(file)
    assert read.to_pylist() == rows_of([ONE])
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(WriteError):
        write_parquet(tmp_path / "none" / "x.parquet", [])


def test_a_name_that_utf8_cannot_hold_is_escaped() -> None:
    odd = replace(ONE, measurements=(replace(MEASURED[0], column="a\ud800b"),))
    assert arrow_table(rows_of([odd]))["column"].to_pylist() == ["a\\ud800b"]
    assert "a\\ud800b" in csv_text(rows_of([odd]))
    csv_text(rows_of([odd])).encode()
    json_text(rows_of([odd])).encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_no_formula(start: str) -> None:
    """A spreadsheet runs a text that begins like this; a number may begin with a minus."""
    name = f"{start}cmd|' /C calc'!A0"
    odd = replace(ONE, measurements=(replace(MEASURED[0], column=name, note=name, value=-0.5, scope=Scope(name, name, ((name, name),))),))
    (row,) = csv.DictReader(io.StringIO(csv_text(rows_of([odd])), newline=""))
    assert [row[key] for key in ("model", "column", "version", "note")] == ["'" + name] * 4
    assert row["segment"] == f"'{name}={name}"
    assert row["value"] == "-0.5"


def test_csv_is_read_back() -> None:
    first, second, third, last = csv.DictReader(io.StringIO(csv_text(rows_of([ONE]))))
    assert (first["window_start"], first["beyond"], first["value"], first["low"]) == ("2026-01-01T00:00:00Z", "true", "0.31", "")
    assert (second["beyond"], third["value"], last["value"]) == ("false", "", "inf")


def test_json_is_strict_one_way_and_the_other() -> None:
    rows = rows_of([ONE])
    whole = json.loads(json_text(rows), parse_constant=pytest.fail)
    assert whole == [json.loads(line) for line in json_lines(rows).splitlines()]
    assert [row["value"] for row in whole] == [0.31, 0.01, None, None]  # JSON has no infinity
    assert list(whole[0]) == list(COLUMNS)
    assert json.loads(json_text([])) == []
    assert json_lines([]) == ""


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_table_is_aligned_and_shows_nothing_unseen(width: int, ascii_only: bool) -> None:
    shown = table_text(rows_of(EXAMPLE["hostile"]()), width=width, ascii_only=ascii_only)
    lines = shown.splitlines()
    assert len(lines) == 1 + sum(len(e.measurements) for e in EXAMPLE["hostile"]())
    starts = {
        text.width(line[: line.index(word)])
        for line, word in zip(lines, ["step", *[r["step"] for r in rows_of(EXAMPLE["hostile"]())]], strict=True)
    }
    assert len(starts) == 1
    assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E for char in shown.replace("\n", ""))
    assert shown.isascii() or not ascii_only


def test_the_table_without_rows_has_its_head() -> None:
    assert table_text([]).split()[:2] == ["window", "metric"]
