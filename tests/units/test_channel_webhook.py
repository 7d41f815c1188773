"""Webhooks: three formats, signatures that others can check, valid JSON below 20 kB whatever is in the notice."""

import base64
import hashlib
import hmac
import json
import math
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.alerting.records import Kind
from driftline.channels import alertmanager_v4, cloudevents, pagerduty
from driftline.channels.fitting import LARGEST
from driftline.channels.http import Client
from driftline.channels.webhook import Webhook
from driftline.core.errors import UsageError
from driftline.core.verdicts import Severity
from receivers import LOOPBACK, NOW, alert, notice, receiver

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
NASTY = 'a"b\\c\r\n\x00\u202e<script>\ud800\U0001f600{{x}}${y}'


def webhook(url, **more):
    return Webhook("ops", url, Client(LOOPBACK, 5.0), **more)


def sent(told, **more):
    """The one request that a receiver gets."""
    with receiver() as there:
        assert webhook(there.url, **more).send(told, now=NOW).delivered
        (request,) = there.got
    return request


def verified(request, secret, *, now, tolerance=300):
    """What a receiver does by the text of Standard Webhooks: no code of ours."""
    headers = request.headers
    if abs(now.timestamp() - int(headers["webhook-timestamp"])) > tolerance:
        return False
    key = base64.b64decode(secret[len("whsec_") :]) if secret.startswith("whsec_") else secret.encode()
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given_ = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(signature, expected) for version, signature in given_)


def test_the_event_is_a_cloud_event():
    request = sent(notice(alerts=(alert(),)))
    event = request.json
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["id"], event["source"]) == ("1.0", "ntc_1", "/driftline/models/credit")
    assert (event["type"], event["subject"]) == ("dev.driftline.alert.firing.v1", "incident/inc_1")
    assert (event["time"], event["datacontenttype"]) == ("2026-11-22T06:40:00Z", "application/json")
    data = event["data"]
    assert (data["status"], data["severity"], data["incident_id"]) == ("firing", "critical", "inc_1")
    assert data["labels"] == {"alertname": "NullSpike", "model": "credit", "column": "income"}
    assert data["evidence"] == {"value": 0.312, "limit": 0.0083, "n": 611}
    assert data["alerts"][0]["fingerprint"] == "NullSpike-income"
    assert (data["starts_at"], data["ends_at"]) == ("2026-11-22T06:40:00Z", None)
    assert request.headers["webhook-id"] == event["id"]
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.WORSE, "alert.worse"),
        (Kind.REMINDER, "alert.reminder"),
        (Kind.RESOLVED, "alert.resolved"),
        (Kind.DIGEST, "digest"),
        (Kind.TEST, "test"),
    ],
)
def test_each_kind_has_its_type(kind, name):
    event = json.loads(cloudevents.body(notice(kind=kind)))
    assert event["type"] == f"dev.driftline.{name}.v1"
    assert ("subject" in event) == name.startswith("alert")
    assert event["data"]["ends_at"] == ("2026-11-22T06:40:00Z" if kind is Kind.RESOLVED else None)


@pytest.mark.parametrize("secret", [SECRET, "any other text", "whsek_abc"])
def test_signatures_hold_by_the_text_of_the_standard(secret):
    request = sent(notice(), secret=secret)
    assert verified(request, secret, now=NOW)
    assert not verified(request, OLD, now=NOW)
    assert not verified(request, secret, now=NOW + timedelta(minutes=6))
    tampered = type(request)(request.method, request.path, request.headers, request.body + b" ")
    assert not verified(tampered, secret, now=NOW)


def test_the_example_of_the_standard():
    """The test vector that the libraries of Standard Webhooks share."""
    key = cloudevents.key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert signature == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_keys_are_changed_either_one_verifies():
    request = sent(notice(), secret=SECRET, old_secret=OLD)
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert verified(request, SECRET, now=NOW)
    assert verified(request, OLD, now=NOW)
    assert not verified(request, "whsec_" + base64.b64encode(b"x" * 32).decode(), now=NOW)


