"""Service level objectives: how much of what may go wrong has gone wrong, and how fast the rest is being used up.

An objective says which share of the requests must be good: answered without an error, or within so many milliseconds. The others are its
error budget. The burn rate is the share of bad requests over the share that is allowed: at 1 the budget lasts exactly as long as the
objective's window. Source: the multi-window burn rates of the SRE workbook (Google 2018, chapter 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from driftline.core.durations import duration, written
from driftline.core.errors import UsageError
from driftline.core.records import Measurement, Scope, Status
from driftline.core.spec import Field, Spec
from driftline.performance.counts import binomial_tails, first
from driftline.performance.intervals import wilson
from driftline.performance.operational import SHOWN
from driftline.profiles.traffic import Traffic

CHANCE = 1e-6
"""How improbable the smallest number of bad requests that may raise an alarm is, where all is as good as the objective."""
DOUBTFUL = 0.6
"""A burn rate that takes a larger share of bad requests than this to reach hardly ever fires."""
ROUNDING = 1e-9


class BurnSpec(Spec):
    """A burn rate that must not be reached over both a long and a short stretch of time.

    `least_bad`: bad requests in the long stretch below which nothing is said; None: as many as chance makes with a probability of 1e-6.
    """

    rate: float = Field(gt=0.0)
    long: str
    short: str
    least_bad: int | None = Field(default=None, ge=1)

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` where the long stretch is shorter than the short one."""
        if duration(self.long) < duration(self.short):
            raise UsageError(f"The long stretch of {self.long} is shorter than the short one of {self.short}", where="burns")


WORKBOOK = (
    BurnSpec(rate=14.4, long="1h", short="5m"),
    BurnSpec(rate=6.0, long="6h", short="30m"),
    BurnSpec(rate=1.0, long="3d", short="6h"),
)
"""The burn rates of the SRE workbook: 2 %, 5 % and 10 % of the budget of 30 days."""


