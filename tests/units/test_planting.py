"""Drift planted into counts: it has the size that is named, and nothing else changes."""

from functools import reduce
from math import erf, sqrt
from operator import add

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiles.counting import FAR_ABOVE, MISSING, SPECIAL
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.planting import DRIFTS, Change, offset_of, planted, refusal, whole
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL

SHIFT, STRETCH = (Change.SHIFT, 0.5), (Change.STRETCH, 1.5)
NAMES = ("x", "y", "whole", "gaps", "kind", "flag", "same")


def table(rng, rows, factor=1.0):
    return pa.table(
        {
            "x": (20 + 3 * rng.normal(size=rows)) * factor,
            "y": np.exp(rng.normal(size=rows)),
            "whole": rng.poisson(3, rows) * int(factor),
            "gaps": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.1),
            "kind": pa.array(rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])),
            "flag": rng.random(rows) < 0.3,
            "same": np.full(rows, 7.0),
        }
    )


def counted(schema, rows):
    gathering = Gathering(schema)
    for batch in rows.to_batches():
        gathering.add(batch)
    return reduce(add, gathering.profiles())


@pytest.fixture(scope="module")
def world():
    """The profile of a reference, and that of a window."""
    rng = np.random.default_rng(5)
    first = table(rng, 20_000)
    schema, _ = fit(first.schema, first.to_batches(), SchemaSpec())
    return counted(schema, first), counted(schema, table(rng, 4_000))


def put(world, name, change, offset=0.5):
    reference, window = world
    return planted(window, reference, window.schema.by_name[name], change, offset)


def row_of(profile, name):
    return profile.schema.numeric.index(profile.schema.by_name[name])


def below(profile, name, reference):
    """The share of the finite rows below the median of the reference."""
    usual = np.cumsum(reference.cells(name)[SPECIAL:])
    middle = int(np.searchsorted(usual, usual[-1] / 2))
    return profile.cells(name)[SPECIAL : SPECIAL + middle].sum() / profile.cells(name)[SPECIAL:].sum()


def test_a_normal_column_moves_by_the_part_of_its_spread_that_is_named(world):
    reference, window = world
    after, row = put(world, "x", SHIFT), row_of(window, "x")
    assert (after.mean(row) - window.mean(row)) / reference.deviation(row) == pytest.approx(0.5, abs=0.02)
    assert after.deviation(row) == pytest.approx(window.deviation(row), rel=0.05)


def test_a_skewed_column_moves_by_the_same_in_its_ranks(world):
    """Of rows shifted by half a normal score, a share of Phi(-0.5) stays below the median."""
    reference, window = world
    expected = (1 + erf(-0.5 / sqrt(2))) / 2
    moved = below(put(world, "y", SHIFT), "y", reference) - below(window, "y", reference)
    assert moved == pytest.approx(expected - 0.5, abs=0.02)


def test_a_stretch_keeps_the_middle_and_widens_the_rest(world):
    reference, window = world
    after, row = put(world, "x", STRETCH), row_of(window, "x")
    assert after.deviation(row) / window.deviation(row) == pytest.approx(1.5, abs=0.06)
    assert below(after, "x", reference) == pytest.approx(below(window, "x", reference), abs=0.01)


@pytest.mark.parametrize("drift", [drift for drift in DRIFTS.values() if drift.change is not Change.REBALANCE], ids=lambda d: d.name)
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_moved_and_none_is_made_or_lost(world, drift, name):
    _, window = world
    position = window.schema.by_name[name]
    if refusal(window.schema, position, drift):
        return
    after = put(world, name, (drift.change, drift.at(30 if not drift.lasts else 0)))
    own = window.schema.cells(position)
    assert after.counts[own].sum() == window.counts[own].sum()
    assert after.counts.min() >= 0
    elsewhere = np.ones(len(window.counts), bool)
    elsewhere[own] = False
    np.testing.assert_array_equal(after.counts[elsewhere], window.counts[elsewhere])
    others = [row for row, at in enumerate(window.schema.numeric) if at != position]
    np.testing.assert_array_equal(after.moments[others], window.moments[others])
    assert np.isfinite(after.moments).all()
    assert not np.array_equal(after.counts[own], window.counts[own])


def test_five_points_more_are_missing(world):
    _, window = world
    for name in ("x", "gaps", "kind"):
        gone = put(world, name, (Change.LOSE, 0.05), 0.0).cells(name)[MISSING] - window.cells(name)[MISSING]
        assert gone == 200
    row = row_of(window, "gaps")
    after = put(world, "gaps", (Change.LOSE, 0.05))
    assert (after.mean(row), after.deviation(row)) == pytest.approx((window.mean(row), window.deviation(row)), abs=0.05)


