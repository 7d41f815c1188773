"""Alerts in a file: rules, known events and channels under names that people choose, conditions in few words, mistakes at their places."""

import re

import pytest

from driftline.alerting.conditions import CONDITIONS
from driftline.channels.spec import ChannelSpec
from driftline.config.alerts import AlertsPlan, NotifySpec
from driftline.config.load import load
from driftline.config.meanings import MEANINGS
from driftline.config.plan import ColumnsSpec, Plan
from driftline.config.shape import Leaf, dotted, pattern, plan_shape
from driftline.config.values import effective
from driftline.core.errors import ConfigError, UsageError
from driftline.core.ledger import Step
from driftline.core.verdicts import Severity

HEAD = "model: credit\ncolumns: {id: i, time: t}\nowner: me\n"
RULE = "metric: error_rate, when: {above: 0.05}"


@pytest.fixture
def loaded(file):
    return lambda text, environment=None: load(file(f"{HEAD}alerts:\n{text}"), environment or {"X": "x"})


@pytest.fixture
def refused(file, tmp_path):
    def command(text, head=HEAD):
        with pytest.raises(ConfigError) as caught:
            load(file(f"{head}alerts:\n{text}"), {"X": "x"})
        assert caught.value.hint
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return command


def rules(said):
    return f"  rules: {{{said}}}\n"


@pytest.mark.parametrize(
    ("short", "complete"),
    [
        ("beyond_limit", "{beyond_limit: {}}"),
        ("absent", "{absent: {}}"),
        ("failed", "{failed: {}}"),
        ("faulty", "{faulty: {}}"),
        ("burn_rate", "{burn_rate: {rate: 1}}"),
        ("{burn_rate: 6}", "{burn_rate: {rate: 6}}"),
        ("{above: 0.05}", "{above: {value: 0.05}}"),
        ("{below: -1}", "{below: {value: -1}}"),
        ("{changed_by: 0.2}", "{changed_by: {share: 0.2}}"),
        ("{any_of: [ColumnDrift, SchemaBreak]}", "{any_of: {rules: [ColumnDrift, SchemaBreak]}}"),
        ("{all_of: ColumnDrift}", "{all_of: {rules: [ColumnDrift]}}"),
    ],
)
def test_conditions_in_few_words_mean_the_complete_form(loaded, short, complete):
    one, other = (loaded(rules(f"Mine: {{when: {when}}}")) for when in (short, complete))
    assert one.plan == other.plan
    assert one.digest == other.digest
    assert one.plan.alerts.rules["Mine"].condition == re.findall(r"\w+", short)[0]


def test_every_condition_of_the_catalogue_is_a_key_with_a_meaning():
    known = {name for name, _ in dotted(plan_shape())}
    for condition in CONDITIONS:
        assert f"alerts.rules.*.when.{condition}" in known
        assert MEANINGS[f"alerts.rules.*.when.{condition}"][0]
        for setting in CONDITIONS.parameters(condition).model_fields:
            assert f"alerts.rules.*.when.{condition}.{setting}" in known


def test_a_rule_arrives_as_it_is_written(loaded):
    said = "step: performance, metric: [error_rate, latency_*], when: {above: 0.05}, hold: 2, basis: estimated, severity: info"
    rule = loaded(rules(f"Slow: {{{said}}}")).plan.alerts.rules["Slow"]
    assert (rule.step, rule.metric, rule.hold, rule.severity) == (Step.PERFORMANCE, ("error_rate", "latency_*"), "2", Severity.INFO)
    assert (rule.condition, dict(rule.settings)) == ("above", {"value": 0.05})
    assert rule.name == ""


def test_places_and_values_are_known_by_dotted_names(loaded):
    found = loaded(f"  rules:\n    Slow: {{{RULE}}}\n  muted: {{x: {{from: 2026-11-27, to: 2026-11-28}}}}\n")
    values = effective(found.plan)
    assert values["alerts.rules.Slow.when.above.value"] == 0.05
    assert found.origins["alerts.rules.Slow.metric"].endswith("m.yaml:6:20")
    assert found.origins["alerts.muted.x.from"].endswith("m.yaml:7:21")
    assert not any(".when.below" in key for key in values)  # of a choice only what is chosen
    assert values["alerts.channels"] == {}
    assert found.origins.keys() == values.keys()


