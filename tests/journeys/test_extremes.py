"""Tables at the edge of what a table is: they are judged, or the verdict is that there is too little to judge."""

import datetime as dt
import decimal
import json
import math
import warnings

import numpy as np
import pyarrow as pa
import pytest

import driftline
from driftline.cli.compare import exit_code

N = 600
DRAW = np.random.default_rng(7)
X = DRAW.normal(size=N)
SMALL_INTEGERS = DRAW.integers(0, 5, N)
FLAGS = DRAW.random(N) < 0.4
OLD = [dt.datetime(1850, 1, 1) + dt.timedelta(days=i) for i in range(N)]
DECIMALS = [decimal.Decimal(round(v * 1000)) / 1000 for v in X]
LETTERS = [["a", "b", "c"][i % 3] for i in range(N)]
BIG = 2**62


def judged(reference, current=None, **options):
    """The result, after a look at every output of it; no warning comes out of any of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = driftline.compare(reference, reference if current is None else current, **options)
        assert json.loads(result.to_json())["format"] == "driftline.comparison/1"
        assert result.to_html()
        assert result._repr_html_()
        assert str(result)
    return result


def verdicts(result):
    return {column.name: column.verdict.value for column in result}


IDENTICAL = {
    "numbers": {"x": X},
    "small whole numbers": {"x": SMALL_INTEGERS},
    "whole numbers of 2**62": {"x": BIG + DRAW.integers(0, 10**9, N)},
    "two neighbours of 2**62": {"x": [BIG, BIG + 1] * (N // 2)},
    "unsigned": {"x": pa.array([2**64 - 1 - i * 2**40 for i in range(N)], pa.uint64())},
    "tiny": {"x": X * 1e-310},
    "huge": {"x": X * 1e307},
    "largest and smallest": {"x": [1.7e308, -1.7e308, 0.0] * (N // 3)},
    "half floats": {"x": pa.array(X.astype(np.float16))},
    "decimals": {"x": pa.array(DECIMALS, pa.decimal128(10, 3))},
    "wide decimals": {"x": pa.array(DECIMALS, pa.decimal256(60, 3))},
    "durations": {"x": pa.array(range(N), pa.duration("ms"))},
    "infinite": {"x": [math.inf] * N},
    "infinite both ways": {"x": [math.inf, -math.inf] * (N // 2)},
    "infinite and finite": {"x": [math.inf, 1.0, 2.0] * (N // 3)},
    "not a number": {"x": pa.array([math.nan] * N, from_pandas=False)},
    "constant number": {"x": [5] * N},
    "constant fraction": {"x": [0.1] * N},
    "constant text": {"x": ["k"] * N},
    "text": {"x": LETTERS},
    "one level": {"x": ["k"] * N, "y": X},
    "empty text": {"x": ["", "a"] * (N // 2)},
    "only empty text": {"x": [""] * N},
    "dictionary": {"x": pa.array(LETTERS).dictionary_encode()},
    "dictionary of numbers": {"x": pa.array(SMALL_INTEGERS).dictionary_encode()},
    "flags": {"x": FLAGS},
    "bytes": {"x": pa.array([b"\xff\x00", b"ok"] * (N // 2))},
    "large text": {"x": pa.array(LETTERS, pa.large_string())},
    "text views": {"x": pa.array(LETTERS, pa.string_view())},
    "flags and text": {"x": FLAGS, "y": LETTERS},
    "old times": {"x": X, "t": OLD},
    "times of day": {"x": X, "t": pa.array(range(N), pa.time64("us"))},
    "dates": {"x": X, "t": [old.date() for old in OLD]},
    "lists": {"x": X, "l": [[1, 2]] * N},
    "structs": {"x": X, "s": [{"a": 1, "b": "x"}] * N},
    "maps": {"x": X, "m": pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int32()))},
    "identifiers": {"x": X, "user_id": range(N)},
    "only identifiers": {"user_id": range(N)},
    "only times": {"t": OLD},
    "only lists": {"l": [[1, 2]] * N},
    "rows that repeat": {"id": [1] * N, "x": [X[0]] * N, "y": LETTERS[:3] * (N // 3)},
}


@pytest.mark.parametrize("kind", IDENTICAL)
def test_a_table_does_not_differ_from_itself(kind):
    result = judged(IDENTICAL[kind])
    assert set(verdicts(result).values()) == {"stable"}, verdicts(result)
    assert (result.verdict, result.severity, exit_code(result, "info")) == ("stable", "none", 0)
    distances = [measure.value for column in result for measure in column.measures]
    assert distances == pytest.approx([0.0] * len(distances))


EMPTY = {
    "no type": pa.nulls(N),
    "numbers": pa.nulls(N, pa.float64()),
    "whole numbers": pa.nulls(N, pa.int32()),
    "text": pa.nulls(N, pa.string()),
    "flags": pa.nulls(N, pa.bool_()),
    "times": pa.nulls(N, pa.timestamp("us")),
    "lists": pa.nulls(N, pa.list_(pa.int8())),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_column_without_any_value(kind):
    nothing = {"e": EMPTY[kind], "x": X}
    assert verdicts(judged(nothing)) == {"e": "stable", "x": "stable"}
    assert judged({"e": EMPTY[kind]})["e"].kind == "empty"
    something = {"e": X if kind in {"no type", "numbers", "whole numbers"} else LETTERS, "x": X}
    if kind in {"no type", "numbers", "whole numbers", "text"}:
        assert verdicts(judged(nothing, something))["e"] == "drifted"
        gone = judged(something, nothing)["e"]
        assert gone.verdict == "faulty"
        assert "every row is missing" in gone.note


@pytest.mark.parametrize("value", [1.0, 7, "a", True, None, dt.date(1969, 7, 20), math.inf, [1]])
def test_tables_of_one_row(value):
    result = judged({"v": [value]})
    assert result.verdict == "insufficient"
    assert exit_code(result, "warning") == 3
    other = judged({"v": [value], "w": [1.5]}, {"v": [value], "w": [2.5]})
    assert (other.verdict, exit_code(other, "info")) == ("insufficient", 3)


def test_a_reference_of_one_row_judges_nothing_and_a_row_against_many_neither():
    assert judged({"x": [1.0]}, {"x": X}).severity.rank <= 2
    assert judged({"x": X}, {"x": [0.1]}).verdict == "insufficient"


def test_a_thousand_columns():
    wide = {f"c{i}": DRAW.normal(size=N) for i in range(1_000)}
    again = {f"c{i}": DRAW.normal(size=N) for i in range(1_000)}
    again["c777"] = again["c777"] + 3
    result = judged(wide, again)
    assert [c.name for c in result if c.verdict != "stable"] == ["c777"]
    assert len(str(result).splitlines()) <= 25
    assert len(result.to_html()) < 2_000_000


def test_many_levels():
    levels = [f"level {i}" for i in range(100_000)]
    train, week = ({"l": DRAW.choice(levels, rows), "x": DRAW.normal(size=rows)} for rows in (200_000, 50_000))
    result = judged(train, week)
    assert result["l"].kind == "categorical"
    assert result["l"].verdict == "stable"
    assert judged(train, {**week, "l": ["level 1"] * 50_000})["l"].verdict != "stable"


def test_a_reference_that_is_smaller_than_the_current_table():
    assert judged({"x": X}, {"x": DRAW.normal(size=30_000)})["x"].verdict == "stable"
    assert judged({"x": X}, {"x": DRAW.normal(1, 1, size=30_000)})["x"].verdict == "drifted"


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (FLAGS, FLAGS.astype(int)),
        (FLAGS, FLAGS.astype(float)),
        (FLAGS.astype(int), FLAGS),
        (FLAGS.astype(float), FLAGS),
        (SMALL_INTEGERS, SMALL_INTEGERS.astype(float)),
        (SMALL_INTEGERS.astype(float), SMALL_INTEGERS),
        (SMALL_INTEGERS, pa.array(SMALL_INTEGERS.tolist(), pa.int8())),
        (SMALL_INTEGERS, pa.array([decimal.Decimal(int(v)) for v in SMALL_INTEGERS], pa.decimal128(5, 0))),
        (X, X.astype(np.float32)),
        (LETTERS, pa.array(LETTERS).dictionary_encode()),
        (pa.array(LETTERS).dictionary_encode(), LETTERS),
        (pa.array(OLD, pa.timestamp("us")), pa.array(OLD, pa.timestamp("ms", "UTC"))),
    ],
)
def test_the_same_values_in_another_type_are_the_same(reference, current):
    assert verdicts(judged({"v": reference, "x": X}, {"v": current, "x": X})) == {"v": "stable", "x": "stable"}


@pytest.mark.parametrize(
    ("reference", "current", "words"),
    [
        (X, LETTERS, "was numbers (double), is text (string)"),
        (LETTERS, SMALL_INTEGERS, "was text (string), is numbers (int64)"),
        (FLAGS, LETTERS, "was true or false (bool), is text (string)"),
        (X, OLD, "was numbers (double), is times"),
        (LETTERS, [[1]] * N, "was text (string), is parts"),
    ],
)
def test_another_kind_of_value_is_a_fault(reference, current, words):
    column = judged({"v": reference, "x": X}, {"v": current, "x": X})["v"]
    assert (column.verdict, column.measure) == ("faulty", "type_change")
    assert column.note.startswith(words)


@pytest.mark.parametrize(
    ("reference", "current", "words"),
    [
        (FLAGS, np.where(FLAGS, 2, 0), "such as '2'"),
        (X, [math.inf] * N, "infinite 100"),
        (X, pa.array([math.nan] * N, from_pandas=False), "every row is missing"),
        (["", "a"] * (N // 2), ["", "b"] * (N // 2), "such as 'b'"),
        (X, X * 1000, "x1000"),
        (X, X * 1e300, "far outside"),
        (X, [1.7e308] * N, "far outside"),
        (X * 1e-300, X, "far outside"),
    ],
)
def test_what_was_never_there_is_a_fault(reference, current, words):
    column = judged({"v": reference, "x": X}, {"v": current, "x": X})["v"]
    assert column.verdict == "faulty", column
    assert words in column.note


@pytest.mark.parametrize(("constant", "other"), [(5, 6), (0.1, 0.2), ("k", "q")])
def test_a_constant_that_changes_is_found(constant, other):
    column = judged({"v": [constant] * N, "x": X}, {"v": [other] * N, "x": X})["v"]
    assert column.verdict in {"drifted", "faulty"}
    assert str(constant) in column.note


def test_times_before_1970_are_told():
    result = judged({"x": X, "t": OLD}, time="t")
    assert result.comparison.provenance.current.first_time == "1850-01-01T00:00:00Z"


def test_more_rows_than_a_sample_or_a_batch_holds():
    long = {"x": DRAW.normal(size=300_000), "s": ["a", "b", "c"] * 100_000}
    result = judged(long, {"x": DRAW.normal(size=140_000), "s": ["a", "b", "c", "a"] * 35_000})
    assert verdicts(result) == {"s": "drifted", "x": "stable"}
    assert result["x"].n == 140_000
    assert result["x"].reference_n == 300_000
