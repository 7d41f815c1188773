"""A file becomes a plan: small and complete forms mean the same, and what does not fit is told where it stands, with an example."""

import re

import pyarrow as pa
import pytest

from driftline.config.load import DEFAULT, digest, load
from driftline.config.meanings import MEANINGS
from driftline.config.plan import ColumnsSpec, Plan, RowsSpec, StorageSpec, WindowsSpec
from driftline.config.shape import Section, dotted, pattern, plan_shape
from driftline.config.short_forms import ALONE, ELSEWHERE, RENAMED
from driftline.config.values import effective
from driftline.core.errors import ConfigError, UsageError
from driftline.performance.labels import LabelKind
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind
from driftline.profiles.values import as_text

HEAD = "model: credit\ncolumns: {id: i, time: t}\n"


@pytest.fixture
def plan(file):
    return lambda text: load(file(HEAD + text), {}).plan


@pytest.fixture
def refused(file, tmp_path):
    def command(text, environment=None):
        with pytest.raises(ConfigError) as caught:
            load(file(text), environment or {})
        assert caught.value.hint
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return command


COMPLETE = """
version: 1
model: credit-default
description: Default within 45 days
owner: {team: credit-ml, email: credit-ml@example.com}
task: {type: binary, threshold: 0.62, positive: 1}
data:
  predictions: [lake/predictions/*.parquet]
  labels: [lake/labels/*.parquet]
  reference: train.parquet
columns:
  id: application_id
  time: scored_at
  prediction: score
  label: defaulted
  label_id: loan_id
  label_time: default_at
  version: model_version
  latency: latency_ms
  error: failed
  ignore: [employer_name]
  identifiers: [user_id]
  kinds: {zip: categorical}
  sources: {bureau_api: [bureau_score, inquiries], payroll: income}
labels:
  kind: event
  matures_after: 48d
  negative_after: 45d
  eligible: {decision: [approved]}
  void: {status: [cancelled, withdrawn]}
  expected_coverage: 0.98
  max_orphans: 0.002
segments: [channel, region]
depends_on: {income-estimator: [income_estimate]}
windows: {base: 6h, timezone: Europe/Lisbon, widen_to: 28d, future: 5m}
storage:
  store: driftline.db
  lake: rows.lake
  rows: {keep: sample, sample: 0.1, for: 14d}
  predictions_for: 100d
  fold_after: 2d
serving:
  availability: {target: 0.99, window: 14d}
  latency: {within: 800, target: 0.95, window: 7d}
  absent_p: 0.001
performance: {metrics: [roc_auc, log_loss], headline: [roc_auc], tolerated: {roc_auc: 0.02}, tolerated_share: {log_loss: 0.2}, alpha: 0.02,
  least_rows: 50}
drift: {importance: {income: 0.3, age: 0}, least_rows: 40, false_alarms_per_month: 0.5}
predictions: {near_threshold: 0.1, false_alarms_per_month: 2}
alerts:
  defaults: true
  rules:
    ColumnDrift: {hold: 3 of 4}
    ApprovalRate:
      enabled: true
      step: predictions
      metric: [decision_rate]
      column: score
      segment: [all, channel=*]
      version: each
      basis: [observed, proxy]
      least_importance: 0.1
      when: {outside: {low: 0.5, high: 0.7}}
      hold: 2 of 3
      clear: 0.9
      keep_firing_for: 2
      severity: critical
      group: decisions
      runbook: https://wiki.example.com/credit
      description: Approvals leave their band
    Any: {when: {any_of: [ApprovalRate, ColumnDrift]}}
  budget: {pages_per_month: 0.5, tickets_per_month: 8, over_budget: send, confirmed: as in March}
  muted: {black-friday: {from: '2026-11-27', to: '2026-11-30', column: [basket_*]}}
  repeat: 12h
  channels:
    pager: {type: webhook, url: 'https://pager.example.com/credit', allow: [pager.example.com], timeout: 5}
  notify: {critical: pager, warning: [pager], info: pager, digest: pager}
  digest_every: 1d
"""
UNSAID = {"task.scores", "alerts.heartbeat", *(f"alerts.channels.*.{key}" for key in ("secret", "old_secret", "routing_key", "format"))}
"""Of multiclass models; secrets; and what only PagerDuty needs."""


