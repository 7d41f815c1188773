"""Tests of rules: measurements made up window by window, and the states in which alerts should be after each of them.

    points("0.004 0.3x3 _ ?", limit=0.01) -> (Point, ...)        run(test, rules, setting) -> Outcome

The rules see what they would see in production: the same fold, one window after the other, none of them late.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from driftline.alerting.inhibition import Facts
from driftline.alerting.records import EMPTY, Key, State
from driftline.alerting.rules import Rule
from driftline.alerting.step import Frame, Look, Tick, fold, nothing_late
from driftline.core.errors import UsageError
from driftline.core.ledger import Step
from driftline.core.records import ALL_ROWS, Basis, Measurement, Scope, Segment, Status, Window, segment_name

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
"""When the first window begins: a Monday."""
MOST = 1_000
"""Windows of a test."""
ROWS = 1_000
UNWATCHED = "unwatched"
"""What a rule makes of a measurement that is none of its business."""
_WORD = re.compile(r"(?P<what>[_?!-]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:x(?P<times>\d{1,4}))?")
_HINT = "Write numbers, _ (not measured), ? (too few rows), - (no rows) or ! (an error), each repeated by xN: '0.004 0.3x3 _ ?'."
_STATUS = {"?": Status.INSUFFICIENT, "-": Status.NODATA, "!": Status.ERROR}


@dataclass(frozen=True, slots=True)
class Point:
    """What is measured in one window."""

    value: float | None
    status: Status = Status.OK
    beyond: bool | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One measurement in window after window; None where it is not measured."""

    step: Step
    metric: str
    points: tuple[Point | None, ...]
    column: str = ""
    segment: Segment = ALL_ROWS
    version: str = ""
    basis: Basis = Basis.OBSERVED
    limit: float | None = None
    n: int = ROWS

    def measurement(self, window: Window, at: int, model: str) -> Measurement | None:
        """What is measured in the window of this number, from 0."""
        point = self.points[at] if at < len(self.points) else None
        if point is None:
            return None
        return Measurement(
            self.metric,
            point.value,
            Scope(model, self.version, self.segment, window),
            0 if point.status in (Status.NODATA, Status.ERROR) else self.n,
            column=self.column or None,
            limit=self.limit,
            basis=self.basis,
            status=point.status,
            beyond=point.beyond,
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The state of a rule's alerts after a window, which counts from 1; None: the rule does not watch this at all. Left out, `column`,
    `metric`, `segment` and `version` fit every alert of the rule. `where`: where that is written."""

    window: int
    rule: str
    state: State | None
    column: str | None = None
    metric: str | None = None
    segment: Segment | None = None
    version: str | None = None
    reason: str = ""
    where: str = ""

    def speaks_of(self, key: Key) -> bool:
        """Whether this identity is meant."""
        asked = ((self.column, key.column), (self.metric, key.metric), (self.segment, key.segment), (self.version, key.version))
        return key.rule == self.rule and key.reason == self.reason and all(want is None or want == has for want, has in asked)

    def __str__(self) -> str:
        parts = (self.column, self.metric, None if self.segment is None else segment_name(self.segment), self.version, self.reason)
        return ", ".join([self.rule, *(part for part in parts if part)])


@dataclass(frozen=True, slots=True)
class RuleTest:
    """What is measured, and what is expected of it."""

    name: str
    series: tuple[Series, ...]
    expected: tuple[Expected, ...]

    @property
    def windows(self) -> int:
        """How many windows it has."""
        return max(len(each.points) for each in self.series)


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all tests: the length of a window, the model, the importance of its columns."""

    base: timedelta
    model: str = "model"
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Miss:
    """What was expected and did not come. `came`: the state of each alert that was meant; a word where there is none."""

    expected: Expected
    came: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test. `states`: of each identity that a rule watched, its state after every window."""

    test: RuleTest
    misses: tuple[Miss, ...]
    states: Mapping[Key, tuple[State, ...]]


def points(values: str, *, limit: float | None = None, below: bool = False, beyond: str = "") -> tuple[Point | None, ...]:
    """What a text says of window after window. A value is beyond where it is on the wrong side of `limit`: above it, or `below`; or as
    the text `beyond` says with 1, 0 and _ (not judged). Raises `UsageError`."""
    found = [_point(word, limit, below=below) for word in _words(values, "values")]
    if not beyond:
        return tuple(found)
    said = _words(beyond, "beyond")
    if len(said) != len(found):
        raise UsageError(
            f"'beyond' speaks of {len(said)} windows, and 'values' of {len(found)}", where="beyond", hint="Say it of every window."
        )
    known = {"0": False, "1": True, "_": None}
    for word in said:
        if word not in known:
            raise UsageError(f"'{word}' says not whether a value is beyond", where="beyond", hint="Write 1, 0 or _, such as '0 1x3 _'.")
    return tuple(
        Point(point.value, point.status, known[word]) if point is not None and point.status is Status.OK else point
        for point, word in zip(found, said, strict=True)
    )


def _words(text: str, where: str) -> list[str]:
    """The words of a text, those with xN so often. Raises `UsageError`."""
    found: list[str] = []
    for word in text.split():
        read = _WORD.fullmatch(word)
        if read is None or read["times"] == "0":
            raise UsageError(f"'{word[:40]}' is no value of a window", where=where, hint=_HINT)
        found += [read["what"]] * int(read["times"] or 1)
        if len(found) > MOST:
            raise UsageError(f"A test has at most {MOST:,} windows", where=where, hint="Leave out what changes nothing.")
    if not found:
        raise UsageError("No window has a value", where=where, hint=_HINT)
    return found


def _point(word: str, limit: float | None, *, below: bool) -> Point | None:
    if word == "_":
        return None
    if word in _STATUS:
        return Point(None, _STATUS[word])
    value = float(word)
    if not math.isfinite(value):
        raise UsageError(f"'{word}' is too large", where="values", hint=_HINT)
    return Point(value, beyond=None if limit is None else value < limit if below else value > limit)


def run(test: RuleTest, rules: Mapping[str, Rule], setting: Setting) -> Outcome:
    """Plays a test through, window by window."""
    frame = Frame(setting.model, setting.base, "", FIRST, Facts(importance=setting.importance, rules=rules), nothing_late)
    board, states = EMPTY, {key: list[State]() for key in _watched(test, rules, setting)}
    for at in range(test.windows):
        board = fold(board, [_tick(test, at, setting)], rules, frame).board
        now = {alert.key: alert.state for alert in board.alerts.values()}
        for key in now:
            states.setdefault(key, [State.OK] * at)
        for key, so_far in states.items():
            so_far.append(now.get(key, State.OK))
    known = {key: tuple(each) for key, each in sorted(states.items())}
    missed = [Miss(each, came) for each in test.expected if (came := _came(each, known, rules)) is not None]
    return Outcome(test, tuple(missed), known)


def _tick(test: RuleTest, at: int, setting: Setting) -> Tick:
    """What becomes known of the window of this number: every step of the test, whatever it has measured."""
    window = Window(FIRST + at * setting.base, FIRST + (at + 1) * setting.base)
    measured = [(each.step, each.measurement(window, at, setting.model)) for each in test.series]
    looks = tuple(
        Look(step, tuple(m for of, m in measured if of is step and m is not None)) for step in Step if step in {of for of, _ in measured}
    )
    versions = frozenset(m.scope.version for _, m in measured if m is not None and m.scope.version)
    return Tick(window, window.end, looks, versions)


def _watched(test: RuleTest, rules: Mapping[str, Rule], setting: Setting) -> list[Key]:
    """The identities that rules watch among the series of a test."""
    window = Window(FIRST, FIRST + setting.base)
    found = []
    for series in test.series:
        scope = Scope(setting.model, series.version, series.segment, window)
        measurement = Measurement(series.metric, 0.0, scope, series.n, column=series.column or None, basis=series.basis)
        keys = (rule.key_of(series.step, measurement, setting.importance) for rule in rules.values())
        found += [key for key in keys if key is not None]
    return found


def _came(expected: Expected, states: Mapping[Key, tuple[State, ...]], rules: Mapping[str, Rule]) -> str | None:
    """What came instead of what was expected; None where that came."""
    found = {key: each[expected.window - 1] for key, each in states.items() if expected.speaks_of(key)}
    if not found:
        # Rules on other rules, and alerts on lost evidence, have no identity before something has happened.
        nothing = State.OK if rules[expected.rule].combines or expected.reason else None
        return None if nothing is expected.state else str(nothing or UNWATCHED)
    if all(state is expected.state for state in found.values()):
        return None
    if len(found) == 1:
        return str(next(iter(found.values())))
    return ", ".join(f"{state} ({name_of(key)})" for key, state in found.items())


def name_of(key: Key) -> str:
    """What tells the alerts of a rule apart."""
    parts = (key.column, key.metric, segment_name(key.segment) if key.segment else "", key.version, key.reason)
    return ", ".join(part for part in parts if part) or key.rule
