"""Where results go: files that can be written, and a standard output whose reader may have gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def show(text: str) -> None:
    """Prints the text and sees it off. Raises `WriteError` where it cannot be written.

    A reader who has seen enough and gone (`| head -1`) is no error.
    """
    from driftline.core.errors import WriteError

    try:
        print(text, flush=True)
    except OSError as error:
        # Python flushes once more at its end, and would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            reason = (error.strerror or "unknown reason").lower()
            raise WriteError(f"The text cannot be written: {reason}", where="standard output", hint="Make room, or use --quiet.") from None


def check_files(names: Sequence[str | None], *, inputs: Sequence[str]) -> None:
    """Raises `WriteError` for a file that cannot be written, `UsageError` for one that is named twice or is to be read.

    None is no file, `-` the standard output.
    """
    from driftline.core.errors import UsageError
    from driftline.engine.files import check_writable

    taken = [os.path.realpath(name) for name in inputs]
    for file in [Path(name) for name in names if name not in (None, "-")]:
        place = os.path.realpath(file)
        if place in taken and (file.is_file() or not file.exists()):
            raise UsageError(f"'{file}' is to be written, and is named for something else too", hint="Choose another name.")
        check_writable(file)
        taken.append(place)