def test_every_key_arrives_where_it_belongs(file):
    plan = load(file(COMPLETE), {}).plan
    assert plan.task.type is Task.BINARY
    assert (plan.task.threshold, plan.task.positive) == (0.62, "1")
    assert plan.columns.kinds == {"zip": Kind.CATEGORICAL}
    assert plan.labels.kind is LabelKind.EVENT
    assert plan.labels.void == {"status": ("cancelled", "withdrawn")}
    assert plan.storage.rows == RowsSpec(keep="sample", sample=0.1, for_="14d")
    assert plan.serving.latency.within == 800.0
    assert plan.performance.tolerated_share == {"log_loss": 0.2}
    assert plan.drift.importance == {"income": 0.3, "age": 0.0}
    assert plan.predictions.false_alarms_per_month == 2.0
    assert plan.columns.sources == {"bureau_api": ("bureau_score", "inquiries"), "payroll": ("income",)}
    assert plan.depends_on == {"income-estimator": ("income_estimate",)}


def test_the_complete_file_says_every_key(file):
    origins = load(file(COMPLETE), {}).origins
    said = {pattern(key) for key, origin in origins.items() if origin != DEFAULT}
    assert {pattern(key) for key, origin in origins.items() if origin == DEFAULT} - said == UNSAID


def test_what_is_not_said_is_the_default(file):
    loaded = load(file(HEAD), {})
    assert loaded.plan == Plan(model="credit", columns=ColumnsSpec(id="i", time="t"))
    said = {key: origin for key, origin in loaded.origins.items() if origin != DEFAULT}
    assert said == {key: f"{loaded.path}:{place}" for key, place in (("model", "1:8"), ("columns.id", "2:15"), ("columns.time", "2:24"))}


def test_origins_name_every_effective_key(file):
    loaded = load(file(HEAD + "labels: {kind: event, negative_after: 45d}\nserving: {latency: 800}"), {})
    assert loaded.origins.keys() == effective(loaded.plan).keys()
    assert loaded.origins["serving.latency.within"] == f"{loaded.path}:4:20"


@pytest.mark.parametrize(
    ("small", "complete"),
    [
        ("task: binary", "task: {type: binary}"),
        ("owner: credit-ml", "owner: {team: credit-ml}"),
        ("labels: none", "labels: {kind: none}"),
        ("segments: channel", "segments: [channel]"),
        ("window: 1h", "windows: {base: 1h}"),
        ("windows: 1h", "windows: {base: 1h}"),
        ("storage: a.db", "storage: {store: a.db}"),
        ("storage: {rows: all}", "storage: {rows: {keep: all}}"),
        ("serving: {availability: 0.99}", "serving: {availability: {target: 0.99}}"),
        ("serving: {latency: 200}", "serving: {latency: {within: 200}}"),
        ("data: {predictions: a.parquet}", "data: {predictions: [a.parquet]}"),
        ("labels: {eligible: {decision: approved}}", "labels: {eligible: {decision: [approved]}}"),
        ("performance: {headline: roc_auc}", "performance: {headline: [roc_auc]}"),
    ],
)
def test_the_small_form_means_what_the_complete_form_means(plan, small, complete):
    assert plan(small) == plan(complete)
    assert digest(plan(small)) == digest(plan(complete))


def test_short_forms_lead_to_keys_that_exist():
    keys = dict(dotted(plan_shape()))
    for path, key in ALONE.items():
        assert f"{path}.{key}" in keys
    for short, name in RENAMED.items():
        assert short not in keys
        assert isinstance(keys[name].shape, Section)
        assert name in ALONE
    assert [path for path in ELSEWHERE if path in keys] == []


