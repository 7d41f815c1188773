"""Observed: the signals of a window held against the reference, as scores of variance 1 under sampling noise.

Windows of the reference are held against all its other rows. What those lack, the window brings as new: so the reference itself teaches how
often rows are unseen or out of range when nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.drift.counted import count_scores, skew_corrected
from driftline.drift.signals import OVER, UNDER, UNSEEN, Counts, Layout, Polynomials, Reading, effects, read
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL

Floats = NDArray[np.float64]

BENDS = (0.0, 0.6, 0.3, 0.3)
"""How much of the square of a shift in location each polynomial shows. For a normal column: half the mean of f(Phi(Z)) (Z^2 - 1)."""


@dataclass(frozen=True, eq=False, slots=True)
class Observed:
    """scores and rows, (signals,) or (windows, signals): `rows` counts n m / (n + m) for n rows against m, 0 where nothing is known."""

    scores: Floats
    rows: Floats


def observed(poly: Polynomials, window: Reading, against: Reading) -> Observed:
    """The signals of a window: polynomials first, then rates."""
    (now, n), (before, m) = effects(poly, window.sums), effects(poly, against.sums)
    rows = _both(n, m)
    share = (against.x + 0.5) / (against.n + 1)
    rate_rows = _both(window.n, against.n)
    rates = count_scores(window.x, window.n, share) * np.sqrt(rate_rows / np.maximum(window.n, 1))
    return Observed(np.concatenate([(now - before) * np.sqrt(rows), rates]), np.concatenate([rows, rate_rows]))


def unexpected(poly: Polynomials, seen: Observed, expected: Floats) -> Floats:
    """The scores without the effects that belong to the phase, as normal ones: (signals,) or (windows, signals).

    A shift of the location bends the other polynomials too, by up to about the square of its effect. That much of them is no news, and
    where a column is used to moving it would look like a change of its spread; so it counts as noise.
    """
    root, k = np.sqrt(seen.rows), len(poly.at)
    scores = seen.scores - expected * root
    if not k:
        return np.asarray(scores)
    where = np.searchsorted(poly.at, poly.at)  # the location is the first polynomial of every number
    shift = seen.scores[..., where] / np.maximum(root[..., where], 1e-300)
    bent = np.array(BENDS)[poly.order] * (shift**2 - np.broadcast_to(expected, scores.shape)[..., where] ** 2)
    rows = seen.rows[..., :k]
    straight = scores[..., :k] / np.sqrt(1 + rows * bent**2)
    return np.concatenate([skew_corrected(straight, poly.skewness / np.sqrt(np.maximum(rows, 1))), scores[..., k:]], axis=-1)


def history_observed(
    lay: Layout, poly: Polynomials, powers: Floats, reference: Profile, history: Sequence[Profile]
) -> tuple[Observed, Reading]:
    """The signals of all windows of the reference, and the reading of the reference that live windows are held against.

    Where the windows are no part of the reference, each is held against all of it.
    """
    inside = bool((sum((window.counts for window in history), start=np.zeros_like(reference.counts)) <= reference.counts).all())
    whole = read(lay, reference.counts, powers)
    readings = [read(lay, window.counts, powers) for window in history]
    if inside:
        fresh = _Fresh(lay, reference, history)
        readings = [Reading(r.sums, fresh.brought(i, r.x), r.n) for i, r in enumerate(readings)]
        whole = Reading(whole.sums, np.where(fresh.marked, sum(r.x for r in readings), whole.x), whole.n)
    seen = []
    for reading in readings:
        rest = Reading(whole.sums - reading.sums, whole.x - reading.x, whole.n - reading.n) if inside else whole
        seen.append(observed(poly, reading, rest))
    return Observed(np.stack([o.scores for o in seen]), np.stack([o.rows for o in seen])), whole


class _Fresh:
    """Counts the rows of a window that the rest of the reference has nothing like: unseen levels, values out of its range."""

    def __init__(self, lay: Layout, reference: Profile, history: Sequence[Profile]) -> None:
        self.lay, self.reference, self.history = lay, reference, history
        schema = reference.schema
        places = {position: row for row, position in enumerate(schema.numeric)}
        self.kinds = [(k, name, int(position)) for k, ((_, name), position) in enumerate(zip(lay.rates, lay.of.tolist(), strict=True))]
        self.kinds = [(k, name, position) for k, name, position in self.kinds if name in (UNSEEN, UNDER, OVER)]
        self.row = places
        self.marked = np.zeros(len(lay.rates), np.bool_)
        self.marked[[k for k, _, _ in self.kinds]] = True
        lows, highs = (np.stack([window.extremes[:, side] for window in history]) for side in (0, 1))
        self.lowest = lows < _others(lows)
        self.highest = highs > -_others(-highs)

    def brought(self, i: int, x: Floats) -> Floats:
        """The counts of window i, with those of what is fresh in place of the cells'."""
        counts, out = self.history[i].counts, x.copy()
        rest = self.reference.counts - counts
        for k, name, position in self.kinds:
            own = self.reference.schema.cells(position)
            out[k] = self._unseen(counts[own], rest[own]) if name == UNSEEN else self._beyond(i, name, position, counts[own], rest[own])
        return out

    def _unseen(self, counts: Counts, rest: Counts) -> float:
        return float(counts[1:][rest[1:] == 0].sum()) if len(counts) > FIRST_LEVEL else 0.0

    def _beyond(self, i: int, name: str, position: int, counts: Counts, rest: Counts) -> float:
        row = self.row[position]
        least = float((self.lowest if name == UNDER else self.highest)[i, row])
        bins, others = counts[8:], rest[8:]
        held = np.flatnonzero(others)
        if not len(held):
            return least
        outside = bins[: held[0]] if name == UNDER else bins[held[-1] + 1 :]
        return max(float(outside.sum()), least)


def _others(least: Floats) -> Floats:
    """The least value of all other windows, (windows, numbers)."""
    two = np.partition(least, 1, axis=0)[:2]
    return np.asarray(np.where(least == two[0], two[1], two[0]))


def _both(n: Floats, m: Floats) -> Floats:
    return np.asarray(n * m / np.maximum(n + m, 1))
