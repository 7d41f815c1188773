"""What a measurement says in one word, and its story in a few.

A note is the story, then where its limit comes from; the two are parted by a line end, or by `; limit`, `; limits` or `; asked because`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from driftline.core.ledger import Step
from driftline.core.records import Measurement, Status, segment_name
from driftline.report.figures import family_of, limited, title


class State(StrEnum):
    """The words, what asks for a person first. `NONE` is a number that is shown and not judged."""

    ERROR = "ERROR"
    DATA = "DATA"
    WORSE = "WORSE"
    BEYOND = "BEYOND"
    DRIFT = "DRIFT"
    UNUSUAL = "UNUSUAL"
    UNKNOWN = "?"
    NODATA = "no data"
    OK = "ok"
    NONE = ""


class Group(StrEnum):
    """The parts of a page, in their order: step 1 has three."""

    OPERATIONS = "operations"
    QUALITY = "quality"
    LABELS = "labels"
    DATA = "data"
    PREDICTIONS = "predictions"


RANK = {state: rank for rank, state in enumerate(State)}
BAD = frozenset({State.ERROR, State.DATA, State.WORSE, State.BEYOND, State.DRIFT, State.UNUSUAL})
ROWS = "rows"
MONITOR = frozenset({"surprise", "accumulated"})
UNTOLD = frozenset({"unreadable", "segment_rows"})
"""Measured in every window for alerts to rest on; the verdicts tell what there is to tell."""
STANDING = frozenset({"missing_rate"})
"""Measured in every window too: only what is beyond its limit has a part in the story of a column."""
_REASON = re.compile(r"\n|; (?=limits? |asked because )")
"""What parts the story of a note from where its limit comes from."""

_LABELS = ("coverage", "observability", "orphan_share", "label_lag", "corrected_labels", "unfit_labels", "unexpected_labels")
_OPERATIONS = ("requests", "absence", "error_rate", "error_budget", "latency_", "arrival_lag", "availability", "burn_rate")


def group_of(step: Step, measurement: Measurement) -> Group:
    """The part of the page that a measurement belongs to."""
    if step is Step.DRIFT:
        return Group.DATA
    if step is Step.PREDICTIONS:
        return Group.PREDICTIONS
    if measurement.metric.startswith(_LABELS):
        return Group.LABELS
    return Group.OPERATIONS if measurement.metric.startswith(_OPERATIONS) else Group.QUALITY


def state_of(step: Step, measurement: Measurement) -> State:
    """The word for one measurement by itself. A drifted verdict that does not say whether it is beyond is beyond."""
    if measurement.status is not Status.OK:
        return {Status.ERROR: State.ERROR, Status.NODATA: State.NODATA}.get(measurement.status, State.UNKNOWN)
    _, name = family_of(measurement.metric)
    if name == "verdict":
        return State.OK if not measurement.value else State.DRIFT if measurement.value < 1.5 else State.DATA
    if measurement.beyond is None:
        return State.NONE
    if not measurement.beyond:
        return State.OK
    if step is Step.PERFORMANCE:
        return State.WORSE if group_of(step, measurement) is Group.QUALITY else State.BEYOND
    return State.UNUSUAL if name in MONITOR else State.DATA if name in UNTOLD else State.DRIFT


def story_of(measurement: Measurement, *, named: bool = False) -> str:
    """What happened: the note without where its limit comes from. Where neither a verdict nor the monitor tells, value and limit come
    first, and before them the metric unless it is `named` already."""
    told = story_of_note(measurement.note)
    name = family_of(measurement.metric)[1]
    if name == "verdict" or measurement.value is None or (name in MONITOR and told):
        return told
    figures = limited(measurement) if named else f"{title(measurement.metric)} {limited(measurement)}"
    return f"{figures}: {told}" if told else figures


def story_of_note(note: str) -> str:
    """A note without where its limit comes from."""
    return _REASON.split(note, maxsplit=1)[0].strip()


def some(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def scope_name(measurement: Measurement) -> str:
    """The rows that a measurement speaks of where they are not all: `channel=app`, `version 7`."""
    version = f"version {measurement.scope.version}" if measurement.scope.version else ""
    segment = segment_name(measurement.scope.segment) if measurement.scope.segment else ""
    return ", ".join(part for part in (segment, version) if part)
