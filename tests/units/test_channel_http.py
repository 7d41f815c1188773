"""The client for what goes out: where it connects, what it takes for success, how long it waits, what it says of failures."""

import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from driftline.channels.heartbeat import heartbeat
from driftline.channels.http import LARGEST_ANSWER, Client
from receivers import LOOPBACK, NOW, free_port, receiver

CANARY = "canary-7f3a"


def sent(url, *, allow=LOOPBACK, timeout=5.0, **more):
    answer = Client(allow, timeout, **more).post(url, b'{"a": 1}', {"Content-Type": "application/json"}, now=NOW)
    assert CANARY not in answer.said
    assert "127.0.0.1" not in answer.said
    return answer


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status):
    with receiver((status, {}, b"")) as there:
        assert sent(f"{there.url}?key={CANARY}").delivered
        (request,) = there.got
    assert (request.method, request.path, request.body) == ("POST", f"/hook?key={CANARY}", b'{"a": 1}')
    assert request.headers["host"] == f"127.0.0.1:{there.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == "8"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 504])
def test_all_else_is_tried_again(status):
    with receiver((status, {}, CANARY.encode())) as there:
        answer = sent(there.url)
    assert (answer.delivered, answer.again, answer.gone, answer.after) == (False, True, False, None)
    assert str(status) in answer.said


def test_410_is_the_end():
    with receiver((410, {}, b"")) as there:
        answer = sent(there.url)
    assert (answer.delivered, answer.again, answer.gone) == (False, False, True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999", 86_400),
        ("Sun, 22 Nov 2026 06:50:00 GMT", 600),
        ("Sun, 22 Nov 2026 06:30:00 GMT", 0),
        ("Sun, 22 Nov 2099 06:30:00 GMT", 86_400),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("\u00b2", None),
    ],
)
def test_how_long_the_receiver_asks_to_be_left_alone(said, seconds):
    with receiver((429, {"Retry-After": said}, b"")) as there:
        assert sent(there.url).after == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_redirects_are_failures_and_are_not_followed(status):
    with receiver() as other, receiver((status, {"Location": other.url}, b"")) as there:
        answer = sent(there.url)
        assert not answer.delivered
        assert "not followed" in answer.said
        assert (len(there.got), other.got) == (1, [])


def test_a_redirect_to_where_credentials_are_is_not_followed():
    with receiver((302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"")) as there:
        assert "not followed" in sent(there.url).said


def test_private_addresses_are_not_even_connected_to():
    with receiver() as there:
        assert "http://" in sent(there.url, allow=()).said
        assert "private network" in sent(f"https://127.0.0.1:{there.port}/", allow=()).said
        assert "private network" in sent(f"https://localhost:{there.port}/", allow=()).said
        assert there.got == []


