"""The estimate as a whole: what is learned, what is said with which interval and limit, and when nothing is said."""

import json
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from driftline.core.errors import FormatError, IncompatibleProfiles
from driftline.core.records import Basis, Scope, Status
from driftline.engine.reference import make_reference
from driftline.engine.spec import CompareSpec
from driftline.performance import quality
from driftline.performance.back_test import SIGMAS
from driftline.performance.estimation import Estimator, Refusal, back_test, estimate, expected_values, learn_estimator, realised, refused
from driftline.performance.intervals import interval, student
from driftline.performance.novelty import novel_share
from driftline.performance.refusals import Z
from driftline.performance.step import PerformanceSpec, performance
from driftline.profiles.cells import sample_losses
from driftline.profiles.gather import profile
from driftline.profiles.profile import Profile
from driftline.sources.open import open_source

SPEC = PerformanceSpec()


def reason(learned):
    """Why nothing was learned."""
    assert isinstance(learned, Refusal)
    return learned.reason


def reference_of(columns, **said):
    spec = CompareSpec(prediction="score", label="y", **said)
    return make_reference(open_source(pa.table(columns), name="reference"), spec, spec.columns())


def loans(random, rows, mean=-0.5, spread=2.0, bend=1.0):
    """Calibrated scores where `bend` is 1, a feature behind them and a colour that does not matter."""
    odds = random.normal(mean, spread, rows)
    y = random.random(rows) < 1 / (1 + np.exp(-bend * odds))
    return {"score": 1 / (1 + np.exp(-odds)), "y": y.astype(int), "odds": odds, "colour": random.choice(["red", "blue"], rows)}


def prices(random, rows, mean=0.0, together=0.0):
    """Errors twice as large for trucks, and growing with the mileage; `together` is how much mileage goes with age."""
    mileage, age = random.normal(mean, 1, rows), random.normal(0, 1, rows)
    mileage = together * age + math.sqrt(1 - together**2) * mileage
    truck = random.random(rows) < 0.3
    error = random.normal(0, 1, rows) * (1 + truck) * np.exp(0.5 * mileage)
    price = 50 - 5 * mileage - 5 * age
    return {"score": price, "y": price + error, "mileage": mileage, "age": age, "kind": np.where(truck, "truck", "car")}


def learned(*of, **options):
    found = learn_estimator(*of, **options)
    assert isinstance(found, Estimator)
    return found


RANDOM = np.random.default_rng(1)
LOANS = reference_of(loans(RANDOM, 20_000))
LENDER = learned(LOANS, top=("odds",))
SOLD = prices(RANDOM, 20_000)
PRICES = reference_of(SOLD)
DEALER = learned(PRICES, sample_losses(pa.table(SOLD).to_batches(), PRICES.schema))


def live(reference, columns):
    return profile(pa.table(columns).to_batches(), reference.schema)


def by_metric(reference, estimator, columns, **options):
    found = estimate(estimator, live(reference, columns), reference, Scope("m"), spec=options.pop("spec", SPEC), **options)
    return {each.metric: each for each in found}


def without_labels(columns):
    return {name: values for name, values in columns.items() if name != "y"}


def test_a_classifier_is_estimated_without_labels():
    columns = loans(np.random.default_rng(2), 8000, spread=1.0)  # less sure than on the reference
    found = by_metric(LOANS, LENDER, without_labels(columns))
    truth = realised(live(LOANS, columns).outcomes)
    assert list(found)[:2] == ["roc_auc", "observed_expected"]
    assert set(found) == set(truth)
    for metric, each in found.items():
        assert each.basis is Basis.ESTIMATED
        assert each.status is Status.OK
        assert each.n == 8000
        assert each.low <= each.value <= each.high, metric
        assert each.low <= truth[metric] <= each.high, metric
        assert "no concept drift" in each.note
        assert "not back-tested yet" in each.note
    assert found["roc_auc"].value < 0.8 < realised(LOANS.profile.outcomes)["roc_auc"]
    assert found["roc_auc"].beyond is True
    assert {metric: each.beyond for metric, each in found.items() if metric != "roc_auc"} == dict.fromkeys(set(found) - {"roc_auc"})


def test_limits_are_those_of_matured_quality():
    columns = loans(np.random.default_rng(3), 2000)
    matured = {m.metric: m for m in performance(live(LOANS, columns).outcomes, LOANS.profile.outcomes, Scope("m"), SPEC)}
    for metric, each in by_metric(LOANS, LENDER, columns).items():
        if metric != "positive_share":
            assert each.limit == matured[metric].limit, metric
            assert each.beyond in (None, False), metric


