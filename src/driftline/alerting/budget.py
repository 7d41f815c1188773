"""The budget of false alarms: how many each rule raises in a month in which nothing is wrong, and how sure an observed number is.

    forecast(rules, chances) -> Forecast    expected(rules, chances) -> (Expected, ...)    poisson_interval(count)    rate_per_month(...)

The expected numbers are upper bounds from the probabilities that steps 1 to 3 allow themselves. A rule that must see k windows beyond
their limit begins at most once for every k of them, whatever windows have to do with each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from driftline.alerting.rules import Rule
from driftline.core.ledger import Step
from driftline.core.records import Basis
from driftline.core.verdicts import Severity

NO_THEORY = "no theory: back-test it"
ABSENCE, BURN = 1e-6, 1e-6
"""Probability at which an absence and a burn rate are judged."""
COUNTS = 1e-4
"""That of rates, latencies and the label feed."""
CALIBRATED = frozenset({"beyond_limit", "faulty", "drifted"})
"""Conditions on what steps 1 to 3 have judged."""
VERDICTS = ("verdict", "anchor_verdict", "versions_verdict")
UNREADABLE, MISSING, SEGMENT_ROWS = "unreadable", "missing_rate", "segment_rows"
FEED = ("coverage", "orphan_share", "corrected_labels", "unfit_labels", "unexpected_labels")
COUNTED = ("requests", "error_rate", "latency_p50", "latency_p95", "latency_p99")
_QUALITY = frozenset({Basis.MATURED, Basis.SAME_AGE, Basis.ESTIMATED})


@dataclass(frozen=True, slots=True)
class Chances:
    """What the false alarms of a model follow from.

    `windows`: in a month. `alarms`: windows a month that steps 2 and 3 may call drifted although nothing has changed. `quality`: the
    probability of a false verdict on quality, for one window. `burns`: burn rates that are watched. `segments`: that are judged, all of
    them within the alarms of their step. `missing`: the part of these alarms that missing values may raise. `importance`: of columns.
    """

    windows: float
    base: timedelta
    alarms: Mapping[Step, float] = field(default_factory=dict)
    quality: float = 0.01
    burns: int = 0
    segments: int = 0
    missing: float = 0.25
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """False alarms of one rule in a month, at most; None where no theory says. `derivation`: how the number comes about."""

    rule: str
    per_month: float | None
    derivation: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """False alarms in a month, at most: of each rule, and pages and tickets in all."""

    rules: tuple[Expected, ...]
    pages: float
    tickets: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Alarms per month as they were counted, with a 95 % interval."""

    per_month: float
    low: float
    high: float


def expected(rules: Mapping[str, Rule], chances: Chances) -> tuple[Expected, ...]:
    """What each rule that is switched on raises in a month when nothing is wrong, in order of the rules."""
    return tuple(_expected(name, rules, chances, ()) for name, rule in rules.items() if rule.enabled)


