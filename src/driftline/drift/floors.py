"""Floors: how large an effect has to be before it counts, and the same floor on the scale of every measure.

With many rows everything is significant; drift also needs an effect. The floor is a shift of a normal column in standard deviations, by
the importance of the column, and each measure has the value that this shift gives it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOP, NORMAL, LOW = "top", "normal", "low"

SHIFT: Mapping[str, float] = {TOP: 0.23, NORMAL: 0.32, LOW: 0.45}
"""Shift of a normal column in standard deviations."""

FLOORS: Mapping[str, Mapping[str, float]] = {
    "psi": {TOP: 0.05, NORMAL: 0.10, LOW: 0.20},
    "js": {TOP: 0.095, NORMAL: 0.134, LOW: 0.19},
    "ks": {TOP: 0.09, NORMAL: 0.13, LOW: 0.18},
    "total_variation": {TOP: 0.09, NORMAL: 0.13, LOW: 0.18},
    "hellinger": {TOP: 0.081, NORMAL: 0.113, LOW: 0.158},
    "wasserstein": {TOP: 0.23, NORMAL: 0.32, LOW: 0.45},
}

RATE: Mapping[str, float] = {TOP: 0.07, NORMAL: 0.10, LOW: 0.14}
"""Floors for rates, as the difference of 2 asin(sqrt(rate)): 0.10 is 0 to 0.25 %, 1 % to 2.2 %, 30 % to 34.6 %."""

LEAST_CHANGE = 0.0025
"""A rate that changes by less than a quarter of a percentage point does not count."""


def standing(importance: float | None) -> str:
    """`top` from a tenth of all importance, `low` up to a fiftieth, `normal` between or where nothing is known."""
    if importance is None:
        return NORMAL
    return TOP if importance >= 0.10 else LOW if importance <= 0.02 else NORMAL


def effect_limit(measure: str, floor: str, chance: float, unit: float) -> float:
    """The value a measure has when the effect is at its floor: the floor and what chance adds to it on average.

    `chance` is the mean of the measure without a change, `unit` is 1/n + 1/m.
    """
    if measure == "chi2":
        return FLOORS["psi"][floor] / unit + chance
    least = FLOORS[measure][floor]
    if measure == "psi":
        return least + chance
    return float(np.hypot(least, chance)) if measure in ("js", "hellinger") else max(least, chance)


def rate_effect(rate: Floats, reference: Floats) -> Floats:
    """The difference of two rates on the scale where its sampling noise does not depend on the rate: Cohen's h."""
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(rate, 0, 1))) - 2 * np.arcsin(np.sqrt(np.clip(reference, 0, 1))))
