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
    for section in re.split(r"^###? ", text, flags=re.MULTILINE)[1:]:
        if named := re.match(r"`driftline ?([\w -]*)`\n", section):
            cells = re.findall(r"^\|([^|]*)\|", section, re.MULTILINE)
            found[named[1]] = {option for cell in cells for option in OPTION.findall(cell)}
    return found


def existing() -> dict[str, argparse.ArgumentParser]:
    """The commands by their names, with those of their actions: `config`, `config show`. The empty one is `driftline` alone."""
    found, waiting = {}, [("", parser())]
    for name, command in waiting:
        found[name] = command
        waiting += [(f"{name} {verb}".lstrip(), each) for verb, each in below(command).items()]
    return found


def below(command: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return {
        name: each for action in command._actions if isinstance(action, argparse._SubParsersAction) for name, each in action.choices.items()
    }


def section(text: str, name: str) -> str:
    return re.split(r"^###? ", text.partition(f"# `driftline {name}`\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.fixture(scope="module")
def told(root: Path) -> str:
    return (root / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", sorted(existing()))
def test_the_options_of_a_command_are_on_the_page(verb: str, told: str) -> None:
    assert documented(told).get(verb) == {option for action in existing()[verb]._actions for option in action.option_strings}


@pytest.mark.parametrize("verb", sorted(name for name, command in existing().items() if name and not below(command)))
def test_the_arguments_and_choices_of_a_command_are_on_the_page(verb: str, told: str) -> None:
    page, given = section(told, verb), [action for action in existing()[verb]._actions if not action.option_strings]
    words = [word for action in given for word in (action.choices or [action.metavar or action.dest])]
    assert [str(word) for word in words if str(word) not in page] == []


def test_the_choices_of_an_option_are_on_the_page(told: str) -> None:
    choices = {(o, c) for command in existing().values() for a in command._actions for o in a.option_strings for c in a.choices or ()}
    lines = [line for line in told.splitlines() if line.startswith("| `--")]
    assert len(choices) >= 12
    assert [(o, c) for o, c in sorted(choices) if not any(line.startswith(f"| `{o}") and f"`{c}`" in line for line in lines)] == []


def test_every_command_has_its_exit_codes(told: str) -> None:
    rows = re.findall(r"^\|([^|]*)\|[^|]*\|[^|]*\|$", told.partition("\n## Exit codes\n")[2].partition("\n## ")[0], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(name for name in existing() if name and " " not in name)


def test_no_other_command_is_on_the_page(told: str) -> None:
    assert documented(told).keys() == existing().keys()


def test_the_kinds_are_on_the_page(told: str) -> None:
    from driftline.profiles.schema import Kind

    assert set(re.findall(r"^\| `(\w+)` \|", told.partition("\n## Kinds\n")[2], re.MULTILINE)) == set(Kind)


def test_how_a_page_names_options() -> None:
    top, go = "## `driftline`\n| `-h`, `--help` | see `--this` |\n", "## `driftline go`\n| `-o FILE`, `--out FILE` | x |\n"
    far = "### `driftline go far`\n| `--by` | x |\n"
    found = documented(f"# Title\n| `--no` |\n{top}{go}{far}## Kinds\n| `--x` |\n")
    assert found == {"": {"-h", "--help"}, "go": {"-o", "--out"}, "go far": {"--by"}}
