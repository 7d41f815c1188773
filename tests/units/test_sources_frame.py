"""Frames: whatever people hold in memory gives the same rows as often as asked, and what cannot be read names its column."""

import gc
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from driftline.core.errors import SourceError, UnknownName, UsageError
from driftline.ports import Source
from driftline.sources.columns import BATCH_ROWS, ENCODED
from driftline.sources.open import open_source

ROWS = 70_000
COLUMNS = {
    "id": list(range(ROWS)),
    "amount": [None if i % 50 == 0 else i / 8 for i in range(ROWS)],
    "city": [None if i % 70 == 0 else f"city {i % 7}" for i in range(ROWS)],
}
TABLE = pa.table(COLUMNS)


class Stream:
    """An object that gives its rows once, as a foreign library would."""

    def __init__(self, table):
        self.reader = table.to_reader()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.reader.__arrow_c_stream__(requested_schema)


def dataset(folder):
    pq.write_table(TABLE, folder / "t.parquet")
    return ds.dataset(folder / "t.parquet")


def relation(_):
    return duckdb.from_arrow(TABLE).order("id")


FRAMES = {
    "pyarrow table": lambda _: TABLE,
    "record batch": lambda _: TABLE.combine_chunks().to_batches()[0],
    "record batch reader": lambda _: TABLE.to_reader(max_chunksize=999),
    "dataset": dataset,
    "pandas": lambda _: TABLE.to_pandas(),
    "pandas arrow": lambda _: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda _: pl.DataFrame(COLUMNS),
    "polars lazy": lambda _: pl.DataFrame(COLUMNS).lazy(),
    "duckdb": relation,
    "stream": lambda _: Stream(TABLE),
    "dict": lambda _: COLUMNS,
    "dict of arrays": lambda _: {name: TABLE[name] for name in COLUMNS},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_gives_the_same_rows_twice(tmp_path, kind):
    source = open_source(FRAMES[kind](tmp_path), name="current")
    assert isinstance(source, Source)
    assert source.name == "current"
    assert source.schema == TABLE.schema
    for _ in range(2):
        batches = list(source.batches())
        assert all(0 < batch.num_rows <= BATCH_ROWS and batch.schema == source.schema for batch in batches)
        assert pa.Table.from_batches(batches).equals(TABLE)
    assert pa.Table.from_batches(source.batches(["city", "id"])).equals(TABLE.select(["city", "id"]))
    assert source.rows in {ROWS, None}
    info = source.info()
    assert (info.name, info.rows, info.files, info.fingerprint) == ("current", source.rows or 0, (), "")


def test_a_stream_is_spooled_to_a_file_that_goes_with_the_source(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = open_source(TABLE.to_reader(), name="current")
    assert not list(tmp_path.iterdir())
    next(source.batches(["id"]))
    assert len(list(tmp_path.iterdir())) == 1
    del source
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_stream_that_fails_is_an_error_of_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows():
        yield TABLE.to_batches()[0]
        raise RuntimeError("the connection was lost.\nlong story")

    source = open_source(pa.RecordBatchReader.from_batches(TABLE.schema, rows()), name="current")
    for _ in range(2):  # what is left of the stream must not pass for the whole
        with pytest.raises(SourceError) as caught:
            list(source.batches())
        assert str(caught.value) == "current: The rows cannot be read: the connection was lost. Check that it can be collected."


def test_two_queries_on_one_connection_do_not_cut_each_other_off():
    with duckdb.connect() as connection:
        one, two = (open_source(connection.sql("select range + ? as x from range(200000)", params=[i]), name="current") for i in (0, 1))
        pairs = list(zip(one.batches(), two.batches(), strict=True))
    assert sum(batch.num_rows for batch, _ in pairs) == 200_000
    assert all(second.column(0)[0].as_py() - first.column(0)[0].as_py() == 1 for first, second in pairs)


def test_a_query_that_fails_is_an_error_of_ours():
    with pytest.raises(SourceError, match="The rows cannot be read"):
        open_source(pl.LazyFrame({"a": [1]}).select("b"), name="current")
    late = pl.LazyFrame({"a": ["x"]}).select(pl.col("a").cast(pl.Int64))
    with pytest.raises(SourceError, match="current: The rows cannot be read"):
        list(open_source(late, name="current").batches())


# ---------------------------------------------------------------- types


def test_the_pandas_index_is_a_column_only_where_it_has_a_name():
    frame = pd.DataFrame({"x": [1.5, float("nan")]}, index=["a", "b"])
    assert open_source(frame, name="current").schema.names == ["x"]
    assert open_source(frame.rename_axis("key"), name="current").schema.names == ["key", "x"]
    both = frame.set_index(pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["key", None]))
    assert open_source(both, name="current").schema.names == ["key", "x"]
    assert next(open_source(frame, name="current").batches()).to_pydict() == {"x": [1.5, None]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"c": pd.Categorical(["x", None, "y"])}),
        pl.DataFrame({"c": pl.Series(["x", None, "y"], dtype=pl.Categorical)}),
        pa.table({"c": pa.array(["x", None, "y"]).dictionary_encode()}),
        pa.table(
            {"c": pa.array(["x", None, "y"], pa.large_string()).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string()))}
        ),
    ],
    ids=["pandas", "polars", "arrow", "large and small"],
)
def test_categories_are_strings_and_dictionaries_where_asked(frame):
    source = open_source(frame, name="current")
    assert source.schema == pa.schema([("c", pa.string())])
    (texts,) = source.batches()
    (codes,) = source.batches(dictionary=["c"])
    assert (texts.schema.types, codes.schema.types) == ([pa.string()], [ENCODED])
    assert texts.column(0).to_pylist() == codes.column(0).to_pylist() == ["x", None, "y"]


