"""`driftline alerts|incidents|ack|close|silence|notify|show|report` on a store with the example in it: what people type and read."""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from driftline.alerting.records import Reaction, Stage
from driftline.cli.main import main
from driftline.overtime import open_model
from driftline.report import text

EXAMPLE = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "alerts_example.py"))
FILE = """
model: flights
columns: {id: id, time: at, prediction: score}
windows: {base: 1d, timezone: America/New_York}
alerts:
  budget: {pages_per_month: 2}
"""
ID = "inc_5b0cc78b9fdc"


@pytest.fixture
def config(tmp_path):
    """A model that the example has happened to."""
    path = tmp_path / "flights.yaml"
    path.write_text(FILE, encoding="utf-8")
    with open_model(path) as model:
        board = replace(EXAMPLE["board"](), revision=1, number=0)
        incidents = tuple(EXAMPLE["incidents"]())
        model.store.react("flights", Reaction(board, tuple(EXAMPLE["transitions"]()), incidents, tuple(EXAMPLE["outgoing"]())))
    return path


@pytest.fixture
def run(config, capsys, monkeypatch):
    """One command on this model: its exit code, and what it printed on both streams."""

    def act(*words, width=100, code=0):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main([*words, "-c", str(config)]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return act


def stored(config):
    with open_model(config) as model:
        return {incident.id: incident for incident in model.alerts.incidents()}


def test_incidents_lists_pages_and_tickets_and_counts_information(run, config):
    lines = run("incidents").splitlines()
    assert [re.search(r"inc_\w+", line)[0] for line in lines if line.startswith("  ") and "inc_" in line] == [ID, "inc_26d9f0d5a66c"]
    assert lines[-2] == "and 1 that is only information: --all"
    assert lines[-1] == f"more: driftline incidents {ID} -c {config}"


def test_all_lists_everything_the_open_ones_first_and_last_bounds_it(run):
    found = re.findall(r"(?m)^  \w+ +(inc_\w+)", run("incidents", "--all"))
    assert found[:3] == [ID, "inc_26d9f0d5a66c", "inc_93e6238c0620"]
    assert len(found) == 9
    assert re.findall(r"(?m)^  \w+ +(inc_\w+)", run("incidents", "--all", "--last", "4")) == found[:4]


def test_json_keeps_what_is_only_information(run):
    assert {each["id"] for each in json.loads(run("incidents", "--json"))} == {ID, "inc_26d9f0d5a66c", "inc_93e6238c0620"}
    one = json.loads(run("incidents", "inc_5b", "--json"))
    assert one["incident"]["id"] == ID
    assert len(one["transitions"]) == 5


@pytest.mark.parametrize("given", ["inc_5", "inc_5b0c", ID])
def test_the_beginning_of_an_id_is_enough(run, given):
    assert run("incidents", given).startswith(f"  PAGE    {ID}  open since 2013-12-30 (America/New_York)")


def test_a_beginning_that_fits_several_is_a_sentence(run):
    said = run("incidents", "inc_2", code=2)
    assert "'inc_2' is the beginning of 2 incidents: inc_26" in said
    assert "Write more of it." in said
    assert "'inc_' is the beginning of 9 incidents: " in run("ack", "inc_", "--author", "ann", code=2)
    assert "There is no incident 'inc_zzz'" in run("incidents", "inc_zzz", code=2)


def test_an_id_that_is_the_beginning_of_another_one_is_itself(run, config):
    with open_model(config) as model:
        longer = replace(EXAMPLE["quiet"](), id=f"{ID}ff")
        model.store.react("flights", Reaction(replace(model.alerts.board(), revision=2), incidents=(longer,)))
    assert run("incidents", ID).startswith(f"  PAGE    {ID}  ")


def test_ack_and_close_take_a_beginning_and_the_next_step_follows(run, config):
    assert f"take it: driftline ack {ID} -c {config}" in run("incidents", "inc_5")
    assert run("ack", "inc_5", "--author", "bob", "--reason", "calling the airport") == f"{ID}: acknowledged by bob\n"
    told = run("incidents", "inc_5")
    assert "acknowledged by bob, since 2013-12-30" in told
    assert "bob acknowledged it: calling the airport" in told
    assert f"say what it was: driftline close {ID} -c {config} --as real_fixed" in told
    assert run("close", "inc_5", "--as", "real_fixed", "--author", "bob") == f"{ID}: closed by bob as real_fixed\n"
    assert stored(config)[ID].stage is Stage.CLOSED
    told = run("incidents", "inc_5")
    assert "closed as real_fixed" in told
    assert "say what it was" not in told
    assert "take it" not in told


def test_verbose_tells_the_limits_of_one_incident(run):
    brief, whole = run("incidents", "inc_5"), run("incidents", "inc_5", "--verbose")
    assert "smallest change that counts" not in brief
    assert whole.count("smallest change that counts") == 5


def test_precision_names_the_rules_by_how_wrong_they_were(run):
    lines = run("incidents", "--precision").splitlines()
    assert lines[0] == "of the incidents that people closed, so many were real"
    assert lines[1].split()[:4] == ["ColumnDrift", "0", "of", "2"]
    found = json.loads(run("incidents", "--precision", "--json"))
    assert {each["rule"]: (each["real"], each["false"]) for each in found["precision"]}["ColumnDrift"] == (0, 2)


def test_a_silence_is_ended_by_its_beginning(run):
    made = run("silence", "add", "column=visib", "--for", "4h", "--comment", "known", "--author", "ann")
    id_ = re.match(r"sil_\w+", made)[0]
    listed = run("silence", "list")
    assert re.match(rf"  {id_}  in force until [\d-]+ [\d:]+  column=visib\n    ann: known\n", listed)
    assert run("silence", "end", id_[:8], "--author", "bob") == f"{id_}: over\n"
    assert run("silence", "list") == "no silence\n"
    assert "ended by bob; ann: known" in run("silence", "list", "--all")
    assert "There is no silence 'nothing'" in run("silence", "end", "nothing", "--author", "bob", code=2)


def test_two_silences_with_one_beginning_are_a_sentence(run):
    for column in ("a", "b"):
        run("silence", "add", f"column={column}", "--for", "4h", "--comment", "known", "--author", "ann")
    assert "'sil_' is the beginning of 2 silences: sil_" in run("silence", "end", "sil_", "--author", "bob", code=2)


def test_notices_are_listed_with_what_was_given_up(run):
    assert run("notify", "list").startswith("1 GIVEN UP, 1 waits, 1 kept for the digest, 1 delivered")
    assert run("notify", "list", "--dead").count("GIVEN UP") == 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_but_a_command_to_copy(run, width):
    commands = [("incidents",), ("incidents", "--all"), ("incidents", "inc_5"), ("incidents", "--precision"), ("notify", "list"), ("show",)]
    for words in commands:
        lines = [line for line in run(*words, width=width).splitlines() if " driftline " not in line]
        assert lines
        assert max(map(text.width, lines)) <= width, words


def test_show_and_report_tell_of_step_4_but_not_of_the_past(run, config):
    told = run("show")
    assert "4 alerts      1 PAGE, 5 TICKETS and 1 info firing" in told
    assert f"  incidents   PAGE    {ID}  since 2013-12-30" in told
    assert "4 alerts" not in run("show", "--as-of", "2013-12-01")
    page = config.with_name("page.html")
    run("report", "--html", str(page))
    section = page.read_text(encoding="utf-8").split('<section id="alerts"')[1]
    assert "NullSpike (visib)" in section
    assert re.search(r"<th scope=\"row\">Pages</th><td class=\"n\">\d</td><td class=\"n\">2</td>", section)  # the budget of the file
    run("report", "--as-of", "2013-12-01", "--html", str(page))
    assert '<section id="alerts"' not in page.read_text(encoding="utf-8")


def test_a_model_that_alerts_have_never_run_on_shows_none(tmp_path, capsys):
    path = tmp_path / "new.yaml"
    path.write_text(FILE, encoding="utf-8")
    assert main(["show", "-c", str(path)]) == 0
    assert not re.search(r"(?m)^4 alerts|incidents", capsys.readouterr().out)
    assert main(["incidents", "-c", str(path)]) == 0
    assert capsys.readouterr().out == "no open incident\n"


def test_alerts_say_the_gravest_first_and_end_with_what_to_look_at(run, config):
    lines = run("alerts", "--no-send", "--dry-run", "--fail-on", "never").splitlines()
    assert lines[0].startswith("1 PAGE, 5 TICKETS and 1 info firing")
    assert lines[1].startswith("  PAGE    NullSpike (visib)  firing since 2013-12-30")
    assert any(line.startswith("when nothing is wrong, expect at most ") for line in lines)
    assert lines[-1] == f"more: driftline incidents {ID} -c {config}"
