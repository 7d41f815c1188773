"""Labelled predictions become counts: the task is recognised, every row is counted once, and bad values are named with their row."""

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import DataError, FormatError, IncompatibleProfiles, UsageError
from driftline.profiles.outcomes import Confusion, Outcomes, Residuals, Task, check_classes, from_arrays, plan_outcomes, tally, zero

NAN, INF = float("nan"), float("inf")


def plan_for(prediction, label, **settings):
    return plan_outcomes(pa.array(prediction), pa.array(label), prediction_name="score", label_name="y", table="reference", **settings)


def tally_all(plan, prediction, label, *, first_row=0, scores=()):
    columns = [pa.array(column) for column in scores]
    return tally(plan, pa.array(prediction), pa.array(label), None, 1, table="current", first_row=first_row, scores=columns)[0]


@pytest.mark.parametrize(
    ("prediction", "label", "task", "classes"),
    [
        ([0.2, 0.7], [0, 1], Task.BINARY, ("0", "1")),
        ([0.2, 0.7], [0.0, 1.0], Task.BINARY, ("0", "1")),
        ([0.2, 0.7], [True, False], Task.BINARY, ("false", "true")),
        ([0.2, 0.7], ["yes", "no"], Task.BINARY, ("no", "yes")),
        ([0.2, 0.7], ["good", "bad"], Task.BINARY, ("bad", "good")),  # the larger where no name says more
        ([0.2, 0.7], [1, 2], Task.BINARY, ("1", "2")),  # '1' has a positive name, but so might the larger: see below
        ([0.2, 0.7], [0, 0], Task.BINARY, ("0", "1")),  # the other class is well known
        ([3.0, -2.0], [0, 1], Task.BINARY, ("0", "1")),  # scores that are none are refused by the tally
        ([0, 1, 1], [0, 1, 0], Task.MULTICLASS, ("0", "1")),  # hard decisions
        ([True, False], ["0", "1"], Task.MULTICLASS, ("0", "1")),  # flags and 0/1 are one class
        (["a", "b"], ["b", "c"], Task.MULTICLASS, ("a", "b", "c")),
        ([1, 2, 3], [10, 2, 3], Task.MULTICLASS, ("1", "2", "3", "10")),  # by value, not by text
        ([0.5, 2.0], [10.0, 11.0], Task.REGRESSION, ()),
        (list(range(30)), list(range(30)), Task.REGRESSION, ()),  # counts
    ],
)
def test_the_task_is_recognised(prediction, label, task, classes):
    plan = plan_for(prediction, label)
    assert (plan.task, set(plan.classes)) == (task, set(classes))
    if label != [1, 2]:
        assert plan.classes == classes
    assert plan.reason.startswith(task.value)


def test_what_people_say_overrules_what_is_recognised():
    assert plan_for([0.2, 0.7], [0, 1], positive="0").classes == ("1", "0")
    assert plan_for([0.2, 0.7], [0, 1], positive="true").classes == ("0", "1")
    assert plan_for([0.2, 0.7], [0, 1], task=Task.REGRESSION).task is Task.REGRESSION
    assert plan_for([0, 1], [0, 1], task=Task.BINARY).task is Task.BINARY
    assert 0.3 in plan_for([0.2, 0.7], [0, 1], threshold=0.3).edges
    assert plan_for(["a", "b"], ["a", "b"], positive="a").classes == ("b", "a")


