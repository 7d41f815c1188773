"""Laws of what is counted over time: traffic and cohorts are monoids, so any split, order and grouping of the rows gives the same."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profiles.cohort import Cohort, gather_cohort
from driftline.profiles.magnitudes import ERROR, GROWTH
from driftline.profiles.outcomes import plan_outcomes
from driftline.profiles.traffic import Traffic, TrafficCounter

LATENCIES = st.sampled_from([float("nan"), float("inf"), 0.0, -1.0, 1e300]) | st.floats(1e-3, 1e9)
REQUESTS = st.tuples(LATENCIES, st.booleans(), st.integers(0, 10**18), st.integers(0, 3))


def traffic_of(rows, groups=1):
    counter = TrafficCounter()
    latency, failed, times, group = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    counter.add(
        np.array(group, np.intp) if groups > 1 else None,
        groups,
        rows=len(rows),
        latency_ms=np.array(latency, np.float64),
        failed=np.array(failed, np.bool_),
        times_ns=np.array(times, np.int64),
        arrived_ns=10**18,
    )
    return counter.traffic()


def assert_same(one, other):
    for name, array in one.items():
        if array.dtype == np.int64:
            assert np.array_equal(array, other[name]), name
        else:
            assert np.allclose(array, other[name], rtol=1e-9, atol=1e-9), name


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(REQUESTS, max_size=40), data=st.data())
def test_traffic_is_the_same_however_it_is_split(rows, data):
    whole = traffic_of(rows)[0]
    parts = data.draw(st.permutations(traffic_of(rows, 4)))
    assert_same(whole.to_arrays(), reduce(add, parts, Traffic.zero()).to_arrays())
    assert_same(whole.to_arrays(), Traffic.total(parts).to_arrays())
    assert_same(whole.to_arrays(), ((parts[0] + parts[1]) + (parts[2] + parts[3])).to_arrays())
    assert_same(whole.to_arrays(), traffic_of(data.draw(st.permutations(rows)))[0].to_arrays())
    assert_same(whole.to_arrays(), Traffic.from_arrays(whole.to_arrays()).to_arrays())
    assert whole.requests == len(rows) == whole.timed + whole.unknown


@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=60), share=st.floats(0, 1), limit=st.floats(1e-3, 1e9))
def test_quantiles_keep_the_stated_error(values, share, limit):
    traffic, exact = traffic_of([(value, False, 0, 0) for value in values])[0], np.array(values)
    assert traffic.quantile(share) == pytest.approx(np.quantile(exact, share, method="inverted_cdf"), rel=ERROR)
    slack = 1e-9
    low, high = (np.mean(exact <= at) for at in (limit / GROWTH * (1 - slack), limit * GROWTH * (1 + slack)))
    assert low - slack <= traffic.share_below(limit) <= high + slack


HOUR = timedelta(hours=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
CHECKPOINTS = tuple(hours * 3600 * 10**9 for hours in (1, 2, 4, 8))
PLAN = plan_outcomes(pa.array([0.1, 0.4, 0.6, 0.9]), pa.array([0, 1, 0, 1]), prediction_name="score", label_name="y", table="reference")
SEGMENTS = (("channel", ("app", "web")),)
JOINED = st.tuples(
    st.booleans(),  # eligible
    st.sampled_from([False, False, False, True]),  # void
    st.sampled_from([None, "0", "1", "1", "banana"]),
    st.none() | st.integers(-2, 20),  # age of the label in hours
    st.sampled_from([None, 0.1, 0.5, 0.9, 7.0]),  # a score that fits nothing
    st.sampled_from([None, "app", "web", "branch"]),
    st.integers(0, 2),  # changes
)


def batch_of(rows):
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    moment = pa.timestamp("us", "UTC")
    known = [
        START + age * HOUR if label is not None and age is not None else None for label, age in zip(columns[2], columns[3], strict=True)
    ]
    return pa.record_batch(
        {
            "time": pa.array([START] * len(rows), moment),
            "eligible": pa.array(columns[0], pa.bool_()),
            "void": pa.array(columns[1], pa.bool_()),
            "label": pa.array(columns[2], pa.string()),
            "known": pa.array(known, moment),
            "changes": pa.array(columns[6], pa.int64()),
            "score": pa.array(columns[4], pa.float64()),
            "channel": pa.array(columns[5], pa.string()),
        }
    )


def cohort_of(*lots, event):
    return gather_cohort(map(batch_of, lots), PLAN, checkpoints=CHECKPOINTS, segments=SEGMENTS, event=event, table="the joined rows")


def assert_same_cohort(one, other):
    (facts, arrays), (others, again) = one.to_arrays(), other.to_arrays()
    order = {name: [sorted(map(str, facts[name])), sorted(map(str, others[name]))] for name in ("outcomes", "silent")}
    assert all(mine == theirs for mine, theirs in order.values())
    assert {key: facts[key] for key in facts if key not in order} == {key: others[key] for key in others if key not in order}
    for name in ("outcomes", "silent"):
        for segment, summary in getattr(one, name).items():
            assert_same(summary.to_arrays(), getattr(other, name)[segment].to_arrays())
    kept = [key for key in arrays if not key.startswith(("outcomes", "silent"))]
    assert_same({key: arrays[key] for key in kept}, again)


@pytest.mark.parametrize("event", [False, True])
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(JOINED, max_size=25), data=st.data())
def test_a_cohort_is_the_same_however_it_is_split(event, rows, data):
    whole = cohort_of(rows, event=event)
    cut = data.draw(st.integers(0, len(rows)))
    assert_same_cohort(whole, cohort_of(rows[:cut], event=event) + cohort_of(rows[cut:], event=event))
    assert_same_cohort(whole, cohort_of(rows[cut:], rows[:cut], event=event))
    assert_same_cohort(whole, cohort_of(data.draw(st.permutations(rows)), event=event))
    assert_same_cohort(whole, whole + Cohort.zero(PLAN, CHECKPOINTS, event=event))
    assert_same_cohort(whole, Cohort.from_arrays(PLAN, *whole.to_arrays()))


@pytest.mark.parametrize("event", [False, True])
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(JOINED, max_size=25))
def test_every_expected_row_is_counted_once(event, rows):
    cohort = cohort_of(rows, event=event)
    known = cohort.outcomes[()]
    assert cohort.ages.sum() == cohort.labelled <= cohort.expected <= cohort.eligible <= cohort.rows == len(rows)
    assert known.rows + known.unscored + cohort.unfit == cohort.labelled
    assert sum(cohort.outcomes[key].rows for key in cohort.outcomes if key) == known.rows
    for k, summary in enumerate(cohort.by_age):
        counted = summary.rows + summary.unscored
        if event:
            assert counted == cohort.expected - cohort.unfit  # all of them at every age
            assert summary.counts[1].sum() <= cohort.positives[: k + 1].sum()
        else:
            assert counted <= cohort.known(k)
    if event:
        assert cohort.silent[()].rows + cohort.silent[()].unscored == cohort.expected - cohort.labelled
