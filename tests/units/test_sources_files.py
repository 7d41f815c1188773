"""Files: every format gives the same rows, types hold for the whole file, and what is wrong is said in one sentence."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest

from driftline.core.errors import SourceError, UnknownName, UsageError
from driftline.ports import Source
from driftline.sources import failures, fingerprint
from driftline.sources.columns import BATCH_ROWS, ENCODED
from driftline.sources.open import open_source
from driftline.sources.prefetch import prefetch

ROWS = 70_000  # more than one batch

TABLE = pa.table(
    {
        "id": pa.array(range(ROWS)),
        "amount": pa.array([None if i % 50 == 0 else i / 8 for i in range(ROWS)]),
        "city": pa.array([None if i % 70 == 0 else f"city {i % 7}" for i in range(ROWS)]),
        "good": pa.array([i % 3 == 0 for i in range(ROWS)]),
        "at": pa.array([datetime(2026, 1, 1, 0, 0, i % 60, 250_000) for i in range(ROWS)], pa.timestamp("us")),
    }
)


def write(path, table):
    if ".parquet" in path.name:
        pq.write_table(table, path)
    elif path.name.endswith(".gz"):
        plain = write(path.with_suffix(""), table)
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    elif path.suffix in {".csv", ".tsv"}:
        pv.write_csv(table, path, pv.WriteOptions(delimiter="\t" if path.suffix == ".tsv" else ","))
    elif path.suffix in {".ndjson", ".jsonl", ".json"}:
        path.write_text("\n".join(json.dumps(row, default=datetime.isoformat) for row in table.to_pylist()))
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    return path


def read(thing, columns=None):
    source = open_source(thing, name="current")
    return pa.Table.from_batches(source.batches(columns), source.schema if columns is None else None)


def text_file(folder, name, *blocks):
    path = folder / name
    path.write_bytes(b"".join(block.encode() if isinstance(block, str) else block for block in blocks))
    return path


# ---------------------------------------------------------------- every format


@pytest.mark.parametrize(
    "name",
    ["t.parquet", "t.pq.parquet", "t.csv", "t.tsv", "t.csv.gz", "t.ndjson", "t.jsonl", "t.json", "t.ndjson.gz", "t.arrow", "t.feather"],
)
def test_every_format_gives_the_same_rows(tmp_path, name):
    table = read(write(tmp_path / name, TABLE))
    moments = table["at"].cast(pa.timestamp("us"))  # CSV reads fractions of a second as nanoseconds
    assert table.drop_columns("at").equals(TABLE.drop_columns("at"))
    assert moments.equals(TABLE["at"])


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.ndjson", "t.arrow"])
def test_batches_are_bounded_and_have_the_schema_promised(tmp_path, name):
    source = open_source(write(tmp_path / name, TABLE), name="current")
    assert isinstance(source, Source)
    for columns in (None, ["city", "id"]):
        batches = list(source.batches(columns))
        assert all(0 < batch.num_rows <= BATCH_ROWS for batch in batches)
        expected = source.schema if columns is None else pa.schema([source.schema.field(column) for column in columns])
        assert all(batch.schema.equals(expected, check_metadata=True) for batch in batches)
        assert sum(batch.num_rows for batch in batches) == ROWS
    assert source.rows in {ROWS, None}


def test_parquet_strings_come_as_dictionaries_where_asked(tmp_path):
    source = open_source(write(tmp_path / "t.parquet", TABLE), name="current")
    batches = list(source.batches(["id", "city"], dictionary=["city", "id"]))
    assert {str(kind) for batch in batches for kind in batch.schema.types} == {"int64", str(ENCODED)}
    assert pa.Table.from_batches(batches)["city"].cast(pa.string()).to_pylist() == TABLE["city"].to_pylist()


def test_a_file_without_an_ending_is_known_by_its_first_bytes(tmp_path):
    for name in ("t.parquet", "t.arrow"):
        bare = write(tmp_path / name, TABLE).rename(tmp_path / "bare")
        assert read(bare).num_rows == ROWS


def test_an_arrow_stream_is_read_like_a_file(tmp_path):
    with pa.ipc.new_stream(tmp_path / "t.arrow", TABLE.schema) as file:
        file.write_table(TABLE)
    assert read(tmp_path / "t.arrow", ["city", "id"]).equals(TABLE.select(["city", "id"]))


def test_columns_that_are_not_there(tmp_path):
    source = open_source(write(tmp_path / "t.parquet", TABLE), name="current")
    with pytest.raises(UnknownName) as caught:
        source.batches(["amuont"])
    assert str(caught.value).startswith("There is no column 'amuont'. Did you mean 'amount'?")


# ---------------------------------------------------------------- folders, globs, unions


def test_folders_and_globs(tmp_path):
    for i, name in enumerate(["b.parquet", "a.csv", "dt=2026-01-01/c.parquet", "_temporary/x.parquet", ".h.csv", "_SUCCESS", "notes.txt"]):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".parquet", ".csv"}:
            write(path, pa.table({"i": [i]}))
        else:
            path.write_text("no table")
    assert read(tmp_path / "data")["i"].to_pylist() == [1, 0, 2]
    assert read(f"{tmp_path}/data/*.parquet")["i"].to_pylist() == [0]
    assert read(f"{tmp_path}/data/**/*.parquet")["i"].to_pylist() == [0, 2]
    assert read(f"{tmp_path}/data/dt=*")["i"].to_pylist() == [2]
    info = open_source(tmp_path / "data", name="current").info()
    assert [file.rpartition("/")[2] for file in info.files] == ["a.csv", "b.parquet", "c.parquet"]
    assert info.rows == 3


def test_a_file_whose_name_looks_like_a_glob(tmp_path):
    assert read(write(tmp_path / "t[1].csv", pa.table({"i": [5]})))["i"].to_pylist() == [5]


def test_the_schema_is_the_union_of_all_files(tmp_path):
    write(tmp_path / "1.parquet", pa.table({"x": [1, 2], "y": ["a", "b"]}))
    write(tmp_path / "2.parquet", pa.table({"x": [2.5], "z": pa.array([7], pa.int16())}))
    write(tmp_path / "3.parquet", pa.table({"z": pa.array([8], pa.int32()), "y": pa.array([None])}))
    table = read(tmp_path)
    assert table.schema == pa.schema([("x", pa.float64()), ("y", pa.string()), ("z", pa.int64())])
    assert table.to_pydict() == {"x": [1.0, 2.0, 2.5, None], "y": ["a", "b", None, None], "z": [None, None, 7, 8]}
    assert read(tmp_path, ["y"])["y"].to_pylist() == ["a", "b", None, None]
    encoded = list(open_source(tmp_path, name="current").batches(["y"], dictionary=["y"]))
    assert [batch.schema.types for batch in encoded] == [[ENCODED]] * 3


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_text_files_that_disagree_are_read_as_text(tmp_path, ending):
    write(tmp_path / f"1.{ending}", pa.table({"code": [17, 18]}))
    write(tmp_path / f"2.{ending}", pa.table({"code": ["x"]}))
    assert read(tmp_path)["code"].to_pylist() == ["17", "18", "x"]


def test_text_beside_parquet_follows_the_parquet_type(tmp_path):
    text_file(tmp_path, "1.csv", "code\n007\n")
    write(tmp_path / "2.parquet", pa.table({"code": ["x"]}))
    assert read(tmp_path)["code"].to_pylist() == ["007", "x"]


def test_types_that_do_not_fit_name_both_files(tmp_path):
    write(tmp_path / "1.parquet", pa.table({"x": [1]}))
    write(tmp_path / "2.parquet", pa.table({"x": ["a"]}))
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path, name="current")
    expected = f"Column 'x' is int64 in '{tmp_path}/1.parquet' and string in '{tmp_path}/2.parquet'. Write both with one type"
    assert str(caught.value).startswith(expected)


HEAD = "a,b\n" + "".join(f"{i},x{i}\n" for i in range(1000))


# ---------------------------------------------------------------- what goes wrong

NEXT = "Check the job that wrote it."
ENDINGS = "Known endings: .parquet, .csv, .tsv, .ndjson, .jsonl, .json, .arrow, .feather, and .gz after those of text."
DELTA = "The folder is a Delta table, which also holds files of deleted rows. Pass `deltalake.DeltaTable(path).to_pyarrow_dataset()`."
WRONG = [
    ("t.parquet", b"", "{p}: The file holds no bytes. " + NEXT),
    ("t.parquet", b"PAR1 and then something else", "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.arrow", b"ARROW1 and then something else", "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.csv.gz", b"no gzip", "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.csv.gz", gzip.compress(HEAD.encode())[:-20], "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.ndjson.gz", gzip.compress(b'{"a": 1}\n' * 9000)[:-9], "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.feather", b"FEA1....", "{p}: Feather version 1 is not read. Write it as Feather 2 or Parquet."),
    ("t.xlsx", b"PK..", "{p}: The ending tells no known format. " + ENDINGS),
    ("t.csv", b"x" * 200_000 + b"\n1\n", "{p}: The file is damaged or cut off. Write or copy it again."),
    ("t.csv", b"\n\n", "{p}: The table holds no columns. " + NEXT),
    ("t.csv", b"a,b\n", "{p}: The table holds no rows. " + NEXT),
    ("t.csv", b"a,b,a,b,c\n1,2,3,4,5\n", "{p}: Column names occur more than once: 'a', 'b'. Rename them."),
    ("t.csv", HEAD + "7\n", "{p}:1002: The row has 1 field where the header has 2. Check its quotes and separators."),
    ("t.csv", HEAD + "\n7,8,9\n", "{p}:1003: The row has 3 fields where the header has 2. Check its quotes and separators."),
    ("t.csv", "a,b\n" + "x" * 200_000 + ",1\n7\n", "{p}: A row does not have the 2 fields of the header. Check its quotes and separators."),
    ("t.csv", HEAD.encode() + b"7,\xff\n", "{p}:1002: The line holds bytes that are not UTF-8. Save the file as UTF-8."),
    ("t.csv", b"a\xff,b\n1,2\n", "{p}:1: The line holds bytes that are not UTF-8. Save the file as UTF-8."),
    ("t.csv", "a,b\n1,2\n".encode("utf-16"), "{p}:1: The line holds bytes that are not UTF-8. Save the file as UTF-8."),
    ("t.csv", HEAD + '7,"x\n' + HEAD[4:], "{p}:1002: A quoted text is not closed. Check its quotes."),
    ("t.csv", HEAD + '7,"x\n' + HEAD[4:] * 1300, "{p}: A quoted text is not closed, or a row is longer than 4 MiB. Check its quotes."),
    ("t.json", b'[{"a": 1}]', "{p}:1: The line is not a JSON object. Write one whole object per line."),
    ("t.ndjson", b'{"a": 1}\n\n{"a": ', "{p}:3: The line is not a JSON object. Write one whole object per line."),
    ("t.ndjson", b'{"a": 1, "a": 2}', "{p}:1: The object gives 'a' twice. Give each name once."),
    ("t.ndjson", b"{}\n{}\n", "{p}: The table holds no columns. " + NEXT),
    ("t.ndjson", b"\n", "{p}: The table holds no rows. " + NEXT),
    ("t.ndjson", b'{"a": "\xff"}', "{p}: Column 'a' holds bytes that are not UTF-8. Save its text as UTF-8."),
]


@pytest.mark.parametrize(("name", "data", "message"), WRONG, ids=lambda case: case[-40:] if isinstance(case, str) else None)
def test_what_is_wrong_with_a_file(tmp_path, name, data, message):
    path = text_file(tmp_path, name, data)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert str(caught.value) == message.format(p=path)


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": pa.array([], pa.int64())}), "The table holds no rows. " + NEXT),
        (pa.table({}), "The table holds no columns. " + NEXT),
        (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "Column names occur more than once: 'a'. Rename them."),
        (pa.table({"a": pa.array([b"\xff"]).view(pa.string())}), "Column 'a' holds bytes that are not UTF-8. Save its text as UTF-8."),
    ],
)
def test_what_is_wrong_with_a_table_in_a_file(tmp_path, ending, table, message):
    path = write(tmp_path / f"t.{ending}", table)
    with pytest.raises(SourceError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data/curent.csv", "data/curent.csv: There is no such file. Did you mean 'data/current.csv'?"),
        ("data/zzz.csv", "data/zzz.csv: There is no such file. Check the path."),
        ("dta/current.csv", "dta/current.csv: There is no folder 'dta'. Check the path."),
        ("data/*.parquet", "data/*.parquet: The glob matches no table. " + ENDINGS),
        ("void", "void: The folder holds no table. " + ENDINGS),
        ("data/evil\x1b[31m.csv", r"'data/evil\x1b[31m.csv': There is no such file. Check the path."),
        ("lake", f"lake: {DELTA}"),
    ],
)
def test_paths_that_lead_nowhere(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "void", "lake/_delta_log"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/current.csv").write_text("a\n1\n")
    with pytest.raises(SourceError) as caught:
        open_source(path, name="current")
    assert str(caught.value) == message


@pytest.mark.parametrize("path", ["s3://bucket/t.parquet", "", "a\0b"])
def test_what_is_no_path(path):
    with pytest.raises(UsageError):
        open_source(path, name="current")


@pytest.mark.parametrize(
    "error", [PermissionError, FileNotFoundError, IsADirectoryError, MemoryError, OSError, pa.ArrowInvalid, pa.ArrowKeyError]
)
def test_no_foreign_exception_escapes(error):
    with pytest.raises(SourceError) as caught, failures.reading("t.csv"):
        raise error("something technical")
    assert str(caught.value).startswith("t.csv: ")
    assert "technical" not in str(caught.value)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.ndjson", "t.arrow"])
@pytest.mark.parametrize("change", ["vanish", "shrink", "grow"])
def test_a_file_that_changes_between_opening_and_reading(tmp_path, name, change):
    path = write(tmp_path / name, TABLE)
    source = open_source(path, name="current")
    data = path.read_bytes()
    if change == "vanish":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if change == "shrink" else data + data)
    with pytest.raises(SourceError) as caught:
        list(source.batches())
    said = (
        "is no longer there. Read a copy that nobody moves"
        if change == "vanish"
        else "changed while it was being read. Read a copy that nobody writes to"
    )
    assert str(caught.value) == f"{path}: The file {said}."


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(TABLE.select(["id", "amount"]), path, row_group_size=1000, compression="none")
    batches = open_source(path, name="current").batches()
    next(batches)
    os.truncate(path, 4000)
    with pytest.raises(SourceError, match="The file changed while it was being read"):
        list(batches)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path, name):
    path = write(tmp_path / name, TABLE.slice(0, 300))
    whole = path.read_bytes()
    outcomes = set()
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            outcomes.add(read(path).num_rows)
        except SourceError:
            outcomes.add("error")
    assert "error" in outcomes


# ---------------------------------------------------------------- where the rows came from


def test_the_fingerprint_is_the_hash_of_the_bytes(tmp_path, monkeypatch):
    one = text_file(tmp_path, "1.csv", "a\n1\n")
    info = open_source(one, name="current").info()
    hashed = "sha256:" + hashlib.sha256(b"a\n1\n").hexdigest()
    assert (info.name, info.files, info.fingerprint, info.bytes, info.rows) == (str(one), (str(one),), hashed, 4, 1)
    text_file(tmp_path, "2.csv", "a\n1\n")
    both = open_source(tmp_path, name="current").info()
    assert both.fingerprint == "sha256:" + hashlib.sha256(f"{hashed}\n{hashed}".encode()).hexdigest()
    assert both.bytes == 8
    monkeypatch.setattr(fingerprint, "WHOLE", 8)
    monkeypatch.setattr(fingerprint, "MIB", 4)
    large = text_file(tmp_path, "3.csv", "a\n123\n4567\n")
    ends = hashlib.sha256(b"11" + b"a\n12" + b"567\n").hexdigest()
    assert open_source(large, name="current").info().fingerprint == f"sha256-ends:{ends}"


# ---------------------------------------------------------------- in the background


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "driftline-prefetch"]


def test_prefetch_keeps_the_order_and_ends_its_thread():
    assert list(prefetch(iter(range(100)))) == list(range(100))
    assert not workers()


def test_prefetch_stays_a_bounded_way_ahead():
    made: list[int] = []

    def making():
        for i in range(100):
            made.append(i)
            yield i

    items: Any = prefetch(making(), ahead=2)
    assert next(items) == 0
    assert len(made) <= 4  # the one given, two waiting, one in the making
    items.close()
    assert not workers()
    assert len(made) < 6


def test_prefetch_carries_exceptions_over_in_their_place():
    def failing():
        yield 1
        raise SourceError("The file is damaged")

    items = prefetch(failing())
    assert next(items) == 1
    with pytest.raises(SourceError, match="The file is damaged"):
        next(items)
    assert not workers()


def test_a_reading_that_stops_early_leaves_no_thread_and_no_open_file(tmp_path):
    source = open_source(write(tmp_path / "t.csv", TABLE), name="current")
    batches: Any = source.batches()
    next(batches)
    batches.close()
    assert not workers()
    assert read(tmp_path / "t.csv").num_rows == ROWS


def test_reading_files_does_not_import_pandas(tmp_path):
    for name in ("1.parquet", "2.csv", "3.ndjson", "4.arrow"):
        write(tmp_path / name, TABLE.slice(0, 100))
    code = (
        "import sys; from driftline.sources.open import open_source; s = open_source(sys.argv[1], name='x');"
        "assert sum(b.num_rows for b in s.batches(dictionary=['city'])) == 400; s.info(); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
