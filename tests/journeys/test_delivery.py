"""Notices on their whole way: from the store to receivers as they are in the world, through crashes and refusals, at least once."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import zlib
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driftline.alerting.records import Kind, Outgoing, Sending
from driftline.channels.open import open_channel
from driftline.channels.spec import ChannelSpec
from driftline.engine.deliver import deliver
from driftline.engine.deliver import test_notice as trial_of
from driftline.stores.open import open_store
from receivers import LOOPBACK, NOW, alert, alertmanager, mailbox, notice, receiver, wait_until

DAY = timedelta(days=1)
CANARY = "canary-7f3a"
TESTS = Path(__file__).resolve().parents[1]


def opened(url, type_="webhook", lasting=timedelta(hours=1), **more):
    return open_channel("ops", ChannelSpec(type=type_, url="$URL", allow=LOOPBACK, **more), {"url": url}, lasting=lasting)


@pytest.fixture
def store(tmp_path):
    kept = open_store(str(tmp_path / "store.db"))
    yield kept
    kept.close()


def put(store, *notices, channel="ops"):
    store.settle("credit", [], more=[Outgoing(channel, each, due=NOW) for each in notices])


def run(store, now=NOW, **channels):
    with store.exclusive("credit"):
        return deliver(store, "credit", channels, now=now, jitter=lambda: 0.5)


# ------------------------------------------------------------- webhooks


def test_a_bad_day_of_a_receiver(store):
    """It fails, hangs, sends us elsewhere, asks for patience: in the end it has everything, in order."""

    def hang(handler):
        time.sleep(5.0)

    put(store, *(notice(f"n{i}") for i in range(3)))
    bad = [(500, {}, b"x" * 1_000_000), hang, (302, {"Location": "http://127.0.0.1:1/"}, b""), (429, {"Retry-After": "86400"}, b"")]
    with receiver(*bad, (200, {}, b"")) as there:
        channel = opened(f"{there.url}?key={CANARY}", timeout=1.0)
        now, errors = NOW, []
        for _ in bad:
            done = run(store, now, ops=channel)
            assert (done.sent, done.failed, done.waiting) == (0, 1, 3)
            errors.append(done.errors["ops"])
            now = store.outgoing("credit")[0].due
        assert now - NOW > DAY
        assert run(store, now, ops=channel).sent == 3
        assert [request.headers["webhook-id"] for request in there.got] == ["n0"] * 5 + ["n1", "n2"]
        assert len({request.body for request in there.got[:5]}) == 1
    assert [error.split(" ")[2] for error in errors] == ["answered", "took", "sends", "answered"]
    assert CANARY not in "".join(errors)


def test_410_ends_it_and_says_so(store):
    put(store, *(notice(f"n{i}", incident=f"{i}") for i in range(5)))
    with receiver((410, {}, b"")) as there:
        done = run(store, ops=opened(there.url))
        assert (done.dead, done.waiting, len(there.got)) == (5, 0, 1)
    assert all("410" in each.error for each in store.outgoing("credit", states=(Sending.DEAD,)))


def test_the_url_is_in_no_row_of_the_store(store, tmp_path):
    put(store, notice("a"))
    with receiver((500, {}, CANARY.encode())) as there:
        run(store, ops=opened(f"{there.url}/{CANARY}"))
        port = str(there.port)
    store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        rows = "\n".join(connection.iterdump())
    assert "status 500" in rows
    assert CANARY not in rows
    assert f":{port}" not in rows


# ------------------------------------------------------------- mails


def test_a_mail(store):
    put(store, notice("a", details=("column <script>@here</script> is new",)))
    with mailbox() as (port, got):
        url = f"mailto://127.0.0.1:{port}?from=monitor@example.com&to=ops@example.com&mode=insecure"
        assert run(store, ops=opened(url, "apprise")).sent == 1
    ((recipients, mail),) = got
    assert recipients == ["ops@example.com"]
    assert mail["Subject"] == "[CRITICAL] credit: income is null in 31 % of applications (usual 0.4 %)"
    text = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    assert "Incident inc_1" in text
    assert "@here" not in text
    assert "<script>" not in text


def test_a_name_cannot_add_lines_to_the_head_of_a_mail(store):
    put(store, notice("a", summary="x\r\nBcc: evil@example.com\r\n\r\nhello", model="m\nBcc: evil@example.com"))
    with mailbox() as (port, got):
        run(store, ops=opened(f"mailto://127.0.0.1:{port}?from=monitor@example.com&to=ops@example.com&mode=insecure", "apprise"))
    ((recipients, mail),) = got
    assert (recipients, mail["Bcc"]) == (["ops@example.com"], None)


def test_a_mail_that_is_refused_is_tried_again(store):
    put(store, notice("a"))
    with mailbox("451 later") as (port, _):
        done = run(store, ops=opened(f"mailto://127.0.0.1:{port}?from=a@example.com&to={CANARY}@example.com&mode=insecure", "apprise"))
    assert (done.failed, done.errors) == (1, {"ops": "the service did not take the message"})


# ------------------------------------------------------------- a real Alertmanager


@pytest.fixture
def world(tmp_path):
    with receiver() as there, alertmanager(tmp_path, there.url) as real:
        yield there, real


def push(real, told, now, lasting=timedelta(hours=1)):
    assert opened(real.url, "alertmanager", lasting).send(told, now=now).delivered


def test_alerts_are_pushed_grouped_and_over(world):
    there, real = world
    now = datetime.now(UTC)
    both = (alert("NullSpike", starts=now.isoformat()), alert("ColumnDrift", starts=now.isoformat()))
    push(real, notice(alerts=both, starts_at=now), now)
    (first, *_) = there.wait(1)
    message = first.json
    assert message["status"] == "firing"
    assert {each["labels"]["alertname"] for each in message["alerts"]} == {"NullSpike", "ColumnDrift"}
    assert all(each["generatorURL"].startswith("https://") for each in message["alerts"])
    push(real, notice(kind=Kind.RESOLVED, alerts=both, starts_at=now, ends_at=now), datetime.now(UTC))
    last = there.wait(2)[-1].json
    assert (last["status"], {each["status"] for each in last["alerts"]}) == ("resolved", {"resolved"})


def test_between_two_runs_nothing_is_over_by_itself(world):
    """Without an end ahead, an alert is over after the time that this Alertmanager was told, which is a second."""
    there, real = world
    now = datetime.now(UTC)
    push(real, notice(alerts=(alert("Lasting"),), starts_at=now), now)
    real.ask("alerts", [{"labels": {"alertname": "Forgotten", "model": "other"}}])
    ended = lambda: [
        each["labels"]["alertname"] for request in there.got for each in request.json["alerts"] if each["status"] == "resolved"
    ]
    wait_until(ended)
    assert set(ended()) == {"Forgotten"}
    assert set(real.alerts()) == {"Lasting"}
    ends = datetime.fromisoformat(real.alerts()["Lasting"]["endsAt"])
    assert abs(ends - now - timedelta(hours=1)) < timedelta(seconds=1)


def test_a_problem_that_grows_worse_is_the_same_alert(world):
    there, real = world
    now = datetime.now(UTC)
    for i in range(3):
        push(real, notice(f"n{i}", alerts=(alert(),), evidence={"value": i}, summary=f"{i}", starts_at=now), now + timedelta(seconds=i))
    assert len(real.ask("alerts")) == 1
    assert real.alerts()["NullSpike"]["annotations"]["summary"] == "2"
    there.wait(1)


def test_what_is_silenced_there_is_told_to_nobody(world):
    there, real = world
    now = datetime.now(UTC)
    ends = (now + timedelta(hours=1)).isoformat()
    matcher = {"name": "alertname", "value": "NullSpike", "isRegex": False, "isEqual": True}
    real.ask("silences", {"matchers": [matcher], "startsAt": now.isoformat(), "endsAt": ends, "createdBy": "ann", "comment": "known"})
    push(real, notice(alerts=(alert("NullSpike"), alert("Heard")), starts_at=now), now)
    there.wait(1)
    assert {each["labels"]["alertname"] for request in there.got for each in request.json["alerts"]} == {"Heard"}
    states = {name: found["status"]["state"] for name, found in real.alerts().items()}
    assert states == {"NullSpike": "suppressed", "Heard": "active"}


def test_our_webhook_looks_like_its_webhook(world):
    there, real = world
    now = datetime.now(UTC)
    push(real, notice(alerts=(alert(),), starts_at=now), now)
    theirs = there.wait(1)[0]
    assert opened(there.url, format="alertmanager").send(notice(alerts=(alert(),)), now=now).delivered
    ours = there.wait(2)[-1]
    assert set(ours.json) == set(theirs.json)
    assert set(ours.json["alerts"][0]) == set(theirs.json["alerts"][0])
    for name, value in theirs.json.items():
        assert type(ours.json[name]) is type(value), name
    assert theirs.headers["content-type"] == ours.headers["content-type"]


def test_hostile_labels_and_trials_are_taken(world):
    _, real = world
    now = datetime.now(UTC)
    hostile = {"alertname": 'x"{}\n', "a-b": "\x00\u202e\ud800", "größe": "😀", "empty": ""}
    push(real, notice(alerts=({"labels": hostile, "annotations": {"n-o te": "x" * 5_000}},), starts_at=now), now)
    push(real, trial_of("credit", now, "ops"), now)
    assert set(real.alerts()) == {'x"{}\n', "Test"}


def test_an_alertmanager_that_forgot_is_told_again(store, world):
    _, real = world
    now = datetime.now(UTC)
    told = notice("a", alerts=(alert(),), starts_at=now)
    with store.exclusive("credit"):
        done = deliver(store, "credit", {"ops": opened(real.url, "alertmanager")}, now=now, active=[told])
    assert (done.sent, done.repeated) == (0, 1)
    assert set(real.alerts()) == {"NullSpike"}


# ------------------------------------------------------------- kill -9

KILLED = """
import os, random, signal, sys, time
from dataclasses import replace
from datetime import timedelta

