"""What a reference tells about the configuration of its model: every guess with its reason, for people to confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftline.profiles.fit import SchemaSpec
from driftline.profiles.outcomes import OutcomePlan
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Column, Kind, Role

IDS = ("prediction_id", "request_id", "event_id", "id", "uuid", "key")
TIMES = ("predicted_at", "scored_at", "prediction_time", "event_time", "timestamp", "time", "ts", "created_at", "datetime", "date")
VERSIONS = ("model_version", "version")
LATENCIES = ("latency_ms", "latency", "duration_ms")
ERRORS = ("error", "failed")
FEW_LEVELS = 10
MOST_SEGMENTS = 3
SAID = "as you said"


@dataclass(frozen=True, slots=True)
class Guess:
    """A value of a key and why; `sure` where people need not look again."""

    value: str
    reason: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a drafted file says about a reference. `maybe`: columns by the keys that they may be for; `segments` were named,
    `few_levels` could be."""

    rows: int
    id: Guess
    time: Guess
    prediction: Guess | None
    label: Guess | None
    outcomes: OutcomePlan | None
    columns: tuple[Column, ...]
    segments: tuple[str, ...]
    few_levels: tuple[str, ...]
    maybe: Mapping[str, str]


def guess(reference: Reference, said: SchemaSpec, settled: SchemaSpec) -> Facts:
    """What the reference tells. `said` is what people named, `settled` the same with the guesses of a comparison."""
    columns = reference.schema.columns
    taken = {name for name in (settled.prediction, settled.label, settled.time, *settled.segments, *said.identifiers) if name}
    found_id = _id(columns, said, taken)
    found_time = _time(columns, said, taken | {found_id.value})
    free = [c for c in columns if c.name and c.name not in taken | {found_id.value, found_time.value}]
    named = {"version": VERSIONS, "latency": LATENCIES, "error": ERRORS}
    maybe = {key: column.name for key, names in named.items() if (column := _called(free, names)) is not None}
    few = [c.name for c in free if c.kind is Kind.CATEGORICAL and c.complete and 2 <= len(c.levels) <= FEW_LEVELS]
    return Facts(
        rows=reference.profile.rows,
        id=found_id,
        time=found_time,
        prediction=_output(said.prediction, settled.prediction),
        label=_output(said.label, settled.label),
        outcomes=reference.schema.outcomes,
        columns=columns,
        segments=settled.segments,
        few_levels=tuple(name for name in few if name not in maybe.values())[:MOST_SEGMENTS],
        maybe=maybe,
    )


def _id(columns: Sequence[Column], said: SchemaSpec, taken: set[str]) -> Guess:
    if said.identifiers:
        return Guess(said.identifiers[0], SAID)
    candidates = [c for c in columns if c.name and c.role is Role.IDENTIFIER and c.name not in taken]
    best = _called(candidates, IDS) or next(iter(candidates), None)
    if best is None:
        return Guess(
            "prediction_id", "no column of the reference is an identifier: name the one that joins predictions and labels", sure=False
        )
    return Guess(best.name, best.reason)


def _time(columns: Sequence[Column], said: SchemaSpec, taken: set[str]) -> Guess:
    if said.time is not None:
        return Guess(said.time, SAID)
    candidates = [c for c in columns if c.name and c.kind is Kind.DATETIME and c.name not in taken]
    best = _called(candidates, TIMES)
    if best is not None:
        return Guess(best.name, "holds times, and because of its name")
    if candidates:
        return Guess(candidates[0].name, "the first column that holds times: is it when the prediction was made?", sure=False)
    return Guess("predicted_at", "no column of the reference holds times: name the one of the predictions", sure=False)


def _output(said: str | None, settled: str | None) -> Guess | None:
    if settled is None:
        return None
    return Guess(settled, SAID if said is not None else "because of its name")


def _called(columns: Sequence[Column], names: Sequence[str]) -> Column | None:
    """The column with the first of the names that one has."""
    folded = {column.name.casefold(): column for column in reversed(columns)}
    return next((folded[name] for name in names if name in folded), None)
