"""Models over time as their users meet them: the two examples of the documentation, and what happens to others like them."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn import metrics
from worlds import (
    CREDIT,
    ETA,
    applications,
    configuration,
    credit_reference,
    credit_table,
    defaults,
    put,
    told,
    trips_table,
)

from driftline.core.ledger import Step
from driftline.core.records import ALL_ROWS, Basis, Status
from driftline.overtime import open_model

pytestmark = pytest.mark.slow

DAYS = 120
SECRETS = dict.fromkeys(("PAGERDUTY_KEY", "TICKETS_URL", "TICKETS_SECRET", "CHAT_URL", "HEARTBEAT_URL"), "unreachable")
"""What the example takes from the environment: nothing of it leads anywhere."""
WEB = range(60, 64)
"""Days on which one channel has no bureau scores."""
DEAD = range(72, 96)
"""Days on which no label comes; all of them come afterwards."""


def credit_day(number):
    return CREDIT + timedelta(days=number)


def day_of(window):
    """How many days of the model are over at the end of a window, whatever the clocks in Lisbon do."""
    return (window.start - CREDIT + timedelta(hours=36)).days


def texts(ran):
    """What was printed as one line, however wide the terminal is."""
    return " ".join(ran.out.split())


class Credit:
    """The credit model lived through: evaluated every second week."""

    def __init__(self, folder):
        self.folder = folder
        self.file = str(folder / "credit-default.yaml")
        self.days = {n: applications(n, lost="web" if n in WEB else "") for n in range(DAYS)}
        self.labels = [row for cells, truth in self.days.values() for row in told(cells, truth)]
        self.found = {}
        configuration("credit-default", folder)
        put(folder / "validation.parquet", credit_reference())

    def weeks(self, first, last):
        """The files of some weeks, and what all steps then say."""
        held = [row for row in self.labels if credit_day(DEAD.start) <= row[1] < credit_day(DEAD.stop)]
        late = [row for row in self.labels if credit_day(first) <= row[1] < credit_day(last) and row not in held]
        late += held if first == 98 else []
        put(self.folder / f"scored/{first:03}.parquet", pa.concat_tables([credit_table(self.days[n][0]) for n in range(first, last)]))
        put(self.folder / f"defaults/{first:03}.parquet", defaults(late))
        with open_model(self.file, environment=SECRETS) as model:
            self.found[last] = model.run(as_of=credit_day(last), now=credit_day(last))


@pytest.fixture(scope="module")
def credit(tmp_path_factory):
    world = Credit(tmp_path_factory.mktemp("credit"))
    for first in range(0, DAYS, 14):
        world.weeks(first, min(first + 14, DAYS))
    return world


@pytest.fixture
def lived(credit, monkeypatch):
    monkeypatch.chdir(credit.folder)
    monkeypatch.setenv("COLUMNS", "110")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return credit


def measured(world, step, metric, *, basis=None, column=None, every=False):
    """The measurements of all rows by the day that their window ends, the latest of each."""
    with open_model(world.file) as model:
        made = model.evaluations(every=every)
    return {
        day_of(e.window): m
        for e in made
        for m in e.measurements
        if e.step is step and m.metric == metric and m.scope.segment == ALL_ROWS and not m.scope.version
        if (basis is None or m.basis is basis) and (column is None or m.column == column)
    }


def alarms(world, step):
    """Days whose window ends with a trouble, as they were said first."""
    from driftline.report.reading import troubles_of

    found: dict = {}
    for last, done in world.found.items():
        for evaluation in (e for each in done if each.step is step for e in each.evaluations):
            for trouble in troubles_of(evaluation):
                found.setdefault(day_of(evaluation.window), []).append((last, trouble.subject.said, trouble.story))
    return found


def test_quiet_days_of_the_credit_model_stay_within_the_budget(credit):
    """The plan accepts one false alarm a month from the inputs and half a one from the score: two and one in the first sixty days."""
    quiet = range(1, WEB.start + 1)
    assert sum(day in quiet for day in alarms(credit, Step.DRIFT)) <= 2
    assert sum(day in quiet for day in alarms(credit, Step.PREDICTIONS)) <= 1


def test_a_lost_bureau_is_a_fault_that_names_its_channel_and_ends_with_it(credit):
    faults = {day: said for day, said in alarms(credit, Step.DRIFT).items() if any(name == "bureau_score" for _, name, _ in said)}
    assert set(faults) >= {n + 1 for n in WEB}
    for n in WEB:
        story = next(story for _, name, story in faults[n + 1] if name == "bureau_score")
        assert "channel=web" in story
        assert "missing" in story
        assert "app" not in story
    assert len(set(faults) - {n + 1 for n in WEB}) <= 1  # no echo of it in the weeks that follow


def test_a_lost_bureau_is_measured_before_and_after_it_as_well(credit):
    """What an alert rests on is there every day, so that it can end as it began."""
    rates = measured(credit, Step.DRIFT, "missing_rate", column="bureau_score")
    assert set(rates) == set(range(1, DAYS + 1))
    assert {day for day, m in rates.items() if m.beyond} == {n + 1 for n in WEB}
    assert all(m.beyond is False and m.value < m.limit for day, m in rates.items() if day - 1 not in WEB)
    assert all(m.value >= m.limit and "missing" in m.note for m in rates.values() if m.beyond)
    readable = measured(credit, Step.DRIFT, "unreadable", column="bureau_score")
    assert [(m.value, m.beyond) for m in readable.values()] == [(0.0, False)] * DAYS


def test_segments_that_send_rows_are_not_gone(credit):
    with open_model(credit.file) as model:
        rows = [m for e in model.evaluations() for m in e.measurements if m.metric == "segment_rows"]
    assert {m.scope.segment for m in rows} >= {(("channel", "app"),), (("channel", "web"),)}
    assert len(rows) >= 2 * DAYS
    assert [m for m in rows if m.beyond] == []
    assert all(m.beyond is False for m in rows if m.value)


def test_decisions_are_judged_every_day_and_agree_with_the_verdict(credit):
    rates, verdicts = (measured(credit, Step.PREDICTIONS, metric) for metric in ("decision_rate", "verdict"))
    assert set(rates) == set(range(1, DAYS + 1))
    assert all(m.beyond is not None for m in rates.values())
    assert all(verdicts[day].value for day, m in rates.items() if m.beyond)


def test_observability_is_the_share_of_the_approved(credit):
    seen = measured(credit, Step.PERFORMANCE, "observability")
    for n in (0, 40, 100):
        cells, _ = credit.days[n]
        approved = np.asarray(cells["decision"]) == "approved"
        assert seen[n + 1].value == pytest.approx(approved.mean(), abs=0.02)  # a day in Lisbon ends an hour later in summer
    assert 0.7 < seen[1].value < 0.9


def test_matured_quality_comes_at_its_age_and_is_that_of_the_rows(credit):
    """Of February, where Lisbon has the time of the world: the AUC over the days it was joined from."""
    matured = measured(credit, Step.PERFORMANCE, "roc_auc", basis=Basis.MATURED)
    assert max(matured) <= DAYS - 48
    assert max(matured) >= DAYS - 50
    last = matured[28]
    first = (last.scope.window.start - CREDIT).days
    assert last.status is Status.OK
    assert last.beyond is False
    known = {row[0] for row in credit.labels}
    score, truth = [], []
    for n in range(first, 28):
        cells, _ = credit.days[n]
        for name, value, decision in zip(cells["application_id"], cells["score"], cells["decision"], strict=True):
            if decision == "approved":
                score.append(value)
                truth.append(name in known)
    assert last.n == len(truth)
    assert last.value == pytest.approx(metrics.roc_auc_score(truth, score), abs=5e-3)


def test_young_windows_are_compared_at_their_age(credit):
    """The share of defaults known so far is far below the final one, and fine all the same."""
    young: dict = {}
    for done in credit.found.values():
        for evaluation in (e for each in done if each.step is Step.PERFORMANCE for e in each.evaluations):
            for m in evaluation.measurements:
                if m.metric == "positive_share" and m.beyond is not None:
                    young.setdefault(day_of(evaluation.window), []).append(m)
    quiet = [m for day in range(1, 60) for m in young.get(day, ())]
    assert len(quiet) > 30
    assert all("of age" in m.note and m.basis is Basis.SAME_AGE for m in quiet)
    assert sum(bool(m.beyond) for m in quiet) <= 0.05 * len(quiet) + 1
    final = measured(credit, Step.PERFORMANCE, "observed_expected", basis=Basis.MATURED)
    assert 0.8 < final[28].value < 1.2


def test_a_label_feed_that_stops_is_noticed(credit):
    """Within two weeks, by the share of defaults known at an age; and it is fine again once the labels have come."""
    said = alarms(credit, Step.PERFORMANCE)
    by = [last for day in said for last, name, _ in said[day] if name.startswith("positive share")]
    assert DEAD.start + 12 in by
    stories = [story for day in said for _, name, story in said[day] if name.startswith("positive share")]
    assert any("see whether labels still come" in story for story in stories)
    again = measured(credit, Step.PERFORMANCE, "positive_share", basis=Basis.SAME_AGE)
    assert sum(bool(m.beyond) for m in again.values()) <= 2


def test_what_was_known_on_an_earlier_day(lived, run):
    """Orphans are beyond, a default that is won back corrects the quality of its day, and yesterday's answer stays as it was."""
    name, known = next(row for row in lived.labels if row[0].startswith("1-0020"))
    back = credit_day(DAYS + 1)
    put(lived.folder / "defaults/back.parquet", defaults([(name, back, 0)]))
    put(lived.folder / "defaults/orphans.parquet", defaults([(f"nobody-{i}", back, 1) for i in range(40)]))
    before = measured(lived, Step.PERFORMANCE, "observed_expected", basis=Basis.MATURED)[21]
    asked = run("show", "--last", "5", "--as-of", credit_day(DAYS).isoformat(), "-c", lived.file)
    ran = run("run", "--as-of", (back + timedelta(days=1)).isoformat(), "--arrived", back.isoformat(), "-c", lived.file)
    assert ran.code == 1
    assert "orphan share" in texts(ran)
    after = measured(lived, Step.PERFORMANCE, "observed_expected", basis=Basis.MATURED)[21]
    assert after.value < before.value
    corrected = measured(lived, Step.PERFORMANCE, "corrected_labels")
    assert corrected[21].value > 0
    window = f"{credit_day(20):%Y-%m-%d}/{credit_day(21):%Y-%m-%d}"
    assert known < back
    then = run("performance", "--window", window, "--as-of", credit_day(DAYS).isoformat(), "--json", "-c", lived.file)
    assert then.code in (0, 1)
    again = measured(lived, Step.PERFORMANCE, "observed_expected", basis=Basis.MATURED)[21]
    assert again.value == pytest.approx(before.value)
    assert (
        run("show", "--last", "5", "--as-of", credit_day(DAYS).isoformat(), "-c", lived.file).out.splitlines()[0]
        == asked.out.splitlines()[0]
    )


