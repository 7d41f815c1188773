"""From a reference to a configuration that is right: draft it, check it, see what it says; mistakes are told with their place."""

import json

import pytest
from refusals import SMALL

CANARY = "c4nary-w0rd"


@pytest.fixture
def drafted(run, folder):
    """A folder with `good.csv` and the configuration drafted from it."""
    ran = run("init", "good.csv", "--model", "credit")
    assert (ran.code, ran.err) == (0, "")
    return folder / "driftline.yaml"


def test_init_writes_a_file_that_is_fine(run, drafted):
    ran = run("config", "check", "driftline.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("driftline.yaml: fine (model credit, digest ")
    assert ran.out.count("\n") == 1


def test_init_tells_its_guesses_and_the_next_step(run, folder):
    out = run("init", "good.csv").out
    assert out.startswith("written: driftline.yaml\n")
    assert "prediction  score: because of its name" in out
    assert "time        predicted_at: no column of the reference holds times" in out
    assert out.endswith("then driftline config check driftline.yaml\n")


def test_init_never_replaces_a_file_unasked(run, drafted):
    drafted.write_text("model: mine\n")
    assert run("init", "good.csv").failed("driftline.yaml", "is there already", "--force")
    assert drafted.read_text() == "model: mine\n"
    assert run("init", "good.csv", "--force").code == 0
    assert "model: good" in drafted.read_text()


def test_a_link_to_nowhere_is_a_file_too(run, folder):
    (folder / "driftline.yaml").symlink_to("elsewhere.yaml")
    assert run("init", "good.csv").failed("is there already")
    assert not (folder / "elsewhere.yaml").exists()


def test_init_can_print(run, folder):
    ran = run("init", "good.csv", "-o", "-", "--model", "credit")
    assert ran.code == 0
    assert not (folder / "driftline.yaml").exists()
    (folder / "printed.yaml").write_text(ran.out)
    assert run("config", "check", "printed.yaml").code == 0


def test_the_reference_is_found_from_the_folder_of_the_file(run, folder):
    from driftline.config.load import load

    (folder / "models").mkdir()
    assert run("init", "good.csv", "-o", "models/credit.yaml").code == 0
    loaded = load(folder / "models" / "credit.yaml", {})
    assert loaded.plan.data.reference == "../good.csv"
    assert (folder / "good.csv").samefile(loaded.beside(loaded.plan.data.reference))
    assert run("init", str(folder / "good.csv"), "-o", "models/other.yaml").code == 0
    assert load(folder / "models" / "other.yaml", {}).plan.data.reference == str(folder / "good.csv")


def test_init_takes_the_options_of_a_comparison(run, folder):
    options = ["--prediction", "income", "--label", "score", "--task", "regression", "--segment", "city", "--ignore", "label"]
    assert run("init", "good.csv", *options).code == 0
    values = {key: entry["value"] for key, entry in json.loads(run("config", "show", "driftline.yaml", "--json").out)["keys"].items()}
    assert (values["columns.prediction"], values["columns.label"], values["task.type"]) == ("income", "score", "regression")
    assert (values["segments"], values["columns.ignore"]) == (["city"], ["label"])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["none.csv"], ["no such file"]),
        (["good.csv", "--prediction", "scor"], ["no column 'scor'", "Did you mean 'score'?"]),
        (["good.csv", "-o", "no/where.yaml"], ["there is no folder"]),
        (["good.csv", "-o", "good.csv"], ["good.csv"]),
        (["good.csv", "-o", "good.csv", "--force"], ["is to be written, and is named for something else too"]),
        (["good.csv", "--model", " "], ["' ' is no name of a model"]),
        (["good.csv", "--prediction", ""], ["'--prediction' names no column"]),
        (["good.csv", "--id", ""], ["'--id' names no column"]),
        (["t.profile"], ["saved reference", "Give the table"]),
        (["empty.csv"], ["no bytes"]),
    ],
)
def test_what_init_refuses(run, folder, argv, words):
    (folder / "empty.csv").write_text("")
    before = sorted(path.name for path in folder.iterdir())
    assert run("init", *argv).failed(*words)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / "good.csv").read_text() == SMALL


