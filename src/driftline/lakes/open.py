"""Where the row log of a model is: a folder named after it, or memory."""

from __future__ import annotations

import hashlib
import json
import os
import re

from driftline.core.errors import LakeError
from driftline.lakes.failures import shown, using
from driftline.ports import Lake

MEMORY = "memory:"
CARD = "model.json"
"""The file in the folder of a model that says its name."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MARKED = re.compile(r".*-[0-9a-f]{16}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def open_lake(where: str, model: str, *, create: bool = True) -> Lake:
    """The row log of a model below the folder `where`; `memory:` gives a new one in memory.

    Raises `LakeError` for a folder that cannot be made or used, and without `create` for one that is not there.
    """
    if where == MEMORY:
        from driftline.lakes.memory import MemoryLake

        return MemoryLake()
    from driftline.lakes.delta import DeltaLake

    folder = os.path.join(where, folder_name(model))
    with using(folder):
        lake = DeltaLake(folder)
        if not os.path.isdir(folder):
            if not create:
                raise LakeError(f"There is no row log of the model {model!r}", where=shown(where), hint="Ingest its predictions first.")
            os.makedirs(folder, exist_ok=True)
        _card(folder, model)
        return lake


def folder_name(model: str) -> str:
    """The folder of a model: its name where that is short and plain on every file system, else what is plain of it and a hash."""
    if _PLAIN.fullmatch(model) and not _MARKED.fullmatch(model) and model not in _RESERVED:
        return model
    plain = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:40] or "model"
    return f"{plain}-{hashlib.sha256(model.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _card(folder: str, model: str) -> None:
    """Writes the card of a folder that has none; an old one has to name the same model."""
    path = os.path.join(folder, CARD)
    try:
        with open(path, encoding="utf-8") as file:
            name = json.load(file)["model"]
    except FileNotFoundError:
        aside = f"{path}.{os.getpid()}"
        with open(aside, "w", encoding="utf-8") as file:
            json.dump({"model": model}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        return
    except (ValueError, KeyError, TypeError):
        name = None
    if name != model:
        raise LakeError(f"The folder is that of another model, {name!r}", where=shown(folder), hint=f"Remove or correct its {CARD}.")
