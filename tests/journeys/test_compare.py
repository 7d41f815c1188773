"""Two tables in, a verdict out: every format, every output, every exit code."""

import json
import re
import subprocess
import sys

import pytest

import driftline

JSON = object()
COLUMN = {
    "name": str,
    "role": str,
    "kind": str,
    "verdict": str,
    "severity": str,
    "measure": str,
    "value": (float, None),
    "limit": (float, None),
    "n": int,
    "reference_n": int,
    "cause": str,
    "note": str,
    "evidence": str,
    "why_measure": str,
    "derivation": str,
    "importance": (float, None),
    "floor": (float, None),
    "smallest_visible": (float, None),
    "measures": [{"name": str, "value": float, "chance": float, "limit": float}],
    "findings": [
        {
            "kind": str,
            "measure": str,
            "value": (float, None),
            "limit": (float, None),
            "text": str,
            "crossed": bool,
            "fault": bool,
            "reference": (float, None),
            "p": (float, None),
            "alpha": (float, None),
        }
    ],
    "segments": [{"segment": str, "verdict": str, "n": int, "measure": str, "value": (float, None), "limit": (float, None), "note": str}],
    "chart": ({"labels": [str], "reference": [float], "current": [float]}, None),
}
QUALITY = {
    "metric": str,
    "verdict": str,
    "severity": str,
    "value": (float, None),
    "low": (float, None),
    "high": (float, None),
    "n": int,
    "reference": (float, None),
    "reference_low": (float, None),
    "reference_high": (float, None),
    "reference_n": int,
    "better": str,
    "note": str,
    "headline": bool,
    "segment": str,
    "label": str,
}
TABLE = {"name": str, "rows": int, "files": [str], "fingerprint": str, "bytes": int, "first_time": str, "last_time": str}
DOCUMENT = {
    "format": str,
    "verdict": str,
    "severity": str,
    "headline": str,
    "counts": {"columns": int, "stable": int, "drifted": int, "faulty": int, "insufficient": int, "new": int},
    "columns": [COLUMN],
    "quality": [QUALITY],
    "excluded": [{"name": str, "reason": str}],
    "notes": [str],
    "provenance": {
        "reference": TABLE,
        "current": TABLE,
        "schema_id": str,
        "created": str,
        "versions": {"driftline": str, "python": str, "numpy": str, "pyarrow": str},
        "options": JSON,
    },
    "task": str,
    "alpha": float,
}


def check(value, shape, place="document"):
    """The value has exactly the keys and the types of the shape."""
    if shape is JSON:
        return
    if isinstance(shape, tuple):
        if value is not None:
            check(value, shape[0], place)
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for item in value:
            check(item, shape[0], f"{place}[]")
    elif isinstance(shape, dict):
        assert list(value) == list(shape), place
        for key, inner in shape.items():
            check(value[key], inner, f"{place}.{key}")
    elif shape is float:
        assert type(value) in (int, float), place
    else:
        assert type(value) is shape, place


def verdicts(document):
    return {column["name"]: (column["verdict"], column["value"], column["note"]) for column in document["columns"]}


def timeless(document):
    return {**document, "provenance": {**document["provenance"], "created": ""}}


@pytest.mark.parametrize(
    ("current", "options", "code"),
    [
        ("quiet", [], 0),
        ("bad", [], 1),
        ("bad", ["--fail-on", "info"], 1),
        ("bad", ["--fail-on", "warning"], 1),
        ("bad", ["--fail-on", "critical"], 1),
        ("bad", ["--fail-on", "critical", "--ignore", "bureau"], 0),  # what is left has drifted, a warning
        ("bad", ["--fail-on", "never"], 0),
        ("quiet", ["--fail-on", "info"], 0),
        ("few", [], 3),
        ("few", ["--fail-on", "never"], 3),
    ],
)
def test_exit_codes(run, files, tables, scoring, current, options, code):
    table = scoring(25, 5) if current == "few" else tables[current]
    assert run("compare", files("train.parquet", tables["train"]), files("now.parquet", table), *options).code == code


