"""Verdicts: the three answers, each fault by its name, and printed limits that agree with them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.verdicts import Cause, ColumnVerdict, Finding, Severity, Verdict
from driftline.drift.judge import judge
from driftline.drift.shares import LEVEL_WEIGHTS, WEIGHTS, split
from driftline.drift.spec import DriftSpec
from driftline.drift.tested import asked_of
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Column, Kind, Role, Schema

BAD = (Verdict.DRIFTED, Verdict.FAULTY)
N, M = 2000, 5000
Rng = np.random.Generator


def profiled(schema: Schema, table: pa.Table) -> Profile:
    gathering = Gathering(schema)
    for batch in table.to_batches() or [pa.RecordBatch.from_arrays([pa.array([], f.type) for f in table.schema], schema=table.schema)]:
        gathering.add(batch)
    return gathering.total()


def judged(
    reference: dict[str, pa.Array], current: dict[str, pa.Array], spec: DriftSpec | None = None, **roles: Any
) -> dict[str, ColumnVerdict]:
    before, now = pa.table(reference), pa.table(current)
    known = SchemaSpec(**roles)
    schema, _ = fit(before.schema, before.to_batches(), known)
    found = judge(profiled(schema, before), profiled(schema, now), spec or DriftSpec(), threshold=known.threshold)
    return {verdict.name: verdict for verdict in found}


def one(reference: pa.Array, current: pa.Array, spec: DriftSpec | None = None, **roles: Any) -> ColumnVerdict:
    return judged({"x": reference}, {"x": current}, spec, **roles)["x"]


def levels(rng: Rng, shares: list[float], n: int) -> pa.Array:
    return pa.array([f"l{i}" for i in rng.choice(len(shares), n, p=np.array(shares) / sum(shares))])


def kinds(verdict: ColumnVerdict) -> set[str]:
    return {finding.kind for finding in verdict.findings if finding.crossed}


def beyond(finding: Finding) -> bool | None:
    """Whether the value is beyond the printed limit: above it, or below it where a rate or a location has fallen."""
    if finding.limit is None or finding.value is None:
        return None
    if finding.kind == "location":
        return abs(finding.value) > abs(finding.limit)
    fallen = finding.reference is not None and finding.value < finding.reference
    return finding.value < finding.limit if fallen else finding.value > finding.limit


def nulled(values: np.ndarray, share: float, rng: Rng) -> pa.Array:
    return pa.array(values, mask=rng.random(len(values)) < share)


NORMAL: Callable[[Rng, int], np.ndarray] = lambda rng, n: rng.standard_normal(n)
FAULTS = {
    # name: reference, current, the finding that names it, verdict, cause
    "70 % nulls": (lambda r, n: pa.array(NORMAL(r, n)), lambda r, n: nulled(NORMAL(r, n), 0.7, r), "missing", "faulty", "pipeline"),
    "all null": (lambda r, n: pa.array(NORMAL(r, n)), lambda r, n: pa.nulls(n, pa.float64()), "missing", "faulty", "pipeline"),
    "not a number": (
        lambda r, n: pa.array(NORMAL(r, n)),
        lambda r, n: pa.array(np.where(r.random(n) < 0.3, np.nan, NORMAL(r, n))),
        "missing",
        "faulty",
        "pipeline",
    ),
    "50 % infinite": (
        lambda r, n: pa.array(NORMAL(r, n)),
        lambda r, n: pa.array(np.where(r.random(n) < 0.5, np.inf, NORMAL(r, n))),
        "infinite",
        "faulty",
        "pipeline",
    ),
    "constant": (lambda r, n: pa.array(NORMAL(r, n)), lambda r, n: pa.array(np.full(n, 0.25)), "constant", "faulty", "pipeline"),
    "constant level": (lambda r, n: levels(r, [3, 2, 1], n), lambda r, n: pa.array(["l0"] * n), "constant", "faulty", "pipeline"),
    "x1000": (
        lambda r, n: pa.array(10 + NORMAL(r, n)),
        lambda r, n: pa.array(1000 * (10 + NORMAL(r, n))),
        "unit_change",
        "faulty",
        "pipeline",
    ),
    "miles": (
        lambda r, n: pa.array(np.exp(NORMAL(r, n))),
        lambda r, n: pa.array(np.exp(NORMAL(r, n)) / 1.609344),
        "unit_change",
        "faulty",
        "pipeline",
    ),
    "far out": (
        lambda r, n: pa.array(NORMAL(r, n)),
        lambda r, n: pa.array(np.where(r.random(n) < 0.03, -999.0, NORMAL(r, n))),
        "far_out_of_range",
        "faulty",
        "pipeline",
    ),
    "filled in": (
        lambda r, n: pa.array(NORMAL(r, n)),
        lambda r, n: pa.array(np.where(r.random(n) < 0.2, 0.5, NORMAL(r, n))),
        "spike",
        "drifted",
        "pipeline",
    ),
    "new spelling": (
        lambda r, n: levels(r, [3, 2, 1], n),
        lambda r, n: pa.array([v.upper() for v in levels(r, [3, 2, 1], n).to_pylist()]),
        "unseen",
        "faulty",
        "pipeline",
    ),
    "new level": (
        lambda r, n: levels(r, [3, 2, 1], n),
        lambda r, n: pa.array(["new" if u < 0.02 else "l0" if u < 0.5 else "l1" if u < 0.83 else "l2" for u in r.random(n)]),
        "unseen",
        "drifted",
        "population",
    ),
    "location": (lambda r, n: pa.array(NORMAL(r, n)), lambda r, n: pa.array(0.6 + NORMAL(r, n)), "location", "drifted", "population"),
    "scale": (lambda r, n: pa.array(NORMAL(r, n)), lambda r, n: pa.array(1.6 * NORMAL(r, n)), "shape", "drifted", "population"),
    "a rare level triples": (
        lambda r, n: levels(r, [50, 30, 19, 1], n),
        lambda r, n: levels(r, [49, 29, 18, 4], n),
        "level",
        "drifted",
        "population",
    ),
    "zeros": (
        lambda r, n: pa.array(np.where(r.random(n) < 0.6, 0, np.exp(NORMAL(r, n)))),
        lambda r, n: pa.array(np.where(r.random(n) < 0.75, 0, np.exp(NORMAL(r, n)))),
        "level",
        "drifted",
        "population",
    ),
    "mix": (lambda r, n: levels(r, [1] * 10, n), lambda r, n: levels(r, [1.5, 0.5] * 5, n), "distance", "drifted", "population"),
    "flag": (lambda r, n: pa.array(r.random(n) < 0.02), lambda r, n: pa.array(r.random(n) < 0.06), "level", "drifted", "population"),
    "times": (
        lambda r, n: pa.array(np.arange(n), pa.timestamp("s")),
        lambda r, n: pa.nulls(n, pa.timestamp("s")),
        "missing",
        "faulty",
        "pipeline",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_change_is_called_by_its_name(name: str) -> None:
    before, now, kind, verdict, cause = FAULTS[name]
    rng = np.random.default_rng(11)
    found = one(before(rng, M), now(rng, N))
    assert kind in kinds(found)
    assert (found.verdict.value, found.cause.value) == (verdict, cause), found.note
    assert found.severity is (Severity.CRITICAL if verdict == "faulty" else Severity.WARNING)
    assert found.note
    assert found.evidence


STORIES = {
    "70 % nulls": ["missing 68.5 % (reference 0 %)"],
    "all null": ["every row is missing (reference 0 %)"],
    "not a number": ["not a number 31.7 % (reference 0 %)"],
    "constant": ["every row is 0.25; the reference varies"],
    "constant level": ["every row is 'l0'; the reference varies"],
    "x1000": ["values are the reference's x1000 (thousand times: grams for kilograms, milliseconds for seconds)"],
    "miles": ["values are the reference's x0.6214 (the reverse of kilometres for miles)"],
    "far out": ["2.8 % of rows far outside -3.28 to 3.73, down to -999"],
    "location": ["mean +0.64 sd (0.00816 to 0.652)"],
    "a rare level triples": ["'l3' 0.76 % to 3.5 % of rows"],
    "flag": ["'true' 1.9 % to 6.3 % of rows"],
    "new level": ["1.5 % of rows have levels the reference never had, such as 'new'"],
    "new spelling": ["100 % of rows have levels the reference never had, such as 'L0', 'L1', 'L2'"],
    "zeros": ["0 60.4 % to 74.2 % of rows"],
    "filled in": ["21.5 % of rows pile up at 0.4875 to 0.5001 (reference 0.38 %)"],
    "mix": ["the mix has changed: 'l", "' 10"],
    "scale": ["spread 1.6 times the reference's (sd ", " of rows outside"],
}


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_told_once_and_plainly(name: str) -> None:
    rng = np.random.default_rng(11)
    note = one(FAULTS[name][0](rng, M), FAULTS[name][1](rng, N)).note
    if len(STORIES[name]) == 1:
        assert note == STORIES[name][0]
    for part in STORIES[name]:
        assert part in note
    assert note.count("mean") <= 1


def test_two_hundred_columns_without_a_change() -> None:
    rng = np.random.default_rng(5)
    tables = [
        {f"c{i}": pa.array(rng.standard_normal(n)) if i % 2 else levels(rng, list(1 / np.arange(1, 15)), n) for i in range(200)}
        for n in (M, N)
    ]
    found = judged(tables[0], tables[1])
    assert len(found) == 200
    assert {v.verdict for v in found.values()} == {Verdict.STABLE}
    assert {v.note for v in found.values()} == {""}
    assert {v.severity for v in found.values()} == {Severity.NONE}
    assert {v.cause for v in found.values()} == {Cause.NONE}


@pytest.mark.parametrize(("n", "verdict"), [(30, Verdict.INSUFFICIENT), (400, Verdict.STABLE)])
def test_too_few_rows_are_no_answer(n: int, verdict: Verdict) -> None:
    rng = np.random.default_rng(2)
    found = one(pa.array(NORMAL(rng, M)), pa.array(NORMAL(rng, n)))
    assert found.verdict is verdict
    assert found.smallest_visible is not None
    assert found.floor == 0.10
    assert (found.smallest_visible > 0.2) == (verdict is Verdict.INSUFFICIENT)
    assert (f"{n} rows show a PSI from" in found.note) == (verdict is Verdict.INSUFFICIENT)


def test_a_drift_of_the_smallest_visible_size_is_found_four_times_in_five() -> None:
    """At a size where chance, not the floor, decides what is seen."""
    rng, n = np.random.default_rng(8), 60
    reference = {f"c{i}": pa.array(NORMAL(rng, M)) for i in range(300)}
    before = pa.table(reference)
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    visible = judge(profiled(schema, before), profiled(schema, before.slice(0, n)), DriftSpec(), share=300.0)[0].smallest_visible
    assert visible is not None
    now = pa.table({name: pa.array(NORMAL(rng, n) + visible**0.5) for name in reference})
    found = judge(profiled(schema, before), profiled(schema, now), DriftSpec(), share=300.0)
    assert np.mean([v.verdict in BAD for v in found]) == pytest.approx(0.8, abs=0.06)


def test_nothing_and_a_single_row() -> None:
    rng = np.random.default_rng(3)
    for values in (pa.array([], pa.float64()), pa.array([0.1])):
        assert one(pa.array(NORMAL(rng, M)), values).verdict is Verdict.INSUFFICIENT
    for values in (pa.array([], pa.string()), pa.array(["l1"])):
        assert one(levels(rng, [1, 1], M), values).verdict is Verdict.INSUFFICIENT
    assert one(pa.array([1.0, 2.0, 3.0]), pa.array([2.0, 2.5])).verdict is Verdict.INSUFFICIENT, "a reference of three rows"


def test_a_constant_column_that_varies_is_told_so() -> None:
    number = one(pa.array(np.full(M, 3.0)), pa.array(np.where(np.arange(N) % 10 == 0, 4.0, 3.0)))
    assert (number.verdict, number.measure, kinds(number)) == (Verdict.DRIFTED, "changed_rate", {"varies"})
    assert number.note == "no longer constant: 10.0 % of rows are not 3, values now 3 to 4"
    level = one(pa.array(["a"] * M), pa.array(["b"] * N))
    assert (level.verdict, kinds(level), level.value) == (Verdict.DRIFTED, {"varies"}, 1.0)
    assert level.note == "no longer constant: 100 % of rows are not 'a'"
    assert one(pa.array(["a"] * M), pa.array(["a"] * N)).verdict is Verdict.STABLE


def test_importance_moves_the_floor_and_the_severity() -> None:
    rng = np.random.default_rng(4)
    before, now = pa.array(NORMAL(rng, 20_000)), pa.array(NORMAL(rng, 20_000) + 0.27)
    standings = {0.5: Verdict.DRIFTED, 0.05: Verdict.STABLE, 0.001: Verdict.STABLE}
    for importance, verdict in standings.items():
        spec = DriftSpec(importance={"x": importance, "rest": 1 - importance})
        assert one(before, now, spec).verdict is verdict, importance
    broken = pa.nulls(1000, pa.float64())
    assert one(before, broken, DriftSpec(importance={"x": 0.0, "rest": 1.0})).severity is Severity.WARNING
    assert one(before, broken, DriftSpec(importance={"x": 0.1, "rest": 1.0})).severity is Severity.CRITICAL


def test_a_prediction_is_most_important_and_has_a_decision_rate() -> None:
    rng = np.random.default_rng(6)
    before, now = rng.beta(2, 6, M), rng.beta(2, 6, N)
    now = np.where((now > 0.3) & (now < 0.4) & (rng.random(N) < 0.5), now + 0.1, now)
    found = one(pa.array(before), pa.array(now), prediction="x", threshold=0.4)
    rate = next(f for f in found.findings if f.kind == "decision_rate")
    assert rate.value == pytest.approx(float((now >= 0.4).mean()))
    assert rate.reference == pytest.approx(float((before >= 0.4).mean()))
    assert found.floor == 0.05
    assert "decisions at or above the threshold" in found.note


def test_a_fault_explains_the_rest() -> None:
    rng = np.random.default_rng(9)
    found = one(pa.array(10 + NORMAL(rng, M)), pa.array(60 * (10 + NORMAL(rng, N))))
    assert found.measure == "unit_factor"
    assert (found.value, found.limit) == (60.0, None)
    assert ";" not in found.note


@pytest.mark.parametrize("shift", [0.5, 2.0, 3.0])
def test_a_moved_column_is_no_change_of_unit(shift: float) -> None:
    rng = np.random.default_rng(10)
    for n in (150, 3000):
        assert "unit_change" not in kinds(one(pa.array(10 + 2 * NORMAL(rng, M)), pa.array(10 + 2 * (NORMAL(rng, n) + shift))))


def test_limits_and_verdicts_agree() -> None:
    """Over many columns, sizes and changes: the lead finding is beyond its limit exactly where the verdict is bad."""
    rng = np.random.default_rng(1)
    names = list(FAULTS)
    checked = 0
    for m in (90, 3000):
        for n in (3, 40, 150, 900):
            before = {name: FAULTS[name][0](rng, m) for name in names} | {f"{name} not": FAULTS[name][0](rng, m) for name in names}
            now = {name: FAULTS[name][1](rng, n) for name in names} | {f"{name} not": FAULTS[name][0](rng, n) for name in names}
            for verdict in judged(before, now, DriftSpec(alpha=0.2)).values():
                lead = next(f for f in verdict.findings if f.measure == verdict.measure and f.value == verdict.value)
                assert lead.limit == verdict.limit
                if beyond(lead) is not None:
                    assert beyond(lead) == (verdict.verdict in BAD), verdict
                    checked += 1
                own = next((m for m in verdict.measures if m.name == verdict.measure), None)
                assert own is None or (own.value, own.limit) == (verdict.value, verdict.limit)
    assert checked > 200


def test_the_derivation_is_arithmetic_that_holds() -> None:
    rng = np.random.default_rng(1)
    found = judged({f"c{i}": pa.array(NORMAL(rng, M)) for i in range(4)}, {f"c{i}": pa.array(NORMAL(rng, N)) for i in range(4)})["c2"]
    share = split(asked_of(Column("c2", Kind.NUMERIC, Role.FEATURE, "double", "", edges=(0.0, 1.0), coarse=(0,), points=(False,))))[
        "distance"
    ]
    assert f"0.01 per table / 4 columns x {100 * share:.3g} % for this test = {0.0025 * share:.2g} by chance" in found.derivation
    assert found.findings[0].alpha == pytest.approx(0.0025 * share)
    chance = next(m.chance for m in found.measures if m.name == "psi")
    assert f"the floor 0.1 (normal importance) with the {chance:.2g} that chance gives" in found.derivation
    assert found.limit == pytest.approx(0.1 + chance, rel=1e-6), "at this size the floor decides"


def test_shares_of_the_probability_make_one() -> None:
    kinds_of = [Kind.NUMERIC, Kind.INTEGER, Kind.CONSTANT]
    columns = [
        Column("x", kind, Role.FEATURE, "double", "", edges=(0.0, 1.0, 2.0, 3.0), coarse=(0, 1, 2), points=(True,) * 3) for kind in kinds_of
    ]
    columns += [
        Column("x", Kind.CATEGORICAL, Role.FEATURE, "string", "", levels=("a", "b", "c")),
        Column("x", Kind.TEXT, Role.FEATURE, "string", ""),
    ]
    for column in columns:
        for decides in (False, True):
            tests = asked_of(column, decides=decides)
            assert sum(split(tests, LEVEL_WEIGHTS if column.is_levels else WEIGHTS).values()) == pytest.approx(1.0)
            assert len(set(tests)) == len(tests)


def test_columns_and_shares() -> None:
    """Only the columns asked for are judged, and a part of the probability makes the limits wider."""
    rng = np.random.default_rng(1)
    before, now = (pa.table({"a": NORMAL(rng, n), "b": NORMAL(rng, n)}) for n in (M, 120))
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    sides = profiled(schema, before), profiled(schema, now)
    whole, part = judge(*sides, DriftSpec(), columns=[1])[0], judge(*sides, DriftSpec(), columns=[1], share=0.01)[0]
    assert whole.name == "b"
    assert (part.limit or 0.0) > (whole.limit or 1.0)
    assert (part.smallest_visible or 0.0) > (whole.smallest_visible or 1.0)
