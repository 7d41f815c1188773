"""Planting: the profile of a window as it would be had one of its columns drifted. Counts are moved between cells: rows are gone by then.

    planted(profile, reference, position, drift, offset) -> Profile          refusal(schema, position, drift) -> str

A shift or a stretch works on ranks: each row goes from its rank in the reference to the one that its normal score has after the change.
So a normal column moves by exactly what is named, any other by the same in its normal scores, and no value leaves the range of the
reference.
Counts are made whole again without a bias and without a draw: `offset`, from 0 to 1, is where the rounding begins, another for each window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, MISSING, SPECIAL
from driftline.profiles.outcomes import Outcomes, Task
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, TAIL, Column, Kind, Role, Schema

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Indices = NDArray[np.intp]

LEAST_MASS = 0.01
"""Rows that an empty cell of the reference is taken to have, so that every cell has a rank."""
LEAST_VALUES = 3
"""Values that a column must have before its spread is something."""
NEAR = 0.05
GOLDEN = 0.6180339887
EXAMPLE = "a level that was planted"
_NORMAL = NormalDist()
_Z = np.frompyfunc(_NORMAL.inv_cdf, 1, 1)
_RANK = np.frompyfunc(_NORMAL.cdf, 1, 1)


class Change(StrEnum):
    """What is done to a column."""

    SHIFT = "shift"
    STRETCH = "stretch"
    LOSE = "lose"
    MULTIPLY = "multiply"
    NAME = "name"
    REBALANCE = "rebalance"


@dataclass(frozen=True, slots=True)
class Drift:
    """A drift that can be planted: `words` say what, `size` is in the unit of the change. It grows to its size over so many windows and
    lasts so many, for good where `lasts` is 0."""

    name: str
    words: str
    change: Change
    size: float
    grows: int = 1
    lasts: int = 0

    def at(self, k: int) -> float | None:
        """Its size in the k-th window from its start, counted from 0; None where it is over."""
        if self.lasts and k >= self.lasts:
            return None
        grown = min(1.0, (k + 1) / self.grows)
        return 1 + (self.size - 1) * grown if self.change in _FACTORS else self.size * grown


_FACTORS = (Change.STRETCH, Change.MULTIPLY, Change.REBALANCE)

DRIFTS: Mapping[str, Drift] = {
    drift.name: drift
    for drift in (
        Drift("mean", "mean +0.5 sd", Change.SHIFT, 0.5),
        Drift("scale", "spread x1.5", Change.STRETCH, 1.5),
        Drift("nulls", "+5 points missing", Change.LOSE, 0.05),
        Drift("unit", "values x1000", Change.MULTIPLY, 1000.0),
        Drift("new_level", "5 % of the rows in a level never seen", Change.NAME, 0.05),
        Drift("gradual", "mean growing to +0.5 sd over 20 windows", Change.SHIFT, 0.5, grows=20),
        Drift("spike", "mean +1 sd in one window", Change.SHIFT, 1.0, lasts=1),
        Drift("prior_shift", "the odds of the positive class x2", Change.REBALANCE, 2.0),
    )
}


def refusal(schema: Schema, position: int, drift: Drift) -> str:
    """Why this drift cannot be planted into the counts of a column; empty where it can."""
    column = schema.columns[position]
    name = f"'{column.name}'"
    if drift.change in (Change.SHIFT, Change.STRETCH, Change.MULTIPLY):
        if not column.is_numeric:
            return f"{name} holds no numbers"
        if drift.change is not Change.MULTIPLY and column.kind is Kind.CONSTANT:
            return f"{name} is constant, and has no spread to measure a shift by"
        if drift.change is Change.STRETCH and len(column.edges) - 1 < LEAST_VALUES:
            return f"{name} has two values, and so no spread of its own"
    if drift.change is Change.NAME and not column.is_levels:
        return f"{name} holds no levels"
    if drift.change is Change.REBALANCE:
        if column.role is not Role.PREDICTION:
            return f"of {name} it is not kept how it goes with the label; only the prediction is"
        if schema.outcomes is None:
            return "the reference has no labels to say what each class is scored"
        if schema.outcomes.task is not Task.BINARY or not column.is_numeric:
            return f"{name} is no score of two classes"
    return ""


def planted(profile: Profile, reference: Profile, position: int, change: tuple[Change, float], offset: float) -> Profile:
    """The profile with a change of that size in the column at `position`. Profiles without rows of the column stay as they are."""
    schema, (what, size) = profile.schema, change
    own, column = schema.cells(position), schema.columns[position]
    before, usual = profile.counts[own], reference.counts[own]
    if not profile.seen[position] or not before.sum():
        return profile
    if what is Change.LOSE:
        after = _moved_to(before, MISSING, size, offset)
    elif what is Change.NAME:
        after = _moved_to(before, _unseen_cell(usual), size, offset)
    elif what is Change.MULTIPLY:
        return _multiplied(profile, position, size)
    elif what is Change.REBALANCE:
        after = _rebalanced(before, column, reference, size, offset)
    else:
        after = _transported(before, usual, what, size, offset)
    counts, moments, examples = profile.counts.copy(), profile.moments, dict(profile.examples)
    counts[own] = after
    if column.is_numeric:
        moments = moments.copy()
        row = schema.numeric.index(position)
        moments[row] = _moments(column, moments[row], before, after)
    if what is Change.NAME:
        known = examples.get(position, ("",) * TAIL)
        k = _unseen_cell(usual) - 1
        examples[position] = (*known[:k], known[k] or EXAMPLE, *known[k + 1 :])
    return replace(profile, counts=counts, moments=moments, examples=examples)


def offset_of(k: int) -> float:
    """Where the rounding begins in the k-th of many windows: these places fill (0, 1) evenly, so that what is rounded cancels out."""
    return (k + 1) * GOLDEN % 1


def whole(amounts: Floats, offset: float) -> Counts:
    """Amounts that add up to a whole number as counts that add up to the same: running sums are rounded, so that no stretch of cells is off
    by more than one row."""
    running = np.cumsum(amounts)
    running[-1:] = np.round(running[-1:])
    return np.diff(np.floor(running + min(max(offset, 0.0), 1 - 1e-9)), prepend=0.0).astype(np.int64)


def _moved_to(before: Counts, cell: int, share: float, offset: float) -> Counts:
    """A share of all rows, from the cells that are not missing to this one."""
    from_ = before.copy()
    from_[[MISSING, cell]] = 0
    there = int(from_.sum())
    moving = min(int(share * before.sum() + offset), there)
    left = whole(from_.astype(np.float64) * ((there - moving) / max(there, 1)), offset)
    left[[MISSING, cell]] = before[[MISSING, cell]]
    left[cell] += moving
    return left


def _unseen_cell(usual: Counts) -> int:
    """A bucket of levels that the reference has not seen, or as seldom as any."""
    return 1 + int(np.argmin(usual[1:FIRST_LEVEL]))


def _ordered(width: int) -> Indices:
    """The finite cells of a number in the order of their values."""
    return np.array([FAR_BELOW, BELOW, *range(SPECIAL, width), ABOVE, FAR_ABOVE], np.intp)


def _transported(before: Counts, usual: Counts, what: Change, size: float, offset: float) -> Counts:
    """The rows at their new ranks."""
    order = _ordered(len(before))
    mass = np.maximum(usual[order].astype(np.float64), LEAST_MASS)
    bounds = np.concatenate([[0.0], np.cumsum(mass)])
    bounds /= bounds[-1]
    z = _Z(bounds[1:-1]).astype(np.float64)
    came_from = _RANK(z - size if what is Change.SHIFT else z / size).astype(np.float64)
    source = np.concatenate([[0.0], came_from, [1.0]])
    running: Floats = np.interp(source, bounds, np.concatenate([[0.0], np.cumsum(before[order])])).astype(np.float64)
    after = before.copy()
    after[order] = whole(np.asarray(np.diff(running), np.float64), offset)
    return after


def _rebalanced(before: Counts, column: Column, reference: Profile, size: float, offset: float) -> Counts:
    """The scores with the odds of the positive class multiplied: each class is scored as it was, there are other numbers of them."""
    outcomes = reference.outcomes
    if not isinstance(outcomes, Outcomes):
        return before
    share = _positive(outcomes)
    order = _ordered(len(before))
    edges = np.array(column.edges)
    middle = np.concatenate([[edges[0]] * 2, (edges[:-1] + edges[1:]) / 2, [edges[-1]] * 2])
    place = np.clip(np.searchsorted(np.array(outcomes.plan.edges), middle, side="right") - 1, 0, len(share) - 1)
    weighted = before[order] * (1 + (size - 1) * share[place])
    after = before.copy()
    if weighted.sum() > 0:
        after[order] = whole(weighted * (before[order].sum() / weighted.sum()), offset)
    return after


def _positive(outcomes: Outcomes) -> Floats:
    """The share of positives around each bin of scores, (bins,): among the tenth of the rows that is nearest in rank."""
    rows, positive = (np.concatenate([[0.0], np.cumsum(counts)]) for counts in (outcomes.counts.sum(axis=0), outcomes.counts[1]))
    middle = (rows[:-1] + rows[1:]) / 2
    low, high = np.maximum(middle - NEAR * rows[-1], 0.0), np.minimum(middle + NEAR * rows[-1], rows[-1])
    steps = np.concatenate([[True], np.diff(rows) > 0])
    there = np.interp(high, rows[steps], positive[steps]) - np.interp(low, rows[steps], positive[steps])
    return np.asarray(there / np.maximum(high - low, 1e-9), np.float64)


def _moments(column: Column, moments: Floats, before: Counts, after: Counts) -> Floats:
    """The sums after rows have changed cells. Cells have the middles of their bins as values, put right to give the sums of before."""
    order = _ordered(len(before))
    then, now = before[order].astype(np.float64), after[order].astype(np.float64)
    n = then.sum()
    if not n or not now.sum():
        return np.zeros(2) if n else moments
    with np.errstate(all="ignore"):
        edges = np.array(column.edges)
        values = np.concatenate([[edges[0]] * 2, edges[:-1] / 2 + edges[1:] / 2, [edges[-1]] * 2])
        values = (values - column.center) / column.scale
        middle = (then * values).sum() / n
        spread = np.sqrt((then * (values - middle) ** 2).sum() / n)
        mean, wide = moments[0] / n, np.sqrt(max(moments[1] / n - (moments[0] / n) ** 2, 0.0))
        values = mean + (values - middle) * (wide / spread if spread > 0 else 1.0)
        found = np.array([(now * values).sum(), (now * values**2).sum()])
    return found if np.isfinite(found).all() else moments * (now.sum() / n)


def _multiplied(profile: Profile, position: int, factor: float) -> Profile:
    """All values of a number times a factor above zero."""
    schema = profile.schema
    own, column, row = schema.cells(position), schema.columns[position], schema.numeric.index(position)
    before = profile.counts[own]
    counts, moments, extremes = profile.counts.copy(), profile.moments.copy(), profile.extremes.copy()
    order = _ordered(len(before))
    found = np.zeros((1, len(before)), np.int64)
    with np.errstate(all="ignore"):
        values = np.clip(_values(before, column, profile.extremes[row]) * factor, -np.finfo(np.float64).max, np.finfo(np.float64).max)
        schema.counters[position].add(values, None, None, found, np.zeros((1, 2)), np.array([[np.inf, -np.inf]]))
        n, first, second = float(before[order].sum()), float(moments[row, 0]), float(moments[row, 1])
        shift = (factor - 1) * column.center / column.scale
        moments[row] = factor * first + n * shift, factor**2 * second + 2 * factor * shift * first + n * shift**2
    after = before.copy()
    after[order] = found[0][order]
    counts[own], extremes[row] = after, extremes[row] * factor
    return replace(profile, counts=counts, moments=moments, extremes=extremes)


def _values(before: Counts, column: Column, extremes: Floats) -> Floats:
    """Values that fill the finite cells as the rows do: evenly within a bin, at its beginning where the reference has one value there."""
    bins, edges = before[SPECIAL:], np.array(column.edges)
    low, high, points = edges[:-1], edges[1:], np.array(column.points, bool)
    at = np.repeat(np.arange(len(bins)), bins)
    place = (np.arange(len(at)) - np.repeat(np.cumsum(bins) - bins, bins) + 0.5) / np.maximum(bins[at], 1)
    inside = low[at] + np.where(points[at], 0.0, place) * (high[at] - low[at])
    below, above = int(before[[FAR_BELOW, BELOW]].sum()), int(before[[ABOVE, FAR_ABOVE]].sum())
    return np.concatenate([np.full(below, extremes[0]), inside, np.full(above, extremes[1])])
