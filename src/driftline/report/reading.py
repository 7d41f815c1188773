"""What an evaluation says: what of it is in trouble, and one word for each subject.

    read(evaluation) -> Reading      troubles_of, counts_of and is_judged are its parts

In steps 2 and 3 a column speaks through its `verdict`; its distances and rates are details of it, and only the monitor (`surprise`,
`accumulated`) can add to it. In step 1 every measurement speaks for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement
from driftline.report.figures import BASES, FAMILIES, excess, family_of, title
from driftline.report.states import BAD, MONITOR, RANK, ROWS, UNTOLD, Group, State, group_of, scope_name, some, state_of, story_of

BUDGETS = ("availability", "latency_within", "error_budget_left")
"""What stays beyond its limit long after what used it up: it is told last."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a column against something (steps 2 and 3), or a metric on a basis (step 1), there of an objective where it is of
    one. Where a window has no rows, `rows` are all that is spoken of."""

    step: Step
    group: Group
    name: str
    of: str = ""
    family: str = ""
    basis: Basis = Basis.OBSERVED

    @property
    def said(self) -> str:
        """`temp`, `temp against the anchor`, `ROC AUC matured`."""
        added = FAMILIES.get(self.family, "") or BASES[self.basis]
        said = self.name if self.step is not Step.PERFORMANCE else f"{self.of} {title(self.name)}".strip()
        return f"{said} {added}".rstrip()


@dataclass(frozen=True, slots=True)
class Trouble:
    """One subject that is not fine in one window. `where` names the segments and versions, nothing where it is all rows. `strength` is how
    far it is beyond its limit, a verdict as far as its furthest distance."""

    subject: Subject
    state: State
    where: tuple[str, ...]
    measurement: Measurement
    strength: float

    @property
    def weight(self) -> float:
        """What columns are ranked by; the metrics of step 1 have no common scale."""
        return 0.0 if self.subject.step is Step.PERFORMANCE else self.strength

    @property
    def story(self) -> str:
        """What happened, told beside the name of the subject and so without it; it begins with the rows where they are not all."""
        rows = f"only {some(self.where)}: " if self.where else ""
        return rows + story_of(self.measurement, named=self.subject.step is Step.PERFORMANCE)


def subjects(evaluation: Evaluation) -> dict[Subject, list[tuple[State, Measurement]]]:
    """All that is said of each subject, with the word for it; details of a verdict are left out."""
    found: dict[Subject, list[tuple[State, Measurement]]] = {}
    with_verdict = _with_verdict(evaluation.measurements)
    for measurement in evaluation.measurements:
        family, name = family_of(measurement.metric) if evaluation.step is not Step.PERFORMANCE else ("", measurement.metric)
        detail = name != "verdict" and name not in MONITOR and _rows(measurement, family) in with_verdict
        if not detail and name not in UNTOLD:
            subject = _subject(evaluation.step, measurement, family, name)
            found.setdefault(subject, []).append((state_of(evaluation.step, measurement), measurement))
    return found


def _subject(step: Step, measurement: Measurement, family: str, name: str) -> Subject:
    group, column = group_of(step, measurement), measurement.column
    if step is Step.PERFORMANCE:
        return Subject(step, group, name, column or "", basis=measurement.basis)
    return Subject(
        step, group, column if column is not None else ROWS if name == "verdict" else name, family=family, basis=measurement.basis
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What an evaluation says: its troubles, what asks for a person first, and the word for each subject, with those only shown."""

    troubles: tuple[Trouble, ...]
    words: Mapping[Subject, State]

    @property
    def standings(self) -> dict[Subject, State]:
        """The words that count: not what is only shown, and of what is held against the anchor or another version what is in trouble."""
        found = {trouble.subject: trouble.state for trouble in self.troubles}
        fine = (item for item in self.words.items() if not item[0].family and item[1] is not State.NONE and item[1] not in BAD)
        return found | dict(fine)

    @property
    def counts(self) -> Counter[State]:
        """Number of subjects by their words; a column is counted once, however many comparisons are fine."""
        return Counter(self.standings.values())

    @property
    def is_judged(self) -> bool:
        """Whether anything at all could be told to be fine or not."""
        return any(state in BAD or state is State.OK for state in self.counts)


