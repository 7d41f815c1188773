"""Levels into cells and Arrow arrays into numbers, whatever way a table stores them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.levels import LevelCounter, merge_examples
from driftline.profiles.schema import FIRST_LEVEL, TAIL
from driftline.profiles.values import as_floats, as_text, valid_rows

LEVELS = ["red", "green", "blue"]


def cells(values: pa.Array) -> list[int]:
    return LevelCounter(LEVELS).cells(values).tolist()


def test_known_levels_missing_and_unseen_have_their_cells():
    found = cells(pa.array(["green", None, "red", "pink", "blue", "green"]))
    assert found[:3] == [FIRST_LEVEL + 1, 0, FIRST_LEVEL]
    assert 1 <= found[3] <= TAIL
    assert found[4:] == [FIRST_LEVEL + 2, FIRST_LEVEL + 1]


ROWS = st.lists(st.one_of(st.none(), st.sampled_from([*LEVELS, "pink", "", "gold"])), min_size=1, max_size=30)


@given(ROWS, st.integers(0, 5))
def test_the_way_of_storing_does_not_matter(rows, skip):
    plain = pa.array(rows, pa.string())
    expected = cells(plain)
    assert cells(pa.array(rows, pa.large_string())) == expected
    assert cells(plain.dictionary_encode()) == expected
    padded = pa.array([*["gold"] * skip, *rows], pa.string())
    assert cells(padded.slice(skip)) == expected
    assert cells(padded.dictionary_encode().slice(skip)) == expected


def test_a_dictionary_with_nulls_and_unused_values():
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 3], pa.int8()), pa.array(["red", None, "pink", "blue"]))
    assert cells(values) == [FIRST_LEVEL, 0, 0, FIRST_LEVEL + 2]


def test_dictionaries_that_change_from_batch_to_batch():
    counter = LevelCounter(LEVELS)
    for order in (["red", "green"], ["green", "red"], ["blue", "green", "red"]):
        found = counter.cells(
            pa.array(["red", "green"]).cast(pa.dictionary(pa.int32(), pa.string())) if order[0] == "red" else coded(order)
        )
        assert found.tolist() == [FIRST_LEVEL, FIRST_LEVEL + 1]


def coded(order: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([order.index("red"), order.index("green")]), pa.array(order))


def test_an_example_of_each_bucket_is_the_first_by_the_alphabet_in_any_order():
    names = [f"new-{i:03d}" for i in range(200)]
    forward, backward = LevelCounter(LEVELS), LevelCounter(LEVELS)
    for name in names:
        forward.cells(pa.array([name]))
    for name in reversed(names):
        backward.cells(pa.array([name]))
    both = LevelCounter(LEVELS)
    both.cells(pa.array(names))
    assert forward.examples == backward.examples == both.examples
    assert "new-000" in both.examples
    left, right = LevelCounter(LEVELS), LevelCounter(LEVELS)
    left.cells(pa.array(names[:100]))
    right.cells(pa.array(names[100:]))
    assert merge_examples(right.examples, left.examples) == both.examples


def test_true_and_false_are_levels():
    assert LevelCounter(["false", "true"]).cells(pa.array([True, None, False])).tolist() == [FIRST_LEVEL + 1, 0, FIRST_LEVEL]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, -2], pa.int8()), [1.0, -2.0]),
        (pa.array([2**53, -(2**53)], pa.int64()), [2.0**53, -(2.0**53)]),
        (pa.array([1.5, 0.1], pa.float32()), [1.5, float(np.float32(0.1))]),
        (pa.array([Decimal("1.25"), Decimal(-3)]), [1.25, -3.0]),
        (pa.array([1500, 60_000], pa.duration("ms")), [1.5, 60.0]),
        (pa.array([True, False]), [1.0, 0.0]),
        (pa.array([3, 4, 3], pa.int64()).dictionary_encode(), [3.0, 4.0, 3.0]),
        (pa.array([9.0, 7.0, 8.0]).slice(1), [7.0, 8.0]),
        (pa.array([], pa.float64()), []),
    ],
)
def test_numbers_become_floats(values, expected):
    floats, valid = as_floats(values)
    assert floats.tolist() == expected
    assert valid is None


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), max_size=40), st.integers(0, 20), st.integers(0, 20))
def test_the_validity_of_a_slice_is_that_of_its_rows(values, start, length):
    part = pa.array(values, pa.float64()).slice(min(start, len(values)), length)
    floats, valid = as_floats(part)
    expected = part.to_pylist()
    assert (valid.tolist() if valid is not None else [True] * len(part)) == [v is not None for v in expected]
    assert [f for f, v in zip(floats.tolist(), expected, strict=True) if v is not None] == [v for v in expected if v is not None]


def test_a_column_of_nulls_has_no_valid_row():
    assert valid_rows(pa.array([None, None], pa.int64())).tolist() == [False, False]


def test_text_is_the_same_whoever_wrote_it():
    assert as_text(pa.array([True, False])).to_pylist() == ["true", "false"]
    assert as_text(pa.array([3, None])).to_pylist() == ["3", None]
    assert as_text(pa.array(["a", "b"]).dictionary_encode()).to_pylist() == ["a", "b"]
    assert as_text(pa.array([b"a", b"\xff"])).to_pylist() == ["a", "\ufffd"]
