"""The texts over time: short verdicts, the chronicle, `show`. One screen, aligned, safe against names, the same as the golden files."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Measurement, Scope, Status, Window
from driftline.report import text
from driftline.report.episodes import chronicle
from driftline.report.evaluation_text import chronicle_text, evaluation_text
from driftline.report.figures import amount, interval, title
from driftline.report.moments import Clock
from driftline.report.sparkline import BLOCKS, sparkline
from driftline.report.timeline import ModelState, Timeline, slots, timeline_of
from driftline.report.timeline_text import SCREEN, timeline_text
from driftline.report.timeline_words import headline

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = runpy.run_path(str(GOLDEN / "timeline_example.py"))
GOLDENS = EXAMPLE["goldens"]()
ZONE = "America/New_York"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def year() -> list[Evaluation]:
    return EXAMPLE["year"]()


@pytest.fixture(scope="module")
def timeline(year: list[Evaluation]) -> Timeline:
    return timeline_of(year, EXAMPLE["state"]())


def until(last: date) -> Timeline:
    return timeline_of(EXAMPLE["year"](last=last), EXAMPLE["state"]())


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name: str) -> None:
    assert GOLDENS[name] == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140])
@pytest.mark.parametrize("last", [date(2013, 4, 1), date(2013, 7, 23), date(2013, 11, 19), date(2013, 12, 2), date(2013, 12, 25)])
def test_show_is_one_screen_and_no_line_is_too_wide(width: int, last: date) -> None:
    lines = timeline_text(until(last), width=width, next_step="next").splitlines()
    assert len(lines) <= SCREEN
    assert max(map(text.width, lines)) <= width
    assert lines[-1] == "next"


def test_show_is_one_screen_with_everything_in_trouble() -> None:
    def broken(e: Evaluation) -> Evaluation:
        found = (replace(m, beyond=True, value=2.0, status=Status.OK, note="a long story " * 30) for m in e.measurements)
        return replace(e, measurements=tuple(found))

    lines = timeline_text(timeline_of([broken(e) for e in EXAMPLE["wide"](50)][-90:], EXAMPLE["state"]()), next_step="next").splitlines()
    assert len(lines) <= SCREEN
    assert max(map(text.width, lines)) <= 100


def test_what_is_not_fine_comes_first_with_since_when_and_how_often(timeline: Timeline) -> None:
    shown = timeline_text(timeline).splitlines()
    now = next(i for i, line in enumerate(shown) if line.startswith("  DRIFT"))
    assert shown[now] == "  DRIFT    carrier  since 2013-11-11, 47 of 50 windows: level FL down 6 pp, WN up 5 pp"
    assert now < next(i for i, line in enumerate(shown) if line.startswith("1 operations"))


def test_the_bases_of_quality_are_apart_and_what_is_final_has_its_date(timeline: Timeline) -> None:
    shown = timeline_text(timeline)
    assert re.findall(r"(?m)^ .{13}MAE (matured|same age|estimated) ", shown) == ["matured", "same age", "estimated"]
    assert "quality final until 2013-12-29" in " ".join(shown.split())


def test_rejected_duplicate_and_waiting_rows_are_visible(timeline: Timeline) -> None:
    shown = " ".join(timeline_text(timeline).split())
    assert "rejected: 23 rows (no identifier 12, time in the future 8, arrives before it departs 3)" in shown
    assert "812 duplicate rows; 41 labels without a prediction yet" in shown


def test_a_series_has_a_gap_where_nobody_evaluated_and_a_question_mark_where_rows_are_few() -> None:
    def series(last: date) -> str:
        return next(line for line in timeline_text(until(last)).splitlines() if "columns not fine" in line)[38:62]

    assert series(date(2013, 12, 26)).endswith("█?█")
    assert series(date(2013, 12, 10)).endswith("██   ███████")  # 1 and 2 December had no rows, 3 December was not evaluated


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (date(2013, 4, 10), "Nothing is wrong in the latest window (2013-04-10)"),
        (date(2013, 6, 26), "arr_delay_predicted has drifted since 2013-06-25, and 1 more"),
        (date(2013, 7, 23), "visib has a data problem since 2013-07-22"),
        (date(2013, 10, 8), "MAE matured is worse than tolerated since 2013-10-07"),
        (date(2013, 12, 25), "requests and absence are beyond their limits since 2013-12-25, and 1 more"),
    ],
)
def test_the_headline(last: date, said: str) -> None:
    evaluations = EXAMPLE["year"](last=last, as_of=last + timedelta(days=3))
    assert headline(timeline_of(evaluations, EXAMPLE["state"]())) == said


def test_what_cannot_be_judged_does_not_read_as_fine() -> None:
    few = Measurement("verdict", None, Scope(), 3, "a", status=Status.INSUFFICIENT)
    fine = Measurement("requests", 3.0, Scope(), 3, beyond=False)
    window = EXAMPLE["day"](date(2013, 4, 1))
    moment = datetime(2013, 4, 2, tzinfo=UTC)
    drift = Evaluation(Step.DRIFT, window, moment, moment, 0, "", "", (few,))
    both = [drift, replace(drift, step=Step.PERFORMANCE, measurements=(fine,))]
    state = ModelState("m", time_zone=ZONE)
    assert headline(timeline_of([drift], state)) == "Nothing could be judged in the latest window (2013-04-01): there is too little data"
    assert headline(timeline_of(both, state)).endswith("drift could not be judged; predictions has not run")
    assert "2 data" in timeline_text(timeline_of([drift], state))
    assert "ok" not in timeline_text(timeline_of([drift], state))


def test_a_step_that_has_not_run_says_so() -> None:
    shown = timeline_text(timeline_of([], ModelState("m")))
    assert [line.split()[0] for line in shown.splitlines() if line.endswith("has not run")] == ["1", "2", "3"]
    assert "Nothing has been evaluated yet" in shown


def test_verbose_shows_every_column_and_all_that_has_ended(timeline: Timeline) -> None:
    shown = timeline_text(timeline, verbose=True)
    assert all(f" {column} " in shown for column in EXAMPLE["COLUMNS"])
    assert "2013-05-14" in shown.split("before\n")[1]


@pytest.mark.parametrize("verbose", [False, True])
def test_colour_is_only_added_and_ascii_is_ascii(year: list[Evaluation], timeline: Timeline, verbose: bool) -> None:
    for plain, painted, ascii_only in (
        (
            timeline_text(timeline, verbose=verbose),
            timeline_text(timeline, verbose=verbose, colour=True),
            timeline_text(timeline, verbose=verbose, ascii_only=True),
        ),
        (
            evaluation_text(year, verbose=verbose),
            evaluation_text(year, verbose=verbose, colour=True),
            evaluation_text(year, ascii_only=True),
        ),
        (chronicle_text(chronicle(year)), chronicle_text(chronicle(year), colour=True), chronicle_text(chronicle(year), ascii_only=True)),
    ):
        assert ESCAPE.sub("", painted) == plain
        assert "\x1b[" in painted
        assert ascii_only.isascii()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_nothing_from_the_data_reaches_the_terminal_unseen(ascii_only: bool) -> None:
    evaluations = EXAMPLE["hostile"]()
    state = replace(EXAMPLE["state"](), model="\x1b[2J", description="\u202e", reference="a\nb", rejected={"\x1b]0;x\x07": 3}, config="\r")
    for shown in (
        timeline_text(timeline_of(evaluations, state), ascii_only=ascii_only, verbose=True),
        timeline_text(timeline_of(evaluations, state), ascii_only=ascii_only),
        evaluation_text(evaluations, ascii_only=ascii_only, verbose=True),
        chronicle_text(chronicle(evaluations), ascii_only=ascii_only),
    ):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


def test_quiet_windows_are_summed_up_and_those_with_the_same_trouble_too(year: list[Evaluation]) -> None:
    week = [e for e in year if e.step is Step.DRIFT and date(2013, 6, 20) <= e.window.start.date() <= date(2013, 6, 26)]
    assert evaluation_text(week, zone=ZONE).splitlines() == [
        "drift 2013-06-20 .. 2013-06-23: 4 windows fine",
        "drift 2013-06-24 .. 2013-06-26: 2 drifted (temp, humid), 9 stable in each of 3 windows",
        "  DRIFT    temp   mean +2.1 sd",
        "  DRIFT    humid  mean +1.2 sd",
    ]


def test_few_rows_and_no_rows_are_not_fine(year: list[Evaluation]) -> None:
    def said(first: date, last: date) -> str:
        return evaluation_text([e for e in year if e.step is Step.DRIFT and first <= e.window.start.date() <= last], zone=ZONE)

    assert said(date(2013, 12, 25), date(2013, 12, 25)) == "drift 2013-12-25: 11 not enough data"
    assert said(date(2013, 12, 1), date(2013, 12, 2)) == "drift 2013-12-01 .. 2013-12-02: no rows in 2 windows"


def test_a_fault_says_data(year: list[Evaluation]) -> None:
    one = [e for e in year if e.step is Step.DRIFT and e.window.start.date() == date(2013, 7, 22)]
    assert evaluation_text(one, zone=ZONE).splitlines() == [
        "drift 2013-07-22: 1 DATA PROBLEM (visib), 10 stable",
        "  DATA     visib  missing 31.0 %, was 0.40 %",
    ]


def test_nothing_evaluated_is_said_and_the_next_step_is_whole() -> None:
    next_step = "driftline show -c " + "long/" * 60
    assert evaluation_text([], next_step=next_step).splitlines() == ["nothing to evaluate: no window has changed", next_step]


def test_the_chronicle_leaves_out_the_shortest(year: list[Evaluation]) -> None:
    lines = chronicle_text(chronicle(year), zone=ZONE, most=5).splitlines()
    assert len(lines) == 5
    assert lines[-1] == "… and 8 shorter episodes"
    assert [line[:10] for line in lines[:4]] == ["2013-06-24", "2013-06-25", "2013-10-07", "2013-11-11"]


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([0.0, 7.0], "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], BLOCKS),
        ([1.0, None, "?", 2.0], "▁ ?█"),  # a gap, and too few rows
        ([3.0, 3.0], "▃▃"),  # all equal
        ([None, None], "  "),
        ([0.0, float("inf"), float("-inf"), 1.0], "▁█▁█"),
        ([-1.7e308, 1.7e308, 0.0], "▁█▅"),  # their difference is no number
    ],
)
def test_sparkline(values: list[float | str | None], drawn: str) -> None:
    assert sparkline(values) == drawn
    assert sparkline(values, ascii_only=True).isascii()


@given(st.lists(st.none() | st.floats(allow_nan=False)), st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_sparkline_has_a_sign_for_each_value(values: list[float | None], low: float | None) -> None:
    assert len(sparkline(values, low=low)) == len(values)


@pytest.mark.parametrize(
    ("zone", "start", "hours", "written"),
    [
        ("UTC", datetime(2026, 1, 5), 24, "2026-01-05"),
        ("UTC", datetime(2026, 1, 5), 168, "2026-01-05 .. 2026-01-11"),
        ("UTC", datetime(2026, 1, 5, 14), 1, "2026-01-05 14:00"),
        ("UTC", datetime(2026, 1, 5, 6), 6, "2026-01-05 06:00 .. 2026-01-05 12:00"),
        (ZONE, datetime(2013, 3, 10, 5), 23, "2013-03-10"),  # the clock goes forward
        (ZONE, datetime(2013, 11, 3, 4), 25, "2013-11-03"),  # and back
        ("Nowhere/Else", datetime(2026, 1, 5), 24, "2026-01-05"),
    ],
)
def test_windows_are_written_in_their_time_zone(zone: str, start: datetime, hours: int, written: str) -> None:
    begin = start.replace(tzinfo=UTC)
    assert Clock.of(zone).window(Window(begin, begin + timedelta(hours=hours))) == written


def test_slots_have_a_gap_for_each_missing_window_and_are_bounded() -> None:
    days = [EXAMPLE["day"](date(2013, 3, 8) + timedelta(days=i)) for i in range(400)]
    assert slots(days, 10) == days[-10:]
    assert slots([*days[:2], *days[4:6]], 10) == [*days[:2], None, None, *days[4:6]]
    assert len(slots([days[0], days[-1]], 40)) == 40
    assert slots([], 10) == []


@pytest.mark.parametrize(
    ("metric", "value", "written"),
    [
        ("verdict", 2.0, "faulty"),
        ("anchor_verdict", 1.0, "drifted"),
        ("latency_p95", 184.2, "184 ms"),
        ("latency_within", 0.991, "99.1 %"),
        ("latency_unknown", 0.002, "0.20 %"),
        ("label_lag_p50", 5400.0, "1.50 h"),
        ("arrival_lag_p95", 12.0, "12 s"),
        ("label_lag_p95", 172800.0, "2 d"),
        ("burn_rate", 14.4, "14.4 x"),
        ("error_budget_left", -0.4, "−40.0 %"),
        ("anchor_missing", 0.312, "31.2 %"),
        ("psi", 0.183, "0.183"),
        ("psi", None, "–"),
        ("verdict", float("inf"), "∞"),
    ],
)
def test_amounts(metric: str, value: float | None, written: str) -> None:
    assert amount(metric, value) == written


def test_titles_and_intervals() -> None:
    assert title("roc_auc") == "ROC AUC"
    assert title("anchor_psi") == "PSI against the anchor"
    assert interval(Measurement("missing", 0.2, Scope(), 9, low=0.1, high=0.3)) == "[10.0 %, 30.0 %]"
    assert interval(Measurement("missing", 0.2, Scope(), 9, low=0.1)) == ""
