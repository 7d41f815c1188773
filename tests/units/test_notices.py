"""Notices: who is told what and when, one sentence per turn of events."""

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest

from driftline.alerting.incidents import acknowledge, close, gather
from driftline.alerting.inhibition import blame
from driftline.alerting.notices import Spent, active_notices, word
from driftline.alerting.records import Closing, Kind, Stage, State, Told
from driftline.alerting.spec import BudgetSpec, MutedSpec
from driftline.core.verdicts import Severity
from firing import ABOUT, HOUR, NOTIFY, Life, alert, board, hour

NULL = alert("NullSpike", "income", at=1)
DRIFT = alert("ColumnDrift", "age", at=1)
INFO = alert("QualityEstimated", at=1)
TRAFFIC = alert("TrafficAbsent", at=1)


def test_an_alert_that_waits_tells_nobody():
    assert Life().sees(1, alert("ColumnDrift", "age", state=State.PENDING)) == []


@pytest.mark.parametrize(
    ("fires", "said"),
    [
        (NULL, "firing critical to pager"),
        (DRIFT, "firing warning to tickets"),
        (INFO, "firing info to mail held"),
    ],
)
def test_what_fires_is_told_by_its_severity_and_told_once(fires, said):
    life = Life()
    assert life.sees(1, fires) == [said]
    assert life.sees(2, fires) == []
    assert life.decides(3) == []


def test_every_channel_of_a_severity_gets_the_same_notice():
    life = Life(notify={Severity.CRITICAL: ("pager", "chat")})
    assert life.sees(1, NULL) == ["firing critical to pager", "firing critical to chat"]
    assert len({each.notice.id for each in life.outgoing}) == 1


def test_the_end_goes_where_the_beginning_went():
    life = Life()
    life.sees(1, NULL)
    life.notify = {Severity.CRITICAL: ("other",)}
    assert life.sees(5) == ["resolved critical to pager"]
    assert (life.last.status, life.last.ends_at, life.last.kind) == ("resolved", hour(5), Kind.RESOLVED)
    assert life.sees(6) == []


def test_the_end_of_what_waited_for_the_digest_waits_for_it_too():
    life = Life()
    life.sees(1, INFO)
    assert life.sees(2) == ["resolved info to mail held"]


def test_an_alert_that_recovers_has_not_ended():
    life = Life()
    life.sees(1, NULL)
    assert life.sees(2, replace(NULL, state=State.RECOVERING)) == []


def test_what_returns_is_told_again_under_the_same_incident():
    life = Life()
    life.sees(1, NULL)
    life.sees(2)
    again = alert("NullSpike", "income", at=4)
    assert life.sees(4, again) == ["firing critical to pager"]
    assert life.last.summary.startswith("Again: ")
    assert [each.notice.incident for each in life.outgoing] == [life.incidents[0].id] * 3
    assert len({each.notice.id for each in life.outgoing}) == 3
    assert life.incidents[0].told.count == 3


def test_an_alert_of_the_group_that_joins_is_no_new_notice_unless_it_is_worse():
    life = Life()
    life.sees(1, DRIFT)
    assert life.sees(2, DRIFT, alert("ColumnDrift", "zip", at=2)) == []
    assert life.sees(3, DRIFT, alert("NullSpike", "income", at=3)) == ["worse critical to tickets", "worse critical to pager"]
    assert life.sees(9) == ["resolved critical to tickets", "resolved critical to pager"]


def test_what_waited_for_the_digest_and_gets_worse_is_told_at_once():
    life = Life()
    life.sees(1, INFO)
    assert life.sees(2, INFO, alert("QualityEarly", at=2)) == ["worse warning to tickets"]
    assert life.sees(3) == ["resolved warning to tickets"]