def test_a_regression_is_estimated_without_labels():
    columns = prices(np.random.default_rng(4), 8000, mean=0.5)
    found = by_metric(PRICES, DEALER, without_labels(columns))
    truth = realised(live(PRICES, columns).outcomes)
    assert list(found) == ["mae", "rmse"]
    assert found["mae"].value == pytest.approx(truth["mae"], rel=0.04)
    assert found["rmse"].value == pytest.approx(truth["rmse"], rel=0.06)
    assert found["mae"].value > 1.15 * realised(PRICES.profile.outcomes)["mae"]
    assert found["mae"].beyond is True
    assert {"score", "mileage", "kind"} <= set(DEALER.top)


def test_the_reference_is_estimated_as_it_is():
    truth = realised(PRICES.profile.outcomes)
    for metric, each in by_metric(PRICES, DEALER, SOLD).items():
        assert each.value == pytest.approx(truth[metric], rel=1e-9), metric


def test_classes_are_estimated_by_their_share_of_right_decisions():
    random = np.random.default_rng(5)

    def animals(rows, hard):
        blurred = random.random(rows) < hard
        y = random.choice(["cat", "dog", "fox"], rows)
        wrong = random.random(rows) < np.where(blurred, 0.5, 0.05)
        return {"score": np.where(wrong, "cat", y), "y": y, "blurred": blurred}

    columns = animals(5000, 0.2)
    reference = reference_of(columns)
    estimator = learn_estimator(reference, sample_losses(pa.table(columns).to_batches(), reference.schema))
    asked = animals(3000, 0.6)
    found = by_metric(reference, estimator, without_labels(asked))
    assert list(found) == ["accuracy"]
    assert found["accuracy"].value == pytest.approx(realised(live(reference, asked).outcomes)["accuracy"], abs=0.02)
    assert found["accuracy"].beyond is True
    assert reason(learn_estimator(reference)).endswith("no sample of labelled rows was kept for that")


@pytest.mark.parametrize("estimator", [LENDER, DEALER], ids=["classifier", "regression"])
def test_an_estimator_goes_through_json_and_arrays(estimator):
    facts, arrays = estimator.to_arrays()
    again = Estimator.from_arrays(json.loads(json.dumps(facts)), arrays)
    reference, columns = (LOANS, loans) if estimator is LENDER else (PRICES, prices)
    asked = columns(np.random.default_rng(6), 500)
    assert by_metric(reference, again, asked) == by_metric(reference, estimator, asked)
    with pytest.raises(FormatError):
        Estimator.from_arrays({**facts, "task": "guessing"}, arrays)
    with pytest.raises(FormatError):
        Estimator.from_arrays({name: fact for name, fact in facts.items() if name != "losses"}, {})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (loans(RANDOM, 200), "200 labelled rows, and 300 are needed"),
        ({**loans(RANDOM, 400), "y": [1] + [0] * 399}, "1 labelled rows of one class, and 30 are needed"),
        ({**loans(RANDOM, 400), "y": [0] * 400}, "only one class"),
        (without_labels(loans(RANDOM, 400)), "no labelled predictions"),
    ],
    ids=["few rows", "few of a class", "one class", "no label column"],
)
def test_a_reference_that_teaches_too_little(columns, words):
    assert words in reason(learn_estimator(reference_of(columns)))


def test_a_loss_that_follows_from_nothing_is_refused():
    random = np.random.default_rng(7)
    price = random.normal(0, 1, 3000)
    columns = {
        "score": price,
        "y": price + random.normal(0, 1, 3000),
        "a": random.normal(0, 1, 3000),
        "b": random.choice(list("xyz"), 3000),
    }
    reference = reference_of(columns)
    sample = sample_losses(pa.table(columns).to_batches(), reference.schema)
    assert "no better than its mean" in reason(learn_estimator(reference, sample))
    few = replace(sample, cells=sample.cells[:400], loss=sample.loss[:400])
    assert "400 labelled rows, and 500 are needed" in reason(learn_estimator(reference, few))


