"""Notices on their way to channels: what waits, what is due, what became of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from driftline.alerting.records import Notice, Outgoing, Sending
from driftline.stores import tables as t
from driftline.stores.cells import key, micros, moment, shown
from driftline.stores.database import Database, Section, counted, known, number_of
from driftline.stores.plain import record, text
from driftline.stores.refusals import never_sent

ASKED = 500  # keys in one question; SQLite takes no more than some thousands


class Outbox(Section):
    """The notices of all models."""

    def outgoing(self, model: str, *, states: Collection[Sending] = tuple(Sending), last: int = 1_000) -> list[Outgoing]:
        o = t.OUTBOX.c
        chosen = select(t.OUTBOX).order_by(o.number.desc()).limit(last)
        if not set(states) >= set(Sending):
            chosen = chosen.where(o.state.in_([state.value for state in states]))
        where = self._where_is(model)
        with self._database.reading() as connection:
            mine = chosen.where(o.model == number_of(connection, model))
            return [_outgoing(row, where) for row in connection.execute(mine)][::-1]

    def due(self, model: str, *, now: datetime) -> list[Outgoing]:
        o = t.OUTBOX.c
        where = self._where_is(model)
        with self._database.reading() as connection:
            number = number_of(connection, model)
            waiting = (o.model == number, o.state == Sending.WAITING.value)
            first = select(func.min(o.number)).where(*waiting).group_by(o.queue_key)
            mine = select(t.OUTBOX).where(o.model == number, o.number.in_(first), o.due_us <= micros(now)).order_by(o.number)
            return [_outgoing(row, where) for row in connection.execute(mine)]

    def settle(self, model: str, outgoing: Sequence[Outgoing], *, more: Sequence[Outgoing] = ()) -> None:
        if not outgoing and not more:
            return
        o, database = t.OUTBOX.c, self._database
        became = [(each.number, _state(each)) for each in outgoing]
        with database.writing() as connection:
            mine = known(database, connection, model)
            for number, values in became:
                if connection.execute(update(t.OUTBOX).where(o.model == mine, o.number == number).values(values)).rowcount != 1:
                    raise never_sent(model, number, where=database.where)
            dispatch(database, connection, mine, more)

    def _where_is(self, model: str) -> str:
        return f"{self._database.where}, model {shown(model)}"


def dispatch(database: Database, connection: Connection, model: int, outgoing: Sequence[Outgoing]) -> None:
    """Adds notices of a locked model, but those whose id and channel are known already."""
    o = t.OUTBOX.c
    found: dict[bytes, Outgoing] = {}
    for each in outgoing:
        found.setdefault(id_key(each), each)
    keys = list(found)
    for place in range(0, len(keys), ASKED):
        for there in connection.scalars(select(o.id_key).where(o.model == model, o.id_key.in_(keys[place : place + ASKED]))):
            del found[bytes(there)]
    if found:
        before = counted(database, connection, model, "outbox", len(found))
        rows = [_values(each) | {"model": model, "number": before + i} for i, each in enumerate(found.values(), 1)]
        connection.execute(t.OUTBOX.insert(), rows)


def id_key(outgoing: Outgoing) -> bytes:
    """What stands for a notice and its channel: the same twice is one."""
    return key("id", outgoing.notice.id, outgoing.channel)


def queue_key(outgoing: Outgoing) -> bytes:
    """What stands for an incident and a channel: those of one queue wait for each other. Without an incident nobody waits."""
    incident = outgoing.notice.incident
    return key("incident", incident, outgoing.channel) if incident else id_key(outgoing)


def _state(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "state": outgoing.state.value,
        "due_us": micros(outgoing.due),
        "attempts": outgoing.attempts,
        "error": outgoing.error,
        "settled_us": None if outgoing.settled is None else micros(outgoing.settled),
    }


def _values(outgoing: Outgoing) -> dict[str, Any]:
    keys = {"id_key": id_key(outgoing), "queue_key": queue_key(outgoing)}
    return {**keys, **_state(outgoing), "channel": outgoing.channel, "notice": text(outgoing.notice)}


def _outgoing(row: Row[Any], where: str) -> Outgoing:
    return Outgoing(
        channel=row.channel,
        notice=record(Notice, row.notice, where=f"{where}, notice {row.number}"),
        due=moment(row.due_us),
        state=Sending(row.state),
        attempts=row.attempts,
        error=row.error,
        settled=None if row.settled_us is None else moment(row.settled_us),
        number=row.number,
    )
