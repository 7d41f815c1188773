"""A model over time says the same however its rows came: in any order, cut anywhere, twice, late, corrected; and says it only once."""

import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from driftline.core.ledger import RowKind, Step
from driftline.engine import upkeep
from driftline.engine.evaluate import evaluate
from driftline.lakes.open import open_lake
from driftline.stores.open import open_store
from small_models import HOUR, NOW, START, TASKS, Label, Row, deliver, differences, evaluate_all, found, model, plan, sums

DAYS = 4
IDS = [f"id {number}" for number in range(12)]
THEN = START + timedelta(days=DAYS + 1)
"""When the last windows with rows are over and their labels are young."""


@st.composite
def worlds(draw, *, most=10):
    """Predictions, an identifier once a day at most, and labels of which no two of one identifier became known at once."""
    taken = draw(st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, DAYS - 1)), unique=True, max_size=most))
    rows = [Row(name, 24 * day + draw(st.integers(0, 47)) / 2, draw(st.integers(0, 99)), draw(st.sampled_from(["v1", "v2"]))) for name, day in taken]
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


@settings(max_examples=6)
@given(messy, st.sampled_from(TASKS), st.sampled_from(["outcome", "event"]), st.booleans())
def test_measurements_are_the_same_however_rows_came(world, task, kind, old):
    of, as_of = plan(task, kind if task == "binary" else "outcome"), THEN + timedelta(days=3 * old)
    made, other = model(of), clean(of, world[0])
    for lot in world[1]:
        deliver(made, lot)
    for each in (made, other):
        evaluate_all(each, as_of=as_of)
    assert differences(found(made), found(other)) == []