def test_without_a_secret_there_is_no_signature():
    assert "webhook-signature" not in sent(notice()).headers


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "whsec_" + base64.b64encode(b"short").decode(), "whsec_\u00fc"])
def test_a_secret_that_is_none_is_said_and_not_shown(secret):
    with pytest.raises(UsageError) as caught:
        cloudevents.key(secret)
    with receiver() as there:
        answer = webhook(there.url, secret=secret).send(notice(), now=NOW)
        assert (answer.delivered, there.got) == (False, [])
    for said in (str(caught.value), answer.said):
        assert "24 bytes" in said
        assert len(secret) < 7 or secret not in said


def test_a_retry_has_the_same_id_and_body_and_a_time_of_its_own():
    with receiver((500, {}, b""), (200, {}, b"")) as there:
        channel = webhook(there.url, secret=SECRET)
        assert not channel.send(notice(), now=NOW).delivered
        later = NOW + timedelta(hours=2)
        assert channel.send(notice(), now=later).delivered
        first, second = there.got
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert verified(first, SECRET, now=NOW)
    assert verified(second, SECRET, now=later)
    assert not verified(second, SECRET, now=NOW)


def test_what_a_channel_shows_of_itself_holds_no_secret():
    channel = webhook("https://hooks.example.com/canary", secret="canary", old_secret="canary", routing_key="canary")  # noqa: S106
    assert "canary" not in repr(channel)
    assert not channel.forgets


