"""Step 4 on the page: what is open, the strip over time, what people said of it, the budget. Nothing from the data becomes markup."""

from __future__ import annotations

import re
import runpy
import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest
from test_timeline_html import ATTRIBUTES, ELEMENTS, POISONS, Reader, luminance

from driftline.alerting.records import Board, Silence, Stage
from driftline.core.verdicts import Severity
from driftline.report.alerts_shown import AlertsShown
from driftline.report.incidents_page import MOST_CARDS, MOST_ROWS, section_of
from driftline.report.moments import Clock
from driftline.report.text import visible
from driftline.report.time_axis import TimeAxis
from driftline.report.timeline import ModelState, timeline_of
from driftline.report.timeline_html import timeline_html

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = runpy.run_path(str(GOLDEN / "alerts_example.py"))
YEAR = runpy.run_path(str(GOLDEN / "timeline_example.py"))
SHOWN = EXAMPLE["shown"]()
CLOCK = Clock.of("America/New_York")
AXIS = TimeAxis(EXAMPLE["day"](date(2013, 4, 1)).start, EXAMPLE["day"](date(2013, 12, 31)).end, timedelta(days=1))


def written(shown, first=date(2013, 12, 20)):
    """The page of a few days with these alerts."""
    return timeline_html(timeline_of(YEAR["year"](first=first), replace(YEAR["state"](), alerts=shown)))


def part(page):
    """The section of step 4."""
    return page.split('<section id="alerts"')[1].split("</section>", maxsplit=1)[0]


@pytest.fixture(scope="module")
def page():
    return written(SHOWN, date(2013, 4, 1))


@pytest.fixture(scope="module")
def section():
    return section_of(SHOWN, CLOCK, AXIS)


def test_golden(page):
    """The section without its wrapping, so that a person can read what has changed."""
    assert EXAMPLE["fragment"](page) == (GOLDEN / "alerts_section.html").read_text(encoding="utf-8")


def test_where_step_4_never_ran_there_is_no_section():
    page = timeline_html(timeline_of(YEAR["year"](first=date(2013, 12, 20)), replace(YEAR["state"](), as_of=None)))
    assert 'id="alerts"' not in page
    assert 'Alerts</span><span class="quiet">has not run</span>' in page
    assert ".incidents th" not in page


def test_the_section_comes_after_the_predictions_and_the_strip_of_steps_leads_to_it(page):
    titles = re.findall(r"<h2[^>]*>([^<]*?)\s*<", page)
    assert titles[titles.index("Predictions") + 1] == "Alerts and incidents"
    step = page.split('<a href="#alerts">')[1].split("</a>")[0]
    words = "4 Alerts 2 incidents open 1 page, 1 ticket, 1 only information open; 6 over"
    assert " ".join(re.sub(r"<[^>]+>", " ", step).split()) == words


def test_open_incidents_have_a_card_with_story_members_muted_and_what_people_did(page):
    cards = part(page).split("<article")[1:]
    assert [re.search(r"<bdi>(.*?)</bdi>", card)[1] for card in cards] == ["NullSpike (visib)", "ColumnDrift (carrier)"]
    assert "31.2\u00a0% missing (reference 0.4\u00a0%), limit 0.83\u00a0%; looks like: pipeline" in cards[0]
    assert "<summary>4 more alerts</summary>" in cards[0]
    assert "ColumnFaulty (humid, pressure, temp and 1 more)" in cards[0]
    assert "<summary>16 muted: nobody is told of them</summary>" in cards[0]
    assert cards[0].count("<li>") == 1 + 5  # the alerts of one rule, and five reasons
    assert "2013-11-15 09:12 ann acknowledged it: asking who changed the schedule" in cards[1]


def test_an_incident_that_is_only_information_has_a_row_and_no_card(section):
    assert [card.look for card in section.cards] == ["alarm", "ticket"]
    assert section.quiet == 1
    assert [row.look for row in section.rows[:3]] == ["alarm", "info", "ticket"]


def test_each_row_is_drawn_on_the_axis_of_the_charts_with_words_and_a_height_for_its_severity(page, section):
    drawn = re.findall(
        r'<svg class="strip"[^>]*aria-labelledby="(incident-\d+)-t \1-d".*?<title[^>]*>(.*?)</title><desc[^>]*>(.*?)</desc>(.*?)</svg>',
        page,
    )
    assert len(drawn) == len(section.rows) == 9
    assert drawn[0][1].startswith("NullSpike (visib): 31.2")
    assert drawn[0][2] == "Page, open since 2013-12-30, 5 alerts, 16 muted."
    tops = {re.search(r"bar-(\w+)", svg)[1]: re.search(r"d=\"M[\d.]+ ([\d.]+)H", svg)[1] for *_, svg in drawn}
    assert tops == {"alarm": "0", "ticket": "4", "info": "8"}
    quality = next(svg for _, title, _, svg in drawn if title.startswith("QualityBelowFloor"))
    left, right = (float(x) for x in re.search(r"M([\d.]+) 0H([\d.]+)V12", quality).groups())
    days = (date(2013, 10, 8) - date(2013, 4, 1)).days, (date(2013, 10, 23) - date(2013, 4, 1)).days
    assert (left, right) == pytest.approx([1000 * day / 275 for day in days], abs=0.3)