def test_a_pattern_stands_for_every_name():
    assert pattern("alerts.rules.IncomeDrift.when.above.value") == "alerts.rules.*.when.above.value"
    assert pattern("alerts.channels.url.url") == "alerts.channels.*.url"
    assert pattern("drift.importance") == "drift.importance"
    assert pattern("no.such.key") == "no.such.key"


def test_of_a_default_rule_only_what_is_said_counts(loaded):
    """Of `hold: 1`, which is what every rule has unless it says more, something is left: the default rule says `2 of 3`."""
    digests = {
        loaded(rules(f"ColumnDrift: {said}")).digest for said in ("{}", "{hold: 1}", "{hold: '1', severity: warning}", "{hold: 2 of 3}")
    }
    assert len(digests) == 4
    assert {key for key in effective(loaded(rules("ColumnDrift: {hold: 1}")).plan) if key.startswith("alerts.rules")} == {
        "alerts.rules.ColumnDrift.hold"
    }


@pytest.mark.parametrize(
    "change",
    [
        ("0.05", "0.06"),
        ("above", "below"),
        ("Slow", "Fast"),
        ("error_rate", "latency_p95"),
        ("{above: 0.05}", "absent"),
        ("rules", "muted"),
    ],
)
def test_the_digest_changes_with_the_rules(loaded, change):
    text = rules(f"Slow: {{{RULE}}}")
    changed = text.replace(*change) if change[0] != "rules" else "  muted: {Slow: {from: 2026-11-27, to: 2026-11-28}}\n"
    assert loaded(text).digest != loaded(changed).digest
    assert loaded(text).digest == loaded(text.replace("{above: 0.05}", "{above: {value: 0.050}}")).digest


def test_conditions_without_settings_differ(loaded):
    assert loaded(rules("A: {when: absent}")).digest != loaded(rules("A: {when: failed}")).digest


