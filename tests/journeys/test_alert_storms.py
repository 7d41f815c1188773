"""When things go wrong beside the model: silences, receivers that are down, days without rows, two runs at once, runs that are killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from lives import FIRST, TELL_ALL, Life, events, kinds

from driftline.alerting.records import Sending, Stage
from receivers import receiver

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("DRIFTLINE_KILLS", "6"))
DOWN: list = [(503, {}, b"")]
UP: list = [(204, {}, b"")]
FROM, TO = FIRST + timedelta(days=12), FIRST + timedelta(days=14)
MUTED = f"  muted:\n    migration: {{from: {FROM:%Y-%m-%d}, to: {TO:%Y-%m-%d}, column: [bureau]}}\n"


@pytest.fixture
def there():
    with receiver() as found:
        yield found


@pytest.fixture
def lives(tmp_path, there):
    """`lives(name)`: a model that tells the receiver."""
    return lambda name="model", more="": Life(tmp_path / name, TELL_ALL + more, HOOK=there.url)


def test_silences(lives, there):
    """Nobody is told while a silence lasts; but its end is told to who was told of the beginning, and what still fires is told after it."""
    life = lives()
    silence = lambda start, end: life.asked(
        lambda alerts: alerts.silences.add(["column=bureau"], author="ann", comment="new contract", until=life.at(end), now=life.at(start))
    )
    came = {}

    def day(number, **knobs):
        before = len(there.got)
        life.day(number, **knobs)
        came[number] = kinds(there.got[before:])

    for number in (0, 1):
        day(number)
    day(2, lost=0.6)
    silence(3.2, 7.5)
    for number in (3, 4):
        day(number, lost=0.6)
    assert life.firing() >= {("NullSpike", "bureau")}  # silenced, and it fires all the same
    for number in (5, 6):
        day(number)
    silence(7.6, 9.5)
    day(7)
    for number in (8, 9):
        day(number, lost=0.6)
    for number in (10, 11):
        day(number)
    found = {number: told for number, told in came.items() if told}
    assert found == {2: ["firing"], 6: ["resolved"], 9: ["firing"], 11: ["resolved"]}
    assert life.incidents(Stage.OPEN) == []
    listed = life.does("silence", "list", "--all")
    assert (listed.code, listed.out.count("new contract")) == (0, 2)


def test_what_is_muted_all_along_is_a_line_in_the_digest(lives, there):
    life = lives(more=MUTED)
    for number in (10, 11):
        life.day(number)
    for number in (12, 13):
        life.day(number, lost=0.6)
    assert ("NullSpike", "bureau") in life.firing()
    for number in (14, 15):
        life.day(number)
    assert there.got == []
    (held,) = life.asked(lambda alerts: alerts.notices.all())
    assert (held.state, held.channel) == (Sending.HELD, "ops")
    assert held.notice.summary.startswith("Was muted: ")
    assert "migration" in " ".join(held.notice.details)


def test_a_receiver_that_is_down_for_two_runs_loses_nothing(lives, there):
    life = lives()
    life.day(0)
    there.answers = DOWN
    ran = life.day(1, lost=0.6)
    assert "503" in ran.out  # people who look at the job see it as well
    life.day(2)
    assert {event["type"] for event in events(there.got)} == {"dev.driftline.alert.firing.v1"}
    assert life.does("notify", "list").out.count("503") == 1
    there.answers = UP
    life.day(3)
    assert kinds(there.got) == ["firing", "firing", "firing", "resolved"]
    told = events(there.got)
    assert len({event["id"] for event in told[:3]}) == 1
    assert told[0] == told[1] == told[2]
    waiting = life.asked(lambda alerts: alerts.notices.all(states=(Sending.WAITING, Sending.DEAD)))
    assert waiting == []


def test_a_receiver_that_is_gone_is_given_up_seen_and_tried_again(lives, there):
    life = lives()
    there.answers = [(410, {}, b"gone")]
    ran = life.day(1, lost=0.6)
    assert "410" in ran.out
    life.day(2, lost=0.6)
    dead = life.does("notify", "list", "--dead")
    assert dead.code == 0
    assert "410" in dead.out
    assert "bureau" in dead.out
    assert life.does("notify", "send").code in (0, 1)
    lost = len(life.asked(lambda alerts: alerts.notices.all(states=(Sending.DEAD,))))
    there.got.clear()
    there.answers = UP
    again = life.does("notify", "retry")
    assert again.code == 0, again
    assert re.match(rf"{lost} .*on (the|their) way again", again.out)
    assert kinds(there.got)[0] == "firing"
    assert len(there.got) == lost
    assert "410" not in life.does("notify", "list", "--dead").out


def test_a_day_without_rows_ends_nothing_and_a_feed_that_stops_is_told_once(lives, there):
    life = lives()
    for number in range(7):
        life.day(number)
    life.day(7, lost=0.6)
    assert kinds(there.got) == ["firing"]
    life.day(8, scored=False)
    told = events(there.got)[1:]
    assert [event["data"]["labels"]["alertname"] for event in told if event["type"].endswith("firing.v1")] == ["TrafficAbsent"]
    assert told[-1]["data"]["severity"] in ("critical", "warning")
    for number in (9, 10):
        life.day(number, scored=False)
        assert ("NullSpike", "bureau") in life.firing()
    with life.model() as model:
        muted = {m.key.rule: m.muted_by for i in model.alerts.incidents(stages=(Stage.OPEN,)) for m in i.members if m.ended is None}
    assert muted["TrafficAbsent"] == ""
    assert muted["NullSpike"] == "inhibited by TrafficAbsent"
    rules = Counter(event["data"]["labels"]["alertname"] for event in events(there.got) if not event["type"].endswith("reminder.v1"))
    assert rules == {"NullSpike": 1, "TrafficAbsent": 1}
    before = len(there.got)
    for number in (11, 12, 13):
        life.day(number)
    ended = [event for event in events(there.got)[before:] if event["type"].endswith("resolved.v1")]
    assert {event["data"]["labels"]["alertname"] for event in ended} == {"NullSpike", "TrafficAbsent"}
    assert life.incidents(Stage.OPEN, Stage.ACKNOWLEDGED) == []


# ------------------------------------------------------------- processes


def started(life, *argv):
    """The command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"), **life.environment}
    words = [sys.executable, "-m", "driftline", *argv, "-c", str(life.file)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waiting(life, days=8):
    """Days that have been measured, and that step 4 has not seen: the last of them has lost its bureau scores."""
    for number in range(days):
        life.comes(number, lost=0.6 if number in (3, days - 1) else 0.0)
    for kind in ("predictions", "labels"):
        ran = life.does("ingest", kind, "--quiet")
        assert ran.code == 0, ran
    ran = life.does("backfill", "--from", life.at(0).isoformat(), "--to", life.at(days).isoformat(), "--quiet")
    assert ran.code == 1, ran
    return life


def test_two_at_once_do_it_one_after_the_other(lives, there):
    def slow(handler):
        time.sleep(0.3)
        handler.plain(204, {}, b"")

    there.answers = [slow]
    life = waiting(lives())
    both = [started(life, "alerts") for _ in range(3)]
    ends = [(each.communicate(timeout=60), each.returncode) for each in both]
    assert [code for _, code in ends] == [1, 1, 1], ends
    assert all(err == b"" for (_, err), _ in ends)
    assert kinds(there.got) == ["firing"]
    with life.model() as model:
        transitions = model.store.transitions(model.name)
    assert len({(t.key, t.before, t.after, t.window, t.as_of) for t in transitions}) == len(transitions) > 0


@pytest.mark.slow
def test_killed_at_any_moment_people_are_told_all_the_same(lives, there):
    """What has been decided is what an undisturbed run decides, and every notice arrives, always with its one id."""
    days = 6
    quiet, killed = lives("quiet"), lives("killed")
    for life in (quiet, killed):
        for number in range(days):
            life.comes(number, lost=0.6 if number in (1, days - 1) else 0.0)
    assert quiet.runs(days - 1).code == 1
    wanted = {event["id"]: event for event in events(there.got)}
    assert len(wanted) >= 1
    there.got.clear()
    draw = np.random.default_rng(5)
    end, now = killed.at(days).isoformat(), killed.at(days, 2).isoformat()
    ends: Counter[int] = Counter()
    for _ in range(KILLS):
        running = started(killed, "run", "--quiet", "--as-of", end, "--arrived", now)
        time.sleep(float(draw.uniform(0.3, 4.0)))
        running.send_signal(signal.SIGKILL)
        out = running.communicate(timeout=30)
        ends[running.returncode] += 1
        assert running.returncode in (-signal.SIGKILL, 0, 1), out
    assert ends[-signal.SIGKILL] > 0
    ran = killed.runs(days - 1)
    assert ran.err == "", ran  # 0 where the last one was not killed before it had found all there is
    assert killed.history() == quiet.history()
    assert killed.incidents() == quiet.incidents()
    came = {event["id"]: event for event in events(there.got)}
    assert came.keys() == wanted.keys()
    for name, event in came.items():
        assert all(other == event for other in events(there.got) if other["id"] == name)
