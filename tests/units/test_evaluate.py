"""Which windows are due, and what an evaluation leaves for the next one."""

from datetime import UTC, datetime

import pytest

from driftline.core.ledger import PartKind, Step
from driftline.engine import evaluate as evaluating
from driftline.engine.cohorts import settle
from driftline.engine.evaluate import EMPTY_RUN, complete, evaluate
from driftline.engine.measure_performance import Performance
from driftline.engine.model import Model
from driftline.engine.timeline import Timeline
from driftline.ports import Store
from small_models import HOUR, NOW, START, Label, Row, deliver, differences, evaluate_all, found, model, plan

DAY = 24 * HOUR


def looked(made, day, step=Step.PERFORMANCE):
    """The days whose windows an evaluation chose, counted from the first."""
    done = evaluate(made, step, as_of=START + day * DAY, now=NOW)
    return [round((each.window.start - START) / DAY) for each in done.evaluations]


def of(task="binary", **more):
    return plan(task, zone="UTC", **more)


def test_windows_are_due_when_they_are_over_and_when_their_labels_come_of_age():
    """Labels mature after four days: ages of 12 hours, one, two and four days."""
    made = model(of())
    deliver(made, [Row("a", 1), Row("b", 30)])
    assert looked(made, 0.9) == []
    assert looked(made, 1) == [0]
    assert looked(made, 1) == []
    assert looked(made, 1.4) == []
    assert looked(made, 1.5) == [0]
    assert looked(made, 2) == [0, 1]
    assert looked(made, 2.9) == [1]
    assert looked(made, 5.1) == [0, 1, 2, 3, 4]
    assert looked(made, 7) == [1, 5, 6]
    assert looked(made, 30) == list(range(7, 30))
    assert [looked(made, 30, step) for step in (Step.DRIFT, Step.PREDICTIONS)] == [list(range(30))] * 2
    assert [looked(made, 30, step) for step in Step] == [[]] * 3


def test_late_rows_reach_the_windows_that_look_back_at_theirs():
    made = model(of())
    deliver(made, [Row("a", 1), Row("b", 24 * 40)])
    evaluate_all(made, as_of=START + 42 * DAY)
    deliver(made, [Row("c", 24 * 3 + 1)])
    assert looked(made, 42, Step.DRIFT) == list(range(3, 33))  # small shifts add up over thirty windows
    assert looked(made, 42, Step.PERFORMANCE) == list(range(3, 42))
    assert [looked(made, 42, step) for step in Step] == [[], [], list(range(3, 33))]


def test_late_labels_reach_the_windows_that_were_joined_with_theirs():
    """A window with too few labels rests on those before it; one that has enough does not."""
    lots = [[Row("a", 1), Row("b", 25), Row("c", 24 * 8)], [Label("b", 30, 1), Label("c", 24 * 9, 1)]]
    made, other = model(of()), model(of())
    for lot in lots:
        deliver(made, lot)
        deliver(other, lot)
    evaluate_all(made, as_of=START + 20 * DAY)
    late = [Label("a", 24 * 15, 0)]
    deliver(made, late)
    deliver(other, late)
    assert looked(made, 20) == [0, 1]
    for each in (made, other):
        evaluate_all(each, as_of=START + 20 * DAY)
    assert differences(found(made), found(other), leave=("orphan_share",)) == []


def test_labels_from_after_as_of_count_later():
    """Known on the tenth day, delivered before: what was said on the ninth day is looked at again on the tenth, and only once."""
    made = model(of())
    deliver(made, [Row("a", 1)])
    deliver(made, [Label("a", 240, 1)])
    assert looked(made, 9) == list(range(9))
    assert looked(made, 9) == []
    assert looked(made, 9.9) == []
    assert looked(made, 10) == [0, 9]
    assert looked(made, 10) == []


def test_a_long_silence_is_passed_over():
    made = model(of())
    deliver(made, [Row("a", 1), Row("b", 24 * 1000)], now=START + 2000 * DAY)
    windows = complete(made, as_of=START + 1500 * DAY)
    assert len(windows) == 2 * (1 + EMPTY_RUN)
    assert windows == sorted(set(windows))
    done = evaluate(made, Step.DRIFT, as_of=START + 1500 * DAY, now=NOW, start=START, end=START + DAY)
    assert done.notes == [f"{1500 - len(windows)} windows without any row are passed over, after 400 of them in a row"]
    assert len(complete(made, as_of=datetime(9999, 12, 30, tzinfo=UTC))) == len(windows)


class Meanwhile:
    """A store in which something happens right after the sequence was asked for."""

    def __init__(self, store: Store, happens) -> None:
        self.store, self.happens = store, [happens]

    def __getattr__(self, name):
        if name == "windows" and self.happens:
            self.happens.pop()()
        return getattr(self.store, name)


@pytest.mark.parametrize("late", [[Row("b", 2)], [Label("a", 30, 1)]])
def test_what_comes_meanwhile_is_due_again(late):
    """A delivery in the middle of an evaluation is either in it or looked at by the next one."""
    made, other = model(of()), model(of())
    for each in (made, other):
        deliver(each, [Row("a", 1)])
    deliver(other, late)
    between = Model(made.plan, made.digest, Meanwhile(made.store, lambda: deliver(made, late)), made.lake, made.references)
    for each in (between, made, other):
        evaluate_all(each, as_of=START + 9 * DAY)
    assert differences(found(made), found(other), leave=("orphan_share",)) == []
    assert found(other)


def test_an_older_cohort_never_replaces_a_newer_one():
    made = model(of())
    deliver(made, [Row("a", 1)])
    marks = made.store.marks("small", PartKind.COHORT)
    assert settle(made) == 0
    deliver(made, [Label("a", 30, 1)])
    assert settle(made) == 0
    assert min(made.store.marks("small", PartKind.COHORT).values()) > max(marks.values())


def test_an_evaluation_that_stops_half_way_goes_on(monkeypatch):
    made, other = model(of()), model(of())
    for each in (made, other):
        deliver(each, [Row(f"i{k}", 24 * k) for k in range(20)])
        deliver(each, [Label(f"i{k}", 24 * k + 20, k) for k in range(20)])
    kept = evaluating._save
    calls = []

    def breaks(*told):
        kept(*told)
        calls.append(told)
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluating, "_save", breaks)
    with pytest.raises(KeyboardInterrupt):
        evaluate_all(made, as_of=START + 25 * DAY)
    monkeypatch.setattr(evaluating, "_save", kept)
    assert 0 < len(found(made)) < 25
    for each in (made, other):
        evaluate_all(each, as_of=START + 25 * DAY)
    assert differences(found(made), found(other), leave=("orphan_share",)) == []


def test_hours_are_judged_by_labels_at_less_chance_than_days():
    """Half of the false pages of a month are for all its windows; what the plan says is the most."""
    for base, alpha in (("1d", 0.01), ("1h", 0.5 / 720)):
        made = model(of(base=base, windows={"base": base, "widen_to": "1d"}))
        deliver(made, [Row("a", 1)])
        performance = Performance(made, Timeline(made, []), as_of=NOW, through=1)
        assert performance.spec.alpha == pytest.approx(alpha)
        assert performance.spec.but(alpha=made.plan.performance.alpha) == made.plan.performance
