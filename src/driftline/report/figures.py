"""Values of measurements with their units, and their names as people say them."""

from __future__ import annotations

import math
from functools import lru_cache

from driftline.core.records import Basis, Measurement
from driftline.report import numbers

FAMILIES = {"anchor": "against the anchor", "versions": "between versions"}
"""Prefixes of metrics of steps 2 and 3 that compare with something else than the active reference."""

BASES = {
    Basis.OBSERVED: "",
    Basis.MATURED: "matured",
    Basis.SAME_AGE: "same age",
    Basis.ESTIMATED: "estimated",
    Basis.PROXY: "proxy",
}
VERDICTS = {0: "stable", 1: "drifted", 2: "faulty"}

_SHARES = ("availability", "latency_within", "error_budget_left", "observability", "near_threshold")
_MORE_SHARES = ("latency_unknown", "corrected_labels", "unfit_labels", "unexpected_labels")
_SECONDS = ("arrival_lag", "label_lag")
_SPANS = ((60.0, "s"), (3600.0, "min"), (86400.0, "h"), (math.inf, "d"))
_LENGTHS = (1.0, 60.0, 3600.0, 86400.0)


@lru_cache(maxsize=1024)
def family_of(metric: str) -> tuple[str, str]:
    """What a metric compares with, `anchor`, `versions` or nothing special, and its name without that."""
    for family in FAMILIES:
        if metric.startswith(f"{family}_"):
            return family, metric.removeprefix(f"{family}_")
    return "", metric


def amount(metric: str, value: float | None) -> str:
    """A value in the unit of its metric: `31.2 %`, `184 ms`, `3.1 h`, `drifted`; a dash where there is none."""
    if value is None:
        return numbers.UNKNOWN
    _, name = family_of(metric)
    if name == "verdict":
        return VERDICTS.get(int(value), numbers.number(value)) if math.isfinite(value) else numbers.number(value)
    if name.startswith("burn_rate"):
        return f"{numbers.number(value)} x"
    if is_share(name):
        return numbers.percent(value)
    if name.startswith("latency_"):
        return f"{numbers.number(value)} ms"
    if name.startswith(_SECONDS):
        return _time(value)
    return numbers.number(value)


def is_share(metric: str) -> bool:
    """Whether values are shares, to be written as percent."""
    _, name = family_of(metric)
    return (name.startswith(_SHARES) or name in _MORE_SHARES or numbers.is_rate(name)) and not name.startswith("burn_rate")


def unit_of(metric: str, most: float) -> float:
    """Seconds of the unit that the largest of some times is written in; 1 for all that is no time."""
    if not family_of(metric)[1].startswith(_SECONDS):
        return 1.0
    return next((length for (end, _), length in zip(_SPANS, _LENGTHS, strict=True) if abs(most) < end), 1.0)


def title(metric: str) -> str:
    """The name of a metric: `ROC AUC`, `latency p95`, `PSI against the anchor`."""
    family, name = family_of(metric)
    said = numbers.measure_name(name)
    return f"{said} {FAMILIES[family]}" if family else said


def limited(measurement: Measurement) -> str:
    """Value and limit: `184 ms (limit 150 ms)`."""
    value = amount(measurement.metric, measurement.value)
    return value if measurement.limit is None else f"{value} (limit {amount(measurement.metric, measurement.limit)})"


def interval(measurement: Measurement) -> str:
    """The interval of a measurement, `[0.695, 0.729]`; empty where there is none."""
    if measurement.low is None or measurement.high is None:
        return ""
    return f"[{amount(measurement.metric, measurement.low)}, {amount(measurement.metric, measurement.high)}]"


def excess(measurement: Measurement) -> float:
    """How far a value is beyond its limit, to rank by: the larger of the two by the smaller, or where one of them is 0, how far it is from
    the other; without a limit the value."""
    value, limit = measurement.value, measurement.limit
    if value is None or limit is None:
        return abs(value or 0.0)
    small, large = sorted((abs(value), abs(limit)))
    return large / small if small else 1.0 + large


def _time(seconds: float) -> str:
    size = abs(seconds)
    for (most, unit), length in zip(_SPANS, _LENGTHS, strict=True):
        if size < most:
            return f"{numbers.number(seconds / length)} {unit}"
    return numbers.number(seconds)