@pytest.mark.parametrize(
    ("prediction", "label", "settings", "error", "words"),
    [
        ([None], [1], {}, DataError, "No row of reference has both"),
        ([0.2], ["maybe"], {}, DataError, "needs two classes, and column 'y' holds 'maybe'"),
        ([0.1, 0.2, 0.3], ["a", "b", "c"], {}, DataError, "holds numbers and column 'y' 3 classes"),
        (["a", "b"], [1, 2], {}, DataError, "nothing in common"),
        ([str(k) for k in range(101)], ["0"] * 101, {}, DataError, "more than 100 classes"),
        (["a"], ["a"], {"task": Task.REGRESSION}, DataError, "regression needs numbers"),
        (["a", "b"], ["a", "b"], {"task": Task.BINARY}, DataError, "binary task needs scores"),
        ([0.2, 0.7], [0, 1], {"threshold": 1.5}, UsageError, "between 0 and 1"),
        ([0.2, 0.7], [0, 1], {"positive": "2"}, UsageError, "never holds the positive class '2'"),
        (["a"], ["a"], {"threshold": 0.4}, UsageError, "needs a binary task"),
        ([1.5, 2.0], [10.0, 11.5], {"positive": "1"}, UsageError, "task is regression"),
        ([0.2, 0.7], [0, 1], {"task": Task.BINARY, "score_columns": {"0": "p0"}}, UsageError, "need a multiclass task"),
    ],
)
def test_what_fits_no_task_is_said(prediction, label, settings, error, words):
    with pytest.raises(error, match=words):
        plan_for(prediction, label, **settings)


BINARY, NUMBERS = plan_for([0.2, 0.7], ["no", "yes"]), plan_for([0.5, 2.5], [10.5, 11.0])


@pytest.mark.parametrize(
    ("plan", "prediction", "label", "words"),
    [
        (
            BINARY,
            [0.5, 1.3],
            ["no", "yes"],
            r"The score 1\.3 in column 'score', row 17 of current is outside \[0, 1\]\. Pass probabilities",
        ),
        (BINARY, [0.5, -0.1], [None, None], r"score -0\.1 .* row 17"),
        (BINARY, [0.5, NAN], ["no", "yes"], r"row 17 of current is not a number"),
        (BINARY, [0.5, 0.5], ["no", "on"], r"label 'on' in column 'y', row 17 of current is neither 'no' nor 'yes'"),
        (BINARY, ["a", "b"], ["no", "yes"], r"Column 'score' of current holds string"),
        (NUMBERS, ["a", "b"], [1.0, 2.0], r"Column 'score' of current holds string"),
        (NUMBERS, [1.0, 2.0], ["a", "b"], r"Column 'y' of current holds string"),
        (NUMBERS, [1.0, INF], [1.0, 2.0], r"prediction in column 'score', row 17 of current is infinite"),
        (NUMBERS, [1.0, NAN], [1.0, 2.0], r"prediction in column 'score', row 17 of current is not a number"),
        (NUMBERS, [1.0, 2.0], [1.0, -INF], r"label in column 'y', row 17 of current is infinite"),
    ],
)
def test_bad_values_are_named_with_their_row(plan, prediction, label, words):
    with pytest.raises(DataError, match=words):
        tally_all(plan, prediction, label, first_row=15)


def test_every_row_is_counted_once():
    for plan, prediction, label in [
        (BINARY, [0.1, None, 0.9, None, 0.4], ["no", "yes", None, None, "yes"]),
        (NUMBERS, [0.1, None, 0.9, None, 0.4], [1.0, 2.0, None, NAN, 0.0]),
        (plan_for(["a", "b"], ["a", "b"]), ["a", None, "b", None, "b"], ["a", "b", None, "", "c"]),
    ]:
        summary = tally_all(plan, prediction, label)
        assert (summary.rows, summary.unlabelled, summary.unscored) == (2, 2, 1)


def test_binary_counts_of_a_few_rows():
    summary = tally_all(plan_for([0.25, 0.75], [0, 1]), [0.0, 0.25, 0.5, 0.75, 1.0], [False, True, True, False, True])
    assert isinstance(summary, Outcomes)
    assert summary.matrix.tolist() == [[1, 1], [1, 2]]  # 0.5 is at the threshold, so decided positive
    assert summary.counts.sum() == 5
    assert summary.scores.sum() == 2.5
    assert summary.sum("square") == 0.0625 * 9 + 0.25 + 0.0625 * 9


def test_a_repeated_score_has_a_bin_of_its_own():
    plan = plan_for([0.3] * 50 + [0.30001] * 2 + [0.8] * 50, [0, 1] * 51)
    assert float(np.nextafter(0.3, 1)) in plan.edges


