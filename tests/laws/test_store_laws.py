"""What every store keeps to: in memory, in SQLite, in a real PostgreSQL."""

import itertools
import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from driftline.core.errors import StoreError
from driftline.core.ledger import Evaluation, PartKind, Reject, RowKind, Step, StoredPart, StoredReference, Touched
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.ports import Store
from stored import DATABASES, FAR, HOUR, LONG_AGO, NOTHING, T0, delivery, evaluation, everything, hour, part, reference

pytest_plugins = ["store_fixtures"]

HOSTILE = [
    "",
    " ",
    "o'brien \"; DROP TABLE models; --",
    "🛫 指標 \u202e",
    "NUL \0 inside",
    "\x1a and \x1a0000",
    "lone \ud800 surrogate",
    "line\nfeed\r\ttab",
    "%s :name ? {0} \\",
    "x" * 10_240,
    "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(10_240)),
]


def test_it_is_a_store(store):
    assert isinstance(store, Store)


def test_nothing_is_known_of_a_model_that_never_delivered(store):
    assert everything(store, "m") == NOTHING
    assert store.models() == []
    assert store.delivered("m", RowKind.PREDICTIONS, "sha-1") is None


# ------------------------------------------------------------------ deliveries


def test_an_accepted_delivery_is_kept_with_all_that_came_of_it(store, again):
    made = delivery(1, rejected=1, counts={"future": 3, "unknown_version": 0}, first=T0, last=T0 + HOUR, duplicates=2, contradictions=4)
    row = Reject(1, "day-1.parquet", 17, "amount", "no number", "12,5")
    store.accept("m", made, parts=[part()], rejects=[row], rows=[hour(0)], labels=[hour(1)])
    assert again.deliveries("m") == [made]
    assert again.delivered("m", RowKind.PREDICTIONS, "sha-1") == made
    assert again.delivered("m", RowKind.LABELS, "sha-1") is None
    assert again.parts("m", PartKind.ROWS, start=T0, end=FAR) == [part()]
    assert again.rejects("m") == [row]
    assert again.windows("m") == [Touched(hour(0), 1, 0), Touched(hour(1), 0, 1)]
    assert (again.sequence("m"), again.models()) == (1, ["m"])


@pytest.mark.parametrize("sequence", [-1, 0, 1, 3, 1_000_000_000_000])
def test_only_the_next_number_is_accepted(store, sequence):
    store.accept("m", delivery(1))
    before = everything(store, "m")
    with pytest.raises(StoreError, match=f"Delivery {sequence} of model 'm' was not accepted: the last one is 1"):
        store.accept("m", delivery(sequence, "new"), parts=[part()], rows=[hour(0)])
    assert everything(store, "m") == before
    store.accept("m", delivery(2))


def test_the_first_number_is_one(store):
    with pytest.raises(StoreError, match="the last one is 0"):
        store.accept("m", delivery(2))
    assert everything(store, "m") == NOTHING


def test_the_same_content_is_never_accepted_twice(store):
    store.accept("m", delivery(1, "same"))
    with pytest.raises(StoreError, match="accepted before, as delivery 1 of model 'm'"):
        store.accept("m", delivery(2, "same"), parts=[part()])
    assert store.sequence("m") == 1
    store.accept("m", delivery(2, "same", RowKind.LABELS))  # what is the same as labels is another thing
    store.accept("n", delivery(1, "same"))  # and so is another model's


@pytest.mark.parametrize("where", DATABASES, indirect=True)
@pytest.mark.parametrize("fault", ["a time without a zone", "a number beyond 64 bits"])
def test_accepting_is_all_or_nothing(store, fault):
    """What fails after most is written leaves nothing behind; memory writes nothing before all has been checked."""
    store.accept("m", delivery(1), parts=[part()], rows=[hour(0)])
    before = everything(store, "m")
    # The windows are written last.
    window = hour(1)
    object.__setattr__(window, "start", datetime(2026, 1, 1))
    bad = {"labels": [window]} if fault.startswith("a time") else {"rejects": [Reject(2, "f", 1 << 70, "c", "r", "v")]}
    with pytest.raises(StoreError):
        store.accept("m", delivery(2), parts=[part(data=b"new"), part(5)], rows=[hour(0), hour(7)], **bad)
    assert everything(store, "m") == before
    store.accept("m", delivery(2))


