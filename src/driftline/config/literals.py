"""Secrets that are written out where their names should stand: refused before anything else could repeat them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from driftline.config.nodes import Listing, Node, Place, Scalar, Table, scalars
from driftline.config.secrets import HOW, holds_password, is_reference, without_names
from driftline.core.errors import ConfigError

NAMES_OF_DATA = frozenset({"task", "columns", "labels", "segments", "performance", "drift", "depends_on"})
"""Sections of names and values of columns, which may look like anything."""
PATTERNS_OF_DATA = frozenset({"segment", "column"})
"""Keys of rules and of known events that hold such names, too."""
FOR_PEOPLE = frozenset({"runbook", "description", "confirmed", "allow"})
"""Keys of texts, links and hosts, in which long numbers are no secrets."""
WHOLLY = frozenset({"secret", "old_secret", "routing_key"})
ADDRESSES = frozenset({"url", "heartbeat"})
RULES = frozenset({"rules", "muted"})
SECRET_PATHS = ("hooks.slack.com", "discord.com", "discordapp.com", "webhook.office.com", "hc-ping.com", "hooks.zapier.com")
"""Hosts of which whoever knows the path may write."""

WRITTEN_OUT = "A secret is written out here"
HOW_ALERTS = "Write $NAME with the name of an environment variable, or file:PATH."
NO_ADDRESS = "An address begins with https://, and this one does not"
HOW_ADDRESS = "Write https://HOST/PATH, or $NAME with the name of an environment variable that holds all of it."
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^\s]*)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9_-]{20,}")


def refuse_literals(tree: Table, name: str) -> None:
    """Raises `ConfigError` for a secret that is written out; the error does not repeat it."""
    for key, node in tree.entries:
        if holds_password(key.text):
            raise ConfigError("A password is written out here", where=key.place.within(name), hint=HOW)
        if key.text == "alerts":
            for place, what, hint in _in_alerts(node):
                raise ConfigError(what, where=place.within(name), hint=hint)
        elif key.text not in NAMES_OF_DATA:
            for scalar in scalars(node):
                if holds_password(scalar.text, database=key.text == "storage"):
                    raise ConfigError("A password is written out here", where=scalar.place.within(name), hint=HOW)


def _in_alerts(node: Node, path: tuple[str, ...] = (), kind: str = "") -> Iterator[tuple[Place, str, str]]:
    """What is wrong below `alerts`. `path`: the keys down to the node; `kind`: the type of the channel it belongs to."""
    if isinstance(node, Table):
        given = node.get("type")
        kind = given.text if isinstance(given, Scalar) else ""
        for key, value in node.entries:
            if holds_password(key.text) or holds_token(key.text):
                yield key.place, WRITTEN_OUT, HOW_ALERTS
            yield from _in_alerts(value, (*path, key.text), kind)
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _in_alerts(item, path, kind)
    elif not is_reference(node.text):
        yield from _in_text(node, path, kind)


def _in_text(node: Scalar, path: tuple[str, ...], kind: str) -> Iterator[tuple[Place, str, str]]:
    key, text = path[-1] if path else "", node.text
    in_rules = bool(path) and path[0] in RULES
    if in_rules and key in PATTERNS_OF_DATA:
        return
    wholly = (not in_rules and key in WHOLLY) or (key == "url" and kind == "apprise")
    looks_secret = holds_password(text) or (key not in FOR_PEOPLE and holds_token(text))
    looks_drawn = not in_rules and key not in FOR_PEOPLE and "://" not in text and is_random(without_names(text, " "))
    if wholly or looks_secret or looks_drawn:
        yield node.place, WRITTEN_OUT, HOW_ALERTS
    elif not in_rules and key in ADDRESSES and not text.lower().startswith(("https://", "http://")):
        yield node.place, NO_ADDRESS, HOW_ADDRESS


def holds_token(text: str) -> bool:
    """Whether a URL in the text is one that only its owner should know: it names a user, leads to a place that needs nothing more, holds
    what looks drawn at random, or is of a kind that may hold anything."""
    for scheme, rest in _URL.findall(text):
        authority, *after = re.split(r"[/?#]", rest, maxsplit=1)
        path = "".join(after)
        user, at, host = authority.rpartition("@")
        if scheme.lower() not in ("http", "https") or (at and without_names(user).strip(":")):
            return True
        host = host.partition(":")[0].lower()
        known = any(host == name or host.endswith(f".{name}") for name in SECRET_PATHS)
        if (known and path.strip("/") and without_names(path) == path) or is_random(without_names(path, " ")):
            return True
    return False


def is_random(text: str) -> bool:
    """Whether some of a text looks drawn at random: a UUID, or so many letters and digits in a row as nobody types."""
    return _UUID.search(text) is not None or any(_is_drawn(run) for run in _RUN.findall(text))


def _is_drawn(run: str) -> bool:
    digits, letters = any(c.isdigit() for c in run), any(c.isalpha() for c in run)
    plain = max(len(part) for part in re.split(r"[-_]", run))
    mixed = any(c.islower() for c in run) and any(c.isupper() for c in run)
    return digits and letters and (plain >= 20 or (len(run) >= 24 and mixed))
