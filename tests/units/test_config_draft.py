"""A drafted configuration loads as it is, whatever the reference holds, and says what was guessed and why."""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pytest

from driftline.config.draft import CONFIRM, MOST_COLUMNS, Asked, draft
from driftline.config.guesses import Guess, guess
from driftline.config.load import load
from driftline.engine.options import read_options
from driftline.engine.reference import make_reference
from driftline.engine.settle import settle
from driftline.sources.open import open_source

ROWS = 200
HOSTILE = [
    *(
        "yes",
        "on",
        "null",
        "~",
        "1",
        "010",
        "12:30",
        "2026-01-01",
        "a: b",
        "- a",
        "#a",
        "a #b",
        "*a",
        "&a",
        "!a",
        "{a}",
        "[a",
        "'",
        '"',
        "\\",
    ),
    *(
        "\n",
        "a\nmodel: b",
        "\x1b[31m",
        "\x00",
        "\u2028",
        "\u202e",
        "\ufeff",
        " ",
        "",
        "指標",
        "👩\u200d🚀",
        "n" * 3_000,
        "=1+1",
        "x://u:p@h",
        "<<",
    ),
]


def column(i, rows=ROWS):
    """Numbers, levels, flags, times, identifiers, free text and nothing, in turn."""
    draw = np.random.default_rng(i)
    start = dt.datetime(2026, 1, 1)
    return [
        lambda: pa.array(draw.normal(size=rows)),
        lambda: pa.array(draw.choice(HOSTILE[:12], rows)),
        lambda: pa.array(draw.random(rows) < 0.5),
        lambda: pa.array([start + dt.timedelta(minutes=j) for j in range(rows)]),
        lambda: pa.array([f"{HOSTILE[j % len(HOSTILE)]}{j}" for j in range(rows)]),
        lambda: pa.array([None] * rows, pa.string()),
        lambda: pa.array(["a\nb: c # d"] * rows),
    ][i % 7]()


def drafted(table, **settings):
    """The text for a table, as `driftline init` makes it."""
    spec = read_options(**settings)
    source = open_source(table, name="reference")
    columns, _ = settle(spec, (source.schema,), source.name)
    facts = guess(make_reference(source, spec, columns), spec.columns(), columns)
    asked = Asked(
        Guess("credit", "as you said"),
        "train.parquet",
        "driftline.yaml",
        **{name: getattr(spec, name) for name in ("threshold", "positive", "task", "scores", "ignore", "identifiers", "kinds")},
    )
    return draft(facts, asked)


@pytest.fixture
def read(tmp_path):
    def command(text):
        path = tmp_path / "m.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, {"CHAT_URL": "x"}).plan

    return command


def scores(rows=ROWS, **more):
    draw = np.random.default_rng(0)
    score = draw.random(rows)
    return pa.table({"income": draw.normal(size=rows), "score": score, "label": (draw.random(rows) < score).astype(int), **more})


