"""Verdicts as measurements, the only thing that goes upstairs.

Of each column there is one `verdict`: 0 stable, 1 drifted, 2 faulty, no value where the rows cannot tell; its note is the story and where
the limit comes from. Beside it stand the distances and the tests that have crossed their limits; what stands there in every window is
`always.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from driftline.core.records import Measurement, Scope, Status, segment_name
from driftline.core.verdicts import ColumnVerdict, Verdict
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Role

VERDICT = "verdict"
VALUES = {Verdict.STABLE: 0.0, Verdict.DRIFTED: 1.0, Verdict.FAULTY: 2.0}
ABSENT = "the column is missing, or holds values of another type, in all of these rows"
LEAST_ROWS = 30
"""Rows of a segment from which on it is known to be without a fault that others have."""
WATCHED = (Role.FEATURE, Role.SEGMENT, Role.PREDICTION)
"""Roles of which a column that is not there is a fault."""


NOTHING: Mapping[str, Sequence[Measurement]] = MappingProxyType({})


def measurements(
    verdicts: Sequence[ColumnVerdict],
    scope: Scope,
    *,
    brief: bool = False,
    prefix: str = "",
    always: Mapping[str, Sequence[Measurement]] = NOTHING,
) -> list[Measurement]:
    """The verdict of each column with its measures; `brief` leaves all measures out but the one that decided. `prefix` goes before the
    names of all metrics. `always`: by column what was measured whatever the verdict, which takes the place of its own."""
    found: list[Measurement] = []
    for verdict in verdicts:
        standing = always.get(verdict.name, ())
        names = {m.metric for m in standing}
        found += [*(m for m in _of(verdict, scope, brief, prefix) if m.metric not in names), *standing]
    return found


def absent(current: Profile, columns: Sequence[int], scope: Scope) -> list[Measurement]:
    """A fault for each of these columns (positions in the schema) that the rows do not have in a type that can be counted."""
    if not current.rows:
        return []
    gone = [current.schema.columns[i] for i in columns if not current.seen[i] and current.schema.columns[i].role in WATCHED]
    note = f"{ABSENT}; looks like: pipeline"
    return [Measurement(VERDICT, 2.0, scope, current.rows, column.name, note=note, beyond=True) for column in gone]


def located(found: Sequence[Measurement]) -> list[Measurement]:
    """The same, with the segments named in the verdict of all rows where a column is in trouble in some of them and fine in others.

    A fault shows in few rows: a segment with too few for anything else, and without that fault, is fine.
    """
    faulty = {m.column for m in found if m.metric == VERDICT and not m.scope.segment and m.value == VALUES[Verdict.FAULTY]}
    bad: dict[str, list[str]] = {}
    fine: set[str] = set()
    for m in found:
        if m.metric == VERDICT and m.scope.segment and m.column is not None:
            if m.value:
                bad.setdefault(m.column, []).append(segment_name(m.scope.segment))
            elif m.value is not None or (m.column in faulty and m.n >= LEAST_ROWS):
                fine.add(m.column)
    some = {column: names for column, names in bad.items() if column in fine}
    return [
        replace(m, note=f"only {_named(some[m.column])}: {m.note}")
        if m.metric == VERDICT and not m.scope.segment and not m.scope.version and m.value and m.column in some
        else m
        for m in found
    ]


def _named(segments: Sequence[str]) -> str:
    return ", ".join(segments[:3]) + (f" and {len(segments) - 3} more" if len(segments) > 3 else "")


def _of(verdict: ColumnVerdict, scope: Scope, brief: bool, prefix: str) -> Iterator[Measurement]:  # noqa: FBT001 - one of two shapes
    status = Status.NODATA if verdict.n == 0 else Status.INSUFFICIENT if verdict.verdict is Verdict.INSUFFICIENT else Status.OK
    value = VALUES.get(verdict.verdict)
    if value is None and status is Status.OK:
        status = Status.INSUFFICIENT
    beyond = None if value is None else value > 0
    note = "; ".join(text for text in (verdict.note, verdict.derivation if beyond else "") if text)
    yield Measurement(prefix + VERDICT, value, scope, verdict.n, verdict.name, status=status, note=note, beyond=beyond)
    numbers: dict[str, tuple[float | None, float | None]] = {m.name: (m.value, m.limit) for m in verdict.measures}
    numbers |= {f.measure: (f.value, f.limit) for f in verdict.findings if f.value is not None and f.measure not in numbers}
    for name, (number, limit) in numbers.items():
        leads = name == verdict.measure
        if brief and not leads:
            continue
        derivation = verdict.derivation if leads else ""
        judged = beyond if leads and status is Status.OK else None
        yield Measurement(prefix + name, number, scope, verdict.n, verdict.name, limit=limit, status=status, note=derivation, beyond=judged)
