"""The life of an alert, window by window: each row is one story, as letters of windows and of states."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "laws"))

from alert_worlds import World, day, measured, rule

from driftline.alerting.lifecycle import in_force
from driftline.alerting.records import State
from driftline.core.records import Basis
from driftline.core.verdicts import Severity

ONE = {"hold": "1", "keep_firing_for": "1"}
TWO_OF_THREE = {"hold": "2 of 3", "keep_firing_for": "2"}

STORIES = [
    ("a quiet column has no alert", ONE, "......", "......"),
    ("one window beyond fires where one is enough", ONE, "..x.", "..F."),
    ("two of three: the first window is pending", TWO_OF_THREE, ".x..", ".pp."),
    ("two of three: the second in three fires", TWO_OF_THREE, ".x.x", ".ppF"),
    ("two of three: a third window is too late", TWO_OF_THREE, ".x..x", ".pp.p"),
    ("two in a row: one between breaks it", {"hold": "2"}, "x.xx", "p.pF"),
    ("it fires on while it is beyond", TWO_OF_THREE, "xxxx", "pFFF"),
    ("one clear window recovers, two end it", TWO_OF_THREE, "xx..", "pFr."),
    ("beyond again while recovering is firing, with no end in between", TWO_OF_THREE, "xx.x..", "pFrFr."),
    ("between the limit and where it clears nothing changes", TWO_OF_THREE, "xx--.-.", "pFFFrr."),
    ("between does not start anything", ONE, "--x", "..F"),
    ("too few rows never end it", ONE, "x???.", "FFFF."),
    ("no rows never end it", ONE, "x000.", "FFFF."),
    ("an error never ends it", ONE, "x!!!.", "FFFF."),
    ("a column that is not measured any more never ends it", ONE, "x___.", "FFFF."),
    ("a window without evidence breaks no spell", TWO_OF_THREE, "x?x", "ppF"),
    ("but a spell does not wait for ever", TWO_OF_THREE, "x??????x", "pppppppp"),
    ("nothing known at all is no alert", ONE, "????", "...."),
    ("after its end it starts from the beginning", TWO_OF_THREE, "xx..x", "pFr.p"),
    ("flapping every other day stays one alert", {"hold": "1", "keep_firing_for": "2"}, "x.x.x..", "FrFrFr."),
    ("a hold as a duration is so many windows", {"hold": "3d"}, "xxx", "ppF"),
]


@pytest.mark.parametrize(("story", "pace", "windows", "states"), STORIES, ids=[story[0] for story in STORIES])
def test_a_life(story, pace, windows, states):
    assert World({"Drift": rule(**pace)}).live(windows) == states


def test_every_transition_says_what_it_rests_on():
    world = World({"Drift": rule(**TWO_OF_THREE)})
    world.live("x.x..")
    told = [(t.before.value, t.after.value, t.value, t.limit, t.n, t.window, t.plan) for t in world.transitions]
    assert told == [
        ("ok", "pending", 1.0, 0.5, 100, day(0), "plan"),
        ("pending", "firing", 1.0, 0.5, 100, day(2), "plan"),
        ("firing", "recovering", 0.0, 0.5, 100, day(3), "plan"),
        ("recovering", "ok", 0.0, 0.5, 100, day(4), "plan"),
    ]
    assert [t.reason for t in world.transitions] == [
        "beyond its limit in 1 of 3 windows, and 2 are needed",
        "beyond its limit in 2 of 3 windows",
        "clear, and ends after 2 clear windows",
        "clear for 2 windows",
    ]
    assert world.transitions[1].derivation == "said x"


def test_an_identity_holds_no_value_and_no_time():
    world = World({"Drift": rule(**ONE)})
    world.live("x")
    (first,) = world.board.alerts
    world.see(1, measured("x", 1))
    assert list(world.board.alerts) == [first]


def test_an_alert_that_lost_its_evidence_is_told_of_by_one_of_the_same_labels():
    world = World({"Drift": rule(severity=Severity.CRITICAL, **ONE)})
    states = []
    for i, letter in enumerate("x???.."):
        world.see(i, measured(letter, i))
        states.append(world.state(reason="no evidence"))
    assert "".join(states) == "..FF.."
    fired = next(t for t in world.transitions if t.key.reason)
    labels = fired.key.labels("m")
    assert labels.pop("reason") == "no evidence"
    assert labels == next(t for t in world.transitions if not t.key.reason).key.labels("m")
    assert fired.severity is Severity.WARNING
    assert fired.derivation.startswith("no evidence for 2 windows: said ?")


def test_a_rule_that_is_taken_out_ends_its_alerts_and_says_so():
    world = World({"Drift": rule(**ONE)})
    world.live("x")
    world.rules = {"Other": rule("Other", column=("never",))}
    world.see(1, measured("x", 1))
    assert not world.board.alerts
    assert (world.transitions[-1].after, world.transitions[-1].reason) == (State.OK, "its rule was taken out")


def test_a_changed_severity_holds_from_the_next_window_on():
    world = World({"Drift": rule(**ONE)})
    world.live("x")
    world.rules = {"Drift": rule(severity=Severity.INFO, **ONE)}
    world.see(1, measured("x", 1))
    (alert,) = world.board.alerts.values()
    assert (alert.state, alert.severity) == (State.FIRING, Severity.INFO)


def test_rows_that_came_late_and_were_fine_take_back_what_was_said():
    world = World({"Drift": rule(**ONE)})
    world.live("x..")
    world.see(0, measured(".", 0))
    assert in_force(world.transitions) == []
    assert world.transitions[-1].revises
    assert world.transitions[-1].reason == "rows or labels came late"
    assert not world.board.alerts


def test_rows_that_came_late_and_were_bad_are_told_with_their_end():
    world = World({"Drift": rule(**TWO_OF_THREE)})
    world.live("..x...")
    world.see(1, measured("x", 1))
    assert [(t.after.value, t.window) for t in in_force(world.transitions)] == [
        ("pending", day(1)),
        ("firing", day(2)),
        ("recovering", day(3)),
        ("ok", day(4)),
    ]


def test_a_late_window_that_says_the_same_changes_nothing():
    world = World({"Drift": rule(**TWO_OF_THREE)})
    world.live("x.xx")
    before, count = world.board, len(world.transitions)
    for i, letter in enumerate("x.x"):
        world.see(i, measured(letter, i))
    assert world.board == before
    assert len(world.transitions) == count


def test_final_labels_come_long_after_their_window_and_are_a_series_of_their_own():
    rules = {"Quality": rule("Quality", metric=("roc_auc",), basis=(Basis.MATURED,), **ONE)}
    world = World(rules)
    for i in range(10):
        world.see(i, [])
    states = []
    for i, letter in enumerate("..xx."):
        world.see(i, measured(letter, i, metric="roc_auc", column=None, basis=Basis.MATURED))
        states.append(world.state(name="Quality"))
        world.see(10 + i, [])
    assert "".join(states) == "..FF."
    assert not any(t.revises for t in world.transitions)
