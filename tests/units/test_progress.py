"""The progress line: only on a terminal, only for long work, gone at the end, never wider than the terminal."""

import io
import itertools

import pytest

from driftline.cli.progress import line, progress_on


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Each look at the clock is a second after the one before."""
    ticks = itertools.count()
    monkeypatch.setattr("driftline.cli.progress.time.monotonic", lambda: float(next(ticks)))
    monkeypatch.setenv("COLUMNS", "80")


def test_a_terminal_sees_the_line_and_then_nothing(clock):
    stream = Terminal()
    with progress_on(stream, wanted=True) as show:
        show("counting t.csv", 10, 40)
        assert stream.getvalue() == "\r\x1b[2Kcounting t.csv  [####            ]  10 of 40 rows"
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_the_line_goes_where_the_work_fails(clock):
    stream = Terminal()

    def fail():
        with progress_on(stream, wanted=True) as show:
            show("counting t.csv", 10, 40)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stream.getvalue().endswith("\r\x1b[2K")


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_nobody_else_sees_anything(clock, stream, wanted):
    with progress_on(stream, wanted=wanted) as show:
        show("counting t.csv", 10, 40)
    assert stream.getvalue() == ""


def test_short_work_shows_nothing(monkeypatch):
    monkeypatch.setattr("driftline.cli.progress.time.monotonic", lambda: 1.0)
    stream = Terminal()
    with progress_on(stream, wanted=True) as show:
        show("counting t.csv", 10, 40)
    assert stream.getvalue() == ""


def test_a_narrow_terminal_gets_a_short_line(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    with progress_on(stream, wanted=True) as show:
        show("counting t.csv", 10, 40)
    assert len(stream.getvalue()) == len("\r\x1b[2K") + 29 + len("\r\x1b[2K")


@pytest.mark.parametrize(
    ("what", "done", "total", "expected"),
    [
        ("counting t", 0, 1_000, "counting t  [                ]  0 of 1,000 rows"),
        ("counting t", 1_000, 1_000, "counting t  [################]  1,000 of 1,000 rows"),
        ("counting t", 2_000, 1_000, "counting t  [################]  2,000 of 1,000 rows"),  # more than was promised
        ("counting t", 12_345, None, "counting t  12,345 rows"),
        ("counting t", 0, 0, "counting t  0 rows"),
        ("counting /data/2026/11/22/week.csv", 0, None, "counting ...6/11/22/week.csv  0 rows"),
        ("a\x1b[2Jb\nc", 1, None, "a?[2Jb?c  1 rows"),
    ],
)
def test_the_line(what, done, total, expected):
    assert line(what, done, total) == expected
