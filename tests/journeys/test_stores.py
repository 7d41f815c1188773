"""What befalls a store in its life: processes that are killed at any moment, and a disk that is full."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from driftline.core.errors import StoreError
from driftline.core.ledger import PartKind, RowKind
from driftline.stores.open import open_store
from postgres import started

KILLS = int(os.environ.get("DRIFTLINE_KILLS", "40"))
DEADLINE = 60

# Delivery n has 24 parts of 20 kB and an evaluation of each; what is printed has been acknowledged.
WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from driftline.core.ledger import Delivery, Evaluation, PartKind, RowKind, Step, StoredPart
from driftline.core.records import Window
from driftline.stores.open import open_store

START, HOUR = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
store = open_store(sys.argv[1])
with store.exclusive("m", wait=5):
    while True:
        n = store.sequence("m") + 1
        windows = [Window(START + i * HOUR, START + (i + 1) * HOUR) for i in range(24)]
        parts = [StoredPart(PartKind.ROWS, "s", "v", window, n, n, 1, n.to_bytes(8) * 2500) for window in windows]
        store.accept("m", Delivery(n, RowKind.PREDICTIONS, f"sha-{n}", "f", START, 24, 24), parts=parts, rows=windows)
        print("accepted", n, flush=True)
        store.save("m", [Evaluation(Step.DRIFT, window, START, START, n, "p", "r", ()) for window in windows])
        print("saved", n, flush=True)
"""


# Where no small disk may be mounted: connections to databases that may not grow beyond 2 MB, which is a full disk to SQLite.
LIMITED = """
import sqlite3
connect = sqlite3.connect

def small(*arguments, **more):
    connection = connect(*arguments, **more)
    connection.execute("PRAGMA max_page_count = 500")
    return connection

sqlite3.connect = small
"""


def writer(where, before=""):
    return subprocess.Popen([sys.executable, "-c", before + WRITER, where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(where, delay):
    """What a writer acknowledged until it was killed `delay` seconds after its first word: the last delivery, the last evaluation."""
    process = writer(where)
    first = process.stdout.readline()
    assert first, process.stderr.read()
    time.sleep(delay)
    process.kill()
    out, err = process.communicate(timeout=DEADLINE)
    assert err == ""
    told = [line.split() for line in (first + out).splitlines(keepends=True) if line.endswith("\n")]
    return max((int(n) for word, n in told if word == "accepted"), default=0), max(
        (int(n) for word, n in told if word == "saved"), default=0
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("sqlite", KILLS), ("postgresql", max(1, KILLS // 4))])
def test_what_was_acknowledged_is_there_once_after_every_kill(kind, kills, tmp_path):
    where = str(tmp_path / "store.db") if kind == "sqlite" else started().fresh()
    draw = np.random.default_rng()
    for kill in range(kills):
        delay = float(draw.uniform(0, 0.12))
        accepted, saved = killed(where, delay)
        store = open_store(where, create=False)
        when = f"kill {kill} after {delay:.4f} s"
        with store.exclusive("m", wait=10 if kind == "postgresql" else 0):  # SQLite's is free at once; a server has to notice first
            last = store.sequence("m")
            assert last in {accepted, accepted + 1}, when  # the one more was kept, and killed before it could say so
            deliveries = store.deliveries("m", last=last + 1)
            assert [d.sequence for d in deliveries] == list(range(last, 0, -1)), when
            assert len({d.digest for d in deliveries}) == last, when
            assert store.delivered("m", RowKind.PREDICTIONS, f"sha-{accepted}").sequence == accepted
            begin, end = store.windows("m")[0].window.start, store.windows("m")[-1].window.end
            assert set(store.rows("m", start=begin, end=end).values()) == {last}, when
            assert len(store.rows("m", start=begin, end=end)) == 24, when
            assert {touched.rows for touched in store.windows("m")} == {last}, when
            (through,) = {evaluation.through for evaluation in store.evaluations("m")} or {0}
            assert saved <= through <= last, when  # all 24 of one saving, or none
            newest = [p for p in store.parts("m", PartKind.ROWS, start=begin, end=end) if p.name == last]
            assert [p.data for p in newest] == [last.to_bytes(8) * 2500] * 24, when
            # Folded, so that many kills do not make a large store, and so that folding is killed around too.
            parts = store.parts("m", PartKind.ROWS, start=begin, end=end)
            for window in {p.window for p in parts}:
                mine = [p for p in parts if p.window == window]
                store.put("m", [replace(mine[-1], rows=sum(p.rows for p in mine))], instead_of=mine)
        store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_second_command_waits_for_the_first(kind, tmp_path):
    where = str(tmp_path / "store.db") if kind == "sqlite" else started().fresh()
    process = writer(where)
    assert process.stdout.readline() == "accepted 1\n"
    store = open_store(where)
    with pytest.raises(StoreError, match=rf"Waited 0.1 seconds for model 'm', and .*{process.pid}.* holds it"):
        store.exclusive("m", wait=0.1).__enter__()
    assert store.deliveries("m")  # who only reads does not wait
    threading.Timer(0.2, process.kill).start()
    with store.exclusive("m", wait=DEADLINE):
        store.sequence("m")
    process.communicate(timeout=DEADLINE)
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB, and what a writer has to do before it where this user may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    yield disk, LIMITED if mounted.returncode else ""
    if not mounted.returncode:
        subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up(small_disk):
    disk, before = small_disk
    where = str(disk / "store.db")
    process = writer(where, before)
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert f"StoreError: {where}: The store cannot be written: the disk is full." in err.replace("driftline.core.errors.", "").replace(
        "\n", " "
    )
    accepted = [int(line.split()[1]) for line in out.splitlines() if line.startswith("accepted")]
    store = open_store(where, create=False)
    assert [d.sequence for d in store.deliveries("m")] == accepted[::-1]
    store.close()
