"""The monitor over time: its parts against their theory, and its promise on windows without any change."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from scipy import special, stats

import small_models
from driftline.core.errors import IncompatibleProfiles
from driftline.core.ledger import Step
from driftline.core.records import Scope, Status
from driftline.drift.control import MEMORY, Memory, accumulated
from driftline.drift.counted import count_scores, skew_corrected
from driftline.drift.monitor import FEWEST, Baseline, learn, measurements, monitor, scores
from driftline.drift.phases import learn_phases
from driftline.drift.rehearsal import gumbel_line, line_at
from driftline.drift.wobble import digamma, inverse_trigamma, learn_wobble, normal_scores, trigamma
from driftline.profiles.fit import SchemaSpec, fit
from driftline.profiles.gather import Gathering
from driftline.profiles.profile import Profile

ROWS = 400


def table(rng, windows, shift=0.0, rows=ROWS):
    count = windows * rows
    return pa.table(
        {
            "x": rng.normal(size=count) + shift,
            "y": np.exp(rng.normal(size=count)),
            "whole": rng.poisson(3, count),
            "gaps": pa.array(rng.normal(size=count), mask=rng.random(count) < 0.05),
            "kind": pa.array(rng.choice(["a", "b", "c", "d"], count, p=[0.5, 0.3, 0.15, 0.05])),
            "flag": rng.random(count) < 0.3,
        }
    )


def cut(schema, rows_of, rows=ROWS):
    gathering = Gathering(schema)
    start = 0
    for batch in rows_of.to_batches():
        gathering.add(batch, np.arange(start, start + len(batch)) // rows, len(rows_of) // rows)
        start += len(batch)
    return gathering.profiles()


def world(seed=0, windows=60, shift=0.0):
    """A reference, its windows, and a generator for more."""
    rng = np.random.default_rng(seed)
    first = table(rng, windows, shift)
    schema, _ = fit(first.schema, first.to_batches(), SchemaSpec())
    history = cut(schema, first)
    return reduce(add, history), history, rng


@pytest.fixture(scope="module")
def known():
    reference, history, rng = world()
    return reference, history, rng, learn(reference, history, [0] * 60, alarms_per_window=0.01)


# ---------------------------------------------------------------- the parts


@pytest.mark.parametrize(
    ("x", "mean", "expected"),
    [
        (0, 0.01, stats.norm.ppf(np.exp(-0.01) / 2)),  # nothing where nothing is expected is nothing special
        (3, 3.0, -stats.norm.ppf(stats.poisson.sf(3, 3) + stats.poisson.pmf(3, 3) / 2)),  # the middle of the tail near the mean
        (12, 3.0, -stats.norm.ppf(stats.poisson.sf(11, 3))),  # the whole tail far out
        (2, 0.02, -stats.norm.ppf(stats.poisson.sf(1, 0.02))),  # two rows where hardly one is expected
        (0, 12.0, stats.norm.ppf(stats.poisson.cdf(0, 12))),  # too few
    ],
)
def test_few_rows_have_the_normal_score_of_their_poisson_tail(x, mean, expected):
    n = np.array([100_000.0])
    assert count_scores(np.array([float(x)]), n, mean / n)[0] == pytest.approx(expected, abs=0.01)


def test_many_rows_have_the_score_of_the_arcsine_scale():
    x, n, p = np.array([560.0]), np.array([1000.0]), np.array([0.5])
    assert count_scores(x, n, p)[0] == pytest.approx(60 / np.sqrt(250), rel=0.02)


@pytest.mark.parametrize("mean", [0.003, 0.3, 3.0, 15.0, 60.0])
def test_a_rate_without_a_change_passes_a_score_no_more_often_than_a_normal_number(mean):
    counts = np.arange(400.0)
    found = count_scores(counts, np.full(400, 1e5), np.full(400, mean / 1e5))
    assert (np.diff(found) >= 0).all()
    for line in (3.0, 4.0, 5.0):
        assert stats.poisson.pmf(counts, mean)[found >= line].sum() <= stats.norm.sf(line) * 1.25


def test_skewed_sums_become_normal():
    """The mean of 100 exponential values has skewness 0.2; its 0.001 quantiles become those of a normal number."""
    for tail in (0.001, 0.999):
        z = (stats.gamma.ppf(tail, 100) - 100) / 10
        assert skew_corrected(np.array([z]), np.array([0.2]))[0] == pytest.approx(stats.norm.ppf(tail), abs=0.01)


@pytest.mark.parametrize("degrees", [8.0, 20.0, 59.0, 1e6])
def test_the_t_map_gives_the_normal_score(degrees):
    t = stats.t.isf(np.array([0.3, 0.01, 1e-4, 1e-5]), degrees)
    expected = stats.norm.isf([0.3, 0.01, 1e-4, 1e-5])
    assert normal_scores(t, np.full(4, degrees)) == pytest.approx(expected, abs=0.03)
    assert normal_scores(-t, np.full(4, degrees)) == pytest.approx(-expected, abs=0.03)


def test_cumulative_sums_by_hand():
    """Allowance 0.5, cap 6: 1.0 - 0.5 = 0.5; + 2 - 0.5 = 2; - 3 falls to 0; 9 counts as 6, so 5.5. Below: 0, 0, 2.5, 0."""
    series = np.array([[1.0], [2.0], [-3.0], [9.0]], np.float32)
    expected = [(0.5, 0.0), (2.0, 0.0), (0.0, 2.5), (5.5, 0.0)]
    for k, (upper, lower) in enumerate(expected):
        found = accumulated(series[: k + 1])
        assert (float(found[0][0]), float(found[1][0])) == pytest.approx((upper, lower))


def test_sums_forget_what_is_older_than_thirty_windows():
    old = np.full((5, 1), 5.0, np.float32)
    recent = np.full((MEMORY, 1), 0.6, np.float32)
    assert accumulated(np.concatenate([old, recent]))[0] == pytest.approx(accumulated(recent)[0])


def test_rehearsed_sums_are_those_of_the_last_windows():
    series = np.random.default_rng(1).normal(0.2, 2.0, (100, 3, 4)).astype(np.float32)
    memory = Memory((3, 4))
    for t in range(100):
        upper, lower = accumulated(series[: t + 1])
        assert memory.after(series[t]) == pytest.approx(np.maximum(upper, lower), abs=1e-4)


def test_phase_means_are_drawn_in_by_hand():
    """Two phases of four windows: means 1 and -1, residuals +-0.2. Within 8 * 0.04 / 6, between 1 - within / 4."""
    effects = np.array([1.2, -1.2, 0.8, -0.8, 1.2, -1.2, 0.8, -0.8])[:, None]
    phases, left = learn_phases(effects, [0, 1] * 4)
    within = 8 * 0.04 / 6
    weight = (1 - within / 4) / 1.0
    assert phases.of(0)[0] == pytest.approx(weight)
    assert phases.of(1)[0] == pytest.approx(-weight)
    assert left[0, 0] == pytest.approx(weight * (0.8 + 1.2 + 0.8) / 3)  # the others of its phase
    assert phases.of(7)[0] == 0.0  # never seen


def test_phases_with_few_windows_are_not_told_apart():
    phases, left = learn_phases(np.arange(7.0)[:, None], [0, 0, 0, 0, 1, 1, 1])
    assert not len(phases.numbers)
    assert not left.any()


def test_the_functions_behind_the_variances():
    x = np.array([0.5, 1.0, 2.5, 29.5, 1e4])
    assert digamma(x) == pytest.approx(special.digamma(x), abs=1e-8)
    assert trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-7)
    assert inverse_trigamma(special.polygamma(1, x)) == pytest.approx(x, rel=1e-4)


def test_wobble_is_what_is_left_beyond_sampling():
    """Scores of variance 1 + 1000 * 0.009 = 10 in half of the signals, 1 in the others."""
    rng = np.random.default_rng(0)
    scale = np.where(np.arange(40) < 20, np.sqrt(10.0), 1.0)
    found, _ = learn_wobble(rng.normal(size=(200, 40)) * scale, np.full((200, 40), 1000.0), [0] * 20 + [1] * 20)
    assert found.kappa[:20].mean() == pytest.approx(0.009, rel=0.1)
    assert found.kappa[20:].max() < 0.0001
    assert found.windows.mean() > 170


def test_windows_that_resemble_their_neighbours_count_for_fewer():
    """An AR(1) with 0.6: R (1 - 0.6) / (1 + 0.6) = 100 of 400."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 10))
    for t in range(1, 400):
        z[t] = 0.6 * z[t - 1] + 0.8 * z[t]
    found, _ = learn_wobble(3 * z, np.full((400, 10), 100.0), [0] * 10)
    assert found.windows.mean() == pytest.approx(100, rel=0.15)


