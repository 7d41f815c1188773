"""Tests of rules from files: what they play, what they find, and what is said of a mistake in them."""

import argparse
import json
from datetime import timedelta
from pathlib import Path

import pytest

from driftline.alerting.defaults import DEFAULT_NAMES, default_rules
from driftline.alerting.records import State
from driftline.alerting.rule_tests import MOST, Expected, Point, RuleTest, Series, Setting, name_of, points, run
from driftline.cli import rules
from driftline.cli.main import guarded
from driftline.config.rule_tests import read_rule_tests
from driftline.core.errors import ConfigError, UsageError
from driftline.core.ledger import Step
from driftline.core.records import Status

DAY = Setting(timedelta(days=1), importance={"income": 0.5})
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "rules" / "credit-default.yaml"
OK, PENDING, FIRING, RECOVERING = State.OK, State.PENDING, State.FIRING, State.RECOVERING


def spike(values, **settings):
    return Series(Step.DRIFT, "missing_rate", points(values, limit=0.01), column="income", limit=0.01, **settings)


def played(*series, expected=(), setting=DAY):
    return run(RuleTest("t", series, tuple(expected)), default_rules(), setting)


def states(outcome, rule):
    (found,) = [each for key, each in outcome.states.items() if key.rule == rule and not key.reason]
    return found


def test_values_stand_for_windows():
    assert points("0.004 0.3x2 _ ? - !", limit=0.01) == (
        Point(0.004, beyond=False),
        Point(0.3, beyond=True),
        Point(0.3, beyond=True),
        None,
        Point(None, Status.INSUFFICIENT),
        Point(None, Status.NODATA),
        Point(None, Status.ERROR),
    )
    assert points("-1 +2e1\n.5") == (Point(-1.0), Point(20.0), Point(0.5))
    assert [each.beyond for each in points("1 2 3", limit=2.0)] == [False, False, True]
    assert [each.beyond for each in points("1 2 3", limit=2.0, below=True)] == [True, False, False]
    assert points("1x2 ? 3", limit=0.0, beyond="0 1 1 _") == (
        Point(1.0, beyond=False),
        Point(1.0, beyond=True),
        Point(None, Status.INSUFFICIENT),
        Point(3.0),
    )
    assert points("_x2 ?x1") == (None, None, Point(None, Status.INSUFFICIENT))


@pytest.mark.parametrize(
    "text", ["", " ", "x3", "1x", "1x0", "1y", "nan", "inf", "1e999", "1,2", "0x10 0x", "--1", "1x99999", "1x900 1x900"]
)
def test_what_is_no_value_is_refused(text):
    with pytest.raises(UsageError) as error:
        points(text)
    assert error.value.where == "values"


@pytest.mark.parametrize("text", ["1", "1 0 1", "1 x", "2 0", "? 1"])
def test_beyond_speaks_of_every_value(text):
    with pytest.raises(UsageError) as error:
        points("1 2", beyond=text)
    assert error.value.where == "beyond"


def test_a_series_goes_through_the_states_of_an_alert():
    outcome = played(spike("0.004 0.3 ? _ 0.004x2 0.3"))
    assert states(outcome, "NullSpike") == (OK, FIRING, FIRING, FIRING, RECOVERING, OK, FIRING)


def test_lost_evidence_has_an_alert_of_its_own():
    missed = Expected(4, "NullSpike", FIRING, reason="no evidence")
    early = Expected(2, "NullSpike", OK, reason="no evidence")
    assert played(spike("0.3 ?x3"), expected=[missed, early]).misses == ()
    (miss,) = played(spike("0.3 0.3x3"), expected=[missed]).misses
    assert miss.came == "ok"


def test_the_length_of_a_window_counts_where_a_rule_names_a_duration():
    changed = {"NullSpike": default_rules()["NullSpike"].but(hold="12h", group="inputs")}
    test = RuleTest("t", (spike("0.3x4"),), ())
    for hours, fires in ((4, 2), (12, 0), (24, 0)):
        found = run(test, changed, Setting(timedelta(hours=hours), importance={"income": 0.5}))
        assert next(iter(found.states.values())).index(FIRING) == fires


