"""A sign of life for a watcher outside: when it stops coming, the watcher raises the alarm that we no longer can."""

from __future__ import annotations

from driftline.channels.addresses import Resolve, system_addresses
from driftline.channels.http import Client
from driftline.ports import Answer


def heartbeat(url: str, *, allow: tuple[str, ...] = (), timeout: float = 15.0, resolve: Resolve = system_addresses) -> Answer:
    """Asks for the URL with a plain GET, under the rules of every channel. Raises nothing."""
    return Client(allow, timeout, resolve).get(url)
