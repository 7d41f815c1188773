"""Columns: one plain type for each, whatever the files and frames say, and batches made to fit.

Types are never decided by one file or one block. String, large string, string view and dictionaries of them are one type, `string`;
a dictionary is a way to deliver it, as `dictionary<int32, string>`, when asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from driftline.core.errors import SourceError, UnknownName

BATCH_ROWS = 65_536

LONG_INTEGER = r"^\s*[+-]?[0-9]{19,}\s*$"
"""What may not fit into 64 bits. Text readers make it a rounded float64, but it is an id: such columns are text."""

ENCODED = pa.dictionary(pa.int32(), pa.string())


def is_beyond_int64(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether some float64 is larger than every 64-bit integer."""
    # Comparing with a number inside Arrow would make it import pandas where that is installed, as `pa.scalar` and `pa.array` do.
    return (pc.max(pc.abs(values)).as_py() or 0.0) >= 2.0**63


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without its packing: values instead of dictionaries, storage instead of extensions, one string type."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or str(kind) == "string_view":
        return pa.string()
    return kind


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The names of a schema with their plain types, all nullable, without metadata."""
    return pa.schema([(field.name, plain(field.type)) for field in schema])


def chosen(schema: pa.Schema, columns: Sequence[str] | None, dictionary: Collection[str]) -> pa.Schema:
    """The schema of a reading: the columns asked for in their order, string columns of `dictionary` encoded.

    Raises `UnknownName` for a column that is not there.
    """
    known = set(schema.names)
    names = schema.names if columns is None else list(columns)
    for name in names:
        if name not in known:
            raise UnknownName("column", name, schema.names)
    kinds = ((name, schema.field(name).type) for name in names)
    return pa.schema([(name, ENCODED if name in dictionary and kind == pa.string() else kind) for name, kind in kinds])


def common(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The plain type that holds the values of both, or None. Integers and fractions together are float64."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if _is_number(one) and _is_number(other):
        return _common_number(one, other)
    if _is_moment(one) and _is_moment(other):
        return _common_moment(one, other)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _common_struct(one, other)
    if pa.types.is_list(one) and pa.types.is_list(other):
        inner = common(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    return None


def common_of(kinds: Iterable[pa.DataType]) -> pa.DataType | None:
    """The plain type that holds the values of all, or None."""
    return reduce(lambda one, other: None if one is None else common(one, other), kinds, pa.null())


def fit(batches: Iterable[pa.RecordBatch], schema: pa.Schema, place: str) -> Iterator[pa.RecordBatch]:
    """The batches with exactly this schema, in pieces of at most 65,536 rows; empty ones are left out.

    A column that a batch does not have becomes nulls. Raises `SourceError` for text that is not UTF-8 and for a value that its type
    cannot hold, naming the column and `place`.
    """
    for batch in batches:
        _check_text(batch, place)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            piece = batch if batch.num_rows <= BATCH_ROWS else batch.slice(start, BATCH_ROWS)
            yield _fitted(piece, schema, place)


def _fitted(batch: pa.RecordBatch, schema: pa.Schema, place: str) -> pa.RecordBatch:
    arrays = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        try:
            array = pa.nulls(batch.num_rows, field.type) if at < 0 else converted(batch.column(at), field.type)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            what = f"Column '{field.name}' holds a value that does not fit its type {field.type}"
            raise SourceError(what, where=place, hint="Check the job that wrote it.") from error
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _check_text(batch: pa.RecordBatch, place: str) -> None:
    """Arrow's readers do not look whether bytes are UTF-8, and whoever decodes a level later would fall over it."""
    for field, array in zip(batch.schema, batch.columns, strict=True):
        if plain(field.type) != pa.string():
            continue
        texts = array.dictionary if pa.types.is_dictionary(array.type) else array
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid as error:
            what = f"Column '{field.name}' holds bytes that are not UTF-8"
            raise SourceError(what, where=place, hint="Save its text as UTF-8.") from error


def converted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The array with another type. Integers become the nearest float64; everything else is exact or raises an Arrow exception."""
    if array.type == kind:
        return array
    if isinstance(array, pa.ExtensionArray):
        return converted(array.storage, kind)
    if pa.types.is_dictionary(kind):
        return _encoded(array, kind)
    if pa.types.is_dictionary(array.type):
        return converted(array.dictionary_decode(), kind)
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        return _struct(array, kind)
    return pc.cast(array, kind, safe=not pa.types.is_floating(kind))


def _encoded(array: pa.Array, kind: pa.DictionaryType) -> pa.Array:
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    indices = pc.cast(array.indices, kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, converted(array.dictionary, kind.value_type))


def _struct(array: pa.StructArray, kind: pa.StructType) -> pa.Array:
    known = {array.type.field(i).name: i for i in range(array.type.num_fields)}
    fields = [kind.field(i) for i in range(kind.num_fields)]
    # flatten() carries the nulls of the struct down into its fields, field() does not.
    parts = array.flatten()
    values = [converted(parts[known[f.name]], f.type) if f.name in known else pa.nulls(len(array), f.type) for f in fields]
    return pa.StructArray.from_arrays(values, fields=fields, mask=array.is_null())


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _common_number(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    kinds = (one, other)
    if not all(pa.types.is_integer(kind) for kind in kinds):
        return pa.float64()
    signed = any(pa.types.is_signed_integer(kind) for kind in kinds)
    if pa.uint64() in kinds:
        return pa.float64() if signed else pa.uint64()
    return pa.int64()


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _common_moment(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    zones = {kind.tz for kind in (one, other) if pa.types.is_timestamp(kind)}
    if None in zones and len(zones) > 1:
        return None
    zone = zones.pop() if len(zones) == 1 else "UTC" if zones else None
    units = [kind.unit if pa.types.is_timestamp(kind) else "ms" if pa.types.is_date64(kind) else "s" for kind in (one, other)]
    return pa.timestamp(max(units, key=["s", "ms", "us", "ns"].index), zone)


def _common_struct(one: pa.StructType, other: pa.StructType) -> pa.DataType | None:
    kinds: dict[str, pa.DataType] = {}
    for struct in (one, other):
        for i in range(struct.num_fields):
            field = struct.field(i)
            both = common(kinds.get(field.name, pa.null()), field.type)
            if both is None:
                return None
            kinds[field.name] = both
    return pa.struct(list(kinds.items()))
