"""What is measured of every column in every window: it is there, it says beyond or not, and it agrees with the verdict."""

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.records import Scope, Status
from driftline.core.verdicts import TableInfo
from driftline.drift.data import data_drift
from driftline.drift.overtime import Normal
from driftline.drift.prediction import prediction_drift
from driftline.drift.spec import DriftSpec
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.segments import profile_by_segment
from driftline.stores.evaluations import encode

SCOPE, ROWS = Scope("m"), 20_000
NAMES = ("often", "never", "kind")
SPEC = SchemaSpec(prediction="score", threshold=0.5)


def table(seed, rows, *, often=0.02, never=0.0, kind=0.05, moved=0.0):
    """Columns of which some values are missing."""
    rng = np.random.default_rng(seed)
    shares = {"often": often, "never": never, "kind": kind}
    masks = {name: rng.permutation(rows) < round(share * rows) for name, share in shares.items()}
    values = {
        "often": pa.array(rng.normal(size=rows), mask=masks["often"]),
        "never": pa.array(rng.normal(size=rows), mask=masks["never"]),
        "kind": pa.array(rng.choice(["a", "b", "c"], rows), mask=masks["kind"]),
        "score": rng.random(rows) ** (1 / (1 + moved)),
    }
    return pa.table(values)


@pytest.fixture(scope="module")
def reference():
    first = table(0, ROWS)
    schema, _ = fit(first.schema, first.to_batches(), SPEC)
    profile, _ = profile_by_segment(first.to_batches(), schema)
    return Reference(schema, profile, TableInfo("reference", ROWS))


def profile_of(reference, rows):
    return profile_by_segment(rows.to_batches(), reference.schema)[0]


def measured(reference, current, drift=data_drift, **more):
    found = drift(current, reference, SCOPE, DriftSpec(), **more)
    names = [(m.column, m.metric) for m in found]
    assert len(names) == len(set(names))
    return {(m.column, m.metric): m for m in found}


def test_a_rate_of_missing_values_is_there_while_all_is_well(reference):
    found = measured(reference, profile_of(reference, table(1, 2000)))
    for name, usual in zip(NAMES, (0.02, 0.0, 0.05), strict=True):
        rate = found[name, "missing_rate"]
        assert rate.value == pytest.approx(usual, abs=1e-9)
        assert (rate.beyond, rate.status, rate.n, rate.note) == (False, Status.OK, 2000, "")
        assert rate.limit > rate.value


@pytest.mark.parametrize(
    ("name", "share", "limit"),
    [("often", 0.30, 0.07), ("never", 0.02, 0.01), ("kind", 0.15, 0.10), ("often", 0.0711, 0.07)],
)
def test_a_spike_is_beyond_the_limit_that_makes_it_a_fault(reference, name, share, limit):
    found = measured(reference, profile_of(reference, table(2, 10_000, **{name: share})))
    rate = found[name, "missing_rate"]
    assert rate.beyond is True
    assert rate.limit == pytest.approx(limit, abs=0.002)
    assert f"limit {rate.limit:.3g}: the further of the smallest rise that is a fault" in rate.note
    assert found[name, "verdict"].value == 2.0
    assert [found[other, "missing_rate"].beyond for other in NAMES if other != name] == [False, False]


@pytest.mark.parametrize("often", [0.0, 0.04])
def test_a_change_that_is_drift_but_no_fault_is_not_beyond(reference, often):
    found = measured(reference, profile_of(reference, table(3, 10_000, often=often)))
    assert found["often", "verdict"].value == 1.0
    rate = found["often", "missing_rate"]
    assert (rate.beyond, rate.value) == (False, pytest.approx(often))
    assert rate.value < rate.limit
    assert "(no fault); limit" in rate.note


@pytest.mark.parametrize("seed", range(8))
def test_few_rows_have_the_limit_that_chance_allows_them(reference, seed):
    """At 60 rows chance allows more than the smallest rise that is a fault, whether the rate has risen or fallen."""
    rates = [measured(reference, profile_of(reference, table(seed, 60, often=o)))["often", "missing_rate"] for o in (0.0, 0.05)]
    assert rates[0].limit == rates[1].limit > 0.07
    assert [rate.beyond for rate in rates] == [False, False]


def test_fewer_than_thirty_rows_do_not_say_that_all_is_well_but_can_say_that_it_is_not(reference):
    calm, lost = (measured(reference, profile_of(reference, table(4, 20, never=share)))["never", "missing_rate"] for share in (0.0, 1.0))
    assert (calm.status, calm.beyond, calm.value) == (Status.INSUFFICIENT, None, 0.0)
    assert (lost.status, lost.beyond) == (Status.OK, True)


