"""What people say about columns, held against the tables or against a saved reference: nothing said is passed over in silence."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from driftline.core.errors import UnknownName, UsageError
from driftline.engine.spec import CompareSpec
from driftline.profiles.fit import SchemaSpec
from driftline.profiles.roles import conflict, resolve
from driftline.profiles.schema import Column, Kind, Role, Schema


def settle(spec: CompareSpec, tables: Sequence[pa.Schema], name: str) -> tuple[SchemaSpec, tuple[str, ...]]:
    """What each column is for, guesses included, and what people should know about it. The first table is the reference.

    Raises `UnknownName` for columns that are in no table, `UsageError` for roles that exclude each other and for settings without effect.
    """
    columns, notes = resolve(spec.columns(), tables, name, also=(*spec.importance, *spec.scores.values()))
    for score in spec.scores.values():
        if score in spec.ignore:
            raise conflict(score, "a score", "left out")
    settings = {"positive class": spec.positive, "task": spec.task, "score column": spec.scores, "tolerated loss": spec.tolerated}
    for what, value in settings.items():
        if value and columns.label is None:
            raise UsageError(f"A {what} needs labels, and no label column is named", hint="Name the label column too.")
    if columns.prediction is None and spec.threshold is not None:
        raise UsageError("A threshold needs predictions, and no prediction column is named", hint="Name the prediction column too.")
    if columns.prediction is None and columns.label is not None:
        notes = (*notes, "no prediction column is named, so quality is not judged")
    return columns, notes


def agree(spec: CompareSpec, schema: Schema, table: pa.Schema, name: str) -> None:
    """Raises `UsageError` where the spec says something else about the columns than the saved reference, which cannot be changed."""
    known = [*schema.by_name, *table.names]
    for said in (*spec.ignore, *spec.importance, *spec.identifiers, *spec.kinds):
        if said not in known:
            raise UnknownName("column", said, known, where=name)
    for column in schema.columns:
        if column.name in spec.ignore and column.role in (Role.PREDICTION, Role.LABEL, Role.TIME, Role.SEGMENT):
            raise conflict(column.name, f"the {column.role} of the saved reference", "left out")
    _agree_on_roles(spec, schema)
    _agree_on_outcomes(spec, schema)


def _agree_on_roles(spec: CompareSpec, schema: Schema) -> None:
    fixed = {"prediction": _name(schema.role(Role.PREDICTION)), "label": _name(schema.role(Role.LABEL)), "time": schema.time}
    for role, has in fixed.items():
        said = getattr(spec, role)
        if said is not None and said != has:
            raise _settled(f"{role} '{said}'", f"'{has}' as its {role}" if has else f"no {role}")
    segments = tuple(name for name, _ in schema.segments)
    if spec.segments and set(spec.segments) != set(segments):
        raise _settled(f"segments {_listed(spec.segments)}", f"segments {_listed(segments)}" if segments else "no segments")
    kinds = {column.name: column.kind for column in schema.columns}
    for name, kind in (*spec.kinds.items(), *((name, Kind.IDENTIFIER) for name in spec.identifiers)):
        if name in kinds and kinds[name] is not kind:
            raise _settled(f"'{name}' as {kind}", f"'{name}' as {kinds[name]}")


def _agree_on_outcomes(spec: CompareSpec, schema: Schema) -> None:
    plan, prediction = schema.outcomes, schema.role(Role.PREDICTION)
    if spec.threshold is not None:
        edges = (plan.threshold,) if plan is not None else prediction.edges if prediction is not None else ()
        if spec.threshold not in edges:
            raise _settled(
                f"the threshold {spec.threshold:g}", f"{plan.threshold:g}" if plan and plan.threshold is not None else "another one"
            )
    if plan is None:
        if spec.positive or spec.task or spec.scores or spec.tolerated:
            raise _settled("settings for labels", "no labels")
        return
    if spec.task not in (None, plan.task):
        raise _settled(f"the task {spec.task}", f"the task {plan.task}")
    if spec.positive is not None and spec.positive != plan.classes[-1]:
        raise _settled(f"the positive class '{spec.positive}'", f"the classes {_listed(plan.classes)}")
    if spec.scores and {*spec.scores.values()} != {*plan.score_columns}:
        raise _settled(f"scores {_listed(tuple(spec.scores.values()))}", f"scores {_listed(plan.score_columns) or 'of no class'}")


def _settled(said: str, has: str) -> UsageError:
    return UsageError(
        f"The saved reference was made with {has}, and now {said} is asked for",
        hint="Leave the option out, or profile the reference again with it.",
    )


def _name(column: Column | None) -> str:
    return column.name if column is not None else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
