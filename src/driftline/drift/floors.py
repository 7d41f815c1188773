"""Floors: how large an effect has to be before it counts, and the same floor on the scale of every measure.

With many rows everything is significant; drift also needs an effect. The floor is a shift of a normal column in standard deviations, by
the importance of the column, and each measure has the value that this shift gives it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOP, NORMAL, LOW = "top", "normal", "low"

FLOORS: Mapping[str, Mapping[str, float]] = {
    "psi": {TOP: 0.05, NORMAL: 0.10, LOW: 0.20},
    "js": {TOP: 0.095, NORMAL: 0.134, LOW: 0.19},
    "ks": {TOP: 0.09, NORMAL: 0.13, LOW: 0.18},
    "total_variation": {TOP: 0.09, NORMAL: 0.13, LOW: 0.18},
    "hellinger": {TOP: 0.081, NORMAL: 0.113, LOW: 0.158},
    "wasserstein": {TOP: 0.23, NORMAL: 0.32, LOW: 0.45},
}
"""What a shift of a normal column by 0.23, 0.32 or 0.45 standard deviations gives each measure."""

RATE: Mapping[str, float] = {TOP: 0.07, NORMAL: 0.10, LOW: 0.14}
"""Floors for rates, as the difference of 2 asin(sqrt(rate)): 0.10 is 0 to 0.25 %, 1 % to 2.2 %, 30 % to 34.7 %."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The floors of one column: `psi` of its distribution, `rate` of a rate, `level` of a single value (both on the arcsine scale).

    `name` is its standing. `windows` is the number of windows of the reference whose unrest has raised the floor, 0 where none has.
    """

    name: str
    psi: float
    rate: float
    level: float
    windows: int = 0

    @classmethod
    def of(cls, name: str) -> Floor:
        """The floor of a column of that standing."""
        return cls(name, FLOORS["psi"][name], RATE[name], RATE[name])

    def at(self, measure: str) -> float:
        """The floor on the scale of a measure: a PSI grows with the square of a shift, the others with the shift."""
        if measure == "psi":
            return self.psi
        return FLOORS[measure][self.name] * math.sqrt(self.psi / FLOORS["psi"][self.name])

    def raised(self, psi: float, rate: float, level: float, windows: int) -> Floor:
        """The higher of this floor and what the unrest of the reference asks for."""
        higher = psi > self.psi or rate > self.rate or level > self.level
        return Floor(self.name, max(self.psi, psi), max(self.rate, rate), max(self.level, level), windows if higher else 0)


COMMON = 2.0
"""For a single value with more than `RARE` of the reference rows the floor is this much higher: 0.20 is 30 % to 39.5 %."""

RARE = 0.10
RARE_RATIO = 2.0
"""A value with less than `RARE` of the rows has to become twice as frequent, or half."""

LEAST_CHANGE = 0.0025
"""A rate that changes by less than a quarter of a percentage point does not count."""


def standing(importance: float | None) -> str:
    """`top` from a tenth of all importance, `low` up to a fiftieth, `normal` between or where nothing is known."""
    if importance is None:
        return NORMAL
    return TOP if importance >= 0.10 else LOW if importance <= 0.02 else NORMAL


def effect_limit(measure: str, least: Floats, chance: Floats, unit: Floats) -> Floats:
    """The value a measure has when the effect is at its floor `least`: the floor and what chance adds to it on average.

    `chance` is the mean of the measure without a change, `unit` is 1/n + 1/m. The floor of chi2 is that of the PSI.
    """
    if measure == "chi2":
        return np.asarray(least / unit + chance)
    if measure == "psi":
        return least + chance
    return np.asarray(np.hypot(least, chance) if measure in ("js", "hellinger") else np.maximum(least, chance))


def rate_effect(rate: Floats, reference: Floats) -> Floats:
    """The difference of two rates on the scale where its sampling noise does not depend on the rate: Cohen's h."""
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(rate, 0, 1))) - 2 * np.arcsin(np.sqrt(np.clip(reference, 0, 1))))


def rate_bounds(reference: Floats, least: Floats, ratio: Floats | float = 1.0) -> tuple[Floats, Floats]:
    """The rates between which a change is too small to count: `least` on the arcsine scale, `LEAST_CHANGE`, and a factor `ratio`."""
    angle = np.arcsin(np.sqrt(np.clip(reference, 0, 1)))
    low = np.sin(np.maximum(angle - least / 2, 0.0)) ** 2
    high = np.sin(np.minimum(angle + least / 2, np.pi / 2)) ** 2
    return (
        np.minimum(np.minimum(low, reference - LEAST_CHANGE), reference / ratio),
        np.maximum(np.maximum(high, reference + LEAST_CHANGE), reference * ratio),
    )
