"""Segments that have stopped to send rows are measured, although no profile of them is left."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from driftline.core.ledger import Step
from driftline.core.records import Scope, Status
from driftline.drift.overtime import Normal
from driftline.drift.presence import CHANCE, EXPECTED, segment_rows
from driftline.drift.unrest import Unrest
from driftline.profiles.segments import MISSING
from driftline.report.reading import read
from driftline.report.timeline import ModelState, timeline_of
from driftline.report.timeline_html import timeline_html
from driftline.report.timeline_text import timeline_text
from small_models import HOUR, NOW, Row, deliver, evaluate_all, model, plan, predictions, take

SCOPE = Scope("m")
SHARES = {"app": 0.7, "web": 0.2899, "fax": 0.01, "new": 0.0001}


def of(channel):
    return (("channel", channel),)


def reference(missing=0):
    """A hundred thousand rows with a channel, and some without."""
    rows = {of(name): round(share * 100_000) for name, share in SHARES.items()} | ({of(MISSING): missing} if missing else {})
    schema = SimpleNamespace(by_name={"channel": 0})
    return SimpleNamespace(segments={key: SimpleNamespace(rows=n) for key, n in rows.items()}, schema=schema)


def measured(rows, *, missing=0, normal=None, own=None):
    window = sum(rows.values()) + missing
    keyed = {of(name): n for name, n in rows.items()} | ({of(MISSING): missing} if missing else {})
    return {m.scope.segment[0][1]: m for m in segment_rows(keyed, window, own or reference(), SCOPE, normal or Normal())}


def test_each_segment_of_the_reference_has_its_rows():
    found = measured({"app": 700, "web": 290, "fax": 10, "else": 5})
    assert set(found) == set(SHARES)
    assert [found[name].value for name in SHARES] == [700, 290, 10, 0]
    assert {m.n for m in found.values()} == {1005}
    assert [found[name].beyond for name in SHARES] == [False, False, False, None]


def test_a_segment_without_rows_is_gone_where_enough_are_expected():
    found = measured({"app": 700, "fax": 10})
    gone = found["web"]
    assert (gone.value, gone.limit, gone.beyond, gone.status) == (0.0, 1.0, True, Status.OK)
    assert gone.note.startswith("no rows of channel=web, and 206 are expected: 28.99% of 710 rows with a level; limit 1: ")


@pytest.mark.parametrize(("rows", "beyond"), [(1381, None), (1382, True)])
def test_so_many_must_be_expected_that_none_is_one_in_a_million(rows, beyond):
    fax = measured({"app": rows - 300, "web": 300})["fax"]
    assert fax.beyond is beyond
    assert fax.status is (Status.OK if beyond else Status.INSUFFICIENT)
    assert math.exp(-EXPECTED) == pytest.approx(CHANCE)


def test_poisson_rows_are_called_gone_no_more_often_than_that():
    """By the share of draws, at a chance that can be counted."""
    rng = np.random.default_rng(1)
    share, n = 0.004, 1000
    assert (rng.binomial(n, share, 200_000) == 0).mean() == pytest.approx(math.exp(-share * n), rel=0.05)


def test_rows_without_a_level_are_no_sign_that_segments_have_gone():
    """A column of which all values are missing, or that is not there, is the column's trouble."""
    assert {m.beyond for m in measured({}, missing=1000).values()} == {None}
    assert {m.beyond for m in segment_rows({}, 1000, reference(), SCOPE, Normal())} == {None}
    half = measured({"app": 20}, missing=980, own=reference(missing=100_000))
    assert set(half) == set(SHARES)
    assert half["web"].beyond is None  # 5.8 are expected of 20
    assert half["app"].beyond is False


def test_few_rows_are_rows():
    found = measured({"app": 1})
    assert (found["app"].status, found["app"].beyond) == (Status.OK, False)
    assert (found["web"].status, found["web"].beyond) == (Status.INSUFFICIENT, None)


@pytest.mark.parametrize(("level", "beyond"), [(1e-6, True), (0.002, True), (0.2, None)])
def test_a_share_that_wobbles_as_far_as_nothing_is_not_missed(level, beyond):
    """40 windows that differ by 0.045 on the arcsine scale leave 29 %, which is 1.14 there; by 0.45 they do not."""
    unrest = Unrest(0.0, 0.0, level, 40, 40.0)
    web = measured({"app": 700, "fax": 10}, normal=Normal(unrest={0: unrest}))["web"]
    assert web.beyond is beyond
    assert ("wobbles too much" in web.note) is (beyond is None)


