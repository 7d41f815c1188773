"""The page over time: nothing from the data becomes markup, nothing is fetched or run, every chart has its words and its table."""

from __future__ import annotations

import re
import runpy
import time
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.report.moments import Clock
from driftline.report.states import State
from driftline.report.strips import runs, strip
from driftline.report.text import visible
from driftline.report.time_axis import TimeAxis
from driftline.report.timeline import ModelState, Point, Timeline, timeline_of
from driftline.report.timeline_charts import Line, line_chart
from driftline.report.timeline_html import timeline_html
from driftline.report.timeline_page import page_of

EXAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "timeline_example.py"))
MEGABYTE = 1_000_000
VOID = {"meta", "br", "use", "path"}
OPTIONAL = {"td", "th", "tr", "thead", "tbody"}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "tabindex", "role", "scope", "style"),
    *("aria-label", "aria-labelledby", "aria-hidden", "aria-describedby", "focusable"),
    *("viewbox", "preserveaspectratio", "d", "x", "y", "cx", "cy", "r", "text-anchor", "stroke-width"),
}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "article", "footer", "div"),
    *("h1", "h2", "h3", "p", "span", "a", "b", "bdi", "small", "code", "br", "ol", "li", "dl", "dt", "dd"),
    *("figure", "figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "symbol", "path", "circle", "text", "use", "desc"),
}


