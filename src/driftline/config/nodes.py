"""YAML text as a tree of tables, lists and scalars that know their place, with everything refused that YAML reads otherwise than people.

The tree is built from PyYAML's events, which come one after the other: depth and size are checked before anything recurses, and nothing of
YAML 1.1's own guesses (`on` is true, `12:30` is 750, `010` is 8) ever happens. What a scalar means is decided where its key is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from driftline.config.secrets import SECRET_NAMES
from driftline.core.errors import ConfigError

DEEPEST = 20
MOST_NODES = 100_000
NULLS = frozenset({"", "~", "null"})
TRAPS = frozenset({"on", "off", "yes", "no", "y", "n"})
"""Plain words that YAML 1.1 takes for true and false, and YAML 1.2 for texts."""
ODD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|0[xob][0-9a-f_]+|(?=[0-9]*_)[0-9_]+(\.[0-9_]*)?|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)", re.IGNORECASE)
"""Octal, hexadecimal, binary, underscored and base 60: numbers to one reader of YAML, and texts or other numbers to the next."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column, from 1."""

    line: int
    column: int

    def within(self, name: str) -> str:
        """`name:line:column`."""
        return f"{name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it is written; `quoted` where it is a text whatever it looks like."""

    text: str
    quoted: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values in the order of the file; no key twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place

    def get(self, name: str) -> Node | None:
        """The value of a key, or None."""
        return next((value for key, value in self.entries if key.text == name), None)

    def key(self, name: str) -> Scalar | None:
        """The key as it is written, or None."""
        return next((key for key, _ in self.entries if key.text == name), None)


Node = Scalar | Listing | Table


def parse(text: str, name: str) -> Table:
    """The tree of the only document of a text. Raises `ConfigError` with `name:line:column`."""
    try:
        return _Building(name).tree(text)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, name) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        what = f"The character U+{ord(text[error.position]):04X} cannot stand in a YAML file"
        raise ConfigError(what, where=place.within(name), hint="Take it out, or write it as an escape in double quotes.") from None