def test_levels_that_change_in_the_reference_are_not_missed():
    web = measured({"app": 700}, normal=Normal(ordinary={"channel": ("level",)}))["web"]
    assert (web.beyond, web.status) == (None, Status.INSUFFICIENT)
    assert "changes of the levels of this column" in web.note


def test_a_window_without_rows_says_nothing():
    assert segment_rows({}, 0, reference(), SCOPE, Normal()) == []


@pytest.fixture(scope="module")
def made():
    """A model by day: a quiet one, one without a city, one without the column of the city, one without an input, and a quiet one."""
    made = model(plan(zone="UTC"))
    for day in range(5):
        rows = [Row(f"{day}-{i}", 24 * day + 0.05 * i + 1, i) for i in range(300)]
        table = predictions(rows)
        if day == 1:
            table = table.filter(np.array([city != "rome" for city in table["city"].to_pylist()]))
        take(made, table.drop_columns({2: ["city"], 3: ["x"]}.get(day, [])), now=NOW)
    evaluate_all(made, as_of=NOW)
    return made


@pytest.fixture(scope="module")
def lived(made):
    return {e.window.start.day: e.measurements for e in made.store.evaluations(made.name, Step.DRIFT) if e.window.start.month == 3}


def test_a_city_that_is_gone_is_beyond_on_its_day_alone(lived):
    days = {
        day: {m.scope.segment[0][1]: m.beyond for m in found if m.metric == "segment_rows"}
        for day, found in lived.items()
        if len(found) > 1
    }
    assert days == {
        27: {"oslo": False, "rome": False},
        28: {"oslo": False, "rome": True},
        29: {"oslo": None, "rome": None},
        30: {"oslo": False, "rome": False},
        31: {"oslo": False, "rome": False},
    }


def test_a_column_that_is_gone_is_beyond_on_its_day_alone(lived):
    for day, found in lived.items():
        told = {m.column: m.beyond for m in found if m.metric == "unreadable"}
        assert {column for column, beyond in told.items() if beyond} == {29: {"city"}, 30: {"x"}}.get(day, set())
        assert not told or {"x", "y", "city"} <= set(told)


def evaluations(made, *, leave=()):
    every = made.store.evaluations(made.name, Step.DRIFT) + made.store.evaluations(made.name, Step.PREDICTIONS)
    return [replace(each, measurements=tuple(m for m in each.measurements if m.metric not in leave)) for each in every]


def test_what_alerts_rest_on_is_not_told_beside_the_verdicts(made):
    """Neither on the screen nor on the page, nor in what troubles a window: as if it were not there."""
    both = evaluations(made), evaluations(made, leave=("segment_rows", "unreadable"))
    assert both[0] != both[1]
    assert [read(each) for each in both[0]] == [read(each) for each in both[1]]
    lines = [timeline_of(each, ModelState("small")) for each in both]
    assert timeline_text(lines[0], verbose=True) == timeline_text(lines[1], verbose=True)
    assert timeline_html(lines[0]) == timeline_html(lines[1])


def test_a_missing_rate_is_told_of_columns_that_had_trouble_with_it_alone(made):
    """Here the city, of which more rows have none on the day that one city has no rows; not the others, of which it is measured too."""
    line = timeline_of(evaluations(made), ModelState("small"))
    own = {column: {s.metric for s in line.series if s.column == column and s.all_rows} for column in ("x", "y", "city")}
    assert {column for column, metrics in own.items() if "missing_rate" in metrics} == {"city"}
    assert all("verdict" in metrics for metrics in own.values())


def test_a_model_of_six_hours_measures_by_window():
    made = model(plan(zone="UTC", base="6h"))
    deliver(made, [Row(f"a{i}", 0.01 * i, i) for i in range(300)])
    evaluate_all(made, as_of=NOW - 20 * 24 * HOUR)
    first = made.store.evaluations(made.name, Step.DRIFT)[0].measurements
    assert {m.scope.segment for m in first if m.metric == "segment_rows"} == {(("city", "oslo"),), (("city", "rome"),)}