def test_the_last_deliveries_and_rejects_come_first(store):
    for n in range(1, 31):
        store.accept("m", delivery(n), rejects=[Reject(n, "f", row, "c", ("odd", "even")[n % 2], str(row)) for row in (1, 2)])
    assert [d.sequence for d in store.deliveries("m")] == list(range(30, 10, -1))
    assert [d.sequence for d in store.deliveries("m", last=2)] == [30, 29]
    assert [(r.sequence, r.row) for r in store.rejects("m", last=3)] == [(30, 2), (30, 1), (29, 2)]
    assert store.deliveries("m", last=0) == []
    assert store.rejects("m", last=0) == []
    assert store.rejected("m") == {"odd": 30, "even": 30}


def test_a_window_remembers_the_last_that_changed_it(store):
    store.accept("m", delivery(1), rows=[hour(0), hour(0), hour(1)])
    store.accept("m", delivery(2), labels=[hour(0)])
    store.accept("m", delivery(3), rows=[hour(1)], labels=[hour(1), hour(2)])
    assert store.windows("m") == [Touched(hour(0), 1, 2), Touched(hour(1), 3, 3), Touched(hour(2), 0, 3)]


def test_windows_parts_and_rows_of_a_time_begin_in_it(store):
    store.accept("m", delivery(1), parts=[part(i) for i in range(5)], rows=[hour(i) for i in range(5)])
    start, end = T0 + HOUR, T0 + 3 * HOUR
    assert [touched.window for touched in store.windows("m", start=start, end=end)] == [hour(1), hour(2)]
    assert [touched.window for touched in store.windows("m", start=end)] == [hour(3), hour(4)]
    assert [touched.window for touched in store.windows("m", end=start)] == [hour(0)]
    assert [p.window for p in store.parts("m", PartKind.ROWS, start=start, end=end)] == [hour(1), hour(2)]
    assert store.rows("m", start=start, end=end) == {hour(1): 10, hour(2): 10}
    assert store.windows("m", start=end, end=start) == []


# ----------------------------------------------------------------------- parts


def test_a_part_is_replaced_by_name(store):
    store.accept("m", delivery(1), parts=[part(), part(name=2), part(version="v2"), part(schema="s2"), part(kind=PartKind.COHORT, name=0)])
    store.accept("m", delivery(2), parts=[part(through=2, rows=7, data=b"new")])
    kept = [part(through=2, rows=7, data=b"new"), part(name=2), part(version="v2"), part(schema="s2")]
    assert store.parts("m", PartKind.ROWS, start=T0, end=FAR) == kept
    assert store.parts("m", PartKind.COHORT, start=T0, end=FAR) == [part(kind=PartKind.COHORT, name=0)]
    assert store.rows("m", start=T0, end=FAR) == {hour(0): 37}


def test_a_mark_is_the_last_sequence_that_the_parts_of_a_window_know(store):
    store.put("m", [part(through=4), part(name=2, through=3), part(1, through=9), part(2, kind=PartKind.COHORT, name=0, through=5)])
    assert store.marks("m", PartKind.ROWS) == {hour(0): 4, hour(1): 9}
    assert store.marks("m", PartKind.COHORT) == {hour(2): 5}
    assert store.marks("m", PartKind.SCORES) == {}


def test_of_two_parts_of_one_name_the_later_one_stays(store):
    store.put("m", [part(data=b"first"), part(data=b"second")])
    assert [p.data for p in store.parts("m", PartKind.ROWS, start=T0, end=FAR)] == [b"second"]


def test_names_that_run_together_are_not_confused(store):
    store.put("m", [part(schema="ab", version="c"), part(schema="a", version="bc"), part(schema="abc", version="")])
    assert [(p.schema, p.version) for p in store.parts("m", PartKind.ROWS, start=T0, end=FAR)] == [("a", "bc"), ("ab", "c"), ("abc", "")]


def test_parts_come_in_order(store):
    made = [part(i, name, schema=schema, version=version) for i in (1, 0) for name in (10, 9) for schema in "ba" for version in "Ba"]
    store.put("m", made)
    found = store.parts("m", PartKind.ROWS, start=T0, end=FAR)
    assert found == sorted(made, key=lambda p: (p.window, p.schema, p.version, p.name))


def test_parts_are_folded_in_one_step(store):
    store.accept("m", delivery(1), parts=[part()])
    store.accept("m", delivery(2), parts=[part(name=2)])
    whole = part(name=2, rows=20, data=b"both")
    store.put("m", [whole], instead_of=[part(), part(name=2)])
    assert store.parts("m", PartKind.ROWS, start=T0, end=FAR) == [whole]
    assert store.windows("m") == []  # nothing was delivered