def test_the_text_says_the_verdict_first_and_the_next_step_last(run, three):
    train, quiet, bad = three
    ran = run("compare", train, bad)
    lines = ran.out.splitlines()
    assert "bad.parquet (2,000 rows) vs train.parquet (6,000 rows)" in lines[0]
    assert "1 DATA PROBLEM" in "".join(lines[:2])
    assert re.search(r"DATA +bureau +missing", ran.out)
    assert re.search(r"DRIFT +income", ran.out)
    assert "city" not in ran.out
    assert "'score' is taken as the prediction" in ran.out
    assert lines[-1].startswith("more: ")
    assert len(lines) <= 25
    assert max(map(len, lines[:-1])) <= 100
    assert ran.err == ""
    assert "8 stable" in run("compare", train, quiet).out


def test_verbose_has_a_line_for_every_column_and_quiet_has_none(run, three, tables):
    train, quiet, bad = three
    text = run("compare", train, quiet, "--verbose").out
    assert all(re.search(rf"^  ok +{name}\b", text, re.MULTILINE) for name in tables["quiet"].column_names)
    ran = run("compare", train, bad, "--quiet", "--html", "r.html", "--json", "r.json")
    assert (ran.code, ran.out, ran.err) == (1, "", "")


def test_the_json_has_every_key_and_no_other(run, three):
    train, _, bad = three
    ran = run("compare", train, bad, "--segment", "channel", "--ignore", "id", "--json", "-")
    document = json.loads(ran.out)
    check(document, DOCUMENT)
    assert (ran.code, ran.err) == (1, "")
    assert document["format"] == "driftline.comparison/1"
    assert document["task"] == "binary"
    assert document["excluded"] == [{"name": "id", "reason": "ignored as asked"}]
    assert document["provenance"]["options"]["segments"] == ["channel"]
    assert sum(document["counts"][key] for key in ("stable", "drifted", "faulty", "insufficient")) == document["counts"]["columns"] == 7
    assert {name for name, (verdict, *_) in verdicts(document).items() if verdict != "stable"} >= {"bureau", "income", "score"}
    for column in document["columns"]:
        if column["chart"] is not None:
            assert sum(column["chart"]["reference"]) == pytest.approx(1)
            assert sum(column["chart"]["current"]) == pytest.approx(1)


def test_json_on_the_standard_output_is_all_there_is(run, three):
    train, _, bad = three
    for extra in ([], ["--quiet"], ["--verbose"], ["--html", "r.html"]):
        ran = run("compare", train, bad, "--json", "-", *extra)
        assert json.loads(ran.out)["verdict"] == "faulty"
        assert ran.err == ""


def test_the_same_inputs_give_the_same_json(run, three, tmp_path):
    train, _, bad = three
    texts = []
    for name in ("one.json", "two.json"):
        assert run("compare", train, bad, "--json", name, "--quiet").code == 1
        texts.append(re.sub(r'"created": "[^"]+"', "", (tmp_path / name).read_text()))
    assert texts[0] == texts[1]


