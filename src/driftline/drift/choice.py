"""Which measure tells the story of a column, and why. The rules of the plan, applied to what the reference holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.counting import SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind

HEAVY = 0.05
FEW_LEVELS = 50


def measure_of(column: Column) -> str:
    """The name of the measure alone."""
    if column.is_numeric:
        two = column.kind is Kind.INTEGER and column.coarse[-1] == 1
        return "changed_rate" if column.kind is Kind.CONSTANT else "level_rate" if two else "psi"
    if column.is_levels:
        return "changed_rate" if column.kind is Kind.CONSTANT else "level_rate" if len(column.levels) == 2 else "js"
    return "missing_rate"


def choose_measure(reference: Profile, position: int) -> tuple[str, str]:
    """The name of the measure and the reason, for the column at `position` of the schema."""
    column = reference.schema.columns[position]
    cells = reference.counts[reference.schema.cells(position)]
    if column.is_numeric:
        values = np.bincount(column.coarse, weights=cells[SPECIAL:])
        return _for_numbers(column.kind, values, np.array(column.points), cells[SPECIAL:], np.array(column.edges))
    if column.is_levels:
        return _for_levels(column.kind, cells[FIRST_LEVEL:], len(column.levels))
    reasons = {
        Kind.DATETIME: "times move on by themselves, so only missing values are judged",
        Kind.IDENTIFIER: "identifiers never repeat a distribution, so only missing and duplicate values are judged",
        Kind.TEXT: "free text has no levels to compare, so only missing values are judged",
        Kind.EMPTY: "the reference has no value here, so only missing values are judged",
    }
    return "missing_rate", reasons.get(column.kind, "values with parts are not compared, so only missing values are judged")


def _for_numbers(kind: Kind, groups: NDArray[Any], points: NDArray[Any], bins: NDArray[Any], edges: NDArray[Any]) -> tuple[str, str]:
    total = max(float(groups.sum()), 1.0)
    if kind is Kind.CONSTANT:
        return "changed_rate", "constant in the reference, so the rate of any other value is compared"
    if kind is Kind.INTEGER and len(groups) == 2:
        return "level_rate", "two values, so the rate of the rarer one is compared; PSI is blind to rare values"
    if kind is Kind.INTEGER:
        return "psi", f"{len(groups)} whole numbers, so PSI over the values"
    heavy = np.flatnonzero(points & (bins >= HEAVY * total))
    if len(heavy):
        atom = int(heavy[np.argmax(bins[heavy])])
        return "psi", f"{bins[atom] / total:.0%} of the reference is exactly {edges[atom]:g}, so PSI with that value in a bin of its own"
    return "psi", f"continuous, so PSI over {len(groups)} groups cut at the deciles of the reference"


def _for_levels(kind: Kind, levels: NDArray[Any], count: int) -> tuple[str, str]:
    share = float(levels.min() / max(levels.sum(), 1)) if len(levels) else 0.0
    if kind is Kind.CONSTANT:
        return "changed_rate", "constant in the reference, so the rate of any other level is compared"
    if count == 2:
        rare = " (a rare flag: PSI is blind to it)" if share < HEAVY else ""
        return "level_rate", f"two levels, so the rate of the rarer one is compared{rare}"
    if count <= FEW_LEVELS:
        return "js", f"{count} levels, so the Jensen-Shannon distance, and the rate of unseen levels"
    return (
        "js",
        f"{count:,} levels, so the Jensen-Shannon distance over the most frequent with the rest together, and the rate of unseen levels",
    )
