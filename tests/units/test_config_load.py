"""Loading a file: what is no file, what its digest means, where its paths lead, and that whatever it holds ends in a plan or a sentence."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_config_reading import COMPLETE, HEAD
from test_config_schema import SCHEMA, fits

from driftline.config.load import LARGEST, load
from driftline.config.values import effective
from driftline.core.errors import ConfigError


@pytest.fixture
def refused(file, tmp_path):
    def command(text, environment=None):
        with pytest.raises(ConfigError) as caught:
            load(file(text), environment or {})
        assert caught.value.hint
        return str(caught.value).removeprefix(f"{tmp_path}/")

    return command


def test_files_that_are_none(refused, tmp_path):
    assert "m.yaml:2:4: The file is not UTF-8. Save it as UTF-8." in refused(b"a: 1\nb: \xff\n")
    assert "m.yaml:1:1: The file is not UTF-8" in refused("model: a".encode("utf-16"))
    assert "larger than 1 MB" in refused(b"#" * (LARGEST + 1))
    for path, words in (
        (tmp_path, "This is a folder"),
        (tmp_path / "n.yaml", "no such file or directory. There is m.yaml."),
        (tmp_path / "no" / "n.yaml", "Check the path"),
        (Path("a\0b"), "is no path"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path, {})
        assert words in str(caught.value)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(file):
    assert load(file(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode()), {}).plan.model == "credit"


def test_one_name_may_stand_in_both_tables(file):
    text = "model: a\ncolumns: {id: i, time: ts, label: paid, label_id: i, label_time: ts, prediction: p}\nsegments: v\n"
    assert load(file(text), {}).plan.columns.label_time == "ts"


@given(st.data())
def test_whatever_a_file_holds_it_is_a_plan_or_a_sentence(tmp_path_factory, data):
    """Pieces of a good file, cut out, doubled and put elsewhere."""
    start = data.draw(st.integers(0, len(COMPLETE)))
    end = data.draw(st.integers(start, min(len(COMPLETE), start + 40)))
    at = data.draw(st.integers(0, len(COMPLETE)))
    piece = data.draw(st.one_of(st.just(COMPLETE[start:end]), st.text("{}[]:,'\"&*!|>%@`#?-~ \n\tab01.", max_size=6), st.just("")))
    text = COMPLETE[:at] + piece + COMPLETE[at + data.draw(st.integers(0, 20)) :]
    path = tmp_path_factory.getbasetemp() / "m.yaml"
    path.write_text(text)
    loaded = told = None
    try:
        loaded = load(path, {})
    except ConfigError as error:
        told = error
    if told is None:
        assert fits(yaml.safe_load(text), SCHEMA)
        assert loaded.origins.keys() == effective(loaded.plan).keys()
        return
    assert told.hint
    place = re.fullmatch(rf"{re.escape(str(path))}:([0-9]+):([0-9]+)", told.where)
    line, column = int(place[1]), int(place[2])
    assert column <= len([*text.split("\n"), ""][line - 1]) + 1


def test_a_large_file_is_read_in_time(file):
    names = "".join(f"    column_{i}: 0.5\n" for i in range(2_000))
    assert len(load(file(f"{HEAD}drift:\n  importance:\n{names}"), {}).plan.drift.importance) == 2_000


def test_the_digest_is_that_of_the_meaning(file):
    known = load(file(COMPLETE), {}).digest
    turned = "# words\n" + "\n".join(reversed([f"'{key}': {value}" for key, value in _top_level(COMPLETE)]))
    assert load(file(turned), {}).digest == known
    assert load(file(COMPLETE.replace("0.62", "0.620").replace("least_rows: 50", "least_rows: +50")), {}).digest == known
    assert load(file(COMPLETE.replace("{income: 0.3, age: 0}", "{age: 0.0, income: 0.30}")), {}).digest == known
    for old, new in (("0.62", "0.63"), ("[channel, region]", "channel"), ("alpha: 0.02", "alpha: 0.021")):
        assert load(file(COMPLETE.replace(old, new)), {}).digest != known


def _top_level(text):
    """The keys of a file, each with its block."""
    found: list[list[str]] = []
    for line in text.strip("\n").splitlines():
        if line[0] == " ":
            found[-1][1] += f"\n{line}"
        else:
            key, _, rest = line.partition(":")
            found.append([key, rest])
    return found


def test_relative_paths_are_those_beside_the_file(file, tmp_path):
    loaded = load(file(HEAD), {})
    assert loaded.beside("lake/*.parquet") == str(tmp_path / "lake/*.parquet")
    assert loaded.beside("/a/b") == "/a/b"
    assert loaded.beside("postgresql://host/db") == "postgresql://host/db"
    assert loaded.beside("sqlite:///a.db") == f"sqlite:///{tmp_path}/a.db"
    assert loaded.beside("sqlite:////a.db") == "sqlite:////a.db"
    assert loaded.beside("memory:") == "memory:"
    assert loaded.beside("") == ""
