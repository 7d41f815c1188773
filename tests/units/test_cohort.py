"""A cohort knows of each prediction whether a label is due, whether it came and how late, and how right the predictions were so far."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import DataError, FormatError, IncompatibleProfiles, UsageError
from driftline.core.records import ALL_ROWS
from driftline.profiles.cohort import Cohort, gather_cohort
from driftline.profiles.magnitudes import ERROR
from driftline.profiles.outcomes import plan_outcomes

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = 3600 * 10**9
CHECKPOINTS = (HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
MOMENT = pa.timestamp("us", "UTC")
NAN, INF = float("nan"), float("inf")


def plan_for(prediction, label, **settings):
    return plan_outcomes(pa.array(prediction), pa.array(label), prediction_name="score", label_name="y", table="reference", **settings)


BINARY = plan_for([0.2, 0.7], ["no", "yes"])
NUMBERS = plan_for([0.5, 2.5], [10.5, 11.0])
CLASSES = plan_for(["a", "b"], ["b", "c"])


def joined(**columns):
    """Rows with a label known after an hour, eligible and not void, unless said otherwise; `age` is in hours."""
    rows = len(columns["score"])
    label = columns.pop("label", [None] * rows)
    age = columns.pop("age", [None if each is None else 1.0 for each in (label.to_pylist() if isinstance(label, pa.Array) else label)])
    known = [None if hours is None else START + timedelta(hours=hours) for hours in age]
    return pa.record_batch(
        {
            "time": pa.array([START] * rows, MOMENT),
            "known": pa.array(known, MOMENT),
            "eligible": pa.array(columns.pop("eligible", [True] * rows), pa.bool_()),
            "void": pa.array(columns.pop("void", [False] * rows), pa.bool_()),
            "label": label if isinstance(label, pa.Array) else pa.array(label),
            "changes": pa.array(columns.pop("changes", [0] * rows), pa.int64()),
            **{name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()},
        }
    )


def cohort_of(plan, *, event=False, segments=(), **columns):
    return gather_cohort([joined(**columns)], plan, checkpoints=CHECKPOINTS, segments=segments, event=event, table="the joined rows")


def matrix(summary):
    return summary.matrix.tolist()


def test_every_row_has_one_fate():
    cohort = cohort_of(
        BINARY,
        #        labelled, silent, void, void with a label, not eligible, labelled all the same, fits no class, corrected
        score=[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1],
        label=["yes", None, None, "yes", None, "no", "on", "no"],
        eligible=[True, True, True, True, False, None, True, True],
        void=[False, None, True, True, False, False, False, False],
        changes=[0, 0, 0, 1, 0, 0, 0, 2],
    )
    counts = (cohort.rows, cohort.eligible, cohort.void, cohort.labelled, cohort.corrected, cohort.unexpected, cohort.unfit)
    assert counts == (8, 6, 2, 3, 1, 1, 1)
    assert cohort.expected == 4
    assert cohort.outcomes[ALL_ROWS].matrix.tolist() == [[1, 0], [0, 1]]
    assert cohort.outcomes[ALL_ROWS].unlabelled == 0
    assert cohort.silent == {}


@pytest.mark.parametrize(
    ("hours", "cell"),
    [
        (-3.0, 0),  # known before it was predicted: a clock, or a leak
        (0.0, 0),
        (1.0, 0),  # at a checkpoint is within it
        (1.0001, 1),
        (3.0, 2),
        (8.0, 3),
        (8.0001, 4),
        (1e5, 4),
        (None, 4),  # nobody says when: not claimed to have been early
    ],
)
def test_labels_are_counted_by_their_age(hours, cell):
    cohort = cohort_of(BINARY, score=[0.9, 0.1], label=["yes", "no"], age=[hours, hours])
    assert cohort.ages.tolist() == [2 if k == cell else 0 for k in range(5)]
    assert cohort.positives.tolist() == [1 if k == cell else 0 for k in range(5)]
    assert [summary.rows for summary in cohort.by_age] == [2 if k >= cell else 0 for k in range(4)]
    assert [cohort.known(k) for k in range(4)] == [2 if k >= cell else 0 for k in range(4)]
    assert cohort.outcomes[ALL_ROWS].rows == 2
    assert cohort.lags.count == (0 if hours is None else 2)
    if hours is not None and hours > 0:
        assert cohort.lags.quantile(0.5) == pytest.approx(hours * 3600, rel=ERROR)


def test_silence_of_events_is_negative_and_what_was_believed_at_each_age_is_kept():
    cohort = cohort_of(
        BINARY,
        event=True,
        score=[0.9, 0.8, 0.7, 0.2, 0.1],
        label=["yes", "yes", None, None, "no"],
        age=[0.5, 3.0, None, None, 9.0],
        void=[False, False, False, True, False],
    )
    assert cohort.event
    assert cohort.silent[ALL_ROWS].matrix.tolist() == [[0, 1], [0, 0]]
    assert cohort.outcomes[ALL_ROWS].matrix.tolist() == [[1, 0], [0, 2]]
    # At one hour one default of four rows was known, at four hours two.
    assert [summary.matrix.tolist() for summary in cohort.by_age] == [[[1, 2], [0, 1]]] * 2 + [[[1, 1], [0, 2]]] * 2
    assert cohort.positives.tolist() == [1, 0, 1, 0, 0]


def test_by_segment():
    cohort = cohort_of(
        BINARY,
        event=True,
        segments=(("channel", ("app", "web")), ("absent", ("x",))),
        score=[0.9, 0.8, 0.7, 0.2],
        label=["yes", None, "yes", "yes"],
        channel=["app", "app", None, "branch"],
    )
    assert {segment: summary.rows for segment, summary in cohort.outcomes.items()} == {
        (): 3,
        (("channel", "app"),): 1,
        (("channel", "(missing)"),): 1,
        (("channel", "(other)"),): 1,
    }
    assert {segment: summary.rows for segment, summary in cohort.silent.items()} == {(): 1, (("channel", "app"),): 1}


@pytest.mark.parametrize(
    ("plan", "label", "labelled", "unfit", "rows"),
    [
        (BINARY, ["yes", "maybe", "", "no"], 3, 1, 2),
        (BINARY, pa.array(["yes", "maybe", None, "no"]).dictionary_encode(), 3, 1, 2),
        (BINARY, [7, 8, None, 9], 3, 3, 0),
        (BINARY, pa.nulls(4), 0, 0, 0),
        (NUMBERS, [1.0, NAN, INF, None], 2, 1, 1),
        (NUMBERS, ["1.5", "soon", "", None], 2, 1, 1),  # numbers that were kept as text
        (NUMBERS, ["nan", "inf", "1e400", "2"], 3, 2, 1),
        (NUMBERS, [True, False, None, True], 3, 0, 3),
        (NUMBERS, [START, START, None, START], 3, 3, 0),  # times are no numbers
        (CLASSES, ["a", "b", "new", None], 3, 0, 3),  # a class that is new stays visible
    ],
)
def test_labels_that_fit_no_class_are_counted_apart(plan, label, labelled, unfit, rows):
    prediction = ["a"] * 4 if plan is CLASSES else [0.5] * 4
    cohort = cohort_of(plan, score=prediction, label=label, age=[1.0] * 4)
    assert (cohort.labelled, cohort.unfit, cohort.outcomes[ALL_ROWS].rows) == (labelled, unfit, rows)


@pytest.mark.parametrize(
    ("plan", "prediction"),
    [
        (BINARY, [0.5, None, NAN, 1.5]),
        (BINARY, [0.5, -0.1, INF, -INF]),
        (BINARY, [1, None, 2, -3]),
        (NUMBERS, [1e300, None, NAN, INF]),
        (CLASSES, ["new", None, "", None]),
    ],
)
def test_predictions_that_fit_nothing_count_as_missing(plan, prediction):
    label = {BINARY: ["yes"] * 4, NUMBERS: [1.0] * 4, CLASSES: ["a"] * 4}[plan]
    summary = cohort_of(plan, score=prediction, label=label).outcomes[ALL_ROWS]
    assert (summary.rows, summary.unscored) == (1, 3)


def test_a_column_of_another_kind_is_an_error():
    with pytest.raises(DataError, match="Column 'score' of the joined rows holds string"):
        cohort_of(BINARY, score=["high"], label=["yes"])


def test_scores_of_classes_are_used():
    plan = plan_for(["a", "b"], ["a", "b"], score_columns={"a": "pa", "b": "pb"})
    cohort = cohort_of(plan, score=["a", "b", "a"], label=["a", "b", "b"], pa=[0.9, 0.2, NAN], pb=[0.1, 0.8, 0.5])
    assert cohort.outcomes[ALL_ROWS].scored == 2


def test_no_rows_at_all():
    for cohort in (cohort_of(BINARY, score=pa.array([], pa.float64())), Cohort.zero(BINARY, CHECKPOINTS, event=False)):
        assert (cohort.rows, cohort.labelled, cohort.expected, cohort.lags.count, cohort.ages.sum()) == (0, 0, 0, 0, 0)
        assert [summary.rows for summary in cohort.by_age] == [0, 0, 0, 0]
    assert Cohort.zero(BINARY, CHECKPOINTS, event=True).silent[ALL_ROWS].rows == 0


@pytest.mark.parametrize(
    ("plan", "checkpoints", "event", "words"),
    [
        (NUMBERS, CHECKPOINTS, True, "need a binary task, and the task is regression"),
        (BINARY, (), False, "ascend from above 0"),
        (BINARY, (0, 1), False, "ascend from above 0"),
        (BINARY, (5, 5), False, "ascend from above 0"),
        (BINARY, (5, 3), False, "ascend from above 0"),
    ],
)
def test_what_fits_no_cohort_is_said(plan, checkpoints, event, words):
    with pytest.raises(UsageError, match=words):
        Cohort.zero(plan, checkpoints, event=event)


def test_different_cohorts_do_not_add():
    cohort = Cohort.zero(BINARY, CHECKPOINTS, event=False)
    for other in (
        Cohort.zero(BINARY, CHECKPOINTS[:3], event=False),
        Cohort.zero(BINARY, CHECKPOINTS, event=True),
        Cohort.zero(plan_for([0.2, 0.7], ["no", "yes"], threshold=0.3), CHECKPOINTS, event=False),
    ):
        with pytest.raises(IncompatibleProfiles):
            cohort + other


def test_stored_cohorts_are_checked_when_read_back():
    cohort = cohort_of(BINARY, event=True, segments=(("channel", ("app",)),), score=[0.9, 0.1], label=["yes", None], channel=["app", "app"])
    facts, arrays = cohort.to_arrays()
    again = Cohort.from_arrays(BINARY, facts, arrays)
    assert again.outcomes.keys() == cohort.outcomes.keys()
    assert matrix(again.silent[(("channel", "app"),)]) == [[1, 0], [0, 0]]
    with pytest.raises(ValueError, match="read-only"):
        again.ages[0] = 7
    for broken_facts, broken_arrays in (
        ({**facts, "checkpoints": [1]}, arrays),
        ({**facts, "rows": None}, arrays),
        ({**facts, "outcomes": []}, arrays),
        ({key: each for key, each in facts.items() if key != "unfit"}, arrays),
        (facts, {**arrays, "ages": np.zeros(3, np.int64)}),
        (facts, {key: each for key, each in arrays.items() if key != "lags"}),
        (facts, {key: each for key, each in arrays.items() if key != "by_age.totals"}),
    ):
        with pytest.raises(FormatError):
            Cohort.from_arrays(BINARY, broken_facts, broken_arrays)