def test_new_classes_stay_visible():
    plan = plan_for(["x", "y"], ["x", "y"])
    summary = tally_all(plan, ["x", "q", "q", "r", "x"], ["x", "q", "x", "s", "s"])
    assert isinstance(summary, Confusion)
    assert summary.matrix.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]]
    assert summary.other == 3


def test_score_columns_follow_the_classes():
    plan = plan_for(["a", "b"], ["a", "b"], score_columns={"b": "pb", "a": "pa"})
    assert (plan.classes, plan.score_columns) == (("a", "b"), ("pa", "pb"))
    summary = tally_all(plan, ["a", "b", "a"], ["a", "b", "c"], scores=[[0.5, 0.25, 0.5], [0.5, 0.75, None]])
    assert summary.scored == 2
    assert summary.histograms.sum(axis=2).tolist() == [[1, 1], [1, 1]]
    assert summary.sum("loss") == pytest.approx(-np.log(0.5) - np.log(0.75), abs=1e-15)
    assert tally_all(plan, ["a"], ["a"], scores=[[0.5]]).scored == 0  # a table without all score columns has none
    with pytest.raises(DataError, match="column 'pb', row 1 of current"):
        tally_all(plan, ["a"], ["a"], scores=[[0.5], [2.0]])


def test_residuals_of_a_few_rows():
    summary = tally_all(NUMBERS, [3.0, 1.0, 7.0], [1.0, 2.0, 0.0])
    assert isinstance(summary, Residuals)
    assert (summary.sum("e"), summary.sum("size"), summary.sum("e2"), summary.sum("e4")) == (8, 10, 54, 16 + 1 + 2401)
    assert summary.zero_labels == 1
    assert summary.sum("relative") == 2.5
    assert summary.extremes.tolist() == [1.0, 7.0]
    assert summary.counts.sum() == 3


def test_labels_may_be_written_in_another_type():
    plan = plan_for([0.2, 0.7], [0, 1])
    label = ["1", "0", "1"]
    expected = tally_all(plan, [0.9, 0.2, 0.4], label).counts
    for other in ([1, 0, 1], [1.0, 0.0, 1.0], [True, False, True], pa.array(label).dictionary_encode(), pa.array(label, pa.large_string())):
        assert (tally_all(plan, [0.9, 0.2, 0.4], other).counts == expected).all()


def test_one_class_only_is_refused_before_judging():
    plan = plan_for([0.2, 0.7], [0, 1])
    with pytest.raises(DataError, match="All 2 labels in column 'y' of current are '1'"):
        check_classes(tally_all(plan, [0.2, 0.7], [1, 1]), "current")
    with pytest.raises(DataError, match="are '0'"):
        check_classes(tally_all(plan, [0.2, 0.7], [0, 0]), "current")
    check_classes(tally_all(plan, [0.2, 0.7], [0, 1]), "current")
    check_classes(zero(plan), "current")


def test_arrays_are_read_only_and_checked_when_read_back():
    summary = tally_all(BINARY, [0.1, 0.8], ["no", "yes"])
    with pytest.raises(ValueError, match="read-only"):
        summary.counts[0, 0] = 7
    arrays = summary.to_arrays()
    assert all(
        (array == again).all() for array, again in zip(arrays.values(), from_arrays(BINARY, arrays).to_arrays().values(), strict=True)
    )
    with pytest.raises(FormatError, match="'counts'"):
        from_arrays(BINARY, {**arrays, "counts": arrays["counts"][:, 1:]})
    with pytest.raises(FormatError, match="'scores'"):
        from_arrays(BINARY, {name: array for name, array in arrays.items() if name != "scores"})


def test_different_plans_do_not_add():
    with pytest.raises(IncompatibleProfiles, match="different plans"):
        zero(BINARY) + zero(NUMBERS)
    with pytest.raises(IncompatibleProfiles, match="different plans"):
        zero(BINARY) + zero(plan_for([0.2, 0.7], ["no", "yes"], threshold=0.3))
