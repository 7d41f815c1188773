"""Step 3, prediction drift: how far the outputs have moved from the reference, as measurements."""

from __future__ import annotations

from collections.abc import Sequence

from driftline.core.records import Measurement, Scope, Status
from driftline.drift.always import asked_always, rates, unreadable
from driftline.drift.decisions import near_share
from driftline.drift.judge import judge
from driftline.drift.measurements import absent, measurements
from driftline.drift.overtime import UNKNOWN, Normal, in_segment, settled
from driftline.drift.spec import DriftSpec
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role, Schema


def prediction_drift(  # noqa: PLR0913 - two profiles, where and how; the rest are settings with names and defaults
    current: Profile,
    reference: Reference,
    scope: Scope,
    spec: DriftSpec,
    *,
    threshold: float | None = None,
    near: float | None = None,
    share: float = 1.0,
    columns: Sequence[int] | None = None,
    normal: Normal = UNKNOWN,
    brief: bool = False,
    prefix: str = "",
) -> list[Measurement]:
    """Every measure of the prediction, and its mean; with a `threshold` also the decision rate, the share of scores at or above it, and
    with `near` the share of scores within so much of it. The other settings are those of `data_drift`.

    Raises `IncompatibleProfiles` where `current` was made with another schema.
    """
    chosen = outputs(reference.schema) if columns is None else columns
    before = reference.segments[scope.segment] if scope.segment else reference.profile
    asked = asked_always(chosen, brief=brief, decides=threshold is not None)
    verdicts = judge(
        before, current, spec, share=share, columns=chosen, threshold=threshold, unrest=normal.unrest, asked=asked, brief=brief
    )
    final = [(in_segment if scope.segment else settled)(verdict, normal) for verdict in verdicts]
    standing = {} if brief else rates(verdicts, final, scope, normal.ordinary)
    found = measurements(final, scope, brief=brief, prefix=prefix, always=standing)
    if brief:
        return found
    found += absent(current, chosen, scope) + unreadable(current, chosen, scope)
    for position in chosen:
        if reference.schema.columns[position].is_numeric and current.seen[position]:
            found += _mean(current, before, position, scope)
            found += _near(current, before, position, scope, (threshold, near)) if threshold is not None and near else []
    return found


def outputs(schema: Schema) -> list[int]:
    """The columns of step 3: the prediction, by position."""
    return [i for i, column in enumerate(schema.columns) if column.role is Role.PREDICTION]


def _mean(current: Profile, before: Profile, position: int, scope: Scope) -> list[Measurement]:
    row, name = current.schema.numeric.index(position), current.schema.columns[position].name
    n = current.finite(row)
    if not n:
        return [Measurement("mean", None, scope, 0, name, status=Status.NODATA, note="no finite prediction")]
    mean, spread = current.mean(row), current.deviation(row) / n**0.5
    note = f"reference {before.mean(row):.4g}" if before.finite(row) else "no finite prediction in the reference"
    return [Measurement("mean", mean, scope, n, name, low=mean - 1.96 * spread, high=mean + 1.96 * spread, note=note)]


def _near(current: Profile, before: Profile, position: int, scope: Scope, band: tuple[float, float]) -> list[Measurement]:
    name = current.schema.columns[position].name
    (now, n), (then, m) = (near_share(profile, position, *band) for profile in (current, before))
    if not n:
        return [Measurement("near_threshold", None, scope, 0, name, status=Status.NODATA, note="no scores")]
    note = f"share of scores within {band[1]:g} of {band[0]:g}; reference {then:.4g}" if m else "no scores in the reference"
    return [Measurement("near_threshold", now, scope, n, name, note=note)]
