"""The repository speaks of the project alone: no paths or hosts of the machines it was written on, and well-formed fragments."""

import re
from pathlib import Path

import pytest

# A letter in brackets keeps this file from matching itself.
MACHINE = re.compile(
    r"""(?<![\w.])/(?:[w]ork|[r]oot|[t]mp|[h]ome/\w+|[U]sers/\w+|[o]pt/py\w*)/     # folders of one machine
    |\b(?:10|192\.168|172\.1[6-9])\.\d+\.\d+\.\d+\b                            # private addresses
    |python[h]osted|[i]ndex-url[ =]\S*/|[f]ind-links[ =]\S*/|[t]rusted-host|registry\.[n]pm  # where packages come from
    """,
    re.VERBOSE,
)
TEXT = {".py", ".md", ".toml", ".txt", ".sh", ".j2", ".css", ".js", ".json", ".yaml", ".yml", ".svg", ".html", ""}
FRAGMENT = re.compile(r"[a-z0-9][a-z0-9-]*\.(added|changed|fixed|removed|security)\.md")


def test_no_machine_paths_or_hosts(tracked: list[Path], root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in tracked
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "word"), [("see /{}/x.csv", "tmp"), ("cd '/{}/ann/y'", "home"), ("--trusted-{} x", "host"), ("http://{}.7/", "10.0.0")]
)
def test_machine_paths_are_recognised(line: str, word: str) -> None:
    assert MACHINE.search(line.format(word))


@pytest.mark.parametrize("line", ["a /b/c", "#!/usr/bin/env bash", "docs/work/x", "psi 10.25", "out/tmp/x.html"])
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE.search(line)


def test_requirements_hold_names_and_versions_only(root: Path) -> None:
    pinned = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ; [^/:@]+)?")
    files = sorted((root / "requirements").glob("*.txt"))
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(files) == 3
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_the_lowest_versions_are_those_of_the_package(root: Path) -> None:
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    (declared,) = re.findall(r"^dependencies = \[(.+)\]$", project, re.MULTILINE)
    lowest = (root / "requirements" / "lowest.txt").read_text(encoding="utf-8")
    bounds = re.findall(r'"([a-z0-9]+)>=([0-9.]+)"', declared)
    assert len(bounds) == declared.count('"') / 2
    assert [name for name, version in bounds if not re.search(rf"^{name}=={re.escape(version)}(\.0)*$", lowest, re.MULTILINE)] == []


def test_fragments_of_the_changelog_are_well_formed(root: Path) -> None:
    fragments = [path for path in sorted((root / "changelog.d").iterdir()) if path.name != "README.md"]
    assert [path.name for path in fragments if not FRAGMENT.fullmatch(path.name)] == []
    texts = {path.name: path.read_text(encoding="utf-8") for path in fragments}
    assert [name for name, text in texts.items() if not text.endswith(".\n") or text.startswith("#")] == []
