"""Rules replayed over the past: the numbers add up, nothing is kept, and a planted drift is found when it can be."""

import json
from argparse import Namespace
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from driftline.alerting.defaults import rules_of
from driftline.alerting.delays import Planted, Trial, starts_of
from driftline.alerting.records import EMPTY, Closing, Key, Reaction, Stage
from driftline.alerting.replay import Known, backtest
from driftline.alerting.rules import Rule
from driftline.alerting.spec import BudgetSpec
from driftline.cli import backtest as verb
from driftline.core.errors import UsageError
from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Measurement, Scope, Status, Window
from driftline.core.verdicts import Severity
from driftline.engine.backtest import pages_per_month, past_of, replayed
from driftline.engine.evaluate import evaluate
from driftline.engine.plant import Sown, kinds_of, plant
from driftline.engine.timeline import Timeline
from driftline.profiles.planting import DRIFTS
from driftline.report.backtest_text import backtest_text, to_dict
from small_models import START, Row, model, plan, predictions, take

DAY = timedelta(days=1)
RULES = {
    "Nulls": Rule(
        name="Nulls",
        step=Step.DRIFT,
        metric=("missing_rate",),
        when={"above": {"value": 0.2}},
        severity=Severity.CRITICAL,
        group="inputs",
    ),
    "Late": Rule(name="Late", step=Step.PERFORMANCE, metric=("coverage",), when={"below": {"value": 0.5}}, group="labels"),
}


def day(i):
    return Window(START + i * DAY, START + (i + 1) * DAY)


def of(**more):
    """A model of daily windows without segments."""
    return model(plan(zone="UTC", segments=(), **more))


def measured(i, metric, value, column=None, **more):
    return Measurement(metric, value, Scope("small", window=day(i)), 50, column, **{"beyond": False, **more})


def lived(made, nulls, coverage=None, *, digest="plan"):
    """Evaluations as they might have been: the share of missing values of `x` of each day, and the coverage of labels."""
    found = []
    for i, share in enumerate(nulls):
        more = {"status": Status.INSUFFICIENT, "beyond": None} if share is None else {}
        measurement = measured(i, "missing_rate", share, "x", **more)
        found.append(Evaluation(Step.DRIFT, day(i), day(i).end, day(i).end, 1, digest, "ref", (measurement,)))
    for i, share in enumerate(coverage or ()):
        found.append(Evaluation(Step.PERFORMANCE, day(i), day(i).end, day(i).end, 1, digest, "ref", (measured(i, "coverage", share),)))
    made.store.save(made.name, found)
    return made


def spikes(days, *at):
    return [0.4 if i in at else 0.01 for i in range(days)]


def test_a_spike_of_the_past_would_have_paged_once():
    made = lived(of(), spikes(60, 20, 21), [0.9] * 60)
    found = replayed(made, RULES, now=day(60).end)
    (fired,) = found.fired
    assert (fired.rule, fired.severity, fired.times, fired.windows) == ("Nulls", Severity.CRITICAL, 1, 2)
    assert (fired.first, fired.last) == (day(20).start, day(20).start)
    assert [(key.column, count) for key, count in fired.identities] == [("x", 1)]
    assert (fired.strongest.value, fired.strongest.limit) == (0.4, 0.2)
    assert (found.windows, found.months, found.pages.count, found.tickets.count) == (60, 2.0, 1, 0)
    assert [each.rule for each in found.quiet] == ["Late"]
    (incident,) = found.incidents
    assert (incident.severity, incident.incident.opened, incident.incident.ended) == (Severity.CRITICAL, day(20).end, day(22).end)


def test_rates_have_the_exact_interval_of_poisson():
    """Four pages in two months; the interval of a Poisson number is that of chi-square quantiles."""
    found = replayed(lived(of(), spikes(60, 5, 15, 25, 35)), RULES, now=day(60).end)
    low, high = stats.chi2.ppf(0.025, 8) / 2 / 2, stats.chi2.ppf(0.975, 10) / 2 / 2
    assert found.pages.count == 4
    assert (found.pages.rate.per_month, found.pages.rate.low, found.pages.rate.high) == pytest.approx((2.0, low, high), rel=1e-6)
    assert sum(fired.times for fired in found.fired) == 4


@pytest.mark.parametrize(
    ("pages", "over"),
    [(3, False), (6, False), (11, True)],
    ids=["few", "more than allowed, perhaps by chance", "surely more"],
)
def test_over_budget_is_what_surely_is(pages, over):
    made = lived(of(), spikes(120, *range(5, 5 + 10 * pages, 10)))
    found = replayed(made, RULES, now=day(120).end)
    assert (found.pages.count, found.is_over_budget, found.may_page) == (pages, over, not over)
    last = replayed(made, RULES, now=day(120).end, start=day(30).start)  # ninety days
    assert pages_per_month(made, RULES, day(120).end) == last.pages.rate.low
    assert ("these rules may not page" in backtest_text(found)) == over