@pytest.mark.parametrize("name", ["a b.csv", "-x.csv", "a'b.csv", "a\nb.csv", "#.csv", "é.csv", "yes.csv", "$(touch x).csv", "[a].csv"])
def test_references_with_hostile_names(run, folder, name):
    (folder / name).write_text(SMALL)
    assert run("init", "-o", "m.yaml", "--", name).code == 0
    assert run("config", "check", "m.yaml").code == 0
    document = json.loads(run("config", "show", "m.yaml", "--json").out)
    assert document["keys"]["data.reference"]["value"] == name


def test_show_says_what_and_where(run, drafted):
    ran = run("config", "show", "driftline.yaml")
    lines = ran.out.splitlines()
    assert lines[0].startswith("driftline.yaml: digest ")
    assert any(line.split() == ["model", "credit", "driftline.yaml:5"] for line in lines)
    assert not any(line.endswith("default") for line in lines)
    resolved = run("config", "show", "--resolved", "driftline.yaml").out.splitlines()
    assert {tuple(line.split()) for line in lines} < {tuple(line.split()) for line in resolved}
    assert any(line.split() == ["windows.timezone", "UTC", "default"] for line in resolved)


def test_show_as_json_is_the_same(run, drafted):
    document = json.loads(run("config", "show", "--json", "driftline.yaml").out)
    resolved = run("config", "show", "--resolved", "driftline.yaml").out.splitlines()
    assert [line.split()[0] for line in resolved[1:]] == list(document["keys"])
    assert document["keys"]["model"] == {"value": "credit", "origin": "driftline.yaml:5:8"}
    assert document["keys"]["windows.timezone"] == {"value": "UTC", "origin": "default"}


def test_the_schema_is_json(run, folder):
    schema = json.loads(run("config", "schema").out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]["window"]["type"] == "string"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("taks: binary", ["m.yaml:3:1", "no key 'taks'", "Did you mean 'task'?", "Such as task: binary."]),
        ("task: yes", ["m.yaml:3:7", "'yes' is true or false"]),
        ("\tx: 1", ["m.yaml:3:1", "A tab"]),
        ("window: 12:30", ["m.yaml:3:9", "'12:30'"]),
        ("description: \x1b[31m", ["m.yaml:3:14", "U+001B"]),
        ("segments: ['\\x1b[31m', 3]", ["m.yaml:3:24", "the number 3"]),
        ("task: {type: '\u202ebinary'}", ["m.yaml:3:14", "\\u202e"]),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(run, folder, text, words):
    (folder / "m.yaml").write_text(f"model: a\ncolumns: {{id: i, time: t}}\n{text}\n", encoding="utf-8")
    for action in ("check", "show"):
        assert run("config", action, "m.yaml").failed(*words)


def test_hostile_texts_are_shown_harmless(run, folder):
    (folder / "m.yaml").write_text('model: a\ndescription: "\\e[31mred\\n\\u202e"\ncolumns: {id: "\\a", time: t}\n')
    for argv in (["check", "m.yaml"], ["show", "m.yaml"], ["show", "--resolved", "m.yaml"], ["show", "--json", "m.yaml"]):
        ran = run("config", *argv)
        assert ran.code == 0
        assert ran.out.replace("\n", "").isprintable()


def test_secrets_are_looked_up_by_check_alone_and_shown_by_none(run, folder, monkeypatch):
    (folder / "m.yaml").write_text("model: a\ncolumns: {id: i, time: t}\nstorage: postgresql://u:$DRIFTLINE_TEST_SECRET@h/d\n")
    monkeypatch.delenv("DRIFTLINE_TEST_SECRET", raising=False)
    assert run("config", "check", "m.yaml").failed("m.yaml:3:10", "'DRIFTLINE_TEST_SECRET' is not set")
    assert run("config", "check", "--without-secrets", "m.yaml").code == 0
    assert run("config", "show", "m.yaml").code == 0
    monkeypatch.setenv("DRIFTLINE_TEST_SECRET", CANARY)
    for argv in (["check", "m.yaml"], ["show", "--resolved", "m.yaml"], ["show", "--json", "m.yaml"]):
        ran = run("config", *argv)
        assert (ran.code, ran.err) == (0, "")
        assert CANARY not in ran.out


