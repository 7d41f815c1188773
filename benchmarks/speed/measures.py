"""How long the numbers take once the rows are counted: all measures, and all verdicts, of a table of 1,000 columns.

python benchmarks/speed/measures.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.drift.judge import judge
from driftline.drift.pairs import OrderedPair, Pair
from driftline.drift.spec import DriftSpec
from driftline.drift.surveyed import MEASURES, ORDERED
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering

COLUMNS, BINS = 1000, 256


def pairs(rng: np.random.Generator) -> tuple[Pair, OrderedPair]:
    """1,000 numeric columns of 256 bins, and their ten groups."""
    fine = [rng.multinomial(n, np.full(BINS, 1 / BINS), COLUMNS).astype(float) for n in (100_000, 10_000)]
    sides = [np.concatenate([np.zeros((COLUMNS, 3)), side, np.zeros((COLUMNS, 2))], axis=1) for side in fine]
    edges = np.tile(np.linspace(0, 1, BINS + 1), (COLUMNS, 1))
    moments, extremes = np.tile([0.5, 0.29], (COLUMNS, 2, 1)), np.tile([0.0, 1.0], (COLUMNS, 2, 1))
    return Pair(sides[0], sides[1]), OrderedPair(sides[0], sides[1], edges, np.zeros((COLUMNS, BINS), np.bool_), moments, extremes)


def best(work: Callable[[], Any], times: int = 5) -> float:
    """Milliseconds of processor time of the quickest of some runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


def mixed(rng: np.random.Generator, rows: int) -> pa.Table:
    names = pa.array([f"level {i}" for i in range(20)])
    draws = [
        lambda: pa.array(rng.standard_normal(rows)),
        lambda: pa.array(rng.poisson(4, rows)),
        lambda: pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, 20, rows, dtype=np.int32)), names),
        lambda: pa.array(rng.random(rows) < 0.1),
    ]
    return pa.table([draws[i % 4]() for i in range(COLUMNS)], [f"c{i}" for i in range(COLUMNS)])


def main() -> None:
    rng = np.random.default_rng(1)
    print(f"{COLUMNS:,} columns x {BINS} bins, milliseconds")
    total = 0.0
    for name in MEASURES:
        taken = best(partial(measured, name))
        total += taken
        print(f"  {name:<16} {taken:7.1f}")
    print(f"  {'all measures':<16} {total:7.1f}")
    before, now = mixed(rng, 2000), mixed(rng, 1000)
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    profiles = []
    for table in (before, now):
        gathering = Gathering(schema)
        for batch in table.to_batches():
            gathering.add(batch)
        profiles.append(gathering.total())
    print(
        f"  {'all verdicts':<16} {best(lambda: judge(profiles[0], profiles[1], DriftSpec())):7.1f}   (a mixed table, {COLUMNS:,} columns)"
    )


PLAIN, FINE = pairs(np.random.default_rng(1))


def measured(name: str) -> Any:
    """A measure of a pair made anew, so that nothing is remembered from the measure before."""
    if name in ORDERED:
        return MEASURES[name](OrderedPair(FINE.reference, FINE.current, FINE.edges, FINE.points, FINE.moments, FINE.extremes))
    return MEASURES[name](Pair(PLAIN.reference, PLAIN.current))


if __name__ == "__main__":
    main()
