"""Labels come late: a row without one is no missing value, and a table without any is no drift."""

from __future__ import annotations

from dataclasses import replace

from driftline.profiles.counting import MISSING
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Column, Role


def labelled(profile: Profile) -> Profile:
    """The profile with the label counted over the rows that have one: labels come late, and are no drift until then."""
    label = profile.schema.role(Role.LABEL)
    if label is None:
        return profile
    counts = profile.counts.copy()
    counts[profile.schema.cells(profile.schema.by_name[label.name])][MISSING] = 0
    return replace(profile, counts=counts)


def late(profile: Profile, column: Column) -> bool:
    """Whether these are labels that have not come yet, which is no fault of the table."""
    return column.role is Role.LABEL and int(profile.cells(column.name)[MISSING]) == profile.rows
