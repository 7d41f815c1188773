"""Made-up columns with a known truth: what stays as it was, and what is changed on purpose.

A world draws the values of one column; a shift draws them after a planted change. Numbers come as floats (NaN is a null), levels as codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rng = np.random.Generator
Values = NDArray[Any]
Draw = Callable[[Rng, int], Values]


@dataclass(frozen=True)
class World:
    """One kind of column. `levels`: number of levels, 0 for numbers."""

    draw: Draw
    levels: int = 0
    whole: bool = False

    def array(self, values: Values) -> pa.Array:
        if self.levels:
            return pa.DictionaryArray.from_arrays(pa.array(values), pa.array([f"level {i:03d}" for i in range(self.levels)]))
        if self.whole:
            return pa.array(values.astype(np.int64))
        nulls = np.isnan(values)
        return pa.array(values, mask=nulls) if nulls.any() else pa.array(values)


@dataclass(frozen=True)
class Shift:
    """A planted change of a world.

    `rival` is the exact test it is compared with: `ks`, `chi2`, `fisher` (on the rate of `event`) or `each level`.
    """

    world: str
    draw: Draw
    rival: str
    event: Callable[[Values], NDArray[np.bool_]] = np.isnan


def from_shares(shares: Sequence[float] | NDArray[Any]) -> Draw:
    bounds = np.cumsum(shares) / np.sum(shares)
    return lambda rng, n: np.minimum(np.searchsorted(bounds, rng.random(n)), len(bounds) - 1).astype(np.int32)


def zero_inflated(zeros: float) -> Draw:
    return lambda rng, n: np.where(rng.random(n) < zeros, 0.0, np.exp(rng.standard_normal(n)))


def with_nulls(share: float) -> Draw:
    return lambda rng, n: np.where(rng.random(n) < share, np.nan, rng.standard_normal(n))


def filled(draw: Draw, share: float, value: float) -> Draw:
    return lambda rng, n: np.where(rng.random(n) < share, value, draw(rng, n))


def poisson(rate: float) -> Draw:
    return lambda rng, n: rng.poisson(rate, n).astype(np.float64)


def normal(mean: float = 0.0, spread: float = 1.0) -> Draw:
    return lambda rng, n: mean + spread * rng.standard_normal(n)


def lognormal(mean: float = 0.0) -> Draw:
    return lambda rng, n: np.exp(mean + rng.standard_normal(n))


def zipf(levels: int) -> NDArray[np.float64]:
    shares = 1 / np.arange(1, levels + 1)
    return np.asarray(shares / shares.sum())


def swayed(shares: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """Every other level more, the ones between less, by a factor."""
    moved = shares * np.where(np.arange(len(shares)) % 2 == 0, 1 + by, 1 - by)
    return np.asarray(moved / moved.sum())


def moved(shares: NDArray[np.float64], share: float, source: int, target: int) -> NDArray[np.float64]:
    """A part of all rows goes from one level to another."""
    after = shares.copy()
    after[source] -= share
    after[target] += share
    return after


RARE = np.array([0.30, 0.20, 0.15, 0.12, 0.10, 0.07, 0.05, 0.01])
TRIPLED = np.append(RARE[:-1] * 0.97 / 0.99, 0.03)
FLAG = np.array([0.98, 0.02])

WORLDS: Mapping[str, World] = {
    "normal": World(normal()),
    "lognormal": World(lognormal()),
    "poisson": World(poisson(4.0), whole=True),
    "zero-inflated": World(zero_inflated(0.6)),
    "5 levels": World(from_shares(np.ones(5)), 5),
    "5 levels zipf": World(from_shares(zipf(5)), 5),
    "20 levels": World(from_shares(np.ones(20)), 20),
    "20 levels zipf": World(from_shares(zipf(20)), 20),
    "100 levels": World(from_shares(np.ones(100)), 100),
    "100 levels zipf": World(from_shares(zipf(100)), 100),
}
"""Without a change; a mixed table has them in turn."""

OTHERS: Mapping[str, World] = {
    "rare level": World(from_shares(RARE), 8),
    "flag": World(from_shares(FLAG), 2),
    "nulls": World(with_nulls(0.01)),
    "positive": World(normal(10.0, 2.0)),
}
"""Worlds that shifts and faults start from."""

SHIFTS: Mapping[str, Shift] = {
    "mean +0.5 sd": Shift("normal", normal(0.5), "ks"),
    "scale x1.5": Shift("normal", normal(0.0, 1.5), "ks"),
    "30 % at the median": Shift("normal", filled(normal(), 0.3, 0.0), "ks"),
    "lognormal, log mean +0.5": Shift("lognormal", lognormal(0.5), "ks"),
    "poisson rate 4 to 5": Shift("poisson", poisson(5.0), "chi2"),
    "zero share 60 to 75 %": Shift("zero-inflated", zero_inflated(0.75), "fisher", lambda values: values == 0),
    "20 levels, 10 % of rows move": Shift("20 levels zipf", from_shares(moved(zipf(20), 0.10, 0, 2)), "chi2"),
    "20 levels, each +-35 %": Shift("20 levels", from_shares(swayed(np.ones(20), 0.35)), "chi2"),
    "100 levels, each +-50 %": Shift("100 levels", from_shares(swayed(np.ones(100), 0.5)), "chi2"),
    "100 levels zipf, each +-50 %": Shift("100 levels zipf", from_shares(swayed(zipf(100), 0.5)), "chi2"),
    "rare level 1 to 3 %": Shift("rare level", from_shares(TRIPLED), "each level"),
    "flag 2 to 6 %": Shift("flag", from_shares([0.94, 0.06]), "fisher", lambda values: values == 1),
    "nulls 1 to 6 %": Shift("nulls", with_nulls(0.06), "fisher"),
}

FAULTS: Mapping[str, tuple[str, Draw, str]] = {
    "70 % nulls": ("normal", filled(normal(), 0.7, np.nan), "missing"),
    "50 % infinities": ("normal", filled(normal(), 0.5, np.inf), "infinite"),
    "all null": ("normal", lambda _, n: np.full(n, np.nan), "missing"),
    "all null, levels": ("5 levels", lambda _, n: np.full(n, -1, np.int32), "missing"),
    "constant": ("normal", lambda _, n: np.full(n, 0.25), "constant"),
    "lognormal x1000": ("lognormal", lambda rng, n: 1000 * lognormal()(rng, n), "unit_change"),
    "lognormal x0.001": ("lognormal", lambda rng, n: lognormal()(rng, n) / 1000, "unit_change"),
    "lognormal x1.609": ("lognormal", lambda rng, n: 1.609344 * lognormal()(rng, n), "unit_change"),
    "lognormal x60": ("lognormal", lambda rng, n: 60 * lognormal()(rng, n), "unit_change"),
    "positive normal x1000": ("positive", normal(10_000.0, 2000.0), "unit_change"),
    "positive normal x0.001": ("positive", normal(0.01, 0.002), "unit_change"),
    "positive normal x1.609": ("positive", normal(16.09344, 3.218688), "unit_change"),
    "positive normal x60": ("positive", normal(600.0, 120.0), "unit_change"),
    "rare level 1 to 3 %": ("rare level", from_shares(TRIPLED), "level"),
}
"""World, what it becomes, and the kind of finding that names it."""

PLAIN_DRIFT: Mapping[str, tuple[str, Draw]] = {
    "normal +0.5 sd": ("normal", normal(0.5)),
    "normal +2 sd": ("normal", normal(2.0)),
    "positive normal +0.5 sd": ("positive", normal(11.0, 2.0)),
    "positive normal +1.5 sd": ("positive", normal(13.0, 2.0)),
    "positive normal +3 sd": ("positive", normal(16.0, 2.0)),
    "lognormal, log mean +0.3": ("lognormal", lognormal(0.3)),
    "lognormal, log mean +0.6": ("lognormal", lognormal(0.6)),
    "lognormal, log mean +1.1": ("lognormal", lognormal(1.1)),
    "lognormal, log mean +2": ("lognormal", lognormal(2.0)),
    "lognormal + 1": ("lognormal", lambda rng, n: 1 + lognormal()(rng, n)),
}
"""Changes that are no change of unit."""
