"""Which rows of a delivery are new."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiles.repeats import among_labels, among_predictions

T0 = datetime(2026, 3, 28, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pa.timestamp("us", "UTC")


def made(*rows):
    """Predictions (id, hours after 23 o'clock, score)."""
    ids, hours, scores = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"id": pa.array(ids, pa.string()), "time": pa.array([T0 + hour * HOUR for hour in hours], TIME)}
    return pa.table({**columns, "score": pa.array(scores, pa.float64())})


def told(*rows):
    """Labels (id, label, void, hours)."""
    ids, labels, voids, hours = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {"id": pa.array(ids, pa.string()), "label": pa.array(labels, pa.string()), "void": pa.array(voids, pa.bool_())}
    return pa.table({**columns, "known": pa.array([T0 + hour * HOUR for hour in hours], TIME)})


@pytest.mark.parametrize(
    ("known", "log", "new", "duplicates", "contradictions"),
    [
        ([], [], [], 0, 0),  # nothing
        ([], [("a", 0, 0.5), ("b", 0, 0.5)], [1, 1], 0, 0),
        ([], [("a", 0, 0.5), ("a", 0, 0.5)], [1, 0], 1, 0),  # twice in one delivery
        ([("a", 0, 0.5)], [("a", 0, 0.5)], [0], 1, 0),  # twice in two
        ([("a", 0, 0.5)], [("a", 0, 0.6)], [0], 0, 1),  # the first one counts
        ([("a", 0, 0.5)], [("a", 0.5, 0.5)], [0], 0, 1),  # another time of the same day
        ([("a", 0, 0.5)], [("a", 2, 0.5)], [1], 0, 0),  # after midnight: another prediction
        ([("a", 0, None)], [("a", 0, None)], [0], 1, 0),  # nothing is the same as nothing
        ([("a", 0, 0.5)], [("a", 0, None)], [0], 0, 1),
        ([("b", 0, 0.5)], [("a", 0, 0.6), ("b", 0, 0.5), ("a", 0, 0.6), ("a", 0, 0.7)], [1, 0, 0, 0], 2, 1),
    ],
)
def test_predictions(known, log, new, duplicates, contradictions):
    found = among_predictions(made(*log), made(*known))
    assert found.new.tolist() == [bool(x) for x in new]
    assert (found.duplicates, found.contradictions) == (duplicates, contradictions)


@pytest.mark.parametrize(
    ("latest", "log", "told_times", "new", "duplicates", "contradictions"),
    [
        ([], [], [], [], 0, 0),
        ([], [("a", "1", False, 0), ("a", "1", False, 0)], [1, 1], [1, 0], 1, 0),
        ([("a", "1", False, 0)], [("a", "1", False, 0)], [1], [0], 1, 0),
        ([("a", "1", False, 0)], [("a", "1", False, 1)], [1], [1], 0, 0),  # known again: the order of deliveries must not matter
        ([("a", "1", False, 0)], [("a", "1", False, 1)], [0], [0], 1, 0),  # without a time of its own it says nothing new
        ([("a", "1", False, 0)], [("a", "0", False, 1)], [0], [1], 0, 0),  # a correction
        ([("a", "1", False, 0)], [("a", None, True, 1)], [0], [1], 0, 0),
        ([("a", None, True, 0)], [("a", None, True, 1)], [0], [0], 1, 0),
        ([], [("a", "1", False, 0), ("a", "0", False, 0)], [1, 1], [1, 1], 0, 1),  # two at once: both are kept, and counted
        ([("a", "1", False, 0)], [("a", "1", False, 5), ("a", "1", False, 0), ("b", "1", False, 5)], [0, 1, 0], [0, 0, 1], 2, 0),
    ],
)
def test_labels(latest, log, told_times, new, duplicates, contradictions):
    found = among_labels(told(*log), told(*latest), told=np.array(told_times, np.bool_))
    assert found.new.tolist() == [bool(x) for x in new]
    assert (found.duplicates, found.contradictions) == (duplicates, contradictions)
