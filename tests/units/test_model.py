"""Which reference counts for which rows."""

import pytest

from driftline.core.errors import UsageError
from driftline.engine.model import ACTIVE, ANCHOR, Model, quality_alpha
from driftline.engine.references import Saying, set_reference
from driftline.lakes.memory import MemoryLake
from driftline.performance.labels import LabelKind, LabelSpec
from driftline.sources.open import open_source
from driftline.stores.memory import MemoryStore
from small_models import NOW, plan, reference_table

TABLES = {name: reference_table(rows=rows).drop_columns(["x"][: rows % 2]) for name, rows in (("small", 60), ("large", 90), ("other", 61))}


def model(*references):
    """References as (version, role, table)."""
    store, made = MemoryStore(), None
    for version, role, table in references:
        made = Model.open(plan(), "plan", store, MemoryLake())
        set_reference(made, open_source(TABLES[table], name=table), Saying(role, version, "ann", "why", NOW))
    return Model.open(plan(), "plan", store, MemoryLake())


def test_the_own_reference_counts_then_that_of_all_versions_then_the_latest():
    made = model(("v1", ACTIVE, "small"), ("", ACTIVE, "large"), ("v2", ACTIVE, "other"), ("v1", ACTIVE, "large"))
    sources = {version: made.active(version).stored.source for version in ("v1", "v2", "v3", "")}
    assert sources == {"v1": "large", "v2": "other", "v3": "large", "": "large"}
    assert made.active("v1").stored.version == "v1"
    assert model(("v1", ACTIVE, "small"), ("v2", ACTIVE, "other")).active("v3").stored.version == "v2"


def test_versions_that_nobody_set_a_reference_for():
    assert [model(("v1", ACTIVE, "small")).knows(version) for version in ("v1", "v2")] == [True, False]
    assert model(("", ACTIVE, "small")).knows("v2")


def test_the_anchor_stands_beside_and_is_no_reference():
    made = model(("", ACTIVE, "small"), ("", ANCHOR, "other"))
    assert made.active("").stored.source == "small"
    assert made.anchor().stored.source == "other"
    assert [known.stored.source for known in made.schemas("")] == ["small", "other"]
    assert model(("", ACTIVE, "small")).anchor() is None
    with pytest.raises(UsageError, match="no reference yet"):
        model(("", ANCHOR, "small")).active("")


def test_rows_are_counted_once_where_anchor_and_reference_are_alike():
    assert len(model(("", ACTIVE, "small"), ("", ANCHOR, "small")).schemas("")) == 1


def test_nothing_is_set():
    with pytest.raises(UsageError, match="driftline reference set"):
        model().active("v1")
    assert not model().knows("v1")


def test_a_model_without_labels_sums_none_up():
    made = model(("", ACTIVE, "small"))
    assert made.outcomes() is not None
    without = Model(plan(labels=LabelSpec(kind=LabelKind.NONE)), "plan", made.store, made.lake, made.references)
    assert without.outcomes() is None


@pytest.mark.parametrize(
    ("base", "pages", "alpha"),
    [("1d", 1.0, 0.01), ("6h", 1.0, 0.5 / 120), ("1h", 1.0, 0.5 / 720), ("1d", 0.3, 0.005), ("1h", 4.0, 2 / 720)],
)
def test_quality_may_use_half_of_the_false_pages(base, pages, alpha):
    of = plan(base=base, windows={"base": base}, alerts={"budget": {"pages_per_month": pages}})
    assert quality_alpha(of) == pytest.approx(alpha)
