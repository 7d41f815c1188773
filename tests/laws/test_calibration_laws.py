"""The promise: of tables without a change at most 1 % show anything. `benchmarks/trust/compare.py` measures it at every size."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from driftline.core.verdicts import Verdict
from driftline.drift.judge import judge
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering

COLUMNS, TABLES = 60, 15
BAD = (Verdict.DRIFTED, Verdict.FAULTY)


def codes(rng: np.random.Generator, n: int, levels: int, *, falling: bool) -> pa.Array:
    shares = 1 / np.arange(1, levels + 1) if falling else np.ones(levels)
    drawn = np.minimum(np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(n)), levels - 1)
    return pa.DictionaryArray.from_arrays(pa.array(drawn.astype(np.int32)), pa.array([f"l{i}" for i in range(levels)]))


WORLDS = {
    "normal": lambda rng, n: pa.array(rng.standard_normal(n)),
    "heavy tails": lambda rng, n: pa.array(rng.standard_t(2, n)),
    "counts": lambda rng, n: pa.array(rng.poisson(1.5, n)),
    "geometric": lambda rng, n: pa.array(rng.geometric(0.7, n)),
    "zeros and amounts": lambda rng, n: pa.array(np.where(rng.random(n) < 0.6, 0.0, rng.exponential(1, n))),
    "rounded": lambda rng, n: pa.array(np.round(rng.standard_normal(n), 1)),
    "rare flag": lambda rng, n: pa.array(rng.random(n) < 0.02),
    "some nulls": lambda rng, n: pa.array(rng.standard_normal(n), mask=rng.random(n) < 0.05),
    "5 levels": lambda rng, n: codes(rng, n, 5, falling=True),
    "20 levels": lambda rng, n: codes(rng, n, 20, falling=False),
    "100 levels": lambda rng, n: codes(rng, n, 100, falling=True),
}


def alarms(world: str, n: int, m: int, width: int, seed: int) -> tuple[int, int]:
    """Tables of `width` columns with an alarm among all, each column with a reference of its own."""
    rng = np.random.default_rng([seed, n, m])
    names = [f"c{i}" for i in range(COLUMNS)]
    before = pa.table([WORLDS[world](rng, m) for _ in names], names)
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    reference, current = Gathering(schema), Gathering(schema)
    for batch in before.to_batches():
        reference.add(batch)
    current.add(pa.record_batch([WORLDS[world](rng, n * TABLES) for _ in names], names), np.repeat(np.arange(TABLES), n), TABLES)
    hits = 0
    for profile in current.profiles():
        bad = [v.verdict in BAD for v in judge(reference.total(), profile, DriftSpec(), share=COLUMNS / width)]
        hits += sum(any(bad[i : i + width]) for i in range(0, COLUMNS, width))
    return hits, TABLES * COLUMNS // width


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("n", "m"), [(50, 1000), (200, 1000), (3000, 1000)])
def test_a_column_without_a_change_stays_quiet(world: str, n: int, m: int) -> None:
    """Rejected only where at most 1 % is out of the question: the number of alarms has a probability below 0.0005."""
    hits, of = alarms(world, n, m, 1, seed=1)
    assert stats.binom.sf(hits - 1, of, 0.01) > 0.0005, f"{hits} of {of}"


@pytest.mark.parametrize("n", [50, 400])
def test_a_table_of_twenty_columns_stays_quiet(n: int) -> None:
    found = [alarms(world, n, 1000, 20, seed=2) for world in WORLDS]
    hits, of = (sum(part) for part in zip(*found, strict=True))
    assert stats.binom.sf(hits - 1, of, 0.01) > 0.0005, f"{hits} of {of}"
