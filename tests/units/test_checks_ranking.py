"""Checks of the columns themselves, the order of the verdicts, segments, and the sentence over all."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.verdicts import Cause, ColumnVerdict, Finding, Severity, Verdict
from driftline.drift.causes import guess
from driftline.drift.checks import column_checks, readable
from driftline.drift.choice import choose_measure
from driftline.drift.judge import judge
from driftline.drift.ranking import headline, ranked, weight, with_segments
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Schema

REFERENCE = pa.schema([("a", pa.float64()), ("b", pa.string()), ("y", pa.int64()), ("flag", pa.bool_())])


def schema_of(label: str | None = "y") -> Schema:
    table = pa.table(
        {"a": [1.0, 2.5, 3.0] * 5, "b": ["u", "v", "u"] * 5, "y": [0, 1, 0] * 5, "flag": [True, False, True] * 5}, schema=REFERENCE
    )
    return fit(table.schema, table.to_batches(), SchemaSpec(label=label))[0]


def test_gone_new_and_changed_columns() -> None:
    now = pa.schema([("a", pa.string()), ("flag", pa.bool_()), ("extra", pa.float32())])
    found = {v.name: v for v in column_checks(schema_of(), now, DriftSpec())}
    assert set(found) == {"a", "b", "extra"}, "a label that has not arrived is no fault"
    assert (found["b"].measure, found["b"].verdict, found["b"].severity) == ("missing_column", Verdict.FAULTY, Severity.CRITICAL)
    assert found["a"].note == "was numbers (double), is text (string); not compared"
    assert (found["extra"].kind, found["extra"].verdict) == ("new", Verdict.STABLE)
    assert readable(schema_of(), now) == ["flag"]


def test_a_gone_column_nobody_uses_is_no_page_and_an_ignored_one_nothing() -> None:
    now = pa.schema([("a", pa.float64()), ("y", pa.int64()), ("flag", pa.bool_())])
    spec = DriftSpec(importance={"a": 1.0, "b": 0.0})
    assert column_checks(schema_of(), now, spec)[0].severity is Severity.WARNING
    assert column_checks(schema_of(), now, spec, ignored=("b",)) == []


def verdict(name: str, answer: Verdict, severity: Severity, value: float | None = 0.2, limit: float | None = 0.1) -> ColumnVerdict:
    return ColumnVerdict(name, "feature", "numeric", answer, severity, "psi", value, limit, 100, 1000, Cause.NONE, f"{name} note")


FAULTY = verdict("f", Verdict.FAULTY, Severity.CRITICAL, 0.7, 0.01)
STRONG = verdict("s", Verdict.DRIFTED, Severity.WARNING, 0.9)
WEAK = verdict("w", Verdict.DRIFTED, Severity.WARNING, 0.11)
FEW = verdict("q", Verdict.INSUFFICIENT, Severity.NONE)
FINE = verdict("z", Verdict.STABLE, Severity.NONE, 0.01)


def test_what_matters_most_comes_first() -> None:
    assert [c.name for c in ranked([FINE, FEW, WEAK, STRONG, FAULTY])] == ["f", "s", "w", "q", "z"]
    important = replace(WEAK, importance=0.6)
    assert [c.name for c in ranked([STRONG, important])] == ["w", "s"]
    assert weight(replace(WEAK, role="prediction")) > weight(important)
    assert weight(replace(FAULTY, value=None, limit=None)) == 100 * weight(replace(FINE, value=None))
    assert weight(replace(WEAK, value=0.01, limit=0.04)) == pytest.approx(weight(replace(WEAK, value=0.04, limit=0.01))), "a rate that fell"


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ([FINE], "The only column is stable."),
        ([FINE, FINE], "All 2 columns are stable."),
        ([FAULTY, STRONG, FINE], "1 of 3 columns has a data problem (f); 1 has drifted (s)."),
        ([FEW, FINE], "1 has not enough data."),
        ([FEW], "Not enough rows to judge any column."),
    ],
)
def test_the_whole_in_one_sentence(columns: list[ColumnVerdict], sentence: str) -> None:
    assert headline(columns, []) == sentence


def finding(kind: str, value: float = 0.2) -> Finding:
    return Finding(kind, kind, value, 0.1, "", crossed=True)


@pytest.mark.parametrize(
    ("kinds", "cause", "evidence"),
    [
        ([], Cause.NONE, ""),
        (["location"], Cause.POPULATION, "the whole distribution moved"),
        (["location", "missing"], Cause.PIPELINE, "values went missing"),
        (["varies"], Cause.UNKNOWN, "a column that never varied now does"),
        (["level", "unseen"], Cause.POPULATION, "a known level became more or less frequent; new levels appeared beside the known ones"),
    ],
)
def test_causes(kinds: list[str], cause: Cause, evidence: str) -> None:
    assert guess([finding(kind) for kind in kinds]) == (cause, evidence)
    assert guess([replace(finding(kind), crossed=False) for kind in kinds]) == (Cause.NONE, "")


def test_mostly_new_levels_are_a_changed_spelling() -> None:
    assert guess([finding("unseen", 0.9)])[0] is Cause.PIPELINE


def profiled(schema: Schema, table: pa.Table) -> Profile:
    gathering = Gathering(schema)
    for batch in table.to_batches():
        gathering.add(batch)
    return gathering.total()


def test_drift_in_one_segment_only_is_found_and_named() -> None:
    rng = np.random.default_rng(3)
    before = pa.table({"x": rng.standard_normal(20_000)})
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    parts = {"app": rng.standard_normal(9000), "web": rng.standard_normal(900) + 1.0, "branch": rng.standard_normal(20)}
    everything = judge(
        profiled(schema, before), profiled(schema, pa.table({"x": np.concatenate(list(parts.values()))})), DriftSpec(), share=0.5
    )
    segments = {
        f"channel={name}": judge(profiled(schema, before), profiled(schema, pa.table({"x": values})), DriftSpec(), share=0.5 / 3)
        for name, values in parts.items()
    }
    assert everything[0].verdict is Verdict.STABLE
    found = with_segments(everything, segments)[0]
    assert (found.verdict, found.severity) == (Verdict.DRIFTED, Severity.WARNING)
    assert found.note.startswith("channel=web: mean +0.99 sd")
    assert found.note.endswith("not in all rows together")
    assert [(s.segment, s.verdict.value) for s in found.segments] == [
        ("channel=web", "drifted"),
        ("channel=branch", "insufficient"),
        ("channel=app", "stable"),
    ]
    assert found.derivation.startswith("in channel=web: limit")
    assert with_segments(everything, {}) == everything


REASONS = [
    (pa.array(np.arange(1000) * 1.1), "psi", "continuous, so PSI over 10 groups cut at the deciles of the reference"),
    (pa.array(np.where(np.arange(1000) % 2, 0, np.arange(1000) * 1.1)), "psi", "50% of the reference is exactly 0"),
    (pa.array(np.arange(1000) % 7), "psi", "7 whole numbers, so PSI over the values"),
    (pa.array(np.arange(1000) % 2), "level_rate", "two values"),
    (pa.array(np.arange(1000) % 50 == 0), "level_rate", "a rare flag: PSI is blind to it"),
    (pa.array([f"l{i % 9}" for i in range(1000)]), "js", "9 levels, so the Jensen-Shannon distance"),
    (pa.array([f"l{i % 90}" for i in range(1000)]), "js", "90 levels, so the Jensen-Shannon distance over the most frequent"),
    (pa.array(["a"] * 1000), "changed_rate", "constant in the reference"),
    (pa.array([4.0] * 1000), "changed_rate", "constant in the reference"),
    (pa.array([f"id-{i:05d}" for i in range(1000)]), "missing_rate", "identifiers never repeat"),
    (pa.array(np.arange(1000), pa.timestamp("s")), "missing_rate", "times move on"),
    (pa.nulls(1000, pa.float64()), "missing_rate", "no value here"),
]


@pytest.mark.parametrize(("values", "measure", "reason"), REASONS)
def test_the_measure_and_its_reason(values: pa.Array, measure: str, reason: str) -> None:
    table = pa.table({"x": values})
    schema, _ = fit(table.schema, table.to_batches(), SchemaSpec())
    chosen, why = choose_measure(profiled(schema, table), 0)
    assert chosen == measure
    assert reason in why
    found = judge(profiled(schema, table), profiled(schema, table), DriftSpec())[0]
    assert (found.measure, found.verdict, found.why_measure) == (measure, Verdict.STABLE, why)


def test_duplicate_identifiers_are_a_fault() -> None:
    before, now = pa.table({"id": [f"id-{i}" for i in range(3000)]}), pa.table({"id": [f"id-{i // 2}" for i in range(1000)]})
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    found = judge(profiled(schema, before), profiled(schema, now), DriftSpec())[0]
    assert (found.verdict, found.measure, found.value) == (Verdict.FAULTY, "duplicate_rate", 0.5)
    assert found.note == "50.0 % of rows repeat an identifier (reference 0 %)"