def test_a_scoring_table(read):
    times = [dt.datetime(2026, 1, 1) + dt.timedelta(hours=i) for i in range(ROWS)]
    table = scores(
        request_id=[f"r{i}" for i in range(ROWS)],
        born=times,
        scored_at=times,
        channel=["app", "web"] * (ROWS // 2),
        model_version=["v1", "v2"] * (ROWS // 2),
        latency_ms=np.arange(ROWS) / 7,
    )
    text = drafted(table)
    plan = read(text)
    assert (plan.columns.id, plan.columns.time, plan.columns.prediction, plan.columns.label) == (
        "request_id",
        "scored_at",
        "score",
        "label",
    )
    assert (plan.task.type, plan.task.threshold, plan.task.positive) == ("binary", 0.5, "1")
    assert plan.data.reference == "train.parquet"
    assert plan.segments == ()
    assert plan.columns.version == ""
    for line in ("  # version: model_version  # a guess from its name", "  # latency: latency_ms  # a guess", "# segments: [channel]"):
        assert f"\n{line}" in text
    assert f"  threshold: 0.5  # {CONFIRM}" in text
    assert "#   income: numeric, 200 distinct numbers in 200 rows\n" in text


def test_what_people_said_is_repeated(read):
    table = scores(a=["x", "y"] * (ROWS // 2), b=np.arange(ROWS), c=np.arange(ROWS), zip=np.arange(ROWS) % 40, t=["2026-01-01"] * ROWS)
    text = drafted(
        table,
        prediction="score",
        label="label",
        segments=["a"],
        time="t",
        threshold=0.3,
        positive="0",
        ignore=["income"],
        identifiers=["b", "c"],
        kinds={"zip": "categorical"},
    )
    plan = read(text)
    assert (plan.columns.id, plan.columns.identifiers, plan.columns.time) == ("b", ("c",), "t")
    assert (plan.task.threshold, plan.task.positive, plan.segments) == (0.3, "0", ("a",))
    assert (plan.columns.ignore, plan.columns.kinds) == (("income",), {"zip": "categorical"})
    assert "  threshold: 0.3  # as you said\n" in text


def test_classes_of_a_multiclass_model(read):
    draw = np.random.default_rng(0)
    shares = draw.dirichlet([1, 1, 1], ROWS)
    names = ["no", "1", "a: b"]
    table = pa.table(
        {
            **{f"p {name}": shares[:, i] for i, name in enumerate(names)},
            "prediction": np.array(names)[shares.argmax(1)],
            "label": names * 66 + names[:2],
        }
    )
    plan = read(drafted(table, scores={name: f"p {name}" for name in names}))
    assert plan.task.type == "multiclass"
    assert plan.task.scores == {name: f"p {name}" for name in names}


def test_a_regression_has_no_threshold(read):
    draw = np.random.default_rng(0)
    plan = read(drafted(pa.table({"prediction": draw.normal(size=ROWS) * 9, "target": draw.normal(size=ROWS) * 9})))
    assert (plan.task.type, plan.task.threshold, plan.task.positive) == ("regression", None, None)


def test_what_is_not_known_is_marked_and_still_loads(read):
    text = drafted(pa.table({"income": np.random.default_rng(0).normal(size=ROWS)}))
    plan = read(text)
    assert (plan.columns.id, plan.columns.time, plan.columns.prediction, plan.labels.kind) == ("prediction_id", "predicted_at", "", "none")
    marked = {line.split(":")[0].strip("# ") for line in text.splitlines() if CONFIRM in line}
    assert {"id", "time", "prediction", "label", "labels"} <= marked


def test_times_without_a_telling_name_are_to_be_looked_at(read):
    text = drafted(scores(born=[dt.date(1980, 1, 1), dt.date(1990, 1, 1)] * (ROWS // 2)))
    assert read(text).columns.time == "born"
    assert re.search(rf"^  time: born  # {re.escape(CONFIRM)} the first column that holds times", text, re.MULTILINE)


@pytest.mark.parametrize("shift", range(7))
def test_hostile_names_and_levels(read, shift):
    table = pa.table({name: column(i + shift) for i, name in enumerate(HOSTILE)})
    assert read(drafted(table)).model == "credit"


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_a_hostile_name_in_every_role(read, name):
    other = {"p": np.random.default_rng(1).random(ROWS), "y": [0, 1] * (ROWS // 2), "k": np.arange(ROWS)}
    numbers = pa.table({name: np.random.default_rng(0).random(ROWS), **other})
    assert read(drafted(numbers, prediction=name, label="y")).columns.prediction == name
    assert read(drafted(numbers, ignore=[name], prediction="p", label="y")).columns.ignore == (name,)
    levels = pa.table({name: [name + "a", name + "b"] * (ROWS // 2), **other})
    plan = read(drafted(levels, prediction="p", label=name, positive=name + "b"))
    assert (plan.columns.label, plan.task.positive) == (name, name + "b")
    plan = read(drafted(levels, segments=[name], identifiers=["k"], kinds={name: "categorical"}))
    assert (plan.segments, plan.columns.kinds) == ((name,), {name: "categorical"})
    ids = pa.table({name: np.arange(ROWS), **other})
    assert read(drafted(ids, identifiers=[name])).columns.id == name
    times = pa.table({name: [dt.datetime(2026, 1, 1)] * ROWS, **other})
    assert read(drafted(times)).columns.time == name


def test_many_columns_are_listed_in_part(read):
    text = drafted(pa.table({f"c{i}": [1.0, 2.0] for i in range(MOST_COLUMNS + 50)}))
    assert read(text)
    assert "#   and 50 more\n" in text


def test_no_line_of_a_draft_ends_in_blanks_or_is_endless():
    lines = drafted(pa.table({name: column(i) for i, name in enumerate(HOSTILE)}), segments=["yes"]).splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert [line for line in lines if line.startswith("#") and len(line) > 160] == []


def test_optional_keys_of_a_draft_are_keys(read):
    """Every commented key can be switched on where its example fits the rest."""
    text = drafted(scores())
    keys = re.findall(r"^( *)# (\w+): (.*?)(?:  # .*)?$", text, re.MULTILINE)
    assert len(keys) > 15
    for indent, key, value in keys:
        if key == "negative_after" or value in ("NAME", "WORDS", "[NAME]") or "COLUMN" in value:
            continue
        line = f"{indent}# {key}: {value}"
        assert line in text
        assert read(text.replace(line, f"{indent}{key}: {value}", 1))
