"""Profile: what rows become. A few kilobytes of counts that merge by `+`.

Any split of the rows, in any order, on any machine gives equal counts. Sums of values agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import IncompatibleProfiles
from driftline.profiles.counting import FAR_BELOW
from driftline.profiles.levels import NO_EXAMPLES, Examples, merge_examples
from driftline.profiles.outcomes import Summary
from driftline.profiles.schema import Schema
from driftline.profiles.sketch import KeySketch

if TYPE_CHECKING:
    from driftline.profiles.schema import Column

NO_TIME = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)


@dataclass(frozen=True, eq=False)
class Profile:
    """The summary of some rows under one schema.

    counts: (cells,) int64, laid out by `Schema.cells`. moments: (numeric columns, 2), the sum and sum of squares of
    (x - center) / scale over finite values. extremes: (numeric columns, 2), least and greatest finite value, (inf, -inf) where there is
    none. seen: (columns,) whether the rows had that column at all. examples: per column of levels an example from each tail bucket.
    keys: per identifier column its sketch. outcomes: labelled predictions, where the schema says how. times: first and last event time
    in nanoseconds since 1970.
    """

    schema: Schema
    rows: int
    counts: NDArray[np.int64]
    moments: NDArray[np.float64]
    extremes: NDArray[np.float64]
    seen: NDArray[np.bool_]
    examples: Mapping[int, Examples] = field(default_factory=dict)
    keys: Mapping[int, KeySketch] = field(default_factory=dict)
    outcomes: Summary | None = None
    times: tuple[int, int] = NO_TIME

    def __post_init__(self) -> None:
        for array in (self.counts, self.moments, self.extremes, self.seen):
            array.flags.writeable = False

    @classmethod
    def zero(cls, schema: Schema) -> Profile:
        """The profile of no rows."""
        return cls(
            schema,
            0,
            np.zeros(int(schema.offsets[-1]), np.int64),
            np.zeros((len(schema.numeric), 2)),
            no_extremes(len(schema.numeric)),
            np.zeros(len(schema.columns), np.bool_),
        )

    def __add__(self, other: Profile) -> Profile:
        """The profile of both sets of rows. Raises `IncompatibleProfiles` where the schemas differ."""
        if self.schema.id != other.schema.id:
            raise IncompatibleProfiles(
                f"A profile made with schema {self.schema.id} cannot be added to one made with schema {other.schema.id}",
                hint="Profile the rows again with one schema.",
            )
        low, high = np.minimum(self.extremes[:, 0], other.extremes[:, 0]), np.maximum(self.extremes[:, 1], other.extremes[:, 1])
        return Profile(
            self.schema,
            self.rows + other.rows,
            self.counts + other.counts,
            self.moments + other.moments,
            np.stack([low, high], axis=1),
            self.seen | other.seen,
            {
                i: merge_examples(self.examples.get(i, NO_EXAMPLES), other.examples.get(i, NO_EXAMPLES))
                for i in self.examples.keys() | other.examples.keys()
            },
            {i: self.keys.get(i, KeySketch.zero()) + other.keys.get(i, KeySketch.zero()) for i in self.keys.keys() | other.keys.keys()},
            _both(self.outcomes, other.outcomes),
            (min(self.times[0], other.times[0]), max(self.times[1], other.times[1])),
        )

    def cells(self, name: str) -> NDArray[np.int64]:
        """The counts of one column."""
        return self.counts[self.schema.cells(self.schema.by_name[name])]

    def mean(self, row: int) -> float:
        """Mean of the finite values of the numeric column `schema.numeric[row]`, NaN where there are none."""
        count = self.finite(row)
        column = self._numeric(row)
        return column.center + column.scale * float(self.moments[row, 0]) / count if count else float("nan")

    def deviation(self, row: int) -> float:
        """Standard deviation of the finite values of the numeric column `schema.numeric[row]`, NaN where there are none."""
        count = self.finite(row)
        if not count:
            return float("nan")
        with np.errstate(over="ignore", invalid="ignore"):  # values far beyond the reference's may leave the floats
            first, second = self.moments[row] / count
            variance = float(second - first * first)
        return self._numeric(row).scale * math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.inf

    def centres(self) -> NDArray[np.float64]:
        """Mean and standard deviation of all numeric columns, (numeric columns, 2): as `mean` and `deviation` have them."""
        numbers = [self.schema.columns[position] for position in self.schema.numeric]
        if not numbers:
            return np.zeros((0, 2))
        places = [(cells.start + FAR_BELOW, cells.stop) for cells in map(self.schema.cells, self.schema.numeric)]
        counts = np.add.reduceat(np.append(self.counts, 0), np.array(places).ravel())[::2]
        center, scale = (np.array([getattr(column, name) for column in numbers]) for name in ("center", "scale"))
        known = counts > 0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mean = center + scale * self.moments[:, 0] / counts
            first, second = (self.moments / counts[:, None]).T
            variance = second - first * first
            spread = np.where(np.isfinite(variance), scale * np.sqrt(np.maximum(variance, 0.0)), np.inf)
        return np.where(known[:, None], np.stack([mean, spread], axis=1), np.nan)

    def finite(self, row: int) -> int:
        """Number of finite values of the numeric column `schema.numeric[row]`."""
        return int(self.counts[self.schema.cells(self.schema.numeric[row])][FAR_BELOW:].sum())

    def _numeric(self, row: int) -> Column:
        return self.schema.columns[self.schema.numeric[row]]


def no_extremes(count: int) -> NDArray[np.float64]:
    """Least and greatest of nothing, (count, 2)."""
    return np.tile(np.array([np.inf, -np.inf]), (count, 1))


def _both(left: Summary | None, right: Summary | None) -> Summary | None:
    if left is None or right is None:
        return left if right is None else right
    return left + right
