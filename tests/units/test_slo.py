"""Objectives: the share of good requests, the budget that is left, and when a burn rate is an alarm."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from driftline.core.errors import UsageError
from driftline.core.records import Scope, Status
from driftline.performance.slo import WORKBOOK, Burning, BurnSpec, SloSpec, burns_for, least_bad, slo
from driftline.profiles.traffic import Traffic, TrafficCounter

SCOPE = Scope("credit", "14")
HOUR = timedelta(hours=1)


def served(requests, bad=0, *, latency=None):
    counter = TrafficCounter()
    latencies = None if latency is None else np.where(np.arange(requests) < bad, latency, 10.0)
    failed = np.arange(requests) < bad if latency is None else None
    counter.add(None, 1, rows=requests, latency_ms=latencies, failed=failed, times_ns=np.zeros(requests, np.int64), arrived_ns=0)
    return counter.traffic()[0]


def measured(traffic, burning=(), **settings):
    found = slo(traffic, burning, SCOPE, SloSpec(**settings))
    assert len({(m.metric, m.column) for m in found}) == len(found)
    assert all(m.scope == SCOPE for m in found)
    return {m.metric if m.column is None else f"{m.metric} {m.column}": m for m in found}


@pytest.mark.parametrize(
    ("requests", "bad", "share", "left", "beyond", "status"),
    [
        (0, 0, None, None, None, Status.NODATA),
        (1, 0, 1.0, 1.0, None, Status.INSUFFICIENT),
        (99, 99, 0.0, 1 - 99 / 0.99, None, Status.INSUFFICIENT),
        (1000, 0, 1.0, 1.0, False, Status.OK),  # nothing used
        (1000, 5, 0.995, 0.5, False, Status.OK),  # half of the ten that may fail
        (1000, 10, 0.99, 0.0, False, Status.OK),  # all of it, and no more
        (1000, 11, 0.989, -0.1, True, Status.OK),
        (1000, 1000, 0.0, -99.0, True, Status.OK),  # all errors
    ],
)
def test_availability_and_its_budget(requests, bad, share, left, beyond, status):
    found = measured(served(requests, bad), target=0.99)
    whole, budget = found["availability"], found["error_budget_left availability"]
    assert (whole.status, budget.status, whole.n, whole.limit, budget.limit) == (status, status, requests, 0.99, 0.0)
    assert (whole.beyond, budget.beyond) == (beyond, beyond)
    assert (whole.value, budget.value) == ((None, None) if share is None else pytest.approx((share, left), abs=1e-9))
    if share is not None:
        for each in (whole, budget):
            assert each.low - 1e-9 <= each.value <= each.high + 1e-9


@pytest.mark.parametrize("target", [0.9, 0.95, 0.99, 0.995, 0.999])
def test_a_budget_that_is_just_used_up_is_not_exceeded(target):
    allowed = round(100_000 * (1 - target))
    for bad, beyond in ((allowed, False), (allowed + 1, True)):
        found = measured(served(100_000, bad), target=target)
        assert (found["availability"].beyond, found["error_budget_left availability"].beyond) == (beyond, beyond)


def test_a_latency_objective_counts_what_was_slow():
    found = measured(served(1000, 30, latency=500.0), target=0.95, within=200.0)
    assert found["latency_within"].value == pytest.approx(0.97)
    assert found["error_budget_left latency_within"].value == pytest.approx(0.4)  # 30 of the 50 that may be slow
    assert "30 of 1,000 requests were slower than 200 ms over 28d" in found["latency_within"].note
    assert measured(served(1000, 30), within=200.0)["latency_within"].status is Status.NODATA  # nobody measured a latency


PAGE = BurnSpec(rate=14.4, long="1h", short="5m")


@pytest.mark.parametrize(
    ("long", "short", "beyond", "status"),
    [
        # 99.5 %: a burn of 14.4 is 7.2 % bad; of 100 requests, 7 bad have a probability of 8e-7.
        ((100, 8), (10, 2), True, Status.OK),
        ((100, 7), (10, 2), False, Status.OK),  # 7 % is not 7.2 %
        ((100, 8), (10, 0), False, Status.OK),  # it is over already
        ((100, 8), (0, 0), None, Status.INSUFFICIENT),  # nothing is known of the last minutes
        ((99, 99), (10, 10), None, Status.INSUFFICIENT),  # too few requests
        ((0, 0), (0, 0), None, Status.NODATA),
        ((100, 0), (10, 0), False, Status.OK),
    ],
)
def test_a_burn_rate_needs_both_stretches_and_enough_requests(long, short, beyond, status):
    found = measured(served(1000), [Burning(PAGE, served(*long), served(*short))])
    over, now = found["burn_rate availability 14.4x over 1h"], found["burn_rate availability 14.4x over 5m"]
    assert (over.beyond, over.status, over.limit, over.n) == (beyond, status, 14.4, long[0])
    assert (now.beyond, now.status) == (None, Status.OK if short[0] else Status.NODATA)
    if long[0]:
        assert over.value == pytest.approx(long[1] / long[0] / 0.005)
        assert over.low - 1e-9 <= over.value <= over.high


def test_the_note_says_what_a_burn_rate_costs():
    note = measured(served(1000), [Burning(PAGE, served(100, 8), served(10, 2))])["burn_rate availability 14.4x over 1h"].note
    assert note == (
        "8 of 100 requests failed over 1h; at 14.4 for 1h, 2.1% of the budget of 28d is gone; "
        "judged together with 5m, and from 7 bad requests on"
    )
    doubtful = measured(served(100), [Burning(PAGE, served(100), served(10))], target=0.95)
    assert "it takes 72% bad requests to reach it" in doubtful["burn_rate availability 14.4x over 1h"].note


def test_a_given_number_of_bad_requests_overrules_chance():
    patient = BurnSpec(rate=14.4, long="1h", short="5m", least_bad=50)
    found = measured(served(1000), [Burning(patient, served(100, 49), served(10, 9))])
    assert found["burn_rate availability 14.4x over 1h"].beyond is False


@pytest.mark.parametrize(("n", "share", "least"), [(0, 0.005, 1), (1, 0.005, 2), (100, 0.005, 7), (2500, 0.001, 14), (10**7, 0.01, None)])
def test_the_smallest_alarming_number_of_bad_requests(n, share, least):
    found = least_bad(n, share)
    assert least is None or found == least
    assert stats.binom.sf(found - 1, n, share) <= 1e-6
    assert found == 0 or n == 0 or stats.binom.sf(found - 2, n, share) > 1e-6


@pytest.mark.parametrize(
    ("base", "target", "expected"),
    [
        (timedelta(minutes=5), 0.999, ["14.4 1h 5m", "6 6h 30m", "1 3d 6h"]),
        (HOUR, 0.999, ["14.4 1h 1h", "6 6h 1h", "1 3d 6h"]),
        (timedelta(hours=6), 0.999, ["6 6h 6h", "1 3d 6h"]),
        (timedelta(days=1), 0.999, ["1 3d 1d"]),
        (timedelta(days=7), 0.999, []),
        (HOUR, 0.90, ["6 6h 1h", "1 3d 6h"]),  # all requests bad are a burn of 10
        (HOUR, 0.50, ["1 3d 6h"]),
    ],
)
def test_burn_rates_fit_the_windows(base, target, expected):
    chosen = burns_for(SloSpec(target=target), base)
    assert [f"{burn.rate:g} {burn.long} {burn.short}" for burn in chosen] == expected


def test_one_stretch_is_measured_once():
    burning = [Burning(burn, served(100), served(100)) for burn in burns_for(SloSpec(), HOUR)]
    found = measured(served(1000), burning)
    assert [name for name in found if name.startswith("burn_rate")] == [
        "burn_rate availability 14.4x over 1h",
        "burn_rate availability 6x over 6h",
        "burn_rate availability 6x over 1h",
        "burn_rate availability 1x over 3d",
        "burn_rate availability 1x over 6h",
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: SloSpec(target=0.9, burns=(PAGE,)),
            "burn rate of 14.4 can never be reached with a target of 0.9: all requests bad are 10",
        ),
        (lambda: SloSpec(window="2d", burns=(WORKBOOK[2],)), "over 3d is longer than the window of 2d"),
        (lambda: BurnSpec(rate=2.0, long="5m", short="1h"), "long stretch of 5m is shorter than the short one of 1h"),
        (lambda: SloSpec(target=1.0), "target"),
        (lambda: SloSpec(window="a month"), "no duration"),
        (lambda: SloSpec(within=0.0), "within"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


def test_normal_traffic_hardly_ever_raises_an_alarm():
    # Requests that fail exactly as often as they may: no page in 2,000 hours of 300 requests.
    random = np.random.default_rng(2)
    fired = 0
    for bad_long, bad_short in zip(random.binomial(300, 0.005, 2000), random.binomial(25, 0.005, 2000), strict=True):
        long, short = (Traffic(n, n, int(bad), 0, *_EMPTY) for n, bad in ((300, bad_long), (25, bad_short)))
        fired += slo(long, [Burning(PAGE, long, short)], SCOPE, SloSpec())[2].beyond
    assert fired == 0


_NONE = Traffic.zero()
_EMPTY = (_NONE.latency, 0.0, _NONE.lag, 0.0, 0.0, _NONE.times)
