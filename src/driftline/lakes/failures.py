"""What can go wrong with a row log, as one sentence of ours: no exception of a library or of the operating system passes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from driftline.core.errors import LakeError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_LIBRARIES = {"deltalake", "_internal", "duckdb", "_duckdb"}
"""Where the exceptions of deltalake and DuckDB say that they are from."""

_SAYS = (
    (("no space left", "disk quota", "file too large", "(os error 28)", "(os error 27)"), errno.ENOSPC),
    (("permission denied", "read-only file system", "(os error 13)", "(os error 30)"), errno.EACCES),
    (("no such file", "no files found", "(os error 2)"), errno.ENOENT),
)


def shown(folder: str) -> str:
    """A path as it may be printed: as it is, or as `repr` where it holds something that moves cursors or cannot be encoded."""
    return folder if folder.isprintable() else repr(folder)


@contextmanager
def using(folder: str) -> Iterator[None]:
    """Turns every failure to read or write below `folder` into a `LakeError` that names it."""
    try:
        yield
    except LakeError:
        raise
    except MemoryError as error:
        raise _too_large(folder) from error
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise told(folder, error) from error
    except Exception as error:
        # deltalake before 1.2 also raises what is nothing but an `Exception`.
        if type(error) is not Exception and type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        raise told(folder, error) from error


def told(folder: str, error: Exception) -> LakeError:
    """The sentence for a failure of a library or of the operating system."""
    where, text = shown(folder), str(error).lower()
    number = getattr(error, "errno", None) or next((code for words, code in _SAYS if any(word in text for word in words)), None)
    if number in _FULL:
        return LakeError("There is no space left for the row log", where=where, hint="Free some, then run the command again.")
    if number in _FORBIDDEN:
        return LakeError("The row log may not be written or read by this user", where=where, hint="Check the permissions of the folder.")
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return LakeError("A file of the row log is gone", where=where, hint="Run again; if it stays away, restore the folder from a copy.")
    if "unsupported reader feature" in text:
        return beyond(folder)
    if type(error).__name__ == "OutOfMemoryException":
        return _too_large(folder)
    if type(error).__name__ == "CommitFailedError":
        return LakeError("Other programs kept changing the row log", where=where, hint="Run the command again.")
    reason = " ".join(str(error).split())[:200]
    return LakeError(f"The row log is damaged or not what its folder says ({reason})", where=where, hint="Restore it from a copy.")


def beyond(folder: str) -> LakeError:
    """The error of a table whose files alone do not say which rows it has."""
    hint = "Rewrite it without deletion vectors and column mapping."
    return LakeError("Another program changed the table so that its files do not tell its rows any more", where=shown(folder), hint=hint)


def _too_large(folder: str) -> LakeError:
    return LakeError("The rows asked for do not fit into memory", where=shown(folder), hint="Ask for shorter windows, or give more memory.")
