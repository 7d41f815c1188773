"""React: what evaluations leave in the store. Evaluations are made by hand; everything from there on is real."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from driftline.alerting.lifecycle import in_force
from driftline.alerting.records import Kind, Sending, Stage
from driftline.alerting.rules import Rule
from driftline.channels.spec import ChannelSpec
from driftline.config.alerts import AlertsPlan, NotifySpec
from driftline.config.plan import ColumnsSpec, DriftPlan, Plan
from driftline.core.errors import StoreError
from driftline.core.ledger import Evaluation, PartKind, Step, StoredPart
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.core.verdicts import Severity
from driftline.engine import react as reacting
from driftline.engine.model import Model
from driftline.engine.react import react
from driftline.stores.memory import MemoryStore

DAY = timedelta(days=1)
T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOOK = ChannelSpec(type="webhook", url="$URL")
CHANNELS = {"pager": HOOK, "chat": HOOK, "mail": HOOK}
TOLD = NotifySpec(critical=("pager",), warning=("chat",), info=("mail",), digest=("mail",))


def day(i):
    return Window(T0 + i * DAY, T0 + (i + 1) * DAY)


def plan(**alerts):
    spec = AlertsPlan(channels=CHANNELS, notify=TOLD, **alerts)
    return Plan(model="m", columns=ColumnsSpec(id="id", time="at"), drift=DriftPlan(importance={"income": 0.3}), alerts=spec)


def model_of(store=None, **alerts):
    return Model(plan(**alerts), "digest", store or MemoryStore(), None, [])


def said(i, *, missing=0.0, verdict=0.0, column="income", n=1000):
    scope = Scope("m", window=day(i))
    status = Status.OK if n else Status.NODATA
    return (
        Measurement("verdict", verdict if n else None, scope, n, column, beyond=verdict > 0 if n else None, status=status, note="drifted"),
        Measurement(
            "missing_rate",
            missing if n else None,
            scope,
            n,
            column,
            limit=0.01,
            beyond=missing > 0.01 if n else None,
            status=status,
            note=f"missing {missing:.0%} (reference 0 %); limit 0.01 from the reference",
        ),
    )


def drift(i, *measurements, as_of=None):
    return Evaluation(Step.DRIFT, day(i), as_of or day(i).end, T0, i, "digest", "r", tuple(measurements))


def quality(i, value, *, as_of):
    m = Measurement("roc_auc", value, Scope("m", window=day(i)), 500, limit=0.7, beyond=value < 0.7, basis=Basis.MATURED, note="worse")
    return Evaluation(Step.PERFORMANCE, day(i), as_of, T0, i, "digest", "r", (m,))


SPIKE = [0.0, 0.0, 0.3, 0.3, 0.0, 0.0, 0.0]


def history():
    """A null spike on two days, a day of drift, and final labels that come five days late and are bad once."""
    found = []
    for i, missing in enumerate(SPIKE):
        if i >= 5:
            found.append(quality(i - 5, 0.6 if i == 5 else 0.8, as_of=day(i).end))
        found.append(drift(i, *said(i, missing=missing, verdict=2.0 if missing else 1.0 if i == 6 else 0.0)))
    return found


def arrived(store):
    """All that waits has been sent."""
    store.settle("m", [replace(each, state=Sending.DELIVERED) for each in store.outgoing("m", states=(Sending.WAITING,))])


def known(store):
    """What is kept, but for the clock and for numbers that depend on how often it was run."""
    transitions = [replace(t, made=T0, number=0) for t in store.transitions("m")]
    incidents = [replace(i, told=None) for i in store.incidents("m")]
    board = store.board("m")
    return transitions, incidents, dict(board.alerts), board.heads


def test_a_null_spike_is_one_incident_and_one_page():
    store = MemoryStore()
    model = model_of(store)
    for i, evaluation in enumerate(e for e in history() if e.step is Step.DRIFT):
        store.save("m", [evaluation])
        react(model, now=day(i).end)
        arrived(store)
    (incident,) = store.incidents("m")
    assert incident.stage is Stage.RESOLVED
    assert {member.key.rule for member in incident.members} == {"NullSpike", "ColumnFaulty"}
    sent = store.outgoing("m")
    assert [(each.channel, each.notice.kind, each.state) for each in sent] == [
        ("pager", Kind.FIRING, Sending.DELIVERED),
        ("pager", Kind.REMINDER, Sending.DELIVERED),
        ("pager", Kind.RESOLVED, Sending.DELIVERED),
    ]
    assert sent[0].notice.summary.startswith("income is missing in 30 % of the rows (limit 1 %) since 2026-03-03")
    assert sent[0].notice.labels["alertname"] == "NullSpike"


def test_nobody_is_reminded_of_what_nobody_has_heard():
    store = MemoryStore()
    for i, evaluation in enumerate(e for e in history() if e.step is Step.DRIFT):
        store.save("m", [evaluation])
        react(model_of(store), now=day(i).end)
    assert [each.notice.kind for each in store.outgoing("m")] == [Kind.FIRING, Kind.RESOLVED]


def test_a_backfill_gives_what_living_through_it_gave():
    lived, filled = MemoryStore(), MemoryStore()
    for evaluation in history():
        lived.save("m", [evaluation])
        react(model_of(lived), now=evaluation.as_of)
    filled.save("m", history())
    react(model_of(filled), now=day(30).end)
    assert known(filled) == known(lived)


def test_of_a_backfill_people_are_told_what_still_fires_and_the_rest_in_the_digest():
    store = MemoryStore()
    over = [drift(i, *said(i, missing=missing, verdict=2.0 if missing else 0.0)) for i, missing in enumerate(SPIKE)]
    still = [drift(i, *said(i, missing=0.3, verdict=2.0)) for i in range(20, 22)]
    quiet = [drift(i, *said(i)) for i in range(len(SPIKE), 20)]
    store.save("m", [*over, *quiet, *still])
    react(model_of(store), now=day(22).end)
    sent = [(each.channel, each.state, each.notice.kind) for each in store.outgoing("m")]
    assert sent == [("mail", Sending.HELD, Kind.RESOLVED), ("pager", Sending.WAITING, Kind.FIRING)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_how_many_are_taken_in_at_once_makes_no_difference(chunk, monkeypatch):
    whole, pieces = MemoryStore(), MemoryStore()
    for store in (whole, pieces):
        store.save("m", history())
    react(model_of(whole), now=day(30).end)
    monkeypatch.setattr(reacting, "AT_ONCE", chunk)
    react(model_of(pieces), now=day(30).end)
    assert known(pieces)[0] == known(whole)[0]
    assert {i.id for i in known(pieces)[1]} == {i.id for i in known(whole)[1]}
    assert known(pieces)[2:] == known(whole)[2:]


@pytest.mark.parametrize("at", range(1, 10))
def test_dying_before_anything_was_kept_changes_nothing(at):
    class Dying(MemoryStore):
        left = at

        def react(self, model, reaction):
            self.left -= 1
            if self.left == 0:
                raise StoreError("died")
            super().react(model, reaction)

    straight, interrupted = MemoryStore(), Dying()
    for evaluation in history():
        for store in (straight, interrupted):
            store.save("m", [evaluation])
            for _ in range(2):
                with contextlib.suppress(StoreError):
                    react(model_of(store), now=evaluation.as_of)
    assert known(interrupted) == known(straight)
    assert [each.notice.id for each in interrupted.outgoing("m")] == [each.notice.id for each in straight.outgoing("m")]


def test_running_again_without_news_writes_nothing():
    store = MemoryStore()
    store.save("m", history())
    react(model_of(store), now=day(7).end)
    before = store.board("m").revision
    react(model_of(store), now=day(7).end)
    assert store.board("m").revision == before


def test_a_dry_run_keeps_nothing():
    store = MemoryStore()
    store.save("m", history())
    done = react(model_of(store), now=day(7).end, dry=True)
    assert done.transitions
    assert done.outgoing
    assert not store.transitions("m")
    assert not store.outgoing("m")
    assert store.board("m").revision == 0


def test_rows_that_come_late_and_were_fine_take_the_alert_back():
    store = MemoryStore()
    store.save("m", history()[:3])
    react(model_of(store), now=day(2).end)
    assert store.incidents("m")[0].stage is Stage.OPEN
    store.save("m", [drift(2, *said(2), as_of=day(3).end), drift(3, *said(3))])
    react(model_of(store), now=day(3).end)
    assert in_force(t for t in store.transitions("m") if t.key.rule == "NullSpike") == []
    assert store.incidents("m")[0].stage is Stage.RESOLVED
    assert [each.notice.status for each in store.outgoing("m")] == ["firing", "resolved"]


def test_rows_that_come_late_and_were_bad_are_told_although_it_is_over():
    store = MemoryStore()
    store.save("m", [drift(i, *said(i)) for i in range(5)])
    react(model_of(store), now=day(4).end)
    assert not store.incidents("m")
    store.save("m", [drift(1, *said(1, missing=0.3, verdict=2.0), as_of=day(5).end)])
    react(model_of(store), now=day(5).end)
    assert [t.after.value for t in in_force(t for t in store.transitions("m") if t.key.rule == "NullSpike")] == [
        "firing",
        "recovering",
        "ok",
    ]
    (notice,) = store.outgoing("m")
    assert (notice.channel, notice.state) == ("mail", Sending.HELD)
    assert "late" in notice.notice.summary.casefold()


def test_of_two_evaluations_of_one_time_the_later_counts():
    store = MemoryStore()
    fine, bad = drift(0, *said(0)), drift(0, *said(0, missing=0.3, verdict=2.0))
    store.save("m", [bad, bad])
    react(model_of(store), now=day(0).end)
    assert store.incidents("m")
    other = MemoryStore()
    other.save("m", [bad, fine])
    react(model_of(other), now=day(0).end)
    assert not other.incidents("m")


def test_a_known_event_is_kept_and_told_to_nobody():
    store = MemoryStore()
    store.save("m", history()[:3])
    react(model_of(store, muted={"migration": {"from_": "2026-03-03", "to": "2026-03-05"}}), now=day(2).end)
    assert store.board("m").alerts
    assert not store.outgoing("m")
    assert store.incidents("m")[0].members[0].muted_by == "muted: migration"


def test_drift_on_what_an_upstream_model_produces_waits_for_that_model():
    store = MemoryStore()
    upstream = replace(model_of(store), plan=plan().but(model="rates"))
    spike = [replace(m, scope=replace(m.scope, model="rates")) for m in said(0, missing=0.3, verdict=2.0)]
    store.save("rates", [drift(0, *spike)])
    react(upstream, now=day(0).end)
    depending = replace(model_of(store), plan=plan().but(depends_on={"rates": ("rate",)}))
    for i in range(3):
        store.save("m", [drift(i, *said(i, verdict=1.0, column="rate"))])
        react(depending, now=day(i).end)
    assert any(alert.key.rule == "ColumnDrift" and alert.state.is_active for alert in store.board("m").alerts.values())
    assert not store.outgoing("m")


def test_a_new_version_without_a_reference_of_its_own_is_given_three_windows():
    store = MemoryStore()
    for i in range(6):
        version = "1" if i < 2 else "2"
        store.put("m", [StoredPart(PartKind.TRAFFIC, "s", version, day(i), 0, 1, 10, b"")])
        store.save("m", [drift(i, *said(i, verdict=1.0 if i >= 2 else 0.0))])
        react(model_of(store), now=day(i).end)
        told = [each.notice.status for each in store.outgoing("m")]
        assert told == ([] if i < 5 else ["firing"]), i


def test_rules_that_would_have_paged_too_often_page_nobody_until_that_is_confirmed(monkeypatch):
    from driftline.engine import backtest

    monkeypatch.setattr(backtest, "pages_per_month", lambda *_: 3.0)
    for confirmed, channel in (("", "chat"), ("the feed is being repaired", "pager")):
        store = MemoryStore()
        store.save("m", history()[:3])
        react(model_of(store, budget={"confirmed": confirmed}), now=day(2).end)
        assert [each.channel for each in store.outgoing("m")] == [channel]


def test_rules_are_replayed_when_they_change_and_not_otherwise(monkeypatch):
    from driftline.engine import backtest

    runs: list[int] = []

    def pages(*_):
        runs.append(1)
        return 0.0 if len(runs) > 1 else None  # at first there is too little of a past to say

    monkeypatch.setattr(backtest, "pages_per_month", pages)
    store = MemoryStore()
    for i in range(3):
        store.save("m", [drift(i, *said(i))])
        react(model_of(store), now=day(i).end)
    assert len(runs) == 2
    react(model_of(store, rules={"NullSpike": Rule(severity=Severity.WARNING)}), now=day(3).end)
    assert len(runs) == 3
