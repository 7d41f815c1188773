"""The chronicle: troubles of single windows joined into episodes, so that a year is read in a few lines.

**Joining (k of n).** Two windows in which the same subject is in trouble belong to one spell where at most n - k windows between them are
fine for it and no more than n windows of any kind; k = 2 and n = 3 unless told. A window where nothing could be told is neither: it
breaks no spell and makes none. Drift and an unusual day of the monitor are one kind of trouble; while a column is faulty, its drift is
not known.

**Grouping.** Spells of one step and one kind become one episode where they share at least half of the time that both cover.

    chronicle(evaluations, *, k=2, n=3) -> list[Episode]        ordered by time
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Window
from driftline.report.reading import Subject, Trouble, read
from driftline.report.states import RANK, Group, State

K, N = 2, 3
_FINE = frozenset({State.OK, State.NONE})
_ALIKE = 0.5
_STORIES = 2


@dataclass(frozen=True, slots=True)
class Episode:
    """One trouble from its first window to its last, of one or several subjects, those with most windows first.

    `windows` of the `of` windows in that span were in trouble. `first` and `last` are the outermost of them, `ongoing` says that it has
    not ended yet. `story` is the strongest moment, `latest` the last one. `where` names the segments or versions where it is only some.
    """

    step: Step
    group: Group
    state: State
    subjects: tuple[str, ...]
    first: Window
    last: Window
    windows: int
    of: int
    ongoing: bool
    story: str
    latest: str
    where: tuple[str, ...] = ()


@dataclass(slots=True)
class _Days:
    """The windows of one step in order of time, and of each what is in trouble and what is fine."""

    windows: list[Window]
    troubles: list[dict[Subject, Trouble]]
    fine: list[frozenset[Subject]]


@dataclass(slots=True)
class _Spell:
    """One subject in one kind of trouble: positions of its windows, and what was found in each. `ended` where another spell follows."""

    subject: Subject
    ended: bool = False
    found: dict[int, Trouble] = field(default_factory=dict)

    @property
    def first(self) -> int:
        return next(iter(self.found))

    @property
    def last(self) -> int:
        return next(reversed(self.found))

    @property
    def state(self) -> State:
        return min((trouble.state for trouble in self.found.values()), key=RANK.__getitem__)


def chronicle(evaluations: Sequence[Evaluation], *, k: int = K, n: int = N) -> list[Episode]:
    """All troubles as episodes, in order of their first windows, then of their last, the longer first."""
    found = []
    for evaluated in by_step(evaluations).values():
        days = _days(evaluated)
        for spells in _grouped(_spells(days, k, n)):
            found.append(_episode(spells, days, k, n))
    return sorted(found, key=lambda e: (e.first.start, -e.last.end.timestamp(), list(Group).index(e.group), RANK[e.state], e.subjects))


def by_step(evaluations: Sequence[Evaluation]) -> dict[Step, list[Evaluation]]:
    """The evaluations of each step in order of time; of several of one window the one with the latest number."""
    latest: dict[tuple[Step, Window], Evaluation] = {}
    for evaluation in evaluations:
        known = latest.get((evaluation.step, evaluation.window))
        if known is None or evaluation.number >= known.number:
            latest[evaluation.step, evaluation.window] = evaluation
    steps: dict[Step, list[Evaluation]] = {step: [] for step in Step}
    for evaluation in sorted(latest.values(), key=lambda e: e.window):
        steps[evaluation.step].append(evaluation)
    return {step: found for step, found in steps.items() if found}


def _days(evaluations: Sequence[Evaluation]) -> _Days:
    readings = [read(evaluation) for evaluation in evaluations]
    troubles = [{trouble.subject: trouble for trouble in reading.troubles} for reading in readings]
    fine = [frozenset(subject for subject, word in reading.words.items() if word in _FINE) for reading in readings]
    return _Days([evaluation.window for evaluation in evaluations], troubles, fine)


def _kind(state: State) -> State:
    return State.DRIFT if state is State.UNUSUAL else state


def _spells(days: _Days, k: int, n: int) -> list[_Spell]:
    open_: dict[tuple[Subject, State], _Spell] = {}
    closed = []
    for i, troubles in enumerate(days.troubles):
        for subject, trouble in troubles.items():
            key = (subject, _kind(trouble.state))
            spell = open_.get(key)
            if spell is not None and not _joined(days, spell, i, k, n):
                spell.ended = True
                closed.append(open_.pop(key))
                spell = None
            if spell is None:
                spell = open_[key] = _Spell(subject)
            spell.found[i] = trouble
    return [*closed, *open_.values()]


def _joined(days: _Days, spell: _Spell, here: int, k: int, n: int) -> bool:
    """Whether the spell goes on at the position `here`; one past the end asks whether it is still going on."""
    last = spell.last
    if here - last - 1 > n:
        return False
    before = days.windows[last]
    if here < len(days.windows) and days.windows[here].start - before.end > n * (before.end - before.start):
        return False
    # A worse trouble of another kind hides what is asked; one that is no worse leaves it fine.
    return sum(_is_fine(days, spell, i) for i in range(last + 1, here)) <= n - k


def _is_fine(days: _Days, spell: _Spell, i: int) -> bool:
    other = days.troubles[i].get(spell.subject)
    return spell.subject in days.fine[i] or (other is not None and RANK[other.state] > RANK[spell.state])


def _grouped(spells: Sequence[_Spell]) -> list[list[_Spell]]:
    """Spells with about the same span, the longest of each group first."""
    groups: dict[tuple[Group, State], list[list[_Spell]]] = defaultdict(list)
    for spell in sorted(spells, key=lambda s: (s.first - s.last, s.first)):
        alike = groups[spell.subject.group, _kind(spell.state)]
        group = next((group for group in alike if _shared(group[0], spell) >= _ALIKE), None)
        if group is None:
            alike.append([spell])
        else:
            group.append(spell)
    return [group for groups_ in groups.values() for group in groups_]


def _shared(one: _Spell, other: _Spell) -> float:
    both = min(one.last, other.last) - max(one.first, other.first) + 1
    either = max(one.last, other.last) - min(one.first, other.first) + 1
    return max(both, 0) / either


def _episode(spells: Sequence[_Spell], days: _Days, k: int, n: int) -> Episode:
    ranked = sorted(spells, key=lambda s: (-len(s.found), -max(trouble.weight for trouble in s.found.values())))
    first, last = min(spell.first for spell in spells), max(spell.last for spell in spells)
    strongest = [max(spell.found.values(), key=lambda t: (-RANK[t.state], not t.where, t.strength)) for spell in ranked]
    latest = [spell.found[spell.last] for spell in sorted(ranked, key=lambda s: -s.last)]
    return Episode(
        step=spells[0].subject.step,
        group=spells[0].subject.group,
        state=min((spell.state for spell in spells), key=RANK.__getitem__),
        subjects=tuple(spell.subject.said for spell in ranked),
        first=days.windows[first],
        last=days.windows[last],
        windows=len({i for spell in spells for i in spell.found}),
        of=last - first + 1,
        ongoing=any(not spell.ended and _joined(days, spell, len(days.windows), k, n) for spell in spells),
        story=_told(strongest, several=len(ranked) > 1),
        latest=_told(latest, several=len(ranked) > 1),
        where=_where([trouble for spell in ranked for trouble in spell.found.values()]),
    )


def _told(troubles: Sequence[Trouble], *, several: bool) -> str:
    """The stories of the first two; with their names where there are several."""
    told = [(f"{trouble.subject.said} " if several and trouble.story else "") + trouble.story for trouble in troubles[:_STORIES]]
    return "; ".join(part for part in told if part)


def _where(troubles: Sequence[Trouble]) -> tuple[str, ...]:
    """The segments, the most frequent first, where all rows together were never in trouble."""
    if not all(trouble.where for trouble in troubles):
        return ()
    counts = Counter(name for trouble in troubles for name in trouble.where)
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))
