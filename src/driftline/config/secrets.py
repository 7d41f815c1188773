"""Secrets: named in the file, read where they are needed, shown nowhere.

A plan holds texts as they are written, `postgresql://user:$PGPASSWORD@host/db`, so that nothing made from it can give a secret away. What
they stand for is a `Secret`, apart from the plan.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from driftline.core.errors import UsageError

STORE = frozenset({"storage.store"})
ALERTS = frozenset({"alerts.heartbeat", *(f"alerts.channels.*.{key}" for key in ("url", "secret", "old_secret", "routing_key"))})
SECRET_KEYS = STORE | ALERTS
"""Keys in which `$NAME` and `file:PATH` stand for a secret; `*` is a name that the user chooses."""
SECRET_NAMES = frozenset(path.rpartition(".")[2] for path in SECRET_KEYS)

LONGEST_FILE = 64 * 1024
HOW = "Write postgresql://user:$PGPASSWORD@host/db with the name of an environment variable, or the whole of it as $NAME or file:PATH."
_NAME = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_PASSWORD = re.compile(r"://[^/?#\s@:]*:(?P<password>[^/?#\s]*)@")
_SECRET_WORDS = ("password", "passwd", "pwd", "token", "secret", "apikey", "api_key")


class Secret:
    """A text with its secrets filled in. It shows what is written; only `reveal` says what it stands for."""

    __slots__ = ("_value", "written")

    def __init__(self, written: str, value: str) -> None:
        self.written = written
        self._value = value

    def reveal(self) -> str:
        """The text itself. Hand it to whoever opens the connection, and keep it nowhere."""
        return self._value

    def __str__(self) -> str:
        return self.written

    def __repr__(self) -> str:
        return f"Secret({self.written!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not copied to other processes")


def holds_password(text: str, *, database: bool = False) -> bool:
    """Whether a password is written out in a URL or a setting of it. Passwords of a `database` may hold any character, as drivers allow."""
    found = [match["password"] for match in _PASSWORD.finditer(text)]
    if database:
        user, _, password = text.partition("://")[2].rpartition("@")[0].partition(":")
        found.append("" if "/" in user else password)
    for setting in re.split(r"[?&;\s]+", text):
        name, _, value = setting.partition("=")
        if any(word in name.casefold() for word in _SECRET_WORDS):
            found.append(value)
    return any(password and not _NAME.fullmatch(password) for password in found)


def is_reference(text: str) -> bool:
    """Whether a text is nothing but the name of a secret: `$NAME`, `${NAME}` or `file:PATH`."""
    return text.startswith("file:") or _NAME.fullmatch(text) is not None


def without_names(text: str, instead: str = "") -> str:
    """A text with its `$NAME` taken out."""
    return _NAME.sub(instead, text)


def secret(written: str, environment: Mapping[str, str], folder: Path) -> Secret:
    """What a text of a secret key stands for; relative paths are taken from `folder`. Raises `UsageError`, which never holds the secret.

    `$NAME` or `${NAME}` alone is the variable as it is; inside a URL its value is quoted for one. `file:PATH` is the text of the file
    without white space at its ends.
    """
    if written.startswith("file:"):
        return Secret(written, _read(folder / written.removeprefix("file:")))
    if _NAME.fullmatch(written):
        return Secret(written, _variable(written, environment))
    is_url = "://" in written

    def filled(found: re.Match[str]) -> str:
        value = _variable(found[0], environment)
        return quote(value, safe="") if is_url else value

    return Secret(written, _NAME.sub(filled, written))


def _variable(written: str, environment: Mapping[str, str]) -> str:
    name = written.strip("${}")
    if not environment.get(name):
        raise UsageError(
            f"The environment variable '{name}' is {'empty' if name in environment else 'not set'}", hint=f"Set it: export {name}=..."
        )
    return environment[name]


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise UsageError(f"The file of the secret '{path}' cannot be read: {reason}", hint="Check the path and who may read it.") from None
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > LONGEST_FILE:
        raise UsageError(f"The file of the secret '{path}' holds no text of a reasonable length", hint="Write the secret alone into it.")
    return text
