"""What a score is worth: the probability of the positive class by score, learned on labelled rows and applied to live score counts.

The live window is known by its prediction column alone, so everything here is per bin of that column. The expected outcomes of a window
are the labelled rows that its scores promise; every metric of the catalogue then reads them like real ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, SPECIAL
from driftline.profiles.labelled import Floats, Ints
from driftline.profiles.outcome_plan import ABOVE_ONE, OutcomePlan
from driftline.profiles.outcomes import Outcomes
from driftline.profiles.schema import FIRST_LEVEL, Column

EPSILON = float(np.finfo(np.float64).eps)
TENTHS, ROUNDS, GROUPS = 10, 2, 10
FEWEST = 1e-6
"""Fewer rows than this in a stretch of a bin are the rounding of none."""
WORDS = {"false": 0.0, "true": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """By score bin, [edges[i], edges[i + 1]) from 0 to just above 1: the mean `score` and the `probability` of the positive class, (bins,).

    `isotonic` says whether the probabilities were calibrated; if not they are the scores. `loss_gap` and `square_gap` are what reading
    a score by its bin takes from the mean log loss and squared error of the reference; they are given back to every estimate.
    """

    edges: Floats
    score: Floats
    probability: Floats
    isotonic: bool
    loss_gap: float = 0.0
    square_gap: float = 0.0

    def expected(self, rows: Floats, plan: OutcomePlan) -> Outcomes:
        """The labelled rows that (bins,) rows are expected to become. Their counts are expectations, so no whole numbers."""
        p, s = self.probability, np.clip(self.score, EPSILON, 1 - EPSILON)
        positive, negative = rows * p, rows * (1 - p)
        loss, square = np.stack([-np.log(1 - s), -np.log(s)]), np.stack([s, 1 - s]) ** 2
        weights = np.stack([negative, positive])
        total = rows.sum()
        sums = [
            np.sum(weights * loss) + total * self.loss_gap,
            np.sum(weights * loss**2),
            np.sum(weights * square) + total * self.square_gap,
            np.sum(weights * square**2),
            rows @ s**2,
            positive @ s,
        ]
        totals = np.array([round(total), 0, 0], np.int64)
        # Every metric and interval turns counts into floats before anything else, so expectations are as good as counts there.
        return Outcomes(replace(plan, edges=tuple(self.edges.tolist())), totals, np.array(sums), cast("Ints", weights), rows * self.score)


def fit_calibration(outcomes: Outcomes, column: Column) -> Calibration:
    """The probability of the positive class by bin of the prediction column, from labelled rows of both classes.

    Isotonic (pool adjacent violators) where `isotonic_pays`, else the mean score of the bin. A bin without labelled rows lies between
    its neighbours.
    """
    edges = score_edges(column, outcomes.plan)
    counts, sums = (_rebinned(outcomes.plan.edges, part, edges) for part in (outcomes.counts, outcomes.scores[None]))
    rows = counts.sum(axis=0)
    known = rows > FEWEST
    score = np.divide(sums[0], rows, out=(edges[:-1] + edges[1:]) / 2, where=known)
    score = np.clip(score, edges[:-1], np.minimum(edges[1:], 1.0))
    pays = isotonic_pays(outcomes)
    probability = score
    if pays:
        fitted = isotonic(counts[1, known] / rows[known], rows[known])
        probability = np.interp(score, score[known], fitted)
    plain = Calibration(edges, score, probability, pays)
    return _without_gaps(plain, counts, outcomes)


def score_edges(column: Column, plan: OutcomePlan) -> Floats:
    """The score bins of a prediction column from 0 to just above 1, the decision threshold among them.

    A score that repeats heavily, and alone in its bin of the column, has a bin of its own: its rows are ties.
    """
    if column.is_numeric:
        alone = [_next(edge) for edge, point in zip(column.edges, column.points, strict=False) if point]
        inner = [edge for edge in (*column.edges, *(set(alone) & set(plan.edges))) if 0 < edge < ABOVE_ONE]
    else:
        values = [value for value in map(_as_score, column.levels) if value is not None]
        inner = [edge for value in values for edge in (value, _next(value))]
    threshold = [plan.threshold] if plan.threshold is not None else []
    return np.array(sorted({0.0, *inner, *threshold, ABOVE_ONE}))


def score_rows(column: Column, cells: Ints, edges: Floats) -> Floats:
    """The rows of each score bin, (bins,), from the cells of the prediction column; rows of an uncut stretch are spread evenly.

    Rows without a score, or with one outside [0, 1], are in no bin.
    """
    if column.is_numeric:
        below = cells[[BELOW, FAR_BELOW]].sum() if column.edges[0] > 0 else 0
        above = cells[[ABOVE, FAR_ABOVE]].sum() if column.edges[-1] < ABOVE_ONE else 0
        knots, stretches = [0.0, *column.edges, ABOVE_ONE], [below, *cells[SPECIAL:].tolist(), above]
        ties = set(edges.tolist())
        for i in range(len(column.edges) - 2, -1, -1):
            if (end := _next(column.edges[i])) in ties and end < column.edges[i + 1]:
                knots.insert(i + 2, end)
                stretches.insert(i + 2, 0)
        found: Floats = _rebinned(np.array(knots), np.array(stretches, np.float64)[None], edges)[0]
        return found
    rows = np.zeros(len(edges) - 1)
    for level, count in zip(column.levels, cells[FIRST_LEVEL:].tolist(), strict=True):
        if (value := _as_score(level)) is not None:
            rows[np.searchsorted(edges, value, side="right") - 1] += count
    return rows


def isotonic(values: Floats, weights: Floats) -> Floats:
    """The nondecreasing sequence nearest to `values` in weighted squares, by pooling adjacent violators. Weights are positive."""
    means: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, size = value, weight, 1
        while means and means[-1] >= mean:
            before = masses.pop()
            mean = (means.pop() * before + mean * mass) / (before + mass)
            mass += before
            size += sizes.pop()
        means.append(mean)
        masses.append(mass)
        sizes.append(size)
    return np.repeat(means, sizes)


def isotonic_pays(outcomes: Outcomes) -> bool:
    """Whether isotonic calibration, learned on nine tenths of the rows, lowers the calibration error of the last tenth.

    The error is Σ_g (Σ p - Σ y)² / variance of Σ y, over ten groups of about equally many rows by score. Squares, since unlike the absolute
    error (ECE) they need no allowance for the noise of the held rows, which is the same before and after; over the variance, so that ends
    where labels are nearly sure count too. Groups, since every estimate is a sum over many bins, where the noise of single bins cancels and
    a tilt does not. Nine tenths, since what is used is learned on all rows: half of them would make it look twice as noisy. Tenths are
    drawn by thinning the counts, seeded by them.
    """
    rows = outcomes.counts.sum(axis=0)
    used = rows > 0
    counts, score = outcomes.counts[:, used], outcomes.scores[used] / rows[used]
    middle = np.cumsum(rows[used]) - rows[used] / 2
    group = np.minimum((GROUPS * middle / outcomes.rows).astype(np.intp), GROUPS - 1)
    mass, positive = np.bincount(group, rows[used]), np.bincount(group, counts[1])
    share = (positive + 0.5) / (mass + 1)
    variance = np.where(mass > 0, mass * share * (1 - share) / TENTHS, 1.0)
    random = np.random.default_rng(zlib.crc32(outcomes.counts.tobytes()))
    gain = 0.0
    for _ in range(ROUNDS):
        left = counts
        for remaining in range(TENTHS, 0, -1):
            held = random.binomial(left, 1 / remaining)
            left = left - held
            taught = counts - held
            weight = taught.sum(axis=0)
            known = weight > 0
            if not known.any():
                continue
            fitted = np.interp(score, score[known], isotonic(taught[1, known] / weight[known], weight[known].astype(np.float64)))
            before, after = (np.bincount(group, held.sum(axis=0) * p - held[1]) for p in (score, fitted))
            gain += float(((before**2 - after**2) / variance).sum())
    return gain > 0


def _next(score: float) -> float:
    return float(np.nextafter(score, np.inf))


def _squares(counts: Ints, p: Floats) -> float:
    return float(counts[0] @ p**2 + counts[1] @ (1 - p) ** 2)


def _without_gaps(plain: Calibration, counts: Floats, outcomes: Outcomes) -> Calibration:
    """With the difference between the reference's exact mean losses and those read from bins."""
    s = np.clip(plain.score, EPSILON, 1 - EPSILON)
    rows = max(outcomes.rows, 1)
    loss = (outcomes.sum("loss") - float(counts[0] @ -np.log(1 - s) + counts[1] @ -np.log(s))) / rows
    square = (outcomes.sum("square") - _squares(cast("Ints", counts), plain.score)) / rows
    return replace(plain, loss_gap=loss, square_gap=square)


