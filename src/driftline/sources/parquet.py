"""A Parquet file, decoded page by page: memory stays bounded however large its row groups are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from driftline.sources.columns import BATCH_ROWS, plain_schema
from driftline.sources.failures import checked_names, empty, reading, stamp

PAGE_BUFFER = 1 << 18
"""Bytes read at a time from each column. Without it whole column chunks are held in memory."""


class ParquetFile:
    """One Parquet file. Not memory-mapped: a mapped file that shrinks kills the process."""

    text = False
    encodes = True

    def __init__(self, path: str) -> None:
        self.path = path
        with reading(path):
            self.stamp = stamp(path)
            with pa.OSFile(path) as raw, _opened(raw) as file:
                checked_names(file.schema_arrow.names, path)
                self.schema = plain_schema(file.schema_arrow)
                self.rows = file.metadata.num_rows
        if self.rows == 0:
            raise empty(path)

    def batches(self, schema: pa.Schema, dictionary: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns of `schema`, those of `dictionary` encoded; the types are the file's own."""
        with reading(self.path, self.stamp), pa.OSFile(self.path) as raw, _opened(raw, dictionary) as file:
            yield from file.iter_batches(batch_size=BATCH_ROWS, columns=schema.names, use_threads=False)


def _opened(raw: pa.NativeFile, dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(raw, read_dictionary=list(dictionary), buffer_size=PAGE_BUFFER, pre_buffer=False)