def test_a_reason_confirms_what_is_over_budget():
    made = lived(of(alerts={"budget": {"confirmed": "ann knows"}}), spikes(120, *range(5, 115, 10)))
    found = replayed(made, RULES, now=day(120).end)
    assert (found.is_over_budget, found.may_page) == (True, True)
    assert "confirmed: ann knows" in backtest_text(found)


@pytest.mark.parametrize(("closing", "counted"), [(Closing.REAL_FIXED, 1), (Closing.FALSE_ALARM, 2)])
def test_incidents_that_were_real_are_not_counted(closing, counted):
    made = lived(of(), spikes(60, 20, 40))
    first = replayed(made, RULES, now=day(60).end).incidents[0].incident
    closed = replace(first, id="inc_other", stage=Stage.CLOSED, closing=closing, ended=first.ended)
    made.store.react(made.name, Reaction(replace(EMPTY, revision=1), incidents=(closed,)))
    found = replayed(made, RULES, now=day(60).end)
    assert [each.real for each in found.incidents] == [counted == 1, False]
    assert (found.pages.count, found.pages.real, found.pages.rate.per_month) == (2, 2 - counted, counted / 2)


def test_what_it_cannot_know_is_counted_and_said():
    made = lived(of(), [0.01, None, 0.01, None, 0.3], digest="another")
    found = replayed(made, RULES, now=day(60).end)
    assert (found.evaluations, found.other_plans, found.thin, found.blind, found.is_short) == (5, 5, 2, 2, True)
    told = backtest_text(found)
    for words in (
        "shorter than a month",
        "5 of 5 evaluations were made with another configuration",
        "in 2 windows something had too few rows",
    ):
        assert words in " ".join(told.split())


def test_the_latest_evaluation_of_a_window_counts():
    made = lived(lived(of(), spikes(40, 10)), spikes(40))
    assert replayed(made, RULES, now=day(60).end).fired == ()


def test_an_empty_history_and_one_window():
    made = of()
    assert replayed(made, RULES, now=day(1).end) is None
    assert pages_per_month(made, RULES, day(1).end) is None
    past = past_of(made, RULES, now=day(1).end)
    assert plant(made, RULES, past, kinds_of(["all"])) == []
    assert to_dict(None)["windows"] == 0
    lived(made, [0.4])
    found = replayed(made, RULES, now=day(1).end)
    assert (found.windows, found.pages.count) == (1, 1)
    assert found.months == pytest.approx(1 / 30)
    assert pages_per_month(made, RULES, day(1).end) is None


def test_a_stretch_is_replayed_by_itself():
    made = lived(of(), spikes(60, 5, 40))
    found = replayed(made, RULES, now=day(60).end, start=day(30).start, end=day(50).start)
    assert (found.windows, found.start, found.end, found.pages.count) == (20, day(30).start, day(50).start, 1)


def test_pages_per_month_need_a_month():
    assert pages_per_month(lived(of(), spikes(29, 5)), RULES, day(60).end) is None
    assert pages_per_month(lived(of(), spikes(30, 5)), RULES, day(60).end) == pytest.approx(stats.chi2.ppf(0.025, 2) / 2, rel=1e-6)
    old = lived(of(), spikes(200, *range(0, 100, 3)))
    assert pages_per_month(old, RULES, day(200).end) == 0.0  # older than ninety days


def test_text_and_json_say_the_same():
    made = lived(of(), spikes(60, 20, 40), [0.9] * 30 + [0.1] * 30)
    found = replayed(made, RULES, now=day(60).end)
    tried = [Planted("mean", "mean +0.5 sd", "x\x1b[2J", (Trial(day(3).start, 2, 2, Key("Nulls", "verdict"), Severity.WARNING),))]
    tried.append(Planted("unit", "values x1000", "x\x1b[2J", (Trial(day(3).start, 30), Trial(day(4).start, 30))))
    tried.append(Planted("new_level", "a level", "x\x1b[2J", refused="it holds no levels"))
    told, read = backtest_text(found, tried, width=80), json.loads(json.dumps(to_dict(found, tried), allow_nan=False))
    assert all(len(line) <= 80 for line in told.splitlines())
    assert "\x1b" not in told
    for words in ("Nulls", "2 times", "2 pages", "1 ticket", "after 2 windows (1 of 1 start), first by Nulls (ticket)"):
        assert words in " ".join(told.split())
    assert "not found within the 30 windows (0 of 2 starts)" in told
    assert "not planted: new_level (it holds no levels)" in told
    assert [(rule["rule"], rule["times"]) for rule in read["rules"]] == [("Nulls", 2), ("Late", 1)]
    assert (read["pages"]["count"], read["tickets"]["count"], read["over_budget"]) == (2, 1, False)
    assert [(each["median"], each["found"], each["starts"]) for each in read["planted"]] == [(2, 1, 1), (None, 0, 2), (None, 0, 0)]
    assert len(read["incidents"]) == 3


