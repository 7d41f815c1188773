"""Newline-delimited JSON: one object per line, read in blocks of whole lines.

Arrow's reader decides types by block; here they are settled by a first pass over all blocks. A column that holds both numbers and
texts is text: its values are then taken from the lines as they are written. Nested objects stay structs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from driftline.core.errors import SourceError
from driftline.sources.columns import LONG_INTEGER, common, is_beyond_int64, plain
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
        """The columns of `schema` with its types; what is a number in the file and text in `schema` comes as JSON writes it."""
        loose = {field.name for field in schema if self._is_loose(field)}
        with reading(self.path, self.stamp):
            for block in self._blocks():
                data = _with_texts(block.data, loose) if loose else block.data
                yield from _parsed(data, schema).select(schema.names).to_batches()

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

    def _typed(self, block: Block) -> tuple[pa.Schema, int, set[str]]:
        """The types that the block shows alone, its rows, and the columns that must be read as text."""
        data, loose = block.data, set[str]()
        try:
            table = _parsed(data)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            loose = self._mixed_columns(block)
            if not loose:
                raise SourceError("The lines cannot be read as JSON objects", where=shown(self.path), hint="Write it again.") from error
            data = _with_texts(data, loose)
            table = _parsed(data)
        # Arrow counts no rows where no object has a value.
        return _with_times(data, table), table.num_rows or data.count(b"{"), loose | _long_integers(data, table)

    def _mixed_columns(self, block: Block) -> set[str]:
        """The columns whose values are of more than one kind, at any depth. Raises `SourceError` for the first line that is no object."""
        kinds: dict[tuple[str, ...], set[str]] = {}
        for number, line in enumerate(block.data.split(b"\n"), start=block.line):
            for name, value in self._object(line, number).items() if line.strip() else ():
                for path, kind in _kinds((name,), value):
                    kinds.setdefault(path, set()).add(kind)
        return {path[0] for path, found in kinds.items() if len(found) > 1}

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


def _kinds(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """The kinds of a value and of all inside it, each with its path; elements of a list share one."""
    if value is None:
        return
    yield path, "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _kinds((*path, name), inner)
    if isinstance(value, list):
        for inner in value:
            yield from _kinds((*path, "[]"), inner)


def _with_texts(data: bytes, columns: Collection[str]) -> bytes:
    """The same lines with the values of these columns as texts: texts as they are, everything else as JSON. Integers keep every digit."""
    rows = (json.loads(line) for line in data.split(b"\n") if line.strip())
    return b"\n".join(json.dumps({k: _written(v) if k in columns else v for k, v in row.items()}).encode() for row in rows)


def _with_times(data: bytes, table: pa.Table) -> pa.Schema:
    """The types of the table, where columns whose texts are all times are timestamps, in UTC if they give their zone.

    Arrow takes whole seconds for times, fractions of a second for text, and forgets the zone.
    """
    kinds = {field.name: plain(field.type) for field in table.schema}
    times = [name for name, kind in kinds.items() if pa.types.is_timestamp(kind)]
    written = _parsed(data, pa.schema([(name, pa.string()) for name in times])) if times else table
    texts = {name: table[name] for name, kind in kinds.items() if kind == pa.string()} | {name: written[name] for name in times}
    kinds |= {name: _time(column) or pa.string() for name, column in texts.items()}
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


def _long_integers(data: bytes, table: pa.Table) -> set[str]:
    """The columns whose integers do not fit into 64 bits: ids, which Arrow would round to float64."""
    kinds = {field.name: field.type for field in table.schema}
    wide = [name for name, kind in kinds.items() if kind == pa.float64() and is_beyond_int64(table[name])]
    if not wide:
        return set()
    texts = _parsed(_with_texts(data, wide), pa.schema([(name, pa.string()) for name in wide]))
    return {name for name in wide if pc.any(pc.match_substring_regex(texts[name], LONG_INTEGER)).as_py()}


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_written_as_text(*kinds: pa.DataType) -> bool:
    return all(kind == pa.string() or pa.types.is_timestamp(kind) or pa.types.is_null(kind) for kind in kinds)
