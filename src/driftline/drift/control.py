"""Control charts: the largest score of a window for jumps (Shewhart 1931), and the two-sided cumulative sum for small shifts that stay.

The sum takes from every score its allowance of a half and never falls below zero (Page 1954): it grows under a lasting shift from a half
on, and comes back by itself when all is well. One score adds no more than six, since a single wild window is the other chart's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

ALLOWANCE = 0.5
MOST = 6.0
MEMORY = 30
"""Windows over which sums are taken. Older ones are forgotten, so that a sum depends on the last windows alone."""


def accumulated(series: Scores) -> tuple[Scores, Scores]:
    """The sums of both sides over the last 30 windows: `series` is (windows, signals), oldest first; each (signals,)."""
    upper, lower = np.zeros(series.shape[1:], np.float32), np.zeros(series.shape[1:], np.float32)
    for scores in np.clip(series[-MEMORY:], -MOST, MOST):
        np.maximum(upper + (scores - ALLOWANCE), 0.0, out=upper)
        np.maximum(lower - (scores + ALLOWANCE), 0.0, out=lower)
    return upper, lower


class Memory:
    """The larger of both sums of the last 30 windows as windows come in one by one, without adding 30 of them up each time.

    A sum that never falls below zero is the plain sum less the least plain sum since it began. That least is kept for the current stretch
    of 30 windows and, from every window on, for the stretch before (van Herk 1992).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.at = 0
        self.plain = np.zeros((2, *shape), np.float32)
        self.begun = np.zeros((MEMORY, 2, *shape), np.float32)
        self.before = np.full((MEMORY + 1, 2, *shape), np.inf, np.float32)
        self.least = np.full((2, *shape), np.inf, np.float32)

    def after(self, scores: Scores) -> Scores:
        """The larger sum of each signal after one more window."""
        if self.at == MEMORY:
            self.before[:-1] = np.minimum.accumulate(self.begun[::-1], axis=0)[::-1] - self.plain
            self.plain[:], self.least[:], self.at = 0.0, np.inf, 0
        self.begun[self.at] = self.plain
        np.minimum(self.least, self.plain, out=self.least)
        capped = np.clip(scores, -MOST, MOST)
        self.plain[0] += capped - ALLOWANCE
        self.plain[1] -= capped + ALLOWANCE
        self.at += 1
        sums = self.plain - np.minimum(self.least, self.before[self.at])
        return np.asarray(np.maximum(sums, 0.0).max(axis=0))