def test_a_dict_takes_lists_and_arrays():
    source = open_source({"a": np.arange(3.0), "b": ("x", None, "y"), "c": pd.Series([1, 2, 3])}, name="current")
    assert next(source.batches()).to_pydict() == {"a": [0.0, 1.0, 2.0], "b": ["x", None, "y"], "c": [1, 2, 3]}


# ---------------------------------------------------------------- what goes wrong

FLAT = "Make it a flat column of numbers, texts, dates or booleans."


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (pd.DataFrame({"a": [1, 2], "mixed": [1, "x"]}), f"current: Column 'mixed' is not of one type. {FLAT}"),
        ({"a": [1, "x"]}, f"current: Column 'a' is not of one type. {FLAT}"),
        ({"a": "text"}, f"current: Column 'a' is not of one type. {FLAT}"),
        ({"a": 3}, f"current: Column 'a' is not of one type. {FLAT}"),
        ({"a": [1, 2], "b": [1]}, "current: Column 'a' has 2 rows and column 'b' has 1. Give all the same length."),
        ({"a": [1], 1: [1], "1": [2]}, "current: Column names occur more than once: '1'. Rename them."),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "current: Column names occur more than once: 'a'. Rename them."),
        (pa.table([[1], [2]], names=["a", "a"]), "current: Column names occur more than once: 'a'. Rename them."),
        ({}, "current: The table holds no columns. Check the job that wrote it."),
        ({"a": []}, "current: The table holds no rows. Check the job that wrote it."),
        (pl.DataFrame({"a": []}), "current: The table holds no rows. Check the job that wrote it."),
        (TABLE.slice(0, 0).to_reader(), "current: The table holds no rows. Check the job that wrote it."),
        (
            pa.table({"a": pa.array([b"\xff"]).view(pa.string())}),
            "current: Column 'a' holds bytes that are not UTF-8. Save its text as UTF-8.",
        ),
    ],
)
def test_what_is_wrong_with_a_frame(thing, message):
    with pytest.raises(SourceError) as caught:
        list(open_source(thing, name="current").batches())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "thing", [3, None, [1, 2], b"t.csv", object(), pa.array([1]), np.zeros(3), pl.Series([1]), pd.Series([1])], ids=str
)
def test_what_is_no_table(thing):
    with pytest.raises(UsageError) as caught:
        open_source(thing, name="current")
    assert str(caught.value).startswith(
        f"The current table is a {type(thing).__name__}, which is no table. Give a file, a folder or a glob;"
    )


def test_columns_that_are_not_there():
    with pytest.raises(UnknownName, match=r"There is no column 'amuont'\. Did you mean 'amount'"):
        open_source(TABLE, name="current").batches(["amuont"])


def test_opening_a_frame_imports_no_frame_library():
    source = Path(__file__).parents[2] / "src/driftline/sources/frame.py"
    assert not {"import pandas", "import polars", "import duckdb"} & set(source.read_text().splitlines())
