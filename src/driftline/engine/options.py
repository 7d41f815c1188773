"""What people say in Python or on the command line becomes a `CompareSpec`, which is strict about types where people need not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from driftline.core.errors import UnknownName, UsageError
from driftline.engine.spec import CompareSpec
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind

E = TypeVar("E", bound=StrEnum)


def read_options(**said: Any) -> CompareSpec:
    """The spec of the keyword arguments of `driftline.compare`: one name alone is a list of one, any library's numbers are numbers, None is
    nothing said. Raises `UsageError` and `UnknownName`."""
    return CompareSpec(**{name: _READERS.get(name, _as_said)(name, value) for name, value in said.items() if value is not None})


def _as_said(_: str, value: Any) -> Any:
    return value


def _names(_: str, names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{value!r} is no number", where=name) from None


def _numbers(name: str, values: Any) -> dict[str, float]:
    return {key: _number(f"{name} of '{key}'", value) for key, value in dict(values).items()}


def _class(_: str, value: Any) -> str:
    """A class as the labels are read: true, 1 and yes, whether they come as text, flags or numbers."""
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)


def _scores(name: str, columns: Mapping[Any, str]) -> dict[str, str]:
    return {_class(name, key): column for key, column in dict(columns).items()}


def _task(_: str, name: str) -> Task:
    return _choice(Task, "task", name)


def _kinds(_: str, kinds: Mapping[str, str]) -> dict[str, Kind]:
    return {name: _choice(Kind, "kind of column", kind) for name, kind in dict(kinds).items()}


def _choice(choices: type[E], noun: str, name: str) -> E:
    known = [str(member) for member in choices]
    if name not in known:
        raise UnknownName(noun, str(name), known)
    return choices(name)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "segments": _names,
    "ignore": _names,
    "identifiers": _names,
    "threshold": _number,
    "alpha": _number,
    "positive": _class,
    "task": _task,
    "scores": _scores,
    "kinds": _kinds,
    "importance": _numbers,
    "tolerated": _numbers,
}
