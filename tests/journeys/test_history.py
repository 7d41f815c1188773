"""A reference with a time: the limits know how restless each column is by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import driftline
from driftline.cli.main import main

PER_DAY = 300


def days(first: int, count: int, seed: int, *, shift: float = 0.0) -> pa.Table:
    """Days whose mean wanders by 0.3 standard deviations from one to the next, beside a calm column."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(count), PER_DAY)
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=first)
    times = [start + timedelta(days=int(d), seconds=int(s)) for d, s in zip(day, rng.integers(0, 86_000, len(day)), strict=True)]
    restless = rng.normal(size=len(day)) + 0.3 * rng.normal(size=count)[day] + shift
    return pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "restless": restless, "calm": rng.normal(size=len(day))})


@pytest.fixture(scope="module")
def reference() -> driftline.Reference:
    return driftline.profile_reference(days(0, 60, 1), time="at")


def test_a_restless_column_raises_no_alarm_for_being_so(reference):
    """Without its history a third of ordinary days would be called drifted; with it none of twenty is."""
    plain = driftline.profile_reference(days(0, 60, 1).drop_columns(["at"]))
    ordinary = [days(60 + i, 1, 100 + i) for i in range(20)]
    assert [driftline.compare(reference, day)["restless"].verdict for day in ordinary] == ["stable"] * 20
    alarms = [driftline.compare(plain, day.drop_columns(["at"]))["restless"].verdict for day in ordinary]
    assert alarms.count(driftline.Verdict.DRIFTED) >= 3


def test_a_shift_beyond_the_unrest_is_still_drift(reference):
    column = driftline.compare(reference, days(60, 1, 7, shift=3.0))["restless"]
    assert column.verdict is driftline.Verdict.DRIFTED
    assert "the unrest of 60 windows of the reference" in column.derivation


def test_a_calm_column_keeps_its_sharp_limit(reference):
    shifted = days(60, 1, 8)
    moved = pa.array(shifted["calm"].to_numpy() + 0.6)
    assert driftline.compare(reference, shifted.set_column(2, "calm", moved))["calm"].verdict is driftline.Verdict.DRIFTED


def test_the_history_is_saved_with_the_reference(reference, tmp_path):
    path = tmp_path / "ref.profile"
    driftline.profile_reference(days(0, 60, 1), path, time="at")
    again = driftline.load_reference(path)
    assert len(again.history) == 60
    day = days(60, 1, 9)
    saved, fresh = (driftline.compare(r, day).to_dict()["columns"] for r in (again, reference))
    assert saved == fresh


def test_too_short_a_history_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pq.write_table(days(0, 10, 1), "ref.parquet")
    pq.write_table(days(10, 1, 2), "cur.parquet")
    main(["compare", "ref.parquet", "cur.parquet", "--time", "at"])
    assert "the reference has 10 windows as long as the current rows" in " ".join(capsys.readouterr().out.split())