def test_a_line_is_met_as_often_as_asked():
    """Of independent normal numbers a line is passed upwards with P(Z >= h) P(Z < h)."""
    values = np.random.default_rng(0).normal(size=(500, 400)).astype(np.float32)
    assert line_at(values, 0.01) == pytest.approx(stats.norm.isf(0.0101), abs=0.02)
    assert line_at(values, 1e-5) == pytest.approx(stats.norm.isf(1e-5), abs=0.35)  # extended: 2 alarms in all
    assert line_at(values, 1e-5) > line_at(values, 1e-4) > line_at(values, 1e-3)


def test_the_gumbel_line_is_the_quantile():
    largest = stats.gumbel_r.rvs(2.5, 0.3, size=20_000, random_state=0)
    assert gumbel_line(largest, 0.01) == pytest.approx(stats.gumbel_r.isf(0.01, 2.5, 0.3), abs=0.05)


# ---------------------------------------------------------------- the whole


def test_scores_without_a_change_have_variance_one(known):
    reference, _, rng, baseline = known
    found = np.stack([scores(baseline, reference, w, 0) for w in cut(reference.schema, table(rng, 200))])
    busy = baseline.wobble.seen > 0.5
    assert found[:, busy].mean(axis=0) == pytest.approx(0.0, abs=0.5)
    assert (found[:, busy] ** 2).mean() == pytest.approx(1.0, abs=0.12)
    assert np.isfinite(found).all()