class SloSpec(Spec):
    """One objective. `within`: milliseconds for one of latency, None for one of availability. `target`: the share of good requests.

    `window`: how long the budget is to last. `burns`: the burn rates watched; those of the workbook that can be reached, where None.
    `least_requests`: below this nothing is said.
    """

    target: float = Field(default=0.995, gt=0.0, lt=1.0)
    window: str = "28d"
    within: float | None = Field(default=None, gt=0.0)
    burns: tuple[BurnSpec, ...] | None = None
    least_requests: int = Field(default=100, ge=1)

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a burn rate that cannot be reached: it is at most 1 / (1 - target)."""
        length = duration(self.window)
        for burn in self.burns or ():
            if burn.rate * (1 - self.target) >= 1:
                raise UsageError(
                    f"A burn rate of {burn.rate:g} can never be reached with a target of {self.target:g}: all requests bad are "
                    f"{1 / (1 - self.target):.3g}",
                    where="burns",
                    hint="Use a smaller rate.",
                )
            if duration(burn.long) > length:
                raise UsageError(f"A burn rate over {burn.long} is longer than the window of {self.window}", where="burns")

    @property
    def name(self) -> str:
        """What the share of good requests is called among the measurements."""
        return "availability" if self.within is None else "latency_within"


@dataclass(frozen=True, slots=True)
class Burning:
    """The traffic of the last long and short stretch of time of one burn rate."""

    spec: BurnSpec
    long: Traffic
    short: Traffic


def burns_for(spec: SloSpec, base: timedelta) -> tuple[BurnSpec, ...]:
    """The burn rates to watch where traffic is known by windows of length `base`.

    Short stretches are lengthened to whole windows; what then has a long stretch shorter than a window, or longer than the budget, or
    cannot be reached, is left out.
    """
    chosen = []
    for burn in WORKBOOK if spec.burns is None else spec.burns:
        long, short = duration(burn.long), duration(burn.short)
        fits = base <= long <= duration(spec.window) and burn.rate * (1 - spec.target) < 1
        if fits:
            chosen.append(burn.but(long=written(-(-long // base) * base), short=written(-(-short // base) * base)))
    return tuple(chosen)


def slo(traffic: Traffic, burning: Sequence[Burning], scope: Scope, spec: SloSpec) -> list[Measurement]:
    """The share of good requests over the window of the objective, the budget that is left, and each burn rate over both stretches.

    `traffic` is that of the window of the objective up to now. The `column` of the budget is the objective, that of a burn rate says which:
    `availability 14.4x over 1h`.
    """
    over = _Good.of(traffic, spec)
    found = [_share(over, scope, spec), _budget(over, scope, spec)]
    for each in burning:
        long, short = _Good.of(each.long, spec), _Good.of(each.short, spec)
        found += _burn(each.spec, long, short, scope, spec)
    return found


@dataclass(frozen=True, slots=True)
class _Good:
    """How many requests count, and how many of them are bad."""

    n: int
    bad: int
    what: str

    @classmethod
    def of(cls, traffic: Traffic, spec: SloSpec) -> _Good:
        if spec.within is None:
            return cls(traffic.reported, traffic.errors, "failed")
        n = traffic.timed
        return cls(n, n - round((traffic.share_below(spec.within) or 0.0) * n), f"were slower than {spec.within:g} ms")

    def exceeds(self, rate: float, spec: SloSpec) -> bool:
        """Whether more are bad than this burn rate stands for; rounding never decides it."""
        return self.bad > rate * (1 - spec.target) * self.n * (1 + ROUNDING)

    def reaches(self, rate: float, spec: SloSpec) -> bool:
        """Whether at least as many are bad as this burn rate stands for."""
        return self.bad >= rate * (1 - spec.target) * self.n * (1 - ROUNDING)

    def status(self, spec: SloSpec) -> Status:
        return Status.NODATA if not self.n else Status.INSUFFICIENT if self.n < spec.least_requests else Status.OK

    def note(self, spec: SloSpec) -> str:
        said = f"{self.bad:,} of {self.n:,} requests {self.what}"
        return said + (f"; {spec.least_requests} requests are needed to judge" if self.n < spec.least_requests else "")


def _share(over: _Good, scope: Scope, spec: SloSpec) -> Measurement:
    status, note = over.status(spec), f"{over.note(spec)} over {spec.window}"
    if not over.n:
        return Measurement(spec.name, None, scope, 0, limit=spec.target, status=status, note=note)
    value = 1 - over.bad / over.n
    low, high = wilson(over.n - over.bad, over.n, SHOWN)
    beyond = over.exceeds(1.0, spec) if status is Status.OK else None
    return Measurement(spec.name, value, scope, over.n, low=low, high=high, limit=spec.target, status=status, note=note, beyond=beyond)


def _budget(over: _Good, scope: Scope, spec: SloSpec) -> Measurement:
    """1 - bad / (n·(1 - target)): 1 where nothing is used, 0 where all is, negative where more is."""
    status, allowed = over.status(spec), over.n * (1 - spec.target)
    note = f"{over.note(spec)} over {spec.window}, and {allowed:,.1f} may"
    if not over.n:
        return Measurement("error_budget_left", None, scope, 0, column=spec.name, limit=0.0, status=status, note=note)
    value = 1 - over.bad / allowed
    low, high = (1 - share / (1 - spec.target) for share in reversed(wilson(over.bad, over.n, SHOWN)))
    return Measurement(
        "error_budget_left",
        value,
        scope,
        over.n,
        column=spec.name,
        low=low,
        high=high,
        limit=0.0,
        status=status,
        note=note,
        beyond=over.exceeds(1.0, spec) if status is Status.OK else None,
    )


def _burn(burn: BurnSpec, long: _Good, short: _Good, scope: Scope, spec: SloSpec) -> list[Measurement]:
    """The burn rate over the long stretch, judged together with the short one; and that over the short one, which is only shown."""
    allowed = 1 - spec.target
    least = burn.least_bad or least_bad(long.n, allowed)
    known = long.n >= spec.least_requests and short.n > 0
    beyond = long.bad >= least and all(each.reaches(burn.rate, spec) for each in (long, short)) if known else None
    part = burn.rate * (duration(burn.long) / duration(spec.window))
    why = f"at {burn.rate:g} for {burn.long}, {part:.1%} of the budget of {spec.window} is gone"
    if burn.rate * allowed > DOUBTFUL:
        why += f"; it takes {burn.rate * allowed:.0%} bad requests to reach it"
    rule = f"judged together with {burn.short}, and from {least:,} bad requests on" if known else "not judged: too few requests"
    first_status = Status.NODATA if not long.n else Status.OK if known else Status.INSUFFICIENT
    found = [_rate(burn, long, burn.long, scope, spec, status=first_status, beyond=beyond, note=f"{why}; {rule}")]
    if burn.short != burn.long:
        status = Status.OK if short.n else Status.NODATA
        found.append(_rate(burn, short, burn.short, scope, spec, status=status, beyond=None, note=f"judged together with {burn.long}"))
    return found


def _rate(  # noqa: PLR0913 - a burn rate and what is said of it
    burn: BurnSpec, good: _Good, length: str, scope: Scope, spec: SloSpec, *, status: Status, beyond: bool | None, note: str
) -> Measurement:
    value = low = high = None
    if good.n:
        value = good.bad / good.n / (1 - spec.target)
        low, high = (share / (1 - spec.target) for share in wilson(good.bad, good.n, SHOWN))
    return Measurement(
        "burn_rate",
        value,
        scope,
        good.n,
        column=f"{spec.name} {burn.rate:g}x over {length}",
        low=low,
        high=high,
        limit=burn.rate,
        status=status,
        note=f"{good.bad:,} of {good.n:,} requests {good.what} over {length}; {note}",
        beyond=beyond,
    )


def least_bad(n: int, share: float) -> int:
    """The smallest number of bad requests that n make with a probability of at most 1e-6 where this share is bad."""
    spread = (n * share * (1 - share)) ** 0.5
    return first(lambda bad: binomial_tails(bad, n, share)[1] <= CHANCE, round(n * share + 5 * spread) + 1, spread)
