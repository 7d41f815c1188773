"""What may not get out, and what may not get in: secrets of channels, hostile names in every message, addresses that nobody may reach."""

import json
import logging
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from lives import KEY, LAG, Life, applicants, reference, said
from worlds import put

from driftline.core.errors import DriftlineError
from receivers import free_port, receiver

CANARY = "kanari3nv0gel"
CHANNELS = """
  budget: {pages_per_month: 50, tickets_per_month: 50}
  channels:
    hook: {type: webhook, url: $HOOK, secret: $SIGN, old_secret: $OLD_SIGN, allow: [127.0.0.1], timeout: 5}
    pager: {type: webhook, format: pagerduty, routing_key: $ROUTE, url: $PAGER, allow: [127.0.0.1], timeout: 5}
    old: {type: webhook, format: alertmanager, url: $OLD, allow: [127.0.0.1], timeout: 5}
    am: {type: alertmanager, url: $AM, allow: [127.0.0.1], timeout: 5}
    chat: {type: apprise, url: $CHAT}
    closed: {type: webhook, url: $CLOSED, allow: [127.0.0.1], timeout: 5}
    refused: {type: webhook, url: $REFUSED, timeout: 5}
    nameless: {type: webhook, url: $NAMELESS, timeout: 5}
    tls: {type: webhook, url: $TLS, allow: [127.0.0.1], timeout: 5}
    bad: {type: webhook, url: $HOOK, secret: $BAD, allow: [127.0.0.1], timeout: 5}
  notify:
    critical: [hook, pager, old, am, chat, closed, refused, nameless, tls, bad]
    warning: [hook, old]
    digest: chat
  heartbeat: $HEART
"""


def secrets(port):
    """A canary in every secret key."""
    here = f"http://127.0.0.1:{port}"
    return {
        "HOOK": f"{here}/{CANARY}/hook?token={CANARY}",
        "SIGN": f"{CANARY}-{'s' * 30}",
        "OLD_SIGN": f"{CANARY}-{'o' * 30}",
        "ROUTE": f"{CANARY}routingkey",
        "PAGER": f"{here}/{CANARY}/pager",
        "OLD": f"{here}/{CANARY}/old",
        "AM": f"{here}/{CANARY}/am",
        "CHAT": f"json://{CANARY}:{CANARY}@127.0.0.1:{port}/{CANARY}/chat",
        "CLOSED": f"http://127.0.0.1:{free_port()}/{CANARY}",
        "REFUSED": f"https://127.0.0.1/{CANARY}",
        "NAMELESS": f"https://{CANARY}.invalid/{CANARY}",
        "TLS": f"https://127.0.0.1:{port}/{CANARY}",
        "BAD": f"whsec_{CANARY}",
        "HEART": f"https://127.0.0.1/{CANARY}",
    }


def test_no_secret_gets_out(tmp_path, caplog):
    """Not printed, not logged, not kept, whatever goes wrong; only receivers are told what is theirs."""
    told: list = []

    def asked(*argv):
        ran = life.does(*argv)
        assert ran.code in (0, 1), ran
        told.extend((argv, ran.out, ran.err))

    with caplog.at_level(logging.DEBUG), receiver() as there:
        life = Life(tmp_path, CHANNELS, **secrets(there.port))
        life.comes(0)
        life.comes(1, lost=0.6)
        asked("run", "--as-of", life.at(2).isoformat(), "--arrived", life.at(2, 2).isoformat(), "--verbose")
        assert len(there.got) >= 5
        asked("notify", "test")
        for argv in (
            ["notify", "send"],
            ["notify", "list"],
            ["notify", "list", "--dead"],
            ["notify", "list", "--json"],
            ["notify", "retry"],
        ):
            asked(*argv)
        for argv in (["alerts", "--dry-run"], ["alerts", "--dry-run", "--json"], ["alerts", "--verbose"], ["incidents", "--all", "--json"]):
            asked(*argv)
        (incident, *_) = life.incidents()
        asked("incidents", incident.id)
        asked("incidents", incident.id, "--json")
        asked("rules", "show")
        for argv in (["show", "--resolved", str(life.file)], ["check", str(life.file)]):
            ran = said("config", *argv, **life.environment)
            assert ran.code == 0, ran
            told += [ran.out, ran.err]
        with life.model() as model:
            told.append(repr((model.loaded, model.alerts, model.alerts.notices)))
            told.append(repr(model.alerts.notices.test()))
        life.environment["ROUTE"] = ""
        ran = life.does("notify", "test")
        assert ran.code == 2
        told.append(ran.err)
    text = "\n".join(map(str, told))
    for words in ("refused", "not known", "TLS"):
        assert words in text or words.lower() in text.lower(), words
    assert CANARY not in text
    assert CANARY not in caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"NullSpike" in kept
    assert CANARY.encode() not in kept
    bodies = [each for each in there.got if CANARY.encode() in each.body]
    assert {each.path.rpartition("/")[2] for each in bodies} == {"pager"}  # the routing key is a part of what PagerDuty is sent


