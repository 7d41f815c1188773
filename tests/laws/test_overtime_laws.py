"""A model over time says the same however its rows came: in any order, cut anywhere, twice, late, corrected; and says it only once."""

import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import Phase, given, settings

from driftline.core.ledger import PartKind
from driftline.engine import upkeep
from driftline.lakes.open import open_lake
from driftline.stores.open import open_store
from small_models import HOUR, NOW, START, TASKS, Label, Row, deliver, differences, evaluate_all, found, model, plan, sums

DAYS = 4
IDS = [f"id {number}" for number in range(12)]
NEWEST = ("orphan_share",)
"""Said with the newest window alone, which is another one each time."""
THEN = START + timedelta(days=DAYS + 1)
"""When the last windows with rows are over and their labels are young."""


@st.composite
def worlds(draw, *, most=10):
    """Predictions, an identifier once a day at most, and labels of which no two of one identifier became known at once."""
    taken = draw(st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, DAYS - 1)), unique=True, max_size=most))
    rows = [
        Row(name, 24 * day + draw(st.integers(0, 47)) / 2, draw(st.integers(0, 99)), draw(st.sampled_from(["v1", "v2"])))
        for name, day in taken
    ]
    known = st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 40)), unique=True, max_size=most)
    labels = [Label(name, 6 * at, draw(st.none() | st.integers(0, 5))) for name, at in draw(known)]
    return rows, labels


@st.composite
def deliveries(draw, world):
    """The rows of a world cut into deliveries, some of them twice, in any order."""
    found = []
    for lot in world:
        again = draw(st.lists(st.sampled_from(lot), max_size=4)) if lot else []
        rest = draw(st.permutations([*lot, *again]))
        while rest:
            size = draw(st.integers(1, len(rest)))
            found.append(rest[:size])
            rest = rest[size:]
    return draw(st.permutations(found))


few = settings(max_examples=6, phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""Each of these evaluates for a second; a failure is told as it was found."""
messy = worlds().flatmap(lambda world: st.tuples(st.just(world), deliveries(world)))
zones = st.sampled_from([("1d", "Europe/Berlin"), ("6h", "Australia/Lord_Howe"), ("12h", "America/St_Johns"), ("1d", "Asia/Kolkata")])


def clean(of, world, *, now=NOW):
    """A model that got each kind of rows at once."""
    made = model(of)
    for lot in world:
        if lot:
            deliver(made, lot, now=now)
    return made


@contextmanager
def on_disk(of):
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "store.db"))
        try:
            yield model(of, store, open_lake(str(Path(folder) / "lake"), "small"))
        finally:
            store.close()


@settings(max_examples=60)
@given(messy, zones, st.sampled_from(TASKS), st.sampled_from(["outcome", "event"]))
def test_windows_are_the_same_however_rows_came(world, zone, task, kind):
    of = plan(task, kind if task == "binary" else "outcome", base=zone[0], zone=zone[1])
    made = model(of)
    for lot in world[1]:
        deliver(made, lot)
    assert sums(made) == sums(clean(of, world[0]))


@settings(max_examples=12)
@given(messy)
def test_windows_are_the_same_on_disk(world):
    of = plan()
    with on_disk(of) as made:
        for lot in world[1]:
            deliver(made, lot)
        assert sums(made) == sums(clean(of, world[0]))


@few
@given(messy, st.sampled_from(TASKS), st.sampled_from(["outcome", "event"]), st.booleans())
def test_measurements_are_the_same_however_rows_came(world, task, kind, old):
    of, as_of = plan(task, kind if task == "binary" else "outcome"), THEN + timedelta(days=3 * old)
    made, other = model(of), clean(of, world[0])
    for lot in world[1]:
        deliver(made, lot)
    for each in (made, other):
        evaluate_all(each, as_of=as_of)
    assert differences(found(made), found(other)) == []


@few
@given(messy, st.lists(st.integers(1, DAYS + 3), max_size=2), st.sampled_from(["outcome", "event"]))
def test_evaluating_in_between_ends_in_the_same(world, looks, kind):
    """Rows that come late reach the windows that have been evaluated, and those after them that look back."""
    of, made = plan("binary", kind), model(plan("binary", kind))
    last = THEN + timedelta(days=3)
    for i, lot in enumerate(world[1]):
        deliver(made, lot)
        if i < len(looks):
            evaluate_all(made, as_of=START + timedelta(days=looks[i]))
    evaluate_all(made, as_of=last)
    other = clean(of, world[0])
    evaluate_all(other, as_of=last)
    assert differences(found(made), found(other), leave=NEWEST) == []


@few
@given(messy, st.integers(1, 9), st.sampled_from(["outcome", "event"]))
def test_as_of_is_what_was_known_then(world, day, kind):
    """Labels that became known later are as if they had never come."""
    of, then = plan("binary", kind), START + timedelta(days=day)
    (rows, labels), lots = world
    made, other = model(of), clean(of, (rows, [label for label in labels if START + label.hour * HOUR <= then]))
    for lot in lots:
        deliver(made, lot)
    for each in (made, other):
        evaluate_all(each, as_of=then)
    assert differences(found(made), found(other), leave=NEWEST) == []
    # Looking at it later, and then from the past again, changes nothing of that.
    if found(made):
        evaluate_all(made, as_of=NOW)
        evaluate_all(made, as_of=then, start=START - timedelta(days=9), end=then)
        assert differences({key: found(made)[key] for key in found(other)}, found(other), leave=NEWEST) == []


@few
@given(messy, st.lists(st.integers(1, 30), min_size=1, max_size=3))
def test_looking_from_the_past_leaves_nothing_undone(world, days):
    """Labels that an evaluation of the past left out count in the next one."""
    made, other = model(), clean(plan(), world[0])
    for lot in world[1]:
        deliver(made, lot)
    for day in days:
        evaluate_all(made, as_of=START + timedelta(days=day))
    for each in (made, other):
        evaluate_all(each, as_of=START + timedelta(days=30))
    assert differences(found(made), found(other), leave=NEWEST) == []


@few
@given(messy)
def test_evaluating_again_finds_nothing_new_and_upkeep_changes_nothing(world):
    made = model()
    for lot in world[1]:
        deliver(made, lot)
    evaluate_all(made, as_of=THEN)
    assert [each.looked for each in evaluate_all(made, as_of=THEN)] == [0, 0, 0]
    before, rows = found(made), sums(made)
    upkeep.tidy(made, now=NOW)
    assert upkeep.tidy(made, now=NOW)["folded_parts"] == 0
    parts = made.store.parts("small", PartKind.ROWS, start=START - 9 * HOUR, end=THEN)
    assert len({(part.window, part.schema, part.version) for part in parts}) == len(parts)
    assert sums(made) == rows
    again = evaluate_all(made, as_of=THEN, start=START - timedelta(days=2), end=THEN)
    assert [len(each.evaluations) for each in again] == [0, 0, 0]
    for lot in world[1]:
        deliver(made, lot)
    assert [each.looked for each in evaluate_all(made, as_of=THEN)] == [0, 0, 0]
    assert found(made) == before
