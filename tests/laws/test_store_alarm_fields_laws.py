"""Every record of alerting comes back from every store as it was, whatever is in it."""

import itertools
import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from driftline.alerting.records import (
    Act,
    Alert,
    Board,
    Closing,
    Incident,
    Key,
    Kind,
    Level,
    Member,
    Outgoing,
    Reaction,
    Sending,
    Stage,
    State,
    Told,
    Transition,
)
from driftline.core.records import Basis
from driftline.core.verdicts import Severity
from stored import (
    LONG_AGO,
    T0,
    alert,
    hour,
    incident,
    notice,
    outgoing,
    sight,
    silence,
    transition,
)

pytestmark = pytest.mark.slow

pytest_plugins = ["store_fixtures"]

HOSTILE = [
    "",
    "o'brien \"; DROP TABLE outbox; --",
    "🛫 指標 \u202e",
    "NUL \0 inside \x1a0000",
    "lone \ud800 surrogate",
    "\ud83d\ude00",  # two that stand beside each other are no pair
    '{"$tuple": []} \\u0000 \\ud800',
    "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(10_240)),
]


def test_every_field_of_every_record_of_alerting_comes_back_as_it_was(store, again):
    moments = (T0 + timedelta(microseconds=7 * i + 1) for i in itertools.count())
    key = Key("rule", "metric", Basis.SAME_AGE, "column", (("a", "x"), ("b", "y")), "version", "reason")
    seen = sight(0, key=Key("another", "m"), level=Level.BETWEEN, value=-math.inf, limit=math.inf, n=17, note="note", reason="why")
    one = Alert(
        key, Severity.CRITICAL, "group", State.RECOVERING, next(moments), seen, next(moments), next(moments),
        ((next(moments), Level.CLEAR), (next(moments), Level.UNKNOWN)), 3, 4, "inc_9",
    )  # fmt: skip
    acts = (Act("close", "ann", "because", next(moments), Closing.EXPECTED_EVENT), Act("note", "bob", "", next(moments)))
    members = (
        Member(key, Severity.INFO, next(moments), seen, sight(1), next(moments), "muted: x"),
        Member(key, Severity.INFO, T0, seen, seen),
    )
    told = Told("firing", Severity.WARNING, next(moments), 5)
    two = Incident(
        "inc_9", "model", "group", Stage.ACKNOWLEDGED, Severity.INFO, next(moments), next(moments), members, next(moments), acts, told,
        Closing.DUPLICATE,
    )  # fmt: skip
    board = Board(1, 2, {"b": one, "a": alert(1)}, (two, incident()), {"z": next(moments), "a": T0}, {"v": next(moments)}, "rules", 0.5)
    went = Transition(
        key, State.OK, State.PENDING, hour(2), next(moments), next(moments), math.inf, None, 3, "derived", "reason", "plan",
        Severity.CRITICAL, True, 1,
    )  # fmt: skip
    evidence = {
        "value": math.inf, "pair": (1, 2.5, None), "nested": {"list": [True, -math.inf, {"$tuple": 1}]}, "when": next(moments),
        "$float": "inf", "one": {"$moment": "x"}, "empty": {}, "none": ((),),
    }  # fmt: skip
    said = notice(
        kind=Kind.REMINDER, status="s", severity=Severity.CRITICAL, details=("a", "b"), annotations={"c": "d"}, evidence=evidence,
        ends_at=next(moments), made=next(moments), alerts=({"labels": {"x": "y"}, "ends_at": None}, {}),
    )  # fmt: skip
    sent = Outgoing("channel", said, next(moments), Sending.HELD, 3, "error", next(moments), 1)
    for record in (key, one, two, told, went, sent, board):
        assert len({repr(getattr(record, field.name)) for field in fields(record)}) == len(fields(record)), "two may be alike"
    store.react("m", Reaction(board, (went,), (two,), (sent,)))
    assert (again.board("m"), again.transitions("m"), again.incidents("m"), again.outgoing("m")) == (board, [went], [two], [sent])
    assert repr(again.board("m")) == repr(board)  # in the same order, and of the same types
    assert repr(again.outgoing("m")) == repr([sent])


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(0), "Zulu")])
def test_times_of_alerts_come_back_in_utc(store, zone):
    local = T0.astimezone(zone)
    store.react("m", Reaction(Board(1, heads={"drift": local}), outgoing=(outgoing(due=local, settled=local),)))
    store.put_silence("m", silence(starts=local))
    (sent,), (quiet,) = store.outgoing("m"), store.silences("m", at=local)
    times = [store.board("m").heads["drift"], sent.due, sent.settled, quiet.starts]
    assert times == [T0] * 4
    assert [each.tzinfo for each in times] == [UTC] * 4


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text)[:20] for text in HOSTILE])
def test_hostile_text_in_alerts_is_kept_as_it_is(store, again, text):
    key = Key(text, text, Basis.OBSERVED, text, ((text, text),), text, text)
    one = replace(alert(), key=key, group=text, incident=text, last=sight(0, key=key, note=text, reason=text))
    two = replace(incident(text), model=text, group=text, acts=(Act("note", text, text, T0),))
    said = notice(text, incident=text, summary=text, labels={text: text}, evidence={text: {text: (text,)}}, details=(text,))
    sent = Outgoing(text, said, T0, error=text, number=1)
    board = Board(1, 0, {text: one}, (two,), {text: T0}, {text: T0})
    went = replace(transition(), key=key, derivation=text, reason=text, plan=text, number=1)
    store.react(text, Reaction(board, (went,), (two,), (sent,)))
    store.put_silence(text, silence(text, matchers={text: text}, author=text, comment=text, ended_by=text))
    assert again.models() == [text]
    assert again.board(text) == board
    assert again.transitions(text, fingerprint=key.fingerprint) == [went]
    assert again.transitions(text, fingerprint=text) == []
    assert again.incidents(text) == [again.incident(text, text)] == [two]
    assert again.outgoing(text) == again.due(text, now=T0) == [sent]
    assert again.silences(text) == [silence(text, matchers={text: text}, author=text, comment=text, ended_by=text)]


