"""What people read of alerts on a terminal: the same as the golden files, never too wide, the gravest first, safe against names."""

from __future__ import annotations

import re
import runpy
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from driftline.alerting.budget import Expected, Forecast
from driftline.alerting.precision import Precision
from driftline.alerting.records import EMPTY, Board, Sending, Silence, Stage, State
from driftline.core.records import Window
from driftline.report import text
from driftline.report.alert_words import began, in_turn, names_of, span_of, story_of
from driftline.report.alerts_shown import AlertsShown
from driftline.report.alerts_text import alerts_text, brief_text, expected_text, sent_text, standing_lines
from driftline.report.incidents_text import incident_text, incidents_text, precision_text
from driftline.report.moments import Clock
from driftline.report.outbox_text import outgoing_text, silences_text
from driftline.report.paper import Paper
from driftline.report.timeline import timeline_of
from driftline.report.timeline_text import SCREEN, timeline_text

GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLE = runpy.run_path(str(GOLDEN / "alerts_example.py"))
YEAR = runpy.run_path(str(GOLDEN / "timeline_example.py"))
GOLDENS = EXAMPLE["goldens"]()
SHOWN = EXAMPLE["shown"]()
NEW_YORK = "America/New_York"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = [60, 72, 80, 100, 120, 140]
HOSTILE = (
    *YEAR["HOSTILE"],
    "a\r\nPAGE everything is lost",
    "x" * 500,
    "\u4e2d" * 200,
    "name, with (brackets); and more",
    "\ud800\u2028\x07",
)


def paper(width=100, **more):
    return Paper.of(zone=NEW_YORK, width=width, **more)


def renamed(name):
    """The example with a name in every place that people outside fill."""

    def key(of):
        return replace(of, column=name, segment=((name, name),) if of.segment else of.segment)

    def sight(of):
        return replace(of, key=key(of.key), note=f"{name}; limit {name}")

    def member(of):
        by = f"inhibited by NullSpike ({name})" if of.muted_by else ""
        return replace(of, key=key(of.key), strongest=sight(of.strongest), latest=sight(of.latest), muted_by=by)

    def incident(of):
        acts = tuple(replace(act, author=name, reason=name) for act in of.acts)
        return replace(of, members=tuple(member(m) for m in of.members), acts=acts)

    alerts = [replace(a, key=key(a.key), last=sight(a.last)) for a in SHOWN.board.alerts.values()]
    board = replace(
        SHOWN.board,
        alerts={a.key.fingerprint: a for a in alerts},
        incidents=tuple(incident(i) for i in SHOWN.board.incidents),
    )
    sent = [replace(o, error=name, notice=replace(o.notice, summary=name)) for o in EXAMPLE["outgoing"]()]
    kept = [replace(s, author=name, comment=name, matchers={"column": name}) for s in EXAMPLE["silences"]()]
    changes = [replace(t, key=key(t.key), reason=name) for t in EXAMPLE["transitions"]()]
    shown = replace(SHOWN, board=board, incidents=[incident(i) for i in SHOWN.incidents], given_up=sent, silences=kept)
    return shown, sent, kept, changes


