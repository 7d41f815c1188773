"""How a row log stays small: closed days are compacted, old and erased rows go, and files that nobody reads any more are removed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pyarrow as pa

from driftline.core.errors import LakeError
from driftline.lakes import queries
from driftline.lakes.answers import NOTHING, Answers, Beside
from driftline.lakes.columns import CLOCK, PARTITION, day
from driftline.lakes.failures import shown
from driftline.lakes.snapshot import DataFile, Snapshot
from driftline.lakes.table import Table

READERS = 1
"""Hours for which a file outlives the commit that removed it. A question takes its list of files when it is asked and reads them within
seconds to minutes; the hour is for large exports of other programs."""

STRAYS = 24 * 3600
"""Seconds after which a file that no commit ever named was left by a crash. A delivery commits within minutes of its first file."""

FEW, FOLD = 8, 8
"""A day is compacted when it has more files than `FEW`, or when the others together reach the `FOLD`-th part of its largest: so every row
is rewritten a few times at most, however late rows trickle in."""

_ATTEMPTS = 20
_EPOCH = date(1970, 1, 1)


def compact(table: Table, answers: Answers, *, before: datetime) -> None:
    """Makes one file of each closed day that has become many, in order of time; a commit for each."""
    end = day(before)
    for _ in _worth(table.now(), end):
        _rewrite(table, answers, lambda snapshot: _worth(snapshot, end)[:1], "true")


def sweep(table: Table, *, hours: int) -> None:
    """Removes files that left the table `hours` ago or more, and what crashes left behind."""
    from deltalake import DeltaTable

    snapshot = table.now()
    if snapshot is None:
        return
    opened = DeltaTable(table.folder)
    opened.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False)
    named = set(snapshot.files) | set(DeltaTable(table.folder).vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False))
    oldest = time.time() - STRAYS
    for path in _on_disk(table.folder):
        full = table.path(path)
        if path not in named and os.stat(full).st_mtime < oldest:
            os.unlink(full)


def shorten(table: Table) -> None:
    """Sums the log up and removes what it no longer needs."""
    from deltalake import DeltaTable

    if table.now() is not None:
        table.checkpoint()
        DeltaTable(table.folder).cleanup_metadata()


def drop(table: Table, answers: Answers, gone: str, beside: Beside = NOTHING) -> int:
    """Removes the rows of which the SQL `gone` is true, and says nothing of them in the log; their number."""
    clock = queries.name(CLOCK[table.name])
    count = 0

    def touched(snapshot: Snapshot) -> list[date]:
        nonlocal count
        sql = (
            f"SELECT CAST(floor(epoch_us({clock}) / 86400000000) AS BIGINT), count(*) FROM {_rows(table, snapshot)} WHERE {gone} GROUP BY 1"
        )
        found = answers.all(sql, beside)
        count = sum(rows for _, rows in found)
        return [_EPOCH + timedelta(days=number) for number, _ in found]

    _rewrite(table, answers, touched, f"NOT ({gone})", beside)
    return count


def _rewrite(table: Table, answers: Answers, choose: Callable[[Snapshot], list[date]], keep: str, beside: Beside = NOTHING) -> None:
    """Writes the chosen days anew with the rows of which the SQL `keep` is true, and again where a delivery came in between."""
    for _ in range(_ATTEMPTS):
        snapshot = table.now()
        days = choose(snapshot) if snapshot is not None else []
        if snapshot is None or not days:
            return

        def rows(on: date, snapshot: Snapshot = snapshot) -> Iterator[pa.RecordBatch]:
            columns = ", ".join(map(queries.name, snapshot.schema.names))
            order = f"{queries.name(CLOCK[table.name])}, sequence, id"
            sql = f"SELECT {columns} FROM {_rows(table, snapshot, on)} WHERE {keep} ORDER BY {order}"
            return answers.batches(sql, snapshot.schema, beside)

        if table.replace(snapshot, days, rows):
            return
    raise LakeError("Other programs kept changing the row log", where=shown(table.folder), hint="Run the command again.")


def _rows(table: Table, snapshot: Snapshot, on: date | None = None) -> str:
    files = snapshot.chosen(first=on, last=on)
    return queries.rows([table.path(file.path) for file in files], snapshot.schema)


def _worth(snapshot: Snapshot | None, before: date) -> list[date]:
    """The closed days that are worth compacting."""
    by_day: dict[date, list[DataFile]] = {}
    for file in snapshot.files.values() if snapshot is not None else ():
        if file.day < before:
            by_day.setdefault(file.day, []).append(file)
    return sorted(on for on, files in by_day.items() if _many(files))


def _many(files: list[DataFile]) -> bool:
    largest = max(file.rows for file in files)
    return len(files) > FEW or (len(files) > 1 and FOLD * (sum(file.rows for file in files) - largest) >= largest)


def _on_disk(folder: str) -> Iterator[str]:
    """The Parquet files of a table by their paths below its folder, committed or not."""
    for home in os.listdir(folder):
        if home.startswith(f"{PARTITION}="):
            yield from (f"{home}/{name}" for name in os.listdir(os.path.join(folder, home)) if name.endswith(".parquet"))
