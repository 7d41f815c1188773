"""What it costs to read a table: pure decode by pyarrow beside our source, each in a process of its own.

    python benchmarks/speed/reading.py [FOLDER] [--rows 1000000] [--columns 50]

Prints CPU seconds (start-up and imports apart), wall seconds and the peak memory of the process. A way that ends in `busy` works 4 ns per
value on the caller's thread, as counting does: there prefetching can gain wall time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tables import write_table

Batches = Iterator[pa.RecordBatch]
BATCH = 65_536


def decode(path: str, dictionary: list[str], buffer: int = 0) -> Batches:
    """pyarrow alone."""
    return pq.ParquetFile(path, read_dictionary=dictionary, buffer_size=buffer).iter_batches(BATCH, use_threads=False)


def source(path: str, dictionary: list[str]) -> Batches:
    """Ours, as everyone calls it."""
    from driftline.sources.open import open_source

    return open_source(path, name="current").batches(dictionary=dictionary)


def source_alone(path: str, dictionary: list[str]) -> Batches:
    """Ours without the background thread."""
    from driftline.sources import files

    vars(files)["prefetch"] = iter
    return source(path, dictionary)


WAYS: dict[str, tuple[Callable[[str, list[str]], Batches], bool, bool]] = {
    "iter_batches": (decode, False, False),
    "iter_batches, dictionaries": (decode, True, False),
    "iter_batches, dictionaries, 64 KiB buffer": (lambda path, names: decode(path, names, 1 << 16), True, False),
    "iter_batches, dictionaries, 256 KiB buffer": (lambda path, names: decode(path, names, 1 << 18), True, False),
    "iter_batches, dictionaries, 1 MiB buffer": (lambda path, names: decode(path, names, 1 << 20), True, False),
    "open_source, no prefetch": (source_alone, False, False),
    "open_source, dictionaries, no prefetch": (source_alone, True, False),
    "open_source": (source, False, False),
    "open_source, dictionaries": (source, True, False),
    "open_source, dictionaries, no prefetch, busy": (source_alone, True, True),
    "open_source, dictionaries, busy": (source, True, True),
}


def measure(way: str, path: str) -> tuple[float, float, float, int]:
    """CPU seconds, wall seconds, peak memory in MiB, rows."""
    read, encoded, busy = WAYS[way]
    schema = pq.read_schema(path)
    names = [field.name for field in schema if field.type == pa.string()] if encoded else []
    # One small reading first, so that imports and pools are not measured.
    next(read(path, names))
    scratch = np.random.default_rng(1).random(BATCH)
    rows, wall, cpu = 0, time.perf_counter(), time.process_time()
    for batch in read(path, names):
        rows += batch.num_rows
        if busy:
            _count(scratch[: batch.num_rows], batch.num_columns)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return cpu, wall, _peak_memory(), rows


def _peak_memory() -> float:
    """Peak memory of this process in MiB. Linux hands `ru_maxrss` of the parent down to a child, so its own file is asked first."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _count(scratch: np.ndarray, columns: int) -> None:
    """About 4 ns of work per value, off the interpreter lock for the most part, like the counting kernel."""
    for _ in range(columns):
        np.bincount((scratch * 255).astype(np.intp), minlength=256)


def main() -> None:
    """Each way in a fresh process, several times; the medians are printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--way", help="measure this one way, here")
    parser.add_argument("--only", default="", help="the ways whose names contain this")
    args = parser.parse_args()
    path = write_table(args.folder / f"table-{args.rows}x{args.columns}.parquet", args.rows, args.columns)
    if args.way:
        print(*measure(args.way, str(path)))
        return
    print(f"{path.name}: {path.stat().st_size / 2**20:.0f} MiB, pyarrow {pa.__version__}, Python {sys.version.split()[0]}")
    print(f"{'way':<46} {'CPU s':>6} {'wall s':>6} {'MiB':>5}")
    for way in (way for way in WAYS if args.only in way):
        call = [sys.executable, __file__, str(args.folder), "--rows", str(args.rows), "--columns", str(args.columns), "--way", way]
        each = [subprocess.run(call, capture_output=True, text=True, check=True).stdout.split() for _ in range(args.times)]
        cpu, wall, memory, _ = np.median(np.array(each, dtype=float), axis=0)
        print(f"{way:<46} {cpu:6.2f} {wall:6.2f} {memory:5.0f}")


if __name__ == "__main__":
    main()
