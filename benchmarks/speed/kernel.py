"""What it costs to count a value: nanoseconds of CPU by column, with and without nulls, for one group and for 240.

    python benchmarks/speed/kernel.py [--rows 1000000]

Rows arrive in batches of 65,536, as sources deliver them. `search` is numpy's searchsorted and bincount on the same bins, counts alone;
`counts` is our counts alone; the other columns are everything: counts, moments, extremes. `240` has 240 groups in random order, `24x10`
24 windows in order with ten segments each. Best of five; the last line names the machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from driftline.profiles.binning import choose_bins
from driftline.profiles.counting import CHUNK, Counter

BATCH = 65_536
SAMPLE = 100_000
TIMES = 5


def columns(rows: int) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(1)
    return {
        "normal": rng.normal(size=rows),
        "lognormal": rng.lognormal(size=rows),
        "integer": rng.integers(0, 1_000, rows).astype(np.float64),
        "zero-inflated": np.where(rng.random(rows) < 0.5, 0.0, rng.exponential(size=rows)),
        "cauchy": rng.standard_cauchy(rows),
        "two heavy tails": rng.lognormal(sigma=3.0, size=rows) * rng.choice([-1.0, 1.0], rows),
    }


def cost(work: Callable[[slice], object], rows: int) -> float:
    """Nanoseconds of this thread per row, the best of a few runs."""
    best = float("inf")
    for _ in range(TIMES):
        start = time.thread_time_ns()
        for first in range(0, rows, BATCH):
            work(slice(first, first + BATCH))
        best = min(best, (time.thread_time_ns() - start) / rows)
    return best


def search_cost(counter: Counter, values: NDArray[np.float64]) -> float:
    bins = len(counter.edges) + 1
    return cost(lambda rows: np.bincount(np.searchsorted(counter.edges, values[rows], side="right"), minlength=bins), len(values))


def counts_cost(counter: Counter, values: NDArray[np.float64]) -> float:
    cells = np.empty(CHUNK, dtype=np.intp)

    def count(rows: slice) -> None:
        for first in range(rows.start, min(rows.stop, len(values)), CHUNK):
            x = values[first : first + CHUNK]
            counter.locate(x, cells[: len(x)])
            np.bincount(cells[: len(x)], minlength=counter.width)

    return cost(count, len(values))


def whole_cost(
    counter: Counter, values: NDArray[np.float64], valid: NDArray[np.bool_] | None, group: NDArray[np.intp] | None, groups: int
) -> float:
    counts, moments = np.zeros((groups, counter.width), np.int64), np.zeros((groups, 2))
    extremes = np.tile([np.inf, -np.inf], (groups, 1))

    def add(rows: slice) -> None:
        mask, numbers = None if valid is None else valid[rows], None if group is None else group[rows]
        counter.add(values[rows], mask, numbers, counts, moments, extremes)

    return cost(add, len(values))


def measure(rows: int) -> None:
    rng = np.random.default_rng(2)
    valid = rng.random(rows) >= 0.02
    shuffled = rng.integers(0, 240, rows)
    in_order = np.sort(rng.integers(0, 24, rows)) * 10 + rng.integers(0, 10, rows)
    print(
        f"{'ns per value':16}{'grid':>20}{'search':>8}{'counts':>8}{'one':>8}{'+nulls':>8}{'240':>8}{'+nulls':>8}{'24x10':>8}{'+nulls':>8}"
    )
    for name, values in columns(rows).items():
        sample = np.sort(values[:SAMPLE])
        edges = choose_bins(sample, lowest=float(values.min()), highest=float(values.max())).edges
        counter = Counter(edges, center=float(sample.mean()), scale=float(sample.std()))
        grid = f"{type(counter.lookup.grid).__name__} {len(counter.table)}" if counter.lookup else "none"
        figures = [search_cost(counter, values), counts_cost(counter, values)]
        for group, groups in ((None, 1), (shuffled, 240), (in_order, 240)):
            figures += [whole_cost(counter, values, mask, group, groups) for mask in (None, valid)]
        print(f"{name:16}{grid:>20}" + "".join(f"{figure:8.1f}" for figure in figures))


def main() -> None:
    parser = argparse.ArgumentParser(description="Nanoseconds of CPU per counted value.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    measure(parser.parse_args().rows)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
