"""A Parquet file, decoded page by page: memory stays bounded however large its row groups are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from driftline.sources.columns import BATCH_ROWS, plain_schema
from driftline.sources.failures import changed, checked_names, empty, reading, stamp

PAGE_BUFFER = 1 << 18
"""Bytes read at a time from each column. Without it whole column chunks are held in memory."""

BATCH_VALUES, FEWEST_ROWS = 1 << 23, 1 << 14
"""So many values at a time, in as many rows as go into them: 65,536 up to 128 columns, never less than 16,384."""


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
            for batch in file.iter_batches(batch_size=_batch_rows(schema), columns=schema.names, use_threads=False):
                yield batch
                # Decoding on in a file that was cut off meanwhile crashes Arrow 16.
                if stamp(self.path) != self.stamp:
                    raise changed(self.path)


def _batch_rows(schema: pa.Schema) -> int:
    """Fewer rows at a time where there are many columns: the memory of a batch is that of its values."""
    return max(FEWEST_ROWS, min(BATCH_ROWS, BATCH_VALUES // len(schema)))


def _opened(raw: pa.NativeFile, dictionary: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(raw, read_dictionary=list(dictionary), buffer_size=PAGE_BUFFER, pre_buffer=False)
