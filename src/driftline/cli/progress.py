"""A progress line for long work, on a terminal only, and gone when the work is done."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TextIO

BAR = 16
NAME = 28
AFTER = 0.5
EVERY = 0.1


@contextlib.contextmanager
def progress_on(stream: TextIO, *, wanted: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """A function that shows progress on `stream`, from half a second on; nothing where it is no terminal or not wanted."""
    if not wanted or not stream.isatty():
        yield _unseen
        return
    started = last = time.monotonic()
    drawn = False

    def show(what: str, done: int, total: int | None) -> None:
        nonlocal last, drawn
        now = time.monotonic()
        if now - started < AFTER or now - last < EVERY:
            return
        last, drawn = now, True
        stream.write(f"\r\x1b[2K{line(what, done, total)[: shutil.get_terminal_size().columns - 1]}")
        stream.flush()

    try:
        yield show
    finally:
        if drawn:
            stream.write("\r\x1b[2K")
            stream.flush()


def _unseen(what: str, done: int, total: int | None) -> None:
    """Shows nothing."""


def line(what: str, done: int, total: int | None) -> str:
    """`counting week.parquet  [######      ]  412,000 of 1,000,000 rows`; without the bar where the total is not known."""
    name = "".join(c if c.isprintable() else "?" for c in what)
    name = name if len(name) <= NAME else f"{name[:9]}...{name[12 - NAME :]}"
    if not total:
        return f"{name}  {done:,} rows"
    filled = min(BAR, BAR * done // total)
    return f"{name}  [{'#' * filled}{' ' * (BAR - filled)}]  {done:,} of {total:,} rows"
