"""Delivery: in order, at least once, again after failures, and never for ever."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from driftline.alerting.records import Kind, Outgoing, Sending
from driftline.core.verdicts import Severity
from driftline.engine import deliver as delivery
from driftline.engine.deliver import RETRIES, deliver, digest_due, digest_of, gather_digest
from driftline.ports import Answer
from driftline.stores.open import open_store
from receivers import NOW, notice

FINE = Answer(True, "status 200")
BROKEN = Answer(False, "the receiver answered with status 500")
MIDDLE = lambda: 0.5
DAY = timedelta(days=1)


@dataclass
class Fake:
    """A channel that answers what it is told to, the last answer for ever; an exception is raised."""

    answers: list = field(default_factory=lambda: [FINE])
    forgets: bool = False
    got: list = field(default_factory=list)

    def send(self, told, *, now):
        self.got.append(told.id)
        answer = self.answers[min(len(self.got), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def store():
    opened = open_store("memory:")
    yield opened
    opened.close()


def put(store, *notices, channel="ops", due=NOW, state=Sending.WAITING):
    store.settle("credit", [], more=[Outgoing(channel, each, due=due, state=state) for each in notices])


def run(store, now=NOW, active=(), jitter=MIDDLE, **channels):
    return deliver(store, "credit", channels, now=now, jitter=jitter, active=active)


def states(store):
    return [each.state for each in store.outgoing("credit")]


def test_what_waits_is_sent_once(store):
    put(store, notice("a"), notice("b", incident="inc_2"))
    ops = Fake()
    assert run(store, ops=ops) == delivery.Delivered(sent=2)
    assert ops.got == ["a", "b"]
    assert run(store, now=NOW + DAY, ops=ops) == delivery.Delivered()
    for each in store.outgoing("credit"):
        assert (each.state, each.attempts, each.settled, each.error) == (Sending.DELIVERED, 1, NOW, "")


def test_the_notices_of_an_incident_go_in_order_and_in_one_run(store):
    put(store, *(notice(name) for name in "abcd"))
    ops = Fake()
    assert run(store, ops=ops).sent == 4
    assert ops.got == ["a", "b", "c", "d"]


def test_the_second_waits_for_the_first(store):
    put(store, notice("a"), notice("b"))
    ops = Fake([BROKEN])
    assert run(store, ops=ops) == delivery.Delivered(failed=1, waiting=2, errors={"ops": BROKEN.said})
    assert ops.got == ["a"]
    first, second = store.outgoing("credit")
    assert (first.attempts, first.due, first.error, second.attempts) == (1, NOW + RETRIES[0], BROKEN.said, 0)
    assert run(store, now=NOW + timedelta(seconds=4), ops=ops).failed == 0
    healed = Fake()
    assert run(store, now=NOW + timedelta(seconds=5), ops=healed).sent == 2
    assert healed.got == ["a", "b"]


def test_what_is_not_due_waits(store):
    put(store, notice("a"), due=NOW + timedelta(minutes=1))
    assert run(store, ops=Fake()) == delivery.Delivered(waiting=1)


def test_the_schedule_of_retries_ends_where_everybody_can_see_it(store):
    put(store, notice("a"))
    ops, now, waits = Fake([BROKEN]), NOW, []
    for _ in range(20):
        run(store, now=now, ops=ops)
        (only,) = store.outgoing("credit")
        if only.state is Sending.DEAD:
            break
        waits.append(only.due - now)
        now = only.due
    assert tuple(waits) == RETRIES
    assert sum(RETRIES, timedelta()) > 2 * DAY
    assert (only.state, only.attempts, only.error, only.settled) == (Sending.DEAD, 9, BROKEN.said, now)
    assert run(store, now=now + DAY, ops=ops) == delivery.Delivered()
    assert len(ops.got) == 9


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.9), (0.25, 0.95), (0.999, 1.0998)])
def test_retries_are_spread_by_a_tenth(store, jitter, share):
    put(store, notice("a"))
    run(store, ops=Fake([BROKEN]), jitter=lambda: jitter)
    (only,) = store.outgoing("credit")
    assert abs(only.due - NOW - RETRIES[0] * share) < timedelta(milliseconds=1)


@pytest.mark.parametrize(("asked", "waited"), [(1.0, RETRIES[0]), (600.0, timedelta(minutes=10)), (1e9, DAY), (None, RETRIES[0])])
def test_the_later_of_our_schedule_and_what_the_receiver_asks_for(store, asked, waited):
    put(store, notice("a"))
    run(store, ops=Fake([replace(BROKEN, after=asked)]))
    assert store.outgoing("credit")[0].due - NOW == waited


def test_a_receiver_that_wants_no_more_gets_no_more(store):
    put(store, *(notice(name, incident=name) for name in "abc"), notice("d", incident="a"))
    put(store, notice("e"), channel="other")
    gone = Fake([FINE, Answer(False, "the receiver wants no more (status 410)", again=False, gone=True)])
    other = Fake()
    done = run(store, ops=gone, other=other)
    assert (done.sent, done.dead, done.waiting) == (2, 3, 0)
    assert (gone.got, other.got) == (["a", "b"], ["e"])
    assert states(store) == [Sending.DELIVERED, *3 * [Sending.DEAD], Sending.DELIVERED]
    assert "an earlier notice" in store.outgoing("credit")[3].error


def test_what_makes_no_sense_to_repeat_is_not_repeated(store):
    put(store, notice("a"))
    assert run(store, ops=Fake([Answer(False, "no", again=False)])).dead == 1
    assert states(store) == [Sending.DEAD]


def test_a_channel_that_is_not_configured_any_more(store):
    put(store, notice("a"), notice("b"), channel="old")
    put(store, notice("c"))
    done = run(store, ops=Fake())
    assert (done.sent, done.dead, done.errors) == (1, 2, {"old": "The channel 'old' is not configured any more."})
    assert store.outgoing("credit")[0].error == "The channel 'old' is not configured any more."


def test_a_channel_that_raises_stops_nobody(store):
    put(store, notice("a"), channel="bad")
    put(store, notice("b"))
    done = run(store, bad=Fake([RuntimeError("canary")]), ops=Fake())
    assert (done.sent, done.failed) == (1, 1)
    assert done.errors == {"bad": "the channel failed with RuntimeError"}


def test_after_three_failures_in_a_row_a_channel_is_left_alone_for_the_run(store):
    put(store, *(notice(f"s{i}", incident=f"{i}") for i in range(10)), channel="slow")
    put(store, *(notice(f"o{i}", incident=f"{i}") for i in range(10)))
    slow, ops = Fake([BROKEN]), Fake()
    done = run(store, slow=slow, ops=ops)
    assert (len(slow.got), len(ops.got)) == (3, 10)
    assert (done.sent, done.failed, done.waiting) == (10, 3, 10)
    assert [each.attempts for each in store.outgoing("credit")][:10] == [1, 1, 1, *7 * [0]]


def test_failures_that_are_not_in_a_row(store):
    put(store, *(notice(f"{i}", incident=f"{i}") for i in range(12)))
    done = run(store, ops=Fake([BROKEN, BROKEN, FINE] * 4))
    assert (done.sent, done.failed) == (4, 8)


def test_receivers_that_forget_are_told_again_of_what_is_active(store):
    put(store, notice("a"), channel="am")
    am, ops = Fake(forgets=True), Fake()
    active = [notice("a"), notice("z", incident="inc_9")]
    assert run(store, active=active, am=am, ops=ops) == delivery.Delivered(sent=1, repeated=2)
    assert (am.got, ops.got) == (["a", "a", "z"], [])
    assert run(store, active=active, am=am, ops=ops).repeated == 2
    assert run(store, active={"am": active[1:], "ops": active}, am=am, ops=ops).repeated == 1
    assert (am.got[-1], ops.got) == ("z", [])
    assert states(store) == [Sending.DELIVERED]


def test_a_receiver_that_forgets_and_fails_is_left_alone_too(store):
    am = Fake([BROKEN], forgets=True)
    done = run(store, active=[notice(f"{i}") for i in range(9)], am=am)
    assert (len(am.got), done.repeated, done.errors) == (3, 0, {"am": BROKEN.said})


def test_each_notice_is_settled_right_after_it_was_sent(store):
    """Who dies while sending the third has kept that the first two arrived."""
    put(store, *(notice(name, incident=name) for name in "abc"))
    with pytest.raises(KeyboardInterrupt):
        run(store, ops=Interrupted())
    assert states(store) == [Sending.DELIVERED, Sending.DELIVERED, Sending.WAITING]


class Interrupted(Fake):
    def send(self, told, *, now):
        if told.id == "c":
            raise KeyboardInterrupt
        return super().send(told, now=now)


def test_a_store_that_says_the_same_again_is_not_listened_to():
    """However wrong a store is, a run sends each notice at most once and ends."""

    class Stuck:
        settled = 0

        def due(self, model, *, now):
            return [Outgoing("ops", notice("a"), due=NOW, number=1)]

        def settle(self, model, outgoing, *, more=()):
            self.settled += 1

        def outgoing(self, model, *, states=(), last=0):
            return []

    ops = Fake()
    run(Stuck(), ops=ops)
    assert ops.got == ["a"]


def held(store, *ages, severity=Severity.INFO, channel="mail"):
    put(
        store,
        *(notice(f"h{age}", made=NOW - age * DAY, severity=severity, incident=f"{age}") for age in ages),
        channel=channel,
        state=Sending.HELD,
    )


def test_a_digest_holds_what_was_kept_for_it(store):
    held(store, 3, 8)
    held(store, 1, severity=Severity.WARNING)
    put(store, notice("now"))
    assert gather_digest(store, "credit", ("mail", "chat"), 7 * DAY, NOW) == 3
    assert states(store) == [Sending.DIGESTED] * 3 + [Sending.WAITING] * 3
    *_, mail, chat = store.outgoing("credit")
    assert (mail.channel, chat.channel, mail.notice) == ("mail", "chat", chat.notice)
    digest = mail.notice
    assert (digest.kind, digest.severity, digest.made) == (Kind.DIGEST, Severity.WARNING, NOW)
    assert digest.summary == "3 notices kept for the digest: 1 warning, 2 info"
    assert [line.split(",")[0] for line in digest.details] == ["warning", "info", "info"]
    assert run(store, ops=Fake(), mail=Fake(), chat=Fake()).sent == 3


def test_a_digest_comes_when_its_time_has_come(store):
    held(store, 6)
    assert gather_digest(store, "credit", ("mail",), 7 * DAY, NOW) == 0
    assert gather_digest(store, "credit", ("mail",), 7 * DAY, NOW + DAY) == 1
    held(store, 5)
    later = NOW + DAY
    assert gather_digest(store, "credit", ("mail",), 7 * DAY, later + 6 * DAY) == 0
    assert gather_digest(store, "credit", ("mail",), 7 * DAY, later + 7 * DAY) == 1
    assert gather_digest(store, "credit", ("mail",), 7 * DAY, later + 99 * DAY) == 0


def test_without_a_channel_for_digests_what_is_held_stays_held(store):
    held(store, 30)
    assert gather_digest(store, "credit", (), DAY, NOW) == 0
    assert states(store) == [Sending.HELD]


def test_one_notice_held_for_two_channels_is_one_line(store):
    held(store, 9, channel="mail")
    held(store, 9, channel="chat")
    assert gather_digest(store, "credit", ("mail",), DAY, NOW) == 1
    assert states(store) == [Sending.DIGESTED, Sending.DIGESTED, Sending.WAITING]


def test_the_same_notices_make_the_same_digest():
    notices = [notice("a"), notice("b", severity=Severity.INFO)]
    made = {digest_of("credit", order, now=NOW + i * DAY).id for i, order in enumerate(itertools.permutations(notices))}
    assert len(made) == 1
    assert digest_of("credit", notices[:1], now=NOW).id not in made


def test_digest_due():
    assert not digest_due([], None, DAY, NOW)
    assert digest_due([notice("a", made=NOW - DAY)], None, DAY, NOW)
    assert not digest_due([notice("a", made=NOW - DAY)], NOW - DAY / 2, DAY, NOW)


def test_a_trial_of_a_channel_is_a_notice_of_its_own():
    one = delivery.test_notice("credit", NOW, "ops")
    assert (one.kind, one.model, one.alerts) == (Kind.TEST, "credit", ())
    assert "'ops'" in one.summary
    assert one.id == delivery.test_notice("credit", NOW, "ops").id
    assert len({one.id, delivery.test_notice("credit", NOW + DAY, "ops").id, delivery.test_notice("credit", NOW, "x").id}) == 3
