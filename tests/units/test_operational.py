"""Operations of one window: tables of exact values, and how often a normal window is called strange."""

import math

import numpy as np
import pytest
from scipy import stats

from driftline.core.errors import UnknownName, UsageError
from driftline.core.records import Scope, Status
from driftline.performance.operational import (
    OperationalSpec,
    PastTraffic,
    normal_traffic,
    operational,
    order_interval,
)
from driftline.profiles.magnitudes import ERROR, Magnitudes
from driftline.profiles.traffic import SECOND, Traffic, TrafficCounter

SCOPE = Scope("credit", "14")
STEADY = PastTraffic(0, ((0, 100),) * 8)


def served(requests, *, errors=None, latency=None, lag=0.0):
    counter = TrafficCounter()
    failed = None if errors is None else np.arange(requests) < errors
    latencies = None if latency is None else np.resize(np.array(latency, np.float64), requests)
    now = 1_700_000_000 * SECOND
    times = np.full(requests, now - round(lag * SECOND), np.int64)
    counter.add(None, 1, rows=requests, latency_ms=latencies, failed=failed, times_ns=times, arrived_ns=now)
    return counter.traffic()[0]


def measured(traffic, past=STEADY, **settings):
    found = operational(traffic, past, SCOPE, OperationalSpec(**settings))
    assert len({m.metric for m in found}) == len(found)
    assert all(m.scope == SCOPE for m in found)
    return {m.metric: m for m in found}


@pytest.mark.parametrize(
    ("requests", "beyond", "limit"),
    [
        # Poisson around 100 from 8 windows: variance 100·(1 + 1/8); a chance of 1e-4 leaves 62 to 144.
        (0, True, 62.0),
        (61, True, 62.0),
        (62, False, 62.0),
        (99, False, 62.0),
        (100, False, 144.0),
        (144, False, 144.0),
        (145, True, 144.0),
        (10_000, True, 144.0),
    ],
)
def test_requests_are_held_to_what_is_normal(requests, beyond, limit):
    found = measured(served(requests))["requests"]
    assert (found.value, found.n, found.beyond, found.limit, found.status) == (requests, requests, beyond, limit, Status.OK)
    assert "100 ± 10.6 expected from 8 windows of the same phase" in found.note
    tail = stats.nbinom(800, 800 / 900)  # size 1/dispersion with dispersion 1/(8·100)
    assert tail.cdf(61) <= 5e-5 < tail.cdf(62)
    assert tail.sf(144) <= 5e-5 < tail.sf(143)


def test_many_requests_are_held_to_the_tolerated_change():
    past = PastTraffic(0, ((0, 1_000_000),) * 8)
    assert [measured(served(n), past)["requests"].beyond for n in (749_999, 750_000, 1_250_000, 1_250_001)] == [True, False, False, True]
    assert measured(served(900_000), past, tolerated_change=0.0)["requests"].beyond


@pytest.mark.parametrize(
    ("counts", "mean", "windows", "source"),
    [
        ([(3, 10)] * 4 + [(0, 1000)] * 10, 10.0, 4, "of the same phase"),
        ([(3, 10)] * 3 + [(0, 10), (1, 10), (2, 10)], 10.0, 6, "of all phases"),
        ([(3, 0)] * 4 + [(3, 100)] * 8, 100.0, 8, "of the same phase"),  # outages are no examples
        ([(3, 0)] * 4 + [(3, 2)] * 4, 1.0, 8, "of the same phase"),  # quiet nights are
        ([(3, 0)] * 4, 0.125, 4, "of the same phase"),  # half a request in four windows
    ],
)
def test_what_is_normal_is_learned_by_phase(counts, mean, windows, source):
    found = normal_traffic(PastTraffic(3, tuple(counts)))
    assert (found.mean, found.windows, found.source) == (mean, windows, source)


@pytest.mark.parametrize("windows", [0, 1, 3])
def test_a_short_past_is_not_enough(windows):
    found = measured(served(0), PastTraffic(0, ((0, 50),) * windows))
    assert (found["requests"].status, found["requests"].value, found["requests"].beyond) == (Status.INSUFFICIENT, 0.0, None)
    assert (found["absence"].status, found["absence"].value, found["absence"].beyond) == (Status.INSUFFICIENT, None, None)
    assert "fewer than 4 windows" in found["absence"].note