def test_the_page_and_the_screen_of_the_credit_model(lived, run):
    ran = run("show", "--verbose", "--last", "120", "-c", lived.file)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 110
    assert "DATA   bureau_score" in ran.out
    assert run("report", "--html", "r.html", "-c", lived.file).code == 0
    page = (lived.folder / "r.html").read_text(encoding="utf-8")
    assert "channel=web" in page


def eta_hour(n):
    return ETA + timedelta(hours=n)


ABSENT, FAILING, SLOW, MILES = [24 * 8 + 10], [24 * 9 + 9, 24 * 9 + 10], range(24 * 10 + 8, 24 * 10 + 12), range(24 * 11 + 8, 24 * 11 + 14)
LATE = range(24 * 12 + 6, 24 * 13)
"""Hours in which nothing comes, a third of the answers fail, they take three times as long, distances are miles, and one city is late."""


def eta_knobs(n):
    scales = {"scale": 0.0} if n in ABSENT else {"scale": 3.0}
    failing, slow = {"failing": 0.3} if n in FAILING else {}, {"slow": 3.0} if n in SLOW else {}
    miles, late = {"miles": True} if n in MILES else {}, {"late": 8.0} if n in LATE else {}
    return {**scales, **failing, **slow, **miles, **late}


@pytest.fixture(scope="module")
def eta(tmp_path_factory):
    """Thirteen days of the ETA model, evaluated each day; what was said at the end of each, by day."""
    folder = tmp_path_factory.mktemp("eta")
    configuration("eta", folder, ("widen_to: 6h", "widen_to: 4h"))
    rows, arrivals = trips_table(range(-24 * 14, 0), seed=5, scale=1.5)
    put(folder / "reference.parquet", rows.join(arrivals.select(["trip_id", "actual_min"]), "trip_id").sort_by("requested_at"))
    said = {}
    with open_model(folder / "eta.yaml") as model:
        for day in range(13):
            if day in (1, 2, 3, 4, 5):
                continue
            days = range(6) if day == 0 else range(day, day + 1)
            made = [trips_table([n], **eta_knobs(n)) for each in days for n in range(24 * each, 24 * each + 24)]
            put(folder / f"trips/{day:02}.parquet", pa.concat_tables([table for table, _ in made]))
            put(folder / f"arrivals/{day:02}.parquet", pa.concat_tables([table for _, table in made]))
            end = eta_hour(24 * (days[-1] + 1))
            said[days[-1]] = model.run(as_of=end, now=end + timedelta(minutes=3))
    return folder, said


