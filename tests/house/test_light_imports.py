"""`import driftline` and `driftline --help` start at once: what is heavy waits until it is needed."""

import subprocess
import sys

import pytest

from size import cpu_milliseconds

HEAVY_TABLES = {"pandas", "polars", "duckdb", "sqlalchemy", "pyarrow.dataset"}
HEAVY_FOR_IMPORT = HEAVY_TABLES | {"scipy", "sklearn", "numba", "jinja2", "matplotlib", "plotly"}
HEAVY_FOR_HELP = HEAVY_FOR_IMPORT | {"numpy", "pyarrow", "pydantic"}
HELP = "import runpy, sys; sys.argv = ['driftline', '--help']; runpy.run_module('driftline', run_name='__main__')"
ENTRY = "import sys; from driftline.cli.main import main; sys.exit(main(['--help']))"


def loaded(statement: str) -> set[str]:
    """The modules in memory after `statement`, in a process of its own; the statement must end well."""
    program = (
        f"import sys\ntry:\n    exec({statement!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_import_loads_nothing_heavy() -> None:
    modules = loaded("import driftline")
    assert "driftline" in modules
    assert modules & HEAVY_FOR_IMPORT == set()


@pytest.mark.parametrize("statement", [HELP, ENTRY], ids=["python -m driftline", "driftline"])
def test_help_loads_no_numpy_and_no_arrow(statement: str) -> None:
    modules = loaded(statement)
    assert "driftline.cli.main" in modules
    assert modules & HEAVY_FOR_HELP == set()


def test_a_heavy_module_would_be_seen() -> None:
    assert "numpy" in loaded("import numpy")


@pytest.mark.parametrize(
    ("statement", "limit"),
    [("import driftline", 100), (HELP, 150)],
    ids=["import driftline", "driftline --help"],
)
def test_start_up_takes_little_cpu(statement: str, limit: int) -> None:
    assert cpu_milliseconds([sys.executable, "-c", statement]) <= limit
