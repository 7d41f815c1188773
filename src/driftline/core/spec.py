"""Spec: the base of everything users write, in Python or in a file.

A spec is frozen and strict: `"3"` is not 3, and a key that does not exist is refused with the nearest one that does. The checking is
pydantic's; what reaches people is one sentence of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driftline.core.errors import UnknownName, UsageError

__all__ = ["Field", "Spec", "first_problem"]


class Spec(BaseModel):
    """Base of all that users write. Raises `UnknownName` for an unknown key, `UsageError` for a value that does not fit."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise first_problem(type(self), error) from None

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """The spec from a mapping such as a parsed file holds."""
        return cls(**{str(key): value for key, value in values.items()})

    def but(self, **changes: Any) -> Self:
        """A copy with some values changed, checked again."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


def first_problem(spec: type[BaseModel], error: ValidationError) -> UsageError:
    """The first of pydantic's complaints as one sentence with its place."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return UnknownName("key", str(problem["loc"][-1]), spec.model_fields)
    if problem["type"] == "missing":
        return UsageError(f"The key '{place}' is missing", hint=f"Known keys: {', '.join(sorted(spec.model_fields))}.")
    if problem["type"] == "value_error":
        return UsageError(str(problem["ctx"]["error"]).rstrip("."), where=place)
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return UsageError(f"{problem['input']!r} does not fit: {message}", where=place)