def test_what_is_open_ends_in_an_arrow_at_the_end_of_the_axis_and_what_is_short_is_still_seen(section):
    bars = {row.id: re.search(r' d="([^"]+)"', str(row.drawing))[1] for row in section.rows}
    assert "L1000.0 8L994.0 12" in bars["inc_26d9f0d5a66c"]
    left, right = (float(x) for x in re.match(r"M([\d.]+) 0H([\d.]+)", bars["inc_2699c72e01aa"]).groups())
    assert right - left >= 3
    assert "L" not in bars["inc_ba3959996f66"]


def test_incidents_before_the_axis_are_not_drawn_and_those_that_reach_into_it_begin_at_its_edge():
    late = TimeAxis(EXAMPLE["day"](date(2013, 11, 1)).start, AXIS.end, AXIS.length)
    rows = section_of(SHOWN, CLOCK, late).rows
    assert "inc_ba3959996f66" not in {row.id for row in rows}
    inside = section_of(SHOWN, CLOCK, TimeAxis(EXAMPLE["day"](date(2013, 12, 1)).start, AXIS.end, AXIS.length))
    carrier = next(row for row in inside.rows if row.id == "inc_26d9f0d5a66c")
    assert ' d="M0.0 4H' in str(carrier.drawing)


def test_what_began_after_the_axis_has_a_row_where_it_is_open_and_no_bar():
    early = TimeAxis(AXIS.start, EXAMPLE["day"](date(2013, 7, 1)).end, AXIS.length)
    rows = {row.id: str(row.drawing) for row in section_of(SHOWN, CLOCK, early).rows}
    assert set(rows) == {"inc_5b0cc78b9fdc", "inc_26d9f0d5a66c", "inc_93e6238c0620", "inc_d4979cc32cd9"}
    assert [id_ for id_, drawing in rows.items() if "<path" in drawing] == ["inc_d4979cc32cd9"]
    assert re.search(r"H1000\.0V12", rows["inc_d4979cc32cd9"])  # it goes on beyond what is drawn


def test_was_it_worth_it_says_closings_precision_and_what_is_proposed(page):
    told = part(page)
    assert "Closed: 2 real fixed, 1 false alarm, 1 real accepted, 1 expected event." in told
    table = told.split("Was it worth it?")[1]
    assert table.index("ColumnDrift") < table.index("QualityBelowFloor")  # what is wrong most often first
    assert "3 of 4" in table
    assert "let it hold longer" in table
    nobody = part(written(replace(SHOWN, precision=(), proposals=(), incidents=[EXAMPLE["broken"]()])))
    assert "Nobody has said yet which incidents were real" in nobody


def test_the_budget_stands_beside_what_was_used_and_what_is_to_be_expected(page, section):
    assert section.budget == (("Pages", "2", "1", "0.402"), ("Tickets", "1", "4", "0.250"))
    assert section.rules[-1] == ("ApprovalRate", "Ticket", "–", "no theory: back-test it")
    assert "<summary>What each rule may raise in a month</summary>" in part(page)
    assert section_of(AlertsShown(Board(revision=1)), CLOCK, None).budget == ()


def test_silences_and_notices_that_were_given_up_are_told_and_nothing_where_there_are_none(page):
    assert re.search(r"sil_1b44cc55dd66.*2014-01-02 02:05.*alertname=\*Drift\s+column=carrier.*carriers change", part(page))
    assert re.search(r"2013-12-23 06:05.*chat.*9 tries: the receiver answered 503.*MAE is 23.9", part(page))
    without = part(written(replace(SHOWN, silences=(), given_up=())))
    assert "Silences in force" not in without
    assert "given up" not in without


def test_nothing_open_says_so():
    over = replace(SHOWN, board=Board(revision=3), incidents=EXAMPLE["over"]())
    page = written(over)
    assert "No page and no ticket is open." in part(page)
    assert '<span class="badge stable">' in page.split('<a href="#alerts">')[1].split("</a>")[0]
    assert "No page, no ticket" in page


def test_ids_are_unique_and_references_lead_somewhere_with_alerts_too(page):
    read = Reader(page)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    names = ("aria-describedby", "aria-labelledby")
    pointers = {id_ for _, a in read.elements for name in names if name in a for id_ in (a[name] or "").split()}
    anchors = {(a["href"] or "")[1:] for tag in ("a", "use") for a in read.all(tag)}
    assert pointers | anchors <= set(ids)
    assert all(th.get("scope") in ("col", "row") for th in read.all("th"))
    assert not read.all("script")
    assert {tag for tag, _ in read.elements} <= ELEMENTS
    assert {name for _, attributes in read.elements for name in attributes} <= ATTRIBUTES


