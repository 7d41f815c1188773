"""DriftSpec: what users may set about drift."""

from __future__ import annotations

from collections.abc import Mapping

from driftline.core.spec import Field, Spec


class DriftSpec(Spec):
    """`alpha`: probability that a table without any change shows a drifted column. `importance`: share of importance by column name;
    a column without one counts as normal. `least_rows`: below this a column of which only missing values are known is not judged."""

    alpha: float = Field(default=0.01, gt=0.0, lt=0.5)
    importance: Mapping[str, float] = {}
    least_rows: int = Field(default=30, ge=1)

    def standing(self, name: str) -> float | None:
        """Share of the total importance, or None where nothing is known about the column."""
        total = sum(self.importance.values())
        return self.importance[name] / total if name in self.importance and total > 0 else None
