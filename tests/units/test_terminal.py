"""The terminal text: one screen, aligned, safe against names, the same as the golden files."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftline.core.verdicts import Cause, ColumnVerdict, Comparison, Verdict
from driftline.report import numbers, stories, text
from driftline.report.table import shared
from driftline.report.terminal import terminal_text
from driftline.report.words import verdict_text

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = runpy.run_path(str(GOLDEN / "example_comparison.py"))
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"


@pytest.fixture(name="example")
def rich_comparison() -> Comparison:
    return EXAMPLE["example"]()


@pytest.mark.parametrize("name", [name for name in EXAMPLE["goldens"]() if name.endswith(".txt")])
def test_golden(name: str) -> None:
    assert EXAMPLE["goldens"]()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_the_verdict_comes_first_and_the_next_step_last(example: Comparison) -> None:
    lines = terminal_text(example, next_step="driftline explain income").splitlines()
    assert lines[0] == "week.parquet (41,208 rows) vs train.parquet (200,000 rows)"
    assert lines[1].startswith("verdict: 1 DATA PROBLEM, 6 drifted, ")
    assert lines[-1] == "driftline explain income"


def test_tables_and_verdict_share_a_line_that_holds_both(example: Comparison) -> None:
    first = terminal_text(example, width=180).splitlines()[0]
    assert re.fullmatch(r"week.parquet \(41,208 rows\) vs train.parquet \(200,000 rows\)     verdict: 1 DATA PROBLEM, .*", first)


@pytest.mark.parametrize(("columns", "drifted"), [(18, 0), (28, 5), (200, 8), (200, 14), (1000, 1000)])
@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_one_screen_and_no_line_too_wide(columns: int, drifted: int, width: int) -> None:
    lines = terminal_text(EXAMPLE["wide"](columns, drifted=drifted), width=width, next_step="next").splitlines()
    assert len(lines) <= 25
    assert max(map(text.width, lines)) <= width


def test_one_screen_with_many_long_notes_metrics_and_exclusions(example: Comparison) -> None:
    crowded = replace(
        example,
        notes=("a long note " * 40,) * 30,
        excluded=tuple(replace(e, reason="for a long reason " * 20) for e in example.excluded * 10),
        quality=tuple(replace(example.quality[0], metric=f"metric_{i}") for i in range(30)),
    )
    lines = terminal_text(crowded, next_step="next").splitlines()
    assert len(lines) <= 25
    assert any("bureau_score" in line for line in lines)


def test_what_does_not_fit_is_counted() -> None:
    shown = terminal_text(EXAMPLE["wide"](300, drifted=250))
    listed = len(re.findall(r"^  DRIFT", shown, re.MULTILINE))
    assert f"and {250 - listed} more: {250 - listed} DRIFT" in shown


def test_only_what_is_not_fine_is_listed_and_verbose_lists_all(example: Comparison) -> None:
    assert "feature_7" not in terminal_text(example)
    everything = terminal_text(example, verbose=True)
    assert sum(bool(re.match(r"  (DATA|DRIFT|\?|note|ok) ", line)) for line in everything.splitlines()) == len(example.columns)
    assert "The two tables overlap" in everything


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_names_cannot_reach_the_terminal_as_anything_but_text(example: Comparison, verbose: bool, ascii_only: bool) -> None:
    shown = terminal_text(example, verbose=verbose, ascii_only=ascii_only)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert not any(char in shown for char in BIDI)
    assert r"\x1b[31mred" in shown
    assert shown.isascii() or not ascii_only


def test_colour_only_adds_codes_and_words_carry_the_meaning(example: Comparison) -> None:
    coloured = terminal_text(example, colour=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == terminal_text(example)
    assert "\x1b[1;31mDATA\x1b[0m" in coloured


def test_columns_line_up(example: Comparison) -> None:
    lines = [line for line in terminal_text(example, width=120).splitlines() if re.match(r"  (DATA|DRIFT) ", line)]
    starts = {text.width(line[: re.search(r"(PSI|missing) [\d.]+", line).start()]) for line in lines}
    assert len(lines) == 7
    assert len(starts) == 1


@pytest.mark.parametrize(("drifted", "length", "written"), [(5, 1, "looks like: pipeline"), (12, 1, "(pipeline?)"), (12, 4, "(pipeline?)")])
def test_a_broken_job_is_named_in_full_or_in_short_and_never_cut_off(drifted: int, length: int, written: str) -> None:
    comparison = EXAMPLE["wide"](200, drifted=drifted)
    columns = tuple(
        replace(c, cause=Cause.PIPELINE, note=c.note * length) if c.verdict is Verdict.DRIFTED else c for c in comparison.columns
    )
    assert terminal_text(replace(comparison, columns=columns)).count(written) == drifted


def test_where_room_is_short_each_column_tells_something() -> None:
    """Ten drifted columns with long measures, two metrics and two notes fit on the screen; the limits give way to the stories."""
    comparison = EXAMPLE["wide"](40, drifted=10)
    story = "0.61 % of rows outside 0 to 0.32, the range of the reference"
    columns = tuple(
        replace(c, measure="out_of_range_rate", value=0.0061, limit=0.0025, note=story) if c.verdict is Verdict.DRIFTED else c
        for c in comparison.columns
    )
    lines = terminal_text(replace(comparison, columns=columns, notes=("a", "b")), next_step="next").splitlines()
    assert len(lines) <= 25
    assert sum("out of range 0.61 %  outside 0 to 0.32, the range" in line for line in lines) == 10


def test_where_a_measure_is_long_the_story_goes_beneath_it_unless_it_is_short() -> None:
    long = "reference 1 %; mean +0.53 sd (0.00389 to 0.532); " + "and so on " * 6
    told, short = (replace(EXAMPLE["income"](), name="x" * 24, note=note) for note in (long, "mean −0.2 sd"))
    lines = terminal_text(replace(EXAMPLE["all_stable"](), columns=(told, replace(short, cause=Cause.NONE)))).splitlines()
    assert lines[1:] == [
        f"  DRIFT  {'x' * 24}  PSI 0.183 (limit 0.100)",
        f"{' ' * 11}reference 1 %; mean +0.53 sd (0.00389 to 0.532); and so on and so on and so on and so on",
        f"{' ' * 11}and so on and so on  looks like: population",
        f"  DRIFT  {'x' * 24}  PSI 0.183 (limit 0.100)  mean −0.2 sd",
    ]


def few_rows(*names: str) -> tuple[ColumnVerdict, ...]:
    column = replace(EXAMPLE["device_model"](), n=50, smallest_visible=0.45, floor=0.1)
    return tuple(replace(column, name=name, smallest_visible=0.4 + 0.1 * i) for i, name in enumerate(names))


def test_columns_with_too_few_rows_for_the_same_reason_share_a_line_unless_verbose() -> None:
    blind = replace(EXAMPLE["device_model"](), smallest_visible=None, note="0 rows with too few values to judge", n=0)
    others = tuple(replace(blind, name=name, n=n) for n, name in enumerate("pqr"))
    comparison = replace(EXAMPLE["all_stable"](), columns=(*few_rows(*"abcde"), *others))
    shown = " ".join(terminal_text(comparison, width=140).split())
    assert "50 rows can only show a drift from PSI 0.40 to 0.80 on; 0.20 would be enough to judge (a, b, c, …)" in shown
    assert "? 3 columns not enough data 0 to 2 rows with too few values to judge (p, q, r)" in shown
    assert terminal_text(comparison, width=140, verbose=True).count("\n  ? ") == 8


def test_two_columns_with_too_few_rows_have_a_line_each() -> None:
    shown = terminal_text(replace(EXAMPLE["all_stable"](), columns=few_rows("a", "b")), width=140)
    assert re.search(r"^  \?      a  50 rows  50 rows can only show a drift from PSI 0\.40 on; 0\.20 would be enough", shown, re.MULTILINE)
    assert shown.count("\n  ? ") == 2


def test_columns_that_share_a_line_count_as_what_they_are() -> None:
    wide = EXAMPLE["wide"](40, drifted=40)
    shown = terminal_text(replace(wide, columns=(*wide.columns, *few_rows(*"abcd"))))
    assert re.search(r"and \d+ more: \d+ DRIFT, 4 \?", shown)


@pytest.mark.parametrize(
    ("measure", "value", "note", "beside"),
    [
        ("missing_rate", 0.193, "missing 19.3 % (reference 1 %); mean +0.53 sd", "reference 1 %; mean +0.53 sd"),
        ("missing_rate", 0.0790, "missing 7.9 % (reference 0 %), only x", "reference 0 %, only x"),
        ("out_of_range_rate", 0.00605, "0.61 % of rows outside 0 to 1", "outside 0 to 1"),
        ("unseen_rate", 0.00579, "0.58 % of rows have levels never seen", "levels never seen"),
        ("bin_rate", 0.02257, "2.3 % of rows pile up at 0 (reference 0.2 %)", "pile up at 0 (reference 0.2 %)"),
        ("bin_rate", 0.04, "2.3 % of rows pile up at 0", "2.3 % of rows pile up at 0"),  # another number
        ("unseen_rate", 0.193, "missing 19.3 % (reference 1 %)", "missing 19.3 % (reference 1 %)"),  # another measure
        ("psi", 0.193, "19.3 % of rows pile up at 0", "19.3 % of rows pile up at 0"),  # another unit
        ("level_rate", 0.0277, "'w' 1 % to 2.8 % of rows", "'w' 1 % to 2.8 % of rows"),
        ("missing_rate", 0.5, "missing 50 %", ""),
        ("missing_rate", None, "missing 50 %", "missing 50 %"),
    ],
)
def test_a_story_does_not_repeat_the_measure_beside_it(measure: str, value: float | None, note: str, beside: str) -> None:
    column = replace(EXAMPLE["income"](), measure=measure, value=value, note=note)
    assert stories.story_beside(column) == beside
    assert stories.story(column) == note


def test_a_column_that_drifted_in_a_segment_only_says_so_first() -> None:
    income = EXAMPLE["income"]()
    app, web, small = income.segments
    one = replace(income, value=app.value, limit=app.limit, note="channel=app: mean up; not in all rows together")
    one = replace(one, segments=(replace(app, note="mean up"), replace(web, verdict=Verdict.STABLE), small))
    assert stories.story(one) == stories.story_beside(one) == "only channel=app: mean up"
    both = replace(one, segments=(replace(app, note="mean up"), web, small))
    assert stories.story(both) == "only channel=app and 1 more: mean up"
    assert stories.deciding_segment(income) is None
    assert stories.deciding_segment(replace(one, value=0.5)) is None


def test_lines_are_shared_in_turn() -> None:
    assert shared([3, 1, 2], room=5) == [2, 1, 2]
    assert shared([3, 1, 2], room=9) == [3, 1, 2]
    assert shared([3, 1, 2], room=1) == [1, 1, 1]
    assert shared([], room=4) == []


def test_verdict_text_names_only_what_there_is(example: Comparison) -> None:
    assert verdict_text(EXAMPLE["all_stable"]()) == "18 stable"
    assert verdict_text(replace(example, counts={}, quality=())) == "nothing was compared"
    assert verdict_text(replace(example, counts={"faulty": 2}, quality=())) == "2 DATA PROBLEMS"


def test_a_metric_that_rose_is_worse_only_where_lower_is_better(example: Comparison) -> None:
    rose = replace(example.quality[0], value=0.9, reference=0.8, verdict=Verdict.DRIFTED)
    shown = terminal_text(replace(example, quality=(rose, replace(rose, metric="mae", better="lower"))))
    assert re.search(r"  CHANGED  ROC AUC ", shown)
    assert re.search(r"  WORSE    MAE ", shown)


def test_a_new_column_is_stable_and_still_told(example: Comparison) -> None:
    assert re.search(r"^  note   loyalty_tier +new column +a new", terminal_text(example), re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.18349, "0.183"),
        (0.1, "0.100"),
        (0, "0"),
        (3.0, "3"),
        (12.345, "12.3"),
        (123.45, "123"),
        (99.96, "100"),  # rounding may add a digit
        (41208.0, "41,208"),
        (41208.4, "41,200"),
        (0.00031, "0.000310"),
        (0.0000042, "4.20e-6"),
        (3.2e12, "3.20e12"),
        (-0.5, "−0.500"),
        (None, "–"),
        (float("inf"), "∞"),
    ],
)
def test_number(value: float | None, written: str) -> None:
    assert numbers.number(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.312, "31.2 %"),
        (0.004, "0.40 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.00001, "<0.01 %"),  # some, not none
        (0.9999, ">99.9 %"),  # not all
        (0.09996, "10.0 %"),
        (-0.05, "−5.00 %"),
        (None, "–"),
    ],
)
def test_percent(share: float | None, written: str) -> None:
    assert numbers.percent(share) == written


def test_units_follow_the_measure() -> None:
    assert numbers.amount("missing_rate", 0.25) == numbers.amount("missing", 0.25) == "25.0 %"
    assert numbers.amount("psi", 0.25) == "0.250"
    assert numbers.measure_name("ks") == "KS"
    assert numbers.measure_name("null_rate") == "null rate"
    assert [numbers.points(0.0891), numbers.points(-0.0003), numbers.points(0)] == ["+8.9 pp", "−0.03 pp", "0 pp"]
    assert [numbers.size_of(999), numbers.size_of(18_204_113), numbers.size_of(123_456)] == ["999 B", "18.2 MB", "123 kB"]
    assert [numbers.probability(p) for p in (0.0, 3e-9, 0.04321, None)] == ["<1e-16", "3e-09", "0.043", "–"]


def test_text_is_made_visible_and_measured_in_cells() -> None:
    assert text.visible("a\x1b\n\x9b\u202e\ud800\u2028b") == r"a\x1b\n\x9b\u202e\ud800\u2028b"
    assert text.visible("naïve 気分 😀") == "naïve 気分 😀"
    assert [text.width(s) for s in ("abc", "気分", "😀", "e\u0301")] == [3, 4, 2, 1]
    assert text.shorten("気分気分", 5) == "気分…"
    assert [text.shorten("abcdef", most, "...") for most in (4, 3, 2, 0)] == ["a...", "...", "ab", ""]
    assert text.wrap("one two three", 7) == ["one two", "three"]
    assert text.wrap("x" * 10, 4) == ["xxxx", "xxxx", "xx"]
    assert text.wrap("from 49.8 % to 58.9 %", 11) == ["from 49.8 %", "to 58.9 %"]
    assert text.wrap("a +0.24 sd b 3 pp", 9) == ["a", "+0.24 sd", "b 3 pp"]
    assert text.wrap("of 3 sdx", 6) == ["of 3", "sdx"]
    assert text.plain("a → b… ≥ 気") == r"a -> b... >= \u6c17"


@settings(max_examples=60, deadline=None)
@example("00000Ā𐀀", "0 000Ā𐀀𐀀𐀀𐀀", 87, True)  # no room beside the cause, not even for the ellipsis
@given(st.text(max_size=60), st.text(max_size=120), st.integers(60, 140), st.booleans())
def test_any_name_and_note_stay_on_their_lines(name: str, note: str, width: int, ascii_only: bool) -> None:
    comparison = EXAMPLE["example"]()
    columns = tuple(replace(column, name=name, note=note) for column in comparison.columns[:4])
    shown = terminal_text(replace(comparison, columns=columns, notes=(note,)), width=width, ascii_only=ascii_only)
    assert len(shown.split("\n")) <= 25
    assert max(text.width(line) for line in shown.split("\n")) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
