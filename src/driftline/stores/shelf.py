"""What a store in memory holds: the records of each model, and one lock for all of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime

from driftline.alerting.records import EMPTY, Board, Incident, Outgoing, Silence, Transition
from driftline.core.ledger import Delivery, Evaluation, PartKind, Reject, Step, StoredPart, StoredReference, Touched
from driftline.core.records import Window

WHERE = "memory"
PartName = tuple[PartKind, Window, str, str, int]


@dataclass(slots=True)
class Kept:
    """All that is known of one model."""

    deliveries: list[Delivery] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    windows: dict[Window, Touched] = field(default_factory=dict)
    parts: dict[PartName, StoredPart] = field(default_factory=dict)
    evaluations: list[Evaluation] = field(default_factory=list)
    latest: dict[tuple[Step, Window], Evaluation] = field(default_factory=dict)
    references: list[StoredReference] = field(default_factory=list)
    board: Board = EMPTY
    transitions: list[Transition] = field(default_factory=list)
    incidents: dict[str, Incident] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    outbox: list[Outgoing] = field(default_factory=list)
    sent: set[tuple[str, str]] = field(default_factory=set)
    """The ids and channels of the notices in `outbox`, where the one with number n has place n - 1."""


class Shelf:
    """The models of a store, and one lock for all that is done with them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._models: dict[str, Kept] = {}
        self._exclusive: dict[str, threading.Lock] = {}

    def _read(self, model: str) -> Kept:
        return self._models.get(model) or Kept()

    def _write(self, model: str) -> Kept:
        return self._models.setdefault(model, Kept())


def within(window: Window, start: datetime | None, end: datetime | None) -> bool:
    """Whether a window begins in [start, end)."""
    return (start is None or start <= window.start) and (end is None or window.start < end)
