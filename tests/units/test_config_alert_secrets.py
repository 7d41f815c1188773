"""Secrets of channels are named in a file and shown nowhere; one that is written out is refused, and not repeated."""

import copy
import json
import pickle

import pytest

from driftline.cli.config import as_json, as_text
from driftline.config.literals import holds_token, is_random
from driftline.config.load import load
from driftline.config.secrets import SECRET_KEYS, STORE
from driftline.config.shape import dotted, plan_shape
from driftline.config.values import effective
from driftline.core.errors import ConfigError

HEAD = "model: credit\ncolumns: {id: i, time: t}\nalerts:\n"
CANARY = "c4n@ry-w0rd/9f8e"
QUOTED = "c4n%40ry-w0rd%2F9f8e"
SLACK = "T0C4N4RY1/B0C4N4RY2/c4naryC4NARYc4naryC4NARY"


@pytest.fixture
def refused(file):
    def command(text):
        with pytest.raises(ConfigError) as caught:
            load(file(HEAD + text), {})
        assert caught.value.hint
        return caught.value

    return command


def channel(said):
    return f"  channels: {{pager: {{{said}}}}}\n"


def test_the_secret_keys_are_keys():
    assert {name for name, _ in dotted(plan_shape())} >= SECRET_KEYS


CHANNELS = """\
  channels:
    pager: {type: webhook, url: 'https://pager.example.com/$TOKEN', secret: $CANARY, old_secret: 'file:old.txt'}
    phone: {type: webhook, format: pagerduty, routing_key: '${CANARY}'}
    chat: {type: apprise, url: $CANARY}
    open: {type: alertmanager, url: 'http://alertmanager:9093'}
  notify: {critical: [pager, phone], digest: chat}
  heartbeat: 'https://beat.example.com/$TOKEN/ok'
"""


@pytest.fixture
def loaded(file, tmp_path):
    (tmp_path / "old.txt").write_text(f"{CANARY}\n")
    return load(file(HEAD + CHANNELS), {"CANARY": CANARY, "TOKEN": CANARY})


def test_what_the_secrets_of_channels_stand_for(loaded):
    assert {key: held.reveal() for key, held in loaded.secrets.items()} == {
        "alerts.channels.chat.url": CANARY,
        "alerts.channels.open.url": "http://alertmanager:9093",
        "alerts.channels.pager.old_secret": CANARY,
        "alerts.channels.pager.secret": CANARY,
        "alerts.channels.pager.url": f"https://pager.example.com/{QUOTED}",
        "alerts.channels.phone.routing_key": CANARY,
        "alerts.heartbeat": f"https://beat.example.com/{QUOTED}/ok",
        "storage.store": "driftline.db",
    }


def test_a_canary_is_shown_nowhere(loaded):
    plan = loaded.plan
    shown = [str(loaded), repr(loaded), repr(plan), repr(plan.alerts), plan.model_dump_json(), json.dumps(effective(plan))]
    shown += [as_text(loaded, resolved=True), as_json(loaded), str(loaded.origins), str(loaded.notes), loaded.digest]
    shown += [repr(copy.copy(plan)), pickle.dumps({key: str(held) for key, held in loaded.secrets.items()}).decode("latin-1")]
    for text in shown:
        assert CANARY not in text
        assert QUOTED not in text
        assert "c4n" not in text
    for held in loaded.secrets.values():
        with pytest.raises(TypeError):
            pickle.dumps(held)
    with pytest.raises(TypeError):
        pickle.dumps(loaded)


def test_the_digest_does_not_depend_on_secrets(file, tmp_path, loaded):
    (tmp_path / "old.txt").write_text("other")
    other = load(file(HEAD + CHANNELS), {"CANARY": "other", "TOKEN": "another"})
    assert other.digest == loaded.digest == load(file(HEAD + CHANNELS), {}, secrets=False).digest


def test_only_the_secrets_that_are_asked_for_are_looked_up(file):
    path = file(HEAD + CHANNELS)
    assert set(load(path, {}, secrets=STORE).secrets) == {"storage.store"}
    assert load(path, {}, secrets=False).secrets == {}
    with pytest.raises(ConfigError, match=r"'CANARY' is not set, for 'alerts\.channels\.chat\.url'"):
        load(path, {}, secrets=True)