@pytest.mark.parametrize(
    ("mean", "requests", "beyond", "status"),
    [
        (100, 0, True, Status.OK),  # a window without any request is measured
        (100, 100, False, Status.OK),
        (25, 3, True, Status.OK),  # P(X <= 3) is 8e-8 for Poisson; a little more with the mean's own error
        (25, 6, False, Status.OK),
        (10, 0, None, Status.INSUFFICIENT),  # e^-10 = 4.5e-5: an empty hour at night means nothing
        (0, 0, None, Status.INSUFFICIENT),
    ],
)
def test_absence(mean, requests, beyond, status):
    found = measured(served(requests), PastTraffic(0, ((0, mean),) * 1000))["absence"]
    assert (found.beyond, found.status, found.n, found.limit) == (beyond, status, requests, 1e-6)
    if mean:
        assert found.value == pytest.approx(stats.poisson.cdf(requests, mean), rel=0.1)


def test_scatter_of_the_past_widens_what_is_normal():
    random = np.random.default_rng(8)
    wild = PastTraffic(0, tuple((0, int(n)) for n in random.poisson(random.gamma(4, 250, 60))))  # sd half of the mean
    assert measured(served(200), wild)["requests"].beyond is False
    assert measured(served(200), PastTraffic(0, ((0, 1000),) * 60))["requests"].beyond is True
    assert measured(served(0), wild)["absence"].beyond is True


@pytest.mark.parametrize(("dispersion", "weeks"), [(0.0, 4), (0.02, 4), (0.02, 12), (0.2, 8)])
def test_normal_windows_are_rarely_strange(dispersion, weeks):
    random = np.random.default_rng(9)
    strange, judged = 0, 0
    season = 200 * (1.2 + np.sin(np.arange(24) / 24 * 2 * np.pi))
    for _ in range(60):
        shape = (weeks * 7 + 1, 24)
        rates = np.broadcast_to(season, shape) * (random.gamma(1 / dispersion, dispersion, shape) if dispersion else 1.0)
        counts = random.poisson(rates)
        past = tuple((hour, int(n)) for day in counts[:-1] for hour, n in enumerate(day))
        for hour in range(0, 24, 4):
            found = normal_traffic(PastTraffic(hour, past))
            low, high = stats.nbinom(1 / found.dispersion, 1 / (1 + found.dispersion * found.mean)).ppf([0.005, 0.995])
            strange += not low <= counts[-1, hour] <= high
            judged += 1
    assert strange / judged <= 0.025  # 1 % is asked for; 360 windows know it to half a percent


@pytest.mark.parametrize(
    ("requests", "errors", "beyond", "status"),
    [
        (0, 0, None, Status.NODATA),
        (1, 0, None, Status.INSUFFICIENT),
        (1, 1, None, Status.INSUFFICIENT),  # one failure in a hundred is what is tolerated
        (3, 3, True, Status.OK),  # all of three: 1e-6
        (99, 0, None, Status.INSUFFICIENT),
        (100, 0, False, Status.OK),
        (100, 6, False, Status.OK),  # P(X >= 6) = 5e-4
        (100, 8, True, Status.OK),  # P(X >= 8) = 8e-6
        (1000, 1000, True, Status.OK),
    ],
)
def test_error_rate(requests, errors, beyond, status):
    found = measured(served(requests, errors=errors), error_rate=0.01)["error_rate"]
    assert (found.beyond, found.status, found.n, found.limit) == (beyond, status, requests, 0.01)
    if requests:
        p, z = errors / requests, 1.959963984540054
        middle, half = p + z * z / 2 / requests, z * math.sqrt(p * (1 - p) / requests + z * z / 4 / requests**2)
        assert found.value == p
        assert (found.low, found.high) == pytest.approx(
            ((middle - half) / (1 + z * z / requests), (middle + half) / (1 + z * z / requests))
        )
        assert (stats.binom.sf(errors - 1, requests, 0.01) <= 1e-4) == bool(beyond)


