"""What a model over time costs: taking rows in, evaluating an hour, and what is kept of it, beside a pure decode of the same file.

    python benchmarks/speed/timeline.py [FOLDER] [--quick] [--only ingest small evaluate rows size]

`ingest`: a Parquet file of one day, 1,000,000 rows of 50 columns in 10 segments, into windows of a day and of an hour; the same file
again, and the same rows from another one. `small`: 100 deliveries of 1,000 rows. `evaluate`: one hour to which rows came late, of 1, 50
and 200 models of 50 columns and 10 segments with labels and two objectives, all in one store and one process. `rows`: the same windows
with ten times the rows. `size`: bytes by window, evaluation and million predictions, before and after `tidy`.

Every question runs in a process of its own. Figures are seconds of CPU of the whole process, user and system, start-up apart: imports and
pools are warmed up by a small delivery to another day. The label join has a benchmark of its own: `label_join.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from compare import machine

QUESTIONS = ("ingest", "small", "evaluate", "rows", "size")
BASES = ("1h", "1d")
MILLION = 1_000_000
TARGETS = {"model": 50.0, "fleet": 30.0}
"""Milliseconds of one model, seconds of 200 models on two cores."""
Facts = dict[str, Any]


@contextmanager
def timed(facts: Facts, name: str) -> Iterator[None]:
    """Notes seconds of CPU and on the clock under a name."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    facts[name] = [time.process_time() - cpu, time.perf_counter() - wall]


