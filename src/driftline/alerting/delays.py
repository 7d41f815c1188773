"""Delays: after how many windows the rules tell of a drift that was planted into the past, over several starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from driftline.alerting.records import Key, Transition
from driftline.alerting.replay import began
from driftline.core.verdicts import Severity

WITHIN = 30
"""Windows within which a planted drift is to be found."""
STARTS = 5
"""Starts over which a delay is told."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One start of a planted drift. `delay`: the window, counted from 1, after which the first alert began that would not have been there
    otherwise, None where none of `looked` windows brought one; `key` and `severity` are of that alert."""

    start: datetime
    looked: int
    delay: int | None = None
    key: Key | None = None
    severity: Severity = Severity.NONE


@dataclass(frozen=True, slots=True)
class Planted:
    """One kind of drift in one column. `words` say what was planted; `refused` why it was not, empty where it was. `within`: how many
    windows from its start an alert was waited for, where there were so many. `busy`: at each start alerts on the column fired already, so
    that only others could tell."""

    kind: str
    words: str
    column: str
    trials: tuple[Trial, ...] = ()
    refused: str = ""
    within: int = WITHIN
    busy: bool = False

    @property
    def found(self) -> int:
        """Trials in which an alert began."""
        return sum(trial.delay is not None for trial in self.trials)

    @property
    def is_found(self) -> bool:
        """Whether it was found from more than half of its starts."""
        return self.median is not None

    @property
    def median(self) -> int | None:
        """The delay that half of the starts keep to, where those that were not found are later than all; None where it is one of these."""
        delays = sorted(trial.delay for trial in self.trials if trial.delay is not None)
        middle = len(self.trials) // 2
        return delays[middle] if middle < len(delays) else None

    @property
    def told(self) -> tuple[str, Severity] | None:
        """The rule that most often tells first, and how severely."""
        counts = Counter((trial.key.rule, trial.severity) for trial in self.trials if trial.key is not None)
        return max(counts, key=lambda each: (counts[each], each[1].rank, each[0]), default=None)

    @property
    def looked(self) -> tuple[int, int]:
        """The fewest and the most windows that a trial looked at in vain; zeros where every start was found."""
        vain = [trial.looked for trial in self.trials if trial.delay is None]
        return min(vain, default=0), max(vain, default=0)


def first_told(transitions: Iterable[Transition], anyway: Collection[str]) -> Transition | None:
    """The worst alert that began with these transitions and is not active `anyway` (fingerprints)."""
    new = [each for each in began(transitions) if each.key.fingerprint not in anyway]
    return max(new, key=lambda each: (each.severity.rank, not each.key.reason, each.key.column, each.key.rule), default=None)


def starts_of(windows: int, free: Collection[int]) -> list[int]:
    """Where to begin, as places among so many windows: spread over what lies between the first third and the last thirty windows, or the
    middle where that is later. `free`: places that can be begun at."""
    first, last = windows // 3, max(windows - WITHIN, windows // 2)
    there = [place for place in range(first, last + 1) if place in free]
    if len(there) <= STARTS:
        return there
    return sorted({there[round(i * (len(there) - 1) / (STARTS - 1))] for i in range(STARTS)})
