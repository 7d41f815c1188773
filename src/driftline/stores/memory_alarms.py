"""Alerts and notices of a store in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from driftline.alerting.records import Board, Incident, Outgoing, Reaction, Sending, Silence, Stage, Transition
from driftline.stores.cells import key, utc
from driftline.stores.plain import settled, text
from driftline.stores.refusals import never_sent, overtaken
from driftline.stores.shelf import WHERE, Kept, Shelf, within


class MemoryAlarms(Shelf):
    """Boards, transitions, incidents and silences."""

    def board(self, model: str) -> Board:
        with self._lock:
            return self._read(model).board

    def react(self, model: str, reaction: Reaction) -> None:
        kept = settled(reaction)
        with self._lock:
            last = self._read(model).board.revision
            if kept.board.revision != last + 1:
                raise overtaken(model, kept.board.revision, last, where=WHERE)
            mine = self._write(model)
            mine.board = kept.board
            for transition in kept.transitions:
                mine.transitions.append(replace(transition, number=len(mine.transitions) + 1))
            mine.incidents.update((incident.id, incident) for incident in kept.incidents)
            _dispatch(mine, kept.outgoing)

    def transitions(
        self, model: str, *, fingerprint: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[Transition]:
        with self._lock:
            found = [each for each in self._read(model).transitions if within(each.window, start, end)]
        return [each for each in found if fingerprint in {None, each.key.fingerprint}]

    def incidents(self, model: str, *, stages: Collection[Stage] = tuple(Stage), last: int = 100) -> list[Incident]:
        with self._lock:
            found = [incident for incident in self._read(model).incidents.values() if incident.stage in stages]
        return sorted(found, key=lambda incident: (incident.opened, key(incident.id)), reverse=True)[:last]

    def incident(self, model: str, id: str) -> Incident | None:  # noqa: A002 - as in the door
        with self._lock:
            return self._read(model).incidents.get(id)

    def silences(self, model: str, *, at: datetime | None = None) -> list[Silence]:
        with self._lock:
            found = list(self._read(model).silences.values())
        in_force = [silence for silence in found if at is None or silence.starts <= utc(at) < silence.ends]
        return sorted(in_force, key=lambda silence: (silence.made, silence.id))

    def put_silence(self, model: str, silence: Silence) -> None:
        kept = settled(silence)
        with self._lock:
            self._write(model).silences[kept.id] = kept


class MemoryOutbox(Shelf):
    """Notices on their way."""

    def outgoing(self, model: str, *, states: Collection[Sending] = tuple(Sending), last: int = 1_000) -> list[Outgoing]:
        with self._lock:
            found = [each for each in self._read(model).outbox if each.state in states]
        return found[-last:] if last else []

    def due(self, model: str, *, now: datetime) -> list[Outgoing]:
        with self._lock:
            waiting = [each for each in self._read(model).outbox if each.state is Sending.WAITING]
        first: dict[tuple[str, ...], Outgoing] = {}
        for each in waiting:
            alone = () if each.notice.incident else (each.notice.id,)
            first.setdefault((each.channel, each.notice.incident, *alone), each)
        return [each for each in first.values() if each.due <= utc(now)]

    def settle(self, model: str, outgoing: Sequence[Outgoing], *, more: Sequence[Outgoing] = ()) -> None:
        became, new = [settled(each) for each in outgoing], [settled(each) for each in more]
        if not became and not new:
            return
        with self._lock:
            there = self._read(model).outbox
            for each in became:
                if not 0 < each.number <= len(there):
                    raise never_sent(model, each.number, where=WHERE)
            mine = self._write(model)
            for each in became:
                kept = there[each.number - 1]
                mine.outbox[each.number - 1] = replace(each, channel=kept.channel, notice=kept.notice)
            _dispatch(mine, new)


def sizes_of_alarms(models: Iterable[Kept]) -> Mapping[str, int]:
    """Bytes by table of what these models hold."""
    tables = {"boards": 0, "transitions": 0, "incidents": 0, "silences": 0, "outbox": 0}
    for mine in models:
        boards = [mine.board] if mine.board.revision else []
        notices = [each.notice for each in mine.outbox]
        records: tuple[Iterable[object], ...] = (boards, mine.transitions, mine.incidents.values(), mine.silences.values(), notices)
        for table, some in zip(tables, records, strict=True):
            tables[table] += sum(len(text(each).encode("utf-8", "surrogatepass")) for each in some)
    return tables


def _dispatch(mine: Kept, outgoing: Sequence[Outgoing]) -> None:
    """Adds notices, but those whose id and channel are known already."""
    for each in outgoing:
        name = (each.notice.id, each.channel)
        if name not in mine.sent:
            mine.sent.add(name)
            mine.outbox.append(replace(each, number=len(mine.outbox) + 1))
