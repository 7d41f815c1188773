"""Inhibition: which alerts follow from others, so that nobody is told of them; one sentence per row of the table."""

from dataclasses import replace
from time import perf_counter

import pytest

from driftline.alerting.inhibition import TABLE, Facts, blame, inhibited
from driftline.alerting.rules import Rule
from driftline.core.records import Basis
from firing import RULES, alert

APP = (("channel", "app"),)
WEB = (("channel", "web"),)
FACTS = Facts(sources={"income": "bureau", "score": "bureau", "age": "form"}, rules=RULES)


def told(*alerts, facts=FACTS):
    """What is muted, as rules with columns, and by what."""
    why = inhibited(alerts, facts)
    return {f"{a.key.rule} {a.key.column}".strip(): why[a.key.fingerprint] for a in alerts if a.key.fingerprint in why}


@pytest.mark.parametrize(
    ("who", "whom", "muted"),
    [
        # TrafficAbsent mutes everything else of the model but what says how it serves.
        (alert("TrafficAbsent"), alert("ColumnDrift", "age"), True),
        (alert("TrafficAbsent"), alert("QualityBelowFloor"), True),
        (alert("TrafficAbsent"), alert("LabelFeedLate"), True),
        (alert("TrafficAbsent"), alert("EvaluationFailed"), True),
        (alert("TrafficAbsent"), alert("SegmentAbsent", segment=APP), True),
        (alert("TrafficAbsent"), alert("Mine", group="mine"), True),
        (alert("TrafficAbsent"), alert("ServingFastBurn", "availability"), False),
        (alert("TrafficAbsent"), alert("ColumnDrift", "age", reason="no evidence"), True),
        (alert("TrafficAbsent"), alert("ServingFastBurn", "availability", reason="no evidence"), True),
        (alert("TrafficAbsent"), alert("TrafficAbsent", reason="no evidence"), False),
        (alert("TrafficAbsent", reason="no evidence"), alert("ColumnDrift", "age"), False),
        # A fault mutes the lesser ones and drift on its column, and drift on the columns of its source.
        (alert("SchemaBreak", "income"), alert("NullSpike", "income"), True),
        (alert("NullSpike", "income"), alert("SchemaBreak", "income"), False),
        (alert("NullSpike", "income"), alert("NullSpike", "age"), False),
        (alert("NullSpike", "income"), alert("ColumnFaulty", "income"), True),
        (alert("ColumnFaulty", "income"), alert("NullSpike", "income"), False),
        (alert("NullSpike", "income"), alert("ColumnDrift", "income"), True),
        (alert("ColumnFaulty", "income"), alert("AnchorDrift", "income"), True),
        (alert("ColumnFaulty", "income"), alert("SegmentFaulty", "income", segment=APP), True),
        (alert("NullSpike", "income"), alert("SegmentDrift", "income", segment=APP), True),
        (alert("NullSpike", "income"), alert("ColumnDrift", "score"), True),
        (alert("NullSpike", "income"), alert("AnchorDrift", "score"), False),
        (alert("NullSpike", "income"), alert("ColumnDrift", "age"), False),
        (alert("NullSpike", "unknown"), alert("ColumnDrift", "other"), False),
        (alert("NullSpike", "income"), alert("ColumnDrift", "income", reason="no evidence"), True),
        # What comes out of broken data follows from it.
        (alert("NullSpike", "income"), alert("PredictionDrift", "p"), True),
        (alert("ColumnFaulty", "income"), alert("DecisionRate", "p"), True),
        (alert("NullSpike", "income"), alert("PredictionFaulty", "p"), False),
        (alert("PredictionFaulty", "p"), alert("PredictionDrift", "p"), True),
        (alert("PredictionsMissing", "p"), alert("PredictionFaulty", "p"), True),
        (alert("ColumnDrift", "income"), alert("PredictionDrift", "p"), False),
        # Within a segment a fault explains the drift there.
        (alert("SegmentFaulty", "income", segment=APP), alert("SegmentDrift", "income", segment=APP), True),
        (alert("SegmentFaulty", "income", segment=APP), alert("SegmentDrift", "income", segment=WEB), False),
        (alert("SegmentFaulty", "income", segment=APP), alert("ColumnDrift", "income"), False),
        # Proven quality says more than what is estimated, and than drift.
        (alert("QualityBelowFloor"), alert("QualityEstimated"), True),
        (alert("QualityBelowFloor"), alert("QualityEarly"), True),
        (alert("QualityBelowFloor"), alert("ColumnDrift", "age"), True),
        (alert("QualityBelowFloor"), alert("PredictionDrift", "p"), True),
        (alert("QualityBelowFloor"), alert("WideDrift"), True),
        (alert("QualityBelowFloor"), alert("DecisionRate", "p"), True),
        (alert("QualityBelowFloor"), alert("NullSpike", "income"), False),
        (alert("QualityEstimated"), alert("ColumnDrift", "age"), False),
        # Labels that are late prove nothing.
        (alert("LabelFeedLate"), alert("QualityBelowFloor"), True),
        (alert("LabelFeedLate"), alert("QualityEarly"), True),
        (alert("LabelFeedLate"), alert("QualityEstimated"), False),
        (alert("OrphanLabels"), alert("QualityBelowFloor"), False),
        # Drift of many columns is told as one.
        (alert("WideDrift"), alert("ColumnDrift", "age"), True),
        (alert("WideDrift"), alert("ColumnFaulty", "age"), False),
    ],
)
def test_the_table(who, whom, muted):
    for pair in ((who, whom), (whom, who)):
        found = inhibited(pair, FACTS)
        assert found.get(whom.key.fingerprint) == (blame(who.key) if muted else None)
        assert who.key.fingerprint not in found or not muted


