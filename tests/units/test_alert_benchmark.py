"""The benchmarks of alerting measure what they say they do: tiny runs of their parts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="benchmarks are not part of the package")


def load(folder, name):
    """A file of a folder whose files import each other by their bare names, which others use too."""
    names = {path.stem for path in folder.glob("*.py")}
    kept = {each: sys.modules.pop(each) for each in names if each in sys.modules}
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for each in names:
            sys.modules.pop(each, None)
        sys.modules.update(kept)


@pytest.fixture(scope="module")
def alerts():
    return load(BENCHMARKS / "trust", "alerts")


@pytest.fixture(scope="module")
def worlds():
    return load(BENCHMARKS / "trust", "alert_worlds")


@pytest.fixture(scope="module")
def world(alerts):
    return alerts.World("independent", 4, 200, 0, alerts.BEFORE + alerts.AFTER)


def values(table, name):
    return table.column(name).to_numpy()


def draw(worlds, twist="", rows=40_000):
    return worlds.drawn(np.random.default_rng(1), np.zeros((1, 12)), rows, twist)


def auc(table):
    order = np.argsort(np.argsort(values(table, "score"))) + 1
    positive = values(table, "label") == 1
    n, m = positive.sum(), (~positive).sum()
    return (order[positive].sum() - n * (n + 1) / 2) / (n * m)


def test_the_interval_of_a_poisson_count_is_the_known_one(alerts):
    assert alerts.interval(0) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert alerts.interval(4) == pytest.approx((1.0899, 10.2416), abs=1e-4)


def test_a_score_is_the_probability_of_its_label(worlds):
    table = draw(worlds)
    assert values(table, "label").mean() == pytest.approx(values(table, "score").mean(), abs=0.01)
    assert auc(table) > 0.75


def test_a_prior_shift_doubles_the_odds_and_leaves_the_classes_as_they_look(worlds):
    before, after = draw(worlds), draw(worlds, "prior")
    odds = [share / (1 - share) for share in (values(before, "label").mean(), values(after, "label").mean())]
    assert odds[1] / odds[0] == pytest.approx(2.0, rel=0.06)
    positives = [values(each, "c0")[values(each, "label") == 1].mean() for each in (before, after)]
    assert positives[1] == pytest.approx(positives[0], abs=0.04)
    assert len(after) == len(before)


def test_a_concept_shift_leaves_the_scores_and_spoils_their_order(worlds):
    before, after = draw(worlds), draw(worlds, "concept")
    assert (values(before, "score") == values(after, "score")).all()
    assert auc(after) < auc(before) - 0.1


def test_a_change_of_correlation_leaves_each_column_by_itself_as_it_was(worlds):
    before, after = draw(worlds), draw(worlds, "correlation")
    one, other = values(after, "c2"), values(after, "c10")
    assert np.corrcoef(one, other)[0, 1] == pytest.approx(0.9, abs=0.01)
    assert abs(np.corrcoef(values(before, "c2"), values(before, "c10"))[0, 1]) < 0.03
    assert other.mean() == pytest.approx(0.0, abs=0.03)
    assert other.std() == pytest.approx(1.0, abs=0.03)


def test_a_new_level_takes_a_tenth_of_the_rows(worlds):
    column = draw(worlds, "level").column("c8").combine_chunks()
    assert np.mean(np.array(column.dictionary_decode().to_pylist()) == "level new") == pytest.approx(0.1, abs=0.01)


def test_the_same_number_gives_the_same_windows_and_another_one_others(world):
    one, two, other = ([p.counts for p in world.profiles(None, number)] for number in (0, 0, 1))
    assert len(one) == world.live
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


def test_what_is_planted_begins_when_it_says(alerts, worlds, world):
    change = worlds.Planted(frozenset({"c3"}), states={3: np.log(1000.0)})
    with_it, without = list(world.profiles(change)), list(world.profiles())
    same = [(a.counts == b.counts).all() for a, b in zip(with_it, without, strict=True)]
    assert all(same[: alerts.BEFORE])
    assert not any(same[alerts.BEFORE :])


def test_a_change_of_unit_is_told_in_its_first_window_and_only_of_its_column(alerts, worlds, world):
    hit = alerts.Hit()
    hit.add(world, alerts.Fixed(world), worlds.Planted(frozenset({"c3"}), states={3: np.log(1000.0)}), 0)
    assert hit.delays[alerts.OURS].delays == [1]
    assert hit.delays[alerts.PSI_HIGH].delays == [1]
    assert hit.opened >= 1
    missed = alerts.Hit()
    missed.add(world, alerts.Fixed(world), worlds.Planted(frozenset({"no column"}), states={3: np.log(1000.0)}), 0)
    assert missed.delays[alerts.OURS].delays == [np.inf]


def test_quiet_months_are_counted_with_all_of_their_windows(alerts, world):
    found = alerts.Quiet()
    found.add(world)
    assert found.windows == world.live
    assert found.months == pytest.approx(world.live / 30)
    assert all(tally.of == world.live for tally in found.rivals.values())
    assert sum(found.rules.values()) == found.opened[alerts.PAGE] + found.opened[alerts.TICKET]


def test_only_a_rate_that_is_surely_above_the_budget_is_called_so(alerts):
    months = alerts.Quiet(windows=300)
    months.opened[alerts.TICKET] = 45
    assert not months.above({alerts.TICKET: 4.0})
    months.opened[alerts.TICKET] = 80
    assert months.above({alerts.TICKET: 4.0})


def test_the_speed_benchmark_makes_the_alerts_that_it_times(capsys):
    speed = load(BENCHMARKS / "speed", "alerts")
    running = speed.Running(speed.one_rule())
    running.take([False] * 30)
    _, folded = running.take([True] * 30)
    assert len(folded.transitions) == 30
    assert sum(len(incident.members) for incident in folded.incidents) == 30
    assert speed.history((10, 12)) > 0
    assert "| 12 |" in capsys.readouterr().out