def test_what_was_expected_and_did_not_come_is_a_miss():
    expected = [
        Expected(1, "NullSpike", OK),
        Expected(2, "NullSpike", OK, column="income"),
        Expected(2, "NullSpike", FIRING, column="age"),
        Expected(2, "NullSpike", None, column="age"),
        Expected(2, "NullSpike", None),
        Expected(2, "WideDrift", OK),
        Expected(2, "WideDrift", FIRING),
    ]
    misses = played(spike("0.004 0.3"), expected=expected).misses
    assert [(miss.expected, miss.came) for miss in misses] == [
        (expected[1], "firing"),
        (expected[2], "unwatched"),
        (expected[4], "firing"),
        (expected[6], "ok"),
    ]


def test_what_matters_too_little_is_not_watched():
    assert played(spike("0.3"), expected=[Expected(1, "NullSpike", None)], setting=Setting(timedelta(days=1))).misses == ()


def test_all_alerts_that_are_meant_must_be_in_the_state():
    setting = Setting(timedelta(days=1), importance={"income": 0.5, "age": 0.5})
    age = Series(Step.DRIFT, "missing_rate", points("0.001x2", limit=0.01), column="age", limit=0.01)
    (miss,) = played(spike("0.3x2"), age, expected=[Expected(2, "NullSpike", FIRING)], setting=setting).misses
    assert miss.came == "ok (age, missing_rate), firing (income, missing_rate)"


def test_segments_and_versions_are_told_apart():
    rows = Series(Step.DRIFT, "segment_rows", points("100 0", limit=20.0, below=True), segment=(("channel", "app"),), limit=20.0)
    fires = Expected(2, "SegmentAbsent", FIRING, segment=(("channel", "app"),))
    other = Expected(2, "SegmentAbsent", None, segment=(("channel", "web"),))
    versioned = spike("0.3x2", version="7")
    assert played(rows, versioned, expected=[fires, other, Expected(2, "NullSpike", None)]).misses == ()


def test_names_of_alerts():
    (key,) = [key for key in played(spike("0.3")).states if key.rule == "NullSpike"]
    assert name_of(key) == "income, missing_rate"


