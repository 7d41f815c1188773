"""The public API and its page in the reference name the same things."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path("docs", "reference", "api.md")
# A heading "### `compare`" or "### `compare(reference, current)`", or the first cell of a table row "| `compare` | ...".
DOCUMENTED = re.compile(r"^(?:#{2,4} +|\| *)`(?:driftline\.)?(\w+)(?:\(.*)?`", re.MULTILINE)


@pytest.fixture(scope="module")
def documented(root: Path) -> list[str]:
    page = root / PAGE
    assert page.is_file(), f"{PAGE} is missing: it lists every name of driftline.__all__"
    return DOCUMENTED.findall(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def public() -> list[str]:
    return list(importlib.import_module("driftline").__all__)


def test_every_public_name_is_documented(public: list[str], documented: list[str]) -> None:
    assert set(public) - {"__version__"} - set(documented) == set()


def test_every_public_name_exists(public: list[str]) -> None:
    driftline = importlib.import_module("driftline")
    assert [name for name in public if not hasattr(driftline, name)] == []
    assert len(public) == len(set(public))


def test_every_public_name_has_a_docstring_or_is_a_value(public: list[str]) -> None:
    driftline = importlib.import_module("driftline")
    values = [(name, getattr(driftline, name)) for name in public]
    assert [name for name, value in values if callable(value) and not value.__doc__] == []


@pytest.mark.parametrize("name", ["Alerts", "OpenModel", "Result"])
def test_every_member_of_a_class_is_documented(name: str, root: Path) -> None:
    told = (root / PAGE).read_text(encoding="utf-8").partition(f"\n### `{name}`\n")[2].partition("\n### ")[0]
    cells = [cell for row in re.findall(r"^\|([^|]*)\|", told, re.MULTILINE) for cell in re.split(r", (?![^(]*\))", row)]
    listed = {cell.strip(" `").partition("(")[0] for cell in cells}
    kind = getattr(importlib.import_module("driftline"), name)
    assert {member for member in dir(kind) if not member.startswith("_")} - listed == set()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("### `compare`", "compare"),
        ("## `compare(reference, current)`", "compare"),
        ("| `Comparison` | what a comparison says |", "Comparison"),
        ("| `driftline.compare` | two tables |", "compare"),
    ],
)
def test_how_a_page_names_things(line: str, name: str) -> None:
    assert DOCUMENTED.findall(f"text\n{line}\n") == [name]


def test_a_name_in_running_text_is_not_documentation() -> None:
    assert DOCUMENTED.findall("See `compare`, and\n- `Comparison` too\n") == []
