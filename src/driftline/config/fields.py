"""What the fields of a configuration may be beside plain types: shares, targets, durations, names that people choose."""

from __future__ import annotations

from typing import Annotated, Final

from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.spec import Field, Spec

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Target = Annotated[float, Field(gt=0.0, lt=1.0)]
"""The share of an objective: with 1 there would be no budget of errors, and every error would break it."""
DURATION: Final = "duration"
Duration = Annotated[str, DURATION]
"""A text such as `15m` or `28d`. Pydantic passes the mark over; `check_durations` and the reader of files heed it."""


def written_name(field: str) -> str:
    """The key of a field: `for` of `for_`."""
    return field.rstrip("_")


def check_durations(spec: Spec) -> None:
    """Raises `UsageError` where a duration of the spec is none."""
    for name, field in type(spec).model_fields.items():
        if DURATION in field.metadata:
            try:
                duration(getattr(spec, name))
            except UsageError as error:
                raise UsageError(error.what, where=written_name(name), hint=error.hint) from None
