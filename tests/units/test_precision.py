"""Precision: how often rules were right, what is proposed where they were not, and how the lines of the monitor are raised by it."""

from dataclasses import replace

import pytest

from driftline.alerting.incidents import close, gather
from driftline.alerting.precision import precision, proposal, raised, wilson
from driftline.alerting.records import Closing
from driftline.alerting.rules import Rule
from driftline.core.ledger import Step
from firing import HOUR, RULES, alert, board, hour

REAL, FALSE, EXPECTED = Closing.REAL_FIXED, Closing.FALSE_ALARM, Closing.EXPECTED_EVENT
ABOVE = Rule.read({"name": "Mine", "metric": ("missing_rate",), "when": {"above": {"value": 0.3}}})
BELOW = Rule.read({"name": "Mine", "metric": ("roc_auc",), "when": {"below": {"value": 0.7}}})


def closed(rule, closing, *, at=1.0, value=2.0, column="income", **identity):
    """An incident of one alert that was closed, or is open where `closing` is None."""
    incident = gather((), board(alert(rule, column, at=at, value=value, **identity)), {}, "credit", hour(at), HOUR)[0][0]
    return incident if closing is None else close(incident, closing, "ann", "", hour(at + 1))


def test_closed_incidents_count_for_the_rule_that_led_them():
    found = precision(
        [
            *(closed("NullSpike", REAL) for _ in range(3)),
            closed("NullSpike", EXPECTED),
            closed("NullSpike", Closing.DUPLICATE),
            closed("NullSpike", None),
            closed("ColumnDrift", FALSE),
            closed("ColumnDrift", Closing.REAL_ACCEPTED),
        ]
    )
    assert [(each.rule, each.real, each.false, each.share) for each in found] == [("ColumnDrift", 1, 1, 0.5), ("NullSpike", 3, 1, 0.75)]
    assert (found[1].low, found[1].high) == wilson(3, 4)


def test_others_of_the_incident_do_not_count():
    incident = gather((), board(alert("NullSpike", "a"), alert("ColumnDrift", "b")), {}, "credit", hour(1), HOUR)[0][0]
    assert [each.rule for each in precision([close(incident, REAL, "ann", "", hour(2))])] == ["NullSpike"]


@pytest.mark.parametrize(("part", "whole"), [(0, 5), (3, 5), (5, 5), (1, 200), (0, 0)])
def test_the_interval_of_a_share_is_wilsons(part, whole):
    from scipy.stats import binomtest

    wanted = (0.0, 1.0) if not whole else tuple(binomtest(part, whole).proportion_ci(method="wilson"))
    assert wilson(part, whole) == pytest.approx(wanted, abs=1e-12)


def test_a_threshold_is_proposed_where_a_rule_is_mostly_wrong():
    incidents = [closed("Mine", FALSE, value=value) for value in (0.31, 0.35, 0.4, 0.33)]
    incidents += [closed("Mine", REAL, value=0.9), closed("Mine", REAL, value=0.36)]
    assert proposal(ABOVE, incidents) == (
        "Mine was right in 2 of 6 closed incidents (10% to 70%): 'above: 0.44' instead of 0.3 would have kept 1 of 2 real and "
        "0 of 4 false ones"
    )


def test_a_threshold_from_below_is_lowered():
    incidents = [closed("Mine", FALSE, value=value) for value in (0.69, 0.66, 0.68, 0.65, 0.67)]
    said = proposal(BELOW, incidents)
    assert "'below: 0.591' instead of 0.7 would have kept 0 of 0 real and 0 of 5 false ones" in said


@pytest.mark.parametrize(
    "closings",
    [
        [FALSE] * 4,  # too few
        [FALSE, FALSE, REAL, REAL, REAL],  # mostly right
        [FALSE, FALSE, FALSE, REAL, REAL, REAL],  # just as often
        [FALSE] * 4 + [Closing.DUPLICATE] * 3,  # duplicates count nowhere
        [],
    ],
)
def test_nothing_is_proposed_where_it_is_right_or_little_is_known(closings):
    assert proposal(ABOVE, [closed("Mine", closing) for closing in closings]) == ""


def test_a_calibrated_limit_is_no_number_to_change():
    said = proposal(RULES["ColumnDrift"], [closed("ColumnDrift", FALSE) for _ in range(5)])
    assert "was right in 0 of 5 closed incidents" in said
    assert "'hold: 3 of 5'" in said


def line(*incidents, now=100.0, rate=0.01, step=Step.DRIFT, rules=None):
    return raised(incidents, step, windows_since=lambda moment: (hour(now) - moment) / HOUR, rate=rate, rules=rules)


@pytest.mark.parametrize(
    ("incident", "counts"),
    [
        (closed("ColumnDrift", FALSE, value=1.0), True),
        (closed("ColumnDrift", EXPECTED, value=1.0), True),
        (closed("WideDrift", FALSE, value=0.4), True),
        (closed("ColumnDrift", REAL, value=1.0), False),
        (closed("ColumnDrift", Closing.DUPLICATE, value=1.0), False),
        (closed("ColumnDrift", None, value=1.0), False),
        (closed("ColumnFaulty", FALSE, value=2.0), False),
        (closed("NullSpike", FALSE), False),
        (closed("PredictionDrift", FALSE, value=1.0), False),  # of another step
        (closed("QualityBelowFloor", FALSE), False),
    ],
)
def test_drift_that_was_no_trouble_raises_the_lines(incident, counts):
    assert line(incident, now=1.0) == (1.0 if counts else 0.0)


def test_a_rule_of_ones_own_on_the_monitor_counts_for_its_step():
    rules = {"Mine": Rule.read({"name": "Mine", "step": Step.PREDICTIONS, "metric": ("surprise",), "when": {"beyond_limit": {}}})}
    incident = closed("Mine", FALSE, metric="surprise")
    assert line(incident, now=1.0, step=Step.PREDICTIONS, rules=rules) == 1.0
    assert line(incident, now=1.0, rules=rules) == 0.0


def test_quiet_windows_lower_the_lines_again():
    incident = closed("ColumnDrift", FALSE, value=1.0)
    assert line(incident, now=51.0) == pytest.approx(0.5)
    assert line(incident, now=101.0) == pytest.approx(0.0)
    assert line(incident, now=10_000.0) == 0.0


def test_the_lines_add_up_to_a_cap():
    two = [closed("ColumnDrift", FALSE, at=at, value=1.0) for at in (1.0, 51.0)]
    assert line(*two, now=51.0) == pytest.approx(1.5)
    assert line(*two[::-1], now=51.0) == pytest.approx(1.5)
    many = [replace(two[0], id=f"inc_{i}") for i in range(9)]
    assert line(*many, now=1.0) == 3.0
    assert line(*many, now=101.0) == pytest.approx(2.0)
    assert line() == 0.0