def test_the_order_of_rules_means_nothing(loaded):
    one, other = "A: {when: absent}", "B: {when: failed}"
    assert loaded(rules(f"{one}, {other}")).digest == loaded(rules(f"{other}, {one}")).digest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "  rules: [A]\n",
            "m.yaml:5:10: 'alerts.rules' holds a list, and should hold names, each with keys of its own. Such as alerts: {rules:",
        ),
        ("  rules: {A: absent}\n", "m.yaml:5:14: 'alerts.rules.A' holds the text 'absent', and should hold keys with values."),
        ("  rule: {A: {}}\n", "m.yaml:5:3: There is no key 'alerts.rule'. Did you mean 'rules'?"),
        ("  rules: {A: {when: absent}, A: {when: failed}}\n", "m.yaml:5:30: The key 'A' is here a second time; the first is in line 5."),
        (
            "  rules: {A: {wen: absent}}\n",
            "m.yaml:5:15: There is no key 'alerts.rules.A.wen'. Did you mean 'when'? Such as alerts: {rules: {MyRule:",
        ),
        ("  rules: {A: {name: B, when: absent}}\n", "There is no key 'alerts.rules.A.name'. The name of a rule is the key above it."),
        ("  rules: {A: {for: 2 windows, when: absent}}\n", "There is no key 'alerts.rules.A.for'. It is 'hold'."),
        # conditions
        ("  rules: {A: {when: abve}}\n", "m.yaml:5:21: There is no key 'alerts.rules.A.when.abve'. Did you mean 'above'?"),
        ("  rules: {A: {when: {abve: 1}}}\n", "m.yaml:5:22: There is no key 'alerts.rules.A.when.abve'. Did you mean 'above'?"),
        ("  rules: {A: {when: above}}\n", "m.yaml:5:21: The key 'alerts.rules.A.when.above.value' is missing. Such as"),
        (
            "  rules: {A: {when: {above: much}}}\n",
            "m.yaml:5:29: 'alerts.rules.A.when.above.value' holds the text 'much', and should hold a number",
        ),
        ("  rules: {A: {when: {outside: [0.1, 0.2]}}}\n", "m.yaml:5:31: 'alerts.rules.A.when.outside' holds a list, and should hold keys"),
        ("  rules: {A: {when: {outside: 0.1}}}\n", "m.yaml:5:31: 'alerts.rules.A.when.outside' holds the number 0.1, and should hold keys"),
        (
            "  rules: {A: {when: {}}}\n",
            "m.yaml:5:21: alerts.rules.A.when: One condition is needed, and none is given. Known: beyond_limit,",
        ),
        ("  rules: {A: {when: {absent: {}, failed: {}}}}\n", "m.yaml:5:21: alerts.rules.A.when: One condition is needed, and 2 are given."),
        ("  rules: {A: {when: 0.5}}\n", "m.yaml:5:21: 'alerts.rules.A.when' holds the number 0.5, and should hold one of its keys."),
        ("  rules: {A: {when: [absent]}}\n", "m.yaml:5:21: 'alerts.rules.A.when' holds a list, and should hold one of its keys."),
        (
            "  rules: {A: {when: {absent: 3}}}\n",
            "m.yaml:5:30: 'alerts.rules.A.when.absent' holds the number 3, and should hold nothing: {}.",
        ),
        ("  rules: {A: {when: {burn_rate: 0}}}\n", "'alerts.rules.A.when.burn_rate.rate' is above 0, and 0 is not."),
        ("  rules: {A: {when: }}\n", "m.yaml:5:15: The key 'when' has no value."),
        # values of rules
        (
            "  rules: {A: {when: absent, hold: 4 of 3}}\n",
            "m.yaml:5:35: alerts.rules.A: '4 of 3' are no windows to hold. Write '2 of 3', '2'",
        ),
        (
            "  rules: {A: {when: absent, hold: 2.5}}\n",
            "'alerts.rules.A.hold' holds the number 2.5, and should hold a number of windows, or a duration.",
        ),
        ("  rules: {A: {when: absent, keep_firing_for: soon}}\n", "m.yaml:5:46: alerts.rules.A: 'soon' is no number of windows."),
        (
            "  rules: {A: {when: absent, severity: high}}\n",
            "'high' is no value of 'alerts.rules.A.severity'. Known: info, warning, critical.",
        ),
        ("  rules: {A: {when: absent, severity: none}}\n", "'none' is no value of 'alerts.rules.A.severity'."),
        (
            "  rules: {A: {when: absent, basis: [observed, estimate]}}\n",
            "m.yaml:5:47: 'estimate' is no value of 'alerts.rules.A.basis'. Did you mean 'estimated'?",
        ),
        ("  rules: {A: {when: absent, metric: [a, a]}}\n", "m.yaml:5:41: 'a' stands twice in 'alerts.rules.A.metric'."),
        ("  rules: {A: {when: absent, enabled: off}}\n", "m.yaml:5:38: 'off' is true or false to some readers of YAML"),
        # names
        ("  rules: {1: {when: absent}}\n", "m.yaml:5:11: The key '1' is no text to every reader of YAML. Write it in quotes"),
        ("  rules: {'1': {when: absent}}\n", "m.yaml:5:11: '1' is no name in 'alerts.rules'. Use up to 60 letters, digits, - and _"),
        ("  rules: {on: {when: absent}}\n", "m.yaml:5:11: The key 'on' is no text to every reader of YAML."),
        ("  rules: {A.B: {when: absent}}\n", "m.yaml:5:11: 'A.B' is no name in 'alerts.rules'."),
        (f"  rules: {{{'a' * 500}: {{when: absent}}}}\n", f"m.yaml:5:11: '{'a' * 60}...' is no name in 'alerts.rules'."),
        ('  rules: {"\\e[31m": {when: absent}}\n', "m.yaml:5:11: '\\x1b[31m' is no name in 'alerts.rules'."),
        ("  channels: {'a b': {type: webhook, url: $X}}\n", "m.yaml:5:14: 'a b' is no name in 'alerts.channels'."),
        ("  muted: {'': {from: 2026-11-27, to: 2026-11-28}}\n", "m.yaml:5:11: '' is no name in 'alerts.muted'."),
        # known events
        ("  muted: {x: {from: friday, to: 2026-11-28}}\n", "m.yaml:5:21: alerts.muted.x: 'friday' is no time. Write '2026-11-27'"),
        (
            "  muted: {x: {from: 2026, to: 2026-11-28}}\n",
            "'alerts.muted.x.from' holds the number 2026, and should hold a text. Write it in quotes",
        ),
        (
            "  muted: {x: {to: 2026-11-28}}\n",
            "m.yaml:5:14: The key 'alerts.muted.x.from' is missing. Such as alerts: {muted: {black-friday:",
        ),
        ("  muted: {x: {start: 2026-11-27, to: 2026-11-28}}\n", "There is no key 'alerts.muted.x.start'. It is 'from'."),
        # channels and who is told
        (
            "  channels: {a: {type: pigeon, url: $X}}\n",
            "'pigeon' is no value of 'alerts.channels.a.type'. Known: webhook, alertmanager, apprise.",
        ),
        ("  channels: {a: {type: webhook}}\n", "m.yaml:5:17: alerts.channels.a: A channel needs an address. Write 'url: $NAME'"),
        (
            "  channels: {a: {type: apprise, url: $X, format: pagerduty, routing_key: $X}}\n",
            "m.yaml:5:50: alerts.channels.a: 'format' is for a webhook",
        ),
        (
            "  channels: {pager: {type: webhook, url: $X}}\n  notify: {critical: [pager, pagr]}\n",
            "m.yaml:6:30: alerts: There is no channel 'pagr'. Did you mean 'pager'? Known: pager.",
        ),
        (
            "  notify: {warning: $X}\n",
            "m.yaml:5:21: alerts: There is no channel '$X'. Describe it in 'alerts.channels' first, and name it here.",
        ),
        ("  notify: {}\n  notify: {}\n", "m.yaml:6:3: The key 'notify' is here a second time"),
        (
            "  notify: {page: a}\n",
            "m.yaml:5:12: There is no key 'alerts.notify.page'. Known in alerts.notify: critical, warning, info, digest.",
        ),
        ("  digest_every: weekly\n", "m.yaml:5:17: 'weekly' is no duration for 'alerts.digest_every'."),
        ("  repeat: never\n", "m.yaml:5:11: 'never' is no duration for 'alerts.repeat'."),
        ("  budget: {pages_per_month: 0}\n", "'alerts.budget.pages_per_month' is above 0 and at most 100, and 0 is not."),
        ("  - a\n", "m.yaml:5:3: 'alerts' holds a list, and should hold keys with values."),
        ("", "m.yaml:4:1: The key 'alerts' has no value."),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(refused, text, sentence):
    assert sentence in refused(text)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-28", "2026-11-27"),
        ("2026-11-27", "2026-11-27"),
        ("2026-11-27T06:00+02:00", "2026-11-27T05:00+01:00"),
        ("0001-01-01T00:00+14:00", "2026-11-28"),
        ("2026-11-27", "9999-12-31T23:59-12:00"),
    ],
)
def test_known_events_that_last_no_time_are_refused_where_they_stand(refused, start, end):
    words = refused(f"  muted: {{x: {{from: '{start}', to: '{end}'}}}}\n")
    assert re.match(r"m\.yaml:5:[0-9]+: alerts\.muted\.x: ", words)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            rules("ColumDrift: {hold: 2}"),
            "m.yaml:5:11: The rule 'ColumDrift' has no condition, and no default rule has its name. Did you mean 'ColumnDrift'",
        ),
        ("  defaults: false\n" + rules("ColumnDrift: {hold: 2}"), "m.yaml:6:11: The rule 'ColumnDrift' has no condition"),
        (rules("A: {when: {any_of: [ColumnDrift, B]}}"), "m.yaml:5:30: The rule 'A' speaks of 'B', and there is no such rule."),
        (rules("A: {when: absent, severity: critical}"), "m.yaml:5:39: The rule 'A' speaks of drift alone, and drift alone pages nobody."),
        (
            rules(f"A: {{step: performance, {RULE}, severity: critical}}"),
            "The rule 'A' is critical and has no runbook. Write 'runbook: https://",
        ),
        (
            rules(f"A: {{step: performance, {RULE}, severity: critical, runbook: see wiki}}"),
            "m.yaml:5:104: The rule 'A' is critical and has no runbook.",
        ),
        (
            "  rules: {A: {when: {burn_rate: 20}}}\nserving: {availability: 0.95}\n",
            "m.yaml:5:33: The rule 'A' waits for a burn rate of 20, and with a target of 0.95 all requests bad are 20.",
        ),
    ],
)
def test_rules_that_cannot_stay_are_told_where_they_stand(refused, text, sentence):
    assert sentence in refused(text)