@pytest.mark.slow
def test_independent_windows_keep_the_budget():
    """Ten references of 60 windows, 150 windows each: 15 alarms are allowed on average, 26 once in a hundred times."""
    begun = 0
    for seed in range(10):
        reference, history, rng = world(seed)
        baseline = learn(reference, history, [0] * 60, alarms_per_window=0.01, seed=seed)
        series = [scores(baseline, reference, w, 0) for w in cut(reference.schema, table(rng, 150))]
        beyond = [any(w.beyond for w in monitor(baseline, series[: i + 1], reference.schema)) for i in range(150)]
        begun += sum(now and not before for before, now in zip([False, *beyond], beyond, strict=False))
    assert 1 <= begun <= 26


def test_a_jump_is_a_surprise_and_a_small_shift_adds_up(known):
    reference, _, rng, baseline = known
    schema = reference.schema
    jump = monitor(baseline, [scores(baseline, reference, w, 0) for w in cut(schema, table(rng, 1, shift=0.5))], schema)
    at = {watch.column: watch for watch in jump}
    assert at["x"].surprise >= at["x"].surprise_limit
    assert (at["x"].component, at["x"].beyond) == ("location", True)
    assert "location is" in at["x"].note
    small = [scores(baseline, reference, w, 0) for w in cut(schema, table(rng, 25, shift=-0.1))]
    last = {watch.column: watch for watch in monitor(baseline, small, schema)}["x"]
    assert last.accumulated >= last.accumulated_limit
    assert (last.accumulated_component, last.beyond) == ("location", True)
    assert "below" in last.note
    assert [watch.column for watch in jump] == ["x", "y", "whole", "gaps", "kind", "flag"]


@pytest.mark.parametrize(
    ("name", "change", "component"),
    [
        ("gaps", lambda rng, n: pa.array(rng.normal(size=n), mask=rng.random(n) < 0.25), "missing"),
        ("kind", lambda rng, n: pa.array(rng.choice(["a", "b", "c", "d", "new"], n, p=[0.49, 0.29, 0.15, 0.05, 0.02])), "unseen levels"),
        ("kind", lambda rng, n: pa.array(rng.choice(["a", "b", "c", "d"], n, p=[0.46, 0.27, 0.13, 0.14])), "level 'd'"),
        ("y", lambda rng, n: np.exp(2 * rng.normal(size=n)), "spread"),
        ("x", lambda rng, n: np.where(rng.random(n) < 0.02, 1e6, rng.normal(size=n)), "above the range"),
        ("x", lambda rng, n: np.where(rng.random(n) < 0.02, -np.inf, rng.normal(size=n)), "infinite"),
        ("flag", lambda rng, n: rng.random(n) < 0.5, "level 'true'"),
    ],
)
def test_what_changed_is_named(known, name, change, component):
    reference, _, _, baseline = known
    rng = np.random.default_rng(5)
    changed = table(rng, 1)
    changed = changed.set_column(changed.schema.names.index(name), name, pa.array(change(rng, ROWS)))
    watch = {w.column: w for w in monitor(baseline, [scores(baseline, reference, cut(reference.schema, changed)[0], 0)], reference.schema)}
    assert watch[name].beyond
    assert watch[name].component == component


def test_the_same_weekday_is_no_surprise():
    """Every seventh day is half a deviation higher: told the weekday, it is normal; not told, the column counts as restless."""
    rng = np.random.default_rng(3)
    days = [table(rng, 1, shift=0.5 * (day % 7 == 6)) for day in range(77)]
    schema, _ = fit(days[0].schema, pa.concat_tables(days[:70]).to_batches(), SchemaSpec())
    profiles = [cut(schema, day)[0] for day in days]
    reference = reduce(add, profiles[:70])
    told = learn(reference, profiles[:70], [d % 7 for d in range(70)], alarms_per_window=0.01)
    plain = learn(reference, profiles[:70], [0] * 70, alarms_per_window=0.01)
    sunday = monitor(told, [scores(told, reference, profiles[76], 6)], schema)[0]
    wrong = monitor(told, [scores(told, reference, profiles[76], 2)], schema)[0]
    assert not sunday.beyond
    assert wrong.beyond
    assert told.wobble.kappa[0] < plain.wobble.kappa[0] / 3


