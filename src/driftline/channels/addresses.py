"""Which addresses may be reached: what a name stands for is checked before anything is sent there.

An address is for everybody or it is refused, unless its host is in `allow`. Where an IPv6 address carries an IPv4 address inside, both are
checked. Addresses at which clouds hand out credentials are never reached.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses that a host name stands for, as texts. Raises `OSError`."""

LONGEST_URL = 2_000
_LOWEST_PORT = 1_024
"""Below it are mail, shells and name servers; of these only 443 is meant for us."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?\.?")
_METADATA = tuple(
    ip_network(each)
    for each in (
        "169.254.169.0/24",  # Amazon, Google, Azure, Oracle, DigitalOcean
        "169.254.170.0/24",  # credentials of Amazon's containers
        "168.63.129.16/32",  # Azure's own
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::/32",  # Amazon
        "fd20:ce::254/128",  # Google
    )
)
_EVERYBODY = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_NOBODY = (ip_network("3fff::/20"), ip_network("192.88.99.0/24"))
"""For documentation, and relays that are gone: Python does not know them in all its versions."""


class Refused(Exception):
    """An address that is not reached. The text says why and holds no part of the URL."""


def target(url: str, allow: Sequence[str]) -> SplitResult:
    """The parts of a URL that may be asked for. Raises `Refused`."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise Refused(f"the address is longer than {LONGEST_URL} characters or holds some that no URL has")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise Refused("the address is no URL") from None
    if parts.scheme not in ("https", "http"):
        raise Refused("the address does not begin with https://")
    if "@" in parts.netloc or "\\" in url:
        raise Refused("the address holds a user name or a password, and those are not sent")
    if not (_literal(host) or (_HOST.fullmatch(host) and "[" not in parts.netloc)) or port == 0:
        raise Refused("the address names no host, or no port of one")
    if is_allowed(host, allow):
        return parts
    if parts.scheme == "http":
        raise Refused("the address begins with http://, which is for hosts in 'allow'")
    if port is not None and port != 443 and port < _LOWEST_PORT:
        raise Refused(f"the address names port {port}, which is for hosts in 'allow'")
    return parts


def is_allowed(host: str, allow: Sequence[str]) -> bool:
    """Whether a host is in the list, by its exact name or address."""
    return _bare(host) in {_bare(each) for each in allow}


def reachable(host: str, port: int, *, allow: Sequence[str], resolve: Resolve) -> list[str]:
    """The addresses of a host, each of them checked: one that is refused refuses the host. Raises `Refused` and `OSError`."""
    found = list(dict.fromkeys([host] if _literal(host) else resolve(host, port)))
    if not found:
        raise Refused("the name of the host stands for no address")
    allowed = is_allowed(host, allow)
    for text in found:
        address = _literal(text)
        if address is None or address.is_multicast:
            raise Refused("the name of the host stands for something that is no address of one machine")
        inside = [address, *_embedded(address)]
        if any(each in network for each in inside for network in _METADATA if each.version == network.version):
            raise Refused("the host is where a cloud hands out credentials, which is never reached")
        if not allowed and not all(_is_public(each) for each in inside):
            raise Refused("the host is in a private network; name it in 'allow' if it is meant")
    return found


def system_addresses(host: str, port: int) -> list[str]:
    """What this machine's name service says."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def within(resolve: Resolve, host: str, port: int, seconds: float) -> Sequence[str]:
    """What `resolve` says, if it says so in time: the name service of the system cannot be told to hurry. Raises `OSError`."""
    said: list[Sequence[str]] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            said.append(resolve(host, port))
        except OSError as error:
            failed.append(error)
        except UnicodeError:  # a label of the name is too long
            failed.append(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    if failed:
        raise failed[0]
    if not said:
        raise TimeoutError
    return said[0]


def _bare(host: str) -> str:
    name = host.casefold().strip("[]").rstrip(".")
    found = _literal(name)
    return str(found) if found else name


def _literal(text: str) -> IPv4Address | IPv6Address | None:
    """An address as it is written out; without its zone, which is a matter of one machine."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in found if each is not None]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.is_multicast or any(address in network for network in _NOBODY if network.version == address.version):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global
    # What is mapped or translated is the IPv4 address inside, which is checked beside it.
    return address.ipv4_mapped is not None or address in _TRANSLATED or (address in _EVERYBODY and address.is_global)
