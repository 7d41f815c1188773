"""Records of alerting as JSON: exactly what was written is read, and the format is held by examples."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.alerting.records import Board, Incident, Key, Notice, Reaction, Silence, State, Transition
from driftline.core.errors import StoreError
from driftline.stores.plain import FORMAT, packed, record, settled, text, unpacked, way
from stored import T0, alert, incident, notice, outgoing, silence, transition

US, HOUR = 1_774_735_200_000_000, 3_600_000_000
KEY = {"rule": "Drift", "metric": "psi", "basis": "observed", "column": "amount", "segment": [], "version": "", "reason": ""}
SIGHT = {"key": KEY, "window": [US, US + HOUR], "level": "beyond", "value": 0.3, "limit": 0.1, "n": 100, "note": "", "reason": ""}
MEMBER = {"key": KEY, "severity": "warning", "fired": US, "strongest": SIGHT, "latest": SIGHT, "ended": None, "muted_by": ""}
TRANSITION = {
    "key": KEY,
    "before": "ok",
    "after": "firing",
    "window": [US, US + HOUR],
    "as_of": US + HOUR,
    "made": US,
    "value": 0.3,
    "limit": 0.1,
    "n": 100,
    "derivation": "derivation",
    "reason": "",
    "plan": "plan",
    "severity": "warning",
    "revises": False,
    "number": 0,
}
INCIDENT = {
    "id": "inc_1",
    "model": "m",
    "group": "drift",
    "stage": "open",
    "severity": "warning",
    "opened": US,
    "changed": US,
    "members": [MEMBER],
    "ended": None,
    "acts": [],
    "told": None,
    "closing": None,
}
SILENCE = {
    "id": "s1",
    "matchers": {"column": "amount*"},
    "author": "ann",
    "comment": "",
    "starts": US,
    "ends": US + 5 * HOUR,
    "made": US,
    "ended_by": "",
}
NOTICE = {
    "id": "n1",
    "kind": "firing",
    "incident": "inc_1",
    "model": "m",
    "status": "firing",
    "severity": "warning",
    "summary": "amount drifted",
    "details": [],
    "labels": {"alertname": "Drift"},
    "annotations": {},
    "evidence": {"x": {"$tuple": [{"$float": "inf"}, {"$moment": US}]}},
    "starts_at": US,
    "ends_at": None,
    "made": US,
    "alerts": [],
}
ALERT = {
    "key": KEY,
    "severity": "warning",
    "group": "drift",
    "state": "firing",
    "since": US + HOUR,
    "last": SIGHT,
    "seen": US,
    "fired": US + HOUR,
    "recent": [[US, "beyond"]],
    "quiet": 0,
    "blind": 0,
    "incident": "",
}
BOARD = {"revision": 3, "number": 7, "alerts": {"f": ALERT}, "incidents": [], "heads": {"drift": US}, "versions": {}}
WRITTEN = {
    "transition": (transition(), TRANSITION),
    "incident": (incident(), INCIDENT),
    "silence": (silence(), SILENCE),
    "notice": (notice(evidence={"x": (math.inf, T0)}), NOTICE),
    "board": (Board(3, 7, {"f": alert()}, (), {"drift": T0}, {}), BOARD),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_format_1_looks_like(name):
    """What was written once must be read for ever. Fields may be added that have a default; a change of those here is another format."""
    kept, facts = WRITTEN[name]
    expected = {"format": 1, **facts}
    made = json.loads(text(kept))
    assert {key: made[key] for key in expected} == expected
    assert record(type(kept), json.dumps(expected), where="here") == kept


def test_infinite_numbers_are_words_and_the_rest_is_strict_json():
    made = text(replace(transition(), value=math.inf, limit=-math.inf))
    facts = json.loads(made, parse_constant=pytest.fail)
    assert (facts["value"], facts["limit"]) == ("inf", "-inf")


def test_numbers_of_numpy_are_numbers():
    odd = replace(transition(), value=np.float64(0.25), n=np.int64(7))
    found = record(Transition, text(odd), where="")
    assert (found.value, found.n, type(found.n)) == (0.25, 7, int)
    said = settled(notice(evidence={"n": np.int64(7), "x": np.float32(0.5), "b": np.bool_(True)}))
    assert said.evidence == {"n": 7, "x": 0.5, "b": True}
    assert [type(value) for value in said.evidence.values()] == [int, float, bool]


WORDS = st.text(st.characters(blacklist_categories=()), max_size=6)
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda when: when.replace(fold=0))
NUMBERS = st.floats(allow_nan=False)
MARKS = WORDS | st.sampled_from(["$tuple", "$moment", "$float", "$mapping", "$"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | WORDS | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(MARKS, inner, max_size=2),
    max_leaves=8,
)
KEYS = st.builds(Key, WORDS, WORDS, column=WORDS, segment=st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple), reason=WORDS)


@given(st.dictionaries(MARKS, ANYTHING, max_size=3), st.lists(WORDS, max_size=3).map(tuple), TIMES, st.none() | TIMES)
def test_any_notice_comes_back_as_it_was(evidence, details, starts, ends):
    kept = notice(evidence=evidence, details=details, starts_at=starts, ends_at=ends, alerts=(evidence,))
    found = record(Notice, text(kept), where="")
    assert repr(found) == repr(kept)  # a tuple is no list, True is no 1, -0.0 is -0.0
    assert repr(settled(kept)) == repr(kept)


@given(KEYS, st.none() | NUMBERS, st.sampled_from(State), TIMES)
def test_any_board_comes_back_as_it_was(key, value, state, when):
    one = replace(alert(), key=key, state=state, since=when, last=replace(alert().last, key=key, value=value))
    kept = Board(1, 2, {key.reason: one}, heads={key.column: when})
    assert repr(unpacked(Board, packed(kept), where="")) == repr(kept)
    assert repr(settled(kept)) == repr(kept)


def test_a_board_of_ten_thousand_alerts_stays_small():
    alerts = {str(i): replace(alert(i % 100), key=Key("Drift", "psi", column=f"column_{i}"), incident="inc_1") for i in range(10_000)}
    board = Board(1, 2, alerts)
    data = packed(board)
    assert len(data) < 500_000
    assert unpacked(Board, data, where="") == board


def test_a_field_that_is_missing_has_its_default():
    facts = json.loads(text(Board(3, 7)))
    del facts["versions"], facts["number"]
    assert record(Board, json.dumps(facts), where="") == Board(3)


def changed(kept, **changes):
    return json.dumps({**json.loads(text(kept)), **changes})


@pytest.mark.parametrize(
    ("kind", "written", "says"),
    [
        (
            Board,
            changed(Board(), format=FORMAT + 1, new=1),
            f"The board has format 2, and this driftline reads up to {FORMAT}. Update driftline.",
        ),
        (Board, "", "The board is damaged"),
        (Board, "[]", "The board is damaged"),
        (Board, "{}", "The board is damaged"),
        (Board, "[" * 100_000, "The board is damaged"),
        (Board, changed(Board(), format="one"), "The board is damaged"),
        (Board, changed(Board(), alerts=7), "The board is damaged"),
        (Board, changed(Board(), heads={"drift": "monday"}), "The board is damaged"),
        (Board, changed(Board(), heads={"drift": 1 << 80}), "The board is damaged"),
        (Board, changed(Board(), a_field_of_tomorrow=1), "The board is damaged. Update driftline, or restore a copy of the store."),
        (Incident, changed(incident(), stage="lost"), "The incident is damaged"),
        (Silence, changed(silence(), matchers=[1]), "The silence is damaged"),
        (Transition, changed(transition(), window=[2, 1]), "The transition is damaged"),
        (Transition, changed(transition(), key=None), "The transition is damaged"),
        (Notice, '{"format":1,"id":"n1"}', "The notice is damaged"),
    ],
)
def test_other_texts_are_refused_with_the_place(kind, written, says):
    with pytest.raises(StoreError) as caught:
        record(kind, written, where="store.db, model 'm'")
    assert str(caught.value).startswith(f"store.db, model 'm': {says}")


@pytest.mark.parametrize("data", [b"", b"x", packed(Board())[:-3], zlib.compress(b"\xff")])
def test_other_bytes_are_refused_with_the_place(data):
    with pytest.raises(StoreError, match=r"here: The board is damaged\."):
        unpacked(Board, data, where="here")


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        ({"x": {1, 2}}, "A value of the type 'set' cannot be kept. Make it a text or a number."),
        ({"x": [object()]}, "A value of the type 'object' cannot be kept"),
        ({"x": np.arange(2)}, "A value of the type 'ndarray' cannot be kept"),
        ({"x": {1: 2}}, "A mapping with the name '1' cannot be kept. Names are texts."),
        ({"x": datetime(2026, 1, 1)}, "A time without a time zone cannot be kept: 2026-01-01T00:00:00"),
    ],
)
def test_what_cannot_be_kept_is_said(evidence, says):
    for keep in (text, settled):
        with pytest.raises(StoreError) as caught:
            keep(notice(evidence=evidence))
        assert str(caught.value).startswith(says)


def test_a_settled_record_shares_nothing_that_changes():
    evidence = {"list": [1, 2]}
    said = notice(evidence=evidence)
    kept = settled(said)
    evidence["list"].append(3)
    assert kept.evidence == {"list": [1, 2]}


def test_a_whole_reaction_is_settled():
    reaction = Reaction(Board(1, alerts={"f": alert()}), (transition(),), (incident(),), (outgoing(settled=T0 + timedelta(1)),))
    assert settled(reaction) == reaction


def test_a_type_without_a_form_is_found_by_whoever_adds_it():
    @dataclass
    class Odd:
        field: complex

    for kind in (complex, set[str], Odd):
        with pytest.raises((TypeError, NameError)):
            way(kind)
    assert way(Mapping[str, int]).back is dict
