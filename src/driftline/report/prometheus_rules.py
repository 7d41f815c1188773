"""Rules for Prometheus: the objectives of serving as multi-window burn rates, and the absence of requests.

Prometheus sees each request within seconds, and driftline its rows when they are delivered: where there is a Prometheus, it should page
for serving. What counts as burning is the same as in `performance/slo.py`, and the labels are those of driftline's own alerts. Requests
that chance explains page nobody: with n requests of which a share s may be bad, at least k = bad of them have at most the probability
exp(-(k ln(k/ns) - k + ns)) (Chernoff's bound), and that must be at most 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from driftline.alerting.records import Key
from driftline.config.plan import ServingSpec
from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.verdicts import Severity
from driftline.performance.slo import CHANCE, DOUBTFUL, WORKBOOK, BurnSpec, SloSpec, burns_for
from driftline.report.prometheus_selectors import Selector, quoted

FAST, SLOW, ABSENT, UNMEASURED, NO_BUCKET = (
    "ServingFastBurn",
    "ServingSlowBurn",
    "TrafficAbsent",
    "TrafficUnmeasured",
    "LatencyUnmeasured",
)
"""Names of the alerts. The first three are those of driftline's own rules."""
PAGES_FROM = 6.0
"""The burn rate from which on an alert pages."""
SCRAPED = timedelta(minutes=1)
BUCKET = "_bucket"
STRETCHES = ("1h", "1d")
"""Over which stretches of time it is watched that there are requests at all."""
WAIT = "10m"
MEMORY = "30m"
"""How long the alert about absence remembers that it fires: longer than Prometheus takes to start again."""
VALUE = "\0"
"""Stands for the burn rate in a text, until the rules put a template there and the tests a number."""
_TEMPLATE = "{{ $value | printf `%.1f` }}"


@dataclass(frozen=True, slots=True)
class Selectors:
    """The time series that a model's requests, failed requests and latencies are counted in. `latency`: the buckets of a histogram in
    seconds."""

    requests: Selector
    errors: Selector
    latency: Selector

    @classmethod
    def usual(cls, model: str) -> Selectors:
        """The names that most libraries use, of a job with the name of the model."""
        requests = Selector("http_requests_total").with_("job", "=", model)
        buckets = Selector("http_request_duration_seconds_bucket").with_("job", "=", model)
        return cls(requests, requests.with_("code", "=~", "5.."), buckets)


@dataclass(frozen=True, slots=True)
class Served:
    """What is known of how a model is served. `source`: where its objectives are written, for people. `runbooks`: addresses of pages
    that say what to do, by the name of the alert."""

    model: str
    source: str
    slos: tuple[SloSpec, ...]
    absent_p: float
    selectors: Selectors
    runbooks: Mapping[str, str] = field(default_factory=dict)

    @property
    def traffic(self) -> Selector:
        """The series in which requests are counted, whatever became of them."""
        counted = any(slo.within is None for slo in self.slos)
        return self.selectors.requests if counted else self.selectors.latency.with_("le", "=", "+Inf")

    @property
    def expected(self) -> int:
        """So many requests must have been expected before none of them is improbable: exp(-n) is at most `absent_p`."""
        return math.ceil(-math.log(self.absent_p))


def slos_of(serving: ServingSpec, where: str) -> tuple[SloSpec, ...]:
    """The objectives of a plan. Raises `UsageError` where there are none, and for one that no burn rate fits."""
    found = []
    if serving.availability is not None:
        found.append(SloSpec(target=serving.availability.target, window=serving.availability.window))
    if serving.latency is not None:
        found.append(SloSpec(target=serving.latency.target, window=serving.latency.window, within=serving.latency.within))
    if not found:
        hint = "Add one, such as 'serving: {availability: 0.995}', or 'serving: {latency: {within: 800, target: 0.99}}'."
        raise UsageError("The plan has no objective of serving, and rules are made of those", where=where, hint=hint)
    for slo in found:
        if not burns(slo):
            shortest = min((burn.long for burn in WORKBOOK), key=duration)
            hint = f"Use a window of at least {shortest}."
            raise UsageError(f"No burn rate fits an objective over {slo.window}", where=f"{where}: serving", hint=hint)
    return tuple(found)