def test_a_secret_that_is_missing_stops_nothing_but_the_sending(tmp_path):
    """Who measures and who looks need none; who sends is told which one is missing, by its name."""
    with receiver() as there:
        life = Life(tmp_path, CHANNELS, **secrets(there.port))
        given, life.environment = life.environment, {}
        life.comes(0)
        life.comes(1, lost=0.6)
        assert life.does("ingest", "predictions", "--quiet").code == 0
        assert life.does("drift", "--as-of", life.at(2).isoformat(), "--quiet").code == 1
        assert life.does("alerts", "--dry-run").code == 1
        assert life.does("alerts", "--no-send").code == 1
        assert life.does("incidents").out.count("inc_") >= 1
        ran = life.does("notify", "send")
        assert (ran.code, ran.out) == (2, "")
        assert "environment variable" in ran.err
        assert there.got == []
        life.environment = given
        assert life.does("notify", "send").code == 1  # some of these channels lead nowhere
        assert len(there.got) >= 4


# ------------------------------------------------------------- addresses


WAYS = """
  channels:
    private: {type: webhook, url: $HOOK, timeout: 5}
    plain: {type: webhook, url: $PLAIN, timeout: 5}
    moved: {type: webhook, url: $HOOK, allow: [127.0.0.1], timeout: 5}
    cloud: {type: webhook, url: $CLOUD, allow: [169.254.169.254], timeout: 5}
    mapped: {type: webhook, url: $MAPPED, timeout: 5}
    short: {type: webhook, url: $SHORT, timeout: 5}
    fine: {type: webhook, url: $FINE, allow: [127.0.0.1], timeout: 5}
  notify: {critical: [private, plain, moved, cloud, mapped, short], digest: fine}
"""


@pytest.fixture
def ways(tmp_path):
    with receiver((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b"")) as moving, receiver() as fine:
        port = moving.port
        life = Life(
            tmp_path,
            WAYS,
            HOOK=moving.url,
            PLAIN="http://example.com/hook",
            CLOUD="http://169.254.169.254/latest/meta-data",
            MAPPED=f"https://[::ffff:127.0.0.1]:{port}/",
            SHORT=f"https://2130706433:{port}/",
            FINE=fine.url,
        )
        yield life, moving, fine


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        ("private", "http://"),
        ("plain", "http://, which is for hosts in 'allow'"),
        ("moved", "elsewhere"),
        ("cloud", "where a cloud hands out credentials"),
        ("mapped", "private network"),
        ("short", ""),
    ],
)
def test_an_address_that_nobody_may_reach_fails_with_its_reason(ways, channel, reason):
    life, moving, _ = ways
    ran = life.does("notify", "test", channel)
    assert ran.code == 1, ran
    assert ran.err == ""
    assert ran.out.startswith(f"{channel}: FAILED: ")
    assert reason in ran.out
    assert len(moving.got) == (channel == "moved")


def test_one_that_works_is_told_among_those_that_do_not(ways):
    life, _, fine = ways
    assert life.does("notify", "test", "fine") == (0, "fine: delivered\n", "")
    ran = life.does("notify", "test")
    assert ran.code == 1
    assert ran.out.count("FAILED") == 6
    assert "fine: delivered" in ran.out
    assert [each.json["type"] for each in fine.got] == ["dev.driftline.test.v1"] * 2
    nobody = life.does("notify", "test", "fein")
    assert nobody.code == 2
    assert "'fine'" in nobody.err


# ------------------------------------------------------------- hostile names


HOSTILE = [
    "quo\"te's",
    "one\ntwo\r\nthree\u2028four",
    "\x1b[31mred\x1b[0m\x1b]0;owned\x07",
    "<!channel> <@U123> @everyone",
    "{{7*7}} ${7*7} {% raw %}",
    "\u202egnp.exe\u2066\u200f",
    "[click](https://evil.example/x) <a href=x>",
    "n" * 10_000,
]
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
FORMATS = """
  budget: {pages_per_month: 50, tickets_per_month: 50}
  channels:
    events: {type: webhook, url: $EVENTS, allow: [127.0.0.1], timeout: 5, secret: $KEY}
    old: {type: webhook, format: alertmanager, url: $OLD, allow: [127.0.0.1], timeout: 5}
    pager: {type: webhook, format: pagerduty, routing_key: $ROUTE, url: $PAGER, allow: [127.0.0.1], timeout: 5}
    am: {type: alertmanager, url: $AM, allow: [127.0.0.1], timeout: 5}
    chat: {type: apprise, url: $CHAT}
  notify: {critical: [events, old, pager, am, chat], warning: [events, old, pager, am, chat], digest: [events, old, pager, chat]}
  digest_every: 1d
"""


