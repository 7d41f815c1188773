"""The one client for what goes out over HTTP, made of the standard library.

It sends to public addresses over TLS, and to hosts in `allow`. A name is resolved once for a request, every address is checked, and the
connection goes to one that was checked: a name that changes its mind in between changes nothing. No redirects, no proxies from the
environment, nothing of what the receiver says is shown, and neither is the URL, which often is a secret.

Only 2xx is success. 410 says that the receiver wants no more. All else is tried again, 4xx too: what was refused for a wrong key or path is
wanted all the same, and by the end of the schedule of retries somebody may have put it right.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import SplitResult

from driftline.channels.addresses import Refused, Resolve, reachable, system_addresses, target, within
from driftline.ports import Answer

LARGEST_ANSWER = 64 * 1024
CONNECT_SECONDS = 5.0
LONGEST_WAIT = 86_400.0
_SPARE_SECONDS = 1.0
_OTHER_NAME = (62, 64)
"""What OpenSSL calls a certificate of another host, or of another address; its own words would name ours."""


@dataclass(frozen=True, slots=True)
class Client:
    """Sends one request at a time. `allow`: hosts that may be private and reached without TLS; `timeout`: seconds for all of a request;
    `resolve` and `trust` stand for the name service and the certificates of the system."""

    allow: tuple[str, ...] = ()
    timeout: float = 15.0
    resolve: Resolve = system_addresses
    trust: ssl.SSLContext | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Answer:
        """Posts the body. `now` is what dates in the answer are counted from. Raises nothing."""
        return self._answered("POST", url, body, headers, now)

    def get(self, url: str) -> Answer:
        """Asks for an address, of which only the status matters. Raises nothing."""
        return self._answered("GET", url, None, {}, None)

    def _answered(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], now: datetime | None) -> Answer:
        try:
            parts = target(url, self.allow)
            with contextlib.closing(self._connected(parts)) as wire:
                connection = http.client.HTTPConnection(parts.hostname or "")
                connection.sock = wire  # all that is asked of a socket here
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request(method, path, body, {**headers, "Host": _host(parts), "User-Agent": "driftline", "Connection": "close"})
                response = connection.getresponse()
                if not wire.left:  # the headers alone are longer, and where they end nobody knows
                    raise http.client.LineTooLong("headers")
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    # A receiver that is cut off while it writes may take that for a failure.
                    wire.deadline = min(wire.deadline, time.monotonic() + _SPARE_SECONDS)
                    response.read(LARGEST_ANSWER)
                return _meaning(response.status, response.getheader("Retry-After"), now)
        except Refused as refused:
            return Answer(False, str(refused))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(False, _words(error))

    def _connected(self, parts: SplitResult) -> _Wire:
        """A connection to the first address of the host that takes one."""
        deadline = time.monotonic() + self.timeout
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = reachable(host, port, allow=self.allow, resolve=partial(within, self.resolve, seconds=self.timeout))
        trust = (self.trust or ssl.create_default_context()) if secure else None
        last: OSError = TimeoutError()
        for address in addresses:
            try:
                plain = socket.create_connection((address, port), min(CONNECT_SECONDS, _left(deadline)))
            except OSError as error:
                last = error
                continue
            try:
                plain.settimeout(_left(deadline))
                # The name that people wrote is what the certificate has to be for.
                return _Wire(trust.wrap_socket(plain, server_hostname=host.rstrip(".")) if trust else plain, deadline)
            except BaseException:
                plain.close()
                raise
        raise last


class _Wire:
    """A connection that ends at a deadline, however slowly the other side speaks, and after so many bytes."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.deadline = deadline
        self.left = LARGEST_ANSWER
        self._connection = connection

    def sendall(self, data: Any) -> None:
        self._connection.settimeout(_left(self.deadline))
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Heard(self))

    def receive(self, into: memoryview) -> int:
        """Number of bytes read; 0 where there are no more, or no more are wanted."""
        self._connection.settimeout(_left(self.deadline))
        count = self._connection.recv_into(into[: self.left]) if self.left else 0
        self.left -= count
        return count

    def close(self) -> None:
        self._connection.close()


class _Heard(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        return self._wire.receive(memoryview(into).cast("B"))


def _left(deadline: float) -> float:
    """Seconds until a deadline. Raises `TimeoutError` where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _host(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port is None else f"{host}:{parts.port}"


def _meaning(status: int, later: str | None, now: datetime | None) -> Answer:
    if 200 <= status < 300:
        return Answer(True, f"status {status}")
    if 300 <= status < 400:
        return Answer(False, f"the receiver sends us elsewhere (status {status}), and redirects are not followed")
    if status == 410:
        return Answer(False, "the receiver wants no more notices (status 410)", again=False, gone=True)
    return Answer(False, f"the receiver answered with status {status}", after=_seconds(later, now))


def _seconds(later: str | None, now: datetime | None) -> float | None:
    """How long the receiver asks to be left alone: a number of seconds or a date; at most a day, None where it says neither."""
    text = (later or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    if now is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        wait = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)


def _words(error: Exception) -> str:
    """What went wrong, in words that hold nothing of the URL or of what the receiver said."""
    if isinstance(error, TimeoutError):
        return "the receiver took too long"
    if isinstance(error, socket.gaierror):
        return "the name of the host is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        why = "it is for another host" if error.verify_code in _OTHER_NAME else error.verify_message or "it was refused"
        return f"the certificate of the receiver is not good: {why}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection could be made: {(error.reason or 'unknown reason').replace('_', ' ').lower()}"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return "the receiver hung up"
    if isinstance(error, OSError):
        return f"the receiver cannot be reached: {(error.strerror or 'unknown reason').lower()}"
    if isinstance(error, http.client.HTTPException):
        return "what the receiver says is no HTTP"
    return "the request could not be written"
