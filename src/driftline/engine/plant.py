"""Plant: a named drift put into stored windows, measured again and replayed, to see after how many windows the rules tell of it.

Windows from a start on are read with one of their columns changed; steps 2 and 3 are run on them as on any other, with a store that cannot
be written, and the rules see what they would have seen. What a window said of other columns stays as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from driftline.alerting.delays import WITHIN, Planted, Trial, first_told, starts_of
from driftline.alerting.records import EMPTY, Board
from driftline.alerting.replay import replay
from driftline.alerting.rules import Rule
from driftline.alerting.step import Look, Tick, alerting
from driftline.core.errors import UnknownName, UsageError
from driftline.core.ledger import PartKind, Step, StoredPart, Touched
from driftline.core.records import Window
from driftline.core.verdicts import Severity
from driftline.engine.backtest import Past
from driftline.engine.evaluate import complete
from driftline.engine.measure_drift import drift_of
from driftline.engine.model import Model
from driftline.engine.reference import Progress, silent
from driftline.engine.timeline import Parts, Timeline
from driftline.ports import Store
from driftline.profiles.parts import Part
from driftline.profiles.planting import DRIFTS, Drift, offset_of, planted, refusal
from driftline.profiles.schema import Role

ALL = "all"
MOST_COLUMNS = 5
"""Columns that are tried where none is named: the most important ones."""
MOST_WINDOWS, FEWEST_WINDOWS, MOST_MEASURED = 2_000, 300, 40_000
"""Windows that are measured again at most; so many columns of windows, where there are many columns, but never fewer windows."""
AFTERWARDS = 4
"""Windows after the end of a short drift in which an alert still counts as told of it."""
UNPLANTABLE: Mapping[str, str] = {
    "correlation": "Of past windows only the counts of each column are kept, and a change of how columns go together changes none of them",
    "concept_shift": "A change of what the inputs mean shows in labels alone, and these are not kept beside the inputs",
}


def kinds_of(names: Iterable[str]) -> list[Drift]:
    """The drifts of these names, all of them for `all`. Raises `UsageError` for what cannot be planted into counts."""
    found: dict[str, Drift] = {}
    for name in names:
        if name in UNPLANTABLE:
            raise UsageError(UNPLANTABLE[name], where=f"--plant {name}", hint=f"Choose from {', '.join(DRIFTS)}.")
        if name != ALL and name not in DRIFTS:
            raise UnknownName("kind of drift", name, [*DRIFTS, ALL], where="--plant")
        found |= DRIFTS if name == ALL else {name: DRIFTS[name]}
    return list(found.values())


def plant(
    model: Model,
    rules: Mapping[str, Rule],
    past: Past,
    kinds: Sequence[Drift],
    columns: Sequence[str] = (),
    progress: Progress = silent,
) -> list[Planted]:
    """What became of each kind of drift in each column, the most important columns where none is named.

    Raises `UnknownName` for a column that the reference does not have.
    """
    if not past.ticks:
        return []
    field, found = _Field(model, rules, past), list[Planted]()
    wanted = [(drift, column) for column in _columns(model, columns) for drift in kinds]
    for i, (drift, column) in enumerate(wanted):
        progress(f"planting {drift.name} in {column}", i, len(wanted))
        found.append(field.of(drift, column))
    progress("planting", len(wanted), len(wanted))
    return found


def _columns(model: Model, named: Sequence[str]) -> list[str]:
    """The columns to plant into."""
    schema = model.active("").reference.schema
    for name in named:
        if name not in schema.by_name or schema.columns[schema.by_name[name]].role is Role.LABEL:
            raise UnknownName("column to plant into", name, [c.name for c in schema.columns if c.role is not Role.LABEL], where="--column")
    if named:
        return list(dict.fromkeys(named))
    importance = model.plan.drift.importance
    inputs = [column.name for column in schema.columns if column.role is Role.FEATURE]
    outputs = [column.name for column in schema.columns if column.role is Role.PREDICTION]
    return sorted(inputs, key=lambda name: -importance.get(name, 0.0))[:MOST_COLUMNS] + outputs


@dataclass(frozen=True, slots=True)
class _Lived:
    """One window of the past as it is: the board before it, and the fingerprints and columns of the alerts that fire after it on evidence.
    An alert that fires on for want of evidence would tell nobody anything new, and keeps no drift from being planted."""

    before: Board
    active: frozenset[str]
    columns: frozenset[str]


class _Field:
    """Where drifts are planted: the past of a model, its rules, and how many windows may still be measured."""

    def __init__(self, model: Model, rules: Mapping[str, Rule], past: Past) -> None:
        self.model, self.rules, self.past = model, rules, past
        self.store = _ReadOnly(model.store)
        self.frozen = replace(model, store=cast("Store", self.store))
        self.timeline = Timeline(self.frozen, complete(model, as_of=past.ticks[-1].window.end))
        self.there = frozenset(self.timeline.windows)
        self.lived = self._lived()
        columns = len(model.active("").reference.schema.columns)
        self.left = min(MOST_WINDOWS, max(FEWEST_WINDOWS, MOST_MEASURED // columns))

    def of(self, drift: Drift, column: str) -> Planted:
        """What became of one drift in one column."""
        schema = self.model.active("").reference.schema
        why = refusal(schema, schema.by_name[column], drift)
        step = Step.PREDICTIONS if schema.columns[schema.by_name[column]].role is Role.PREDICTION else Step.DRIFT
        if why:
            return Planted(drift.name, drift.words, column, refused=why)
        there = [i for i, tick in enumerate(self.past.ticks) if self._has_rows(tick, step)]
        free = starts_of(len(self.lived), [i for i in there if column not in self.lived[i].columns])
        starts = free or starts_of(len(self.lived), there)
        trials = [self._trial(drift, column, step, i) for i in starts if self.left > 0]
        if trials:
            return Planted(drift.name, drift.words, column, tuple(trials), within=_within(drift), busy=not free)
        spent = "enough windows have been measured for the others: name one column and one kind"
        return Planted(drift.name, drift.words, column, refused="no window has rows to begin with" if self.left > 0 else spent)

    def _has_rows(self, tick: Tick, step: Step) -> bool:
        """Whether a drift can begin in a window."""
        looked = any(look.step is step and any(m.n for m in look.measurements) for look in tick.looks)
        return looked and tick.window in self.there

    def _lived(self) -> list[_Lived]:
        lived, board = list[_Lived](), EMPTY
        for _, folded in replay(self.past.ticks, self.rules, self.past.frame):
            active = [alert.key for alert in folded.board.alerts.values() if alert.state.is_active and not alert.blind]
            columns = frozenset(key.column for key in active if not key.reason)
            lived.append(_Lived(board, frozenset(key.fingerprint for key in active), columns))
            board = folded.board
        return lived

    def _trial(self, drift: Drift, column: str, step: Step, start: int) -> Trial:
        """One drift from one window on, until the first alert that people are told of at once; where there is none, the first at all."""
        stretch = self.past.ticks[start : start + _within(drift)]
        sown = Sown(self.timeline, column, drift, [tick.window for tick in stretch])
        self.store.forget(since=stretch[0].window)
        board, found = _without(self.lived[start].before, column), Trial(stretch[0].window.start, len(stretch))
        for k, tick in enumerate(stretch):
            looks = tuple(self._planted(look, sown, tick.window, column) if look.step is step else look for look in tick.looks)
            folded = alerting(board, [replace(tick, looks=looks)], self.rules, self.past.frame)
            board = folded.board
            told = first_told(folded.transitions, self.lived[start + k].active)
            if told is None:
                continue
            if found.delay is None or told.severity.rank >= Severity.WARNING.rank:
                found = replace(found, delay=k + 1, key=told.key, severity=told.severity)
            if told.severity.rank >= Severity.WARNING.rank:
                break
        return found

    def _planted(self, look: Look, sown: Sown, window: Window, column: str) -> Look:
        """What a step says of a window, with the planted column measured again."""
        if window not in self.there:
            return look
        self.left -= 1
        found, _, kept = drift_of(self.frozen, sown, look.step, window)
        self.store.keep(kept)
        return Look(look.step, [*(m for m in look.measurements if m.column != column), *(m for m in found if m.column == column)])


def _within(drift: Drift) -> int:
    """How many windows from its start an alert tells of a drift."""
    return drift.lasts + AFTERWARDS if drift.lasts else WITHIN


def _without(board: Board, column: str) -> Board:
    """A board on which no alert on a column fires."""
    alerts = {name: alert for name, alert in board.alerts.items() if alert.key.column != column or not alert.state.is_active}
    return replace(board, alerts=alerts)


class Sown(Timeline):
    """The windows of a model with one column changed in some of them."""

    def __init__(self, real: Timeline, column: str, drift: Drift, windows: Sequence[Window]) -> None:
        super().__init__(real.model, real.windows)
        self.real, self.column, self.drift = real, column, drift
        self.places = {window: k for k, window in enumerate(windows)}
        self._changed: dict[Window, Parts] = {}

    def parts(self, window: Window) -> Parts:
        """The parts of a window as they would be."""
        k = self.places.get(window)
        size = None if k is None else self.drift.at(k)
        if k is None or size is None:
            return self.real.parts(window)
        if window not in self._changed:
            self._changed[window] = {name: self._part(part, size, offset_of(k)) for name, part in self.real.parts(window).items()}
        return self._changed[window]

    def _part(self, part: Part, size: float, offset: float) -> Part:
        """A part with the column changed, in all rows and in each segment; segments of the column itself stay as they are."""
        schema = part.schema
        position = schema.by_name.get(self.column)
        if position is None or refusal(schema, position, self.drift):
            return part
        usual, change = self.model.by_schema[schema.id].reference.profile, (self.drift.change, size)
        profiles = {
            segment: profile if self.column in dict(segment) else planted(profile, usual, position, change, offset)
            for segment, profile in part.profiles.items()
        }
        return Part(schema, profiles)


class _ReadOnly:
    """As much of a store as steps 2 and 3 read, and nothing that writes. Scores of the monitor from a window on are those kept here."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._since: Window | None = None
        self._scores: dict[tuple[str, Window], StoredPart] = {}

    def forget(self, *, since: Window) -> None:
        """Begins anew: stored scores count up to this window."""
        self._since, self._scores = since, {}

    def keep(self, parts: Iterable[StoredPart]) -> None:
        """Keeps scores for the windows after them."""
        self._scores |= {(part.version, part.window): part for part in parts}

    def parts(self, model: str, kind: PartKind, *, start: datetime, end: datetime) -> list[StoredPart]:
        """As in `Windows`."""
        found = self._store.parts(model, kind, start=start, end=end)
        if kind is not PartKind.SCORES or self._since is None:
            return found
        kept = [part for part in self._scores.values() if start <= part.window.start < end]
        return [part for part in found if part.window < self._since] + kept

    def windows(self, model: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Touched]:
        """As in `Windows`."""
        return self._store.windows(model, start=start, end=end)
