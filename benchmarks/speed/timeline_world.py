"""Models over time for `timeline.py`: rows of 50 columns in 10 segments, their labels, and stores in which models have lived for a while.

A row has the 50 columns of `tables.py` (40 numbers, 10 texts, of which `s01` cuts the rows into 10 segments), an identifier, a time, a
score, a latency and whether the request failed. Its label is known some hours later and right as often as the score says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tables import make_table

from driftline.core.ledger import Delivery, Evaluation, PartKind, RowKind, Step, StoredPart
from driftline.core.records import Window
from driftline.lakes.open import open_lake
from driftline.overtime import OpenModel, open_model

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COLUMNS, SEGMENT = 50, "s01"
REFERENCE_ROWS, REFERENCE_DAYS = 100_000, {"1h": 14, "1d": 60}
SERVED = 28 * 24
"""Hours before those that a model has lived, in which it was served."""
KEPT, LOTS = 24, 8

CONFIGURATION = """\
version: 1
model: {model}
task: {{type: binary, threshold: 0.5}}
columns: {{id: id, time: time, prediction: score, label: label, label_time: known, latency: ms, error: failed}}
labels: {{kind: outcome, matures_after: 1d}}
segments: [{segment}]
windows: {{base: {base}, timezone: UTC, widen_to: 7d}}
serving:
  availability: {{target: 0.995, window: 28d}}
  latency: {{within: 100, target: 0.99, window: 28d}}
storage: {{store: driftline.db, lake: lake}}
"""


def rows(count: int, start: datetime, span: timedelta, seed: int) -> tuple[pa.Table, pa.Table]:
    """So many predictions between `start` and `start + span` in order of time, and their labels."""
    draw = np.random.default_rng([7, seed])
    first, ticks = int(start.timestamp() * 1e6), span // timedelta(microseconds=1)
    times = first + np.sort(draw.integers(0, ticks, count))
    score = draw.beta(2, 3, count)
    table = make_table(count, COLUMNS, first_row_group=seed)
    ids = pa.array([f"{seed:06x}-{number:012x}" for number in range(count)])
    clock = pa.timestamp("us", "UTC")
    more = {
        "id": ids,
        "time": pa.array(times, clock),
        "score": score,
        "ms": np.exp(draw.normal(3, 0.5, count)),
        "failed": draw.random(count) < 0.001,
    }
    for name, column in more.items():
        table = table.append_column(name, pa.array(column))
    known = times + draw.integers(HOUR // timedelta(microseconds=1), 20 * HOUR // timedelta(microseconds=1), count)
    label = (draw.random(count) < score).astype(np.int64)
    return table, pa.table({"id": ids, "label": label, "known": pa.array(known, clock)})


def write_rows(path: Path, count: int, span: timedelta = DAY, seed: int = 1) -> Path:
    """A zstd Parquet file of predictions from START on, one row group of a million rows; a file that is there is kept."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows(count, START, span, seed)[0], path.with_suffix(".draft"), compression="zstd", row_group_size=1_000_000)
        path.with_suffix(".draft").rename(path)
    return path


