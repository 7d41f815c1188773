"""Nobody is paged for drift alone, nor without an owner and a page that says what to do; rules that can never fire are told."""

import pytest

from driftline.alerting.conditions import CONDITIONS
from driftline.alerting.defaults import default_rules
from driftline.alerting.policy import DRIFTING, FAULTY, GUARDS, troubles
from driftline.alerting.rules import Rule
from driftline.core.ledger import Step
from driftline.core.verdicts import Severity, Verdict
from driftline.drift.findings import TITLES
from driftline.drift.measurements import VALUES
from driftline.drift.surveyed import MEASURES
from driftline.performance.step import METRICS

RUNBOOK = "https://wiki.example.com/a"


def rule(when="beyond_limit", /, **said):
    condition = {when: {}} if isinstance(when, str) else when
    return Rule(**{"when": condition, "runbook": RUNBOOK, **said})


def critical(when="beyond_limit", /, **said):
    return rule(when, severity=Severity.CRITICAL, **said)


def found(written, *, owned=True, pages=False, **targets):
    return troubles(written, default_rules(), owned=owned, pages=pages, targets=targets)


def said(written, **settings):
    return [trouble.what for trouble in found(written, **settings) if trouble.grave]


MAY_PAGE = [
    critical(step=Step.PERFORMANCE),
    critical(step=Step.PERFORMANCE, metric=("verdict",)),
    critical(metric=("error_rate", "latency_*")),
    critical(metric=("roc_auc",)),
    *(critical(metric=(name,)) for name in sorted(GUARDS)),
    *(critical(step=step, metric=("unreadable", "missing_rate")) for step in (Step.DRIFT, Step.PREDICTIONS)),
    critical("faulty", step=Step.DRIFT, metric=("verdict",)),
    critical({"above": {"value": FAULTY}}, step=Step.DRIFT, metric=("verdict",)),
    critical({"above": {"value": 1.9}}, metric=("verdict", "unreadable")),
]
MAY_NOT = [
    critical(),
    critical(step=Step.DRIFT),
    critical(step=Step.PREDICTIONS, metric=("near_threshold",)),
    critical({"absent": {}}, metric=("verdict",)),
    critical(metric=("verdict",)),
    critical("faulty"),
    critical({"above": {"value": 1.4}}, step=Step.DRIFT, metric=("verdict",)),
    critical({"below": {"value": 1.9}}, metric=("verdict",)),
    critical({"above": {"value": 1.9}}, metric=("anchor_verdict",)),
    critical({"above": {"value": 1.9}}, metric=("verd*",)),
    critical(metric=("psi", "error_rate")),
    critical(metric=("*",)),
    critical(metric=("anchor_psi",)),
    critical(metric=("*_rate",)),
    critical(step=Step.DRIFT, metric=("missing_rate", "unseen_rate")),
    critical(step=Step.DRIFT, metric=("missing_*",)),
]


@pytest.mark.parametrize("each", MAY_PAGE)
def test_step_1_and_faults_of_the_data_may_page(each):
    assert found({"Mine": each}) == []


@pytest.mark.parametrize("each", MAY_NOT)
def test_drift_alone_never_pages(each):
    (trouble,) = found({"Mine": each})
    assert trouble.what == "The rule 'Mine' speaks of drift alone, and drift alone pages nobody"
    assert (trouble.where, trouble.grave) == ("rules.Mine.severity", True)
    assert found({"Mine": each.but(severity=Severity.WARNING)}) == []
    assert found({"Mine": each.but(enabled=False)}) == []


def test_rules_that_combine_others_are_what_those_are():
    errors = rule(step=Step.PERFORMANCE)
    for name, settings in (("any_of", {"rules": ("Errors", "SchemaBreak")}), ("all_of", {"rules": ("Errors",)})):
        assert said({"Errors": errors, "Both": critical({name: settings})}) == []
    wide = critical({"share_of": {"rule": "ColumnDrift", "above": 0.5}})
    assert said({"Wide": wide}) == ["The rule 'Wide' speaks of drift alone ('ColumnDrift'), and drift alone pages nobody"]
    deep = {"Deep": critical({"any_of": {"rules": ("Wide", "Errors")}}), "Wide": wide.but(severity=Severity.INFO), "Errors": errors}
    assert said(deep) == ["The rule 'Deep' speaks of drift alone ('ColumnDrift'), and drift alone pages nobody"]


def test_a_changed_default_rule_is_judged_as_it_is_in_the_end():
    assert said({"ColumnDrift": Rule(severity=Severity.CRITICAL, runbook=RUNBOOK)}) == [
        "The rule 'ColumnDrift' speaks of drift alone, and drift alone pages nobody"
    ]
    assert said({"SchemaBreak": Rule(metric=("psi",))}) == ["The rule 'SchemaBreak' speaks of drift alone, and drift alone pages nobody"]
    assert said({"ColumnFaulty": Rule(severity=Severity.CRITICAL, runbook=RUNBOOK)}) == []
    assert said({"TrafficAbsent": Rule(hold="2")}, owned=False) == []