def test_a_page_that_nobody_takes_is_told_again_and_one_that_is_taken_is_not():
    life = Life(repeat="6h")
    life.sees(1, NULL)
    assert life.sees(6, NULL) == []
    assert life.sees(7, NULL) == ["reminder critical to pager"]
    assert life.sees(8, NULL) == []
    life.acts(acknowledge, "ann", "", now=8)
    assert life.sees(30, NULL) == []
    assert life.sees(31) == ["resolved critical to pager"]


def test_a_ticket_is_not_told_again():
    life = Life(repeat="6h")
    life.sees(1, DRIFT)
    assert life.sees(100, DRIFT) == []


def test_what_is_taken_still_gets_worse():
    life = Life()
    life.sees(1, DRIFT)
    life.acts(acknowledge, "ann", "", now=1)
    assert "worse critical to pager" in life.sees(2, DRIFT, alert("NullSpike", "income", at=2))


def test_a_silence_that_begins_while_it_fires_holds_back_all_but_the_end():
    life = Life(repeat="2h")
    life.sees(1, DRIFT)
    life.silence(2, 50)
    assert life.sees(5, DRIFT, alert("NullSpike", "income", at=5)) == []
    assert life.sees(6) == ["resolved warning to tickets"]


def test_a_silence_that_ends_while_it_fires_lets_it_be_told():
    life = Life()
    life.silence(0, 3)
    assert life.sees(1, NULL) == []
    assert life.incidents[0].told is None
    assert life.sees(3, NULL) == ["firing critical to pager"]


def test_what_was_silenced_all_along_is_noted_in_the_digest():
    life = Life()
    life.silence(0, 9)
    life.sees(1, NULL)
    assert life.sees(4) == ["resolved info to mail held"]
    assert life.last.summary.startswith("Was silenced: NullSpike (income)")
    assert "silenced by ann" in life.last.details[0]
    assert life.sees(5) == []


def test_a_silence_of_one_alert_leaves_the_others_of_the_incident():
    life = Life()
    life.silence(0, 9, "alertname=NullSpike")
    assert life.sees(1, NULL, DRIFT) == ["firing warning to tickets"]
    assert any("silenced by ann" in line for line in life.last.details)
    assert [each["labels"]["alertname"] for each in life.last.alerts] == ["ColumnDrift"]


def test_what_was_over_before_it_became_known_is_told_late_in_the_digest():
    life = Life()
    life.incidents, _ = gather((), board(NULL), {}, "credit", hour(1), HOUR)
    assert life.sees(2) == ["resolved info to mail held"]
    assert life.last.summary.startswith("Told late: NullSpike (income), from 2026-11-22 00:00 to 2026-11-22 02:00")


def test_a_known_event_is_noted_and_nobody_is_woken_until_it_is_over():
    life = Life(muted={"black_friday": MutedSpec(from_="2026-11-22T00:00", to="2026-11-22T03:00", column=("inc*",))})
    assert life.sees(2, NULL) == []
    assert life.sees(4, NULL) == ["firing critical to pager"]


def test_what_is_inhibited_is_inside_and_told_only_when_it_is_free():
    life = Life()
    assert life.sees(1, TRAFFIC, DRIFT) == ["firing critical to pager"]
    assert any("1 more is inhibited by TrafficAbsent: ColumnDrift (age)" in line for line in life.last.details)
    assert life.last.evidence["suppressed"] == ["ColumnDrift/age"]
    assert sorted(life.sees(3, DRIFT)) == ["firing warning to tickets", "resolved critical to pager"]


def test_what_was_told_and_is_inhibited_now_says_nothing_until_it_ends():
    life = Life(repeat="1h")
    life.sees(1, NULL)
    assert life.sees(4, NULL, alert("TrafficAbsent", at=4)) == ["firing critical to pager"]
    assert sorted(life.sees(5, alert("TrafficAbsent", at=4))) == ["reminder critical to pager", "resolved critical to pager"]