def test_a_page_needs_an_owner(refused, loaded):
    text = rules(f"A: {{step: performance, {RULE}, severity: critical, runbook: 'https://wiki.example.com/a'}}")
    assert loaded(text).notes == ()
    words = refused(text, head=HEAD.replace("owner: me\n", ""))
    assert "m.yaml:4:85: The rule 'A' is critical, and nobody owns this model. Write 'owner: TEAM'" in words


def test_notes_say_what_is_worth_a_look(loaded, tmp_path):
    channel = "  channels: {a: {type: webhook, url: $X}, b: {type: apprise, url: $X}}\n  notify: {critical: a}\n"
    notes = [note.removeprefix(f"{tmp_path}/") for note in loaded(channel + "serving: {availability: 0.9}\n").notes]
    assert notes[0].startswith("m.yaml:6:22: Critical alerts have no runbook: TrafficAbsent, ServingFastBurn, SchemaBreak and ")
    assert notes[1] == "m.yaml:5:43: The channel 'b' is told nothing. Name it in 'alerts.notify'."
    assert len(notes) == 2
    burning = rules("A: {when: {burn_rate: 7}}") + "serving: {availability: 0.9}\n"
    (note,) = loaded(burning).notes
    assert "m.yaml:5:33: The rule 'A' waits for a burn rate of 7, and with a target of 0.9 that is 70% bad requests." in note


