"""Incidents: which alerts become one problem, what becomes of it as they come and go, and what people may do to it."""

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest

from driftline.alerting.incidents import acknowledge, close, gather, kept, leader, strength
from driftline.alerting.inhibition import blame
from driftline.alerting.records import Alert, Closing, Level, Stage, State
from driftline.core.errors import UsageError
from driftline.core.verdicts import Severity
from firing import HOUR, T0, alert, gathered, hour, key, sight, window

NULL = alert("NullSpike", "income", at=1)
DRIFT = alert("ColumnDrift", "age", at=2)
TRAFFIC = alert("TrafficAbsent", at=1)


def only(incidents):
    assert len(incidents) == 1
    return incidents[0]


def test_one_alert_is_one_incident_that_it_leads():
    (found, joined) = gathered([], [NULL], 1)
    incident = only(found)
    assert joined == {NULL.key.fingerprint: incident.id}
    assert (incident.stage, incident.severity, incident.opened, incident.changed) == (Stage.OPEN, Severity.CRITICAL, hour(1), hour(1))
    assert [member.key for member in incident.members] == [NULL.key]
    assert incident.is_active
    assert incident.ended is None
    assert incident.id.startswith("inc_")
    assert len(incident.id) == 16


def test_an_alert_that_waits_opens_nothing():
    assert gathered([], [alert("ColumnDrift", "age", state=State.PENDING)], 1) == ((), {})


def test_an_alert_of_the_group_joins_and_one_of_another_group_does_not():
    first, _ = gathered([], [NULL], 1)
    burn = alert("ServingFastBurn", "availability", at=2)
    both, joined = gathered(first, [NULL, DRIFT, burn], 2)
    assert {each.group: [m.key.rule for m in each.members] for each in both} == {
        "inputs": ["NullSpike", "ColumnDrift"],
        "serving": ["ServingFastBurn"],
    }
    assert joined[DRIFT.key.fingerprint] == first[0].id
    assert next(each for each in both if each.group == "inputs").changed == hour(2)


@pytest.mark.parametrize(
    ("fired", "base", "together"),
    [
        (25, HOUR, True),  # 24 hours after the first
        (26, HOUR, False),  # an hour later
        (74, timedelta(days=1), False),
        (73, timedelta(days=1), True),  # three windows of a day
    ],
)
def test_an_alert_joins_within_a_day_or_three_windows(fired, base, together):
    first, _ = gathered([], [NULL], 1, base=base)
    found, _ = gathered(first, [NULL, alert("ColumnDrift", "age", at=fired)], fired, base=base)
    assert len(found) == (1 if together else 2)


def test_an_alert_that_ends_ends_its_incident_and_one_that_returns_within_a_day_reopens_it():
    first, _ = gathered([], [NULL], 1)
    over = only(gathered(first, [], 5)[0])
    assert (over.stage, over.ended, over.members[0].ended) == (Stage.RESOLVED, hour(5), hour(5))
    again = alert("NullSpike", "income", at=28)
    back = only(gathered([over], [again], 28)[0])
    assert (back.id, back.stage, back.ended, back.changed) == (over.id, Stage.OPEN, None, hour(28))
    assert back.members[0].fired == hour(1)
    late = alert("NullSpike", "income", at=30)
    assert {each.stage for each in gathered([over], [late], 30)[0]} == {Stage.RESOLVED, Stage.OPEN}


def test_an_alert_known_to_be_fine_ended_when_it_became_fine():
    first, _ = gathered([], [NULL], 1)
    fine = replace(NULL, state=State.OK, since=hour(3), fired=None)
    assert only(gathered(first, [fine], 6)[0]).ended == hour(3)


def test_an_incident_is_over_with_the_last_of_its_gravest_alerts():
    other = alert("NullSpike", "age", at=1)
    three, _ = gathered([], [NULL, other, DRIFT], 2)
    two = only(gathered(three, [other, DRIFT], 3)[0])
    assert two.stage is Stage.OPEN
    assert sorted(str(member.ended) for member in two.members) == [str(hour(3)), "None", "None"]
    over, own = gathered([two], [DRIFT], 7)[0]
    assert (over.stage, over.ended, over.severity) == (Stage.RESOLVED, hour(7), Severity.CRITICAL)
    assert (own.stage, own.severity, [member.key for member in own.members]) == (Stage.OPEN, Severity.WARNING, [DRIFT.key])


