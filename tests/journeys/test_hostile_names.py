"""Names and levels are written by whoever fills the tables: none of them reaches a terminal, a page or a document unharmed."""

import html
import json
import os
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import driftline

HOSTILE = {
    "tag": "<script>alert(1)</script>",
    "close": "</script></style></template><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "entity": "&lt;b&gt;&amp;",
    "template": "{{ 7 * 7 }}{% raw %}",
    "format": "{0} %s %(x)s {columns}",
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[H\r\n\v\f\b\x7f\x00",
    "csi": "\x9b31m",
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\x85six",
    "override": "\u202egnp.exe\u202c\u2066\u200f",
    "invisible": "a\u200bb\ufeffc\u00add",
    "wide": "指標" * 8,
    "combining": "e" + "\u0301" * 50,
    "emoji": "👩\u200d🚀" * 6,
    "private": "\ue000\U000f0000\U0010ffff",
    "long": "n" * 10_000,
    "empty": "",
    "space": "   ",
    "formula": "=cmd|' /C calc'!A0",
    "path": "../../etc/passwd",
    "equals": "a=b=c",
}
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HARMLESS = "\n\u200d"


def is_safe(text):
    return all(unicodedata.category(char) not in UNSEEN or char in HARMLESS for char in text)


@pytest.fixture(scope="module")
def hostile_tables():
    draw = np.random.default_rng(0)
    names = list(HOSTILE.values())
    train, week = {}, {}
    for i, name in enumerate(names):
        train[name] = draw.normal(size=300) if i % 2 else draw.choice(names, 300)
        week[name] = (
            draw.normal(3, 1, size=300) if i % 2 else draw.choice([*names, "unseen" + name], 300, p=[0.5 / len(names)] * len(names) + [0.5])
        )
    week["new " + HOSTILE["title"]] = np.zeros(300)
    del week[HOSTILE["csi"]]
    return pa.table(train), pa.table(week)


@pytest.fixture
def hostile(hostile_tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, table in zip(("train.parquet", "week.parquet"), hostile_tables, strict=True):
        pq.write_table(table, name)
    return "train.parquet", "week.parquet"


@pytest.mark.parametrize("options", [[], ["--verbose"], ["--segment", HOSTILE["tag"]]])
def test_the_terminal_gets_no_control_character(run, hostile, options):
    ran = run("compare", *hostile, *options)
    assert ran.code == 1
    assert ran.err == ""
    assert is_safe(ran.out)
    assert "\\x1b[31mred" in ran.out or not options


def test_the_profile_and_the_explanation_too(run, hostile):
    assert is_safe(run("profile", hostile[0], "-o", "t.profile").out)
    assert run("compare", "t.profile", hostile[1], "--json", "r.json", "--quiet").code == 1
    for name in HOSTILE.values():
        ran = run("explain", "r.json", "--", name)
        assert ran.code == 0
        assert is_safe(ran.out)


def test_the_json_gives_every_name_back_as_it_was(run, hostile):
    ran = run("compare", *hostile, "--json", "-")
    assert ran.out.isascii()
    assert {column["name"] for column in json.loads(ran.out)["columns"]} >= set(HOSTILE.values())


def test_the_page_runs_nothing_and_shows_every_name(run, hostile, tmp_path):
    run("compare", *hostile, "--html", "r.html", "--quiet")
    page = (tmp_path / "r.html").read_text("utf-8")
    outside = re.sub(r"<script\b[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<(img|script|/template)", outside)
    assert not re.search(r"<[^>]*\son\w+\s*=", outside)
    assert "alert(1)" in html.unescape(outside)
    assert "49" not in re.findall(r"\{\{.*?\}\}", outside)
    assert "{{ 7 * 7 }}" in html.unescape(outside)
    assert is_safe(page.replace("\t", ""))
    for script in re.findall(r"<script\b[^>]*>(.*?)</script>", page, flags=re.DOTALL):
        assert "<img" not in script
    fragment = driftline.compare(*hostile)._repr_html_()
    assert not re.search(r"<(img|script)", fragment)
    assert is_safe(fragment.replace("\t", ""))


def test_names_that_do_not_exist_are_told_on_one_safe_line(run, hostile):
    for name in HOSTILE.values():
        ran = run("compare", *hostile, "--label", "x" + name)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert is_safe(ran.err)


def test_files_with_hostile_names(run, hostile, tmp_path):
    for i, name in enumerate(["\x1b[31m.parquet", "a\nb.parquet", "<img src=x onerror=alert(1)>.parquet", "\u202ex.parquet"]):
        os.link(hostile[1], tmp_path / name)
        ran = run("compare", hostile[0], name, "--html", f"{i}.html")
        assert ran.code == 1
        assert is_safe(ran.out)
        assert "<img" not in (tmp_path / f"{i}.html").read_text("utf-8")
        assert is_safe(run("compare", name, "nothing.parquet").err)


def test_names_that_are_no_unicode(run, shell, hostile, tmp_path):
    """Bytes of a path that are no UTF-8 come as lone surrogates."""
    name = os.fsencode(tmp_path) + b"/\xff\xfe.parquet"
    os.link(tmp_path / hostile[1], name)
    assert run("compare", hostile[0], os.fsdecode(name)).failed("The name of the file is no UTF-8")
    page = os.fsdecode(b"\xff.html")
    assert run("compare", *hostile, "--html", page).code == 1
    assert (tmp_path / page).exists()
    wrong = shell("compare", *hostile, "--prediction", os.fsdecode(b"\xff"))
    assert wrong.code == 2
    assert "There is no column" in wrong.err


@pytest.mark.parametrize(
    ("encoding", "code", "argv"), [("ascii", 0, ["profile", "-o", "t.profile"]), ("cp437", 1, ["compare", "--verbose"])]
)
def test_terminals_that_know_fewer_characters(shell, hostile, encoding, code, argv):
    tables = hostile[: 1 if argv[0] == "profile" else 2]
    ran = shell(*argv, *tables, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert (ran.code, ran.err) == (code, "")


def test_column_names_in_python_that_are_no_unicode():
    good, bad = {"a": [1.0] * 50}, {"a\ud800": [1.0] * 50}
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(driftline.DriftlineError, match="UTF-8"):
            driftline.compare(*pair)
    with pytest.raises(driftline.DriftlineError, match="There is no column"):
        driftline.compare(good, good, label="\ud800")
    with pytest.raises(driftline.DriftlineError):
        driftline.compare(good, {"a": ["\ud800"] * 50})