def test_a_plan_without_a_word_about_alerts_has_no_notes(file):
    assert load(file("model: a\ncolumns: {id: i, time: t}\n"), {}).notes == ()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AlertsPlan(notify=NotifySpec(info=("a",))), r"notify\.info: There is no channel 'a'"),
        (lambda: AlertsPlan(channels={"a.b": ChannelSpec(type="webhook", url="$X")}), "'a.b' is no name in 'channels'"),
        (lambda: AlertsPlan(digest_every="often"), "digest_every: 'often' is no duration"),
        (lambda: AlertsPlan.read({"rules": {"a b": {}}}), "is no name of a rule"),
    ],
)
def test_a_plan_made_in_python_is_checked_too(make, words):
    with pytest.raises(UsageError, match=words):
        make()


def test_false_alarms_follow_from_the_tickets_unless_they_are_said(file):
    def alarms(text):
        plan = load(file(f"model: a\ncolumns: {{id: i, time: t}}\n{text}"), {}).plan
        return [plan.false_alarms(step) for step in (Step.DRIFT, Step.PREDICTIONS)]

    assert alarms("") == [1.0, 1.0]
    assert alarms("alerts: {budget: {tickets_per_month: 10}}") == [2.5, 2.5]
    assert alarms("alerts: {budget: {tickets_per_month: 10}}\ndrift: {false_alarms_per_month: 0.5}") == [0.5, 2.5]
    assert Plan(model="a", columns=ColumnsSpec(id="i", time="t")).false_alarms(Step.DRIFT) == 1.0


def test_severities_are_those_that_can_be_told():
    shape = dict(dotted(plan_shape()))["alerts.rules.*.severity"].shape
    assert isinstance(shape, Leaf)
    assert set(shape.words) == {str(severity) for severity in Severity if severity is not Severity.NONE}
