"""Conditions that rules may name: each says of one identity in one window whether it is beyond, clear, or neither.

An entry takes the evidence and its own parameters, and answers with a `Judged`. `evidence.clear` is the share of a threshold at which an
alert that fires may end: below it a value is clear, between the two it is neither.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from driftline.alerting.records import Level
from driftline.core.catalog import Catalog
from driftline.core.records import Measurement, Status
from driftline.core.spec import Field

DRIFTED, FAULTY = 0.5, 1.5
"""Between the values of a verdict: 0 stable, 1 drifted, 2 faulty."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a condition is judged on.

    `now`: the measurement of this window, None where there is none. `before`: the last value with evidence, None where none is known.
    `levels`: of other rules and the identities they watch in this window, what each says; for conditions that combine rules. `active`:
    rules of which an alert fires.
    """

    now: Measurement | None
    before: float | None = None
    clear: float = 0.8
    levels: Mapping[str, Mapping[str, Level]] = field(default_factory=dict)
    active: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """What a condition says: the level, the threshold it was held against, the value it looked at, and why there is no evidence."""

    level: Level
    limit: float | None = None
    value: float | None = None
    why: str = ""


def beyond_limit(evidence: Evidence) -> Judged:
    """The measurement is on the wrong side of its calibrated limit."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    if found.beyond is None:
        return Judged(Level.UNKNOWN, found.limit, found.value, "not judged: no limit is known for it")
    return Judged(Level.BEYOND if found.beyond else Level.CLEAR, found.limit, found.value)


def above(evidence: Evidence, *, value: float) -> Judged:
    """The value is larger than `value`. It is clear at `clear` times the threshold, at the threshold where that is zero or less."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    ends = value * evidence.clear if value > 0 else value
    return Judged(_level(beyond=found.value > value, clear=found.value <= ends), value, found.value)


def below(evidence: Evidence, *, value: float) -> Judged:
    """The value is smaller than `value`. It is clear at the threshold divided by `clear`, at the threshold where that is zero or less."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    ends = value / evidence.clear if value > 0 else value
    return Judged(_level(beyond=found.value < value, clear=found.value >= ends), value, found.value)


def outside(evidence: Evidence, *, low: float, high: float) -> Judged:
    """The value is below `low` or above `high`. It is clear where it keeps (1 - `clear`) / 2 of the width away from both."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    margin = (1 - evidence.clear) / 2 * (high - low)
    nearer = low if found.value < (low + high) / 2 else high
    inside = low + margin <= found.value <= high - margin
    return Judged(_level(beyond=not low <= found.value <= high, clear=inside), nearer, found.value)


def burn_rate(evidence: Evidence, *, rate: Annotated[float, Field(gt=0.0)] = 1.0) -> Judged:
    """An error budget is used up at least `rate` times as fast as tolerated, over both the long and the short stretch of time."""
    found = beyond_limit(evidence)
    if found.level is Level.BEYOND and found.value is not None and found.value < rate:
        return Judged(Level.CLEAR, rate, found.value)
    return found


def faulty(evidence: Evidence, *, least_rows: Annotated[int, Field(ge=1)] = 30) -> Judged:
    """The verdict about a column is that it is broken. A fault shows in few rows: from `least_rows` on, no word of one is its absence."""
    now = evidence.now
    if now is not None and now.status is Status.INSUFFICIENT and now.n >= least_rows:
        return Judged(Level.CLEAR, FAULTY, None)
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    return Judged(_level(beyond=found.value > FAULTY, clear=found.value <= FAULTY), FAULTY, found.value)


def drifted(evidence: Evidence) -> Judged:
    """The verdict about a column is that it has drifted. While it is faulty, its drift is not known."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    if found.value > FAULTY:
        return Judged(Level.UNKNOWN, DRIFTED, found.value, "while a column is faulty its drift is not known")
    return Judged(_level(beyond=found.value > DRIFTED, clear=found.value <= DRIFTED), DRIFTED, found.value)


def absent(evidence: Evidence) -> Judged:
    """Nothing was measured although it has been before: no rows, or a segment or column that is gone."""
    now = evidence.now
    gone = now is None or now.status is Status.NODATA or now.n == 0
    return Judged(Level.BEYOND if gone else Level.CLEAR, None, 0.0 if gone or now is None else float(now.n))


def failed(evidence: Evidence) -> Judged:
    """The measurement could not be made because of an error."""
    now = evidence.now
    if now is None:
        return Judged(Level.UNKNOWN, why="not measured in this window")
    return Judged(Level.BEYOND if now.status is Status.ERROR else Level.CLEAR, None, now.value)


def changed_by(evidence: Evidence, *, share: float | None = None, amount: float | None = None) -> Judged:
    """The value has changed since the window before by more than a `share` of what it was, or by more than an `amount`."""
    found = _known(evidence)
    if isinstance(found, Judged):
        return found
    assert found.value is not None
    if evidence.before is None:
        return Judged(Level.UNKNOWN, None, found.value, "no window before it to compare with")
    allowed = [limit for limit in (amount, None if share is None else share * abs(evidence.before)) if limit is not None]
    change = abs(found.value - evidence.before)
    limit = min(allowed, default=0.0)
    return Judged(_level(beyond=change > limit, clear=change <= limit * evidence.clear), limit, change)


def share_of(
    evidence: Evidence,
    *,
    rule: str,
    above: Annotated[float, Field(gt=0.0, lt=1.0)],
    least: Annotated[int, Field(ge=1)] = 3,
) -> Judged:
    """More than a share of what another rule judges is beyond its limit in the same window, and at least so many."""
    levels = [level for level in evidence.levels.get(rule, {}).values() if level is not Level.UNKNOWN]
    if not levels:
        return Judged(Level.UNKNOWN, above, None, f"'{rule}' could judge nothing")
    bad = sum(level is Level.BEYOND for level in levels)
    value = bad / len(levels)
    return Judged(_level(beyond=value > above and bad >= least, clear=value <= above * evidence.clear or bad < least), above, value)


def any_of(evidence: Evidence, *, rules: tuple[str, ...]) -> Judged:
    """An alert of any of these rules fires."""
    on = sum(rule in evidence.active for rule in rules)
    return Judged(Level.BEYOND if on else Level.CLEAR, 1.0, float(on))


def all_of(evidence: Evidence, *, rules: tuple[str, ...]) -> Judged:
    """Alerts of all of these rules fire."""
    on = sum(rule in evidence.active for rule in rules)
    return Judged(Level.BEYOND if on == len(rules) else Level.CLEAR, float(len(rules)), float(on))


def _known(evidence: Evidence) -> Measurement | Judged:
    """The measurement where it has a value, else why there is no evidence."""
    now = evidence.now
    if now is None:
        return Judged(Level.UNKNOWN, why="not measured in this window")
    if now.status is not Status.OK or now.value is None:
        return Judged(Level.UNKNOWN, now.limit, None, now.note or str(now.status))
    return now


def _level(*, beyond: bool, clear: bool) -> Level:
    return Level.BEYOND if beyond else Level.CLEAR if clear else Level.BETWEEN


CONDITIONS: Catalog[..., Judged] = Catalog.of("condition", sys.modules[__name__])
COMBINING = frozenset({"share_of", "any_of", "all_of"})
"""Conditions on other rules: they watch no measurement of their own."""
REMEMBERING = frozenset({"absent", "changed_by"})
"""Conditions on what was measured before: their alerts are remembered even while all is fine."""
