"""Troubles of single windows, and the episodes that they are joined into."""

from __future__ import annotations

import random
import runpy
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.report.episodes import Episode, chronicle
from driftline.report.reading import counts_of, is_judged, troubles_of
from driftline.report.states import State, state_of, story_of

EXAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "timeline_example.py"))
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OK, INSUFFICIENT, NODATA, ERROR = Status.OK, Status.INSUFFICIENT, Status.NODATA, Status.ERROR
EVERYTHING = Scope()
APP = Scope(segment=(("channel", "app"),))


def window(i: int) -> Window:
    return Window(START + i * DAY, START + (i + 1) * DAY)


def evaluation(i: int, *measurements: Measurement, step: Step = Step.DRIFT, number: int = 0) -> Evaluation:
    return Evaluation(step, window(i), START, START, 0, "plan", "reference", measurements, number)


def verdict(value: float | None, column: str = "a", scope: Scope = EVERYTHING, metric: str = "verdict", **more) -> Measurement:
    status = INSUFFICIENT if value is None else OK
    return Measurement(metric, value, scope, 100, column, status=status, beyond=None if value is None else value > 0, **more)


def series(word: str, column: str = "a") -> list[Evaluation]:
    """`x` is drift, `X` a fault, `.` fine, `?` not enough rows, a space a day without an evaluation, `u` an unusual day of the monitor."""
    surprise = Measurement("surprise", 9.0, Scope(), 100, column, limit=4.0, beyond=True)
    kinds = {"x": verdict(1.0, column), "X": verdict(2.0, column), ".": verdict(0.0, column), "?": verdict(None, column), "u": surprise}
    return [evaluation(i, kinds[sign]) for i, sign in enumerate(word) if sign != " "]


def spans(episodes: list[Episode]) -> list[str]:
    return [f"{(e.first.start - START).days}-{(e.last.start - START).days}:{e.windows}/{e.of}{'+' if e.ongoing else ''}" for e in episodes]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", []),
        ("....", []),
        ("????", []),  # nothing is known, so nothing is told
        ("x", ["0-0:1/1+"]),
        ("x.", ["0-0:1/1+"]),  # one fine window may lie within an episode, so it has not ended
        ("x..", ["0-0:1/1"]),
        ("..xxx..", ["2-4:3/3"]),
        ("x.x", ["0-2:2/3+"]),  # 2 of 3
        ("x..x", ["0-0:1/1", "3-3:1/1+"]),  # 2 of 4
        ("x?x", ["0-2:2/3+"]),  # not known is no end
        ("x???x", ["0-4:2/5+"]),
        ("x????x", ["0-0:1/1", "5-5:1/1+"]),  # but it joins no further than n windows
        ("x.?x", ["0-3:2/4+"]),
        ("x?.?x..", ["0-4:2/5"]),
        ("x   x", ["0-4:2/2+"]),  # three days that nobody evaluated
        ("x    x", ["0-0:1/1", "5-5:1/1+"]),
        ("xux", ["0-2:3/3+"]),  # unusual and drifted are one kind of trouble
        ("xxXxx", ["0-4:4/5+", "2-2:1/1"]),  # while it is faulty its drift is not known; the fault is an episode of its own
        ("X.X", ["0-2:2/3+"]),
        ("Xx.X", ["0-0:1/1", "1-1:1/1+", "3-3:1/1+"]),  # drift is no fault, so the fault had two fine windows
        ("x????", ["0-0:1/1"]),  # nothing was known for more than n windows
    ],
)
def test_joining(word: str, expected: list[str]) -> None:
    assert spans(chronicle(series(word))) == expected


@pytest.mark.parametrize(
    ("k", "n", "expected"),
    [
        (1, 1, ["0-0:1/1", "2-2:1/1", "5-5:1/1+"]),  # any fine window ends it
        (2, 3, ["0-2:2/3", "5-5:1/1+"]),
        (3, 5, ["0-5:3/6+"]),
    ],
)
def test_the_rule_can_be_chosen(k: int, n: int, expected: list[str]) -> None:
    assert spans(chronicle(series("x.x..x"), k=k, n=n)) == expected


@given(st.text("x.?", max_size=40))
def test_every_window_in_trouble_is_in_one_episode_and_no_other(word: str) -> None:
    found = chronicle(series(word))
    assert sum(e.windows for e in found) == word.count("x")
    inside = [i for e in found for i in range((e.first.start - START).days, (e.last.start - START).days + 1) if word[i] == "x"]
    assert inside == [i for i, sign in enumerate(word) if sign == "x"]
    assert sum(e.ongoing for e in found) <= 1


