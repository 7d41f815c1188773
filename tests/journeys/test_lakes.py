"""The row log as people run it: several processes at once, processes that die, folders that go wrong, and other tools that read it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, TableFeatures

from driftline.core.errors import LakeError
from driftline.core.ledger import RowKind
from driftline.lakes.delta import DeltaLake
from driftline.lakes.open import open_lake

KILLS = int(os.environ.get("DRIFTLINE_KILLS", "30"))
START = datetime(2026, 3, 1, tzinfo=UTC)
EVERYTHING = 1 << 40
TIME = pa.timestamp("us", "UTC")

WRITER = """
import sys
from datetime import datetime, timedelta, UTC
import pyarrow as pa
from driftline.core.ledger import RowKind
from driftline.lakes.delta import DeltaLake

folder, first, step, last = sys.argv[1], *map(int, sys.argv[2:])
lake = DeltaLake(folder)
start = datetime(2026, 3, 1, tzinfo=UTC)
for sequence in range(first, last, step):
    ids = [f"{sequence}/{row}" for row in range(20)]
    times = pa.array([start + timedelta(hours=5 * row) for row in range(20)], pa.timestamp("us", "UTC"))
    rows = pa.table({"id": ids, "time": times, "version": ["v"] * 20, "eligible": [True] * 20, "score": [sequence / 2] * 20})
    lake.append(RowKind.PREDICTIONS, rows, sequence=sequence, arrived=start)
    labels = pa.table({"id": ids, "known": times, "void": [False] * 20, "label": [1.0] * 20})
    lake.append(RowKind.LABELS, labels, sequence=sequence, arrived=start)
    print(sequence, flush=True)
