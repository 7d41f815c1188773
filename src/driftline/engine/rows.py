"""Rows of a delivery become parts of windows: the traffic of each version and window, and their profiles under each schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.core.ledger import PartKind, StoredPart
from driftline.core.records import Window
from driftline.engine.model import Model
from driftline.profiles.gather import fits
from driftline.profiles.intake import Predictions
from driftline.profiles.parts import Part, encode_part, encode_traffic
from driftline.profiles.schema import Schema
from driftline.profiles.tiling import to_nanoseconds
from driftline.profiles.traffic import Traffic, TrafficCounter
from driftline.profiles.values import from_flags, from_integers, true_rows


def parts_of(model: Model, rows: Predictions, *, sequence: int, arrived: datetime, table: str) -> list[StoredPart]:
    """The parts of the usable rows of a delivery. Failed requests are traffic and nothing else: they have no prediction."""
    parts: list[StoredPart] = []
    for version, own in by_version(rows):
        windows, place = model.tiling.cut(own.times)
        cut = _Cut.of(own, windows, place)
        known = model.schemas(version)
        schema = known[0].reference.schema
        for window, traffic in zip(windows, _traffic(own, place, len(windows), arrived), strict=True):
            parts.append(StoredPart(PartKind.TRAFFIC, schema.id, version, window, sequence, sequence, 0, encode_traffic(traffic)))
        for i, each in enumerate(known):
            schema = each.reference.schema
            counting = each.counting
            for window, count, batch in cut.slices(schema):
                counting = counting.again(table=table)
                data = encode_part(Part.of(batch, counting))
                # Rows are counted once, whatever they are compared with.
                parts.append(StoredPart(PartKind.ROWS, schema.id, version, window, sequence, sequence, count if i == 0 else 0, data))
    return parts


def by_version(rows: Predictions) -> list[tuple[str, Predictions]]:
    """The rows of each model version, in the order of their names."""
    if len(rows.versions) == 1:
        return [(rows.versions[0], rows)] if len(rows.log) else []
    column = rows.log["version"].combine_chunks()
    cut = [(version, rows.take(true_rows(pc.equal(column, pa.scalar(version))))) for version in rows.versions]
    return [(version, own) for version, own in cut if len(own.log)]


def countable(batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
    """The columns that the schema counts and that are of a type it can count. What is left out is seen as missing from the window."""
    names = set(batch.schema.names)
    chosen = [c.name for c in schema.columns if c.name in names and fits(c, batch.schema.field(c.name).type)]
    return batch.select(chosen)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Rows in the order of their windows, which begin at `bounds`. `answered` says which rows have a prediction, None where all have."""

    batch: pa.RecordBatch
    windows: list[Window]
    bounds: list[int]
    answered: NDArray[np.bool_] | None

    @classmethod
    def of(cls, rows: Predictions, windows: list[Window], place: NDArray[np.intp]) -> _Cut:
        batch, answered = rows.rows, None if rows.failed is None else ~rows.failed
        if (place[1:] < place[:-1]).any():
            order = np.argsort(place, kind="stable").astype(np.int64)
            batch, place = batch.take(from_integers(order)), place[order]
            answered = None if answered is None else answered[order]
        return cls(batch, windows, np.searchsorted(place, np.arange(len(windows) + 1)).tolist(), answered)

    def slices(self, schema: Schema) -> Iterator[tuple[Window, int, pa.RecordBatch]]:
        """Each window with its number of rows, and the columns of those that the schema counts."""
        batch = countable(self.batch, schema)
        for i, window in enumerate(self.windows):
            low, high = self.bounds[i], self.bounds[i + 1]
            rows = batch.slice(low, high - low)
            if self.answered is not None and not self.answered[low:high].all():
                rows = rows.filter(from_flags(self.answered[low:high]))
            yield window, high - low, rows


def _traffic(rows: Predictions, place: NDArray[np.intp], windows: int, arrived: datetime) -> list[Traffic]:
    counter = TrafficCounter()
    counter.add(
        place,
        windows,
        rows=len(place),
        latency_ms=rows.latency,
        failed=rows.failed,
        times_ns=rows.times,
        arrived_ns=to_nanoseconds(arrived),
    )
    return counter.traffic()
