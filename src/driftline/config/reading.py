"""From the tree of a file to a plan: every value read as its key asks, and every mistake told with the place where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from driftline.config.alerts import HOW_TO_NAME
from driftline.config.meanings import example
from driftline.config.nodes import Listing, Node, Place, Scalar, Table, is_number, scalars, shortened
from driftline.config.plan import Plan
from driftline.config.shape import (
    ANY,
    SECTION_NAME,
    Holds,
    Leaf,
    Many,
    Named,
    Section,
    Shape,
    bounds,
    dotted,
    in_words,
    joined,
    pattern,
    plan_shape,
)
from driftline.config.short_forms import ELSEWHERE, RENAMED
from driftline.core.durations import duration
from driftline.core.errors import ConfigError, UsageError, nearest
from driftline.core.spec import Spec

MOST_WHOLE = 1e15
"""Up to here a whole number is written without an exponent."""


def read_plan(tree: Table, name: str) -> tuple[Plan, dict[str, Place]]:
    """The plan, and the place of each dotted key and section that the file says. Raises `ConfigError` with `name:line:column`."""
    reading = _Reading(name)
    plan = reading.section(tree, plan_shape(), "")
    assert isinstance(plan, Plan)
    return plan, reading.places


@dataclass(slots=True)
class _Reading:
    """The walk along the tree and the shape together."""

    name: str
    places: dict[str, Place] = field(default_factory=dict)

    def section(self, table: Table, shape: Section, path: str) -> Spec:
        """The spec of a table. Raises `ConfigError`."""
        values: dict[str, Any] = {}
        for key, node in table.entries:
            name = self._key(key, table, shape, path)
            if name != key.text and not isinstance(node, Scalar):
                raise self.error(f"'{key.text}' holds {found(node)}, and is short for one value", node.place, f"Write '{name}' for more.")
            known = shape.keys[name]
            values[known.field] = self._value(node, known.shape, joined(path, name))
        for missing in [key.name for key in shape.keys.values() if key.required and key.field not in values]:
            where = joined(path, missing)
            raise self.error(f"The key '{where}' is missing", table.place, _such_as(where))
        try:
            return shape.spec(**values)
        except UsageError as error:
            raise self._misfit(error, table, shape, path) from None
        except OverflowError:
            raise self.error(f"{path}: A time is outside of the calendar", table.place, _such_as(path)) from None

    def _key(self, key: Scalar, table: Table, shape: Section, path: str) -> str:
        """The name of a known key. Raises `ConfigError` with the nearest one."""
        name = RENAMED.get(key.text, key.text) if not path else key.text
        if name != key.text and table.key(name) is not None:
            raise self.error(f"'{key.text}' is short for '{name}', and both are here", key.place, "Keep one of them.")
        if name in shape.keys:
            return name
        where = joined(path, key.text)
        raise self.error(f"There is no key '{shortened(where)}'", key.place, _nearest_key(key.text, shape, path))

    def _value(self, node: Node, shape: Shape, path: str) -> Any:
        """What a node holds, as its key asks. Raises `ConfigError`."""
        if isinstance(shape, Section):
            return self._inner(node, shape, path)
        self.places[path] = node.place
        if isinstance(shape, Leaf):
            return self._leaf(node, shape, path)
        if isinstance(shape, Many):
            return self._many(node, shape, path)
        return self._named(node, shape, path)

    def _inner(self, node: Node, shape: Section, path: str) -> Spec:
        self.places[path] = node.place
        if isinstance(node, Table):
            return self.section(node, shape, path)
        if shape.choice and isinstance(node, Scalar) and (node.quoted or not is_number(node.text)):
            only: Node = Table((), node.place)
            return self.section(Table(((node, only),), node.place), shape, path)
        if shape.alone and (isinstance(node, Scalar) or isinstance(shape.keys[shape.alone].shape, Many)):
            alone = Scalar(shape.alone, quoted=True, place=node.place)
            return self.section(Table(((alone, node),), node.place), shape, path)
        raise self._wrong(node, path, in_words(shape))

    def _many(self, node: Node, shape: Many, path: str) -> tuple[Any, ...]:
        if isinstance(node, Table):
            raise self._wrong(node, path, in_words(shape))
        items = node.items if isinstance(node, Listing) else (node,)
        values = tuple(self._leaf(item, shape.item, path, empty=True) for item in items)
        seen = set()
        for item, value in zip(items, values, strict=True):
            if value in seen:
                raise self.error(f"'{shortened(str(value))}' stands twice in '{path}'", item.place, "Keep one of them.")
            seen.add(value)
        return values

    def _named(self, node: Node, shape: Named, path: str) -> dict[str, Any]:
        if not isinstance(node, Table):
            raise self._wrong(node, path, in_words(shape))
        item = shape.item
        if isinstance(item, Section):
            return {key.text: self._chosen(key, value, item, path) for key, value in node.entries}
        return {
            key.text: self._many(value, item, path) if isinstance(item, Many) else self._leaf(value, item, path, empty=True)
            for key, value in node.entries
        }

    def _chosen(self, key: Scalar, node: Node, shape: Section, path: str) -> Spec:
        """A section under a name that the user chose. Raises `ConfigError`."""
        if not SECTION_NAME.fullmatch(key.text):
            raise self.error(f"{shortened(key.text)!r} is no name in '{path}'", key.place, HOW_TO_NAME)
        here = joined(path, key.text)
        spec = self._inner(node, shape, here)
        self.places[here] = key.place
        return spec

    def _leaf(self, node: Node, leaf: Leaf, path: str, *, empty: bool = False) -> Any:
        """One value. Raises `ConfigError` for another kind of value and for a number out of its bounds."""
        if not isinstance(node, Scalar):
            raise self._wrong(node, path, in_words(leaf))
        if leaf.holds in (Holds.WHOLE, Holds.NUMBER):
            return self._number(node, leaf, path)
        if leaf.holds is Holds.LEVEL:
            return level(node)
        if leaf.holds is Holds.FLAG:
            if node.quoted or node.text.casefold() not in ("true", "false"):
                raise self._wrong(node, path, "true or false")
            return node.text.casefold() == "true"
        if leaf.holds is Holds.SPAN and not node.quoted and node.text.isdecimal():
            return node.text
        if (
            not node.quoted
            and (is_number(node.text) or node.text.casefold() in ("true", "false"))
            and leaf.holds in (Holds.TEXT, Holds.SPAN)
        ):
            hint = f"Write it in quotes: '{node.text}'." if leaf.holds is Holds.TEXT else ""
            raise self._wrong(node, path, in_words(leaf), hint)
        if not node.text and not empty:
            raise self.error(f"'{path}' is empty", node.place, f"Take the key out, or give it a value.{_such_as(path, ' ')}")
        return self._word(node, leaf, path) if leaf.words else self._text(node, leaf, path)

    def _text(self, node: Scalar, leaf: Leaf, path: str) -> str:
        if leaf.holds is Holds.DURATION:
            try:
                duration(node.text)
            except UsageError as error:
                raise self.error(f"{error.what} for '{path}'", node.place, error.hint) from None
        return node.text

    def _word(self, node: Scalar, leaf: Leaf, path: str) -> Any:
        if node.text not in leaf.words:
            near = nearest(node.text, leaf.words)
            guess = f"Did you mean '{near}'? " if near else ""
            raise self.error(f"'{shortened(node.text)}' is no value of '{path}'", node.place, f"{guess}Known: {', '.join(leaf.words)}.")
        return leaf.python(node.text)

    def _number(self, node: Scalar, leaf: Leaf, path: str) -> int | float:
        whole = leaf.holds is Holds.WHOLE
        if node.quoted or not is_number(node.text) or (whole and not re.fullmatch(r"[-+]?[0-9]{1,18}", node.text)):
            hint = "Write it without quotes." if node.quoted and is_number(node.text) else ""
            if node.text.endswith("%") and is_number(node.text[:-1].strip()):
                hint = f"Write the share: {float(node.text[:-1]) / 100:g}."
            raise self._wrong(node, path, in_words(leaf), hint)
        value = int(node.text) if whole else float(node.text)
        low, high = leaf.low, leaf.high
        below = low is not None and (value <= low if leaf.low_open else value < low)
        above = high is not None and (value >= high if leaf.high_open else value > high)
        if below or above or abs(value) == float("inf"):
            raise self.error(
                f"'{path}' is {bounds(leaf) or 'a finite number'}, and {shortened(node.text)} is not", node.place, _such_as(path)
            )
        return value

    def _wrong(self, node: Node, path: str, expected: str, hint: str = "") -> ConfigError:
        """The error of a value of another kind than its key asks for."""
        return self.error(f"'{path}' holds {found(node)}, and should hold {_article(expected)}", node.place, hint or _such_as(path))

    def _misfit(self, error: UsageError, table: Table, shape: Section, path: str) -> ConfigError:
        """What a spec says against its values, told at the value or the key that it speaks of."""
        at, said = self._spoken_of(error, table), joined(path, error.where.split(".")[-1])
        such = _such_as(said if error.where and said.split(".")[-1] in shape.keys else path)
        named = path.rpartition(".")[2] in error.what.casefold() and not pattern(path).endswith(ANY)
        prefix = f"{path}: " if path and not named else ""
        return self.error(f"{prefix}{error.what}", at, error.hint or such)

    @staticmethod
    def _spoken_of(error: UsageError, table: Table) -> Place:
        """The place of what an error speaks of: the value of the key it names, what it quotes first of the file, else the table."""
        node: Node = table
        for name in error.where.split(".") if error.where else []:
            inner = node.get(name) if isinstance(node, Table) else None
            node = inner if inner is not None else node
        if node is not table and isinstance(node, Scalar):
            return node.place
        quoted = [(error.what.index(f"'{scalar.text}'"), scalar.place) for scalar in scalars(node) if f"'{scalar.text}'" in error.what]
        return min(quoted)[1] if quoted else node.place

    def error(self, what: str, place: Place, hint: str) -> ConfigError:
        return ConfigError(what, where=place.within(self.name), hint=hint)


def level(node: Scalar) -> str:
    """A value of a column as the text that the columns are read as: true for True, 1 for 1.0."""
    if node.quoted:
        return node.text
    if node.text.casefold() in ("true", "false"):
        return node.text.casefold()
    if not is_number(node.text):
        return node.text
    number = float(node.text)
    if node.text.lstrip("+-").isdigit():
        return node.text.removeprefix("+")
    return str(int(number)) if number.is_integer() and abs(number) < MOST_WHOLE else repr(number)


def found(node: Node) -> str:
    """A node in words."""
    if isinstance(node, Table):
        return "keys with values"
    if isinstance(node, Listing):
        return "a list"
    if not node.quoted and node.text.casefold() in ("true", "false"):
        return node.text
    return f"the number {shortened(node.text)}" if not node.quoted and is_number(node.text) else f"the text '{shortened(node.text)}'"


def _article(words: str) -> str:
    return f"a {words}" if words.startswith(("text", "list", "number", "whole", "duration", "value")) else words


def _such_as(path: str, before: str = "") -> str:
    """An example of a key, where there is one."""
    known = pattern(path)
    line = example(known) or (example(known.removesuffix(f".{ANY}")) if known.endswith(ANY) else "")
    return f"{before}Such as {line}." if line else ""


def _nearest_key(name: str, shape: Section, path: str) -> str:
    """What to write instead of a key that does not exist."""
    known = list(shape.keys)
    if (told := ELSEWHERE.get(joined(pattern(path), name))) is not None:
        return told
    near = nearest(name, [*known, *(RENAMED if not path else ())])
    if near:
        return f"Did you mean '{near}'?{_such_as(joined(path, near), ' ')}"
    elsewhere = [where for where, _ in dotted(plan_shape()) if where.split(".")[-1] == name and "." in where]
    if elsewhere:
        return f"Did you mean '{elsewhere[0].replace(ANY, 'NAME')}'?{_such_as(elsewhere[0], ' ')}"
    return f"Known{f' in {path}' if path else ''}: {', '.join(known)}."