def _rebinned(knots: tuple[float, ...] | Floats, parts: Floats | Ints, edges: Floats) -> Floats:
    """Rows (kinds, len(knots) - 1) between knots as rows between other edges, spread evenly inside each stretch."""
    running = np.concatenate([np.zeros((len(parts), 1)), np.cumsum(parts, axis=1)], axis=1)
    return np.stack([np.diff(np.interp(edges, knots, each)) for each in running])


def _as_score(level: str) -> float | None:
    """The score that a level of a prediction column stands for, None where it is none."""
    try:
        value = WORDS.get(level.casefold()) if level.casefold() in WORDS else float(level)
    except ValueError:
        return None
    return value if value is not None and 0 <= value <= 1 else None


def to_arrays(calibration: Calibration) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Facts that JSON holds, and arrays."""
    facts = {"isotonic": calibration.isotonic, "loss_gap": calibration.loss_gap, "square_gap": calibration.square_gap}
    return facts, {name: getattr(calibration, name) for name in ("edges", "score", "probability")}


def from_arrays(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Calibration:
    """What `to_arrays` wrote."""
    return Calibration(
        arrays["edges"],
        arrays["score"],
        arrays["probability"],
        bool(facts["isotonic"]),
        float(facts["loss_gap"]),
        float(facts["square_gap"]),
    )
