"""Text with separators: CSV and TSV, plain or compressed, read in blocks.

Arrow's streaming reader decides the types by the first block and fails when a later one disagrees. Here a first pass over the whole
file settles them: where a block does not fit, its own types are inferred and joined with those before. Integers and fractions become
float64; a column that is integer in every row stays int64, so that ids keep their digits; whatever else disagrees is text.
An empty cell is null. `NA`, `NULL`, `NaN` and the other marks Arrow knows are null among numbers and dates, and text among texts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from driftline.core.errors import SourceError
from driftline.sources.columns import LONG_INTEGER, common, is_beyond_int64
from driftline.sources.failures import checked_names, damaged, empty, no_columns, reading, shown, stamp

BLOCK = 1 << 22
"""Bytes decoded at a time, and the longest row that can be read. Larger blocks leave the cache: 16 MiB take half as long again."""

# Arrow also takes 1 and 0 beside true: whether such a column is boolean would hang on which of them come in the first block.
TRUE = ["true", "True", "TRUE"]
FALSE = ["false", "False", "FALSE"]


class DelimitedFile:
    """One CSV or TSV file with a header. `compression` is a name that Arrow knows, or None."""

    text = True
    encodes = False

    def __init__(self, path: str, compression: str | None = None) -> None:
        self.path = path
        self._compression = compression
        with reading(path):
            self.stamp = stamp(path)
            header = self._header()
            self._separator = _separator(path, header)
            names = self._names(header)
            checked_names(names, path)
            with self._explained(len(names)):
                self.schema, self.rows = self._settled()
        if self.rows == 0:
            raise empty(path)

    def batches(self, schema: pa.Schema, dictionary: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns of `schema` with its types; any column can be asked for as a string."""
        with reading(self.path, self.stamp), self._explained(len(self.schema)):
            for batch in self._opened(schema):
                arrays = [_empty_to_null(array) if array.type == pa.string() else array for array in batch.columns]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _settled(self) -> tuple[pa.Schema, int]:
        """The types that hold every row, and the number of rows."""
        schema, rows, batch = self._guess(0), 0, None
        while True:
            try:
                for batch in self._opened(schema, skip=rows):
                    rows += batch.num_rows
                self._check_end(batch)
                return schema, rows
            except pa.ArrowInvalid as error:
                schema = self._joined(schema, self._guess(rows), error)

    def _guess(self, skip: int) -> pa.Schema:
        """The types that the block after `skip` rows shows alone."""
        reader = self._opened(None, skip)
        schema, batch = reader.schema, next(iter(reader), None)
        if pa.binary() in schema.types:
            raise self._not_utf8()
        if batch is None:
            return schema
        return pa.schema([(f.name, self._kind(f, batch.column(i), skip)) for i, f in enumerate(schema)])

    def _kind(self, field: pa.Field, values: pa.Array, skip: int) -> pa.DataType:
        """The type of a column in this block, but text where its integers do not fit into 64 bits."""
        if field.type != pa.float64() or not is_beyond_int64(values):
            return field.type
        written = next(iter(self._opened(pa.schema([(field.name, pa.string())]), skip))).column(0)
        return pa.string() if pc.any(pc.match_substring_regex(written, LONG_INTEGER)).as_py() else field.type

    def _joined(self, schema: pa.Schema, guess: pa.Schema, error: pa.ArrowInvalid) -> pa.Schema:
        """Each call widens at least one column, so that `_settled` ends."""
        kinds = [common(old, new) or pa.string() for old, new in zip(schema.types, guess.types, strict=True)]
        if kinds == schema.types:
            column = re.match(r"In CSV column #(\d+)", str(error))
            if column is None or kinds[int(column[1])] == pa.string():
                raise error
            kinds[int(column[1])] = pa.string()
        return pa.schema(list(zip(schema.names, kinds, strict=True)))

    def _check_end(self, last: pa.RecordBatch | None) -> None:
        """Arrow takes a quoted text that is never closed for a cell that reaches to the end of the file: all rows below are lost."""
        if last is None or not last.num_rows or last.schema.types[-1] != pa.string():
            return
        inside = last.column(last.num_columns - 1)[-1].as_py().count("\n")
        if not inside:
            return
        newlines, tail = 0, b""
        with self._stream() as stream:
            while block := stream.read(BLOCK):
                newlines += block.count(b"\n")
                tail = (tail + block)[-4:]
        if not tail.rstrip(b"\r\n").endswith(b'"'):
            place = f"{shown(self.path)}:{newlines - inside + 1}"
            raise SourceError("A quoted text is not closed", where=place, hint="Check its quotes.")

    def _stream(self) -> pa.NativeFile:
        return pa.input_stream(pa.OSFile(self.path), compression=self._compression)

    def _opened(self, schema: pa.Schema | None, skip: int = 0) -> pv.CSVStreamingReader:
        """Neither the reader nor its file is closed by us: the reader reads ahead in a thread of its own, and where a file is closed under
        it, that thread would go on with whatever file gets the same descriptor next. Arrow closes it when the last of them is done."""
        kinds = {} if schema is None else {field.name: field.type for field in schema}
        return pv.open_csv(
            self._stream(),
            read_options=pv.ReadOptions(block_size=BLOCK, use_threads=False, skip_rows_after_names=skip),
            parse_options=pv.ParseOptions(delimiter=self._separator, newlines_in_values=True),
            convert_options=pv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds) or None, true_values=TRUE, false_values=FALSE
            ),
        )

    def _header(self) -> str:
        """The first record of the file that is not blank."""
        with self._stream() as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            try:
                line = next((line for line in text if line.strip()), "")
                while line.count('"') % 2 and (more := text.readline()):
                    line += more
            except UnicodeDecodeError:
                raise self._not_utf8() from None
        if not line:
            raise no_columns(self.path)
        return line

    def _names(self, header: str) -> list[str]:
        try:
            return next(csv.reader([header], delimiter=self._separator), [])
        except csv.Error as error:  # a name of more than 128 KiB
            raise damaged(self.path) from error

    @contextmanager
    def _explained(self, columns: int) -> Iterator[None]:
        """Arrow's complaints about text as errors of ours with the line; damage below the text is left to `reading`."""
        try:
            yield
        except pa.ArrowInvalid as error:
            message = str(error)
            if "UTF8" in message:
                raise self._not_utf8() from error
            if "CSV parse error: Row" in message:
                raise self._wrong_width(columns) from error
            if "straddling" in message:
                what = f"A quoted text is not closed, or a row is longer than {BLOCK >> 20} MiB"
                raise SourceError(what, where=shown(self.path), hint="Check its quotes.") from error
            raise

    def _wrong_width(self, columns: int) -> SourceError:
        with self._stream() as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="") as text:
            reader = csv.reader(text, delimiter=self._separator)
            with suppress(csv.Error):  # a cell of more than 128 KiB
                for record in reader:
                    if record and len(record) != columns:
                        what = f"The row has {_fields(len(record))} where the header has {columns}"
                        return SourceError(what, where=f"{shown(self.path)}:{reader.line_num}", hint="Check its quotes and separators.")
        what = f"A row does not have the {_fields(columns)} of the header"
        return SourceError(what, where=shown(self.path), hint="Check its quotes and separators.")

    def _not_utf8(self) -> SourceError:
        with self._stream() as stream:
            for number, line in enumerate(io.BufferedReader(stream), start=1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    place = f"{shown(self.path)}:{number}"
                    return SourceError("The line holds bytes that are not UTF-8", where=place, hint="Save the file as UTF-8.")
        return damaged(self.path)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _separator(path: str, header: str) -> str:
    """Tab for TSV, comma where the header has one, else the one of `;`, tab and `|` it has most of."""
    if ".tsv" in path.lower()[-7:]:
        return "\t"
    outside = re.sub(r'"[^"]*"', "", header)
    if "," in outside:
        return ","
    best = max(";\t|", key=outside.count)
    return best if best in outside else ","


def _empty_to_null(array: pa.StringArray) -> pa.StringArray:
    """Arrow's CSV reader never gives null strings unless `NA` is null too. The lengths as booleans are the missing validity bitmap."""
    filled = pc.cast(pc.binary_length(array), pa.bool_())
    return pa.StringArray.from_buffers(len(array), array.buffers()[1], array.buffers()[2], filled.buffers()[1], -1, array.offset)
