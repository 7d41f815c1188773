"""Profiles as bytes: what goes in comes out, what is damaged is refused, and format 1 is read for ever."""

import hashlib
import json
import runpy
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import driftline
from driftline.core.errors import FormatError
from driftline.profiles.codec import FORMAT, MAGIC, decode, encode, pack, unpack
from driftline.profiles.counting import MISSING, NAN, SPECIAL
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Kind, Role

GOLDEN = Path(__file__).parents[1] / "golden"
SCRIPT = runpy.run_path(str(GOLDEN / "make_profile_format_1.py"))
ROWS, rows = SCRIPT["ROWS"], SCRIPT["rows"]
STORED = (GOLDEN / "profile_format_1.profile").read_bytes()
HEAD = len(MAGIC) + 2 + 8


@pytest.fixture(scope="module")
def golden():
    return decode(STORED, name="golden")


@pytest.fixture(scope="module")
def made():
    return driftline.profile_reference(rows(), time="at", segments=["channel"], identifiers=["id"])


def contents(profile):
    arrays = [profile.counts, profile.moments, profile.extremes, profile.seen]
    arrays += [part for _, sketch in sorted(profile.keys.items()) for part in (sketch.hashes, sketch.counts)]
    if profile.outcomes is not None:
        arrays += list(profile.outcomes.to_arrays().values())
    return profile.rows, profile.times, dict(profile.examples), [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]


# ------------------------------------------------------------ format 1


def test_format_1_is_what_is_stored():
    assert STORED.startswith(MAGIC)
    assert struct.unpack_from("<H", STORED, len(MAGIC)) == (1,)


def test_format_1_gives_the_columns(golden):
    found = {column.name: (column.kind.value, column.role.value) for column in golden.schema.columns}
    assert found == {
        "id": ("identifier", "id"),
        "amount": ("numeric", "feature"),
        "visits": ("integer", "feature"),
        "city": ("categorical", "feature"),
        "member": ("boolean", "feature"),
        "always": ("constant", "feature"),
        "never": ("empty", "feature"),
        "parts": ("nested", "feature"),
        "note": ("text", "feature"),
        "at": ("datetime", "time"),
        "channel": ("categorical", "segment"),
        "score": ("numeric", "prediction"),
        "label": ("integer", "label"),
    }
    assert golden.schema.time == "at"
    assert golden.schema.segments == (("channel", ("app", "web", "phone")),)


LEVELS = [
    ("city", {"lisbon": 77, "": 53, "porto": 51, "指標": 51}, 8),
    ("member", {"false": 160, "true": 80}, 0),
    ("always", {"yes": 240}, 0),
    ("channel", {"app": 96, "web": 96, "phone": 48}, 0),
]


@pytest.mark.parametrize(("name", "levels", "missing"), LEVELS)
def test_format_1_gives_the_counts_of_levels(golden, name, levels, missing):
    cells = golden.profile.cells(name)
    column = golden.schema.columns[golden.schema.by_name[name]]
    assert dict(zip(column.levels, cells[FIRST_LEVEL:].tolist(), strict=True)) == levels
    assert cells[MISSING] == missing
    assert cells[1:FIRST_LEVEL].sum() == 0
    values = Counter(
        value if isinstance(value, str) else str(value).lower() for value in rows().column(name).to_pylist() if value is not None
    )
    assert values == levels


