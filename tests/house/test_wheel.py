"""The wheel holds everything the installed package needs, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("driftline-*.whl")
    return zipfile.ZipFile(built)


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_templates(wheel: zipfile.ZipFile, package: Path) -> None:
    expected = {
        path.relative_to(package.parent).as_posix() for path in package.rglob("*") if path.suffix in {".py", ".j2", ".css", ".js", ".typed"}
    }
    held = {name for name in wheel.namelist() if name.startswith("driftline/")}
    assert expected - held == set()
    assert {"driftline/py.typed", "driftline/__init__.py"} <= held
    assert any(name.endswith(".j2") for name in held)
    assert any(name.endswith(".css") for name in held)


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"driftline"}
    assert [name for name in wheel.namelist() if name.endswith((".pyc", ".parquet", ".csv"))] == []


@pytest.mark.slow
def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    (scripts,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "driftline = driftline.cli.main:main" in scripts
    assert any(name.endswith("LICENSE") for name in wheel.namelist())