def configured(folder: Path, model: str, base: str) -> Path:
    """The configuration of a model whose store and row log lie in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{model}.yaml"
    path.write_text(CONFIGURATION.format(model=model, base=base, segment=SEGMENT))
    return path


def with_reference(folder: Path, base: str) -> Path:
    """A folder with a store in which the model `m0` has its reference, and nothing else."""
    path = configured(folder, "m0", base)
    days = REFERENCE_DAYS[base]
    table, labels = rows(REFERENCE_ROWS, START - days * DAY, days * DAY, 0)
    with open_model(path) as model:
        model.set_reference(table.append_column("label", labels["label"]), author="benchmark", reason="made up", now=START)
    return folder


def opened(origin: Path, folder: Path, base: str) -> OpenModel:
    """The model `m0` in a new folder, with the records of another."""
    shutil.copytree(origin, folder)
    return open_model(configured(folder, "m0", base))


def lived(origin: Path, folder: Path, per_hour: int, hours: int) -> OpenModel:
    """The model `m0` after so many hours with all its records, evaluated as of their end, and SERVED hours before them of which nothing
    but the traffic is known."""
    model, end = opened(origin, folder, "1h"), START + hours * HOUR
    table, labels = rows(hours * per_hour, START, hours * HOUR, 2)
    model.ingest_predictions(table, now=end)
    known = np.array(labels["known"].cast(pa.int64())) <= int(end.timestamp() * 1e6)
    model.ingest_labels(labels.filter(pa.array(known)), now=end)
    served = model.store.parts("m0", PartKind.TRAFFIC, start=START, end=end)
    earlier = [_moved(part, -back * HOUR) for back in range(hours, SERVED + hours, hours) for part in served]
    _accept(model, "m0", earlier, "earlier")
    through = model.store.sequence("m0")
    for step in Step:
        seen = [Evaluation(step, part.window, end, end, through, "", "", ()) for part in earlier]
        model.store.save("m0", seen)
    model.evaluate(as_of=end, now=end)
    return model


def multiplied(model: OpenModel, names: Sequence[str], hours: int) -> list[OpenModel]:
    """More models with the same records in the same store, the profiles of the last KEPT hours among them, each with its row log."""
    folder, end = model.loaded.path.parent, START + hours * HOUR
    kinds = {kind: model.store.parts("m0", kind, start=START - 2 * SERVED * HOUR, end=end) for kind in PartKind}
    recent = [part for part in kinds[PartKind.ROWS] if part.window.start >= end - KEPT * HOUR]
    beside = [part for kind in (PartKind.COHORT, PartKind.SCORES, PartKind.ESTIMATES) for part in kinds[kind]]
    through = model.store.sequence("m0")
    known = [replace(e, measurements=(), through=through) for e in model.store.evaluations("m0")]
    found = []
    for name in names:
        path = configured(folder, name, "1h")
        ignored = shutil.ignore_patterns("model.json")
        shutil.copytree(folder / "lake" / "m0", folder / "lake" / name, ignore=ignored, copy_function=os.link)  # the log is never changed
        loaded = replace(model.loaded, plan=model.loaded.plan.but(model=name), path=path)
        other = OpenModel(loaded, model.store, open_lake(str(folder / "lake"), name), {})
        for stored in model.store.references("m0"):
            other.store.add_reference(name, stored)
        for number in range(through):  # the row log knows these deliveries
            _accept(other, name, [*recent, *kinds[PartKind.TRAFFIC]] if number == 0 else [], f"copy {number}")
        other.store.put(name, [replace(part, through=through) for part in beside])
        other.store.save(name, known)
        found.append(other)
    return found


def in_lots(origin: Path, folder: Path, base: str, windows: int, per_window: int) -> OpenModel:
    """The model `m0` with rows and labels of so many windows, in LOTS deliveries that each have rows of all of them; evaluated."""
    model, span = opened(origin, folder, base), windows * (HOUR if base == "1h" else DAY)
    end = START + span + DAY
    table, labels = rows(windows * per_window, START, span, 3)
    for lot in range(LOTS):
        chosen = pa.array(np.arange(lot, len(table), LOTS))
        model.ingest_predictions(table.take(chosen), now=end)
        model.ingest_labels(labels.take(chosen), now=end)
    model.evaluate(as_of=START + span, now=end)
    return model


def size_of_parts(model: OpenModel) -> dict[str, tuple[int, int, int]]:
    """By kind of part: how many windows have some, how many parts there are, and their bytes."""
    sizes = {}
    for kind in PartKind:
        parts = [part for part in model.store.parts(model.name, kind, start=START - DAY, end=START + 400 * DAY) if part.data]
        sizes[kind.value] = len({part.window for part in parts}), len(parts), sum(len(part.data) for part in parts)
    return sizes


def _moved(part: StoredPart, by: timedelta) -> StoredPart:
    return replace(part, window=Window(part.window.start + by, part.window.end + by))


def _accept(model: OpenModel, name: str, parts: Sequence[StoredPart], digest: str) -> None:
    sequence = model.store.sequence(name) + 1
    parts = [replace(part, through=sequence) for part in parts]
    delivery = Delivery(sequence, RowKind.PREDICTIONS, digest, "benchmark", START, 0, 0)
    model.store.accept(name, delivery, parts=parts, rows={part.window for part in parts})
