"""How wrong a model is where: the expected loss of a row as a sum of one effect per column, each a function of the cell of its value.

Because it is a sum over columns, its mean over any rows needs only how many rows each cell has: a profile. Fitted by penalised least
squares on cells of the reference: effects of neighbouring bins are drawn together, those of levels towards none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driftline.profiles.cells import LossSample
from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, SPECIAL
from driftline.profiles.labelled import Floats, Index, Ints
from driftline.profiles.schema import FIRST_LEVEL, Column, Schema

CUTS = (0.005, 0.01, 0.02, *(round(0.05 * step, 2) for step in range(1, 20)), 0.98, 0.99, 0.995)
"""Shares of the rows at which the bins of a numeric column are cut into groups: finer at the ends, where live rows may be more."""
FEWEST = 30
"""A level or special cell with fewer rows has no effect of its own."""
MOST_COLUMNS = 24
FOLDS = 5
PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)
"""In rows: an effect seen in as many rows as the penalty is halved."""
RIDGE = 5.0
SURE = 3.0
"""Standard errors by which the model has to beat the constant out of sample."""
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class LossModel:
    """The expected loss of a row is `base` + Σ `effects[cell]` over its columns, effects being 0 in the mean over the fit rows.

    `effects`: (cells of the schema,). `spread`: root mean squared error of one row out of sample, `constant`: that of the mean loss
    alone; `surer`: by how many standard errors the mean squared error is better. `rows`: fit rows.
    """

    base: float
    effects: Floats
    spread: float
    constant: float
    surer: float
    rows: int

    @property
    def useful(self) -> bool:
        """Whether it beats the constant mean loss out of sample."""
        return self.surer > SURE

    def mean(self, schema: Schema, counts: Ints) -> float:
        """The expected mean loss of rows with these counts, (cells of the schema,). A column without any row adds nothing."""
        total = self.base
        for i in self.columns(schema):
            part = schema.cells(i)
            rows = int(counts[part].sum())
            if rows:
                total += float(counts[part] @ self.effects[part]) / rows
        return total

    def columns(self, schema: Schema) -> tuple[int, ...]:
        """Positions of the columns with an effect."""
        return tuple(i for i in range(len(schema.columns)) if self.effects[schema.cells(i)].any())


def fit_loss_model(schema: Schema, sample: LossSample, loss: Floats) -> LossModel:
    """The model of `loss`, (rows,), by the cells of the sample.

    The penalty is the one with the least squared error on held-out fifths of the rows, each a stretch of the sample: where rows are in
    order of time, the past and the future of a fifth tell about it, as later windows will be told.
    """
    groups = [_grouped(schema.columns[i], sample.cells[:, k]) for k, i in enumerate(sample.positions)]
    lookups = [lookup for lookup, _ in groups]
    coded = np.stack([lookup[sample.cells[:, k]] for k, lookup in enumerate(lookups)], axis=1) if lookups else sample.cells
    design = _Design(coded, tuple(int(lookup.max(initial=NONE)) + 1 for lookup in lookups), tuple(order for _, order in groups))
    penalty, spread, constant, surer = _out_of_sample(design, loss)
    effects = np.zeros(int(schema.offsets[-1]))
    for k, found in _fit(design, loss, (penalty,))[0][0].items():
        lookup = lookups[k]
        effects[schema.cells(sample.positions[k])] = np.where(lookup == NONE, 0.0, found[np.maximum(lookup, 0)])
    return LossModel(float(loss.mean()), effects, spread, constant, surer, len(loss))


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """Groups of cells, (rows, columns), `NONE` where a cell has no effect; how many groups each column has; how many of them, the first,
    are in order."""

    coded: Index
    sizes: tuple[int, ...]
    ordered: tuple[int, ...]

    def rows(self, chosen: Index) -> _Design:
        return _Design(self.coded[chosen], self.sizes, self.ordered)


def _grouped(column: Column, cells: Index) -> tuple[Index, int]:
    """The group of each cell of a column, (width,), and how many groups, the first, are in order. `NONE` for cells with too few rows."""
    rows = np.bincount(cells, minlength=column.width)
    lookup = np.full(column.width, NONE, np.intp)
    ordered = 0
    if column.is_numeric:
        bins = rows[SPECIAL:]
        if bins.sum() >= FEWEST:
            step = np.searchsorted(CUTS, (np.cumsum(bins) - bins / 2) / bins.sum())
            lookup[SPECIAL:] = np.unique(step, return_inverse=True)[1]
            ordered = int(lookup.max()) + 1
            # What lies outside the range of the reference is taken for the nearest that lies inside.
            lookup[[BELOW, FAR_BELOW]], lookup[[ABOVE, FAR_ABOVE]] = 0, ordered - 1
        own = [cell for cell in range(SPECIAL) if lookup[cell] == NONE and rows[cell] >= FEWEST]
    else:
        own = [cell for cell in (0, *range(FIRST_LEVEL, column.width)) if rows[cell] >= FEWEST]
    lookup[own] = ordered + np.arange(len(own))
    return lookup, ordered


def _out_of_sample(design: _Design, loss: Floats) -> tuple[float, float, float, float]:
    """The best penalty, the root mean squared error with it, that of the constant, and the standard errors between their squares."""
    fold = np.arange(len(loss)) * FOLDS // max(len(loss), 1)
    found, constant = np.zeros((len(PENALTIES), len(loss))), np.zeros(len(loss))
    for held in range(FOLDS):
        inside, outside = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        if not len(inside) or not len(outside):
            continue
        solutions, mean = _fit(design.rows(outside), loss[outside], PENALTIES)
        constant[inside] = mean
        for p, effects in enumerate(solutions):
            found[p, inside] = mean + _sum_of_effects(effects, design.coded[inside])
    errors = (found - loss) ** 2
    best = int(np.argmin(errors.mean(axis=1)))
    plain = (constant - loss) ** 2
    gain = plain - errors[best]
    noise = float(gain.std(ddof=1)) / math.sqrt(len(loss))
    surer = float(gain.mean()) / noise if noise > 0 else 0.0
    return PENALTIES[best], math.sqrt(errors[best].mean()), math.sqrt(plain.mean()), surer


def _fit(design: _Design, loss: Floats, penalties: Sequence[float]) -> tuple[list[dict[int, Floats]], float]:
    """For each penalty the effects of the groups, by column and 0 in the mean; and the mean loss."""
    mean = float(loss.mean())
    columns = _promising(design, loss - mean)
    starts = np.concatenate([[0], np.cumsum([design.sizes[k] for k in columns])]).astype(np.intp)
    gram, moment = _normal_equations(design, columns, starts, loss - mean)
    rough = np.zeros_like(gram)
    for k, start in zip(columns, starts.tolist(), strict=False):
        rough[start : start + design.sizes[k], start : start + design.sizes[k]] = _roughness(design.sizes[k], design.ordered[k])
    ridge = RIDGE * np.eye(len(gram))
    solutions: list[dict[int, Floats]] = []
    for penalty in penalties:
        effects = np.linalg.solve(gram + penalty * rough + ridge, moment).astype(np.float64) if len(gram) else moment
        by_column = {}
        for k, start in zip(columns, starts.tolist(), strict=False):
            part = slice(start, start + design.sizes[k])
            rows = np.diag(gram)[part]
            by_column[k] = effects[part] - float(rows @ effects[part]) / max(len(loss), 1)
        solutions.append(by_column)
    return solutions, mean


def _promising(design: _Design, residual: Floats) -> list[int]:
    """The columns whose groups differ most in their mean loss, beyond what their number explains; at most `MOST_COLUMNS`."""
    noise = float(residual @ residual) / max(len(residual), 1)
    excess = {}
    for k, size in enumerate(design.sizes):
        if size < 2 or noise == 0:
            continue
        shifted = design.coded[:, k] + 1
        rows = np.bincount(shifted, minlength=size + 1)[1:]
        sums = np.bincount(shifted, residual, minlength=size + 1)[1:]
        excess[k] = float((sums[rows > 0] ** 2 / rows[rows > 0]).sum()) / noise - (size - 1)
    best = sorted((k for k in excess if excess[k] > 0), key=lambda k: -excess[k])
    return sorted(best[:MOST_COLUMNS])


def _normal_equations(design: _Design, columns: Sequence[int], starts: Index, residual: Floats) -> tuple[Floats, Floats]:
    """How many rows each two groups share, and the sum of residuals of each group. Rows of no group count nowhere."""
    size = int(starts[-1])
    gram, moment = np.zeros((size, size)), np.zeros(size)
    for a, k in enumerate(columns):
        here = slice(int(starts[a]), int(starts[a + 1]))
        mine, wide = design.coded[:, k] + 1, design.sizes[k] + 1
        moment[here] = np.bincount(mine, residual, minlength=wide)[1:]
        for b, other in enumerate(columns[: a + 1]):
            there = slice(int(starts[b]), int(starts[b + 1]))
            across = design.sizes[other] + 1
            shared = np.bincount(mine * across + design.coded[:, other] + 1, minlength=wide * across).reshape(wide, across)[1:, 1:]
            gram[here, there], gram[there, here] = shared, shared.T
    return gram, moment


def _roughness(size: int, ordered: int) -> Floats:
    """What is penalised: squared differences of neighbours among the ordered groups, squares of the others; (size, size)."""
    steps = np.diff(np.eye(size)[:ordered], axis=0)
    return steps.T @ steps + np.diag((np.arange(size) >= ordered).astype(np.float64))


def _sum_of_effects(effects: dict[int, Floats], coded: Index) -> Floats:
    total = np.zeros(len(coded))
    for k, found in effects.items():
        total += np.append(found, 0.0)[coded[:, k]]  # NONE is -1: the last
    return total
