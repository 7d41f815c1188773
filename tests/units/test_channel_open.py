"""Channels by what is said of them; what is pushed to an Alertmanager; what apprise is handed, and what it keeps to itself."""

import builtins
import logging
import re
import time
from datetime import datetime, timedelta

import pytest

from driftline.alerting.records import Kind
from driftline.channels.alertmanager import Alertmanager
from driftline.channels.apprise import Apprise
from driftline.channels.http import Client
from driftline.channels.open import open_channel
from driftline.channels.spec import ChannelSpec
from driftline.core.verdicts import Severity
from driftline.ports import Answer
from receivers import LOOPBACK, NOW, alert, free_port, notice, receiver

LASTING = timedelta(hours=3)
CANARY = "canary-7f3a"


def opened(**said):
    names: list[str] = [name for name in ("url", "secret", "old_secret", "routing_key") if name in said]
    secrets: dict[str, str] = {name: said.pop(name) for name in names}
    spec = ChannelSpec.read({**said, **{name: f"${name.upper()}" for name in names}})
    return open_channel("ops", spec, secrets, lasting=LASTING)


def pushed(told, url="http://127.0.0.1", now=NOW):
    return Alertmanager(url, Client(LOOPBACK), LASTING).alerts(told, now=now)


@pytest.mark.parametrize(
    ("said", "forgets"),
    [
        ({"type": "webhook"}, False),
        ({"type": "webhook", "format": "alertmanager"}, False),
        ({"type": "webhook", "format": "pagerduty", "routing_key": "key"}, False),
        ({"type": "alertmanager"}, True),
    ],
)
def test_a_channel_is_opened_and_sends(said, forgets):
    with receiver() as there:
        channel = opened(url=there.url, allow=LOOPBACK, **said)
        assert channel.send(notice(), now=NOW) == Answer(True, "status 204")
        assert channel.forgets is forgets
        assert len(there.got) == 1


def test_what_is_wrong_with_an_address_is_said_when_it_is_used():
    channel = opened(type="webhook", url=f"http://{CANARY}@example.com/")
    answer = channel.send(notice(), now=NOW)
    assert not answer.delivered
    assert CANARY not in answer.said
    assert "password" in answer.said


def test_the_time_that_is_given_is_kept():
    def hang(handler):
        time.sleep(5.0)

    with receiver(hang) as there:
        assert (
            opened(type="webhook", url=there.url, allow=LOOPBACK, timeout=0.3).send(notice(), now=NOW).said == "the receiver took too long"
        )


def test_an_alert_is_pushed_with_an_end_ahead():
    (found,) = pushed(notice(alerts=(alert(),)))
    assert found["labels"] == {"alertname": "NullSpike", "model": "credit", "column": "income"}
    assert (found["startsAt"], found["endsAt"]) == ("2026-11-22T06:00:00Z", "2026-11-22T09:40:00Z")
    assert found["generatorURL"] == "https://example.com/runbooks/null-spike"
    assert (found["annotations"]["severity"], found["annotations"]["note"]) == ("critical", "new")


def test_labels_are_the_same_whatever_the_numbers_and_the_severity_are():
    one, two = (
        pushed(notice(alerts=(alert(),), evidence={"value": i}, severity=severity)) for i, severity in enumerate(list(Severity)[2:])
    )
    assert one[0]["labels"] == two[0]["labels"]


@pytest.mark.parametrize(
    ("kind", "ends", "written"),
    [
        (Kind.RESOLVED, "2026-11-22T06:30:00+00:00", "2026-11-22T06:30:00Z"),
        (Kind.FIRING, "2026-11-22T06:30:00", "2026-11-22T06:30:00Z"),
        (Kind.RESOLVED, None, "2026-11-22T06:40:00Z"),
        (Kind.RESOLVED, "2026-11-23T06:30:00+00:00", "2026-11-22T06:40:00Z"),  # the times of events may be ahead of the clock
        (Kind.RESOLVED, "nonsense", "2026-11-22T06:40:00Z"),
    ],
)
def test_what_is_over_is_pushed_with_its_end(kind, ends, written):
    (found,) = pushed(notice(kind=kind, alerts=(alert(ends=ends),)))
    assert found["endsAt"] == written


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("starts", ["2026-11-22T06:00:00Z", "2026-12-24T00:00:00Z"])
def test_every_alert_begins_before_it_ends(kind, starts):
    for found in (*pushed(notice(kind=kind, alerts=(alert(starts=starts),))), *pushed(notice(kind=kind))):
        assert datetime.fromisoformat(found["startsAt"]) < datetime.fromisoformat(found["endsAt"])
        assert (datetime.fromisoformat(found["endsAt"]) <= NOW) == (kind is Kind.RESOLVED)