def burns(slo: SloSpec) -> tuple[BurnSpec, ...]:
    """The burn rates that can be reached, where traffic is known by the minute."""
    return burns_for(slo, SCRAPED)


def rules_text(served: Served) -> str:
    """The file of rules."""
    lines = [
        f"# Alerts on how {served.model} is served, made by driftline from {served.source}. Change that, and make them again.",
        "# Check them with 'promtool check rules', and test them with 'promtool test rules' and the file beside this one.",
        f"# requests: {served.traffic}",
        "# One Prometheus may hold the files of many models: every series and alert has the label 'model'.",
        "groups:",
    ]
    for slo in served.slos:
        lines += _objective(slo, served)
    return "\n".join([*lines, *_traffic(served)]) + "\n"


def burn_labels(burn: BurnSpec, slo: SloSpec, model: str) -> dict[str, str]:
    """The labels of the alert on one burn rate."""
    severity = Severity.CRITICAL if burn.rate >= PAGES_FROM else Severity.WARNING
    return _labels(Key(burn_alert(burn), "burn_rate", column=f"{slo.name} {burn.rate:g}x over {burn.long}"), severity, model)


def absent_labels(model: str) -> dict[str, str]:
    """The labels of the alert where no requests come."""
    return _labels(Key(ABSENT, "absence"), Severity.CRITICAL, model)


def unmeasured_labels(model: str) -> dict[str, str]:
    """The labels of the alert where no requests are counted."""
    return _labels(Key(UNMEASURED, "requests"), Severity.WARNING, model)


def no_bucket_labels(slo: SloSpec, model: str) -> dict[str, str]:
    """The labels of the alert where latencies have no bucket for the objective."""
    return _labels(Key(NO_BUCKET, slo.name), Severity.WARNING, model)


def _labels(key: Key, severity: Severity, model: str) -> dict[str, str]:
    """Those of driftline's own alerts, and the severity; the name of the alert has its own place."""
    return {name: value for name, value in key.labels(model).items() if name != "alertname"} | {"severity": str(severity)}


def burn_alert(burn: BurnSpec) -> str:
    """The name of the alert on one burn rate."""
    return FAST if burn.rate >= PAGES_FROM else SLOW


def burn_told(burn: BurnSpec, slo: SloSpec, served: Served) -> dict[str, str]:
    """What people are told by the alert on one burn rate; `VALUE` stands where that is."""
    share = burn.rate * (duration(burn.long) / duration(slo.window))
    said = f"{served.model} uses up its error budget of {slo.name} {VALUE} times as fast as it may, over {burn.long} and {burn.short}"
    means = f"At {burn.rate:g}x, {share:.1%} of the budget of {slo.window} is gone in {burn.long}. {_good(slo)}"
    return _told(burn_alert(burn), said, means, served)


def absent_told(served: Served) -> dict[str, str]:
    """What people are told where no requests come."""
    said = f"{served.model} gets no requests"
    means = f"None came for an hour or a day in which {served.expected} or more came a week ago. It fires until requests come again."
    return _told(ABSENT, said, means, served)


def unmeasured_told(served: Served) -> dict[str, str]:
    """What people are told where Prometheus knows of no requests at all."""
    said = f"Prometheus counts no requests of {served.model}"
    means = f"There has been no series {served.traffic} for an hour: the model is not scraped, or the rules name another series."
    return _told(UNMEASURED, said, means, served)


def no_bucket_told(slo: SloSpec, served: Served) -> dict[str, str]:
    """What people are told where latencies have no bucket for the objective."""
    said = f"Prometheus cannot tell whether {served.model} is fast enough"
    means = f"There has been no series {bucket(slo, served)} for an hour: the histogram needs a bucket that ends at {slo.within:g} ms."
    return _told(NO_BUCKET, said, means, served)


def bucket(slo: SloSpec, served: Served) -> Selector:
    """The bucket of the requests that were fast enough; 1 second is written as 1 or as 1.0."""
    assert slo.within is not None
    ends = repr(slo.within / 1000)
    return served.selectors.latency.with_("le", *(("=~", f"{ends[:-2]}|{ends[:-2]}[.]0") if ends.endswith(".0") else ("=", ends)))


