"""Losses by column: rows as cells, the additive model against theory and scikit-learn, and how the prediction depends on the columns."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from driftline.engine.reference import make_reference
from driftline.engine.spec import CompareSpec
from driftline.performance.loss_model import fit_loss_model
from driftline.performance.novelty import dependence_gap, learn_dependence, traits
from driftline.profiles.cells import LossSample, sample_losses
from driftline.profiles.counting import ABOVE, FAR_ABOVE, MISSING, SPECIAL
from driftline.profiles.gather import profile
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind, Role
from driftline.sources.open import open_source


def reference_of(columns, **said):
    spec = CompareSpec(prediction="score", label="y", **said)
    return make_reference(open_source(pa.table(columns), name="reference"), spec, spec.columns())


def sampled(reference, columns, **options):
    return sample_losses(pa.table(columns).to_batches(), reference.schema, **options)


HOSTILE = {
    "score": [1.0, 2.0, None, float("nan"), 5.0, 6.0, 7.0, 8.0],
    "y": [1.5, None, 1.0, 1.0, float("nan"), 6.0, -7.0, 1e300],
    "size": [1.0, 2.0, 3.0, 4.0, None, float("inf"), -1e300, 0.5],
    "level": ["a", "b", None, "a", "new", "b", "\N{NULL}", "a"],
    "flag": [True, None, False, True, True, False, True, None],
    "day": pa.array([1, 2, 3, 4, 5, 6, 7, 8], pa.timestamp("s")),
}
TAUGHT = {
    "score": np.linspace(0, 10, 60),
    "y": np.linspace(0, 11, 60),
    "size": np.linspace(0, 5, 60),
    "level": ["a", "b"] * 30,
    "flag": [True, False] * 30,
    "day": pa.array(range(60), pa.timestamp("s")),
}


def test_rows_with_a_finite_loss_are_sampled():
    reference = reference_of(TAUGHT)
    sample = sampled(reference, HOSTILE)
    assert sample.loss.tolist() == [0.5, 0.0, 14.0, 1e300]
    assert [reference.schema.columns[i].name for i in sample.positions] == ["score", "size", "level", "flag"]


def test_cells_are_those_of_the_profile():
    """Rows that have a loss, as cells: counted, they are their profile."""
    reference = reference_of(TAUGHT)
    rows = pa.table(HOSTILE).take([0, 5, 6, 7])
    sample, counted = sample_losses(rows.to_batches(), reference.schema), profile(rows.to_batches(), reference.schema)
    assert len(sample.loss) == 4
    for k, i in enumerate(sample.positions):
        part = counted.counts[reference.schema.cells(i)]
        assert np.bincount(sample.cells[:, k], minlength=len(part)).tolist() == part.tolist()


def test_a_sample_is_the_same_however_rows_are_cut_and_never_too_large():
    random = np.random.default_rng(1)
    columns = {"score": random.normal(size=5000), "y": random.normal(size=5000), "x": random.choice(["a", None], 5000)}
    reference, table = reference_of(columns), pa.table(columns)
    whole = sample_losses(table.to_batches(), reference.schema, most=1000)
    parts = sample_losses(table.to_batches(max_chunksize=37), reference.schema, most=1000)
    assert 400 < len(whole.loss) <= 1000
    assert (whole.cells == parts.cells).all()
    assert (whole.loss == parts.loss).all()
    assert len(sample_losses([], reference.schema).loss) == 0
    gone = sample_losses(table.drop_columns(["x"]).to_batches(), reference.schema)
    assert not gone.cells[:, 1].any()  # cell 0 is missing


def test_wrong_classes_are_losses():
    columns = {"score": ["a", "b", "c", "new", "new", None, "1"] * 2, "y": ["a", "c", "c", "new", "b", "a", "true"] * 2}
    reference = reference_of({"score": ["a", "b", "c", "1"] * 5, "y": ["a", "b", "c", "1"] * 5}, task=Task.MULTICLASS)
    assert sampled(reference, columns).loss.tolist() == [0, 1, 0, 0, 1, 0] * 2  # flags and 0/1 are one class written in two ways


def test_scores_of_two_classes_have_no_losses():
    reference = reference_of({"score": [0.1, 0.9] * 20, "y": [0, 1] * 20})
    with pytest.raises(ValueError, match="regression"):
        sampled(reference, {"score": [0.1], "y": [0]})
    with pytest.raises(ValueError, match="do not fit together"):
        LossSample((0,), np.zeros((2, 2), np.intp), np.zeros(2))


def additive(random, rows, lean=0.0):
    """Errors whose expected size is a sum: 1 + x²/2 + (½ for blue), x normal around `lean`."""
    x, colour = random.normal(lean, 1, rows), np.where(random.random(rows) < 0.4 + lean / 4, "blue", "red")
    scale = 1 + 0.5 * x**2 + 0.5 * (colour == "blue")
    error = scale * np.sqrt(np.pi / 2) * random.normal(0, 1, rows)  # E|error| = scale
    return {"score": 100 + 10 * x, "y": 100 + 10 * x + error, "x": x, "colour": colour, "idle": random.normal(size=rows)}, scale


def test_the_expected_loss_is_that_of_theory_and_near_additive_boosting():
    random = np.random.default_rng(2)
    columns, _ = additive(random, 30_000)
    reference = reference_of(columns)
    sample = sampled(reference, columns)
    model = fit_loss_model(reference.schema, sample, sample.loss)
    assert model.useful
    assert model.base == pytest.approx(1 + 0.5 + 0.5 * 0.4, rel=0.03)
    assert model.spread < model.constant

    def features(table):
        return np.stack([table["x"], table["colour"] == "blue", table["idle"]], axis=1)

    boosted = HistGradientBoostingRegressor(max_depth=1, max_iter=300, learning_rate=0.1).fit(features(columns), sample.loss)
    for lean in (-0.5, 0.0, 0.5, 1.0):
        asked, scale = additive(random, 20_000, lean)
        counted = profile(pa.table(asked).to_batches(), reference.schema)
        found = model.mean(reference.schema, counted.counts)
        assert found == pytest.approx(scale.mean(), rel=0.05), lean
        assert abs(found - scale.mean()) <= abs(boosted.predict(features(asked)).mean() - scale.mean()) + 0.03, lean


def test_effects_by_hand():
    """Two levels and nothing else: the effects are the differences from the mean, drawn to 0 by the penalty and the ridge."""
    columns = {"score": [1.0] * 1000, "y": [1.0] * 1000, "kind": ["good"] * 750 + ["bad"] * 250}
    loss = np.array([1.0] * 750 + [5.0] * 250)
    mixed = np.random.default_rng(3).permutation(1000)
    columns["kind"] = np.array(columns["kind"])[mixed]
    reference = reference_of(columns, task=Task.REGRESSION)
    sample = sampled(reference, columns)
    model = fit_loss_model(reference.schema, sample, loss[mixed])
    effects = model.effects[reference.schema.cells(reference.schema.by_name["kind"])]
    good, bad = effects[FIRST_LEVEL:].tolist()
    assert model.base == 2.0
    assert 750 * good + 250 * bad == pytest.approx(0)  # 0 in the mean
    # Losses are 1 below and 3 above their mean; the penalty of 30 and the ridge of 5 count as so many rows without an effect.
    assert bad - good == pytest.approx(3 * 250 / 285 + 1 * 750 / 785)
    assert effects[:FIRST_LEVEL].tolist() == [0.0] * FIRST_LEVEL  # nothing is known of other levels
    assert model.spread < 0.5
    assert model.constant == pytest.approx(np.sqrt(3), rel=0.05)


def test_values_outside_are_taken_for_the_nearest_inside():
    random = np.random.default_rng(4)
    x = random.normal(size=4000)
    columns = {"score": x, "y": x + (1 + np.abs(x + 3)) * random.normal(size=4000)}
    reference = reference_of(columns)
    sample = sampled(reference, columns)
    effects = fit_loss_model(reference.schema, sample, sample.loss).effects[reference.schema.cells(0)]
    assert effects[ABOVE] == effects[FAR_ABOVE] == effects[-1]
    assert effects[MISSING] == 0.0
    assert effects[-1] > effects[SPECIAL]


@pytest.mark.parametrize("loss", [np.zeros(600), np.full(600, 7.0), np.arange(600) % 2.0], ids=["none", "constant", "idle"])
def test_what_follows_from_nothing_is_not_useful(loss):
    columns = {"score": np.arange(600.0), "y": np.arange(600.0), "a": np.random.default_rng(5).normal(size=600)}
    reference = reference_of(columns)
    model = fit_loss_model(reference.schema, sampled(reference, columns), loss)
    assert not model.useful
    assert model.base == loss.mean()


def test_noise_is_seldom_taken_for_a_model():
    random = np.random.default_rng(6)
    useful = 0
    for _ in range(100):
        columns = {"score": random.normal(size=800), "y": random.normal(size=800)} | {f"x{i}": random.normal(size=800) for i in range(5)}
        reference = reference_of(columns)
        useful += fit_loss_model(reference.schema, sampled(reference, columns), random.exponential(size=800)).useful
    assert useful <= 2


def test_traits_have_mean_0_and_variance_1():
    number = Column("p", Kind.NUMERIC, Role.PREDICTION, "double", "", edges=(0.0, 1.0, 2.0, 3.0))
    levels = Column("p", Kind.CATEGORICAL, Role.PREDICTION, "string", "", levels=("a", "b"))
    for column, rows in ((number, [5, 3, 2]), (levels, [30, 10])):
        counts = np.zeros(column.width)
        counts[-len(rows) :] = rows
        found = traits(column, counts)
        assert len(found) == 2
        assert found @ counts == pytest.approx(0)
        assert found**2 @ counts / counts.sum() == pytest.approx(1)
        assert not found[:, : -len(rows)].any()
    assert len(traits(number, np.zeros(number.width))) == 0
    lone = np.zeros(number.width)
    lone[SPECIAL] = 9  # a constant prediction has no traits
    assert len(traits(number, lone)) == 0


@pytest.mark.parametrize(
    ("tie", "lean", "rows", "seen"),
    [
        (0.0, 0.0, 5000, False),  # as on the reference
        (0.0, 0.0, 50, False),  # few rows
        (0.0, 0.5, 5000, False),  # a shift of one column is no change of how they go together
        (0.8, 0.0, 5000, True),
        (-0.8, 0.0, 5000, True),
    ],
)
def test_how_columns_go_together(tie, lean, rows, seen):
    random = np.random.default_rng(7)

    def table(rows, tie=0.0, lean=0.0):
        a = random.normal(0, 1, rows)
        b = tie * a + np.sqrt(1 - tie**2) * random.normal(0, 1, rows) + lean
        return {"score": a + b, "y": a + b + random.normal(size=rows), "a": a, "b": b}

    columns = table(10_000)
    reference = reference_of(columns)
    dependence = learn_dependence(reference.schema, sampled(reference, columns))
    found = dependence_gap(dependence, profile(pa.table(table(rows, tie, lean)).to_batches(), reference.schema))
    assert found > 0.2 if seen else found < 0.08
    by_chance = [dependence_gap(dependence, profile(pa.table(table(60)).to_batches(), reference.schema)) for _ in range(20)]
    assert np.median(by_chance) == 0.0  # twice the sampling error is taken off


def test_a_prediction_that_comes_from_elsewhere_may_move():
    """Nothing is said of how columns go together where they do not make the prediction, or where there are none."""
    random = np.random.default_rng(8)
    score = random.normal(size=3000)
    for columns in ({"score": score, "y": score}, {"score": score, "y": score, "x": random.normal(size=3000)}):
        reference = reference_of(columns)
        dependence = learn_dependence(reference.schema, sampled(reference, columns))
        assert dependence.shape == (0, reference.schema.offsets[-1])
        assert dependence_gap(dependence, profile(pa.table({**columns, "score": score / 2}).to_batches(), reference.schema)) == 0.0
