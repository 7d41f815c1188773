"""One of the two tables has been through CSV, where text that is all digits comes back as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

import driftline


def rows(seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({"zip": rng.choice(["10115", "20095", "80331"], 2000), "x": rng.normal(size=2000)})


def test_digits_that_were_text_are_still_compared(tmp_path):
    pq.write_table(rows(1), tmp_path / "ref.parquet")
    pv.write_csv(rows(2), tmp_path / "cur.csv")
    result = driftline.compare(tmp_path / "ref.parquet", tmp_path / "cur.csv")
    assert result["zip"].verdict is driftline.Verdict.STABLE
    assert result["zip"].n == 2000


def test_numbers_where_words_were_are_another_type(tmp_path):
    words = pa.table({"x": ["red", "green"] * 500, "y": [True, False] * 500})
    numbers = pa.table({"x": [1, 2] * 500, "y": [True, False] * 500})
    assert driftline.compare(words, numbers)["x"].measure == "type_change"


def test_leading_zeros_that_a_spreadsheet_ate_are_found():
    """'01067' came back as 1067: no level fits, and that is what it says."""
    ref, cur = pa.table({"zip": ["01067", "04109"] * 500}), pa.table({"zip": ["1067", "4109"] * 500})
    column = driftline.compare(ref, cur)["zip"]
    assert (column.verdict, column.measure, column.value) == (driftline.Verdict.FAULTY, "unseen_rate", 1.0)
