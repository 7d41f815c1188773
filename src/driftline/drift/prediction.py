"""Step 3, prediction drift: how far the outputs have moved from the reference, as measurements."""

from __future__ import annotations

from driftline.core.records import Measurement, Scope
from driftline.drift.judge import judge
from driftline.drift.measurements import measurements
from driftline.drift.spec import DriftSpec
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role


def prediction_drift(
    current: Profile, reference: Reference, scope: Scope, spec: DriftSpec, *, threshold: float | None = None
) -> list[Measurement]:
    """Every measure of the prediction; with a `threshold` also the decision rate, the share of scores at or above it.

    Raises `IncompatibleProfiles` where `current` was made with another schema.
    """
    columns = [i for i, column in enumerate(reference.schema.columns) if column.role is Role.PREDICTION]
    return measurements(judge(reference.profile, current, spec, columns=columns, threshold=threshold), scope)
