"""The row log piece by piece: declared types, names of folders, answers at the edges, the same from every lake."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import LakeError
from driftline.core.ledger import RowKind
from driftline.lakes.columns import TableName, declared, fitted, widened
from driftline.lakes.delta import DeltaLake
from driftline.lakes.memory import MemoryLake
from driftline.lakes.open import CARD, folder_name, open_lake
from driftline.ports import Lake

START = datetime(2026, 3, 1, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")
LATER = START + timedelta(days=400)
EVERYTHING = 1 << 40


@pytest.fixture(params=["delta", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return DeltaLake(str(tmp_path)) if request.param == "delta" else MemoryLake()


def predictions(*ids: str, at: datetime = START, **more: object) -> pa.Table:
    count = len(ids)
    columns = {
        "id": pa.array(ids, pa.string()),
        "time": pa.array([at] * count, TIME),
        "version": ["v1"] * count,
        "eligible": [True] * count,
    }
    return pa.table(columns | {"score": [0.5] * count} | more)


def labels(*ids: str, value: object = 1.0, known: datetime = START, void: bool = False) -> pa.Table:
    count = len(ids)
    return pa.table({"id": ids, "label": [value] * count, "known": pa.array([known] * count, TIME), "void": [void] * count})


def joined(lake: Lake, through: int = EVERYTHING, **asked: datetime) -> pa.Table:
    batches = list(lake.joined(start=START, end=LATER, through=through, **asked))
    return pa.Table.from_batches(batches) if batches else pa.table({})


# ---------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (pa.array([1, 2], pa.int8()), pa.array([1.0, 2.0])),  # every number is a float64
        (pa.array([2**53 + 1, 2], pa.uint64()), pa.array([float(2**53), 2.0])),  # to the nearest one
        (pa.array([0.5, None], pa.float32()), pa.array([0.5, None], pa.float64())),
        (pa.array(np.array([1.5, np.nan], np.float16)), pa.array([1.5, np.nan])),
        (pa.array([Decimal("1.25"), None]), pa.array([1.25, None])),
        (pa.array(["a", None], pa.large_string()), pa.array(["a", None])),  # every text a string
        (pa.array(["a", "b"], pa.string_view()), pa.array(["a", "b"])),
        (pa.array(["a", "a"]).dictionary_encode(), pa.array(["a", "a"])),
        (pa.array([7, 8]).dictionary_encode(), pa.array([7.0, 8.0])),
        (pa.array([True, None]), pa.array([True, None])),
        (pa.array([date(2026, 3, 1), None]), pa.array([date(2026, 3, 1), None])),
        (pa.array([START, None], pa.timestamp("s", "Europe/Berlin")), pa.array([START, None], TIME)),  # every time in UTC
        (pa.array([1, 2_000], pa.timestamp("ns")), pa.array([0, 2], TIME)),  # one without a zone is taken as UTC
    ],
)
def test_a_column_is_kept_with_the_type_of_its_kind(given: pa.Array, kept: pa.Array) -> None:
    rows = pa.table({"id": ["a", "b"], "time": pa.array([START] * 2, TIME), "x": given})
    got = declared(TableName.FEATURES, rows, sequence=3, arrived=START, where="here")
    assert got.column("x").type == kept.type
    assert str(got.column("x").to_pylist()) == str(kept.to_pylist())
    assert got.column("sequence").to_pylist() == [3, 3]


@pytest.mark.parametrize("kind", [pa.binary(), pa.list_(pa.int64()), pa.struct({"a": pa.int64()}), pa.duration("s"), pa.time32("s")])
def test_other_types_are_refused_by_the_name_of_the_column(lake: Lake, kind: pa.DataType) -> None:
    with pytest.raises(LakeError, match=r"does not keep columns of type .*, and 'odd' is one\. Leave it out\."):
        lake.append(RowKind.PREDICTIONS, predictions("a", odd=pa.nulls(1, kind)), sequence=1, arrived=START)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": ["high"]}, "'score' is string in this delivery and double in the row log"),
        ({"score": [True]}, "'score' is bool in this delivery and double in the row log"),
        ({"Score": [1.0]}, "'score' and 'Score' differ only in case"),
        ({"label": [1.0]}, "has a column 'label' of its own"),
        ({"SEQUENCE": [1]}, "has a column 'SEQUENCE' of its own"),
        ({"date": ["x"]}, "has a column 'date' of its own"),
        ({"version": [1]}, "'version' of predictions is double, and has to be string"),
        ({"eligible": pa.nulls(1)}, "'eligible' of predictions has no values, and has to be bool"),
        ({"id": pa.array([None], pa.string())}, "'id' of predictions has empty cells"),
        ({"time": pa.array([None], TIME)}, "'time' of predictions has empty cells"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_of_it_is_kept(lake: Lake, change: dict, words: str) -> None:
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    with pytest.raises(LakeError) as told:
        lake.append(RowKind.PREDICTIONS, predictions("b", **change), sequence=2, arrived=START)
    assert words in str(told.value)
    assert lake.size()["predictions.rows"] == 1
    lake.append(RowKind.PREDICTIONS, predictions("b"), sequence=2, arrived=START)
    assert joined(lake)["id"].to_pylist() == ["a", "b"]


def test_a_missing_column_is_named(lake: Lake) -> None:
    with pytest.raises(LakeError, match="The column 'known' of labels is missing"):
        lake.append(RowKind.LABELS, labels("a").drop_columns(["known"]), sequence=1, arrived=START)


def test_columns_may_come_later_and_stay_away_later(lake: Lake) -> None:
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    lake.append(RowKind.PREDICTIONS, predictions("b", carrier=["UA"]), sequence=2, arrived=START)
    lake.append(RowKind.PREDICTIONS, predictions("c").drop_columns(["score"]), sequence=3, arrived=START)
    lake.append(RowKind.PREDICTIONS, predictions("d", score=pa.nulls(1)), sequence=4, arrived=START)
    table = joined(lake)
    assert table["carrier"].to_pylist() == [None, "UA", None, None]
    assert table["score"].to_pylist() == [0.5, 0.5, None, None]
    # Only files without the column are read here.
    first = lake.known(pa.array(["a"]), first=START, last=START, through=1)
    assert (first["carrier"].type, first["carrier"].to_pylist()) == (pa.string(), [None])


@pytest.mark.parametrize(
    "name", ["a b", "x;y", "tab\tname", "weiß%20", 'quo"te', "it's", "a.b", "c,d", "{e}=(f)", "select", "name" * 60, "🙂"]
)
def test_hostile_names_of_columns(lake: Lake, name: str) -> None:
    for sequence in (1, 2, 3):
        rows = predictions(f"p{sequence}").append_column(name, [[f"{sequence}"]])
        lake.append(RowKind.PREDICTIONS, rows, sequence=sequence, arrived=START)
    lake.tidy(before=LATER)
    lake.erase(["p2"])
    assert lake.discard(after=2) == 1
    assert joined(lake).column(name).to_pylist() == ["1"]


def test_widened_keeps_the_order_and_fitted_fills_with_nulls() -> None:
    schema = widened(pa.schema([("b", pa.string())]), pa.schema([("a", pa.float64()), ("b", pa.string())]), where="")
    assert schema.names == ["b", "a"]
    assert fitted(pa.table({"a": [1.0], "c": [2]}), schema).to_pylist() == [{"b": None, "a": 1.0}]


# ---------------------------------------------------------------- answers at the edges


def test_before_any_row_every_answer_is_empty(lake: Lake) -> None:
    ids = pa.array(["a"])
    assert lake.known(ids, first=START, last=LATER, through=9).schema.names[:4] == ["id", "time", "version", "eligible"]
    assert lake.labels_of(ids, through=9).schema.names == ["id", "label", "known", "void", "changes"]
    assert len(lake.times_of(ids, since=None, through=9)) == 0
    assert joined(lake).num_rows == 0
    assert lake.waiting(since=START, through=9) == (0, 0)
    assert lake.discard(after=0) == lake.erase(["a"]) == lake.retain(predictions=LATER, features=LATER) == 0
    lake.tidy(before=LATER)
    assert set(lake.size().values()) == {0}


def test_a_delivery_without_rows_is_nothing(lake: Lake) -> None:
    lake.append(RowKind.PREDICTIONS, predictions(), sequence=1, arrived=START)
    assert lake.size()["predictions.rows"] == 0
    assert len(lake.known(pa.array([], pa.string()), first=START, last=LATER, through=9)) == 0


def test_labels_without_a_value_have_no_type_until_one_comes(lake: Lake) -> None:
    lake.append(RowKind.PREDICTIONS, predictions("a", "b"), sequence=1, arrived=START)
    lake.append(RowKind.LABELS, labels("a", value=None, void=True), sequence=2, arrived=START)
    table = joined(lake)
    assert table.schema.field("label").type == pa.null()
    assert table["void"].to_pylist() == [True, None]
    lake.append(RowKind.LABELS, labels("b", value="late"), sequence=3, arrived=START)
    table = joined(lake)
    assert table.schema.field("label").type == pa.string()
    assert table["label"].to_pylist() == [None, "late"]
    with pytest.raises(LakeError, match="'label' is double in this delivery and string in the row log"):
        lake.append(RowKind.LABELS, labels("b", value=3), sequence=4, arrived=START)


@pytest.mark.parametrize(
    ("history", "expected"),  # history: (value or None for void, hours, sequence); expected: (label, void, changes)
    [
        ([(1.0, 0, 2)], (1.0, False, 0)),
        ([(1.0, 0, 2), (1.0, 0, 3)], (1.0, False, 0)),  # told twice
        ([(1.0, 0, 2), (1.0, 5, 3)], (1.0, False, 0)),  # told again later: no change of value
        ([(1.0, 0, 2), (0.0, 5, 3)], (0.0, False, 1)),  # corrected
        ([(0.0, 5, 2), (1.0, 0, 3)], (0.0, False, 1)),  # the correction arrived first
        ([(1.0, 0, 2), (0.0, 0, 3)], (0.0, False, 1)),  # the same moment: the later delivery
        ([(1.0, 0, 2), (0.0, 0, 2)], (1.0, False, 1)),  # the same delivery: the greater value, in any order
        ([(0.0, 0, 2), (1.0, 0, 2)], (1.0, False, 1)),
        ([(1.0, 0, 2), (0.0, 5, 3), (1.0, 9, 4)], (1.0, False, 1)),  # there and back
        ([(1.0, 0, 2), (None, 5, 3)], (None, True, 1)),  # called back
        ([(None, 5, 2), (1.0, 5, 2)], (1.0, False, 1)),  # a value beats a void of the same moment
        ([(None, 0, 2), (None, 3, 3)], (None, True, 0)),
    ],
)
def test_the_latest_label_and_the_changes_before_it(lake: Lake, history: list, expected: tuple) -> None:
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    by_sequence: dict[int, list[pa.Table]] = {}
    for value, hours, sequence in history:
        row = labels("a", known=START + timedelta(hours=hours), void=value is None)
        row = row.set_column(1, "label", pa.array([value], pa.float64()))
        by_sequence.setdefault(sequence, []).append(row)
    for sequence, rows in by_sequence.items():
        lake.append(RowKind.LABELS, pa.concat_tables(rows), sequence=sequence, arrived=START)
    (row,) = joined(lake).to_pylist()
    assert (row["label"], row["void"], row["changes"]) == expected
    (row,) = lake.labels_of(pa.array(["a", "a", "b"]), through=EVERYTHING).to_pylist()
    assert (row["label"], row["void"], row["changes"]) == expected


def test_what_was_known_then(lake: Lake) -> None:
    """`through` is what had been delivered, `as_of` what had happened."""
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    lake.append(RowKind.LABELS, labels("a", value=1.0, known=START + timedelta(hours=1)), sequence=2, arrived=START)
    lake.append(RowKind.LABELS, labels("a", value=2.0, known=START + timedelta(hours=3)), sequence=3, arrived=START)
    told = {
        (hours, through): joined(lake, through, as_of=START + timedelta(hours=hours))["label"][0].as_py()
        for hours in range(4)
        for through in (1, 2, 3)
    }
    assert {key: value for key, value in told.items() if value is not None} == {
        (1, 2): 1.0,
        (1, 3): 1.0,
        (2, 2): 1.0,
        (2, 3): 1.0,
        (3, 2): 1.0,
        (3, 3): 2.0,
    }


def test_a_compacted_day_still_tells_its_deliveries_apart(lake: Lake) -> None:
    for sequence in (1, 2, 3):
        lake.append(RowKind.PREDICTIONS, predictions(f"p{sequence}"), sequence=sequence, arrived=START)
    lake.tidy(before=LATER)
    assert joined(lake, 2)["id"].to_pylist() == ["p1", "p2"]
    lake.append(RowKind.PREDICTIONS, predictions("p2"), sequence=2, arrived=START)  # it is there already
    assert lake.discard(after=2) == 1
    assert joined(lake)["id"].to_pylist() == ["p1", "p2"]


def test_the_same_identifier_on_two_days_is_two_rows_and_one_label(lake: Lake) -> None:
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    lake.append(RowKind.PREDICTIONS, predictions("a", at=START + timedelta(days=1)), sequence=2, arrived=START)
    lake.append(RowKind.LABELS, labels("a", "a", "orphan"), sequence=3, arrived=START)
    assert joined(lake)["label"].to_pylist() == [1.0, 1.0]
    assert lake.waiting(since=START, through=3) == (2, 1)
    assert lake.waiting(since=START + timedelta(microseconds=1), through=3) == (0, 0)
    assert lake.retain(predictions=START + timedelta(days=1)) == 1  # the label stays with the second day
    assert lake.retain(predictions=LATER) == 3  # a prediction, its labels; that of nobody waits on
    assert lake.size()["labels.rows"] == 1


def test_windows_are_half_open_and_days_are_utc_days(lake: Lake) -> None:
    midnight = START + timedelta(days=1)
    for sequence, at in enumerate([midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23)], 1):
        lake.append(RowKind.PREDICTIONS, predictions(f"p{sequence}", at=at), sequence=sequence, arrived=START)
    ids = pa.array(["p1", "p2", "p3"])

    def found(start: datetime, end: datetime) -> list[str]:
        return [row["id"] for batch in lake.joined(start=start, end=end, through=9) for row in batch.to_pylist()]

    assert found(START, midnight) == ["p1"]
    assert found(midnight, midnight + timedelta(hours=23)) == ["p2"]
    assert sorted(lake.known(ids, first=midnight, last=midnight, through=9)["id"].to_pylist()) == ["p2", "p3"]
    assert sorted(lake.times_of(ids, since=midnight + timedelta(hours=22), through=9)["id"].to_pylist()) == ["p2", "p3"]


def test_batches_are_small_and_in_order(lake: Lake) -> None:
    count = 70_000
    ids = [f"p{number}" for number in range(count)]
    times = pa.array(np.random.default_rng(1).integers(0, 86_400_000_000, count), pa.int64()).cast(TIME)
    rows = pa.table({"id": ids, "time": times, "version": ["v"] * count, "eligible": [True] * count})
    lake.append(RowKind.PREDICTIONS, rows, sequence=1, arrived=START)
    batches = list(lake.joined(start=datetime(1970, 1, 1, tzinfo=UTC), end=START, through=1))
    assert max(len(batch) for batch in batches) <= 65_536
    found = pa.Table.from_batches(batches)
    assert found["time"].to_pylist() == sorted(times.to_pylist())


@pytest.mark.parametrize(
    "zoneless", [{"start": datetime(2026, 1, 1), "end": LATER}, {"start": START, "end": LATER, "as_of": datetime(2026, 1, 1)}]
)
def test_times_without_a_zone_are_refused(tmp_path: Path, zoneless: dict) -> None:
    lake = DeltaLake(str(tmp_path))
    with pytest.raises(LakeError, match="A time without a time zone"):
        list(lake.joined(**zoneless, through=1))


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("flights", "flights"),
        ("eta-v2_x", "eta-v2_x"),
        ("Flights", "flights-"),  # the same as `flights` on some file systems
        ("..", "model-"),
        (".hidden", "hidden-"),
        ("a/../../etc", "a_etc-"),
        ("crédit ☂", "cr_dit-"),
        ("con", "con-"),
        ("x" * 300, "x" * 40 + "-"),
        ("", "model-"),
        ("a\0b\n", "a_b-"),
        ("\udcff", "model-"),
        ("a-0123456789abcdef", "a_0123456789abcdef-"),  # could be taken for one of ours
    ],
)
def test_the_folder_of_a_model_is_plain_and_its_own(tmp_path: Path, model: str, folder: str) -> None:
    name = folder_name(model)
    assert name == folder if not folder.endswith("-") else (name.startswith(folder) and len(name) == len(folder) + 16)
    lake = open_lake(str(tmp_path), model)
    lake.append(RowKind.PREDICTIONS, predictions("a"), sequence=1, arrived=START)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert json.loads((tmp_path / name / CARD).read_text(encoding="utf-8"))["model"] == model
    assert open_lake(str(tmp_path), model, create=False).size()["predictions.rows"] == 1


@pytest.mark.parametrize("folder", ["plain", "with space", "star*{s}", "quo'te", "ünï", "a=b"])
def test_hostile_names_of_folders(tmp_path: Path, folder: str) -> None:
    lake = open_lake(str(tmp_path / folder), "m")
    for sequence in (1, 2):
        lake.append(RowKind.PREDICTIONS, predictions("a", at=START + timedelta(days=sequence)), sequence=sequence, arrived=START)
    lake.append(RowKind.LABELS, labels("a"), sequence=3, arrived=START)
    lake.tidy(before=LATER)
    assert lake.discard(after=2) == 1
    lake.append(RowKind.LABELS, labels("a"), sequence=3, arrived=START)
    lake.erase(["nobody"])
    lake.retain(predictions=START + timedelta(days=2))  # this one reads the files by DuckDB
    assert joined(open_lake(str(tmp_path / folder), "m"))["label"].to_pylist() == [1.0]


@pytest.mark.parametrize("sign", ["%", "[", "]", "#", "?", "^", "|", "\\", "\n", "\x1b", "\udcff"])
def test_folders_that_delta_tables_cannot_have(tmp_path: Path, sign: str) -> None:
    with pytest.raises(LakeError, match=r"Delta tables cannot be below a folder with .* in its name\. Put it into") as told:
        open_lake(str(tmp_path / f"a{sign}b"), "m")
    assert str(told.value).isprintable()
    assert list(tmp_path.iterdir()) == []


def test_a_row_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"There is no row log of the model 'eta'\. Ingest its predictions first\."):
        open_lake(str(tmp_path), "eta", create=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="row log"):
        open_lake(str(tmp_path / "file"), "eta")
    assert isinstance(open_lake("memory:", "eta"), MemoryLake)


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    open_lake(str(tmp_path), "one")
    (tmp_path / "one").rename(tmp_path / "two")
    with pytest.raises(LakeError, match="The folder is that of another model, 'one'"):
        open_lake(str(tmp_path), "two")