def test_muted_incidents_are_nobody_s_pages():
    muted = {"sale": {"from_": "2026-04-10", "to": "2026-04-20"}}
    made = lived(of(alerts={"muted": muted}), spikes(60, 16, 40))
    found = replayed(made, RULES, now=day(60).end)
    assert (found.fired[0].times, found.pages.count) == (2, 1)


def test_the_pure_core_needs_no_store():
    past = past_of(lived(of(), spikes(40, 5)), RULES, now=day(60).end)
    strict = Known(BudgetSpec(pages_per_month=0.001), evaluations=40)
    assert backtest(past.ticks, RULES, past.frame, strict).is_over_budget
    assert backtest([], RULES, past.frame, strict) is None


# ---------------------------------------------------------------- planted drift


DAYS, ROWS = 30, 70


@pytest.fixture(scope="module")
def live():
    """A model with 30 quiet days, evaluated by steps 2 and 3; a null spike in `x` on two of them."""
    made = of(drift={"importance": {"x": 1.0}})
    rows = [Row(f"p{d}-{i}", 24 * d + 24 * (i + 0.5) / ROWS, seed=d) for d in range(DAYS) for i in range(ROWS)]
    table = predictions(rows)
    spiked = np.repeat(np.isin(np.arange(DAYS), (4, 5)), ROWS)
    x = pa.array(np.array(table["x"].to_pylist(), float), mask=spiked | table["x"].is_null().to_numpy())
    now = START + DAYS * DAY
    take(made, table.set_column(table.schema.get_field_index("x"), "x", x), now=now)
    for step in (Step.DRIFT, Step.PREDICTIONS):
        evaluate(made, step, as_of=now, now=now)
    return made


def everything(made):
    """All that a store holds of a model."""
    mine = made.store._read(made.name)
    return {name: repr(getattr(mine, name)) for name in mine.__slots__} if hasattr(mine, "__slots__") else repr(vars(mine))


def planting(made, kinds, columns):
    rules = rules_of(made.plan.alerts)
    return plant(made, rules, past_of(made, rules, now=START + DAYS * DAY), kinds_of(kinds), columns)


def test_a_planted_drift_is_found_and_nothing_is_written(live):
    before = everything(live)
    found = {each.kind: each for each in planting(live, ["unit", "spike", "new_level", "prior_shift"], ["x"])}
    assert everything(live) == before
    assert (found["unit"].median, found["unit"].found) == (1, 5)
    assert found["unit"].told[1].rank >= Severity.WARNING.rank
    assert found["new_level"].refused == "'x' holds no levels"
    assert "only the prediction is" in found["prior_shift"].refused
    assert not found["spike"].is_found  # a shift of one window is what two of three windows are asked for
    assert {trial.looked for trial in found["spike"].trials} == {5}
    assert len({trial.start for trial in found["unit"].trials}) == 5


def test_the_spike_that_was_there_is_no_planted_one(live):
    rules = rules_of(live.plan.alerts)
    found = replayed(live, rules, now=START + DAYS * DAY)
    spike = next(fired for fired in found.fired if fired.rule == "NullSpike")
    assert (spike.times, spike.first, spike.identities[0][0].column) == (1, day(4).start, "x")
    assert found.pages.count == 1


def test_a_larger_drift_is_found_no_later(live):
    (small,) = planting(live, ["gradual"], ["out"])
    (large,) = planting(live, ["mean"], ["out"])
    assert large.is_found
    assert large.told[0].startswith("Prediction")
    assert small.median is None or small.median >= large.median


def test_what_was_measured_again_without_a_drift_is_what_is_stored(live, monkeypatch):
    """A drift of no size tells nothing, from any start."""
    monkeypatch.setitem(DRIFTS, "nulls", replace(DRIFTS["nulls"], size=0.0))
    (found,) = planting(live, ["nulls"], ["out"])
    assert (found.found, found.median) == (0, None)
    assert len(found.trials) == 5