def forecast(rules: Mapping[str, Rule], chances: Chances) -> Forecast:
    """What all rules together raise in a month when nothing is wrong, at most. Rules on one of steps 2 and 3 share what that step is
    allowed: a window that is called drifted is one, however many rules see it."""
    found = expected(rules, chances)

    def in_all(severity: Severity) -> float:
        sums: dict[Step | None, float] = {}
        for each in found:
            rule = rules[each.rule]
            if rule.severity is severity and each.per_month is not None:
                sums[rule.step] = sums.get(rule.step, 0.0) + each.per_month
        return sum(total if step is None else min(total, chances.alarms.get(step, total)) for step, total in sums.items())

    return Forecast(found, in_all(Severity.CRITICAL), in_all(Severity.WARNING))


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson number that was seen to be `count` (Garwood 1936)."""
    tail = (1 - confidence) / 2
    wide = count + 10 * math.sqrt(count + 1) + 40
    low = 0.0 if count == 0 else _solved(lambda mean: _at_least(count, mean), tail, float(count), rising=True)
    return low, _solved(lambda mean: _at_most(count, mean), tail, wide, rising=False)


def rate_per_month(count: int, months: float) -> Rate:
    """So many alarms in so many months, per month."""
    low, high = poisson_interval(count)
    return Rate(count / months, low / months, high / months)


def _expected(name: str, rules: Mapping[str, Rule], chances: Chances, above: tuple[str, ...]) -> Expected:
    rule = rules.get(name)
    if rule is None or not rule.enabled or name in above:
        return Expected(name, 0.0, "it is not there, and so never fires")
    if rule.combines:
        return _combined(name, rule, rules, chances, (*above, name))
    found = _beyond(rule, chances)
    if found is None:
        return Expected(name, None, NO_THEORY)
    number, derivation = found
    k, n = rule.held(chances.base)
    if k == 1 or not number:
        return Expected(name, number, derivation)
    return Expected(name, number / k, f"{derivation}; / {k}, since it begins after {k} of {n} windows")


def _combined(name: str, rule: Rule, rules: Mapping[str, Rule], chances: Chances, above: tuple[str, ...]) -> Expected:
    """Rules on other rules: the share of one no more than that, any of some as often as all together, all as the rarest."""
    settings = rule.settings
    others = [str(other) for other in settings.get("rules", ())] or [str(settings["rule"])]
    found = [_expected(other, rules, chances, above) for other in others]
    known = [each.per_month for each in found if each.per_month is not None]
    listed = ", ".join(others)
    if rule.condition == "any_of":
        return Expected(name, sum(known), f"{listed} together") if len(known) == len(found) else Expected(name, None, NO_THEORY)
    return Expected(name, min(known), f"no more often than {listed}") if known else Expected(name, None, NO_THEORY)


def _beyond(rule: Rule, chances: Chances) -> tuple[float, str] | None:
    """Windows a month in which one of its identities is beyond its limit by chance, at most; None where no theory says."""
    if rule.condition == "failed":
        return 0.0, "an error is no chance"
    on_verdicts = rule.condition == "above" and bool(rule.metric) and all(metric in VERDICTS for metric in rule.metric)
    if rule.condition == "burn_rate":
        return _per_window(BURN, chances, chances.burns, "burn rates")
    if rule.condition not in CALIBRATED and not on_verdicts:
        return None
    if rule.step in (Step.DRIFT, Step.PREDICTIONS):
        return _of_drift(rule, rule.step, chances)
    if rule.step is Step.PERFORMANCE:
        return _of_performance(rule, chances)
    return None


def _of_drift(rule: Rule, step: Step, chances: Chances) -> tuple[float, str] | None:
    if step not in chances.alarms:
        return None
    if rule.least_importance and not any(share >= rule.least_importance for share in chances.importance.values()):
        return 0.0, f"no column has an importance of {rule.least_importance:g}"
    allowed = chances.alarms[step]
    told = f"{allowed:g} windows a month may be called drifted when nothing has changed"
    if rule.metric and set(rule.metric) <= {UNREADABLE}:
        return 0.0, "no chance makes a column vanish"
    if rule.metric and set(rule.metric) <= {UNREADABLE, MISSING}:
        return allowed * chances.missing, f"{told}, {chances.missing:.0%} of them for missing values"
    if rule.metric == (SEGMENT_ROWS,):
        return _per_window(ABSENCE, chances, chances.segments, "segments")
    return allowed, told


def _of_performance(rule: Rule, chances: Chances) -> tuple[float, str] | None:
    if rule.metric and all(metric == "absence" for metric in rule.metric):
        return _per_window(ABSENCE, chances)
    if rule.metric and all(_one_of(metric, FEED) for metric in rule.metric):
        return _per_window(COUNTS, chances, sum(_one_of(metric, FEED) for metric in rule.metric), "measurements")
    if rule.metric and all(_one_of(metric, COUNTED) for metric in rule.metric):
        return _per_window(COUNTS, chances, sum(_one_of(metric, COUNTED) for metric in rule.metric), "measurements")
    if set(rule.basis) <= _QUALITY:
        return _per_window(chances.quality, chances)
    return None


def _per_window(chance: float, chances: Chances, times: int = 1, noun: str = "") -> tuple[float, str]:
    many = f" x {times} {noun}" if times != 1 else ""
    return chance * chances.windows * times, f"{chance:g} x {chances.windows:,.0f} windows a month{many}"


def _one_of(pattern: str, names: tuple[str, ...]) -> int:
    """How many of these names a pattern fits."""
    return sum(fnmatchcase(name, pattern) for name in names)


def _at_most(count: int, mean: float) -> float:
    """P(X <= count) of a Poisson number."""
    if mean <= count + 1:
        return 1 - _at_least(count + 1, mean)
    term = total = _exactly(count, mean)
    for k in range(count, 0, -1):
        term *= k / mean
        total += term
        if term < 1e-17 * total:
            break
    return total


def _at_least(count: int, mean: float) -> float:
    """P(X >= count) of a Poisson number."""
    if mean > count:
        return 1 - _at_most(count - 1, mean) if count else 1.0
    term, k = _exactly(count, mean), count
    total = term
    while term > 1e-17 * total:
        k += 1
        term *= mean / k
        total += term
    return total


def _exactly(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) if mean > 0 else float(count == 0)


def _solved(tail: Callable[[float], float], wanted: float, upper: float, *, rising: bool) -> float:
    """The mean at which a tail has the probability that is wanted, by halving."""
    low, high = 0.0, upper
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (tail(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2
