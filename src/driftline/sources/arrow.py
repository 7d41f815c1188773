"""An Arrow IPC file or stream (Feather is the same), read record batch by record batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from driftline.core.errors import SourceError
from driftline.sources.columns import plain_schema
from driftline.sources.failures import checked_names, empty, reading, shown, stamp

FILE_MAGIC = b"ARROW1"


class ArrowFile:
    """One Arrow IPC file. Every batch is checked: a damaged offset would otherwise reach into foreign memory."""

    text = False
    encodes = False
    rows = None

    def __init__(self, path: str) -> None:
        self.path = path
        with reading(path):
            self.stamp = stamp(path)
            with pa.OSFile(path) as raw:
                if raw.read(4) == b"FEA1":
                    raise SourceError("Feather version 1 is not read", where=shown(path), hint="Write it as Feather 2 or Parquet.")
            with pa.OSFile(path) as raw, _opened(raw) as file:
                checked_names(file.schema.names, path)
                self.schema = plain_schema(file.schema)
                if not any(batch.num_rows for batch in _batches(file)):
                    raise empty(path)

    def batches(self, schema: pa.Schema, dictionary: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns of `schema` as they are in the file."""
        with reading(self.path, self.stamp), pa.OSFile(self.path) as raw, _opened(raw, schema.names) as file:
            for batch in _batches(file):
                yield _whole(batch.select(schema.names))


def _opened(raw: pa.NativeFile, columns: Sequence[str] | None = None) -> Any:
    is_file = raw.read(len(FILE_MAGIC)) == FILE_MAGIC
    raw.seek(0)
    door = pa.ipc.open_file if is_file else pa.ipc.open_stream
    if columns is None:
        return door(raw)
    with door(raw) as file:
        fields = sorted(file.schema.names.index(name) for name in columns)
    raw.seek(0)
    return door(raw, options=pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False))


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        if "UTF8" not in str(error):  # whoever fits the batch looks at the text and can name its column
            raise
    return batch


def _batches(file: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(file, pa.ipc.RecordBatchFileReader):
        return (file.get_batch(i) for i in range(file.num_record_batches))
    return iter(file)