def test_what_recovers_ends_where_it_was():
    both, _ = gathered([], [NULL, DRIFT], 2)
    recovering = replace(DRIFT, state=State.RECOVERING)
    over = only(gathered(both, [recovering], 3)[0])
    assert over.stage is Stage.RESOLVED
    assert [member.ended for member in over.members] == [hour(3), None]
    assert [member.ended for member in only(gathered([over], [], 4)[0]).members] == [hour(3), hour(4)]


def test_what_is_left_of_one_incident_stays_together():
    three, _ = gathered([], [NULL, DRIFT, alert("ColumnDrift", "debt", at=2)], 2)
    found, joined = gathered(three, [DRIFT, alert("ColumnDrift", "debt", at=2)], 7)
    assert len(found) == 2
    assert len(set(joined.values())) == 1


def test_so_little_does_not_open_a_page_again():
    first, _ = gathered([], [NULL], 1)
    over, _ = gathered(first, [], 2)
    found, _ = gathered(over, [alert("ColumnDrift", "age", at=3)], 3)
    assert [incident.stage for incident in found] == [Stage.RESOLVED, Stage.OPEN]


def test_a_member_keeps_its_strongest_moment_and_its_worst_severity():
    first, _ = gathered([], [alert("NullSpike", "income", value=5.0)], 1)
    weaker = replace(NULL, severity=Severity.WARNING, last=sight(NULL.key, 2, value=3.0))
    member = only(gathered(first, [weaker], 2)[0]).members[0]
    assert (member.strongest.value, member.latest.value, member.severity) == (5.0, 3.0, Severity.CRITICAL)
    clear = replace(NULL, last=sight(NULL.key, 3, value=-90.0, level=Level.CLEAR), state=State.RECOVERING)
    assert only(gathered(first, [clear], 3)[0]).members[0].strongest.value == 5.0


def test_strength_is_the_distance_from_the_limit_and_what_is_fine_has_none():
    of = key("NullSpike", "income")
    below = strength(sight(of, 1, value=0.25, limit=0.5))
    assert below == strength(sight(of, 1, value=0.75, limit=0.5)) == 0.5
    assert strength(sight(of, 1, value=7.0, limit=None)) == 7.0
    assert strength(sight(of, 1, value=None, limit=None)) == 0.0
    assert strength(sight(of, 1, value=99.0, level=Level.CLEAR)) < 0


def test_an_inhibited_alert_is_evidence_in_the_incident_of_what_inhibits_it():
    drift = alert("QualityEstimated", at=1)
    why = {drift.key: blame(TRAFFIC.key)}
    found, joined = gathered([], [TRAFFIC, drift], 1, why)
    incident = only(found)
    assert (incident.group, incident.severity) == ("traffic", Severity.CRITICAL)
    assert {member.key.rule: member.muted_by for member in incident.members} == {
        "TrafficAbsent": "",
        "QualityEstimated": "inhibited by TrafficAbsent",
    }
    assert set(joined.values()) == {incident.id}


def test_what_inhibits_an_alert_may_be_inhibited_itself():
    third = alert("QualityEstimated", at=1)
    why = {DRIFT.key: blame(third.key), third.key: blame(TRAFFIC.key)}
    incident = only(gathered([], [DRIFT, third, TRAFFIC], 2, why)[0])
    assert len(incident.members) == 3


def test_alerts_that_nothing_of_the_board_inhibits_open_nothing_until_they_are_free():
    why = {DRIFT.key: "inhibited: the model that produces this column has an open incident"}
    assert gathered([], [DRIFT], 2, why) == ((), {})
    assert only(gathered([], [DRIFT], 3)[0]).opened == hour(2)


def test_evidence_of_another_group_leaves_when_it_is_free():
    first, _ = gathered([], [TRAFFIC, DRIFT], 2, {DRIFT.key: blame(TRAFFIC.key)})
    found, joined = gathered(first, [DRIFT], 4)
    traffic, inputs = (next(each for each in found if each.group == group) for group in ("traffic", "inputs"))
    assert (traffic.stage, traffic.ended) == (Stage.RESOLVED, hour(4))
    assert (inputs.stage, inputs.opened) == (Stage.OPEN, hour(2))
    assert joined == {DRIFT.key.fingerprint: inputs.id}


def test_evidence_follows_to_the_incident_of_the_next_alert_that_inhibits_it():
    early = alert("QualityEarly", at=2)
    late = alert("LabelFeedLate", at=3)
    first, _ = gathered([], [TRAFFIC, early], 2, {early.key: blame(TRAFFIC.key)})
    found, _ = gathered(first, [early, late], 4, {early.key: blame(late.key)})
    assert {each.group: each.stage for each in found} == {"traffic": Stage.RESOLVED, "labels": Stage.OPEN}