@pytest.mark.parametrize(
    "runbook", ["", "http://wiki.example.com", "wiki", "https://", "https://[", "https:///a", "https://a b/", "javascript:x"]
)
def test_a_page_needs_a_runbook(runbook):
    assert said({"Mine": critical(step=Step.PERFORMANCE, runbook=runbook)}) == ["The rule 'Mine' is critical and has no runbook"]
    assert said({"Mine": rule(step=Step.PERFORMANCE, runbook=runbook)}) == []


def test_a_page_needs_an_owner():
    assert said({"Mine": critical(step=Step.PERFORMANCE)}, owned=False) == ["The rule 'Mine' is critical, and nobody owns this model"]
    assert said({"Mine": rule()}, owned=False) == []


def test_pages_of_default_rules_are_only_noted_and_only_where_somebody_is_told():
    assert found({}, owned=False) == []
    runbook, owner = found({}, owned=False, pages=True)
    assert not runbook.grave
    assert runbook.what.startswith("Critical alerts have no runbook: TrafficAbsent, ")
    assert owner.what == "Critical alerts are sent, and nobody owns this model"
    paging = [name for name, each in default_rules().items() if each.severity is Severity.CRITICAL]
    assert found({name: Rule(runbook=RUNBOOK) for name in paging}, pages=True) == []
    assert found({name: Rule(enabled=False) for name in paging}, pages=True, owned=False) == []


def test_the_default_rules_hold_to_the_policy_themselves():
    assert [each.what for each in troubles(default_rules(), {}, owned=True, pages=False, targets={}) if "runbook" not in each.what] == []


def test_a_rule_needs_a_condition_unless_it_changes_a_default_one():
    assert said({"ColumnDrift": Rule()}) == []
    (trouble,) = found({"ColumnDrit": Rule()})
    assert trouble.what == "The rule 'ColumnDrit' has no condition, and no default rule has its name"
    assert "Did you mean 'ColumnDrift', which is there already?" in trouble.hint
    (trouble,) = troubles({"ColumnDrift": Rule()}, {}, owned=True, pages=True, targets={})
    assert trouble.grave


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"A": rule({"any_of": {"rules": ("B",)}})}, "The rule 'A' speaks of 'B', and there is no such rule"),
        ({"A": rule({"share_of": {"rule": "B", "above": 0.5}})}, "The rule 'A' speaks of 'B', and there is no such rule"),
        ({"A": rule({"any_of": {"rules": ("B",)}}), "B": rule(enabled=False)}, "The rule 'A' speaks of 'B', and there is no such rule"),
        ({"A": rule({"any_of": {"rules": ("A",)}})}, "The rule 'A' waits for itself"),
        ({"A": rule({"any_of": {"rules": ("B",)}}), "B": rule({"all_of": {"rules": ("A",)}})}, "The rule 'A' waits for itself"),
        ({"A": rule({"all_of": {"rules": ()}})}, "The rule 'A' speaks of no rule"),
        ({"A": rule({"outside": {"low": 1.0, "high": 1.0}})}, "The rule 'A' is always beyond: 1 is not below 1"),
        ({"A": rule("changed_by")}, "The rule 'A' does not say how much may change"),
        ({"A": rule({"changed_by": {"share": -0.1, "amount": 1.0}})}, "The rule 'A' does not say how much may change"),
        (
            {"WideDrift": Rule(), "ColumnDrift": Rule(enabled=False)},
            "The rule 'WideDrift' speaks of 'ColumnDrift', and there is no such rule",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(written, words):
    assert words in said(written)


def test_a_rule_named_almost_right_is_guessed():
    (trouble,) = found({"A": rule({"any_of": {"rules": ("ColumDrift",)}})})
    assert trouble.hint == "Did you mean 'ColumnDrift'?"


@pytest.mark.parametrize(
    ("rate", "target", "column", "grave"),
    [
        (14.4, 0.999, (), None),
        (14.4, 0.9, (), True),
        (10.0, 0.9, (), True),
        (6.7, 0.85, (), True),
        (9.9, 0.9, (), False),
        (6.1, 0.9, (), False),
        (6.0, 0.9, (), None),
        (14.4, 0.9, ("availability*",), True),
        (14.4, 0.9, ("* over 1h",), True),
        (14.4, 0.9, ("avail*",), True),
        (14.4, 0.9, ("latency_within *",), None),
        (14.4, 0.9, ("latency_within *", "availability 1x *"), True),
    ],
)
def test_burn_rates_that_cannot_be_reached_are_refused_and_those_that_hardly_can_are_noted(rate, target, column, grave):
    told = found({"Burn": rule({"burn_rate": {"rate": rate}}, column=column)}, availability=target)
    assert [trouble.grave for trouble in told] == ([] if grave is None else [grave])


def test_what_is_grave_comes_first():
    written = {"Burn": rule({"burn_rate": {"rate": 7.0}}), "Mine": critical(step=Step.DRIFT)}
    assert [trouble.grave for trouble in found(written, pages=True, owned=False, availability=0.9)] == [True, True, False, False, False]


def test_the_names_of_what_drifts_are_those_of_the_code():
    assert {*MEASURES, *TITLES.values(), *GUARDS} <= set(DRIFTING)
    assert set(METRICS) & set(DRIFTING) == {"decision_rate"}
    assert VALUES[Verdict.DRIFTED] < FAULTY < VALUES[Verdict.FAULTY]
    assert {"burn_rate", "above", "outside", "changed_by", "faulty"} <= set(CONDITIONS)
