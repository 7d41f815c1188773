"""Step 1, operations: how much a model is asked, whether it is asked at all, how often it fails, how fast it answers, how late we hear.

Each measurement of one window comes from its `Traffic`; what is normal for requests comes from the windows before it, by their phase, such
as the hour of the week. Formulas and how to read them: `docs/reference/operational-metrics.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from driftline.core.durations import duration
from driftline.core.errors import UnknownName
from driftline.core.records import Measurement, Scope, Status
from driftline.core.spec import Field, Spec
from driftline.performance.counts import binomial_tails, count_tails, quiet_range, scatter
from driftline.performance.intervals import wilson
from driftline.profiles.magnitudes import Magnitudes
from driftline.profiles.traffic import Traffic

SHOWN = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
LEAST_WINDOWS = 4
"""Windows of the past from which normal traffic is known at all."""
ABSENT_BELOW = 0.5
"""Part of the normal requests from which on traffic is there, however improbable its number is."""
BUSY = 20
"""A window without any request among windows of at least so many (their median) was an outage, and is no example of normal traffic."""


class OperationalSpec(Spec):
    """What is tolerated. `alpha`: the probability that one number of a normal window is beyond its limit by chance. `absent_p`: how
    improbable so few requests must be before they count as absence. `tolerated_change`: the share by which requests may differ from the
    normal however certain the difference is. `error_rate`: the largest share of failed requests. `latency`: milliseconds for `p50`,
    `p95` or `p99`. `arrival_lag`: the delay, such as `15m`, within which 95 % of the rows arrive. `least_requests`: below this, rates and
    latencies within their limits are not judged.
    """

    alpha: float = Field(default=1e-4, gt=0.0, lt=0.1)
    absent_p: float = Field(default=1e-6, gt=0.0, lt=0.1)
    tolerated_change: float = Field(default=0.25, ge=0.0)
    error_rate: float | None = Field(default=None, gt=0.0, lt=1.0)
    latency: Mapping[str, float] = {}
    arrival_lag: str = ""
    least_requests: int = Field(default=100, ge=1)

    def model_post_init(self, context: object) -> None:
        """Raises `UnknownName` for a quantile that is not measured, `UsageError` for what is no duration."""
        for name in self.latency:
            if name not in QUANTILES:
                raise UnknownName("latency quantile", name, QUANTILES, where="latency")
        if self.arrival_lag:
            duration(self.arrival_lag)


@dataclass(frozen=True, slots=True)
class PastTraffic:
    """Requests of complete windows before this one, as (phase, requests); `phase` is that of the window to be judged. `day`: how many
    phases make a day, 0 where a window is no part of one."""

    phase: int = 0
    windows: tuple[tuple[int, int], ...] = ()
    day: int = 0


@dataclass(frozen=True, slots=True)
class Normal:
    """What the past lets expect: the mean count, its dispersion (variance = mean + dispersion·mean²), and on how many windows it rests."""

    mean: float
    dispersion: float
    windows: int
    source: str

    def __str__(self) -> str:
        spread = math.sqrt(self.mean + self.dispersion * self.mean**2)
        return f"{_count(self.mean)} ± {_count(spread)} expected from {self.windows} windows {self.source}"


def normal_traffic(past: PastTraffic) -> Normal | None:
    """The count to be expected: of windows of the same phase where there are four, else of the same hour of any day, else of all. None
    where there are not even four.

    The dispersion is pooled over all phases, is an upper bound (see `scatter`), and holds the uncertainty of the mean as well.
    """
    phases = _by_phase(past.windows)
    own, source = phases.get(past.phase, []), "of the same phase"
    if len(own) < LEAST_WINDOWS and past.day:
        phases = _by_phase((phase % past.day, requests) for phase, requests in past.windows)
        own, source = phases.get(past.phase % past.day, []), "of the same hour of the day"
    groups = list(phases.values())
    if len(own) < LEAST_WINDOWS:
        own, source = [count for counts in groups for count in counts], "of all phases"
        groups = [own]
    if len(own) < LEAST_WINDOWS:
        return None
    mean, more = max(sum(own), 0.5) / len(own), 1 / len(own)  # a phase without any request may yet have one
    return Normal(mean, scatter(groups)[0] * (1 + more) + more / mean, len(own), source)


def operational(traffic: Traffic, past: PastTraffic, scope: Scope, spec: OperationalSpec) -> list[Measurement]:
    """All operational measurements of one window that is over.

    Failures, latencies and arrivals that nobody recorded, and that nobody set a limit for, are left out.
    """
    normal = normal_traffic(past)
    found = [_requests(traffic, normal, scope, spec), _absence(traffic, normal, scope, spec)]
    if traffic.reported or spec.error_rate is not None:
        found.append(_error_rate(traffic, scope, spec))
    found += [_latency(traffic, name, share, scope, spec) for name, share in QUANTILES.items() if traffic.timed or name in spec.latency]
    if traffic.unknown:
        found.append(_unknown(traffic, scope))
    if traffic.lag.count or spec.arrival_lag:
        found.append(_arrival_lag(traffic, scope, spec))
    return found


def _requests(traffic: Traffic, normal: Normal | None, scope: Scope, spec: OperationalSpec) -> Measurement:
    """Beyond where the count is outside both the quiet range and the tolerated change, on either side."""
    value, n = float(traffic.requests), traffic.requests
    if normal is None:
        return Measurement("requests", value, scope, n, status=Status.INSUFFICIENT, note=_too_short())
    low, high = quiet_range(normal.mean, normal.dispersion, spec.alpha / 2)
    low = min(low, math.ceil(normal.mean * (1 - spec.tolerated_change)))
    high = max(high, math.floor(normal.mean * (1 + spec.tolerated_change)))
    limit, beyond = (low, n < low) if n < normal.mean else (high, n > high)
    note = f"{normal}; {low:,} to {high:,} is normal (chance {spec.alpha:g}, tolerated {spec.tolerated_change:.0%})"
    return Measurement("requests", value, scope, n, limit=float(limit), note=note, beyond=beyond)


def _absence(traffic: Traffic, normal: Normal | None, scope: Scope, spec: OperationalSpec) -> Measurement:
    """Beyond where so few requests are too improbable and less than half of what is normal: a holiday with a quarter less is for
    `requests`. Not judged where not even none would be improbable."""
    n = traffic.requests
    if normal is None:
        return Measurement("absence", None, scope, n, status=Status.INSUFFICIENT, note=_too_short())
    value, of_none = (count_tails(count, normal.mean, normal.dispersion)[0] for count in (n, 0))
    note = f"probability of at most {n:,} requests: {normal}"
    if of_none > spec.absent_p:
        note += f"; not even none would be too few (probability {of_none:.2g})"
        return Measurement("absence", value, scope, n, limit=spec.absent_p, status=Status.INSUFFICIENT, note=note)
    beyond = value <= spec.absent_p and n < ABSENT_BELOW * normal.mean
    return Measurement("absence", value, scope, n, limit=spec.absent_p, note=note, beyond=beyond)


def _error_rate(traffic: Traffic, scope: Scope, spec: OperationalSpec) -> Measurement:
    """Beyond where so many failures are too improbable at the largest rate that is tolerated."""
    n, limit = traffic.reported, spec.error_rate
    if not n:
        return Measurement("error_rate", None, scope, 0, limit=limit, status=Status.NODATA, note=_nothing(traffic, "whether it failed"))
    low, high = wilson(traffic.errors, n, SHOWN)
    judged = _Judged.of(traffic.errors, n, limit, spec)
    note = f"{traffic.errors:,} of {n:,} requests failed{judged.why}"
    return Measurement(
        "error_rate", traffic.errors / n, scope, n, low=low, high=high, limit=limit, status=judged.status, note=note, beyond=judged.beyond
    )


def _latency(traffic: Traffic, name: str, share: float, scope: Scope, spec: OperationalSpec) -> Measurement:
    """Beyond where more requests than the quantile leaves were slower than the limit, and too many for chance."""
    metric, n, limit = f"latency_{name}", traffic.timed, spec.latency.get(name)
    value = traffic.quantile(share)
    if value is None:
        return Measurement(metric, None, scope, 0, limit=limit, status=Status.NODATA, note=_nothing(traffic, "a latency"))
    low, high = order_interval(traffic.latency, share)
    slow = 0 if limit is None else n - round((traffic.share_below(limit) or 0.0) * n)
    judged = _Judged.of(slow, n, None if limit is None else 1 - share, spec)
    note = "milliseconds, to 1 %" + ("" if limit is None else f"; {slow:,} of {n:,} requests slower than {limit:g} ms{judged.why}")
    beyond = judged.beyond and value > limit if limit is not None and judged.beyond is not None else judged.beyond
    return Measurement(metric, value, scope, n, low=low, high=high, limit=limit, status=judged.status, note=note, beyond=beyond)


def _unknown(traffic: Traffic, scope: Scope) -> Measurement:
    n = traffic.timed + traffic.unknown
    low, high = wilson(traffic.unknown, n, SHOWN)
    note = "requests whose latency is missing, 0, negative, infinite or above 10⁹ ms; they are in no quantile"
    return Measurement("latency_unknown", traffic.unknown / n, scope, n, low=low, high=high, note=note)


def _arrival_lag(traffic: Traffic, scope: Scope, spec: OperationalSpec) -> Measurement:
    """Beyond where the quantile is above the limit: these are all rows, not a sample of them."""
    n, limit = traffic.lag.count, duration(spec.arrival_lag).total_seconds() if spec.arrival_lag else None
    value = traffic.lag.quantile(0.95)
    if value is None:
        return Measurement("arrival_lag_p95", None, scope, 0, limit=limit, status=Status.NODATA, note=_nothing(traffic, "an arrival"))
    note = f"seconds from event to arrival, to 1 %; the longest took {traffic.lag_max:,.0f} s"
    return Measurement("arrival_lag_p95", value, scope, n, limit=limit, note=note, beyond=None if limit is None else value > limit)


def order_interval(magnitudes: Magnitudes, share: float) -> tuple[float | None, float | None]:
    """The 95 % interval of a quantile, by the ranks it may have; None where the rank is beyond the ends."""
    n = magnitudes.count
    half = SHOWN * math.sqrt(n * share * (1 - share))
    low, high = math.floor(n * share - half), math.ceil(n * share + half) + 1
    return magnitudes.ranked(low) if low >= 1 else None, magnitudes.ranked(high) if high <= n else None


@dataclass(frozen=True, slots=True)
class _Judged:
    """Whether too many of n requests were bad, whether that could be said at all, and why."""

    beyond: bool | None
    status: Status
    why: str

    @classmethod
    def of(cls, bad: int, n: int, tolerated: float | None, spec: OperationalSpec) -> _Judged:
        if tolerated is None:
            return cls(None, Status.OK, "")
        p = binomial_tails(bad, n, tolerated)[1]
        why = f"; probability of that many at {tolerated:g}: {p:.2g}"
        if p <= spec.alpha:
            return cls(beyond=True, status=Status.OK, why=why)
        if n < spec.least_requests:
            return cls(None, Status.INSUFFICIENT, f"{why}, and {spec.least_requests} requests are needed to say that all is well")
        return cls(beyond=False, status=Status.OK, why=why)


def _by_phase(windows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """The counts of each phase that are examples of normal traffic."""
    phases: dict[int, list[int]] = {}
    for phase, requests in windows:
        phases.setdefault(phase, []).append(requests)
    return {phase: _without_outages(counts) for phase, counts in phases.items()}


def _without_outages(counts: list[int]) -> list[int]:
    busy = sorted(counts)[len(counts) // 2] >= BUSY
    return [count for count in counts if count] if busy else counts


def _too_short() -> str:
    return f"fewer than {LEAST_WINDOWS} windows of the past: what is normal is not known"


def _nothing(traffic: Traffic, what: str) -> str:
    return f"no requests, so none with {what}" if not traffic.requests else f"none of the {traffic.requests:,} requests says {what}"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
