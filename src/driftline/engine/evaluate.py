"""Evaluate: windows that have changed, or have grown old enough, become measurements. Nothing else decides what is left to do.

A window is due for a step where it is complete and the step has not seen its latest rows or labels; for step 1 also whenever its labels
reach an age at which more can be said. What was found is appended; an evaluation that finds what the last one found is not kept again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from driftline.core.ledger import Evaluation, Step, StoredPart, Touched
from driftline.core.records import Measurement, Window
from driftline.engine.cohorts import settle
from driftline.engine.measure_drift import drift_of
from driftline.engine.measure_performance import Performance
from driftline.engine.model import Model
from driftline.engine.reference import Progress, silent
from driftline.engine.timeline import Timeline
from driftline.profiles.cohort import CHECKPOINTS

EMPTY_RUN = 400
"""Windows without any row that are evaluated one after the other; of a longer silence the rest is passed over."""
SAVED_TOGETHER = 16


@dataclass
class Evaluated:
    """What one step did: the evaluations that are new, how many windows it looked at, and what people should know."""

    step: Step
    evaluations: list[Evaluation] = field(default_factory=list)
    looked: int = 0
    notes: list[str] = field(default_factory=list)


def evaluate(
    model: Model,
    step: Step,
    *,
    as_of: datetime,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress = silent,
) -> Evaluated:
    """Evaluates the windows that are due, or all that begin in [start, end) where both are given.

    `as_of` is the event time up to which windows are complete and labels known; `now` is recorded as when it was done.
    """
    settle(model)
    through = model.store.sequence(model.name)
    touched = {t.window: t for t in model.store.windows(model.name)}
    every, skipped = _windows(model, touched, as_of)
    done = Evaluated(step, notes=[_skipped(skipped)] if skipped else [])
    asked = start is not None and end is not None
    chosen = [w for w in every if start <= w.start < end] if start and end else due(model, step, every, touched, as_of=as_of)
    timeline = Timeline(model, every)
    measure = _measure(model, timeline, step, as_of, through)
    before = _latest(model, step, chosen) if asked or chosen else {}
    waiting: list[Evaluation] = []
    parts: list[StoredPart] = []
    for i, window in enumerate(chosen):
        progress(f"evaluating {step.value}", i, len(chosen))
        found, reference, kept = measure(window)
        parts += kept
        made = Evaluation(step, window, as_of, now, through, model.digest, reference, tuple(found))
        if asked and window in before and before[window].measurements == made.measurements:
            continue
        waiting.append(made)
        if len(waiting) >= SAVED_TOGETHER:
            _save(model, done, waiting, parts)
            waiting, parts = [], []
    _save(model, done, waiting, parts)
    done.looked = len(chosen)
    progress(f"evaluating {step.value}", len(chosen), len(chosen))
    return done


def due(model: Model, step: Step, windows: Sequence[Window], touched: dict[Window, Touched], *, as_of: datetime) -> list[Window]:
    """The complete windows that have changed since this step last saw them, or whose labels have come of age."""
    seen = model.store.evaluated(model.name, step)
    ages = [model.plan.labels.maturity * share for share in CHECKPOINTS] if step is Step.PERFORMANCE and model.outcomes() else []
    found = []
    for window in windows:
        mark = touched.get(window)
        changed = 0 if mark is None else max(mark.rows, mark.labels) if step is Step.PERFORMANCE else mark.rows
        if window not in seen:
            found.append(window)
            continue
        through, then = seen[window]
        aged = mark is not None and any(then < window.end + age <= as_of for age in ages)
        if changed > through or aged:
            found.append(window)
    return found


def _windows(model: Model, touched: dict[Window, Touched], as_of: datetime) -> tuple[list[Window], int]:
    """All complete windows from the first with rows on, and how many are passed over because the silence is too long."""
    if not touched:
        return [], 0
    first = min(touched).start
    if as_of <= first:
        return [], 0
    found, skipped, empty = [], 0, 0
    for window in model.tiling.within(first, as_of):
        if window.end > as_of:
            break
        mark = touched.get(window)
        empty = 0 if mark is not None and mark.rows else empty + 1
        if empty <= EMPTY_RUN:
            found.append(window)
        else:
            skipped += 1
    return found, skipped


def _measure(
    model: Model, timeline: Timeline, step: Step, as_of: datetime, through: int
) -> Callable[[Window], tuple[list[Measurement], str, list[StoredPart]]]:
    if step is Step.PERFORMANCE:
        return Performance(model, timeline, as_of=as_of, through=through).measure
    return lambda window: drift_of(model, timeline, step, window)


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