@pytest.mark.parametrize(
    "gone",
    [
        part(name=3),  # was never there
        part(schema="s2"),  # of another schema
        part(through=9),  # has been replaced since it was read
    ],
)
def test_what_is_no_longer_there_is_not_stood_for(store, gone):
    store.put("m", [part(), part(name=2)])
    before = everything(store, "m")
    with pytest.raises(StoreError, match="no longer the one that was read"):
        store.put("m", [part(name=2, rows=20)], instead_of=[part(name=2), gone])
    assert everything(store, "m") == before


def test_parts_can_be_removed(store):
    store.put("m", [part(), part(1)])
    store.put("m", [], instead_of=[part()])
    assert store.rows("m", start=T0, end=FAR) == {hour(1): 10}


# ----------------------------------------------------------------- evaluations


def test_evaluations_are_appended_and_the_latest_counts(store, again):
    store.save("m", [evaluation(0, through=1), evaluation(1, through=1), evaluation(0, Step.PERFORMANCE, through=1)])
    store.save("m", [evaluation(0, through=2)])
    latest = again.evaluations("m")
    assert [(e.window, e.step, e.through, e.number) for e in latest] == [
        (hour(0), Step.PERFORMANCE, 1, 3),
        (hour(0), Step.DRIFT, 2, 4),
        (hour(1), Step.DRIFT, 1, 2),
    ]
    assert [e.number for e in again.evaluations("m", every=True)] == [3, 1, 4, 2]
    assert [e.number for e in again.evaluations("m", Step.DRIFT)] == [4, 2]
    assert [e.number for e in again.evaluations("m", Step.DRIFT, every=True, end=T0 + HOUR)] == [1, 4]
    assert [e.number for e in again.evaluations("m", start=T0 + HOUR)] == [2]
    assert again.evaluated("m", Step.DRIFT) == {hour(0): (2, T0), hour(1): (1, T0)}
    assert again.evaluated("m", Step.PREDICTIONS) == {}


def test_an_earlier_state_saved_later_still_counts(store):
    """The number decides, not what was read: an evaluation as of an earlier day is the latest one made."""
    store.save("m", [evaluation(through=5)])
    store.save("m", [replace(evaluation(through=3), as_of=T0 - HOUR)])
    assert store.evaluated("m", Step.DRIFT) == {hour(0): (3, T0 - HOUR)}
    assert [e.through for e in store.evaluations("m")] == [3]


def test_the_same_window_twice_in_one_saving(store):
    store.save("m", [evaluation(through=1), evaluation(through=2)])
    assert [e.through for e in store.evaluations("m")] == [2]
    assert [e.number for e in store.evaluations("m", every=True)] == [1, 2]


def test_writing_nothing_is_nothing(store):
    store.save("m", [])
    store.put("m", [])
    assert store.models() == []


# ------------------------------------------------------------------ references


def test_references_are_appended_with_their_history_apart(store, again):
    store.add_reference("m", reference(history=b"long", learned=b"learned"))
    store.add_reference("m", reference("r2", role="anchor"))
    store.add_reference("m", reference(role="anchor", history=b"longer", reason="again"))
    assert again.references("m") == [
        reference(learned=b"learned", number=1),
        reference("r2", role="anchor", number=2),
        reference(role="anchor", reason="again", number=3),
    ]
    assert again.history("m", "r1") == b"longer"
    assert again.history("m", "r2") == b""
    with pytest.raises(StoreError, match="Model 'm' has no reference 'r3'"):
        again.history("m", "r3")


# ----------------------------------------------------------------- every field


