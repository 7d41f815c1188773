"""Cohort: the predictions of one window, and what is known of their labels; it merges by `+`.

A label belongs to the window of its prediction, however late it comes. Rows that can ever get a label are eligible; some of their labels
are void, known never to come. Of the others, the expected rows, the cohort keeps how old each label was when it became known, and how
right the predictions were: by all labels known, and by those known at each checkpoint of age.

Of labels of the kind `event` only the positives are told. There `silent` holds the expected rows without a label as if they were
negative, to be added once the window has matured; and `by_age` holds at each checkpoint all expected rows, those not labelled by then as
negative: what anyone would have believed at that age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.core.errors import FormatError, IncompatibleProfiles, UsageError
from driftline.core.records import ALL_ROWS, Segment
from driftline.profiles.label_rows import LabelRows, constant
from driftline.profiles.labelled import Index, Ints, Mask
from driftline.profiles.levels import LevelCounter
from driftline.profiles.magnitudes import LEAST, Magnitudes
from driftline.profiles.outcomes import OutcomePlan, Summary, Task, from_arrays, tally, zero
from driftline.profiles.segments import segment_of, segments_of

CHECKPOINTS = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""The ages at which labels are counted, as parts of the age of maturity."""
COUNTS = ("rows", "eligible", "void", "labelled", "corrected", "unexpected", "unfit")
Summaries = Mapping[Segment, Summary]


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The predictions of one window. Counts merge exactly, sums to rounding.

    `rows`; `eligible` of them, with `void` among these; `labelled`: expected rows with a label; `corrected`: labelled rows whose label was
    another before; `unexpected`: labels of rows that are not eligible; `unfit`: labels of expected rows that fit no class of the plan.
    `checkpoints` (K,) are ages in nanoseconds, ascending. `ages` (K + 1,) counts labels by the first checkpoint that their age does not
    exceed, the last cell those older than all; `positives` the same of the positive class. `lags` holds the ages in seconds, to 1 %.
    `outcomes` and `silent` by segment, `()` all rows; `silent` is empty unless the labels are events. `by_age` (K,) is cumulative.
    """

    plan: OutcomePlan
    checkpoints: tuple[int, ...]
    rows: int
    eligible: int
    void: int
    labelled: int
    corrected: int
    unexpected: int
    unfit: int
    ages: Ints
    positives: Ints
    lags: Magnitudes
    outcomes: Summaries
    silent: Summaries
    by_age: tuple[Summary, ...]

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        self.ages.flags.writeable = self.positives.flags.writeable = False

    @classmethod
    def zero(cls, plan: OutcomePlan, checkpoints: Sequence[int], *, event: bool) -> Cohort:
        """No predictions. Raises `UsageError` for events in a task that is not binary, and for checkpoints that do not ascend."""
        return CohortGathering(plan, checkpoints, (), event=event, table="").cohort()

    @property
    def expected(self) -> int:
        """Rows that get a label some day: eligible and not void."""
        return self.eligible - self.void

    @property
    def event(self) -> bool:
        """Whether silence becomes a negative."""
        return ALL_ROWS in self.silent

    def known(self, checkpoint: int) -> int:
        """Labels known at an age no larger than that checkpoint's, by its position."""
        return int(self.ages[: checkpoint + 1].sum())

    def __add__(self, other: Cohort) -> Cohort:
        """Both lots of predictions. Raises `IncompatibleProfiles` where plans, checkpoints or kinds of labels differ."""
        if self.checkpoints != other.checkpoints or self.event != other.event:
            raise IncompatibleProfiles(
                "Two cohorts count their labels at different ages or in different ways", hint="Gather both with the same configuration."
            )
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Cohort(
            self.plan,
            self.checkpoints,
            **counts,
            ages=self.ages + other.ages,
            positives=self.positives + other.positives,
            lags=self.lags + other.lags,
            outcomes=_both(self.outcomes, other.outcomes),
            silent=_both(self.silent, other.silent),
            by_age=tuple(mine + theirs for mine, theirs in zip(self.by_age, other.by_age, strict=True)),
        )

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Facts that JSON can hold, and arrays by name, those of several summaries as one; the plan is kept elsewhere."""
        arrays: dict[str, NDArray[Any]] = {"ages": self.ages, "positives": self.positives, "lags": self.lags.cells}
        lots = {"outcomes": [*self.outcomes.values()], "silent": [*self.silent.values()], "by_age": [*self.by_age]}
        for name, summaries in lots.items():
            each = [summary.to_arrays() for summary in summaries]
            arrays |= {f"{name}.{key}": np.stack([own[key] for own in each]) for key in (each[0] if each else ())}
        facts: dict[str, Any] = {name: getattr(self, name) for name in COUNTS}
        facts["checkpoints"] = list(self.checkpoints)
        for name, by_segment in (("outcomes", self.outcomes), ("silent", self.silent)):
            facts[name] = [[list(pair) for pair in segment] for segment in by_segment]
        return facts, arrays

    @classmethod
    def from_arrays(cls, plan: OutcomePlan, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Cohort:
        """What `to_arrays` wrote. Raises `FormatError` for what does not fit together."""

        def summaries(name: str, count: int) -> list[Summary]:
            start = f"{name}."
            own = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
            if any(len(array) != count for array in own.values()):
                raise ValueError(name)
            return [from_arrays(plan, {key: array[i] for key, array in own.items()}) for i in range(count)]

        try:
            checkpoints = tuple(int(at) for at in facts["checkpoints"])
            segments = {name: [tuple((str(c), str(v)) for c, v in each) for each in facts[name]] for name in ("outcomes", "silent")}
            lots = {name: dict(zip(keys, summaries(name, len(keys)), strict=True)) for name, keys in segments.items()}
            ages, positives = (arrays[name].astype(np.int64) for name in ("ages", "positives"))
            if ages.shape != (len(checkpoints) + 1,) or positives.shape != ages.shape or ALL_ROWS not in lots["outcomes"]:
                raise ValueError("ages")
            counts = {name: int(facts[name]) for name in COUNTS}
            lags, by_age = Magnitudes.from_array(arrays["lags"]), tuple(summaries("by_age", len(checkpoints)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError("The stored cohort has parts that do not fit together", hint="Gather it again from its rows.") from error
        return cls(
            plan,
            checkpoints,
            **counts,
            ages=ages,
            positives=positives,
            lags=lags,
            outcomes=lots["outcomes"],
            silent=lots["silent"],
            by_age=by_age,
        )


def gather_cohort(
    batches: Iterable[pa.RecordBatch],
    plan: OutcomePlan,
    *,
    checkpoints: Sequence[int],
    segments: Sequence[tuple[str, Sequence[str]]],
    event: bool,
    table: str,
) -> Cohort:
    """The cohort of predictions joined with their labels.

    Batches have the columns `time` and `known` (timestamps), `eligible` and `void` (booleans), `label`, `changes` (labels before this one),
    and under their own names the prediction, the scores and the segment columns. `checkpoints` are ages in nanoseconds; `segments` are
    those of a schema. Raises `UsageError` as `Cohort.zero`, and `DataError` where a column is not of the kind the plan needs.
    """
    gathering = CohortGathering(plan, checkpoints, segments, event=event, table=table)
    for batch in batches:
        gathering.add(batch)
    return gathering.cohort()


class CohortGathering:
    """Counts joined rows, batch by batch."""

    def __init__(
        self, plan: OutcomePlan, checkpoints: Sequence[int], segments: Sequence[tuple[str, Sequence[str]]], *, event: bool, table: str
    ) -> None:
        if event and plan.task is not Task.BINARY:
            raise UsageError(
                f"Labels of kind 'event' need a binary task, and the task is {plan.task}", hint="Use labels of kind 'outcome'."
            )
        if not checkpoints or min(checkpoints) <= 0 or any(later <= at for at, later in pairwise(checkpoints)):
            raise UsageError("The ages at which labels are counted ascend from above 0", where="checkpoints")
        self.plan, self.checkpoints, self.event, self.table = plan, tuple(checkpoints), event, table
        self._segments = [(name, LevelCounter(levels), segments_of(name, levels)) for name, levels in segments]
        cells = len(self.checkpoints) + 1
        self._counts = dict.fromkeys(COUNTS, 0)
        self._ages, self._positives = np.zeros((2, cells), np.int64)
        self._lags = Magnitudes.zero()
        self._aged = [zero(plan)] * cells  # by the age of the label
        self._before = [zero(plan)] * cells  # the same rows as they looked before: negative
        self._outcomes: dict[Segment, Summary] = {}
        self._silent: dict[Segment, Summary] = {ALL_ROWS: zero(plan)} if event else {}

    def add(self, batch: pa.RecordBatch) -> None:
        if not len(batch):
            return
        rows = LabelRows.of(batch, self.plan, self.checkpoints)
        labelled, silent = rows.expected & rows.present, rows.expected & ~rows.present
        usable = labelled & rows.fit
        self._count(rows, labelled, usable)
        prediction, label, *scores = rows.taken(usable)
        cells = len(self._aged)
        self._aged = _sum(self._aged, self._tally(prediction, label, scores, rows.age[usable], cells))
        quiet: tuple[pa.Array, ...] = ()
        if self.event:
            negative = self.plan.classes[0]
            before = constant(negative, len(prediction))
            self._before = _sum(self._before, self._tally(prediction, before, scores, rows.age[usable], cells))
            unheard, _, *others = rows.taken(silent)
            quiet = (unheard, constant(negative, len(unheard)), *others)
            self._silent = _both(self._silent, {ALL_ROWS: self._tally(quiet[0], quiet[1], others, None, 1)[0]})
        for name, counter, segments in self._segments:
            if name not in batch.schema.names:
                continue
            group = segment_of(counter, batch.column(name))
            self._outcomes = _both(self._outcomes, self._by_segment((prediction, label, *scores), group[usable], segments))
            if self.event:
                self._silent = _both(self._silent, self._by_segment(quiet, group[silent], segments))

    def cohort(self) -> Cohort:
        """What was counted so far."""
        by_age = []
        for k in range(len(self.checkpoints)):
            lots = [*self._aged[: k + 1], *(self._before[k + 1 :] if self.event else []), *([self._silent[ALL_ROWS]] if self.event else [])]
            by_age.append(reduce(add, lots))
        return Cohort(
            self.plan,
            self.checkpoints,
            **self._counts,
            ages=self._ages.copy(),
            positives=self._positives.copy(),
            lags=self._lags,
            outcomes={ALL_ROWS: reduce(add, self._aged), **self._outcomes},
            silent=dict(self._silent),
            by_age=tuple(by_age),
        )

    def _count(self, rows: LabelRows, labelled: Mask, usable: Mask) -> None:
        masks = {
            "eligible": rows.eligible,
            "void": rows.eligible & rows.void,
            "labelled": labelled,
            "corrected": labelled & rows.corrected,
            "unexpected": rows.present & ~rows.eligible,
            "unfit": labelled & ~rows.fit,
        }
        self._counts["rows"] += len(labelled)
        for name, mask in masks.items():
            self._counts[name] += int(np.count_nonzero(mask))
        self._ages += np.bincount(rows.age[labelled], minlength=len(self._ages))
        self._positives += np.bincount(rows.age[usable & rows.positive], minlength=len(self._ages))
        seconds = rows.seconds[labelled]
        self._lags += Magnitudes.of(np.maximum(seconds[~np.isnan(seconds)], LEAST))

    def _tally(self, prediction: pa.Array, label: pa.Array, scores: Sequence[pa.Array], group: Index | None, groups: int) -> list[Summary]:
        return tally(self.plan, prediction, label, group, groups, table=self.table, first_row=0, scores=scores)

    def _by_segment(self, columns: Sequence[pa.Array], group: Index, segments: Sequence[Segment]) -> Summaries:
        prediction, label, *scores = columns
        found = self._tally(prediction, label, scores, group, len(segments))
        return {segment: summary for segment, summary in zip(segments, found, strict=True) if summary.totals.any()}


def _sum(one: Iterable[Summary], other: Iterable[Summary]) -> list[Summary]:
    return [mine + theirs for mine, theirs in zip(one, other, strict=True)]


def _both(one: Summaries, other: Summaries) -> dict[Segment, Summary]:
    """The summaries of both, added where both have one."""
    return {**one, **{segment: one[segment] + summary if segment in one else summary for segment, summary in other.items()}}