@given(st.text("x.?", max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_the_evaluations_does_not_matter(word: str, chance: random.Random) -> None:
    evaluations = series(word)
    shuffled = evaluations[:]
    chance.shuffle(shuffled)
    assert chronicle(shuffled) == chronicle(evaluations)


def test_the_latest_number_of_a_window_counts() -> None:
    first, second = evaluation(0, verdict(1.0), number=1), evaluation(0, verdict(0.0), number=2)
    assert chronicle([first, second]) == chronicle([second, first]) == []


def together(*words: str) -> list[Evaluation]:
    """Columns a, b, c... of the same windows."""
    rows = [series(word, name) for word, name in zip(words, "abcdef", strict=False)]
    return [replace(same[0], measurements=tuple(m for e in same for m in e.measurements)) for same in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("..xxxx..", "..xxxx.."), [("a", "b")]),
        (("..xxxx..", "..xxx..."), [("a", "b")]),  # three quarters are shared
        (("xxxxxxxx", ".....xxx"), [("a",), ("b",)]),  # less than half
        (("xx......", "......xx"), [("a",), ("b",)]),
        (("..xxxx..", "..XXXX.."), [("b",), ("a",)]),  # a fault is another kind of trouble, and asks first
        (("x.xxxx..", "xxxxxx.."), [("b", "a")]),  # who has more windows is named first
    ],
)
def test_subjects_with_the_same_span_share_an_episode(words: tuple[str, ...], expected: list[tuple[str, ...]]) -> None:
    assert [e.subjects for e in chronicle(together(*words))] == expected


def test_the_story_is_that_of_the_strongest_window_and_the_latest_is_kept_too() -> None:
    def far(i: int, size: float) -> Evaluation:
        psi = Measurement("psi", size, Scope(), 100, "a", limit=0.1, beyond=True)
        return evaluation(i, verdict(1.0, note=f"mean +{size} sd; limit 0.1: whatever"), psi)

    (found,) = chronicle([far(0, 0.2), far(1, 0.9), far(2, 0.3)])
    assert (found.story, found.latest) == ("mean +0.9 sd", "mean +0.3 sd")


def test_segments_are_named_only_where_all_rows_were_never_in_trouble() -> None:
    local = evaluation(0, verdict(0.0), verdict(1.0, scope=APP, note="up"))
    everywhere = evaluation(0, verdict(1.0), verdict(1.0, scope=APP))
    (found,) = chronicle([local])
    assert (found.where, found.story) == (("channel=app",), "only channel=app: up")
    assert chronicle([everywhere])[0].where == ()


def test_the_anchor_is_silent_where_the_column_is_in_trouble_already() -> None:
    anchor = verdict(1.0, metric="anchor_verdict")
    assert [t.subject.said for t in troubles_of(evaluation(0, verdict(1.0), anchor))] == ["a"]
    assert [t.subject.said for t in troubles_of(evaluation(0, verdict(0.0), anchor))] == ["a against the anchor"]
    assert counts_of(evaluation(0, verdict(0.0), verdict(0.0, metric="anchor_verdict"))) == {State.OK: 1}


@pytest.mark.parametrize(
    ("step", "measurement", "state"),
    [
        (Step.DRIFT, verdict(0.0), State.OK),
        (Step.DRIFT, verdict(1.0), State.DRIFT),
        (Step.DRIFT, verdict(2.0), State.DATA),
        (Step.DRIFT, verdict(None), State.UNKNOWN),
        (Step.PREDICTIONS, verdict(1.0, metric="versions_verdict"), State.DRIFT),
        (Step.DRIFT, Measurement("surprise", 5.0, Scope(), 9, "a", limit=4.0, beyond=True), State.UNUSUAL),
        (Step.DRIFT, Measurement("psi", 0.3, Scope(), 9, "a"), State.NONE),  # shown and not judged
        (Step.DRIFT, Measurement("verdict", None, Scope(), 0, status=NODATA), State.NODATA),
        (Step.PERFORMANCE, Measurement("mae", 3.0, Scope(), 9, basis=Basis.MATURED, beyond=True), State.WORSE),
        (Step.PERFORMANCE, Measurement("requests", 3.0, Scope(), 9, beyond=True), State.BEYOND),
        (Step.PERFORMANCE, Measurement("coverage", 0.3, Scope(), 9, beyond=True), State.BEYOND),
        (Step.PERFORMANCE, Measurement("mae", None, Scope(), 9, status=ERROR), State.ERROR),
        (Step.PERFORMANCE, Measurement("mae", 3.0, Scope(), 9, status=INSUFFICIENT, beyond=False), State.UNKNOWN),
    ],
)
def test_the_word_for_a_measurement(step: Step, measurement: Measurement, state: State) -> None:
    assert state_of(step, measurement) is state


