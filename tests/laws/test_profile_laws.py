"""Laws of profiles: however rows are split, ordered, grouped or stored, the same rows give the same profile."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.core.errors import IncompatibleProfiles
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering, profile
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Kind
from driftline.profiles.segments import MISSING, OTHER, profile_by_segment
from driftline.sources.open import open_source

NAN, INF = float("nan"), float("inf")
TYPES = pa.schema(
    {
        "amount": pa.float64(),
        "visits": pa.int64(),
        "plan": pa.string(),
        "member": pa.bool_(),
        "key": pa.string(),
        "when": pa.timestamp("us", "UTC"),
    }
)
# Beyond 1e150 the sum of squares overflows, and then says nothing.
AMOUNTS = st.none() | st.floats(-6, 6) | st.floats(-1e150, 1e150) | st.integers(-3, 3).map(float) | st.sampled_from([NAN, INF, -INF])
ROW = st.fixed_dictionaries(
    {
        "amount": AMOUNTS,
        "visits": st.none() | st.integers(-5, 45),
        "plan": st.none() | st.sampled_from(["free", "pro", "team", "", "new", "newer", "ünseen", "x" * 100]),
        "member": st.none() | st.booleans(),
        "key": st.none() | st.integers(0, 40).map("user-{}".format),
        "when": st.none() | st.integers(0, 10**15),
    }
)
ROWS = st.lists(ROW, max_size=40)


def reference() -> pa.RecordBatch:
    rng = np.random.default_rng(11)
    count = 2_000
    columns = {
        "amount": rng.normal(size=count),
        "visits": rng.poisson(6, count),
        "plan": np.array(["free", "pro", "team"])[rng.integers(0, 3, count)],
        "member": rng.random(count) < 0.4,
        "key": [f"user-{i}" for i in range(count)],
        "when": pa.array(range(count), pa.int64()).cast(pa.timestamp("us", "UTC")),
    }
    return pa.RecordBatch.from_pydict(columns, schema=TYPES)


SCHEMA, _ = fit(TYPES, [reference()], SchemaSpec(time="when", segments=("plan",)))


def batch(rows):
    return pa.RecordBatch.from_pylist(rows, schema=TYPES)


def assert_equal(one: Profile, other: Profile) -> None:
    """All that is counted is the same; sums agree to rounding."""
    assert one.rows == other.rows
    assert one.counts.tolist() == other.counts.tolist()
    assert one.extremes.tolist() == other.extremes.tolist()
    assert one.seen.tolist() == other.seen.tolist()
    assert one.times == other.times
    assert {i: e for i, e in one.examples.items() if any(e)} == {i: e for i, e in other.examples.items() if any(e)}
    for i in SCHEMA.keys:
        assert one.keys[i].hashes.tolist() == other.keys[i].hashes.tolist()
        assert one.keys[i].counts.tolist() == other.keys[i].counts.tolist()
    total = np.sqrt(one.moments[:, 1] * one.rows)  # no less than the sum of |y|, by Cauchy and Schwarz
    assert np.all(np.abs(one.moments - other.moments) <= 1e-12 * np.stack([total, one.moments[:, 1]], axis=1))


def test_the_schema_has_every_kind_of_cell():
    kinds = [column.kind for column in SCHEMA.columns]
    assert kinds == [Kind.NUMERIC, Kind.INTEGER, Kind.CATEGORICAL, Kind.BOOLEAN, Kind.IDENTIFIER, Kind.DATETIME]


@given(ROWS, st.lists(st.integers(0, 40), max_size=5), st.randoms(use_true_random=False))
def test_any_split_and_order_of_the_rows_gives_the_same_profile(rows, cuts, random):
    whole = profile([batch(rows)], SCHEMA)
    shuffled = random.sample(rows, len(rows))
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [batch(shuffled[a:b]) for a, b in pairwise(bounds)]
    assert_equal(whole, profile(parts, SCHEMA))
    assert_equal(whole, reduce(add, [profile([part], SCHEMA) for part in reversed(parts)]))
    assert whole.rows == len(rows)
    assert all(whole.cells(column.name).sum() == len(rows) for column in SCHEMA.columns)


@given(ROWS)
def test_the_profile_of_no_rows_changes_nothing(rows):
    some, zero = profile([batch(rows)], SCHEMA), Profile.zero(SCHEMA)
    assert_equal(some, some + zero)
    assert_equal(some, zero + some)


@given(ROWS, ROWS, ROWS)
def test_adding_is_associative(a, b, c):
    a, b, c = (profile([batch(rows)], SCHEMA) for rows in (a, b, c))
    assert_equal((a + b) + c, a + (b + c))


@given(ROWS, st.integers(1, 4), st.integers(0, 40))
def test_grouping_equals_filtering(rows, groups, cut):
    group = np.arange(len(rows), dtype=np.intp) * 7 % 11 % groups
    gathering = Gathering(SCHEMA)
    for part in (slice(0, cut), slice(cut, None)):
        gathering.add(batch(rows[part]), group[part], groups)
    found = gathering.profiles()
    for g in range(groups):
        alone = profile([batch([row for row, its in zip(rows, group, strict=True) if its == g])], SCHEMA)
        assert_equal(replace(found[g], keys=alone.keys, times=alone.times, examples=alone.examples, seen=alone.seen), alone)
    assert_equal(gathering.total(), profile([batch(rows)], SCHEMA))


@given(st.lists(ROW, min_size=1, max_size=40))
def test_segments_are_the_rows_of_each_level(rows):
    everything, segments = profile_by_segment([batch(rows)], SCHEMA)
    assert_equal(everything, profile([batch(rows)], SCHEMA))
    names = {"free": "free", "pro": "pro", "team": "team", None: MISSING}
    by_level: dict[str, list[dict]] = {}
    for row in rows:
        by_level.setdefault(names.get(row["plan"], OTHER), []).append(row)
    assert {name for ((_, name),) in segments} == set(by_level)
    for ((_, name),), part in segments.items():
        alone = profile([batch(by_level[name])], SCHEMA)
        assert (part.rows, part.counts.tolist(), part.extremes.tolist()) == (alone.rows, alone.counts.tolist(), alone.extremes.tolist())


def test_profiles_of_different_schemas_do_not_add():
    other = replace(SCHEMA, columns=SCHEMA.columns[:-1])
    with pytest.raises(IncompatibleProfiles, match="cannot be added"):
        Profile.zero(SCHEMA) + Profile.zero(other)


# ------------------------------------------------------------------ one column, stored in many ways


def alone(values: pa.Array, name: str) -> tuple:
    """What a profile says about one column that is `values`."""
    found = profile([pa.RecordBatch.from_arrays([values], [name])], SCHEMA)
    at = SCHEMA.by_name[name]
    row = SCHEMA.numeric.index(at) if at in SCHEMA.numeric else None
    rest = () if row is None else (found.extremes[row].tolist(), found.moments[row].tolist())
    keys = (found.keys[at].hashes.tolist(), found.keys[at].counts.tolist()) if at in SCHEMA.keys else ()
    return found.cells(name).tolist(), found.examples.get(at), rest, keys


def coded(values: list, extra: list, index: pa.DataType) -> pa.Array:
    """A dictionary with unused and null entries, every value twice, the rows taking turns between the two, nulls in both places."""
    texts = [*extra, *dict.fromkeys(values), None]
    first, second = {v: texts.index(v) for v in values}, {v: len(texts) + texts.index(v) for v in values}
    codes = [(first if i % 2 else second)[v] if v is not None or i % 3 else None for i, v in enumerate(values)]
    return pa.DictionaryArray.from_arrays(pa.array(codes, index), pa.array(texts * 2, pa.string()))


PLANS = st.lists(st.none() | st.sampled_from(["free", "team", "", "new", "newer", "ünseen", "y" * 90]), min_size=1, max_size=30)


@given(PLANS, st.sampled_from(["plan", "key"]))
def test_text_is_the_same_however_it_is_stored(values, name):
    plain = pa.array(values, pa.string())
    expected = alone(plain, name)
    assert alone(plain.cast(pa.large_string()), name) == expected
    assert alone(plain.cast(pa.string_view()), name) == expected
    assert alone(plain.dictionary_encode(), name) == expected
    assert alone(plain.cast(pa.large_string()).dictionary_encode(), name) == expected
    for index in (pa.int8(), pa.uint16(), pa.int64()):
        assert alone(coded(values, ["unused", "zebra"], index), name) == expected


@given(st.lists(st.none() | st.integers(-5, 45), min_size=1, max_size=30), st.sampled_from(["amount", "visits"]))
def test_numbers_are_the_same_however_they_are_stored(values, name):
    expected = alone(pa.array(values, pa.float64()), name)
    for kind in (pa.int8(), pa.int32(), pa.int64(), pa.float32(), pa.decimal128(9, 2)):
        stored = pa.array([None if v is None else Decimal(v) for v in values] if pa.types.is_decimal(kind) else values, kind)
        assert alone(stored, name) == expected
        if not pa.types.is_decimal(kind):
            assert alone(stored.dictionary_encode(), name) == expected
    for unit, times in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        assert alone(pa.array([None if v is None else v * times for v in values], pa.duration(unit)), name) == expected


@given(st.lists(st.none() | st.booleans(), min_size=1, max_size=30))
def test_flags_are_the_same_however_they_are_stored(values):
    flags = pa.array(values, pa.bool_())
    assert alone(flags, "visits") == alone(pa.array(values, pa.bool_()).cast(pa.int64()), "visits")
    expected = alone(flags, "member")
    for kind in (pa.int8(), pa.int64(), pa.float64()):
        assert alone(flags.cast(pa.int8()).cast(kind), "member") == expected
    assert alone(flags.cast(pa.int64()).dictionary_encode(), "member") == expected


@given(st.lists(ROW, min_size=1, max_size=30), st.integers(0, 20), st.integers(0, 9))
def test_a_slice_counts_its_own_rows_only(rows, before, after):
    padding = [{"amount": 1e9, "visits": 99, "plan": "outside", "member": True, "key": "outside", "when": 10**16}] * 20
    padded = batch([*padding[:before], *rows, *padding[:after]]).slice(before, len(rows))
    expected = profile([batch(rows)], SCHEMA)
    assert_equal(expected, profile([padded], SCHEMA))
    at = padded.schema.get_field_index("plan")
    whole = batch([*padding[:before], *rows, *padding[:after]])
    dictionary = whole.set_column(at, "plan", whole.column(at).dictionary_encode()).slice(before, len(rows))
    assert_equal(expected, profile([dictionary], SCHEMA))


@given(ROWS, st.integers(0, 5))
def test_rows_without_any_value_are_missing_however_they_say_so(rows, count):
    none = dict.fromkeys(TYPES.names)
    expected = profile([batch([*rows, *[none] * count])], SCHEMA)
    nothing = pa.RecordBatch.from_arrays([pa.nulls(count) for _ in TYPES], TYPES.names)
    typed = pa.RecordBatch.from_arrays([pa.nulls(count, field.type) for field in TYPES], schema=TYPES)
    for without in (nothing, typed):
        assert_equal(expected, profile([batch(rows), without], SCHEMA))
        assert_equal(expected, profile([without, batch(rows)], SCHEMA))


@settings(max_examples=20)
@given(st.lists(ROW, min_size=1, max_size=20))
def test_frames_of_other_libraries_give_the_same_profile(rows):
    table = pa.Table.from_batches([batch(rows)])
    expected = profile(table.to_batches(), SCHEMA)
    for frame in (pl.from_arrow(table), table.to_pandas(types_mapper=pd.ArrowDtype), table):
        source = open_source(frame, name="current")
        for dictionary in ((), ("plan", "key")):
            assert_equal(expected, profile(source.batches(dictionary=dictionary), SCHEMA))


def test_levels_beyond_the_last_cell_are_the_hashed_tail():
    """A row with an unseen level is in the tail, once, and its example is the level itself."""
    cells, examples, *_ = alone(pa.array(["never seen"]), "plan")
    assert sum(cells[1:FIRST_LEVEL]) == 1
    assert sum(cells) == 1
    assert [text for text in examples if text] == ["never seen"]
