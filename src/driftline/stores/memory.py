"""A store in memory: for tests, notebooks and what need not outlive the process. It needs no database, and keeps to the same laws."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from driftline.core.ledger import Delivery, Evaluation, PartKind, Reject, RowKind, Step, StoredPart, StoredReference, Touched
from driftline.core.records import Window
from driftline.stores.cells import shown, utc
from driftline.stores.locks import busy
from driftline.stores.memory_alarms import MemoryAlarms, MemoryOutbox, sizes_of_alarms
from driftline.stores.refusals import known_content, not_next, replaced, unknown
from driftline.stores.shelf import WHERE, PartName, Shelf, within


class _Deliveries(Shelf):
    def sequence(self, model: str) -> int:
        with self._lock:
            return len(self._read(model).deliveries)

    def delivered(self, model: str, kind: RowKind, digest: str) -> Delivery | None:
        with self._lock:
            return next((d for d in self._read(model).deliveries if (d.kind, d.digest) == (kind, digest)), None)

    def deliveries(self, model: str, *, last: int = 20) -> list[Delivery]:
        with self._lock:
            return self._read(model).deliveries[::-1][:last]

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
        kept = _settled(delivery)
        with self._lock:
            if delivery.sequence != (last := self.sequence(model)) + 1:
                raise not_next(model, delivery.sequence, last, where=WHERE)
            if (before := self.delivered(model, delivery.kind, delivery.digest)) is not None:
                raise known_content(model, before.sequence, where=WHERE)
            mine = self._write(model)
            mine.deliveries.append(kept)
            mine.rejects.extend(rejects)
            mine.parts.update((_name(part), part) for part in parts)
            for window in rows:
                mine.windows[window] = replace(mine.windows.get(window, Touched(window, 0, 0)), rows=delivery.sequence)
            for window in labels:
                mine.windows[window] = replace(mine.windows.get(window, Touched(window, 0, 0)), labels=delivery.sequence)

    def rejects(self, model: str, *, last: int = 100) -> list[Reject]:
        with self._lock:
            return self._read(model).rejects[::-1][:last]

    def rejected(self, model: str) -> Mapping[str, int]:
        with self._lock:
            return dict(Counter(reject.reason for reject in self._read(model).rejects))


class _Windows(Shelf):
    def windows(self, model: str, *, start: datetime | None = None, end: datetime | None = None) -> list[Touched]:
        with self._lock:
            found = list(self._read(model).windows.values())
        return sorted((touched for touched in found if within(touched.window, start, end)), key=lambda touched: touched.window)

    def parts(self, model: str, kind: PartKind, *, start: datetime, end: datetime) -> list[StoredPart]:
        with self._lock:
            found = list(self._read(model).parts.values())
        return sorted((part for part in found if part.kind is kind and within(part.window, start, end)), key=_in_order)

    def rows(self, model: str, *, start: datetime, end: datetime) -> dict[Window, int]:
        sums: dict[Window, int] = {}
        for part in self.parts(model, PartKind.ROWS, start=start, end=end):
            sums[part.window] = sums.get(part.window, 0) + part.rows
        return sums

    def marks(self, model: str, kind: PartKind) -> dict[Window, int]:
        with self._lock:
            found = [part for part in self._read(model).parts.values() if part.kind is kind]
        last: dict[Window, int] = {}
        for part in sorted(found, key=_in_order):
            last[part.window] = max(part.through, last.get(part.window, part.through))
        return last

    def put(self, model: str, parts: Sequence[StoredPart], *, instead_of: Sequence[StoredPart] = ()) -> None:
        if not parts and not instead_of:
            return
        with self._lock:
            left = dict(self._read(model).parts)
            for part in instead_of:
                there = left.pop(_name(part), None)
                if there is None or there.through != part.through:
                    raise replaced(model, part, where=WHERE)
            left.update((_name(part), part) for part in parts)
            self._write(model).parts = left


class _Findings(Shelf):
    def save(self, model: str, evaluations: Sequence[Evaluation]) -> None:
        kept = [replace(e, as_of=utc(e.as_of), made=utc(e.made), measurements=tuple(e.measurements)) for e in evaluations]
        if not kept:
            return
        with self._lock:
            mine = self._write(model)
            for evaluation in kept:
                made = replace(evaluation, number=len(mine.evaluations) + 1)
                mine.evaluations.append(made)
                mine.latest[made.step, made.window] = made

    def evaluations(
        self,
        model: str,
        step: Step | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        every: bool = False,
    ) -> list[Evaluation]:
        with self._lock:
            mine = self._read(model)
            found = list(mine.evaluations if every else mine.latest.values())
        chosen = (e for e in found if step in {None, e.step} and within(e.window, start, end))
        return sorted(chosen, key=lambda e: (e.window, list(Step).index(e.step), e.number))

    def evaluations_after(self, model: str, number: int, *, last: int | None = None) -> list[Evaluation]:
        with self._lock:
            return self._read(model).evaluations[max(number, 0) :][:last]

    def evaluated(self, model: str, step: Step) -> dict[Window, tuple[int, datetime]]:
        with self._lock:
            found = list(self._read(model).latest.values())
        return {e.window: (e.through, e.as_of) for e in sorted(found, key=lambda e: e.window) if e.step is step}

    def add_reference(self, model: str, reference: StoredReference) -> None:
        kept = replace(reference, made=utc(reference.made))
        with self._lock:
            mine = self._write(model).references
            mine.append(replace(kept, number=len(mine) + 1))

    def references(self, model: str) -> list[StoredReference]:
        with self._lock:
            return [replace(reference, history=b"") for reference in self._read(model).references]

    def history(self, model: str, reference: str) -> bytes:
        with self._lock:
            for found in reversed(self._read(model).references):
                if found.id == reference:
                    return found.history
        raise unknown(model, reference, where=WHERE)


class MemoryStore(_Deliveries, _Windows, _Findings, MemoryAlarms, MemoryOutbox):
    """The `Store` of one process."""

    def close(self) -> None:
        """Nothing to let go of."""

    def models(self) -> list[str]:
        with self._lock:
            return sorted(self._models)

    @contextlib.contextmanager
    def exclusive(self, model: str, *, wait: float = 60.0) -> Iterator[None]:
        with self._lock:
            lock = self._exclusive.setdefault(model, threading.Lock())
        if not lock.acquire(timeout=max(0.0, wait)):
            raise busy(f"model {shown(model)}", where=WHERE, holder=f"process {os.getpid()}", wait=wait)
        try:
            yield
        finally:
            lock.release()

    def size(self) -> Mapping[str, int]:
        """Bytes of what is bytes, and of alerts as a database would hold them; the rest is not counted."""
        with self._lock:
            models = list(self._models.values())
            parts = sum(len(part.data) for mine in models for part in mine.parts.values())
            references = sum(len(r.data) + len(r.learned) + len(r.history) for mine in models for r in mine.references)
            windows = sum(len(mine.windows) for mine in models)
            sizes = {"parts": parts, "reference_log": references, **sizes_of_alarms(models)}
        total = sum(sizes.values())
        sizes["total"] = total
        return {**sizes, "per_window": round(total / windows)} if windows else sizes


def _settled(delivery: Delivery) -> Delivery:
    """A delivery that nobody changes any more, with its times in UTC."""
    first = None if delivery.first is None else utc(delivery.first)
    last = None if delivery.last is None else utc(delivery.last)
    return replace(delivery, arrived=utc(delivery.arrived), counts=dict(delivery.counts), first=first, last=last)


def _name(part: StoredPart) -> PartName:
    return part.kind, part.window, part.schema, part.version, part.name


def _in_order(part: StoredPart) -> tuple[Window, str, str, int]:
    return part.window, part.schema, part.version, part.name
