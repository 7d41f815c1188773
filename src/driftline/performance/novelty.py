"""What a reference cannot speak for: rows in cells where it has none, and columns that no longer go together as they did.

Both are seen without labels. An estimate that rests on the reference is refused where they are more than a little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from driftline.performance.loss_model import fit_loss_model
from driftline.profiles.cells import LossSample
from driftline.profiles.counting import SPECIAL
from driftline.profiles.labelled import Floats
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column, Role, Schema

RARE = 0.001
"""A special cell, such as missing or out of range, with a smaller share of the reference's rows is unknown to it."""
MOST_LEVELS = 8
EXPLAINED = 0.5
"""Share of a trait's variance that the other columns have to explain for them to say what the prediction should be."""


def novel_share(current: Profile, reference: Profile, position: int) -> float:
    """The share of a column's rows in special or tail cells that the reference hardly has, beyond the share it has there.

    1 where the rows had no such column at all, 0 for no rows.
    """
    if current.rows == 0:
        return 0.0
    if not current.seen[position]:
        return 1.0
    column = current.schema.columns[position]
    first = SPECIAL if column.is_numeric else FIRST_LEVEL if column.is_levels else 1
    part = current.schema.cells(position)
    now, before = (profile.counts[part][:first] / max(int(profile.counts[part].sum()), 1) for profile in (current, reference))
    return float(np.maximum(now - before, 0.0)[before < RARE].sum())


def traits(column: Column, counts: Floats) -> Floats:
    """What is told of a prediction column: functions of its cell with mean 0 and variance 1 on `counts`, (traits, width).

    Of a number its place and its spread in the reference's ranks, of levels each of the most frequent. Cells without a value have 0.
    """
    first = SPECIAL if column.is_numeric else FIRST_LEVEL
    rows = counts[first:]
    if rows.sum() == 0:
        return np.zeros((0, column.width))
    if column.is_numeric:
        place = 2 * (np.cumsum(rows) - rows / 2) / rows.sum() - 1
        plain = np.stack([place, place**2])
    else:
        plain = np.eye(len(rows))[:MOST_LEVELS]
    shares = rows / rows.sum()
    plain = plain - (plain @ shares)[:, None]
    size = np.sqrt(plain**2 @ shares)
    known = size > 0
    return np.concatenate([np.zeros((int(known.sum()), first)), plain[known] / size[known, None]], axis=1)


def learn_dependence(schema: Schema, sample: LossSample) -> Floats:
    """How the prediction's traits follow from the other columns, each by itself: effects by cell, (traits, cells of the schema).

    The traits themselves are entered with a minus at the prediction's own cells, so that the mean over a profile is expected less seen.
    None, (0, cells), where the columns do not explain half of any trait: the prediction then comes from elsewhere and may move by itself.
    """
    nothing = np.zeros((0, int(schema.offsets[-1])))
    position = next((i for i in sample.positions if schema.columns[i].role is Role.PREDICTION), None)
    if position is None:
        return nothing
    k = sample.positions.index(position)
    others = [j for j in range(len(sample.positions)) if j != k]
    rest = LossSample(tuple(sample.positions[j] for j in others), sample.cells[:, others], sample.loss)
    own = sample.cells[:, k]
    found = traits(schema.columns[position], np.bincount(own, minlength=schema.columns[position].width).astype(np.float64))
    models = [fit_loss_model(schema, rest, trait[own]) for trait in found]
    if not any(1 - (model.spread / model.constant) ** 2 > EXPLAINED for model in models):
        return nothing
    effects = np.stack([model.effects for model in models])
    effects[:, schema.cells(position)] = -found
    return effects


def dependence_gap(effects: Floats, current: Profile) -> float:
    """How far the prediction is from what the other columns say of it, one by one, in standard deviations of its traits.

    Twice the sampling error of so many rows is taken off. It grows where columns go together in another way than in the reference, which
    the counts of single columns do not show.
    """
    if not len(effects) or not current.rows:
        return 0.0
    gap = np.zeros(len(effects))
    for part in _parts(current.schema):
        rows = int(current.counts[part].sum())
        if rows:
            gap += effects[:, part] @ current.counts[part] / rows
    return max(float(np.abs(gap).max()) - 2 / float(np.sqrt(current.rows)), 0.0)


def _parts(schema: Schema) -> Sequence[slice]:
    return [schema.cells(i) for i in range(len(schema.columns))]
