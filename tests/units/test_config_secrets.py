"""Secrets are named in a file and shown nowhere: a canary never gets out of its cage."""

import json
import pickle
from dataclasses import asdict

import pytest

from driftline.config.load import load
from driftline.config.secrets import LONGEST_FILE, Secret, holds_password, secret
from driftline.config.values import effective
from driftline.core.errors import ConfigError, UsageError

CANARY = "c4n@ry/w:rd"
QUOTED = "c4n%40ry%2Fw%3Ard"
HEAD = "model: credit\ncolumns: {id: i, time: t}\n"
URL = "postgresql://user:$PGPASSWORD@host/db"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("driftline.db", "driftline.db"),  # no secret at all
        ("$DSN", CANARY),  # the whole text: as it is
        ("${DSN}", CANARY),
        (URL, f"postgresql://user:{QUOTED}@host/db"),  # inside a URL: quoted for one
        ("postgresql://${PGUSER}:${PGPASSWORD}@host/db", f"postgresql://ann:{QUOTED}@host/db"),
        ("postgresql://host/db?password=$PGPASSWORD", f"postgresql://host/db?password={QUOTED}"),
        ("file:pass.txt", CANARY),
    ],
)
def test_what_a_secret_stands_for(tmp_path, written, value):
    (tmp_path / "pass.txt").write_text(f"  {CANARY}\n")
    environment = {"DSN": CANARY, "PGPASSWORD": CANARY, "PGUSER": "ann"}
    assert secret(written, environment, tmp_path).reveal() == value


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("postgresql://user:hunter2@host/db", True),
        ("postgresql+psycopg://user:hunter2@host:5432/db", True),
        ("postgresql://:hunter2@host/db", True),
        ("postgresql://user:a$PGPASSWORD@host/db", True),  # half of it written out
        ("postgresql://host/db?user=u&password=hunter2", True),
        ("host=h password=hunter2", True),
        ("https://host/hook?api_key=abc", True),
        (URL, False),
        ("postgresql://user:${PGPASSWORD}@host/db", False),
        ("postgresql://user@host/db", False),
        ("postgresql://user:@host/db", False),
        ("postgresql://host:5432/db", False),
        ("https://host:8080/a@b", False),
        ("driftline.db", False),
        ("lake/2026:10@x/*.parquet", False),
    ],
)
def test_passwords_that_are_written_out_are_seen(text, held):
    assert holds_password(text) == held


@pytest.mark.parametrize("password", ["a/b", "a#b", "a@b", "a:b", "a b", "a?b"])
def test_passwords_of_databases_may_hold_any_sign(password):
    assert holds_password(f"postgresql://user:{password}@host/db", database=True)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "storage:\n  store: postgresql://user:hunter2@host/db\n",
        HEAD + "storage: postgresql://user:hunter2@host/db\n",  # the short form
        HEAD + "storage: [postgresql://user:hunter2@host/db]\n",  # in the wrong kind of value
        HEAD + "stroage: {store: 'postgresql://user:hunter2@host/db'}\n",  # below a key that does not exist
        HEAD + "data: {predictions: 's3://key:hunter2@bucket/x'}\n",
        HEAD + "description: see postgresql://user:hunter2@host/db\n",
        HEAD + "window: postgresql://user:hunter2@host/db\n",  # a value that an error would quote
        HEAD + "'postgresql://user:hunter2@host/db': 1\n",  # a key that an error would quote
        HEAD + "storage: {store: 'postgresql://user:hun/ter2#x@host/db'}\n",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(file, text):
    with pytest.raises(ConfigError) as caught:
        load(file(text), {})
    assert "A password is written out here. Write postgresql://user:$PGPASSWORD@host/db" in str(caught.value)
    assert ":3:" in caught.value.where or ":4:" in caught.value.where
    for shown in (str(caught.value), repr(caught.value), repr(caught.value.args)):
        assert "hunter2" not in shown
        assert "ter2" not in shown


def test_columns_and_levels_may_look_like_anything(file):
    odd = "'a://b:c@d', 'token=1'"
    plan = load(file(f"{HEAD}segments: [{odd}]\nlabels: {{void: {{status: [{odd}]}}}}\n"), {}).plan
    assert plan.segments == ("a://b:c@d", "token=1")


@pytest.mark.parametrize("written", ["$PGPASSWORD", URL, "file:pass.txt"])
def test_a_canary_is_shown_nowhere(file, tmp_path, written):
    (tmp_path / "pass.txt").write_text(CANARY)
    loaded = load(file(f"{HEAD}storage: {{store: '{written}'}}\n"), {"PGPASSWORD": CANARY})
    held = loaded.secrets["storage.store"]
    assert CANARY in held.reveal() or QUOTED in held.reveal()
    shown = [str(held), repr(held), f"{held}", f"{held!r}", str(loaded), repr(loaded), repr(loaded.plan), loaded.plan.model_dump_json()]
    shown += [json.dumps(effective(loaded.plan)), str(loaded.origins), loaded.digest]
    for text in shown:
        assert CANARY not in text
        assert QUOTED not in text
    with pytest.raises(TypeError):
        pickle.dumps(held)
    with pytest.raises(TypeError):
        asdict(loaded)


def test_the_digest_does_not_depend_on_the_secret(file):
    path = file(f"{HEAD}storage: {{store: '{URL}'}}\n")
    digests = {load(path, {"PGPASSWORD": password}).digest for password in ("a", "b")}
    assert digests == {load(path, {}, secrets=False).digest}


@pytest.mark.parametrize(
    ("written", "environment", "words"),
    [
        (URL, {}, "The environment variable 'PGPASSWORD' is not set, for 'storage.store'. Set it: export PGPASSWORD=..."),
        (URL, {"PGPASSWORD": ""}, "The environment variable 'PGPASSWORD' is empty"),
        ("file:none.txt", {}, "cannot be read: no such file or directory"),
        ("file:", {}, "cannot be read: is a directory"),
        ("file:empty.txt", {}, "holds no text of a reasonable length"),
        ("file:bytes.bin", {}, "holds no text of a reasonable length"),
        ("file:long.txt", {}, "holds no text of a reasonable length"),
    ],
)
def test_secrets_that_are_not_there(file, tmp_path, written, environment, words):
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "bytes.bin").write_bytes(b"\xff\xfe")
    (tmp_path / "long.txt").write_text("x" * (LONGEST_FILE + 1))
    path = file(f"{HEAD}storage:\n  store: '{written}'\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    assert caught.value.where == f"{path}:4:10"
    assert words in str(caught.value)
    assert load(path, environment, secrets=False).secrets == {}


def test_a_secret_is_what_it_is_and_equal_to_nothing_else(tmp_path):
    one, other = Secret("$A", "x"), Secret("$A", "x")
    assert one != other
    with pytest.raises(UsageError):
        secret("$A", {}, tmp_path)
