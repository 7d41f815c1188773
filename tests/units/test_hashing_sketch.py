"""Hashes are the same for the same values however a table stores them; the sketch of identifiers counts what comes twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.hashing import hash_rows, hash_text, hash_values
from driftline.profiles.sketch import KEPT, KeySketch

TEXTS = st.lists(st.text(max_size=12), max_size=40)


@given(TEXTS)
def test_a_text_has_one_hash_however_it_is_stored(texts):
    plain = hash_text(pa.array(texts, pa.string())).tolist()
    assert plain == hash_text(pa.array(texts, pa.large_string())).tolist()
    assert plain == hash_values(pa.array(texts, pa.string()).dictionary_encode()).tolist()
    padded = pa.array(["before", *texts, "after"], pa.string()).slice(1, len(texts))
    assert plain == hash_text(padded).tolist()
    assert plain == [int(hash_text(pa.array([t]))[0]) for t in texts]


@given(st.sets(st.text(max_size=12), max_size=60))
def test_different_texts_have_different_hashes(texts):
    assert len(set(hash_text(pa.array(sorted(texts), pa.string())).tolist())) == len(texts)


def slow_mix(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@given(st.text(max_size=20))
def test_hashes_are_what_the_formula_says(text):
    """Written out in plain Python: a change would change which rows are sampled, and how stored tails read."""
    data = text.encode()
    total = sum((byte + 1) * pow(0x100000001B3, i, 2**64) for i, byte in enumerate(data))
    assert int(hash_text(pa.array([text]))[0]) == slow_mix((total + slow_mix(len(data))) % 2**64)


def test_hashes_are_pinned():
    """splitmix64 from the seed 0 gives this first number (Steele, Lea and Flood 2014)."""
    assert hash_rows(0, 1).tolist() == [0xE220A8397B1DCDAF]


def test_hashes_spread_evenly():
    """Chi-square of 64 buckets over 64,000 keys: 63 on average, below 120 with probability 0.99998."""
    for hashes in (hash_text(pa.array([f"user-{i}" for i in range(64_000)])), hash_rows(10**12, 64_000)):
        counts = np.bincount((hashes >> np.uint64(58)).astype(int), minlength=64)
        assert ((counts - 1000) ** 2 / 1000).sum() < 120


@given(st.lists(st.integers(0, 30), max_size=80), st.integers(0, 80))
def test_sketches_add_like_their_rows(values, cut):
    whole = KeySketch.of(pa.array(values, pa.int64()))
    parts = KeySketch.of(pa.array(values[cut:], pa.int64())) + KeySketch.of(pa.array(values[:cut], pa.int64()))
    assert whole.hashes.tolist() == parts.hashes.tolist()
    assert whole.counts.tolist() == parts.counts.tolist()
    assert whole.distinct == len(set(values))
    assert whole.repeated == (len(values), len(values) - len(set(values)))


def test_nulls_are_no_identifiers():
    assert KeySketch.of(pa.array([None, "a", None, "a"])).repeated == (2, 1)


def test_a_full_sketch_estimates_and_still_adds_exactly():
    values = np.arange(100_000)
    parts = [KeySketch.of(pa.array(part)) for part in np.array_split(values, 7)]
    total = KeySketch.zero()
    for part in reversed(parts):
        total = total + part
    whole = KeySketch.of(pa.array(values))
    assert len(whole.hashes) == KEPT
    assert whole.hashes.tolist() == total.hashes.tolist()
    assert whole.counts.tolist() == total.counts.tolist()
    assert whole.distinct == pytest.approx(100_000, rel=4 / np.sqrt(KEPT))  # four standard errors
    assert whole.repeated == (KEPT, 0)


def test_early_filter_keeps_the_same_sketch():
    first, second = pa.array(np.arange(20_000)), pa.array(np.arange(10_000, 60_000))
    start = KeySketch.of(first)
    plain, quick = start + KeySketch.of(second), start + KeySketch.of(second, below=start.bound)
    assert plain.hashes.tolist() == quick.hashes.tolist()
    assert plain.counts.tolist() == quick.counts.tolist()
    assert plain.repeated[1] > 0