@pytest.mark.parametrize(("name", "missing", "nan"), [("amount", 20, 6), ("visits", 0, 0), ("score", 0, 0), ("label", 12, 0)])
def test_format_1_gives_the_counts_of_bins(golden, name, missing, nan):
    cells = golden.profile.cells(name)
    values = np.array([np.nan if v is None else float(v) for v in rows().column(name).to_pylist()])
    finite = values[np.isfinite(values)]
    edges = np.array(golden.schema.columns[golden.schema.by_name[name]].edges)
    bins = np.bincount(np.searchsorted(edges, finite, side="right") - 1, minlength=len(edges) - 1)
    assert cells[SPECIAL:].tolist() == bins.tolist()
    assert (cells[MISSING], cells[NAN], cells.sum()) == (missing, nan, ROWS)
    row = golden.schema.numeric.index(golden.schema.by_name[name])
    assert golden.profile.extremes[row].tolist() == [finite.min(), finite.max()]
    assert golden.profile.mean(row) == pytest.approx(finite.mean(), rel=1e-12)
    assert golden.profile.deviation(row) == pytest.approx(finite.std(), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "cells"), [("never", [240, 0]), ("parts", [48, 192]), ("note", [0, 240]), ("at", [0, 240]), ("id", [0, 240])]
)
def test_format_1_gives_what_is_missing(golden, name, cells):
    assert golden.profile.cells(name).tolist() == cells


def test_format_1_gives_segments_times_and_labels(golden):
    assert {segment: profile.rows for segment, profile in golden.segments.items()} == {
        (("channel", "app"),): 96,
        (("channel", "web"),): 96,
        (("channel", "phone"),): 48,
    }
    assert golden.profile.times == (1_767_225_600_000_000_000, 1_768_086_000_000_000_000)
    assert (golden.profile.outcomes.rows, golden.profile.outcomes.unlabelled) == (228, 12)
    assert golden.profile.outcomes.matrix.sum() == 228
    assert sum(profile.outcomes.rows for profile in golden.segments.values()) == 228
    assert golden.source.rows == golden.profile.rows == ROWS


def test_format_1_is_still_compared(golden):
    result = driftline.compare(golden, rows())
    assert result.verdict in {"stable", "insufficient"}
    assert {column.name for column in result if column.verdict in {"drifted", "faulty"}} == set()
    moved = rows().set_column(1, "amount", pa.array([1_000.0] * ROWS))
    assert driftline.compare(golden, moved)["amount"].verdict == "faulty"


# ------------------------------------------------------------ there and back


def test_a_reference_comes_back_whole(made):
    back = decode(encode(made), name="made")
    assert back.schema == made.schema
    assert back.schema.id == made.schema.id
    assert back.source == made.source
    assert list(back.segments) == list(made.segments)
    for there, here in zip((back.profile, *back.segments.values()), (made.profile, *made.segments.values()), strict=True):
        assert contents(there) == contents(here)
    assert encode(back) == encode(made)


def test_equal_tables_give_equal_bytes(made):
    assert encode(driftline.profile_reference(rows(), time="at", segments=["channel"], identifiers=["id"])) == encode(made)


def test_a_reference_with_a_history_comes_back(made):
    from dataclasses import replace

    with_history = replace(made, history=(made.profile, Profile.zero(made.schema)), version="v7")
    back = decode(encode(with_history), name="made")
    assert [profile.rows for profile in back.history] == [ROWS, 0]
    assert back.version == "v7"


def test_what_comes_back_adds_up(made, golden):
    back = decode(encode(made), name="made").profile
    assert (back + made.profile).counts.tolist() == (2 * made.profile.counts).tolist()
    with pytest.raises(ValueError, match="read-only"):
        back.counts[0] = 1


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(0),
        np.arange(6.0).reshape(2, 3),
        np.array([True, False]),
        np.array([2**62], ">i8"),
        np.arange(9)[::2],
        np.float64(3.5) * np.ones(()),
    ],
)
def test_every_array_comes_back(array):
    header, arrays = unpack(pack({"note": "é"}, {"a": array, "b": np.arange(3)}), name="x")
    assert header == {"note": "é"}
    assert arrays["a"].shape == array.shape
    assert arrays["a"].tolist() == array.tolist()
    assert arrays["b"].tolist() == [0, 1, 2]


# ------------------------------------------------------------ damage


def sealed(data):
    """The bytes with a checksum that fits."""
    return data + hashlib.sha256(data).digest()