def shifted(random, **changes):
    return {**loans(random, 1000), **changes}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (shifted(RANDOM, odds=np.full(1000, 99.0)), "100.0% of the rows have a value of 'odds' that the reference does not know"),
        (shifted(RANDOM, score=np.where(np.arange(1000) < 100, None, 0.5)), "10.0% of the rows have a value of 'score'"),
        (without_labels(shifted(RANDOM)) | {"odds": pa.nulls(1000, pa.float64())}, "100.0% of the rows have a value of 'odds'"),
        ({"score": loans(RANDOM, 1000)["score"]}, "100.0% of the rows have a value of 'odds'"),  # a column gone
        (shifted(RANDOM, colour=["green"] * 1000), ""),  # no top column
        (shifted(RANDOM), ""),
    ],
    ids=["out of range", "missing scores", "missing", "gone", "of no matter", "nothing"],
)
def test_rows_that_the_reference_does_not_know(columns, words):
    why = refused(LENDER, live(LOANS, columns), LOANS, None, SPEC)
    assert why.startswith(words) if words else why == ""
    found = by_metric(LOANS, LENDER, columns)
    assert {(each.value, each.status, each.note) for each in found.values()} == {(None, Status.INSUFFICIENT, why)} or not words


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ({"roc_auc": [(0.90, 0.88, 1000)] * 5}, "estimates of roc_auc were off by 0.02 on average over 5 matured windows"),
        ({"roc_auc": [(0.90, 0.89, 1000)] * 5}, ""),  # within half of 0.03
        ({"roc_auc": [(0.90, 0.80, 1000)] * 2}, ""),  # two windows are no back-test
        ({"observed_expected": [(1.0, 1.3 + d, 1000) for d in (-0.01, 0, 0.01)] * 2}, "scores are no longer calibrated"),
        ({"observed_expected": [(1.0, 0.7 + d, 1000) for d in (-0.01, 0, 0.01)] * 2}, "0.3 below what was estimated"),
        ({"observed_expected": [(1.0, 1.3 + d, 1000) for d in (-0.6, 0, 0.6)] * 2}, ""),  # may be chance
        ({"observed_expected": [(1.0, 1.1, 1000)] * 9}, ""),  # within 15 %
    ],
)
def test_what_matured_labels_say_against_estimates(pairs, words):
    tests = {metric: back_test(each) for metric, each in pairs.items()}
    why = refused(LENDER, live(LOANS, loans(np.random.default_rng(8), 500)), LOANS, tests, SPEC)
    assert words in why if words else why == ""


def held_against(windows):
    """The back-test by metric of windows with labels."""
    pairs = [(expected_values(LENDER, each, LOANS, SPEC), realised(each.outcomes), each.outcomes.rows) for each in windows]
    return {metric: back_test([(guess[metric], truth[metric], n) for guess, truth, n in pairs if guess]) for metric in pairs[0][1]}


def test_what_is_expected_is_what_is_estimated():
    random = np.random.default_rng(13)
    columns = loans(random, 1500, spread=1.5)
    found = expected_values(LENDER, live(LOANS, columns), LOANS, SPEC)
    assert found == {metric: each.value for metric, each in by_metric(LOANS, LENDER, columns).items()}
    # Rows for which nothing is promised are no part of a back-test.
    assert expected_values(LENDER, live(LOANS, {**columns, "odds": np.full(1500, 99.0)}), LOANS, SPEC) == {}
    assert expected_values(LENDER, Profile.zero(LOANS.schema), LOANS, SPEC) == {}


def test_concept_drift_is_seen_once_labels_are_there_and_forgotten_once_it_is_over():
    random = np.random.default_rng(14)
    turned = [live(LOANS, loans(random, 2000, bend=0.4)) for _ in range(4)]
    right = [live(LOANS, loans(random, 2000)) for _ in range(4)]
    against = held_against(turned)
    assert refused(LENDER, right[0], LOANS, against, SPEC).startswith("estimates of roc_auc were off by")
    assert refused(LENDER, right[0], LOANS, held_against(right), SPEC) == ""


def test_a_back_test_refuses_its_own_metric():
    columns, tests = loans(np.random.default_rng(9), 500), {"recall": back_test([(0.9, 0.8, 500)] * 4)}
    found = by_metric(LOANS, LENDER, columns, back_test=tests)
    assert found["recall"].value is None
    assert found["recall"].note.startswith("estimates of recall were off by 0.1 on average")
    assert found["roc_auc"].status is Status.OK


def test_columns_that_go_together_otherwise_are_seen_without_labels():
    """Each column by itself looks as before; the prediction gives it away."""
    plain, tied = (live(PRICES, prices(np.random.default_rng(10), 5000, together=r)) for r in (0.0, 0.9))
    assert refused(DEALER, plain, PRICES, None, SPEC) == ""
    assert refused(DEALER, tied, PRICES, None, SPEC).startswith("the columns go together differently than in the reference")


