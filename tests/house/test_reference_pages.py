"""The reference pages name what the code has: keys of the JSON document, measures with their floors, metrics with their losses, tests."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from driftline.alerting.conditions import CONDITIONS
from driftline.alerting.defaults import default_rules
from driftline.alerting.inhibition import TABLE
from driftline.core import verdicts
from driftline.drift import tested
from driftline.drift.checks import column_checks
from driftline.drift.floors import FLOORS
from driftline.drift.shares import LEVEL_WEIGHTS, WEIGHTS
from driftline.drift.surveyed import MEASURES
from driftline.performance.step import HEADLINES, METRICS, TOLERATED, TOLERATED_SHARE, better
from driftline.profiles.schema import Column, Kind, Role

RECORDS = (
    verdicts.Comparison,
    verdicts.ColumnVerdict,
    verdicts.MeasureValue,
    verdicts.Finding,
    verdicts.SegmentVerdict,
    verdicts.Chart,
    verdicts.QualityVerdict,
    verdicts.Excluded,
    verdicts.Provenance,
    verdicts.TableInfo,
)


def read(root: Path, name: str) -> str:
    return (root / "docs" / "reference" / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows of a text, without the heads and the lines below them."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    rules = [i for i, cells in enumerate(lines) if set("".join(cells)) <= set("-| ")]
    return [[cell.strip(" |") for cell in cells] for i, cells in enumerate(lines) if i not in rules and i + 1 not in rules]


def section(text: str, heading: str) -> str:
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_the_keys_of_a_record_are_on_the_page(record: type, root: Path) -> None:
    assert [row[0] for row in rows(section(read(root, "json.md"), record.__name__))] == [field.name for field in fields(record)]


def test_the_format_of_the_document_is_on_the_page(root: Path) -> None:
    page = read(root, "json.md")
    assert f"`{verdicts.FORMAT}`" in page
    for word in (*verdicts.Verdict, *verdicts.Severity, *(cause for cause in verdicts.Cause if cause)):
        assert f"`{word}`" in page


def test_the_measures_are_on_the_page(root: Path) -> None:
    assert re.findall(r"^### `(\w+)`$", read(root, "measures.md"), re.MULTILINE) == list(MEASURES)


def test_the_floors_are_on_the_page(root: Path) -> None:
    shown = {row[0].strip("`"): [float(cell) for cell in row[1:]] for row in rows(read(root, "measures.md"))}
    assert shown == {measure: list(floors.values()) for measure, floors in FLOORS.items()}


def test_the_metrics_are_on_the_page(root: Path) -> None:
    shown = {row[0].strip("`"): row for row in rows(read(root, "metrics.md")) if row[0].strip("`") in METRICS}
    assert list(shown) == [name for name in shown if name in METRICS]
    assert set(shown) == set(METRICS)
    for name, row in shown.items():
        loss = f"{TOLERATED[name]:g}" if name in TOLERATED else f"{TOLERATED_SHARE[name]:.0%}".replace("%", " %")
        assert row[3] == loss, name
        assert (row[2] in ("higher", "lower")) == (better(name) in ("higher", "lower")), name
        assert row[2] == better(name) or better(name) == "target", name


def test_the_headlines_are_on_the_page(root: Path) -> None:
    (told,) = re.findall(r"^\*\*Headlines\*\*.*?\n\n", read(root, "metrics.md"), re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", told) == [name for names in HEADLINES.values() for name in names]


def test_the_tests_are_on_the_page(root: Path) -> None:
    page = read(root, "checks.md")
    numbers, levels, others = (
        {row[0].strip("`") for row in rows(section(page, heading))} for heading in ("Numbers", "Levels", "Identifiers")
    )
    assert numbers == {*kinds_of_tests(edges=(0.0, 1.0)), "unit_change"}
    assert levels == kinds_of_tests(levels=("a",))
    assert others == kinds_of_tests()
    assert numbers | levels | others == {*WEIGHTS, *LEVEL_WEIGHTS, "unit_change"}


def kinds_of_tests(*, edges: tuple[float, ...] = (), levels: tuple[str, ...] = ()) -> set[str]:
    """The tests that a column summarised like this can have, whatever its kind."""
    columns = [
        Column("x", kind, Role.PREDICTION, "", "", edges, (0,), levels=levels) for kind in (Kind.INTEGER, Kind.CONSTANT, Kind.IDENTIFIER)
    ]
    return {test for column in columns for test in tested.asked_of(column, decides=True)}


def test_the_checks_of_the_table_are_on_the_page(root: Path) -> None:
    import pyarrow as pa

    from driftline.drift.spec import DriftSpec
    from driftline.profiles.fit import SchemaSpec, fit

    before = pa.table({"gone": [1.5, 2.5], "changed": [1.5, 2.5]})
    schema, _ = fit(before.schema, before.to_batches(), SchemaSpec())
    found = column_checks(schema, pa.schema([("changed", pa.string()), ("new", pa.int64())]), DriftSpec())
    told = [row[0].strip("`") for row in rows(section(read(root, "checks.md"), "The table itself"))]
    assert set(told) == {column.findings[0].kind for column in found}


def test_the_floors_of_the_house_are_those_that_are_held(root: Path) -> None:
    layers = [
        re.search(r"^layers = \[$.*?^\]$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        for path in (root / "pyproject.toml", root / "docs" / "explanation" / "house.md")
    ]
    assert layers[0]
    assert layers[1]
    assert layers[0][0] == layers[1][0]


def test_the_drawing_of_the_house_names_every_file(package: Path, root: Path) -> None:
    page = (root / "docs" / "explanation" / "house.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", page.partition("\n## Rooms\n")[2].partition("\ntests/  ")[0]))
    rooms = ("core", "profiles", "performance", "drift", "engine", "cli")
    files = {path.stem for room in rooms for path in (package / room).glob("*.py")} - {"__init__"}
    assert files - words == set()


def test_the_default_rules_are_on_the_page(root: Path) -> None:
    told = {row[0].strip("`"): row for row in rows(section(read(root, "alerting.md"), "Default rules"))}
    assert list(told) == list(default_rules())
    for name, rule in default_rules().items():
        severity, step, _, condition, hold, kept, group, description = told[name][1:]
        assert [severity, condition.strip("`"), hold, kept] == [str(rule.severity), rule.condition, rule.hold, rule.keep_firing_for]
        assert [step, group, description] == [str(rule.step or "any"), rule.group or "-", rule.description]


def test_the_conditions_are_on_the_page(root: Path) -> None:
    told = rows(section(read(root, "alerting.md"), "Conditions"))
    assert [row[0].strip("`") for row in told] == list(CONDITIONS)
    for row in told:
        assert re.findall(r"`(\w+)`", row[1]) == list(CONDITIONS.parameters(row[0].strip("`")).model_fields)


def test_all_who_mute_are_on_the_page(root: Path) -> None:
    told = " ".join(cell for row in rows(section(read(root, "alerting.md"), "Who mutes whom")) for cell in row[:1])
    assert {name for row in TABLE for name in row.who} | {"WideDrift"} <= set(re.findall(r"`(\w+)`", told))
