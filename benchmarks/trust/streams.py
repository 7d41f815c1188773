"""Made-up streams of windows with a known truth: what every column does from window to window, and what is planted in it.

A stream is a table of ten columns in consecutive windows of equal length. Each column has a state per window, in standard deviations of a
number or in logits of a level; the rows of a window are drawn independently given the states. `STREAMS` says what the states do when
nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Schema

Rng = np.random.Generator
Floats = NDArray[np.float64]
States = NDArray[np.float64]
COLUMNS = 10
WEEK = 7


def quiet(_rng: Rng, windows: int) -> States:
    """Nothing but the rows' own chance."""
    return np.zeros((windows, COLUMNS))


def restless(rng: Rng, windows: int) -> States:
    """Every window of every column moves by itself, some columns more."""
    return rng.standard_normal((windows, COLUMNS)) * rng.uniform(0.0, 0.2, COLUMNS)


def weekly(rng: Rng, windows: int) -> States:
    """Weekdays differ by up to a few tenths of a standard deviation, and a little is left to chance."""
    pattern = rng.standard_normal((WEEK, COLUMNS)) * rng.uniform(0.05, 0.4, COLUMNS)
    return pattern[np.arange(windows) % WEEK] + 0.05 * rng.standard_normal((windows, COLUMNS))


def autocorrelated(rng: Rng, windows: int, likeness: float = 0.7) -> States:
    """A window resembles the one before (AR(1) with 0.7), and columns resemble each other: half of what they do is common."""
    states = np.zeros((windows, COLUMNS))
    shocks = np.sqrt(0.5) * rng.standard_normal((windows + 50, 1)) * np.sign(rng.standard_normal(COLUMNS))
    shocks = shocks + np.sqrt(0.5) * rng.standard_normal((windows + 50, COLUMNS))
    state = shocks[0]
    for t in range(windows + 50):
        state = likeness * state + np.sqrt(1 - likeness**2) * shocks[t]
        if t >= 50:
            states[t - 50] = state
    return states * rng.uniform(0.05, 0.25, COLUMNS)


STREAMS: Mapping[str, Callable[[Rng, int], States]] = {
    "independent": quiet,
    "restless": restless,
    "weekly season": weekly,
    "autocorrelated": autocorrelated,
}


def heavy_tailed(rng: Rng, windows: int) -> States:
    """As restless, but now and then a window moves far: Student's t with three degrees of freedom."""
    return rng.standard_t(3, (windows, COLUMNS)) / np.sqrt(3) * rng.uniform(0.0, 0.2, COLUMNS)


def weekly_and_alike(rng: Rng, windows: int) -> States:
    """Weekdays differ, and what is left resembles the window before."""
    return weekly(rng, windows) + autocorrelated(rng, windows, 0.5) / 2


HELD_OUT: Mapping[str, Callable[[Rng, int], States]] = {
    "likeness 0.4": partial(autocorrelated, likeness=0.4),
    "likeness 0.85": partial(autocorrelated, likeness=0.85),
    "heavy-tailed": heavy_tailed,
    "weekly and alike": weekly_and_alike,
}
"""Streams that were not looked at while the monitor was made. Whoever tunes it on them has to make new ones."""
EVERY = {**STREAMS, **HELD_OUT}
WEEKLY = ("weekly season", "weekly and alike")


def _number(kind: str, rng: Rng, state: States, rows: int) -> pa.Array:
    noise, s = rng.standard_normal((len(state), rows)), state[:, None]
    if kind == "normal":
        return pa.array((noise + s).ravel())
    if kind == "lognormal":
        return pa.array(np.exp(noise + s).ravel())
    if kind == "spread":
        return pa.array((noise * np.exp(s / 2)).ravel())
    if kind == "whole":
        return pa.array(rng.poisson(3 * np.exp(s / 2), (len(state), rows)).ravel())
    missing = rng.random((len(state), rows)) < 1 / (1 + np.exp(3.5 - 2 * s))
    return pa.array(noise.ravel(), mask=missing.ravel())


def _level(levels: int, rng: Rng, state: States, rows: int) -> pa.Array:
    """Zipf's frequencies; the state tilts the logits, alternately up and down."""
    base = -np.log(np.arange(1, levels + 1))
    tilt = np.where(np.arange(levels) % 2 == 0, 1.0, -1.0)
    weights = np.exp(base + state[:, None] * tilt)
    bounds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    drawn = rng.random((len(state), rows))
    codes = np.stack([np.minimum(np.searchsorted(bound, row), levels - 1) for bound, row in zip(bounds, drawn, strict=True)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.ravel().astype(np.int32)), pa.array([f"level {k:02d}" for k in range(levels)]))


KINDS: tuple[Callable[[Rng, States, int], pa.Array], ...] = (
    *(partial(_number, kind) for kind in ("normal", "normal", "normal", "lognormal", "whole", "spread", "gaps")),
    *(partial(_level, levels) for levels in (2, 5, 30)),
)
NUMBERS = 7


@dataclass(frozen=True)
class Windows:
    """Windows as profiles, and the raw values of the numbers, one (windows, rows) for each."""

    profiles: list[Profile]
    values: list[Floats]


def table(rng: Rng, states: States, rows: int) -> pa.Table:
    """The rows of all windows, one after the other."""
    return pa.table([draw(rng, states[:, c], rows) for c, draw in enumerate(KINDS)], [f"c{c}" for c in range(COLUMNS)])


def fitted(first: pa.Table) -> Schema:
    schema, _ = fit(first.schema, first.to_batches(), SchemaSpec())
    return schema


def windows(schema: Schema, every: pa.Table, rows: int) -> Windows:
    """The table cut into windows of so many rows."""
    count, offset, gathering = len(every) // rows, 0, Gathering(schema)
    for batch in every.to_batches():
        gathering.add(batch, np.arange(offset, offset + len(batch)) // rows, count)
        offset += len(batch)
    values = [every.column(k).to_numpy().astype(np.float64).reshape(count, rows) for k in range(NUMBERS)]
    return Windows(gathering.profiles(), values)


def whole(profiles: list[Profile]) -> Profile:
    return reduce(add, profiles)