ALERTS = """model: a
columns: {id: i, time: t}
alerts:
  rules: {Slow: {metric: latency_p95, when: {above: 900}, hold: 2 of 3}}
  channels: {pager: {type: webhook, url: $DRIFTLINE_TEST_SECRET}, chat: {type: apprise, url: $DRIFTLINE_TEST_SECRET}}
  notify: {critical: pager}
"""


def test_check_notes_what_is_worth_a_look_about_alerts(run, folder, monkeypatch):
    monkeypatch.setenv("DRIFTLINE_TEST_SECRET", CANARY)
    (folder / "m.yaml").write_text(ALERTS)
    ran = run("config", "check", "m.yaml")
    assert (ran.code, ran.err) == (0, "")
    fine, *notes = ran.out.splitlines()
    assert fine.startswith("m.yaml: fine (model a, digest ")
    assert len(notes) == 3
    assert notes[0].startswith("note: m.yaml:6:22: Critical alerts have no runbook: ")
    assert notes[1] == "note: m.yaml:6:22: Critical alerts are sent, and nobody owns this model. Write 'owner: TEAM'."
    assert notes[2] == "note: m.yaml:5:67: The channel 'chat' is told nothing. Name it in 'alerts.notify'."
    for argv in (["check", "m.yaml"], ["show", "--resolved", "m.yaml"], ["show", "--json", "m.yaml"]):
        assert CANARY not in run("config", *argv).out


def test_show_says_rules_in_the_complete_form(run, folder):
    (folder / "m.yaml").write_text(ALERTS)
    lines = [line.split() for line in run("config", "show", "m.yaml").out.splitlines()]
    assert ["alerts.rules.Slow.when.above.value", "900.0", "m.yaml:4"] in lines
    assert ["alerts.channels.pager.url", "$DRIFTLINE_TEST_SECRET", "m.yaml:5"] in lines
    resolved = [line.split() for line in run("config", "show", "--resolved", "m.yaml").out.splitlines()]
    assert ["alerts.rules.Slow.severity", "warning", "default"] in resolved


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("$DRIFTLINE_TEST_SECRET}, chat", f"'https://me:{CANARY}@example.com'}}, chat", ["m.yaml:5:42", "A secret is written out here"]),
        ("critical: pager", f"critical: 'slack://{CANARY}'", ["m.yaml:6:22", "A secret is written out here"]),
        ("above: 900", "abov: 900", ["m.yaml:4:46", "no key 'alerts.rules.Slow.when.abov'", "Did you mean 'above'?"]),
        ("hold: 2 of 3", "severity: critical", ["m.yaml:4:69", "The rule 'Slow' is critical and has no runbook"]),
        ("critical: pager", "critical: pagr", ["m.yaml:6:22", "There is no channel 'pagr'", "Did you mean 'pager'?"]),
    ],
)
def test_mistakes_about_alerts_are_one_sentence_without_a_secret(run, folder, monkeypatch, old, new, words):
    monkeypatch.setenv("DRIFTLINE_TEST_SECRET", CANARY)
    assert old in ALERTS
    (folder / "m.yaml").write_text(ALERTS.replace(old, new, 1))
    ran = run("config", "check", "m.yaml")
    assert ran.failed(*words)
    assert CANARY not in ran.out + ran.err


def test_check_names_the_files_that_are_there(run, drafted):
    assert run("config", "check", "drift.yaml").failed("drift.yaml", "no such file", "There is driftline.yaml.")
    assert run("config", "check", ".").failed("This is a folder")


@pytest.mark.parametrize(
    "argv", [["config"], ["config", "sho"], ["config", "show"], ["config", "schema", "m.yaml"], ["config", "check", "--res"]]
)
def test_calls_that_are_none_end_with_2(run, folder, argv):
    assert run(*argv).code == 2
