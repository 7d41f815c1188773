"""Parts of windows as bytes."""

import numpy as np
import pytest

from driftline.core.errors import DriftlineError, FormatError
from driftline.core.ledger import PartKind
from driftline.profiles.parts import Part, decode_part, decode_traffic, encode_part, encode_traffic
from driftline.profiles.traffic import Traffic, TrafficCounter
from small_models import CITIES, HOUR, START, Row, deliver, model, plan


def parts(*lots):
    """The part of each delivery, and the schema."""
    made = model()
    for lot in lots:
        deliver(made, lot)
    schema = made.references[0].reference.schema
    stored = made.store.parts("small", PartKind.ROWS, start=START - 48 * HOUR, end=START + 48 * HOUR)
    return [decode_part(part.data, schema, name="p") for part in stored], schema


def same(one, other):
    assert one.profiles.keys() == other.profiles.keys()
    for segment, profile in one.profiles.items():
        twin = other.profiles[segment]
        assert (profile.rows, profile.times) == (twin.rows, twin.times)
        for name in ("counts", "extremes", "seen"):
            np.testing.assert_array_equal(getattr(profile, name), getattr(twin, name))
        np.testing.assert_allclose(profile.moments, twin.moments, rtol=1e-12)
    assert one.profile.examples == other.profile.examples


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_a_part_is_the_same_once_it_was_bytes(rows):
    (part,), schema = parts([Row(f"i{k}", 1 + k / 100) for k in range(rows)])
    assert part.profile.rows <= rows  # failed requests have no prediction
    assert encode_part(part) == encode_part(decode_part(encode_part(part), schema, name="p"))
    same(part, decode_part(encode_part(part), schema, name="p"))
    assert {pair[1] for segment in part.profiles for pair in segment} <= {*CITIES, "(missing)", "(other)"}


def test_a_window_is_the_sum_of_its_parts():
    rows = [Row(f"i{k}", 1 + k / 100) for k in range(90)]
    (whole,), schema = parts(rows)
    lots, _ = parts(rows[:1], rows[1:50], rows[50:])
    assert len(lots) == 3
    same(lots[0] + lots[1] + lots[2], whole)
    same(Part.zero(schema) + whole, whole)
    same(decode_part(encode_part(Part.zero(schema)), schema, name="p"), Part.zero(schema))


@pytest.mark.parametrize("at", [0, 1, 20, -40, -1])
def test_damaged_bytes_are_refused(at):
    (part,), schema = parts([Row("a", 1)])
    data = bytearray(encode_part(part))
    data[at] ^= 1
    with pytest.raises(FormatError, match="part 1 of the window"):
        decode_part(bytes(data), schema, name="part 1 of the window")
    for cut in (b"", bytes(data[:30]), bytes(data[:-1])):
        with pytest.raises(DriftlineError):
            decode_part(cut, schema, name="p")


def test_a_part_of_another_schema_is_refused():
    (part,), _ = parts([Row("a", 1)])
    other = model(plan("regression")).references[0].reference.schema
    with pytest.raises(FormatError, match="another schema"):
        decode_part(encode_part(part), other, name="p")


def test_traffic_is_the_same_once_it_was_bytes():
    counter = TrafficCounter()
    times = np.array([0, 5, 9], np.int64)
    latency, failed = np.array([1.0, np.nan, 250.0]), np.array([False, True, False])
    counter.add(np.zeros(3, np.intp), 1, rows=3, latency_ms=latency, failed=failed, times_ns=times, arrived_ns=10**12)
    for traffic in (*counter.traffic(), Traffic.zero()):
        again = decode_traffic(encode_traffic(traffic), name="t").to_arrays()
        for name, array in traffic.to_arrays().items():
            np.testing.assert_array_equal(array, again[name])
