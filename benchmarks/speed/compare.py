"""What `driftline compare` costs: CPU, wall time and memory of the whole command, beside a pure decode of the same file in the same run.

    python benchmarks/speed/compare.py [FOLDER] [--rows 1000000 10000000] [--times 5] [--only start tall wide two]

`tall`: 50 columns, 40 numeric and 10 string, 2 % nulls, zstd Parquet, against the saved profile of 100,000 rows. `wide`: 100,000 rows of
100, 500 and 1,000 columns. `two`: two tables of a million rows and 30 columns, nothing saved. Every figure is the median of several
processes, the commands taken in turn. CPU is user and system time; the latter is mostly new pages of memory, whose price varies a lot on
virtual machines. The ratio leaves the start-up out on both sides: what the same command costs for a table of 1,000 rows. The first run
writes the tables, the later ones find them.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# Nothing heavy is imported here: Linux counts the memory of the parent at the fork as memory of the child.

COMMAND = (sys.executable, "-m", "driftline")
FINE = (0, 1, 3)
TALL, WIDE = 50, (100, 500, 1_000)
SMALL, REFERENCE, MILLION = 1_000, 100_000, 1_000_000
CURRENT_SHIFT = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds of user and system time together and of system time alone, seconds on the clock, MiB at its peak."""

    cpu: float
    system: float
    wall: float
    memory: float


def cost(command: Sequence[str]) -> Cost:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in FINE:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(used.ru_utime + used.ru_stime, used.ru_stime, time.perf_counter() - start, used.ru_maxrss / unit)


def costs(commands: Mapping[str, Sequence[str]], times: int) -> dict[str, Cost]:
    """The median of each command, all of them run in turn, after one run of each that warms the disk cache and is left out."""
    runs = [{name: cost(command) for name, command in commands.items()} for _ in range(times + 1)][1:]
    return {name: Cost(*(median(getattr(run[name], part) for run in runs) for part in Cost.__slots__)) for name in commands}


def table(folder: Path, rows: int, columns: int, shift: float = 0.0) -> str:
    """The path of a table, which is written in a process of its own where it is not there yet."""
    path = folder / f"table-{rows}x{columns}{f'-shifted-{shift}' if shift else ''}.parquet"
    if not path.exists():
        arguments = f"Path({str(path)!r}), {rows}, {columns}, shift={shift}"
        code = f"from pathlib import Path; from tables import write_table; write_table({arguments})"
        subprocess.run((sys.executable, "-c", code), check=True, cwd=Path(__file__).parent)
    return str(path)


def saved(folder: Path, rows: int, columns: int) -> str:
    """The path of the saved profile of a table; always made anew, by the code that is measured."""
    path = str(folder / f"table-{rows}x{columns}.profile")
    cost((*COMMAND, "profile", table(folder, rows, columns), "-o", path, "--quiet"))
    return path


def compared(reference: str, current: str) -> tuple[str, ...]:
    return (*COMMAND, "compare", reference, current, "--quiet")


def decoded(path: str) -> tuple[str, ...]:
    return (sys.executable, __file__, "--decode", path)


def decode(path: str) -> None:
    """pyarrow alone: every column of every batch, text as dictionaries, nothing done with them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in pq.read_schema(path) if field.type == pa.string()]
    file = pq.ParquetFile(path, read_dictionary=texts, buffer_size=1 << 18, pre_buffer=False)
    for _ in file.iter_batches(batch_size=65_536, use_threads=False):
        pass


def start_up(folder: Path, times: int) -> None:
    reference, small = saved(folder, REFERENCE, TALL), table(folder, SMALL, TALL)
    python = (sys.executable, "-c")
    commands = {
        "python": (*python, "pass"),
        "import driftline": (*python, "import driftline"),
        "driftline --help": (*COMMAND, "--help"),
        "compare 1,000 rows": compared(reference, small),
    }
    show("start-up", costs(commands, times))


def tall(folder: Path, rows: Sequence[int], times: int) -> None:
    reference, small = saved(folder, REFERENCE, TALL), table(folder, SMALL, TALL)
    commands = {"decode, 1,000 rows": decoded(small), "compare, 1,000 rows": compared(reference, small)}
    for count in rows:
        path = table(folder, count, TALL)
        commands |= {f"decode, {count:,} rows": decoded(path), f"compare, {count:,} rows": compared(reference, path)}
    found = costs(commands, times)
    show(f"{TALL} columns", found)
    for count in rows:
        ours, pure = (found[f"{what}, {count:,} rows"].cpu - found[f"{what}, 1,000 rows"].cpu for what in ("compare", "decode"))
        print(f"{count:,} rows: compare takes {ours:.2f} s and decode {pure:.2f} s of CPU, start-up apart: {ours / pure:.2f}x")
    peaks = [found[f"compare, {count:,} rows"].memory for count in rows]
    print(f"peak memory from {min(rows):,} to {max(rows):,} rows: {peaks[-1] / peaks[0] - 1:+.1%}")


def wide(folder: Path, times: int) -> None:
    commands = {"start-up": compared(saved(folder, SMALL, 5), table(folder, SMALL, 5))}
    commands |= {f"{count:,} columns": compared(saved(folder, REFERENCE, count), table(folder, REFERENCE, count)) for count in WIDE}
    found = costs(commands, times)
    show(f"{REFERENCE:,} rows", found)
    each = [(found[f"{count:,} columns"].cpu - found["start-up"].cpu) / count * 1_000 for count in WIDE]
    print("ms of CPU per column, start-up apart: " + ", ".join(f"{ms:.2f}" for ms in each))


def two(folder: Path, times: int) -> None:
    reference, current = table(folder, MILLION, 30), table(folder, MILLION, 30, CURRENT_SHIFT)
    commands = {"profile one": (*COMMAND, "profile", reference, "-o", str(folder / "two.profile"), "--quiet")}
    show(f"{MILLION:,} x 30 and nothing saved", costs({**commands, "compare two": compared(reference, current)}, times))


def show(title: str, found: Mapping[str, Cost]) -> None:
    print(f"\n{title:<32}{'CPU s':>8}{'of it system':>14}{'wall s':>8}{'MiB':>7}")
    for name, each in found.items():
        print(f"{name:<32}{each.cpu:8.2f}{each.system:14.2f}{each.wall:8.2f}{each.memory:7.0f}")


def machine() -> str:
    """The processor, its cores and the versions that matter."""
    from importlib.metadata import version

    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    versions = ", ".join(f"{name} {version(name)}" for name in ("driftline", "pyarrow", "numpy"))
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--rows", type=int, nargs="+", default=[MILLION], help="rows of the tall tables")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=("start", "tall", "wide", "two"), default=("start", "tall", "wide", "two"))
    parser.add_argument("--decode", help="decode this one file, here")
    arguments = parser.parse_args()
    if arguments.decode:
        decode(arguments.decode)
        return
    folder = arguments.folder.resolve()
    print(machine())
    if "start" in arguments.only:
        start_up(folder, arguments.times)
    if "tall" in arguments.only:
        tall(folder, sorted(arguments.rows), arguments.times)
    if "wide" in arguments.only:
        wide(folder, arguments.times)
    if "two" in arguments.only:
        two(folder, arguments.times)


if __name__ == "__main__":
    main()
