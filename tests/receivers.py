"""Receivers of notices on this machine: web servers that behave badly on request, a mail server, a real Alertmanager."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from driftline.alerting.records import Kind, Notice
from driftline.core.verdicts import Severity

NOW = datetime(2026, 11, 22, 6, 40, tzinfo=UTC)
LOOPBACK = ("127.0.0.1",)


def notice(name="ntc_1", kind=Kind.FIRING, *, incident="inc_1", severity=Severity.CRITICAL, made=NOW, **more):
    """A notice of one incident with one alert; `more` says what is different."""
    values = {
        "model": "credit",
        "status": "resolved" if kind is Kind.RESOLVED else "firing",
        "summary": "income is null in 31 % of applications (usual 0.4 %)",
        "details": ("channel=app is worst",),
        "labels": {"alertname": "NullSpike", "model": "credit", "column": "income"},
        "annotations": {"runbook_url": "https://example.com/runbooks/null-spike", "cause": "pipeline"},
        "evidence": {"value": 0.312, "limit": 0.0083, "n": 611},
        "starts_at": NOW,
        "ends_at": NOW if kind is Kind.RESOLVED else None,
        "alerts": (),
        **more,
    }
    return Notice(id=name, kind=kind, incident=incident, severity=severity, made=made, **values)


def alert(rule="NullSpike", column="income", *, starts="2026-11-22T06:00:00+00:00", ends=None):
    """One alert inside a notice."""
    labels = {"alertname": rule, "model": "credit", "column": column}
    return {"labels": labels, "annotations": {"note": "new"}, "fingerprint": f"{rule}-{column}", "starts_at": starts, "ends_at": ends}


@dataclass(frozen=True)
class Request:
    """What a receiver was sent."""

    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Receiver:
    """A web server in a thread. `answers`: one (status, headers, body) per request, the last one for all others; a callable in its place
    is given the handler and does as it likes."""

    answers: list = field(default_factory=lambda: [(204, {}, b"")])
    got: list = field(default_factory=list)
    server: ThreadingHTTPServer | None = None
    scheme: str = "http"

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def wait(self, count, seconds=20.0):
        """What came, when there are so many."""
        wait_until(lambda: len(self.got) >= count, seconds)
        return self.got


def wait_until(ready, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextlib.contextmanager
def receiver(*answers, certificate=None):
    """A receiver that answers so; `certificate` is a file with a key and a certificate for TLS."""
    kept = Receiver(list(answers) or [(204, {}, b"")], scheme="https" if certificate else "http")

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                return  # who sent it was killed in the middle
            self.told = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            kept.got.append(self.told)
            answer = kept.answers[min(len(kept.got), len(kept.answers)) - 1]
            with contextlib.suppress(OSError):
                if callable(answer):
                    answer(self)
                else:
                    self.plain(*answer)

        do_GET = do_POST  # noqa: N815 -- as the library calls it

        def plain(self, status, headers, body):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request, client_address):
            pass  # clients that are killed or hang up are what is tested

    kept.server = Quiet(("127.0.0.1", 0), Answering)
    if certificate:
        terms = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        terms.load_cert_chain(certificate)
        kept.server.socket = terms.wrap_socket(kept.server.socket, server_side=True)
    serving = threading.Thread(target=kept.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield kept
    finally:
        kept.server.shutdown()
        kept.server.server_close()
        serving.join()


@contextlib.contextmanager
def mailbox(answer="250 OK"):
    """A mail server in a thread: the port, and the messages that came. `answer` is what it says to each."""
    from aiosmtpd.controller import Controller

    got = []

    class Taking:
        async def handle_DATA(self, server, session, envelope):
            got.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
            return answer

    server = Controller(Taking(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield server.port, got
    finally:
        server.stop()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def program(*names, package):
    """The path of a program. Skips the test where it is not installed, and fails it in continuous integration."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        reason = f"{names[0]} is not installed (on Debian: apt-get install {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass(frozen=True)
class RealAlertmanager:
    """A running Alertmanager."""

    port: int

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, document=None):
        """What its API answers to a GET, or to a POST of a document; None where it answers nothing."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", body, {"Content-Type": "application/json"})  # noqa: S310 -- http
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def alerts(self):
        return {found["labels"]["alertname"]: found for found in self.ask("alerts")}


@contextlib.contextmanager
def alertmanager(folder, webhook):
    """A real Alertmanager on this machine alone, which groups by model and tells a webhook within a second."""
    binary = program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    config = Path(folder) / "alertmanager.yml"
    config.write_text(
        "global: {resolve_timeout: 1s}\n"
        "route: {receiver: here, group_by: [model], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h}\n"
        f"receivers:\n- name: here\n  webhook_configs: [{{url: '{webhook}', send_resolved: true}}]\n"
    )
    found = RealAlertmanager(free_port())
    command = [binary, f"--config.file={config}", f"--storage.path={folder}/kept", f"--web.listen-address=127.0.0.1:{found.port}"]
    with (Path(folder) / "log.txt").open("wb") as log:
        running = subprocess.Popen([*command, "--cluster.listen-address="], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: running.poll() is None and _answers(found))
        yield found
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(10)


def _answers(found):
    try:
        return bool(found.ask("status"))
    except OSError:
        return False