def scalars(node: Node) -> Iterator[Scalar]:
    """All keys and values below a node, in the order of the file."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Listing):
        for item in node.items:
            yield from scalars(item)
    else:
        for key, value in node.entries:
            yield key
            yield from scalars(value)


@dataclass(slots=True)
class _Open:
    """A list or a table whose end has not come. `size`: nodes in it so far, with all that its aliases stand for."""

    event: yaml.NodeEvent
    nodes: list[Node]
    size: int = 1


class _Building:
    """From events to the tree."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.top: Node | None = None
        self.documents = 0

    def tree(self, text: str) -> Table:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            self._take(event)
        if self.top is None or (isinstance(self.top, Scalar) and _is_null(self.top)):
            raise self._error("The file says nothing", Place(1, 1), "Write one with 'driftline init REFERENCE'.")
        if not isinstance(self.top, Table):
            found = "a list" if isinstance(self.top, Listing) else f"only '{shortened(self.top.text)}'"
            raise self._error(f"The file holds {found}, and should hold keys with values", self.top.place, "Begin with 'model: NAME'.")
        return self.top

    def _take(self, event: yaml.Event) -> None:
        place = _place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._error("A second document begins here", place, "Keep one model per file: remove the line '---'.")
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, place)
        elif isinstance(event, yaml.ScalarEvent):
            self._tag(event, place)
            self._add(Scalar(event.value, event.style is not None, place), 1, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tag(event, place)
            if len(self.open) >= DEEPEST:
                raise self._error(f"Lists and keys are nested deeper than {DEEPEST} levels", place, "No key needs more than 4.")
            self.open.append(_Open(event, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            self._add(self._closed(done), done.size, done.event.anchor)

    def _add(self, node: Node, size: int, anchor: str | None = None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size)
        if not self.open:
            self.top = node
            return
        self.open[-1].nodes.append(node)
        self.open[-1].size += size
        if self.open[-1].size > MOST_NODES:
            raise self._error(f"The file holds more than {MOST_NODES:,} values", node.place, "Say less, or repeat less with aliases.")

    def _alias(self, event: yaml.AliasEvent, place: Place) -> None:
        if event.anchor not in self.anchors:
            raise self._error(
                f"'*{event.anchor}' repeats what has not been named before", place, f"Name a value first: '&{event.anchor} VALUE'."
            )
        self._add(*self.anchors[event.anchor])

    def _tag(self, event: yaml.NodeEvent, place: Place) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise self._error("Tags such as !!str are not read", place, "Write a text in quotes, and anything else plain.")

    def _closed(self, done: _Open) -> Node:
        place = _place(done.event.start_mark)
        if isinstance(done.event, yaml.SequenceStartEvent):
            for item in done.nodes:
                if isinstance(item, Scalar) and _is_null(item):
                    raise self._error("An item of the list is empty", item.place, "Write a value after the dash, or take it out.")
                self._value(item)
            return Listing(tuple(done.nodes), place)
        seen: dict[str, Place] = {}
        entries = []
        for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            entries.append((self._key(key, value, seen), value))
            self._value(value, secret=entries[-1][0].text in SECRET_NAMES)
        return Table(tuple(entries), place)

    def _value(self, node: Node, *, secret: bool = False) -> None:
        """Raises `ConfigError` for plain words and numbers that mean different things to different readers of YAML; of a key that may hold
        a secret without repeating them."""
        if not isinstance(node, Scalar) or node.quoted:
            return
        if secret and (node.text.casefold() in TRAPS or ODD_NUMBER.fullmatch(node.text)):
            raise self._error("This is a text to some readers of YAML, and something else to others", node.place, "Write it in quotes.")
        if node.text.casefold() in TRAPS:
            what = f"'{node.text}' is true or false to some readers of YAML, and a text to others"
            raise self._error(what, node.place, f"Write true or false, or the text in quotes: '{node.text}'.")
        if ODD_NUMBER.fullmatch(node.text):
            what = f"'{shortened(node.text)}' is another number to some readers of YAML, or a text"
            raise self._error(what, node.place, f"Write a plain decimal number, or the text in quotes: '{shortened(node.text)}'.")

    def _key(self, key: Node, value: Node, seen: dict[str, Place]) -> Scalar:
        """A key that is a text and stands here once. Raises `ConfigError`."""
        if not isinstance(key, Scalar):
            raise self._error(
                "A key is a text, and here is a list or a table", key.place, "Write 'KEY: VALUE'; a text with { or [ needs quotes."
            )
        if not key.quoted:
            self._plain_key(key)
        if isinstance(value, Scalar) and _is_null(value):
            hint = "Write one, or take the key out; inside { } a text with a comma needs quotes."
            raise self._error(f"The key '{shortened(key.text)}' has no value", key.place, hint)
        if key.text in seen:
            first = seen[key.text].line
            raise self._error(
                f"The key '{shortened(key.text)}' is here a second time; the first is in line {first}", key.place, "Keep one of them."
            )
        seen[key.text] = key.place
        return key

    def _plain_key(self, key: Scalar) -> None:
        if key.text == "<<":
            raise self._error("'<<' merges tables out of sight, and is not read", key.place, "Write the keys out.")
        if _is_null(key):
            raise self._error("A key is missing before the colon", key.place, "Write 'KEY: VALUE'.")
        if key.text.casefold() in TRAPS | {"true", "false"} or is_number(key.text) or ODD_NUMBER.fullmatch(key.text):
            what = f"The key '{key.text}' is no text to every reader of YAML"
            raise self._error(what, key.place, f"Write it in quotes: '{key.text}': ...")

    def _error(self, what: str, place: Place, hint: str) -> ConfigError:
        return ConfigError(what, where=place.within(self.name), hint=hint)


NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def is_number(text: str) -> bool:
    """Whether a plain text is a decimal number."""
    return NUMBER.fullmatch(text) is not None


def shortened(text: str, most: int = 60) -> str:
    """A text as it fits into a sentence."""
    return text if len(text) <= most else f"{text[:most]}..."


def _is_null(scalar: Scalar) -> bool:
    return not scalar.quoted and scalar.text.casefold() in NULLS


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


_SEEN_LATE = ("could not find expected ':'", "unexpected end of stream", "expected ',' or")
"""Mistakes that PyYAML sees far behind the place where they begin."""
_SYNTAX = (
    ("'\\t'", "A tab stands where spaces should", "YAML is indented by spaces: replace the tab."),
    ("mapping values are not allowed", "A second colon in one line, or a line indented too far", "Put a text with ': ' in quotes."),
    ("could not find expected ':'", "A key without its colon", "Write 'KEY: VALUE', and the first line of a text in quotes."),
    ("found unexpected end of stream", "A quote or a bracket is never closed", "Close it."),
    ("expected ',' or '}'", "A { is never closed, or a comma is missing", "Write { KEY: VALUE, KEY: VALUE }."),
    ("expected ',' or ']'", "A [ is never closed, or a comma is missing", "Write [ VALUE, VALUE ]."),
    (
        "expected <block end>",
        "This line does not line up with those above, or has no key",
        "Indent keys of one table by the same number of spaces.",
    ),
    ("found undefined alias", "An alias without its anchor", "Name a value first: '&NAME VALUE'."),
    ("'%'", "A plain text cannot begin with %", "Put it in quotes."),
    ("'@'", "A plain text cannot begin with @", "Put it in quotes."),
    ("'`'", "A plain text cannot begin with a backtick", "Put it in quotes."),
    ("unknown escape character", "There is no such escape in double quotes", "Write a backslash twice, or use single quotes."),
)


def _syntax(error: yaml.MarkedYAMLError, text: str, name: str) -> ConfigError:
    """What PyYAML does not understand, in our words."""
    problem = error.problem or error.context or "this is no YAML"
    begun = any(words in problem for words in _SEEN_LATE)
    mark = (error.context_mark if begun else None) or error.problem_mark or error.context_mark
    place = _place(mark) if mark is not None else Place(1, 1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        problem, place = "'\\t'", Place(place.line, line.index("\t") + 1)
    for words, what, hint in _SYNTAX:
        if words in problem:
            return ConfigError(what, where=place.within(name), hint=hint)
    return ConfigError(f"This is no YAML: {problem}", where=place.within(name), hint="Put texts with special signs in quotes.")
