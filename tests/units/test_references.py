"""References over time: of tables and of windows, added and never replaced."""

import pytest

from driftline.core.errors import UsageError
from driftline.core.ledger import Step
from driftline.engine.evaluate import evaluate
from driftline.engine.learned import Learned, decode_learned, encode_learned
from driftline.engine.model import ACTIVE, Model
from driftline.engine.references import Saying, reference_from_windows, set_reference
from driftline.sources.open import open_source
from small_models import HOUR, NOW, START, Label, Row, deliver, differences, evaluate_all, found, model, plan, predictions, reference_table

DAY = 24 * HOUR
SAYING = Saying(ACTIVE, "", "bob", "retrained", NOW)


def again(made):
    return Model.open(made.plan, made.digest, made.store, made.lake)


def filled(**more):
    made = model(plan(zone="UTC", **more))
    rows = [Row(f"i{k}", k / 4) for k in range(400)]
    deliver(made, rows)
    deliver(made, [Label(row.id, row.hour + 20, k) for k, row in enumerate(rows)])
    return made


def test_windows_become_a_reference_of_the_same_bins():
    made = filled()
    stored = reference_from_windows(made, START, START + 3 * DAY, SAYING)
    known = again(made).active("")
    failed = sum(predictions([Row(f"i{k}", k / 4) for k in range(288)])["failed"].to_pylist())
    assert known.stored.id == stored.id
    assert stored.rows == known.reference.profile.rows == 288 - failed
    assert known.reference.schema.id == made.references[0].reference.schema.id
    assert known.reference.profile.outcomes.rows == 288 - failed
    assert (stored.author, stored.reason, stored.made) == ("bob", "retrained", NOW)
    assert len(made.store.references("small")) == 2
    assert made.store.references("small")[0] == made.references[0].stored


@pytest.mark.parametrize("start", [-9, 99])
def test_windows_without_rows_are_none(start):
    with pytest.raises(UsageError, match="has no rows from"):
        reference_from_windows(filled(), START + start * DAY, START + (start + 1) * DAY, SAYING)


def test_quality_of_earlier_windows_outlives_a_new_reference():
    """Their rows are summed up anew, as the new reference asks for: by another threshold, other bins or other segments."""
    made = filled()
    evaluate_all(made, as_of=START + 3 * DAY)
    set_reference(made, open_source(reference_table(rows=500).append_column("more", reference_table(rows=500)["x"]), name="new"), SAYING)
    made, fresh = again(made), filled()
    fresh.store.add_reference("small", made.store.references("small")[-1])
    fresh = again(fresh)
    assert made.active("").reference.schema.id != made.references[0].reference.schema.id
    for each in (made, fresh):
        evaluate(each, Step.PERFORMANCE, as_of=START + 12 * DAY, now=NOW)
    first = {key: told for key, told in found(made).items() if key[0] is Step.PERFORMANCE and key[1].start < START + 3 * DAY}
    assert any(m.metric == "brier" and m.value is not None for told in first.values() for m in told)
    wanted = {key: told for key, told in found(fresh).items() if key in first}
    assert differences(first, wanted, leave=("orphan_share", "estimated_roc_auc")) == []


def test_nothing_learned_and_something_learned_as_bytes():
    assert decode_learned(b"", name="r").windows == 0
    learned = model().references[0].learned
    twin = decode_learned(encode_learned(learned), name="r")
    assert encode_learned(twin) == encode_learned(learned)
    assert (twin.windows, twin.refusal, twin.ordinary) == (learned.windows, learned.refusal, learned.ordinary)
    assert decode_learned(encode_learned(Learned()), name="r").baselines == {}