@pytest.fixture
def ridden(eta, monkeypatch):
    monkeypatch.chdir(eta[0])
    monkeypatch.setenv("COLUMNS", "110")
    return eta


def hours(eta, step, *, first=0, last=24 * 13):
    """What is said of each hour in the end: its troubles by name, and all its measurements."""
    from driftline.report.reading import troubles_of

    with open_model(eta[0] / "eta.yaml") as model:
        made = model.evaluations(start=eta_hour(first), end=eta_hour(last))
    return {
        (e.window.start - ETA) // timedelta(hours=1): ({t.subject.said: t.story for t in troubles_of(e)}, e.measurements)
        for e in made
        if e.step is step
    }


def test_quiet_hours_of_the_eta_model_are_quiet(ridden):
    """A week of days and nights, and the budget is one false alarm a month for each step."""
    for step in Step:
        told = {n: troubles for n, (troubles, _) in hours(ridden, step, last=24 * 8).items() if troubles}
        assert len(told) <= 1, (step, told)


def test_an_hour_without_requests(ridden):
    troubles = hours(ridden, Step.PERFORMANCE)[ABSENT[0]][0]
    assert {"absence", "requests"} <= set(troubles)
    assert "of the same hour of the day" in troubles["absence"]
    near = hours(ridden, Step.PERFORMANCE, first=ABSENT[0] - 3, last=ABSENT[0] + 4)
    assert [n for n, (found, _) in near.items() if "absence" in found] == ABSENT


