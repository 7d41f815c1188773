"""Every lake answers alike, and as the words of the port say it: whatever the order, the splits, the repeats and the corrections."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings
from lake_worlds import ARRIVED, EVERYTHING, IDS, Batch, batches, deliveries, hour, oracle

from driftline.core.ledger import RowKind
from driftline.lakes.delta import DeltaLake
from driftline.lakes.memory import MemoryLake
from driftline.ports import Lake

EXAMPLES, FEWER = 15, 12
"""Each writes files and syncs them to the disk."""

KINDS = ["delta", "memory"]
COLUMNS = ["id", "time", "score", "sequence", "label", "known", "void", "changes"]


@contextmanager
def lake(kind: str) -> Iterator[Lake]:
    if kind == "memory":
        yield MemoryLake()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield DeltaLake(folder)


def deliver(to: Lake, batches: list[Batch], first: int = 1) -> None:
    for sequence, batch in enumerate(batches, first):
        to.append(batch.kind, batch.table(), sequence=sequence, arrived=ARRIVED)


def rows(batches: Iterator[pa.RecordBatch]) -> list[dict]:
    """In order: rows of equal time, identifier and sequence may come in any."""
    found = [row for batch in batches for row in batch.to_pylist()]
    found = [{name: row.get(name) for name in COLUMNS} for row in found]
    return sorted(found, key=lambda row: (row["time"], row["id"], row["sequence"], row["score"]))


def everything(of: Lake, through: int = EVERYTHING) -> dict[str, object]:
    """All that can be asked, in an order of its own."""
    ids = pa.array([*IDS, "nobody"])

    def plain(table: pa.Table) -> list[str]:
        return sorted(str(sorted(row.items())) for row in table.to_pylist())

    return {
        "known": plain(of.known(ids, first=hour(3), last=hour(40), through=through)),
        "labels": plain(of.labels_of(ids, through=through)),
        "times": plain(of.times_of(ids, since=hour(30), through=through)),
        "all times": plain(of.times_of(ids, since=None, through=through)),
        "joined": rows(of.joined(start=hour(0), end=hour(100), through=through)),
        "waiting": of.waiting(since=hour(5), through=through),
        "size": {name: count for name, count in of.size().items() if name.endswith(".rows")},
    }


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(
    world=deliveries,
    span=st.tuples(st.integers(0, 90), st.integers(1, 90)),
    through=st.integers(0, 7),
    as_of=st.none() | st.integers(-5, 95),
)
def test_joined_is_what_the_port_says(kind: str, world: list[Batch], span: tuple[int, int], through: int, as_of: int | None) -> None:
    window = {"start": hour(span[0]), "end": hour(sum(span))}
    asked = {**window, "through": through, "as_of": None if as_of is None else hour(as_of)}
    with lake(kind) as log:
        deliver(log, world)
        assert rows(log.joined(**asked)) == oracle(world, **asked)


@settings(max_examples=EXAMPLES)
@given(world=deliveries, through=st.integers(0, 7))
def test_both_answer_every_question_alike(world: list[Batch], through: int) -> None:
    with lake("delta") as log, lake("memory") as simple:
        deliver(log, world)
        deliver(simple, world)
        assert everything(log, through) == everything(simple, through)


@settings(max_examples=EXAMPLES)
@given(world=deliveries, random=st.randoms())
def test_the_order_within_a_delivery_and_labels_told_twice_change_nothing(world: list[Batch], random: Random) -> None:
    mixed = []
    for batch in world:
        again = list(batch.rows) + (random.choices(batch.rows, k=2) if batch.kind is RowKind.LABELS else [])
        mixed.append(Batch(batch.kind, tuple(random.sample(again, len(again)))))
    with lake("delta") as log:
        deliver(log, mixed)
        asked = {"start": hour(0), "end": hour(100), "through": EVERYTHING, "as_of": None}
        assert rows(log.joined(**asked)) == oracle(world, **asked)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(world=deliveries, lost=batches)
def test_what_was_discarded_never_was_and_can_come_again(kind: str, world: list[Batch], lost: Batch) -> None:
    with lake(kind) as log, lake("memory") as clean:
        deliver(log, world)
        deliver(clean, world)
        log.append(lost.kind, lost.table(), sequence=len(world) + 1, arrived=ARRIVED)
        assert log.discard(after=len(world)) == len(lost.rows)
        assert everything(log) == everything(clean)
        assert log.discard(after=len(world)) == 0
        for _ in range(2):  # the second time changes nothing
            deliver(log, [lost], len(world) + 1)
        deliver(clean, [lost], len(world) + 1)
        assert everything(log) == everything(clean)


@pytest.mark.slow
@settings(max_examples=FEWER)
@given(world=deliveries, more=deliveries, days=st.integers(0, 5), through=st.integers(1, 9))
def test_tidying_changes_no_answer(world: list[Batch], more: list[Batch], days: int, through: int) -> None:
    with lake("delta") as log, lake("memory") as simple:
        deliver(simple, world)
        deliver(log, world)
        log.tidy(before=hour(24 * days))
        assert everything(log) == everything(simple)
        deliver(log, more, len(world) + 1)
        deliver(simple, more, len(world) + 1)
        log.tidy(before=hour(24 * days))
        assert everything(log, through) == everything(simple, through)
        assert log.discard(after=len(world)) == simple.discard(after=len(world))
        assert everything(log) == everything(simple)


@pytest.mark.slow
@settings(max_examples=FEWER)
@given(world=deliveries, kept=st.integers(0, 95), ids=st.lists(st.sampled_from([*IDS, "it's", "nobody"]), unique=True, max_size=4))
def test_old_and_erased_rows_are_gone_and_no_others(world: list[Batch], kept: int, ids: list[str]) -> None:
    with lake("delta") as log, lake("memory") as simple:
        for one in (log, simple):
            deliver(one, world)
            one.keep(pa.table({"id": IDS, "time": pa.array([hour(10 * n) for n in range(8)]), "x": range(8)}), sequence=1, arrived=ARRIVED)
        assert log.erase(ids) == simple.erase(ids)
        assert everything(log) == everything(simple)
        when = {"predictions": hour(kept), "features": hour(kept) - timedelta(hours=7)}
        assert log.retain(**when) == simple.retain(**when)
        assert everything(log) == everything(simple)
        assert log.retain(**when) == 0