"""


def writer(folder: Path, first: int, step: int, last: int) -> subprocess.Popen:
    arguments = [sys.executable, "-c", WRITER, str(folder), str(first), str(step), str(last)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def counted(lake: DeltaLake, through: int = EVERYTHING) -> dict[int, int]:
    """Number of joined rows that have a label, by sequence."""
    counts: dict[int, int] = {}
    for batch in lake.joined(start=START, end=START + timedelta(days=9), through=through):
        for row in batch.to_pylist():
            counts[row["sequence"]] = counts.get(row["sequence"], 0) + (row["label"] == 1.0)
    return counts


def predictions(count: int, *, days: int = 2, first: int = 0, **more: object) -> pa.Table:
    times = pa.array([START + timedelta(seconds=days * 86400 * row / count) for row in range(count)], TIME)
    ids = [f"p{first + row}" for row in range(count)]
    columns = {"id": ids, "time": times, "version": ["v1"] * count, "eligible": [True] * count, "score": [0.25] * count}
    return pa.table(columns | more)


def labels(count: int, *, first: int = 0) -> pa.Table:
    known = pa.array([START + timedelta(days=1)] * count, TIME)
    return pa.table({"id": [f"p{first + row}" for row in range(count)], "known": known, "void": [False] * count, "label": [1.0] * count})


@pytest.mark.slow
def test_eight_processes_append_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [writer(tmp_path, first, 8, 41) for first in range(1, 9)]
    ends = [process.communicate(timeout=300) for process in writers]
    assert [process.returncode for process in writers] == [0] * 8, ends
    assert counted(DeltaLake(str(tmp_path))) == dict.fromkeys(range(1, 41), 20)


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9_once(tmp_path: Path) -> None:
    acknowledged = 0
    for kill in range(KILLS):
        process = writer(tmp_path, acknowledged + 1, 1, 1 << 30)
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            acknowledged, seen = int(line), seen + 1
            if seen > kill % 3:
                break
        time.sleep(0.0023 * (kill % 23))  # anywhere in the two appends of the next delivery
        process.send_signal(signal.SIGKILL)
        for line in process.communicate()[0].splitlines():  # what was said before it died
            acknowledged = int(line)
        lake = DeltaLake(str(tmp_path))
        assert counted(lake, acknowledged) == dict.fromkeys(range(1, acknowledged + 1), 20)
        lake.discard(after=acknowledged)
        assert counted(lake) == dict.fromkeys(range(1, acknowledged + 1), 20)
        if kill % 10 == 9:
            lake.tidy(before=START + timedelta(days=2))
    assert acknowledged >= KILLS
    assert lake.size()["predictions.rows"] == lake.size()["labels.rows"] == 20 * acknowledged


def test_two_processes_with_the_same_delivery_keep_it_once(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 1, 1, 6) for _ in range(2)]
    ends = [process.communicate(timeout=120) for process in writers]
    assert [process.returncode for process in writers] == [0, 0], ends
    assert counted(DeltaLake(str(tmp_path))) == dict.fromkeys(range(1, 6), 20)


def test_other_tools_read_the_same_rows(tmp_path: Path) -> None:
    lake = open_lake(str(tmp_path), "eta")
    lake.append(RowKind.PREDICTIONS, predictions(500), sequence=1, arrived=START)
    lake.append(RowKind.PREDICTIONS, predictions(500, first=500, carrier=["ÄÖ"] * 500), sequence=2, arrived=START)
    lake.erase(["p7"])
    folder = tmp_path / "eta" / "predictions"
    by_delta = DeltaTable(str(folder)).to_pyarrow_table()
    assert by_delta.num_rows == 999
    assert str(by_delta.schema.field("time").type) == "timestamp[us, tz=UTC]"
    frame = pl.read_delta(str(folder))
    assert (frame.height, frame["carrier"].null_count(), frame["score"].sum()) == (999, 499, 999 / 4)
    pandas = DeltaTable(str(folder)).to_pandas()
    assert isinstance(pandas, pd.DataFrame)
    assert sorted(pandas["id"]) == sorted(frame["id"])
    files = DeltaTable(str(folder)).file_uris()
    row = duckdb.connect().execute("SELECT count(*), sum(score), min(date) FROM read_parquet(?, union_by_name = true)", [files]).fetchone()
    assert (row[0], row[1], str(row[2])) == (999, 999 / 4, "2026-03-01")


def last_entry(table: Path) -> Path:
    return max((table / "_delta_log").glob("*.json"))


def a_file(table: Path) -> Path:
    return min(table.glob("date=*/*.parquet"))


def gone(path: Path) -> None:
    if path.is_dir():
        for inside in path.iterdir():
            inside.unlink()
    else:
        path.unlink()


def swapped(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a file of rows is gone", lambda table: gone(a_file(table)), "A file of the row log is gone"),
    ("a file of rows is cut off", lambda table: cut(a_file(table)), "damaged"),
    ("a file of rows is something else", lambda table: a_file(table).write_text("hello" * 100), "damaged"),
    ("the log is gone", lambda table: gone(table / "_delta_log"), "log of the table is gone"),
    ("a log entry is no JSON", lambda table: last_entry(table).write_text("{]"), "damaged"),
    ("an early log entry is gone", lambda table: gone(min((table / "_delta_log").glob("*.json"))), "row log"),
    ("a file is where the log was", lambda table: swapped(table / "_delta_log"), "row log"),
]


@pytest.mark.parametrize(("harm", "words"), [(harm, words) for _, harm, words in DAMAGES], ids=[name for name, _, _ in DAMAGES])
def test_damage_is_told_in_one_sentence_with_the_folder(tmp_path: Path, harm: Callable[[Path], object], words: str) -> None:
    lake = DeltaLake(str(tmp_path))
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    lake.append(RowKind.LABELS, labels(50), sequence=2, arrived=START)
    harm(tmp_path / "predictions")
    ids = pa.array(["p1"])
    for again in (DeltaLake(str(tmp_path)), DeltaLake(str(tmp_path))):
        with pytest.raises(LakeError) as told:
            again.times_of(ids, since=None, through=9)
        assert words in str(told.value)
        assert str(tmp_path) in str(told.value)
        assert str(told.value).endswith(".")
        assert "\n" not in str(told.value)
        with pytest.raises(LakeError):
            list(again.joined(start=START, end=START + timedelta(days=3), through=9))


def test_a_table_that_plain_readers_cannot_read_is_refused(tmp_path: Path) -> None:
    """Another tool that deletes rows by vectors leaves them in the files, where DuckDB would find them."""
    lake = DeltaLake(str(tmp_path))
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    table = DeltaTable(str(tmp_path / "predictions"))
    table.alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    for again in (lake, DeltaLake(str(tmp_path))):
        with pytest.raises(LakeError, match=r"Another program changed the table .*\. Rewrite it without deletion vectors"):
            again.times_of(pa.array(["p1"]), since=None, through=9)


def test_what_a_power_cut_leaves_of_a_commit_is_no_commit(tmp_path: Path) -> None:
    """The name of the log entry reached the disk, its bytes did not: `append` never returned, and the delivery comes again."""
    DeltaLake(str(tmp_path)).append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    last_entry(tmp_path / "predictions").write_bytes(b"")
    lake = DeltaLake(str(tmp_path))
    assert lake.size()["predictions.rows"] == 0
    assert lake.discard(after=0) == 0
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    assert len(DeltaLake(str(tmp_path)).times_of(pa.array(["p1"]), since=None, through=1)) == 1


def test_a_row_log_that_lost_a_file_still_takes_deliveries(tmp_path: Path) -> None:
    lake = DeltaLake(str(tmp_path))
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    a_file(tmp_path / "predictions").unlink()
    lake.append(RowKind.PREDICTIONS, predictions(50, first=50), sequence=2, arrived=START)
    assert lake.size()["predictions.rows"] == 100


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
{writer}"""


