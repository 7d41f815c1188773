"""What a back-test says, for people and for other tools.

backtest_text(backtest, planted, *, zone="UTC", width=100, ascii_only=False) -> str        to_dict(backtest, planted) -> dict
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.alerting.budget import NO_THEORY, Expected, Rate
from driftline.alerting.delays import Planted
from driftline.alerting.incidents import leader
from driftline.alerting.records import Key, Sight
from driftline.alerting.replay import Backtest, Fired, Load, Made, named
from driftline.core.records import segment_name
from driftline.core.verdicts import Severity
from driftline.report import numbers, text
from driftline.report.alert_words import span_of
from driftline.report.moments import Clock
from driftline.report.screen import Screen

FORMAT = "driftline.backtest/1"
COLOURS = {Severity.CRITICAL: "1;31", Severity.WARNING: "1;33", Severity.INFO: "36"}
NAMED = 4
"""Identities that a line names."""
LISTED = 10
"""Incidents that are listed."""
_VERDICTS = {0.0: "stable", 1.0: "drifted", 2.0: "faulty"}
_WORDS = {Severity.CRITICAL: "page", Severity.WARNING: "ticket", Severity.INFO: "digest", Severity.NONE: "nobody"}


def backtest_text(
    backtest: Backtest,
    planted: Sequence[Planted] = (),
    *,
    zone: str = "UTC",
    width: int = 100,
    colour: bool = False,
    ascii_only: bool = False,
) -> str:
    """Rules, incidents, what is not known, and planted drift, each line at most `width` cells wide; no newline at the end."""
    page = _Page(Screen(max(width, 60), colour, ascii_only), Clock.of(zone))
    return "\n".join([*page.head(backtest), *page.rules(backtest), *page.load(backtest), *page.unknown(backtest), *page.planted(planted)])


def to_dict(backtest: Backtest | None, planted: Sequence[Planted] = ()) -> dict[str, Any]:
    """The same as plain dictionaries, lists, strings and finite numbers."""
    found: dict[str, Any] = {"format": FORMAT, "planted": [_of_planted(each) for each in planted]}
    if backtest is None:
        return {**found, "windows": 0}
    return {
        **found,
        "model": backtest.model,
        "from": backtest.start.isoformat(),
        "to": backtest.end.isoformat(),
        "windows": backtest.windows,
        "months": backtest.months,
        "rules": [_of_rule(each) for each in backtest.fired],
        "quiet": [_of_expected(each) for each in backtest.quiet],
        "incidents": [_of_incident(each) for each in backtest.incidents],
        "pages": _of_load(backtest.pages),
        "tickets": _of_load(backtest.tickets),
        "over_budget": backtest.is_over_budget,
        "confirmed": backtest.confirmed,
        "may_page": backtest.may_page,
        "unknown": {
            "short": backtest.is_short,
            "evaluations": backtest.evaluations,
            "other_plans": backtest.other_plans,
            "thin_windows": backtest.thin,
            "blind_windows": backtest.blind,
            "failed_windows": backtest.failed,
        },
    }


@dataclass(frozen=True, slots=True)
class _Page:
    """Lines for one screen and one time zone."""

    screen: Screen
    clock: Clock

    def head(self, backtest: Backtest) -> Iterator[str]:
        """Which windows these are."""
        months = f"{numbers.number(backtest.months)} months of 30 days" if backtest.months != 1 else "a month of 30 days"
        span = f"{self.clock.moment(backtest.start)} to {self.clock.moment(backtest.end)}"
        yield from self._wrapped(f"{backtest.model}: {numbers.plural(backtest.windows, 'window')} from {span}, {months}")
        yield from self._wrapped("The rules of now on what was measured then. Nobody was told, and nothing was kept.")

    def rules(self, backtest: Backtest) -> Iterator[str]:
        """A few lines for each rule that fired, and the names of the others."""
        yield ""
        yield "RULES"
        for fired in backtest.fired:
            yield from self._rule(fired)
        if not backtest.fired:
            yield "  none fired"
        elif backtest.quiet:
            yield from self._wrapped(f"never fired: {', '.join(each.rule for each in backtest.quiet)}", "  ")

    def _rule(self, fired: Fired) -> Iterator[str]:
        word = self.screen.painted(fired.severity.value, COLOURS.get(fired.severity, ""))
        once = f"once, {self.clock.moment(fired.first)}"
        often = f"{fired.times} times, {self.clock.moment(fired.first)} to {self.clock.moment(fired.last)}"
        yield f"  {word}{' ' * (8 - len(fired.severity.value))}  {self.screen.short(fired.rule, self.screen.width - 12)}"
        told = f"{once if fired.times == 1 else often}; active in {numbers.plural(fired.windows, 'window')}"
        yield from self._wrapped(told, " " * 12)
        yield from self._wrapped(f"{_rate(fired.rate)} a month; {_theory(fired.expected)}", " " * 12)
        names = [_subject(key) + (f" ({count} times)" if count > 1 else "") for key, count in fired.identities[:NAMED]]
        more = f" and {len(fired.identities) - NAMED} more" if len(fired.identities) > NAMED else ""
        yield from self._wrapped(f"{', '.join(names)}{more}", " " * 12)
        best = fired.strongest
        if best is not None and best.value is not None and not best.key.reason:
            yield from self._wrapped(f"strongest: {_value(best)}, {_subject(best.key)}, {self.clock.window(best.window)}", " " * 12)

    def load(self, backtest: Backtest) -> Iterator[str]:
        """Pages and tickets against the budget."""
        yield ""
        yield "INCIDENTS"
        for noun, load in (("page", backtest.pages), ("ticket", backtest.tickets)):
            real = f", {load.real} of them closed as real and not counted" if load.real else ""
            rate = f"{_rate(load.rate)} a month, and {load.budget:g} allowed"
            verdict = "surely over the budget" if load.is_over else "within it" if load.rate.per_month <= load.budget else "perhaps over it"
            yield from self._wrapped(f"{numbers.plural(load.count, noun)}{real}: {rate}: {verdict}", "  ")
        told = [made for made in backtest.incidents if made.severity.rank >= Severity.WARNING.rank]
        for made in sorted(told, key=lambda made: -made.severity.rank)[:LISTED]:
            yield from self._wrapped(self._incident(made), "    ")
        if len(told) > LISTED:
            yield f"    and {numbers.plural(len(told) - LISTED, 'more incident')}; '--json' lists them all"
        if backtest.is_over_budget and not backtest.confirmed:
            rest = "Until 'alerts.budget.confirmed' gives a reason, what would page goes out as a ticket."
            yield from self._wrapped(f"Over budget: these rules may not page. {rest}", "  ", "1;31")
        elif backtest.is_over_budget:
            yield from self._wrapped(f"Over budget, and confirmed: {backtest.confirmed}", "  ")

    def _incident(self, made: Made) -> str:
        first, incident = leader(made.incident.members), made.incident
        what = f"{named(first.key)} of {_subject(first.key)}" if first is not None else incident.group
        more = f" and {numbers.plural(len(incident.members) - 1, 'more alert')}" if len(incident.members) > 1 else ""
        real = ", closed as real" if made.real else ""
        return f"{span_of(incident, self.clock)}: {_WORDS[made.severity]}, {what}{more}{real}"

    def unknown(self, backtest: Backtest) -> Iterator[str]:
        """What a back-test of these windows cannot know."""
        found = []
        if backtest.is_short:
            found.append("the stretch is shorter than a month: the intervals are wide, and rare events are not in it")
        if backtest.other_plans:
            of = f"{numbers.count(backtest.other_plans)} of {numbers.plural(backtest.evaluations, 'evaluation')}"
            found.append(f"{of} were made with another configuration: their limits are those of then")
        if backtest.blind:
            found.append(f"in {numbers.plural(backtest.blind, 'window')} nothing could be judged")
        if backtest.thin:
            found.append(f"in {numbers.plural(backtest.thin, 'window')} something had too few rows to be judged")
        if backtest.failed:
            found.append(f"in {numbers.plural(backtest.failed, 'window')} something could not be measured because of an error")
        found.append("what was known only later, such as late labels, is taken as known at once")
        yield ""
        yield "WHAT THIS CANNOT KNOW"
        for sentence in found:
            yield from self._wrapped(sentence, "  ")

    def planted(self, planted: Sequence[Planted]) -> Iterator[str]:
        """How long each planted drift takes to be told."""
        if not planted:
            return
        yield ""
        yield "PLANTED DRIFT, and after how many windows the first alert fires"
        for column in dict.fromkeys(each.column for each in planted):
            yield f"  {self.screen.short(column, self.screen.width - 2)}"
            own = [each for each in planted if each.column == column]
            for each in (one for one in own if not one.refused):
                yield from self._wrapped(_found(each), "    ", "" if each.is_found else "1;33")
            refused: dict[str, list[str]] = {}
            for each in (one for one in own if one.refused):
                refused.setdefault(each.refused, []).append(each.kind)
            for why, kinds in refused.items():
                yield from self._wrapped(f"not planted: {', '.join(kinds)} ({why})", "    ")

    def _wrapped(self, told: str, indent: str = "", colour: str = "") -> Iterator[str]:
        lines = text.wrap(self.screen.safe(told), self.screen.width - len(indent) - 2)
        for i, line in enumerate(lines):
            yield indent + ("  " if i else "") + self.screen.painted(line, colour)


def _rate(rate: Rate) -> str:
    return f"{rate.per_month:.2g} ({rate.low:.2g} to {rate.high:.2g})"


def _theory(expected: Expected) -> str:
    """What is expected when nothing is wrong."""
    if expected.per_month is None:
        return "no theory says what to expect when nothing is wrong" if expected.derivation == NO_THEORY else expected.derivation
    return f"at most {expected.per_month:.2g} expected when nothing is wrong"


def _subject(key: Key) -> str:
    """What an alert is about, in a few words."""
    parts = [
        key.column or key.metric or "all columns",
        segment_name(key.segment) if key.segment else "",
        key.version and f"v. {key.version}",
    ]
    return ", ".join(part for part in parts if part)


def _value(sight: Sight) -> str:
    """The value of a sight with its limit, a verdict as its word."""
    metric = sight.key.metric
    if metric.endswith("verdict") and sight.value in _VERDICTS:
        return _VERDICTS[sight.value]
    written = numbers.number if metric == "burn_rate" else lambda value: numbers.amount(metric, value)
    return f"{written(sight.value)}, limit {written(sight.limit)}" if sight.limit is not None else written(sight.value)


def _found(planted: Planted) -> str:
    """One planted drift in one line."""
    tried, median, told = len(planted.trials), planted.median, planted.told
    starts = f"{planted.found} of {numbers.plural(tried, 'start')}"
    by = f", first by {told[0]} ({_WORDS[told[1]]})" if told is not None else ""
    by += "; other alerts on it fired already" if planted.busy else ""
    if median is not None:
        delays = [trial.delay for trial in planted.trials if trial.delay is not None]
        spread = f", {min(delays)} to {max(delays)}" if min(delays) != max(delays) else ""
        return f"{planted.words}: after {numbers.plural(median, 'window')}{spread} ({starts}){by}"
    least, most = planted.looked
    within = f"{least} to {most} windows" if least != most else numbers.plural(most, "window")
    short = " that there were" if most < planted.within else ""
    return f"{planted.words}: not found within the {within}{short} ({starts}){by}"


def _of_rule(fired: Fired) -> dict[str, Any]:
    best = fired.strongest
    return {
        "rule": fired.rule,
        "severity": fired.severity.value,
        "times": fired.times,
        "first": fired.first.isoformat(),
        "last": fired.last.isoformat(),
        "windows": fired.windows,
        "identities": [{**_of_key(key), "times": count} for key, count in fired.identities],
        "strongest": None
        if best is None
        else {**_of_key(best.key), "value": _finite(best.value), "limit": _finite(best.limit), "window": str(best.window)},
        "per_month": _of_rate(fired.rate),
        "expected": _of_expected(fired.expected),
    }


def _of_key(key: Key) -> dict[str, str]:
    segment = segment_name(key.segment) if key.segment else ""
    return {"metric": key.metric, "basis": key.basis.value, "column": key.column, "segment": segment, "version": key.version}


def _of_rate(rate: Rate) -> dict[str, float]:
    return {"value": rate.per_month, "low": rate.low, "high": rate.high}


def _of_expected(expected: Expected) -> dict[str, Any]:
    return {"rule": expected.rule, "per_month": expected.per_month, "derivation": expected.derivation}


def _of_load(load: Load) -> dict[str, Any]:
    return {"count": load.count, "real": load.real, "per_month": _of_rate(load.rate), "budget": load.budget, "over": load.is_over}


def _of_incident(made: Made) -> dict[str, Any]:
    incident = made.incident
    return {
        "id": incident.id,
        "group": incident.group,
        "severity": made.severity.value,
        "opened": incident.opened.isoformat(),
        "ended": None if incident.ended is None else incident.ended.isoformat(),
        "real": made.real,
        "alerts": [{"rule": m.key.rule, **_of_key(m.key), "muted_by": m.muted_by} for m in incident.members],
    }


def _of_planted(planted: Planted) -> dict[str, Any]:
    told = planted.told
    return {
        "kind": planted.kind,
        "what": planted.words,
        "column": planted.column,
        "refused": planted.refused,
        "found": planted.found,
        "starts": len(planted.trials),
        "within": planted.within,
        "busy": planted.busy,
        "median": planted.median,
        "rule": told[0] if told is not None else None,
        "severity": told[1].value if told is not None else None,
        "trials": [
            {
                "start": trial.start.isoformat(),
                "looked": trial.looked,
                "delay": trial.delay,
                "rule": trial.key.rule if trial.key is not None else None,
                "severity": trial.severity.value if trial.key is not None else None,
            }
            for trial in planted.trials
        ],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
