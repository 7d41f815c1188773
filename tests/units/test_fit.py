"""Fitting: the kind of every column with its reason, the same whatever the rows are cut into."""

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import SourceError
from driftline.profiles.fit import COUNTED_LEVELS, MOST_LEVELS, SchemaSpec, fit
from driftline.profiles.schema import Kind, Role

N = 400
DRAW = np.random.default_rng(3)


def fitted(columns, batch=None, **said):
    table = pa.table(columns)
    schema, _ = fit(table.schema, table.to_batches(batch), SchemaSpec(**said))
    return schema


@pytest.mark.parametrize(
    ("values", "expected", "reason"),
    [
        (DRAW.normal(size=N), Kind.NUMERIC, "400 distinct numbers in 400 rows"),
        (DRAW.integers(0, 1_000, N), Kind.NUMERIC, "distinct numbers"),
        (DRAW.integers(0, 5, N), Kind.INTEGER, "5 distinct whole numbers, each its own bin"),
        (DRAW.integers(0, 5, N).astype(float), Kind.INTEGER, "5 distinct whole numbers"),
        ([0.5, 1.5] * 200, Kind.NUMERIC, "2 distinct numbers"),
        ([7] * N, Kind.CONSTANT, "always 7"),
        (["k"] * N, Kind.CONSTANT, "always 'k'"),
        (["k", None] * 200, Kind.CONSTANT, "always 'k'"),
        (["a", "b"] * 200, Kind.CATEGORICAL, "2 levels"),
        ([True, False] * 200, Kind.BOOLEAN, "true or false"),
        ([True] * N, Kind.BOOLEAN, "true or false"),
        (range(N), Kind.IDENTIFIER, "400 distinct whole numbers in 400 rows, without gaps"),
        ([f"k{i}" for i in range(N)], Kind.IDENTIFIER, "400 distinct values in 400 rows"),
        ([f"{i} " + "words of a person " * 5 for i in range(N)], Kind.TEXT, "free text"),
        ([dt.date(2026, 1, 1)] * N, Kind.DATETIME, "time moves on by itself"),
        ([[1]] * N, Kind.NESTED, "has parts"),
        (pa.nulls(N), Kind.EMPTY, "all 400 rows are null"),
        (pa.nulls(N, pa.float64()), Kind.EMPTY, "all 400 rows are null"),
        (pa.nulls(N, pa.string()), Kind.EMPTY, "all 400 rows are null"),
        (pa.nulls(N, pa.bool_()), Kind.EMPTY, "all 400 rows are null"),
        ([math.inf] * N, Kind.EMPTY, "no finite number"),
        (pa.array([math.nan] * N, from_pandas=False), Kind.EMPTY, "no finite number"),
        ([math.inf, -math.inf] * 200, Kind.EMPTY, "no finite number"),
    ],
)
def test_kinds_and_their_reasons(values, expected, reason):
    column = fitted({"v": values}).columns[0]
    assert column.kind is expected, column
    assert reason in column.reason


def test_names_tell_identifiers_among_whole_numbers_with_gaps():
    gaps = [i * 1_000 for i in range(N)]
    assert fitted({"user_id": gaps}).columns[0].kind is Kind.IDENTIFIER
    assert fitted({"amount": gaps}).columns[0].kind is Kind.NUMERIC


def test_roles_overrule_what_a_column_looks_like():
    keys = [f"k{i}" for i in range(N)]
    assert fitted({"v": keys}, prediction="v").columns[0].kind is Kind.CATEGORICAL
    assert fitted({"v": range(N)}, prediction="v").columns[0].kind is Kind.NUMERIC
    assert fitted({"v": ["2026-01-01"] * N}, time="v").columns[0].kind is Kind.DATETIME
    assert fitted({"v": ["a", "b"] * 200}, identifiers=("v",)).columns[0].kind is Kind.IDENTIFIER
    assert fitted({"v": DRAW.normal(size=N)}, kinds={"v": Kind.CATEGORICAL}).columns[0].kind is Kind.CATEGORICAL


def test_an_identifier_that_nobody_named_has_its_role():
    schema = fitted({"k": [f"k{i}" for i in range(N)], "x": DRAW.normal(size=N)})
    assert [column.role for column in schema.columns] == [Role.IDENTIFIER, Role.FEATURE]


def test_the_threshold_is_an_edge_where_scores_reach_it():
    scores = DRAW.random(N)
    assert 0.37 in fitted({"v": scores}, prediction="v", threshold=0.37).columns[0].edges
    assert 7.0 not in fitted({"v": scores}, prediction="v", threshold=7.0).columns[0].edges
    assert 0.37 not in fitted({"v": scores}, threshold=0.37).columns[0].edges


def test_levels_are_counted_over_all_rows_most_frequent_first():
    column = fitted({"v": ["b"] * 5 + ["a"] * 5 + ["c"] * 9}, batch=3).columns[0]
    assert column.levels == ("c", "a", "b")  # equal counts in the order of the alphabet
    assert column.complete


def test_more_levels_than_are_kept():
    some = [f"l{i % (MOST_LEVELS + 1):05d}" for i in range(5 * MOST_LEVELS)]
    column = fitted({"v": some}).columns[0]
    assert (len(column.levels), column.complete) == (MOST_LEVELS, False)
    many = [f"l{i % (COUNTED_LEVELS + 1)}" for i in range(4 * COUNTED_LEVELS)]
    column = fitted({"v": many}).columns[0]
    assert (len(column.levels), column.complete) == (MOST_LEVELS, False)
    assert f"more than {COUNTED_LEVELS:,} levels" in column.reason


@pytest.mark.parametrize("batch", [1, 7, 64, None])
def test_the_cut_into_batches_does_not_matter(batch):
    table = {"x": DRAW.normal(size=100), "g": ["a", "b", None, "c"] * 25, "n": range(100)}
    assert fitted(table, batch).id == fitted(table).id


def test_a_sample_of_many_rows_does_not_depend_on_the_cut():
    table = pa.table({"x": np.random.default_rng(0).normal(size=250_000)})
    schemas = [fit(table.schema, table.to_batches(size), SchemaSpec()) for size in (10_000, 65_536)]
    assert schemas[0][0].id == schemas[1][0].id
    assert 100_000 <= len(schemas[0][1]) <= 200_000
    edges = schemas[0][0].columns[0].edges
    assert edges[0] <= table.column("x").to_numpy().min()
    assert edges[-1] > table.column("x").to_numpy().max()


def test_ignored_columns_are_not_there():
    assert [column.name for column in fitted({"a": [1, 2], "b": [1, 2]}, ignore=("a",)).columns] == ["b"]


def test_segments_have_their_levels():
    schema = fitted({"g": ["b", "a", "a", None], "x": [1, 2, 3, 4]}, segments=("g",))
    assert schema.segments == (("g", ("a", "b")),)
    assert schema.columns[0].role is Role.SEGMENT


def test_no_rows():
    with pytest.raises(SourceError, match="The reference holds no rows"):
        fitted({"x": pa.array([], pa.float64())})