@pytest.mark.parametrize(
    ("written", "level"),
    [
        ("true", "true"),
        ("TRUE", "true"),
        ("1", "1"),
        ("1.0", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("0.50", "0.5"),
        ("'x'", "x"),
        ("'1.0'", "1.0"),
    ],
)
def test_values_of_columns_are_texts_as_labels_are_read(plan, written, level):
    assert plan(f"task: {{positive: {written}}}").task.positive == level
    assert plan(f"labels: {{void: {{a: [{written}]}}}}").labels.void == {"a": (level,)}


@pytest.mark.parametrize(
    "written", ["1.0", "0.5", "-2.50", "1234567.0", "1234567.5", "1e3", "0.1", "2.0e-3", "12345678901234", "98765432109"]
)
def test_numbers_are_levels_as_arrow_writes_them(plan, written):
    kind = pa.int64() if written.isdigit() else pa.float64()
    (expected,) = as_text(pa.array([kind.to_pandas_dtype()(written)], kind)).to_pylist()
    assert plan(f"task: {{positive: {written}}}").task.positive == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # keys
        ("columns: {id: i, time: t}\n", "m.yaml:1:1: The key 'model' is missing. Such as model: credit-default."),
        ("model: a\n", "m.yaml:1:1: The key 'columns' is missing. Such as columns: {id: application_id, time: scored_at}."),
        ("model: a\ncolumns: {id: i}\n", "m.yaml:2:10: The key 'columns.time' is missing. Such as columns: {time: scored_at}."),
        (HEAD + "taks: binary\n", "m.yaml:3:1: There is no key 'taks'. Did you mean 'task'? Such as task: binary."),
        (HEAD + "windw: 1d\n", "m.yaml:3:1: There is no key 'windw'. Did you mean 'window'?"),
        (
            HEAD + "labels: {negative_afte: 45d}\n",
            "m.yaml:3:10: There is no key 'labels.negative_afte'. Did you mean 'negative_after'? Such as labels: {",
        ),
        (HEAD + "timezone: UTC\n", "m.yaml:3:1: There is no key 'timezone'. Did you mean 'windows.timezone'?"),
        (HEAD + "owner: {zzz: a}\n", "m.yaml:3:9: There is no key 'owner.zzz'. Known in owner: team, email."),
        (HEAD + "drift: {alpha: 0.1}\n", "m.yaml:3:9: There is no key 'drift.alpha'. Write 'false_alarms_per_month'"),
        (HEAD + "alerts: {a: b}\n", "m.yaml:3:10: There is no key 'alerts.a'. Known in alerts: defaults, rules,"),
        (HEAD + "notify: {critical: pager}\n", "m.yaml:3:1: There is no key 'notify'. It is 'alerts.notify'."),
        (HEAD + "channels: {}\n", "m.yaml:3:1: There is no key 'channels'. Did you mean 'alerts.channels'?"),
        (HEAD + "depends_on: {credit: [a]}\n", "m.yaml:3:14: The model 'credit' depends on itself. Name the models before it."),
        (HEAD + "depends_on: {' ': [a]}\n", "m.yaml:3:14: ' ' is no name of a model."),
        (HEAD + "depends_on: [a]\n", "m.yaml:3:13: 'depends_on' holds a list, and should hold names, each with a list of"),
        (
            "model: a\ncolumns: {id: i, time: t, sources: {u: [b, c], v: [d, b]}}\n",
            "m.yaml:2:55: columns: Column 'b' comes from 'u' and from 'v'. Name it once.",
        ),
        (HEAD + "drift: {false_alarms_per_month: 0}\n", "'drift.false_alarms_per_month' is above 0 and at most 31, and 0 is not."),
        (HEAD + "window: 1h\nwindows: {base: 1d}\n", "m.yaml:3:1: 'window' is short for 'windows', and both are here. Keep one of them."),
        (HEAD + f"{'k' * 500}: 1\n", f"m.yaml:3:1: There is no key '{'k' * 60}...'."),
        (
            HEAD + "window: {base: 1h}\n",
            "m.yaml:3:9: 'window' holds keys with values, and is short for one value. Write 'windows' for more.",
        ),
        # kinds of values
        (HEAD + "drift: 3\n", "m.yaml:3:8: 'drift' holds the number 3, and should hold keys with values. Such as drift:"),
        (HEAD + "data: [a]\n", "m.yaml:3:7: 'data' holds a list, and should hold keys with values. Such as data:"),
        (HEAD + "segments: {a: b}\n", "m.yaml:3:11: 'segments' holds keys with values, and should hold a list of texts. Such as segments:"),
        (HEAD + "description: [a]\n", "m.yaml:3:14: 'description' holds a list, and should hold a text. Such as description:"),
        (HEAD + "description: true\n", "m.yaml:3:14: 'description' holds true, and should hold a text. Write it in quotes: 'true'."),
        (
            "model: 7\ncolumns: {id: i, time: t}\n",
            "m.yaml:1:8: 'model' holds the number 7, and should hold a text. Write it in quotes: '7'.",
        ),
        (HEAD + "segments: [a, 3]\n", "m.yaml:3:15: 'segments' holds the number 3, and should hold a text. Write it in quotes: '3'."),
        (
            HEAD + "drift: {importance: [a]}\n",
            "m.yaml:3:21: 'drift.importance' holds a list, and should hold names, each with a number at least 0.",
        ),
        (HEAD + "drift: {importance: {a: much}}\n", "m.yaml:3:25: 'drift.importance' holds the text 'much', and should hold a number"),
        (
            HEAD + "task: {threshold: '0.5'}\n",
            "m.yaml:3:19: 'task.threshold' holds the text '0.5', and should hold a number. Write it without",
        ),
        (
            HEAD + "labels: {expected_coverage: 98%}\n",
            "'labels.expected_coverage' holds the text '98%', and should hold a number above 0 and at most 1. Write the share: 0.98.",
        ),
        (
            HEAD + "performance: {least_rows: 2.5}\n",
            "m.yaml:3:27: 'performance.least_rows' holds the number 2.5, and should hold a whole number",
        ),
        (HEAD + "description: ''\n", "m.yaml:3:14: 'description' is empty. Take the key out, or give it a value. Such as"),
        # values out of bounds
        (HEAD + "labels: {max_orphans: 1}\n", "m.yaml:3:23: 'labels.max_orphans' is at least 0 and below 1, and 1 is not. Such as"),
        (HEAD + "serving: {latency: 0}\n", "m.yaml:3:20: 'serving.latency.within' is above 0, and 0 is not. Such as"),
        (HEAD + "drift: {importance: {a: -1}}\n", "m.yaml:3:25: 'drift.importance' is at least 0, and -1 is not."),
        (HEAD + "task: {threshold: 1e999}\n", "m.yaml:3:19: 'task.threshold' is a finite number, and 1e999 is not."),
        (HEAD + "serving: {availability: 1}\n", "m.yaml:3:25: 'serving.availability.target' is above 0 and below 1, and 1 is not."),
        (
            HEAD + "serving: {availability: {window: 28d}, latency: {target: 0.9}}\n",
            "m.yaml:3:49: The key 'serving.latency.within' is missing.",
        ),
        # words
        (
            HEAD + "task: binry\n",
            "m.yaml:3:7: 'binry' is no value of 'task.type'. Did you mean 'binary'? Known: binary, multiclass, regression.",
        ),
        (HEAD + "storage: {rows: some}\n", "m.yaml:3:17: 'some' is no value of 'storage.rows.keep'. "),
        (HEAD + "columns: {}\n", "m.yaml:3:1: The key 'columns' is here a second time"),
        (HEAD + "labels: event\n", "m.yaml:3:9: Labels of kind 'event' need 'negative_after'"),
        (HEAD + "labels: {kind: outcome, negative_after: 1d}\n", "m.yaml:3:25: 'negative_after' is for labels of kind 'event'"),
        (
            HEAD + "performance: {tolerated: {rocauc: 0.1}}\n",
            "m.yaml:3:27: performance: There is no quality metric 'rocauc'. Did you mean 'roc_auc'?",
        ),
        (HEAD + "performance: {metrics: [roc_auc, f2]}\n", "m.yaml:3:34: performance: There is no quality metric 'f2'. Known: accuracy,"),
        (HEAD + "performance: {tolerated: {f1: -1}}\n", "m.yaml:3:27: performance: The tolerated loss of 'f1' is above 0"),
        (HEAD + "performance: {alpha: 1}\n", "m.yaml:3:22: performance: A probability of false alarms is between 0 and 1"),
        # durations, windows, zones
        (HEAD + "window: 1 day\n", "m.yaml:3:9: '1 day' is no duration for 'windows.base'. Write a whole number and s, m, h, d or w"),
        (HEAD + "window: 7\n", "m.yaml:3:9: '7' is no duration for 'windows.base'."),
        (HEAD + "window: 0d\n", "m.yaml:3:9: A duration of '0d' lasts no time for 'windows.base'."),
        (HEAD + "window: 7h\n", "m.yaml:3:9: windows: A window of 7h does not fit a day. Use a part of a day"),
        (HEAD + "windows: {base: 7d, widen_to: 1d}\n", "m.yaml:3:31: Windows of 7d cannot be widened to 1d."),
        (
            HEAD + "windows: {timezone: Europe/Lisboa}\n",
            "m.yaml:3:21: windows: There is no time zone 'Europe/Lisboa'. Did you mean 'Europe/Lisbon'?",
        ),
        (HEAD + "windows: {timezone: ../etc/passwd}\n", "m.yaml:3:21: windows: There is no time zone '../etc/passwd'."),
        (HEAD + "labels: {matures_after: soon}\n", "m.yaml:3:25: 'soon' is no duration for 'labels.matures_after'."),
        (HEAD + "version: 2\n", "m.yaml:3:10: There is no version 2 of the configuration."),
        # what does not go together
        (
            HEAD + "task: {type: regression, threshold: 0.5}\n",
            "m.yaml:3:37: 'threshold' is for a binary task, and this one is regression. Take",
        ),
        (HEAD + "task: {type: binary, scores: {a: b}}\n", "m.yaml:3:30: 'scores' is for a multiclass task, and this one is binary."),
        ("model: a\ncolumns: {id: i, time: i}\n", "m.yaml:2:24: columns: Column 'i' cannot be 'id' and 'time' at once. Name it once."),
        ("model: a\ncolumns: {id: i, time: t, label: i}\n", "m.yaml:2:34: columns: Column 'i' cannot be 'id' and 'label' at once."),
        (
            "model: a\ncolumns: {id: i, time: t, label: p, prediction: p}\n",
            "m.yaml:2:34: columns: Column 'p' cannot be 'prediction' and 'label'",
        ),
        (
            "model: a\ncolumns: {id: i, time: t, ignore: [a, t]}\n",
            "m.yaml:2:39: columns: Column 't' cannot be 'time' and 'ignore' at once.",
        ),
        ("model: a\nsegments: [b, a]\ncolumns: {id: i, time: t, ignore: a}\n", "m.yaml:2:15: Column 'a' cannot be 'ignore' and 'segments'"),
        # names of models
        ("model: ' a'\ncolumns: {id: i, time: t}\n", "m.yaml:1:8: ' a' is no name of a model. Use up to 100 visible characters"),
        ('model: "a\\nb"\ncolumns: {id: i, time: t}\n', "m.yaml:1:8: 'a\\nb' is no name of a model."),
        (f"model: {'a' * 101}\ncolumns: {{id: i, time: t}}\n", f"m.yaml:1:8: '{'a' * 100}' is no name of a model."),
        # twice in a list
        (HEAD + "segments: [a, b, a]\n", "m.yaml:3:18: 'a' stands twice in 'segments'. Keep one of them."),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(refused, text, sentence):
    assert sentence in refused(text)


def test_every_key_has_a_meaning_and_an_example_that_reads():
    assert list(MEANINGS) == [key for key, _ in dotted(plan_shape())]
    for meaning, _ in MEANINGS.values():
        assert meaning
        assert not meaning.endswith(".")


@pytest.mark.parametrize("key", list(MEANINGS))
def test_the_example_of_a_key_can_be_pasted(file, key):
    line = MEANINGS[key][1]
    base = {"model": "model: credit\n", "columns": "columns: {id: i, time: t}\n"}
    if key == "model":
        base.pop("model")
    if key.startswith("columns"):
        base.pop("columns")
        line = line.replace("columns: {", "columns: {id: i, ") if "id:" not in line.replace("label_id:", "") else line
        line = line if "time:" in line.replace("label_time:", "") else line.replace("columns: {", "columns: {time: t, ")
    loaded = load(file("".join(base.values()) + line), dict.fromkeys(re.findall(r"\$([A-Z_]+)", line), "x"))
    said = [pattern(name) for name, origin in loaded.origins.items() if origin != DEFAULT]
    assert any(name == key or name.startswith(f"{key}.") for name in said)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: WindowsSpec(base="5h"), "does not fit a day"),
        (lambda: WindowsSpec(future="soon"), "future: 'soon' is no duration"),
        (lambda: StorageSpec(fold_after=""), "fold_after: '' is no duration"),
        (lambda: RowsSpec(for_="x"), "for: 'x' is no duration"),
        (lambda: RowsSpec.read({"keep": "some"}), "keep"),
        (lambda: Plan(model="a", version=2, columns=ColumnsSpec(id="i", time="t")), "no version 2"),
    ],
)
def test_a_plan_made_in_python_is_checked_too(make, words):
    with pytest.raises(UsageError, match=words):
        make()


def test_a_spec_can_be_changed_where_a_key_is_no_name_in_python():
    assert RowsSpec().but(keep="all", for_="7d") == RowsSpec(keep="all", for_="7d")