def test_lines_can_be_raised(known):
    reference, history, _, baseline = known
    series = [scores(baseline, reference, history[0], 0)]
    plain, raised = (monitor(baseline, series, reference.schema, raised=r)[0] for r in (0.0, 1.0))
    assert raised.surprise_limit == pytest.approx(plain.surprise_limit + 1)
    assert raised.accumulated_limit == pytest.approx(plain.accumulated_limit + 2)
    assert raised.note.endswith("raised by 1 and 2 because people closed false alarms")
    assert "raised" not in plain.note


def test_a_model_passes_on_by_how_much_the_lines_of_a_step_are_raised():
    lines = {}
    for raised in (0.0, 0.5):
        made = replace(small_models.model(), raised={"drift": raised})
        small_models.deliver(made, [small_models.Row(f"{i}", i / 20) for i in range(100)])
        small_models.evaluate_all(made, as_of=small_models.START + 24 * small_models.HOUR)
        for step in (Step.DRIFT, Step.PREDICTIONS):
            found = made.store.evaluations(made.name, step)[0].measurements
            lines[step, raised] = [m.limit for m in found if m.metric == "surprise"]
    assert lines[Step.DRIFT, 0.5] == pytest.approx([limit + 0.5 for limit in lines[Step.DRIFT, 0.0]])
    assert lines[Step.PREDICTIONS, 0.5] == lines[Step.PREDICTIONS, 0.0] != []


def test_a_smaller_budget_means_higher_lines():
    reference, history, _ = world(1, windows=20)
    strict, loose = (learn(reference, history, [0] * 20, alarms_per_window=rate).lines for rate in (0.0005, 0.05))
    assert strict.surprise > loose.surprise
    assert strict.accumulated > loose.accumulated


def test_few_windows_teach_nothing():
    reference, history, _ = world(2, windows=FEWEST)
    assert learn(reference, history[:-1], [0] * (FEWEST - 1), alarms_per_window=0.01) is None
    assert learn(reference, history, [0] * FEWEST, alarms_per_window=0.01) is not None
    assert learn(reference, history, [0] * FEWEST, alarms_per_window=0.01, columns=()) is None


def test_a_baseline_survives_being_stored(known):
    reference, history, _, baseline = known
    facts, arrays = baseline.to_arrays()
    again = Baseline.from_arrays(json.loads(json.dumps(facts)), {name: array.copy() for name, array in arrays.items()})
    assert again.to_arrays()[0] == facts
    assert (scores(again, reference, history[3], 0) == scores(baseline, reference, history[3], 0)).all()


def test_another_schema_is_refused(known):
    reference, _, _, baseline = known
    other, history, _ = world(9, windows=FEWEST)
    with pytest.raises(IncompatibleProfiles, match="baseline"):
        scores(baseline, reference, history[0], 0)
    with pytest.raises(IncompatibleProfiles, match="baseline"):
        scores(baseline, other, history[0], 0)


def test_hostile_windows_have_finite_scores(known):
    """No row at all, one row, every row missing, a billion rows alike."""
    reference, history, _, baseline = known
    schema = reference.schema
    empty = Profile.zero(schema)
    one = cut(schema, table(np.random.default_rng(0), 1, rows=1), rows=1)[0]
    missing = pa.table({f.name: pa.nulls(50, f.type) for f in table(np.random.default_rng(0), 1).schema})
    billion = reduce(lambda p, _: p + p, range(22), history[0])
    assert not scores(baseline, reference, empty, 0).any()
    for window in (one, cut(schema, missing, rows=50)[0], billion):
        found = scores(baseline, reference, window, 0)
        assert np.isfinite(found).all()
    assert monitor(baseline, [], schema) == []


def test_measurements_say_where_rows_are_too_few(known):
    reference, history, _, baseline = known
    schema = reference.schema
    one = cut(schema, table(np.random.default_rng(0), 1, rows=10), rows=10)[0]
    for window, status in ((history[0], Status.OK), (one, Status.INSUFFICIENT), (Profile.zero(schema), Status.NODATA)):
        watches = monitor(baseline, [scores(baseline, reference, window, 0)], schema, columns=[0, 4])
        found = measurements(watches, Scope(model="m"), window)
        assert [(m.column, m.metric) for m in found] == [(c, m) for c in ("x", "kind") for m in ("surprise", "accumulated")]
        assert {m.status for m in found} == {status}
        assert all((m.value is None) == (status is Status.NODATA) for m in found)
        assert all(m.limit > 0 and m.beyond in (None, False) for m in found)