def test_evidence_that_is_free_when_the_incident_is_over_has_one_of_its_own():
    first, _ = gathered([], [NULL, DRIFT], 2, {DRIFT.key: blame(NULL.key)})
    over, own = gathered(first, [DRIFT], 4)[0]
    assert (over.id, over.stage) == (first[0].id, Stage.RESOLVED)
    assert (own.stage, [member.muted_by for member in own.members]) == (Stage.OPEN, [""])


def test_evidence_is_no_news_that_others_may_join_by():
    late = alert("ColumnDrift", "age", at=20)
    first, _ = gathered([], [NULL], 1)
    found, _ = gathered(first, [NULL, late], 20, {late.key: blame(NULL.key)})
    assert found[0].changed == hour(1)


def test_the_severity_is_the_worst_of_those_that_are_not_muted():
    first, _ = gathered([], [NULL, DRIFT], 2)
    assert only(first).severity is Severity.CRITICAL
    assert only(gathered(first, [NULL, DRIFT], 3, {NULL.key: "muted: black friday"})[0]).severity is Severity.WARNING
    both = {NULL.key: "muted: black friday", DRIFT.key: "muted: black friday"}
    assert only(gathered(first, [NULL, DRIFT], 3, both)[0]).severity is Severity.INFO


def test_a_known_event_opens_an_incident_all_the_same():
    incident = only(gathered([], [DRIFT], 2, {DRIFT.key: "muted: black friday"})[0])
    assert incident.members[0].muted_by == "muted: black friday"
    assert (incident.is_active, incident.severity) == (True, Severity.INFO)


def test_a_closed_incident_keeps_what_still_fires_and_takes_nothing_new():
    first, _ = gathered([], [NULL], 1)
    closed = close(first[0], Closing.FALSE_ALARM, "ann", "", hour(2))
    found, joined = gathered([closed], [NULL, DRIFT], 2)
    assert [(each.stage, [m.key.rule for m in each.members]) for each in found] == [
        (Stage.CLOSED, ["NullSpike"]),
        (Stage.OPEN, ["ColumnDrift"]),
    ]
    assert joined[NULL.key.fingerprint] == closed.id
    over = next(each for each in gathered(found, [DRIFT], 5)[0] if each.id == closed.id)
    assert (over.stage, over.ended) == (Stage.CLOSED, hour(5))
    anew = alert("NullSpike", "income", at=7)
    assert gathered([over], [anew], 7)[1][anew.key.fingerprint] != closed.id


def test_evidence_in_a_closed_incident_is_told_of_when_it_is_free_and_its_own_members_are_not():
    first, _ = gathered([], [NULL, DRIFT], 2, {DRIFT.key: blame(NULL.key)})
    closed = close(first[0], Closing.REAL_FIXED, "ann", "", hour(3))
    found, joined = gathered([closed], [DRIFT], 4)
    assert joined[DRIFT.key.fingerprint] != closed.id
    assert [each.stage for each in found] == [Stage.CLOSED, Stage.OPEN]


def test_a_member_of_a_closed_incident_stays_silent_though_it_was_inhibited_for_a_while():
    closed = close(only(gathered([], [DRIFT], 2)[0]), Closing.FALSE_ALARM, "ann", "", hour(2))
    both, _ = gathered([closed], [DRIFT, NULL], 3, {DRIFT.key: blame(NULL.key)})
    found, joined = gathered(both, [DRIFT], 5)
    assert joined == {DRIFT.key.fingerprint: closed.id}
    assert {each.stage for each in found} == {Stage.CLOSED, Stage.RESOLVED}


def test_what_came_late_does_not_reopen_a_closed_problem():
    first, _ = gathered([], [NULL], 1)
    closed = close(only(gathered(first, [], 3)[0]), Closing.REAL_FIXED, "ann", "", hour(3))
    found, joined = gathered([closed], [NULL], 4)
    assert only(found).stage is Stage.CLOSED
    assert joined == {NULL.key.fingerprint: closed.id}


def test_a_replay_gives_the_same_incidents_in_the_same_order():
    alerts = [NULL, DRIFT, TRAFFIC, alert("OrphanLabels", at=1)]
    assert gathered([], alerts, 2) == gathered([], alerts[::-1], 2)
    assert only(gathered([], [replace(NULL, last=sight(NULL.key, 9))], 9)[0]).id == only(gathered([], [NULL], 1)[0]).id


def test_incidents_are_remembered_while_something_may_still_join_them():
    first, _ = gathered([], [NULL], 1)
    over = gathered(first, [], 5)[0]
    assert kept(first, hour(500), HOUR) == first
    assert kept(over, hour(29), HOUR) == over
    assert kept(over, hour(30), HOUR) == ()
    assert kept(over, hour(30), timedelta(hours=13)) == over
    closed = close(first[0], Closing.FALSE_ALARM, "ann", "", hour(2))
    assert kept([closed], hour(500), HOUR) == (closed,)


