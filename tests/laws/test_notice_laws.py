"""What holds for all notices, whatever happens to a model: nobody is told twice, and whoever was told of a beginning is told of the end."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.alerting.incidents import acknowledge, close
from driftline.alerting.notices import Spent, word
from driftline.alerting.records import Closing, Kind, Sending, Stage
from driftline.alerting.spec import BudgetSpec
from driftline.core.verdicts import Severity
from firing import NOTIFY, Life, alert, hour

KINDS = [
    ("TrafficAbsent", ""),
    ("NullSpike", "a"),
    ("ColumnDrift", "a"),
    ("ColumnDrift", "b"),
    ("QualityBelowFloor", ""),
    ("QualityEstimated", ""),
    ("OrphanLabels", ""),
    ("ServingFastBurn", "availability"),
]
ACTS = [None, None, None, "silence", "take", "close", "unplug"]
# One run: hours since the last, what fires, and what somebody does besides.
RUNS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sets(st.integers(0, len(KINDS) - 1)),
        st.sampled_from(ACTS),
    ),
    min_size=1,
    max_size=10,
)
BUDGETS = st.sampled_from([0.5, 1.0, 3.0, 100.0])


def lived(runs, pages, tickets):
    """A life of a model that ends with everything fine and no silence left."""
    life = Life(budget=BudgetSpec(pages_per_month=pages, tickets_per_month=tickets), repeat="12h")
    firing: dict[int, int] = {}
    now = 0
    for passed, on, act in [*runs, (200, set(), None), (1, set(), None)]:
        now += passed
        firing = {i: firing.get(i, now) for i in on}
        life.notify = {} if act == "unplug" else NOTIFY
        if act == "silence":
            life.silence(now, now + 50, "alertname=*Drift")
        for each in life.incidents:
            if act == "take" and each.stage is Stage.OPEN:
                life.incidents = tuple(acknowledge(i, "ann", "", hour(now)) if i is each else i for i in life.incidents)
            if act == "close" and each.stage is not Stage.CLOSED and each is life.incidents[-1]:
                life.incidents = tuple(close(i, Closing.FALSE_ALARM, "ann", "", hour(now)) if i is each else i for i in life.incidents)
        life.sent = Spent.of(life.incidents, hour(now))
        before = life.sent
        life.sees(now, *(alert(*KINDS[i], at=at, now=now) for i, at in firing.items()))
        yield life, before, now
        assert life.decides(now) == [], "the same run again tells nothing"


@settings(max_examples=50)
@given(RUNS, BUDGETS, BUDGETS)
def test_beginnings_and_ends_alternate_on_every_channel(runs, pages, tickets):
    for life, _, _ in lived(runs, pages, tickets):
        told = defaultdict(list)
        for each in life.outgoing:
            if each.state is Sending.WAITING:
                told[each.notice.incident, each.channel].append(each.notice.kind)
        for kinds in told.values():
            known = False
            for kind in kinds:
                assert kind is not Kind.FIRING or not known
                assert kind not in (Kind.RESOLVED, Kind.REMINDER) or known
                known = kind is not Kind.RESOLVED


@settings(max_examples=50)
@given(RUNS, BUDGETS, BUDGETS)
def test_whoever_was_told_of_a_beginning_is_told_of_the_end(runs, pages, tickets):
    (*_, (life, _, _)) = lived(runs, pages, tickets)
    last = {(each.notice.incident, each.channel): each.notice.kind for each in life.outgoing if each.state is Sending.WAITING}
    assert set(last.values()) <= {Kind.RESOLVED}
    for each in life.incidents:
        assert not each.is_active
        assert word(each.told) in ("resolved", "noted") or (each.stage is Stage.CLOSED and each.told is None)


@settings(max_examples=50)
@given(RUNS, BUDGETS, BUDGETS)
def test_no_notice_is_sent_twice_and_its_numbers_grow(runs, pages, tickets):
    (*_, (life, _, _)) = lived(runs, pages, tickets)
    names = [(each.notice.id, each.channel) for each in life.outgoing]
    assert len(set(names)) == len(names)
    for each in life.incidents:
        notices = {o.notice.id for o in life.outgoing if o.notice.incident == each.id}
        assert each.told is None or each.told.count == len(notices)


@settings(max_examples=50)
@given(RUNS, BUDGETS, BUDGETS)
def test_new_problems_never_spend_more_than_the_budget(runs, pages, tickets):
    told: set[str] = set()
    for life, before, now in lived(runs, pages, tickets):
        new = [each for each in life.outgoing if each.notice.made == hour(now) and each.notice.kind in (Kind.FIRING, Kind.WORSE)]
        paged = {each.notice.incident for each in new if each.channel == "pager"} - told
        told |= {each.notice.incident for each in life.outgoing if each.channel == "pager"}
        assert len(paged) <= max(0, -(-(pages - before.pages) // 1))
        assert all(each.notice.severity is Severity.CRITICAL for each in new if each.channel == "pager")
