"""How the bins of a numeric column are chosen from its reference.

The bins belong to the reference: about 256 of equal mass, so that distances between distributions are sharp where the reference has
rows, the deciles among them, and a bin of its own for every value that repeats heavily. A coarser grouping of the same bins, about ten
groups, serves the distances that are noisy over many bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

HEAVY = 0.05
SLIVER = 0.02


@dataclass(frozen=True, eq=False, slots=True)
class Bins:
    """Bin i is the half-open interval [edges[i], edges[i + 1]); its coarse group is coarse[i]."""

    edges: Floats
    coarse: Indices


@dataclass(frozen=True, eq=False, slots=True)
class Atoms:
    """The values that repeat heavily: each fills the interval [lower, upper) of the sample alone; mass is its share of the rows."""

    lower: Floats
    upper: Floats
    mass: Floats


def choose_bins(
    sample: Floats, *, lowest: float, highest: float, required: Sequence[float] = (), fine: int = 256, each_value: bool = False
) -> Bins:
    """The bins of a column whose finite reference values are `sample`, sorted: all of them or a sample of them.

    `lowest` and `highest` are the extremes of the whole reference: bins cover exactly [lowest, highest]. `required` values, such as a
    decision threshold, become edges where they lie inside. `fine` is the number of equal masses, rounded up to a multiple of ten so that
    the deciles are among the edges; there are never more bins than that and one for each required value. With `each_value` every
    distinct value has a bin and a coarse group of its own. Raises ValueError for an empty sample.
    """
    if len(sample) == 0:
        raise ValueError("bins are chosen from at least one finite value")
    ordered = sample + 0.0  # -0.0 becomes 0.0
    lowest, highest = min(lowest, float(ordered[0])) + 0.0, max(highest, float(ordered[-1])) + 0.0
    top = math.nextafter(highest, math.inf)
    wanted = np.array([value for value in required if lowest < value <= highest], dtype=np.float64)
    if each_value:
        starts = np.union1d(ordered, [lowest, highest])
        return grouped(np.union1d(np.append(starts, top), wanted), starts)
    levels = 10 * math.ceil(fine / 10)
    plain = quantiles(ordered, levels)
    deciles = quantiles(ordered, 10)
    atoms = find_atoms(ordered, highest=highest, above=2 / levels)
    must = np.unique(np.concatenate([[lowest, top], deciles, atoms.lower, atoms.upper, wanted]))
    edges = np.union1d(must, plain)
    return grouped(edges, coarse_starts(ordered, lowest, top, deciles, atoms))


def quantiles(ordered: Floats, parts: int) -> Floats:
    """The values that cut the rows into equal parts, as values of the sample."""
    return ordered[np.arange(1, parts) * len(ordered) // parts]


def find_atoms(ordered: Floats, *, highest: float, above: float) -> Atoms:
    """The repeated values with more than the share `above` of the rows.

    With `above` two quantile levels, an atom swallows at least two quantile edges for the two edges it brings, so that atoms never raise
    the number of bins.
    """
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.append(first, len(ordered)))
    values = ordered[first]
    heavy = np.flatnonzero((counts > 1) & (counts > above * len(ordered)))
    following = np.append(values[1:], highest if highest > values[-1] else math.nextafter(highest, math.inf))
    return Atoms(values[heavy], following[heavy], counts[heavy] / len(ordered))


def coarse_starts(ordered: Floats, lowest: float, top: float, deciles: Floats, atoms: Atoms) -> Floats:
    """Where coarse groups start: at the deciles, with every heavy atom alone.

    A decile that would leave a sliver of rows between itself and an atom is left out.
    """
    heavy = atoms.mass >= HEAVY
    alone = np.concatenate([atoms.lower[heavy], atoms.upper[heavy]])
    fixed = np.searchsorted(ordered, alone)
    gaps = np.abs(np.searchsorted(ordered, deciles)[:, None] - fixed[None, :])
    sliver = ((gaps < SLIVER * len(ordered)) & (deciles[:, None] != alone[None, :])).any(axis=1)
    starts = np.unique(np.concatenate([[lowest], deciles[~sliver], alone]))
    return starts[starts < top]


def grouped(edges: Floats, starts: Floats) -> Bins:
    """Bins with the coarse group that each lies in."""
    return Bins(edges, np.searchsorted(starts, edges[:-1], side="right") - 1)
