"""The words of a notice: what happened, since when, where, and what it looks like; and that no name from data does harm in it."""

import json
from dataclasses import replace

import pytest

from driftline.alerting.incidents import gather
from driftline.alerting.notices import Spent, decide
from driftline.alerting.records import Level, State
from driftline.alerting.words import LISTED, About, note_of
from driftline.core.verdicts import Severity
from firing import HOUR, NOTIFY, PIPELINE, RULES, Life, alert, board, hour, sight

NULL = alert("NullSpike", "income", at=1)
APP = (("channel", "app"),)


def test_the_sentence_says_what_since_when_where_and_what_it_looks_like():
    life = Life()
    note = f"only channel=app: {PIPELINE}"
    spike = alert("NullSpike", "bureau_score", at=6, value=0.312, limit=0.0083, note=note)
    life.sees(6, spike)
    found = life.last
    assert found.summary == (
        "bureau_score is missing in 31.2 % of the rows (limit 0.83 %) since 2026-11-22 05:00 UTC (only channel=app); looks like: pipeline"
    )
    assert found.annotations["cause_guess"] == "pipeline"
    assert found.labels == {"alertname": "NullSpike", "model": "credit", "metric": "missing_rate", "column": "bureau_score"}
    assert found.starts_at == hour(6)
    assert found.evidence["window"] == "2026-11-22T05:00:00Z/2026-11-22T06:00:00Z"
    assert (found.evidence["value"], found.evidence["limit"], found.evidence["n"]) == (0.312, 0.0083, 2400)
    assert found.evidence["derivation"].startswith("limit 0.0083: the further")
    assert f"look further: driftline incidents {found.incident}" in found.details
    assert "numbers: driftline query --column bureau_score" in found.details
    assert found.alerts[0] == {
        "labels": {**found.labels, "severity": "critical"},
        "annotations": {"summary": "bureau_score is missing in 31.2 % of the rows (limit 0.83 %)"},
        "fingerprint": spike.key.fingerprint,
        "starts_at": "2026-11-22T06:00:00Z",
        "ends_at": None,
    }


@pytest.mark.parametrize(
    ("note", "story", "where", "guess", "derivation"),
    [
        ("mean 3 -> 4; limit 0.1: the floor", "mean 3 -> 4", "", "", "limit 0.1: the floor"),
        ("a; b; limits 3.1 and 8: rehearsed", "a; b", "", "", "limits 3.1 and 8: rehearsed"),
        ("a; asked because the tests found a change", "a", "", "", "asked because the tests found a change"),
        ("first\nsecond", "first", "", "", "second"),
        ("only a=b, a=c and 3 more: gone; looks like: pipeline; limit 2", "gone", "a=b, a=c and 3 more", "pipeline", "limit 2"),
        ("looks like: population", "", "", "population", ""),
        ("", "", "", "", ""),
    ],
)
def test_a_note_is_taken_apart(note, story, where, guess, derivation):
    found = note_of(note)
    assert (found.story, found.where, found.guess, found.derivation) == (story, where, guess, derivation)


@pytest.mark.parametrize(
    ("fires", "says"),
    [
        (alert("TrafficAbsent", value=1e-9, limit=1e-6), "far fewer predictions come than usual since 2026-11-22 00:00"),
        (alert("QualityBelowFloor", metric="roc_auc", value=0.71, limit=0.74), "roc_auc is 0.71 by final labels (limit 0.74)"),
        (alert("ColumnDrift", "age", value=1.0, limit=0.5, note="mean 3 -> 4; limit 1"), "age has drifted: mean 3 -> 4 since"),
        (alert("ColumnDrift", "age", note=""), "age has drifted since"),
        (alert("SegmentDrift", "age", segment=APP, severity=Severity.WARNING), "age has drifted in channel=app since"),
        (alert("WideDrift", metric="", value=0.4, limit=0.3), "40 % of the inputs drift at once (limit 30 %)"),
        (alert("LabelFeedLate", value=0.5, limit=0.9), "labels are late: 50 % have come (limit 90 %)"),
        (alert("ServingFastBurn", "availability 6x over 6h", value=7.25), "availability 6x over 6h is used up 7.25 times as fast"),
        (alert("EvaluationFailed", "age", metric="verdict"), "verdict of age could not be measured"),
        (alert("Mine", "age", value=12345.6, limit=3.0), "Mine (age) is 12,346 (limit 3)"),
        (alert("NullSpike", "age", reason="no evidence"), "nothing is known any more of NullSpike (age), which was firing"),
        (alert("NullSpike", "age", value=None), "NullSpike (age)"),
    ],
)
def test_every_rule_has_its_words(fires, says):
    life = Life()
    life.sees(1, fires)
    assert says in life.last.summary
    assert "{" not in life.last.summary


