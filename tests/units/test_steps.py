"""Steps 2 and 3 as functions of profiles: every number as a measurement, with its limit and what it rests on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import driftline
from driftline.core.errors import IncompatibleProfiles
from driftline.core.records import Scope, Status
from driftline.drift.data import data_drift
from driftline.drift.prediction import prediction_drift
from driftline.drift.spec import DriftSpec
from driftline.profiles.gather import profile
from driftline.profiles.profile import Profile

SCOPE = Scope("credit-default", "14")


def table(rows: int, seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({"income": rng.normal(size=rows) + shift, "score": rng.uniform(size=rows) ** (1 + shift)})


@pytest.fixture(scope="module")
def reference() -> driftline.Reference:
    return driftline.profile_reference(table(20_000, 1), prediction="score", threshold=0.5)


def measured(reference, rows, seed, step, shift=0.0, **settings):
    current = profile(table(rows, seed, shift).to_batches(), reference.schema)
    return {(m.column, m.metric): m for m in step(current, reference, SCOPE, DriftSpec(), **settings)}


def test_data_drift_measures_the_inputs_and_leaves_the_prediction_to_step_3(reference):
    found = measured(reference, 2000, 2, data_drift)
    assert {column for column, _ in found} == {"income"}
    distances = {"psi", "js", "hellinger", "total_variation", "chi2", "ks", "wasserstein"}
    assert {metric for _, metric in found} == {"verdict", *distances, "missing_rate", "unreadable"}
    verdict = found.pop(("income", "verdict"))
    assert (verdict.value, verdict.beyond, verdict.limit) == (0.0, False, None)
    assert all(m.scope == SCOPE and m.n == 2000 and m.status is Status.OK and m.value < m.limit for m in found.values())


def test_a_shift_is_beyond_its_limits(reference):
    found = measured(reference, 2000, 3, data_drift, shift=0.6)
    assert found["income", "psi"].value > found["income", "psi"].limit
    assert found["income", "ks"].value == pytest.approx(0.236, abs=0.03)  # 2 Phi(0.3) - 1


def test_prediction_drift_has_the_decision_rate(reference):
    found = measured(reference, 2000, 4, prediction_drift, shift=0.6, threshold=0.5)
    assert {column for column, _ in found} == {"score"}
    rate = found["score", "decision_rate"]
    assert rate.value == pytest.approx(1 - 0.5 ** (1 / 1.6), abs=0.04)
    assert rate.value < rate.limit  # fewer decisions than the lower limit


def test_few_rows_are_insufficient_and_none_are_no_data(reference):
    found = measured(reference, 20, 5, data_drift)
    assert {m.status for (_, metric), m in found.items() if metric != "unreadable"} == {Status.INSUFFICIENT}
    assert (found["income", "unreadable"].status, found["income", "unreadable"].beyond) == (Status.OK, False)
    nothing = Profile.zero(reference.schema)
    assert data_drift(nothing, reference, SCOPE, DriftSpec()) == []


def test_profiles_of_another_schema_are_refused(reference):
    other = driftline.profile_reference(table(1000, 9))
    with pytest.raises(IncompatibleProfiles, match="cannot be compared"):
        data_drift(other.profile, reference, SCOPE, DriftSpec())
