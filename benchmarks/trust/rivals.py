"""The exact two-sample tests of scipy, each told where the change is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats
from worlds import Shift, Values


def ks(before: Values, now: Values, _shift: Shift) -> float:
    return float(stats.ks_2samp(before, now, method="asymp").pvalue)


def chi2(before: Values, now: Values, shift: Shift) -> float:
    """Two-sample contingency table over the values as they are; whole numbers that are rare in both are joined in the highest cell."""
    cells = int(max(before.max(), now.max())) + 1
    table = np.array([np.bincount(side.astype(np.intp), minlength=cells) for side in (before, now)])
    if shift.world == "poisson":
        kept = np.flatnonzero(table.sum(axis=0) >= 0.01 * len(before)).max() + 1
        table = np.concatenate([table[:, :kept], table[:, kept:].sum(axis=1, keepdims=True)], axis=1)
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False).pvalue)


def fisher(before: Values, now: Values, shift: Shift) -> float:
    (x, n), (r, m) = ((int(shift.event(side).sum()), len(side)) for side in (now, before))
    return float(stats.fisher_exact([[x, n - x], [r, m - r]]).pvalue)


def each(before: Values, now: Values, _shift: Shift) -> float:
    """Fisher's test of every level with Bonferroni's correction: which one changes is not known beforehand."""
    cells = int(max(before.max(), now.max())) + 1
    r, x = (np.bincount(side.astype(np.intp), minlength=cells) for side in (before, now))
    p = [stats.fisher_exact([[a, len(now) - a], [b, len(before) - b]]).pvalue for a, b in zip(x, r, strict=True)]
    return float(min(p)) * cells


RIVALS: Mapping[str, Callable[[Values, Values, Shift], float]] = {"ks": ks, "chi2": chi2, "fisher": fisher, "each level": each}
