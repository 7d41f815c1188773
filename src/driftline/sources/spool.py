"""Spool: a stream that can be read only once, kept in a temporary file so that it can be read again."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa


class Spool:
    """A temporary Arrow IPC file, written when it is first read and removed when nothing refers to it any more, or at exit."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._path: str | None = None
        self._error: Exception | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The record batches, from the start. A stream that failed once fails again: what is left of it is not the whole."""
        if self._error is not None:
            raise self._error
        if self._path is None:
            self._path = self._written()
        with pa.OSFile(self._path) as raw, pa.ipc.open_file(raw) as file:
            for i in range(file.num_record_batches):
                yield file.get_batch(i)

    def _written(self) -> str:
        handle, path = tempfile.mkstemp(prefix="driftline-", suffix=".arrow")
        os.close(handle)
        weakref.finalize(self, _remove, path)
        try:
            self._write(path)
        except Exception as error:
            self._error = error
            raise
        return path


def write_stream(batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: str) -> None:
    """The batches as an Arrow IPC file."""
    with pa.OSFile(path, "wb") as raw, pa.ipc.new_file(raw, schema) as file:
        for batch in batches:
            file.write_batch(batch)


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)
