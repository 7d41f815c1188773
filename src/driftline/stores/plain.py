"""Records of alerting as JSON and back, by the types of their fields: exactly what was written is read.

A record is an object with a key per field, a window a pair of microseconds, a moment its microseconds, and a tuple a list. JSON has no
infinite numbers: they are the words `inf` and `-inf`. Where a field may hold anything (`object`), what JSON has no word for is an object
with one key that begins with `$`. A field that is missing has its default, so one that is added later needs a default and no new format.
Every format number ever released is read for ever.
"""

from __future__ import annotations

import functools
import json
import math
import operator
import types
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from driftline.core.errors import StoreError, UsageError
from driftline.core.records import Window
from driftline.stores.cells import micros, moment, window

FORMAT = 1
LEVEL = 3  # of zlib, as for measurements
Turn = Callable[[Any], Any]
R = TypeVar("R")
_DAMAGE = (zlib.error, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, UsageError)


@dataclass(frozen=True, slots=True)
class Way:
    """How values of one type become JSON, and how they come back; None where they stay as they are."""

    there: Turn | None = None
    back: Turn | None = None


def text(record: object) -> str:
    """A record as JSON, with the number of the format. The same record gives the same text. Raises `StoreError` for what cannot be kept."""
    facts = _turns(type(record))[0](record)
    return json.dumps({"format": FORMAT, **facts}, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_number)


def record(kind: type[R], text: str, *, where: str) -> R:
    """The record from its JSON. `where` says in messages where that came from. Raises `StoreError`."""
    try:
        facts = json.loads(text)
        number = facts.pop("format")
        if number <= FORMAT:
            return cast("R", _turns(kind)[1](facts))
    except _DAMAGE as error:
        raise _damaged(kind, where) from error
    what = f"The {kind.__name__.lower()} has format {number}, and this driftline reads up to {FORMAT}"
    raise StoreError(what, where=where, hint="Update driftline.")


def packed(record: object) -> bytes:
    """The deflated JSON of a record that may be large."""
    return zlib.compress(text(record).encode("utf-8", "surrogatepass"), LEVEL)


def unpacked(kind: type[R], data: bytes, *, where: str) -> R:
    """The record from its deflated JSON. Raises `StoreError`."""
    try:
        found = zlib.decompress(data).decode("utf-8", "surrogatepass")
    except _DAMAGE as error:
        raise _damaged(kind, where) from error
    return record(kind, found, where=where)


def settled(record: R) -> R:
    """The same record, which nobody changes any more, with its times in UTC. Raises `StoreError` for what cannot be kept."""
    there, back = _turns(type(record))
    return cast("R", back(there(record)))


@functools.cache
def way(kind: Any) -> Way:
    """How values of a type of field are turned. Raises `TypeError` for a type that no record has had so far."""
    if kind in _WAYS:
        return _WAYS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return _perhaps(way(next(each for each in inner if each is not types.NoneType)))
    if origin is tuple:
        return _list(way(inner[0])) if inner[-1] is Ellipsis else _row([way(each) for each in inner])
    if origin is Mapping:
        return _mapping(way(inner[1]))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return Way(None, {member.value: member for member in kind}.__getitem__)
    if is_dataclass(kind):
        return _record(cast("type", kind))
    raise TypeError(f"{kind} has no form in JSON")


def _turns(kind: Any) -> tuple[Turn, Turn]:
    found = way(kind)
    return _as_it_is(found.there), _as_it_is(found.back)


def _perhaps(inner: Way) -> Way:
    there, back = inner.there, inner.back
    return Way(
        there and (lambda value: None if value is None else there(value)), back and (lambda value: None if value is None else back(value))
    )


def _list(inner: Way) -> Way:
    there, back = inner.there, inner.back
    return Way(
        list if there is None else (lambda values: [*map(there, values)]), tuple if back is None else (lambda values: (*map(back, values),))
    )


def _row(inner: list[Way]) -> Way:
    def turned(turns: list[Turn]) -> Callable[[Any], list[Any]]:
        return lambda values: [turn(value) for turn, value in zip(turns, values, strict=True)]

    back = turned([_as_it_is(each.back) for each in inner])
    return Way(turned([_as_it_is(each.there) for each in inner]), lambda values: tuple(back(values)))


def _mapping(inner: Way) -> Way:
    def turned(turn: Turn | None) -> Turn:
        return dict if turn is None else (lambda values: {name: turn(value) for name, value in values.items()})

    return Way(turned(inner.there), turned(inner.back))


def _record(kind: type) -> Way:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    ways = {name: way(hints[name]) for name in names}
    there = [(name, each.there) for name, each in ways.items() if each.there is not None]
    back = [(name, each.back) for name, each in ways.items() if each.back is not None]
    values = operator.attrgetter(*names)

    def written(record: Any) -> dict[str, Any]:
        facts = dict(zip(names, values(record), strict=True))
        for name, turn in there:
            facts[name] = turn(facts[name])
        return facts

    def read(facts: dict[str, Any]) -> Any:
        for name, turn in back:  # in place: the facts were parsed for this record alone
            if name in facts:
                facts[name] = turn(facts[name])
        return kind(**facts)

    return Way(written, read)


@functools.lru_cache(maxsize=1 << 14)  # the alerts of a board share their times
def _count(when: datetime) -> int:
    return micros(when)


def _word(number: float) -> float | str:
    return number if math.isfinite(number) else str(float(number))


def _float(number: float | str) -> float:
    return float(number) if isinstance(number, str) else number


def _anything(value: Any) -> Any:
    """What may be anything that a message says: numbers, texts, moments, and lists, tuples and mappings of them."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, datetime):
        return {"$moment": micros(value)}
    if isinstance(value, list):
        return [_anything(each) for each in value]
    if isinstance(value, tuple):
        return {"$tuple": [_anything(each) for each in value]}
    if isinstance(value, Mapping):
        turned = {_name(name): _anything(each) for name, each in value.items()}
        return {"$mapping": turned} if len(turned) == 1 and next(iter(turned)).startswith("$") else turned
    return _anything(_number(value))


def _something(value: Any) -> Any:
    """What `_anything` made JSON of."""
    if isinstance(value, list):
        return [_something(each) for each in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value)) if len(value) == 1 else ""
    if mark == "$float":
        return float(value[mark])
    if mark == "$moment":
        return moment(value[mark])
    if mark == "$tuple":
        return tuple(_something(each) for each in value[mark])
    return {name: _something(each) for name, each in (value[mark] if mark == "$mapping" else value).items()}


def _name(name: object) -> str:
    if isinstance(name, str):
        return name
    raise StoreError(f"A mapping with the name {str(name)[:100]!r} cannot be kept", hint="Names are texts.")


def _number(value: Any) -> Any:
    """Numbers of NumPy as those of Python."""
    found = value.item() if getattr(value, "shape", None) == () else None
    if isinstance(found, (bool, int, float, str)):
        return found
    raise StoreError(f"A value of the type '{type(value).__name__}' cannot be kept", hint="Make it a text or a number.")


def _as_it_is(turn: Turn | None) -> Turn:
    return turn or (lambda value: value)


def _damaged(kind: type, where: str) -> StoreError:
    return StoreError(f"The {kind.__name__.lower()} is damaged", where=where, hint="Update driftline, or restore a copy of the store.")


_WAYS: dict[Any, Way] = {
    str: Way(),
    int: Way(),
    bool: Way(),
    float: Way(_word, _float),
    datetime: Way(_count, moment),
    Window: Way(lambda window: [_count(window.start), _count(window.end)], lambda ends: window(*ends)),
    object: Way(_anything, _something),
}
