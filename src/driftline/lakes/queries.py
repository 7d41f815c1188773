"""What is asked of the row log, as SQL for DuckDB over the Parquet files of a snapshot.

Every text here is made of our own words, of column names and paths quoted by `name` and `text`, and of numbers and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from driftline.lakes.columns import COUNT, DAY, NUMBER, TEXT, TIME, TRUTH, utc

WANTED = "wanted_ids"
"""The name under which the identifiers that are asked for are put beside the files."""

ASKED = f"id IN (SELECT id FROM {WANTED})"
"""True of the rows of those identifiers."""

VERDICT = "top.label AS label, top.known AS known, NOT top.valued AS void, coalesce(changes, 0) AS changes"
"""What a latest label says, from the columns of `latest`."""

EVERYTHING = (1 << 63) - 1
"""Above the sequence of any delivery."""

_TYPES = {TEXT: "VARCHAR", NUMBER: "DOUBLE", TRUTH: "BOOLEAN", COUNT: "BIGINT", TIME: "TIMESTAMPTZ", DAY: "DATE"}


def name(column: str) -> str:
    """A column as SQL names it."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def moment(when: datetime) -> str:
    return f"TIMESTAMPTZ {text(utc(when).replace(tzinfo=None).isoformat(sep=' ') + '+00:00')}"


def path(file: str) -> str:
    """A path as DuckDB takes it literally, and not as a pattern."""
    return text("".join(f"[{sign}]" if sign in "*?[" else sign for sign in file))


def rows(paths: Sequence[str], schema: pa.Schema, beside: str | None = None) -> str:
    """The rows of some files, and of the table in memory named `beside`, with the columns of `schema`: those that a file does not have
    are null, whatever files there are."""
    nothing = ", ".join(f"NULL::{_TYPES[field.type]} AS {name(field.name)}" for field in schema)
    parts = [f"SELECT {nothing} WHERE false"]
    if beside is not None:
        parts.append(f"SELECT * FROM {beside}")
    if paths:
        files = ", ".join(map(path, paths))
        parts.append(f"SELECT * FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)")
    return f"({' UNION ALL BY NAME '.join(parts)})"


def asked(through: int) -> str:
    """True of the rows of the identifiers asked for, of deliveries up to `through`."""
    return f"sequence <= {through} AND {ASKED}"


def latest(labels: str, schema: pa.Schema, *, ids: str, through: int, as_of: datetime | None = None) -> str:
    """Of `labels`, which have the columns of `schema`, the latest of each identifier among `ids`: `id`, `top` (a struct of `known`,
    `valued` and `label`), `changes`.

    Latest is the greatest (known, sequence); between equal ones a value beats a void, and the greater value the smaller, so that the order
    within a delivery never matters. `changes` counts the other values there were.
    """
    label = "label" if "label" in schema.names else "NULL::INTEGER"
    until = f" AND known <= {moment(as_of)}" if as_of is not None else ""
    return f"""(
        SELECT id, count(*) - 1 AS changes,
            max({{'known': seen.known, 'sequence': seen.sequence, 'valued': valued, 'label': label}}) AS top
        FROM (
            SELECT id, valued, label, max({{'known': known, 'sequence': sequence}}) AS seen
            FROM (
                SELECT id, NOT void AS valued, CASE WHEN void THEN NULL ELSE {label} END AS label, known, sequence FROM {labels}
                WHERE sequence <= {through}{until} AND id IN (SELECT id FROM {ids})
            ) GROUP BY id, valued, label
        ) GROUP BY id)"""
