"""What the house tests look at: the repository, its files, and the modules of the package."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "driftline"


def repository_files() -> list[Path]:
    """The files that are or would be committed."""
    # A clone made by another user is safe to list.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`source_file` and `module` in a test mean: once for every module of the package; `page`: for every Markdown page."""
    files = sorted(PACKAGE.rglob("*.py"))
    if "source_file" in metafunc.fixturenames:
        metafunc.parametrize("source_file", files, ids=[module_name(path) for path in files])
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", [module_name(path) for path in files if path.name != "__main__.py"])
    if "page" in metafunc.fixturenames:
        pages = [path for path in repository_files() if path.suffix == ".md"]
        metafunc.parametrize("page", pages, ids=[str(path.relative_to(ROOT)) for path in pages])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def package() -> Path:
    return PACKAGE


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    return repository_files()
