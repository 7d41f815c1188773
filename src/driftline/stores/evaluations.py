"""Measurements as bytes, with a format number: column by column as JSON, deflated. Every number ever released is read for ever.

The bytes: the format number (one byte), then a deflated JSON object with one list per field of `Measurement`, and the scopes listed once.
Infinite numbers are the words `inf` and `-inf`, as JSON has none; NaN is never in a measurement.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from itertools import starmap
from typing import Any

from driftline.core.errors import StoreError
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.stores.cells import micros, moment

FORMAT = 1
LEVEL = 3  # of zlib: two thirds of the time of the usual 6, for 6 % more bytes
FIELDS = ("metric", "value", "scope", "n", "column", "low", "high", "limit", "basis", "status", "note", "beyond")
_NUMBERS = ("value", "low", "high", "limit")
_BASES = {str(basis): basis for basis in Basis}
_STATES = {str(status): status for status in Status}


def encode(measurements: Sequence[Measurement]) -> bytes:
    """The bytes of measurements; the same ones in the same order give the same bytes."""
    columns: dict[str, list[Any]] = {name: [getattr(m, name) for m in measurements] for name in FIELDS}
    for name in _NUMBERS:
        columns[name] = _words(columns[name])
    places: dict[Scope, int] = {}
    columns["scope"] = [places.setdefault(scope, len(places)) for scope in columns["scope"]]
    columns["scopes"] = [_scope(scope) for scope in places]
    text = json.dumps(columns, separators=(",", ":"), allow_nan=False, default=_plain)
    return bytes([FORMAT]) + zlib.compress(text.encode(), LEVEL)


def decode(data: bytes, *, where: str) -> tuple[Measurement, ...]:
    """The measurements from their bytes. `where` says in messages where they came from. Raises `StoreError`."""
    if not data or data[0] > FORMAT:
        found = f"have format {data[0]}, and this driftline reads up to {FORMAT}" if data else "are empty"
        raise StoreError(f"Measurements {found}", where=where, hint="Update driftline.")
    try:
        columns = json.loads(zlib.decompress(memoryview(data)[1:]))
        scopes = [_unscoped(facts) for facts in columns["scopes"]]
        columns["scope"] = [scopes[place] for place in columns["scope"]]
        for name in _NUMBERS:
            columns[name] = _floats(columns[name])
        columns["basis"] = [_BASES[name] for name in columns["basis"]]
        columns["status"] = [_STATES[name] for name in columns["status"]]
        return tuple(starmap(Measurement, zip(*(columns[name] for name in FIELDS), strict=True)))
    except (zlib.error, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StoreError("Measurements are damaged", where=where, hint="Evaluate the window again, or restore a copy.") from error


def _scope(scope: Scope) -> list[Any]:
    window = scope.window
    return [scope.model, scope.version, scope.segment, None if window is None else [micros(window.start), micros(window.end)]]


def _unscoped(facts: list[Any]) -> Scope:
    model, version, segment, window = facts
    pairs = tuple((column, level) for column, level in segment)
    return Scope(model, version, pairs, None if window is None else Window(moment(window[0]), moment(window[1])))


def _words(numbers: list[float | None]) -> list[float | str | None]:
    if math.inf in numbers or -math.inf in numbers:
        return [str(float(x)) if x is not None and math.isinf(x) else x for x in numbers]
    return list(numbers)


def _floats(numbers: list[Any]) -> list[Any]:
    if "inf" in numbers or "-inf" in numbers:
        return [float(x) if isinstance(x, str) else x for x in numbers]
    return numbers


def _plain(value: Any) -> Any:
    """Numbers of NumPy as those of Python."""
    return value.item()
