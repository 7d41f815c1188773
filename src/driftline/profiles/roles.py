"""Roles: which column is the prediction, the label, the time. Said by the user or guessed from the names, and every guess is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from driftline.core.errors import UnknownName, UsageError
from driftline.profiles.fit import SchemaSpec
from driftline.profiles.schema import Kind, family

PREDICTIONS = (
    "prediction",
    "predictions",
    "predicted",
    "pred",
    "y_pred",
    "yhat",
    "y_hat",
    "score",
    "y_score",
    "probability",
    "proba",
    "y_prob",
)
LABELS = ("label", "labels", "target", "y_true", "actual", "ground_truth", "outcome")

KINDS: Mapping[str, tuple[Kind, ...]] = {
    "number": (Kind.NUMERIC, Kind.INTEGER, Kind.CATEGORICAL, Kind.IDENTIFIER),
    "text": (Kind.CATEGORICAL, Kind.IDENTIFIER, Kind.TEXT),
    "boolean": (Kind.BOOLEAN, Kind.CATEGORICAL),
    "time": (Kind.DATETIME, Kind.IDENTIFIER),
    "nested": (Kind.NESTED,),
}
"""How a column of each family may be summarised when somebody says so."""

WITHOUT = {
    "prediction": "drift of the prediction is not judged",
    "label": "quality is not judged",
    "time": "its times are not known",
    "segment": "its rows are not cut by it",
}


def resolve(spec: SchemaSpec, tables: Sequence[pa.Schema], name: str, *, also: Iterable[str] = ()) -> tuple[SchemaSpec, tuple[str, ...]]:
    """The spec with roles guessed where none is given, and in words what was guessed and what the first table, the reference, lacks.

    `also` are further columns that people named. Raises `UnknownName` where a named column is in none of the tables, `UsageError` where
    one column has two roles or a kind that its type does not allow.
    """
    known = list(dict.fromkeys(column for table in tables for column in table.names))
    said = _said(spec)
    for column in (*(column for _, column in said), *spec.kinds, *also):
        if column not in known:
            raise UnknownName("column", column, known, where=name)
    roles: dict[str, str] = {}
    for role, column in said:
        if roles.setdefault(column, role) != role:
            raise conflict(column, roles[column], role)
    check_kinds(spec.kinds, tables[0])
    notes = [
        f"the reference has no column '{column}' to be {role}, so {WITHOUT[role.split()[-1]]}"
        for role, column in said
        if role.split()[-1] in WITHOUT and column not in tables[0].names
    ]
    changes: dict[str, str] = {}
    for role, candidates in (("prediction", PREDICTIONS), ("label", LABELS)):
        if getattr(spec, role) is None:
            guess = _first(candidates, tables[0], {*roles, *changes.values()})
            if guess is not None:
                changes[role] = guess
                notes.append(f"'{guess}' is taken as the {role} because of its name; say --{role} to choose")
    return (spec.but(**changes) if changes else spec), tuple(notes)


def conflict(column: str, one: str, other: str) -> UsageError:
    """The error of a column that cannot be both."""
    return UsageError(f"Column '{column}' cannot be {one} and {other} at once", hint="Name it once.")


def check_kinds(kinds: Mapping[str, Kind], table: pa.Schema) -> None:
    """Raises `UsageError` for a column whose type cannot be summarised as people asked."""
    for column, kind in kinds.items():
        if column not in table.names:
            continue
        allowed = KINDS.get(family(table.field(column).type), ())
        if kind not in allowed:
            hint = f"Choose {' or '.join(allowed)}." if allowed else "It has no values; leave the kind out."
            raise UsageError(f"Column '{column}' holds {table.field(column).type} and cannot be summarised as {kind}", hint=hint)


def _said(spec: SchemaSpec) -> list[tuple[str, str]]:
    """Roles in words, with their columns, as far as people said them."""
    single = (("the prediction", spec.prediction), ("the label", spec.label), ("the time", spec.time))
    lists = (("a segment", spec.segments), ("an identifier", spec.identifiers), ("left out", spec.ignore))
    return [(role, column) for role, column in single if column is not None] + [(role, c) for role, columns in lists for c in columns]


def _first(candidates: Sequence[str], table: pa.Schema, taken: Iterable[str]) -> str | None:
    folded: dict[str, str] = {column.casefold(): column for column in table.names if column not in taken}
    for candidate in candidates:
        column = folded.get(candidate)
        if column is not None and family(table.field(column).type) in ("number", "text", "boolean"):
            return column
    return None
