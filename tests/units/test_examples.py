"""The examples of the documentation load, say what they mean, and use what the reference describes."""

from pathlib import Path

import pytest

from driftline.config.load import load
from driftline.engine.model import Model
from driftline.lakes.memory import MemoryLake
from driftline.stores.memory import MemoryStore

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_two():
    assert [path.stem for path in FILES] == ["credit-default", "eta"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_loads(path):
    loaded = load(path, {}, secrets=False)
    assert loaded.plan.model == path.stem
    model = Model.open(loaded.plan, loaded.digest, MemoryStore(), MemoryLake())
    assert model.tiling.length <= loaded.plan.labels.maturity
    assert set(loaded.plan.drift.importance).isdisjoint(loaded.plan.columns.ignore)
    assert 0 < sum(loaded.plan.drift.importance.values()) <= 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_mentioned_and_commented(path):
    assert f"examples/{path.name}" in (FOLDER.parent / "reference" / "configuration.md").read_text(encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum("#" in line for line in lines) >= 10