def every(*of, verbose=False):
    """All texts of a state, as lines: what is shown, sent, kept and changed, and the paper."""
    shown, sent, kept, changes, on = of
    found = [
        alerts_text(shown.board, shown.muted, on, verbose=verbose),
        *brief_text(shown.board, shown.muted, on),
        *standing_lines(shown, on, most=None if verbose else 7),
        incidents_text(shown.incidents, on, quiet=3),
        *(incident_text(each, changes, sent, on, verbose=verbose) for each in shown.incidents),
        precision_text(shown.precision, shown.proposals, on),
        silences_text(kept, EXAMPLE["NOW"], on),
        outgoing_text(sent, on),
        *sent_text({"sent": 1}, {each.channel: each.error for each in sent}, on),
        expected_text(shown.expected, on),
    ]
    return [line for each in found for line in each.split("\n")]


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name):
    assert GOLDENS[name] == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_too_wide_and_none_is_empty(width, verbose):
    lines = every(SHOWN, EXAMPLE["outgoing"](), EXAMPLE["silences"](), EXAMPLE["transitions"](), paper(width), verbose=verbose)
    assert max(map(text.width, lines)) <= width
    assert all(line.strip() and line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("width", [60, 100])
def test_names_cannot_add_lines_move_the_cursor_or_widen_a_line(name, width):
    lines = every(*renamed(name), paper(width), verbose=True)
    assert max(map(text.width, lines)) <= width
    assert not {c for line in lines for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert not [line for line in lines if line.startswith("PAGE")]
    "\n".join(lines).encode("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_ascii_only_is_ascii(name):
    assert all(line.isascii() for line in every(*renamed(name), paper(80, ascii_only=True)))


def test_colour_paints_severities_and_changes_no_word():
    """Nothing of it is told by colour alone."""
    state = (SHOWN, EXAMPLE["outgoing"](), EXAMPLE["silences"](), EXAMPLE["transitions"]())
    plain, painted = (every(*state, paper(80, colour=colour)) for colour in (False, True))
    assert [ESCAPE.sub("", line) for line in painted] == plain
    assert {ESCAPE.sub("", part) for line in painted for part in re.findall(r"\x1b\[[^m]+m[^\x1b]*\x1b\[0m", line)} == {
        "PAGE",
        "TICKET",
        "info",
    }


def test_the_gravest_comes_first_and_what_is_muted_is_only_counted():
    lines = alerts_text(SHOWN.board, SHOWN.muted, paper()).splitlines()
    words = [line.split()[0] for line in lines if re.match(r"  (PAGE|TICKET|info) ", line)]
    assert words == ["PAGE", "TICKET", "TICKET", "info", "TICKET"]  # the last one recovers
    assert lines[0] == "1 PAGE, 5 TICKETS and 1 info firing, 1 recovering, 1 pending, 16 muted"
    muted = lines[lines.index("muted: nobody is told of these") + 1 :]
    assert [int(line.split()[0]) for line in muted[:5]] == [4, 3, 3, 3, 3]
    assert "pending: ColumnDrift (hour)" in lines


def test_alerts_of_one_rule_that_began_together_are_one_line_and_verbose_tells_each_with_its_limit():
    brief, whole = (alerts_text(SHOWN.board, SHOWN.muted, paper(140), verbose=verbose) for verbose in (False, True))
    assert "ColumnFaulty (humid, pressure, temp and 1 more)  firing since 2013-12-30" in brief
    assert "788 rows" not in brief
    for column in ("humid", "pressure", "temp", "wind_speed"):
        assert f"ColumnFaulty ({column})  firing since 2013-12-30" in whole
    assert "788 rows; limit 0.0083: the further of the smallest change that counts" in whole
    assert all(f"SegmentFaulty (visib, origin={airport})" in " ".join(whole.split()) for airport in ("EWR", "JFK", "LGA"))


def test_an_incident_says_what_is_needed_at_night_and_no_more():
    told = incident_text(EXAMPLE["broken"](), EXAMPLE["transitions"](), [], paper(), next_step="take it: driftline ack x")
    lines = told.splitlines()
    assert lines[0] == "  PAGE    inc_5b0cc78b9fdc  open since 2013-12-30 (America/New_York), group inputs"
    assert lines[2:4] == [
        "  PAGE    NullSpike (visib)  since 2013-12-30",
        "          31.2 % missing (reference 0.4 %), limit 0.83 %; looks like: pipeline",
    ]
    assert lines[-1] == "take it: driftline ack x"
    assert len(lines) <= 20
    assert "smallest change" not in told
    whole = incident_text(EXAMPLE["broken"](), EXAMPLE["transitions"](), [], paper(), verbose=True)
    assert whole.count("smallest change that counts") == 5


def test_of_many_alerts_and_changes_the_rest_is_counted():
    first = EXAMPLE["broken"]().members[0]
    many = tuple(replace(first, key=replace(first.key, rule=f"Rule{i:02}"), fired=first.fired + timedelta(days=i)) for i in range(30))
    incident = replace(EXAMPLE["broken"](), members=many)
    changes = [replace(EXAMPLE["transitions"]()[0], key=m.key) for m in many]
    told = incident_text(incident, changes, [], paper())
    assert "  … and 22 more alerts: --verbose" in told
    assert "changes (the last 8 of 30: --verbose)" in told
    whole = incident_text(incident, changes, [], paper(), verbose=True)
    assert all(whole.count(f"Rule{i:02} (") == 2 for i in range(30))


def test_a_list_counts_what_is_only_information():
    assert incidents_text([], paper()) == "no open incident"
    assert incidents_text([], paper(), all_=True) == "no incident"
    assert incidents_text([], paper(), quiet=7) == "no open page or ticket, and 7 that are only information: --all"
    told = incidents_text([EXAMPLE["drifting"](), EXAMPLE["broken"]()], paper(), quiet=1).splitlines()
    assert [line.split()[0] for line in told if "inc_" in line] == ["PAGE", "TICKET"]
    assert told[-1] == "and 1 that is only information: --all"


def test_an_incident_that_is_closed_while_its_alerts_fire_says_so():
    closed = replace(EXAMPLE["broken"](), stage=Stage.CLOSED)
    assert "closed, since 2013-12-30, its alerts still fire" in incidents_text([closed], paper())


def test_open_incidents_come_before_those_that_are_over():
    order = [(i.stage.value, i.severity.value) for i in in_turn(EXAMPLE["incidents"]())]
    assert order[:3] == [("open", "critical"), ("acknowledged", "warning"), ("open", "info")]
    over = [i.opened for i in in_turn(EXAMPLE["incidents"]())[3:]]
    assert over == sorted(over, reverse=True)


@pytest.mark.parametrize(
    ("fired", "hours", "zone", "start"),
    [
        (datetime(2013, 11, 4, 5, tzinfo=UTC), 24, NEW_YORK, "2013-11-03"),  # the third of November had 25 hours
        (datetime(2013, 3, 11, 4, tzinfo=UTC), 24, NEW_YORK, "2013-03-10"),  # the tenth of March had 23
        (datetime(2013, 7, 2, 4, tzinfo=UTC), 24, NEW_YORK, "2013-07-01"),
        (datetime(2013, 7, 8, 4, tzinfo=UTC), 24 * 7, NEW_YORK, "2013-07-01"),
        (datetime(2013, 7, 2, 4, tzinfo=UTC), 1, NEW_YORK, "2013-07-01 23:00"),
        (datetime(2013, 7, 2, 4, tzinfo=UTC), 24, "UTC", "2013-07-01 04:00"),
    ],
)
def test_since_is_the_start_of_the_first_window_as_in_show(fired, hours, zone, start):
    clock = Clock.of(zone)
    window = Window(fired - timedelta(hours=hours), fired)
    assert clock.moment(began(fired, window, clock)) == start


def test_the_span_of_an_incident_names_the_days_it_was_there():
    clock = Clock.of(NEW_YORK)
    spans = {i.id: span_of(i, clock) for i in EXAMPLE["incidents"]()}
    assert spans["inc_2699c72e01aa"] == "2013-11-19"
    assert spans["inc_ba3959996f66"] == "2013-10-08 .. 2013-10-22"
    assert spans["inc_26d9f0d5a66c"] == "since 2013-11-12"


def test_a_value_is_told_once_and_with_its_unit():
    key, sight = EXAMPLE["key"], EXAMPLE["sight"]
    rate = sight(key("NullSpike", "a", "missing_rate"), date(2013, 1, 2), "31.2 % missing (was 0.4 %); odd; limit 3", 0.312, 0.0083)
    assert story_of(rate) == "31.2 % missing (was 0.4 %), limit 0.83 %; odd"
    assert story_of(replace(rate, note="gone; limit 3")) == "31.2 % (limit 0.83 %); gone"
    assert story_of(replace(rate, note="")) == "31.2 % (limit 0.83 %)"
    assert story_of(replace(rate, value=None, note="no rows")) == "no rows"
    late = sight(key("Late", metric="latency_p95"), date(2013, 1, 2), "", 184.0, 150.0)
    assert story_of(late) == "184 ms (limit 150 ms)"


def test_names_that_hold_commas_are_parted_by_semicolons():
    keys = [EXAMPLE["key"]("SegmentDrift", "temp", segment=(("origin", place),)) for place in ("EWR", "JFK", "LGA", "BOS")]
    assert names_of(keys) == "SegmentDrift (temp, origin=EWR; temp, origin=JFK; temp, origin=LGA and 1 more)"
    assert names_of([EXAMPLE["key"]("ColumnDrift", c) for c in "ab"]) == "ColumnDrift (a, b)"
    assert names_of([EXAMPLE["key"]("WideDrift", metric="")]) == "WideDrift"


def test_nothing_is_said_in_few_words():
    on = paper()
    assert alerts_text(EMPTY, {}, on) == "no alert"
    assert brief_text(EMPTY, {}, on) == ["alerts: none"]
    assert silences_text([], EXAMPLE["NOW"], on) == "no silence"
    assert outgoing_text([], on) == "nothing was to be sent"
    assert sent_text({"sent": 0}, {}, on) == []
    assert precision_text([], [], on).startswith("no incident was closed as real or false yet")
    assert standing_lines(AlertsShown(Board(revision=1)), on) == ["4 alerts      none"]


def test_the_rule_that_is_wrong_most_often_comes_first():
    found = (Precision("A", 4, 0, 1.0, 0.5, 1.0), Precision("B", 1, 3, 0.25, 0.1, 0.6))
    assert [line.split()[0] for line in precision_text(found, [], paper()).splitlines()[1:]] == ["B", "A"]


def test_silences_in_force_come_first_and_the_next_to_end_of_them():
    now = EXAMPLE["NOW"]

    def silence(id_, starts, ends):
        return Silence(id_, {"column": "a"}, "ann", "why", now + timedelta(hours=starts), now + timedelta(hours=ends), now)

    told = silences_text([silence("over", -3, -1), silence("next", 1, 2), silence("long", -1, 9), silence("short", -1, 2)], now, paper())
    assert [line.split()[0] for line in told.splitlines() if not line.startswith("    ")] == ["short", "long", "next", "over"]


def test_notices_say_what_became_of_them_and_the_error_of_what_was_delivered_is_past():
    sent = EXAMPLE["outgoing"]()
    told = outgoing_text(sent, paper(140))
    assert told.splitlines()[0].startswith("1 GIVEN UP, 1 waits, 1 kept for the digest, 1 delivered; driftline notify retry")
    assert "GIVEN UP after 9 tries: the receiver answered 503" in told
    assert "waits after 2 tries, again at 2014-01-01 06:30" in told
    assert "old error" not in outgoing_text([replace(sent[1], error="old error")], paper())
    assert "retry" not in outgoing_text([each for each in sent if each.state is not Sending.DEAD], paper())


def test_false_alarms_to_expect_are_those_of_all_rules_together_and_those_without_a_theory_are_named():
    found = (Expected("A", 0.5, ""), Expected("B", 0.5, ""), Expected("C", None, ""))
    assert expected_text(Forecast(found, 0.5, 0.25), paper(140)) == (
        "when nothing is wrong, expect at most 0.500 pages and 0.250 tickets a month; no theory for C: back-test"
    )


def test_show_has_a_section_where_step_4_has_run_and_nothing_where_it_has_not():
    year = YEAR["year"](last=date(2013, 7, 23))
    without = timeline_text(timeline_of(year, YEAR["state"]()))
    told = timeline_text(timeline_of(year, replace(YEAR["state"](), alerts=SHOWN))).splitlines()
    assert "4 alerts" not in without
    at = next(i for i, line in enumerate(told) if line.startswith("4 alerts"))
    assert told[at] == "4 alerts      1 PAGE, 5 TICKETS and 1 info firing, 1 recovering, 1 pending, 16 muted"
    assert told[at + 1].startswith("  incidents   PAGE    inc_5b0cc78b9fdc  since 2013-12-30     NullSpike (visib): 31.2 % missing")
    assert told[at + 2].startswith("              TICKET  inc_26d9f0d5a66c  since 2013-11-12")


@pytest.mark.parametrize(("width", "when"), [(60, "2013-12-30 23:00"), (100, "since 2013-12-30 23:00")])
def test_hours_are_told_to_the_minute(width, when):
    hour = Window(datetime(2013, 12, 31, 4, tzinfo=UTC), datetime(2013, 12, 31, 5, tzinfo=UTC))
    (first, *_), whole = EXAMPLE["broken"]().members, EXAMPLE["broken"]()
    seen = replace(first.strongest, window=hour)
    member = replace(first, fired=hour.end, strongest=seen, latest=seen)
    incident = replace(whole, opened=hour.end, members=(member,))
    shown = AlertsShown(replace(SHOWN.board, incidents=(incident,)), [incident])
    line = standing_lines(shown, paper(width))[-1]
    assert f"inc_5b0cc78b9fdc  {when}  NullS" in line
    assert text.width(line) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["income", "x" * 300])
def test_show_stays_one_screen_with_many_incidents(width, name):
    shown, *_ = renamed(name)
    many = [replace(each, id=f"{each.id}{i}") for i in range(10) for each in shown.incidents]
    state = replace(YEAR["state"](), alerts=replace(shown, incidents=many))
    lines = timeline_text(timeline_of(YEAR["year"](), state), width=width, next_step="next").splitlines()
    assert len(lines) <= SCREEN
    assert max(map(text.width, lines)) <= width
    assert any(line.startswith("4 alerts") for line in lines)
    assert any("more open" in line for line in lines)


def test_the_line_after_a_run_names_what_people_are_told_of():
    told = " ".join(" ".join(brief_text(SHOWN.board, SHOWN.muted, paper())).split())
    assert told == (
        "alerts: 1 PAGE, 5 TICKETS and 1 info firing, 1 recovering, 1 pending, 16 muted: "
        "NullSpike (visib), ColumnDrift (carrier), ColumnFaulty (humid, pressure, temp and 1 more)"
    )
    quiet = replace(SHOWN.board, alerts={p: replace(a, state=State.PENDING) for p, a in SHOWN.board.alerts.items()})
    assert brief_text(quiet, {}, paper()) == [f"alerts: {len(quiet.alerts)} pending"]