def _told(alert: str, summary: str, description: str, served: Served) -> dict[str, str]:
    runbook = served.runbooks.get(alert, "")
    return {"summary": summary, "description": description, **({"runbook_url": runbook} if runbook else {})}


def _good(slo: SloSpec) -> str:
    return "A bad request is one that failed." if slo.within is None else f"A bad request is one that took longer than {slo.within:g} ms."


def _objective(slo: SloSpec, served: Served) -> list[str]:
    """The group of one objective: what is counted over each stretch, then the alerts."""
    chosen, allowed = burns(slo), _number(1 - slo.target)
    stretches = sorted({length for burn in chosen for length in (burn.long, burn.short)}, key=duration)
    lines = [
        "",
        f"  # {slo.name}: {slo.target:.12g} of the requests over {slo.window} must be good, so {allowed} of them may be bad. {_good(slo)}",
        *(f"  # bad: {served.selectors.errors}" for _ in range(slo.within is None)),
        *_left_out(slo, chosen),
        f"  - name: {quoted(f'driftline {served.model} {slo.name}')}",
        "    rules:",
    ]
    for length in stretches:
        requests, bad = _counted(slo, served, length)
        lines += _record(_name(slo, "requests", length), requests, served)
        lines += _record(_name(slo, "bad", length), bad, served)
        burning = f"{_series(slo, 'bad', length, served)} / ({allowed} * {_series(slo, 'requests', length, served)})"
        lines += _record(_name(slo, "burn_rate", length), [burning], served)
    for length in dict.fromkeys(burn.long for burn in chosen):
        k, n = (_series(slo, what, length, served) for what in ("bad", "requests"))
        lines.append(f"      # Minus the logarithm of the probability of so many bad requests of {length}, were {allowed} of all bad.")
        lines += _record(_name(slo, "surprise", length), [f"{k} * ln({k} / ({allowed} * {n}))", f"- {k} + {allowed} * {n}"], served)
    for burn in chosen:
        lines += _burning(burn, slo, served)
    return lines + (_no_bucket(slo, served) if slo.within is not None else [])


def _left_out(slo: SloSpec, chosen: Iterable[BurnSpec]) -> list[str]:
    kept = {burn.rate for burn in chosen}
    most = f"at {slo.target:.12g} all requests bad burn at {1 / (1 - slo.target):.3g}"
    return [
        f"  # {burn.rate:g}x over {burn.long} is left out: {most if burn.rate * (1 - slo.target) >= 1 else f'{slo.window} is shorter'}."
        for burn in WORKBOOK
        if burn.rate not in kept
    ]


def _counted(slo: SloSpec, served: Served, length: str) -> tuple[list[str], list[str]]:
    """How many requests there were, and how many of them bad: none where no series speaks of bad ones."""
    if slo.within is None:
        requests = f"sum(increase({served.selectors.requests}[{length}]))"
        return [requests], [f"sum(increase({served.selectors.errors}[{length}]))", f"or 0 * {requests}"]
    every = served.selectors.latency.with_("le", "=", "+Inf")
    requests = f"sum(increase({every}[{length}]))"
    return [requests], [f"clamp_min({requests}", f"- sum(increase({bucket(slo, served)}[{length}])), 0)"]


def _burning(burn: BurnSpec, slo: SloSpec, served: Served) -> list[str]:
    share = burn.rate * (duration(burn.long) / duration(slo.window))
    needed = burn.rate * (1 - slo.target)
    expression = [
        f"{_series(slo, 'burn_rate', burn.long, served)} >= {burn.rate:g}",
        f"and {_series(slo, 'burn_rate', burn.short, served)} >= {burn.rate:g}",
        f"and {_series(slo, 'requests', burn.long, served)} >= {slo.least_requests}",
        f"and {_series(slo, 'surprise', burn.long, served)} >= {_number(-math.log(CHANCE), 5)}",
    ]
    rarely = ", which is hardly ever reached" if needed > DOUBTFUL else ""
    comments = [
        f"{burn.rate:g}x: {share:.1%} of the budget of {slo.window} in {burn.long} (SRE workbook, chapter 5), and it goes on.",
        f"It takes {needed:.2%} bad requests{rarely}. Fewer than {slo.least_requests} say nothing.",
        f"{_number(-math.log(CHANCE), 5)} = -ln {CHANCE:g}: so many bad ones are no chance.",
    ]
    return _alert(burn_alert(burn), expression, burn_labels(burn, slo, served.model), burn_told(burn, slo, served), comments)


