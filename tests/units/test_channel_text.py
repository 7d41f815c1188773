"""Texts for chats and mails: readable, and nothing in them does anything."""

import pytest

from driftline.alerting.records import Kind
from driftline.channels import text
from driftline.core.verdicts import Severity
from receivers import NOW, notice

HOSTILE = [
    "@here",
    "@channel",
    "@everyone",
    "<!channel>",
    "<!here|here>",
    "<@U024BE7LH>",
    "<#C1|x>",
    "<!subteam^S1>",
    "<https://evil.example|click>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "```\nx\n```",
    "**bold** ~gone~ ||hidden||",
    "a\x1b[31mred\x1b[0m",
    "a\r\nSubject: evil",
    "a\u202ecod.exe",
    "a\u200b\u2028b",
    "\ud800",
    "nul\x00",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_in_a_text_does_anything(hostile):
    told = notice(
        summary=f"{hostile} drifted", details=(hostile,), model=f"m {hostile}", incident=hostile, annotations={"runbook_url": hostile}
    )
    title, body = text.title(told), text.body(told)
    for shown in (title, body):
        assert not set(shown) & set("@<>`*~|\x1b\x00\r\u202e\u200b\u2028")
        assert "](" not in shown
        assert "://" not in shown
        shown.encode("utf-8")
    assert title.isprintable()
    assert all(line.isprintable() for line in body.split("\n"))
    assert len(body.split("\n")) == 7


def test_ordinary_names_are_left_alone():
    for name in ("bureau_score", "income (EUR)", "channel=app, region=north", "größe", "31.2 %", "customer's #1"):
        assert text.harmless(name) == name


@pytest.mark.parametrize(
    ("told", "title"),
    [
        (notice(), "[CRITICAL] credit: income is null in 31 % of applications (usual 0.4 %)"),
        (notice(kind=Kind.WORSE, severity=Severity.WARNING, summary="x"), "[Warning, worse] credit: x"),
        (notice(kind=Kind.REMINDER, summary="x"), "[CRITICAL, still] credit: x"),
        (notice(kind=Kind.RESOLVED, summary="x"), "[Resolved] credit: x"),
        (notice(kind=Kind.DIGEST, summary="x"), "[Digest] credit: x"),
        (notice(kind=Kind.TEST, summary="x"), "[Test] credit: x"),
    ],
)
def test_the_title_says_what_it_is(told, title):
    assert text.title(told) == title


def test_the_body():
    assert text.body(notice()) == (
        "income is null in 31 % of applications (usual 0.4 %)\n\n- channel=app is worst\n\n"
        "Since 2026-11-22 06:40 UTC\nIncident inc_1\nRunbook: https://example.com/runbooks/null-spike\n"
    )


def test_long_texts_are_cut():
    told = notice(summary="s" * 5_000, details=tuple("d" * 5_000 for _ in range(100)))
    assert len(text.title(told)) == text.LONGEST_TITLE
    assert "- ... and 70 more\n" in text.body(told)
    assert len(text.body(told)) < 20_000


def test_a_test_speaks_of_no_time_and_no_incident():
    body = text.body(notice(kind=Kind.TEST, annotations={}, details=()))
    assert body == "income is null in 31 % of applications (usual 0.4 %)\n"
    assert NOW.strftime("%Y") not in body
