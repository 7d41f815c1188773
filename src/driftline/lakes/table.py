"""One Delta table of the row log: how rows come into it, and how they leave it.

Rows are written as Parquet files, which are on the disk before deltalake commits them; the log entry and the folders are before `add`
returns. So what was acknowledged survives a power cut, and what is in the log is never without its file. A commit that another process
came before is made again on what that one left.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from driftline.core.errors import LakeError
from driftline.lakes.columns import CLOCK, DAY, PARTITION, SEQUENCE, TableName, widened
from driftline.lakes.failures import shown
from driftline.lakes.snapshot import LOG, Snapshot, entry, latest, newest

APPLICATION = "driftline"
ATTEMPTS = 200
CHECKPOINT = 10
"""Commits between checkpoints: opening a table replays the log entries since the last one, at 0.3 ms each."""

GROUP = 1 << 16
"""Rows of a row group, in which readers can skip what is outside their hour."""


@dataclass(slots=True)
class Table:
    """One table by the path of its folder. What it knows of the log is a cache: any number of processes may use the same folder."""

    folder: str
    name: TableName
    _seen: Snapshot | None = field(default=None, repr=False)

    def now(self) -> Snapshot | None:
        """The table as it is now, None before the first rows."""
        self._seen = latest(self.folder, self._seen)
        return self._seen

    def path(self, file: str) -> str:
        return os.path.join(self.folder, file)

    def add(self, rows: pa.Table, *, sequence: int, has: Callable[[Snapshot], bool]) -> None:
        """Appends the rows of a delivery, with the types of `columns.declared`. Nothing happens where `has` says they are there."""
        files: list[tuple[str, date, pa.Table]] | None = None
        for attempt in range(ATTEMPTS):
            snapshot = self.now() or self._create(rows.schema)
            if snapshot is not None and has(snapshot):
                _forget(self.path(file) for file, _, _ in files or ())
                return
            try:
                if snapshot is None or not self._prepared(rows.schema, snapshot):
                    continue
                if files is None:
                    files = list(self._write(rows))
                if self._commit([_action(*file, self.folder) for file in files], sequence, snapshot.version):
                    return
            except Exception as error:
                if not _beaten(error):
                    _forget(self.path(file) for file, _, _ in files or ())
                    raise
                time.sleep(0.002 * min(attempt + 1, 25))
        raise LakeError("Other programs kept changing the row log", where=shown(self.folder), hint="Run the command again.")

    def replace(self, snapshot: Snapshot, days: Sequence[date], rows: Callable[[date], Iterable[pa.RecordBatch]]) -> bool:
        """Puts `rows` of each day in the place of all files of that day, in one commit that says nothing of which rows went.

        `rows` are made from `snapshot`; nothing happens, and False is returned, where the table has changed since.
        """
        from deltalake import CommitProperties, DeltaTable

        table = DeltaTable(self.folder)
        new = [file for day in days if (file := self._rewritten(day, rows(day), snapshot.schema)) is not None]
        done = False
        try:
            if table.version() == snapshot.version:
                table.create_write_transaction(
                    new,
                    "overwrite",
                    table.schema(),
                    [PARTITION],
                    [(PARTITION, "in", [day.isoformat() for day in days])],
                    commit_properties=CommitProperties(max_commit_retries=0),
                    post_commithook_properties=_quiet(),
                )
                done = True
        except Exception as error:
            if not _beaten(error):
                raise
        finally:
            if not done:
                _forget(self.path(action.path) for action in new)
        if done:
            self.sync(snapshot.version)
        return done

    def delete(self, predicate: str) -> int:
        """Removes the rows of which the predicate is true; their number. The predicate stays in the log: it may not hold identifiers."""
        from deltalake import DeltaTable

        before, table = self.now(), DeltaTable(self.folder)
        metrics = table.delete(predicate, post_commithook_properties=_quiet())
        after = self.now()
        for path in after.files.keys() - before.files.keys() if before is not None and after is not None else ():
            _sync(self.path(path))  # what is left of files of which a part went: deltalake does not
            _sync(os.path.dirname(self.path(path)))
        self.sync(None if before is None else before.version)
        return int(metrics["num_deleted_rows"] or 0)

    def sync(self, before: int | None) -> None:
        """Brings the log entries after `before` to the disk, with the folder they are in; makes a checkpoint where one is due."""
        version = newest(self.folder)
        first = 0 if before is None else before + 1
        for number in range(first, (version or 0) + 1):
            with suppress(FileNotFoundError):
                _sync(entry(self.folder, number))
        _sync(os.path.join(self.folder, LOG))
        if version is not None and version // CHECKPOINT > max(first - 1, 0) // CHECKPOINT:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Sums the log up, so that the table opens without reading all of it."""
        from deltalake import DeltaTable

        DeltaTable(self.folder).create_checkpoint()
        log = os.path.join(self.folder, LOG)
        for name in os.listdir(log):
            if name == "_last_checkpoint" or name.endswith(".parquet"):
                _sync(os.path.join(log, name))
        _sync(log)

    def _prepared(self, schema: pa.Schema, snapshot: Snapshot) -> bool:
        """True where the table has all these columns; else it is given them first."""
        wider = widened(snapshot.schema, schema, where=shown(self.folder))
        more = [wider.field(number) for number in range(len(snapshot.schema), len(wider))]
        if more:
            from deltalake import DeltaTable

            fields = list(_delta(pa.schema(more)).fields)
            DeltaTable(self.folder).alter.add_columns(fields, post_commithook_properties=_quiet())
            self.sync(snapshot.version)
        return not more

    def _create(self, schema: pa.Schema) -> Snapshot | None:
        """Makes the table, unless another process just did."""
        from deltalake import DeltaTable

        schema = widened(pa.schema([]), schema, where=shown(self.folder))
        settings = {
            # Identifiers stay out of the log, so that rows erased from the files are gone.
            "delta.dataSkippingStatsColumns": f"{SEQUENCE},{CLOCK[self.name]}",
            "delta.checkpointInterval": str(CHECKPOINT),
            "delta.logRetentionDuration": "interval 1 hours",
            "delta.deletedFileRetentionDuration": "interval 1 hours",
        }
        os.makedirs(self.folder, exist_ok=True)
        try:
            DeltaTable.create(
                self.folder,
                schema=_delta(schema.append(pa.field(PARTITION, DAY))),
                mode="error",
                partition_by=[PARTITION],
                configuration=settings,
            )
        except Exception:
            if newest(self.folder) is None:
                raise
        self.sync(None)
        _sync(self.folder)
        _sync(os.path.dirname(self.folder))
        return self.now()

    def _write(self, rows: pa.Table) -> Iterator[tuple[str, date, pa.Table]]:
        """The rows as one file per day, on the disk: path, day, rows."""
        days = rows.column(CLOCK[self.name]).cast(DAY)
        starts = pc.run_end_encode(days.combine_chunks() if days.num_chunks != 1 else days.chunk(0))
        begin = 0
        for day, end in zip(starts.values.to_pylist(), starts.run_ends.to_pylist(), strict=True):
            part = rows.slice(begin, end - begin)
            yield self._file(day, part.schema, iter(part.to_batches())), day, part
            begin = end

    def _file(self, day: date, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
        """Writes a file of one day to the disk; its path below the folder of the table."""
        path = f"{PARTITION}={day.isoformat()}/part-{uuid.uuid4().hex}.parquet"
        home = os.path.dirname(self.path(path))
        fresh = not os.path.isdir(home)
        os.makedirs(home, exist_ok=True)
        try:
            with open(self.path(path), "xb") as file:
                with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=_repeating(schema), store_schema=False) as writer:
                    for batch in batches:
                        writer.write_batch(batch, row_group_size=GROUP)
                file.flush()
                os.fsync(file.fileno())
        except Exception:
            _forget([self.path(path)])
            raise
        _sync(home)
        if fresh:
            _sync(self.folder)
        return path

    def _rewritten(self, day: date, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Any:
        """What is left of a day as one file, as deltalake adds it; None where nothing is left."""
        facts = {"rows": 0, "low": 1 << 62, "high": 0}

        def counted() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if len(batch):
                    low, high = pc.min_max(batch.column(SEQUENCE)).as_py().values()
                    facts.update(rows=facts["rows"] + len(batch), low=min(facts["low"], low), high=max(facts["high"], high))
                    yield batch

        path = self._file(day, schema, counted())
        if not facts["rows"]:
            _forget([self.path(path)])
            return None
        return _added(self.folder, path, day, facts["rows"], (facts["low"], facts["high"]))

    def _commit(self, actions: list[Any], sequence: int, version: int) -> bool:
        """Commits on top of `version`; False where the table is at another one by now."""
        from deltalake import CommitProperties, DeltaTable, Transaction

        table = DeltaTable(self.folder)
        if table.version() != version:
            return False
        table.create_write_transaction(
            actions,
            "append",
            table.schema(),
            [PARTITION],
            commit_properties=CommitProperties(max_commit_retries=0, app_transactions=[Transaction(APPLICATION, sequence)]),
            post_commithook_properties=_quiet(),
        )
        self.sync(version)
        return True


def _action(path: str, day: date, rows: pa.Table, folder: str) -> Any:
    low, high = pc.min_max(rows.column(SEQUENCE)).as_py().values()
    return _added(folder, path, day, len(rows), (low, high))


def _added(folder: str, path: str, day: date, rows: int, sequences: tuple[int, int]) -> Any:
    """A file as deltalake adds it. Its statistics name sequences only; the footer of the file has those of the other columns."""
    from deltalake.transaction import AddAction

    low, high = sequences
    stats = {"numRecords": rows, "minValues": {SEQUENCE: low}, "maxValues": {SEQUENCE: high}, "nullCount": {SEQUENCE: 0}}
    status = os.stat(os.path.join(folder, path))
    return AddAction(path, status.st_size, {PARTITION: day.isoformat()}, status.st_mtime_ns // 1_000_000, True, json.dumps(stats))


def _delta(schema: pa.Schema) -> Any:
    """A schema as deltalake has it, every column nullable: columns may come later."""
    from deltalake import Schema

    return Schema.from_arrow(schema)


def _quiet() -> Any:
    """No checkpoints and no cleaning by deltalake inside a commit: it does neither safely against power cuts."""
    from deltalake import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def _beaten(error: Exception) -> bool:
    """Whether a commit failed because another process came before."""
    return type(error).__name__ == "CommitFailedError" and "os error" not in str(error)


def _repeating(schema: pa.Schema) -> list[str]:
    """The columns whose values repeat: all but identifiers."""
    return [field.name for field in schema if field.name != "id"]


def _forget(paths: Iterable[str]) -> None:
    """Removes files that no commit names."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue


def _sync(path: str) -> None:
    """Brings a file or the names in a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