def test_windows_of_few_rows():
    one, few = (by_metric(LOANS, LENDER, loans(np.random.default_rng(11), rows)) for rows in (1, 29))
    none = estimate(LENDER, Profile.zero(LOANS.schema), LOANS, Scope(), spec=SPEC)
    assert {each.status for each in (*one.values(), *few.values())} == {Status.INSUFFICIENT}
    assert few["roc_auc"].note == "29 rows with a prediction, and at least 30 are needed to estimate"
    assert {(each.status, each.n) for each in none} == {(Status.NODATA, 0)}


def test_schemas_that_differ_are_an_error():
    with pytest.raises(IncompatibleProfiles):
        estimate(LENDER, live(PRICES, SOLD), PRICES, Scope(), spec=SPEC)


def test_a_refusal_is_measurements_that_say_why():
    found = by_metric(LOANS, Refusal("it rains"), loans(RANDOM, 50), spec=PerformanceSpec(metrics=("f1",)))
    assert list(found) == ["roc_auc", "observed_expected", "f1"]
    assert {(each.value, each.note) for each in found.values()} == {(None, "it rains")}


def test_a_back_test_by_hand():
    found = back_test([(1.0, 2.0, 100), (4.0, 2.0, 100), (3.0, 3.0, 50), (math.nan, 1.0, 9), (1.0, 1.0, 0)])
    assert (found.error, found.windows, found.bias) == pytest.approx((1.0, 3, 1 / 3))
    assert found.spread == pytest.approx(math.sqrt(7 / 3))  # of -1, 2 and 0 about 1/3
    assert found.rows == pytest.approx(3 / (0.01 + 0.01 + 0.02))
    assert back_test([]).windows == 0


def test_an_interval_is_at_least_what_the_back_test_shows():
    found = back_test([(0.0, 0.1, 100), (0.2, 0.1, 100), (0.0, 0.1, 100), (0.2, 0.1, 100)])
    seen = student(Z, 4) * SIGMAS * 0.1
    assert found.half_width(0.0, 100, Z) == pytest.approx(seen)
    assert math.hypot(0.2, found.half_width(0.2, 100, Z)) == pytest.approx(seen)  # sampling explains part of it
    assert found.half_width(0.5, 100, Z) == 0.0  # or all
    assert found.half_width(0.2, 50, Z) == pytest.approx(math.sqrt(seen**2 - 0.02))  # a window of half the size: sampling explained half
    assert back_test([(0, 1, 9)] * 2).half_width(0.0, 9, Z) == 0.0


def test_an_interval_holds_sampling_the_reference_and_the_back_test():
    columns = loans(np.random.default_rng(15), 4000)
    now, then = (interval(quality.recall, summary) for summary in (live(LOANS, columns).outcomes, LOANS.profile.outcomes))
    plain = by_metric(LOANS, LENDER, columns)["recall"]
    both = math.hypot((now[1] - now[0]) / 2, (then[1] - then[0]) / 2)
    assert (plain.high - plain.low) / 2 == pytest.approx(both, rel=0.05)
    tests = {"recall": back_test([(0.9, 0.88, 4000), (0.86, 0.88, 4000)] * 6)}
    tested = by_metric(LOANS, LENDER, columns, back_test=tests)["recall"]
    assert tested.value == plain.value
    assert (tested.high - tested.low) / 2 == pytest.approx(math.hypot(student(Z, 12) * SIGMAS * 0.02, (then[1] - then[0]) / 2), rel=0.05)
    assert "back-test: off by 0.02 on average over 12 matured windows" in tested.note


def test_rows_without_a_score_are_not_counted():
    columns = loans(np.random.default_rng(16), 1000)
    columns["score"] = [None, math.nan, *columns["score"][2:]]
    assert {each.n for each in by_metric(LOANS, LENDER, without_labels(columns)).values()} == {998}


def test_the_share_that_is_new():
    random = np.random.default_rng(12)
    schema = LOANS.schema
    at = schema.by_name
    columns = loans(random, 100)
    columns["odds"][:10], columns["colour"][:7] = 1e9, "green"
    now = live(LOANS, columns)
    assert novel_share(now, LOANS.profile, at["odds"]) == pytest.approx(0.10)
    assert novel_share(now, LOANS.profile, at["colour"]) == pytest.approx(0.07)
    assert novel_share(now, LOANS.profile, at["score"]) == 0.0
    assert novel_share(Profile.zero(schema), LOANS.profile, at["score"]) == 0.0
    # A reference that knows missing values knows them in any number.
    holes = {**loans(random, 1000), "colour": ["red", None] * 500}
    reference = reference_of(holes)
    assert novel_share(live(reference, {**holes, "colour": pa.nulls(1000, pa.string())}), reference.profile, at["colour"]) == 0.0
