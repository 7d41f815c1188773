"""How many alerts when nothing is wrong, and how soon when something is: the default rules on made-up models, beside fixed thresholds.

    python benchmarks/trust/alerts.py --quick     # a minute
    python benchmarks/trust/alerts.py             # less than half an hour

A model has a reference of 60 daily windows, a plan that says no more than which columns matter, a score and a binary label that comes a
week later. Every window is measured as the engine measures it and goes through the default rules; counted are incidents, before any budget
holds them back: pages (critical) and tickets (warning) per model and month of 30 days, with the exact interval of a Poisson count (95 %).
Models differ more than that interval says, and there are few of them in a row of a table.

Fixed thresholds are those in use, each on any of the inputs and the score: a PSI by deciles above 0.2; the KS test below 5 % (chi-square
for levels; from the bins of the reference, which is a little kind to it); the mean of a number, the share of the most frequent level, the
share missing or the AUC outside mean ± 3 sd of the last ten windows of the reference. Of these an alert is a run of consecutive windows
beyond on any column, counted where it begins; in brackets is the share of windows that are in one.

Exits with 1 where even the lower end of an interval is above the budget of 1 page and 4 tickets. Labels come all at once, and traffic is
the same every day: rules on young labels, on the label feed, on traffic and on serving have nothing to say here, nor those on segments.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import numpy as np
from alert_worlds import AFTER, BASE, BEFORE, LABELS_AFTER, PLANTED, REFERENCE, SCORE, START, Life, Planted, World, window
from monitor import Found, Tally, chi2_p
from numpy.typing import NDArray
from scipy import special, stats

from driftline.alerting.defaults import rules_of
from driftline.alerting.inhibition import Facts
from driftline.alerting.observe import Look
from driftline.alerting.records import EMPTY, Incident
from driftline.alerting.spec import AlertsSpec
from driftline.alerting.step import Frame, Tick, alerting, nothing_late
from driftline.core.ledger import Step
from driftline.core.records import Measurement
from driftline.core.verdicts import Severity
from driftline.drift.measures import psi
from driftline.drift.pairs import level_pair, numeric_pairs
from driftline.performance.quality import roc_auc
from driftline.profiles.outcomes import Outcomes
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Role

Flags = NDArray[np.bool_]
MONTH = 30
CHUNKS, SDS, AUC = 10, 3.0, "QualityBelowFloor"
OURS, PSI_HIGH, KS_FIVE, THREE_SD = "driftline", "PSI > 0.2", "KS / chi2 p < .05", "mean ± 3 sd of 10 chunks"
RIVALS = (PSI_HIGH, KS_FIVE, THREE_SD)
PAGE, TICKET, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
KINDS = ("independent", "autocorrelated", "weekly season")
Cell = tuple[int, int]
FULL: Mapping[Cell, int] = {(c, n): {1: 6, 20: 4, 100: 2}[c] for c in (1, 20, 100) for n in (100, 1_000, 10_000)}
QUICK: Mapping[Cell, int] = {(1, 100): 1, (20, 1_000): 1}
"""References by columns and rows of a window."""


class Alerts:
    """Alerting over the windows of one model. `told`: the worst that each incident has been, and what opened it."""

    def __init__(self, world: World) -> None:
        self.board, self.rules = EMPTY, rules_of(AlertsSpec())
        facts = Facts(importance=world.model.plan.drift.importance, rules=self.rules)
        self.frame = Frame("m", BASE, "plan", START, facts, nothing_late)
        self.worst: dict[str, Severity] = {}
        self.first: dict[str, str] = {}

    def see(self, i: int, looks: Mapping[Step, Sequence[Measurement]], known: int) -> Sequence[Incident]:
        """What is now known, in window `known`, of window `i`; the incidents that are new or have changed."""
        tick = Tick(window(i), window(known).end, tuple(Look(step, measured) for step, measured in looks.items()))
        folded = alerting(self.board, [tick], self.rules, self.frame)
        self.board = folded.board
        for incident in folded.incidents:
            self.worst[incident.id] = max(incident.severity, self.worst.get(incident.id, Severity.NONE), key=lambda each: each.rank)
            self.first.setdefault(incident.id, incident.members[0].key.rule)
        return folded.incidents


def lived(alerts: Alerts, life: Life, profiles: Iterator[Profile]) -> Iterator[tuple[int, Profile | None]]:
    """Each window once alerting has seen it; at the end also when the labels of the last ones come, when there is no profile any more."""
    windows = 0
    for i in count():
        profile = next(profiles, None)
        if profile is None and i - LABELS_AFTER >= windows:
            return
        measured = {} if profile is None else life.drift(profile)
        windows += profile is not None
        if i >= LABELS_AFTER:
            alerts.see(i - LABELS_AFTER, {Step.PERFORMANCE: life.quality(i - LABELS_AFTER)}, i)
        if profile is not None:
            alerts.see(i, measured, i)
        yield i, profile


class Fixed:
    """The fixed thresholds against one reference: whether each column, the score and the AUC are beyond in a window."""

    def __init__(self, world: World) -> None:
        self.schema, self.reference = world.schema, world.known.reference.profile
        watched = [i for i, column in enumerate(self.schema.columns) if column.role is not Role.LABEL]
        self.numbers = [self.schema.numeric.index(i) for i in watched if i in self.schema.numeric]
        self.levels = [i for i in watched if self.schema.columns[i].is_levels]
        places = [*(self.schema.numeric[row] for row in self.numbers), *self.levels]
        self.names = [*(self.schema.columns[i].name for i in places), AUC]
        self.places = places
        past = np.stack([self._statistics(each) for each in world.history[-CHUNKS:]])
        self.middle, self.spread = past.mean(axis=0), past.std(axis=0, ddof=1)

    def beyond(self, now: Profile) -> dict[str, Flags]:
        """By method, in order of `names`."""
        coarse, fine = numeric_pairs(self.reference, now, self.numbers)
        levels = level_pair(self.reference, now, self.levels)
        no_auc = np.zeros(1, np.bool_)
        distance = np.concatenate([psi(coarse), psi(levels) if self.levels else []])
        before, after = (side[:, 1:] for side in (fine.reference, fine.current))
        m, n = before.sum(axis=1), after.sum(axis=1)
        gaps = np.abs(np.cumsum(before, axis=1) / m[:, None] - np.cumsum(after, axis=1) / np.maximum(n, 1)[:, None]).max(axis=1)
        p = special.kolmogorov(gaps * np.sqrt(n * m / (n + m)))
        chi2 = [chi2_p(self.reference.counts[cells], now.counts[cells]) for cells in map(self.schema.cells, self.levels)]
        outside = np.abs(self._statistics(now) - self.middle) > SDS * self.spread
        return {
            PSI_HIGH: np.concatenate([distance > 0.2, no_auc]),
            KS_FIVE: np.concatenate([np.array([*p, *chi2]) < 0.05, no_auc]),
            THREE_SD: outside.any(axis=0),
        }

    def _statistics(self, now: Profile) -> NDArray[np.float64]:
        """Of each column a mean or a share, and the share missing; the AUC twice: (2, names)."""
        means = now.centres()[self.numbers, 0]
        shares = [now.counts[self.schema.cells(i)][FIRST_LEVEL] / now.rows for i in self.levels]
        missing = [now.counts[self.schema.cells(i)][0] / now.rows for i in self.places]
        auc = roc_auc(cast("Outcomes", now.outcomes))
        return np.array([[*means, *shares, auc], [*missing, auc]])


@dataclass
class Quiet:
    """What was told in months in which nothing is wrong."""

    windows: int = 0
    opened: Counter[Severity] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    rivals: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in RIVALS})

    def add(self, world: World) -> None:
        """One more model."""
        fixed, alerts = Fixed(world), Alerts(world)
        flags: dict[str, list[bool]] = {name: [] for name in RIVALS}
        for _, profile in lived(alerts, Life(world), world.profiles()):
            for name, beyond in fixed.beyond(profile).items() if profile is not None else ():
                flags[name].append(bool(beyond.any()))
        for id_, severity in alerts.worst.items():
            self.opened[severity] += 1
            if severity is not INFO:
                self.rules[alerts.first[id_]] += 1
        for name, own in flags.items():
            self.rivals[name].add(np.array(own))
        self.windows += world.live

    @property
    def months(self) -> float:
        return self.windows / MONTH

    def rate(self, severity: Severity) -> str:
        low, high = interval(self.opened[severity])
        return f"{self.opened[severity] / self.months:.2f} ({low / self.months:.2f} to {high / self.months:.2f})"

    def above(self, budgets: Mapping[Severity, float]) -> bool:
        """Whether it is above the budget beyond chance."""
        return any(interval(self.opened[severity])[0] / self.months > most for severity, most in budgets.items())


def interval(events: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count."""
    tail = (1 - confidence) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    return float(low), float(stats.chi2.ppf(1 - tail, 2 * events + 2) / 2)


