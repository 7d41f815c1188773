"""The history of a reference: its rows by window, joined to the length of the current rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import profile
from driftline.profiles.windows import DAY, HOUR, History, joined, window_length

START = datetime(2026, 3, 1, tzinfo=UTC)


def table(days: int, per_day: int = 24) -> pa.Table:
    times = [START + timedelta(hours=24 * i / per_day) for i in range(days * per_day)]
    return pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "x": np.arange(len(times)) % 7 + 0.5})


def history(rows: pa.Table, length: int):
    schema, _ = fit(rows.schema, rows.to_batches(), SchemaSpec(time="at"))
    gathered = History(schema, length, table="reference")
    for batch in rows.to_batches(max_chunksize=37):
        gathered.add(batch)
    return schema, gathered.windows(schema)


def test_the_windows_of_a_history_add_up_to_the_whole():
    rows = table(10)
    schema, windows = history(rows, DAY)
    assert [window.rows for window in windows] == [24] * 10
    whole = profile(rows.to_batches(), schema)
    assert sum(window.counts for window in windows).tolist() == whole.counts.tolist()
    assert windows[0].times == (int(START.timestamp()) * 10**9, int(START.timestamp()) * 10**9 + DAY - 1)


def test_rows_without_a_time_are_left_out():
    rows = table(2)
    times = pa.array([None, *rows["at"].to_pylist()[1:]], rows["at"].type)
    _, windows = history(pa.table({"at": times, "x": rows["x"]}), DAY)
    assert [window.rows for window in windows] == [23, 24]


@pytest.mark.parametrize(
    ("span_days", "length"),
    [(1 / 24, 60 * 10**9), (5, HOUR), (30, 6 * HOUR), (100, DAY), (700, 7 * DAY), (3000, 28 * DAY), (90_000, 364 * DAY)],
)
def test_the_length_gives_at_most_130_windows(span_days, length):
    assert window_length(0, int(span_days * DAY)) == length


def test_windows_join_to_the_span_of_the_current_rows():
    _, windows = history(table(10), DAY)
    three = joined(windows, rows=0, span=3 * DAY - 1)
    assert [window.rows for window in three] == [72, 72, 72]  # the tenth day is not full
    assert three[1].times[0] - three[0].times[0] == 3 * DAY


def test_without_a_span_windows_join_to_the_number_of_rows():
    _, windows = history(table(10), DAY)
    assert [window.rows for window in joined(windows, rows=48, span=0)] == [48] * 5


def test_a_hole_is_no_window():
    rows = table(10)
    holed = pa.concat_tables([rows.slice(0, 72), rows.slice(120)])  # days 4 and 5 are gone
    _, windows = history(holed, DAY)
    assert len(windows) == 8
    assert [window.times[0] // DAY - windows[0].times[0] // DAY for window in joined(windows, 0, 2 * DAY - 1)] == [0, 6, 8]


def test_no_history_joins_to_nothing():
    assert joined((), 100, DAY) == ()
