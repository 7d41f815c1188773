"""Many small tables at once: references, current tables and their verdicts.

A verdict about a column depends on its own counts and on its part of the allowed probability alone. So one wide table stands for many
narrow ones: judged with `share=columns / width`, each `width` columns are a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from worlds import OTHERS, WORLDS, Draw, Rng, Values

from driftline.core.verdicts import ColumnVerdict, Verdict
from driftline.drift.judge import judge
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile

KNOWN = {**WORLDS, **OTHERS}
BAD = (Verdict.DRIFTED, Verdict.FAULTY)
SPEC = DriftSpec()
CELLS = 12_000_000
"""Values drawn at once."""


@dataclass(frozen=True)
class Wide:
    """Independent columns of a reference: which world each is of, its raw values where they are kept, and its profile."""

    worlds: Sequence[str]
    profile: Profile
    raw: Sequence[Values]


def reference(rng: Rng, worlds: Sequence[str], rows: int, *, keep: bool = False) -> Wide:
    arrays, raw = [], []
    for name in worlds:
        values = KNOWN[name].draw(rng, rows)
        arrays.append(KNOWN[name].array(values))
        raw += [values] if keep else []
    table = pa.table(arrays, [f"c{i}" for i in range(len(worlds))])
    schema, _ = fit(table.schema, table.to_batches(), SchemaSpec())
    gathering = Gathering(schema)
    for batch in table.to_batches():
        gathering.add(batch)
    return Wide(worlds, gathering.total(), raw)


def currents(rng: Rng, wide: Wide, rows: int, tables: int, draws: Sequence[Draw] | None = None) -> Iterator[tuple[Profile, list[Values]]]:
    """Profiles of current tables, each with its raw values where the reference kept its own."""
    at_once = max(min(tables, CELLS // (rows * len(wide.worlds))), 1)
    draw = draws or [KNOWN[name].draw for name in wide.worlds]
    while tables > 0:
        some = min(at_once, tables)
        tables -= some
        values = [d(rng, rows * some) for d in draw]
        arrays = [
            KNOWN[name].array(v) if v.dtype != np.int32 or v.min() >= 0 else _nulls(name, v)
            for name, v in zip(wide.worlds, values, strict=True)
        ]
        batch = pa.record_batch(arrays, [c.name for c in wide.profile.schema.columns])
        gathering = Gathering(wide.profile.schema)
        gathering.add(batch, np.repeat(np.arange(some), rows), some)
        for i, profile in enumerate(gathering.profiles()):
            yield profile, [v[i * rows : (i + 1) * rows] for v in values] if wide.raw else []


def _nulls(name: str, codes: Values) -> pa.Array:
    """Levels of which the negative codes are nulls."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.maximum(codes, 0), mask=codes < 0), KNOWN[name].array(np.maximum(codes, 0)).dictionary
    )


def verdicts(wide: Wide, current: Profile, width: int) -> list[ColumnVerdict]:
    """The verdicts of all columns as if each `width` of them were one table."""
    return judge(wide.profile, current, SPEC, share=len(wide.worlds) / width)


def alarms(columns: Sequence[ColumnVerdict], width: int) -> list[bool]:
    """Whether anything is called drifted or faulty, by table of `width` columns."""
    bad = [c.verdict in BAD for c in columns]
    return [any(bad[i : i + width]) for i in range(0, len(bad) - width + 1, width)]
