"""What is written as YAML is read as the same text, by our reader and by PyYAML's, whatever it holds."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftline.config.nodes import Listing, Scalar, Table, parse
from driftline.config.written import flow, remark, text

ODD = [
    *(
        "",
        " ",
        "  a",
        "a ",
        "a  b",
        "yes",
        "No",
        "on",
        "y",
        "~",
        "null",
        "true",
        "FALSE",
        "1",
        "-1",
        "1.5",
        ".5",
        "1e3",
        ".inf",
        ".nan",
        "010",
    ),
    *(
        "12:30",
        "0x1F",
        "1_000",
        "2026-11-22",
        "1d",
        "a: b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "- a",
        "-",
        "--- a",
        "...",
        "[a",
        "]",
        "{a}",
        "a, b",
        "&a",
    ),
    *(
        "*a",
        "!a",
        "!!str",
        "%a",
        "@a",
        "`a",
        "'a'",
        '"a"',
        "\\",
        "\\n",
        "?",
        "? a",
        "|",
        ">",
        "=",
        "<<",
        "a\nb",
        "a\r\nb",
        "\t",
        "a\tb",
        "\x00",
    ),
    *(
        "\x1b[31m",
        "\x85",
        "\u2028",
        "\ufeff",
        "\u202e",
        "é",
        "指標",
        "👩\u200d🚀",
        "\ue000",
        "\U000f0000",
        "\ud800",
        "$HOME",
        "${A}",
        "n" * 5_000,
    ),
]


def value_of(line):
    """The value of the key `a`, as our reader reads it."""
    node = parse(line, "m.yaml").get("a")
    assert isinstance(node, Scalar)
    return node.text


@pytest.mark.parametrize("value", ODD)
def test_texts_of_every_kind(value):
    line = f"a: {text(value)}  # why\n"
    assert "\n" not in line[:-1]
    assert value_of(line) == value
    assert yaml.safe_load(line) == {"a": value}


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text(value):
    assert value_of(f"a: {text(value)}\n") == value
    assert yaml.safe_load(f"a: {text(value)}") == {"a": value}


@given(
    st.recursive(
        st.text() | st.booleans() | st.integers(-10, 10) | st.floats(0.001, 1000),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=200), inner),
    )
)
def test_any_value(value):
    assert yaml.safe_load(f"a: {flow(value)}") == {"a": value}


@given(st.dictionaries(st.text(max_size=300), st.text()))
def test_any_key(value):
    tree = parse(f"a: {flow(value)}\n", "m.yaml").get("a")
    assert isinstance(tree, Table)
    assert {key.text: node.text for key, node in tree.entries if isinstance(node, Scalar)} == value


def test_a_key_of_any_length():
    value = {"k" * 20_000: ["v"]}
    tree = parse(f"a: {flow(value)}\n", "m.yaml").get("a")
    assert isinstance(tree, Table)
    ((key, node),) = tree.entries
    assert len(key.text) == 20_000
    assert isinstance(node, Listing)
    assert isinstance(node.items[0], Scalar)


@given(st.text(st.characters(exclude_categories=[])))
def test_a_remark_is_one_harmless_line(value):
    words = remark(value, 50)
    assert words.isprintable()
    assert len(words) <= 50
    assert value_of(f"a: b  # {words}\n") == "b"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("credit-default", "credit-default"),
        ("lake/a/*.parquet", "lake/a/*.parquet"),
        ("28d", "28d"),
        ("two words", "two words"),
        ("./a", "./a"),
    ],
)
def test_plain_texts_stay_plain(value, plain):
    assert text(value) == plain
