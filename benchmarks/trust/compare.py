"""Can a verdict be trusted? False alarms on tables without any change, and power for planted changes beside the exact tests.

    python benchmarks/trust/compare.py --quick     # about a minute
    python benchmarks/trust/compare.py             # all sizes, about a quarter of an hour

Every rate is printed with its 95 % Wilson interval. The promise is that at most 1 % of the tables without a change show anything drifted
or faulty, at every size. Exits with 1 where a rate is above 1 % beyond its own error.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from rivals import RIVALS
from simulate import BAD, Wide, alarms, currents, reference, verdicts
from worlds import FAULTS, PLAIN_DRIFT, SHIFTS, WORLDS

from driftline.core.verdicts import Verdict

ALPHA = 0.01
WIDTHS = (1, 20, 200)
SMALL = 100
"""Up to so many rows tables are cheap, and the tails of the tests at their worst: twice as many of them."""


@dataclass(frozen=True)
class Effort:
    """How much to simulate. A reference serves 20 current tables, then comes a new one."""

    sizes: Sequence[int]
    references: Sequence[int]
    columns: int
    wide: int
    per_reference: int = 20
    powered: Sequence[int] = (50, 100, 200, 500, 1000)


QUICK = Effort((50, 200, 1000), (5000,), columns=15, wide=1, powered=(50, 200, 1000))
FULL = Effort((50, 100, 200, 500, 1000, 10_000), (1000, 5000, 100_000), columns=100, wide=10)


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    hits: int
    of: int

    def __add__(self, other: Share) -> Share:
        return Share(self.hits + other.hits, self.of + other.of)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of Wilson 1927."""
        n, p, z = self.of, self.hits / max(self.of, 1), 1.96
        middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), (middle + half) / (1 + z * z / n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.hits / max(self.of, 1):.2f} % [{100 * low:.2f}, {100 * high:.2f}]"


def false_alarms(effort: Effort, seed: int) -> dict[tuple[str, int, int, int], Share]:
    """By world, reference rows, current rows and columns of the table: tables with an alarm. `mixed` tables have all worlds in turn."""
    found: dict[tuple[str, int, int, int], Share] = {}
    print("\n## Tables without a change in which anything is called drifted or faulty\n")
    print(f"| columns | table | reference | {' | '.join(f'n = {n:,}' for n in effort.sizes)} |\n|--:|---|--:|{'--:|' * len(effort.sizes)}")
    for m in effort.references:
        for number, world in enumerate(WORLDS):
            rng = np.random.default_rng([seed, m, number])
            wide = reference(rng, [world] * effort.columns, m)
            shares = {n: tables(rng, wide, n, effort.per_reference, 1)[0] for n in effort.sizes}
            found |= {(world, m, n, 1): share for n, share in shares.items()}
            print(f"| 1 | {world} | {m:,} | {' | '.join(map(str, shares.values()))} |", flush=True)
        found |= mixed(effort, seed, m)
    return found


def mixed(effort: Effort, seed: int, m: int) -> dict[tuple[str, int, int, int], Share]:
    """Tables of 20 and 200 columns of all worlds, and which share of their columns there is not enough data for."""
    rows: dict[int, dict[int, Share]] = {width: dict.fromkeys(effort.sizes, Share(0, 0)) for width in (20, 200)}
    unknown = {n: Share(0, 0) for n in effort.sizes}
    for repeat in range(effort.wide):
        rng = np.random.default_rng([seed, m, 100 + repeat])
        wide = reference(rng, list(islice(cycle(WORLDS), 200)), m)
        for n in effort.sizes:
            count = effort.per_reference * (2 if n <= SMALL else 1)
            for width in (20, 200):
                share, insufficient = tables(rng, wide, n, count, width)
                rows[width][n] += share
            unknown[n] += insufficient
    for width, shares in rows.items():
        print(f"| {width} | mixed | {m:,} | {' | '.join(map(str, shares.values()))} |", flush=True)
    print(f"| 200 | (not enough data, of columns) | {m:,} | {' | '.join(map(str, unknown.values()))} |", flush=True)
    return {("mixed", m, n, width): share for width, shares in rows.items() for n, share in shares.items()}


def tables(rng: np.random.Generator, wide: Wide, n: int, count: int, width: int) -> tuple[Share, Share]:
    """Tables with an alarm, and columns without enough data, among `count` wide current tables cut into tables of `width` columns."""
    alarm, insufficient = Share(0, 0), Share(0, 0)
    for current, _ in currents(rng, wide, n, count):
        columns = verdicts(wide, current, width)
        told = alarms(columns, width)
        alarm += Share(sum(told), len(told))
        insufficient += Share(sum(c.verdict is Verdict.INSUFFICIENT for c in columns), len(columns))
    return alarm, insufficient