def test_what_windows_of_the_reference_show_too_is_not_beyond(reference):
    current = profile_of(reference, table(5, 5000, often=0.3))
    found = measured(reference, current, normal=Normal(ordinary={"often": ("missing",)}))
    rate = found["often", "missing_rate"]
    assert rate.beyond is False
    assert found["often", "verdict"].value == 1.0  # the other values have moved as well, since fewer are left
    assert "windows of the reference show it too" in rate.note


@pytest.mark.parametrize("seed", range(6))
def test_a_rate_beyond_its_limit_has_a_faulty_verdict_and_nothing_else_says_so(reference, seed):
    rng = np.random.default_rng(seed)
    shares = {name: float(rng.choice([0.0, 0.01, 0.02, 0.06, 0.1, 0.5])) for name in NAMES}
    rows = int(rng.choice([15, 40, 300, 3000]))
    ordinary = {name: ("missing",) for name in NAMES if rng.random() < 0.2}
    found = measured(reference, profile_of(reference, table(seed, rows, **shares)), normal=Normal(ordinary=ordinary))
    for name in NAMES:
        rate, verdict = found[name, "missing_rate"], found[name, "verdict"]
        assert not rate.beyond or verdict.value == 2.0
        assert not rate.beyond or rate.value >= rate.limit
        assert rate.beyond or verdict.value != 2.0 or "missing" not in verdict.note


def test_a_column_that_is_gone_is_unreadable_and_nothing_is_known_of_its_missing_values(reference):
    found = measured(reference, profile_of(reference, table(6, 1000).drop_columns(["often"])))
    gone, rate = found["often", "unreadable"], found["often", "missing_rate"]
    assert (gone.value, gone.limit, gone.beyond, gone.status) == (1.0, 1.0, True, Status.OK)
    assert "the column is missing" in gone.note
    assert (rate.status, rate.beyond, rate.value) == (Status.NODATA, None, None)
    assert found["often", "verdict"].value == 2.0
    assert (found["never", "unreadable"].value, found["never", "unreadable"].beyond) == (0.0, False)


def test_a_column_that_is_gone_from_a_part_of_the_rows_is_told_with_its_share(reference):
    current = profile_of(reference, table(7, 1500)) + profile_of(reference, table(8, 500).drop_columns(["often"]))
    part = measured(reference, current)["often", "unreadable"]
    assert (part.value, part.n, part.beyond) == (0.25, 2000, False)
    assert part.note.startswith("500 rows came without it")


def test_no_rows_measure_nothing(reference):
    assert measured(reference, Profile.zero(reference.schema)) == {}


def test_what_is_brief_has_what_decided_alone(reference):
    current = profile_of(reference, table(9, 5000, often=0.3))
    found = measured(reference, current, brief=True)
    assert {metric for _, metric in found} == {"verdict", "missing_rate", "psi", "js"}
    assert found["often", "missing_rate"].beyond is True
    assert ("never", "missing_rate") not in found


@pytest.mark.parametrize(("moved", "beyond"), [(0.0, False), (1.0, True)])
def test_the_decision_rate_is_judged_in_every_window(reference, moved, beyond):
    found = measured(reference, profile_of(reference, table(10, 4000, moved=moved)), prediction_drift, threshold=0.5)
    rate = found["score", "decision_rate"]
    assert (rate.beyond, rate.status) == (beyond, Status.OK)
    assert (abs(rate.value - 0.5) > abs(rate.limit - 0.5)) is beyond
    assert found["score", "missing_rate"].beyond is False
    assert found["score", "unreadable"].beyond is False


def test_the_decision_rate_of_few_rows_is_not_judged(reference):
    rate = measured(reference, profile_of(reference, table(11, 40)), prediction_drift, threshold=0.5)["score", "decision_rate"]
    assert (rate.beyond, rate.status) == (None, Status.INSUFFICIENT)


@pytest.mark.parametrize("normal", [Normal(ordinary={"score": ("decision_rate",)}), Normal(monitored=True)])
def test_the_decision_rate_agrees_with_the_verdict(reference, normal):
    """It is beyond only where the kind is not ordinary, and where the verdict says that the score has drifted."""
    current = profile_of(reference, table(12, 4000, moved=0.3))
    found = measured(reference, current, prediction_drift, threshold=0.5, normal=normal)
    assert found["score", "decision_rate"].beyond is False
    assert measured(reference, current, prediction_drift, threshold=0.5)["score", "decision_rate"].beyond is True


def test_two_more_numbers_of_a_column_take_few_bytes(reference):
    """As stored, while nothing happens."""
    current = profile_of(reference, table(13, 2000))
    found = list(measured(reference, current).values())
    usual = [m for m in found if m.metric not in ("missing_rate", "unreadable")]
    assert (len(encode(found)) - len(encode(usual))) / len(NAMES) < 60
