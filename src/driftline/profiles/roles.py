"""Roles: which column is the prediction, the label, the time. Said by the user or guessed from the names, and every guess is told."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from driftline.core.errors import UnknownName
from driftline.profiles.fit import SchemaSpec
from driftline.profiles.schema import family

PREDICTIONS = ("prediction", "predictions", "predicted", "pred", "y_pred", "yhat", "y_hat", "score", "y_score", "probability", "proba", "y_prob")
LABELS = ("label", "labels", "target", "y_true", "actual", "ground_truth", "outcome")


def resolve(spec: SchemaSpec, tables: Sequence[pa.Schema], name: str) -> tuple[SchemaSpec, tuple[str, ...]]:
    """The spec with roles guessed where none is given, and what was guessed in words.

    Raises `UnknownName` where a named column is in none of the tables.
    """
    known = [column for table in tables for column in table.names]
    named = [spec.prediction, spec.label, spec.time, *spec.segments, *spec.ignore, *spec.identifiers, *spec.kinds]
    for column in named:
        if column is not None and column not in known:
            raise UnknownName("column", column, known, where=name)
    notes = []
    changes: dict[str, str] = {}
    for role, candidates in (("prediction", PREDICTIONS), ("label", LABELS)):
        if getattr(spec, role) is None:
            guess = _first(candidates, tables[0], spec)
            if guess is not None:
                changes[role] = guess
                notes.append(f"'{guess}' is taken as the {role} because of its name; say --{role} to choose")
    return (spec.but(**changes) if changes else spec), tuple(notes)


def _first(candidates: Sequence[str], table: pa.Schema, spec: SchemaSpec) -> str | None:
    taken = {spec.prediction, spec.label, spec.time, *spec.segments, *spec.ignore, *spec.identifiers}
    folded = {column.casefold(): column for column in table.names if column not in taken}
    for candidate in candidates:
        column = folded.get(candidate)
        if column is not None and family(table.field(column).type) in ("number", "text", "boolean"):
            return column
    return None