def read(evaluation: Evaluation) -> Reading:
    """Reads an evaluation. Troubles of one word come with the strongest first, but metrics of step 1, which do not compare, in the order of
    the evaluation, budgets after what uses them up. A column whose all rows are in trouble is not told again for its segments, nor against
    the anchor."""
    strengths, found = _strengths(evaluation), subjects(evaluation)
    troubles = [trouble for subject, said in found.items() for trouble in _worst(subject, said, strengths)]
    active = {trouble.subject.name for trouble in troubles if not trouble.subject.family and evaluation.step is not Step.PERFORMANCE}
    told = [trouble for trouble in troubles if trouble.subject.family != "anchor" or trouble.subject.name not in active]
    told.sort(key=lambda t: (RANK[t.state], bool(t.where), t.subject.name in BUDGETS, -t.weight))
    return Reading(tuple(told), {subject: _standing(said) for subject, said in found.items()})


def troubles_of(evaluation: Evaluation) -> tuple[Trouble, ...]:
    """What is not fine in one window, what asks for a person first."""
    return read(evaluation).troubles


def counts_of(evaluation: Evaluation) -> Counter[State]:
    """Number of subjects by their words."""
    return read(evaluation).counts


def is_judged(evaluation: Evaluation) -> bool:
    """Whether anything at all could be told to be fine or not."""
    return read(evaluation).is_judged


def _standing(said: Sequence[tuple[State, Measurement]]) -> State:
    """The one word for a subject: the worst of any of its rows; else what is said of all rows, where one judgement is enough."""
    bad = [state for state, _ in said if state in BAD]
    if bad:
        return min(bad, key=RANK.__getitem__)
    words = {state for state, measurement in said if not scope_name(measurement)} or {state for state, _ in said}
    judged = words - {State.NONE}
    return State.OK if State.OK in judged else min(judged, key=RANK.__getitem__, default=State.NONE)


def _with_verdict(measurements: Iterable[Measurement]) -> set[tuple[object, ...]]:
    return {
        _rows(measurement, family) for measurement in measurements for family, name in (family_of(measurement.metric),) if name == "verdict"
    }


def _rows(measurement: Measurement, family: str) -> tuple[object, ...]:
    """A column in some rows; the window is left out, since what belongs to one verdict may speak of wider ones."""
    return measurement.column, measurement.scope.version, measurement.scope.segment, family


def _strengths(evaluation: Evaluation) -> dict[tuple[object, ...], float]:
    """How far the furthest distance of a column is beyond its limit."""
    found: dict[tuple[object, ...], float] = {}
    for measurement in evaluation.measurements:
        family, name = family_of(measurement.metric)
        if measurement.beyond and measurement.limit is not None and name not in MONITOR and name not in UNTOLD:
            key = _rows(measurement, family)
            found[key] = max(found.get(key, 0.0), excess(measurement))
    return found


def _worst(subject: Subject, said: Iterable[tuple[State, Measurement]], strengths: Mapping[tuple[object, ...], float]) -> Iterator[Trouble]:
    bad = [(state, measurement) for state, measurement in said if state in BAD]
    if not bad:
        return
    state = min((state for state, _ in bad), key=RANK.__getitem__)
    found = [(scope_name(m), m, _strength(m, strengths)) for s, m in bad if s is state]
    found.sort(key=lambda one: (bool(one[0]), -one[2], one[0]))
    name, measurement, strength = found[0]
    yield Trouble(subject, state, tuple(dict.fromkeys(other for other, _, _ in found)) if name else (), measurement, strength)


def _strength(measurement: Measurement, strengths: Mapping[tuple[object, ...], float]) -> float:
    family, name = family_of(measurement.metric)
    return strengths.get(_rows(measurement, family), 0.0) if name == "verdict" else excess(measurement)