def test_errors_and_latency_burn_the_budget_while_they_last(ridden):
    told = hours(ridden, Step.PERFORMANCE)
    for spell, objective in ((FAILING, "availability"), (SLOW, "latency_within")):
        fast = [n for n, (troubles, _) in told.items() if any(name.startswith(f"{objective} 14.4x") for name in troubles)]
        assert set(fast) == set(spell)
    burning = next(m for m in told[FAILING[0]][1] if m.metric == "burn_rate" and m.column == "availability 14.4x over 1h")
    assert burning.value > 200
    p95 = [next(m.value for m in told[n][1] if m.metric == "latency_p95") for n in (SLOW.start - 2, SLOW.start + 1)]
    assert p95[1] / p95[0] == pytest.approx(3, rel=0.15)


def test_a_budget_that_is_gone_is_shown_and_fails_no_later_job(ridden, run):
    """The hours after the burst are beyond their budget, and `run` would end with 1 for four weeks if that counted."""
    quiet = f"{eta_hour(24 * 10 + 3):%Y-%m-%dT%H:%M}+00:00/{eta_hour(24 * 10 + 5):%Y-%m-%dT%H:%M}+00:00"
    ran = run("performance", "--window", quiet, "--as-of", eta_hour(24 * 10 + 8).isoformat(), "-c", "eta.yaml")
    assert "availability error budget" in texts(ran).replace("budg…", "budget")
    assert "BEYOND" in ran.out
    assert ran.code == 0


def test_miles_for_kilometres_are_named(ridden):
    told = hours(ridden, Step.DRIFT)
    named = [n for n in MILES if "kilometres" in told[n][0].get("dist_km", "")]
    assert len(named) >= len(MILES) - 2
    assert not any("dist_km" in told[n][0] for n in range(MILES.stop, MILES.stop + 6))
    assert all(set(told[n][0]) == {"dist_km"} for n in MILES)


def test_the_city_that_is_late_is_named(ridden):
    told = hours(ridden, Step.PERFORMANCE)
    worse = [n for n in LATE if "MAE matured" in told[n][0]]
    assert len(worse) >= 12
    assert all("city=west" in told[n][0]["MAE matured"] for n in worse)
    by_city = {m.scope.segment: m.value for m in told[worse[0]][1] if m.metric == "mae" and m.scope.segment}
    assert max(by_city, key=by_city.__getitem__) == (("city", "west"),)


def test_mae_is_estimated_or_refused_with_the_reason(ridden):
    told = hours(ridden, Step.PERFORMANCE)
    found = {n: m for n, (_, made) in told.items() for m in made if m.metric == "mae" and m.basis is Basis.ESTIMATED and m.n}
    given = [m for m in found.values() if m.value is not None]
    refused = [m for m in found.values() if m.value is None]
    assert len(found) > 200
    assert all(m.note for m in refused)
    assert all(m.status is not Status.OK for m in refused)
    assert given or all("off by" in m.note or "reference" in m.note for m in refused)


def test_mae_of_an_hour_is_that_of_its_rows(ridden):
    rows, arrivals = trips_table([24 * 7 + 9], **eta_knobs(24 * 7 + 9))
    joined = rows.join(arrivals, "trip_id").filter(pc.field("status") == "done")
    made = hours(ridden, Step.PERFORMANCE)[24 * 7 + 9][1]
    mae = next(m for m in made if m.metric == "mae" and m.basis is Basis.MATURED and not m.scope.segment)
    assert mae.n == joined.num_rows
    assert mae.value == pytest.approx(metrics.mean_absolute_error(joined["actual_min"], joined["eta_min"]), rel=1e-6)
    coverage = next(m for m in made if m.metric == "coverage")
    assert coverage.value == 1.0
