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


class BySegment:
    """Counts batches of rows: all of them, and each segment of every segment column of the schema. `keys` as in `Gathering`.

    Levels beyond those the schema lists are one segment, `(other)`; rows without a level are `(missing)`.
    """

    def __init__(self, schema: Schema, *, table: str = "the table", keys: bool = True, like: BySegment | None = None) -> None:
        self.schema, self.table, self.keys = schema, table, keys
        self._first: Gathering | None = like._first if like is not None else None  # noqa: SLF001 - of the same class
        self._cuts: list[tuple[str, LevelCounter, Sequence[str], Gathering]]
        if like is not None:
            self._cuts = [(name, counter.again(), levels, self._gathering()) for name, counter, levels, _ in like._cuts]  # noqa: SLF001
        else:
            self._cuts = [(name, LevelCounter(levels), levels, self._gathering()) for name, levels in schema.segments]
        self._plain: Gathering | None = None

    def again(self, *, table: str = "") -> BySegment:
        """One that has counted nothing yet and knows what this one has looked up."""
        return BySegment(self.schema, table=table or self.table, keys=self.keys, like=self)

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts the rows of a batch."""
        cut = False
        for name, counter, levels, gathering in self._cuts:
            if name in batch.schema.names:
                gathering.add(batch, segment_of(counter, batch.column(name)), len(levels) + 2)
                cut = True
        if not cut:
            self._plain = self._plain or self._gathering()
            self._plain.add(batch)

    def profiles(self) -> tuple[Profile, Mapping[Segment, Profile]]:
        """The profile of all rows, and that of each segment with rows."""
        used = [gathering for _, _, _, gathering in self._cuts if gathering.rows]
        plain = self._plain or (None if used else self._gathering())
        whole = plain if plain is not None and (not used or used[0].rows < plain.rows) else used[0]
        segments: dict[Segment, Profile] = {}
        for name, _, levels, gathering in self._cuts:
            counted = zip(segments_of(name, levels), gathering.profiles(), strict=False)
            segments |= {segment: profile for segment, profile in counted if profile.rows}
        return whole.total(), segments

    def _gathering(self) -> Gathering:
        made = Gathering(self.schema, table=self.table, keys=self.keys, like=self._first)
        self._first = made
        return made


def profile_by_segment(
    batches: Iterable[pa.RecordBatch], schema: Schema, *, table: str = "the table"
) -> tuple[Profile, Mapping[Segment, Profile]]:
    """The profile of all rows, and that of each segment with rows."""
    counting = BySegment(schema, table=table)
    for batch in batches:
        counting.add(batch)
    return counting.profiles()


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
