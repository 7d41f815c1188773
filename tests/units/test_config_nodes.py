"""YAML as a tree: what people mean and what YAML 1.1 would make of it differ, and every mistake has its line and column."""

import pytest

from driftline.config.nodes import DEEPEST, MOST_NODES, Listing, Place, Scalar, Table, parse, scalars
from driftline.core.errors import ConfigError


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, "m.yaml")
    assert str(caught.value).endswith((".", "...", "?"))
    return caught.value


def test_keys_lists_and_values_know_their_places():
    tree = parse('a: 1\nb:\n  - x\n  - "2"\nc: {d: e f}\n', "m.yaml")
    assert tree.get("a") == Scalar("1", quoted=False, place=Place(1, 4))
    assert tree.get("b") == Listing((Scalar("x", False, Place(3, 5)), Scalar("2", True, Place(4, 5))), Place(3, 3))
    assert tree.get("c") == Table(((Scalar("d", False, Place(5, 5)), Scalar("e f", False, Place(5, 8))),), Place(5, 4))
    assert tree.get("z") is None
    assert [scalar.text for scalar in scalars(tree)] == ["a", "1", "b", "x", "2", "c", "d", "e f"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        # nothing, or no keys
        ("", (1, 1), "says nothing"),
        ("# only a remark\n", (1, 1), "says nothing"),
        ("---\n", (1, 1), "says nothing"),
        ("~\n", (1, 1), "says nothing"),
        ("- a\n- b\n", (1, 1), "holds a list, and should hold keys"),
        ("credit\n", (1, 1), "holds only 'credit'"),
        ("model credit\ntask binary\n", (1, 1), "holds only 'model credit task binary'"),
        ("model: a\n---\nmodel: b\n", (2, 1), "second document"),
        # keys
        ("a: 1\nb: 2\na: 3\n", (3, 1), "'a' is here a second time; the first is in line 1"),
        ("x: {a: 1, 'a': 2}\n", (1, 11), "'a' is here a second time"),
        ("1: a\n", (1, 1), "'1' is no text"),
        ("true: a\n", (1, 1), "'true' is no text"),
        ("on: a\n", (1, 1), "'on' is no text"),
        ("x: {Y: a}\n", (1, 5), "'Y' is no text"),
        ("12:30: a\n", (1, 1), "'12:30' is no text"),
        ("<<: {a: 1}\n", (1, 1), "'<<' merges"),
        ("? [a, b]\n: c\n", (1, 3), "a list or a table"),
        (": a\n", (1, 1), "does not line up with those above, or has no key"),
        ("null: a\n", (1, 1), "key is missing before the colon"),
        # values that are not there
        ("a:\nb: 1\n", (1, 1), "'a' has no value"),
        ("a: ~\n", (1, 1), "'a' has no value"),
        ("a: NULL\n", (1, 1), "'a' has no value"),
        ("x: {select a, b}\n", (1, 5), "'select a' has no value"),  # the comma that makes two keys without values
        ("a:\n  -\n  - b\n", (2, 4), "item of the list is empty"),
        # words that are flags to some readers
        *((f"a: {word}\n", (1, 4), f"'{word}' is true or false to some") for word in ("yes", "No", "ON", "off", "y", "N")),
        ("a: [b, no]\n", (1, 8), "'no' is true or false to some"),
        # numbers that are others to some readers
        *(
            (f"a: {number}\n", (1, 4), f"'{number}' is another number")
            for number in ("12:30", "010", "0o10", "0x1F", "0b11", "1_000", "1:30:00")
        ),
        # what is beyond our use of YAML
        ("a: !!str 5\n", (1, 4), "Tags such as !!str"),
        ("a: !!python/object/apply:os.system [ls]\n", (1, 4), "Tags such as !!str"),
        ("a: *b\n", (1, 4), "'*b' repeats what has not been named"),
        ("a: &a [*a]\n", (1, 8), "'*a' repeats what has not been named"),  # a list inside itself
        # what PyYAML cannot read
        ("a:\n\tb: 1\n", (2, 1), "A tab stands where spaces should"),
        ("a:\n  b: 1\n \tc: 2\n", (3, 2), "A tab stands where spaces should"),
        ("a: b: c\n", (1, 5), "second colon"),
        ("x: 1\na: 'b\n\n", (2, 4), "never closed"),
        ("a: [b, c\nd: 1\n", (1, 4), "never closed"),
        ("a: {b: 1\nc: 2}\n", (1, 4), "never closed"),
        ("a: 1\n  b: 2\n", (2, 4), "second colon in one line, or a line indented too far"),
        ("a:\n   b: 1\n  c: 2\n", (3, 3), "does not line up"),
        ("a: 1\nb\nc: 2\n", (2, 1), "without its colon"),
        ("a: @b\n", (1, 4), "cannot begin with @"),
        ("a: %b\n", (1, 4), "cannot begin with %"),
        ("a: `b`\n", (1, 4), "cannot begin with a backtick"),
        ('a: "\\q"\n', (1, 6), "no such escape"),
        ("a: 1\nb: \x00\n", (2, 4), "U+0000 cannot stand"),
        ("a: \x1b[31m\n", (1, 4), "U+001B cannot stand"),
    ],
)
def test_mistakes_have_a_place_and_a_way_out(text, place, words):
    error = refused(text)
    assert error.where == "m.yaml:{}:{}".format(*place)
    assert words in error.what
    assert error.hint


@pytest.mark.parametrize(
    "text", ["a: 'yes'\n", 'a: "010"\n', "a: '~'\n", "a: ''\n", "'on': b\n", '"1": b\n', "a: yess\n", "a: 0\n", "a: 2026-11-22\n"]
)
def test_quotes_make_texts_of_everything(text):
    assert isinstance(parse(text, "m.yaml"), Table)


def test_dates_stay_texts():
    for date in ("2026-11-22", "2026-11-22 10:00:00"):
        assert parse(f"a: {date}\n", "m.yaml").get("a") == Scalar(date, quoted=False, place=Place(1, 4))


def test_an_anchor_names_a_value_and_an_alias_repeats_it():
    tree = parse("a: &x [1, 2]\nb: *x\n", "m.yaml")
    assert tree.get("a") == tree.get("b")


def test_depth_is_bounded_before_anything_recurses():
    assert "deeper than" in refused("a: " + "[" * 100_000).what
    deep = "a: " + "{a: " * (DEEPEST - 1) + "1" + "}" * (DEEPEST - 1)
    assert isinstance(parse(deep, "m.yaml"), Table)
    assert "deeper than" in refused("a: {b: " + deep.removeprefix("a: ") + "}").what


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    error = refused("\n".join(lines))
    assert error.what == f"The file holds more than {MOST_NODES:,} values"
