"""Alerts that rest on labels, and alerts that people have taught: both are right only after a while."""

import pytest
from lives import TELL_ALL, Life, events

from driftline.alerting.records import Stage
from driftline.core.ledger import Step
from receivers import receiver

pytestmark = pytest.mark.slow

DAYS, STOPPED, WRONG = 24, range(11, 18), range(5, 11)
"""On the days of WRONG the outcomes are the opposite of what they were; on those of STOPPED no outcomes come."""


def beginnings(got):
    """The rules that people were told of, in order."""
    return [event["data"]["labels"]["alertname"] for event in events(got) if event["type"].endswith("firing.v1")]


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """A model that is wrong for a week; people hear of it when the outcomes are final, and then no outcomes come for a week."""
    with receiver() as there:
        life = Life(tmp_path_factory.mktemp("shifted"), TELL_ALL, HOOK=there.url)
        life.fired, life.told = {}, {}
        for number in range(DAYS):
            before = len(there.got)
            life.comes(number, labels=number not in STOPPED, flipped=number in WRONG)
            if number == STOPPED.stop:
                for late in STOPPED:
                    life.pays(late)
            ran = life.runs(number)
            assert (ran.code in (0, 1), ran.err) == (True, ""), ran
            life.fired[number] = {rule for rule, _ in life.firing()}
            life.told[number] = there.got[before:]
        yield life


def first(life, rule):
    return min((day for day, rules in life.fired.items() if rule in rules), default=None)


def test_a_model_that_is_wrong_is_told_by_final_labels(shifted):
    """Four days until labels are final, and two windows of three."""
    day = first(shifted, "QualityBelowFloor")
    assert day is not None
    assert WRONG.start + 4 <= day <= WRONG.start + 7
    told = events(shifted.told[day])
    page = next(event for event in told if event["data"]["labels"].get("alertname") == "QualityBelowFloor")
    assert page["data"]["severity"] == "critical"
    assert "roc_auc" in page["data"]["summary"]
    assert "final labels" in page["data"]["summary"]


def test_nothing_resolves_while_labels_are_missing(shifted):
    begun = first(shifted, "QualityBelowFloor")
    assert all("QualityBelowFloor" in shifted.fired[day] for day in range(begun, STOPPED.stop))
    told = [event for day in range(begun, STOPPED.stop) for event in events(shifted.told[day])]
    assert not [event for event in told if event["type"].endswith("resolved.v1") and "Quality" in event["data"]["labels"]["alertname"]]


def test_a_label_feed_that_stops_is_told_and_mutes_what_rests_on_it(shifted):
    day = first(shifted, "LabelFeedLate")
    assert day is not None
    assert STOPPED.start <= day <= STOPPED.start + 6
    assert "LabelFeedLate" in beginnings(shifted.told[day])
    until = [event for at in range(STOPPED.stop) for event in events(shifted.told[at])]
    assert not [event for event in until if event["type"].endswith("resolved.v1")]
    assert all("LabelFeedLate" in shifted.fired[at] for at in range(day, STOPPED.stop))
    muted = {member.key.rule: member.muted_by for each in shifted.incidents() for member in each.members}
    assert beginnings([each for got in shifted.told.values() for each in got]).count("LabelFeedLate") == 1
    assert set(muted) >= {"LabelFeedLate", "QualityBelowFloor"}


def test_all_is_over_when_the_labels_have_come_and_are_fine(shifted):
    assert "LabelFeedLate" not in shifted.fired[DAYS - 1]
    assert "QualityBelowFloor" not in shifted.fired[DAYS - 1]
    assert shifted.incidents(Stage.OPEN, Stage.ACKNOWLEDGED) == []
    ended = [
        event["data"]["labels"]["alertname"]
        for got in shifted.told.values()
        for event in events(got)
        if event["type"].endswith("resolved.v1")
    ]
    assert {name[:7] for name in ended} == {"LabelFe", "Quality"}


# ------------------------------------------------------------- feedback


def lines(life):
    """The lines of the monitor for the income, by day, and what is said of them."""
    with life.model() as model:
        found = [(e.window, m) for e in model.evaluations() if e.step is Step.DRIFT for m in e.measurements]
    return {
        (window.start - life.first).days: (m.limit, m.note)
        for window, m in found
        if m.metric == "surprise" and m.column == "income" and not m.scope.segment
    }


def test_a_false_alarm_raises_the_line_of_the_monitor_and_that_wears_off(tmp_path):
    with receiver() as there:
        life = Life(tmp_path, TELL_ALL, HOOK=there.url)
        for number in range(7):
            life.day(number, shift=0.9 if number in (2, 3) else 0.0)
        assert "ColumnDrift" in beginnings(there.got)
        (found,) = (each for each in life.incidents() if any(member.key.rule == "ColumnDrift" for member in each.members))
        before = lines(life)
        assert len({limit for limit, _ in before.values()}) == 1
        ran = life.does("close", found.id, "--as", "false_alarm", "--author", "ann", "--reason", "a campaign")
        assert ran.code == 0, ran
        for number in range(7, 10):
            life.day(number)
    after = lines(life)
    line = before[6][0]
    assert {day: limit for day, (limit, _) in after.items() if day < 7} == {day: limit for day, (limit, _) in before.items()}
    assert line < after[9][0] < after[8][0] < after[7][0] <= line + 1
    assert "because people closed false alarms" in after[7][1]
    assert "because people closed" not in before[6][1]