def test_what_was_given_may_be_changed_afterwards(store):
    alerts, labels = {"f": alert()}, {"x": "y"}
    store.react("m", Reaction(Board(1, 0, alerts), outgoing=(replace(outgoing(), notice=notice(labels=labels)),)))
    alerts.clear()
    labels["x"] = "z"
    assert store.board("m").alerts == {"f": alert()}
    assert store.outgoing("m")[0].notice.labels == {"x": "y"}


def test_the_alerts_of_models_do_not_see_each_other(store):
    names = ["m", "M", "m ", "m\0", ""]
    for i, name in enumerate(names):
        for revision in range(1, i + 2):
            mine = Reaction(Board(revision, i), (transition(i),), (incident(f"inc_{name}"),), (outgoing(f"{revision}"),))
            store.react(name, mine)
        store.put_silence(name, silence(author=name))
    for i, name in enumerate(names):
        assert store.board(name) == Board(i + 1, i)
        assert [each.number for each in store.transitions(name)] == [each.number for each in store.outgoing(name)] == list(range(1, i + 2))
        assert [each.id for each in store.incidents(name)] == [f"inc_{name}"]
        assert [each.author for each in store.silences(name)] == [name]


def test_size_counts_alerts(store):
    before = store.size()
    store.react("m", Reaction(Board(1, 0, {str(i): alert(i) for i in range(3_000)}), (transition(),) * 3_000))
    after = store.size()
    assert after["total"] > before["total"]
    if "transitions" in after:  # where the database can tell
        assert after["transitions"] > 300_000
        assert {"boards", "incidents", "silences", "outbox"} <= set(after)


@pytest.mark.parametrize("when", [LONG_AGO, datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)])
def test_times_of_alerts_of_all_ages_are_kept_to_the_microsecond(store, when):
    store.react("m", Reaction(Board(1, heads={"drift": when}), outgoing=(outgoing(due=when),)))
    assert (store.board("m").heads, store.outgoing("m")[0].due) == ({"drift": when}, when)
