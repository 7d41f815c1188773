"""Segments: the rows cut by the levels of a column, counted in the same pass as all rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.records import Segment
from driftline.profiles.gather import Gathering
from driftline.profiles.levels import LevelCounter
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Schema

OTHER = "(other)"
MISSING = "(missing)"


def profile_by_segment(
    batches: Iterable[pa.RecordBatch], schema: Schema, *, table: str = "the table"
) -> tuple[Profile, Mapping[Segment, Profile]]:
    """The profile of all rows, and that of each segment with rows, for every segment column of the schema.

    Levels beyond those the schema lists are one segment, `(other)`; rows without a level are `(missing)`.
    """
    gatherings = [(name, LevelCounter(levels), levels, Gathering(schema, table=table)) for name, levels in schema.segments]
    plain = Gathering(schema, table=table)
    for batch in batches:
        cut = False
        for name, counter, levels, gathering in gatherings:
            if name in batch.schema.names:
                gathering.add(batch, segment_of(counter, batch.column(name)), len(levels) + 2)
                cut = True
        if not cut:
            plain.add(batch)
    used = [gathering.total() for _, _, _, gathering in gatherings if gathering.rows]
    everything = used[0] if used and used[0].rows >= plain.rows else plain.total()
    segments: dict[Segment, Profile] = {}
    for name, _, levels, gathering in gatherings:
        counted = zip(segments_of(name, levels), gathering.profiles(), strict=False)
        segments |= {segment: profile for segment, profile in counted if profile.rows}
    return everything, segments


def segment_of(counter: LevelCounter, values: pa.Array) -> NDArray[np.intp]:
    """The position of each row's segment in `segments_of` the same column and levels, (n,)."""
    cells = counter.cells(values)
    groups = cells - (FIRST_LEVEL - 2)  # levels from 2 on, every tail bucket below
    groups[(cells > 0) & (cells < FIRST_LEVEL)] = 1
    groups[cells == 0] = 0
    return groups


def segments_of(name: str, levels: Sequence[str]) -> tuple[Segment, ...]:
    """The segments that a column cuts the rows into: missing, other, then its levels."""
    return tuple(((name, level),) for level in (MISSING, OTHER, *levels))