class Reader(HTMLParser):
    """Collects elements, attributes and text; fails on a tag that is not closed, other than those that HTML closes itself."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag in OPTIONAL or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return timeline_of(EXAMPLE["year"](), EXAMPLE["state"]())


@pytest.fixture(scope="module")
def page(timeline: Timeline) -> str:
    return timeline_html(timeline)


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


POISONS = [
    *EXAMPLE["HOSTILE"],
    "</script><script>alert(3)</script>",
    "--><!--<script>",
    "</style></title></desc></textarea><img src=x onerror=alert(4)>",
    "{{ 7 * 7 }}{% raw %}",
    "\x00\ud800\u2028\ufeff",
    "'\"`=<>&",
]


def poisoned(poison: str) -> Timeline:
    """Every text of every record is the poison, but for the words that the steps give their measurements."""
    found = []
    for e in EXAMPLE["year"](columns=("temp", "visib"), first=date(2013, 7, 18), last=date(2013, 7, 24)):
        measurements = []
        for i, m in enumerate(e.measurements):
            scope = Scope(poison, poison if i % 4 == 1 else "", ((poison, poison),) if i % 5 == 3 else (), m.scope.window)
            metric = poison if i % 7 == 5 else m.metric
            measurements.append(replace(m, metric=metric, scope=scope, column=m.column and poison, note=poison))
        found.append(replace(e, plan=poison, reference=poison, measurements=tuple(measurements)))
    text = dict.fromkeys(("model", "description", "base_window", "reference", "reference_version", "anchor", "config"), poison)
    state = replace(EXAMPLE["state"](), **text, rejected={poison: 3}, versions={poison: poison})
    return timeline_of(found, state)


@pytest.mark.parametrize("poison", POISONS)
def test_no_text_of_the_data_becomes_markup(poison: str) -> None:
    written = timeline_html(poisoned(poison))
    written.encode("utf-8")
    found = Reader(written)
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    assert {name for _, attributes in found.elements for name in attributes} <= ATTRIBUTES
    assert found.comments == []
    assert all((a["href"] or "").startswith("#") for tag in ("a", "use") for a in found.all(tag))
    unseen = {c for c in written if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert not unseen
    assert visible(poison)[:40] in "".join(found.text).replace("\u00a0", " ")


def test_the_page_asks_for_nothing_and_runs_nothing(page: str, read: Reader) -> None:
    policy = next(meta["content"] for meta in read.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bsrc=", page.replace("http-equiv", ""))
    assert not read.all("script")
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert {re.sub(r"[\d.]+", "0", a["style"] or "") for _, a in read.elements if "style" in a} <= {"left:0%"}


def test_ids_are_unique_and_every_reference_leads_somewhere(read: Reader) -> None:
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    names = ("aria-describedby", "aria-labelledby")
    pointers = {id_ for _, a in read.elements for name in names if name in a for id_ in (a[name] or "").split()}
    anchors = {(a["href"] or "")[1:] for tag in ("a", "use") for a in read.all(tag)}
    assert pointers | anchors <= set(ids)


def test_each_chart_has_a_title_a_description_and_a_table(page: str, timeline: Timeline) -> None:
    figures = re.findall(r"<figure (.*?)</figure>", page, re.DOTALL)
    assert len(figures) == sum(map(len, page_of(timeline).charts.values())) >= 25
    for figure in figures:
        svg = re.search(r'<svg class="series"[^>]* role="img" aria-labelledby="(\S+)-t \1-d"', figure)
        assert svg
        assert re.search(rf'<title id="{svg.group(1)}-t">.+?</title><desc id="{svg.group(1)}-d">.+?</desc>', figure)
        assert re.search(r'<figcaption id="[^"]+-text">.+?\.</figcaption>', figure, re.DOTALL)
        assert figure.count("<table>") == 1
        assert figure.count("<th scope=row>") >= 2
    assert len(re.findall(r'<svg class="strip"[^>]*role="img"', page)) == 5 + len(EXAMPLE["COLUMNS"]) + 1


def test_every_table_says_which_cells_are_headings(read: Reader) -> None:
    assert all(th.get("scope") in ("col", "row") for th in read.all("th"))


def test_sections_come_in_the_order_of_the_steps(page: str) -> None:
    titles = re.findall(r"<h2[^>]*>([^<]*?)\s*<", page)
    sections = ["Operations", "Quality", "Label feed", "Data", "Predictions"]
    assert titles == ["Not fine now", "Chronicle", *sections, "Latest window", "Where this comes from"]
    assert "<h1>carrier has drifted since 2013-11-11</h1>" in page


def test_the_steps_that_do_not_exist_yet_say_so(page: str) -> None:
    strip_ = page.split('<ol class="parts">')[1].split("</ol>", maxsplit=1)[0]
    assert re.findall(r'class="part-number">(\d)</span> (\w+)', strip_) == [
        *(("1", "Operations"), ("1", "Quality"), ("2", "Data"), ("3", "Predictions"), ("4", "Alerts"), ("5", "Retraining")),
    ]
    assert strip_.count("not there yet") == 1
    assert 'Alerts</span><span class="quiet">not shown for the past</span>' in strip_
    assert 'Alerts</span><span class="quiet">has not run</span>' in timeline_html(timeline_of([], ModelState("m")))


def test_the_three_bases_of_quality_have_three_styles_and_a_legend(page: str) -> None:
    quality = page.split('id="quality-title"')[1].split('id="labels-title"', maxsplit=1)[0]
    for look, words in (("matured", "final labels"), ("same_age", "labels of the same age"), ("estimated", "estimated")):
        assert re.search(rf'<path class="line-{look}" d="M[\d.]', quality)
        assert f'd="M1 4h22"/></svg>{words}</span>' in quality
    css = resources.files("driftline.report").joinpath("templates/timeline.css").read_text(encoding="utf-8")
    dashes = re.findall(r"\.line-(?:same_age|estimated|proxy) \{[^}]*stroke-dasharray: ([^;]+)", css)
    assert len(set(dashes)) == 3


def test_every_column_has_a_strip_and_every_episode_a_row(page: str, timeline: Timeline) -> None:
    data = page.split('id="data-title"')[1].split("</table>", maxsplit=1)[0]
    assert re.findall(r'role="rowheader"><bdi>([^<]+)</bdi>', data)[:2] == ["carrier", "temp"]  # not fine now, then most often
    episodes = page.split('class="episodes"')[1].split("</table>", maxsplit=1)[0]
    assert episodes.count('role="rowheader"') == len(timeline.episodes)
    assert episodes.count("ongoing") == 1


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_lines_and_strips_have_contrast(scheme: int) -> None:
    templates = resources.files("driftline.report").joinpath("templates")
    css = templates.joinpath("report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]))
    rules = templates.joinpath("timeline.css").read_text(encoding="utf-8")
    strips = re.findall(r"\.cell-(?!unknown)\w+ \{ fill: var\(--([\w-]+)\)", rules)
    lines = ["cur", *re.findall(r"\.line-\w+ \{ stroke: var\(--([\w-]+)\)", rules)]
    assert (len(strips), len(lines)) == (5, 4)
    pairs = [(name, "inset") for name in strips] + [(name, "card") for name in lines]
    low: dict = {}
    for ink, paper in pairs:
        dark, light = sorted((luminance(colours[ink]), luminance(colours[paper])))
        low |= {(ink, paper): (light + 0.05) / (dark + 0.05)} if (light + 0.05) / (dark + 0.05) < 3 else {}
    assert low == {}


def test_provenance_names_plan_reference_windows_and_versions(timeline: Timeline) -> None:
    shown = timeline_html(replace(timeline, state=replace(timeline.state, versions={"driftline": "0.9"}, anchor="r-old")))
    part = shown.split('id="provenance-title"')[1]
    for word in ("sha256:5b1f0c", "r-2013q1-84d2", "performance 274, drift 274, predictions 274", "driftline 0.9", "r-old", "flights.yaml"):
        assert word in part


@pytest.mark.parametrize("columns", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_a_year_of_many_columns_stays_below_two_megabytes(columns: int) -> None:
    evaluations = EXAMPLE["wide"](columns)
    start = time.process_time()
    written = timeline_html(timeline_of(evaluations, EXAMPLE["state"]()))
    assert time.process_time() - start < 40
    assert len(written.encode()) < 2 * MEGABYTE
    if columns == 200:
        assert "more measurements not shown" in written


def test_of_very_many_windows_the_last_are_drawn_and_all_are_told() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [Window(start + timedelta(hours=i), start + timedelta(hours=i + 1)) for i in range(1500)]
    found = [
        Evaluation(Step.DRIFT, w, w.end, w.end, 0, "p", "r", (Measurement("verdict", float(i == 3), Scope(), 50, "a", beyond=i == 3),))
        for i, w in enumerate(hours)
    ]
    written = timeline_html(timeline_of(found, ModelState("m")))
    assert "Drawn below are the last windows, 2026-02-15 20:00 .. 2026-03-04 11:00" in written
    assert "2026-01-01 03:00" in written.split('class="episodes"')[1].split("</table>")[0]


def test_nothing_evaluated_and_one_window_are_pages_too() -> None:
    empty = Reader(timeline_html(timeline_of([], ModelState("m"))))
    assert "Nothing has been evaluated yet" in " ".join(empty.text)
    one = EXAMPLE["year"](first=date(2013, 7, 22), last=date(2013, 7, 22))
    assert "visib has a data problem" in " ".join(Reader(timeline_html(timeline_of(one, EXAMPLE["state"]()))).text)
    silent = EXAMPLE["year"](first=date(2013, 12, 1), last=date(2013, 12, 2))
    assert "Beyond limit" in " ".join(Reader(timeline_html(timeline_of(silent, EXAMPLE["state"]()))).text)


DAYS = [
    Window(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=i), datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=i)) for i in range(60)
]


def chart(values: list[float | None], *, zero: bool = False, skip: tuple[int, ...] = (), **more) -> str:
    points = []
    for i, value in enumerate(values):
        status = Status.OK if value is not None else Status.INSUFFICIENT
        m = Measurement("psi", value, Scope(), 100, "a", status=status, basis=Basis.OBSERVED, **more)
        state = State.UNKNOWN if value is None else State.DRIFT if more.get("beyond") else State.OK
        points += [] if i in skip else [Point(DAYS[i], m, state)]
    return str(line_chart("x", "t", "d", [Line("value", "observed", points)], TimeAxis.of(DAYS[: len(values)]), Clock(), zero=zero))


def drawn(svg: str, name: str) -> str:
    found = re.search(rf'<path class="{name}"[^>]* d="([^"]*)"', svg)
    return found.group(1) if found else ""


def test_a_gap_stays_a_gap() -> None:
    assert drawn(chart([1.0, 2.0, 3.0, 4.0]), "line-observed").count("M") == 1
    assert drawn(chart([1.0, 2.0, 3.0, 4.0], skip=(2,)), "line-observed").count("M") == 2  # the fourth stands alone, as a dot
    assert drawn(chart([1.0, None, 3.0, 4.0]), "line-observed").count("M") == 2
    assert drawn(chart([1.0, None, 3.0, 4.0]), "mark-few").count("M") == 1


def test_the_limit_is_a_step_and_what_is_beyond_has_a_shape() -> None:
    svg = chart([1.0] * 5, limit=0.5, beyond=True)
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+", drawn(svg, "limit-line"))
    assert drawn(svg, "mark-beyond").count("z") == 5
    assert drawn(chart([1.0] * 5, limit=2.0, beyond=False), "mark-beyond") == ""


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [5.0, 5.0],
        [-3.0, -3.0],
        [1e-300, 2e-300],
        [1.7e308, -1.7e308],
        [float("inf"), 1.0, float("-inf")],
        [None, None],
        [1e15, 1e15 + 1],
    ],
)
@pytest.mark.parametrize("zero", [False, True])
def test_any_numbers_make_a_drawing_within_its_frame(values: list[float | None], zero: bool) -> None:
    svg = chart(values, zero=zero, low=-1.0, high=float("inf"), limit=1e9)
    assert "nan" not in svg
    assert not re.search(r"[-M ]inf", svg)
    for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", drawn(svg, "line-observed") + drawn(svg, "band")):
        assert 0 <= float(x) <= 360
        assert 0 <= float(y) <= 101


def test_marks_of_the_scale_are_round_and_rates_begin_at_zero() -> None:
    ticks = re.findall(r'text-anchor="end">([^<]+)<', chart([0.12, 0.31, 0.27], zero=True))
    assert ticks == ["0", "0.200", "0.400"]
    m = Measurement("coverage", 0.97, Scope(), 9)
    share = line_chart("x", "t", "d", [Line("v", "observed", [Point(DAYS[0], m, State.OK)])], TimeAxis.of(DAYS[:1]), Clock(), zero=True)
    assert re.findall(r'text-anchor="end">([^<]+)<', share) == ["0 %", "50.0 %", "100 %"]  # a share ends at 100 %


def test_a_strip_joins_windows_of_one_state_and_height_speaks_beside_colour() -> None:
    states = [State.OK, State.OK, State.DRIFT, State.DATA, State.UNKNOWN, State.NODATA, State.OK]
    axis = TimeAxis.of(DAYS[:7])
    assert [state for _, _, state in runs(zip(DAYS, states, strict=False), axis)] == [*states[1:]]
    svg = str(strip("s", "a", "d", zip(DAYS, states, strict=False), axis))
    tops = {
        name: re.search(r"M[\d.]+ ([\d.]+)h", drawn(svg, f"cell-{name}")).group(1) for name in ("stable", "drifted", "faulty", "unknown")
    }
    assert len(set(tops.values())) == 4
    assert svg.count("<path") == 4  # no data is not drawn
    gap = [*zip(DAYS[:2], states, strict=False), (DAYS[4], State.OK)]
    assert len(list(runs(gap, axis))) == 2  # days that nobody evaluated part what is alike


@pytest.mark.parametrize(
    ("zone", "first", "days", "labels"),
    [
        ("UTC", datetime(2026, 1, 1), 365, ["Jan 2026", "Apr", "Jul", "Oct"]),
        ("UTC", datetime(2026, 1, 5), 14, ["01-05", "01-08", "01-11", "01-14", "01-17"]),
        ("UTC", datetime(2026, 1, 5), 1, ["01-05", "06:00", "12:00", "18:00"]),
        ("America/New_York", datetime(2013, 4, 1, 4), 275, ["Apr", "Jun", "Aug", "Oct", "Dec"]),
    ],
)
def test_the_axis_names_round_moments(zone: str, first: datetime, days: int, labels: list[str]) -> None:
    begin = first.replace(tzinfo=UTC)
    axis = TimeAxis.of([Window(begin, begin + timedelta(days=days))])
    found = axis.labels(Clock.of(zone))
    assert [name for _, name in found] == labels
    assert all(0 <= share < 1 for share, _ in found)


@pytest.mark.parametrize(("said", "shown"), [("Is it late?", "Is it late? "), ("Late flights", "Late flights. "), ("Late.", "Late. ")])
def test_a_description_ends_once(said, shown):
    page = timeline_html(timeline_of([], ModelState("m", description=said)))
    assert f'<p class="tables">{shown}' in page
