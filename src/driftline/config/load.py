"""load: the file of one model becomes a plan, or one sentence with the place of the mistake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from driftline.alerting.defaults import default_rules
from driftline.alerting.policy import Trouble, troubles
from driftline.config.literals import refuse_literals
from driftline.config.nodes import Place, parse
from driftline.config.plan import Plan
from driftline.config.reading import read_plan
from driftline.config.secrets import SECRET_KEYS, Secret, secret
from driftline.config.shape import pattern
from driftline.config.values import effective
from driftline.core.errors import ConfigError, UsageError

LARGEST = 1_000_000
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan with where it came from.

    `origins`: for every dotted key `file:line:column`, or `default`. `secrets`: what the secret keys stand for, by dotted key; empty where
    they were not asked for, and without those that the file does not name. `digest`: hash of the effective plan, which is the same however
    the file is laid out and never depends on a secret. `notes`: what is right and still worth a look, each with its place.
    """

    plan: Plan
    origins: Mapping[str, str]
    path: Path
    digest: str
    secrets: Mapping[str, Secret]
    notes: tuple[str, ...] = ()

    def beside(self, name: str) -> str:
        """A path of the file as one that can be opened: relative ones are taken from the folder of the file; addresses stay."""
        sqlite = "sqlite:///"
        if name.startswith(sqlite):
            return sqlite + self.beside(name.removeprefix(sqlite))
        stays = not name or name == "memory:" or "://" in name or Path(name).is_absolute()
        return name if stays else str(self.path.parent / name)


def load(path: Path, environment: Mapping[str, str], *, secrets: bool | Collection[str] = True) -> Loaded:
    """The plan of a file. `environment` is where `$NAME` is looked up: all secrets, or those of some of `SECRET_KEYS`; none where `secrets`
    is False.

    Raises `ConfigError` with `file:line:column` for the first mistake.
    """
    name = str(path)
    tree = parse(_text(path), name)
    refuse_literals(tree, name)
    plan, places = read_plan(tree, name)
    notes = _notes(plan, places, name)
    values = effective(plan)
    origins = {key: places[key].within(name) if key in places else DEFAULT for key in values}
    wanted = SECRET_KEYS if secrets is True else frozenset(secrets or ())
    revealed = _secrets(values, places, environment, path, wanted)
    return Loaded(plan, origins, path, digest(plan), revealed, notes)


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


def _notes(plan: Plan, places: Mapping[str, Place], name: str) -> tuple[str, ...]:
    """What is worth a look about the alerts. Raises `ConfigError` for what cannot stay."""
    serving = plan.serving
    objectives = {"availability": serving.availability, "latency_within": serving.latency}
    found = troubles(
        plan.alerts.rules,
        default_rules() if plan.alerts.defaults else {},
        owned=bool(plan.owner.team or plan.owner.email),
        pages=bool(plan.alerts.notify.critical),
        targets={name: spec.target for name, spec in objectives.items() if spec is not None},
    )
    for trouble in found:
        if trouble.grave:
            raise ConfigError(trouble.what, where=_place(trouble, places).within(name), hint=trouble.hint)
    told = {channel for key in ("critical", "warning", "info", "digest") for channel in getattr(plan.alerts.notify, key)}
    idle = [
        Trouble(f"channels.{channel}", f"The channel '{channel}' is told nothing", "Name it in 'alerts.notify'.")
        for channel in plan.alerts.channels
        if channel not in told
    ]
    return tuple(f"{_place(each, places).within(name)}: {each.what}. {each.hint}" for each in (*found, *idle))


def _place(trouble: Trouble, places: Mapping[str, Place]) -> Place:
    """Where a trouble is, or what it is in."""
    parts = ["alerts", *trouble.where.split(".")]
    for n in range(len(parts), 0, -1):
        if (place := places.get(".".join(parts[:n]))) is not None:
            return place
    return Place(1, 1)


def _secrets(
    values: Mapping[str, object], places: Mapping[str, Place], environment: Mapping[str, str], path: Path, wanted: Collection[str]
) -> dict[str, Secret]:
    """What the secret keys stand for that are wanted and that the file names. Raises `ConfigError`."""
    found = {}
    for key in sorted(values):
        if pattern(key) not in wanted or values[key] is None:
            continue
        try:
            found[key] = secret(str(values[key]), environment, path.parent)
        except UsageError as error:
            raise ConfigError(f"{error.what}, for '{key}'", where=places[key].within(str(path)), hint=error.hint) from None
    return found
