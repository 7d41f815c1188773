"""The effective values of a plan: every key of the file with what it holds in the end, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.config.plan import Plan
from driftline.config.shape import Section, joined, plan_shape
from driftline.core.spec import Spec


def effective(plan: Plan) -> dict[str, Any]:
    """Dotted keys to plain values: texts, numbers, flags, lists and mappings; None where a key holds nothing."""
    return dict(_values(plan, plan_shape(), ""))


def _values(spec: Spec | None, shape: Section, path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key in shape.keys.values():
        value = None if spec is None else getattr(spec, key.field)
        here = joined(path, key.name)
        if isinstance(key.shape, Section):
            if value is None:
                found.append((here, None))
            else:
                found += _values(value, key.shape, here)
        else:
            found.append((here, None if value == "" else _plain(value)))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value  # of an enumeration, its text