def test_what_nobody_recorded_is_left_out_unless_a_limit_asks_for_it():
    assert set(measured(served(500))) == {"requests", "absence", "arrival_lag_p95"}
    found = measured(served(500), error_rate=0.01, latency={"p95": 800.0})
    assert (found["error_rate"].status, found["latency_p95"].status) == (Status.NODATA, Status.NODATA)
    assert "none of the 500 requests says a latency" in found["latency_p95"].note
    assert set(measured(Traffic.zero())) == {"requests", "absence"}
    assert measured(Traffic.zero(), arrival_lag="15m")["arrival_lag_p95"].status is Status.NODATA


def test_latency_quantiles_and_their_intervals():
    values = np.random.default_rng(10).lognormal(4, 1, 2_000)
    found = measured(served(2_000, latency=values))
    for metric, share in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        m = found[metric]
        assert m.value == pytest.approx(np.quantile(values, share, method="inverted_cdf"), rel=ERROR)
        assert m.low <= m.value <= m.high
        assert (m.limit, m.beyond, m.status, m.n) == (None, None, Status.OK, 2_000)


@pytest.mark.parametrize(
    ("latency", "requests", "limit", "beyond", "status"),
    [
        ([100.0], 1, 800.0, None, Status.INSUFFICIENT),
        ([900.0], 1, 800.0, None, Status.INSUFFICIENT),  # one slow request of the five in a hundred that may be
        ([900.0], 4, 800.0, True, Status.OK),  # 0.05⁴ = 6e-6
        ([100.0], 200, 800.0, False, Status.OK),
        ([100.0] * 9 + [900.0], 200, 800.0, False, Status.OK),  # 20 of 200 where 10 may be: P = 2.7e-3
        ([100.0] * 8 + [900.0] * 2, 200, 800.0, True, Status.OK),
        ([float("nan")], 200, 800.0, None, Status.NODATA),
    ],
)
def test_latency_is_judged_by_the_requests_above_its_limit(latency, requests, limit, beyond, status):
    found = measured(served(requests, latency=latency), latency={"p95": limit})["latency_p95"]
    assert (found.beyond, found.status, found.limit) == (beyond, status, limit)


def test_a_slow_tail_within_the_error_of_a_bucket_is_not_beyond():
    found = measured(served(100_000, latency=[100.0] * 9 + [800.0]), latency={"p95": 800.0})["latency_p95"]
    assert found.value == pytest.approx(800.0, rel=ERROR)
    assert found.beyond is (found.value > 800.0)


def test_unknown_latencies_are_told():
    found = measured(served(100, latency=[10.0, 0.0, float("inf"), float("nan")]))["latency_unknown"]
    assert (found.value, found.n) == (0.75, 100)
    assert "latency_unknown" not in measured(served(100, latency=[10.0]))


@pytest.mark.parametrize(("lag", "beyond"), [(0.0, False), (60.0, False), (1000.0, True)])
def test_arrival_lag(lag, beyond):
    found = measured(served(50, lag=lag), arrival_lag="15m")["arrival_lag_p95"]
    assert (found.limit, found.beyond, found.n) == (900.0, beyond, 50)
    assert found.value == pytest.approx(max(lag, 1e-3), rel=ERROR)
    assert measured(served(50, lag=lag))["arrival_lag_p95"].beyond is None


def test_order_intervals_cover_as_often_as_they_say():
    random, truth = np.random.default_rng(12), math.exp(4 + 1.6448536269514722)
    hits = 0
    for _ in range(300):
        low, high = order_interval(Magnitudes.of(random.lognormal(4, 1, 500)), 0.95)
        hits += low <= truth <= high
    assert hits / 300 == pytest.approx(0.95, abs=0.035)
    low, high = order_interval(Magnitudes.of(np.ones(10)), 0.99)
    assert low == pytest.approx(1.0, rel=ERROR)
    assert high is None  # no tenth rank is high enough
    assert order_interval(Magnitudes.zero(), 0.5) == (None, None)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"latency": {"p90": 100.0}}, UnknownName, "no latency quantile 'p90'"),
        ({"arrival_lag": "soon"}, UsageError, "'soon' is no duration"),
        ({"alpha": 0.0}, UsageError, "alpha"),
        ({"error_rate": 1.0}, UsageError, "error_rate"),
        ({"least_request": 3}, UnknownName, "least_requests"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(settings, error, words):
    with pytest.raises(error, match=words):
        OperationalSpec(**settings)
