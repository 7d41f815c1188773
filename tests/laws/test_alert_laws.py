"""Laws of the alerts: nothing ends without evidence, the order of late windows does not matter, and a restart changes nothing."""

import random

from alert_worlds import World, day, measured, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.alerting.lifecycle import in_force
from driftline.alerting.records import Key, State

LETTERS = st.text("x.-?0!_", min_size=1, max_size=14)
PACES = st.sampled_from(
    [
        {"hold": "1", "keep_firing_for": "1"},
        {"hold": "2 of 3", "keep_firing_for": "2"},
        {"hold": "3", "keep_firing_for": "3"},
        {"hold": "2 of 5", "keep_firing_for": "1"},
        {"hold": "1", "keep_firing_for": "4"},
    ]
)


def told(world):
    """What is known to have happened: of each window the state it led to."""
    return [(t.window, t.before, t.after, t.key) for t in in_force(t for t in world.transitions if not t.key.reason)]


@given(LETTERS, PACES)
def test_nothing_that_fires_ends_without_evidence(letters, pace):
    world = World({"Drift": rule(**pace)})
    for i, letter in enumerate(letters):
        before = world.state()
        world.see(i, measured(letter, i))
        if letter in "?0!_":
            assert world.state() == before
        if before in "Fr" and world.state() not in "Fr":
            assert letter == "."


@given(LETTERS, PACES)
def test_firing_needs_k_windows_beyond_of_the_last_n_judged(letters, pace):
    world = World({"Drift": rule(**pace)})
    k, n = world.rules["Drift"].held(day(0).end - day(0).start)
    for i, letter in enumerate(letters):
        before = world.state()
        world.see(i, measured(letter, i))
        if before not in "Fr" and world.state() == "F":
            judged = [each for each in letters[: i + 1] if each in "x.-"]
            assert judged[-n:].count("x") >= k
            assert letter == "x"


@given(LETTERS, PACES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_late_rows_come_does_not_matter(letters, pace, shuffle: random.Random):
    """All windows are seen in order; of some the rows come later, in any order, and the first look saw something else.

    What a later look does not measure any more stands as it was, so nothing becomes `_` here."""
    straight, late = World({"Drift": rule(**pace)}), World({"Drift": rule(**pace)})
    straight.live(letters)
    first = [letter if letter == "_" else shuffle.choice([letter, "x", ".", "?", "_"]) for letter in letters]
    late.live(first)
    changed = [i for i, letter in enumerate(letters) if letter != first[i]]
    shuffle.shuffle(changed)
    for i in changed:
        late.see(i, measured(letters[i], i))
    assert told(late) == told(straight)
    assert late.state() == straight.state()


@given(LETTERS, PACES, st.integers(0, 14))
@settings(deadline=None)
def test_a_restart_at_any_point_changes_nothing(letters, pace, at):
    """All that is remembered is the board: another run with an equal one goes on as this would have."""
    once, twice = World({"Drift": rule(**pace)}), World({"Drift": rule(**pace)})
    once.live(letters)
    for i, letter in enumerate(letters):
        if i == at:
            world = World({"Drift": rule(**pace)}, board=twice.board, known=dict(twice.known), transitions=list(twice.transitions))
            twice = world
        twice.see(i, measured(letter, i))
    assert (once.board, once.transitions) == (twice.board, twice.transitions)


@given(LETTERS, PACES)
def test_an_alert_that_is_not_remembered_is_ok(letters, pace):
    world = World({"Drift": rule(**pace)})
    world.live(letters)
    after: dict[Key, State] = {}
    for transition in in_force(t for t in world.transitions if not t.key.reason):
        after[transition.key] = transition.after
    for key, state in after.items():
        alert = world.board.alerts.get(key.fingerprint)
        assert (State.OK if alert is None else alert.state) is state
