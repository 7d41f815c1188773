"""Measurements as bytes, and what lies in the columns of a store."""

import json
import math
import zlib
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.core.errors import StoreError
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.stores.cells import key, micros, moment, place, read, shown, utc, written
from driftline.stores.evaluations import FIELDS, FORMAT, decode, encode

START = datetime(2026, 3, 29, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))


def measured(value=0.5, **more):
    return Measurement("psi", value, Scope("m", "v", (("channel", "app"),), WINDOW), 10, **more)


def content(data):
    return json.loads(zlib.decompress(data[1:]))


def packed(**changes):
    columns = {**content(encode([measured()])), **changes}
    return bytes([FORMAT]) + zlib.compress(json.dumps(columns).encode())


def test_every_field_of_a_measurement_is_written():
    """A new field of `Measurement` needs a place here, and a new format number."""
    assert [field.name for field in fields(Measurement)] == list(FIELDS)


def hour_from(t):
    return Window(t.replace(fold=0), t.replace(fold=0) + timedelta(hours=1))


WORDS = st.text(st.characters(blacklist_categories=()), max_size=8)
NUMBERS = st.none() | st.floats(allow_nan=False)
WINDOWS = st.none() | st.datetimes(timezones=st.just(UTC), max_value=datetime(9000, 1, 1)).map(hour_from)
SCOPES = st.builds(Scope, WORDS, WORDS, st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple), WINDOWS)
MEASUREMENTS = st.builds(
    Measurement,
    WORDS,
    NUMBERS,
    SCOPES,
    st.integers(0, 10**12),
    st.none() | WORDS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from(Basis),
    st.sampled_from([status for status in Status if status is not Status.OK]),
    WORDS,
    st.none() | st.booleans(),
)


@given(st.lists(MEASUREMENTS, max_size=6).map(tuple))
def test_any_measurements_come_back_as_they_were(measurements):
    data = encode(measurements)
    found = decode(data, where="here")
    assert found == measurements
    assert [repr(m) for m in found] == [repr(m) for m in measurements]  # -0.0 is -0.0, True is no 1
    assert encode(found) == data


def test_infinite_numbers_are_words_since_json_has_none():
    data = encode([measured(-math.inf, low=-math.inf, high=math.inf, limit=math.inf), measured(limit=0.1)])
    assert (content(data)["value"], content(data)["limit"]) == (["-inf", 0.5], ["inf", 0.1])
    assert [m.limit for m in decode(data, where="")] == [math.inf, 0.1]


def test_numbers_of_numpy_are_numbers():
    numbers: dict[str, Any] = {"value": np.float64(0.1), "n": np.int64(7), "limit": np.float32(0.5), "beyond": np.bool_(True)}
    (found,) = decode(encode([Measurement("psi", scope=Scope(), **numbers)]), where="")
    assert (found.value, found.n, found.limit, found.beyond) == (0.1, 7, 0.5, True)
    assert [type(x) for x in (found.value, found.n, found.beyond)] == [float, int, bool]


def test_a_scope_is_written_once():
    data = encode([measured(value / 7) for value in range(50)])
    assert content(data)["scopes"] == [["m", "v", [["channel", "app"]], [micros(WINDOW.start), micros(WINDOW.end)]]]
    assert content(data)["scope"] == [0] * 50


def test_a_thousand_measurements_stay_small():
    """29 bytes each, of which 3 numbers of 17 digits that nothing can deflate take the most."""
    draw = np.random.default_rng(0)
    some = [
        measured(draw.random(), low=draw.random(), high=draw.random(), limit=0.05, column=f"x{i % 50}", note="floor rules")
        for i in range(1000)
    ]
    assert len(encode(some)) < 31_000


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "are empty"),
        (bytes([FORMAT + 1]) + b"x", f"have format 2, and this driftline reads up to {FORMAT}. Update driftline."),
        (encode([measured()])[:-3], "are damaged"),  # cut off
        (encode([measured()])[:20] + b"\0" + encode([measured()])[21:], "are damaged"),  # altered: deflated data hold a checksum
        (bytes([FORMAT]) + zlib.compress(b"[]"), "are damaged"),
        (bytes([FORMAT]) + zlib.compress(b"[" * 100_000), "are damaged"),
        (packed(value=[0.5, 0.6]), "are damaged"),  # lists of several lengths
        (packed(scope=[1]), "are damaged"),  # a scope that is not listed
        (packed(basis=["guessed"]), "are damaged"),
        (packed(value=[math.nan]), "are damaged"),
        (packed(value=[None]), "are damaged"),  # no value, and says it is ok
    ],
)
def test_other_bytes_are_refused_with_the_place(data, says):
    with pytest.raises(StoreError) as caught:
        decode(data, where="store.db, evaluation 7")
    assert str(caught.value).startswith(f"store.db, evaluation 7: Measurements {says}")


# ----------------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("when", "count"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), -1),
        (datetime(2026, 3, 29, 1, 0, 0, 1, UTC), 1_774_746_000_000_001),
        (datetime(1, 1, 1, tzinfo=UTC), -62_135_596_800_000_000),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC), 253_402_300_799_999_999),
    ],
)
def test_moments_are_microseconds(when, count):
    assert micros(when) == count
    assert moment(count) == when
    assert utc(when).tzinfo is UTC


@given(WORDS)
def test_written_text_is_text_for_every_database(text):
    kept = written(text)
    assert read(kept) == text
    assert "\0" not in kept
    kept.encode()  # no lone surrogate


@given(WORDS, WORDS)
def test_two_texts_are_never_written_alike(a, b):
    assert (written(a) == written(b)) == (a == b)


def test_keys_are_short_and_tell_texts_apart():
    keys = {
        key(),
        key(""),
        key("", ""),
        key("a"),
        key("a", ""),
        key("ab", "c"),
        key("a", "bc"),
        key("\ud800"),
        key("x" * 10**6),
        key('a", "b'),
    }
    assert len(keys) == 10
    assert {len(found) for found in keys} == {16}


@pytest.mark.parametrize(
    ("text", "printed"),
    [("credit", "'credit'"), ("指標", "'指標'"), ("a\x1b[2J", "'a\\x1b[2J'"), ("x" * 101, "'" + "x" * 99 + "…'"), ("\ud800", "'\\ud800'")],
)
def test_names_are_shown_on_one_line(text, printed):
    assert shown(text) == printed


def test_paths_are_shown_as_they_are_where_they_can_be():
    assert place("my store.db") == "my store.db"
    assert place("a\nb.db") == "'a\\nb.db'"
