"""The page about the command line names every command and every option, and nothing else."""

import argparse
import re
from pathlib import Path

import pytest

from driftline.cli.main import parser

PAGE = Path("docs", "reference", "cli.md")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def documented(text: str) -> dict[str, set[str]]:
    """The options in the first cells of the tables under each heading `driftline ...`; the title of the page is the empty command."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        if named := re.match(r"`driftline ?(\w*)`\n", section):
            cells = re.findall(r"^\|([^|]*)\|", section, re.MULTILINE)
            found[named[1]] = {option for cell in cells for option in OPTION.findall(cell)}
    return found


def existing() -> dict[str, set[str]]:
    top = parser()
    (verbs,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return {
        name: {option for action in verb._actions for option in action.option_strings} for name, verb in {"": top, **verbs.choices}.items()
    }


@pytest.fixture(scope="module")
def told(root: Path) -> str:
    return (root / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", sorted(existing()))
def test_the_options_of_a_command_are_on_the_page(verb: str, told: str) -> None:
    assert documented(told).get(verb) == existing()[verb]


def test_no_other_command_is_on_the_page(told: str) -> None:
    assert documented(told).keys() == existing().keys()


def test_the_kinds_are_on_the_page(told: str) -> None:
    from driftline.profiles.schema import Kind

    assert set(re.findall(r"^\| `(\w+)` \|", told.partition("\n## Kinds\n")[2], re.MULTILINE)) == set(Kind)


def test_how_a_page_names_options() -> None:
    top, go = "## `driftline`\n| `-h`, `--help` | see `--this` |\n", "## `driftline go`\n| `-o FILE`, `--out FILE` | x |\n"
    assert documented(f"# Title\n| `--no` |\n{top}{go}## Kinds\n| `--x` |\n") == {"": {"-h", "--help"}, "go": {"-o", "--out"}}
