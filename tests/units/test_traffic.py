"""Traffic becomes counts and two histograms: every request counted once, whatever its latency, and quantiles good to 1 %."""

import numpy as np
import pytest

from driftline.core.errors import FormatError
from driftline.profiles.magnitudes import ERROR, GROWTH, LEAST, MOST, Magnitudes
from driftline.profiles.traffic import NEVER, SECOND, Traffic, TrafficCounter

NAN, INF = float("nan"), float("inf")
NOON = 1_700_000_000 * SECOND


def counted(latency=None, *, failed=None, times=None, arrived=NOON, rows=None, group=None, groups=1):
    rows = rows if rows is not None else len(latency if latency is not None else times if times is not None else failed)
    counter = TrafficCounter()
    counter.add(
        None if group is None else np.array(group, np.intp),
        groups,
        rows=rows,
        latency_ms=None if latency is None else np.array(latency, np.float64),
        failed=None if failed is None else np.array(failed, np.bool_),
        times_ns=np.full(rows, arrived, np.int64) if times is None else np.array(times, np.int64),
        arrived_ns=arrived,
    )
    return counter.traffic() if groups > 1 else counter.traffic()[0]


def test_the_promised_error_follows_from_the_buckets():
    assert (GROWTH - 1) / (GROWTH + 1) < ERROR


@pytest.mark.parametrize(
    ("latency", "known"),
    [
        (12.5, True),
        (1e9, True),  # the largest that is taken: 11 days
        (1e-9, True),  # smaller than any bucket: in the first
        (5e-324, True),
        (0.0, False),
        (-0.0, False),
        (-3.0, False),
        (1.0001e9, False),
        (NAN, False),  # missing
        (INF, False),
        (-INF, False),
    ],
)
def test_what_is_no_latency_is_counted_apart(latency, known):
    traffic = counted([latency])
    assert (traffic.requests, traffic.timed, traffic.unknown) == (1, int(known), int(not known))
    assert traffic.latency_sum == (latency if known else 0.0)
    assert (traffic.quantile(0.5) is not None) == known


def test_no_request_at_all():
    zero = Traffic.zero()
    assert (zero.requests, zero.timed, zero.times) == (0, 0, NEVER)
    assert (zero.quantile(0.5), zero.share_below(100.0), zero.lag.quantile(0.95)) == (None, None, None)
    assert TrafficCounter().traffic() == []
    assert counted(rows=0, latency=[]).requests == 0


def test_one_request():
    traffic = counted([200.0], failed=[True], times=[NOON - 3 * SECOND])
    assert (traffic.requests, traffic.reported, traffic.errors, traffic.unknown) == (1, 1, 1, 0)
    assert traffic.quantile(0.0) == traffic.quantile(1.0) == pytest.approx(200.0, rel=ERROR)
    assert (traffic.share_below(203.0), traffic.share_below(196.0)) == (1.0, 0.0)
    assert traffic.times == (NOON - 3 * SECOND, NOON - 3 * SECOND)
    assert traffic.lag.quantile(0.5) == pytest.approx(3.0, rel=ERROR)
    assert (traffic.lag_sum, traffic.lag_max) == pytest.approx((3.0, 3.0))


def test_what_nobody_measures_is_neither_good_nor_bad():
    traffic = counted(times=[NOON, NOON])
    assert (traffic.requests, traffic.reported, traffic.errors, traffic.timed, traffic.unknown) == (2, 0, 0, 0, 0)


def test_an_event_ahead_of_its_arrival_has_no_lag():
    traffic = counted(times=[NOON + SECOND, NOON, NOON - SECOND])
    assert traffic.lag.count == 2
    assert traffic.lag_max == pytest.approx(1.0)


def test_times_centuries_apart_do_not_run_over():
    ages = np.iinfo(np.int64).min + 1, np.iinfo(np.int64).max
    traffic = counted(times=[ages[0]], arrived=ages[1])
    assert traffic.lag_max == pytest.approx(2**64 / SECOND)
    assert traffic.lag.count == 1


