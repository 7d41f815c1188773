"""The doors: what the engine needs from the world outside, on one page.

A door is a `Protocol`; each file in the folder of a door is one implementation. The engine knows doors, never the rooms behind them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import pyarrow as pa

from driftline.alerting.records import Board, Incident, Notice, Outgoing, Reaction, Sending, Silence, Stage, Transition
from driftline.core.ledger import Delivery, Evaluation, PartKind, Reject, RowKind, Step, StoredPart, StoredReference, Touched
from driftline.core.records import Window
from driftline.core.verdicts import TableInfo


@runtime_checkable
class Source(Protocol):
    """A table that is read as a stream of Arrow batches, as often as asked, and never held whole.

    Every reading gives the same rows in the same order. All batches of a reading have the same schema, `schema` restricted to the
    columns asked for and in their order. A source raises `SourceError` (what, file, next step) and no other error of its own.
    """

    @property
    def name(self) -> str:
        """What people call this table: a file name, or `reference` and `current` for tables in memory."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, each name once."""
        ...

    @property
    def rows(self) -> int | None:
        """Number of rows where it is known without reading them, for a progress bar."""
        ...

    def batches(self, columns: Sequence[str] | None = None, dictionary: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """The rows, in batches of at most 65,536. `columns`: only these, in this order. `dictionary`: string columns that are best
        delivered dictionary-encoded where the file allows it (a wish, not a promise)."""
        ...

    def info(self) -> TableInfo:
        """Where the rows came from: files, bytes, hash. May read the files once more for the hash."""
        ...


class Deliveries(Protocol):
    """What has been delivered: accepted batches of rows, and the rows that were not taken."""

    def sequence(self, model: str) -> int:
        """The number of the last accepted delivery; 0 where there is none."""
        ...

    def delivered(self, model: str, kind: RowKind, digest: str) -> Delivery | None:
        """The delivery with this content, where it has been accepted before."""
        ...

    def deliveries(self, model: str, *, last: int = 20) -> list[Delivery]:
        """The last accepted deliveries, the latest first."""
        ...

    def accept(
        self,
        model: str,
        delivery: Delivery,
        *,
        parts: Sequence[StoredPart] = (),
        rejects: Sequence[Reject] = (),
        rows: Collection[Window] = (),
        labels: Collection[Window] = (),
    ) -> None:
        """Keeps a delivery and all that came of it. `rows` and `labels` are the windows whose rows and labels it changed.

        Raises `StoreError` unless its sequence is the next one.
        """
        ...

    def rejects(self, model: str, *, last: int = 100) -> list[Reject]:
        """The last rejected rows, the latest first."""
        ...

    def rejected(self, model: str) -> Mapping[str, int]:
        """Number of rejected rows by reason."""
        ...


class Windows(Protocol):
    """The windows of each model, and their parts."""

    def windows(self, model: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Touched]:
        """The windows with rows or labels that begin in [start, end), in order of time."""
        ...

    def parts(self, model: str, kind: PartKind, *, start: datetime, end: datetime) -> list[StoredPart]:
        """The parts of the windows that begin in [start, end), in order of time, schema, version and name."""
        ...

    def rows(self, model: str, *, start: datetime, end: datetime) -> dict[Window, int]:
        """Number of rows of each window that begins in [start, end), without reading the parts."""
        ...

    def marks(self, model: str, kind: PartKind) -> dict[Window, int]:
        """Of each window with parts of this kind the last sequence that they know of, without reading the parts."""
        ...

    def put(self, model: str, parts: Sequence[StoredPart], *, instead_of: Sequence[StoredPart] = ()) -> None:
        """Keeps parts that came of no delivery, and removes others that they stand for, in one transaction."""
        ...


class Findings(Protocol):
    """What was found, and what it was compared with."""

    def save(self, model: str, evaluations: Sequence[Evaluation]) -> None:
        """Appends evaluations; their numbers are given here."""
        ...

    def evaluations(
        self,
        model: str,
        step: Step | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        every: bool = False,
    ) -> list[Evaluation]:
        """The evaluation that counts of each step and window that begins in [start, end); with `every` all that were made.

        In order of window, step, number.
        """
        ...

    def evaluations_after(self, model: str, number: int, *, last: int | None = None) -> list[Evaluation]:
        """All evaluations with a number above `number`, and at most `last` where it is given, in order of their numbers."""
        ...

    def evaluated(self, model: str, step: Step) -> dict[Window, tuple[int, datetime]]:
        """Of each window with an evaluation of this step, what the latest one read: its `through` and `as_of`."""
        ...

    def add_reference(self, model: str, reference: StoredReference) -> None:
        """Appends a reference; its number is given here."""
        ...

    def references(self, model: str) -> list[StoredReference]:
        """All references ever set, the latest last; `history` is left empty."""
        ...

    def history(self, model: str, reference: str) -> bytes:
        """The history of one reference."""
        ...


class Alarms(Protocol):
    """What alerting remembers: the board of each model, the transitions of its alerts, its incidents, and silences."""

    def board(self, model: str) -> Board:
        """What alerting knows of a model; an empty board with revision 0 where it has never run."""
        ...

    def react(self, model: str, reaction: Reaction) -> None:
        """Keeps what one run of alerting decided: board, transitions, incidents and what is to be sent, all or nothing.

        Raises `StoreError` unless the revision of its board is one more than that which is kept: somebody else was quicker. An outgoing
        notice whose id and channel are known already is passed over.
        """
        ...

    def transitions(
        self, model: str, *, fingerprint: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[Transition]:
        """The transitions in windows that begin in [start, end), of one alert where it is named, in order of their numbers."""
        ...

    def incidents(self, model: str, *, stages: Collection[Stage] = tuple(Stage), last: int = 100) -> list[Incident]:
        """The incidents in one of these stages, the latest opened first."""
        ...

    def incident(self, model: str, id: str) -> Incident | None:  # noqa: A002 - what it is called everywhere else
        """The incident with this id."""
        ...

    def silences(self, model: str, *, at: datetime | None = None) -> list[Silence]:
        """All silences of a model, those in force at a moment where one is given, in order of `made` and id."""
        ...

    def put_silence(self, model: str, silence: Silence) -> None:
        """Keeps a silence; one with the same id is replaced."""
        ...


class Outbox(Protocol):
    """Notices on their way to channels."""

    def outgoing(self, model: str, *, states: Collection[Sending] = tuple(Sending), last: int = 1_000) -> list[Outgoing]:
        """Those in one of these states, in order of their numbers, the last so many."""
        ...

    def due(self, model: str, *, now: datetime) -> list[Outgoing]:
        """What may be sent now, in order of numbers: of each incident and channel only the first that waits, where its time has come."""
        ...

    def settle(self, model: str, outgoing: Sequence[Outgoing], *, more: Sequence[Outgoing] = ()) -> None:
        """Keeps what became of these (found by their numbers), and adds `more`, in one transaction."""
        ...


@runtime_checkable
class Store(Deliveries, Windows, Findings, Alarms, Outbox, Protocol):
    """Records of all models: deliveries, windows, evaluations, references, alerts. Raises `StoreError` and no other error of its own.

    Every method that writes is one transaction: all of it is kept, or nothing.
    """

    def close(self) -> None:
        """Lets go of files and connections."""
        ...

    def models(self) -> list[str]:
        """All models it knows, in order of their names."""
        ...

    def exclusive(self, model: str, *, wait: float = 60.0) -> AbstractContextManager[None]:
        """Only one holder at a time per model, over all processes; a holder that dies lets go. Raises `StoreError` after `wait` seconds."""
        ...

    def size(self) -> Mapping[str, int]:
        """Bytes by table, where the store can tell."""
        ...


class Answers(Protocol):
    """What the row log is asked. What has a sequence above `through` is not there: its delivery was never accepted."""

    def known(self, ids: pa.Array, *, first: datetime, last: datetime, through: int) -> pa.Table:
        """The predictions with one of these identifiers whose event time is on the days from `first` to `last`, all columns."""
        ...

    def labels_of(self, ids: pa.Array, *, through: int) -> pa.Table:
        """The latest label of each of these identifiers that has one: `id`, `label`, `known`, `void`, `changes`."""
        ...

    def times_of(self, ids: pa.Array, *, since: datetime | None, through: int) -> pa.Table:
        """`id` and `time` of the predictions with one of these identifiers, from the day of `since` on."""
        ...

    def joined(self, *, start: datetime, end: datetime, through: int, as_of: datetime | None = None) -> Iterator[pa.RecordBatch]:
        """The predictions with an event time in [start, end), each with its latest label that was known by `as_of`: `label`, `known`,
        `void` and `changes` (labels before it) beside their own columns. In batches of at most 65,536 rows."""
        ...

    def waiting(self, *, since: datetime, through: int) -> tuple[int, int]:
        """Labels known since then: how many identifiers, and how many of them have no prediction (orphans, so far)."""
        ...


@runtime_checkable
class Lake(Answers, Protocol):
    """The row log of one model: predictions, labels and, where they are kept, features. Raises `LakeError` and no other error of its own.

    Predictions have the columns `id` (string), `time` (timestamp[us, UTC], event time), `version` (string), `eligible` (bool), and under
    their own names the prediction, its score columns and the segment columns (strings). Labels have `id`, `label`, `known`
    (timestamp[us, UTC]: when it became known), `void` (bool: there will never be one). `sequence` (int64) and `arrived` are added here.
    What has a sequence above `through` is not there: its delivery was never accepted.
    """

    def append(self, kind: RowKind, rows: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds the rows of a delivery, all or none."""
        ...

    def keep(self, features: pa.Table, *, sequence: int, arrived: datetime) -> None:
        """Adds rows of features with their `id` and `time`, where the plan says that they are kept."""
        ...

    def discard(self, *, after: int) -> int:
        """Removes the rows of deliveries that were never accepted; their number."""
        ...

    def tidy(self, *, before: datetime) -> None:
        """Compacts the days before `before` and removes files that nobody reads any more."""
        ...

    def retain(self, *, predictions: datetime | None = None, features: datetime | None = None) -> int:
        """Removes rows with an event time before these moments (and labels of removed predictions); their number."""
        ...

    def erase(self, ids: Sequence[str]) -> int:
        """Removes all rows of these identifiers; their number. What was counted of them stays counted."""
        ...

    def size(self) -> Mapping[str, int]:
        """Bytes and rows by table: `predictions.bytes`, `predictions.rows`, ..."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a notice. `delivered`: somebody has it. Otherwise `again` says whether to try once more, not before `after` seconds
    where the receiver asked for that, and `gone` that it wants no more of anything. `said`: a few words without a secret."""

    delivered: bool
    said: str = ""
    again: bool = True
    after: float | None = None
    gone: bool = False


class Channel(Protocol):
    """A way to people or to another system. It raises nothing: what goes wrong is an `Answer`."""

    @property
    def forgets(self) -> bool:
        """Whether the other side takes an alert as over unless it is told again: then what is active is sent with every run."""
        ...

    def send(self, notice: Notice, *, now: datetime) -> Answer:
        """Sends one notice, once. The same notice has the same id however often it is sent."""
        ...