def test_the_html_is_one_file_that_asks_for_nothing(run, three, tmp_path):
    train, _, bad = three
    ran = run("compare", train, bad, "--html", "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert ran.out.splitlines()[-1] == "report: report.html"
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert len(page) < 2_000_000
    assert all(name in page for name in ("bureau", "income", "score"))


@pytest.mark.parametrize("reference", ["r.parquet", "r.csv", "r.ndjson", "r.arrow"])
@pytest.mark.parametrize("current", ["c.parquet", "c.csv", "c.ndjson", "c.arrow"])
def test_any_two_formats_give_the_same_verdicts(run, files, scoring, reference, current):
    ran = run("compare", files(reference, scoring(1_500, 1)), files(current, scoring(900, 3, shift=0.8, missing=0.3)), "--json", "-")
    found = verdicts(json.loads(ran.out))
    assert ran.code == 1
    assert {name: verdict for name, (verdict, *_) in found.items() if verdict in {"faulty", "drifted"}} == {
        "bureau": "faulty",
        "income": "drifted",
        "score": "drifted",
        "label": "drifted",
    }


def test_folders_globs_and_mixed_formats_are_one_table(run, files, tables):
    whole = files("whole.parquet", tables["bad"])
    for i, name in enumerate(["parts/a.parquet", "parts/b.csv", "parts/deep/c.ndjson", "parts/d.arrow"]):
        files(name, tables["bad"].slice(i * 500, 500))
    train = files("train.parquet", tables["train"])
    expected, *others = (
        json.loads(run("compare", train, path, "--json", "-").out) for path in (whole, "parts", "parts/**", "parts/**/*.*")
    )
    assert len(others[0]["provenance"]["current"]["files"]) == 4
    for other in others:
        assert verdicts(other) == verdicts(expected)


def test_a_saved_reference_gives_the_verdicts_of_its_table(run, three):
    train, _, bad = three
    roles = ["--prediction", "score", "--label", "label", "--segment", "channel", "--threshold", "0.6"]
    ran = run("profile", train, "-o", "train.profile", *roles)
    assert ran.code == 0
    assert "saved: train.profile" in ran.out
    assert re.search(r"income +feature +numeric", ran.out)
    by_table = json.loads(run("compare", train, bad, *roles, "--json", "-").out)
    for again in (roles, []):
        by_profile = json.loads(run("compare", "train.profile", bad, *again, "--json", "-").out)
        for key in ("verdict", "severity", "headline", "counts", "columns", "quality", "task"):
            assert by_profile[key] == by_table[key], key
        assert by_profile["provenance"]["reference"] == by_table["provenance"]["reference"]


def test_explain_tells_where_a_limit_comes_from(run, three):
    train, _, bad = three
    run("compare", train, bad, "--json", "r.json")
    ran = run("explain", "r.json", "income")
    assert ran.code == 0
    assert "income (feature, numeric): drifted, severity warning" in ran.out
    assert "why this limit: " in ran.out
    assert re.search(r"^  psi +\d", ran.out, re.MULTILINE)


def frames(table):
    import duckdb
    import pandas as pd
    import polars as pl

    bound = table
    return {
        "pyarrow": table,
        "batch": table.combine_chunks().to_batches()[0],
        "dict": {name: table.column(name).to_pylist() for name in table.column_names},
        "pandas": table.to_pandas(),
        "polars": pl.from_arrow(table),
        "lazy": pl.DataFrame(pl.from_arrow(table)).lazy(),
        "duckdb": duckdb.sql("select * from bound"),
        "reader": bound.to_reader(),
        "pandas module": pd.DataFrame({name: table.column(name).to_pylist() for name in table.column_names}),
    }


def test_every_kind_of_table_gives_the_same_result_in_python(files, scoring):
    train, week = scoring(1_500, 1), scoring(600, 3, shift=0.8, missing=0.3)
    by_path = driftline.compare(files("train.parquet", train), files("week.parquet", week))
    expected = by_path.to_dict()
    for kind, frame in frames(week).items():
        result = driftline.compare(train, frame)
        assert result.to_dict()["columns"] == expected["columns"], kind
        assert result.to_dict()["quality"] == expected["quality"], kind
        assert result.comparison.provenance.current.rows == 600, kind


def test_python_without_the_command_line_gives_the_same_document(run, three):
    train, _, bad = three
    document = json.loads(run("compare", train, bad, "--segment", "city", "--importance", "income=0.5", "--json", "-").out)
    result = driftline.compare(train, bad, segments=["city"], importance={"income": 0.5})
    assert timeless(result.to_dict()) == timeless(document)


def test_the_command_as_a_process(shell, three):
    train, quiet, bad = three
    ran = shell("compare", train, bad)
    assert (ran.code, ran.err) == (1, "")
    assert "\x1b" not in ran.out
    assert shell("compare", train, quiet, env={"PYTHONIOENCODING": "ascii"}).code == 0
    assert re.fullmatch(r"driftline \d+\.\d+\.\d+\n", shell("--version").out)
    nothing = shell()
    assert nothing.code == 2
    assert "COMMAND" in nothing.out


def test_a_comparison_does_not_import_other_peoples_libraries(three, tmp_path):
    train, _, bad = three
    program = (
        "import sys, driftline; driftline.compare(sys.argv[1], sys.argv[2]).to_html();"
        "print(*sorted({'pandas', 'polars', 'duckdb', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, train, bad], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == ""