def test_an_error_never_reads_as_fine() -> None:
    found = evaluation(0, Measurement("mae", None, Scope(), 9, status=ERROR, note="no"), step=Step.PERFORMANCE)
    assert [t.state for t in troubles_of(found)] == [State.ERROR]


def test_a_distance_is_a_detail_of_its_verdict() -> None:
    """Only the verdict speaks for the column; without one, the distance does."""
    psi = Measurement("psi", 0.3, Scope(), 100, "a", limit=0.1, beyond=True)
    assert troubles_of(evaluation(0, verdict(0.0), psi)) == ()
    assert [t.state for t in troubles_of(evaluation(0, psi))] == [State.DRIFT]


def test_what_is_too_small_in_one_segment_only_is_fine_and_what_is_too_small_is_not_judged() -> None:
    assert counts_of(evaluation(0, verdict(0.0), verdict(None, scope=APP))) == {State.OK: 1}
    few = evaluation(0, verdict(None), verdict(0.0, scope=APP))
    assert counts_of(few) == {State.UNKNOWN: 1}
    assert not is_judged(few)
    assert not is_judged(evaluation(0))


@pytest.mark.parametrize(
    ("measurement", "story"),
    [
        (verdict(1.0, note="mean +1 sd; limit 0.1: the higher of two"), "mean +1 sd"),
        (verdict(1.0, note="mean +1 sd; asked because the tests found a change"), "mean +1 sd"),
        (verdict(1.0, note="mean +1 sd\nlimit 0.1"), "mean +1 sd"),
        (verdict(1.0, note="limited to 3 levels"), "limited to 3 levels"),
        (verdict(1.0), ""),
        (Measurement("latency_p95", 184.0, Scope(), 9, limit=150.0), "latency p95 184 ms (limit 150 ms)"),
        (Measurement("error_rate", 0.031, Scope(), 9, limit=0.01, note="3 failed"), "error rate 3.10 % (limit 1.00 %): 3 failed"),
        (Measurement("surprise", 5.0, Scope(), 9, note="spread is 5 above; limits 4 and 9: x"), "spread is 5 above"),
        (Measurement("mae", None, Scope(), 9, status=ERROR, note="no memory"), "no memory"),
    ],
)
def test_the_story_of_a_measurement(measurement: Measurement, story: str) -> None:
    assert story_of(measurement) == story


def test_the_troubles_of_the_made_up_year_are_found() -> None:
    found = [(e.state.value, e.subjects, str(e.first.start.date()), e.windows) for e in chronicle(EXAMPLE["year"]())]
    assert found == [
        ("UNUSUAL", ("pressure",), "2013-05-14", 1),
        ("DRIFT", ("temp", "humid"), "2013-06-24", 16),
        ("DRIFT", ("arr_delay_predicted",), "2013-06-25", 15),
        ("DATA", ("visib",), "2013-07-22", 3),
        ("DRIFT", ("wind_speed",), "2013-08-09", 1),
        ("UNUSUAL", ("pressure",), "2013-08-30", 1),
        ("DRIFT", ("dest",), "2013-09-09", 12),
        ("WORSE", ("MAE matured",), "2013-10-07", 14),
        ("DRIFT", ("carrier",), "2013-11-11", 47),
        (
            "BEYOND",
            ("error rate", "latency p95", "availability 14.4x over 1d burn rate", "availability", "availability error budget left"),
            "2013-11-19",
            1,
        ),
        ("BEYOND", ("requests", "absence"), "2013-12-01", 2),
        ("BEYOND", ("requests", "absence"), "2013-12-25", 1),
    ]


def test_a_year_of_fifty_columns_takes_little_time() -> None:
    evaluations = EXAMPLE["wide"](50)
    start = time.process_time()
    chronicle(evaluations)
    assert time.process_time() - start < 5
    assert len(evaluations) == 3 * (date(2013, 12, 31) - date(2012, 12, 31)).days - 3
