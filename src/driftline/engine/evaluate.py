"""Evaluate: windows that have changed, or have grown old enough, become measurements. Nothing else decides what is left to do.

A window is due for a step where it is complete and the step has not seen its latest rows or labels, or the latest rows of a window
before it that it looks back at; for step 1 also whenever its labels reach an age at which more can be said, and once labels that were left
out because they became known after `as_of` count. What was found is appended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from driftline.core.durations import duration
from driftline.core.ledger import Evaluation, Step, StoredPart, Touched
from driftline.core.records import Measurement, Window
from driftline.engine.cohorts import last_known, settle
from driftline.engine.measure_drift import drift_of
from driftline.engine.measure_drift import reach as reach_of_drift
from driftline.engine.measure_performance import Performance
from driftline.engine.measure_performance import reach as reach_of_performance
from driftline.engine.model import Model
from driftline.engine.reference import Progress, silent
from driftline.engine.timeline import Timeline
from driftline.profiles.cohort import CHECKPOINTS

EMPTY_RUN = 400
"""Windows without any row that are evaluated one after the other; of a longer silence the rest is passed over."""
SAVED_TOGETHER = 16


@dataclass
class Evaluated:
    """What one step did: the evaluations that are new, the earlier ones of windows that were asked for and look the `same` again, how many
    windows it looked at, and what people should know."""

    step: Step
    evaluations: list[Evaluation] = field(default_factory=list)
    same: list[Evaluation] = field(default_factory=list)
    looked: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the steps see of a model as of a moment, read once for all of them. `through`: the last delivery that is surely in it;
    `timeline` has the complete windows, of which `skipped` are passed over."""

    through: int
    touched: dict[Window, Touched]
    timeline: Timeline
    skipped: int


def look(model: Model, *, as_of: datetime) -> Sight:
    """The model as it is now."""
    through = model.store.sequence(model.name)  # first, so that what comes meanwhile is due again
    windows = model.store.windows(model.name)
    settle(model, windows)
    touched = {t.window: t for t in windows}
    every, skipped = _windows(model, touched, as_of)
    return Sight(through, touched, Timeline(model, every), skipped)


def evaluate(  # noqa: PLR0913 - what to do, as of when, and what was read before
    model: Model,
    step: Step,
    *,
    as_of: datetime,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    sight: Sight | None = None,
    progress: Progress = silent,
) -> Evaluated:
    """Evaluates the windows that are due, or all that begin in [start, end) where both are given.

    `as_of` is the event time up to which windows are complete and labels known; `now` is recorded as when it was done. `sight` is that of
    `as_of`, where another step has had it.
    """
    sight = sight or look(model, as_of=as_of)
    through, touched, every = sight.through, sight.touched, sight.timeline.windows
    done = Evaluated(step, notes=[_skipped(sight.skipped)] if sight.skipped else [])
    asked = start is not None and end is not None
    chosen = [w for w in every if start <= w.start < end] if start and end else due(model, step, every, touched, as_of=as_of)
    measure, partly = _measure(model, sight.timeline, step, as_of, through)
    before = _latest(model, step, chosen) if asked or chosen else {}
    waiting: list[Evaluation] = []
    parts: list[StoredPart] = []
    for i, window in enumerate(chosen):
        progress(f"evaluating {step.value}", i, len(chosen))
        found, reference, kept = measure(window)
        parts += kept
        read = -through if window in partly else through
        made = Evaluation(step, window, as_of, now, read, model.digest, reference, tuple(found))
        if asked and window in before and before[window].measurements == made.measurements:
            done.same.append(before[window])
            continue
        waiting.append(made)
        if len(waiting) >= SAVED_TOGETHER:
            _save(model, done, waiting, parts)
            waiting, parts = [], []
    _save(model, done, waiting, parts)
    done.looked = len(chosen)
    progress(f"evaluating {step.value}", len(chosen), len(chosen))
    return done


def complete(model: Model, *, as_of: datetime) -> list[Window]:
    """The windows that may be evaluated: all that are over, from the first with rows on, without long silences."""
    return _windows(model, {t.window: t for t in model.store.windows(model.name)}, as_of)[0]


