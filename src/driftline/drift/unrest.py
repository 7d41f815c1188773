"""Unrest: how much a column moves from window to window when nothing is wrong, beyond what its number of rows explains.

Each window of the reference is compared with all others. Were only sampling at work, the square of an effect would be Q = 1/n + 1/m on
average; what it has more is the variance kappa of the column itself. Few windows know kappa badly, so a limit for it uses Student's t with
as many degrees as there are independent windows, less one; neighbouring windows that are alike count as fewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from driftline.drift.components import components
from driftline.drift.floors import rate_effect
from driftline.drift.noise import distance_test
from driftline.drift.pairs import level_pair, numeric_pairs
from driftline.drift.tails import student_quantile
from driftline.profiles.counting import NAN
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL

Floats = NDArray[np.float64]

FEWEST = 15
"""Windows below which the unrest of a column cannot be told from chance."""
PRIOR = 20.0
"""How many windows the average of all columns of a kind weighs against those of the column itself."""
LEAST_WINDOWS = 3.0
NEGLIGIBLE = 0.1


@dataclass(frozen=True, slots=True)
class Unrest:
    """Variances of one column: `shift` of its distribution, as a PSI; `missing` and `level` of rates, on the arcsine scale.

    `windows` is how many windows showed them, `independent` how many they count for.
    """

    shift: float
    missing: float
    level: float
    windows: int
    independent: float

    def bounds(self, unit: float, alpha: float) -> tuple[float, float, float]:
        """How far shift (as a PSI), missing rate and levels go in a window by unrest and sampling, but for the probability `alpha`.

        `unit` is 1/n + 1/m of the rows to be judged. 0 where the unrest is nothing beside the sampling noise, which has limits of its own.
        """
        wide = student_quantile(alpha / 2, self.independent - 1) * math.sqrt(1 + 1 / self.independent)
        kappas = (self.shift, self.missing, self.level)
        shift, missing, level = (wide * math.sqrt(k + unit) if k > NEGLIGIBLE * unit else 0.0 for k in kappas)
        return shift**2, missing, level


def unrest_of(reference: Profile, history: Sequence[Profile]) -> Mapping[int, Unrest]:
    """The unrest of each column with a distribution, by its position in the schema; nothing where there are fewer than 15 windows.

    `history` is the reference cut into windows as long as the current rows.
    """
    if len(history) < FEWEST:
        return {}
    schema = reference.schema
    numeric = list(schema.numeric)
    levels = [i for i, column in enumerate(schema.columns) if column.is_levels]
    pieces = [(_without(reference, window), window) for window in history]
    found: dict[int, Unrest] = {}
    kinds: list[tuple[list[int], Callable[[Profile, Profile, list[int]], _Surplus]]] = [(numeric, _numeric), (levels, _levels)]
    for positions, look in kinds:
        if positions:
            found |= _learned(positions, [look(rest, window, positions) for rest, window in pieces])
    return found


@dataclass(frozen=True, eq=False, slots=True)
class _Surplus:
    """What one window has beyond sampling noise: (columns,) each. `moved` is a signed effect, for the likeness of neighbours."""

    shift: Floats
    missing: Floats
    level: Floats
    moved: Floats


def _learned(positions: Sequence[int], windows: Sequence[_Surplus]) -> dict[int, Unrest]:
    independent = _independent(np.stack([w.moved for w in windows]))
    shift, missing, level = (_shrunk(np.stack([getattr(w, name) for w in windows])) for name in ("shift", "missing", "level"))
    return {
        position: Unrest(float(shift[i]), float(missing[i]), float(level[i]), len(windows), float(independent[i]))
        for i, position in enumerate(positions)
    }


def _shrunk(surplus: Floats) -> Floats:
    """The mean over windows, (columns,), drawn towards the mean of all columns and never below zero."""
    own, count = surplus.mean(axis=0), len(surplus)
    together = float(np.maximum(own, 0.0).mean())
    return np.asarray(np.maximum((count * own + PRIOR * together) / (count + PRIOR), 0.0))


def _independent(moved: Floats) -> Floats:
    """How many independent windows those of each column count for: W (1 - r) / (1 + r), r the likeness of neighbours."""
    centred = moved - moved.mean(axis=0)
    spread = (centred**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(spread > 0, (centred[1:] * centred[:-1]).sum(axis=0) / spread, 0.0)
    likeness = np.clip((own + own.mean()) / 2, 0.0, 0.95)
    return np.asarray(np.maximum(len(moved) * (1 - likeness) / (1 + likeness), LEAST_WINDOWS))


def _numeric(rest: Profile, window: Profile, positions: list[int]) -> _Surplus:
    rows = list(range(len(positions)))
    coarse, fine = numeric_pairs(rest, window, rows)
    parts = components(fine)
    unit = np.where(np.isfinite(parts.unit), parts.unit, 0.0)
    cells = [[p.counts[p.schema.cells(i)] for i in positions] for p in (rest, window)]
    gone = [np.array([(c[: NAN + 1].sum(), c.sum()) for c in side]) for side in cells]
    shares = [side[:, 3:-2] for side in coarse.shares]
    return _Surplus(parts.shape - parts.degrees * unit, _rates(gone[0], gone[1]), _levels_together(shares, unit), parts.effects[:, 0])


def _levels(rest: Profile, window: Profile, positions: list[int]) -> _Surplus:
    pair = level_pair(rest, window, positions)
    statistic, degrees, _ = distance_test(pair, rare=1)
    unit = np.where(np.isfinite(pair.unit), pair.unit, 0.0)
    cells = [[p.counts[p.schema.cells(i)] for i in positions] for p in (rest, window)]
    gone = [np.array([(c[0], c.sum()) for c in side]) for side in cells]
    first = [np.array([c[FIRST_LEVEL] / max(c.sum(), 1) for c in side]) for side in cells]
    shares = [side[:, 3:] for side in pair.shares]
    return _Surplus((statistic - degrees) * unit, _rates(gone[0], gone[1]), _levels_together(shares, unit), rate_effect(first[1], first[0]))


def _rates(reference: Floats, current: Floats) -> Floats:
    """Surplus of one rate of each column: counts and rows in (columns, 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = rate_effect(current[:, 0] / current[:, 1], reference[:, 0] / reference[:, 1])
        surplus = effect**2 - 1 / current[:, 1] - 1 / reference[:, 1]
    return np.where(np.isfinite(surplus), surplus, 0.0)


def _levels_together(shares: Sequence[Floats], unit: Floats) -> Floats:
    """Surplus of the levels together, weighed by how often they occur."""
    weight = shares[0] / np.maximum(shares[0].sum(axis=1, keepdims=True), 1e-300)
    squares = rate_effect(shares[1], shares[0]) ** 2 - unit[:, None]
    return np.asarray((weight * squares).sum(axis=1))


def _without(whole: Profile, window: Profile) -> Profile:
    """The profile of the rows of the reference outside a window."""
    return replace(
        whole, rows=whole.rows - window.rows, counts=whole.counts - window.counts, moments=whole.moments - window.moments, outcomes=None
    )
