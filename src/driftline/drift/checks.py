"""Checks of the columns themselves: gone, new, or of another type. Known from the two schemas, before a row is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from driftline.core.verdicts import Cause, ColumnVerdict, Finding, Severity, Verdict
from driftline.drift.causes import PIPELINE
from driftline.drift.judge import severity_of
from driftline.drift.spec import DriftSpec
from driftline.profiles.gather import fits
from driftline.profiles.schema import Column, Role, Schema, family

WORDS: Mapping[str, str] = {
    "number": "numbers",
    "text": "text",
    "boolean": "true or false",
    "time": "times",
    "nothing": "nothing",
    "nested": "parts",
}


class ArrowField(Protocol):
    """A column of a table, as Arrow describes it; this room knows no more of Arrow than that."""

    name: str
    type: Any


def readable(schema: Schema, table: Iterable[ArrowField]) -> list[str]:
    """The columns of the schema that a table has, in a type that can be counted, in the order of the schema."""
    types = {field.name: field.type for field in table}
    return [c.name for c in schema.columns if c.name in types and fits(c, types[c.name])]


def column_checks(schema: Schema, table: Iterable[ArrowField], spec: DriftSpec, ignored: tuple[str, ...] = ()) -> list[ColumnVerdict]:
    """A verdict for each column that is gone, has another type, or is new. A label that is gone has not arrived yet, and is no fault."""
    types = {field.name: field.type for field in table}
    verdicts = []
    for column in schema.columns:
        if column.name in ignored:
            continue
        if column.name not in types:
            if column.role is not Role.LABEL:
                verdicts.append(_broken(column, "missing_column", "the column is gone", spec))
        elif not fits(column, types[column.name]):
            was = "number" if column.is_numeric else "boolean" if column.levels == ("false", "true") else "text"
            text = f"was {WORDS[was]} ({column.arrow_type}), is {WORDS[family(types[column.name])]} ({types[column.name]}); not compared"
            verdicts.append(_broken(column, "type_change", text, spec))
    new = [name for name in types if name not in schema.by_name and name not in ignored]
    return verdicts + [_new(name, str(types[name])) for name in new]


def _broken(column: Column, kind: str, text: str, spec: DriftSpec) -> ColumnVerdict:
    importance = spec.importance.get(column.name)
    return ColumnVerdict(
        name=column.name,
        role=column.role.value,
        kind=column.kind.value,
        verdict=Verdict.FAULTY,
        severity=severity_of(Verdict.FAULTY, column.role, importance),
        measure=kind,
        value=None,
        limit=None,
        n=0,
        reference_n=0,
        cause=Cause.PIPELINE,
        note=text,
        evidence=PIPELINE[kind],
        why_measure="known from the columns of the two tables",
        importance=importance,
        findings=(Finding(kind, kind, None, None, text, crossed=True, fault=True),),
    )


def _new(name: str, kind: str) -> ColumnVerdict:
    text = f"a new column ({kind}), not in the reference and not compared"
    return ColumnVerdict(
        name=name,
        role=Role.FEATURE.value,
        kind="new",
        verdict=Verdict.STABLE,
        severity=Severity.INFO,
        measure="new_column",
        value=None,
        limit=None,
        n=0,
        reference_n=0,
        cause=Cause.NONE,
        note=text,
        findings=(Finding("new_column", "new_column", None, None, text, crossed=False),),
    )
