"""The monitor: a stream of windows judged against how much every column normally wobbles.

`learn` takes the wobble and the lines from the windows of a reference, `scores` says how far one window is away, `monitor` holds the last
windows against the lines, and `measurements` passes what it found upstairs. All of them are pure: what time it is, and which windows came
before, is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.core.records import Measurement, Scope, Status
from driftline.drift.baseline import FEWEST, Baseline, learn, scores
from driftline.drift.control import MEMORY, accumulated
from driftline.drift.rehearsal import Lines
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Schema

__all__ = ["FEWEST", "Baseline", "Lines", "Watch", "learn", "measurements", "monitor", "scores"]

Scores = NDArray[np.float32]

LEAST_ROWS = 30
"""Rows of a column below which a quiet window is no sign that all is well."""
RAISES = 2.0
"""How much more a sum is raised than a score by the same feedback."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One column in the last window of a series, in units of its own normal wobble.

    surprise: the largest of its signals, in size, and `component` which one. accumulated: the largest of their sums over the series.
    beyond: whether either has reached its limit. note: the same in one line.
    """

    column: str
    surprise: float
    surprise_limit: float
    component: str
    accumulated: float
    accumulated_limit: float
    accumulated_component: str
    beyond: bool
    note: str


def monitor(
    baseline: Baseline, series: Sequence[Scores], schema: Schema, *, columns: Sequence[int] | None = None, raised: float = 0.0
) -> list[Watch]:
    """What the charts say of each column after the last of `series`: scores of consecutive windows, oldest first.

    `columns` (places in the schema) picks those to speak of; the lines hold for all columns of the baseline together, whichever are picked.
    `raised` puts the line of the surprise up by so much and that of the sum by twice as much: what people taught by closing false alarms.
    """
    if not len(series) or not baseline.names:
        return []
    table = np.stack(series)
    # A signal beyond the line of the surprise has been told. Were it added up as well, a fault of three days would be told for a month.
    jumped = np.abs(table) >= baseline.lines.surprise + raised
    last, (upper, lower) = table[-1], accumulated(np.where(jumped, np.float32(0), table))
    sums = np.where(upper >= lower, upper, -lower)
    wanted = None if columns is None else {schema.columns[i].name for i in columns}
    firsts = _largest(baseline, last), _largest(baseline, sums)
    limits = baseline.lines.surprise + raised, baseline.lines.accumulated + RAISES * raised
    told = f"{baseline.windows} windows rehearsed for {baseline.rate:.2g} false alarms a window over {len(baseline.columns)} columns"
    if raised:
        told += f", raised by {raised:.2g} and {RAISES * raised:.2g} because people closed false alarms"
    watches = []
    for name in (schema.columns[i].name for i in baseline.columns):
        if wanted is not None and name not in wanted:
            continue
        k, s = firsts[0][name], firsts[1][name]
        now, sum_ = float(last[k]), float(sums[s])
        beyond = abs(now) >= limits[0], abs(sum_) >= limits[1]
        story = _story(baseline.names[k][1], now, baseline.names[s][1], sum_, beyond, min(len(series), MEMORY))
        note = f"{story}; limits {limits[0]:.2f} and {limits[1]:.1f}: {told}"
        signals = baseline.names[k][1], baseline.names[s][1]
        watches.append(Watch(name, abs(now), limits[0], signals[0], abs(sum_), limits[1], signals[1], any(beyond), note))
    return watches


def measurements(watches: Sequence[Watch], scope: Scope, window: Profile) -> list[Measurement]:
    """Surprise and accumulation of each column. `window` is the profile that was judged: a column without rows has no value, and one with
    fewer than 30 says so unless it is beyond its limit all the same."""
    schema, found = window.schema, []
    for watch in watches:
        position = schema.by_name[watch.column]
        n = int(window.counts[schema.cells(position)].sum())
        numbers = (("surprise", watch.surprise, watch.surprise_limit), ("accumulated", watch.accumulated, watch.accumulated_limit))
        for metric, value, limit in numbers:
            beyond = value >= limit
            status = Status.NODATA if n == 0 else Status.INSUFFICIENT if n < LEAST_ROWS and not beyond else Status.OK
            shown = None if n == 0 else value
            note = watch.note if n else "no rows of this column in the window"
            found.append(
                Measurement(metric, shown, scope, n, watch.column, limit=limit, status=status, note=note, beyond=beyond if n else None)
            )
    return found


def _largest(baseline: Baseline, values: Scores) -> dict[str, int]:
    """Of each column the signal with the largest value in size."""
    found: dict[str, int] = {}
    size = np.abs(values).tolist()
    for k, (column, _) in enumerate(baseline.names):
        best = found.get(column)
        if best is None or size[k] > size[best]:
            found[column] = k
    return found


def _story(signal: str, now: float, summed: str, sum_: float, beyond: tuple[bool, bool], windows: int) -> str:
    """What happened, first what is beyond its limit."""
    jump = f"{signal} is {abs(now):.1f} normal wobbles {_side(now)} the reference"
    stays = f"{summed} adds up to {abs(sum_):.1f} {_side(sum_)} over {windows} windows"
    return f"{stays}; {jump}" if beyond[1] and not beyond[0] else f"{jump}; {stays}"


def _side(value: float) -> str:
    return "above" if value >= 0 else "below"
