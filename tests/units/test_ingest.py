"""Deliveries become log rows and parts of windows, each exactly once, whatever stops them half way."""

from datetime import timedelta

import pyarrow as pa
import pytest

from driftline.core.errors import LakeError, SourceError, StoreError, UsageError
from driftline.core.ledger import RowKind
from driftline.engine import ingest as ingesting
from driftline.engine.ingest import accept_mark, digest_of
from driftline.lakes.memory import MemoryLake
from driftline.performance.labels import LabelKind
from driftline.sources.open import open_source
from driftline.stores.memory import MemoryStore
from small_models import HOUR, NOW, START, Label, Row, deliver, labels, model, plan, predictions, sums, take

ROWS = [Row(f"i{k}", k / 2) for k in range(40)]
TOLD = [Label(f"i{k}", 40 + k, k) for k in range(40)]


def counted(made):
    return sum(made.store.rows("small", start=START - 999 * HOUR, end=START + 999 * HOUR).values())


def test_the_same_rows_again_change_nothing():
    made = model()
    deliver(made, ROWS)
    before = sums(made)
    again = deliver(made, ROWS)
    assert (again.again, again.deliveries) == (40, [])
    other = deliver(made, [*ROWS[20:], Row("new", 3)])
    assert (other.deliveries[0].accepted, other.deliveries[0].duplicates) == (1, 20)
    assert counted(made) == 41
    assert sums(made) != before


def test_a_source_is_cut_into_deliveries(monkeypatch):
    """A second reading of the same source takes nothing, wherever the first one was cut."""
    monkeypatch.setattr(ingesting, "DELIVERY_ROWS", 10)
    made, whole = model(), model()
    lots = [predictions(ROWS[i : i + 4]) for i in range(0, 40, 4)]
    done = take(made, pa.concat_tables(lots))
    assert [each.rows for each in done.deliveries] == [12, 12, 12, 4]
    monkeypatch.undo()
    deliver(whole, ROWS)
    assert sums(made) == sums(whole)
    assert take(made, predictions(ROWS)).deliveries[0].duplicates == 40


class Broken:
    """A store or a log of which one method fails once."""

    def __init__(self, of, name, *, after=False):
        self.of, self.name, self.after, self.left = of, name, after, 1

    def __getattr__(self, name):
        method = getattr(self.of, name)
        if name != self.name or not self.left:
            return method

        def fails(*words, **more):
            self.left = 0
            if self.after:
                method(*words, **more)
            raise (LakeError if isinstance(self.of, MemoryLake) else StoreError)("The disk is full")

        return fails


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("where", ["append", "accept", "put", "discard"])
@pytest.mark.parametrize("lot", [ROWS, TOLD], ids=["predictions", "labels"])
def test_what_stops_half_way_is_done_again(where, after, lot):
    """The log gets rows before the store knows of them: they are removed before the next delivery."""
    store, lake, whole = MemoryStore(), MemoryLake(), model()
    made = model(store=store, lake=lake)
    lots = [ROWS, TOLD] if lot is TOLD else [ROWS]
    for each in lots:
        deliver(whole, each)
    for each in lots[:-1]:
        deliver(made, each)
    broken = type(made)(
        made.plan, made.digest, *(Broken(of, where, after=after) if hasattr(of, where) else of for of in (store, lake)), made.references
    )
    with pytest.raises((LakeError, StoreError)):
        deliver(broken, lots[-1])
    done = deliver(broken, lots[-1])
    assert done.again + sum(each.accepted + each.duplicates for each in done.deliveries) == len(lots[-1])
    assert sums(broken) == sums(whole)
    assert lake.size() == whole.lake.size()


def test_slices_of_one_table_are_different_deliveries():
    """They share memory, and not what they hold."""
    table = pa.table({"id": ["a", "b", "c", "d"], "x": [1.0, 1.0, 1.0, 1.0]})
    digests = {digest_of(table.slice(at, 2)) for at in (0, 1, 2)}
    assert len(digests) == 3
    assert digest_of(table.slice(1, 2)) == digest_of(pa.table({"id": ["b", "c"], "x": [1.0, 1.0]}))
    made = model()
    whole = predictions([Row(f"i{k}", 3) for k in range(8)])
    for at in range(0, 8, 2):
        take(made, whole.slice(at, 2))
    assert counted(made) == 8


def test_rows_and_counts_of_a_delivery():
    made = model()
    deliver(made, [Row("known", 1)])
    table = predictions(
        [Row("a", 1), Row("a", 1), Row("known", 1), Row("known", 1, 7), Row("", 1), Row("late", 24 * 999), Row("b", 2, version="v9")]
    )
    (told,) = take(made, table).deliveries
    assert (told.rows, told.accepted, told.duplicates, told.contradictions, told.rejected) == (7, 2, 2, 1, 2)
    assert dict(told.counts) == {"rejected: event time in the future": 1, "rejected: no identifier": 1}
    assert (told.first, told.last) == (START + HOUR, START + 2 * HOUR)
    assert [(each.row, each.reason) for each in made.store.rejects("small")] == [(6, "event time in the future"), (5, "no identifier")]
    assert deliver(made, [Label("a", 5, 1), Label("nobody", 5, 1)]).deliveries[0].counts == {"waiting": 1}


def test_rejected_rows_are_numbered_through_the_source_and_kept_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(ingesting, "DELIVERY_ROWS", 4)
    monkeypatch.setattr(ingesting, "REJECTS_KEPT", 1)
    made = model()
    lots = [predictions([Row(name, 1) for name in names]) for names in (["a", "", "b", ""], ["c", "d", "", "e"])]
    done = take(made, pa.concat_tables(lots))
    assert [each.rejected for each in done.deliveries] == [2, 1]
    assert [each.row for each in made.store.rejects("small")] == [7, 2]


def test_labels_with_a_blank_time_come_twice_and_count_once():
    """They are known since they came: the same once more must not make them younger."""
    made = model()
    deliver(made, ROWS)
    table = labels(TOLD).set_column(3, "known", pa.nulls(40, pa.timestamp("us", "UTC")))
    take(made, table, RowKind.LABELS)
    before = sums(made)
    assert take(made, table, RowKind.LABELS, now=NOW + HOUR).again == 40
    assert take(made, table.slice(1), RowKind.LABELS, now=NOW + HOUR).deliveries[0].duplicates == 39
    assert sums(made) == before


def test_labels_that_cannot_be_judged():
    with pytest.raises(UsageError, match="no label column"):
        deliver(model(plan(columns={"id": "id", "time": "time", "prediction": "out"}, labels={"kind": LabelKind.NONE})), TOLD)


def test_a_mark_is_kept_once():
    made = model()
    for _ in range(2):
        accept_mark(made, RowKind.PREDICTIONS, "file x", "x", arrived=NOW)
    assert made.store.sequence("small") == 1
    assert made.store.delivered("small", RowKind.LABELS, "file x") is None


def test_a_table_without_rows_is_a_job_that_broke():
    with pytest.raises(SourceError, match="holds no rows"):
        take(model(), predictions([]))


def test_arrival_may_be_said():
    """Of old rows: they are no rows from the future of a clock that is not theirs."""
    made = model()
    late = START + timedelta(days=999)
    table = predictions([Row("a", 24 * 998)])
    done = ingesting.ingest(made, RowKind.PREDICTIONS, open_source(table, name="t"), now=NOW, arrived=late)
    assert done.deliveries[0].accepted == 1
    assert done.deliveries[0].arrived == late
