"""What is known of the past in the end does not depend on when it became known: lived through, filled in, or with files that came late."""

import numpy as np
import pytest
from lives import TELL_ALL, Life, events

from driftline.alerting.records import Sending, Stage
from receivers import receiver

pytestmark = pytest.mark.slow

DAYS, LOST, LATE = 14, (7, 8), (2, 7, 10)
"""In LOST the bureau is lost; the files of LATE come two days late, in one of these lives."""


def facts(number):
    return {"lost": 0.6 if number in LOST else 0.0, "flipped": number in (3, 4)}


def ids(life):
    return {(each.id, each.group, each.opened, each.ended) for each in life.incidents()}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    with receiver() as there:
        life = Life(tmp_path_factory.mktemp("lived"), TELL_ALL, HOOK=there.url)
        for number in range(DAYS):
            life.day(number, **facts(number))
        yield life


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The same days, all of whose files come at once and in some order, filled in afterwards."""
    with receiver() as there:
        life = Life(tmp_path_factory.mktemp("filled"), TELL_ALL, HOOK=there.url)
        draw = np.random.default_rng(1)
        for number in range(DAYS):
            life.comes(number, **facts(number))
        for kind, place in draw.permutation([("labels", "paid"), ("predictions", "scored")]):
            ran = life.does("ingest", kind, *draw.permutation(sorted((life.folder / place).glob("*.parquet"))))
            assert ran.code == 0, ran
        ran = life.does("backfill", "--from", life.at(0).isoformat(), "--to", life.at(DAYS).isoformat(), "--quiet")
        assert ran.code == 1, ran
        life.ran = life.does("alerts")
        life.got = there.got
        yield life


def test_a_past_that_is_filled_in_gives_what_living_through_it_gave(lived, filled):
    history = lived.history()
    assert {each[0] for each in history} >= {"NullSpike", "QualityBelowFloor"}
    assert filled.history() == history
    assert ids(filled) == ids(lived)
    assert filled.firing() == lived.firing()


def test_nobody_is_paged_for_what_is_over(filled):
    """It was over before it became known: a line in the digest says so."""
    held = filled.asked(lambda alerts: alerts.notices.all(states=(Sending.HELD,)))
    assert any(each.notice.summary.startswith("Told late: NullSpike (bureau)") for each in held)
    assert not any(event["data"]["labels"]["alertname"] == "NullSpike" for event in events(filled.got))
    again = filled.does("alerts")
    assert again.code == filled.ran.code
    assert len(filled.asked(lambda alerts: alerts.notices.all(states=(Sending.HELD,)))) == len(held)


def test_files_that_come_late_change_what_is_known_and_not_how_it_ends(lived, tmp_path):
    """In between, the days without rows look as if nothing came; that is revised, and people are told that it is over."""
    with receiver() as there:
        life = Life(tmp_path, TELL_ALL, HOOK=there.url)
        for number in range(DAYS):
            life.comes(number, **facts(number))
            if number in LATE:
                (tmp_path / f"scored/{number:03}.parquet").rename(tmp_path / f"{number:03}.late")
            if number - 2 in LATE:
                (tmp_path / f"{number - 2:03}.late").rename(tmp_path / f"scored/{number - 2:03}.parquet")
            ran = life.runs(number)
            assert (ran.code in (0, 1), ran.err) == (True, ""), ran
    assert life.history() == lived.history()
    mine, theirs = ({each.id: each for each in of.incidents()} for of in (life, lived))
    more = [each for name, each in mine.items() if name not in theirs]
    assert {each.stage for each in more} <= {Stage.RESOLVED}
    told = {event["subject"] for event in events(there.got) if event["type"].endswith("firing.v1")}
    assert told == {event["subject"] for event in events(there.got) if event["type"].endswith("resolved.v1")}
    with life.model() as model:
        assert any(each.revises for each in model.store.transitions(model.name))