def quiet(kind: str, cells: Mapping[Cell, int], live: int, first_seed: int) -> Iterator[tuple[Cell, Quiet]]:
    """The streams of one kind in which nothing is wrong."""
    for (columns, rows), references in cells.items():
        found = Quiet()
        for seed in range(first_seed, first_seed + references):
            found.add(World(kind, columns, rows, seed, live))
        yield (columns, rows), found


@dataclass
class Hit:
    """Of one planted change: the delays of each method, infinite where it was not found, and which of ours were pages."""

    delays: dict[str, Found] = field(default_factory=lambda: {name: Found() for name in (OURS, *RIVALS)})
    paged: int = 0
    opened: int = 0

    def add(self, world: World, fixed: Fixed, planted: Planted, number: int) -> None:
        """One more time."""
        first = dict.fromkeys(self.delays, np.inf)
        mine = np.array([name in planted.found for name in fixed.names])
        alerts, before = Alerts(world), dict[str, Severity]()
        for i, profile in lived(alerts, Life(world), world.profiles(planted, number)):
            if i == BEFORE - 1:
                before = {id_: severity for id_, severity in alerts.worst.items() if severity is not INFO}
            if profile is None or i < BEFORE:
                continue
            delay = i - BEFORE + 1
            if any(_found(incident, planted) for incident in alerts.board.incidents):
                first[OURS] = min(first[OURS], delay)
            for name, flags in fixed.beyond(profile).items():
                later = {delay: (flags & mine)[:-1].any(), delay + LABELS_AFTER: (flags & mine)[-1]}  # the AUC is known with the labels
                first[name] = min([first[name], *(known for known, hit in later.items() if hit and known <= AFTER)])
        for name, delay in first.items():
            self.delays[name].delays.append(delay)
        told = {id_: severity for id_, severity in alerts.worst.items() if severity is not INFO}
        self.paged += any(severity is PAGE and before.get(id_) is not PAGE for id_, severity in told.items())
        self.opened += len(told.keys() - before.keys())


