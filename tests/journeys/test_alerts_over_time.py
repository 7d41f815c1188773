"""The credit model of the documentation loses its bureau in one channel for four days: who is told what, and what people do about it."""

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta

import numpy as np
import pytest
from lives import KEY, Life, events, kinds, said
from worlds import CREDIT, applications, configuration, credit_reference, credit_table, defaults, put, told

from driftline.alerting.records import Stage
from receivers import receiver

DAYS, ROWS = 26, 200
LOST = range(10, 14)
"""Days on which applications by app have no bureau scores."""
BUSY = (2, 16)
"""Days with twice the applications: worth knowing, no more."""
ACK = 12
"""After the run of this day somebody takes the incident."""
CHANGES = (
    ("threshold: 0.62", "threshold: 0.4"),
    ("outside: {low: 0.55, high: 0.70}", "outside: {low: 0.02, high: 0.70}"),
    ("routing_key: $PAGERDUTY_KEY}", "routing_key: $PAGERDUTY_KEY, url: $PAGER_URL, allow: [127.0.0.1]}"),
    ("url: $TICKETS_URL,", "url: $TICKETS_URL, allow: [127.0.0.1],"),
    ("  muted:\n", "    ManyApplications: {step: performance, metric: requests, when: {above: 300}, severity: info, group: traffic}\n  muted:\n"),
    ("critical: [pager, chat]", "critical: [pager, chat, tickets]"),
    ("  heartbeat: $HEARTBEAT_URL ", "  # "),
)
MADE = {n: applications(n, ROWS * (2 if n in BUSY else 1), lost="app" if n in LOST else "") for n in range(DAYS)}
TOLD = [row for cells, truth in MADE.values() for row in told(cells, truth)]


class Credit(Life):
    """The credit model of the documentation, with its receivers on this machine."""

    first = CREDIT

    def __init__(self, folder, port):
        here = f"http://127.0.0.1:{port}"
        self.folder, self.file = folder, folder / "credit-default.yaml"
        self.environment = {
            "PAGERDUTY_KEY": "key-of-the-pager",
            "PAGER_URL": f"{here}/pager",
            "TICKETS_URL": f"{here}/tickets",
            "TICKETS_SECRET": KEY,
            "CHAT_URL": f"json://127.0.0.1:{port}/chat",
        }
        folder.mkdir(parents=True, exist_ok=True)
        configuration("credit-default", folder, *CHANGES)
        put(folder / "validation.parquet", credit_reference(60, ROWS))

    def comes(self, number, **_):
        known = [row for row in TOLD if self.at(number) <= row[1] < self.at(number + 1)]
        put(self.folder / f"scored/{number:03}.parquet", credit_table(MADE[number][0]))
        put(self.folder / f"defaults/{number:03}.parquet", defaults(known))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """The model, what was printed after each day, and what each day has brought to the receiver."""
    with receiver() as there:
        life = Credit(tmp_path_factory.mktemp("lived"), there.port)
        life.ran, life.sent = {}, {}
        for number in range(DAYS):
            before = len(there.got)
            life.ran[number] = life.day(number)
            life.sent[number] = there.got[before:]
            if number == ACK:
                life.problem = next(i for i in life.incidents(Stage.OPEN) if i.group == "inputs")
                life.acked = life.does("ack", life.problem.id, "--author", "ann", "--reason", "I call the bureau")
        yield life


def pages(life):
    """What the pager was sent, by day."""
    return {day: [each.json for each in got if each.path == "/pager"] for day, got in life.sent.items()}
