"""The HTML report: nothing from the data becomes markup, nothing is fetched or run, everyone can read it."""

from __future__ import annotations

import json
import re
import runpy
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from driftline.core.verdicts import Cause, Comparison, QualityVerdict, Verdict
from driftline.report.advice import next_steps
from driftline.report.html import html_fragment, html_report
from driftline.report.terminal import terminal_text
from driftline.report.text import visible

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = runpy.run_path(str(GOLDEN / "example_comparison.py"))
MEGABYTE = 1_000_000
VOID = {"meta", "br", "use", "path", "rect", "circle", "input", "hr", "img", "link"}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "tabindex", "role", "type", "scope", "style", "colspan"),
    *("aria-label", "aria-labelledby", "aria-hidden", "aria-describedby", "focusable"),
    *("viewbox", "d", "x", "y", "cx", "cy", "r", "rx", "width", "height", "text-anchor", "transform"),
}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "script", "header", "main", "section", "article", "footer", "div"),
    *("h1", "h2", "h3", "p", "span", "a", "b", "bdi", "i", "small", "code", "br", "ul", "ol", "li", "dl", "dt", "dd"),
    *("figure", "figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "symbol", "path", "circle", "rect", "text", "use"),
}


class Reader(HTMLParser):
    """Collects elements, attributes and text, and fails on a tag that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.within: dict[int, set[str]] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def example() -> Comparison:
    return EXAMPLE["example"]()


@pytest.fixture(scope="module")
def page(example: Comparison) -> str:
    return html_report(example)


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def embedded(page: str) -> dict[str, object]:
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))


def everywhere(comparison: Comparison, poison: str) -> Comparison:
    """The comparison with every text in it replaced by the poison, keeping only the words that name a state."""
    kept = {"feature", "prediction", "numeric", "categorical", "higher", "lower", "target", "psi", "missing"}

    def poisoned(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(poisoned(item) for item in value)
        if isinstance(value, dict):
            return {
                (key if key in ("stable", "drifted", "faulty", "insufficient") else poison): poisoned(item) for key, item in value.items()
            }
        if hasattr(value, "__dataclass_fields__"):
            return replace(value, **{name: poisoned(getattr(value, name)) for name in value.__dataclass_fields__})  # type: ignore[type-var]
        return poison if type(value) is str and value not in kept else value

    return poisoned(comparison)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "poison",
    [
        *EXAMPLE["HOSTILE"],
        "</script><script>alert(3)</script>",
        "--><!--<script>",
        "</style></title></textarea><img src=x onerror=alert(4)>",
        "{{ 7 * 7 }}{% raw %}",
        "javascript:alert(5)",
        "]]>&lt;b&gt;&#x3c;b&#62;",
        "\x00\ud800\u2028\ufeff",
        "'\"`=<>&",
    ],
)
def test_no_text_of_the_data_becomes_markup(example: Comparison, poison: str) -> None:
    hostile = everywhere(example, poison)
    for written in (html_report(hostile), html_fragment(hostile)):
        written.encode("utf-8")
        found = Reader(written)
        assert {tag for tag, _ in found.elements} <= ELEMENTS
        assert {name for _, attributes in found.elements for name in attributes} <= ATTRIBUTES
        assert found.comments == []
        assert all(script == {"type": "application/json", "id": "driftline-comparison"} for script in found.all("script"))
        assert not any(re.search(r"javascript:|alert", value or "") for a in found.all("a") for value in a.values())
        assert "49" not in written or "{{ 7" not in poison or "{{ 7 * 7 }}" in "".join(part for _, part in found.text)
        unseen = {c for c in written if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert not unseen
    assert embedded(html_report(hostile)) == json.loads(json.dumps(hostile.to_dict()))


def test_hostile_names_are_shown_as_what_they_are(read: Reader) -> None:
    shown = "".join(part for tag, part in read.text if tag not in ("script", "style"))
    for name in EXAMPLE["HOSTILE"]:
        assert visible(name)[:100] in shown


def test_the_page_asks_for_nothing_and_runs_nothing(page: str, read: Reader) -> None:
    policy = next(meta["content"] for meta in read.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not re.search(
        r"https?:|//[a-z]|url\(|@import|\bsrc=", page.split('<script type="application/json"', maxsplit=1)[0].replace("http-equiv", "")
    )
    assert [script["type"] for script in read.all("script")] == ["application/json"]
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert all((a["href"] or "").startswith("#") for tag in ("a", "use") for a in read.all(tag))


def test_the_embedded_json_is_the_document(example: Comparison, page: str) -> None:
    assert embedded(page) == json.loads(json.dumps(example.to_dict()))


def test_ids_are_unique_and_every_reference_leads_somewhere(read: Reader) -> None:
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointers = [
        attributes[name] for _, attributes in read.elements for name in ("aria-describedby", "aria-labelledby") if name in attributes
    ]
    anchors = [(a["href"] or "")[1:] for tag in ("a", "use") for a in read.all(tag)]
    assert set(pointers) | set(anchors) <= set(ids)


@pytest.mark.parametrize("build", ["example", "all_stable"])
def test_each_chart_has_a_description_and_a_table(build: str) -> None:
    comparison = EXAMPLE[build]()
    figures = re.findall(r"<figure (.*?)</figure>", html_report(comparison), re.DOTALL)
    drawn = [c for c in comparison.columns if c.chart and c.verdict in (Verdict.DRIFTED, Verdict.FAULTY)]
    assert len(figures) == len(drawn) + min(9, sum(c.verdict is Verdict.STABLE for c in comparison.columns))
    for figure in figures:
        described = re.match(r'aria-describedby="([^"]+)"', figure)
        assert described
        assert re.search(rf'<figcaption id="{described.group(1)}">Largest changes: .+?</figcaption>', figure, re.DOTALL)
        assert figure.count("<svg") == 1
        assert 'aria-hidden="true"' in figure
        assert figure.count("<table>") == 1
        assert figure.count('<th scope="row">') >= 8


def test_every_table_says_which_cells_are_headings(read: Reader) -> None:
    assert all(th.get("scope") in ("col", "row") for th in read.all("th"))


def test_sections_come_in_the_order_in_which_they_matter(page: str) -> None:
    titles = re.findall(r"<h2[^>]*>([^<]*?)\s*<", page)
    assert titles == [
        "What to do next",
        "Data problems",
        "Drift",
        "Predictions",
        "Quality",
        "Not enough data",
        "All columns",
        "Not compared",
        "Notes",
        "Where this comes from",
    ]
    drift = page.split('id="drift-title"')[1].split('id="predictions-title"', maxsplit=1)[0]
    assert "<bdi>score</bdi>" not in drift
    assert "<bdi>income</bdi>" in drift


def test_every_column_has_a_row_and_every_exclusion_a_reason(example: Comparison, page: str) -> None:
    table = page.split('id="columns-title"')[1].split("</table>", maxsplit=1)[0]
    assert table.count('<th scope="row">') == len(example.columns)
    assert page.count("identifier: every value is unique") == 2  # the list and the JSON


@pytest.mark.parametrize(("columns", "drifted"), [(1000, 5), (1000, 1000), (300, 300)])
def test_the_page_stays_small(columns: int, drifted: int) -> None:
    comparison = EXAMPLE["wide"](columns, drifted=drifted)
    page = html_report(comparison)
    assert len(page.encode()) < 2 * MEGABYTE
    found = embedded(page)
    assert len(found["columns"]) == columns  # type: ignore[arg-type]
    assert ("abridged" in found) == (columns > 300)
    if columns > 300:
        without = sum("chart" not in column for column in found["columns"])  # type: ignore[attr-defined]
        assert found["abridged"]["columns"] == without == columns - min(drifted, 50)  # type: ignore[index]
    if drifted > 50:
        assert f"{drifted - 50} more columns are not stable" in page


def test_the_numbers_of_a_segment_are_in_the_unit_of_its_own_measure(page: str) -> None:
    """The column was decided by missing values, the segment web by its PSI: 0.0142 is a PSI there, and no 1.42 %."""
    table = page.split('id="c1-name"')[1].split("<caption>By segment")[1].split("</table>", maxsplit=1)[0]
    rows = [re.findall(r"<td(?: class=\"n\")?>([^<]*)<", row) for row in table.split("<tr>")[2:]]
    assert [row[1:4] for row in rows] == [
        ["missing rate", "79.7\u00a0%", "1.90\u00a0%"],
        ["PSI", "0.0142", "0.101"],
        ["location", "\u22120.226", "0.225"],
    ]


def test_what_chance_gives_is_shown_only_beside_the_number_it_belongs_to(example: Comparison) -> None:
    income = example.column("income")
    assert income is not None
    assert "by chance 0.000610" in html_report(replace(example, columns=(income,)))
    of_a_segment = replace(income, value=0.241, limit=0.12, note="channel=app: mean +0.6 sd; not in all rows together")
    assert "by chance 0.000610" not in html_report(replace(example, columns=(of_a_segment,)))


def test_the_card_of_a_column_that_drifted_in_one_segment_only_says_whose_numbers_it_shows(example: Comparison) -> None:
    income = example.column("income")
    assert income is not None
    app, web, small = income.segments
    one = replace(income, value=app.value, limit=app.limit, note="channel=app: mean up; not in all rows together")
    one = replace(one, segments=(replace(app, note="mean up"), replace(web, verdict=Verdict.STABLE), small))
    shown = html_report(replace(example, columns=(one,)))
    assert "<b>Only in channel=app</b>: all rows together have not drifted." in shown
    assert '<b>0.241</b> <span class="in">in channel=app</span>' in shown
    assert "<span>16,021 rows</span>" in shown
    assert '<p class="story">mean up</p>' in shown
    assert "Only in" not in html_report(replace(example, columns=(income,)))


def test_each_finding_that_crossed_tells_what_it_saw(example: Comparison) -> None:
    income = example.column("income")
    assert income is not None
    shown = html_report(replace(example, columns=(replace(income, note="mean 61,200, was 52,300"),)))
    assert "<li><b>location</b> mean 61,200, was 52,300 <span>" in shown


def test_one_row_is_no_rows(example: Comparison) -> None:
    single = replace(example, provenance=replace(example.provenance, current=replace(example.provenance.current, rows=1)))
    single = replace(single, columns=tuple(replace(c, n=1) for c in single.columns))
    pages = ("".join(part for tag, part in Reader(page).text if tag != "script") for page in (html_report(single), html_fragment(single)))
    for shown in (*pages, terminal_text(single)):
        assert "1 row" in shown
        assert not re.search(r"\b1 rows", shown)


def quality_of(example: Comparison, verdict: Verdict, metric: str = "roc_auc") -> tuple[QualityVerdict, ...]:
    return (replace(example.quality[0], verdict=verdict, metric=metric),)


def test_drift_without_a_loss_asks_to_look_and_not_to_retrain(example: Comparison) -> None:
    drifted = tuple(replace(c, name=f"c{i}") for i, c in enumerate([EXAMPLE["income"]()] * 5))
    held, unknown, unlabelled = (
        next_steps(replace(example, columns=drifted, quality=quality))
        for quality in (quality_of(example, Verdict.STABLE), quality_of(example, Verdict.INSUFFICIENT), ())
    )
    look = "Look at what moved in “c0”, “c1”, “c2” and 2 more columns. "
    assert held == (f"{look}Quality holds on the labels at hand, so there is no reason to retrain yet.",)
    assert unknown == (f"{look}Whether it hurts is not known yet: the labels at hand are too few.",)
    assert unlabelled == (f"{look}Whether it hurts is not known without labels: compare again with them later.",)


def test_repair_is_spoken_of_only_where_there_is_a_data_problem(example: Comparison) -> None:
    lost = quality_of(example, Verdict.DRIFTED)
    faulty, broken, moved = EXAMPLE["bureau_score"](), replace(EXAMPLE["income"](), cause=Cause.PIPELINE), EXAMPLE["income"]()
    first, second = next_steps(replace(example, columns=(faulty,), quality=lost))
    assert first.startswith("Repair the data first: “bureau_score”.")
    assert second.endswith("judge it again once the data is repaired, and think about retraining only if the loss stays.")
    for columns in ((broken,), (moved,), (broken, moved), ()):
        said = " ".join(next_steps(replace(example, columns=columns, quality=lost)))
        assert "repair" not in said.lower()
        assert "Quality changed (ROC AUC): look at which rows lost most first; then think about retraining" in said


def test_where_quality_was_lost_is_named(example: Comparison) -> None:
    overall = replace(example.quality[0], metric="observed_expected", better="target")
    app, web = (replace(overall, segment=name) for name in ("channel=app", "channel=web"))
    some = next_steps(replace(example, columns=(), quality=(overall, app, replace(web, verdict=Verdict.STABLE))))
    assert some == (
        "Quality changed (observed expected): look at “channel=app” first; recalibrating may be enough, else retrain on newer labels.",
    )
    assert "every segment lost" in next_steps(replace(example, columns=(), quality=(overall, app, web)))[0]


def test_there_are_at_most_four_steps_and_always_one(example: Comparison) -> None:
    broken = replace(EXAMPLE["income"](), cause=Cause.PIPELINE)
    assert len(next_steps(replace(example, columns=(*example.columns, broken)))) == 4
    assert next_steps(EXAMPLE["all_stable"]()) == ("Nothing to do: no column crossed its limit.",)


def test_the_fragment_has_one_row_for_columns_with_too_few_rows(example: Comparison) -> None:
    few = tuple(replace(EXAMPLE["device_model"](), name=f"c{i}") for i in range(10))
    shown = "".join(part for _, part in Reader(html_fragment(replace(example, columns=few))).text)
    assert "10 columns" in shown
    assert "41 rows can only show a drift from PSI 0.31 on; 0.20 would be enough to judge (c0, c1, c2, …)" in shown


def test_nothing_compared_and_unknown_numbers_are_still_a_page(example: Comparison) -> None:
    empty = replace(example, columns=(), quality=(), excluded=(), notes=(), counts={}, headline="", task="")
    assert "nothing was compared" in html_report(empty)
    blank = replace(
        example.columns[0], value=None, limit=None, chart=None, measures=(), findings=(), segments=(), importance=None, floor=None
    )
    Reader(html_report(replace(example, columns=(blank,))))
    Reader(html_fragment(empty))


@pytest.mark.parametrize(("columns", "drifted"), [(0, 0), (3, 1), (12, 12), (500, 40)])
def test_the_fragment_has_at_most_twelve_rows_and_no_style_sheet(columns: int, drifted: int) -> None:
    comparison = EXAMPLE["wide"](columns, drifted=drifted)
    read = Reader(html_fragment(comparison))
    assert len(read.all("tr")) <= 12
    assert not read.all("script")
    assert not read.all("style")
    assert not read.all("svg")
    shown = len(read.all("tr")) - 1 - 2 - (columns > 8)
    rest = "".join(part for _, part in read.text).split("and more: ")[1] if columns > 8 else ""
    assert sum(int(n) for n in re.findall(r"\d+", rest)) + shown == columns


def test_fragment_golden() -> None:
    assert EXAMPLE["goldens"]()["report_fragment.html"] == (GOLDEN / "report_fragment.html").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    css = resources.files("driftline.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    return {name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for name, block in (("light", light), ("dark", dark))}


def test_contrast_is_computed_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str) -> None:
    colours = schemes()[scheme]
    text_pairs = [(ink, paper) for ink in ("ink", "muted", "link") for paper in ("page", "card")]
    text_pairs += [(state, f"{state}-tint") for state in ("faulty", "drifted", "stable", "insufficient")]
    graphic_pairs = [(mark, "card") for mark in ("ref-line", "cur", "over", "mark", "faulty", "drifted", "stable", "insufficient")]
    graphic_pairs += [("cur", "ref-fill"), ("over", "inset"), ("cur", "inset"), ("ref-line", "page"), ("link", "page")]
    low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in text_pairs if contrast(colours[pair[0]], colours[pair[1]]) < 4.5}
    low |= {
        pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in graphic_pairs if contrast(colours[pair[0]], colours[pair[1]]) < 3
    }
    assert low == {}
    assert schemes()["light"].keys() == schemes()["dark"].keys()


def test_the_marks_of_the_fragment_are_legible_on_any_paper() -> None:
    fills = set(re.findall(r"color:#fff;background:(#[0-9a-f]{6})", html_fragment(EXAMPLE["example"]())))
    assert len(fills) == 3
    assert min(contrast(fill, "#ffffff") for fill in fills) >= 4.5