def test_every_default_rule_is_told_without_a_gap():
    for name in RULES:
        for segment in ((), APP):
            life = Life()
            life.sees(1, replace(alert(name, "age", segment=segment, note=PIPELINE), severity=Severity.CRITICAL))
            assert life.last.summary
            assert "{" not in life.last.summary
            assert "None" not in life.last.summary + str(life.last.details)


def test_the_worst_speaks_and_others_are_listed_up_to_twenty():
    life = Life()
    many = [alert("ColumnDrift", f"c{i:02}", at=1, note="mean moved; limit 1") for i in range(30)]
    life.sees(1, NULL, *many)
    assert life.last.summary.startswith("income is missing")
    listed = [line for line in life.last.details if line.startswith("also: ")]
    muted = [line for line in life.last.details if "inhibited" in line]
    assert len(listed) == LISTED
    assert "and 10 more" in life.last.details
    assert muted == []
    assert "; and 30 more alerts" in life.last.summary
    assert len(life.last.alerts) == 31  # receivers that keep each alert must be told of each


def test_wide_drift_is_one_list_of_columns_by_strength():
    life = Life()
    many = [alert("ColumnDrift", f"c{i:02}", at=1, value=1.0 + i) for i in range(25)]
    life.sees(1, alert("WideDrift", metric="", at=1, value=0.8, limit=0.3), *many)
    ranked = next(line for line in life.last.details if line.startswith("strongest first"))
    assert ranked.startswith("strongest first: 1. c24, 2. c23, 3. c22,")
    assert ranked.endswith(" and 5 more")
    assert life.last.alerts[0]["labels"]["alertname"] == "WideDrift"


def test_a_runbook_and_links_are_annotations():
    life = Life()
    rules = RULES | {"NullSpike": RULES["NullSpike"].but(runbook="https://wiki/null")}
    incidents, _ = gather((), board(NULL), {}, "credit", hour(1), HOUR)
    about = About(rules=rules, links={"dashboard": "https://d/1"})
    _, out = decide(incidents, silences=[], spec=life.spec, notify=NOTIFY, sent=Spent(), now=hour(1), about=about)
    assert out[0].notice.annotations["runbook_url"] == "https://wiki/null"
    assert out[0].notice.annotations["dashboard_url"] == "https://d/1"
    assert "runbook: https://wiki/null" in out[0].notice.details


@pytest.mark.parametrize("name", ["a\nb\x1b[31m\u202ec", "x" * 5_000, "<!channel> `rm -rf`", "{column} {0} %s", "\ud800"])
def test_hostile_names_do_no_harm(name):
    life = Life()
    segment = ((name, name),)
    life.sees(
        1, alert("NullSpike", name, at=1, note=f"only {name}: {name * 3}; limit {name}"), alert("SegmentDrift", name, at=1, segment=segment)
    )
    life.sees(2)
    for each in life.outgoing:
        found = each.notice
        texts = [found.summary, *found.details, *found.labels.values(), *found.annotations.values(), json.dumps(found.evidence)]
        assert all(text.isprintable() for text in texts)
        assert len(found.summary) <= 300
        assert max(map(len, texts)) <= 2_000
        assert len(json.dumps([found.summary, found.details, found.labels, found.annotations, found.evidence, found.alerts])) < 20_000


def test_a_name_that_a_shell_would_act_on_is_quoted():
    life = Life()
    life.sees(1, alert("NullSpike", "a; rm -rf /", at=1))
    assert "numbers: driftline query --column 'a; rm -rf /'" in life.last.details


def test_segments_are_evidence():
    life = Life()
    parts = [
        alert("SegmentFaulty", "income", segment=(("channel", level),), at=1, value=value) for level, value in (("app", 0.44), ("web", 0.1))
    ]
    life.sees(1, NULL, *parts)
    assert life.last.evidence["segments"] == [{"segment": "channel=app", "value": 0.44}, {"segment": "channel=web", "value": 0.1}]


def test_the_end_tells_how_long_and_how_bad_it_was():
    life = Life()
    life.sees(1, alert("NullSpike", "income", at=1, value=0.1, limit=0.01))
    worst = alert("NullSpike", "income", at=1, value=0.5, limit=0.01)
    life.sees(2, worst)
    calm = replace(worst, state=State.RECOVERING, last=sight(worst.key, 3, value=0.001, limit=0.01, level=Level.CLEAR))
    life.sees(3, calm)
    life.sees(4)
    assert life.last.summary == "Over: NullSpike (income), from 2026-11-22 00:00 to 2026-11-22 04:00 UTC, at its worst 50 %"
    assert life.last.alerts[0]["ends_at"] == "2026-11-22T04:00:00Z"
