"""The Python face: what people may pass, in the types that their libraries have."""

import inspect
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import driftline
from driftline.core.errors import UnknownName, UsageError
from driftline.engine.options import read_options
from driftline.engine.spec import CompareSpec
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind

TABLE = {"x": np.arange(200) / 7, "g": ["a", "b"] * 100, "score": np.arange(200) % 100 / 100, "label": np.arange(200) % 3 % 2}


def test_every_keyword_is_a_field_of_the_spec():
    keywords = set(inspect.signature(driftline.compare).parameters) - {"reference", "current", "progress"}
    assert keywords == set(CompareSpec.model_fields)


def test_both_functions_speak_of_columns_alike():
    ours, theirs = (inspect.signature(function).parameters for function in (driftline.profile_reference, driftline.compare))
    shared = [name for name in ours if name not in {"reference", "path"}]
    assert [(name, ours[name].default, ours[name].annotation) for name in shared] == [
        (name, theirs[name].default, theirs[name].annotation) for name in shared
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("prediction", "p", "p"),
        ("segments", "one", ("one",)),
        ("segments", ["b", "a", "b"], ("b", "a")),
        ("ignore", {"only"}, ("only",)),
        ("identifiers", (name for name in ["a", "b"]), ("a", "b")),
        ("threshold", 1, 1.0),
        ("threshold", np.float32(0.5), 0.5),
        ("alpha", np.float64(0.05), 0.05),
        ("positive", 1, "1"),
        ("positive", 1.0, "1"),
        ("positive", True, "true"),
        ("positive", np.False_, "false"),
        ("positive", np.int64(3), "3"),
        ("task", "binary", Task.BINARY),
        ("task", Task.REGRESSION, Task.REGRESSION),
        ("scores", {0: "p0", True: "p1"}, {"0": "p0", "true": "p1"}),
        ("kinds", {"zip": "categorical"}, {"zip": Kind.CATEGORICAL}),
        ("importance", {"x": np.int32(3)}, {"x": 3.0}),  # as LightGBM counts its splits
        ("importance", [("x", 0.5)], {"x": 0.5}),
        ("tolerated", {"roc_auc": 0.1}, {"roc_auc": 0.1}),
    ],
)
def test_values_become_what_the_spec_holds(name, value, expected):
    assert getattr(read_options(**{name: value}), name) == expected


def test_importances_of_a_pandas_series():
    import pandas as pd

    assert read_options(importance=pd.Series({"x": 0.25, "y": 0.75})).importance == {"x": 0.25, "y": 0.75}


def test_what_is_not_said_is_the_default():
    nothing = dict.fromkeys(CompareSpec.model_fields)
    assert read_options(**nothing) == read_options() == CompareSpec()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"alpha": "much"}, "alpha: 'much' is no number."),
        ({"alpha": 0.0}, "alpha: 0.0 does not fit"),
        ({"alpha": 0.5}, "alpha: 0.5 does not fit"),
        ({"threshold": [1]}, "threshold: [1] is no number."),
        ({"threshold": float("inf")}, "threshold: inf does not fit"),
        ({"importance": {"x": "much"}}, "importance of 'x': 'much' is no number."),
        ({"importance": {"x": -1}}, "importance.x: -1.0 does not fit"),
        ({"importance": {"x": float("nan")}}, "importance.x: nan does not fit"),
        ({"task": "binry"}, "There is no task 'binry'. Did you mean 'binary'?"),
        ({"kinds": {"x": "number"}}, "There is no kind of column 'number'. Did you mean 'numeric'?"),
        ({"prediction": 3}, "prediction: 3 does not fit: input should be a valid string."),
        ({"segments": [3]}, "segments.0: 3 does not fit: input should be a valid string."),
    ],
)
def test_values_that_do_not_fit(said, words):
    with pytest.raises(UsageError) as caught:
        read_options(**said)
    assert str(caught.value).startswith(words)


def test_an_unknown_keyword_is_pythons_own_error():
    with pytest.raises(TypeError, match="segment"):
        driftline.compare(TABLE, TABLE, segment="g")  # type: ignore[call-arg]


@pytest.mark.parametrize("thing", [None, 3, "", b"path", [1, 2], object(), pa.array([1])])
def test_what_is_no_table(thing):
    for pair in ((TABLE, thing), (thing, TABLE)):
        with pytest.raises(driftline.DriftlineError):
            driftline.compare(*pair)


def test_a_saved_reference_is_no_table_of_rows(tmp_path):
    path = tmp_path / "t.profile"
    reference = driftline.profile_reference(TABLE, path)
    for thing in (reference, path, str(path)):
        with pytest.raises(UsageError, match="The current table is a saved reference, which holds no rows"):
            driftline.compare(TABLE, thing)
        with pytest.raises(UsageError, match="The reference table is a saved reference"):
            driftline.profile_reference(thing)


def test_paths_of_every_kind(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table(TABLE), "t.parquet")
    expected = driftline.compare(TABLE, TABLE).to_dict()["columns"]
    for path in ("t.parquet", Path("t.parquet"), tmp_path / "t.parquet", ".", tmp_path, "*.parquet"):
        assert driftline.compare(path, path).to_dict()["columns"] == expected


def test_the_result_of_a_name_that_is_not_there():
    with pytest.raises(UnknownName, match=r"There is no column 'scor'\. Did you mean 'score'\?"):
        driftline.compare(TABLE, TABLE)["scor"]
