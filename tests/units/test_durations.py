"""Durations as people write them."""

from datetime import timedelta

import pytest

from driftline.core.durations import duration, written
from driftline.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "span", "short"),
    [
        ("15m", timedelta(minutes=15), "15m"),
        ("48h", timedelta(days=2), "2d"),
        ("28d", timedelta(days=28), "4w"),
        ("4 w", timedelta(weeks=4), "4w"),
        (" 90s ", timedelta(seconds=90), "90s"),
        ("3600s", timedelta(hours=1), "1h"),
        ("36525d", timedelta(days=36525), "36525d"),  # a hundred years, and no more
    ],
)
def test_what_they_mean_and_how_they_are_written(text, span, short):
    assert duration(text) == span
    assert written(span) == short
    assert duration(short) == span


@pytest.mark.parametrize(
    "text",
    ["", "0d", "h", "1", "1.5h", "-1h", "1y", "1h30m", "1H", "36526d", "999999w", "1000000s", "1m\n1m", "\N{ARABIC-INDIC DIGIT ONE}h\x00"],
)
def test_what_is_none(text):
    with pytest.raises(UsageError):
        duration(text)