def _found(incident: Incident, planted: Planted) -> bool:
    """Whether people are told of an incident in which something that the change can be seen in has fired since."""
    start = window(BEFORE).end
    since = [member for member in incident.members if member.ended is None and member.fired >= start]
    return incident.severity in (PAGE, TICKET) and any((member.key.column or member.key.rule) in planted.found for member in since)


def planted_in(kind: str, references: int, first_seed: int, columns: int = 20, rows: int = 1_000) -> dict[str, Hit]:
    """What is found of each planted change in models of one kind."""
    found = {name: Hit() for name in PLANTED}
    for seed in range(first_seed, first_seed + references):
        world = World(kind, columns, rows, seed, BEFORE + AFTER)
        fixed = Fixed(world)
        for number, (name, change) in enumerate(PLANTED.items()):
            found[name].add(world, fixed, change, number)
    return found


def print_quiet(kind: str, cells: Mapping[Cell, int], live: int, first_seed: int) -> Quiet:
    """One table, row by row as they come; all of its models together."""
    seeds = f"seeds from {first_seed} on, {live} live windows each"
    print(f"\n## {kind}: alerts that begin per model and month when nothing is wrong ({seeds})\n")
    print("| columns | rows | models | months | pages | tickets | for the digest |", " | ".join(RIVALS), "|")
    print("|--:|--:|--:|--:|--:|--:|--:|" + "--:|" * len(RIVALS), flush=True)
    every = Quiet()
    for (columns, rows), found in quiet(kind, cells, live, first_seed):
        rivals = [f"{t.begun / found.months:.1f} ({t.beyond / t.of:.0%})" for t in found.rivals.values()]
        ours = [found.rate(PAGE), found.rate(TICKET), f"{found.opened[INFO] / found.months:.2f}"]
        told = [f"{columns}", f"{rows:,}", f"{cells[columns, rows]}", f"{found.months:g}", *ours, *rivals]
        print(f"| {' | '.join(told)} |", flush=True)
        every.windows += found.windows
        every.opened += found.opened
        every.rules += found.rules
    whole = f"pages {every.rate(PAGE)}, tickets {every.rate(TICKET)} in {every.months:g} model-months"
    opened = ", ".join(f"{name} {n}" for name, n in every.rules.most_common()) or "nothing"
    print(f"\nAll of them: {whole}. Opened by: {opened}.", flush=True)
    return every


