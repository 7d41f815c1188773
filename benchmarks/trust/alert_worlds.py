"""Made-up models with a known truth, window by window: their inputs, their score, the labels that come later, and what is planted in them.

A model has columns of the kinds of `streams.py`, which do from window to window what the streams there do. Its score is the true
probability of a positive given the first two columns, and its labels are drawn from that: so it is calibrated as long as nothing is
planted. Rows are drawn, counted and let go; what stays of a window is its profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from itertools import pairwise
from operator import add
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from streams import COLUMNS, KINDS, STREAMS, States

from driftline.config.plan import ColumnsSpec, DriftPlan, Plan
from driftline.core.ledger import Step, StoredReference
from driftline.core.records import ALL_ROWS, Basis, Measurement, Scope, Status, Window
from driftline.core.verdicts import TableInfo
from driftline.drift import monitor as watching
from driftline.drift.data import inputs
from driftline.drift.overtime import learn_ordinary
from driftline.drift.prediction import outputs
from driftline.drift.spec import DriftSpec
from driftline.drift.unrest import unrest_of
from driftline.engine.learned import Learned, encode_learned
from driftline.engine.measure_drift import SERIES, Look, all_rows
from driftline.engine.model import ACTIVE, MONITOR_SHARE, Known, Model, alarms_of, quality_alpha
from driftline.engine.timeline import Timeline
from driftline.performance.restless import learn_slacks, with_slack
from driftline.performance.step import HEADLINES, performance
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.outcomes import Summary, plan_outcomes
from driftline.profiles.parts import Part
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Schema

Floats = NDArray[np.float64]
Rng = np.random.Generator
BASE, START = timedelta(days=1), datetime(2026, 1, 5, tzinfo=UTC)
REFERENCE, BEFORE, AFTER = 60, 10, 30
CELLS = 6_000_000
"""Values drawn at once."""
SCORE, LABEL, THRESHOLD = "score", "label", 0.5
WEIGHTS, INTERCEPT = (1.2, 0.8), -1.5
IMPORTANT, SHARE = ("c2", "c3", "c6", "c8"), 0.15
"""Columns of which the plan says that they matter; the others share the rest."""
LABELS_AFTER = 7
"""Windows after which the labels of a window come, all at once."""
WIDER = (2, 4, 8, 14)
"""How many windows of labels are joined until they suffice, as the engine does it with windows of a day."""


@dataclass(frozen=True)
class Planted:
    """What is changed on purpose. `found`: columns, or rules without one, in which it can be seen. `states`: what is added to the state of
    a column (by number) where `course`, by window after the start, is 1. `twist`: a change that no state makes."""

    found: frozenset[str]
    course: Floats = field(default_factory=lambda: np.ones(AFTER))
    states: Mapping[int, float] = field(default_factory=dict)
    twist: str = ""


def _planted(*found: str, twist: str = "", course: Floats | None = None, **states: float) -> Planted:
    return Planted(frozenset(found), np.ones(AFTER) if course is None else course, {int(c[1:]): by for c, by in states.items()}, twist)


PLANTED: Mapping[str, Planted] = {
    "mean: +0.5 sd": _planted("c2", c2=0.5),
    "scale: x1.5": _planted("c5", c5=2 * np.log(1.5)),
    "nulls: 3 to 18 %": _planted("c6", c6=1.0),
    "unit: x1,000": _planted("c3", c3=np.log(1000.0)),
    "new level: 10 % of rows": _planted("c8", twist="level"),
    "correlation only: 0 to 0.9": _planted("c2", "c10", twist="correlation"),
    "prior shift: odds x2": _planted("c0", "c1", SCORE, "QualityBelowFloor", twist="prior"),
    "concept shift: slope x0.3": _planted("QualityBelowFloor", twist="concept"),
    "gradual: 0 to +0.6 sd": _planted("c2", course=np.linspace(0.0, 1.0, AFTER + 1)[1:], c2=0.6),
    "recurring: +0.5 sd, 5 on, 5 off": _planted("c2", course=np.arange(AFTER) // 5 % 2 == 0, c2=0.5),
    "nothing, looked for in one column": _planted("c2"),
}
"""The last one shows what each method finds by chance."""
ODDS, SLOPE, NEW, LIKE = 2.0, 0.3, 0.1, 0.9


def wide(stream: str, rng: Rng, windows: int, columns: int) -> States:
    """The states of so many columns: those of a stream, again and again, each lot of ten by itself."""
    lots = [STREAMS[stream](rng, windows) for _ in range(-(-columns // COLUMNS))]
    return np.concatenate(lots, axis=1)[:, :columns]


def drawn(rng: Rng, states: States, rows: int, twist: str = "") -> pa.Table:
    """The rows of so many windows, one after the other. `twist`: of `PLANTED`, in all of them."""
    count, columns = states.shape
    x, positive, chance = _outcomes(rng, states[:, : len(WEIGHTS)], rows, twist)
    arrays = [pa.array(x[..., c].ravel()) for c in range(x.shape[2])]
    arrays += [KINDS[c % COLUMNS](rng, states[:, c], rows) for c in range(len(arrays), columns)]
    if twist == "correlation":
        other = arrays[2].to_numpy().reshape(count, rows) - states[:, 2, None]
        own = LIKE * other + np.sqrt(1 - LIKE**2) * rng.standard_normal((count, rows)) + states[:, 10, None]
        arrays[10] = pa.array(own.ravel())
    if twist == "level":
        codes, levels = arrays[8].indices.to_numpy().copy(), arrays[8].dictionary.to_pylist()
        codes[rng.random(len(codes)) < NEW] = len(levels)
        arrays[8] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([*levels, "level new"]))
    arrays += [pa.array(chance.ravel()), pa.array(positive.ravel().astype(np.int64))]
    return pa.table(arrays, [*(f"c{c}" for c in range(columns)), SCORE, LABEL])


def _outcomes(rng: Rng, states: States, rows: int, twist: str) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """The columns that the score rests on, (windows, rows, columns), the labels and the scores."""
    more = 3 if twist == "prior" else 1
    x = rng.standard_normal((len(states), more * rows, states.shape[1])) + states[:, None, :]
    logit = INTERCEPT + x @ np.array(WEIGHTS[: states.shape[1]])
    chance = 1 / (1 + np.exp(-logit))
    true = chance if twist != "concept" else 1 / (1 + np.exp(-INTERCEPT - SLOPE * (logit - INTERCEPT)))
    positive = rng.random(chance.shape) < true
    if twist == "prior":  # what the classes look like stays, and there are more positives
        kept = positive | (rng.random(chance.shape) < 1 / ODDS)
        at = np.argsort(~kept, axis=1, kind="stable")[:, :rows]
        x = np.take_along_axis(x, at[..., None], 1)
        positive, chance = (np.take_along_axis(each, at, 1) for each in (positive, chance))
    return x, positive, chance


class World:
    """A model with its reference, learned as the engine learns it, and windows that come after it."""

    def __init__(self, stream: str, columns: int, rows: int, seed: int, live: int) -> None:
        self.seed = [list(STREAMS).index(stream), columns, rows, seed]
        self.columns, self.rows, self.live = columns, rows, live
        self.states = wide(stream, np.random.default_rng([*self.seed, 0]), REFERENCE + live, columns)
        importance = {name: SHARE for name in self.names if name in IMPORTANT}
        others = [name for name in self.names if name not in IMPORTANT]
        importance |= dict.fromkeys(others, (1 - sum(importance.values())) / max(len(others), 1))
        plan = Plan(
            model="m", columns=ColumnsSpec(id="id", time="time", prediction=SCORE, label=LABEL), drift=DriftPlan(importance=importance)
        )
        self.model = Model(plan, "", None, None, ())
        self.schema = self._fitted()
        self.known = self._known()

    @property
    def names(self) -> list[str]:
        return [f"c{c}" for c in range(self.columns)]

    def profiles(self, planted: Planted | None = None, number: int = 0) -> Iterator[Profile]:
        """The windows after the reference, one by one. `planted` begins after the first `BEFORE` of them; `number` picks the chance."""
        states, twist = self.states[REFERENCE:].copy(), np.zeros(self.live, np.bool_)
        if planted is not None:
            for column, by in planted.states.items():
                states[BEFORE : BEFORE + AFTER, column] += by * planted.course
            twist[BEFORE:] = bool(planted.twist)
        for start, table in self._tables(states, 2 + number, twist, planted.twist if planted else ""):
            yield from _counted(self.schema, table, self.rows, start)

    @cached_property
    def history(self) -> list[Profile]:
        """The windows of the reference."""
        return [w for start, table in self._tables(self.states[:REFERENCE], 1) for w in _counted(self.schema, table, self.rows, start)]

    def _tables(self, states: States, number: int, on: NDArray[np.bool_] | None = None, twist: str = "") -> Iterator[tuple[int, pa.Table]]:
        """The rows of all windows, some at a time: the same each time for the same number."""
        most = max(1, CELLS // (self.rows * (self.columns + 2)))
        switch: list[int] = (np.flatnonzero(np.diff(on)) + 1).tolist() if on is not None else []
        cuts = sorted({*range(0, len(states), most), *switch, len(states)})
        for start, end in pairwise(cuts):
            rng = np.random.default_rng([*self.seed, number, start])
            yield start, drawn(rng, states[start:end], self.rows, twist if on is not None and on[start] else "")

    def _fitted(self) -> Schema:
        """The schema. It is fitted on all rows of the reference, which are drawn a second time to be counted."""
        first = self._tables(self.states[:REFERENCE], 1)
        start = next(first)[1]
        batches = (batch for table in (start, *(t for _, t in first)) for batch in table.to_batches())
        schema, sample = fit(start.schema, batches, SchemaSpec(prediction=SCORE, label=LABEL, threshold=THRESHOLD))
        names: dict[str, Any] = {"prediction_name": SCORE, "label_name": LABEL, "table": "reference", "threshold": THRESHOLD}
        return replace(schema, outcomes=plan_outcomes(sample.column(SCORE), sample.column(LABEL), **names))

    def _known(self) -> Known:
        """The reference and what it teaches: `engine.references.learn_from` without an estimator of quality."""
        history, model, schema, baselines = self.history, self.model, self.schema, {}
        whole = reduce(add, history)
        phases = [model.tiling.phase(window(i - REFERENCE)) for i in range(REFERENCE)]
        for step, columns in ((Step.DRIFT, inputs(schema)), (Step.PREDICTIONS, outputs(schema))):
            rate = MONITOR_SHARE * alarms_of(model, step)
            baselines[step.value] = watching.learn(whole, history, phases, alarms_per_window=rate, columns=columns)
        unrest, drift = unrest_of(whole, history), model.plan.drift
        spec = DriftSpec(alpha=alarms_of(model, Step.DRIFT), importance=drift.importance, least_rows=drift.least_rows)
        ordinary = learn_ordinary(whole, history, spec, unrest, threshold=THRESHOLD)
        slacks = learn_slacks(whole.outcomes, [each.outcomes for each in history], model.plan.performance)
        learned = Learned(unrest, ordinary, baselines, slacks, None, REFERENCE)
        stored = StoredReference("r", "", ACTIVE, START, "", "", "reference", whole.rows, b"", encode_learned(learned))
        return Known(stored, Reference(schema, whole, TableInfo("reference", whole.rows)))


def window(i: int) -> Window:
    """The i-th window after the reference."""
    return Window(START + i * BASE, START + (i + 1) * BASE)


def _counted(schema: Schema, table: pa.Table, rows: int, first: int) -> list[Profile]:
    count, offset, gathering = len(table) // rows, 0, Gathering(schema, table=f"windows from {first}")
    for batch in table.to_batches():
        gathering.add(batch, np.arange(offset, offset + len(batch)) // rows, count)
        offset += len(batch)
    return gathering.profiles()


class Life:
    """The windows of a model measured one after the other, as the engine does it with a store: steps 2 and 3 and quality by labels."""

    def __init__(self, world: World) -> None:
        self.world, self.known = world, world.known
        self.series: dict[Step, list[Any]] = {Step.DRIFT: [], Step.PREDICTIONS: []}
        self.profiles: list[Profile] = []
        self.outcomes: list[Summary] = []

    def joined(self, upto: Window, count: int, _schema: str) -> tuple[Window, Part | None]:
        """The last windows as one, where the engine asks a timeline for them."""
        together = self.profiles[-count:]
        return Window(upto.end - len(together) * BASE, upto.end), Part(self.world.schema, {ALL_ROWS: reduce(add, together)})

    def drift(self, profile: Profile) -> dict[Step, list[Measurement]]:
        """The measurements of steps 2 and 3 of the next window."""
        at = window(len(self.outcomes))
        self.outcomes.append(profile.outcomes)
        self.profiles = [*self.profiles, profile][-max(WIDER) :]
        found = {}
        for step, series in self.series.items():
            look = Look(self.world.model, cast("Timeline", self), step, at, self.known, Part(self.world.schema, {ALL_ROWS: profile}))
            baseline = self.known.learned.baselines[step.value]
            series.append(watching.scores(baseline, self.known.reference.profile, profile, self.world.model.tiling.phase(at)))
            del series[:-SERIES]
            watches = watching.monitor(baseline, series, self.world.schema)
            found[step] = all_rows(look, watches) + watching.measurements(watches, look.scope(at), profile)
        return found

    def quality(self, i: int) -> list[Measurement]:
        """Those of the headlines of quality of window `i`, by all of its labels."""
        found = self._judged(i, 1)
        for width in WIDER:
            if not any(m.status is Status.INSUFFICIENT and m.n for m in found):
                break
            found = self._judged(i, width)
        return [replace(m, basis=Basis.MATURED) for m in found]

    def _judged(self, i: int, width: int) -> list[Measurement]:
        model, reference = self.world.model, self.known.reference.profile.outcomes
        spec = with_slack(model.plan.performance.but(alpha=quality_alpha(model.plan)), self.known.learned.slacks, reference, width)
        spec = spec.but(metrics=HEADLINES[reference.plan.task])
        rows = reduce(add, self.outcomes[max(0, i + 1 - width) : i + 1])
        return performance(rows, reference, Scope("m", window=window(i)), spec)
