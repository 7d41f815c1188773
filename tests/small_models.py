"""Small models over time, in memory or on disk: a plan, a reference that is made once, and rows that are made of a few facts each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from driftline.config.load import digest
from driftline.config.plan import Plan
from driftline.core.ledger import PartKind, RowKind, Step
from driftline.engine.cohorts import settle
from driftline.engine.evaluate import evaluate
from driftline.engine.ingest import ingest
from driftline.engine.model import ACTIVE, Model
from driftline.engine.references import Saying, set_reference
from driftline.lakes.memory import MemoryLake
from driftline.performance.labels import LabelKind
from driftline.profiles.codec import unpack
from driftline.profiles.outcomes import Task
from driftline.profiles.parts import decode_part, decode_traffic
from driftline.sources.open import open_source
from driftline.stores.memory import MemoryStore

START = datetime(2026, 3, 27, tzinfo=UTC)
"""The clocks of Europe go forward two days later."""
NOW = datetime(2026, 4, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
TASKS = ("binary", "multiclass", "regression")
CLASSES = ("ant", "bee", "cow")
CITIES = ("oslo", "rome", "")


@dataclass(frozen=True)
class Row:
    """One prediction: its identifier, hours after START, and a seed that all its other cells are drawn from."""

    id: str
    hour: float
    seed: int = 0
    version: str = "v1"

    @property
    def time(self) -> datetime:
        return START + self.hour * HOUR


@dataclass(frozen=True)
class Label:
    """What became known of an identifier so many hours after START: a number that each task makes its value of, None for void."""

    id: str
    hour: float
    value: int | None


def plan(task="binary", kind="outcome", *, base="1d", zone="Europe/Berlin", timed=True, **more):
    """The plan of a small model."""
    labels = {
        "kind": LabelKind(kind),
        "matures_after": "4d",
        "void": {"void": ("yes",)},
        **({"negative_after": "4d"} if kind == "event" else {}),
    }
    columns = {"id": "id", "time": "time", "prediction": "out", "label": "label", "version": "version", "latency": "ms", "error": "failed"}
    settings = {
        "model": "small",
        "task": {"type": Task(task), **({"scores": {name: f"p_{name}" for name in CLASSES}} if task == "multiclass" else {})},
        "columns": {**columns, **({"label_time": "known"} if timed else {})},
        "labels": labels,
        "segments": ("city",),
        "windows": {"base": base, "timezone": zone, "widen_to": "3d" if base == "1d" else "1d"},
        "serving": {"availability": {"target": 0.9, "window": "3d"}, "latency": {"within": 100.0, "target": 0.9, "window": "3d"}},
        "storage": {"fold_after": "1d"},
    }
    return Plan(**{**settings, **more})


def predictions(rows, task="binary"):
    """The rows as a table. A row says the same wherever it stands."""
    found: dict[str, list] = {"id": [], "time": [], "version": [], "x": [], "y": [], "city": [], "ms": [], "failed": [], "out": []}
    found |= {f"p_{name}": [] for name in CLASSES} if task == "multiclass" else {}
    for row in rows:
        draw = np.random.default_rng([row.seed, *row.id.encode()])
        income, out = draw.normal(50, 10), draw.random()
        cells = {
            "id": row.id,
            "time": row.time,
            "version": row.version,
            "x": None if draw.random() < 0.1 else float(income),
            "y": int(draw.integers(0, 4)),
            "city": CITIES[draw.integers(0, 3)] or None,
            "ms": float(np.exp(draw.normal(4, 0.5))),
            "failed": bool(draw.random() < 0.05),
            "out": float(out) if task != "regression" else float(income * 2),
        }
        if task == "multiclass":
            shares = draw.dirichlet((1, 1, 1))
            cells |= {f"p_{name}": float(share) for name, share in zip(CLASSES, shares, strict=True)}
            cells["out"] = CLASSES[int(np.argmax(shares))]
        for name, cell in cells.items():
            found[name].append(cell)
    types = {"id": pa.string(), "time": pa.timestamp("us", "UTC"), "version": pa.string(), "city": pa.string(), "failed": pa.bool_()}
    types |= {"y": pa.int64(), "out": pa.string() if task == "multiclass" else pa.float64()}
    return pa.table({name: pa.array(cells, types.get(name, pa.float64())) for name, cells in found.items()})


def labels(rows, task="binary", *, timed=True):
    """The labels as a table."""
    values = {"binary": lambda v: str(v % 2), "multiclass": lambda v: CLASSES[v % 3], "regression": lambda v: 90.0 + v}[task]
    found = {
        "id": pa.array([row.id for row in rows], pa.string()),
        "label": pa.array(
            [None if row.value is None else values(row.value) for row in rows], pa.float64() if task == "regression" else pa.string()
        ),
        "void": ["yes" if row.value is None else "no" for row in rows],
    }
    if timed:
        found["known"] = pa.array([START + row.hour * HOUR for row in rows], pa.timestamp("us", "UTC"))
    return pa.table(found)


def reference_table(task="binary", rows=600):
    """Twenty days before START, labelled."""
    made = [Row(f"r{i}", -480 * (i + 0.5) / rows) for i in range(rows)]
    table = predictions(made, task)
    out = table["out"].to_pylist()
    draw = np.random.default_rng(1)
    label = {
        "binary": lambda: [str(int(draw.random() < value)) for value in out],
        "multiclass": lambda: [value if draw.random() < 0.7 else CLASSES[draw.integers(0, 3)] for value in out],
        "regression": lambda: [value + draw.normal(0, 5) for value in out],
    }[task]()
    return table.append_column("label", pa.array(label))


_made: dict = {}


def _reference(made):
    """The reference of a plan, as it is stored; made once."""
    if digest(made) not in _made:
        _made[digest(made)] = _set(made)
    return _made[digest(made)]


def _set(made):
    model = Model.open(made, "plan", MemoryStore(), MemoryLake())
    table = reference_table(made.task.type.value)
    return set_reference(model, open_source(table, name="reference"), Saying(ACTIVE, "", "ann", "first", START))


def model(of=None, store=None, lake=None):
    """A model with its reference."""
    of = of or plan()
    store, lake = store or MemoryStore(), lake or MemoryLake()
    store.add_reference(of.model, _reference(of))
    return Model.open(of, "plan", store, lake)


def take(model, table, kind=RowKind.PREDICTIONS, *, now=NOW):
    """Delivers a table; what came of it."""
    return ingest(model, kind, open_source(table, name="rows"), now=now)


def deliver(model, rows, *, now=NOW):
    """Delivers rows of one kind."""
    task, timed = model.plan.task.type.value, bool(model.plan.columns.label_time)
    if isinstance(rows[0], Label):
        return take(model, labels(rows, task, timed=timed), RowKind.LABELS, now=now)
    return take(model, predictions(rows, task), now=now)


def evaluate_all(model, *, as_of=NOW, now=NOW, **more):
    """All steps."""
    return [evaluate(model, step, as_of=as_of, now=now, **more) for step in Step]


def found(model):
    """The measurements that count, by step and window, without the numbers that say when they were made."""
    return {(e.step, e.window): tuple(e.measurements) for e in model.store.evaluations(model.name)}


def differences(one, other, *, leave=()):
    """Where two answers of `found` differ: names, states and counts exactly, numbers to rounding. Empty where they are alike."""
    told = [f"{key}: only on one side" for key in one.keys() ^ other.keys()]
    for key in sorted(one.keys() & other.keys()):
        mine, theirs = ({_name(m): m for m in side[key] if m.metric not in leave} for side in (one, other))
        told += [f"{key}: {name} only on one side" for name in mine.keys() ^ theirs.keys()]
        told += [f"{key}: {mine[n]}\n   {theirs[n]}" for n in mine.keys() & theirs.keys() if not _alike(mine[n], theirs[n])]
    return told


def _name(m):
    return m.metric, m.column, m.scope, m.basis


def _alike(one, other):
    same = (one.n, one.status, one.beyond) == (other.n, other.status, other.beyond)
    return same and all(_near(getattr(one, name), getattr(other, name)) for name in ("value", "low", "high", "limit"))


def _near(a, b):
    if a is None or b is None:
        return a is b
    return a == b or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def sums(model):
    """What windows are made of, their parts added: counts as they are, sums rounded to nine digits; and the cohorts as they are kept."""
    settle(model)
    far = {"start": START - 1000 * 24 * HOUR, "end": START + 1000 * 24 * HOUR}
    told: dict = {}
    for part in model.store.parts(model.name, PartKind.ROWS, **far):
        key = (part.window, part.schema, part.version)
        decoded = decode_part(part.data, model.by_schema[part.schema].reference.schema, name="part")
        told[key] = told[key] + decoded if key in told else decoded
    found: dict = {key: {segment: _profile(profile) for segment, profile in part.profiles.items()} for key, part in told.items()}
    served: dict = {}
    for part in model.store.parts(model.name, PartKind.TRAFFIC, **far):
        key = (part.window, "traffic", part.version)
        traffic = decode_traffic(part.data, name="traffic")
        served[key] = served[key] + traffic if key in served else traffic
    found |= {key: _arrays(traffic.to_arrays()) for key, traffic in served.items()}
    for part in model.store.parts(model.name, PartKind.COHORT, **far):
        header, arrays = unpack(part.data, name="cohort")
        found[part.window, "cohort", part.version] = [header["last"], header["facts"], _arrays(arrays)]
    rows = model.store.rows(model.name, **far)
    return found | {(window, "rows", ""): count for window, count in rows.items()}


def _profile(profile):
    return profile.rows, profile.times, _arrays({"counts": profile.counts, "moments": profile.moments, "extremes": profile.extremes})


def _arrays(arrays):
    return {name: [f"{x:.9g}" if isinstance(x, float) else x for x in np.ravel(array).tolist()] for name, array in arrays.items()}