from driftline.alerting.records import Outgoing, Reaction
from driftline.channels.open import open_channel
from driftline.channels.spec import ChannelSpec
from driftline.engine.deliver import deliver
from driftline.stores.open import open_store
from receivers import NOW, notice

path, url, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
channel = open_channel("ops", ChannelSpec(type="webhook", url="$URL", allow=("127.0.0.1",)), {"url": url}, lasting=timedelta(hours=1))

def once(store, decide, now):
    with store.exclusive("credit"):
        if decide:
            board = store.board("credit")
            number = board.revision + 1
            told = [Outgoing("ops", notice(f"n{number}-{i}", incident=f"inc_{number % 3}"), due=NOW) for i in range(2)]
            store.react("credit", Reaction(replace(board, revision=number), outgoing=tuple(told)))
        return deliver(store, "credit", {"ops": Watched()}, now=now)

class Watched:
    forgets = False

    def send(self, told, *, now):
        step()
        answer = channel.send(told, now=now)
        step()
        return answer

def forever(now):
    store = open_store(path)
    while True:
        step()
        once(store, True, now)

# Killed after so many steps and a moment more, so that a busy machine kills neither all too early nor all too late.
draw = random.Random(0)
open_store(path).close()
for i in range(kills):
    seen, steps = os.pipe()
    step = lambda: os.write(steps, b"!")
    child = os.fork()
    if not child:
        forever(NOW + timedelta(minutes=i))
    for _ in range(draw.randrange(12)):
        os.read(seen, 1)
    time.sleep(draw.uniform(0.0, 0.01))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    os.close(seen)
    os.close(steps)
