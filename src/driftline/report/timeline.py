"""The model over time: what its evaluations say, as series of points and as a chronicle. The text and the page are made of this.

ModelState                                   what else is known of a model: its reference, its deliveries, what was rejected
timeline_of(evaluations, state) -> Timeline
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import ALL_ROWS, Basis, Measurement, Segment, Window
from driftline.report.alerts_shown import AlertsShown
from driftline.report.episodes import Episode, by_step, chronicle
from driftline.report.figures import family_of
from driftline.report.moments import Clock
from driftline.report.reading import Subject, read
from driftline.report.states import BAD, MONITOR, STANDING, UNTOLD, Group, State, group_of, state_of

_MOST_MISSING = 60


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is known of a model beside its evaluations. Times are UTC; None and 0 stand for what is not known or did not happen.

    `last_predictions` and `last_labels` are the latest event times that were delivered, `as_of` the moment up to which labels are known.
    `rejected` counts rows by reason, `waiting` the labels whose prediction has not come, `versions` names what made all this. `alerts` is
    how step 4 stands, None where it has never run.
    """

    model: str
    description: str = ""
    base_window: str = ""
    time_zone: str = "UTC"
    reference: str = ""
    reference_version: str = ""
    reference_made: datetime | None = None
    reference_rows: int = 0
    anchor: str = ""
    last_predictions: datetime | None = None
    last_labels: datetime | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    deliveries: int = 0
    duplicates: int = 0
    waiting: int = 0
    as_of: datetime | None = None
    config: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    alerts: AlertsShown | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a series; where the step has no such measurement in this window there is no point."""

    window: Window
    measurement: Measurement
    state: State


class _Key(NamedTuple):
    step: Step
    group: Group
    metric: str
    column: str | None
    version: str
    segment: Segment
    basis: Basis


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one column and scope over time, on one basis."""

    step: Step
    group: Group
    metric: str
    column: str | None
    version: str
    segment: Segment
    basis: Basis
    points: tuple[Point, ...]

    @property
    def all_rows(self) -> bool:
        return not self.version and self.segment == ALL_ROWS

    @property
    def latest(self) -> Point:
        return self.points[-1]

    @property
    def judged(self) -> bool:
        """Whether it was ever held to a limit."""
        return any(point.measurement.beyond is not None for point in self.points)

    @property
    def is_silence(self) -> bool:
        """Whether it only says that there were no rows."""
        return self.metric == "verdict" and self.column is None

    @property
    def bad(self) -> int:
        """Number of windows in which it was on the wrong side."""
        return sum(point.state in BAD for point in self.points)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The evaluations of a model, by step and in order of time."""

    state: ModelState
    clock: Clock
    steps: Mapping[Step, Sequence[Evaluation]]
    episodes: Sequence[Episode]

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """All series that are told, in the order in which the latest evaluations name them; of what is measured in every window only what
        has been beyond its limit, or is all that is known of its column."""
        found: dict[_Key, list[Point]] = {}
        now: dict[_Key, None] = {}
        for step, evaluations in self.steps.items():
            for evaluation in evaluations:
                for m in (m for m in evaluation.measurements if m.metric not in UNTOLD):
                    key = _Key(step, group_of(step, m), m.metric, m.column, m.scope.version, m.scope.segment, m.basis)
                    found.setdefault(key, []).append(Point(evaluation.window, m, state_of(step, m)))
            now |= {key: None for key in found if key.step is step and found[key][-1].window == evaluations[-1].window}
        groups = list(Group)
        keys = sorted([*now, *(key for key in found if key not in now)], key=lambda key: groups.index(key.group))
        every = [Series(*key, points=tuple(found[key])) for key in keys]
        known = {(s.group, s.column) for s in every if s.all_rows and s.metric not in (*STANDING, *MONITOR, "verdict")}
        return tuple(s for s in every if s.metric not in STANDING or not s.all_rows or s.bad or (s.group, s.column) not in known)

    @cached_property
    def words(self) -> Mapping[tuple[Step, Window], Mapping[Subject, State]]:
        """The word for each subject in each window of each step."""
        return {(step, e.window): read(e).standings for step, evaluations in self.steps.items() for e in evaluations}

    @cached_property
    def verdicts(self) -> Mapping[tuple[Group, str], Series]:
        """The verdicts of each column over all rows, by the part of the page."""
        return {(s.group, s.column): s for s in self.series if s.metric == "verdict" and s.column is not None and s.all_rows}

    @property
    def ongoing(self) -> list[Episode]:
        """What is not fine now: what asks for a person first, then what began last."""
        ranks = list(State)
        return sorted((e for e in self.episodes if e.ongoing), key=lambda e: (ranks.index(e.state), -e.first.start.timestamp(), e.subjects))

    @property
    def windows(self) -> list[Window]:
        """All windows that any step has evaluated, in order."""
        return sorted({evaluation.window for evaluations in self.steps.values() for evaluation in evaluations})

    def counts(self, step: Step) -> Mapping[State, int]:
        """Subjects of the latest window of a step by their words; empty where the step has not run."""
        return Counter(self.words[step, self.steps[step][-1].window].values()) if self.steps.get(step) else {}

    def is_current(self, series: Series) -> bool:
        """Whether the latest window of its step has this series."""
        return series.latest.window == self.steps[series.step][-1].window

    def of(self, group: Group) -> list[Series]:
        """The series of one part of the page that speak of all rows and of the active reference."""
        return [s for s in self.series if s.group is group and s.all_rows and not family_of(s.metric)[0] and not s.is_silence]


def timeline_of(evaluations: Sequence[Evaluation], state: ModelState, *, k: int = 2, n: int = 3) -> Timeline:
    """The timeline of one model. Of several evaluations of one step and window the one with the latest number counts."""
    return Timeline(state, Clock.of(state.time_zone), by_step(evaluations), chronicle(evaluations, k=k, n=n))


def slots(windows: Sequence[Window], most: int) -> list[Window | None]:
    """The last `most` windows in order, with None for each one that is missing between two of them."""
    if not windows:
        return []
    length = sorted(window.end - window.start for window in windows)[len(windows) // 2]
    filled: list[Window | None] = [windows[-1]]
    for window, after in zip(reversed(windows[:-1]), reversed(windows[1:]), strict=True):
        filled += [None] * min(max(round((after.start - window.end) / length), 0), _MOST_MISSING)
        if len(filled) >= most:
            break
        filled.append(window)
    return filled[:most][::-1]
