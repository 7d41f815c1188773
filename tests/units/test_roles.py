"""Roles of columns: guessed from names, said by people, never two at once, and settled once a reference is saved."""

import pyarrow as pa
import pytest

import driftline
from driftline.core.errors import UnknownName, UsageError
from driftline.engine.options import read_options
from driftline.engine.settle import agree, settle
from driftline.profiles.fit import SchemaSpec
from driftline.profiles.roles import KINDS, LABELS, PREDICTIONS, check_kinds, resolve
from driftline.profiles.schema import Kind

TABLE = pa.schema([("x", pa.float64()), ("city", pa.string()), ("score", pa.float64()), ("label", pa.int64()), ("at", pa.timestamp("us"))])


def guessed(*names, **said):
    spec, notes = resolve(SchemaSpec(**said), (pa.schema([(name, pa.float64()) for name in names]),), "t")
    return spec.prediction, spec.label, len(notes)


@pytest.mark.parametrize(
    ("names", "said", "expected"),
    [
        (("a", "b"), {}, (None, None, 0)),
        (("a", "score"), {}, ("score", None, 1)),
        (("Y_Pred", "Y_TRUE"), {}, ("Y_Pred", "Y_TRUE", 2)),  # whatever the case
        (("score", "prediction"), {}, ("prediction", None, 1)),  # the plainer name first
        (("score", "target"), {"prediction": "target"}, ("target", None, 0)),  # what has a role is not guessed again
        (("score", "label"), {"ignore": ("score",)}, (None, "label", 1)),
        (("score", "label"), {"segments": ("label",)}, ("score", None, 1)),
        (("score", "label"), {"identifiers": ("score",), "label": "label"}, (None, "label", 0)),
        (("scores", "labelled"), {}, (None, None, 0)),  # names that only begin so
    ],
)
def test_guesses(names, said, expected):
    assert guessed(*names, **said) == expected


@pytest.mark.parametrize("name", [*PREDICTIONS, *LABELS])
def test_every_usual_name_is_guessed(name):
    prediction, label, notes = guessed("a", name)
    assert (name in {prediction, label}, notes) == (True, 1)


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.timestamp("us"), pa.null()])
def test_columns_that_hold_no_prediction_are_not_guessed(kind):
    spec, notes = resolve(SchemaSpec(), (pa.schema([("score", kind), ("a", pa.int8())]),), "t")
    assert (spec.prediction, notes) == (None, ())


def test_guesses_look_at_the_reference_alone():
    spec, notes = resolve(SchemaSpec(), (pa.schema([("a", pa.int8())]), TABLE), "t")
    assert (spec.prediction, spec.label, notes) == (None, None, ())


@pytest.mark.parametrize(
    "said",
    [
        {"prediction": "scor"},
        {"label": "scor"},
        {"time": "scor"},
        {"segments": ("scor",)},
        {"ignore": ("scor",)},
        {"identifiers": ("scor",)},
        {"kinds": {"scor": Kind.NUMERIC}},
    ],
)
def test_unknown_names(said):
    with pytest.raises(UnknownName, match=r"t\.csv: There is no column 'scor'\. Did you mean 'score'\?"):
        resolve(SchemaSpec(**said), (TABLE,), "t.csv")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"prediction": "x", "label": "x"}, "the prediction and the label"),
        ({"prediction": "x", "time": "x"}, "the prediction and the time"),
        ({"label": "x", "segments": ("x",)}, "the label and a segment"),
        ({"time": "x", "identifiers": ("x",)}, "the time and an identifier"),
        ({"segments": ("x",), "ignore": ("x",)}, "a segment and left out"),
    ],
)
def test_two_roles_at_once(said, words):
    with pytest.raises(UsageError, match=f"Column 'x' cannot be {words} at once"):
        resolve(SchemaSpec(**said), (TABLE,), "t")


