"""Shares: how the probability that a table may spend is split between its columns and the tests of each.

Columns share equally; the tests of a column share by fixed weights over those that its kind has. Both stand before the current rows are
seen, so that all tests of all columns together hold the promise made for the table. Faults such as infinite values never come by chance
and need next to nothing; most goes to the tests that chance can fool, where a larger share buys power.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WEIGHTS: Mapping[str, int] = {
    "location": 24,
    "shape": 17,
    "distance": 9,
    "level": 15,
    "spike": 4,
    "missing": 24,
    "varies": 15,
    "out_of_range": 2,
    "far_out_of_range": 1,
    "infinite": 1,
    "constant": 1,
    "decision_rate": 30,
    "duplicate_ids": 5,
}
"""Relative weights of the tests. A test that a column cannot have leaves its weight to the others."""

LEVEL_WEIGHTS: Mapping[str, int] = {"distance": 40, "level": 35, "missing": 20, "unseen": 4, "constant": 1}
"""The same for a column with levels, where the distance and the single levels carry what location and shape carry for numbers."""


def split(kinds: Iterable[str], weights: Mapping[str, int] = WEIGHTS) -> Mapping[str, float]:
    """The share of each test among those that a column has; together 1."""
    chosen = {kind: weights[kind] for kind in kinds}
    total = sum(chosen.values())
    return {kind: weight / total for kind, weight in chosen.items()}
