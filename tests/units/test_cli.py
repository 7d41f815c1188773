"""The command line: its options mean what `driftline.compare` means, and its pieces do what they say."""

import argparse
import inspect
import io
from pathlib import Path

import pytest

import driftline
from driftline.cli import compare, main, output
from driftline.cli.columns import add_column_options, column_settings, listed, numbers, pairs
from driftline.core.errors import UsageError, WriteError


def read(*argv):
    parser = argparse.ArgumentParser()
    add_column_options(parser)
    return column_settings(parser.parse_args(argv))


def test_without_options_nothing_is_said():
    assert {key: value for key, value in read().items() if value} == {}


def test_options_become_keyword_arguments():
    argv = ["--prediction", "p", "--label", "l", "--segment", "a", "--segment", "b", "--segment", "a", "--time", "t", "--threshold", "0.3"]
    argv += ["--positive", "yes", "--task", "binary", "--score", "no=p0", "--ignore", "i", "--id", "u", "--kind", "zip=categorical"]
    assert read(*argv) == {
        "prediction": "p",
        "label": "l",
        "segments": ("a", "b"),
        "time": "t",
        "threshold": 0.3,
        "positive": "yes",
        "task": "binary",
        "scores": {"no": "p0"},
        "ignore": ("i",),
        "identifiers": ("u",),
        "kinds": {"zip": "categorical"},
    }


def test_every_keyword_of_python_has_an_option():
    settings = {*read(), "importance", "tolerated", "alpha", "progress"}
    assert settings == set(inspect.signature(driftline.compare).parameters) - {"reference", "current"}
    both = set(inspect.signature(driftline.profile_reference).parameters) - {"reference", "path"}
    assert {*read(), "progress"} == both


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        (["a=1"], {"a": "1"}),
        (["a=b=c"], {"a=b": "c"}),  # names may hold an equals sign, values never do
        (["a=1", "a=2"], {"a": "2"}),
        ([" =x"], {" ": "x"}),
    ],
)
def test_pairs(values, expected):
    assert pairs(values, "--kind") == expected


@pytest.mark.parametrize("value", ["", "=", "a", "=b", "a="])
def test_what_is_no_pair(value):
    with pytest.raises(UsageError, match="--kind takes NAME=VALUE"):
        pairs([value], "--kind")


def test_numbers():
    assert numbers(["a=1", "b=-2.5e3"], "--importance") == {"a": 1.0, "b": -2500.0}
    with pytest.raises(UsageError, match="takes a number for 'a', and 'x' is none"):
        numbers(["a=x"], "--importance")


def test_listed_keeps_the_order_and_drops_repeats():
    assert listed(["b", "a", "b"]) == ("b", "a")


@pytest.mark.parametrize(
    ("html", "json", "step"),
    [
        (None, None, "more: --html report.html for the charts and every limit, --verbose for every column"),
        ("r.html", None, "report: r.html"),
        ("r.html", "r.json", "report: r.html"),
        (None, "r.json", "why: driftline explain r.json COLUMN"),
    ],
)
def test_the_next_step(html, json, step):
    assert compare.next_step(argparse.Namespace(html=html, json=json)) == step


def test_errors_take_one_printable_line(capsys):
    assert main.failed("a\nb\x1b[31m\u202e\ud800é") == 2
    assert capsys.readouterr().err == "driftline: a\\nb\\x1b[31m\\u202e\\ud800é\n"


class Unwritable(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error
        self.closed_over = Path("/dev/null").open("w")  # noqa: SIM115 - stands for the standard output

    def write(self, text):
        raise self.error

    def fileno(self):
        return self.closed_over.fileno()


def test_a_reader_that_has_gone_is_no_error(monkeypatch):
    stream = Unwritable(BrokenPipeError(32, "Broken pipe"))
    monkeypatch.setattr("sys.stdout", stream)
    output.show("text")
    stream.closed_over.close()


def test_a_full_disk_is_one(monkeypatch):
    stream = Unwritable(OSError(28, "No space left on device"))
    monkeypatch.setattr("sys.stdout", stream)
    with pytest.raises(WriteError, match="standard output: The text cannot be written: no space left on device"):
        output.show("text")
    stream.closed_over.close()


def test_version_and_help(capsys):
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("driftline ")
    assert main.main([]) == 2
    assert "exit codes: 0 fine, 1 something at or above --fail-on" in " ".join(capsys.readouterr().out.split())
