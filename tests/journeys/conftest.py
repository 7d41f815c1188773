"""What the journeys share: a scoring table with knobs, its files, and the real command run as people run it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from refusals import SMALL

from driftline.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    def failed(self, *words):
        """It ended with 2 and one sentence that holds all the words."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.startswith("driftline: ")
        assert self.err.count("\n") == 1, self.err
        assert self.err.rstrip().endswith((".", "?")), self.err
        for word in words:
            assert word in self.err, self.err
        return True


def scoring(rows=2_000, seed=1, *, shift=0.0, missing=0.0, labels=True):
    """Rows of a model that scores applicants; `shift` moves the income, in standard deviations, and with it the score."""
    draw = np.random.default_rng(seed)
    income = draw.normal(50 + 10 * shift, 10, rows)
    age = draw.integers(18, 80, rows)
    score = 1 / (1 + np.exp(-(income - 50) / 12 - (age - 49) / 30))
    table = {
        "id": np.arange(rows) + seed * 1_000_000,
        "income": income,
        "age": age,
        "bureau": pa.array(draw.normal(600, 50, rows), mask=draw.random(rows) < missing),
        "city": draw.choice(["lisbon", "porto", "faro", "braga"], rows, p=[0.4, 0.3, 0.2, 0.1]),
        "channel": draw.choice(["app", "web"], rows),
        "score": score,
    }
    if labels:
        table["label"] = (draw.random(rows) < score).astype(np.int64)
    return pa.table(table)


def write(path, table):
    """The table in the format that the name of the file asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pv.write_csv(table, path)
    elif path.suffix == ".ndjson":
        path.write_text(pa_to_ndjson(table))
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    return path


def pa_to_ndjson(table):
    import json

    return "".join(json.dumps(row) + "\n" for row in table.to_pylist())


@pytest.fixture(name="scoring")
def scoring_fixture():
    return scoring


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder to work in; `files(name, table)` writes a table into it."""
    monkeypatch.chdir(tmp_path)
    return lambda name, table: str(write(tmp_path / name, table).relative_to(tmp_path))


@pytest.fixture(scope="session")
def tables():
    """The reference, a quiet week, and a week with a fault and drift."""
    return {"train": scoring(6_000, 1), "quiet": scoring(2_000, 2), "bad": scoring(2_000, 3, shift=0.6, missing=0.3)}


@pytest.fixture
def three(files, tables):
    """The three tables as Parquet files in the working folder."""
    return [files(f"{name}.parquet", table) for name, table in tables.items()]


@pytest.fixture
def run(capsys):
    """`run(*argv)`: the command in this process."""

    def command(*argv):
        capsys.readouterr()
        try:
            code = main([str(part) for part in argv])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a good table `good.csv`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(SMALL)
    return tmp_path


@pytest.fixture
def shell(tmp_path):
    """`shell(*argv, ...)`: the command in a process of its own; `start=True` gives the running process."""

    def command(*argv, start=False, env=None, **settings):
        words = [sys.executable, "-m", "driftline", *map(str, argv)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100", **(env or {})}
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, "env": environment, **settings}
        if start:
            return subprocess.Popen(words, **settings)
        done = subprocess.run(words, check=False, timeout=60, **settings)
        return Ran(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())

    return command
