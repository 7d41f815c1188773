"""The credit model of the documentation loses its bureau in one channel for four days: who is told what, and what people do about it."""

import base64
import hashlib
import hmac
import json
import re

import numpy as np
import pytest
from lives import KEY, Life, events, kinds
from worlds import CREDIT, applications, configuration, credit_reference, credit_table, defaults, put, told

from driftline.alerting.records import Stage
from receivers import receiver

DAYS, ROWS = 22, 200
LOST = range(10, 14)
"""Days on which applications by app have no bureau scores."""
BUSY = (6, 17)
"""Days with twice the applications: worth knowing, no more."""
ACK = 12
"""After the run of this day somebody takes the incident."""
CHANGES = (
    ("threshold: 0.62", "threshold: 0.4"),
    ("outside: {low: 0.30, high: 0.45}", "outside: {low: 0.02, high: 0.98}"),
    ("routing_key: $PAGERDUTY_KEY}", "routing_key: $PAGERDUTY_KEY, url: $PAGER_URL, allow: [127.0.0.1]}"),
    ("url: $TICKETS_URL,", "url: $TICKETS_URL, allow: [127.0.0.1],"),
    (
        "  muted:\n",
        "    ManyApplications: {step: performance, metric: requests, when: {above: 300}, severity: info, group: traffic}\n  muted:\n",
    ),
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
    """The model, what was printed after each day, what each day has brought to the receiver, and what somebody did about it."""
    with receiver() as there:
        life = Credit(tmp_path_factory.mktemp("lived"), there.port)
        life.ran, life.sent = {}, {}
        for number in range(DAYS):
            before = len(there.got)
            life.ran[number] = life.day(number)
            life.sent[number] = there.got[before:]
            if number == ACK:
                (life.problem,) = life.incidents(Stage.OPEN)
                life.acked = life.does("ack", life.problem.id, "--author", "ann", "--reason", "I call the bureau")
        life.shown = life.does("incidents", life.problem.id)
        life.listed = life.does("incidents", "--all")
        life.closed = life.does("close", life.problem.id, "--as", "real_fixed", "--author", "ann", "--reason", "a new contract")
        yield life


def at(life, path):
    """What came at one address, by day."""
    found = {day: [each for each in got if each.path == path] for day, got in life.sent.items()}
    return {day: got for day, got in found.items() if got}


def test_one_page_for_the_problem_reminders_until_it_is_taken_and_its_end(lived):
    came = at(lived, "/pager")
    assert {day: [each.json["event_action"] for each in got] for day, got in came.items()} == {
        LOST.start: ["trigger"],
        LOST.start + 1: ["trigger"],
        ACK: ["trigger"],
        LOST.stop + 2: ["resolve"],
    }
    assert {each.json["dedup_key"] for got in came.values() for each in got} == {lived.problem.id}
    assert [each.json["payload"]["custom_details"]["kind"] for got in came.values() for each in got] == [
        "firing",
        "reminder",
        "reminder",
        "resolved",
    ]


def test_the_page_says_what_since_when_where_how_much_and_where_to_look(lived):
    ((first,),) = [got for day, got in at(lived, "/pager").items() if day == LOST.start]
    payload = first.json["payload"]
    begun = f"{lived.at(LOST.start):%Y-%m-%d}"
    share = np.mean(np.asarray(MADE[LOST.start][0]["channel"]) == "app")
    found = re.fullmatch(
        r"bureau_score is missing in ([0-9.]+) % of the rows \(limit ([0-9.]+) %\) since (\S+) 00:00.*", payload["summary"]
    )
    assert found, payload["summary"]
    assert float(found[1]) == pytest.approx(100 * share, abs=1.0)
    assert found[3] == begun
    details = "\n".join(payload["custom_details"]["details"])
    assert "channel=app" in details
    assert "200 rows" in details
    assert f"look further: driftline incidents {lived.problem.id}" in details
    assert "ColumnFaulty (bureau_score)" in details  # who is muted is listed
    assert "runbook: https://wiki.example.com/credit/broken-input" in details
    assert payload["severity"] == "critical"
    (segment,) = payload["custom_details"]["evidence"]["segments"]
    assert segment["segment"] == "channel=app"
    assert "SegmentFaulty/bureau_score" in payload["custom_details"]["evidence"]["suppressed"]


def test_the_sentence_names_the_segment(lived):
    first = at(lived, "/pager")[LOST.start][0]
    assert "channel=app" in first.json["payload"]["summary"]


def test_the_run_ends_with_one_while_it_fires_and_says_so(lived):
    assert {day for day, ran in lived.ran.items() if ran.code == 1} >= set(LOST)
    (line,) = (line for line in lived.ran[LOST.start].out.splitlines() if line.startswith("alerts:"))
    assert re.search(r"1 .*firing.*NullSpike.*bureau_score", line), line
    assert "muted" in line
    assert "alerts: none" in lived.ran[LOST.stop + 2].out
    assert all(ran.code == 0 for day, ran in lived.ran.items() if day < LOST.start and day not in BUSY)


def signed(request):
    """Whether a receiver that knows the secret may believe the request, as the Standard Webhooks say."""
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = hmac.digest(base64.b64decode(KEY.removeprefix("whsec_")), content, hashlib.sha256)
    return request.headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"


def test_webhooks_are_signed_and_say_the_same_as_the_page(lived):
    got = [each for day in at(lived, "/tickets").values() for each in day]
    assert kinds(got) == ["firing", "reminder", "reminder", "resolved"]
    assert all(signed(each) for each in got)
    assert not signed(type(got[0])(got[0].method, got[0].path, got[0].headers, got[0].body.replace(b"bureau", b"income")))
    told = events(got)
    assert [each["id"] for each in told] == [each.headers["webhook-id"] for each in got]
    assert len({each["id"] for each in told}) == len(told)
    assert {each["subject"] for each in told} == {f"incident/{lived.problem.id}"}
    assert told[-1]["data"]["status"] == "resolved"
    assert told[-1]["data"]["ends_at"] == lived.at(LOST.stop + 3).isoformat().replace("+00:00", "Z")
    stamps = [int(each.headers["webhook-timestamp"]) for each in got]
    assert stamps == [int(lived.at(day + 1, 2).timestamp()) for day in (*LOST[:3], LOST.stop + 2)]


def test_the_digest_comes_once_a_week_and_holds_what_was_only_worth_knowing(lived):
    came = {day: [each.json["message"] for each in got if "[Digest]" in each.json["title"]] for day, got in at(lived, "/chat").items()}
    came = {day: told for day, told in came.items() if told}
    assert list(came) == [BUSY[0] + 7, BUSY[0] + 14]
    assert all(len(told) == 1 and "(requests)" in told[0] for told in came.values()), came
    assert not any(
        "ManyApplications" in each.body.decode() for path in ("/pager", "/tickets") for got in at(lived, path).values() for each in got
    )


def test_everything_about_the_incident_can_be_read_afterwards(lived):
    assert lived.acked == (0, f"{lived.problem.id}: acknowledged by ann\n", "")
    out = " ".join(lived.shown.out.split())
    for words in ("resolved", "PAGE", "ann", "I call the bureau", "NullSpike (bureau_score)", "resolved delivered"):
        assert words in out, words
    assert "limit 0.0541: the further of" in " ".join(lived.does("incidents", lived.problem.id, "--verbose").out.split())
    assert all(each.id in lived.listed.out for each in lived.incidents())
    document = json.loads(lived.does("incidents", lived.problem.id, "--json").out)
    assert document["incident"]["id"] == lived.problem.id
    assert [(each["before"], each["after"]) for each in document["transitions"] if each["key"]["rule"] == "NullSpike"] == [
        ("ok", "firing"),
        ("firing", "recovering"),
        ("recovering", "ok"),
    ]
    assert {each["state"] for each in document["notices"]} == {"delivered"}
    assert len(document["notices"]) == 4 * 3


def test_it_is_closed_and_counted(lived):
    assert lived.closed == (0, f"{lived.problem.id}: closed by ann as real_fixed\n", "")
    assert re.search(r"NullSpike:? +1 of 1", lived.does("incidents", "--precision").out)
    again = lived.does("close", lived.problem.id, "--as", "false_alarm", "--author", "bob")
    assert again.code == 2
    assert "closed by ann" in again.err
    assert "inc_" not in lived.does("incidents").out
    nobody = lived.does("ack", "inc_nothing", "--author", "bob")
    assert nobody.code == 2
    assert "inc_nothing" in nobody.err