def _no_bucket(slo: SloSpec, served: Served) -> list[str]:
    expression = [f"sum(absent_over_time({bucket(slo, served)}[1h]))"]
    comments = ["Without this bucket nothing above could ever fire."]
    return _alert(NO_BUCKET, expression, no_bucket_labels(slo, served.model), no_bucket_told(slo, served), comments, wait=WAIT)


def _traffic(served: Served) -> list[str]:
    """The group on requests that do not come."""
    model = f"{{model={quoted(served.model)}}}"
    lines = ["", f"  - name: {quoted(f'driftline {served.model} traffic')}", "    rules:"]
    for length in STRETCHES:
        counted = f"sum(increase({served.traffic}[{length}]"
        lines += _record(f"model:requests:increase{length}", [f"{counted}))", "or vector(0)"], served)
        lines += _record(f"model:requests_a_week_ago:increase{length}", [f"{counted} offset 1w))"], served)
    none = {length: f"model:requests:increase{length}{model} == 0" for length in STRETCHES}
    ago = {length: f"model:requests_a_week_ago:increase{length}{model} >= {served.expected}" for length in STRETCHES}
    firing = f'ALERTS{{alertname={quoted(ABSENT)},alertstate="firing",model={quoted(served.model)}}}'
    expression = [
        f"({none['1h']} and {ago['1h']})",
        f"or ({none['1d']} and {ago['1d']})",
        f"or ({none['1h']} and on (model) last_over_time({firing}[{MEMORY}]))",
    ]
    comments = [
        f"None where {served.expected} are expected has a probability of at most {served.absent_p:g} (serving.absent_p). What is",
        "expected came a week ago, so quiet nights and Sundays are fine. The last line: it fires on when the week before was silent too.",
    ]
    lines += _alert(ABSENT, expression, absent_labels(served.model), absent_told(served), comments)
    expression, comments = [f"sum(absent_over_time({served.traffic}[1h]))"], ["No series at all: nothing above could ever fire."]
    return lines + _alert(UNMEASURED, expression, unmeasured_labels(served.model), unmeasured_told(served), comments, wait=WAIT)


def _record(name: str, expression: Iterable[str], served: Served) -> list[str]:
    lines = [f"      - record: {name}", "        expr: |-", *(f"          {line}" for line in expression)]
    return [*lines, f"        labels: {{model: {quoted(served.model)}}}"]


def _alert(
    name: str, expression: Iterable[str], labels: Mapping[str, str], told: Mapping[str, str], comments: Iterable[str], *, wait: str = ""
) -> list[str]:
    lines = [*(f"      # {comment}" for comment in comments), f"      - alert: {name}"]
    lines += ["        expr: |-", *(f"          {line}" for line in expression), *(f"        for: {wait}" for _ in range(bool(wait)))]
    lines += ["        labels:", *(f"          {label}: {quoted(as_template(value))}" for label, value in labels.items())]
    return [
        *lines,
        "        annotations:",
        *(f"          {key}: {quoted(as_template(value).replace(VALUE, _TEMPLATE))}" for key, value in told.items()),
    ]


def as_template(text: str) -> str:
    """A text as Prometheus writes it in the end: `{{` begins a template in labels and annotations."""
    return text.replace("{{", "{{`{{`}}")


def _name(slo: SloSpec, what: str, length: str) -> str:
    """The name of a recorded series."""
    return f"model:{slo.name}_{what}:{length}"


def _series(slo: SloSpec, what: str, length: str, served: Served) -> str:
    return f"{_name(slo, what, length)}{{model={quoted(served.model)}}}"


def _number(value: float, digits: int = 12) -> str:
    return f"{value:.{digits}g}"