def print_planted(kind: str, references: int, first_seed: int) -> None:
    print(f"\n## {kind}: planted changes, share found within {AFTER} windows / median delay in windows (1 is the first)")
    print(f"\n20 columns, 1,000 rows, {references} models (seeds from {first_seed} on). Labels come {LABELS_AFTER} windows late.\n")
    print(f"| planted | {OURS} | share that pages | incidents each |", " | ".join(RIVALS), "|")
    print("|---|--:|--:|--:|" + "--:|" * len(RIVALS))
    for name, hit in planted_in(kind, references, first_seed).items():
        rivals = [str(hit.delays[rival]) for rival in RIVALS]
        ours = [str(hit.delays[OURS]), f"{hit.paged / references:.2f}", f"{hit.opened / references:.1f}"]
        print(f"| {name} | {' | '.join([*ours, *rivals])} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small model of each kind")
    parser.add_argument("--only", choices=("quiet", "planted"), help="one half of it")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many models as usual")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    said = parser.parse_args(arguments)
    started, budget = time.process_time(), AlertsSpec().budget
    cells = QUICK if said.quick else {cell: max(1, round(models * said.scale)) for cell, models in FULL.items()}
    budgets = {PAGE: budget.pages_per_month, TICKET: budget.tickets_per_month}
    print(f"The budget: {budget.pages_per_month:g} pages and {budget.tickets_per_month:g} tickets per model and month; {REFERENCE} windows")
    print(f"of reference. The score is '{SCORE}', and its inputs are c0 and c1.")
    live = 60 if said.quick else 120
    above = [print_quiet(kind, cells, live, said.seed).above(budgets) for kind in said.kinds if said.only != "planted"]
    for kind in () if said.only == "quiet" else said.kinds[:1] if said.quick else said.kinds:
        print_planted(kind, 1 if said.quick else max(1, round(8 * said.scale)), said.seed + 1_000)
    print(f"\n{time.process_time() - started:.0f} s of CPU")
    return int(any(above))


if __name__ == "__main__":
    sys.exit(main())
