"""What the steps found in the windows of a model: evaluations, appended and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Window
from driftline.stores import tables as t
from driftline.stores.cells import micros, moment, shown, window
from driftline.stores.database import Section, known, number_of, numbered
from driftline.stores.evaluations import decode, encode
from driftline.stores.windows import between

_LATEST = ("model", "step", "start_us", "end_us", "number", "through", "as_of_us")


class Evaluations(Section):
    """The evaluations of all models."""

    def save(self, model: str, evaluations: Sequence[Evaluation]) -> None:
        if not evaluations:
            return
        encoded = [_values(evaluation) for evaluation in evaluations]
        database = self._database
        with database.writing() as connection:
            number = known(database, connection, model)
            before = numbered(connection, number, "evaluations", len(encoded))
            values = [row | {"model": number, "number": before + i} for i, row in enumerate(encoded, 1)]
            connection.execute(t.EVALUATIONS.insert(), values)
            connection.execute(database.upsert(t.LATEST), [{name: row[name] for name in _LATEST} for row in values])

    def evaluations(
        self,
        model: str,
        step: Step | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        every: bool = False,
    ) -> list[Evaluation]:
        e, last = t.EVALUATIONS.c, t.LATEST.c
        if every:
            chosen, place = select(t.EVALUATIONS), e
        else:
            same = and_(e.model == last.model, e.number == last.number)
            chosen, place = select(t.EVALUATIONS).select_from(t.LATEST.join(t.EVALUATIONS, same)), last
        where = f"{self._database.where}, model {shown(model)}"
        if step is not None:
            chosen = chosen.where(place.step == step.value)
        with self._database.reading() as connection:
            chosen = chosen.where(place.model == number_of(connection, model), *between(place.start_us, start, end))
            return sorted((_evaluation(row, where) for row in connection.execute(chosen)), key=in_order)

    def evaluations_after(self, model: str, number: int, *, last: int | None = None) -> list[Evaluation]:
        e = t.EVALUATIONS.c
        where = f"{self._database.where}, model {shown(model)}"
        with self._database.reading() as connection:
            later = select(t.EVALUATIONS).where(e.model == number_of(connection, model), e.number > number)
            return [_evaluation(row, where) for row in connection.execute(later.order_by(e.number).limit(last))]

    def evaluated(self, model: str, step: Step) -> dict[Window, tuple[int, datetime]]:
        last = t.LATEST.c
        with self._database.reading() as connection:
            mine = (last.model == number_of(connection, model), last.step == step.value)
            columns = select(last.start_us, last.end_us, last.through, last.as_of_us).where(*mine).order_by(last.start_us, last.end_us)
            return {window(first, after): (through, moment(as_of)) for first, after, through, as_of in connection.execute(columns)}


def in_order(evaluation: Evaluation) -> tuple[Window, int, int]:
    """By window, step and number."""
    return evaluation.window, list(Step).index(evaluation.step), evaluation.number


def _values(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "step": evaluation.step.value,
        "start_us": micros(evaluation.window.start),
        "end_us": micros(evaluation.window.end),
        "as_of_us": micros(evaluation.as_of),
        "made_us": micros(evaluation.made),
        "through": evaluation.through,
        "plan": evaluation.plan,
        "reference": evaluation.reference,
        "measurements": encode(evaluation.measurements),
    }


def _evaluation(row: Row[Any], where: str) -> Evaluation:
    return Evaluation(
        step=Step(row.step),
        window=window(row.start_us, row.end_us),
        as_of=moment(row.as_of_us),
        made=moment(row.made_us),
        through=row.through,
        plan=row.plan,
        reference=row.reference,
        measurements=decode(bytes(row.measurements), where=f"{where}, evaluation {row.number}"),
        number=row.number,
    )
