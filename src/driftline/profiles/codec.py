"""Profiles and references as bytes, with a format number. Every number ever released is read for ever.

The bytes: a magic word, the format number, the length of the header, the header (JSON: schema, sizes, names of the arrays), the arrays
(little-endian, one after the other), both deflated, and the SHA-256 of all that. Nothing in them is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import FormatError
from driftline.core.verdicts import TableInfo
from driftline.profiles.outcomes import from_arrays
from driftline.profiles.profile import Profile
from driftline.profiles.reference import Reference
from driftline.profiles.schema import Schema
from driftline.profiles.sketch import KeySketch

MAGIC = b"driftline\n"
FORMAT = 1
_HEAD = struct.Struct("<HQ")
Arrays = Mapping[str, NDArray[Any]]


def encode(reference: Reference) -> bytes:
    """The bytes of a reference; equal references give equal bytes."""
    profiles = [reference.profile, *reference.segments.values(), *reference.history]
    parts = [flatten(profile, f"{i}.") for i, profile in enumerate(profiles)]
    header = {
        "schema": reference.schema.to_json(),
        "source": asdict(reference.source),
        "version": reference.version,
        "segments": [[list(pair) for pair in segment] for segment in reference.segments],
        "history": len(reference.history),
        "profiles": [facts for facts, _ in parts],
    }
    return pack(header, {name: array for _, arrays in parts for name, array in arrays.items()})


def decode(data: bytes, *, name: str) -> Reference:
    """The reference from its bytes. `name` says in messages where they came from. Raises `FormatError`."""
    header, arrays = unpack(data, name=name)
    with fitting(name):
        schema = Schema.from_json(header["schema"])
        profiles = [restore(schema, facts, arrays, f"{i}.") for i, facts in enumerate(header["profiles"])]
        segments = [tuple((str(column), str(level)) for column, level in segment) for segment in header["segments"]]
        source = TableInfo(**{**header["source"], "files": tuple(header["source"]["files"])})
        first, *others = profiles
        by_segment = dict(zip(segments, others[: len(segments)], strict=True))
        return Reference(schema, first, source, header["version"], by_segment, tuple(others[len(segments) :]))


_AGAIN = "Make it again with 'driftline profile'."


@contextmanager
def fitting(name: str) -> Iterator[None]:
    """Whatever is wrong inside bytes whose checksum is right becomes a `FormatError`."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, zlib.error) as error:
        raise FormatError("The profile has parts that do not fit together", where=name, hint=_AGAIN) from error


def pack(header: Mapping[str, Any], arrays: Arrays, *, level: int = 6) -> bytes:
    """A header and named arrays as bytes. `level` of zlib, which whoever reads them need not know."""
    listed = [[key, array.dtype.newbyteorder("<").str, list(array.shape)] for key, array in arrays.items()]
    head = zlib.compress(json.dumps({**header, "arrays": listed}, sort_keys=True, separators=(",", ":")).encode(), 6)
    body = zlib.compress(b"".join(_little(array).tobytes() for array in arrays.values()), level)
    data = MAGIC + _HEAD.pack(FORMAT, len(head)) + head + body
    return data + hashlib.sha256(data).digest()


def unpack(data: bytes, *, name: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays from their bytes. Raises `FormatError` for foreign, newer, cut or altered bytes."""
    if not data.startswith(MAGIC):
        raise FormatError("This is no driftline profile", where=name, hint=_AGAIN)
    start = len(MAGIC) + _HEAD.size
    if len(data) < start + 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise FormatError("The profile is cut off or altered: its checksum does not fit", where=name, hint=_AGAIN)
    number, length = _HEAD.unpack(data[len(MAGIC) : start])
    if number > FORMAT:
        raise FormatError(f"The profile has format {number}, and this driftline reads up to {FORMAT}", where=name, hint="Update driftline.")
    with fitting(name):
        header = json.loads(zlib.decompress(data[start : start + length]))
        body = zlib.decompress(data[start + length : -32])
        return header, dict(_arrays(header.pop("arrays"), body))


def _arrays(listed: Iterable[tuple[str, str, list[int]]], body: bytes) -> Iterable[tuple[str, NDArray[Any]]]:
    at = 0
    for key, kind, shape in listed:
        count = math.prod(shape)
        if min((count, *shape)) < 0 or np.dtype(kind).kind not in "biuf":
            raise ValueError(f"array {key}")
        array = np.frombuffer(body, np.dtype(kind), count, at).reshape(shape)
        at += array.nbytes
        yield key, array


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def flatten(profile: Profile, prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A profile as facts for a header and arrays whose names begin with `prefix`."""
    arrays: dict[str, NDArray[Any]] = {
        "counts": profile.counts,
        "moments": profile.moments,
        "extremes": profile.extremes,
        "seen": profile.seen,
    }
    for i, sketch in profile.keys.items():
        arrays |= {f"key{i}.hashes": sketch.hashes, f"key{i}.counts": sketch.counts}
    if profile.outcomes is not None:
        arrays |= {f"outcomes.{key}": array for key, array in profile.outcomes.to_arrays().items()}
    facts = {
        "rows": profile.rows,
        "times": list(profile.times),
        "examples": {str(i): list(examples) for i, examples in profile.examples.items()},
        "keys": list(profile.keys),
        "outcomes": profile.outcomes is not None,
    }
    return facts, {prefix + key: array for key, array in arrays.items()}


def restore(schema: Schema, facts: Mapping[str, Any], arrays: Arrays, prefix: str) -> Profile:
    """The profile that `flatten` took apart."""
    mine = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
    labelled = {key.removeprefix("outcomes."): array for key, array in mine.items() if key.startswith("outcomes.")}
    numeric = (len(schema.numeric), 2)
    shapes = {"counts": (int(schema.offsets[-1]),), "moments": numeric, "extremes": numeric, "seen": (len(schema.columns),)}
    if any(mine[key].shape != shape for key, shape in shapes.items()):
        raise ValueError("arrays and schema")
    return Profile(
        schema,
        int(facts["rows"]),
        mine["counts"],
        mine["moments"],
        mine["extremes"],
        mine["seen"],
        {int(i): tuple(examples) for i, examples in facts["examples"].items()},
        {i: KeySketch(mine[f"key{i}.hashes"], mine[f"key{i}.counts"]) for i in facts["keys"]},
        from_arrays(schema.outcomes, labelled) if facts["outcomes"] and schema.outcomes else None,
        (int(facts["times"][0]), int(facts["times"][1])),
    )