def with_header(change):
    """The golden bytes with another header, and everything else in order."""
    (length,) = struct.unpack_from("<Q", STORED, len(MAGIC) + 2)
    header = json.loads(zlib.decompress(STORED[HEAD : HEAD + length]))
    changed = change(header)
    head = zlib.compress(json.dumps(header if changed is None else changed).encode())
    return sealed(MAGIC + struct.pack("<HQ", FORMAT, len(head)) + head + STORED[HEAD + length : -32])


def refused(data, words):
    with pytest.raises(FormatError) as caught:
        decode(data, name="t.profile")
    assert str(caught.value).startswith("t.profile: ")
    assert words in str(caught.value)


def test_every_single_byte_counts():
    for position in range(0, len(STORED), 37):
        changed = bytearray(STORED)
        changed[position] ^= 0x40
        with pytest.raises(FormatError):
            decode(bytes(changed), name="t.profile")


def test_every_shorter_file_is_refused():
    for length in (*range(64), *range(64, len(STORED), 211)):
        with pytest.raises(FormatError):
            decode(STORED[:length], name="t.profile")


@pytest.mark.parametrize("data", [b"", b"driftline", b"PAR1", b"\0" * 100, b"{}", STORED[1:]])
def test_foreign_bytes(data):
    refused(data, "This is no driftline profile. Make it again with 'driftline profile'.")


def test_a_newer_format():
    refused(
        sealed(MAGIC + struct.pack("<H", FORMAT + 1) + STORED[len(MAGIC) + 2 : -32]),
        f"has format {FORMAT + 1}, and this driftline reads up to",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda h: [],
        lambda h: {},
        lambda h: h.pop("arrays") and None,
        lambda h: h.pop("schema") and None,
        lambda h: h["schema"]["columns"].pop() and None,
        lambda h: h["schema"]["columns"][0].update(kind="odd"),
        lambda h: h["schema"]["columns"][0].update(surprise=1),
        lambda h: h["schema"].update(columns="text"),
        lambda h: h["schema"].update(outcomes={"task": "odd"}),
        lambda h: h["profiles"].clear(),
        lambda h: h["profiles"].pop() and None,
        lambda h: h["profiles"][0].update(rows="many"),
        lambda h: h["profiles"][0].update(times=[1]),
        lambda h: h["profiles"][0].update(examples={"x": []}),
        lambda h: h["segments"].append([["channel", "none"]]),
        lambda h: h["source"].update(surprise=1),
        lambda h: h["source"].pop("files") and None,
        lambda h: h["arrays"][0].__setitem__(2, [-1]),
        lambda h: h["arrays"][0].__setitem__(2, [10**12]),
        lambda h: h["arrays"][0].__setitem__(2, [3]),
        lambda h: h["arrays"][0].__setitem__(1, "|O"),
        lambda h: h["arrays"][0].__setitem__(1, "odd"),
        lambda h: h["arrays"][0].__setitem__(0, "0.other"),
        lambda h: h["arrays"][1].__setitem__(2, [1, 2]),
        lambda h: h["arrays"].append(["more"]),
    ],
)
def test_bytes_that_are_sealed_and_make_no_sense(change):
    refused(with_header(change), "The profile has parts that do not fit together. Make it again with 'driftline profile'.")


def test_a_header_that_is_no_json_and_a_body_that_is_not_deflated():
    for head in (b"", b"no deflate", zlib.compress(b"{"), zlib.compress(b"\xff"), zlib.compress(b"[" * 200_000)):
        refused(sealed(MAGIC + struct.pack("<HQ", FORMAT, len(head)) + head + STORED[-200:-32]), "do not fit together")


def test_the_golden_columns_cover_every_kind(golden):
    assert {column.kind for column in golden.schema.columns} == set(Kind)
    assert {column.role for column in golden.schema.columns} == set(Role)
