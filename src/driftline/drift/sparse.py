"""What few rows in a cell do to a distance: corrections by the expected count of the cell, each near 1 where cells are well filled.

A distance is to first order a sum of squared differences; in a cell that expects a row or two it is not, and its mean without a change is
another. Each correction is that mean for a Poisson count, divided by its first-order value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from driftline.drift.tails import log_gamma

Floats = NDArray[np.float64]

MOST = 100.0
"""From here on the first order is good enough: the corrections stay within one in a hundred of 1."""
STEPS = 160


def correction(shape: str, expected: Floats) -> Floats:
    """The correction for cells that expect so many rows: `js`, `hellinger`, `gap` (of |x - mean|), `log` and `entropy` (of the PSI).

    With ` spread` after the name it is that of the variance.
    """
    grid, values = _table(shape)
    return np.asarray(np.interp(np.log(np.maximum(expected, 1e-6)), grid, values))


@cache
def _table(shape: str) -> tuple[Floats, Floats]:
    """The logarithm of the expected count and the correction there, (STEPS,) each."""
    expected = np.geomspace(1e-6, MOST, STEPS)
    x = np.arange(MOST + 12 * math.sqrt(MOST))[None, :]
    e = expected[:, None]
    mass = np.exp(x * np.log(e) - e - log_gamma(x + 1))
    name, _, spread = shape.partition(" ")
    values = _SHAPES[name](x, e)
    mean = (mass * values).sum(axis=1)
    return np.log(expected), np.asarray((mass * (values - mean[:, None]) ** 2).sum(axis=1) / 2 if spread else mean)


def _js(x: Floats, e: Floats) -> Floats:
    ratio = x / e
    middle = (1 + ratio) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(ratio > 0, ratio * np.log(ratio / middle), 0.0)
    return np.asarray(4 * e * (own - np.log(middle)))


_SHAPES: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "js": _js,
    "hellinger": lambda x, e: np.asarray(4 * e * (1 - np.sqrt(x / e)) ** 2),
    "gap": lambda x, e: np.asarray(np.abs(x - e) / np.sqrt(2 * e / math.pi)),
    "log": lambda x, e: np.asarray((np.log(e + 0.5) - np.log(x + 0.5)) * (2 * e + 1)),
    "entropy": lambda x, e: np.asarray(2 * ((x + 0.5) * np.log(x + 0.5) - (e + 0.5) * np.log(e + 0.5))),
}
