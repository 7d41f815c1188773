"""A model over time with its store in PostgreSQL: every command, and the same numbers as with a file."""

import json

import pytest
from test_models_that_change import SMALL, changed, give, on, pets
from worlds import put

from driftline.overtime import open_model
from postgres import PASSWORD, started
from small_models import differences


def measurements(path):
    with open_model(path) as model:
        return {(e.step, e.window): tuple(e.measurements) for e in model.evaluations()}


@pytest.mark.slow
def test_a_model_in_postgresql(tmp_path, monkeypatch, run):
    """Reference, files, evaluation, reading, tidying and late rows; the password stands in the environment and is never printed."""
    address = started().fresh()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", address)
    put(tmp_path / "ref.parquet", pets(-30, 0, rows=200, labelled=True))
    (tmp_path / "driftline.yaml").write_text(SMALL + "storage: {store: $DATABASE_URL, fold_after: 1d}\n")
    (tmp_path / "file.yaml").write_text(SMALL + "storage: {store: file.db, lake: file.lake, fold_after: 1d}\n")
    for day in range(6):
        table, told = pets(day, day + 1, rows=200, shift=2.0 if day == 5 else 0.0)
        give(tmp_path, day, changed(table, age=None) if day == 4 else table, told)
    printed = []
    for config in ("driftline.yaml", "file.yaml"):
        ran = [
            run("config", "check", config),
            run("run", "--as-of", on(6), "-c", config),
            run("run", "--as-of", on(6), "-c", config),
            run("show", "-c", config),
            run("query", "--beyond", "-c", config),
            run("reference", "list", "-c", config),
            run("store", "size", "-c", config),
            run("store", "tidy", "-c", config),
            run("report", "--html", f"{config}.html", "-c", config),
        ]
        assert [each.code for each in ran] == [0, 1, 0, 0, 0, 0, 0, 0, 0], ran
        printed.append([ran[1].out.replace(config, ""), ran[4].out])
        assert not any(PASSWORD in each.out + each.err for each in ran)
        assert PASSWORD not in (tmp_path / f"{config}.html").read_text(encoding="utf-8")
    assert printed[0] == printed[1]
    assert differences(measurements("driftline.yaml"), measurements("file.yaml")) == []
    late, told = pets(0, 1, rows=50, seed=9)
    give(tmp_path, 50, late, told)
    for config in ("driftline.yaml", "file.yaml"):
        told = json.loads(run("ingest", "predictions", "--json", "-c", config).out)
        assert sum(each["accepted"] for each in told) == 50
        assert run("run", "--as-of", on(6), "-c", config).code in (0, 1)
    assert differences(measurements("driftline.yaml"), measurements("file.yaml")) == []