def poisoned(poison):
    """Every text of the example that people outside fill is the poison."""

    def key(of):
        return replace(of, rule=poison, column=poison, metric=poison, version=poison, segment=((poison, poison),))

    def member(of):
        seen = replace(of.strongest, key=key(of.key), note=poison)
        by = poison if of.muted_by else ""
        return replace(of, key=key(of.key), strongest=seen, latest=seen, muted_by=by)

    def incident(of):
        acts = tuple(replace(act, author=poison, reason=poison, what=poison) for act in of.acts)
        return replace(of, id=of.id, group=poison, members=tuple(map(member, of.members)), acts=acts)

    kept = [replace(s, author=poison, comment=poison, matchers={"column": poison}) for s in EXAMPLE["silences"]()]
    sent = [replace(o, channel=poison, error=poison, notice=replace(o.notice, summary=poison)) for o in EXAMPLE["outgoing"]()]
    right = tuple(replace(each, rule=poison) for each in SHOWN.precision)
    expected = replace(SHOWN.expected, rules=tuple(replace(each, rule=poison, derivation=poison) for each in SHOWN.expected.rules))
    found = [incident(each) for each in SHOWN.incidents]
    board = replace(SHOWN.board, incidents=tuple(map(incident, SHOWN.board.incidents)))
    severities = {poison: Severity.CRITICAL}
    more = {"silences": kept, "given_up": sent, "precision": right, "proposals": (poison,), "expected": expected}
    return replace(SHOWN, board=board, incidents=found, severities=severities, **more)


@pytest.mark.parametrize("poison", POISONS)
def test_no_text_of_alerts_becomes_markup(poison):
    page = written(poisoned(poison))
    page.encode("utf-8")
    read = Reader(page)
    assert {tag for tag, _ in read.elements} <= ELEMENTS
    assert {name for _, attributes in read.elements for name in attributes} <= ATTRIBUTES
    assert read.comments == []
    assert all((a["href"] or "").startswith("#") for tag in ("a", "use") for a in read.all(tag))
    assert not {c for c in page if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert visible(poison)[:30] in "".join(Reader(f"<div>{part(page).partition('>')[2]}</div>").text).replace("\u00a0", " ")


def test_of_very_many_incidents_a_bounded_number_is_shown_and_the_rest_counted():
    first = EXAMPLE["broken"]()
    member = first.members[0]
    members = tuple(
        replace(member, key=replace(member.key, column="x" * 200 + str(i)), muted_by=f"for {i}" if i % 2 else "") for i in range(300)
    )
    many = [replace(first, id=f"inc_{i}", members=members) for i in range(300)]
    past = [replace(each, id=f"{each.id}{i}") for i in range(300) for each in EXAMPLE["over"]()]
    silences = [Silence(f"sil_{i}", {"column": "y" * 400}, "ann", "z" * 900, *[EXAMPLE["NOW"]] * 3) for i in range(300)]
    shown = replace(SHOWN, board=replace(SHOWN.board, incidents=()), incidents=[*many, *past], silences=silences)
    section = section_of(shown, CLOCK, AXIS)
    assert (len(section.cards), section.more_cards) == (MOST_CARDS, 300 - MOST_CARDS)
    assert (len(section.rows), section.more_rows) == (MOST_ROWS, 2100 - MOST_ROWS)
    assert len(part(written(shown)).encode()) < 300_000


def test_a_model_with_alerts_and_no_evaluation_is_a_page_too():
    page = timeline_html(timeline_of([], ModelState("m", alerts=SHOWN)))
    Reader(page)
    assert "NullSpike (visib)" in part(page)
    assert "strip" not in re.findall(r'<svg class="(\w+)"', part(page))


def test_a_closed_incident_says_what_it_was(section):
    stages = {row.id: row.stage for row in section.rows}
    assert stages["inc_da0cceada51f"] == "closed as false_alarm"
    assert stages["inc_71bd2e52f264"] == str(Stage.RESOLVED)
    assert stages["inc_26d9f0d5a66c"] == "acknowledged by ann"


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_bars_and_badges_have_contrast(scheme):
    templates = resources.files("driftline.report").joinpath("templates")
    css = templates.joinpath("report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme]))
    rules = templates.joinpath("incidents.css").read_text(encoding="utf-8")
    bars = [(ink, "inset", 3.0) for ink in re.findall(r"\.bar-\w+ \{ fill: var\(--([\w-]+)\)", rules)]
    badges = [(*pair, 4.5) for pair in re.findall(r"\.badge\.\w+ \{ color: var\(--([\w-]+)\); background: var\(--([\w-]+)\)", rules)]
    assert (len(bars), len(badges)) == (3, 3)
    for ink, paper, least in [*bars, *badges]:
        dark, light = sorted((luminance(colours[ink]), luminance(colours[paper])))
        assert (light + 0.05) / (dark + 0.05) >= least, (ink, paper)