def test_closing_tells_whoever_was_told_and_then_nothing_more():
    life = Life(repeat="1h")
    life.sees(1, NULL)
    life.acts(close, Closing.FALSE_ALARM, "ann", "holiday", now=2)
    assert life.decides(2) == ["resolved critical to pager"]
    assert life.last.summary.startswith("Closed by ann: false_alarm. NullSpike (income)")
    assert "closed by ann as false_alarm: holiday" in life.last.details
    assert life.last.status == "resolved"
    assert life.sees(9, NULL) == []
    assert life.sees(10) == []
    assert life.incidents[0].stage is Stage.CLOSED


def test_what_is_closed_before_anybody_was_told_is_not_told():
    life = Life()
    life.silence(0, 3)
    life.sees(1, NULL)
    life.acts(close, Closing.DUPLICATE, "ann", "", now=2)
    assert life.sees(5, NULL) == []


def test_beyond_the_budget_tickets_wait_for_the_digest_and_pages_go_out_as_tickets():
    life = Life(sent=Spent(pages=1, tickets=4))
    burn = alert("ServingFastBurn", "availability 14.4x over 1h", at=1)
    assert life.sees(1, burn, DRIFT) == ["firing warning to tickets", "firing warning to tickets held"]
    page, ticket = (each.notice for each in life.outgoing)
    assert "sent as a ticket although critical" in page.details[0]
    assert "kept for the digest" in ticket.details[0]
    assert life.sees(2, burn, DRIFT) == []
    assert sorted(life.sees(3)) == ["resolved warning to tickets", "resolved warning to tickets held"]


def test_a_page_that_went_out_as_a_ticket_stays_one():
    life = Life(sent=Spent(pages=1), repeat="1h")
    assert life.sees(1, NULL) == ["firing warning to tickets"]
    assert life.sees(2, NULL) == ["reminder warning to tickets"]
    assert life.sees(3) == ["resolved warning to tickets"]
    life.sent = Spent()
    assert life.sees(5, alert("NullSpike", "income", at=5)) == ["firing warning to tickets"]


def test_what_returns_less_severe_goes_where_that_severity_goes():
    life = Life()
    life.sees(1, NULL)
    life.sees(2)
    assert life.sees(4, alert("ColumnDrift", "age", at=4)) == ["firing warning to tickets"]


def test_the_budget_counts_what_is_sent_in_the_same_run_the_worst_first():
    life = Life(budget=BudgetSpec(pages_per_month=1.0, tickets_per_month=1.0))
    burn = alert("ServingFastBurn", "availability 14.4x over 1h", at=2)
    assert life.sees(2, burn, NULL) == ["firing critical to pager", "firing warning to tickets"]
    assert life.sees(3, burn, NULL, alert("OrphanLabels", at=3)) == ["firing warning to tickets"]


def test_the_budget_may_be_told_to_send_all():
    life = Life(sent=Spent(9, 9), budget=BudgetSpec(over_budget="send"))
    assert life.sees(1, NULL, alert("OrphanLabels", at=1)) == ["firing critical to pager", "firing warning to tickets"]


def test_beyond_the_budget_with_no_way_for_tickets_a_page_is_a_page():
    life = Life(sent=Spent(pages=1), notify={Severity.CRITICAL: ("pager",)})
    assert life.sees(1, NULL) == ["firing critical to pager"]


def test_an_escalation_beyond_the_budget_goes_where_it_was_told():
    life = Life(sent=Spent(pages=1))
    life.sees(1, DRIFT)
    assert life.sees(2, DRIFT, alert("NullSpike", "income", at=2)) == ["worse warning to tickets"]
    assert life.sees(3, DRIFT, alert("NullSpike", "income", at=2)) == []


def test_what_returns_is_not_counted_again():
    life = Life()
    life.sees(1, NULL)
    life.sees(2)
    life.sent = Spent(pages=1)
    assert life.sees(4, alert("NullSpike", "income", at=4)) == ["firing critical to pager"]


def test_without_a_channel_nothing_is_told_and_a_channel_added_later_tells_what_still_fires():
    life = Life(notify={Severity.WARNING: ("tickets",)})
    assert life.sees(1, NULL) == []
    assert life.incidents[0].told is None
    life.notify = NOTIFY
    assert life.decides(2) == ["firing critical to pager"]