def test_roundings_of_many_small_windows_cancel_out(world):
    """Nine rows a window, of which five percent are less than half a row."""
    reference, _ = world
    rng, lost = np.random.default_rng(6), 0
    for k in range(200):
        window = counted(reference.schema, table(rng, 9))
        lost += planted(window, reference, 0, (Change.LOSE, 0.05), offset_of(k)).counts[MISSING]
    assert lost == pytest.approx(0.05 * 9 * 200, abs=3)


def test_a_factor_on_all_values_gives_what_counting_them_gives(world):
    reference, window = world
    real = counted(reference.schema, table(np.random.default_rng(5), 20_000, 1000.0))
    after = planted(reference, reference, reference.schema.by_name["whole"], (Change.MULTIPLY, 1000.0), 0.5)
    np.testing.assert_array_equal(after.cells("whole"), real.cells("whole"))
    after = planted(reference, reference, 0, (Change.MULTIPLY, 1000.0), 0.5)
    np.testing.assert_allclose(after.moments[0], real.moments[0], rtol=1e-9)
    np.testing.assert_allclose(after.extremes[0], real.extremes[0])
    np.testing.assert_array_equal(after.cells("x"), real.cells("x"))
    assert put(world, "x", (Change.MULTIPLY, 1000.0)).cells("x")[FAR_ABOVE] == window.rows


def test_a_new_level_comes_into_a_cell_that_the_reference_has_no_rows_in(world):
    reference, window = world
    after = put(world, "kind", (Change.NAME, 0.05), 0.0)
    tail = after.cells("kind")[1:FIRST_LEVEL]
    assert (tail.sum(), reference.cells("kind")[1:FIRST_LEVEL].sum()) == (200, 0)
    assert "a level that was planted" in after.examples[window.schema.by_name["kind"]]


def test_twice_the_odds_of_the_positive_class_move_the_scores_to_where_it_is_scored():
    """Scores are even in (0, 1) and right: density 1 becomes (1 + s) / 1.5, with the mean 5 / 9."""
    from small_models import model, plan

    reference = model(plan(zone="UTC")).references[0].reference.profile
    position = reference.schema.by_name["out"]
    assert refusal(reference.schema, position, DRIFTS["prior_shift"]) == ""
    after = planted(reference, reference, position, (Change.REBALANCE, 2.0), 0.5)
    row = reference.schema.numeric.index(position)
    assert after.mean(row) - reference.mean(row) == pytest.approx(5 / 9 - 1 / 2, abs=0.015)


def test_nothing_is_planted_into_nothing(world):
    reference, window = world
    none = Profile.zero(window.schema)
    assert planted(none, reference, 0, SHIFT, 0.5) is none
    for change in (SHIFT, STRETCH, (Change.LOSE, 0.05), (Change.MULTIPLY, 1000.0)):
        one = counted(window.schema, table(np.random.default_rng(1), 1))
        assert planted(one, reference, 0, change, 0.3).cells("x").sum() == 1


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("kind", "mean", "'kind' holds no numbers"),
        ("kind", "unit", "'kind' holds no numbers"),
        ("same", "mean", "'same' is constant, and has no spread to measure a shift by"),
        ("x", "new_level", "'x' holds no levels"),
        ("x", "prior_shift", "of 'x' it is not kept how it goes with the label; only the prediction is"),
        ("x", "gradual", ""),
        ("kind", "nulls", ""),
        ("kind", "new_level", ""),
    ],
)
def test_what_counts_cannot_show_is_refused_with_the_reason(world, name, kind, why):
    schema = world[0].schema
    assert refusal(schema, schema.by_name[name], DRIFTS[kind]) == why


def test_a_drift_grows_lasts_and_ends_as_it_says():
    assert [DRIFTS["gradual"].at(k) for k in (0, 9, 19, 29)] == pytest.approx([0.025, 0.25, 0.5, 0.5])
    assert [DRIFTS["spike"].at(k) for k in range(3)] == [1.0, None, None]
    assert [DRIFTS["unit"].at(k) for k in (0, 20)] == [1000.0, 1000.0]


def test_amounts_become_counts_that_add_up_to_the_same_and_are_never_off_by_a_row():
    rng = np.random.default_rng(2)
    for k in range(100):
        amounts = rng.dirichlet(np.full(40, 0.3)) * int(rng.integers(1, 500))
        counts = whole(amounts, offset_of(k))
        assert counts.sum() == round(amounts.sum())
        assert np.abs(np.cumsum(counts) - np.cumsum(amounts)).max() < 1
        assert counts.min() >= 0
