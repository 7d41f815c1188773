"""Text files: CSV and NDJSON have no types of their own, and no single block of them may decide."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from driftline.sources import delimited, ndjson
from driftline.sources.open import open_source


def text_file(folder, name, *blocks):
    path = folder / name
    path.write_bytes(b"".join(block.encode() if isinstance(block, str) else block for block in blocks))
    return path


def read(path):
    return pa.Table.from_batches(open_source(path, name="current").batches())


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 1000)
    monkeypatch.setattr(ndjson, "BLOCK", 1000)


# ---------------------------------------------------------------- CSV: types hold for the whole file

HEAD = "a,b\n" + "".join(f"{i},x{i}\n" for i in range(1000))


@pytest.mark.parametrize(
    ("tail", "kind", "last"),
    [
        ("7,y\n", pa.int64(), 7),
        ("2.5,y\n", pa.float64(), 2.5),  # a fraction after a thousand integers
        ("oops,y\n", pa.string(), "oops"),  # text after a thousand integers
        ("\n\n2.5,y\n\n", pa.float64(), 2.5),  # blank lines are no rows
        ("2.5,y\n" + HEAD[4:] + "oops,z\n", pa.string(), "oops"),  # twice
        (",y\n", pa.int64(), None),
        ("NA,y\n", pa.int64(), None),
        ('9007199254740993,"q\nr"\n', pa.int64(), 9007199254740993),  # 2**53 + 1 keeps its last digit
    ],
)
def test_a_later_block_of_csv_may_change_the_type(tmp_path, small_blocks, tail, kind, last):
    source = open_source(text_file(tmp_path, "t.csv", HEAD, tail), name="current")
    table = pa.Table.from_batches(source.batches())
    assert table.schema.field("a").type == kind
    assert table["a"].to_pylist()[-1] == last
    assert table["a"].cast(pa.string()).to_pylist()[999] == "999"
    assert source.rows == table.num_rows


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["NA", "3"], [None, 3]),  # a mark of nothing among numbers
        (["NA", "north"], ["NA", "north"]),  # and a text among texts
        (["", "north"], [None, "north"]),
        (["", ""], [None, None]),
        (["nan", "1.5"], [None, 1.5]),
        (["12345678901234567891", "5"], ["12345678901234567891", "5"]),  # does not fit into 64 bits: an id
        (["1.5e200", "5"], [1.5e200, 5.0]),
        (["2026-01-01", "2026-01-02"], [date(2026, 1, 1), date(2026, 1, 2)]),
        (["2026-01-01", "2026-01-02 10:00:00"], [datetime(2026, 1, 1), datetime(2026, 1, 2, 10)]),
        (["2026-01-02T10:00:00Z", ""], [datetime(2026, 1, 2, 10, tzinfo=UTC), None]),
        (["1", "true"], ["1", "true"]),
    ],
)
@pytest.mark.parametrize("repeats", [1, 1000])  # in one block, and in blocks that disagree
def test_cells_of_csv(tmp_path, small_blocks, cells, values, repeats):
    rows = "".join(f"{cell},1\n" * repeats for cell in cells)
    table = read(text_file(tmp_path, "t.csv", "a,b\n", rows))
    assert table["a"].to_pylist()[::repeats] == values


def test_csv_with_a_byte_order_mark_and_semicolons(tmp_path):
    assert read(text_file(tmp_path, "t.csv", b"\xef\xbb\xbf", "a;b\n1;x,y\n")).to_pydict() == {"a": [1], "b": ["x,y"]}


# ---------------------------------------------------------------- NDJSON


@pytest.mark.parametrize(
    ("first", "last", "kind", "ends"),
    [
        ('{"a": 1}', '{"a": 2.5}', pa.float64(), (1.0, 2.5)),
        ('{"a": 1}', '{"a": "x"}', pa.string(), ("1", "x")),
        ('{"a": true}', '{"a": 1}', pa.string(), ("true", "1")),
        ('{"a": null}', '{"a": 1}', pa.int64(), (None, 1)),
        ('{"b": 1}', '{"a": 1}', pa.int64(), (None, 1)),  # a field that comes late
        ('{"a": 12345678901234567891}', '{"a": 5}', pa.string(), ("12345678901234567891", "5")),
        ('{"a": {"b": 1}}', '{"a": {"c": "x"}}', None, ({"b": 1, "c": None}, {"b": None, "c": "x"})),
        ('{"a": {"b": 1}}', '{"a": {"b": "x"}}', pa.string(), ('{"b": 1}', '{"b": "x"}')),
        ('{"a": [1]}', '{"a": [2.5]}', pa.list_(pa.float64()), ([1.0], [2.5])),
        (
            '{"a": "2026-01-01"}',
            '{"a": "2026-01-01T00:00:00.5"}',
            pa.timestamp("us"),
            (datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 500_000)),
        ),
        ('{"a": "2026-01-01T02:00:00+02:00"}', '{"a": null}', pa.timestamp("us", "UTC"), (datetime(2026, 1, 1, tzinfo=UTC), None)),
        ('{"a": "2026-01-01", "b": "x"}', '{"a": null}', pa.timestamp("us"), (datetime(2026, 1, 1), None)),
        ('{"a": "2026-01-01"}', '{"a": "x"}', pa.string(), ("2026-01-01", "x")),
    ],
)
def test_a_later_block_of_ndjson_may_change_the_type(tmp_path, small_blocks, first, last, kind, ends):
    table = read(text_file(tmp_path, "t.ndjson", (first + "\n") * 500, last))
    assert kind is None or table.schema.field("a").type == kind
    column = table["a"].to_pylist()
    assert (column[0], column[-1]) == ends
    assert len(column) == 501
    assert column[0] == column[499]
