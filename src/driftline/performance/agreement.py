"""Agreement of decided and true classes, as functions of the margins of a confusion table.

All of them follow scikit-learn: a class counts where it is true or decided at least once, and a class without any hit counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margins:
    """Rows by class, three times (classes,): decided rightly, true, and decided."""

    right: Floats
    true: Floats
    decided: Floats

    @classmethod
    def of(cls, matrix: NDArray[np.int64] | Floats) -> Margins:
        """The margins of a table of rows by true and decided class. Classes that never occur are left out."""
        table = matrix.astype(np.float64)
        seen = (table.sum(axis=0) + table.sum(axis=1)) > 0
        table = table[np.ix_(seen, seen)]
        return cls(np.diagonal(table).copy(), table.sum(axis=1), table.sum(axis=0))


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """One class against the rest: its true rows, precision, recall and F1; None where there is nothing to divide by."""

    name: str
    rows: int
    precision: float | None
    recall: float | None
    f1: float | None


def by_class(matrix: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassQuality, ...]:
    """Every class by itself, from a table of rows by true and decided class whose first rows and columns are `classes`."""
    right, true, decided = (array.tolist() for array in (np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)))
    return tuple(
        ClassQuality(
            name,
            true[k],
            right[k] / decided[k] if decided[k] else None,
            right[k] / true[k] if true[k] else None,
            2 * right[k] / (true[k] + decided[k]) if true[k] + decided[k] else None,
        )
        for k, name in enumerate(classes)
    )


def mean_recall(margins: Margins) -> float | None:
    """Recall averaged over the classes that are true at least once."""
    found = margins.true > 0
    return float(np.mean(margins.right[found] / margins.true[found])) if found.any() else None


def mean_precision(margins: Margins) -> float | None:
    """Precision averaged over all classes seen."""
    return _mean(_shares(margins.right, margins.decided))


def mean_sensitivity(margins: Margins) -> float | None:
    """Recall averaged over all classes seen."""
    return _mean(_shares(margins.right, margins.true))


def mean_f1(margins: Margins) -> float | None:
    """F1 averaged over all classes seen."""
    return _mean(_shares(2 * margins.right, margins.true + margins.decided))


def positive_f1(margins: Margins) -> float | None:
    """F1 of the last class; None where it is neither true nor decided."""
    if len(margins.true) == 0 or margins.true[-1] + margins.decided[-1] == 0:
        return None
    return float(2 * margins.right[-1] / (margins.true[-1] + margins.decided[-1]))


def matthews(margins: Margins) -> float | None:
    """Correlation of decided and true class; None where one of the two is constant."""
    rows = margins.true.sum()
    spread_decided = rows**2 - np.dot(margins.decided, margins.decided)
    spread_true = rows**2 - np.dot(margins.true, margins.true)
    if spread_decided <= 0 or spread_true <= 0:
        return None
    return float((margins.right.sum() * rows - np.dot(margins.true, margins.decided)) / np.sqrt(spread_decided) / np.sqrt(spread_true))


def _shares(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _mean(shares: Floats) -> float | None:
    return float(np.mean(shares)) if len(shares) else None
