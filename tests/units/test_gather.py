"""Gathering puts every row of a hand-made batch into the cell where it belongs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiles.counting import ABOVE, BELOW, FAR_ABOVE, FAR_BELOW, MISSING, NAN, NEG_INF, POS_INF, SPECIAL
from driftline.profiles.fit import SAMPLE_ROWS, SchemaSpec, fit
from driftline.profiles.gather import Gathering, profile
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind, Role, Schema

INF = float("inf")
SCHEMA = Schema(
    (
        Column("amount", Kind.NUMERIC, Role.FEATURE, "double", "", edges=(0.0, 10.0, 20.0), coarse=(0, 1), center=10.0, scale=5.0),
        Column("plan", Kind.CATEGORICAL, Role.FEATURE, "string", "", levels=("free", "pro")),
        Column("member", Kind.BOOLEAN, Role.FEATURE, "bool", "", levels=("false", "true")),
        Column("key", Kind.IDENTIFIER, Role.IDENTIFIER, "string", ""),
        Column("note", Kind.TEXT, Role.FEATURE, "string", ""),
    ),
    time="when",
)


def amounts(*values: float | None) -> Profile:
    return profile([pa.RecordBatch.from_pydict({"amount": pa.array(values, pa.float64())})], SCHEMA)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, MISSING),
        (float("nan"), NAN),
        (-INF, NEG_INF),
        (INF, POS_INF),
        (-20.5, FAR_BELOW),  # further out than the bins are wide
        (-0.5, BELOW),
        (-0.0, SPECIAL),  # the first bin is [0, 10)
        (9.999, SPECIAL),
        (10.0, SPECIAL + 1),
        (19.5, SPECIAL + 1),
        (20.0, ABOVE),  # the last edge is outside
        (40.5, FAR_ABOVE),
    ],
)
def test_a_number_has_one_cell(value, cell):
    assert np.flatnonzero(amounts(value).cells("amount")).tolist() == [cell]
    assert amounts(value, None, 15.0).cells("amount").sum() == 3


def test_sums_and_extremes_are_of_finite_values_only():
    """(x - 10) / 5 of 0, 15 and 30 is -2, 1 and 4: their sum is 3, of their squares 21."""
    found = amounts(0.0, None, 15.0, float("nan"), INF, -INF, 30.0)
    assert found.moments.tolist() == [[3.0, 21.0]]
    assert found.extremes.tolist() == [[0.0, 30.0]]
    assert found.finite(0) == 3
    assert found.mean(0) == 15.0
    assert found.deviation(0) == pytest.approx(np.sqrt(150.0))


def test_a_whole_batch():
    batch = pa.RecordBatch.from_pydict(
        {
            "amount": [1.0, 11.0, None, 12.0],
            "plan": ["pro", "free", None, "pro"],
            "member": [True, None, False, True],
            "key": ["a", "b", "a", None],
            "note": ["some words", None, None, "other words"],
            "when": pa.array([5, 3, None, 4], pa.timestamp("ns", "UTC")),
            "unknown": [1, 2, 3, 4],
        }
    )
    found = profile([batch], SCHEMA)
    assert found.rows == 4
    assert found.cells("amount").tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert found.cells("plan")[[0, FIRST_LEVEL, FIRST_LEVEL + 1]].tolist() == [1, 1, 2]
    assert found.cells("member")[[0, FIRST_LEVEL, FIRST_LEVEL + 1]].tolist() == [1, 1, 2]
    assert found.cells("key").tolist() == [1, 3]
    assert found.cells("note").tolist() == [2, 2]
    assert found.keys[3].repeated == (3, 1)
    assert found.times == (3, 5)
    assert found.seen.tolist() == [True] * 5
    assert found.examples == {}


def test_a_column_that_never_comes_is_not_seen():
    found = amounts(1.0, 2.0)
    assert found.seen.tolist() == [True, False, False, False, False]
    assert found.cells("plan").sum() == 0
    assert found.rows == 2


def test_an_empty_batch_shows_its_columns_and_counts_nothing():
    found = amounts()
    assert found.rows == 0
    assert found.counts.sum() == 0
    assert found.seen[0]
    assert found.extremes.tolist() == [[INF, -INF]]
    assert np.isnan(found.mean(0))


def test_no_batch_at_all_is_the_profile_of_no_rows():
    found, zero = profile([], SCHEMA), Profile.zero(SCHEMA)
    assert (found.rows, found.counts.tolist(), found.seen.tolist()) == (0, zero.counts.tolist(), zero.seen.tolist())


def test_rows_are_counted_in_their_groups():
    gathering = Gathering(SCHEMA)
    batch = pa.RecordBatch.from_pydict(
        {"amount": [1.0, 11.0, None, 12.0], "plan": ["pro", "gold", "pro", None], "key": ["a", None, "b", "c"]}
    )
    gathering.add(batch, np.array([0, 2, 2, 0]), 3)
    first, none, last = gathering.profiles()
    assert [first.rows, none.rows, last.rows] == [2, 0, 2]
    assert first.cells("amount").tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert last.cells("amount").tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert first.cells("plan")[[0, FIRST_LEVEL + 1]].tolist() == [1, 1]
    assert last.cells("plan")[1:FIRST_LEVEL].sum() == 1
    assert [first.cells("key").tolist(), last.cells("key").tolist()] == [[0, 2], [1, 1]]
    assert first.extremes.tolist() == [[1.0, 12.0]]
    assert none.extremes.tolist() == [[INF, -INF]]
    gathering.add(batch, np.array([3, 3, 3, 3]), 4)  # a new group may come at any time
    assert [part.rows for part in gathering.profiles()] == [2, 0, 2, 4]
    assert gathering.total().rows == 8


# ------------------------------------------------------------------ the sample that decides the bins


def fitted(rows: int, cut: int) -> tuple[Schema, pa.Table]:
    table = pa.table({"x": np.arange(rows, dtype=np.float64), "code": pa.array([f"level-{i % 7}" for i in range(rows)])})
    return fit(table.schema, table.to_batches(cut), SchemaSpec())


def test_the_sample_is_bounded_and_does_not_depend_on_the_batches():
    schema, sample = fitted(250_000, 65_536)
    other_schema, other = fitted(250_000, 999)
    assert schema.id == other_schema.id
    assert sample.equals(other)
    assert SAMPLE_ROWS < sample.num_rows < 2 * SAMPLE_ROWS
    # A sample of every second row by chance: the mean of row numbers 0 to 249,999 within five standard errors.
    assert sample["x"].to_numpy().mean() == pytest.approx(124_999.5, abs=5 * 250_000 / np.sqrt(12 * sample.num_rows))


def test_levels_too_many_to_count_are_those_of_the_sample():
    """Common levels come late here: the first rows alone would miss them."""
    rare = [f"rare-{i:05d}" for i in range(6_000)]
    values = rare * 2 + ["common"] * 500
    table = pa.table({"city": values})
    schema, _ = fit(table.schema, table.to_batches(1_000), SchemaSpec())
    assert schema.columns[0].levels[0] == "common"
    assert not schema.columns[0].complete


def test_whole_numbers_are_cut_into_segments_by_their_values():
    table = pa.table({"shop": [3, 1, 3, 3, 2, 2]})
    schema, _ = fit(table.schema, table.to_batches(), SchemaSpec(segments=("shop",)))
    assert schema.segments == (("shop", ("3", "2", "1")),)
