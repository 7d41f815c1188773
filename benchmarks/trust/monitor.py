"""Can the monitor over time be trusted? False alarms on streams where nothing is wrong, and planted drifts beside fixed thresholds.

    python benchmarks/trust/monitor.py --quick     # half a minute
    python benchmarks/trust/monitor.py             # a few minutes

Ten columns, 60 windows of reference, 1,000 rows a window, a budget of 10 false alarms per 1,000 windows for all columns together. The
monitor is told the weekday where weekdays differ. Fixed thresholds are those in use: a PSI by deciles above 0.2 or 0.1, the exact KS test
of SciPy (chi-square for levels) below 5 %. Exits with 1 where the monitor begins more than twice the alarms it may.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special
from streams import COLUMNS, EVERY, HELD_OUT, NUMBERS, STREAMS, WEEK, WEEKLY, States, Windows, fitted, table, whole, windows

from driftline.drift.measures import psi
from driftline.drift.monitor import learn, monitor, scores
from driftline.drift.pairs import level_pair, numeric_pairs
from driftline.profiles.profile import Profile

Floats = NDArray[np.float64]
REFERENCE, ROWS, TARGET = 60, 1000, 0.01
LIVE = 150
BEFORE, AFTER = 10, 30
DRIFTS: Mapping[str, Floats] = {
    "subtle": np.full(AFTER, 0.15),
    "moderate": np.full(AFTER, 0.3),
    "large": np.full(AFTER, 0.6),
    "slow": np.linspace(0.0, 0.3, AFTER + 1)[1:],
}
"""What is added to the state of a column, by window: in standard deviations of a number, in logits of a level."""
MONITOR, SURPRISE, ACCUMULATED = "this monitor", "its surprise alone", "its accumulation alone"
PSI_HIGH, PSI_LOW, KS_FIVE, KS_BONFERRONI = "PSI > 0.2", "PSI > 0.1", "KS / chi2 p < .05", "the same with Bonferroni"
RIVALS = (PSI_HIGH, PSI_LOW, KS_FIVE, KS_BONFERRONI)
NAMES = (MONITOR, SURPRISE, ACCUMULATED, *RIVALS)


@dataclass
class Tally:
    """Windows in which any column is beyond, windows in which that begins, and how many there were."""

    beyond: int = 0
    begun: int = 0
    of: int = 0

    def add(self, flags: NDArray[np.bool_]) -> None:
        self.beyond += int(flags.sum())
        self.begun += int((flags[1:] & ~flags[:-1]).sum() + flags[0])
        self.of += len(flags)


@dataclass
class Found:
    """Delays in windows of each planted drift, infinite where it was not found."""

    delays: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        middle = float(np.median(self.delays))
        return (
            f"{np.isfinite(self.delays).mean():.2f} / {middle:.0f}" if np.isfinite(middle) else f"{np.isfinite(self.delays).mean():.2f} / -"
        )


class World:
    """One reference and what it takes to judge windows against it."""

    def __init__(self, name: str, seed: int, live: int, reference: int = REFERENCE, rows: int = ROWS) -> None:
        self.rng = np.random.default_rng([seed, list(EVERY).index(name)])
        self.first, self.rows = reference, rows
        self.states: States = EVERY[name](self.rng, reference + live)
        self.weekdays = name in WEEKLY
        first = table(self.rng, self.states[:reference], rows)
        self.schema = fitted(first)
        past = windows(self.schema, first, rows)
        self.reference = whole(past.profiles)
        self.sorted = [np.sort(v[~np.isnan(v)]) for v in (values.ravel() for values in past.values)]
        self.baseline = learn(self.reference, past.profiles, self.phases(0, reference), alarms_per_window=TARGET, seed=seed)

    def phases(self, start: int, count: int) -> list[int]:
        return [(start + i) % WEEK if self.weekdays else 0 for i in range(count)]

    def live(self, extra: States | float = 0.0) -> Windows:
        """The windows after the reference, with something added to their states."""
        return windows(self.schema, table(self.rng, self.states[self.first :] + extra, self.rows), self.rows)

    def watched(self, now: Windows) -> NDArray[np.bool_]:
        """Whether each column is beyond its limits: (2 charts, windows, columns)."""
        phases = self.phases(self.first, len(now.profiles))
        series = [scores(self.baseline, self.reference, w, p) for w, p in zip(now.profiles, phases, strict=True)]
        flags = np.zeros((2, len(series), COLUMNS), np.bool_)
        for i in range(len(series)):
            for c, watch in enumerate(monitor(self.baseline, series[: i + 1], self.schema)):
                flags[:, i, c] = watch.surprise >= watch.surprise_limit, watch.accumulated >= watch.accumulated_limit
        return flags

    def rivals(self, now: Windows) -> tuple[Floats, Floats]:
        """PSI and p-values of the exact tests, (windows, columns) each."""
        p = np.ones((len(now.profiles), COLUMNS))
        for c in range(NUMBERS):
            p[:, c] = [ks_p(self.sorted[c], row[~np.isnan(row)]) for row in now.values[c]]
        for c in range(NUMBERS, COLUMNS):
            p[:, c] = [chi2_p(self.reference.cells(f"c{c}"), w.cells(f"c{c}")) for w in now.profiles]
        return np.stack([psi_of(self.reference, w) for w in now.profiles]), p


def psi_of(reference: Profile, window: Profile) -> Floats:
    """By deciles of the reference and by levels, (columns,)."""
    coarse, _ = numeric_pairs(reference, window, range(NUMBERS))
    return np.concatenate([psi(coarse), psi(level_pair(reference, window, range(NUMBERS, COLUMNS)))])


def ks_p(before: Floats, now: Floats) -> float:
    """`scipy.stats.ks_2samp` with the asymptotic tail, against values that are sorted once."""
    now = np.sort(now)
    n, m = len(now), len(before)
    values = np.unique(now)
    right = np.searchsorted(now, values, side="right") / n - np.searchsorted(before, values, side="right") / m
    left = np.searchsorted(now, values, side="left") / n - np.searchsorted(before, values, side="left") / m
    return float(special.kolmogorov(max(np.abs(left).max(), np.abs(right).max()) * np.sqrt(n * m / (n + m))))


def chi2_p(before: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    kept = (before + now) > 0
    r, c = before[kept].astype(float), now[kept].astype(float)
    share = (r + c) / (r.sum() + c.sum())
    statistic = sum(((x - x.sum() * share) ** 2 / (x.sum() * share)).sum() for x in (r, c))
    return float(special.chdtrc(max(len(r) - 1, 1), statistic))


def judged(flags: NDArray[np.bool_], distance: Floats, p: Floats) -> dict[str, NDArray[np.bool_]]:
    """By method, whether each column of each window is beyond: (windows, columns)."""
    return {
        MONITOR: flags.any(axis=0),
        SURPRISE: flags[0],
        ACCUMULATED: flags[1],
        PSI_HIGH: distance > 0.2,
        PSI_LOW: distance > 0.1,
        KS_FIVE: p < 0.05,
        KS_BONFERRONI: p < 0.05 / COLUMNS,
    }


def quiet(name: str, references: int) -> tuple[dict[str, Tally], float, float]:
    """False alarms of each method; and the PSI and the p-value that any column passes in one window of a hundred."""
    tallies = {method: Tally() for method in NAMES}
    distances, ps = [], []
    for seed in range(references):
        world = World(name, seed, LIVE)
        now = world.live()
        distance, p = world.rivals(now)
        distances.append(distance.max(axis=1))
        ps.append(p.min(axis=1))
        for method, flags in judged(world.watched(now), distance, p).items():
            tallies[method].add(np.asarray(flags.any(axis=1)))
    return tallies, float(np.quantile(np.concatenate(distances), 1 - TARGET)), float(np.quantile(np.concatenate(ps), TARGET))


def hard(references: int) -> dict[tuple[int, int], dict[str, Tally]]:
    """False alarms of the monitor by windows of reference and rows a window, where there are few of either."""
    found: dict[tuple[int, int], dict[str, Tally]] = {(15, ROWS): {}, (30, ROWS): {}, (REFERENCE, 100): {}}
    for (reference, rows), tallies in found.items():
        for name in STREAMS:
            tallies[name] = Tally()
            for seed in range(references):
                world = World(name, 2000 + seed, LIVE, reference, rows)
                tallies[name].add(np.asarray(world.watched(world.live()).any(axis=(0, 2))))
    return found


def held_out(references: int) -> dict[str, list[Tally]]:
    """False alarms of the monitor in streams it was not made on, one tally for each reference."""
    found: dict[str, list[Tally]] = {}
    for name in HELD_OUT:
        found[name] = [Tally() for _ in range(references)]
        for seed, tally in enumerate(found[name]):
            world = World(name, 5000 + seed, LIVE)
            tally.add(np.asarray(world.watched(world.live()).any(axis=(0, 2))))
    return found


def planted(name: str, references: int, lines: tuple[float, float]) -> dict[str, dict[str, Found]]:
    """By method and drift what was found. A drift is planted in all columns, and each is one to be found by itself."""
    oracles = f"PSI with an oracle's line ({lines[0]:.2g})", f"KS / chi2 with an oracle's line ({lines[1]:.1g})"
    found = {method: {drift: Found() for drift in DRIFTS} for method in (MONITOR, SURPRISE, ACCUMULATED, *oracles, PSI_HIGH)}
    for seed in range(references):
        world = World(name, 1000 + seed, BEFORE + AFTER)
        for drift, course in DRIFTS.items():
            extra = np.concatenate([np.zeros(BEFORE), course])[:, None] * world.rng.choice([-1.0, 1.0], COLUMNS)
            now = world.live(extra)
            distance, p = world.rivals(now)
            flags = judged(world.watched(now), distance, p) | {oracles[0]: distance > lines[0], oracles[1]: p < lines[1]}
            for method, found_by in found.items():
                hits = flags[method][BEFORE:]
                found_by[drift].delays += np.where(hits.any(axis=0), hits.argmax(axis=0) + 1.0, np.inf).tolist()
    return found


def print_alarms(every: Mapping[str, Mapping[str, Tally]]) -> None:
    print("\n## Alarms per 1,000 windows in which nothing is wrong: that begin (in brackets: windows with an alarm)\n")
    print(f"| method | {' | '.join(every)} |\n|---|{'--:|' * len(every)}")
    for method in NAMES:
        cells = [f"{1000 * t[method].begun / t[method].of:.1f} ({1000 * t[method].beyond / t[method].of:.0f})" for t in every.values()]
        print(f"| {method} | {' | '.join(cells)} |")


def print_held_out(found: Mapping[str, Sequence[Tally]]) -> None:
    print("\n## The same for this monitor in streams it was not made on, with the standard error over references\n")
    print("| stream | begin | windows with an alarm |\n|---|--:|--:|")
    for name, tallies in found.items():
        begun, beyond = (np.array([1000 * getattr(t, kind) / t.of for t in tallies]) for kind in ("begun", "beyond"))
        print(f"| {name} | {begun.mean():.1f} ± {begun.std(ddof=1) / np.sqrt(len(begun)):.1f} | {beyond.mean():.0f} |")


def print_hard(found: Mapping[tuple[int, int], Mapping[str, Tally]]) -> None:
    print(
        f"\n## The same for this monitor with less to learn from\n\n| windows, rows | {' | '.join(STREAMS)} |\n|---|{'--:|' * len(STREAMS)}"
    )
    for (reference, rows), tallies in found.items():
        cells = [f"{1000 * t.begun / t.of:.1f} ({1000 * t.beyond / t.of:.0f})" for t in tallies.values()]
        print(f"| {reference}, {rows:,} | {' | '.join(cells)} |")


def print_found(name: str, found: Mapping[str, Mapping[str, Found]]) -> None:
    print(f"\n## Planted drifts found within {AFTER} windows / median delay in windows: {name}\n")
    print(f"| method | {' | '.join(DRIFTS)} |\n|---|{'--:|' * len(DRIFTS)}")
    for method, by_drift in found.items():
        print(f"| {method} | {' | '.join(str(by_drift[drift]) for drift in DRIFTS)} |")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer references")
    quick = parser.parse_args(arguments).quick
    started = time.perf_counter()
    results = {name: quiet(name, 5 if quick else 40) for name in STREAMS}
    print_alarms({name: tallies for name, (tallies, _, _) in results.items()})
    if not quick:
        print_held_out(held_out(30))
        print_hard(hard(15))
    for name in ("independent", "weekly season", "autocorrelated"):
        print_found(name, planted(name, 1 if quick else 6, results[name][1:]))
    print(f"\n{time.perf_counter() - started:.0f} s")
    allowed = 2.0 * TARGET + (0.01 if quick else 0.0)
    return int(any(tallies[MONITOR].begun / tallies[MONITOR].of > allowed for tallies, _, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
