"""A lock on a file that the operating system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from driftline.core.errors import StoreError

PAUSE = 0.02  # seconds between two tries

if sys.platform == "win32":
    import msvcrt

    def _taken(handle: int) -> bool:
        """Locks a byte far beyond the text, since Windows keeps others from reading what is locked."""
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextlib.contextmanager
def file_lock(path: Path, *, what: str, where: str, wait: float) -> Iterator[None]:
    """Holds the lock of `path`, and writes into the file who holds it. `what` and `where` are for messages.

    The file stays when the lock is let go: one that is removed could be locked by two. Raises `StoreError` after `wait` seconds.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        hint = f"Give this user the right to write to '{path.parent}'."
        raise StoreError(f"No lock can be taken on {what}: {reason}", where=where, hint=hint) from error
    try:
        deadline = time.monotonic() + wait
        while not _taken(handle):
            if time.monotonic() >= deadline:
                raise busy(what, where=where, holder=_holder(path), wait=wait)
            time.sleep(PAUSE)
        _sign(handle)
        yield
    finally:
        os.close(handle)


def busy(what: str, *, where: str, holder: str, wait: float) -> StoreError:
    """The error of a lock that another one holds. `holder` may be empty."""
    by = f"{holder} holds it" if holder else "another process holds it"
    return StoreError(f"Waited {wait:g} seconds for {what}, and {by}", where=where, hint="Try again when it has ended, or end it.")


def _sign(handle: int) -> None:
    """For people only: nothing depends on what is written, so a full disk does not matter."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, f"{os.getpid()}\n".encode())


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return f"process {number}" if number.isdigit() else ""
