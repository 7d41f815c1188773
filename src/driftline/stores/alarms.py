"""What alerting remembers of a model: its board, the transitions of its alerts, its incidents, and silences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from driftline.alerting.records import EMPTY, Board, Incident, Reaction, Silence, Stage, Transition
from driftline.stores import tables as t
from driftline.stores.cells import key, micros, shown
from driftline.stores.database import Database, Section, counted, known, number_of
from driftline.stores.outbox import dispatch
from driftline.stores.plain import packed, record, text, unpacked
from driftline.stores.refusals import overtaken
from driftline.stores.windows import between


class Alarms(Section):
    """Boards, transitions, incidents and silences of all models."""

    def board(self, model: str) -> Board:
        b = t.BOARDS.c
        with self._database.reading() as connection:
            data = connection.scalar(select(b.data).where(b.model == number_of(connection, model)))
            return EMPTY if data is None else unpacked(Board, bytes(data), where=self._where(model))

    def react(self, model: str, reaction: Reaction) -> None:
        database, board = self._database, reaction.board
        row = {"revision": board.revision, "data": packed(board)}  # before the transaction: others wait while it lasts
        went = [_transition_values(transition) for transition in reaction.transitions]
        with database.writing() as connection:
            number = known(database, connection, model)
            last = connection.scalar(select(t.BOARDS.c.revision).where(t.BOARDS.c.model == number)) or 0
            if board.revision != last + 1:
                raise overtaken(model, board.revision, last, where=database.where)
            connection.execute(database.upsert(t.BOARDS), row | {"model": number})
            _append(database, connection, number, went)
            if reaction.incidents:
                rows = [_incident_values(incident) | {"model": number} for incident in reaction.incidents]
                connection.execute(database.upsert(t.INCIDENTS), rows)
            dispatch(database, connection, number, reaction.outgoing)

    def transitions(
        self, model: str, *, fingerprint: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[Transition]:
        r = t.TRANSITIONS.c
        chosen = select(r.number, r.data).where(*between(r.start_us, start, end)).order_by(r.number)
        if fingerprint is not None:
            chosen = chosen.where(r.fingerprint == fingerprint)
        where = self._where(model)
        with self._database.reading() as connection:
            found = connection.execute(chosen.where(r.model == number_of(connection, model)))
            return [_transition(number, data, where) for number, data in found]

    def incidents(self, model: str, *, stages: Collection[Stage] = tuple(Stage), last: int = 100) -> list[Incident]:
        i = t.INCIDENTS.c
        chosen = select(i.data).order_by(i.opened_us.desc(), i.id_key.desc()).limit(last)
        if not set(stages) >= set(Stage):
            chosen = chosen.where(i.stage.in_([stage.value for stage in stages]))
        where = self._where(model)
        with self._database.reading() as connection:
            mine = chosen.where(i.model == number_of(connection, model))
            return [record(Incident, data, where=where) for data in connection.scalars(mine)]

    def incident(self, model: str, id: str) -> Incident | None:  # noqa: A002 - as in the door
        i = t.INCIDENTS.c
        with self._database.reading() as connection:
            data = connection.scalar(select(i.data).where(i.model == number_of(connection, model), i.id_key == key(id)))
            return None if data is None else record(Incident, data, where=self._where(model))

    def silences(self, model: str, *, at: datetime | None = None) -> list[Silence]:
        s = t.SILENCES.c
        chosen = select(s.data)
        if at is not None:
            chosen = chosen.where(s.starts_us <= micros(at), s.ends_us > micros(at))
        where = self._where(model)
        with self._database.reading() as connection:
            mine = chosen.where(s.model == number_of(connection, model))
            found = [record(Silence, data, where=where) for data in connection.scalars(mine)]
        return sorted(found, key=in_order)

    def put_silence(self, model: str, silence: Silence) -> None:
        database = self._database
        times = {"starts_us": micros(silence.starts), "ends_us": micros(silence.ends)}
        row = {"id_key": key(silence.id), **times, "data": text(silence)}
        with database.writing() as connection:
            connection.execute(database.upsert(t.SILENCES), row | {"model": known(database, connection, model)})

    def _where(self, model: str) -> str:
        return f"{self._database.where}, model {shown(model)}"


def in_order(silence: Silence) -> tuple[datetime, str]:
    """By the time they were made, and id."""
    return silence.made, silence.id


def _append(database: Database, connection: Connection, model: int, went: Sequence[dict[str, Any]]) -> None:
    if went:
        before = counted(database, connection, model, "transitions", len(went))
        connection.execute(t.TRANSITIONS.insert(), [row | {"model": model, "number": before + i} for i, row in enumerate(went, 1)])


def _transition_values(transition: Transition) -> dict[str, Any]:
    start = micros(transition.window.start)
    return {"fingerprint": transition.key.fingerprint, "start_us": start, "data": text(transition)}


def _transition(number: int, data: str, where: str) -> Transition:
    return replace(record(Transition, data, where=f"{where}, transition {number}"), number=number)


def _incident_values(incident: Incident) -> dict[str, Any]:
    known_by = {"id_key": key(incident.id), "stage": incident.stage.value, "opened_us": micros(incident.opened)}
    return {**known_by, "data": text(incident)}