def test_labels_are_such_as_alertmanager_takes():
    hostile = {"alertname": "x", "a-b": "1", "9": "2", "": "3", "größe": "4", "empty": "", "half": "a\ud800", "long": "x" * 9_999}
    (found,) = pushed(notice(alerts=({"labels": hostile},)))
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) for name in found["labels"])
    assert all(found["labels"].values())
    assert found["labels"]["half"] == "a?"
    assert len(found["labels"]["long"]) == 1_000


@pytest.mark.parametrize("kind", [Kind.DIGEST, Kind.TEST])
def test_a_test_is_shown_for_a_while(kind):
    (found,) = pushed(notice(kind=kind, labels={}))
    assert found["labels"] == {"alertname": f"driftline_{kind}", "model": "credit"}
    assert found["endsAt"] == "2026-11-22T06:45:00Z"


def test_many_alerts_are_pushed_in_parts_and_none_is_left_out():
    told = notice(alerts=tuple(alert(column=f"c{i}") for i in range(250)))
    with receiver() as there:
        assert Alertmanager(f"http://127.0.0.1:{there.port}/am/", Client(LOOPBACK), LASTING).send(told, now=NOW).delivered
        assert {request.path for request in there.got} == {"/am/api/v2/alerts"}
        assert {each["labels"]["column"] for request in there.got for each in request.json} == {f"c{i}" for i in range(250)}
    with receiver((200, {}, b""), (500, {}, b"")) as there:
        assert not Alertmanager(there.url, Client(LOOPBACK), LASTING).send(told, now=NOW).delivered


def test_apprise_sends_title_and_text(caplog):
    with caplog.at_level(logging.DEBUG), receiver((200, {}, b"")) as there:
        assert Apprise(f"json://user:{CANARY}@127.0.0.1:{there.port}/{CANARY}").send(notice(), now=NOW) == Answer(True)
        (request,) = there.got
    assert request.json["title"] == "[CRITICAL] credit: income is null in 31 % of applications (usual 0.4 %)"
    assert "Incident inc_1" in request.json["message"]
    assert request.json["type"] == "failure"
    assert CANARY not in caplog.text


@pytest.mark.parametrize("status", [302, 401, 410, 500])
def test_apprise_fails_without_a_word_of_the_secret(status, caplog, capfd):
    with caplog.at_level(logging.DEBUG), receiver() as other, receiver((status, {"Location": other.url}, b"")) as there:
        answer = Apprise(f"json://user:{CANARY}@127.0.0.1:{there.port}/{CANARY}").send(notice(), now=NOW)
        assert other.got == [] or status == 302  # old versions of the library follow
    if status != 302:
        assert answer == Answer(False, "the service did not take the message")
    assert CANARY not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("url", ["", f"{CANARY}", f"nosuchservice://{CANARY}", f"slack://{CANARY}", f"mailto://{CANARY}"])
def test_an_address_apprise_does_not_know(url, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        answer = Apprise(url).send(notice(), now=NOW)
    assert not answer.delivered
    assert CANARY not in answer.said + caplog.text + "".join(capfd.readouterr()) + repr(Apprise(url))


def test_nobody_listens():
    answer = Apprise(f"json://127.0.0.1:{free_port()}/{CANARY}").send(notice(), now=NOW)
    assert answer == Answer(False, "the service did not take the message")


def test_the_logs_of_apprise_are_what_they_were(monkeypatch):
    logger = logging.getLogger("apprise")
    for before in (False, True):
        monkeypatch.setattr(logger, "disabled", before)
        Apprise("nosuchservice://x").send(notice(), now=NOW)
        assert logger.disabled is before


def test_without_apprise_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *more):
        if name == "apprise":
            raise ModuleNotFoundError(name=name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", missing)
    answer = opened(type="apprise", url="json://127.0.0.1").send(notice(), now=NOW)
    assert not answer.delivered
    assert "pip install 'driftline[notify]'" in answer.said


def test_what_apprise_raises_is_an_answer(monkeypatch):
    import apprise

    def fail(*_, **__):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(apprise.Apprise, "notify", fail)
    assert Apprise("json://127.0.0.1").send(notice(), now=NOW) == Answer(False, "apprise failed with RuntimeError")