@pytest.mark.parametrize(
    ("column", "allowed"),
    [("x", KINDS["number"]), ("city", KINDS["text"]), ("at", KINDS["time"])],
)
@pytest.mark.parametrize("kind", list(Kind))
def test_kinds_that_a_type_allows(column, allowed, kind):
    if kind in allowed:
        check_kinds({column: kind}, TABLE)
    else:
        with pytest.raises(UsageError, match=f"cannot be summarised as {kind}. Choose {allowed[0]}"):
            check_kinds({column: kind}, TABLE)


def test_every_kind_that_is_allowed_can_be_fitted():
    values = {
        "number": pa.array([float(i % 7) for i in range(2_000)]),
        "text": pa.array([f"t{i % 7}" for i in range(2_000)]),
        "boolean": pa.array([i % 2 == 0 for i in range(2_000)]),
        "time": pa.array(range(2_000), pa.timestamp("us")),
        "nested": pa.array([[i] for i in range(2_000)]),
    }
    assert values.keys() == KINDS.keys()
    for what, kinds in KINDS.items():
        for kind in kinds:
            table = pa.table({"v": values[what], "x": values["number"]})
            result = driftline.compare(table, table, kinds={"v": kind.value})
            assert (result["v"].kind, result["v"].verdict) == (kind, "stable"), (what, kind)


# ------------------------------------------------------------ held against tables and saved references


def test_settings_without_effect_are_refused():
    cases: list[tuple[dict, str]] = [
        ({"threshold": 0.5}, "A threshold needs predictions"),
        ({"positive": "1"}, "A positive class needs labels"),
        ({"task": "binary"}, "A task needs labels"),
        ({"tolerated": {"mae": 1.0}}, "A tolerated loss needs labels"),
        ({"scores": {"a": "x"}}, "A score column needs labels"),
    ]
    for said, words in cases:
        with pytest.raises(UsageError, match=words):
            settle(read_options(**said), (pa.schema([("x", pa.float64())]),), "t")


def test_a_label_without_a_prediction_is_noted():
    _, notes = settle(read_options(label="label"), (pa.schema([("x", pa.float64()), ("label", pa.int8())]),), "t")
    assert notes == ("no prediction column is named, so quality is not judged",)


@pytest.fixture(scope="module")
def schema():
    rows = {
        "x": [i / 7 for i in range(300)],
        "city": ["a", "b", "c"] * 100,
        "score": [i % 100 / 100 for i in range(300)],
        "label": [i % 3 % 2 for i in range(300)],
        "at": pa.array(range(300), pa.timestamp("us")),
    }
    return driftline.profile_reference(rows, time="at", segments=["city"], threshold=0.25).schema


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"prediction": "score", "label": "label", "time": "at", "segments": ["city"]},
        {"threshold": 0.25, "task": "binary", "positive": 1},
        {"kinds": {"x": "numeric"}, "ignore": ["x"], "importance": {"x": 1}},
        {"tolerated": {"roc_auc": 0.1}},
    ],
)
def test_what_agrees_with_a_saved_reference(schema, said):
    agree(read_options(**said), schema, TABLE, "t")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"prediction": "x"}, "made with 'score' as its prediction, and now prediction 'x' is asked for"),
        ({"label": "x"}, "made with 'label' as its label"),
        ({"time": "x"}, "made with 'at' as its time"),
        ({"segments": ["x"]}, "made with segments 'city', and now segments 'x'"),
        ({"threshold": 0.5}, "made with 0.25, and now the threshold 0.5"),
        ({"task": "regression"}, "made with the task binary"),
        ({"positive": 0}, "made with the classes '0', '1'"),
        ({"scores": {"a": "x"}}, "made with scores of no class"),
        ({"kinds": {"x": "categorical"}}, "made with 'x' as numeric"),
        ({"identifiers": ["x"]}, "now 'x' as identifier"),
        ({"ignore": ["score"]}, "cannot be the prediction of the saved reference and left out"),
        ({"ignore": ["nothing"]}, "There is no column 'nothing'"),
        ({"importance": {"citty": 1}}, "Did you mean 'city'?"),
    ],
)
def test_what_does_not(schema, said, words):
    with pytest.raises(UsageError) as caught:
        agree(read_options(**said), schema, TABLE, "t")
    assert words in str(caught.value)
