"""The terminal text: one screen, aligned, safe against names, the same as the golden files."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftline.core.verdicts import Comparison, Verdict
from driftline.report import numbers, text
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
    starts = {text.width(line[: re.search(r"(PSI|missing) [\d.]+", line).start()]) for line in lines}  # type: ignore[union-attr]
    assert len(lines) == 7
    assert len(starts) == 1


def test_the_cause_is_never_cut_off() -> None:
    shown = terminal_text(EXAMPLE["wide"](200, drifted=12))
    assert shown.count("looks like: population") == shown.count("\n  DRIFT")


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
