"""load: the file of one model becomes a plan, or one sentence with the place of the mistake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driftline.config.nodes import Place, Table, parse, scalars
from driftline.config.plan import Plan
from driftline.config.reading import read_plan
from driftline.config.secrets import HOW, SECRET_KEYS, Secret, holds_password, secret
from driftline.config.values import effective
from driftline.core.errors import ConfigError, UsageError

LARGEST = 1_000_000
DEFAULT = "default"
NAMES_OF_DATA = frozenset({"task", "columns", "labels", "segments", "performance", "drift"})
"""Sections of names and values of columns, which may look like anything."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan with where it came from.

    `origins`: for every dotted key `file:line:column`, or `default`. `secrets`: what the secret keys stand for, by dotted key; empty where
    they were not asked for. `digest`: hash of the effective plan, which is the same however the file is laid out and never depends on a
    secret.
    """

    plan: Plan
    origins: Mapping[str, str]
    path: Path
    digest: str
    secrets: Mapping[str, Secret]

    def beside(self, name: str) -> str:
        """A path of the file as one that can be opened: relative ones are taken from the folder of the file; addresses stay."""
        sqlite = "sqlite:///"
        if name.startswith(sqlite):
            return sqlite + self.beside(name.removeprefix(sqlite))
        stays = not name or name == "memory:" or "://" in name or Path(name).is_absolute()
        return name if stays else str(self.path.parent / name)


def load(path: Path, environment: Mapping[str, str], *, secrets: bool = True) -> Loaded:
    """The plan of a file. `environment` is where `$NAME` is looked up; not at all where `secrets` is False.

    Raises `ConfigError` with `file:line:column` for the first mistake.
    """
    name = str(path)
    tree = parse(_text(path), name)
    _refuse_passwords(tree, name)
    plan, places = read_plan(tree, name)
    values = effective(plan)
    origins = {key: places[key].within(name) if key in places else DEFAULT for key in values}
    revealed = _secrets(values, places, environment, path) if secrets else {}
    return Loaded(plan, origins, path, digest(plan), revealed)


def digest(plan: Plan) -> str:
    """Hash of all that a plan says, defaults included: 16 hexadecimal digits."""
    text = json.dumps(effective(plan), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(path: Path) -> str:
    """The file as text. Raises `ConfigError`."""
    name = str(path)
    try:
        if path.is_dir():
            raise ConfigError(
                "This is a folder, and a configuration is one file", where=name, hint=f"Give a file such as {path / 'model.yaml'}."
            )
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ConfigError(f"The configuration cannot be read: {reason}", where=name, hint=_others(path)) from None
    except ValueError:  # a NUL in the name
        raise ConfigError("The name of the configuration is no path", where=repr(name), hint="Check the path.") from None
    if len(data) > LARGEST:
        raise ConfigError(f"The file is larger than {LARGEST // 1_000_000} MB", where=name, hint="Keep one model per file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise ConfigError("The file is not UTF-8", where=place.within(name), hint="Save it as UTF-8.") from None


def _others(path: Path) -> str:
    """What to do about a file that is not there."""
    near = sorted(other.name for ending in ("*.yaml", "*.yml") for other in path.parent.glob(ending)) if path.parent.is_dir() else []
    if path.exists() or not near:
        return "Check the path, or write one with 'driftline init REFERENCE'."
    return f"There {'is' if len(near) == 1 else 'are'} {', '.join(near[:5])}."


def _refuse_passwords(tree: Table, name: str) -> None:
    """Raises `ConfigError` for a password that is written out, before anything else could quote it."""
    for key, node in tree.entries:
        inside = () if key.text in NAMES_OF_DATA else scalars(node)
        for scalar in (key, *inside):
            if holds_password(scalar.text, database=key.text == "storage"):
                raise ConfigError("A password is written out here", where=scalar.place.within(name), hint=HOW)


def _secrets(values: Mapping[str, object], places: Mapping[str, Place], environment: Mapping[str, str], path: Path) -> dict[str, Secret]:
    """What the secret keys stand for. Raises `ConfigError`."""
    found = {}
    for key in sorted(SECRET_KEYS):
        try:
            found[key] = secret(str(values[key]), environment, path.parent)
        except UsageError as error:
            raise ConfigError(f"{error.what}, for '{key}'", where=places[key].within(str(path)), hint=error.hint) from None
    return found
