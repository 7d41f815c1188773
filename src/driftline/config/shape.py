"""The shape of a configuration file: which keys there are and what each may hold, derived from the annotations of the specs.

What reads a file, what writes the JSON Schema and what prints the effective values all walk this one description.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from driftline.alerting.rules import NAME
from driftline.config.fields import DURATION, written_name
from driftline.config.plan import Plan
from driftline.config.short_forms import ALONE
from driftline.core.spec import Spec


class Holds(StrEnum):
    """What one value is."""

    TEXT = "text"
    DURATION = "duration"
    LEVEL = "value of the column"  # read as the text that the column's own values are read as
    SPAN = "number of windows, or a duration"  # a text that its spec reads
    WORD = "word"  # one of a few
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. `words`: the only ones there are. `low` and `high`: bounds, `open` where they themselves are out."""

    holds: Holds
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    python: Any = str


@dataclass(frozen=True, slots=True)
class Many:
    """A list of values, or one alone."""

    item: Leaf


@dataclass(frozen=True, slots=True)
class Named:
    """Values, or sections, by names that the user chooses, such as columns or rules."""

    item: Leaf | Many | Section


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section. `field`: its name in Python."""

    name: str
    field: str
    shape: Shape
    required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Section:
    """Keys that belong together: one spec.

    `choice`: exactly one of the keys is given, and its name alone says it where it needs no settings. `alone`: the key that one value alone
    stands for.
    """

    spec: type[Spec]
    keys: Mapping[str, Key]
    choice: bool = False
    alone: str = ""


Shape = Leaf | Many | Named | Section

LEVELS = frozenset({"task.positive", "labels.eligible", "labels.void"})
"""Keys whose values are compared with those of a column, so that `1`, `true` and `'x'` are all as good as texts."""
DURATIONS = frozenset({"labels.matures_after", "labels.negative_after", "alerts.repeat"})
"""Durations of specs that lie below the configuration."""
SPANS = frozenset({"alerts.rules.*.hold", "alerts.rules.*.keep_firing_for"})
"""Keys of windows or of durations: `2` is as good as `'2'`."""
NO_WORDS: Mapping[str, frozenset[str]] = {"alerts.rules.*.severity": frozenset({"none"})}
"""Words that other places know and a key does not take."""
ANY = "*"
"""Stands for a name that the user chooses, in the dotted name of a key: `alerts.rules.*.metric`."""
SECTION_NAME = NAME
"""Names that the user may give to sections: they become parts of dotted names."""


@cache
def plan_shape() -> Section:
    """The shape of the whole file."""
    return section(Plan, "")


def section(spec: type[Spec], path: str, *, alone: str = "") -> Section:
    """The shape of a spec that stands at a dotted path. `alone`: see `Section`, where the short forms name none."""
    keys = {}
    hidden: frozenset[str] = getattr(spec, "hidden", frozenset())
    for field, info in spec.model_fields.items():
        if field in hidden:
            continue
        name = written_name(field)
        shape = _shape(info.annotation, info.metadata, joined(path, name))
        keys[name] = Key(name, field, shape, info.is_required(), None if info.is_required() else info.default)
    choice = bool(keys) and all(isinstance(key.shape, Section) and not key.required and key.default is None for key in keys.values())
    if choice:
        keys = {name: replace(key, shape=_option(key.shape)) for name, key in keys.items()}
    return Section(spec, keys, choice, ALONE.get(path, alone))


def _option(shape: Shape) -> Shape:
    """One of the sections of a choice: a value alone is its first key, unless it needs more than that."""
    assert isinstance(shape, Section)
    keys = list(shape.keys.values())
    return replace(shape, alone=keys[0].name) if keys and not any(key.required for key in keys[1:]) else shape


def joined(path: str, name: str) -> str:
    """`path.name`."""
    return f"{path}.{name}" if path else name


def pattern(path: str) -> str:
    """The dotted name of a key as `dotted` gives it: `alerts.rules.*.metric` for `alerts.rules.IncomeDrift.metric`."""
    shape: Shape | None = plan_shape()
    parts = []
    for part in path.split("."):
        if isinstance(shape, Named):
            shape = shape.item
            parts.append(ANY if isinstance(shape, Section) else part)
        else:
            key = shape.keys.get(part) if isinstance(shape, Section) else None
            shape = key.shape if key is not None else None
            parts.append(part)
    return ".".join(parts)


def dotted(shape: Section, path: str = "") -> Iterator[tuple[str, Key]]:
    """Every key below a section with its dotted name, sections before what is in them; `*` where users choose names."""
    for key in shape.keys.values():
        here = joined(path, key.name)
        yield here, key
        if isinstance(key.shape, Section):
            yield from dotted(key.shape, here)
        elif isinstance(key.shape, Named) and isinstance(key.shape.item, Section):
            yield from dotted(key.shape.item, joined(here, ANY))


def _shape(annotation: Any, metadata: list[Any], path: str) -> Shape:
    """The shape of an annotation. Raises `TypeError` for one that no file could hold: a fault of ours, seen by every test."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _shape(inner[0], [*metadata, *inner[1:]], path)
    if origin in (Union, types.UnionType):
        (only,) = [part for part in inner if part is not type(None)]
        return _shape(only, metadata, path)
    if origin is tuple:
        return Many(_leaf(inner[0], [], path))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        is_section = isinstance(inner[1], type) and issubclass(inner[1], Spec)
        item = _shape(inner[1], [], joined(path, ANY) if is_section else path)
        assert not isinstance(item, Named)
        return Named(item)
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return section(annotation, path)
    return _leaf(annotation, metadata, path)