def test_alertmanagers_format():
    told = notice(alerts=(alert(), alert(column="age", ends="2026-11-22T06:30:00+00:00")))
    request = sent(told, format="alertmanager", secret=SECRET)
    message = request.json
    assert request.headers["content-type"] == "application/json"
    assert verified(request, SECRET, now=NOW)
    assert set(message) == {
        "version",
        "groupKey",
        "truncatedAlerts",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "alerts",
    }
    assert (message["version"], message["groupKey"], message["receiver"]) == ("4", "inc_1", "ops")
    assert (message["status"], message["truncatedAlerts"]) == ("firing", 0)
    assert message["commonLabels"] == {"alertname": "NullSpike", "model": "credit"}
    first, second = message["alerts"]
    assert (first["status"], first["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert (second["status"], second["endsAt"]) == ("resolved", "2026-11-22T06:30:00+00:00")
    assert first["annotations"]["severity"] == "critical"
    assert "severity" not in first["labels"]


@pytest.mark.parametrize("kind", list(Kind))
def test_alertmanagers_format_always_has_an_alert(kind):
    message = json.loads(alertmanager_v4.body(notice(kind=kind), "ops"))
    (only,) = message["alerts"]
    assert only["labels"]["alertname"]
    assert only["status"] == message["status"] == ("resolved" if kind is Kind.RESOLVED else "firing")
    assert (only["endsAt"] == "0001-01-01T00:00:00Z") == (kind is not Kind.RESOLVED)


@pytest.mark.parametrize(
    ("told", "action", "severity"),
    [
        (notice(), "trigger", "critical"),
        (notice(kind=Kind.WORSE, severity=Severity.WARNING), "trigger", "warning"),
        (notice(kind=Kind.REMINDER, severity=Severity.INFO), "trigger", "info"),
        (notice(kind=Kind.RESOLVED), "resolve", "critical"),
        (notice(status="acknowledged"), "acknowledge", "critical"),
        (notice(kind=Kind.TEST, severity=Severity.CRITICAL), "trigger", "info"),
    ],
)
def test_pagerduty_joins_the_notices_of_an_incident(told, action, severity):
    request = sent(told, format="pagerduty", routing_key="canary-key")
    event = request.json
    assert (event["event_action"], event["dedup_key"], event["routing_key"]) == (action, "inc_1", "canary-key")
    payload = event["payload"]
    assert (payload["severity"], payload["component"], payload["class"]) == (severity, "credit", "NullSpike")
    assert payload["timestamp"] == "2026-11-22T06:40:00Z"
    assert payload["custom_details"]["evidence"]["n"] == 611
    assert event["links"] == [{"href": "https://example.com/runbooks/null-spike", "text": "runbook"}]


def test_a_digest_pages_nobody():
    with receiver() as there:
        url = there.url.replace("/hook", "/v2/enqueue")
        assert webhook(url, format="pagerduty", routing_key="k").send(notice(kind=Kind.DIGEST), now=NOW).delivered
        (request,) = there.got
    assert request.path == "/v2/change/enqueue"
    assert {"routing_key", "payload", "links"} == set(request.json)
    assert pagerduty.address(notice(), "") == "https://events.pagerduty.com/v2/enqueue"
    assert pagerduty.address(notice(kind=Kind.DIGEST), "") == "https://events.pagerduty.com/v2/change/enqueue"


def test_pagerdutys_lengths():
    event = json.loads(pagerduty.body(notice(incident="i" * 999, summary="s" * 5_000), "k"))
    assert len(event["dedup_key"]) == 255
    assert len(event["payload"]["summary"]) == 1_024


def bodies(told):
    return [cloudevents.body(told), alertmanager_v4.body(told, "ops"), pagerduty.body(told, "k")]


def strict(body):
    """JSON as the strictest readers take it."""
    text = body.decode("ascii")

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(text, parse_constant=refuse)
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # no half characters
    return document


def test_long_lists_are_cut_and_say_so():
    told = notice(
        details=tuple(f"column {i} has drifted " + "x" * 300 for i in range(1_000)),
        alerts=tuple(alert(column=f"column_{i}") for i in range(1_000)),
        evidence={"segments": [{"channel": str(i), "value": i / 7} for i in range(5_000)], "by_column": {str(i): i for i in range(5_000)}},
        summary="much " * 2_000,
    )
    for body in bodies(told):
        assert len(body) < LARGEST
        assert " more" in body.decode()
        strict(body)
    event = strict(cloudevents.body(told))
    shown = len(event["data"]["alerts"])
    assert event["data"]["evidence"]["alerts_left_out"] == 1_000 - shown
    assert event["data"]["details"][-1] == f"... and {1_000 - len(event['data']['details']) + 1} more"
    message = strict(alertmanager_v4.body(told, "ops"))
    assert message["truncatedAlerts"] == 1_000 - len(message["alerts"]) > 0


def test_a_short_notice_is_not_cut():
    told = notice(details=tuple(map(str, range(100))))
    assert strict(cloudevents.body(told))["data"]["details"] == list(map(str, range(100)))


def test_numbers_that_are_none_become_null():
    told = notice(
        evidence={"nan": math.nan, "inf": -math.inf, "when": NOW, "who": Severity.INFO, 3: {4}, "big": 2**70, "deep": [[[[[[[[1]]]]]]]]}
    )
    found = strict(cloudevents.body(told))["data"]["evidence"]
    assert (found["nan"], found["inf"], found["when"], found["who"], found["3"]) == (None, None, "2026-11-22T06:40:00Z", "info", [4])
    assert found["big"] == str(2**70)


TEXTS = st.one_of(
    st.text(max_size=40), st.sampled_from([NASTY, "", "\ud83d", "\x00\x7f"]), st.text('\ud800\udfff"\\\n' + string.ascii_letters)
)


@given(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=4), st.lists(TEXTS, max_size=4), st.dictionaries(TEXTS, st.floats(), max_size=4))
def test_hostile_texts_make_valid_json(summary, labels, details, evidence):
    told = notice(
        summary=summary, labels=labels, annotations=labels, details=tuple(details), evidence=evidence, model=summary, alerts=(labels,)
    )
    for body in bodies(told):
        assert len(body) < LARGEST
        strict(body)


def test_hostile_texts_are_kept_as_they_are():
    found = strict(cloudevents.body(notice(summary=NASTY)))
    assert found["data"]["summary"] == NASTY.replace("\ud800", "?")
