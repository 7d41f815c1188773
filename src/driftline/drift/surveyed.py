"""The survey: every measure of every column, with what chance alone gives it and the limit for this many rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline.core.catalog import Catalog
from driftline.core.verdicts import MeasureValue
from driftline.drift import measures
from driftline.drift.floors import effect_limit
from driftline.drift.noise import chance, chance_limit
from driftline.drift.pairs import OrderedPair, Pair

Floats = NDArray[np.float64]

MEASURES: Catalog[..., Floats] = Catalog.of("drift measure", measures)
ORDERED = ("ks", "wasserstein")
DECIDING = ("js", "psi")
"""What `choice` chooses from."""


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """Of each measure its values, means by chance and limits, (columns,) each."""

    figures: Mapping[str, tuple[list[float], list[float], list[float]]]

    def of(self, row: int) -> tuple[MeasureValue, ...]:
        """The measures of one column; those that have no value there are left out."""
        found = (MeasureValue(name, v[row], mean[row], limit[row]) for name, (v, mean, limit) in self.figures.items())
        return tuple(one for one in found if math.isfinite(one.value + one.chance + one.limit))


def survey(pair: Pair, ordered: OrderedPair | None, tails: Floats, least: Mapping[str, Floats], names: Sequence[str]) -> Survey:
    """These measures; `tails` is the probability by chance of each column, `least` the floors of each measure."""
    figures = {}
    for name in names:
        cells = ordered if name in ORDERED else pair
        if cells is None:
            continue
        value, mean = MEASURES[name](cells), chance(name, cells)
        limit = np.zeros(len(value))
        for tail in np.unique(tails).tolist():
            limit = np.where(tails == tail, chance_limit(name, cells, tail), limit)
        floor = effect_limit(name, least["psi" if name == "chi2" else name], mean, pair.unit)
        figures[name] = (value.tolist(), mean.tolist(), np.maximum(floor, limit).tolist())
    return Survey(figures)
