"""What is kept about a model over time: the records that stores hold.

Every delivery of rows gets the next `sequence` number of its model when it is accepted. All that came of it carries that number, so "what
was known then" is a comparison of numbers, and what a crash left unfinished is what has a number nobody accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from driftline.core.records import Measurement, Window


class RowKind(StrEnum):
    """What the rows of a delivery are."""

    PREDICTIONS = "predictions"
    LABELS = "labels"


class Step(StrEnum):
    """The steps that measure, in their order; the values are the verbs of the command line."""

    PERFORMANCE = "performance"
    DRIFT = "drift"
    PREDICTIONS = "predictions"


class PartKind(StrEnum):
    """What a part of a window holds: the profiles of its rows, how they were served, what is known of their labels; and what evaluations
    leave for later ones: the scores of the monitor, and the quality that was estimated."""

    ROWS = "rows"
    TRAFFIC = "traffic"
    COHORT = "cohort"
    SCORES = "scores"
    ESTIMATES = "estimates"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One accepted batch of rows. `digest` identifies its content: the same content is never accepted twice.

    `rows` = `accepted` + `duplicates` + `contradictions` + `rejected`. `counts` holds whatever else was noticed, by name: `future`,
    `unknown_version`, `waiting` (labels whose prediction has not come), `corrected` (identifiers that had another label).
    """

    sequence: int
    kind: RowKind
    digest: str
    source: str
    arrived: datetime
    rows: int
    accepted: int
    duplicates: int = 0
    contradictions: int = 0
    rejected: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken, and why. `row` counts from 1 in `source`; `value` is what was found there, cut to 200 characters."""

    sequence: int
    source: str
    row: int
    column: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a window as bytes. It is written once, by name: the same (kind, schema, version, window, name) again replaces.

    `name` is the sequence that a part of rows came with; the only part of its window otherwise, which is then named 0. `through` is the
    last sequence it knows of.
    """

    kind: PartKind
    schema: str
    version: str
    window: Window
    name: int
    through: int
    rows: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Touched:
    """A window that has rows, and the last sequences that changed its rows and its labels; 0 where none did."""

    window: Window
    rows: int
    labels: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one step found in one window: appended, never changed. The one with the latest `number` counts, audits take the one that
    counted then. `as_of` is the event time up to which labels were known, `made` the clock; `through` the last sequence that was read,
    below zero where labels that became known after `as_of` were left out.
    """

    step: Step
    window: Window
    as_of: datetime
    made: datetime
    through: int
    plan: str
    reference: str
    measurements: tuple[Measurement, ...]
    number: int = 0


@dataclass(frozen=True, slots=True)
class StoredReference:
    """A reference as bytes, with who set it, when and why. It is never overwritten: the latest of its version and role counts.

    `role` is `active` or `anchor`. `data` is the reference without its history, `learned` what the history taught, `history` the rest.
    """

    id: str
    version: str
    role: str
    made: datetime
    author: str
    reason: str
    source: str
    rows: int
    data: bytes
    learned: bytes = b""
    history: bytes = b""
    number: int = 0
