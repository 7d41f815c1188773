"""What a Delta table holds at one version: its columns and files. Read once by deltalake, then kept up to date from the log entries.

A log entry is a file of JSON lines, written once. Following them costs microseconds where opening the table anew costs milliseconds that
grow with the log, and nothing that is held grows with the number of commits.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from driftline.core.errors import LakeError
from driftline.lakes.columns import PARTITION, SEQUENCE
from driftline.lakes.failures import beyond, shown

LOG = "_delta_log"
READER = 1
"""The highest reader version that plain Parquet files satisfy: above it rows may be deleted or columns renamed in the log alone."""

_ENTRY = re.compile(r"(\d{20})\.json")
_UNBOUNDED = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a table. `path` is relative to its folder; its rows have sequences from `low` to `high`."""

    path: str
    day: date
    rows: int
    bytes: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table at one version: its columns without the partition, and its files by path. `mark` identifies the log entry."""

    version: int
    mark: tuple[int, int]
    schema: pa.Schema
    files: dict[str, DataFile]

    def chosen(self, *, through: int = _UNBOUNDED, first: date | None = None, last: date | None = None) -> list[DataFile]:
        """The files that may hold rows of these days and of deliveries up to `through`, in order of day and sequence."""
        found = [
            file
            for file in self.files.values()
            if file.low <= through and (first is None or file.day >= first) and (last is None or file.day <= last)
        ]
        return sorted(found, key=lambda file: (file.day, file.low, file.path))


def latest(folder: str, before: Snapshot | None) -> Snapshot | None:
    """The table as it is now, None where there is none. `before` is what was known of it.

    Raises `LakeError` for a table whose log is gone, and whatever deltalake and the operating system raise.
    """
    version = newest(folder)
    if version is None:
        return None
    mark = _mark(folder, version)
    if before is not None and before.version == version and before.mark == mark:
        return before
    if before is not None and before.version < version:
        followed = _follow(folder, before, version, mark)
        if followed is not None:
            return followed
    return _opened(folder)


def newest(folder: str) -> int | None:
    """The number of the last log entry, None where there is no table. Raises `LakeError` where there are rows and no log."""
    try:
        names = os.listdir(os.path.join(folder, LOG))
    except FileNotFoundError:
        names = []
    version = max((int(found[1]) for name in names if (found := _ENTRY.fullmatch(name))), default=None)
    if version is None and os.path.isdir(folder) and any(name.startswith(f"{PARTITION}=") for name in os.listdir(folder)):
        raise LakeError("The log of the table is gone and its rows are there", where=shown(folder), hint="Restore the folder from a copy.")
    return version


def entry(folder: str, version: int) -> str:
    """The path of a log entry."""
    return os.path.join(folder, LOG, f"{version:020d}.json")


def _mark(folder: str, version: int) -> tuple[int, int]:
    status = os.stat(entry(folder, version))
    return status.st_ino, status.st_mtime_ns


def _opened(folder: str) -> Snapshot:
    """The table as deltalake reads it."""
    from deltalake import DeltaTable

    table = DeltaTable(folder)
    if table.protocol().min_reader_version > READER:
        raise beyond(folder)
    version = table.version()
    actions = pa.table(table.get_add_actions(flatten=True))
    schema = pa.schema(table.schema().to_arrow())
    fields = [pa.field(field.name, field.type) for field in schema if field.name != PARTITION]
    return Snapshot(version, _mark(folder, version), pa.schema(fields), {file.path: file for file in _listed(actions)})


def _listed(actions: pa.Table) -> Iterable[DataFile]:
    def column(name: str) -> list[Any]:
        return actions.column(name).to_pylist() if name in actions.column_names else [None] * len(actions)

    names = ("path", f"partition.{PARTITION}", "num_records", "size_bytes", f"min.{SEQUENCE}", f"max.{SEQUENCE}")
    for path, on, rows, size, low, high in zip(*map(column, names), strict=True):
        yield DataFile(path, on, rows or 0, size, 0 if low is None else low, _UNBOUNDED if high is None else high)


def _follow(folder: str, before: Snapshot, version: int, mark: tuple[int, int]) -> Snapshot | None:
    """`before` with the log entries up to `version`; None where one is gone or changes more than files."""
    files = dict(before.files)
    for number in range(before.version + 1, version + 1):
        try:
            with open(entry(folder, number), "rb") as lines:
                actions = [json.loads(line) for line in lines if line.strip()]
        except (FileNotFoundError, ValueError):
            return None
        if not actions or any(action.keys() - {"commitInfo", "txn", "add", "remove"} for action in actions):
            return None
        for action in actions:
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
        for action in actions:
            if "add" in action:
                added = _added(action["add"])
                if added is None:
                    return None
                files[added.path] = added
    return Snapshot(version, mark, before.schema, files)


def _added(facts: dict[str, Any]) -> DataFile | None:
    """A file from its line in the log; None where the line says more than plain files need."""
    if facts.get("deletionVector") or "%" in facts["path"] or not facts.get("stats"):
        return None
    stats = json.loads(facts["stats"])
    low, high = (stats.get(bound, {}).get(SEQUENCE) for bound in ("minValues", "maxValues"))
    if low is None or high is None or "numRecords" not in stats:
        return None
    return DataFile(facts["path"], date.fromisoformat(facts["partitionValues"][PARTITION]), stats["numRecords"], facts["size"], low, high)