def due(model: Model, step: Step, windows: Sequence[Window], touched: dict[Window, Touched], *, as_of: datetime) -> list[Window]:
    """The complete windows that have changed since this step last saw them, or whose labels have come of age.

    An evaluation that left labels out, because they became known after its `as_of`, has its `through` below zero.
    """
    first = step is Step.PERFORMANCE
    seen = model.store.evaluated(model.name, step)
    ages = [model.plan.labels.maturity * share for share in CHECKPOINTS] if first and model.outcomes() else []
    oldest = max(ages, default=timedelta(0))
    known = last_known(model, [w for w in windows if w in seen and seen[w][0] < 0]) if first else {}
    reach = reach_of_performance(model) if first else reach_of_drift(model, step)
    found = []
    for window, changed in zip(windows, _changes(windows, touched, reach), strict=True):
        before = seen.get(window)
        if before is None:
            found.append(window)
            continue
        through, then = before
        mark = touched.get(window) if first else None
        latest = changed if mark is None else max(changed, mark.labels)
        aged = mark is not None and then < window.end + oldest and any(then < window.end + age <= as_of for age in ages)
        if latest > abs(through) or aged or (window in known and then < known[window] <= as_of):
            found.append(window)
    return sorted({*found, *_widened(model, windows, found, seen)}) if first else found


def _widened(model: Model, windows: Sequence[Window], found: Sequence[Window], seen: Container[Window]) -> list[Window]:
    """The windows that are not due themselves, but had too few labels and were joined with one before them that is."""
    most = duration(model.plan.windows.widen_to) // model.tiling.length
    taken, last = set(found), -most
    before: dict[Window, Window] = {}
    for i, window in enumerate(windows):
        if window in taken:
            last = i
        elif i - last < most and window in seen:
            before[window] = windows[last]
    made = _latest(model, Step.PERFORMANCE, list(before))
    starts = {
        window: min((m.scope.window.start for m in e.measurements if m.scope.window), default=window.start) for window, e in made.items()
    }
    return [window for window in before if starts.get(window, window.start) <= before[window].start]


def _changes(windows: Sequence[Window], touched: dict[Window, Touched], reach: int) -> Iterator[int]:
    """Of each window the last change of its rows, or of those of the `reach` windows before it."""
    recent: deque[tuple[int, int]] = deque()  # positions and changes, the changes falling
    for i, window in enumerate(windows):
        mark = touched.get(window)
        change = 0 if mark is None else mark.rows
        while recent and recent[-1][1] <= change:
            recent.pop()
        recent.append((i, change))
        if recent[0][0] < i - reach:
            recent.popleft()
        yield recent[0][1]


def _windows(model: Model, touched: dict[Window, Touched], as_of: datetime) -> tuple[list[Window], int]:
    """All complete windows from the first with rows on, and how many are passed over because the silence is too long."""
    found: list[Window] = []
    skipped = 0
    longest = (EMPTY_RUN + 1) * model.tiling.length
    filled = sorted(window for window, mark in touched.items() if mark.rows and window.end <= as_of)
    for stretch, after in _stretches(filled, longest, as_of):
        empty = 0
        end = min(after, stretch[-1].end + longest)
        for window in model.tiling.within(stretch[0].start, end):
            mark = touched.get(window)
            empty = 0 if mark is not None and mark.rows else empty + 1
            if empty <= EMPTY_RUN and window.end <= as_of:
                found.append(window)
        skipped += max(0, (after - stretch[-1].end) // model.tiling.length - EMPTY_RUN)
    return found, skipped


def _stretches(windows: Sequence[Window], longest: timedelta, end: datetime) -> Iterator[tuple[list[Window], datetime]]:
    """Windows with less than so much time between them, and where the next ones begin."""
    stretch: list[Window] = []
    for window in windows:
        if stretch and window.start - stretch[-1].end >= longest:
            yield stretch, window.start
            stretch = []
        stretch.append(window)
    if stretch:
        yield stretch, end


def _measure(
    model: Model, timeline: Timeline, step: Step, as_of: datetime, through: int
) -> tuple[Callable[[Window], tuple[list[Measurement], str, list[StoredPart]]], Collection[Window]]:
    """What measures a window, and a collection to which it adds those that have labels which became known after `as_of`."""
    if step is Step.PERFORMANCE:
        performance = Performance(model, timeline, as_of=as_of, through=through)
        return performance.measure, performance.partly
    return lambda window: drift_of(model, timeline, step, window), ()


def _latest(model: Model, step: Step, windows: Sequence[Window]) -> dict[Window, Evaluation]:
    if not windows:
        return {}
    found = model.store.evaluations(model.name, step, start=windows[0].start, end=windows[-1].end)
    return {evaluation.window: evaluation for evaluation in found}


def _save(model: Model, done: Evaluated, evaluations: Sequence[Evaluation], parts: Sequence[StoredPart]) -> None:
    """The scores first: an evaluation that is kept has left nothing to do."""
    if parts:
        model.store.put(model.name, list({(p.version, p.window): p for p in parts}.values()))
    if evaluations:
        model.store.save(model.name, evaluations)
        done.evaluations += evaluations


def _skipped(count: int) -> str:
    return f"{count} windows without any row are passed over, after {EMPTY_RUN} of them in a row"
