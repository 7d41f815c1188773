"""What holds for all incidents, whatever alerts come and go: gathering twice changes nothing, and nobody who fires freely is forgotten."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.alerting.incidents import close, gather, kept
from driftline.alerting.inhibition import INHIBITED, Facts, inhibited
from driftline.alerting.records import Closing, Incident, Stage
from driftline.core.verdicts import Severity
from firing import HOUR, RULES, alert, board, hour

FACTS = Facts(sources={"a": "s", "b": "s"}, rules=RULES)
KINDS = [
    ("TrafficAbsent", ""),
    ("NullSpike", "a"),
    ("ColumnFaulty", "a"),
    ("ColumnDrift", "a"),
    ("ColumnDrift", "b"),
    ("ColumnDrift", "c"),
    ("WideDrift", ""),
    ("PredictionDrift", "p"),
    ("QualityBelowFloor", ""),
    ("QualityEarly", ""),
    ("LabelFeedLate", ""),
    ("ServingFastBurn", "availability"),
]
# One tick: how many hours have passed, which kinds fire, whether a known event mutes one of them, and whether somebody closes an incident.
TICKS = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.sets(st.integers(0, len(KINDS) - 1)),
        st.sampled_from([None, *range(len(KINDS))]),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=8,
)


def lived(ticks, *, forget=True, inhibits=True):
    """Every tick as what was given to `gather`, what it gave, and the incidents before."""
    incidents: tuple[Incident, ...] = ()
    firing: dict[int, int] = {}
    now = 0
    for passed, on, event, closes in ticks:
        now += passed
        firing = {i: firing.get(i, now) for i in on}
        alerts = board(*(alert(*KINDS[i], at=at, now=now) for i, at in firing.items()))
        why = inhibited(list(alerts.values()), FACTS) if inhibits else {}
        if event in on:
            why |= {alert(*KINDS[event]).key.fingerprint: "muted: black friday"}
        before = incidents
        incidents, joined = gather(before, alerts, why, "credit", hour(now), HOUR)
        yield before, alerts, why, now, incidents, joined
        first = next((each for each in incidents if each.is_active and each.stage is not Stage.CLOSED), None)
        if closes and first is not None:
            incidents = tuple(close(each, Closing.FALSE_ALARM, "ann", "", hour(now)) if each is first else each for each in incidents)
        incidents = kept(incidents, hour(now), HOUR) if forget else incidents


@settings(max_examples=50)
@given(TICKS)
def test_gathering_twice_changes_nothing(ticks):
    for _, alerts, why, now, incidents, joined in lived(ticks):
        assert gather(incidents, alerts, why, "credit", hour(now), HOUR) == (incidents, joined)


@settings(max_examples=50)
@given(TICKS)
def test_every_alert_that_fires_freely_is_in_one_incident(ticks):
    for _, alerts, why, _, incidents, joined in lived(ticks):
        homes = [member.key.fingerprint for each in incidents for member in each.members if member.ended is None]
        assert len(homes) == len(set(homes))
        assert set(homes) == set(joined)
        free = {print_ for print_ in alerts if not why.get(print_, "").startswith(INHIBITED)}
        assert free <= set(joined) <= set(alerts)


@settings(max_examples=50)
@given(TICKS)
def test_an_incident_is_open_as_long_as_one_of_its_gravest_alerts(ticks):
    for _, _, _, _, incidents, joined in lived(ticks):
        for each in incidents:
            free = [member.severity.rank for member in each.members if not member.muted_by]
            fires = [member for member in each.members if member.ended is None]
            assert each.is_active is any(member.severity.rank >= max(free, default=0) for member in fires)
            assert (each.ended is None) is each.is_active
            assert not each.is_active or each.id in joined.values()
            if each.stage is not Stage.CLOSED:
                assert (each.stage is Stage.RESOLVED) is not each.is_active
                assert each.is_active or all(member.severity is Severity.INFO or member.muted_by for member in fires)
            assert each.severity.rank == max(free, default=Severity.INFO.rank)


@settings(max_examples=50)
@given(TICKS)
def test_ids_are_unique_and_stay(ticks):
    for before, _, _, _, incidents, _ in lived(ticks):
        ids = [each.id for each in incidents]
        assert len(set(ids)) == len(ids)
        assert {each.id for each in before} <= set(ids)
        for old in before:
            new = next(each for each in incidents if each.id == old.id)
            assert {m.key for m in old.members} <= {m.key for m in new.members}
            assert (new.group, new.model, new.acts, new.closing) == (old.group, old.model, old.acts, old.closing)


@settings(max_examples=50)
@given(TICKS, st.randoms(use_true_random=False))
def test_the_order_of_alerts_and_incidents_changes_nothing(ticks, random):
    for before, alerts, why, now, incidents, joined in lived(ticks):
        mixed = list(alerts.items())
        random.shuffle(mixed)
        found, homes = gather(tuple(reversed(before)), dict(mixed), why, "credit", hour(now), HOUR)
        assert [each.id for each in found] == [each.id for each in incidents]
        assert homes == joined
        as_sets = [replace(each, members=()) for each in found], [set(each.members) for each in found]
        assert as_sets == ([replace(each, members=()) for each in incidents], [set(each.members) for each in incidents])


@settings(max_examples=50)
@given(TICKS)
def test_forgetting_what_nothing_can_join_changes_nothing(ticks):
    """Of alerts that fire freely. One that is free long after it began may find the incident of that time forgotten, and opens another."""
    short_lived, long_lived = (lived(ticks, forget=forget, inhibits=False) for forget in (True, False))
    for (*_, short, homes), (*_, long, others) in zip(short_lived, long_lived, strict=True):
        assert homes == others
        assert {each.id: each for each in short}.items() <= {each.id: each for each in long}.items()


@settings(max_examples=50)
@given(st.sets(st.integers(0, len(KINDS) - 1)))
def test_what_is_inhibited_always_hangs_on_something_that_is_not(on):
    alerts = [alert(*KINDS[i]) for i in on]
    why = inhibited(alerts, FACTS)
    assert len(why) < max(len(alerts), 1)
    incidents, joined = gather((), board(*alerts), why, "credit", hour(1), HOUR)
    assert set(joined) == {each.key.fingerprint for each in alerts}
    for each in incidents:
        assert any(not member.muted_by for member in each.members)
