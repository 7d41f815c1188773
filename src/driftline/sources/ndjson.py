"""Newline-delimited JSON: one object per line, read in blocks of whole lines.

Arrow's reader decides types by block; here they are settled by a first pass over all blocks. A column that holds both numbers and
texts is text: its values are then taken from the lines as they are written. Nested objects stay structs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from driftline.core.errors import SourceError
from driftline.sources.columns import LONG_INTEGER, common, plain
from driftline.sources.failures import checked_names, empty, reading, shown, stamp

BLOCK = 1 << 23
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file; `line` is the number of the first one, from 1."""

    line: int
    data: bytes


class NdjsonFile:
    """One file of JSON objects, one per line. `compression` is a name that Arrow knows, or None."""

    text = True
    encodes = False

    def __init__(self, path: str, compression: str | None = None) -> None:
        self.path = path
        self._compression = compression
        self.rows = 0
        self._kinds: dict[str, pa.DataType] = {}
        self._mixed: set[str] = set()
        with reading(path):
            self.stamp = stamp(path)
            for block in self._blocks():
                self._learn(block)
        if not self.rows:
            raise empty(path)
        checked_names(self._kinds, path)
        kinds = ((name, pa.string() if name in self._mixed else kind) for name, kind in self._kinds.items())
        self.schema = pa.schema(list(kinds))

    def batches(self, schema: pa.Schema, dictionary: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The columns of `schema` with its types; what is a number in the file and text in `schema` comes as it is written."""
        loose = [field.name for field in schema if self._is_loose(field)]
        strict = pa.schema([field for field in schema if field.name not in loose])
        with reading(self.path, self.stamp):
            for block in self._blocks():
                table = _parsed(block.data, strict) if len(strict) else None
                texts = _texts(block.data, loose) if loose else {}
                columns = [texts[f.name] if f.name in texts else table.column(f.name) for f in schema]  # type: ignore[union-attr]
                yield from pa.Table.from_arrays(columns, schema=schema).to_batches()

    def _is_loose(self, field: pa.Field) -> bool:
        if field.name in self._mixed:
            return True
        return field.type == pa.string() and not _is_written_as_text(self._kinds[field.name])

    def _blocks(self) -> Iterator[Block]:
        line, rest = 1, b""
        with pa.OSFile(self.path) as raw, pa.input_stream(raw, compression=self._compression) as stream:
            while data := stream.read(BLOCK):
                if line == 1 and not rest:
                    data = data.removeprefix(BOM)
                head, newline, tail = data.rpartition(b"\n")
                if not newline:
                    rest += data
                    continue
                whole = rest + head + newline
                if whole.strip():
                    yield Block(line, whole)
                line, rest = line + whole.count(b"\n"), tail
        if rest.strip():
            yield Block(line, rest)

    def _learn(self, block: Block) -> None:
        """Joins the types that the block shows with those before."""
        schema, rows, loose = self._typed(block)
        self.rows += rows
        self._mixed.update(loose)
        for field in schema:
            known = self._kinds.get(field.name, pa.null())
            both = common(known, field.type)
            if both is None and not _is_written_as_text(known, field.type):
                self._mixed.add(field.name)
            self._kinds[field.name] = both or pa.string()

    def _typed(self, block: Block) -> tuple[pa.Schema, int, list[str]]:
        """The types that the block shows alone, its rows, and the columns whose values are of more than one kind."""
        try:
            table = _parsed(block.data)
            loose = _long_integers(block.data, table)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            table, loose = self._mixed_table(block)
            if not loose:
                raise SourceError("The lines cannot be read as JSON objects", where=shown(self.path), hint="Write it again.") from error
        # Arrow counts no rows where no object has a value.
        return _with_times(block.data, table), table.num_rows or block.data.count(b"{"), loose

    def _mixed_table(self, block: Block) -> tuple[pa.Table, list[str]]:
        """What Arrow cannot read, line by line. Raises `SourceError` for the first line that is no object."""
        rows = [self._object(line, block.line + i) for i, line in enumerate(block.data.split(b"\n")) if line.strip()]
        names = list(dict.fromkeys(name for row in rows for name in row))
        arrays = {name: _array([row.get(name) for row in rows]) for name in names}
        loose = [name for name, array in arrays.items() if array is None]
        texts = _texts(block.data, loose)
        return pa.Table.from_pydict({name: texts[name] if array is None else array for name, array in arrays.items()}), loose

    def _object(self, line: bytes, number: int) -> dict[str, Any]:
        place = f"{shown(self.path)}:{number}"
        try:
            found = json.loads(line, object_pairs_hook=_pairs)
        except UnicodeDecodeError as error:
            raise SourceError("The line holds bytes that are not UTF-8", where=place, hint="Save the file as UTF-8.") from error
        except _TwiceError as error:
            raise SourceError(f"The object gives '{shown(error.name)}' twice", where=place, hint="Give each name once.") from None
        except (ValueError, RecursionError) as error:
            raise SourceError("The line is not a JSON object", where=place, hint="Write one whole object per line.") from error
        if not isinstance(found, dict):
            raise SourceError("The line is not a JSON object", where=place, hint="Write one whole object per line.")
        return found


class _TwiceError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _parsed(data: bytes, schema: pa.Schema | None = None) -> pa.Table:
    behaviour = "infer" if schema is None else "ignore"
    return pj.read_json(
        pa.BufferReader(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=behaviour),
    )


def _array(values: list[Any]) -> pa.Array | None:
    """The values as Arrow types them, or None where they are of more than one kind."""
    kinds = {float if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value) for value in values}
    if len(kinds - {type(None)}) > 1:
        return None
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return None


def _texts(data: bytes, columns: Sequence[str]) -> dict[str, pa.Array]:
    """The values of these columns as they are written: texts as they are, everything else as JSON. Integers keep every digit."""
    rows = [json.loads(line) for line in data.split(b"\n") if line.strip()]
    return {name: pa.array([_written(row.get(name)) for row in rows], pa.string()) for name in columns}


def _with_times(data: bytes, table: pa.Table) -> pa.Schema:
    """The types of the table, where columns whose texts are all times are timestamps, in UTC if they give their zone.

    Arrow takes whole seconds for times, fractions of a second for text, and forgets the zone.
    """
    kinds = {field.name: plain(field.type) for field in table.schema}
    times = [name for name, kind in kinds.items() if pa.types.is_timestamp(kind)]
    written = _parsed(data, pa.schema([(name, pa.string()) for name in times])) if times else table
    for name, kind in kinds.items():
        if kind == pa.string() or name in times:
            kinds[name] = _time(written[name]) or pa.string()
    return pa.schema(list(kinds.items()))


def _time(texts: pa.ChunkedArray) -> pa.DataType | None:
    """The timestamp type that reads all the texts, or None."""
    some = pc.drop_null(texts)
    for kind in (pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")):
        try:
            pc.cast(some.slice(0, 1), kind)  # most texts are no times: one is enough to know
            pc.cast(some, kind)
        except pa.ArrowInvalid:
            continue
        return kind if len(some) else None
    return None


def _long_integers(data: bytes, table: pa.Table) -> list[str]:
    """The columns whose integers do not fit into 64 bits: ids, which Arrow would round to float64."""
    wide = [f.name for f in table.schema if f.type == pa.float64() and pc.any(pc.greater_equal(pc.abs(table[f.name]), 2.0**63)).as_py()]
    texts = _texts(data, wide) if wide else {}
    return [name for name in wide if pc.any(pc.match_substring_regex(texts[name], LONG_INTEGER)).as_py()]


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_written_as_text(*kinds: pa.DataType) -> bool:
    return all(kind == pa.string() or pa.types.is_timestamp(kind) or pa.types.is_null(kind) for kind in kinds)
