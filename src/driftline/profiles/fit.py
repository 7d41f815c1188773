"""Schema.fit: from one pass over the reference to how each column is summarised, every decision with its reason.

The pass keeps a sample of rows picked by a hash of their number, and over all rows the extremes, the nulls and the levels; so the cost is
bounded, and the levels and the range are those of the whole reference.
"""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.core.errors import SourceError
from driftline.core.spec import Spec
from driftline.profiles.binning import choose_bins
from driftline.profiles.hashing import hash_rows
from driftline.profiles.levels import level_counts
from driftline.profiles.schema import Column, Kind, Role, Schema, family
from driftline.profiles.values import as_floats, as_text, from_integers, integers, valid_rows

SAMPLE_ROWS, FEWEST_ROWS, SAMPLE_VALUES = 100_000, 20_000, 5_000_000
"""Rows of the sample that are wished for, fewer where there are many columns, so that its memory stays bounded."""
FEW_VALUES = 30
MOST_LEVELS = 1_000
COUNTED_LEVELS = 5_000
UNIQUE_SHARE = 0.99
LONG_TEXT = 60


class SchemaSpec(Spec):
    """What the user knows about the columns. `kinds` overrides what would be inferred, by column name."""

    prediction: str | None = None
    label: str | None = None
    time: str | None = None
    segments: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    threshold: float | None = None
    kinds: Mapping[str, Kind] = {}

    def role(self, name: str) -> Role:
        """What the column is for, as far as the user said."""
        said = {self.prediction: Role.PREDICTION, self.label: Role.LABEL, self.time: Role.TIME}
        if name in said:
            return said[name]
        if name in self.identifiers:
            return Role.IDENTIFIER
        return Role.SEGMENT if name in self.segments else Role.FEATURE


@dataclass(slots=True)
class _Seen:
    """What the pass has learned of one column over all rows. Once there are too many `levels` to count, they are those of the sample."""

    counted: bool
    nulls: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    levels: Multiset[str] = field(default_factory=Multiset)
    overflow: bool = False


def fit(schema: pa.Schema, batches: Iterable[pa.RecordBatch], spec: SchemaSpec) -> tuple[Schema, pa.Table]:
    """The schema of a reference, and the sample of its rows that decided the bins.

    Raises `SourceError` where the reference has no rows.
    """
    kept = pa.schema([f for f in schema if f.name not in spec.ignore])
    seen = {f.name: _Seen(_has_levels(f, spec)) for f in kept}
    sample = _Sample(kept)
    rows = 0
    for batch in batches:
        for f in kept:
            _learn(seen[f.name], batch.column(f.name))
        sample.add(batch.select(kept.names), rows)
        rows += len(batch)
    if rows == 0:
        raise SourceError("The reference holds no rows", hint="Give a reference with the rows the model was trained or validated on.")
    table = sample.table()
    for name, learned in seen.items():
        if learned.overflow:
            learned.levels.update(level_counts(table.column(name).combine_chunks()))
    columns = tuple(_column(f, table.column(f.name), seen[f.name], rows, spec) for f in kept)
    segments = tuple((name, _most_common(seen[name].levels, 50)) for name in spec.segments)
    return Schema(columns, None, spec.time or "", segments), table