def power(effort: Effort, seed: int, rates: Mapping[int, float], m: int = 5000) -> None:
    """Planted changes found in a table of one column, beside the exact test that is told what to look for."""
    print(f"\n## Planted changes found, one column, {m:,} reference rows\n")
    print("Each cell: found here / by the rival at the false-alarm rate measured here / by the rival at 1 %; in brackets how often the")
    print("verdict was `insufficient`. The rival is told what to look for: KS, chi-square, Fisher's test of the one rate that changes,")
    print("or of each level with Bonferroni's correction.\n")
    print("False-alarm rate measured here: " + ", ".join(f"n = {n:,} {100 * rates[n]:.2f} %" for n in effort.powered) + "\n")
    print(f"| change | rival | {' | '.join(f'n = {n:,}' for n in effort.powered)} |\n|---|---|{'--:|' * len(effort.powered)}")
    columns = max(effort.columns // 4, 10)
    for number, (name, shift) in enumerate(SHIFTS.items()):
        rng = np.random.default_rng([seed, 1000 + number])
        wide = reference(rng, [shift.world] * columns, m, keep=True)
        cells = []
        for n in effort.powered:
            ours, unknown, p = 0, 0, []
            for current, raw in currents(rng, wide, n, effort.per_reference, [shift.draw] * columns):
                found = verdicts(wide, current, 1)
                ours += sum(v.verdict in BAD for v in found)
                unknown += sum(v.verdict is Verdict.INSUFFICIENT for v in found)
                p += [RIVALS[shift.rival](before, now, shift) for before, now in zip(wide.raw, raw, strict=True)]
            total = len(p)
            theirs = [100 * np.mean(np.array(p) <= rate) for rate in (rates[n], ALPHA)]
            cells.append(f"{100 * ours / total:.1f} / {theirs[0]:.1f} / {theirs[1]:.1f} ({100 * unknown / total:.0f})")
        print(f"| {name} | {shift.rival} | {' | '.join(cells)} |", flush=True)


def faults(seed: int, m: int = 5000, sizes: Sequence[int] = (100, 1000, 10_000)) -> None:
    """Faults called by their name, in a table of one column."""
    print(f"\n## Faults called by name, one column, {m:,} reference rows, 60 tables\n")
    print(f"| fault | finding | {' | '.join(f'n = {n:,}' for n in sizes)} |\n|---|---|{'--:|' * len(sizes)}")
    for number, (name, (world, draw, kind)) in enumerate(FAULTS.items()):
        rng = np.random.default_rng([seed, 2000 + number])
        wide = reference(rng, [world] * 20, m)
        cells = []
        for n in sizes:
            found = [v for current, _ in currents(rng, wide, n, 3, [draw] * 20) for v in verdicts(wide, current, 1)]
            named = sum(any(f.kind == kind and f.crossed for f in v.findings) for v in found)
            called = Counter(v.verdict.value for v in found).most_common(1)[0][0]
            cells.append(f"{100 * named / len(found):.0f} % ({called})")
        print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


def unit_claims(seed: int, m: int = 5000, sizes: Sequence[int] = (100, 1000, 10_000)) -> None:
    """Plain drift that is wrongly called a change of unit."""
    print(f"\n## Plain drift called a change of unit, one column, {m:,} reference rows, 200 tables\n")
    print(f"| drift | {' | '.join(f'n = {n:,}' for n in sizes)} |\n|---|{'--:|' * len(sizes)}")
    for number, (name, (world, draw)) in enumerate(PLAIN_DRIFT.items()):
        rng = np.random.default_rng([seed, 3000 + number])
        wide = reference(rng, [world] * 20, m)
        cells = []
        for n in sizes:
            found = [v for current, _ in currents(rng, wide, n, 10, [draw] * 20) for v in verdicts(wide, current, 1)]
            wrong = sum(any(f.kind == "unit_change" for f in v.findings) for v in found)
            cells.append(f"{100 * wrong / len(found):.1f} %")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and tables, about a minute")
    parser.add_argument("--seed", type=int, default=20_261_101)
    parser.add_argument("--only", choices=("alarms", "power", "faults"), help="one part")
    options = parser.parse_args()
    effort, started = QUICK if options.quick else FULL, time.monotonic()
    print(f"# Trust: `compare`, seed {options.seed}, {'quick' if options.quick else 'full'}")
    found = false_alarms(effort, options.seed) if options.only in (None, "alarms") else {}
    if options.only in (None, "power"):
        power(effort, options.seed, rates_by_size(found, effort))
    if options.only in (None, "faults"):
        faults(options.seed)
        unit_claims(options.seed)
    above = [key for key, share in found.items() if share.interval[0] > ALPHA]
    highest = max(found.items(), key=lambda item: item[1].hits / item[1].of, default=None)
    if highest is not None:
        world, m, n, width = highest[0]
        print(f"\nHighest of {len(found)} rates: {highest[1]} ({world}, {m:,} reference rows, n = {n:,}, {width} columns)")
        for width in WIDTHS:
            print(f"All tables of {width} columns: {sum((s for k, s in found.items() if k[3] == width), Share(0, 0))}")
    print(f"Above 1 % beyond its error: {above or 'none'}. {time.monotonic() - started:.0f} s.")
    return 1 if above else 0


def rates_by_size(found: Mapping[tuple[str, int, int, int], Share], effort: Effort) -> dict[int, float]:
    """The false-alarm rate per column at each size over all worlds, at least 0.1 %; half of what is allowed where it was not measured."""
    rates = {}
    for n in effort.powered:
        total = sum((share for (_, _, size, width), share in found.items() if size == n and width == 1), Share(0, 0))
        rates[n] = max(total.hits / total.of, 0.001) if total.of else ALPHA / 2
    return rates


if __name__ == "__main__":
    sys.exit(main())