def test_segments_are_planted_too_but_not_those_of_the_column_itself():
    made = model(plan(zone="UTC"))
    take(made, predictions([Row(f"p{i}", 24 * (i + 0.5) / 60) for i in range(60)]), now=day(1).end)
    real = Timeline(made, [day(0)])
    ((name, before),) = real.parts(day(0)).items()
    for column, changed in (("x", True), ("city", False)):
        after = Sown(real, column, DRIFTS["nulls"], [day(0)]).parts(day(0))[name]
        assert after.profiles.keys() == before.profiles.keys()
        differ = {s: not np.array_equal(p.counts, before.profiles[s].counts) for s, p in after.profiles.items()}
        assert differ.pop(()) is True
        assert any(differ.values()) is changed
        assert len(differ) == 3
    assert Sown(real, "x", DRIFTS["nulls"], []).parts(day(0)) is real.parts(day(0))


def test_a_drift_is_planted_although_an_alert_fires_all_the_time(live):
    """An alert on the predictions that never ends leaves no quiet start; other rules still tell, and it is said."""
    always = Rule(name="Always", step=Step.PREDICTIONS, metric=("mean",), when={"above": {"value": -1.0}}, group="inputs")
    rules = {**rules_of(live.plan.alerts), "Always": always}
    past = past_of(live, rules, now=day(DAYS).end)
    (found,) = plant(live, rules, past, kinds_of(["unit"]), ["out"])
    assert (found.busy, found.median, found.found) == (True, 1, 5)
    assert found.told[0] != "Always"
    told = backtest_text(backtest(past.ticks, rules, past.frame, past.known), [found])
    assert "other alerts on it fired already" in " ".join(told.split())


@pytest.mark.parametrize(
    ("kinds", "columns", "words"),
    [
        (["correlation"], [], "Of past windows only the counts of each column are kept"),
        (["concept_shift"], [], "shows in labels alone"),
        (["men"], [], "There is no kind of drift 'men'. Did you mean 'mean'?"),
        (["mean"], ["incme"], "There is no column to plant into 'incme'"),
    ],
)
def test_what_cannot_be_planted_is_refused(live, kinds, columns, words):
    with pytest.raises(UsageError) as error:
        planting(live, kinds, columns)
    assert words in str(error.value)


def test_starts_are_spread_over_what_leaves_room():
    assert starts_of(90, range(90)) == [30, 38, 45, 52, 60]
    assert starts_of(36, range(36)) == [12, 14, 15, 16, 18]
    assert starts_of(1, [0]) == [0]
    assert starts_of(90, [31, 80]) == [31]
    assert starts_of(0, []) == []


def test_a_median_counts_what_was_not_found_as_later_than_all():
    trials = tuple(Trial(START, 30, delay) for delay in (3, None, 1, None, 9))
    assert Planted("mean", "", "x", trials).median == 9
    assert Planted("mean", "", "x", (*trials, Trial(START, 30))).median is None


# ---------------------------------------------------------------- the verb


class Opened:
    """As much of an open model as the verb takes."""

    def __init__(self, made):
        self.model = made
        self.loaded = Namespace(plan=made.plan)


def said(made, capsys, **more):
    settings = {"start": None, "end": None, "plant": [], "column": [], "json": False, "quiet": False}
    opened: Any = Opened(made)
    code = verb.backtested(opened, Namespace(**{**settings, **more}))
    return code, capsys.readouterr().out


def test_the_verb_prints_and_its_exit_code_tells(capsys):
    assert said(of(), capsys) == (
        3,
        "no window has been evaluated there: there is nothing to replay; 'driftline backfill' evaluates the past\n",
    )
    made = lived(of(), spikes(60, 5))
    code, told = said(made, capsys)
    assert (code, told.startswith("small: 60 windows from 2026-03-27")) == (0, True)
    code, told = said(made, capsys, json=True, start="2026-04-20", end="2026-05-10")
    assert (code, json.loads(told)["windows"]) == (0, 20)
    assert said(made, capsys, quiet=True) == (0, "")
    with pytest.raises(UsageError, match="Name the earlier time first"):
        said(made, capsys, start="2026-04-20", end="2026-04-01")
    with pytest.raises(UsageError, match="--plant all"):
        said(made, capsys, column=["x"])


def test_the_verb_warns_of_rules_over_budget(capsys):
    noisy = {"Noisy": {"metric": ("missing_rate",), "when": {"above": {"value": 0.2}}, "severity": Severity.CRITICAL, "group": "inputs"}}
    made = lived(of(alerts={"rules": noisy}), spikes(120, *range(5, 115, 10)))
    code, told = said(made, capsys)
    assert (code, "Over budget: these rules may not page" in told) == (1, True)
