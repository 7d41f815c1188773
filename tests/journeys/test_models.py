"""What the columns are for: predictions, labels, segments, times, identifiers, importance, in every task."""

import json

import numpy as np
import pyarrow as pa
import pytest

import driftline


def column(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def known(value):
    assert value is not None
    return value


def headlines(result, segment=""):
    return {q.metric: q.verdict.value for q in result.quality if q.headline and q.segment == segment}


def test_prediction_drift_and_the_rate_of_decisions(scoring):
    result = driftline.compare(scoring(4_000, 1, labels=False), scoring(2_000, 2, shift=0.8, labels=False), threshold=0.6)
    score = result["score"]
    assert (score.role, score.verdict) == ("prediction", "drifted")
    rate = next(f for f in score.findings if f.kind == "decision_rate")
    assert rate.crossed
    assert known(rate.value) > known(rate.reference) + 0.1
    assert result.quality == ()


def test_quality_that_falls_is_an_alarm_and_quality_that_holds_is_none(scoring, run, files):
    train, week = scoring(6_000, 1), scoring(3_000, 2)
    holds = driftline.compare(train, week)
    assert headlines(holds) == {"roc_auc": "stable", "observed_expected": "stable"}
    labels = week.column("label").to_pylist()
    scrambled = column(week, "label", np.random.default_rng(0).permutation(labels))
    falls = driftline.compare(train, scrambled)
    assert headlines(falls)["roc_auc"] == "drifted"
    assert (falls.verdict, falls.severity) == ("drifted", "warning")
    assert known(falls.quality[0].reference) - known(falls.quality[0].value) > 0.03
    ran = run("compare", files("train.parquet", train), files("week.parquet", scrambled))
    assert ran.code == 1
    assert "WORSE" in ran.out


def test_the_tolerated_loss_decides(scoring):
    train, week = scoring(6_000, 1), scoring(3_000, 2)
    labels = week.column("label").to_pylist()
    labels[:900] = np.random.default_rng(0).permutation(labels[:900]).tolist()
    table = column(week, "label", labels)
    assert headlines(driftline.compare(train, table, tolerated={"roc_auc": 0.005}))["roc_auc"] == "drifted"
    assert headlines(driftline.compare(train, table, tolerated={"roc_auc": 0.4}))["roc_auc"] == "stable"


@pytest.mark.parametrize("late", ["no column", "all null", "null type"])
def test_labels_that_come_late_are_noted_and_no_fault(scoring, late):
    week = scoring(2_000, 2)
    nulls = pa.nulls(2_000, pa.int64() if late == "all null" else pa.null())
    week = week.drop_columns("label") if late == "no column" else column(week, "label", nulls)
    result = driftline.compare(scoring(4_000, 1), week)
    assert (result.verdict, result.severity) == ("stable", "none")
    assert "label" not in [c.name for c in result.columns]
    assert "no labels in the current table, so quality is not judged" in result.comparison.notes


def test_a_few_labels_are_enough_to_judge_those_rows(scoring):
    week = scoring(2_000, 2)
    labels = [value if i % 2 else None for i, value in enumerate(week.column("label").to_pylist())]
    result = driftline.compare(scoring(4_000, 1), column(week, "label", labels))
    assert result.quality[0].n == 1_000
    assert (result["label"].verdict, result.severity) == ("stable", "none")
    assert any("1,000 have no label" in note for note in result.comparison.notes)


@pytest.mark.parametrize(
    ("role", "name", "words"),
    [
        ("prediction", "score", "the reference has no column 'score' to be the prediction"),
        ("label", "label", "the reference has no column 'label' to be the label, so quality is not judged"),
        ("time", "at", "the reference has no column 'at' to be the time"),
        ("segments", "channel", "the reference has no column 'channel' to be a segment"),
    ],
)
def test_a_role_that_only_the_current_table_can_fill_is_noted(scoring, role, name, words):
    week = scoring(1_000, 2).append_column("at", pa.array(["2026-01-01T00:00:00"] * 1_000))
    train = scoring(1_000, 1)
    train = train.drop_columns(name) if name in train.column_names else train
    result = driftline.compare(train, week, **{role: name})
    assert result[name].kind == "new"
    assert any(words in note for note in result.comparison.notes), result.comparison.notes


def test_a_prediction_that_is_gone_is_a_fault_and_said_to_stop_quality(scoring):
    result = driftline.compare(scoring(2_000, 1), scoring(1_000, 2).drop_columns("score"))
    assert result["score"].verdict == "faulty"
    assert "no predictions in column 'score' of the current table, so quality is not judged" in result.comparison.notes


def test_a_time_that_is_gone_is_a_fault(scoring):
    times = pa.array(np.arange(1_000) * 1_000_000_000, pa.timestamp("ns"))
    result = driftline.compare(scoring(1_000, 1).append_column("at", times), scoring(1_000, 2), time="at")
    assert result["at"].verdict == "faulty"
    assert result["at"].note == "the column is gone"


def test_times_are_told(scoring):
    times = pa.array(["2026-01-01T06:00:00+02:00", None] * 500)
    result = driftline.compare(scoring(1_000, 1).append_column("at", times), scoring(1_000, 2).append_column("at", times), time="at")
    current = result.comparison.provenance.current
    assert (current.first_time, current.last_time) == ("2026-01-01T04:00:00Z", "2026-01-01T04:00:00Z")
    assert result["at"].role == "time"


def test_what_is_guessed_is_told_and_what_is_said_is_not(scoring):
    train, week = scoring(1_000, 1), scoring(1_000, 2)
    guessed = driftline.compare(train, week).comparison.notes
    assert "'score' is taken as the prediction because of its name; say --prediction to choose" in guessed
    assert "'label' is taken as the label because of its name; say --label to choose" in guessed
    said = driftline.compare(train, week, prediction="score", label="label").comparison.notes
    assert not any("because of its name" in note for note in said)


def test_a_fault_in_one_segment_is_found_there(scoring):
    train, week = scoring(6_000, 1), scoring(4_000, 2)
    app = np.array(week.column("channel").to_pylist()) == "app"
    bureau = [
        None if is_app and i % 10 == 0 else v for i, (v, is_app) in enumerate(zip(week.column("bureau").to_pylist(), app, strict=True))
    ]
    result = driftline.compare(train, column(week, "bureau", bureau), segments=["channel"])
    found = {s.segment: s.verdict for s in result["bureau"].segments}
    assert found == {"channel=app": "faulty", "channel=web": "stable"}
    assert headlines(result, "channel=app").keys() == headlines(result).keys()


def test_a_segment_that_is_gone_and_one_that_is_new(scoring):
    week = scoring(2_000, 2)
    moved = column(week, "channel", ["kiosk" if c == "web" else c for c in week.column("channel").to_pylist()])
    result = driftline.compare(scoring(4_000, 1), moved, segments="channel")
    assert "no current rows in 1 of the reference's segments: channel=web" in result.comparison.notes
    assert result["channel"].verdict == "faulty"
    assert "kiosk" in result["channel"].note


def test_importance_ranks_and_decides_what_is_critical(scoring):
    train, bad = scoring(4_000, 1, labels=False), scoring(2_000, 3, shift=1.0, missing=0.3, labels=False)
    plain = driftline.compare(train, bad, ignore=["score"])
    assert (plain["bureau"].verdict, plain["bureau"].severity) == ("faulty", "critical")
    weighed = driftline.compare(train, bad, ignore=["score"], importance={"income": 0.9, "age": 0.1, "bureau": 0})
    assert (weighed["bureau"].verdict, weighed["bureau"].severity) == ("faulty", "warning")
    assert weighed["income"].importance == 0.9
    assert known(weighed["income"].floor) < known(plain["income"].floor)


def test_ignored_columns_are_left_out_and_listed(scoring):
    result = driftline.compare(scoring(1_000, 1), scoring(1_000, 2), ignore=["bureau", "id"])
    assert {c.name for c in result} == {"income", "age", "city", "channel", "score", "label"}
    assert [(e.name, e.reason) for e in result.comparison.excluded] == [("bureau", "ignored as asked"), ("id", "ignored as asked")]


def test_identifiers_that_repeat_are_a_fault(scoring):
    week = scoring(1_000, 2)
    doubled = column(week, "id", [value // 2 for value in week.column("id").to_pylist()])
    result = driftline.compare(scoring(2_000, 1), doubled, identifiers="id")
    assert result["id"].verdict == "faulty"
    assert "50.0 % of rows repeat an identifier" in result["id"].note


def test_numbers_may_be_judged_as_levels(scoring, run, files):
    zips = np.array([1000, 2000, 3000, 4000])
    draw = np.random.default_rng(0)
    train, week = (scoring(n, n).append_column("zip", pa.array(draw.choice(zips, n))) for n in (4_000, 2_000))
    odd = column(week, "zip", [9999 if i % 5 == 0 else v for i, v in enumerate(week.column("zip").to_pylist())])
    assert driftline.compare(train, week, kinds={"zip": "categorical"})["zip"].verdict == "stable"
    result = driftline.compare(train, odd, kinds={"zip": "categorical"})
    assert (result["zip"].kind, result["zip"].verdict) == ("categorical", "faulty")
    assert "9999" in result["zip"].note
    assert run("compare", files("t.csv", train), files("w.parquet", odd), "--kind", "zip=categorical").code == 1


def classes(rows, seed, right):
    draw = np.random.default_rng(seed)
    actual = draw.choice(["bird", "cat", "dog"], rows)
    predicted = np.where(draw.random(rows) < right, actual, draw.choice(["bird", "cat", "dog"], rows))
    scores = {f"p_{name}": np.where(predicted == name, 0.8, 0.1) for name in ("bird", "cat", "dog")}
    return pa.table({"x": draw.normal(size=rows), "predicted": predicted, "actual": actual, **scores})


def test_multiclass_with_and_without_score_columns(run, files):
    train, good, worse = classes(6_000, 1, 0.8), classes(3_000, 2, 0.8), classes(3_000, 3, 0.6)
    assert headlines(driftline.compare(train, good)) == {"accuracy": "stable", "macro_f1": "stable"}
    assert headlines(driftline.compare(train, worse)) == {"accuracy": "drifted", "macro_f1": "drifted"}
    scores = {name: f"p_{name}" for name in ("bird", "cat", "dog")}
    scored = driftline.compare(train, good, scores=scores)
    assert {"macro_roc_auc", "log_loss"} <= {q.metric for q in scored.quality}
    assert scored.comparison.task == "multiclass"
    options = [word for name, column_name in scores.items() for word in ("--score", f"{name}={column_name}")]
    document = json.loads(run("compare", files("t.parquet", train), files("g.parquet", good), *options, "--json", "-").out)
    assert document["quality"] == scored.to_dict()["quality"]


def test_regression():
    def table(rows, seed, noise):
        draw = np.random.default_rng(seed)
        x = draw.normal(size=rows)
        actual = 100 + 10 * x + draw.normal(size=rows)
        return pa.table({"x": x, "prediction": actual + noise * draw.normal(size=rows), "target": actual})

    train = table(6_000, 1, 1.0)
    assert headlines(driftline.compare(train, table(3_000, 2, 1.0))) == {"mae": "stable", "bias": "stable"}
    worse = driftline.compare(train, table(3_000, 3, 2.0))
    assert headlines(worse)["mae"] == "drifted"
    assert worse.comparison.task == "regression"


@pytest.mark.parametrize(
    ("labels", "positive", "said"),
    [
        (lambda y: y, 1, "1"),
        (lambda y: y, "1", "1"),
        (lambda y: y, 0, "0"),
        (lambda y: y.astype(bool), True, "true"),
        (lambda y: y.astype(float), 1.0, "1"),
        (lambda y: np.where(y == 1, "bad", "good"), "bad", "bad"),
        (lambda y: np.where(y == 1, "bad", "good"), np.str_("good"), "good"),
    ],
)
def test_the_positive_class_may_be_written_as_the_labels_are(scoring, labels, positive, said):
    train = scoring(1_000, 1)
    table = column(train, "label", labels(np.array(train.column("label").to_pylist())))
    result = driftline.compare(table, table, positive=positive)
    assert any(f"the positive class is '{said}' (given)" in note for note in result.comparison.notes)
    auc = next(q for q in result.quality if q.metric == "roc_auc")
    assert (known(auc.value) < 0.5) == (said in {"0", "good"})
