"""How time is cut: the windows of odd days and zones, and the laws that hold for all of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from driftline.profiles.tiling import Tiling, from_nanoseconds, to_nanoseconds

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "Pacific/Apia",
]
LENGTHS = [HOUR / 4, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY]


def day(zone, year, month, number):
    """[midnight, next midnight) of a day in a zone."""
    start = datetime(year, month, number, tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), (start + DAY).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),  # clocks go forward
        ("Europe/Berlin", (2026, 10, 25), 25),  # and back
        ("Europe/Berlin", (2026, 10, 26), 24),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),  # half an hour back
        ("Australia/Lord_Howe", (2026, 10, 4), 23.5),
        ("America/St_Johns", (2026, 3, 8), 23),
        ("Asia/Kolkata", (2026, 3, 29), 24),
        ("America/Havana", (2026, 11, 1), 25),  # midnight comes twice
        ("Africa/Cairo", (2026, 4, 24), 23),  # there is no midnight
    ],
)
def test_days_are_as_long_as_they_are(zone, date, hours):
    start, end = day(zone, *date)
    assert Tiling(DAY, zone).around(start + HOUR).start == start
    assert Tiling(DAY, zone).around(start + HOUR).end == end == start + hours * HOUR
    assert Tiling(DAY, zone).around(start) == Tiling(DAY, zone).around(end - timedelta(microseconds=1))
    own = [window for window in Tiling(HOUR, zone).over(start, end) if start <= window.start < end]
    assert len(own) == int(np.ceil(hours))
    assert own[-1].end == end
    assert {window.end - window.start for window in own[:-1]} == {HOUR}
    assert own[-1].end - own[-1].start == (hours % 1 or 1) * HOUR


def test_a_day_that_a_country_passed_over():
    """Samoa had no 30 December 2011."""
    windows = Tiling(DAY, "Pacific/Apia").over(datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2011, 12, 31, 12, tzinfo=UTC))
    assert [window.start for window in windows] == [datetime(2011, 12, day, 10, tzinfo=UTC) for day in (29, 30, 31)]


def test_weeks_begin_on_mondays_and_longer_windows_on_every_so_many():
    week = Tiling(7 * DAY, "Europe/Berlin").around(datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert (week.start, week.end) == (datetime(2026, 3, 22, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    four = Tiling(28 * DAY).over(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    assert {window.start.weekday() for window in four} == {0}
    assert {window.end - window.start for window in four} == {28 * DAY}


moments = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
tilings = st.builds(Tiling, st.sampled_from(LENGTHS), st.sampled_from(ZONES))


@settings(max_examples=150)
@given(tilings, moments, st.timedeltas(timedelta(0), 60 * DAY))
def test_windows_are_a_partition_of_time(tiling, start, span):
    """None overlaps, none is missing, and whatever stretch they are asked for, they are the same."""
    windows = tiling.over(start, start + span)
    assert all(one.end == other.start for one, other in pairwise(windows))
    if span:
        assert windows[0].start <= start < windows[0].end
        assert windows[-1].start < start + span <= windows[-1].end
        assert [tiling.around(window.start) for window in windows[:3]] == windows[:3]
        assert tiling.around(start + span / 2) in windows
    longest = tiling.length + (2 * HOUR if tiling.length >= DAY else timedelta(0))
    if tiling.zone != "Pacific/Apia" and start.year > 1990:  # before, and there, clocks went further
        assert all(window.end - window.start <= longest for window in windows)


@settings(max_examples=100)
@given(tilings, st.lists(moments, max_size=20))
def test_times_fall_into_the_window_around_them(tiling, times):
    ticks = np.array([to_nanoseconds(time) for time in times], np.int64)
    windows, place = tiling.cut(ticks)
    assert windows == sorted(set(windows))
    assert [windows[i] for i in place] == [tiling.around(time) for time in times]
    assert set(place.tolist()) == set(range(len(windows)))


def test_a_time_far_from_the_others_costs_nothing():
    """An hour in 1678 and one in 2261: two windows, and not the millions between them."""
    ends = [datetime(1678, 1, 1, tzinfo=UTC), datetime(2261, 12, 31, 23, tzinfo=UTC)]
    windows, place = Tiling(HOUR / 60).cut(np.array([to_nanoseconds(end) for end in ends]))
    assert [window.start for window in windows] == ends
    assert place.tolist() == [0, 1]


def test_nanoseconds_are_exact():
    moment = datetime(2026, 3, 29, 1, 2, 3, 456789, tzinfo=UTC)
    assert from_nanoseconds(to_nanoseconds(moment) + 999) == moment
    assert to_nanoseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1000
    assert from_nanoseconds(-1) == datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "moment", "phase"),
    [
        (HOUR, datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 24 * 6 + 1),  # Sunday, one o'clock in Berlin
        (HOUR, datetime(2026, 3, 29, 1, 30, tzinfo=UTC), 24 * 6 + 3),  # there is no two o'clock
        (DAY, datetime(2026, 3, 29, 22, 30, tzinfo=UTC), 0),  # Monday by now
        (7 * DAY, datetime(2026, 3, 29, tzinfo=UTC), 0),
    ],
)
def test_phases_repeat_from_week_to_week(length, moment, phase):
    tiling = Tiling(length, "Europe/Berlin")
    assert tiling.phase(tiling.around(moment)) == phase
