"""Step 2, data drift: how far the inputs have moved from the reference, as measurements."""

from __future__ import annotations

from collections.abc import Sequence

from driftline.core.records import Measurement, Scope
from driftline.drift.always import asked_always, rates, unreadable
from driftline.drift.judge import judge
from driftline.drift.measurements import absent, measurements
from driftline.drift.overtime import UNKNOWN, Normal, in_segment, settled
from driftline.drift.spec import DriftSpec
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Role, Schema


def data_drift(  # noqa: PLR0913 - two profiles, where and how; the rest are settings with names and defaults
    current: Profile,
    reference: Reference,
    scope: Scope,
    spec: DriftSpec,
    *,
    share: float = 1.0,
    columns: Sequence[int] | None = None,
    normal: Normal = UNKNOWN,
    brief: bool = False,
    prefix: str = "",
) -> list[Measurement]:
    """Every measure of every input, each with the limit that chance, the floor and its own unrest allow for these rows.

    `share` is the part of `spec.alpha` that may be spent; `columns` (positions in the schema) are those to judge, all inputs unless said;
    `normal` is what the windows of the reference have told; `brief` and `prefix` as in `measurements`. A column that is not in the rows is
    a fault. Of a scope with a segment the rows of that segment of the reference are compared. Raises `IncompatibleProfiles` where
    `current` was made with another schema.
    """
    chosen = inputs(reference.schema) if columns is None else columns
    before = reference.segments[scope.segment] if scope.segment else reference.profile
    asked = asked_always(chosen, brief=brief)
    verdicts = judge(before, current, spec, share=share, columns=chosen, unrest=normal.unrest, asked=asked, brief=brief)
    final = [(in_segment if scope.segment else settled)(verdict, normal) for verdict in verdicts]
    standing = {} if brief else rates(verdicts, final, scope, normal.ordinary)
    found = measurements(final, scope, brief=brief, prefix=prefix, always=standing)
    return found if brief else found + absent(current, chosen, scope) + unreadable(current, chosen, scope)


def inputs(schema: Schema) -> list[int]:
    """The columns of step 2: all but the prediction and the label, by position."""
    return [i for i, column in enumerate(schema.columns) if column.role not in (Role.PREDICTION, Role.LABEL)]