def _leaf(annotation: Any, metadata: list[Any], path: str) -> Leaf:
    if get_origin(annotation) is Literal:
        return Leaf(Holds.WORD, words=tuple(get_args(annotation)))
    if hasattr(annotation, "__metadata__"):
        inner = get_args(annotation)
        return _leaf(inner[0], [*metadata, *inner[1:]], path)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        words = tuple(str(word) for word in annotation if word not in NO_WORDS.get(path, ()))
        return Leaf(Holds.WORD, words=words, python=annotation)
    plain = {str: Holds.TEXT, int: Holds.WHOLE, float: Holds.NUMBER, bool: Holds.FLAG}
    if annotation not in plain:
        raise TypeError(f"{path}: no file can hold {annotation}")
    holds = plain[annotation]
    if holds is Holds.TEXT:
        marked = any(mark is DURATION for mark in metadata) or path in DURATIONS
        return Leaf(Holds.DURATION if marked else Holds.LEVEL if path in LEVELS else Holds.SPAN if path in SPANS else Holds.TEXT)
    return _bounded(holds, annotation, metadata)


def _bounded(holds: Holds, python: type, metadata: list[Any]) -> Leaf:
    """A number with the bounds that `Field` was given."""
    bounds: dict[str, float] = {}
    for part in metadata:
        for mark in (part, *getattr(part, "metadata", ())):
            bounds |= {name: getattr(mark, name) for name in ("gt", "ge", "lt", "le") if getattr(mark, name, None) is not None}
    return Leaf(
        holds,
        low=bounds.get("gt", bounds.get("ge")),
        high=bounds.get("lt", bounds.get("le")),
        low_open="gt" in bounds,
        high_open="lt" in bounds,
        python=python,
    )


_PLURALS = {Holds.TEXT: "texts", Holds.LEVEL: "values of the column"}


def in_words(shape: Shape) -> str:
    """What a key holds, for people: `number above 0 and at most 1`."""
    if isinstance(shape, Section):
        return "one of its keys" if shape.choice else "keys with values" if shape.keys else "nothing: {}"
    if isinstance(shape, Named):
        return f"names, each with {'keys of its own' if isinstance(shape.item, Section) else _one(shape.item)}"
    if isinstance(shape, Many) and shape.item.words:
        return f"list of {', '.join(shape.item.words)}"
    if isinstance(shape, Many):
        return f"list of {_PLURALS.get(shape.item.holds, in_words(shape.item))}"
    if shape.words:
        return f"one of {', '.join(shape.words)}"
    limits = bounds(shape)
    return f"{shape.holds} {limits}" if limits else str(shape.holds)


def bounds(leaf: Leaf) -> str:
    """`above 0 and at most 1`; nothing for a number without bounds."""
    low = "" if leaf.low is None else f"{'above' if leaf.low_open else 'at least'} {leaf.low:g}"
    high = "" if leaf.high is None else f"{'below' if leaf.high_open else 'at most'} {leaf.high:g}"
    return " and ".join(part for part in (low, high) if part)


def _one(shape: Shape) -> str:
    words = in_words(shape)
    return words if words.startswith("one of") else f"a {words}"
