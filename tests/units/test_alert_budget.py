"""The budget of false alarms: what each rule is expected to raise when nothing is wrong, and how sure a counted number is."""

from dataclasses import replace
from datetime import timedelta

import pytest
from scipy import stats

from driftline.alerting.budget import NO_THEORY, Chances, expected, forecast, poisson_interval, rate_per_month
from driftline.alerting.rules import Rule
from driftline.core.ledger import Step
from firing import RULES

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
IMPORTANCE = {"income": 0.2}
HOURLY = Chances(720.0, HOUR, alarms={Step.DRIFT: 1.0, Step.PREDICTIONS: 0.5}, quality=0.01, burns=3, segments=4, importance=IMPORTANCE)


def by_rule(rules=RULES, chances=HOURLY):
    return {each.rule: each for each in expected(rules, chances)}


@pytest.mark.parametrize(
    ("rule", "per_month", "says"),
    [
        ("TrafficAbsent", 720e-6, "1e-06 x 720 windows a month"),
        ("TrafficUnusual", 720e-4, "0.0001 x 720"),
        ("ServingFastBurn", 3 * 720e-6, "x 3 burn rates"),
        ("NullSpike", 0.25, "1 windows a month may be called drifted when nothing has changed, 25% of them for missing values"),
        ("SchemaBreak", 0.0, "no chance makes a column vanish"),
        ("SegmentAbsent", 4 * 720e-6, "x 4 segments"),
        ("ColumnFaulty", 1.0, "may be called drifted"),
        ("ColumnDrift", 1.0, "may be called drifted"),
        ("WideDrift", 1.0, "no more often than ColumnDrift"),
        ("SegmentDrift", 1.0, "may be called drifted"),
        ("PredictionFaulty", 0.5, "0.5 windows a month"),
        ("DecisionRate", 0.5, "0.5 windows a month"),
        ("QualityBelowFloor", 7.2, "0.01 x 720"),
        ("QualityEarly", 7.2, "0.01 x 720"),
        ("LabelFeedLate", 0.072, "0.0001 x 720"),
        ("OrphanLabels", 0.072, "0.0001 x 720"),
        ("EvaluationFailed", 0.0, "no chance"),
    ],
)
def test_every_default_rule_has_a_number_with_its_derivation(rule, per_month, says):
    at_once = {name: each.but(hold="1") for name, each in RULES.items()}
    found = by_rule(at_once)[rule]
    assert found.per_month == pytest.approx(per_month)
    assert says in found.derivation


def test_a_rule_that_holds_begins_less_often():
    held = {"ColumnDrift": RULES["ColumnDrift"].but(hold="2 of 3"), "WideDrift": RULES["WideDrift"]}
    assert by_rule(held)["ColumnDrift"].per_month == 0.5
    assert "/ 2, since it begins after 2 of 3 windows" in by_rule(held)["ColumnDrift"].derivation
    assert by_rule(held)["WideDrift"].per_month == 0.5


def test_all_rules_that_are_switched_on_are_listed_in_their_order():
    assert [each.rule for each in expected(RULES, HOURLY)] == list(RULES)
    assert all(each.per_month is not None for each in expected(RULES, HOURLY))
    off = {**RULES, "ColumnDrift": RULES["ColumnDrift"].but(enabled=False)}
    assert "ColumnDrift" not in by_rule(off)
    assert by_rule(off)["WideDrift"].per_month == 0.0


@pytest.mark.parametrize(
    "when",
    [
        {"above": {"value": 0.1}},
        {"below": {"value": 0.1}},
        {"outside": {"low": 0.1, "high": 0.2}},
        {"changed_by": {"share": 0.1}},
        {"absent": {}},
    ],
)
def test_a_threshold_of_ones_own_has_no_theory(when):
    rule = Rule.read({"name": "Mine", "step": Step.DRIFT, "metric": ("missing_rate",), "when": when})
    found = by_rule({"Mine": rule})["Mine"]
    assert (found.per_month, found.derivation) == (None, NO_THEORY)


def test_rules_on_others_rest_on_what_those_raise():
    def rule(condition, *others):
        return Rule.read({"name": condition, "when": {condition: {"rules": others}}})

    mine = Rule.read({"name": "Mine", "metric": ("x",), "when": {"above": {"value": 1.0}}})
    rules = {
        **RULES,
        "Mine": mine,
        "any_of": rule("any_of", "NullSpike", "ColumnDrift"),
        "all_of": rule("all_of", "NullSpike", "ColumnDrift"),
    }
    one, other = (by_rule(rules)[name].per_month for name in ("NullSpike", "ColumnDrift"))
    assert by_rule(rules)["any_of"].per_month == one + other
    assert by_rule(rules)["all_of"].per_month == min(one, other)
    assert by_rule({**rules, "any_of": rule("any_of", "NullSpike", "Mine")})["any_of"].per_month is None
    assert by_rule({**rules, "all_of": rule("all_of", "NullSpike", "Mine")})["all_of"].per_month == one
    assert by_rule({"any_of": rule("any_of", "any_of")})["any_of"].per_month == 0.0


def test_a_hold_in_hours_counts_windows():
    held = RULES["NullSpike"].but(hold="6h")
    assert by_rule({"NullSpike": held})["NullSpike"].per_month == pytest.approx(0.25 / 6)
    assert by_rule({"NullSpike": held}, Chances(30.0, DAY, alarms={Step.DRIFT: 1.0}, importance=IMPORTANCE))["NullSpike"].per_month == 0.25


def test_where_no_column_is_important_its_rules_raise_nothing():
    found = by_rule(chances=replace(HOURLY, importance={"income": 0.05}))["NullSpike"]
    assert (found.per_month, found.derivation) == (0.0, "no column has an importance of 0.1")


def test_rules_on_one_step_share_what_it_is_allowed():
    daily = replace(HOURLY, windows=30.0, base=DAY, quality=0.5 / 30)
    found = forecast(RULES, daily)
    assert found.pages <= 1.0 + 1e-3
    assert found.tickets <= 4.0
    alone = {name: rule for name, rule in RULES.items() if rule.step is Step.DRIFT}
    assert forecast(alone, daily).tickets == 1.0


def test_steps_that_are_not_watched_have_no_number():
    assert by_rule(chances=Chances(30.0, DAY))["NullSpike"].per_month is None


@pytest.mark.parametrize("count", [0, 1, 2, 5, 17, 100, 1_000, 20_000])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_the_interval_is_the_exact_one(count, confidence):
    tail = (1 - confidence) / 2
    low, high = poisson_interval(count, confidence)
    assert low == pytest.approx(0.0 if count == 0 else stats.chi2.ppf(tail, 2 * count) / 2, rel=1e-8)
    assert high == pytest.approx(stats.chi2.isf(tail, 2 * count + 2) / 2, rel=1e-8)


def test_a_rate_is_per_month():
    found = rate_per_month(3, 1.5)
    low, high = poisson_interval(3)
    assert (found.per_month, found.low, found.high) == (2.0, low / 1.5, high / 1.5)
    assert rate_per_month(0, 6.0).high == pytest.approx(3.6889 / 6, rel=1e-4)