def hostile(table, *, lost=0.0, seed=1):
    """The table with a column of each hostile name, and channels called so too."""
    rows = table.num_rows
    draw = np.random.default_rng(seed)
    for name in HOSTILE:
        table = table.append_column(name, pa.array(draw.normal(size=rows), mask=draw.random(rows) < lost))
    channel = pa.array([HOSTILE[i % 4] for i in draw.integers(0, 4, rows)], pa.string())
    return table.set_column(table.schema.get_field_index("channel"), "channel", channel)


class Hostile(Life):
    """The small model among hostile names; each of them matters."""

    def __init__(self, folder, **environment):
        super().__init__(folder, FORMATS, **environment)
        known = ", ".join(f"{json.dumps(name)}: 0.1" for name in HOSTILE if len(name) < 1000)
        text = self.file.read_text(encoding="utf-8").replace("{bureau: 0.5, income: 0.3}", f"{{bureau: 0.2, {known}}}")
        self.file.write_text(text, encoding="utf-8")
        put(folder / "reference.parquet", hostile(reference(), seed=7))

    def comes(self, number, *, lost=0.0, **_):
        table, self.outcomes[number] = applicants(number)
        put(self.folder / f"scored/{number:03}.parquet", hostile(table, lost=lost, seed=number))
        if number - LAG in self.outcomes:
            self.pays(number)


def is_seen(text):
    """Whether a terminal and a chat show the text as it is, on lines of ours."""
    return all(unicodedata.category(char) not in UNSEEN or char == "\n" for char in text)


def strings(value):
    """Every text in a document, its keys too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def feared(tmp_path_factory):
    with receiver() as there:
        here = f"http://127.0.0.1:{there.port}"
        life = Hostile(
            tmp_path_factory.mktemp("hostile"),
            EVENTS=f"{here}/events",
            OLD=f"{here}/old",
            PAGER=f"{here}/pager",
            AM=f"{here}/am",
            CHAT=f"json://127.0.0.1:{there.port}/chat",
            ROUTE="key",
            KEY=KEY,
        )
        life.printed = [life.day(number, lost=0.6 if number in (1, 2) else 0.0).out for number in range(6)]
        life.got = there.got
        yield life


def test_hostile_names_reach_every_kind_of_receiver_in_a_valid_harmless_message(feared):
    by = {name: [each for each in feared.got if each.path.startswith(f"/{name}")] for name in ("events", "old", "pager", "am", "chat")}
    assert all(by.values())
    for name, got in by.items():
        for each in got:
            each.body.decode("ascii")
            document = json.loads(each.body, parse_constant=pytest.fail)
            assert len(each.body) < 20_000, name
            for text in strings(document):
                assert is_seen(text), (name, text[:100])
    events = [each.json for each in by["events"]]
    assert {event["type"].split(".")[-2] for event in events} >= {"firing", "resolved"}
    text = json.dumps(events)
    assert "{{7*7}}" in text
    assert "\\\\x1b[31mred" in text
    assert "\\\\u202e" in text
    listed = [alert["labels"]["column"] for event in events for alert in event["data"]["alerts"] if "column" in alert["labels"]]
    assert len(set(listed)) >= len(HOSTILE)
    assert max(map(len, listed)) <= 200


def test_a_chat_is_not_told_to_call_everybody(feared):
    got = [each.json for each in feared.got if each.path.startswith("/chat")]
    assert got
    for message in got:
        for part in ("title", "message"):
            for sign in ("<", "@", "](", "https://evil", "`"):
                assert sign not in message[part], (sign, message[part][:300])
    assert any("channel" in message["message"] for message in got)


def test_terminals_see_hostile_names_as_they_are_written(feared):
    printed = list(feared.printed)
    (incident, *_) = feared.incidents()
    asked = (["alerts", "--verbose"], ["incidents", "--all"], ["incidents", incident.id], ["notify", "list"], ["rules", "show"])
    for argv in (*asked, ["incidents", incident.id, "--verbose"]):
        ran = feared.does(*argv)
        assert ran.code in (0, 1), ran
        printed.append(ran.out + ran.err)
    for text in printed:
        assert is_seen(text), [line[:150] for line in text.splitlines() if not is_seen(line)]
    assert "{{7*7}}" in "".join(printed)
    for argv in (
        ["incidents", "--all", "--json"],
        ["incidents", incident.id, "--json"],
        ["alerts", "--json"],
        ["notify", "list", "--json"],
    ):
        out = feared.does(*argv).out
        json.loads(out, parse_constant=pytest.fail)
        assert out.isascii()


def test_hostile_names_can_be_silenced_by_their_own(feared):
    """A label is matched as it is, with what is invisible in it."""
    for name in HOSTILE[:4]:
        with feared.model() as model:
            try:
                made = model.alerts.silences.add([f"column={name}"], author="ann", comment=name, until=feared.at(9), now=feared.at(8))
            except DriftlineError as error:
                pytest.fail(str(error))
        assert made.matchers == {"column": name}
    listed = feared.does("silence", "list", "--all")
    assert listed.code == 0
    assert is_seen(listed.out)
