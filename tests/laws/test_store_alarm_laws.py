"""What every store keeps to about alerts and notices: in memory, in SQLite, in a real PostgreSQL."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from driftline.alerting.records import (
    EMPTY,
    Board,
    Closing,
    Key,
    Reaction,
    Sending,
    Stage,
)
from driftline.core.errors import StoreError
from driftline.stores.memory import MemoryStore
from stored import (
    DATABASES,
    FAR,
    HOUR,
    NOTHING,
    T0,
    alert,
    delivery,
    evaluation,
    everything,
    incident,
    notice,
    outgoing,
    silence,
    transition,
)

pytest_plugins = ["store_fixtures"]


def ids(found):
    return [(each.notice.id, each.channel) for each in found]


# ---------------------------------------------------------------------- boards


def test_where_alerting_has_never_run_the_board_is_empty(store):
    store.accept("known", delivery(1))
    for model in ("known", "unknown"):
        assert store.board(model) == EMPTY
        assert store.incident(model, "inc_1") is None
        assert store.due(model, now=FAR) == []
    assert everything(store, "unknown") == NOTHING


def test_a_reaction_is_kept_with_all_that_is_in_it(store, again):
    board = Board(1, 7, {"f": alert()}, (incident(),), {"drift": T0}, {"v1": T0 - HOUR})
    store.react("m", Reaction(board, (transition(0), transition(1)), (incident(),), (outgoing(),)))
    assert again.board("m") == board
    assert again.transitions("m") == [replace(transition(0), number=1), replace(transition(1), number=2)]
    assert again.incidents("m") == [incident()]
    assert again.incident("m", "inc_1") == incident()
    assert again.outgoing("m") == again.due("m", now=FAR) == [replace(outgoing(), number=1)]
    assert again.models() == ["m"]


@pytest.mark.parametrize("revision", [-1, 0, 1, 3, 1_000_000_000_000])
def test_only_the_next_revision_is_kept(store, revision):
    store.react("m", Reaction(Board(1)))
    before = everything(store, "m")
    with pytest.raises(StoreError, match=f"Revision {revision} of the alerts of model 'm' was not kept: the last one is 1, so it is not"):
        store.react("m", Reaction(Board(revision), (transition(),), (incident(),), (outgoing(),)))
    assert everything(store, "m") == before
    store.react("m", Reaction(Board(2)))


def test_the_first_revision_is_one_and_a_refused_one_makes_no_model(store):
    with pytest.raises(StoreError, match="the last one is 0"):
        store.react("m", Reaction(Board(2)))
    assert everything(store, "m") == NOTHING


@pytest.mark.parametrize("where", DATABASES, indirect=True)
@pytest.mark.parametrize("fault", ["a time without a zone", "a number beyond 64 bits", "what is no JSON"])
def test_reacting_is_all_or_nothing(store, fault):
    """The notices are written last: what fails there leaves nothing of the rest."""
    store.react("m", Reaction(Board(1), (transition(),), (incident(),), (outgoing("n0"),)))
    before = everything(store, "m")
    bad = {
        "a time without a zone": outgoing("bad", due=datetime(2026, 1, 1)),
        "a number beyond 64 bits": outgoing("bad", attempts=1 << 70),
        "what is no JSON": replace(outgoing(), notice=notice("bad", evidence={"x": object()})),
    }[fault]
    closed = replace(incident(), stage=Stage.CLOSED)
    with pytest.raises(StoreError):
        store.react("m", Reaction(Board(2, 9), (transition(3),), (closed, incident("inc_2")), (outgoing("good"), bad)))
    assert everything(store, "m") == before
    store.react("m", Reaction(Board(2), (transition(3),), (), (outgoing("good"),)))
    assert [each.number for each in store.transitions("m")] == [each.number for each in store.outgoing("m")] == [1, 2]


@pytest.mark.parametrize("fault", ["a time without a zone", "what is no JSON"])
def test_what_cannot_be_kept_is_refused_by_every_store(store, fault):
    bad = outgoing(due=datetime(2026, 1, 1)) if fault.startswith("a time") else replace(outgoing(), notice=notice(evidence={"x": {1, 2}}))
    with pytest.raises(StoreError, match=r"without a time zone cannot be kept|of the type 'set' cannot be kept"):
        store.react("m", Reaction(Board(1), outgoing=(bad,)))
    with pytest.raises(StoreError):
        store.settle("m", [], more=[bad])
    with pytest.raises(StoreError, match="without a time zone"):
        store.put_silence("m", silence(ends=datetime(2026, 1, 1)))
    assert everything(store, "m") == NOTHING


# ------------------------------------------------- transitions and incidents


def test_transitions_are_found_by_alert_and_by_time(store):
    other = Key("Other", "auc")
    made = [transition(3), transition(0), transition(1, key=other), transition(1), transition(2, key=other)]
    store.react("m", Reaction(Board(1), tuple(made[:2])))
    store.react("m", Reaction(Board(2), tuple(made[2:])))
    kept = [replace(each, number=number) for number, each in enumerate(made, 1)]
    assert store.transitions("m") == kept
    assert store.transitions("m", fingerprint=other.fingerprint) == [kept[2], kept[4]]
    assert store.transitions("m", start=T0 + HOUR, end=T0 + 3 * HOUR) == kept[2:]
    assert store.transitions("m", fingerprint=other.fingerprint, end=T0 + 2 * HOUR) == [kept[2]]
    assert store.transitions("m", fingerprint="none") == store.transitions("m", start=FAR) == []


def test_incidents_are_replaced_by_id_and_found_by_stage(store):
    first, second, third = (replace(incident(f"inc_{i}"), opened=T0 + i * HOUR) for i in range(3))
    store.react("m", Reaction(Board(1), incidents=(second, first, third)))
    closed = replace(second, stage=Stage.CLOSED, closing=Closing.FALSE_ALARM)
    store.react("m", Reaction(Board(2), incidents=(closed,)))
    assert store.incidents("m") == [third, closed, first]
    assert store.incidents("m", last=2) == [third, closed]
    assert store.incidents("m", last=0) == []
    assert store.incidents("m", stages=[Stage.OPEN], last=1) == [third]
    assert store.incidents("m", stages={Stage.CLOSED, Stage.RESOLVED}) == [closed]
    assert store.incidents("m", stages=()) == []
    assert store.incident("m", "inc_1") == closed


def test_incidents_that_opened_together_come_in_the_same_order_everywhere(store):
    plain, many = MemoryStore(), tuple(incident(f"inc_{i}") for i in range(30))
    for each in (plain, store):
        each.react("m", Reaction(Board(1), incidents=many))
    assert store.incidents("m", last=7) == plain.incidents("m", last=7)


# -------------------------------------------------------------------- silences


def test_silences_are_in_force_until_they_end(store, again):
    late, early, replaced = silence("b", made=T0 + HOUR), silence("a"), silence("c", comment="old")
    for each in (late, replaced, early):
        store.put_silence("m", each)
    ended = replace(replaced, ends=T0 + HOUR, ended_by="ann", comment="new")
    store.put_silence("m", ended)
    assert again.silences("m") == [early, ended, late]
    assert again.silences("m", at=T0) == [early, ended, late]
    assert again.silences("m", at=T0 + HOUR) == [early, late]
    assert again.silences("m", at=T0 - timedelta(microseconds=1)) == []
    assert again.silences("m", at=silence().ends) == []
    assert again.models() == ["m"]


# ---------------------------------------------------------------------- outbox


def test_a_notice_goes_to_a_channel_once(store):
    both = (outgoing("n1", "mail"), outgoing("n1", "chat"), outgoing("n1", "mail", error="a second one"))
    store.react("m", Reaction(Board(1), outgoing=both))
    store.settle("m", [], more=[outgoing("n1", "chat"), outgoing("n2", "mail"), outgoing("n2", "mail")])
    store.react("m", Reaction(Board(2), outgoing=(outgoing("n2", "mail", state=Sending.HELD), outgoing("n3", "mail"))))
    found = store.outgoing("m")
    assert ids(found) == [("n1", "mail"), ("n1", "chat"), ("n2", "mail"), ("n3", "mail")]
    assert [each.number for each in found] == [1, 2, 3, 4]  # what was passed over takes no number
    assert [each.error for each in found] == [""] * 4
    store.react("n", Reaction(Board(1), outgoing=(outgoing("n1", "mail"),)))  # another model's is another notice
    assert ids(store.outgoing("n")) == [("n1", "mail")]


def test_many_notices_at_once_are_compared_with_many(store):
    many = [outgoing(f"n{i}") for i in range(1_200)]
    store.settle("m", [], more=many[::2])
    store.settle("m", [], more=many)
    assert sorted(each.number for each in store.outgoing("m", last=5_000)) == list(range(1, 1_201))
    assert ids(store.outgoing("m", last=2)) == ids([many[-3], many[-1]])


def test_of_an_incident_and_channel_only_the_first_that_waits_is_due(store):
    made = [
        outgoing("n1", "mail", incident="a", due=T0 + HOUR),  # holds up those behind it
        outgoing("n2", "mail", incident="a"),
        outgoing("n3", "chat", incident="a"),  # another channel
        outgoing("n4", "mail", incident="b"),  # another incident
        outgoing("n5", "mail", incident="b"),
        outgoing("n6", "mail", incident=""),  # none: nobody waits
        outgoing("n7", "mail", incident=""),
        outgoing("n8", "mail", incident="c", state=Sending.HELD),  # never due, and holds up nobody
        outgoing("n9", "mail", incident="c"),
    ]
    store.react("m", Reaction(Board(1), outgoing=tuple(made)))
    first = store.due("m", now=T0)
    assert [each.notice.id for each in first] == ["n3", "n4", "n6", "n7", "n9"]
    assert store.due("m", now=T0 - timedelta(microseconds=1)) == []
    assert [each.notice.id for each in store.due("m", now=T0 + HOUR)] == ["n1", "n3", "n4", "n6", "n7", "n9"]
    store.settle("m", [replace(each, state=Sending.DELIVERED, settled=T0) for each in first])
    assert [each.notice.id for each in store.due("m", now=T0)] == ["n5"]
    store.settle("m", [replace(store.outgoing("m")[0], state=Sending.DEAD, error="gone")])
    assert [each.notice.id for each in store.due("m", now=T0)] == ["n2", "n5"]


@pytest.mark.parametrize("state", [state for state in Sending if state is not Sending.WAITING])
def test_only_what_waits_is_due(store, state):
    store.settle("m", [], more=[outgoing(state=state)])
    assert store.due("m", now=FAR) == []
    assert store.outgoing("m", states=[state]) == store.outgoing("m") == [replace(outgoing(state=state), number=1)]
    assert store.outgoing("m", states=[Sending.WAITING]) == store.outgoing("m", states=()) == store.outgoing("m", last=0) == []


def test_queues_whose_names_run_together_are_not_confused(store):
    names = [("a", "bc"), ("ab", "c"), ("abc", ""), ("n1", "c")]
    store.settle("m", [], more=[outgoing(f"n{i}", channel, incident=name) for i, (name, channel) in enumerate(names)])
    store.settle("m", [], more=[outgoing("abc", "", incident=""), outgoing("a", "bc", incident="")])
    assert len(store.due("m", now=T0)) == 6


def test_what_became_of_a_notice_is_kept(store, again):
    store.settle("m", [], more=[outgoing("n1"), outgoing("n2")])
    first, second = store.outgoing("m")
    tried = replace(first, attempts=3, error="timeout\0", due=T0 + HOUR)
    sent = replace(second, state=Sending.DIGESTED, attempts=1, settled=T0 + timedelta(microseconds=1))
    store.settle("m", [sent, tried], more=[outgoing("digest", incident="")])
    assert again.outgoing("m") == [tried, sent, replace(outgoing("digest", incident=""), number=3)]


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_settling_what_was_never_sent_keeps_nothing(store, number):
    store.settle("m", [], more=[outgoing("n1")])
    store.settle("n", [], more=[outgoing("n1"), outgoing("n2")])
    before = everything(store, "m")
    (kept,) = store.outgoing("m")
    with pytest.raises(StoreError, match=f"Model 'm' has no notice {number} on its way"):
        store.settle("m", [replace(kept, state=Sending.DEAD), replace(kept, number=number)], more=[outgoing("n3")])
    assert everything(store, "m") == before


def test_settling_nothing_is_nothing(store):
    store.settle("m", [])
    assert store.models() == []


# ----------------------------------------------------------- evaluations after


def test_evaluations_after_a_number_come_in_order_of_their_numbers(store):
    store.save("m", [evaluation(i) for i in (3, 1, 2)])
    store.save("m", [evaluation(1)])
    numbers = lambda **more: [each.number for each in store.evaluations_after("m", **more)]
    assert store.evaluations_after("m", 0) == sorted(store.evaluations("m", every=True), key=lambda each: each.number)
    assert numbers(number=1) == [2, 3, 4]
    assert numbers(number=1, last=2) == [2, 3]
    assert numbers(number=-5, last=1) == [1]
    assert numbers(number=4) == numbers(number=0, last=0) == []
    assert store.evaluations_after("unknown", 0) == []
