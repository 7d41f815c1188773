"""The schema: where the counts of a column lie, what an Arrow type is to us, and that it comes back from JSON."""

import json

import pyarrow as pa
import pytest

import driftline
from driftline.profiles.counting import SPECIAL
from driftline.profiles.schema import FIRST_LEVEL, TAIL, Column, Kind, Role, Schema, family

NUMBER = Column("x", Kind.NUMERIC, Role.FEATURE, "double", "", edges=(0.0, 1.0, 2.0), coarse=(0, 1), points=(False, False))
LEVELS = Column("g", Kind.CATEGORICAL, Role.SEGMENT, "string", "", levels=("a", "b", "c"))
OTHER = Column("t", Kind.DATETIME, Role.TIME, "timestamp[us]", "")
KEY = Column("id", Kind.IDENTIFIER, Role.IDENTIFIER, "string", "")
SCHEMA = Schema((NUMBER, LEVELS, OTHER, KEY), None, "t", (("g", ("a", "b")),))


def test_the_cells_of_each_column():
    assert [column.width for column in SCHEMA.columns] == [SPECIAL + 2, 1 + TAIL + 3, 2, 2]
    assert SCHEMA.offsets.tolist() == [0, SPECIAL + 2, SPECIAL + 2 + FIRST_LEVEL + 3, SPECIAL + FIRST_LEVEL + 7, SPECIAL + FIRST_LEVEL + 9]
    assert SCHEMA.cells(1) == slice(SPECIAL + 2, SPECIAL + 2 + FIRST_LEVEL + 3)
    assert SCHEMA.numeric == (0,)
    assert SCHEMA.keys == (3,)
    assert SCHEMA.by_name == {"x": 0, "g": 1, "t": 2, "id": 3}


def test_a_schema_without_columns_has_no_cells():
    assert Schema(()).offsets.tolist() == [0]


def test_columns_by_their_role():
    assert SCHEMA.role(Role.TIME) is OTHER
    assert SCHEMA.role(Role.PREDICTION) is None


def test_it_comes_back_from_json():
    back = Schema.from_json(json.loads(json.dumps(SCHEMA.to_json())))
    assert back == SCHEMA
    assert back.id == SCHEMA.id
    rows = {"score": [i / 100 for i in range(100)] * 2, "label": [0, 1] * 100, "g": ["a", "b"] * 100}
    fitted = driftline.profile_reference(rows, segments=["g"]).schema
    back = Schema.from_json(json.loads(json.dumps(fitted.to_json())))
    assert back == fitted
    assert back.outcomes is not None
    assert back.outcomes.task == "binary"


def test_the_id_is_the_content():
    other = Schema((NUMBER, LEVELS, OTHER), None, "t")
    assert Schema(SCHEMA.columns, None, "t", SCHEMA.segments).id == SCHEMA.id
    assert len({SCHEMA.id, other.id, Schema((LEVELS, NUMBER)).id, Schema((NUMBER, LEVELS)).id}) == 4
    assert len(SCHEMA.id) == 16


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.int8(), "number"),
        (pa.uint64(), "number"),
        (pa.float16(), "number"),
        (pa.decimal128(10, 2), "number"),
        (pa.decimal256(60, 2), "number"),
        (pa.duration("s"), "number"),
        (pa.bool_(), "boolean"),
        (pa.string(), "text"),
        (pa.large_string(), "text"),
        (pa.string_view(), "text"),
        (pa.binary(), "text"),
        (pa.timestamp("us", "UTC"), "time"),
        (pa.date32(), "time"),
        (pa.date64(), "time"),
        (pa.time64("us"), "time"),
        (pa.null(), "nothing"),
        (pa.list_(pa.int8()), "nested"),
        (pa.struct([("a", pa.int8())]), "nested"),
        (pa.map_(pa.string(), pa.int8()), "nested"),
        (pa.dictionary(pa.int8(), pa.string()), "text"),
        (pa.dictionary(pa.int8(), pa.float64()), "number"),
    ],
)
def test_what_a_type_is_to_us(kind, expected):
    assert family(kind) == expected