def test_a_channel_added_after_the_end_tells_nothing():
    life = Life(notify={})
    life.sees(1, NULL)
    assert life.sees(2) == []
    life.notify = NOTIFY
    assert life.decides(3) == []
    assert life.sees(4, alert("NullSpike", "income", at=4)) == ["firing critical to pager"]


def test_what_has_been_spent_is_counted_from_incidents():
    def told(status, severity, at=0.0, closing=None):
        incident = gather((), board(NULL), {}, "credit", hour(1), HOUR)[0][0]
        return replace(incident, told=Told(status, severity, hour(at), 1), closing=closing)

    page, ticket = told("firing to a", Severity.CRITICAL), told("resolved to b, c", Severity.WARNING)
    nothing = [
        told("held to mail", Severity.WARNING),
        told("noted", Severity.CRITICAL),
        told("firing to a", Severity.CRITICAL, at=-721),
        told("resolved to a", Severity.CRITICAL, closing=Closing.REAL_FIXED),
        told("held to mail", Severity.INFO),
        replace(page, told=None),
    ]
    assert Spent.of([page, ticket, ticket, *nothing], hour(0)) == Spent(1, 2)
    assert Spent.of([told("resolved to a", Severity.CRITICAL, closing=Closing.FALSE_ALARM)], hour(0)) == Spent(1, 0)


def test_told_without_channels_goes_to_those_of_its_severity():
    life = Life()
    life.sees(1, NULL)
    life.incidents = tuple(replace(each, told=Told("firing", Severity.CRITICAL, hour(1), 1)) for each in life.incidents)
    assert life.sees(2) == ["resolved critical to pager"]
    assert word(life.incidents[0].told) == "resolved"
    assert word(None) == ""


def test_channels_that_forget_are_told_of_all_that_fires_and_shortly_of_what_is_over():
    life = Life(notify=dict.fromkeys(Severity, ("am",)))
    life.sees(1, NULL, alert("OrphanLabels", at=1), INFO)

    def again(now, channel="am"):
        found = active_notices(life.incidents, channel, silences=life.silences, spec=life.spec, now=now, about=ABOUT)
        return sorted(f"{each.status} {each.labels['alertname']}" for each in found)

    assert again(hour(1)) == ["firing NullSpike", "firing OrphanLabels"]  # what waits for the digest has not been told
    assert again(hour(1), "pager") == []
    life.silence(2, 9, "alertname=Orphan*")
    assert again(hour(2)) == ["firing NullSpike"]
    life.silences.clear()
    life.sees(3, NULL)
    assert again(hour(3) + timedelta(minutes=4)) == ["firing NullSpike", "resolved OrphanLabels"]
    assert again(hour(3) + timedelta(minutes=5)) == ["firing NullSpike"]


def test_the_same_run_twice_tells_nothing_more():
    life = Life(sent=Spent(1, 3))
    life.sees(1, NULL, DRIFT, TRAFFIC, INFO, alert("OrphanLabels", at=1))
    assert life.outgoing
    assert life.decides(1) == []


def test_ten_thousand_alerts_are_told_in_well_under_a_second():
    life = Life()
    many = [alert("ColumnDrift", f"c{i}", at=1) for i in range(5_000)]
    muted = [alert("ColumnDrift", f"m{i}", at=1) for i in range(5_000)]
    shown = board(NULL, *many, *muted)
    why = {each.key.fingerprint: blame(NULL.key) for each in muted}
    life.incidents, _ = gather((), shown, why, "credit", hour(1), HOUR)
    begun = perf_counter()
    assert life.decides(1) == ["firing critical to pager"]
    assert perf_counter() - begun < 3.0  # about 0.1 s on an idle core
    assert "5000 more are inhibited by NullSpike (income)" in str(life.last.details)
