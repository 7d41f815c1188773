"""Reference: what live rows are compared with. A schema, the profile of the rows it was fitted on, and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from driftline.core.records import Segment
from driftline.core.verdicts import TableInfo
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Schema


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference of a model version.

    `segments` holds the same rows cut by each segment column. `history` holds the same rows cut into consecutive windows of equal
    length, where the reference has a time: what the columns do from window to window when nothing is wrong.
    """

    schema: Schema
    profile: Profile
    source: TableInfo
    version: str = ""
    segments: Mapping[Segment, Profile] = field(default_factory=dict)
    history: tuple[Profile, ...] = ()
