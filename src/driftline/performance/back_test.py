"""How far estimates were from what came true, once the labels were there: the back-test that stands beside every estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftline.performance.intervals import student

SIGMAS = math.sqrt(math.pi / 2)
"""Standard deviations in a mean absolute error of normal errors."""
FEWEST = 3
"""Matured windows below which a back-test neither refuses nor widens anything."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """Estimated against realised values of one metric over `windows` matured windows.

    `error`: mean |estimated - realised|. `bias`: mean of estimated - realised, `spread` its standard deviation. `rows`: the harmonic mean
    of the windows' labelled rows, so that the sampling variance of a usual window is that of one with so many.
    """

    error: float
    bias: float
    spread: float
    windows: int
    rows: float

    @property
    def conclusive(self) -> bool:
        """Whether there are windows enough to go by."""
        return self.windows >= FEWEST

    def half_width(self, sampling: float, n: int, z: float) -> float:
        """What the estimator's own error adds to an interval of half-width `sampling` on n rows: seen error less what sampling explains.

        Squares add up, so that for windows of the usual size the whole is the larger of the two. Student's quantile answers for few
        windows.
        """
        if not self.conclusive:
            return 0.0
        seen = student(z, self.windows) * SIGMAS * self.error
        explained = sampling**2 * n / self.rows if self.rows else 0.0
        return math.sqrt(max(seen**2 - explained, 0.0))

    def shift(self, z: float) -> float:
        """How far from 0 the bias surely is: |bias| less z standard errors, at least 0."""
        if not self.conclusive:
            return 0.0
        return max(abs(self.bias) - student(z, self.windows - 1) * self.spread / math.sqrt(self.windows), 0.0)

    def __str__(self) -> str:
        return f"off by {self.error:.2g} on average over {self.windows} matured windows (bias {self.bias:+.2g})"


BackTests = Mapping[str, BackTest]
"""By metric."""


def back_test(pairs: Sequence[tuple[float, float, int]]) -> BackTest:
    """The back-test of (estimated, realised, labelled rows) of matured windows, those that are finite and rest on rows."""
    usable = [(guess, truth, n) for guess, truth, n in pairs if math.isfinite(guess) and math.isfinite(truth) and n > 0]
    if not usable:
        return BackTest(0.0, 0.0, 0.0, 0, 0.0)
    count = len(usable)
    errors = [guess - truth for guess, truth, _ in usable]
    bias = math.fsum(errors) / count
    spread = math.sqrt(math.fsum((error - bias) ** 2 for error in errors) / (count - 1)) if count > 1 else 0.0
    rows = count / math.fsum(1 / n for _, _, n in usable)
    return BackTest(math.fsum(map(abs, errors)) / count, bias, spread, count, rows)
