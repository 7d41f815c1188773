"""How much the quality of a model differs from window to window when nothing is wrong, learned from the windows of its reference.

A model is not equally right every week: a week of storms is harder than a calm one, and inside one week there is less to tell apart than
over a season. So a window is held against what windows of its length showed in the reference. The slack of a metric is how far beyond the
pooled value such windows go without a change: the distance of their mean, and Student's quantile of their spread beyond sampling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from statistics import NormalDist

from driftline.performance.intervals import interval, student
from driftline.performance.step import HEADLINES, METRICS, PerformanceSpec, better, tolerated_loss
from driftline.profiles.outcomes import Summary

WIDTHS = (1, 2, 4, 8, 16, 32)
"""Windows that are joined to one, as an evaluation joins them until the rows suffice."""
FEWEST = 6
"""Joined windows from which their spread is known well enough to speak of."""
CHANCE = 0.01

Slacks = Mapping[str, Mapping[int, float]]
"""By metric and number of joined windows, in the unit of the metric."""


def learn_slacks(pooled: Summary | None, history: Sequence[Summary | None], spec: PerformanceSpec) -> Slacks:
    """The slack of each headline metric. `history` are the labelled rows of consecutive windows of the reference, `pooled` those of all."""
    if pooled is None:
        return {}
    found: dict[str, dict[int, float]] = {}
    for metric in spec.headline or HEADLINES[pooled.plan.task]:
        whole = METRICS[metric](pooled)
        for width in WIDTHS if whole is not None else ():
            groups = [history[i : i + width] for i in range(0, len(history) - width + 1, width)]
            joined = [reduce(add, [one for one in group if one is not None]) for group in groups if any(one is not None for one in group)]
            slack = _slack(metric, whole, [one for one in joined if one.rows >= spec.least_rows]) if whole is not None else None
            if slack is not None:
                found.setdefault(metric, {})[width] = slack
    return found


def with_slack(spec: PerformanceSpec, slacks: Slacks, reference: Summary | None, width: int) -> PerformanceSpec:
    """The spec with tolerated losses for windows of this width: the loss that is tolerated anyway, and the slack on top."""
    if reference is None or not slacks:
        return spec
    tolerated = dict(spec.tolerated)
    for metric, by_width in slacks.items():
        loss = tolerated_loss(metric, reference, spec)
        fitting = [known for known in by_width if known <= width] or list(by_width)
        if loss is not None:
            tolerated[metric] = loss + by_width[max(fitting)]
    return spec.but(tolerated=tolerated)


def _slack(metric: str, whole: float, windows: Sequence[Summary]) -> float | None:
    """How far windows of one length go beyond the pooled value on the bad side, None where there are too few to tell."""
    pairs = [(value, interval(METRICS[metric], one)) for one in windows if (value := METRICS[metric](one)) is not None]
    known = [(value, (ends[1] - ends[0]) / (2 * Z)) for value, ends in pairs if ends is not None]
    if len(known) < FEWEST:
        return None
    values = [value for value, _ in known]
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    sampling = sum(error**2 for _, error in known) / len(known)
    wide = student(NormalDist().inv_cdf(1 - CHANCE), len(known) - 1) * math.sqrt(max(spread - sampling, 0.0) * (1 + 1 / len(known)))
    down, up = whole - (mean - wide), (mean + wide) - whole
    direction = better(metric)
    return max(0.0, *([down] if direction != "lower" else []), *([up] if direction != "higher" else []))


Z = NormalDist().inv_cdf(0.975)
