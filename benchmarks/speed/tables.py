"""Large made-up tables for the benchmarks: the same numbers from the same seed, written row group by row group.

40 numeric columns in turn normal, lognormal and whole numbers held as float64, 10 string columns of 5 to 1,000 levels, 2 % nulls.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 1_000_000
NULL_SHARE = 0.02
LEVELS = (5, 10, 20, 50, 100, 200, 300, 500, 700, 1000)
SEED = 20_261_101


def make_table(rows: int, columns: int = 50, *, first_row_group: int = 0, shift: float = 0.0) -> pa.Table:
    """`rows` rows, four columns in five numeric (`n00`, ...) and the rest strings (`s00`, ...); `shift` moves the numeric ones by so many
    standard deviations. The same arguments give the same table."""
    strings = columns // 5
    rng = np.random.default_rng([SEED, first_row_group])
    arrays: dict[str, pa.Array] = {}
    for i in range(columns - strings):
        arrays[f"n{i:02d}"] = pa.array(_numbers(rng, i, rows, shift), mask=rng.random(rows) < NULL_SHARE)
    for i in range(strings):
        levels = LEVELS[i % len(LEVELS)]
        names = pa.array([f"level-{level:04d}" for level in range(levels)])
        # Squared uniforms: the first levels are common and the last ones rare.
        codes = pa.array((levels * rng.random(rows) ** 2).astype(np.int32), mask=rng.random(rows) < NULL_SHARE)
        arrays[f"s{i:02d}"] = pa.DictionaryArray.from_arrays(codes, names).dictionary_decode()
    return pa.table(arrays)


def write_table(path: Path, rows: int, columns: int = 50, *, shift: float = 0.0) -> Path:
    """A zstd Parquet file of such a table in row groups of a million rows, one in memory at a time. A file that is there is kept."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    writer: pq.ParquetWriter | None = None
    for number, start in enumerate(range(0, rows, ROW_GROUP)):
        part = make_table(min(ROW_GROUP, rows - start), columns, first_row_group=number, shift=shift)
        writer = writer or pq.ParquetWriter(draft, part.schema, compression="zstd")
        writer.write_table(part, row_group_size=ROW_GROUP)
    if writer is not None:
        writer.close()
    return draft.rename(path)


def _numbers(rng: np.random.Generator, column: int, rows: int, shift: float) -> np.ndarray:
    normal = rng.standard_normal(rows) + shift
    if column % 3 == 0:
        return normal * (1 + column) + column
    if column % 3 == 1:
        return np.exp(normal)
    return np.rint(normal * 20 + 100)