step = lambda: None
store = open_store(path)
for days in range(1, 999):
    done = once(store, False, NOW + timedelta(days=days))
    if not done.waiting:
        break
print(done.waiting, store.board("credit").revision)
store.close()
"""


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(tmp_path):
    """Decided and told are two steps, and whoever runs them is killed at any moment: all that was decided arrives at least once."""
    path = tmp_path / "store.db"
    (tmp_path / "killed.py").write_text(KILLED)
    taken: list[tuple[str, bytes]] = []

    def now_and_then(handler):
        request = handler.told
        fails = zlib.crc32(request.body) % 7 == 0 and request.body not in failed
        failed.add(request.body)
        if not fails:
            taken.append((request.headers["webhook-id"], request.body))
        handler.plain(503 if fails else 204, {}, b"")

    failed = set()
    with receiver(now_and_then) as there:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}
        command = [sys.executable, str(tmp_path / "killed.py"), str(path), there.url, "100"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    waiting, decided = map(int, done.stdout.split())
    store = open_store(str(path))
    kept = store.outgoing("credit", last=1_000_000)
    store.close()
    assert waiting == 0
    assert len(kept) == 2 * decided > 40
    assert {each.state for each in kept} == {Sending.DELIVERED}
    assert {each.notice.id for each in kept} == {name for name, _ in taken}
    bodies: dict[str, bytes] = {}
    for name, body in taken:
        assert bodies.setdefault(name, body) == body
        assert json.loads(body)["id"] == name
    orders = [[name for name, _ in dict.fromkeys(taken) if json.loads(bodies[name])["data"]["incident_id"] == f"inc_{i}"] for i in range(3)]
    for order in orders:
        assert order == sorted(order, key=lambda name: [int(part) for part in name[1:].split("-")])
    assert max(Counter(name for name, _ in taken).values()) < 10
