"""Strips: the states of one subject over time, in any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from markupsafe import Markup

from driftline.core.records import Window
from driftline.report.states import State
from driftline.report.svg import described, path
from driftline.report.time_axis import TimeAxis

_HEIGHTS = {
    State.ERROR: ("faulty", 0.0),
    State.DATA: ("faulty", 0.0),
    State.WORSE: ("worse", 0.0),
    State.BEYOND: ("drifted", 3.0),
    State.DRIFT: ("drifted", 3.0),
    State.UNUSUAL: ("odd", 6.0),
    State.UNKNOWN: ("unknown", 9.0),
    State.OK: ("stable", 10.0),
    State.NONE: ("stable", 10.0),
}
"""Names in the style sheet, and where each state begins from the top of 12."""


def strip(id_: str, title: str, description: str, states: Iterable[tuple[Window, State]], axis: TimeAxis) -> Markup:
    """The states of one subject as a strip that takes any width. Height speaks beside colour: a line where it is fine, dots where nothing
    could be told, half of it where it is unusual, most of it for drift and what is beyond, all of it for a fault."""
    drawn: dict[str, list[str]] = {}
    for start, end, state in runs(states, axis):
        left, wide = 1000 * axis.share(start), 1000 * (axis.share(end) - axis.share(start))
        name, top = _HEIGHTS.get(state, ("", 0.0))
        if name:
            drawn.setdefault(name, []).append(f"M{left:.1f} {top:g}h{wide:.1f}V{12 if name != 'unknown' else top + 2:g}h-{wide:.1f}z")
    parts = [path(f"cell-{name}", "".join(found)) for name, found in drawn.items()]
    return described(id_, title, description, parts, "0 0 1000 12", "strip", stretch=True)


def runs(states: Iterable[tuple[Window, State]], axis: TimeAxis) -> Iterator[tuple[datetime, datetime, State]]:
    """Consecutive windows of one state as one span."""
    held: tuple[Window, Window, State] | None = None
    for window, state in states:
        if held is not None and held[2] is state and axis.together(held[1], window):
            held = (held[0], window, state)
            continue
        if held is not None:
            yield held[0].start, held[1].end, held[2]
        held = (window, window, state)
    if held is not None:
        yield held[0].start, held[1].end, held[2]
