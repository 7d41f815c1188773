"""Results and references on disk: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from driftline.core.errors import SourceError, WriteError
from driftline.profiles.codec import decode, encode
from driftline.profiles.reference import Reference


def check_writable(path: Path) -> None:
    """Raises `WriteError` where nothing could be written to `path`: said before the work, not after it."""
    with _writing(path):
        if path.is_dir():
            raise _cannot(path, "it is a folder")
        if _is_device(path):
            return
    if not path.parent.is_dir():
        raise _cannot(path, f"there is no folder '{path.parent}'")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _cannot(path, f"the folder '{path.parent}' is read-only for this user")


def write_bytes(path: Path, data: bytes) -> None:
    """Writes beside the target and moves into place, so that nobody ever sees half a file. Raises `WriteError`."""
    check_writable(path)
    with _writing(path):
        if _is_device(path):
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8; what UTF-8 cannot hold is escaped. Raises `WriteError`."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_reference(path: Path, reference: Reference) -> None:
    """Saves a reference. Raises `WriteError`."""
    write_bytes(path, encode(reference))


def read_reference(path: Path) -> Reference:
    """A saved reference. Raises `SourceError` or `FormatError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise SourceError(f"The saved reference cannot be read: {reason}", where=str(path), hint="Check the path.") from None
    return decode(data, name=str(path))


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".driftline-")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _is_device(path: Path) -> bool:
    """Whether it is there and no regular file: /dev/stdout, a pipe. Moving a file into its place would destroy it."""
    return path.exists() and not path.is_file()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _cannot(path, (error.strerror or type(error).__name__).lower()) from None


def _cannot(path: Path, reason: str) -> WriteError:
    return WriteError(
        f"The file cannot be written: {reason}", where=str(path), hint="Choose a folder that exists, with room and permission."
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