class _Sample:
    """A uniform sample of the rows, that does not depend on how they are cut into batches; never more than twice as many as wished."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = pa.schema([(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema])
        self.wished = max(FEWEST_ROWS, min(SAMPLE_ROWS, SAMPLE_VALUES // len(schema)))
        self.shift = 0
        self.pieces: list[tuple[pa.RecordBatch, NDArray[np.uint64]]] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch, first: int) -> None:
        self._keep(batch, hash_rows(first, len(batch)))
        while self.rows > 2 * self.wished:
            self.shift += 1
            self.rows = 0
            for _ in range(len(self.pieces)):  # each old piece is let go before the next one is cut
                self._keep(*self.pieces.pop(0))

    def _keep(self, batch: pa.RecordBatch, hashes: NDArray[np.uint64]) -> None:
        """Keeps the rows whose hash begins with `shift` zeros."""
        if self.shift:
            chosen = np.flatnonzero(hashes >> np.uint64(64 - self.shift) == 0)
            rows, hashes = from_integers(chosen), hashes[chosen]
            batch = pa.RecordBatch.from_arrays([values.take(rows) for values in batch.columns], batch.schema.names)
        self.pieces.append((self._plain(batch), hashes))
        self.rows += len(batch)

    def _plain(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Without dictionaries, which would keep all the values of their batch for the few rows that are left of it."""
        arrays = [values.dictionary_decode() if pa.types.is_dictionary(values.type) else values for values in batch.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def table(self) -> pa.Table:
        return pa.Table.from_batches([piece for piece, _ in self.pieces], self.schema)


def _has_levels(f: pa.Field, spec: SchemaSpec) -> bool:
    asked = spec.role(f.name) is Role.SEGMENT or spec.kinds.get(f.name) in (Kind.CATEGORICAL, Kind.BOOLEAN)
    return asked or family(f.type) in ("text", "boolean")


def _learn(seen: _Seen, values: pa.Array) -> None:
    valid = valid_rows(values)
    seen.nulls += 0 if valid is None else len(valid) - int(np.count_nonzero(valid))
    if family(values.type) == "number":
        low, high = _finite_ends(*as_floats(values))
        seen.lowest, seen.highest = min(seen.lowest, low), max(seen.highest, high)
    if seen.counted and not seen.overflow:
        seen.levels.update(level_counts(values))
        if len(seen.levels) > COUNTED_LEVELS:
            seen.levels.clear()
            seen.overflow = True


def _finite_ends(floats: NDArray[np.float64], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """The least and the greatest finite value, (inf, -inf) where there is none."""
    known = floats if valid is None else floats[valid]
    low, high = known.min(initial=np.inf), known.max(initial=-np.inf)
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = known[np.isfinite(known)]
        low, high = finite.min(initial=np.inf), finite.max(initial=-np.inf)
    return float(low), float(high)


def _column(f: pa.Field, sample: pa.ChunkedArray, seen: _Seen, rows: int, spec: SchemaSpec) -> Column:
    kind, reason = _kind(f, sample, seen, rows, spec)
    role = Role.IDENTIFIER if kind is Kind.IDENTIFIER and spec.role(f.name) is Role.FEATURE else spec.role(f.name)
    column = Column(f.name, kind, role, str(f.type), reason)
    what = family(f.type)
    if kind in (Kind.NUMERIC, Kind.INTEGER) or (kind is Kind.CONSTANT and what == "number"):
        required = (spec.threshold,) if role is Role.PREDICTION and spec.threshold is not None else ()
        return _numeric(column, sample, seen, required)
    if kind in (Kind.CATEGORICAL, Kind.BOOLEAN, Kind.CONSTANT):
        return _with_levels(column, f.type, seen)
    return column


def _kind(f: pa.Field, sample: pa.ChunkedArray, seen: _Seen, rows: int, spec: SchemaSpec) -> tuple[Kind, str]:
    """The kind of a column and the reason, in words that make the decision reviewable."""
    what = family(f.type)
    present = rows - seen.nulls
    if what == "nothing" or present == 0:
        return Kind.EMPTY, f"all {rows:,} rows are null"
    if what == "number" and not np.isfinite(seen.lowest):
        return Kind.EMPTY, "no finite number in any row"
    if f.name in spec.kinds:
        return spec.kinds[f.name], "as you said"
    if what == "nested":
        return Kind.NESTED, f"{f.type} has parts; only missing values are watched"
    if what == "time":
        return Kind.DATETIME, "time moves on by itself; only missing values are watched"
    if what == "boolean":
        return Kind.BOOLEAN, "true or false"
    if f.name in spec.identifiers:
        return Kind.IDENTIFIER, "named as an identifier"
    return _number_kind(f, sample, seen, present, spec) if what == "number" else _text_kind(f, sample, seen, spec)


def _number_kind(f: pa.Field, sample: pa.ChunkedArray, seen: _Seen, present: int, spec: SchemaSpec) -> tuple[Kind, str]:
    if seen.lowest == seen.highest:
        return Kind.CONSTANT, f"always {seen.lowest:g}"
    whole = pa.types.is_integer(f.type)
    distinct = _distinct(sample.combine_chunks())
    of = len(sample) - sample.null_count
    plain = spec.role(f.name) is Role.FEATURE
    if whole and plain and of >= 50 and distinct >= UNIQUE_SHARE * of:
        spread = seen.highest - seen.lowest + 1
        if _named_like_an_id(f.name) or spread <= 1.05 * present:
            return Kind.IDENTIFIER, f"{distinct:,} distinct whole numbers in {of:,} rows, " + (
                "named like an identifier" if _named_like_an_id(f.name) else "without gaps"
            )
    if distinct <= FEW_VALUES and (whole or _all_whole(sample)):
        return Kind.INTEGER, f"{distinct} distinct whole numbers, each its own bin"
    return Kind.NUMERIC, f"{distinct:,} distinct numbers in {of:,} rows"


def _text_kind(f: pa.Field, sample: pa.ChunkedArray, seen: _Seen, spec: SchemaSpec) -> tuple[Kind, str]:
    if spec.role(f.name) is Role.TIME:
        return Kind.DATETIME, "text that names the time"
    if len(seen.levels) == 1:
        return Kind.CONSTANT, f"always '{next(iter(seen.levels))}'"
    texts = as_text(sample.combine_chunks())
    of = len(texts) - texts.null_count
    distinct = pc.count_distinct(texts).as_py()
    if spec.role(f.name) in (Role.PREDICTION, Role.LABEL, Role.SEGMENT):
        return Kind.CATEGORICAL, f"{distinct:,} levels"
    length = pc.mean(pc.utf8_length(texts)).as_py() or 0.0
    if distinct >= 50 and distinct >= 0.5 * of and length > LONG_TEXT:
        return Kind.TEXT, f"{length:.0f} characters on average and {distinct:,} distinct of {of:,}: free text"
    if of >= 50 and distinct >= UNIQUE_SHARE * of:
        return Kind.IDENTIFIER, f"{distinct:,} distinct values in {of:,} rows"
    if length > LONG_TEXT and distinct > MOST_LEVELS:
        return Kind.TEXT, f"{length:.0f} characters on average: free text"
    levels = f"more than {COUNTED_LEVELS:,}" if seen.overflow else f"{len(seen.levels):,}"
    return Kind.CATEGORICAL, f"{levels} levels"


def _numeric(column: Column, sample: pa.ChunkedArray, seen: _Seen, required: tuple[float, ...]) -> Column:
    floats, valid = as_floats(sample.combine_chunks())
    usable = np.isfinite(floats) if valid is None else np.isfinite(floats) & valid
    values = np.sort(floats[usable])
    if len(values) == 0:
        values = np.array([seen.lowest, seen.highest])
    inside = tuple(r for r in required if seen.lowest < r <= seen.highest)
    bins = choose_bins(values, lowest=seen.lowest, highest=seen.highest, required=inside, each_value=column.kind is Kind.INTEGER)
    low = values[np.minimum(np.searchsorted(values, bins.edges[:-1]), len(values) - 1)]
    high = values[np.maximum(np.searchsorted(values, bins.edges[1:]) - 1, 0)]
    with np.errstate(over="ignore", invalid="ignore"):
        center, spread = float(values.mean()), float(values.std())
    if not np.isfinite(center + spread):  # beyond the largest float: the largest value keeps the sums within it
        center, spread = 0.0, float(np.abs(values).max())
    return Column(
        name=column.name,
        kind=column.kind,
        role=column.role,
        arrow_type=column.arrow_type,
        reason=column.reason,
        edges=tuple(bins.edges.tolist()),
        coarse=tuple(bins.coarse.tolist()),
        points=tuple((low == high).tolist()),
        center=center,
        scale=spread if spread > 0 else 1.0,
    )


def _with_levels(column: Column, kind: pa.DataType, seen: _Seen) -> Column:
    if family(kind) == "boolean":
        return Column(column.name, column.kind, column.role, column.arrow_type, column.reason, levels=("false", "true"))
    levels = seen.levels
    complete = not seen.overflow and len(levels) <= MOST_LEVELS
    reason = column.reason if complete else f"{column.reason}, the {MOST_LEVELS:,} most frequent each with a cell"
    return Column(
        column.name, column.kind, column.role, column.arrow_type, reason, levels=_most_common(levels, MOST_LEVELS), complete=complete
    )


def _most_common(levels: Mapping[str, int], most: int) -> tuple[str, ...]:
    return tuple(sorted(levels, key=lambda level: (-levels[level], level))[:most])


def _all_whole(sample: pa.ChunkedArray) -> bool:
    floats, valid = as_floats(sample.combine_chunks())
    finite = floats[np.isfinite(floats) & (valid if valid is not None else True)]
    return bool(np.all(finite == np.floor(finite)))


def _distinct(sample: pa.Array) -> int:
    """How many different numbers there are; sorting is several times quicker than Arrow's hashing."""
    numbers, valid = (integers(sample), valid_rows(sample)) if pa.types.is_integer(sample.type) else as_floats(sample)
    return len(np.unique(numbers if valid is None else numbers[valid]))


def _named_like_an_id(name: str) -> bool:
    folded = name.casefold()
    return (
        folded in ("id", "uuid", "guid", "index", "key", "rownum")
        or folded.endswith(("_id", "_uuid", "_key", " id"))
        or name.endswith("Id")
    )
