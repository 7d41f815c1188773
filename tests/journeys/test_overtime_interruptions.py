"""Killed at any moment, twice at once, without room, without rights: what was acknowledged is counted once, and the next run goes on."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from driftline.overtime import open_model
from small_models import HOUR, START, Label, Row, differences, found, labels, predictions, reference_table

KILLS = int(os.environ.get("DRIFTLINE_KILLS", "12"))
FILES, ROWS = 5, 24
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
LAGS = ("arrival_lag_p95", "orphan_share")
"""How late rows came is what the clock says it was."""


_KNOWN: list = []


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
    """The measurements that count, the rows that were taken and are kept of each kind, and those that are counted in windows."""
    with open_model(home / "driftline.yaml") as model:
        deliveries = model.store.deliveries("small", last=10_000)
        taken = {kind: sum(d.accepted for d in deliveries if d.kind == kind) for kind in ("predictions", "labels")}
        kept = model.lake.size()
        counted = model.store.rows("small", start=START - 48 * HOUR, end=START + 999 * HOUR)
        return found(model), (taken, kept["predictions.rows"], kept["labels.rows"], sum(counted.values()))


ALL = ({"predictions": FILES * ROWS, "labels": FILES * ROWS}, FILES * ROWS, FILES * ROWS, FILES * ROWS)
"""Every row once."""


def finish(run, home):
    """Everything that is left is taken and evaluated, as of one moment."""
    ran = run("run", "--quiet", "--as-of", AS_OF, "--fail-on", "never", "-c", home / "driftline.yaml")
    assert ran.code in (0, 3), ran
    assert ran.err == ""
    return facts(home)


@pytest.fixture
def undisturbed(run, living):
    """What a run says that nothing got in the way of."""
    if not _KNOWN:
        _KNOWN.append(finish(run, living("undisturbed")))
    return _KNOWN[0]


def same(one, other):
    """Two models say the same, and have every row once."""
    assert one[1] == other[1] == ALL
    assert differences(one[0], other[0], leave=LAGS) == []


@pytest.mark.slow
def test_killed_at_any_moment(shell, run, living, undisturbed):
    """Whatever it was doing: the store opens, what it holds was counted once, and the next run finishes the work."""
    home, draw = living("killed"), np.random.default_rng(7)
    verbs = [
        ("ingest", "predictions"),
        ("ingest", "labels"),
        ("performance", "--as-of", AS_OF),
        ("store", "tidy"),
        ("run", "--as-of", AS_OF),
    ]
    before = time.monotonic()
    shell("run", "--quiet", "--as-of", AS_OF, cwd=living("timed"))
    usual, killed = time.monotonic() - before, 0
    for i in range(KILLS):
        verb = verbs[-1] if i % 2 else verbs[draw.integers(len(verbs))]
        process = shell(*verb, *([] if verb[0] == "store" else ["--quiet"]), start=True, cwd=home)
        try:
            process.wait(draw.uniform(0.2, 1.0) * usual)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        _, err = process.communicate(timeout=60)
        assert process.returncode in (0, 1, 3, -signal.SIGKILL) or b"no reference yet" in err, err
        held = facts(home)[1] if (home / "driftline.db").exists() else ({}, 0, 0, 0)
        assert held[3] == held[0].get("predictions", 0)  # what windows count is what was acknowledged
        if i % 8 == 7:  # from the beginning: killed while the store and the log are made
            home = living(f"killed {i}")
    assert killed
    same(finish(run, home), undisturbed)


@pytest.mark.slow
def test_two_at_once_that_take_the_same_files(shell, run, living, undisturbed):
    """Two processes take overlapping files while a third evaluates: each row is counted once."""
    home = living("shared")
    first = shell("ingest", "predictions", "p/0.parquet", "--quiet", cwd=home)
    assert first.code == 0, first
    commands = [
        ("ingest", "predictions", "--quiet"),
        ("ingest", "predictions", "--quiet", *(f"p/{i}.parquet" for i in reversed(range(FILES)))),
        ("run", "--quiet", "--as-of", AS_OF),
    ]
    running = [shell(*command, start=True, cwd=home) for command in commands]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert (process.returncode in (0, 1, 3), err) == (True, b"")
    same(finish(run, home), undisturbed)


def test_a_database_that_another_program_holds(run, living, undisturbed, monkeypatch):
    """The command waits, says so in one sentence, and loses nothing."""
    home = living("locked")
    monkeypatch.chdir(home)
    monkeypatch.setattr("driftline.stores.sqlite.BUSY", 0.2)
    assert run("ingest", "predictions", "p/0.parquet", "--quiet").code == 0
    holder = sqlite3.connect(home / "driftline.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert run("ingest", "predictions").failed("locked by another process")
    holder.execute("ROLLBACK")
    holder.close()
    same(finish(run, home), undisturbed)


@pytest.mark.slow
def test_a_full_disk(shell, run, living, undisturbed):
    """Files may not grow beyond a limit: one sentence, and the rest is taken once there is room."""
    home = living("full")
    assert shell("ingest", "predictions", "p/0.parquet", "--quiet", cwd=home).code == 0
    limit = (home / "driftline.db").stat().st_size // 1024 + 40
    for verb in (("ingest", "predictions"), ("run", "--as-of", AS_OF)):
        ran = shell(*verb, "--quiet", cwd=home, preexec_fn=lambda: limited(limit * 1024))
        assert ran.failed("driftline"), ran
    same(finish(run, home), undisturbed)


def limited(size):
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_damaged_database(run, living, monkeypatch):
    home = living("damaged")
    monkeypatch.chdir(home)
    assert run("ingest", "predictions", "--quiet").code == 0
    data = bytearray((home / "driftline.db").read_bytes())
    for at in range(4096, len(data), 512):
        data[at : at + 64] = b"\xff" * 64
    (home / "driftline.db").write_bytes(bytes(data))
    for beside in home.glob("driftline.db-*"):
        beside.unlink()
    for command in (["ingest", "labels"], ["run"], ["show"], ["query"], ["rejects"], ["store", "size"], ["reference", "list"]):
        assert run(*command).failed("driftline.db"), command
    (home / "driftline.db").write_bytes(b"no database at all, and long enough to be looked at" * 100)
    assert run("show").failed("no SQLite database")


def test_a_row_log_that_was_removed(run, living, undisturbed, monkeypatch):
    """The store goes on: windows keep what they counted, and whoever needs the rows says that they are gone."""
    home = living("removed")
    monkeypatch.chdir(home)
    assert run("ingest", "predictions", "--quiet").code == 0
    aside = home / "aside"
    table = next((home / "driftline.lake").rglob("_delta_log")).parent
    (table / "_delta_log").rename(aside)
    assert run("ingest", "labels").failed("log of the table is gone")
    assert run("run", "--as-of", AS_OF).failed("log of the table is gone")
    aside.rename(table / "_delta_log")
    same(finish(run, home), undisturbed)


@pytest.mark.slow
def test_readers_meanwhile(shell, run, living, undisturbed):
    """Whoever looks while rows come in sees a whole state."""
    home = living("read")
    assert shell("ingest", "predictions", "p/0.parquet", "--quiet", cwd=home).code == 0
    working = shell("run", "--quiet", "--as-of", AS_OF, start=True, cwd=home)
    looked = 0
    while working.poll() is None or looked < 2:
        ran = shell("query", "--format", "json", "--metric", "requests", cwd=home)
        assert (ran.code, ran.err) == (0, "")
        assert isinstance(json.loads(ran.out), (list, dict))
        looked += 1
    working.communicate()
    same(finish(run, home), undisturbed)


def test_a_store_that_cannot_be_made(run, living, monkeypatch):
    home = living("readonly")
    monkeypatch.chdir(home)
    if os.geteuid() == 0:  # the superuser may write everywhere, but not where a folder is in the way
        (home / "driftline.db").mkdir()
    home.chmod(0o500)
    try:
        assert run("run").failed("driftline.db")
    finally:
        home.chmod(0o700)
