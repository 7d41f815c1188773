"""Tests of the rules for Prometheus, as `promtool test rules` runs them.

Each tells a story in requests per minute and says which alerts fire when. What is expected follows from the story, by counting its
requests, and not from the expressions of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from driftline.core.durations import duration
from driftline.performance.slo import BurnSpec, SloSpec
from driftline.report.prometheus_rules import (
    ABSENT,
    FAST,
    NO_BUCKET,
    SLOW,
    UNMEASURED,
    VALUE,
    Served,
    absent_labels,
    absent_told,
    bucket,
    burn_alert,
    burn_labels,
    burn_told,
    burns,
    no_bucket_labels,
    no_bucket_told,
    unmeasured_labels,
    unmeasured_told,
)
from driftline.report.prometheus_selectors import Series, example, example_outside, quoted

BUSY = 600.0
"""Requests per minute: so many that nothing is left to chance."""
HOUR, DAY, WEEK = 60, 1_440, 10_080
"""In minutes."""


@dataclass(frozen=True, slots=True)
class Part:
    """So many minutes with so many requests per minute, of which a share is bad."""

    minutes: int
    requests: float = BUSY
    bad: float = 0.0


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, a part after the other, with a sample every `step` minutes, and the minutes at which is looked. `quiet`: there are too
    few requests, or chance explains the bad ones, so that nothing fires however fast the budget burns."""

    title: str
    parts: tuple[Part, ...]
    looks: tuple[int, ...]
    step: int = 1
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fires: its labels, and what it says."""

    labels: Mapping[str, str]
    told: Mapping[str, str]


def tests_text(served: Served, rules: str) -> str:
    """The file of tests. `rules`: the name of the file of rules beside it. Raises `UsageError` where no series fits a selector."""
    lines = [
        f"# Tests of the alerts on how {served.model} is served, made by driftline from {served.source}.",
        "# Run them with 'promtool test rules' and the name of this file.",
        f"rule_files: [{quoted(rules)}]",
        "evaluation_interval: 20m",
        "tests:",
    ]
    for slo in served.slos:
        for story in _stories(slo):
            expected = {look: _burning(story, look, slo, served) for look in story.looks}
            lines += _test(f"{slo.name}: {story.title}", story, _inputs(slo, served, story), expected, (FAST, SLOW))
        if slo.within is not None:
            lines += _unmeasured(slo, served)
    return "\n".join([*lines, *_traffic(served)]) + "\n"


def _stories(slo: SloSpec) -> Iterator[Story]:
    allowed = 1 - slo.target
    yield Story("all requests are bad, and page", (Part(80, bad=1.0),), (80,))
    if allowed < 0.8:
        yield Story("what is over pages nobody", (Part(6 * HOUR, bad=1.0), Part(40)), (6 * HOUR, 6 * HOUR + 40))
    if 2 * allowed < 1:
        yield Story("twice as many bad ones as may be are a ticket", (Part(DAY, bad=2 * allowed),), (DAY,), step=5)
    yield Story("half of what may be bad is quiet", (Part(DAY, bad=allowed / 2),), (20, HOUR, 6 * HOUR, DAY), step=5)
    yield Story("no bad request is quiet", (Part(HOUR),), (20, HOUR))
    rare = Part(50, requests=0.1)
    yield Story("one bad request in little traffic is quiet", (rare, Part(10, 0.1, bad=1.0), rare), (HOUR, HOUR + 20), 10, quiet=True)
    yield Story("a few bad requests are too few to say", (Part(3 * HOUR, requests=0.1, bad=1.0),), (HOUR, 3 * HOUR), 10, quiet=True)
    if 1.5 * allowed < 1:
        few = Part(DAY, requests=0.1, bad=1.5 * allowed)
        yield Story("more bad requests than may be, and so few that they are chance", (few,), (DAY,), 10, quiet=True)


def _burning(story: Story, look: int, slo: SloSpec, served: Served) -> list[tuple[str, Fired]]:
    """The burn rates that are reached over both stretches."""
    if story.quiet:
        return []
    found = []
    for burn in burns(slo):
        long, short = (_burn_rate(story, look, length, slo) for length in (burn.long, burn.short))
        if min(long, short) > burn.rate:
            found.append((burn_alert(burn), _fired(burn, long, slo, served)))
    return found


def _fired(burn: BurnSpec, value: float, slo: SloSpec, served: Served) -> Fired:
    told = {key: text.replace(VALUE, f"{value:.1f}") for key, text in burn_told(burn, slo, served).items()}
    return Fired(burn_labels(burn, slo, served.model), told)


def _burn_rate(story: Story, look: int, length: str, slo: SloSpec) -> float:
    """The share of bad requests over a stretch that ends at this minute, over the share that may be."""
    first, start = look - duration(length).total_seconds() / 60, 0.0
    requests = bad = 0.0
    for part in story.parts:
        minutes = max(0.0, min(look, start + part.minutes) - max(first, start))
        requests, bad = requests + minutes * part.requests, bad + minutes * part.requests * part.bad
        start += part.minutes
    return bad / requests / (1 - slo.target)


def _inputs(slo: SloSpec, served: Served, story: Story) -> list[tuple[Series, str]]:
    """The series of a story."""
    chosen = served.selectors
    if slo.within is not None:
        every, fast = (example(each, "--latency") for each in (chosen.latency.with_("le", "=", "+Inf"), bucket(slo, served)))
        return [(every, _samples(story)), (fast, _samples(story, bad=0.0))]
    failed, fine = example(chosen.errors, "--errors"), example_outside(chosen.requests, chosen.errors, "--requests")
    among = chosen.requests.fits(failed)
    return [(fine, _samples(story, bad=0.0 if among else 1.0)), (failed, _samples(story, good=0.0))]


def _samples(story: Story, *, good: float = 1.0, bad: float = 1.0) -> str:
    """The counter of a story in the notation of promtool: of the good requests this share, and of the bad ones that."""
    value, written = 0.0, list[str]()
    for part in story.parts:
        slope = part.requests * story.step * (good * (1 - part.bad) + bad * part.bad)
        samples = part.minutes // story.step
        begins, more = (value, samples) if not written else (value + slope, samples - 1)
        written.append(f"{begins:.12g}+{slope:.12g}x{more}")
        value += slope * samples
    return " ".join(written)


def _unmeasured(slo: SloSpec, served: Served) -> list[str]:
    story = Story("latencies without the bucket that is needed are told", (Part(2 * HOUR),), (2 * HOUR,))
    (every, _) = _inputs(slo, served, story)
    fired = Fired(no_bucket_labels(slo, served.model), no_bucket_told(slo, served))
    return _test(f"{slo.name}: {story.title}", story, [every], {2 * HOUR: [(NO_BUCKET, fired)]}, (NO_BUCKET, FAST, SLOW))


def _traffic(served: Served) -> list[str]:
    """The tests of requests that do not come."""
    absent, unmeasured = (
        Fired(absent_labels(served.model), absent_told(served)),
        Fired(unmeasured_labels(served.model), unmeasured_told(served)),
    )
    parts = (Part(4 * HOUR), Part(WEEK + 26 * HOUR, requests=0.0), Part(2 * HOUR))
    looks = (DAY + 2 * HOUR, WEEK + 2 * HOUR, WEEK + 29 * HOUR, WEEK + 31 * HOUR)
    stop = Story("none where there were some a week ago page until they come again", parts, looks, 10)
    rare = (Part(2 * HOUR, requests=0.1), Part(WEEK, requests=0.0))
    few = Story("none where there were few a week ago pages nobody", rare, (WEEK + HOUR, WEEK + 2 * HOUR), step=10)
    nothing = Story("no series at all is told", (), (2 * HOUR,))
    series = example(served.traffic, "--requests")
    fires = {WEEK + 2 * HOUR, WEEK + 29 * HOUR}
    lines = _test(
        stop.title, stop, [(series, _samples(stop))], {look: [(ABSENT, absent)] * (look in fires) for look in stop.looks}, (ABSENT,)
    )
    lines += _test(few.title, few, [(series, _samples(few))], {look: [] for look in few.looks}, (ABSENT,))
    other = Series("driftline_no_such_series")
    return lines + _test(
        nothing.title, nothing, [(other, "0x120")], {2 * HOUR: [(UNMEASURED, unmeasured)]}, (UNMEASURED, ABSENT, FAST, SLOW)
    )


def _test(
    name: str,
    story: Story,
    inputs: Sequence[tuple[Series, str]],
    expected: Mapping[int, Sequence[tuple[str, Fired]]],
    alerts: Sequence[str],
) -> list[str]:
    """One test. `expected`: what fires at each minute, and of `alerts` nothing else."""
    lines = [f"  - name: {quoted(name)}", f"    interval: {story.step}m", "    input_series:"]
    for series, values in inputs:
        lines += [f"      - series: {quoted(str(series))}", f"        values: {quoted(values)}"]
    lines.append("    alert_rule_test:")
    for look, fires in expected.items():
        for alert in alerts:
            fired = [each for fired_alert, each in fires if fired_alert == alert]
            lines += [f"      - eval_time: {look}m", f"        alertname: {alert}", f"        exp_alerts:{'' if fired else ' []'}"]
            for each in fired:
                lines += ["          - exp_labels:", *_table(each.labels), "            exp_annotations:", *_table(each.told)]
    return lines


def _table(values: Mapping[str, str]) -> list[str]:
    return [f"              {key}: {quoted(value)}" for key, value in values.items()]
