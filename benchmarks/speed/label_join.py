"""One day of labels against 45 days of predictions in the row log: which windows they touch, and one of those windows joined anew.

    python benchmarks/speed/label_join.py                    # 45 days x 100,000 predictions
    python benchmarks/speed/label_join.py --rows 1000000     # 45 days x 1,000,000: the figures of the row log's page
    python benchmarks/speed/label_join.py --small            # hundreds of small deliveries instead, with and without tidy

Every prediction has a label some days after it; the day of labels asked about is not in the log yet. Each question runs in a process of
its own, so that its peak memory and CPU are its own. Memory is the peak of the resident set above that of a process that only imported
the libraries.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from driftline.core.ledger import RowKind
from driftline.lakes.delta import DeltaLake

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
TIME = pa.timestamp("us", "UTC")
EVERYTHING = 1 << 40
QUESTIONS = ("nothing", "times_of", "labels_of", "known", "joined", "hour", "waiting", "tidy")


def predictions(day: int, rows: int) -> pa.Table:
    """One day: identifiers as a client makes them (a prefix of its process, a counter), a score, two segments."""
    draw = np.random.default_rng(day)
    times = int(START.timestamp() * 1e6) + day * DAY + np.sort(draw.integers(0, DAY, rows))
    return pa.table(
        {
            "id": identifiers(day, range(rows)),
            "time": pa.array(times, pa.int64()).cast(TIME),
            "version": pa.array(np.full(rows, "v3")),
            "eligible": pa.array(np.ones(rows, bool)),
            "score": draw.random(rows),
            "channel": pa.array(draw.choice(["app", "web", "shop"], rows)),
            "region": pa.array(draw.choice([f"region {number}" for number in range(12)], rows)),
        }
    )


def labels(day: int, rows: int, ids: pa.Array) -> pa.Table:
    """The labels that become known on one day."""
    draw = np.random.default_rng(10_000 + day)
    known = int(START.timestamp() * 1e6) + day * DAY + draw.integers(0, DAY, rows)
    void = pa.array(np.zeros(rows, bool))
    return pa.table({"id": ids, "known": pa.array(known, pa.int64()).cast(TIME), "void": void, "label": draw.integers(0, 2, rows) * 1.0})


def identifiers(day: int, numbers: range) -> list[str]:
    """Those of some predictions of a day: eight processes count on their own, and no two days share one."""
    return [f"{day * 8 + number % 8:08x}-{number // 8:012x}" for number in numbers]


def arriving(day: int, days: int, rows: int) -> pa.Array:
    """The identifiers whose labels become known on this day: a share of each of the days before it."""
    made = range(max(0, day - days + 1), day + 1)
    return pa.array([name for on in made for name in identifiers(on, range(day - on, rows, days))])


def build(folder: str, days: int, rows: int) -> None:
    """The row log of these days, tidied as a running system does."""
    lake, begin, sequence = DeltaLake(folder), time.perf_counter(), 0
    for day in range(days):
        lake.append(RowKind.PREDICTIONS, predictions(day, rows), sequence=sequence + 1, arrived=START)
        ids = arriving(day, days, rows)
        lake.append(RowKind.LABELS, labels(day, len(ids), ids), sequence=sequence + 2, arrived=START)
        sequence += 2
    seconds = time.perf_counter() - begin
    lake.tidy(before=START + timedelta(days=days - 1))
    size = lake.size()
    print(f"built in {seconds:.0f} s: {size['predictions.rows']:,} predictions, {size['labels.rows']:,} labels")
    for table in ("predictions", "labels"):
        bytes_, count, files = (size[f"{table}.{what}"] for what in ("bytes", "rows", "files"))
        print(f"  {table}: {bytes_ / count * 1e6 / 1e6:.1f} MB per million rows, {files} files")


def ask(question: str, folder: str, days: int, rows: int) -> None:
    """One question; prints seconds, CPU seconds, peak bytes and what came."""
    if question == "build":
        build(folder, days, rows)
        return
    ids = arriving(days - 1, days, rows) if question in {"times_of", "labels_of", "known"} else pa.array([], pa.string())
    lake = DeltaLake(folder)
    day = START + timedelta(days=days // 2)
    begin, cpu = time.perf_counter(), time.process_time()
    if question == "times_of":
        count = len(lake.times_of(ids, since=None, through=EVERYTHING))
    elif question == "labels_of":
        count = len(lake.labels_of(ids, through=EVERYTHING))
    elif question == "known":
        count = len(lake.known(ids, first=START, last=START + timedelta(days=days), through=EVERYTHING))
    elif question in {"joined", "hour"}:
        end = day + (timedelta(days=1) if question == "joined" else timedelta(hours=1))
        count = sum(len(batch) for batch in lake.joined(start=day, end=end, through=EVERYTHING))
    elif question == "waiting":
        count, _ = lake.waiting(since=START + timedelta(days=days - 7), through=EVERYTHING)
    elif question == "tidy":
        lake.tidy(before=START + timedelta(days=days + 1))
        count = 0
    else:
        count = 0
    facts = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu, "rows": count}
    print(json.dumps(facts | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def apart(question: str, folder: str, days: int, rows: int) -> str:
    """A question in a process of its own; what it printed."""
    command = [sys.executable, __file__, "--ask", question, "--folder", folder, "--days", str(days), "--rows", str(rows)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(folder: str, days: int, rows: int) -> None:
    """Every question in a process of its own."""
    print(f"{'':10s} {'seconds':>8s} {'CPU s':>8s} {'peak MB':>8s} {'rows':>12s}")
    for question in QUESTIONS:
        facts = json.loads(apart(question, folder, days, rows))
        print(f"{question:10s} {facts['seconds']:8.2f} {facts['cpu']:8.2f} {facts['peak'] / 1e6:8.0f} {facts['rows']:12,d}")


def small(folder: str, deliveries: int, rows: int, *, tidy: bool) -> None:
    """Many small deliveries, one of predictions and one of labels a day, with the questions that ingest and evaluation ask between."""
    lake = DeltaLake(folder)
    spent: dict[str, list[tuple[float, float]]] = {}

    def timed(action: Callable[..., object], *given: object, **more: object) -> None:
        begin, cpu, name = time.perf_counter(), time.process_time(), action.__name__
        action(*given, **more)
        spent.setdefault(name, []).append((1e3 * (time.perf_counter() - begin), 1e3 * (time.process_time() - cpu)))

    def joined(**asked: Any) -> None:
        for _ in lake.joined(**asked):
            pass

    for day in range(deliveries // 2):
        at, sequence = START + timedelta(days=day), 2 * day + 1
        made = predictions(day, rows)
        ids = made["id"].combine_chunks()
        timed(lake.known, ids, first=at, last=at, through=sequence)
        timed(lake.append, RowKind.PREDICTIONS, made, sequence=sequence, arrived=at)
        told = labels(day, rows, ids)
        timed(lake.labels_of, ids, through=sequence)
        timed(lake.times_of, ids, since=at - timedelta(days=45), through=sequence)
        timed(lake.append, RowKind.LABELS, told, sequence=sequence + 1, arrived=at)
        timed(joined, start=at, end=at + timedelta(days=1), through=sequence + 1)
        timed(lake.discard, after=sequence + 1)
        if tidy and day % 30 == 29:
            timed(lake.tidy, before=at)
    print(f"{deliveries} deliveries of {rows:,} rows, {'tidied every 30 days' if tidy else 'never tidied'}: milliseconds")
    print(f"{'':10s} {'median':>8s} {'last 20':>8s} {'worst':>8s} {'CPU':>8s} {'last 20':>8s}")
    for name, each in spent.items():
        wall, cpu = np.array(each).T
        last = slice(-20, None)
        figures = (np.median(wall), np.median(wall[last]), max(wall), np.median(cpu), np.median(cpu[last]))
        print(f"{name:10s} " + " ".join(f"{figure:8.1f}" for figure in figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=45)
    parser.add_argument("--rows", type=int, default=100_000, help="predictions a day")
    parser.add_argument("--small", action="store_true", help="many small deliveries")
    parser.add_argument("--deliveries", type=int, default=500)
    parser.add_argument("--folder", help="where the row log is kept, or was built before")
    parser.add_argument("--ask", choices=("build", *QUESTIONS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.ask, given.folder, given.days, given.rows)
        return
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as aside:
        if given.small:
            small(f"{aside}/tidied", given.deliveries, 1_000, tidy=True)
            small(f"{aside}/not", given.deliveries, 1_000, tidy=False)
            return
        folder = given.folder or aside
        if not Path(folder, "labels").exists():
            print(apart("build", folder, given.days, given.rows), end="")
        measure(folder, given.days, given.rows)


if __name__ == "__main__":
    main()
