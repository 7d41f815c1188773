"""The decision rate: the share of scores at or above the decision threshold, which is what a score is for."""

from __future__ import annotations

import numpy as np

from driftline.drift.floors import Floor
from driftline.drift.result import Result
from driftline.drift.tested import rate
from driftline.profiles.counting import ABOVE, FAR_ABOVE, FAR_BELOW, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.profile import Profile


def decision_test(reference: Profile, current: Profile, position: int, threshold: float, floor: Floor) -> Result:
    """The test of the decision rate. The threshold is one of the column's edges, so the rate is exact; outside them it is 0 or 1."""
    (x, n), (r, m) = (decisions(profile, position, threshold) for profile in (current, reference))
    return rate("decision_rate", (x, n, r, m), floor)


def decisions(profile: Profile, position: int, threshold: float) -> tuple[int, int]:
    """Number of scores at or above the threshold, and number of scores."""
    cells = profile.counts[profile.schema.cells(position)]
    edges = np.array(profile.schema.columns[position].edges)
    first = int(np.searchsorted(edges[:-1], threshold, side="left"))
    above = int(cells[SPECIAL + first :].sum() + cells[ABOVE : FAR_ABOVE + 1].sum() + cells[POS_INF])
    if threshold <= edges[0]:
        above += 0 if threshold == edges[0] else int(cells[FAR_BELOW:ABOVE].sum())
    return above, int(cells[NEG_INF:].sum())


def near_share(profile: Profile, position: int, threshold: float, near: float) -> tuple[float, int]:
    """The share of scores in [threshold - near, threshold + near), and the number of scores. Rows of a bin are taken to be spread evenly
    over it, so the share is off by at most the mass of the two bins at its ends."""
    cells = profile.counts[profile.schema.cells(position)]
    n = int(cells[NEG_INF:].sum())
    edges = np.array(profile.schema.columns[position].edges)
    low, high = threshold - near, threshold + near
    width = np.maximum(np.diff(edges), np.finfo(np.float64).tiny)
    inside = np.clip((np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)) / width, 0.0, 1.0)
    return (float((cells[SPECIAL:] * inside).sum()) / n if n else 0.0), n