@pytest.mark.parametrize("limit", [0, 900, 2_500])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, limit: int) -> None:
    """A limit on the size of files stands for the disk: not even the log, the log and no rows, some of the rows."""
    lake = DeltaLake(str(tmp_path))
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    program = FULL.format(limit=limit, writer=WRITER)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path), "2", "1", "9"], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert "LakeError" in last, done.stderr
    assert "There is no space left for the row log. Free some" in last, done.stderr
    lake.discard(after=1)
    assert lake.size()["predictions.rows"] == 50
    again = writer(tmp_path, 2, 1, 4)
    assert again.communicate(timeout=60)[0].split() == ["2", "3"]


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = DeltaLake(str(tmp_path))
    lake.append(RowKind.PREDICTIONS, predictions(50), sequence=1, arrived=START)
    if os.geteuid() == 0:  # root may write everywhere, so what the system says to others is said in its place

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", str(tmp_path))

        monkeypatch.setattr("driftline.lakes.table.pq.ParquetWriter", refuse)
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    for path in folders:
        path.chmod(0o500)
    try:
        with pytest.raises(LakeError, match=r"may not be written or read by this user\. Check the permissions"):
            lake.append(RowKind.PREDICTIONS, predictions(50, first=50), sequence=2, arrived=START)
        assert len(lake.times_of(pa.array(["p1"]), since=None, through=9)) == 1
    finally:
        for path in folders:
            path.chmod(0o700)


def test_erased_identifiers_are_on_no_disk_any_more(tmp_path: Path) -> None:
    lake = DeltaLake(str(tmp_path))
    name = "Zoë-4711-canary"
    ids = ["before", name, "later"]
    rows = {"id": ids, "time": pa.array([START] * 3, TIME)}
    lake.append(RowKind.PREDICTIONS, pa.table(rows | {"version": ["v"] * 3, "eligible": [True] * 3}), sequence=1, arrived=START)
    told = {"id": ids, "known": rows["time"], "void": [False] * 3, "label": ["yes"] * 3}
    lake.append(RowKind.LABELS, pa.table(told), sequence=2, arrived=START)
    lake.keep(pa.table(rows | {"x": [1, 2, 3]}), sequence=1, arrived=START)
    lake.tidy(before=START + timedelta(days=5))
    canary = name.encode()

    def holding() -> list[Path]:
        return [path for path in tmp_path.rglob("*") if path.is_file() and canary in path.read_bytes()]

    assert len(holding()) == 3  # the test can see it
    assert lake.erase([name]) == 3
    assert holding() == []
    assert lake.erase([name]) == 0
    assert {name: count for name, count in lake.size().items() if name.endswith("rows")} == {
        "predictions.rows": 2,
        "labels.rows": 2,
        "features.rows": 2,
    }


def test_tidying_makes_few_files_and_a_short_log_and_forgets_leftovers(tmp_path: Path) -> None:
    lake = DeltaLake(str(tmp_path))
    for sequence in range(1, 26):
        lake.append(RowKind.PREDICTIONS, predictions(20, first=20 * sequence), sequence=sequence, arrived=START)
    table = tmp_path / "predictions"
    stray, fresh = table / "date=2026-03-01" / "part-lost.parquet", table / "date=2026-03-01" / "part-coming.parquet"
    for path in (stray, fresh):
        path.write_bytes(b"left by a crash, or about to be committed")
    long_ago = time.time() - 100_000
    for path in [stray, *(table / "_delta_log").glob("*.json")]:
        os.utime(path, (long_ago, long_ago))
    lake.tidy(before=START + timedelta(days=1))
    assert lake.size()["predictions.files"] == 1 + 25  # the first day is closed, the second is not
    assert (stray.exists(), fresh.exists()) == (False, True)
    assert len(list(table.glob("date=2026-03-01/*.parquet"))) == 1 + 25 + 1  # readers may still have the old ones open
    assert len(list((table / "_delta_log").glob("*.json"))) < 20  # from the checkpoint before the last on
    again = DeltaLake(str(tmp_path))
    assert sum(len(batch) for batch in again.joined(start=START, end=START + timedelta(days=2), through=25)) == 500


def test_a_reader_sees_what_another_process_wrote_meanwhile(tmp_path: Path) -> None:
    reader, asked = DeltaLake(str(tmp_path)), {"start": START, "end": START + timedelta(days=9)}
    assert list(reader.joined(**asked, through=9)) == []
    process = writer(tmp_path, 1, 1, 3)
    process.communicate(timeout=60)
    assert counted(reader) == {1: 20, 2: 20}
    card = json.loads((tmp_path / "predictions" / "_delta_log" / f"{0:020d}.json").read_text().splitlines()[0])
    assert card
    other = DeltaLake(str(tmp_path))
    other.append(RowKind.PREDICTIONS, predictions(10, first=90, late=["x"] * 10), sequence=3, arrived=START)  # a new column
    other.tidy(before=START + timedelta(days=9))
    assert len(reader.known(pa.array(["p90"]), first=START, last=START, through=3)["late"]) == 1
