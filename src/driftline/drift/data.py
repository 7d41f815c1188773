"""Step 2, data drift: how far the inputs have moved from the reference, as measurements."""

from __future__ import annotations

from driftline.core.records import Measurement, Scope
from driftline.drift.judge import judge
from driftline.drift.measurements import measurements
from driftline.drift.spec import DriftSpec
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role


def data_drift(current: Profile, reference: Reference, scope: Scope, spec: DriftSpec) -> list[Measurement]:
    """Every measure of every input, each with the limit that chance and the floor allow for these rows.

    Raises `IncompatibleProfiles` where `current` was made with another schema.
    """
    columns = [i for i, column in enumerate(reference.schema.columns) if column.role is not Role.PREDICTION]
    return measurements(judge(reference.profile, current, spec, columns=columns), scope)