PLAN = """model: eta
columns: {id: i, time: t, prediction: p}
window: 6h
drift: {importance: {income: 0.4}}
alerts: {rules: {Slow: {step: performance, metric: latency_p95, when: {above: 200}, hold: "2 of 3", severity: warning}}}
"""
TESTS = """config: eta.yaml
tests:
  - name: latency
    series:
      - {step: performance, metric: latency_p95, values: "100 300x2 100"}
    expect:
      - {window: 2, rule: Slow, state: pending}
      - {window: 3, rule: Slow, metric: latency_p95, state: firing}
      - {window: 4, rule: Slow, segment: all, state: ok}
  - name: nulls
    series:
      - {step: drift, metric: missing_rate, column: income, limit: 0.01, side: above, rows: 50, basis: observed, values: 0.3}
    expect: [{window: 1, rule: NullSpike, state: firing}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "eta.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "t.yaml").write_text(TESTS, encoding="utf-8")
    return tmp_path


def judged(*files):
    return guarded(lambda: rules.run(argparse.Namespace(action="test", files=[str(file) for file in files])))


def changed(folder, old, new):
    assert old in TESTS
    (folder / "t.yaml").write_text(TESTS.replace(old, new, 1), encoding="utf-8")
    return folder / "t.yaml"


def test_tests_that_hold_take_a_line_each(folder, capsys):
    assert judged(folder / "t.yaml") == 0
    assert capsys.readouterr().out == "ok      latency\nok      nulls\n2 tests hold\n"


def test_a_test_that_fails_shows_what_came(folder, capsys):
    file = changed(folder, "window: 4, rule: Slow, segment: all, state: ok", "window: 4, rule: Slow, state: firing")
    assert judged(file) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAILED  latency",
        f"  {file}:9:27: window 4, Slow: expected firing, came ok",
        "    Slow (latency_p95)  1 ok, 2 pending, 3 firing, 4 ok",
        "ok      nulls",
        "1 of 2 tests failed",
    ]


def test_the_example_of_the_documentation_holds(capsys):
    assert judged(EXAMPLE) == 0
    assert "3 tests hold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("config: eta.yaml\n", "", "1:1", "'config' is missing"),
        ("tests:", "window: soon\ntests:", "2:9", "no duration"),
        ("tests:", "test: 1\ntests:", "2:1", "Did you mean 'tests'"),
        ("name: latency", "nme: latency", "3:5", "no key 'nme'"),
        ("step: performance", "step: perf", "5:16", "'perf' is no step"),
        ('"100 300x2 100"', '"100 300x2 l00"', "5:58", "'l00' is no value"),
        ("state: pending", "state: burning", "7:40", "'burning' is no state. Did you mean 'firing'?"),
        ("window: 2", "window: 9", "7:18", "no window 9: the test has 4"),
        ("window: 2", "window: 0", "7:18", "whole number"),
        ("rule: Slow", "rule: Slwo", "7:27", "Did you mean 'Slow'"),
        ("segment: all", "segment: app", "9:42", "no segment"),
        ("limit: 0.01, side", "side", "12:67", "A side is one of a limit"),
        ("limit: 0.01", "limit: 1%", "12:68", "'limit' is a number"),
        ("rows: 50", "rows: many", "12:93", "'rows' is a whole number"),
        ("rows: 50", 'beyond: "1 1"', "12:95", "'beyond' speaks of 2 windows, and 'values' of 1"),
        ("name: nulls", "name: latency", "10:11", "two tests with the name"),
        ("expect: [{window: 1, rule: NullSpike, state: firing}]", "expect: firing", "13:13", "'expect' is a list"),
        ("expect: [{window: 1, rule: NullSpike, state: firing}]", "expect: [firing]", "13:14", "'expect' is a list"),
        ("name: nulls", "name: [a]", "10:11", "more than one value"),
    ],
)
def test_a_mistake_has_its_place(folder, capsys, old, new, place, words):
    file = changed(folder, old, new)
    assert judged(file) == 2
    said = capsys.readouterr().err
    assert f"{file}:{place}: " in said
    assert words in said


def test_series_of_different_lengths_are_refused(folder):
    line = '      - {step: performance, metric: latency_p95, values: "100 300x2 100"}\n'
    file = changed(folder, line, f"{line}{line.replace('100 300x2 100', '1')}")
    with pytest.raises(ConfigError, match="different numbers of windows: 4, 1"):
        read_rule_tests(file)


def test_files_that_cannot_be_read_are_one_sentence(folder, capsys):
    (folder / "latin.yaml").write_bytes(b"config: \xe9\n")
    for name, words in (("none.yaml", "no such file"), ("latin.yaml", "not UTF-8"), (".", "directory")):
        assert judged(folder / name) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
    assert judged(changed(folder, "eta.yaml", "other.yaml")) == 2
    assert "other.yaml" in capsys.readouterr().err


def test_the_longest_test_is_quick(folder, capsys):
    file = changed(folder, '"100 300x2 100"', f'"100 300x2 100x{MOST - 3}"')
    assert judged(file) == 0


def shown(folder, *, as_json):
    return guarded(lambda: rules.run(argparse.Namespace(action="show", config=str(folder / "eta.yaml"), json=as_json)))


def test_rules_are_shown_with_all_that_they_say(folder, capsys):
    assert shown(folder, as_json=False) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["rule", "severity", "watches", "when"]
    assert {line.split()[0] for line in lines} == {*DEFAULT_NAMES, "Slow"}
    ranks = [("critical", "warning", "info").index(line.split()[1]) for line in lines]
    assert ranks == sorted(ranks)
    (slow,) = [line for line in lines if line.startswith("Slow ")]
    assert slow.split(maxsplit=2)[2].split("  ")[0].strip() == "performance latency_p95"
    assert "above value=200" in slow
    assert "2 of 3" in slow


def test_rules_as_json(folder, capsys):
    assert shown(folder, as_json=True) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(found) == {*DEFAULT_NAMES, "Slow"}
    assert found["Slow"]["when"] == {"above": {"value": 200.0}}
    assert (found["Slow"]["hold"], found["Slow"]["severity"], found["Slow"]["metric"]) == ("2 of 3", "warning", ["latency_p95"])
    assert found["Slow"]["false_alarms_per_month"] is None
    assert found["TrafficAbsent"]["false_alarms_per_month"] == pytest.approx(120 * 1e-6)
