"""Rows as they come: which can be used, what becomes of them, and why others cannot."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import SchemaMismatch, UnknownName
from driftline.profiles.intake import Names, take_labels, take_predictions
from driftline.profiles.outcomes import plan_outcomes
from driftline.profiles.tiling import to_nanoseconds

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
LATEST = to_nanoseconds(NOON)
NAMES = Names(
    id="id", time="time", value="score", segments=("city",), version="v", latency="ms", error="failed", levels={"kind": ("loan",)}
)
LABELS = Names(id="id", time="known", value="label", levels={"void": ("yes",)})


def batch(**columns):
    good: dict[str, list] = {
        "id": ["a", "b"],
        "time": [NOON, NOON],
        "score": [0.5, 0.6],
        "city": ["x", None],
        "v": ["1", None],
        "ms": [1.0, None],
    }
    good |= {"failed": [False, True], "kind": ["loan", "card"]}
    made: dict[str, list] = {**good, **columns}
    rows = max(len(values) for values in columns.values()) if columns else 2
    return pa.RecordBatch.from_pydict({name: values if len(values) == rows else [values[0]] * rows for name, values in made.items()})


def taken(**columns):
    return take_predictions(batch(**columns), NAMES, latest=LATEST, table="t", plan=outcomes("binary"))


def outcomes(task):
    values: dict[str, tuple[list, list]] = {
        "binary": ([0.1, 0.9], ["no", "yes"]),
        "multiclass": (["x", "y", "z"], ["x", "y", "z"]),
        "regression": ([1.5, 2.5], [1.0, 2.0]),
    }
    prediction, label = (pa.chunked_array([side * 20]) for side in values[task])
    settings: dict[str, Any] = {"threshold": 0.5 if task == "binary" else None, "positive": None, "score_columns": None, "task": None}
    return plan_outcomes(prediction, label, prediction_name="score", label_name="label", table="t", **settings)


def test_what_a_good_row_becomes():
    found = taken()
    assert found.log.to_pylist() == [
        {"id": "a", "time": NOON, "version": "1", "eligible": True, "score": 0.5, "city": "x"},
        {"id": "b", "time": NOON, "version": "", "eligible": False, "score": 0.6, "city": None},  # a card that failed
    ]
    assert found.times.tolist() == [LATEST, LATEST]
    assert found.versions == ("", "1")
    assert found.failed.tolist() == [False, True]
    assert np.isnan(found.latency).tolist() == [False, True]
    assert found.refused == ()


@pytest.mark.parametrize(
    ("columns", "reasons"),
    [
        ({"id": ["a", None, "", "b"]}, {1: "no identifier", 2: "no identifier"}),
        ({"id": [float("nan"), 1.0]}, {}),  # the text nan is an identifier
        ({"time": [NOON, None, datetime(2026, 3, 29, 12, 0, 1, tzinfo=UTC)]}, {1: "no event time", 2: "event time in the future"}),
        (
            {"time": ["2026-03-29T12:00:00Z", "2026-03-29T12:00:00", "29.3.2026", None]},
            {2: "no event time can be read", 3: "no event time"},
        ),
        ({"id": [None], "time": ["x"]}, {0: "no identifier"}),  # one reason each, the first
        ({"time": [1, 2]}, {0: "no event time can be read", 1: "no event time can be read"}),
    ],
)
def test_rows_that_cannot_be_used(columns, reasons):
    found = taken(**columns)
    rows = max(len(values) for values in columns.values())
    assert {each.row: each.reason for each in found.refused} == reasons
    assert len(found.log) == len(found.rows) == len(found.times) == rows - len(reasons)
    assert all(len(each.value) <= 200 for each in found.refused)


def test_times_of_several_kinds_are_one_column_afterwards():
    found = taken(time=["2026-03-29T12:00:00Z", "2026-03-29", "never"])
    assert found.rows.column("time").to_pylist() == [NOON, datetime(2026, 3, 29, tzinfo=UTC)]


@pytest.mark.parametrize(("flags", "failed"), [([0, 1], [False, True]), (["true", "false"], [True, False]), ([None, 1.0], [False, True])])
def test_failures_in_any_spelling(flags, failed):
    assert taken(failed=flags).failed.tolist() == failed


@pytest.mark.parametrize("scores", [[0.5, 1.5], [0.5, float("nan")], [0.5, float("inf")], [0.5, None], [0.5, -0.1]])
def test_scores_that_take_no_part_in_quality_are_empty_in_the_log(scores):
    assert taken(score=scores).log["score"].to_pylist() == [0.5, None]


def test_columns_that_are_needed():
    with pytest.raises(UnknownName, match="There is no column 'v'"):
        take_predictions(batch().drop_columns(["v"]), NAMES, latest=LATEST, table="t", plan=None)
    with pytest.raises(SchemaMismatch, match="Column 'id' holds list"):
        taken(id=[["a"], ["b"]])
    assert len(take_predictions(batch().drop_columns(["score", "city"]), NAMES, latest=LATEST, table="t", plan=None).log) == 2


@pytest.mark.parametrize(
    ("task", "labels", "kept", "reasons"),
    [
        ("binary", ["yes", "no", "maybe", None], ["yes", "no"], {2: "no class of the model", 3: "no label"}),
        ("multiclass", ["x", "new", "", None], ["x", "new"], {2: "no label", 3: "no label"}),  # a new class is a label all the same
        ("regression", [1.0, float("nan"), float("inf"), None], [1.0], {1: "no label", 2: "no number", 3: "no label"}),
        ("regression", ["1.0", None], [], {0: "no number", 1: "no label"}),
    ],
)
def test_labels(task, labels, kept, reasons):
    rows = pa.RecordBatch.from_pydict(
        {"id": ["a"] * len(labels), "known": [NOON] * len(labels), "label": labels, "void": ["no"] * len(labels)}
    )
    found = take_labels(rows, LABELS, arrived=LATEST, latest=LATEST, table="t", plan=outcomes(task))
    assert found.log["label"].to_pylist() == kept
    assert {each.row: each.reason for each in found.refused} == reasons
    assert found.told.tolist() == [True] * len(kept)


def test_void_labels_need_no_value_and_blank_times_are_those_of_arrival():
    early = datetime(2026, 3, 1, tzinfo=UTC)
    rows = pa.RecordBatch.from_pydict({"id": ["a", "b"], "known": [None, early], "label": [None, "yes"], "void": ["yes", None]})
    found = take_labels(rows, LABELS, arrived=LATEST, latest=LATEST, table="t", plan=outcomes("binary"))
    assert found.log.to_pylist() == [
        {"id": "a", "label": None, "known": NOON, "void": True},
        {"id": "b", "label": "yes", "known": early, "void": False},
    ]
    assert found.told.tolist() == [False, True]
