"""The fingerprint of files: what tells that a report was made from these bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from driftline.sources.failures import reading, stamp

MIB = 1 << 20
WHOLE = 64 * MIB


def fingerprint(paths: Sequence[str]) -> str:
    """`sha256:` of the bytes of one file, or `sha256-ends:` of its size, first and last MiB where it is larger than 64 MiB.

    Several files: the hash of their fingerprints, one per line, and `sha256-ends:` where any of them is large. Raises `SourceError`.
    """
    each = [_of_file(path) for path in paths]
    if len(each) == 1:
        return each[0]
    kind = "sha256-ends" if any(mark.startswith("sha256-ends") for mark in each) else "sha256"
    return f"{kind}:{hashlib.sha256(chr(10).join(each).encode()).hexdigest()}"


def _of_file(path: str) -> str:
    with reading(path), open(path, "rb") as file:
        size = stamp(path)[0]
        digest = hashlib.sha256()
        if size <= WHOLE:
            while block := file.read(MIB):
                digest.update(block)
            return f"sha256:{digest.hexdigest()}"
        digest.update(str(size).encode())
        digest.update(file.read(MIB))
        file.seek(-MIB, 2)
        digest.update(file.read(MIB))
        return f"sha256-ends:{digest.hexdigest()}"