def test_a_name_is_resolved_once_and_the_checked_address_is_used():
    """Rebinding: the second answer would be another address. Nobody asks for it."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with receiver() as there:
        assert sent(f"http://rebinding.example:{there.port}/x", allow=("rebinding.example",), resolve=resolve).delivered
        assert there.got[0].headers["host"] == f"rebinding.example:{there.port}"
    assert asked == ["rebinding.example"]


def test_a_name_that_becomes_private_is_refused_at_the_retry():
    answers = iter([["203.0.113.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1"]])
    client = Client((), 1.0, lambda host, port: next(answers))
    for _ in range(3):
        answer = client.post("https://rebinding.example/", b"", {}, now=NOW)
        assert "private network" in answer.said


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with receiver() as proxy, receiver() as there:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert sent(there.url).delivered
        assert (len(there.got), proxy.got) == (1, [])


def test_the_next_address_is_tried_where_one_does_not_answer():
    with receiver() as there:
        answer = sent(f"http://two.example:{there.port}/", allow=("two.example",), resolve=lambda host, port: ["::1", "127.0.0.1"])
    assert answer.delivered


def hang(handler):
    time.sleep(6.0)


def drip(handler):
    """A byte now and then: each of them in time, all together never."""
    for byte in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 500:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.02)


def continued(handler):
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


def nonsense(handler):
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")


def hang_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("how", [hang, drip])
def test_who_is_slow_is_left_behind(how):
    with receiver(how) as there:
        began = time.monotonic()
        answer = sent(there.url, timeout=0.3)
        assert time.monotonic() - began < 3.0
    assert (answer.delivered, answer.said) == (False, "the receiver took too long")


def test_of_a_huge_answer_only_the_beginning_is_read():
    written = []

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1_000):
            handler.wfile.write(b"x" * LARGEST_ANSWER)
            written.append(LARGEST_ANSWER)

    with receiver(endless) as there:
        assert sent(there.url).delivered
    assert len(written) < 500


@pytest.mark.parametrize(
    ("how", "words"),
    [(continued, "is no HTTP|took too long|hung up"), (nonsense, "is no HTTP"), (hang_up, "hung up")],
)
def test_what_is_no_answer(how, words):
    with receiver(how) as there:
        answer = sent(there.url, timeout=2.0)
    assert not answer.delivered
    assert re.search(words, answer.said)


def test_headers_without_end_are_no_answer():
    def lines(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1_000) for i in range(500)))

    with receiver(lines) as there:
        assert not sent(there.url).delivered


def test_who_is_not_there():
    answer = sent(f"http://127.0.0.1:{free_port()}/{CANARY}")
    assert answer.said == "the receiver cannot be reached: connection refused"


def test_a_name_nobody_knows():
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, f"{CANARY} not known")

    assert sent(f"https://{CANARY}.example/", resolve=unknown).said == "the name of the host is not known"


def test_a_resolver_that_hangs_does_not_hold_us_up():
    began = time.monotonic()
    waiting = threading.Event()
    answer = sent("https://slow.example/", timeout=0.2, resolve=lambda host, port: waiting.wait(3) and [])
    waiting.set()
    assert (answer.said, time.monotonic() - began < 1.5) == ("the receiver took too long", True)


def test_header_values_cannot_smuggle_lines():
    with receiver() as there:
        answer = Client(LOOPBACK, 2.0).post(there.url, b"", {"webhook-id": "a\r\nX-Evil: 1"}, now=NOW)
        assert (answer.delivered, there.got) == (False, [])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Files with a key and a certificate for hooks.example and for other.example."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("hooks", "other"):
        subject = ["-subj", f"/CN={name}.example", "-addext", f"subjectAltName=DNS:{name}.example"]
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            *subject,
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        (folder / f"{name}.pem").write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return folder


def test_tls_goes_to_the_checked_address_and_checks_the_name(certificates):
    trust = ssl.create_default_context(cafile=str(certificates / "hooks.pem"))

    def said(certificate, **more):
        with receiver(certificate=certificates / certificate) as there:
            url = f"https://hooks.example:{there.port}/{CANARY}"
            answer = sent(url, allow=("hooks.example",), resolve=lambda host, port: ["127.0.0.1"], **more)
            assert len(there.got) == answer.delivered
            return answer.said

    assert said("hooks.pem", trust=trust) == "status 204"
    assert said("hooks.pem") == "the certificate of the receiver is not good: self-signed certificate"
    trust.load_verify_locations(str(certificates / "other.pem"))
    assert said("other.pem", trust=trust) == "the certificate of the receiver is not good: it is for another host"


def test_a_receiver_without_tls_where_tls_is_asked_for():
    with receiver() as there:
        answer = sent(there.url.replace("http://", "https://"))
    assert answer.said.startswith("no TLS connection could be made")


def test_the_sign_of_life():
    with receiver() as there:
        assert heartbeat(f"{there.url}/abc", allow=LOOPBACK).delivered
        assert (there.got[0].method, there.got[0].path) == ("GET", "/hook/abc")
        assert not heartbeat(there.url).delivered
