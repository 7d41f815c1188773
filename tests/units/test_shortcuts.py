"""What is done in a shorter way says the same as the long one."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from driftline.drift.choice import choose_measure, measure_of
from driftline.drift.judge import judge
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.segments import BySegment

NAN, INF = float("nan"), float("inf")


def table(rows, shift=0.0, new=""):
    draw = np.random.default_rng(rows)
    return pa.table(
        {
            "number": pa.array(draw.normal(shift, 1, rows), mask=draw.random(rows) < 0.1),
            "whole": draw.integers(0, 6, rows),
            "flag": draw.integers(0, 2, rows),
            "same": np.full(rows, 7.0),
            "wild": draw.choice([NAN, INF, -INF, 1.0, 1e300], rows),
            "city": pa.array([new or f"c{k}" for k in draw.integers(0, 5, rows)]),
            "yes": draw.random(rows) < 0.3,
            "one": np.full(rows, "a"),
            "key": [f"{rows}-{i}" for i in range(rows)],
        }
    )


REFERENCE = table(4_000)
SCHEMA, _ = fit(REFERENCE.schema, REFERENCE.to_batches(), SchemaSpec(segments=("city",), identifiers=("key",)))


def profiled(rows):
    gathering = Gathering(SCHEMA)
    for batch in rows.to_batches():
        gathering.add(batch)
    return gathering.total()


@pytest.mark.parametrize(
    "rows", [table(1_000), table(3), table(1_000).slice(0, 0), table(500, shift=1e200)], ids=["many", "few", "none", "far"]
)
def test_centres_are_means_and_deviations(rows):
    profile = profiled(rows)
    places = range(len(SCHEMA.numeric))
    np.testing.assert_array_equal(profile.centres(), [[profile.mean(i), profile.deviation(i)] for i in places])


def test_the_measure_alone_is_the_one_that_is_chosen():
    profile = profiled(REFERENCE)
    assert [measure_of(c) for c in SCHEMA.columns] == [choose_measure(profile, i)[0] for i in range(len(SCHEMA.columns))]


@pytest.mark.parametrize(
    "current", [table(1_000), table(1_000, shift=0.5), table(900, new="nowhere"), table(4)], ids=["same", "moved", "new", "few"]
)
def test_a_brief_verdict_lacks_the_picture_and_nothing_else(current):
    before, now = profiled(REFERENCE), profiled(current)
    whole, brief = (judge(before, now, DriftSpec(), brief=brief) for brief in (False, True))
    for long, short in zip(whole, brief, strict=True):
        deciding = tuple(m for m in long.measures if m.name in ("psi", "js"))
        assert set(short.measures) == set(deciding)
        assert replace(short, measures=()) == replace(long, measures=(), chart=None, why_measure="")


def test_counting_again_begins_anew():
    """Examples of new levels and rows of one window are not those of the next."""
    first, second = table(50, new="atlantis").to_batches()[0], table(60).to_batches()[0]
    origin = BySegment(SCHEMA, keys=False)
    one = origin.again()
    one.add(first)
    two = one.again(table="the second")
    two.add(second)
    fresh = BySegment(SCHEMA, keys=False)
    fresh.add(second)
    (mine, by_segment), (wanted, segments) = two.profiles(), fresh.profiles()
    assert one.profiles()[0].examples
    assert (mine.rows, mine.examples, mine.keys) == (wanted.rows, wanted.examples, {})
    np.testing.assert_array_equal(mine.counts, wanted.counts)
    assert {s: p.rows for s, p in by_segment.items()} == {s: p.rows for s, p in segments.items()}
    assert origin.profiles()[0].rows == 0
