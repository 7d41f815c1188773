"""Charts: geometry that follows from the numbers, axes from zero, text escaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from driftline.core.verdicts import Chart
from driftline.report import charts


def xml(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 (our own drawing)


def parts(svg: str, tag: str, name: str) -> list[dict[str, str]]:
    return [e.attrib for e in xml(svg).iter(tag) if e.get("class") == name]


@pytest.mark.parametrize(("ordered", "size", "start"), [(True, "height", "y"), (False, "width", "x")])
def test_bars_are_proportional_to_shares_and_start_at_the_axis(ordered: bool, size: str, start: str) -> None:
    shares = (0.4, 0.2, 0.1, 0.0)
    svg = charts.distribution(Chart(("a", "b", "c", "d"), shares, shares[::-1]), ordered=ordered)
    for name, expected in (("ref", shares), ("cur", shares[::-1])):
        bars = parts(svg, "rect", name)
        unit = max(float(bar[size]) for bar in bars) / 0.4
        assert [float(bar[size]) / unit for bar in bars] == pytest.approx(expected, abs=0.001)
        feet = {round(float(bar["y"]) + float(bar["height"]), 1) for bar in bars} if ordered else {float(bar["x"]) for bar in bars}
        assert len(feet) == 1


@pytest.mark.parametrize(
    ("largest", "marks"),
    [
        (0.4, [0, 10, 20, 30, 40]),
        (0.191, [0, 5, 10, 15, 20]),
        (1.0, [0, 25, 50, 75, 100]),
        (0.882, [0, 25, 50, 75, 100]),
        (0.12, [0, 5, 10, 15]),
        (0.0004, [0, 0.01, 0.02, 0.03, 0.04]),
        (0.0, [0, 50, 100]),  # nothing at all still has an axis
    ],
)
def test_the_axis_starts_at_zero_and_has_round_marks(largest: float, marks: list[float]) -> None:
    svg = charts.distribution(Chart(("a",), (largest,), (0.0,)), ordered=True)
    ticks = [float(text.rstrip(" %")) for text in re.findall(r'class="tick"[^>]*>([^<]*)<', svg)]
    assert ticks[0] == 0
    assert ticks[-1] >= largest * 100
    assert 3 <= len(ticks) <= 6
    assert ticks == pytest.approx(marks)


@pytest.mark.parametrize("ordered", [True, False])
def test_labels_are_escaped_made_visible_and_short(ordered: bool) -> None:
    labels = ("<script>alert(1)</script>", '"><b onclick="x">', "\x1b[31m\u202ex", "l" * 500)
    svg = charts.distribution(Chart(labels, (0.25,) * 4, (0.25,) * 4), ordered=ordered)
    xml(svg)
    assert not re.search(r"<(script|b)\b", svg)
    assert not {"\x1b", "\u202e"} & set(svg)
    assert r"\x1b" in svg
    assert "l" * 20 not in svg
    assert "…" in svg


@pytest.mark.parametrize(("ordered", "most"), [(True, 60), (False, 20)])
def test_bins_that_do_not_fit_are_added_up_and_none_is_lost(ordered: bool, most: int) -> None:
    n = 500
    svg = charts.distribution(Chart(tuple(map(str, range(n))), (1 / n,) * n, (1 / n,) * n), ordered=ordered)
    bars = [float(bar["height" if ordered else "width"]) for bar in parts(svg, "rect", "ref")]
    assert len(bars) == most
    assert f"{n - most + 1} more" in svg or ordered  # a slanted axis may thin out its labels
    assert len(svg) < 20_000


def test_no_bins_at_all_is_still_a_drawing() -> None:
    for ordered in (True, False):
        xml(charts.distribution(Chart((), (), ()), ordered=ordered))


@pytest.mark.parametrize(
    ("value", "limit", "chance", "look"),
    [
        (0.2, 0.1, 0.01, "over"),
        (0.05, 0.1, None, "under"),
        (0.1, 0.1, 0.0, "under"),
        (-0.4, 0.25, 0.0, "over"),  # a shift counts by its size
        (0.2, 0.3, None, "over"),  # a rate that fell below its limit
        (0.0, 0.0, 0.0, "under"),
    ],
)
def test_bullet(value: float, limit: float, chance: float | None, look: str) -> None:
    svg = charts.bullet(value, limit, chance, crossed=look == "over")
    (bar,) = parts(svg, "rect", look)
    (line,) = parts(svg, "path", "limit")
    at = float(re.findall(r"M([\d.]+)", line["d"])[0])
    if limit:
        assert float(bar["width"]) / at == pytest.approx(abs(value) / limit, rel=0.01)
    assert len(parts(svg, "path", "chance")) == (chance is not None)


def test_intervals_share_a_scale_and_stay_inside() -> None:
    svg = charts.intervals((0.6, 0.7, 0.8), (0.7, 0.75, 1.0), 0.6, 1.0)
    (current,), (reference,) = parts(svg, "circle", "dot-cur"), parts(svg, "circle", "dot-ref")
    assert float(current["cx"]) == pytest.approx(8 + 144 * 0.25)
    assert float(reference["cx"]) == pytest.approx(8 + 144 * 0.375)
    assert "circle" not in charts.intervals((None, None, None), (None, None, None), 0.0, 1.0)
    xml(charts.intervals((None, 0.5, None), (0.5, 0.5, 0.5), 0.5, 0.5))


def test_the_largest_changes_come_first_in_words() -> None:
    chart = Chart(("a", "b", "c"), (0.1, 0.5, 0.4), (0.15, 0.3, 0.55))
    assert charts.largest_changes(chart) == "b: 50.0 % → 30.0 % (−20.0 pp); c: 40.0 % → 55.0 % (+15.0 pp)"
