"""Results and references on disk: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from driftline.core.errors import SourceError, WriteError
from driftline.profiles.codec import decode, encode
from driftline.profiles.reference import Reference


def write_bytes(path: Path, data: bytes) -> None:
    """Writes beside the target and moves into place, so that nobody ever sees half a file. Raises `WriteError`."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    except OSError as error:
        raise _cannot(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise _cannot(path, error) from None


def write_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8. Raises `WriteError`."""
    write_bytes(path, text.encode("utf-8", "surrogatepass"))


def write_reference(path: Path, reference: Reference) -> None:
    """Saves a reference. Raises `WriteError`."""
    write_bytes(path, encode(reference))


def read_reference(path: Path) -> Reference:
    """A saved reference. Raises `SourceError` or `FormatError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SourceError(f"The saved reference cannot be read: {reason}", where=str(path), hint="Check the path.") from None
    return decode(data, name=str(path))


def _cannot(path: Path, error: OSError) -> WriteError:
    reason = error.strerror or "unknown reason"
    return WriteError(f"The file cannot be written: {reason}", where=str(path), hint="Choose a folder that exists, with room and permission.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
