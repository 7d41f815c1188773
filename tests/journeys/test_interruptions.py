"""The world gets in the way: readers that leave, signals, full disks, two runs at once. Nothing is left half done."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DEADLINE = 30


def test_a_reader_that_has_seen_enough(shell, three):
    """`| head -1`: the exit code is still that of the verdict, and nobody complains."""
    train, _, bad = three
    process = shell("compare", train, bad, "--verbose", "--json", "-", start=True)
    process.stdout.read(1)
    process.stdout.close()
    assert process.wait(DEADLINE) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_reader_that_was_never_there(shell, three):
    train, _, bad = three
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        process = shell("compare", train, bad, start=True, stdout=closed)
    assert process.wait(DEADLINE) == 1
    assert process.communicate()[1] == b""


def test_a_full_disk_under_the_standard_output(shell, three):
    train, _, bad = three
    with Path("/dev/full").open("wb") as full:
        ran = shell("compare", train, bad, stdout=full)
    assert ran.failed("standard output: The text cannot be written: no space left on device")


def test_results_written_to_devices(shell, three):
    train, _, bad = three
    ran = shell("compare", train, bad, "--json", "/dev/stdout", "--html", "/dev/null", "--quiet")
    assert json.loads(ran.out)["verdict"] == "faulty"


def slow_table(path):
    """Enough rows for reading to take a while."""
    draw = np.random.default_rng(0)
    table = pa.table({f"x{i}": draw.normal(size=400_000) for i in range(8)})
    pq.write_table(table, path, row_group_size=50_000)
    return path


@pytest.fixture
def heeded_interrupts():
    """A program that runs in the background of a script is started with interrupts ignored, and so would be what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_reading(shell, tmp_path, heeded_interrupts):
    table = slow_table(tmp_path / "big.parquet")
    before = sorted(tmp_path.iterdir())
    process = shell("compare", table, table, "--html", "r.html", "--json", "r.json", start=True, start_new_session=True)
    wait_until(lambda: open_files(process.pid, table))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (130, b"")
    assert err == b"driftline: interrupted; nothing was written.\n"
    assert sorted(tmp_path.iterdir()) == before


def wait_until(ready):
    deadline = time.monotonic() + DEADLINE
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def open_files(pid, path):
    with contextlib.suppress(OSError):
        return any(link.exists() and link.samefile(path) for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def test_two_runs_that_write_the_same_file(shell, three, tmp_path):
    train, quiet, bad = three
    runs = [shell("compare", train, table, "--html", "r.html", "--json", "r.json", "--quiet", start=True) for table in (quiet, bad)]
    while any(run.poll() is None for run in runs):
        whole_or_absent(tmp_path)
        time.sleep(0.002)
    assert [run.wait(DEADLINE) for run in runs] == [0, 1]
    assert [run.communicate() for run in runs] == [(b"", b"")] * 2
    assert {path.name for path in tmp_path.iterdir()} == {train, quiet, bad, "r.html", "r.json"}
    whole_or_absent(tmp_path)


def whole_or_absent(folder):
    """Whoever looks at the results meanwhile sees a whole one or none."""
    with contextlib.suppress(FileNotFoundError):
        assert json.loads((folder / "r.json").read_bytes())["verdict"] in {"stable", "faulty"}
    with contextlib.suppress(FileNotFoundError):
        assert (folder / "r.html").read_bytes().rstrip().endswith(b"</html>")


def test_what_a_file_may_be_read_by_stays_as_it_was(run, three, tmp_path):
    train, _, bad = three
    (tmp_path / "r.html").write_text("old")
    (tmp_path / "r.html").chmod(0o600)
    (tmp_path / "link.json").symlink_to("real.json")
    (tmp_path / "real.json").write_text("old")
    assert run("compare", train, bad, "--html", "r.html", "--json", "link.json", "--quiet").code == 1
    assert (tmp_path / "r.html").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["verdict"] == "faulty"


def test_a_named_pipe_takes_the_result(run, three, tmp_path):
    train, _, bad = three
    os.mkfifo(tmp_path / "pipe")
    received = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_text()))
    reader.start()
    assert run("compare", train, bad, "--json", "pipe", "--quiet").code == 1
    reader.join(DEADLINE)
    assert json.loads(received[0])["verdict"] == "faulty"


def test_progress_is_shown_on_a_terminal_and_wiped_away(shell, tmp_path):
    """A terminal gets the line while the work is done, and nothing of it stays."""
    table = slow_table(tmp_path / "big.parquet")
    controller, terminal = os.openpty()
    process = shell("compare", table, table, start=True, stderr=terminal, stdout=subprocess.PIPE)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is closed by its last user
        while block := os.read(controller, 4_096):
            shown += block
    os.close(controller)
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert b"\x1b" not in out
    if shown:
        assert b"big.parquet" in shown
        assert shown.endswith(b"\r\x1b[2K")
