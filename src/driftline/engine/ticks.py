"""Ticks: stored evaluations in the order in which they became known, and all that alerting must know beside them.

An evaluation of a window that was seen before comes with what stood there, so that only what has changed is worked out anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from driftline.alerting.inhibition import Facts
from driftline.alerting.lifecycle import MEMORY, Pace
from driftline.alerting.observe import LATE, Look, Watchers, sight_of, sights
from driftline.alerting.records import Board, Key, Sight, Stage
from driftline.alerting.rules import Rule
from driftline.alerting.step import Frame, Past, Tick
from driftline.core.ledger import Evaluation, PartKind, Step
from driftline.core.records import Window
from driftline.engine.model import ACTIVE, Model

MICROSECOND = timedelta(microseconds=1)
Unknown = Callable[[Evaluation], bool]
"""Whether an evaluation was not known yet."""


def ticks_of(model: Model, evaluations: Sequence[Evaluation], board: Board) -> list[Tick]:
    """Evaluations as ticks, in the order in which things became known and then of their windows."""
    if not evaluations:
        return []
    versions = _versions(model, evaluations)
    stood: dict[tuple[Step, Window], Evaluation] = {}
    together: dict[tuple[datetime, Window], list[Look]] = defaultdict(list)
    for evaluation in sorted(evaluations, key=lambda e: (e.as_of, e.window, e.number)):
        place, looks = (evaluation.step, evaluation.window), together[evaluation.as_of, evaluation.window]
        replaced = next((look for look in looks if look.step is evaluation.step), None)
        before = stood.get(place) or _before(model, evaluation, board)
        stood[place] = evaluation
        # Of two evaluations of one time only the later is taken in: what alerting saw last is what stood before the first.
        known = replaced.before if replaced is not None else None if before is None else before.measurements
        looks[:] = [look for look in looks if look is not replaced] + [Look(evaluation.step, evaluation.measurements, known)]
    return [
        Tick(window, as_of, tuple(sorted(looks, key=lambda look: list(Step).index(look.step))), versions.get(window, frozenset()))
        for (as_of, window), looks in together.items()
    ]


def frame_of(model: Model, rules: Mapping[str, Rule], *, now: datetime) -> Frame:
    """What holds for the whole run."""
    watchers = Watchers(rules, model.plan.drift.importance)
    own = frozenset(known.stored.version for known in model.references if known.stored.role == ACTIVE and known.stored.version)

    def past(key: Key, start: datetime, until: datetime) -> Past:
        return past_of(model, watchers, key, start, until)

    @cache
    def told(key: Key) -> bool:
        return bool(model.store.transitions(model.name, fingerprint=key.fingerprint))

    facts, muted = facts_of(model, rules), model.plan.alerts.muted
    return Frame(model.name, model.tiling.length, model.digest, now, facts, past, told, muted=muted, referenced=own)


def facts_of(model: Model, rules: Mapping[str, Rule]) -> Facts:
    """What inhibition must know beside the alerts."""
    plan = model.plan
    upstream = [
        column
        for other, columns in plan.depends_on.items()
        if model.store.incidents(other, stages=(Stage.OPEN, Stage.ACKNOWLEDGED), last=1)
        for column in columns
    ]
    sources = {column: source for source, columns in plan.columns.sources.items() for column in columns}
    return Facts(importance=plan.drift.importance, sources=sources, upstream=frozenset(upstream), warming=False, rules=rules)


def _versions(model: Model, evaluations: Sequence[Evaluation]) -> dict[Window, frozenset[str]]:
    """The versions of the model that served in each window."""
    first, last = min(e.window.start for e in evaluations), max(e.window.start for e in evaluations)
    found: dict[Window, set[str]] = defaultdict(set)
    for part in model.store.parts(model.name, PartKind.TRAFFIC, start=first, end=last + MICROSECOND):
        found[part.window].add(part.version)
    return {window: frozenset(names) for window, names in found.items()}


def _before(model: Model, evaluation: Evaluation, board: Board) -> Evaluation | None:
    """What stood in this window when alerting last saw it."""
    head = board.heads.get(evaluation.step.value)
    if head is None or evaluation.window.start > head:
        return None
    start = evaluation.window.start
    made = model.store.evaluations(model.name, evaluation.step, start=start, end=start + MICROSECOND, every=True)
    known = [each for each in made if each.number <= board.number and each.window == evaluation.window]
    return known[-1] if known else None


def past_of(model: Model, watchers: Watchers, key: Key, start: datetime, until: datetime, unknown: Unknown | None = None) -> Past:
    """The transitions of an alert, and what the windows around a late one say of it; without what was not known then."""
    rule = watchers.rules[key.rule]
    pace = Pace.of(rule, model.tiling.length)
    transitions = model.store.transitions(model.name, fingerprint=key.fingerprint)
    earliest = start - (MEMORY * pace.n + pace.kept) * pace.base
    found: list[Sight] = []
    for step in Step if rule.step is None else (rule.step,):
        for evaluation in _known(model, step, earliest, until + MICROSECOND, unknown):
            told = [s for s in sights(watchers, step, evaluation.measurements, evaluation.window, {}) if s.key == key]
            if not told and key.basis not in LATE and rule.step is not None:
                told = [sight_of(rule, key, None, evaluation.window, None)]
            found += told
    return Past(transitions, sorted(found, key=lambda sight: sight.window))


def _known(model: Model, step: Step, start: datetime, end: datetime, unknown: Unknown | None) -> Sequence[Evaluation]:
    """The latest evaluation of each window, of those that were known."""
    if unknown is None:
        return model.store.evaluations(model.name, step, start=start, end=end)
    made = model.store.evaluations(model.name, step, start=start, end=end, every=True)
    return list({each.window: each for each in sorted(made, key=lambda each: each.number) if not unknown(each)}.values())