def decode(path: str) -> None:
    """pyarrow alone: every column of every batch, text that repeats as dictionaries, nothing done with them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in pq.read_schema(path) if field.type == pa.string() and field.name != "id"]
    file = pq.ParquetFile(path, read_dictionary=texts, buffer_size=1 << 18, pre_buffer=False)
    for _ in file.iter_batches(batch_size=65_536, use_threads=False):
        pass


def ingest(world: Any, folder: Path, aside: Path, base: str, count: int) -> Facts:
    """One file, the same file again, and its rows from another one."""
    path, facts = str(world.write_rows(folder / f"day-{count}.parquet", count)), Facts(rows=count)
    end = world.START + world.DAY
    model = world.opened(folder / f"reference-{base}", aside / "model", base)
    model.ingest_predictions(world.rows(1_000, world.START - 9 * world.DAY, world.HOUR, 5)[0], now=end)
    decode(path)
    with timed(facts, "decode"):
        decode(path)
    with timed(facts, "ingest"):
        model.ingest_files(world.RowKind.PREDICTIONS, [path], now=end)
    with timed(facts, "file again"):
        model.ingest_files(world.RowKind.PREDICTIONS, [path], now=end)
    with timed(facts, "rows again"):
        model.ingest_predictions(path, now=end)
    return facts


def small(world: Any, folder: Path, aside: Path, deliveries: int, each: int) -> Facts:
    """Many deliveries, one for each hour: milliseconds of CPU and on the clock."""
    model = world.opened(folder / "reference-1h", aside / "model", "1h")
    spent = []
    for number in range(deliveries + 1):
        table, now = (
            world.rows(each, world.START + number * world.HOUR, world.HOUR, 100 + number)[0],
            world.START + (number + 1) * world.HOUR,
        )
        facts = Facts()
        with timed(facts, "one"):
            model.ingest_predictions(table, now=now)
        spent.append([1e3 * seconds for seconds in facts["one"]])
    return {"ms": spent[1:], "rows": each}


def evaluated(world: Any, models: Sequence[Any], hours: int, seed: int) -> Facts:
    """Late rows for the last hour of each model, and what it costs to evaluate that hour: by step, together."""
    from driftline.engine.evaluate import evaluate, look

    end, facts = world.START + hours * world.HOUR, Facts(models=len(models))
    late = world.rows(50, end - world.HOUR, world.HOUR, seed)[0]
    for model in models:
        model.ingest_predictions(late, now=end)
    parts: dict[str, list[float]] = {}
    looked = [0, 0, 0]
    with timed(facts, "all"):
        for each in models:
            marks = [time.process_time()]
            model = each.model
            marks.append(time.process_time())
            sight = look(model, as_of=end)
            marks.append(time.process_time())
            for k, step in enumerate(world.Step):
                looked[k] += evaluate(model, step, as_of=end, now=end, sight=sight).looked
                marks.append(time.process_time())
            for name, (before, after) in zip(("references", "due", *world.Step), pairwise(marks), strict=True):
                parts.setdefault(str(name), []).append(1e3 * (after - before))
    return facts | {"looked": looked, "ms": {name: median(own) for name, own in parts.items()}, "orphans": orphans(model, end, world)}


def orphans(model: Any, end: Any, world: Any) -> float:
    """Milliseconds of the one question of an evaluation that reads the row log: which labels have no prediction."""
    facts = Facts()
    with timed(facts, "waiting"):
        model.lake.waiting(since=end - world.DAY, through=model.store.sequence(model.name))
    return 1e3 * facts["waiting"][0]


def fleets(world: Any, folder: Path, aside: Path, counts: Sequence[int], hours: int) -> list[Facts]:
    """One model after it has lived for a while, and that many like it."""
    first = world.lived(folder / "reference-1h", aside / "model", 2_000, hours)
    models = world.multiplied(first, [f"m{number}" for number in range(1, max(counts) + 1)], hours)
    evaluated(world, [first], hours, 8)  # warms up
    return [evaluated(world, models[:count], hours, 10 + i) for i, count in enumerate(counts)]


def ten_times(world: Any, folder: Path, aside: Path, per_hour: int, hours: int) -> list[Facts]:
    """The same hours with so many rows, and with ten times as many."""
    found = []
    for count in (per_hour, 10 * per_hour):
        facts = Facts(rows=count)
        with timed(facts, "made"):
            model = world.lived(folder / "reference-1h", aside / f"rows-{count}", count, hours)
        runs = [evaluated(world, [model], hours, seed) for seed in range(20, 26)][1:]
        facts["ms"] = {name: median(run["ms"][name] for run in runs) for name in runs[0]["ms"]}
        facts["orphans"] = median(run["orphans"] for run in runs)
        found.append(facts)
    return found


def sizes(world: Any, folder: Path, aside: Path, base: str, windows: int, per_window: int) -> Facts:
    """Bytes of what is kept, before and after `tidy`."""
    model = world.in_lots(folder / f"reference-{base}", aside / "model", base, windows, per_window)
    facts = Facts(base=base, windows=windows, rows=windows * per_window)
    found = model.evaluations()
    from driftline.stores.evaluations import encode

    for step in world.Step:
        own = [e for e in found if e.step is step and e.measurements]
        facts[f"evaluation {step}"] = median(len(encode(e.measurements)) for e in own)
    for when in ("before", "after"):
        facts[when] = {"parts": world.size_of_parts(model), "log": dict(model.size())}
        if when == "before":
            model.tidy(now=world.START + 60 * world.DAY)
    return facts


def ask(question: str, folder: Path, *, quick: bool, base: str) -> Any:
    """The answer to one question, in this process."""
    import timeline_world as world

    with tempfile.TemporaryDirectory(dir=folder) as name:
        aside = Path(name)
        if question == "reference":
            return str(world.with_reference(folder / f"reference-{base}", base))
        if question == "open":
            return _opened(world, folder, aside)
        if question == "ingest":
            return ingest(world, folder, aside, base, MILLION // 5 if quick else MILLION)
        if question == "small":
            return small(world, folder, aside, 20 if quick else 100, 1_000)
        if question == "evaluate":
            return fleets(world, folder, aside, (1, 3) if quick else (1, 50, 200), 24 if quick else 72)
        if question == "rows":
            return ten_times(world, folder, aside, 1_000 if quick else 2_000, 6 if quick else 30)
        return sizes(world, folder, aside, base, (8 if base == "1h" else 3) if quick else 24, 2_000 if base == "1h" else 20_000)


def _opened(world: Any, folder: Path, aside: Path) -> Facts:
    """What every process pays before it does anything."""
    facts = Facts(imports=time.process_time())
    with timed(facts, "open"), world.opened(folder / "reference-1h", aside / "model", "1h") as model:
        facts["learned"] = model.model.active("").learned.windows
    return facts


def apart(question: str, given: argparse.Namespace, base: str = "1h") -> Any:
    """The answer of a process of its own."""
    command = [sys.executable, __file__, str(given.folder), "--ask", question, "--base", base, *(["--quick"] if given.quick else [])]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])


def show_ingest(given: argparse.Namespace) -> None:
    for base in BASES:
        facts = apart("ingest", given, base)
        pure, rows = facts["decode"][0], facts["rows"]
        ours = facts["ingest"][0]
        print(
            f"\ningest, {rows:,} rows x 50 columns, windows of {base}: {ours / pure:.1f}x a pure decode, {rows / ours:,.0f} rows/s per core"
        )
        for name in ("decode", "ingest", "file again", "rows again"):
            cpu, wall = facts[name]
            print(f"  {name:<12}{cpu:7.2f} s CPU {wall:7.2f} s wall")


def show_small(given: argparse.Namespace) -> None:
    facts = apart("small", given)
    cpu, wall = zip(*facts["ms"], strict=True)
    print(f"\n{len(cpu)} deliveries of {facts['rows']:,} rows: {median(cpu):.0f} ms of CPU each, {median(wall):.0f} ms wall")
    tail = len(cpu) // 5
    print(f"  first {tail}: {median(cpu[:tail]):.0f} ms, last {tail}: {median(cpu[-tail:]):.0f} ms, worst {max(cpu):.0f} ms of CPU")


def show_evaluate(given: argparse.Namespace) -> None:
    start = apart("open", given)
    for facts in apart("evaluate", given):
        (cpu, wall), count = facts["all"], facts["models"]
        each = 1e3 * cpu / count
        print(f"\nevaluate one dirty hour of {count} models: {each:.0f} ms of CPU each, {each / TARGETS['model']:.1f}x the target of 50 ms")
        print("  " + ", ".join(f"{name} {ms:.0f}" for name, ms in facts["ms"].items()) + f" ms; windows by step {facts['looked']}")
        print(f"  together {cpu:.1f} s CPU, {wall:.1f} s wall on one core; halved {cpu / 2:.1f} s, target for 200 on two cores 30 s")
    print(f"  a process of its own pays before: {start['imports']:.2f} s of CPU for imports, {start['open'][0]:.2f} s to open the model")


def show_rows(given: argparse.Namespace) -> None:
    few, many = apart("rows", given)
    totals = [sum(facts["ms"].values()) for facts in (few, many)]
    ratio, rest = totals[1] / totals[0], (totals[1] - many["orphans"]) / (totals[0] - few["orphans"])
    print(f"\n{many['rows']:,} instead of {few['rows']:,} rows an hour: evaluating an hour takes {ratio:.2f}x, {rest:.2f}x but for orphans")
    for facts in (few, many):
        steps = ", ".join(f"{name} {ms:.0f}" for name, ms in facts["ms"].items())
        print(f"  {facts['rows']:>7,} rows: {steps} ms of CPU; of it {facts['orphans']:.0f} to look for orphans in the row log")


def show_size(given: argparse.Namespace) -> None:
    for base in BASES:
        facts = apart("size", given, base)
        windows, rows = facts["windows"], facts["rows"]
        print(f"\n{windows} windows of {base}, {rows // windows:,} rows each in 8 deliveries; bytes per window before and after tidy")
        for kind in facts["before"]["parts"]:
            sides = [facts[when]["parts"][kind] for when in ("before", "after")]
            told = ", ".join(f"{size / max(held, 1):>9,.0f} in {count / max(held, 1):4.1f} parts" for held, count, size in sides)
            print(f"  {kind:<12}{told}")
        print(
            "  evaluation  " + ", ".join(f"{name.split()[1]} {size:,.0f}" for name, size in facts.items() if name.startswith("evaluation"))
        )
        for table in ("predictions", "labels"):
            sides = [facts[when]["log"] for when in ("before", "after")]
            each = " and ".join(f"{1e6 * s[f'lake.{table}.bytes'] / s[f'lake.{table}.rows'] / 1e6:.1f} MB" for s in sides)
            print(f"  row log, a million {table}: {each}")


SHOWN: dict[str, Callable[[argparse.Namespace], None]] = {
    "ingest": show_ingest,
    "small": show_small,
    "evaluate": show_evaluate,
    "rows": show_rows,
    "size": show_size,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer, in a minute")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS)
    parser.add_argument("--ask", choices=("reference", "open", *QUESTIONS), help=argparse.SUPPRESS)
    parser.add_argument("--base", choices=BASES, default="1h", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.folder = given.folder.resolve()
    if given.ask:
        print(json.dumps(ask(given.ask, given.folder, quick=given.quick, base=given.base)))
        return
    print(machine())
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        given.folder = Path(name)  # references are made anew, by the code that is measured
        for base in BASES:
            apart("reference", given, base)
        for question in given.only:
            SHOWN[question](given)


if __name__ == "__main__":
    main()