def test_every_field_of_every_record_comes_back_as_it_was(store, again):
    """Each field of each record has a value of its own, so that none can stand in for another."""
    count = itertools.count(3)
    moments = (T0 + timedelta(microseconds=7 * i + 1) for i in itertools.count())
    window = Window(next(moments), next(moments) + HOUR)
    scope = Scope("m", "v9", (("a", "x"), ("b", "y")), window)
    measured = Measurement(
        "psi", -0.1, scope, next(count), "c", low=-math.inf, high=math.inf, limit=1e300, basis=Basis.SAME_AGE, note="why", beyond=True
    )
    unmeasured = Measurement("auc", None, Scope(), 0, status=Status.INSUFFICIENT, beyond=False)
    sizes = {name: next(count) for name in ("rows", "accepted", "duplicates", "contradictions", "rejected")}
    made = replace(delivery(1, "digest", RowKind.LABELS, counts={"b": 1, "a": 2}), source="source", arrived=next(moments), **sizes)
    made = replace(made, first=next(moments), last=next(moments))
    kept = StoredPart(PartKind.SCORES, "schema", "version", window, next(count), next(count), next(count), bytes(range(256)))
    refused = Reject(1, "source", next(count), "column", "reason", "value")
    found = Evaluation(Step.PREDICTIONS, window, next(moments), next(moments), next(count), "plan", "ref", (measured, unmeasured), number=1)
    stored = StoredReference(
        "id", "version", "role", next(moments), "author", "reason", "source", next(count), b"data", b"learned", b"history", number=1
    )
    for record in (measured, made, kept, refused, found, stored):
        assert len({repr(getattr(record, field.name)) for field in fields(record)}) >= len(fields(record)) - 2, "two may be alike"
    store.accept("m", made, parts=[kept], rejects=[refused], rows=[window])
    store.save("m", [found])
    store.add_reference("m", stored)
    assert again.deliveries("m") == [made]
    assert again.parts("m", PartKind.SCORES, start=window.start, end=window.end) == [kept]
    assert again.rejects("m") == [refused]
    assert again.evaluations("m") == [found]
    assert again.references("m") == [replace(stored, history=b"")]
    assert again.history("m", "id") == b"history"
    times = [
        again.deliveries("m")[0].arrived,
        again.evaluations("m")[0].made,
        again.references("m")[0].made,
        again.windows("m")[0].window.start,
    ]
    assert [moment.tzinfo for moment in times] == [UTC] * 4


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-11, minutes=-30)), timezone(timedelta(0), "Zulu")])
def test_times_come_back_in_utc(store, zone):
    local = T0.astimezone(zone)
    store.accept("m", replace(delivery(1), arrived=local, first=local))
    (found,) = store.deliveries("m")
    assert (found.arrived, found.arrived.tzinfo, found.first.tzinfo, found.last) == (T0, UTC, UTC, None)


@pytest.mark.parametrize(
    "when", [LONG_AGO, datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)]
)
def test_times_of_all_ages_are_kept_to_the_microsecond(store, when):
    store.accept("m", replace(delivery(1), arrived=when))
    assert store.deliveries("m")[0].arrived == when


def test_a_time_without_a_zone_is_refused(store):
    with pytest.raises(StoreError, match="without a time zone cannot be kept: 2026-01-01T00:00:00"):
        store.accept("m", replace(delivery(1), arrived=datetime(2026, 1, 1)))
    assert store.sequence("m") == 0


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text)[:20] for text in HOSTILE])
def test_hostile_text_is_kept_as_it_is(store, again, text):
    made = replace(delivery(1, text), source=text, counts={text: 1})
    kept = part(schema=text, version=text)
    refused = Reject(1, text, 1, text, text, text)
    scope = Scope(text, text, ((text, text),))
    found = replace(evaluation(), plan=text, reference=text, measurements=(Measurement(text, 0.5, scope, 1, text, note=text),), number=1)
    stored = reference(text, version=text, role=text, author=text, reason=text, source=text, number=1, history=b"h")
    store.accept(text, made, parts=[kept], rejects=[refused])
    store.save(text, [found])
    store.add_reference(text, stored)
    assert again.models() == [text]
    assert again.delivered(text, RowKind.PREDICTIONS, text) == made
    assert again.parts(text, PartKind.ROWS, start=T0, end=FAR) == [kept]
    assert again.rejects(text) == [refused]
    assert again.rejected(text) == {text: 1}
    assert again.evaluations(text) == [found]
    assert again.references(text) == [replace(stored, history=b"")]
    assert again.history(text, text) == b"h"
    with again.exclusive(text), pytest.raises(StoreError), store.exclusive(text, wait=0):
        pass


def test_models_do_not_see_each_other(store):
    names = ["m", "M", "m ", "m\0", "", "ｍ"]
    for count, name in enumerate(names, 1):
        for n in range(1, count + 1):
            store.accept(name, delivery(n), parts=[part(n)], rejects=[Reject(n, "f", 1, "c", name, "v")], rows=[hour(n)])
            store.save(name, [evaluation(n)])
            store.add_reference(name, reference())
    assert store.models() == sorted(names)
    for count, name in enumerate(names, 1):
        assert store.sequence(name) == count
        assert len(store.parts(name, PartKind.ROWS, start=T0, end=FAR)) == count
        assert store.rejected(name) == {name: count}
        assert [e.number for e in store.evaluations(name)] == list(range(1, count + 1))
        assert [r.number for r in store.references(name)] == list(range(1, count + 1))
    store.put("m", [], instead_of=[part(1)])
    assert len(store.parts("M", PartKind.ROWS, start=T0, end=FAR)) == 2


def test_large_parts_are_kept(store):
    data = bytes(range(256)) * 40_000  # 10 MB
    store.put("m", [part(data=data), part(1, data=b"")])
    assert [p.data for p in store.parts("m", PartKind.ROWS, start=T0, end=FAR)] == [data, b""]
