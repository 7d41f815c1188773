"""Silences and known events: who is not told of what, and for how long."""

from datetime import datetime, timedelta

import pytest

from driftline.alerting.records import Silence
from driftline.alerting.silences import ended, make_silence, matches, muted, silenced
from driftline.alerting.spec import MutedSpec
from driftline.core.errors import UnknownName, UsageError
from firing import HOUR, T0, alert, hour, window

DAY = timedelta(days=1)


def silence(*matchers, author="ann", comment="known fault", starts=T0, ends=T0 + DAY, made=T0):
    return make_silence(matchers or ("column=income",), author=author, comment=comment, starts=starts, ends=ends, made=made)


def test_a_silence_says_who_made_it_and_why():
    found = silence("column=income", " alertname = *Drift ", author=" ann ")
    assert (found.matchers, found.author, found.comment) == ({"alertname": "*Drift", "column": "income"}, "ann", "known fault")
    assert (found.starts, found.ends, found.made, found.ended_by) == (T0, T0 + DAY, T0, "")


def test_the_id_follows_from_the_content():
    assert silence("column=a", "model=m").id == silence("model=m", "column=a").id
    others = [silence("column=b"), silence(author="bob"), silence(comment="else"), silence(ends=T0 + HOUR), silence(starts=T0 - HOUR)]
    assert len({silence().id, *(other.id for other in others)}) == 6
    assert silence().id.startswith("sil_")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"author": "  "}, "has an author"),
        ({"comment": ""}, "has a comment"),
        ({"comment": "x" * 1001}, "longer than 1000 characters"),
        ({"ends": T0}, "which is past"),
        ({"ends": T0 - HOUR}, "which is past"),
        ({"starts": T0 + 2 * DAY}, "would end before it starts"),
        ({"ends": T0 + timedelta(days=91)}, "at most 90 days"),
        ({"ends": datetime(2027, 1, 1)}, "has a time zone"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_in_a_sentence(said, says):
    with pytest.raises(UsageError) as refused:
        silence(**said)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("matchers", "says"),
    [
        ((), "does not say what it silences"),
        (("income",), "is no matcher"),
        (("column=",), "is no matcher"),
        (("=income",), "no label"),
        (("colum=income",), "Did you mean 'column'?"),
        (("column=a", "column=b"), "matched twice"),
        (("column=" + "x" * 501,), "longer than 500"),
    ],
)
def test_a_matcher_that_is_none_is_refused_in_a_sentence(matchers, says):
    with pytest.raises(UsageError) as refused:
        make_silence(matchers, author="ann", comment="why", starts=T0, ends=T0 + DAY, made=T0)
    assert says in str(refused.value)


def test_a_label_that_does_not_exist_is_an_unknown_name():
    with pytest.raises(UnknownName):
        silence("feature=income")


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        ({"column": "income"}, True),
        ({"column": "Income"}, False),
        ({"column": "inc*"}, True),
        ({"column": "*"}, True),
        ({"column": "*co*e"}, True),
        ({"column": "inc*come"}, False),  # the two pieces would share letters
        ({"column": "i*o*o*e"}, False),
        ({"column": "income", "alertname": "*Drift"}, True),
        ({"column": "income", "alertname": "Null*"}, False),
        ({"version": "*"}, False),  # a label that is not there
        ({"segment": "channel=[a]*"}, True),  # only * is special
        ({"segment": "channel=?a?pp"}, False),
    ],
)
def test_all_matchers_must_fit(matchers, fits):
    labels = alert("SegmentDrift", "income", segment=(("channel", "[a]pp"),)).key.labels("credit")
    assert matches(Silence("s", matchers, "ann", "c", T0, hour(1), T0), labels) is fits


def test_a_pattern_of_many_stars_is_quick():
    labels = {"column": "a" * 5_000}
    assert not matches(Silence("s", {"column": "a*" * 200 + "b"}, "ann", "c", T0, hour(1), T0), labels)


def test_the_alert_about_lost_evidence_is_silenced_with_its_parent():
    labels = alert("ColumnDrift", "income", reason="no evidence").key.labels("credit")
    assert matches(silence("column=income"), labels)


def test_a_silence_holds_from_its_start_to_its_end():
    labels, found = {"column": "income"}, silence(starts=hour(1), ends=hour(3))
    assert [silenced(labels, [found], hour(n)) is not None for n in (0, 1, 2, 3, 4)] == [False, True, True, False, False]


def test_of_several_silences_the_one_that_lasts_longest_is_named():
    long = silence(ends=T0 + 2 * DAY)
    assert silenced({"column": "income"}, [silence(), long, silence("column=age")], hour(1)) == long
    assert silenced({"column": "age"}, [silence(), long], hour(1)) is None


def test_a_silence_is_ended_once_by_somebody():
    over = ended(silence(), "bob", hour(2))
    assert (over.ends, over.ended_by, over.id) == (hour(2), "bob", silence().id)
    assert silenced({"column": "income"}, [over], hour(2)) is None
    with pytest.raises(UsageError, match="has ended by bob"):
        ended(over, "ann", hour(3))
    with pytest.raises(UsageError, match="has an author"):
        ended(silence(), "", hour(2))
    unborn = ended(silence(starts=hour(5)), "bob", hour(2))
    assert silenced({"column": "income"}, [unborn], hour(6)) is None


@pytest.mark.parametrize(
    ("column", "end", "said"),
    [
        ("income", 3, "muted: black_friday"),
        ("income", 2, ""),  # the window begins before it
        ("income", 5, "muted: black_friday"),
        ("income", 6, ""),  # the window begins when it is over
        ("age", 3, ""),
        ("", 3, ""),  # it explains some columns, and this is about none
    ],
)
def test_a_known_event_explains_windows_that_begin_in_it(column, end, said):
    events = {"black_friday": MutedSpec(from_="2026-11-22T02:00", to="2026-11-22T05:00", column=("inc*",))}
    assert muted(alert("ColumnDrift", column).key, window(end), events) == said


def test_a_known_event_without_columns_explains_everything():
    events = {"migration": MutedSpec(from_="2026-11-22", to="2026-11-23")}
    assert muted(alert("TrafficAbsent").key, window(3), events) == "muted: migration"