def test_taking_and_closing_an_incident_is_kept_with_who_and_why():
    incident = only(gathered([], [NULL], 1)[0])
    taken = acknowledge(incident, " ann ", "looking", hour(2))
    assert (taken.stage, taken.acts[0].author, taken.acts[0].reason) == (Stage.ACKNOWLEDGED, "ann", "looking")
    assert acknowledge(taken, "bob", "", hour(3)).acts[-1].author == "bob"
    closed = close(taken, Closing.REAL_FIXED, "ann", "job repaired", hour(4))
    assert (closed.stage, closed.closing, closed.acts[-1].closing, len(closed.acts)) == (
        Stage.CLOSED,
        Closing.REAL_FIXED,
        Closing.REAL_FIXED,
        2,
    )
    assert closed.is_active


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda i: acknowledge(acknowledge(i, "ann", "", T0), "ann", "", T0), "is ann's already"),
        (lambda i: acknowledge(close(i, Closing.FALSE_ALARM, "ann", "", T0), "bob", "", T0), "was closed by ann, as false_alarm"),
        (lambda i: close(close(i, Closing.FALSE_ALARM, "ann", "", T0), Closing.REAL_FIXED, "bob", "", T0), "was closed by ann"),
        (lambda i: acknowledge(gathered([i], [], 3)[0][0], "ann", "", T0), "is over by itself"),
        (lambda i: close(i, Closing.FALSE_ALARM, " ", "", T0), "Nobody is named"),
        (lambda i: close(i, Closing.FALSE_ALARM, "ann", "x" * 1001, T0), "longer than 1,000"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(act, says):
    with pytest.raises(UsageError) as refused:
        act(only(gathered([], [NULL], 1)[0]))
    assert says in str(refused.value)


def test_the_leader_is_the_worst_then_the_first_then_the_strongest():
    members = only(gathered([], [DRIFT, NULL, alert("ColumnDrift", "b", at=2, value=9.0)], 2)[0]).members
    assert leader(members).key.rule == "NullSpike"
    assert leader(m for m in members if m.key != NULL.key).key.column == "b"
    muted = [replace(m, muted_by="muted: x") if m.key == NULL.key else m for m in members]
    assert leader(muted).key.column == "b"
    assert leader(()) is None


def test_ten_thousand_alerts_are_grouped_in_well_under_a_second():
    alerts: list[Alert] = [alert("ColumnDrift", f"c{i}", at=1 + i % 20) for i in range(10_000)]
    shown = {each.key.fingerprint: each for each in alerts}
    begun = perf_counter()
    found, joined = gather((), shown, {}, "credit", window(20).end, HOUR)
    again, _ = gather(found, shown, {}, "credit", window(20).end, HOUR)
    took = perf_counter() - begun
    assert (len(found), len(joined), again) == (1, 10_000, found)
    assert took < 3.0, f"two times 10,000 alerts took {took:.2f} s"  # about 0.2 s on an idle core


def test_information_joins_whatever_is_open_and_keeps_nothing_open():
    info = alert("SegmentDrift", "age", severity=Severity.INFO, at=90)
    first, _ = gathered([], [NULL], 1)
    found, _ = gathered(first, [NULL, info], 90)
    assert [incident.id for incident in found] == [incident.id for incident in first]
    (over,), _ = gathered(found, [info], 91)
    assert over.stage is Stage.RESOLVED
    assert kept([over], over.ended + 90 * HOUR, HOUR) == (over,)
    (alone,), _ = gathered([], [info], 91)
    assert alone.stage is Stage.OPEN


def test_a_second_metric_that_gets_worse_is_the_same_problem():
    auc = alert("QualityBelowFloor", metric="roc_auc", at=1)
    ratio = alert("QualityBelowFloor", metric="observed_expected", at=400)
    first, _ = gathered([], [auc], 1)
    found, _ = gathered(first, [auc, ratio], 400)
    assert [incident.id for incident in found] == [incident.id for incident in first]
    other, _ = gathered(first, [auc, alert("ColumnFaulty", "age", group="quality", at=400)], 400)
    assert len(other) == 2


def test_a_second_column_that_breaks_weeks_later_is_another_problem():
    first, _ = gathered([], [NULL], 1)
    found, _ = gathered(first, [NULL, alert("NullSpike", "age", at=400)], 400)
    assert len(found) == 2
