"""Upkeep changes how windows are kept, and nothing of what they say."""

import pytest

from driftline.config.plan import StorageSpec
from driftline.core.errors import StoreError
from driftline.core.ledger import PartKind
from driftline.engine import upkeep
from small_models import HOUR, NOW, START, Label, Row, deliver, evaluate_all, found, model, plan, sums

DAY = 24 * HOUR
FAR = {"start": START - 99 * DAY, "end": START + 99 * DAY}


def filled(**storage):
    made = model(plan(zone="UTC", storage=StorageSpec(**storage)))
    for lot in range(4):
        deliver(made, [Row(f"i{lot}-{k}", 12 * k + lot, version=f"v{k % 2}") for k in range(8)])
    deliver(made, [Label(f"i{lot}-{k}", 12 * k + 30, k) for k in range(8) for lot in range(4)])
    return made


def parts(made, kind=PartKind.ROWS):
    return made.store.parts("small", kind, **FAR)


def test_parts_of_old_windows_become_one():
    """Four deliveries over four days of two versions; the windows that ended two days ago and more are folded."""
    made = filled()
    before = sums(made)
    assert len(parts(made)) == len(parts(made, PartKind.TRAFFIC)) == 4 * 8
    assert upkeep.fold(made, before=START + 2 * DAY) == 2 * 2 * 2 * 3
    assert len(parts(made)) == len(parts(made, PartKind.TRAFFIC)) == 4 * 4 + 4
    assert upkeep.fold(made, before=START + 2 * DAY) == 0
    assert sums(made) == before


def test_a_late_row_comes_beside_the_folded_part_and_is_folded_later():
    made, other = filled(), filled()
    upkeep.fold(made, before=NOW)
    for each in (made, other):
        deliver(each, [Row("late", 1, version="v0")])
    assert sums(made) == sums(other)
    assert upkeep.fold(made, before=NOW) == 2
    assert sums(made) == sums(other)


def test_a_part_that_came_meanwhile_is_not_lost():
    """Folding names what it replaces: another folding in between makes it fail, and nothing is gone."""
    made = filled()
    old = parts(made)
    upkeep.fold(made, before=NOW)
    with pytest.raises(StoreError):
        made.store.put("small", [old[0]], instead_of=old[:2])
    assert sum(part.rows for part in parts(made)) == 32


def test_forgotten_rows_stay_counted():
    """Rows leave the log by whole windows; what was measured of them stays, also where their window is touched again."""
    made, until = filled(predictions_for="10d"), START + 12 * DAY
    evaluate_all(made, as_of=START + 8 * DAY)
    before = found(made)
    assert upkeep.tidy(made, now=until)["forgotten_rows"] == 2 * 2 * 2 * 4  # two days of them, with their labels
    assert upkeep.tidy(made, now=until)["forgotten_rows"] == 0
    evaluate_all(made, as_of=START + 8 * DAY, start=START, end=START + 8 * DAY)
    assert found(made) == before
    rows = {version: cohort for (window, kind, version), cohort in sums(made).items() if kind == "cohort" and window.start == START}
    deliver(made, [Row("late", 3, version="v0")])
    again = {version: cohort for (window, kind, version), cohort in sums(made).items() if kind == "cohort" and window.start == START}
    assert again == rows


def test_rows_are_forgotten_by_whole_windows():
    made = filled(predictions_for="10d")
    upkeep.tidy(made, now=START + 11 * DAY + 13 * HOUR)
    assert made.lake.size()["predictions.rows"] == 32 - 8  # the first day, and not half of the second


def test_a_retention_of_a_hundred_years():
    assert upkeep.tidy(filled(predictions_for="36525d", fold_after="36525d"), now=NOW) == {"folded_parts": 0, "forgotten_rows": 0}
