"""Records refuse what cannot be true: windows that end before they start, NaN as a value, a value that is missing and fine."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from driftline.core.errors import DriftlineError, UsageError
from driftline.core.records import ALL_ROWS, Measurement, Scope, Status, Window, segment_name

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_window_holds_its_start_and_not_its_end():
    window = Window(NOON, NOON + HOUR)
    assert NOON in window
    assert NOON + HOUR not in window
    assert str(window) == "2026-11-22T12:00:00+00:00/2026-11-22T13:00:00+00:00"


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (NOON, NOON, "ends after it starts"),
        (NOON + HOUR, NOON, "ends after it starts"),
        (NOON.replace(tzinfo=None), NOON, "The start of a window is in UTC"),
        (NOON, (NOON + HOUR).astimezone(timezone(HOUR)), "The end of a window is in UTC"),
    ],
)
def test_a_window_that_cannot_be(start, end, says):
    with pytest.raises(UsageError, match=says):
        Window(start, end)


def test_windows_sort_by_time():
    later, earlier = Window(NOON + HOUR, NOON + 2 * HOUR), Window(NOON, NOON + HOUR)
    assert sorted([later, earlier]) == [earlier, later]


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Scope().model = "other"  # type: ignore[misc]


@pytest.mark.parametrize("field", ["value", "low", "high", "limit"])
def test_no_number_of_a_measurement_is_nan(field):
    numbers: dict[str, Any] = {"value": 0.1, field: float("nan")}
    with pytest.raises(ValueError, match=f"psi.{field} is NaN"):
        Measurement("psi", scope=Scope(), n=10, **numbers)


def test_a_missing_value_needs_a_status():
    with pytest.raises(ValueError, match="has no value and says it is ok"):
        Measurement("psi", None, Scope(), 0)
    assert Measurement("psi", None, Scope(), 0, status=Status.NODATA).value is None


def test_segments_as_people_write_them():
    assert segment_name(ALL_ROWS) == "all rows"
    assert segment_name((("channel", "app"), ("region", "north"))) == "channel=app, region=north"


def test_an_error_says_where_what_and_what_next():
    error = DriftlineError("The file is empty", where="week.csv:1", hint="Export it again.")
    assert str(error) == "week.csv:1: The file is empty. Export it again."
    assert str(DriftlineError("It broke")) == "It broke."