@pytest.mark.parametrize("shape", ["lognormal", "heavy", "few values", "one value", "all tiny"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95, 0.99, 0.999, 1.0])
def test_quantiles_are_within_the_stated_error_of_the_exact_ones(shape, share):
    random = np.random.default_rng(5)
    values = {
        "lognormal": random.lognormal(4, 1, 5_000),
        "heavy": np.minimum(10 * (random.pareto(0.5, 5_000) + 1), MOST),
        "few values": random.choice([10.0, 50.0, 1000.0], 5_000),
        "one value": np.full(5_000, 123.4),
        "all tiny": random.uniform(LEAST, 2 * LEAST, 5_000),
    }[shape]
    assert counted(values).quantile(share) == pytest.approx(np.quantile(values, share, method="inverted_cdf"), rel=ERROR)


def test_shares_within_a_limit():
    values = np.random.default_rng(6).lognormal(4, 1, 5_000)
    traffic = counted(values)
    for limit in (1.0, 20.0, 55.5, 300.0, 5_000.0):
        assert np.mean(values <= limit / GROWTH) <= traffic.share_below(limit) <= np.mean(values <= limit * GROWTH)
    assert (traffic.share_below(0.0), traffic.share_below(-1.0), traffic.share_below(NAN), traffic.share_below(INF)) == (0.0, 0.0, 0.0, 1.0)


def test_groups_are_counted_apart():
    parts = counted([10.0, 20.0, NAN, 40.0], failed=[False, True, True, False], group=[2, 0, 0, 2], groups=4)
    assert [part.requests for part in parts] == [2, 0, 2, 0]
    assert [part.errors for part in parts] == [2, 0, 0, 0]
    assert [part.unknown for part in parts] == [1, 0, 0, 0]
    assert parts[2].quantile(1.0) == pytest.approx(40.0, rel=ERROR)
    assert parts[1].times == NEVER


def test_groups_may_grow_from_batch_to_batch():
    counter = TrafficCounter()
    for groups in (1, 5, 3):
        counter.add(
            np.arange(groups),
            groups,
            rows=groups,
            latency_ms=np.ones(groups),
            failed=None,
            times_ns=np.zeros(groups, np.int64),
            arrived_ns=0,
        )
    assert [part.requests for part in counter.traffic()] == [3, 2, 2, 1, 1]
    assert [part.timed for part in counter.traffic()] == [3, 2, 2, 1, 1]


def test_what_is_stored_is_small_and_read_back_the_same():
    traffic = counted(np.random.default_rng(7).lognormal(4, 1, 100_000), failed=np.zeros(100_000))
    arrays = traffic.to_arrays()
    assert sum(array.nbytes for array in arrays.values()) < 10_000
    again = Traffic.from_arrays(arrays).to_arrays()
    assert all((arrays[name] == again[name]).all() for name in arrays)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": np.zeros(3, np.int64)},
        {"counts": np.zeros(4)},
        {"sums": np.zeros(2)},
        {"times": np.zeros(2)},
        {"latency": np.zeros((1, 2))},  # not whole numbers
        {"latency": np.array([[3, 1], [3, 1]])},  # a bucket twice
        {"latency": np.array([[5, 1], [3, 1]])},  # not ascending
        {"latency": np.array([[3, 0]])},  # an empty bucket
        {"latency": np.array([[99_999, 1]])},  # no such bucket
        {"lag": np.array([[-1, 1]])},
    ],
)
def test_what_does_not_fit_is_refused(change):
    with pytest.raises(FormatError):
        Traffic.from_arrays({**counted([1.0]).to_arrays(), **change})
    with pytest.raises(FormatError):
        Traffic.from_arrays({})


def test_stored_counts_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        counted([1.0]).latency.cells[0, 1] = 7


def test_magnitudes_of_a_few_numbers():
    found = Magnitudes.of(np.array([1.0, 1.0, 2.0, 1000.0]))
    assert found.count == 4
    assert [found.ranked(rank) for rank in (-5, 1, 3, 4, 9)] == pytest.approx([1, 1, 2, 1000, 1000], rel=ERROR)
