"""Back-test: rules replayed over the evaluations that a store holds. Nothing is written, and nobody is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from driftline.alerting.budget import expected
from driftline.alerting.records import EMPTY, Stage
from driftline.alerting.replay import Backtest, Known, backtest
from driftline.alerting.rules import Rule
from driftline.alerting.step import Frame, Tick, nothing_late
from driftline.core.ledger import Evaluation, Step
from driftline.engine.chances import chances_of
from driftline.engine.model import Model, segments_of
from driftline.engine.ticks import frame_of, ticks_of

LONGEST, SHORTEST, ENOUGH = timedelta(days=90), timedelta(days=30), 1_000
"""How far `pages_per_month` looks back: so many windows, and from a month to three."""
FEWEST = 30
"""Windows below which it says nothing."""
MOST_INCIDENTS = 10_000


@dataclass(frozen=True, eq=False)
class Past:
    """What is replayed: the latest evaluations of a stretch of time, as ticks in order of their windows, and what holds for all of them."""

    ticks: Sequence[Tick]
    frame: Frame
    known: Known


def past_of(model: Model, rules: Mapping[str, Rule], *, now: datetime, start: datetime | None = None, end: datetime | None = None) -> Past:
    """The stored evaluations of the windows that begin in [start, end), as replays take them."""
    evaluations = model.store.evaluations(model.name, start=start, end=end)
    closed = model.store.incidents(model.name, stages=(Stage.CLOSED,), last=MOST_INCIDENTS)
    known = Known(
        budget=model.plan.alerts.budget,
        expected=expected(rules, chances_of(model.plan, segments=segments_of(model))),
        real=[incident for incident in closed if incident.closing is not None and incident.closing.is_real],
        evaluations=len(evaluations),
        other_plans=sum(evaluation.plan != model.digest for evaluation in evaluations),
    )
    return Past(ticks_at_once(model, evaluations), replay_frame(model, rules, now=now), known)


def replayed(
    model: Model, rules: Mapping[str, Rule], *, now: datetime, start: datetime | None = None, end: datetime | None = None
) -> Backtest | None:
    """What these rules would have told of the windows that begin in [start, end); None where none has been evaluated."""
    past = past_of(model, rules, now=now, start=start, end=end)
    return backtest(past.ticks, rules, past.frame, past.known)


def pages_per_month(model: Model, rules: Mapping[str, Rule], now: datetime) -> float | None:
    """How many pages a month these rules would have made at least in the last one to three months of evaluations: the lower end of the
    95 % interval. None where there are fewer than thirty days or thirty windows.
    """
    known = sorted({window for step in Step for window in model.store.evaluated(model.name, step)})
    if len(known) < FEWEST or known[-1].end - known[0].start < SHORTEST:
        return None
    back = min(LONGEST, max(SHORTEST, ENOUGH * model.tiling.length))
    found = replayed(model, rules, now=now, start=known[-1].end - back)
    if found is None or found.windows < FEWEST or found.end - found.start < SHORTEST:
        return None
    return found.pages.rate.low


def ticks_at_once(model: Model, evaluations: Sequence[Evaluation]) -> list[Tick]:
    """One tick for each window, in order of time: as if all that is known by now had been known at once."""
    if not evaluations:
        return []
    known = max(evaluation.as_of for evaluation in evaluations)
    return ticks_of(model, [replace(evaluation, as_of=known) for evaluation in evaluations], EMPTY)


def replay_frame(model: Model, rules: Mapping[str, Rule], *, now: datetime) -> Frame:
    """What holds for a replay. What other models are in the middle of now says nothing of the past, and is left out."""
    frame = frame_of(model, rules, now=now)
    return replace(frame, past=nothing_late, told=lambda _key: False, facts=replace(frame.facts, upstream=frozenset()))