def test_a_secret_that_is_not_there_is_told_at_its_place(file):
    path = file(HEAD + "  heartbeat: $BEAT\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value) == f"{path}:4:14: The environment variable 'BEAT' is not set, for 'alerts.heartbeat'. Set it: export BEAT=..."


WRITTEN_OUT = [
    channel("type: webhook, url: $X, secret: whsec_c4nary"),
    channel("type: webhook, url: $X, secret: [c4nary]"),
    channel("type: webhook, url: $X, secret: {a: b, secret: c4nary}"),
    channel("type: webhook, url: $X, old_secret: whsec_c4nary$X"),
    channel("type: webhook, format: pagerduty, routing_key: c4nary0123456789c4nary0123456789"),
    channel("type: webhook, format: pagerduty, routing_key: 12345678901234567890"),  # an error about its kind would quote it
    channel("type: webhok, routing_key: c4nary"),
    channel("type: apprise, url: slack://c4naryA/c4naryB/c4naryC"),
    channel("type: apprise, url: 'slack://c4naryA/$X'"),
    channel("type: apprise, url: 'https://example.com/c4nary'"),
    channel("url: 'mailto://me:c4nary@example.com', type: apprise"),
    channel("type: webhook, url: slack://c4naryA/c4naryB"),
    channel("type: aprise, url: slack://c4naryA/c4naryB"),
    channel(f"type: webhook, url: 'https://hooks.slack.com/services/{SLACK}'"),
    channel("type: webhook, url: 'https://hooks.slack.com/services/c4nary'"),
    channel("type: webhook, url: 'HTTPS://Hooks.Slack.com:443/services/c4nary'"),
    channel("type: webhook, url: 'https://me:c4nary@example.com/hook'"),
    channel("type: webhook, url: 'https://c4nary@example.com/hook'"),
    channel("type: webhook, url: 'https://example.com/hook?token=c4nary'"),
    channel("type: webhook, url: 'https://example.com/c4naryC4NARYc4naryC4NARY'"),
    channel("type: webhook, url: 'https://example.com/0c4a4e7f-0000-4000-8000-00000000000f?c4nary', secret: $X"),
    channel("type: alertmanager, url: 'http://u:c4nary@alertmanager:9093'"),
    channel("type: webhook, url: 'https://example.com', secert: 'https://me:c4nary@example.com'"),
    "  heartbeat: https://hc-ping.com/c4nary\n",
    "  heartbeat: https://example.com/0c4a4e7f-0000-4000-8000-00000000000f?c4nary\n",
    "  channels: slack://c4naryA/c4naryB\n",  # in the wrong kind of value
    "  channels: {pager: slack://c4naryA/c4naryB}\n",
    "  channels: [slack://c4naryA/c4naryB]\n",
    "  channels: {slack://c4naryA/c4naryB: {type: apprise}}\n",
    "  notify: {critical: slack://c4naryA/c4naryB}\n",
    "  notify: {critical: [c4nary0123456789c4nary0123456789]}\n",
    "  notify: slack://c4naryA\n",
    "  slack://c4naryA/c4naryB: {}\n",
    "  rules: {A: {when: absent, runbook: 'https://me:c4nary@example.com'}}\n",
    "  rules: {A: {when: 'slack://c4nary/a'}}\n",
    "  rules: slack://c4nary/a\n",
]


@pytest.mark.parametrize("text", WRITTEN_OUT)
def test_a_secret_that_is_written_out_is_refused_and_not_repeated(refused, text):
    error = refused(text)
    assert error.what == "A secret is written out here"
    for shown in (str(error), repr(error), repr(error.args)):
        assert "c4nary" not in shown.casefold()
        assert "0123456" not in shown
        assert "12345678" not in shown
    assert ":4:" in error.where


@pytest.mark.parametrize("value", ["0123456701234567", "1_000_000", "0xc4", "12:30", "yes"])
@pytest.mark.parametrize("key", ["secret", "routing_key", "url"])
def test_what_yaml_cannot_agree_on_is_not_repeated_either(refused, key, value):
    error = refused(channel(f"type: webhook, {key}: {value}"))
    assert value not in str(error)
    assert error.where.endswith(f":4:{39 + len(key)}")


@pytest.mark.parametrize("url", ["pager.example.com", "ftp:x", "//example.com", "/hook", "mailto:me@example.com"])
def test_what_is_no_address_is_said_without_it(refused, url):
    error = refused(channel(f"type: webhook, url: '{url}'"))
    assert error.what == "An address begins with https://, and this one does not"
    assert url not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        channel("type: webhook, url: 'https://example.com/hooks/credit-default-2026?team=ml'"),
        channel("type: webhook, url: 'https://hooks.slack.com/services/$X'"),
        channel("type: webhook, url: 'https://$X@example.com/hook'"),
        channel("type: alertmanager, url: 'http://alertmanager.monitoring.svc:9093', allow: [alertmanager.monitoring.svc]"),
        channel("type: webhook, url: 'https://vpce-0a1b2c3d4e5f6a7b8-abcdefgh12345678abcd.example.com/hook'"),
        channel("type: webhook, url: $X, allow: [vpce-0a1b2c3d4e5f6a7b8-abcdefgh12345678abcd.example.com]"),
        channel("type: webhook, url: 'file:secret.txt'"),
        "  heartbeat: https://example.com/alive\n",
        "  rules: {ColumnDrift: {runbook: 'https://wiki.example.com/Credit-1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d'}}\n",
        "  rules: {ColumnDrift: {column: ['a://b:c@d', 'token=1'], segment: 'secret=yes'}}\n",  # names of data may look like anything
        "  rules: {secret: {when: absent}, url: {when: failed}}\n",
        "  muted: {x: {from: 2026-11-27, to: 2026-11-28, column: 'password=*'}}\n",
        "  budget: {confirmed: incident 0c4a4e7f-0000-4000-8000-00000000000f}\n",
    ],
)
def test_what_is_no_secret_may_be_written_out(file, tmp_path, text):
    (tmp_path / "secret.txt").write_text("x")
    assert load(file(HEAD + text), {"X": "x"}).plan.alerts


@pytest.mark.parametrize(
    ("text", "random"),
    [
        ("0c4a4e7f-0000-4000-8000-00000000000f", True),
        ("c4naryc4naryc4naryc4", True),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        ("credit-default-monitoring-2026", False),
        ("monitoringofcreditdefaults", False),
        ("12345678901234567890", False),
        ("", False),
    ],
)
def test_what_looks_drawn_at_random(text, random):
    assert is_random(text) == random


@pytest.mark.parametrize(
    "text", ["no address", "https://", "https://example.com", "https://example.com/a/b?c=d#e", "a://", "https://@example.com"]
)
def test_plain_addresses_hold_no_token(text):
    assert holds_token(text) == (text == "a://")
