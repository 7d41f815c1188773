"""The page about the configuration names every key as the code has it, and its examples load and fit the published schema."""

import re
from pathlib import Path

import pytest

from driftline.config.load import DEFAULT, load
from driftline.config.meanings import MEANINGS
from driftline.config.shape import Section, dotted, in_words, pattern, plan_shape
from driftline.config.short_forms import ALONE, RENAMED
from driftline.config.written import flow

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
HEAD = "model: credit\ncolumns: {id: i, time: t}\n"
ENVIRONMENT = dict.fromkeys(re.findall(r"\$([A-Z_]+)", PAGE), "x")


def section(heading):
    return re.split(r"^## ", PAGE.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text):
    lines = [re.split(r" *\| ?", line)[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in cells] for cells in lines]


def example(heading):
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    return found


def default(key):
    if key.required:
        return "required"
    return "" if isinstance(key.shape, Section) or key.default in (None, "", (), {}) else f"`{flow(key.default)}`"


def test_every_key_is_on_the_page_as_the_code_has_it():
    expected = {
        name: [f"`{name}`", MEANINGS[name][0], in_words(key.shape), default(key), f"`{MEANINGS[name][1]}`"]
        for name, key in dotted(plan_shape())
    }
    shown = {row[0].strip("`"): row for row in rows(section("Keys"))}
    assert shown == expected


def test_every_short_form_is_on_the_page():
    pairs = [[cell.split("`")[1] for cell in row] for row in rows(section("Short forms"))]
    conditions = [row[0] for row in pairs if row[0].startswith("alerts")]
    short = [row[0] for row in pairs if row[0] not in conditions]
    assert len(conditions) == 4  # without settings, with its first setting, with a list, and windows as a number
    assert {line.partition(":")[0] for line in short} >= {path.partition(".")[0] for path in ALONE} | set(RENAMED)
    assert len(short) == len(ALONE) + len(RENAMED) + 1


@pytest.mark.parametrize("row", rows(section("Short forms")), ids=lambda row: row[0])
def test_a_short_form_of_the_page_means_its_complete_form(tmp_path, row):
    plans = []
    for cell in row:
        path = tmp_path / "m.yaml"
        path.write_text(HEAD + cell.split("`")[1] + "\n")
        plans.append(load(path, {}).plan)
    assert plans[0] == plans[1]


@pytest.mark.parametrize("heading", ["Small", "Complete"])
def test_the_examples_of_the_page_load(tmp_path, heading):
    path = tmp_path / "m.yaml"
    path.write_text(example(heading))
    loaded = load(path, ENVIRONMENT)
    unsaid = {pattern(key) for key, origin in loaded.origins.items() if origin == DEFAULT}
    said = {pattern(key) for key, origin in loaded.origins.items() if origin != DEFAULT}
    assert loaded.notes == () or heading == "Complete"
    assert heading == "Small" or unsaid - said == {"task.scores"}


def test_small_is_part_of_complete(tmp_path):
    origins = {}
    for heading in ("Small", "Complete"):
        path = tmp_path / "m.yaml"
        path.write_text(example(heading))
        origins[heading] = {key for key, origin in load(path, ENVIRONMENT).origins.items() if origin != DEFAULT}
    assert origins["Small"] < origins["Complete"]


def test_the_values_that_need_quotes_do(tmp_path):
    (told,) = re.findall(r"disagree on (.*?), so that", PAGE.replace("\n", " "))
    words = re.findall(r"`([^`]+)`", told)
    assert len(words) >= 10
    for word in words:
        path = tmp_path / "m.yaml"
        path.write_text(f"{HEAD}description: {word}\n")
        with pytest.raises(Exception, match=r"m\.yaml:3:14"):
            load(path, {})
        path.write_text(f"{HEAD}description: '{word}'\n")
        assert load(path, {}).plan.description == word
