"""Schema: how each column of a model's table is summarised. It is fitted once on the reference and owns the bins.

All counts of a profile lie in one vector. A column's `Cells` say which stretch of it is its own: for a numeric column eight special cells
and its bins, for a column of levels one cell for missing, a hashed tail and its levels, for any other column missing and present.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.counting import SPECIAL, Counter
from driftline.profiles.outcomes import OutcomePlan, Task

TAIL = 32
"""Hash buckets for levels that have no cell of their own."""
FIRST_LEVEL = 1 + TAIL


class Kind(StrEnum):
    """What a column holds, which decides how it is summarised."""

    NUMERIC = "numeric"
    INTEGER = "integer"  # few distinct whole numbers, each with a bin of its own
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    CONSTANT = "constant"
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    TEXT = "text"
    EMPTY = "empty"
    NESTED = "nested"


class Role(StrEnum):
    """What a column is for."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    LABEL = "label"
    IDENTIFIER = "id"
    TIME = "time"
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `reason` says why it got its kind, for people.

    Numeric: `edges` (B + 1, ascending; bin i is [edges[i], edges[i+1])), `coarse` (B,) the decile group of each bin, `points` (B,) whether
    the reference has one single value in that bin, `center` and `scale` for the sums. Levels: `levels` most frequent first; `complete`
    where every level of the reference is among them, so that the tail holds unseen levels only.
    """

    name: str
    kind: Kind
    role: Role
    arrow_type: str
    reason: str
    edges: tuple[float, ...] = ()
    coarse: tuple[int, ...] = ()
    points: tuple[bool, ...] = ()
    center: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    complete: bool = True

    @property
    def is_numeric(self) -> bool:
        return bool(self.edges)

    @property
    def is_levels(self) -> bool:
        return bool(self.levels)

    @property
    def width(self) -> int:
        """Number of cells of the column in a profile's counts."""
        if self.edges:
            return SPECIAL + len(self.edges) - 1
        return FIRST_LEVEL + len(self.levels) if self.levels else 2


@dataclass(frozen=True)
class Schema:
    """How a table is summarised: the columns in order, how labelled rows are summarised, and which columns cut the rows into segments.

    `segments` maps each segment column to its levels in the reference, most frequent first.
    """

    columns: tuple[Column, ...]
    outcomes: OutcomePlan | None = None
    time: str = ""
    segments: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @cached_property
    def id(self) -> str:
        """Hash of the content: profiles with the same id can be added and compared."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def offsets(self) -> NDArray[np.intp]:
        """Where each column's cells begin, and the total number of cells last: (columns + 1,)."""
        return np.concatenate([[0], np.cumsum([column.width for column in self.columns])]).astype(np.intp)

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """Positions of the numeric columns: row i of a profile's moments belongs to column numeric[i]."""
        return tuple(i for i, column in enumerate(self.columns) if column.is_numeric)

    @cached_property
    def counters(self) -> Mapping[int, Counter]:
        """What counts the values of each numeric column, by position: made once, since small batches are counted in less time."""
        chosen = [(i, self.columns[i]) for i in self.numeric]
        return {i: Counter(np.array(column.edges), center=column.center, scale=column.scale) for i, column in chosen}

    @cached_property
    def keys(self) -> tuple[int, ...]:
        """Positions of the identifier columns, which have a sketch."""
        return tuple(i for i, column in enumerate(self.columns) if column.kind is Kind.IDENTIFIER)

    @cached_property
    def by_name(self) -> Mapping[str, int]:
        return {column.name: i for i, column in enumerate(self.columns)}

    def cells(self, position: int) -> slice:
        """The stretch of a profile's counts that belongs to the column at `position`."""
        return slice(int(self.offsets[position]), int(self.offsets[position + 1]))

    def role(self, role: Role) -> Column | None:
        """The first column with that role."""
        return next((column for column in self.columns if column.role is role), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [{part.name: getattr(column, part.name) for part in fields(Column)} for column in self.columns],
            "outcomes": asdict(self.outcomes) if self.outcomes else None,
            "time": self.time,
            "segments": [[name, list(levels)] for name, levels in self.segments],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        columns = tuple(replace(Column(**_tupled(item)), kind=Kind(item["kind"]), role=Role(item["role"])) for item in data["columns"])
        plan = data["outcomes"]
        outcomes = replace(OutcomePlan(**_tupled(plan)), task=Task(plan["task"])) if plan else None
        return cls(columns, outcomes, data["time"], tuple((name, tuple(levels)) for name, levels in data["segments"]))


def family(kind: pa.DataType) -> str:
    """What values of an Arrow type are to us: number, text, boolean, time, nothing (all null) or nested."""
    if pa.types.is_dictionary(kind):
        return family(kind.value_type)
    tests = {
        "boolean": pa.types.is_boolean,
        "number": lambda t: pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) or pa.types.is_duration(t),
        "text": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t) or pa.types.is_binary(t),
        "time": lambda t: pa.types.is_timestamp(t) or pa.types.is_date(t) or pa.types.is_time(t),
        "nothing": pa.types.is_null,
    }
    return next((name for name, test in tests.items() if test(kind)), "nested")


def _tupled(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
