"""A saved reference takes the place of its table, and nothing else does: what is damaged, foreign or told otherwise is refused."""

import hashlib

import pytest
from refusals import SMALL, fails

from driftline.profiles.codec import FORMAT, MAGIC


def test_the_name_of_a_profile(run, folder):
    fails(run, folder, "profile", "good.csv", "-o", "out.parquet", words=["ends with .profile", "'out.parquet'"])
    assert run("profile", "good.csv", "-o", "t.profile", "--quiet").code == 0
    fails(run, folder, "compare", "good.csv", "t.profile", words=["current table is a saved reference", "holds no rows"])
    fails(run, folder, "profile", "t.profile", "-o", "out.profile", words=["reference table is a saved reference"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:-1], "cut off or altered"),
        (lambda data: data[:40], "cut off or altered"),
        (lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], "cut off or altered"),
        (lambda data: data + b"\n", "cut off or altered"),
        (lambda data: b"", "no driftline profile"),
        (lambda data: b"PAR1 something else", "no driftline profile"),
        (lambda data: SMALL.encode(), "no driftline profile"),
    ],
)
def test_profiles_that_are_none(run, folder, spoil, words):
    run("profile", "good.csv", "-o", "t.profile")
    data = (folder / "t.profile").read_bytes()
    (folder / "bad.profile").write_bytes(spoil(data))
    fails(run, folder, "compare", "bad.profile", "good.csv", words=["bad.profile", words, "driftline profile"])


def test_a_profile_of_a_newer_format(run, folder):
    run("profile", "good.csv", "-o", "t.profile")
    data = (folder / "t.profile").read_bytes()[:-32]
    data = MAGIC + (FORMAT + 1).to_bytes(2, "little") + data[len(MAGIC) + 2 :]
    (folder / "new.profile").write_bytes(data + hashlib.sha256(data).digest())
    words = [f"format {FORMAT + 1}", f"reads up to {FORMAT}", "Update driftline"]
    fails(run, folder, "compare", "new.profile", "good.csv", words=words)


@pytest.mark.parametrize(
    ("made", "said", "words"),
    [
        ([], ["--prediction", "income"], ["'score' as its prediction", "prediction 'income'"]),
        ([], ["--time", "city"], ["no time"]),
        ([], ["--segment", "city"], ["no segments", "'city'"]),
        (["--segment", "city"], ["--segment", "label"], ["segments 'city'"]),
        ([], ["--kind", "income=categorical"], ["'income' as integer", "'income' as categorical"]),
        ([], ["--id", "city"], ["'city' as categorical", "'city' as identifier"]),
        ([], ["--threshold", "0.7"], ["made with 0.5", "the threshold 0.7"]),
        ([], ["--positive", "0"], ["the positive class '0'", "'0', '1'"]),
        ([], ["--task", "regression"], ["the task binary", "the task regression"]),
        ([], ["--score", "1=score"], ["scores"]),
        ([], ["--ignore", "score"], ["Column 'score' cannot be the prediction of the saved reference and left out"]),
        ([], ["--ignore", "scor"], ["There is no column 'scor'", "Did you mean 'score'?"]),
        ([], ["--importance", "scor=1"], ["There is no column 'scor'"]),
        (["--ignore", "label"], ["--tolerate", "roc_auc=0.1"], ["made with no labels"]),
    ],
)
def test_a_saved_reference_cannot_be_told_otherwise(run, folder, made, said, words):
    assert run("profile", "good.csv", "-o", "t.profile", *made).code == 0
    fails(run, folder, "compare", "t.profile", "good.csv", *said, words=words)
