"""Times: whatever a table writes becomes nanoseconds since 1970, and what is no time is named with its row."""

import datetime as dt

import pyarrow as pa
import pytest

from driftline.core.errors import DataError
from driftline.profiles.times import moment, nanoseconds

SECOND = 1_000_000_000
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
NOON_TICKS = int(NOON.timestamp()) * SECOND


def read(values, first_row=0):
    array = values if isinstance(values, (pa.Array, pa.DictionaryArray)) else pa.array(values)
    return nanoseconds(array, column="at", table="t.csv", first_row=first_row).tolist()


@pytest.mark.parametrize(
    "values",
    [
        [NOON],
        [NOON.astimezone(dt.timezone(dt.timedelta(hours=5)))],
        [NOON.replace(tzinfo=None)],  # without a zone: UTC
        ["2026-11-22T12:00:00Z"],
        ["2026-11-22T12:00:00"],
        ["2026-11-22 12:00:00"],
        ["2026-11-22T13:30:00+01:30"],
        ["2026-11-22T07:00:00-05:00"],
        pa.array(["2026-11-22T12:00:00Z"], pa.large_string()),
        pa.array(["2026-11-22T12:00:00Z"]).dictionary_encode(),
        pa.array([NOON_TICKS // SECOND], pa.timestamp("s")),
        pa.array([NOON_TICKS // 1_000_000], pa.timestamp("ms", "Europe/Lisbon")),
        pa.array([NOON_TICKS], pa.timestamp("ns", "America/New_York")),
    ],
)
def test_one_moment_in_many_spellings(values):
    assert read(values) == [NOON_TICKS]


def test_dates_begin_at_midnight():
    assert read([dt.date(1970, 1, 2), dt.date(1969, 12, 31)]) == [86_400 * SECOND, -86_400 * SECOND]
    assert read(pa.array([86_400_000], pa.date64())) == [86_400 * SECOND]


def test_rows_without_a_time_are_left_out():
    assert read([None, "1970-01-01T00:00:01Z", None]) == [SECOND]
    assert read(pa.nulls(3)) == []
    assert read(pa.nulls(3, pa.timestamp("us"))) == []
    assert read(pa.array([], pa.string())) == []
    assert read(pa.array([1, 2, 3], pa.timestamp("s")).slice(1, 1)) == [2 * SECOND]


@pytest.mark.parametrize(
    ("values", "row", "words"),
    [
        (["yesterday"], 1, "does not parse: it holds 'yesterday'"),
        ([None, "2026-01-01", None, "noon"], 4, "'noon'"),  # rows without a time count
        (["2026-01-01", ""], 2, "it holds ''"),
        (["2026-13-01"], 1, "'2026-13-01'"),
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00"], 2, "'2026-01-01T00:00:00'"),  # one column, one way
        (["2026-01-01T00:00:00", "2026-01-01T00:00:00Z"], 2, "'2026-01-01T00:00:00Z'"),
        ([1_700_000_000], 1, "it holds 1700000000"),
        ([None, 1.5], 2, "it holds 1.5"),
        ([True], 1, "it holds True"),
        ([dt.time(1, 2)], 1, "it holds 01:02:00"),
        (pa.array([0, 253_402_300_799], pa.timestamp("s")), 2, "holds 9999-12-31 23:59:59, outside of the years 1678 to 2261"),
        (pa.array([-62_135_596_800], pa.timestamp("s", "UTC")), 1, "outside of the years 1678 to 2261"),
        (pa.array([2**60], pa.timestamp("s")), 1, "a time after the year 9999"),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), 1, "a time after the year 9999"),
        (["\x1b[31m"], 1, r"'\x1b[31m'"),
    ],
)
def test_what_is_no_time(values, row, words):
    with pytest.raises(DataError) as caught:
        read(values, first_row=1_000)
    assert str(caught.value).startswith(f"t.csv, row {1_000 + row:,}: The time column 'at' ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("ticks", "text"),
    [(0, "1970-01-01T00:00:00Z"), (NOON_TICKS, "2026-11-22T12:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (-(2**63), "1677-09-21T00:12:43Z")],
)
def test_moments(ticks, text):
    assert moment(ticks) == text
