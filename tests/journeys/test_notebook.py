"""The result in a notebook: it shows itself, answers by name, and writes its own files."""

import json

import pytest

import driftline


@pytest.fixture(scope="module")
def result(tables):
    return driftline.compare(tables["train"], tables["bad"])


def test_it_shows_its_verdict(result):
    assert str(result) == repr(result)
    assert "1 DATA PROBLEM" in str(result)
    page = result._repr_html_()
    assert "bureau" in page
    assert "<script" not in page
    assert "<html" not in page


def test_it_answers_by_name(result):
    assert result["bureau"].verdict is driftline.Verdict.FAULTY
    assert result["bureau"].severity is driftline.Severity.CRITICAL
    assert result.verdict is driftline.Verdict.FAULTY
    with pytest.raises(driftline.UsageError, match=r"There is no column 'incme'\. Did you mean 'income'\?"):
        result["incme"]


def test_it_is_ranked(result):
    assert len(result) == len(result.columns) == len(list(result)) == 8
    assert [c.name for c in result.top(1)] == ["bureau"]
    ranks = [c.severity.rank for c in result]
    assert ranks == sorted(ranks, reverse=True)
    assert len(result.top()) == 5
    assert result.top(0) == ()


def test_it_writes_itself(result, tmp_path):
    assert (tmp_path / "r.json").exists() is False
    text = result.to_json(tmp_path / "r.json")
    assert (tmp_path / "r.json").read_text() == text
    assert json.loads(text) == result.to_dict()
    page = result.to_html(str(tmp_path / "r.html"))
    assert (tmp_path / "r.html").read_text() == page
    with pytest.raises(driftline.DataError, match="there is no folder"):
        result.to_json(tmp_path / "nowhere" / "r.json")


def test_a_reference_is_made_once_and_used_often(tables, tmp_path, result):
    path = tmp_path / "train.profile"
    made = driftline.profile_reference(tables["train"], path)
    for reference in (made, path, str(path), driftline.load_reference(path)):
        assert driftline.compare(reference, tables["bad"]).to_dict()["columns"] == result.to_dict()["columns"]


def test_progress_is_told(tables):
    told = []
    driftline.compare(tables["train"], tables["bad"], progress=lambda *facts: told.append(facts))
    assert {what for what, _, _ in told} == {"fitting reference", "counting reference", "counting current"}
    assert ("counting current", 2_000, 2_000) in told