def test_quality_on_observed_labels_is_not_muted_by_a_late_feed():
    other = alert("QualityBelowFloor")
    observed = replace(other, key=replace(other.key, basis=Basis.OBSERVED))
    assert told(alert("LabelFeedLate"), observed) == {}


def test_the_reason_names_what_mutes_first_of_the_table():
    assert told(alert("NullSpike", "income"), alert("TrafficAbsent"), alert("ColumnDrift", "income")) == {
        "NullSpike income": "inhibited by TrafficAbsent",
        "ColumnDrift income": "inhibited by TrafficAbsent",
    }


def test_what_is_muted_mutes_all_the_same():
    chain = (alert("LabelFeedLate"), alert("QualityBelowFloor"), alert("ColumnDrift", "age"))
    assert told(*chain) == {"QualityBelowFloor": blame(chain[0].key), "ColumnDrift age": blame(chain[1].key)}


def test_a_rule_on_the_share_of_another_one_mutes_that_one():
    many = Rule.read({"name": "ManyFaults", "when": {"share_of": {"rule": "ColumnFaulty", "above": 0.2}}})
    facts = Facts(rules={"ManyFaults": many})
    assert told(alert("ManyFaults"), alert("ColumnFaulty", "age"), facts=facts).keys() == {"ColumnFaulty age"}
    assert told(alert("WideDrift"), alert("ColumnDrift", "age"), facts=Facts()) == {}


def test_nobody_mutes_what_mutes_it():
    wicked = {
        "ColumnDrift": Rule.read({"name": "ColumnDrift", "when": {"share_of": {"rule": "QualityBelowFloor", "above": 0.2}}}),
        "Own": Rule.read({"name": "Own", "when": {"share_of": {"rule": "Own", "above": 0.2}}}),
    }
    pair = (alert("QualityBelowFloor"), alert("ColumnDrift", "age"))
    for order in (pair, pair[::-1]):
        assert len(told(*order, facts=Facts(rules=wicked))) == 1
    assert told(alert("Own"), facts=Facts(rules=wicked)) == {}


def test_a_new_version_without_a_reference_does_not_drift():
    facts = replace(FACTS, warming=True)
    drifting = (alert("ColumnDrift", "age"), alert("SegmentDrift", "age", segment=APP), alert("WideDrift"), alert("DecisionRate", "p"))
    muted = told(*drifting, alert("SegmentAbsent", segment=APP), alert("QualityEarly"), facts=facts)
    assert set(muted) == {"ColumnDrift age", "SegmentDrift age", "WideDrift", "DecisionRate p"}
    assert muted["SegmentDrift age"].startswith("inhibited: a new version")
    assert told(alert("NullSpike", "age"), facts=facts) == {}


def test_drift_of_a_column_from_a_model_in_trouble_is_muted_and_its_faults_are_not():
    facts = replace(FACTS, upstream=frozenset({"eta"}))
    assert set(told(alert("ColumnDrift", "eta"), alert("ColumnDrift", "age"), facts=facts)) == {"ColumnDrift eta"}
    assert told(alert("ColumnFaulty", "eta"), facts=facts) == {}


def test_every_rule_of_the_table_is_a_default_rule():
    assert {name for row in TABLE for name in (*row.who, *row.whom)} <= set(RULES)


def test_the_order_of_the_alerts_changes_nothing():
    alerts = [alert("NullSpike", "income"), alert("ColumnFaulty", "income"), alert("ColumnDrift", "score"), alert("QualityBelowFloor")]
    assert inhibited(alerts, FACTS) == inhibited(alerts[::-1], FACTS)


def test_ten_thousand_alerts_take_well_under_a_second():
    many = [alert("ColumnDrift", f"c{i}") for i in range(9_000)] + [alert("NullSpike", f"c{i}") for i in range(1_000)]
    facts = Facts(sources={f"c{i}": f"s{i % 50}" for i in range(10_000)}, rules=RULES)
    begun = perf_counter()
    assert len(inhibited(many, facts)) == 9_000
    assert perf_counter() - begun < 2.0  # about 0.2 s on an idle core
