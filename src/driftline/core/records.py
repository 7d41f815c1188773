"""Where we are and what we measured: the records that travel between all rooms.

`Measurement` is the narrow waist of the house: steps 1 to 3 produce measurements and nothing else goes upstairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from driftline.core.errors import UsageError

Segment = tuple[tuple[str, str], ...]
"""Which rows, as sorted (column, level) pairs: `(("channel", "app"),)`; `()` means all rows."""

ALL_ROWS: Segment = ()


class Status(StrEnum):
    """Whether a measurement could be made."""

    OK = "ok"
    INSUFFICIENT = "insufficient"
    NODATA = "nodata"
    ERROR = "error"


class Basis(StrEnum):
    """What a measurement rests on: seen directly, on final labels, on labels of the same age, estimated, or a proxy."""

    OBSERVED = "observed"
    MATURED = "matured"
    SAME_AGE = "same_age"
    ESTIMATED = "estimated"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The half-open interval [start, end) of event time, in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is not UTC and moment.utcoffset() != timedelta(0):
                raise UsageError(f"The {name} of a window is in UTC, and {moment.isoformat()} is not", hint="Give it a UTC time zone.")
        if self.end <= self.start:
            raise UsageError(f"A window ends after it starts, and [{self.start.isoformat()}, {self.end.isoformat()}) does not")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a number speaks of: a model, its version, a segment and a window (None: the whole table)."""

    model: str = ""
    version: str = ""
    segment: Segment = ALL_ROWS
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number about one scope, with the rows it rests on.

    `value` is None where it could not be computed, never NaN; `status` then says why. `low` and `high` are an interval where one is
    known. `limit` is the calibrated limit in force for this `n`; `note` holds its derivation. `beyond` says whether the value is on the
    wrong side of its limit, None where it was not judged.
    """

    metric: str
    value: float | None
    scope: Scope
    n: int
    column: str | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    basis: Basis = Basis.OBSERVED
    status: Status = Status.OK
    note: str = ""
    beyond: bool | None = None

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "limit"):
            number = getattr(self, name)
            if number is not None and math.isnan(number):
                raise ValueError(f"{self.metric}.{name} is NaN; a number that could not be computed is None with a status")
        if self.value is None and self.status is Status.OK:
            raise ValueError(f"{self.metric} has no value and says it is ok")


def segment_name(segment: Segment) -> str:
    """A segment as people write it: `channel=app, region=north`; `all rows` for the empty one."""
    return ", ".join(f"{column}={level}" for column, level in segment) or "all rows"
