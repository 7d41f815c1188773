"""Late labels: when a window is final, whether labels come as they should, and young windows against others of the same age."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from driftline.core.records import ALL_ROWS, Basis, Scope, Status, Window
from driftline.core.verdicts import Verdict
from driftline.performance.labels import LabelKind, LabelSpec
from driftline.performance.maturity import label_health, matured, orphan_share, quality
from driftline.performance.operational import OperationalSpec, PastTraffic, operational
from driftline.performance.quality import roc_auc
from driftline.performance.slo import Burning, SloSpec, burns_for, slo
from driftline.performance.step import PerformanceSpec, judge_quality, performance
from driftline.profiles.cohort import CHECKPOINTS, Cohort, gather_cohort
from driftline.profiles.magnitudes import ERROR
from driftline.profiles.outcomes import plan_outcomes, zero
from driftline.profiles.traffic import TrafficCounter

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + DAY)
SCOPE = Scope("credit", "14", window=WINDOW)
OUTCOME = LabelSpec(matures_after="8d")
EVENT = LabelSpec(kind=LabelKind.EVENT, negative_after="8d")
NONE = LabelSpec(kind=LabelKind.NONE)
AGES = tuple(int(8 * 86_400 * 10**9 * part) for part in CHECKPOINTS)  # 1, 2, 4 and 8 days
MOMENT = pa.timestamp("us", "UTC")
SPEC = PerformanceSpec()
PLAN = plan_outcomes(
    pa.array(np.linspace(0.001, 0.999, 1000)),
    pa.array(np.arange(1000) % 2),
    prediction_name="score",
    label_name="y",
    table="reference",
)


def gathered(score, label, days, *, event=False, eligible=None, changes=None, segments=()):
    """A cohort of scores, labels (None: not yet) and the days after which they were known."""
    rows, start = len(score), int(START.timestamp() * 1e6)
    absent = np.array([each is None for each in label], np.bool_)
    batch = pa.record_batch(
        {
            "time": pa.array(np.full(rows, start), MOMENT),
            "known": pa.array(start + (np.array(days) * 86_400e6).astype(np.int64), MOMENT, mask=absent),
            "eligible": pa.array(np.ones(rows, np.bool_) if eligible is None else eligible),
            "void": pa.array(np.zeros(rows, np.bool_)),
            "label": pa.array(label, pa.int64()),
            "changes": pa.array(np.zeros(rows, np.int64) if changes is None else changes),
            "score": pa.array(score),
            "channel": pa.array(np.where(np.arange(rows) % 2, "app", "web")),
        }
    )
    return gather_cohort([batch], PLAN, checkpoints=AGES, segments=segments, event=event, table="the joined rows")


def day(random, *, rows=2000, skill=1.0, coverage=0.97, event=False, rate=0.3, delay=1.5, until=1e9):
    """One day: scores of that skill, labels after exponential delays, those known until some age."""
    y = random.random(rows) < rate
    score = 1 / (1 + np.exp(-(random.normal(size=rows) + skill * 1.5 * y - 1)))
    days = random.exponential(delay, rows)
    known = (days <= until) & (y if event else random.random(rows) < coverage)
    return gathered(score, [int(value) if there else None for value, there in zip(y, known, strict=True)], days, event=event)


def matrix_of(summary):
    return summary.matrix.tolist()


def by_name(found):
    assert len({m.metric for m in found}) == len(found)
    return {m.metric: m for m in found}


def health(cohort, past=(), spec=OUTCOME, age=8 * DAY):
    return by_name(label_health(cohort, past, SCOPE, spec, age))


def right(cohort, past=(), reference=None, spec=OUTCOME, age=8 * DAY, scope=SCOPE):
    return by_name(quality(cohort, past, reference, scope, spec, SPEC, age=age))


FIVE = gathered([0.9, 0.8, 0.3, 0.2, 0.1], [1, None, 0, None, 1], [0.5, 0, 3.0, 0, 20.0])
FIVE_EVENTS = gathered([0.9, 0.8, 0.3, 0.2, 0.1], [1, None, None, None, 1], [0.5, 0, 0, 0, 3.0], event=True)


@pytest.mark.parametrize(
    ("spec", "cohort", "after", "matrix"),
    [
        (OUTCOME, FIVE, 8 * DAY, [[1, 0], [1, 1]]),
        (OUTCOME, FIVE, 8 * DAY - timedelta(microseconds=1), None),  # the youngest prediction is not old enough
        (EVENT, FIVE_EVENTS, 8 * DAY, [[2, 1], [1, 1]]),  # silence became negative
        (EVENT, FIVE_EVENTS, 7 * DAY, None),
        (NONE, FIVE, 99 * DAY, None),
        (OUTCOME, Cohort.zero(PLAN, AGES, event=False), 8 * DAY, [[0, 0], [0, 0]]),
    ],
)
def test_a_window_is_final_when_its_youngest_prediction_is(spec, cohort, after, matrix):
    found = matured(cohort, WINDOW, WINDOW.end + after, spec)
    assert (None if found is None else matrix_of(found)) == matrix


def test_a_window_is_final_by_segment_too():
    cohort = gathered([0.9, 0.8, 0.3], [1, None, None], [1.0, 0, 0], event=True, segments=(("channel", ("app", "web", "branch")),))
    by_segment = {
        level: matrix_of(matured(cohort, WINDOW, WINDOW.end + 8 * DAY, EVENT, (("channel", level),))) for level in ("app", "web", "branch")
    }
    assert by_segment == {"app": [[0, 1], [0, 0]], "web": [[1, 0], [0, 1]], "branch": [[0, 0], [0, 0]]}


@pytest.mark.parametrize(
    ("expected", "labelled", "beyond", "status"),
    [
        (0, 0, None, Status.NODATA),
        (1, 1, None, Status.INSUFFICIENT),
        (29, 0, None, Status.INSUFFICIENT),
        (30, 0, True, Status.OK),  # no labels at all is an answer
        (100, 95, False, Status.OK),
        (100, 86, False, Status.OK),  # P(X <= 86) = 4.9e-4 where 95 % are declared
        (100, 84, True, Status.OK),  # 4.6e-5
        (100, 100, False, Status.OK),
    ],
)
def test_coverage_of_a_final_window_is_held_to_what_was_declared(expected, labelled, beyond, status):
    cohort = gathered([0.5] * expected, [1] * labelled + [None] * (expected - labelled), [1.0] * expected)
    found = health(cohort)["coverage"]
    assert (found.beyond, found.status, found.n) == (beyond, status, expected)
    assert found.value == (labelled / expected if expected else None)
    if status is Status.OK:
        assert found.limit == 0.95
        assert beyond == (stats.binom.cdf(labelled, expected, 0.95) <= 1e-4)


def test_coverage_of_a_young_window_is_held_to_others_at_its_age():
    random = np.random.default_rng(1)
    past = [day(random) for _ in range(12)]
    usual = 0.97 * (1 - np.exp(-2 / 1.5))  # known after two days
    for coverage, delay, beyond in ((0.97, 1.5, False), (0.6, 1.5, True), (0.97, 4.0, True), (0.0, 1.5, True)):
        found = health(day(random, coverage=coverage, delay=delay, until=2.5), past, age=2 * DAY)["coverage"]
        assert found.beyond is beyond
        assert found.limit == pytest.approx(usual - 0.05, abs=0.03)
        assert "12 earlier windows had 0.7" in found.note
    assert found.value == 0.0


@pytest.mark.parametrize(
    ("past", "age", "words"),
    [
        (3, 2 * DAY, "3 matured windows to compare with at this age, and 4 are needed"),
        (12, timedelta(hours=23), "too young"),
        (12, -DAY, "too young"),  # it is not even over
    ],
)
def test_coverage_that_cannot_be_compared_is_insufficient(past, age, words):
    random = np.random.default_rng(2)
    found = health(day(random, until=2.5), [day(random, rows=300) for _ in range(past)], age=age)["coverage"]
    assert (found.status, found.beyond) == (Status.INSUFFICIENT, None)
    assert found.value is not None
    assert words in found.note


def test_windows_counted_in_another_way_are_no_comparison():
    random = np.random.default_rng(3)
    cohort, other = day(random, until=2.5), Cohort.zero(PLAN, AGES[:3], event=False)
    assert health(cohort, [other] * 9, age=2 * DAY)["coverage"].status is Status.INSUFFICIENT
    assert right(cohort, [other] * 9, age=2 * DAY)["roc_auc"].status is Status.INSUFFICIENT


def test_a_normal_feed_is_rarely_beyond():
    random = np.random.default_rng(4)
    past = [day(random, rows=500, coverage=random.normal(0.9, 0.02)) for _ in range(12)]
    found = [health(day(random, rows=500, coverage=random.normal(0.9, 0.02), until=2.5), past, age=2 * DAY)["coverage"] for _ in range(60)]
    assert not any(m.beyond for m in found)


def test_what_is_known_of_labels_is_told():
    cohort = gathered(
        [0.9, 0.8, 0.3, 0.2, 0.1, 0.5],
        [1, 0, 1, None, 5, 1],  # 5 is no class
        [1.0, 1.0, 2.0, 0, 3.0, 1.0],
        eligible=[True, True, True, True, True, False],
        changes=[0, 2, 0, 0, 0, 0],
    )
    found = health(cohort)
    values = {name: m.value for name, m in found.items()}
    assert values["observability"] == 5 / 6
    assert values["label_lag_p50"] == pytest.approx(86_400, rel=ERROR)
    assert values["label_lag_p95"] == pytest.approx(3 * 86_400, rel=ERROR)
    assert (values["corrected_labels"], values["unfit_labels"], values["unexpected_labels"]) == (1 / 4, 1 / 4, 1 / 5)
    assert all(m.beyond is None for name, m in found.items() if name != "coverage")
    assert "late ones are still to come" in health(cohort, age=2 * DAY)["label_lag_p50"].note


def test_no_predictions_and_no_labels():
    empty = Cohort.zero(PLAN, AGES, event=False)
    assert {name: m.status for name, m in health(empty).items()} == dict.fromkeys(
        ("coverage", "observability", "label_lag_p50", "label_lag_p95"), Status.NODATA
    )
    assert {m.status for m in right(empty).values()} == {Status.NODATA}
    assert label_health(empty, [], SCOPE, NONE, DAY) == quality(empty, [], None, SCOPE, NONE, SPEC, age=DAY) == []


@pytest.mark.parametrize(
    ("labels", "orphans", "limit", "beyond"),
    [
        (0, 0, 0.001, None),
        (1000, 0, 0.001, False),
        (1000, 6, 0.001, False),  # P(X >= 6) = 6e-4
        (1000, 8, 0.001, True),  # 1e-5
        (1, 1, 0.001, None),  # one in a thousand: this may be it
        (2, 2, 0.001, True),
        (29, 0, 0.001, None),
        (1000, 1000, 0.001, True),
        (1000, 0, 0.0, False),
        (1000, 1, 0.0, True),
    ],
)
def test_orphans(labels, orphans, limit, beyond):
    found = orphan_share(labels, orphans, SCOPE, LabelSpec(max_orphans=limit))
    assert (found.beyond, found.limit, found.n) == (beyond, limit, labels)
    assert found.status is (Status.NODATA if not labels else Status.INSUFFICIENT if beyond is None else Status.OK)


def test_final_quality_is_that_of_the_final_labels():
    random = np.random.default_rng(5)
    reference = matured(day(random, rows=20_000), WINDOW, WINDOW.end + 8 * DAY, OUTCOME)
    for beyond, cohort in ((True, day(random, rows=8000, skill=0.4)), (False, day(random, rows=8000))):
        found = right(cohort, reference=reference)
        assert {m.basis for m in found.values()} == {Basis.MATURED}
        assert found["roc_auc"].beyond is beyond
        assert found["roc_auc"].value == roc_auc(cohort.outcomes[ALL_ROWS])
        assert found["brier"].beyond is None  # shown, never judged
        assert found["roc_auc"].note.startswith(f"final after 8d, {cohort.labelled:,} of 8,000 expected labels known; reference 0.8")
    assert {m.beyond for m in right(cohort).values()} == {None}  # no reference to compare with
    assert {m.status for m in right(cohort).values()} == {Status.OK}


@pytest.mark.parametrize("event", [False, True])
def test_a_young_window_is_compared_with_others_at_the_same_age(event):
    random = np.random.default_rng(7)
    spec = EVENT if event else OUTCOME
    past = [day(random, event=event) for _ in range(8)]
    for skill, beyond in ((1.0, False), (0.2, True)):
        found = right(day(random, rows=6000, skill=skill, event=event, until=2.5), past, spec=spec, age=2 * DAY)
        auc = found["roc_auc"]
        assert {m.basis for m in found.values()} == {Basis.SAME_AGE}
        assert (auc.beyond, auc.status) == (beyond, Status.OK)
        assert auc.note.startswith("labels known at 2d of age, against 8 windows at that age; reference 0.")
        assert ("positive_share" in found) == event
    if event:  # labels known so far make the final quality look worse: that is why only the same age is compared
        final = roc_auc(past[0].outcomes[ALL_ROWS] + past[0].silent[ALL_ROWS])
        assert roc_auc(past[0].by_age[1]) < final


@pytest.mark.parametrize("rows", [0, 20, 200, 8000])
@pytest.mark.parametrize("skill", [0.2, 0.9, 1.0])
def test_beyond_is_what_the_verdict_says(rows, skill):
    random = np.random.default_rng(11)
    reference, current = day(random, rows=20_000).outcomes[ALL_ROWS], day(random, rows=rows, skill=skill).outcomes[ALL_ROWS]
    verdicts = {v.metric: v for v in judge_quality(current, reference, SPEC)}
    for m in performance(current, reference, SCOPE, SPEC):
        verdict = verdicts[m.metric]
        expected = {Verdict.DRIFTED: True, Verdict.STABLE: False, Verdict.INSUFFICIENT: None}[verdict.verdict]
        assert m.beyond is (expected if verdict.headline else None)
        if verdict.headline and verdict.verdict is Verdict.INSUFFICIENT:
            assert m.status is (Status.INSUFFICIENT if rows else Status.NODATA)
    assert {m.beyond for m in performance(current, None, SCOPE, SPEC)} == {None}
    assert {m.beyond for m in performance(current, zero(PLAN), SCOPE, SPEC)} == {None}


def test_labels_after_the_age_of_a_young_window_do_not_count():
    random = np.random.default_rng(8)
    cohort = day(random)
    assert [right(cohort, age=age)["roc_auc"].n for age in (DAY, 2 * DAY, 5 * DAY, 8 * DAY)] == [
        cohort.known(0),
        cohort.known(1),
        cohort.known(2),
        cohort.labelled,
    ]
    assert right(cohort, age=DAY - timedelta(seconds=1)) == {}
    assert right(cohort, age=2 * DAY, scope=Scope(segment=(("channel", "app"),))) == {}


def test_a_young_window_without_others_means_nothing():
    random = np.random.default_rng(9)
    found = right(day(random, until=2.5, event=True), [day(random, event=True)] * 3, spec=EVENT, age=2 * DAY)
    assert {(m.status, m.beyond) for m in found.values()} == {(Status.INSUFFICIENT, None)}
    assert {m.note for m in found.values()} == {"3 matured windows to compare with at this age, and 4 are needed"}


@pytest.mark.parametrize(
    ("rate", "delay", "beyond"),
    [
        (0.30, 1.5, False),
        (0.32, 1.5, False),  # within the tolerated 15 %
        (0.50, 1.5, True),  # the world turned
        (0.30, 6.0, True),  # the feed is late
        (0.00, 1.5, True),  # the feed is dead
    ],
)
def test_events_known_at_an_age_are_held_to_what_is_usual(rate, delay, beyond):
    random = np.random.default_rng(10)
    past = [day(random, event=True) for _ in range(12)]
    found = right(day(random, rate=rate, delay=delay, event=True, until=2.5), past, spec=EVENT, age=2 * DAY)["positive_share"]
    assert (found.beyond, found.n, found.basis) == (beyond, 2000, Basis.SAME_AGE)
    usual = 0.3 * (1 - np.exp(-2 / 1.5))
    assert found.limit == pytest.approx(usual * (1.15 if found.value > usual else 0.85), rel=0.08)


def test_coverage_of_events_is_not_a_thing():
    found = health(FIVE_EVENTS, spec=EVENT)
    assert "coverage" not in found
    assert found["observability"].value == 1.0


def test_every_metric_is_on_the_page():
    page = (Path(__file__).parents[2] / "docs/reference/operational-metrics.md").read_text(encoding="utf-8")
    counter = TrafficCounter()
    latencies, failed, times = np.array([10.0, np.nan]), np.array([False, True]), np.zeros(2, np.int64)
    counter.add(None, 1, rows=2, latency_ms=latencies, failed=failed, times_ns=times, arrived_ns=1)
    traffic = counter.traffic()[0]
    served = operational(traffic, PastTraffic(), SCOPE, OperationalSpec())
    for spec in (SloSpec(), SloSpec(within=20.0)):
        served += slo(traffic, [Burning(burn, traffic, traffic) for burn in burns_for(spec, DAY)], SCOPE, spec)
    odd = gathered([0.1] * 4, [1, 0, 5, 1], [1.0] * 4, eligible=[True, True, True, False], changes=[1, 0, 0, 0])
    served += [*label_health(odd, [], SCOPE, OUTCOME, DAY), orphan_share(0, 0, SCOPE, OUTCOME)]
    served += [m for m in quality(FIVE_EVENTS, [], None, SCOPE, EVENT, SPEC, age=2 * DAY) if m.metric == "positive_share"]
    assert {m.metric for m in served} == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) - {basis.value for basis in Basis}
