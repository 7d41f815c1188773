"""What the summaries of labelled predictions share: a plan, arrays that merge by `+`, and a way to and from a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import FormatError, IncompatibleProfiles
from driftline.profiles.labelled import Floats, Ints
from driftline.profiles.outcome_plan import OutcomePlan


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Labelled predictions as counts and sums. Every row is counted once: usable, without a label, or labelled without a prediction.

    Counts merge exactly, sums to rounding. Arrays are read-only.
    """

    TOTALS: ClassVar[tuple[str, ...]] = ("rows", "unlabelled", "unscored")
    SUMS: ClassVar[tuple[str, ...]] = ()

    plan: OutcomePlan
    totals: Ints
    sums: Floats

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in self.to_arrays().values():
            array.flags.writeable = False

    @classmethod
    def blank(cls, plan: OutcomePlan) -> dict[str, NDArray[Any]]:
        """The arrays of no rows at all, by field."""
        return {"totals": np.zeros(len(cls.TOTALS), np.int64), "sums": np.zeros(len(cls.SUMS))}

    @classmethod
    def zero(cls, plan: OutcomePlan) -> Self:
        """No rows."""
        return cls(plan, **cls.blank(plan))

    @classmethod
    def from_arrays(cls, plan: OutcomePlan, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `to_arrays` wrote. Raises `FormatError` for arrays that do not fit the plan."""
        blank = cls.blank(plan)
        for name, array in blank.items():
            if name not in arrays or arrays[name].shape != array.shape or arrays[name].dtype != array.dtype:
                raise FormatError(f"The stored outcomes do not fit their plan in '{name}'", hint="Write the profile again from its rows.")
        return cls(plan, **{name: arrays[name].copy() for name in blank})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by field: int64 counts and float64 sums."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "plan"}

    def __add__(self, other: Self) -> Self:
        """The summary of both lots of rows. Raises `IncompatibleProfiles` where the plans differ."""
        if type(other) is not type(self) or (self.plan is not other.plan and self.plan != other.plan):
            raise IncompatibleProfiles(
                "Two summaries of labelled predictions were made with different plans", hint="Profile both tables with the same reference."
            )
        mine, theirs = self.to_arrays(), other.to_arrays()
        return type(self)(self.plan, **{name: self.merge(name)(mine[name], theirs[name]) for name in mine})

    @staticmethod
    def merge(name: str) -> np.ufunc:
        """How the arrays of a field are put together."""
        return np.maximum if name == "extremes" else np.add

    def total(self, name: str) -> int:
        """One of the counts in `TOTALS`."""
        return int(self.totals[self.TOTALS.index(name)])

    def sum(self, name: str) -> float:
        """One of the sums in `SUMS`."""
        return float(self.sums[self.SUMS.index(name)])

    @property
    def rows(self) -> int:
        """Rows with a label and a prediction."""
        return int(self.totals[0])

    @property
    def unlabelled(self) -> int:
        """Rows without a label."""
        return int(self.totals[1])

    @property
    def unscored(self) -> int:
        """Rows with a label and no prediction."""
        return int(self.totals[2])
