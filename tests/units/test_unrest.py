"""The unrest of a reference: none where only sampling is at work, and the right amount where the windows really differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from driftline.drift.unrest import FEWEST, unrest_of
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import profile
from driftline.profiles.profile import Profile
from driftline.profiles.windows import DAY, History, joined

START = datetime(2026, 1, 1, tzinfo=UTC)


def learned(days: int, *, wobble: float = 0.0, likeness: float = 0.0, per_day: int = 400, seed: int = 0):
    """Days of a normal column whose daily mean has the standard deviation `wobble`, and a calm column beside it."""
    rng = np.random.default_rng(seed)
    level = np.zeros(days)
    for i in range(days):
        level[i] = (likeness * level[i - 1] if i else 0.0) + rng.normal() * np.sqrt(1 - likeness**2)
    day = np.repeat(np.arange(days), per_day)
    rows = pa.table(
        {
            "at": pa.array([START + timedelta(days=int(d), seconds=60) for d in day], pa.timestamp("us", "UTC")),
            "restless": rng.normal(size=days * per_day) + wobble * level[day],
            "calm": rng.normal(size=days * per_day),
            "kind": rng.choice(["a", "b", "c"], days * per_day),
        }
    )
    schema, _ = fit(rows.schema, rows.to_batches(), SchemaSpec(time="at"))
    history = History(schema, DAY, table="reference")
    for batch in rows.to_batches():
        history.add(batch)
    whole = profile(rows.to_batches(), schema)
    found = unrest_of(whole, joined(history.windows(schema), 0, DAY - 1))
    return {schema.columns[i].name: unrest for i, unrest in found.items()}


def test_sampling_alone_is_no_unrest():
    """With 400 rows a day Q is 0.0025; what is left of the mean square after Q is small beside it."""
    found = learned(90)
    assert max(found[name].shift for name in ("restless", "calm", "kind")) < 0.0015


@pytest.mark.parametrize("wobble", [0.2, 0.4])
def test_the_unrest_is_that_of_the_daily_means(wobble):
    """A daily mean with variance w^2 beside rows of variance 1 shifts the ranks by w^2 / (1 + w^2), drawn a little to the calm column."""
    found = learned(120, wobble=wobble, seed=3)
    assert found["restless"].shift == pytest.approx(wobble**2 / (1 + wobble**2), rel=0.35)
    assert found["calm"].shift < found["restless"].shift / 4


def test_days_that_resemble_their_neighbours_count_for_fewer():
    restless = learned(120, wobble=0.5, likeness=0.9, seed=4)["restless"]
    assert restless.windows == 120
    assert restless.independent < 60 < learned(120, wobble=0.5, seed=4)["restless"].independent


def test_few_windows_say_nothing():
    assert learned(FEWEST - 1) == {}
    assert len(learned(FEWEST)) == 3


def test_no_history_says_nothing():
    schema, _ = fit(pa.schema([("x", pa.float64())]), [pa.record_batch({"x": [1.0, 2.5]})], SchemaSpec())
    assert unrest_of(Profile.zero(schema), ()) == {}
