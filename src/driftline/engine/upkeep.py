"""Upkeep: the parts of old windows become one, the row log is compacted, and what is kept no longer goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import add, attrgetter

from driftline.core.durations import duration
from driftline.core.ledger import PartKind, StoredPart
from driftline.engine.model import Model
from driftline.profiles.parts import decode_part, decode_traffic, encode_part, encode_traffic

STRETCH = timedelta(days=7)


def tidy(model: Model, *, now: datetime) -> dict[str, int]:
    """Folds, compacts and forgets what the plan says is old enough at `now`; how much of each. Doing it again changes nothing."""
    storage = model.plan.storage
    with model.store.exclusive(model.name):
        folded = fold(model, before=now - duration(storage.fold_after))
        oldest = model.tiling.around(now - duration(storage.predictions_for)).start  # windows are forgotten whole
        rows = model.lake.retain(predictions=oldest, features=now - duration(storage.rows.for_))
        model.lake.tidy(before=now - timedelta(days=1))
    return {"folded_parts": folded, "forgotten_rows": rows}


def fold(model: Model, *, before: datetime) -> int:
    """Makes one part of all parts of each window, version and schema that ended before a moment; the number of parts that are gone."""
    windows = [touched.window for touched in model.store.windows(model.name, end=before) if touched.window.end <= before]
    gone = 0
    for stretch in _stretches([window.start for window in windows]):
        for kind in (PartKind.ROWS, PartKind.TRAFFIC):
            parts = model.store.parts(model.name, kind, start=stretch[0], end=stretch[-1] + timedelta(microseconds=1))
            parts = [part for part in parts if part.window.end <= before]
            for _, group in groupby(parts, key=attrgetter("schema", "version", "window")):
                several = list(group)
                if len(several) > 1:
                    model.store.put(model.name, [_one(model, kind, several)], instead_of=several)
                    gone += len(several) - 1
    return gone


def _stretches(starts: Sequence[datetime]) -> Iterable[list[datetime]]:
    """Moments that lie within some days of each other."""
    stretch: list[datetime] = []
    for start in sorted(starts):
        if stretch and start - stretch[0] > STRETCH:
            yield stretch
            stretch = []
        stretch.append(start)
    if stretch:
        yield stretch


def _one(model: Model, kind: PartKind, parts: Sequence[StoredPart]) -> StoredPart:
    last = max(parts, key=attrgetter("name"))
    name = f"parts of {last.window}"
    if kind is PartKind.TRAFFIC:
        data = encode_traffic(reduce(add, (decode_traffic(part.data, name=name) for part in parts)))
    else:
        schema = model.by_schema[last.schema].reference.schema
        data = encode_part(reduce(add, (decode_part(part.data, schema, name=name) for part in parts)))
    return replace(last, through=max(part.through for part in parts), rows=sum(part.rows for part in parts), data=data)
