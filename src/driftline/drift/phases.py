"""Phases: what belongs to the hour or the weekday, so that a Sunday is judged as a Sunday.

The mean of a phase over few windows is half chance. It is drawn towards the reference by the share of its variance that chance explains:
the weight is between / (between + within / windows), as James and Stein 1961 and every mixed model have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

FEWEST = 4
"""Windows that every phase needs before phases are told apart."""


@dataclass(frozen=True, eq=False, slots=True)
class Phases:
    """numbers: (phases,) as the caller counts them, ascending. means: (phases, signals), the effects that belong to each."""

    numbers: Indices
    means: Floats

    def of(self, phase: int) -> Floats:
        """The effects that belong to a phase; none where it is unknown."""
        at = np.flatnonzero(self.numbers == phase)
        return self.means[at[0]] if len(at) else np.zeros(self.means.shape[1])


def learn_phases(effects: Floats, phases: Sequence[int]) -> tuple[Phases, Floats]:
    """The phases of windows whose effects are (windows, signals), and for each window the effect its phase has in the other windows.

    One phase without an effect, where some phase has fewer than four windows.
    """
    numbers, place, counts = np.unique(np.asarray(phases, np.intp), return_inverse=True, return_counts=True)
    if len(numbers) < 2 or counts.min() < FEWEST:
        return Phases(np.zeros(0, np.intp), np.zeros((0, effects.shape[1]))), np.zeros_like(effects)
    sums = np.zeros((len(numbers), effects.shape[1]))
    np.add.at(sums, place, effects)
    each = counts[:, None]
    means = sums / each
    weight = shrinkage(effects - means[place], means, counts)
    others = each[place] - 1
    return Phases(numbers, weight * means), weight[place] * (sums[place] - effects) / others


def shrinkage(residuals: Floats, means: Floats, counts: Indices) -> Floats:
    """The weight of each phase mean, (phases, signals), from the residuals around them (windows, signals)."""
    free = max(len(residuals) - len(counts), 1)
    within = (residuals**2).sum(axis=0) / free
    spread = (means**2).mean(axis=0)
    between = np.maximum(spread - within * float((1 / counts).mean()), 0.0)
    noise = within / counts[:, None]
    return np.asarray(between / np.maximum(between + noise, 1e-300))
