"""The decision rate: the share of scores at or above the decision threshold, which is what a score is for."""

from __future__ import annotations

import numpy as np

from driftline.drift.floors import LEAST_CHANGE, RATE, rate_effect
from driftline.drift.rates import rate_p
from driftline.drift.tested import Test
from driftline.profiles.counting import ABOVE, FAR_ABOVE, FAR_BELOW, POS_INF, SPECIAL
from driftline.profiles.profile import Profile


def decision_test(reference: Profile, current: Profile, position: int, threshold: float, floor: str) -> Test:
    """The test of the decision rate. The threshold is one of the column's edges, so the rate is exact; outside them it is 0 or 1."""
    (x, n), (r, m) = (decisions(profile, position, threshold) for profile in (current, reference))
    value, before = x / n if n else 0.0, r / m if m else 0.0
    change = abs(float(rate_effect(np.array(value), np.array(before))))
    enough = change >= RATE[floor] and abs(value - before) >= LEAST_CHANGE
    return Test("decision_rate", value, float(rate_p(x, n, r, m)), enough, before, -1, (x, n, r, m))


def decisions(profile: Profile, position: int, threshold: float) -> tuple[int, int]:
    """Number of scores at or above the threshold, and number of scores."""
    cells = profile.counts[profile.schema.cells(position)]
    edges = np.array(profile.schema.columns[position].edges)
    first = int(np.searchsorted(edges[:-1], threshold, side="left"))
    above = int(cells[SPECIAL + first :].sum() + cells[ABOVE : FAR_ABOVE + 1].sum() + cells[POS_INF])
    if threshold <= edges[0]:
        above += 0 if threshold == edges[0] else int(cells[FAR_BELOW : ABOVE].sum())
    return above, int(cells[POS_INF:].sum())
