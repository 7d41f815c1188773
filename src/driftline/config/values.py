"""The effective values of a plan: every key of the file with what it holds in the end, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from driftline.alerting.defaults import DEFAULT_NAMES
from driftline.alerting.rules import Rule
from driftline.config.plan import Plan
from driftline.config.shape import Named, Section, joined, plan_shape
from driftline.core.spec import Spec


def effective(plan: Plan) -> dict[str, Any]:
    """Dotted keys to plain values: texts, numbers, flags, lists and mappings; None where a key holds nothing. Of a choice the key that is
    given stands there alone, with `{}` where it has no settings; of a default rule only what the plan changes."""
    return dict(_values(plan, plan_shape(), ""))


def _values(spec: Spec | None, shape: Section, path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [] if shape.keys else [(path, {})]
    for key in shape.keys.values():
        value = None if spec is None else getattr(spec, key.field)
        here = joined(path, key.name)
        if isinstance(key.shape, Section):
            if value is not None:
                found += _values(value, key.shape, here)
            elif not shape.choice:
                found.append((here, None))
        elif isinstance(key.shape, Named) and isinstance(key.shape.item, Section) and value:
            for name, inner in value.items():
                changes = isinstance(inner, Rule) and name in DEFAULT_NAMES
                found += (
                    _changes(inner, key.shape.item, joined(here, name)) if changes else _values(inner, key.shape.item, joined(here, name))
                )
        else:
            found.append((here, None if value == "" else _plain(value)))
    return found


def _changes(rule: Rule, shape: Section, path: str) -> list[tuple[str, Any]]:
    """What is said of a default rule: all else of it stays as it is."""
    said = {name: key for name, key in shape.keys.items() if key.field in rule.model_fields_set}
    return _values(rule, replace(shape, keys=said), path)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value  # of an enumeration, its text
