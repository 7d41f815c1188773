"""Presence: whether segments that the reference has still send rows. One that is silent has no profile, so no verdict can speak of it.

Were its share of the rows the same in every window, the rows of a segment would be Poisson, and none at all has the probability
exp(-expected). Shares wobble: where windows of the reference have shown how much those of the column do, its share must also be further
from nothing than the wobble goes with the same probability; and where changes of its levels are ordinary, as those of a channel that is
closed on Sundays, nothing is judged.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from driftline.core.records import Measurement, Scope, Segment, Status, segment_name
from driftline.drift.overtime import Normal
from driftline.drift.unrest import Unrest
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Schema
from driftline.profiles.segments import MISSING

SEGMENT_ROWS = "segment_rows"
CHANCE = 1e-6
"""Probability that a segment is called gone although it is not."""
EXPECTED = -math.log(CHANCE)
"""Rows, 13.8, that have to be expected of a segment before their absence is that improbable."""
LEAST = 1.0
"""The limit: fewer rows than one."""
LEVELS_CHANGE = ("level", "distance")
"""Kinds of findings about a column that any of its levels may cause."""

Rows = Mapping[Segment, int]


def segment_rows(rows: Rows, window_rows: int, reference: Reference, scope: Scope, normal: Normal) -> list[Measurement]:
    """The rows of each segment of the reference, those without a level apart; `scope` is that of all rows of the window.

    `rows` are those of the segments of this window. What is expected of a segment is its share of the rows of the reference that have a
    level, out of those of the window that have one: rows whose level is missing are the column's trouble, not the segment's.
    """
    if not window_rows:
        return []
    before = {segment: profile.rows for segment, profile in reference.segments.items()}
    now_known, known = _with_level(rows), _with_level(before)
    found = []
    for segment, count in before.items():
        names = _columns(segment)
        if not segment or _lacks(segment) or not count:
            continue
        own = Scope(scope.model, scope.version, segment, scope.window)
        normally = _Normally(names, count / known[names], now_known.get(names, 0), known[names])
        found.append(_presence(rows.get(segment, 0), window_rows, own, normally, normally.doubt(reference.schema, normal)))
    return found


@dataclass(frozen=True, slots=True)
class _Normally:
    """The share that a segment has of the rows with a level in these columns, `m` in the reference and `n` in the window."""

    names: tuple[str, ...]
    share: float
    n: int
    m: int

    @property
    def expected(self) -> float:
        return self.share * self.n

    def doubt(self, schema: Schema, normal: Normal) -> str:
        """Why no rows may be nothing unusual; nothing where it would be."""
        if any(kind in LEVELS_CHANGE for name in self.names for kind in normal.ordinary.get(name, ())):
            return "windows of the reference show changes of the levels of this column themselves"
        known = [normal.unrest[i] for name in self.names if (i := schema.by_name.get(name)) is not None and i in normal.unrest]
        unit, whole = 1 / max(self.n, 1) + 1 / self.m, 2 * math.asin(math.sqrt(self.share))
        wobbles = any(_wobble(unrest, unit) >= whole for unrest in known)
        return "its share wobbles too much from window to window in the reference" if wobbles else ""


def _presence(now: int, window_rows: int, scope: Scope, normally: _Normally, doubt: str) -> Measurement:
    """A segment with rows is there, however few are expected."""
    expected = normally.expected
    judged = now > 0 or (expected >= EXPECTED and not doubt)
    note = ""
    if not now:
        part = f"{normally.share:.2%} of {normally.n:,} rows with a level"
        story = f"no rows of {segment_name(scope.segment)}, and {expected:,.3g} are expected: {part}"
        counts = f"at a share that wobbles no more than in the reference; {EXPECTED:.1f} expected rows, or {CHANCE:g}, count"
        why = f"probability of none {math.exp(-expected):.2g} {counts}"
        note = f"{story}; {doubt}; {why}" if doubt else f"{story}; limit {LEAST:g}: {why}"
    return Measurement(
        SEGMENT_ROWS,
        float(now),
        scope,
        window_rows,
        limit=LEAST if judged else None,
        status=Status.OK if judged else Status.INSUFFICIENT,
        note=note,
        beyond=not now if judged else None,
    )


def _wobble(unrest: Unrest, unit: float) -> float:
    """How far the share of a level goes down with the probability CHANCE, on the arcsine scale; 0 where sampling alone explains it."""
    return unrest.bounds(unit, 2 * CHANCE)[2]


def _with_level(rows: Rows) -> dict[tuple[str, ...], int]:
    """By the columns of segments, how many rows have a level there."""
    found: dict[tuple[str, ...], int] = defaultdict(int)
    for segment, count in rows.items():
        if not _lacks(segment):
            found[_columns(segment)] += count
    return found


def _columns(segment: Segment) -> tuple[str, ...]:
    return tuple(column for column, _ in segment)


def _lacks(segment: Segment) -> bool:
    return any(level == MISSING for _, level in segment)
