"""Killed at any moment, twice at once, without room, without rights: what was acknowledged is counted once, and the next run goes on."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import pyarrow.parquet as pq
import pytest

from driftline.overtime import open_model
from small_models import HOUR, Label, Row, differences, found, labels, predictions, reference_table

KILLS = int(os.environ.get("DRIFTLINE_KILLS", "12"))
FILES, ROWS = 8, 30
AS_OF = "2026-04-08"
CONFIG = """
model: small
task: {type: binary, threshold: 0.5}
data: {predictions: p/*.parquet, labels: l/*.parquet, reference: ref.parquet}
columns: {id: id, time: time, prediction: out, label: label, version: version, latency: ms, error: failed, label_time: known}
labels: {matures_after: 4d, void: {void: ["yes"]}}
segments: [city]
windows: {base: 1d, timezone: Europe/Berlin, widen_to: 2d}
storage: {fold_after: 1d}
"""
LAGS = ("arrival_lag_p50", "arrival_lag_p95", "arrival_lag_max", "orphan_share")
"""How late rows came is what the clock says it was."""


def rows_of(i):
    """The predictions of one file, over a day and a half, so that files meet in windows."""
    return [Row(f"i{i}-{k}", 12 * i + 36 * k / ROWS) for k in range(ROWS)]


@pytest.fixture(scope="session")
def tables():
    """The reference and the tables of each kind."""
    made = [rows_of(i) for i in range(FILES)]
    told = [[Label(row.id, row.hour + 30, i + k) for k, row in enumerate(rows)] for i, rows in enumerate(made)]
    return reference_table(), [predictions(rows) for rows in made], [labels(rows) for rows in told]


@pytest.fixture
def living(tmp_path, tables):
    """`living(name)`: a folder with the configuration and files of a model."""
    reference, made, told = tables

    def folder(name):
        home = tmp_path / name
        for kind, lot in (("p", made), ("l", told)):
            (home / kind).mkdir(parents=True)
            for i, table in enumerate(lot):
                pq.write_table(table, home / kind / f"{i}.parquet")
        pq.write_table(reference, home / "ref.parquet")
        (home / "driftline.yaml").write_text(CONFIG)
        return home

    return folder


def facts(home):
    """The measurements that count, and how many rows were taken of each kind."""
    with open_model(home / "driftline.yaml") as model:
        deliveries = model.store.deliveries("small", last=10_000)
        taken = {kind: sum(d.accepted for d in deliveries if d.kind == kind) for kind in ("predictions", "labels")}
        size = {name: count for name, count in model.lake.size().items() if name.endswith(".rows")}
        return found(model), taken, size, sum(model.store.rows("small", start=START, end=END).values())


def finish(shell, home, *, code=None):
    """Everything is taken and evaluated, as of one moment."""
    ran = shell("run", "--quiet", "--as-of", AS_OF, "--fail-on", "never", cwd=home)
    assert ran.code in (0, 3), ran
    assert ran.err == ""
