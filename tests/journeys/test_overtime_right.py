"""The numbers of a window are those that scikit-learn and NumPy find on the same rows, joined by hand."""

from datetime import timedelta

import numpy as np
import pytest
from sklearn import metrics

from driftline.core.ledger import Step
from driftline.core.records import ALL_ROWS, Basis, Status
from driftline.engine.cohorts import cohorts
from driftline.performance.intervals import roc_auc_bound
from driftline.performance.maturity import matured
from small_models import CLASSES, HOUR, START, Label, Row, deliver, evaluate_all, found, model, plan, predictions

DAYS, EACH = 3, 400
DONE = START + timedelta(days=12)


def world(kind):
    """Some hundred rows a day; of outcomes nine in ten get a label, some of them two; of events only some positives are told."""
    draw = np.random.default_rng(4)
    rows = [Row(f"i{day}-{k}", 24 * (day + k / EACH), version="v1") for day in range(DAYS) for k in range(EACH)]
    told = [row for row in rows if draw.random() < (0.3 if kind == "event" else 0.9)]
    labels = [Label(row.id, row.hour + draw.integers(1, 90), 1 if kind == "event" else int(draw.integers(0, 6))) for row in told]
    again = [] if kind == "event" else [Label(each.id, each.hour + 1, int(draw.integers(0, 6))) for each in labels[::7]]
    void = [Label(row.id, row.hour + 95, None) for row in rows[::50]]
    return rows, [*labels, *again, *void]


def joined(rows, labels, task, kind):
    """The rows of each UTC day that have an outcome: their cells, and the value of the latest label."""
    cells = {cell["id"]: cell for cell in predictions(rows, task).to_pylist()}
    latest = {label.id: label.value for label in sorted(labels, key=lambda label: label.hour)}
    days: dict = {}
    for row in rows:
        cell, value = cells[row.id], latest.get(row.id, 0 if kind == "event" else None)
        if value is not None and not cell["failed"]:
            days.setdefault(row.time.date(), []).append((cell, value))
    return days


def judged(made, step=Step.PERFORMANCE):
    """What was measured of all rows of each window alone, by day and metric."""
    told: dict = {}
    for (own, window), measurements in found(made).items():
        for m in measurements:
            plain = m.scope.segment == ALL_ROWS and not m.scope.version and m.scope.window == window
            if own is step and plain and m.basis in (Basis.MATURED, Basis.OBSERVED):
                told.setdefault(window.start.date(), {})[m.metric] = m
    return told


def ready(task, kind):
    """The measurements, the joined rows and the outcomes of each day."""
    alone = {"base": "1d", "widen_to": "1d"}  # each window by itself, however few its rows
    made, (rows, labels) = model(plan(task, kind, windows=alone)), world(kind)
    for i in range(0, len(labels), 500):
        deliver(made, labels[i : i + 500])
    for i in range(0, len(rows), 333):
        deliver(made, rows[i : i + 333])
    evaluate_all(made, as_of=DONE, start=START, end=START + timedelta(days=DAYS))
    found, _ = cohorts(made, START, START + timedelta(days=DAYS), as_of=DONE, through=made.store.sequence("small"))
    summaries = {window.start.date(): matured(found[window]["v1"], window, DONE, made.plan.labels) for window in found}
    return judged(made), joined(rows, labels, task, kind), summaries


@pytest.mark.parametrize("kind", ["outcome", "event"])
def test_binary_quality(kind):
    told, days, summaries = ready("binary", kind)
    assert len(told) == len(days) == DAYS
    for day, lot in days.items():
        own, score, truth = told[day], np.array([cell["out"] for cell, _ in lot]), np.array([value % 2 for _, value in lot])
        decided = score >= 0.5
        expected = {
            "accuracy": metrics.accuracy_score(truth, decided),
            "precision": metrics.precision_score(truth, decided),
            "recall": metrics.recall_score(truth, decided),
            "f1": metrics.f1_score(truth, decided),
            "brier": metrics.brier_score_loss(truth, score),
            "log_loss": metrics.log_loss(truth, score),
        }
        for name in expected.keys() & own.keys():
            assert own[name].value == pytest.approx(expected[name], abs=1e-9), name
            assert own[name].n == len(lot)
        assert {"brier", "log_loss"} <= own.keys()
        bound = roc_auc_bound(summaries[day])
        assert 0 < bound < 0.02
        assert abs(own["roc_auc"].value - metrics.roc_auc_score(truth, score)) <= bound


def test_multiclass_quality():
    told, days, _ = ready("multiclass", "outcome")
    for day, lot in days.items():
        own = told[day]
        truth, said = [CLASSES[value % 3] for _, value in lot], [cell["out"] for cell, _ in lot]
        shares = np.array([[cell[f"p_{name}"] for name in CLASSES] for cell, _ in lot])
        expected = {
            "accuracy": metrics.accuracy_score(truth, said),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
            "macro_f1": metrics.f1_score(truth, said, average="macro"),
            "f1_macro": metrics.f1_score(truth, said, average="macro"),
            "log_loss": metrics.log_loss(truth, shares, labels=list(CLASSES)),
        }
        checked = expected.keys() & own.keys()
        assert len(checked) >= 2, sorted(own)
        for name in checked:
            assert own[name].value == pytest.approx(expected[name], abs=1e-9), name


def test_regression_quality():
    told, days, _ = ready("regression", "outcome")
    for day, lot in days.items():
        own, said, truth = told[day], np.array([cell["out"] for cell, _ in lot]), np.array([90.0 + value for _, value in lot])
        expected = {
            "mae": metrics.mean_absolute_error(truth, said),
            "rmse": metrics.mean_squared_error(truth, said) ** 0.5,
            "r2": metrics.r2_score(truth, said),
            "bias": float(np.mean(said - truth)),
            "mean_error": float(np.mean(said - truth)),
        }
        checked = expected.keys() & own.keys()
        assert len(checked) >= 3, sorted(own)
        for name in checked:
            assert own[name].value == pytest.approx(expected[name], rel=1e-9), name


def test_operations():
    """Requests and error rate are exact, quantiles of the latency within one per cent."""
    made, (rows, _) = model(plan(zone="UTC")), world("outcome")
    for i in range(0, len(rows), 250):
        deliver(made, rows[i : i + 250])
    evaluate_all(made, as_of=DONE, start=START, end=START + timedelta(days=DAYS))
    cells = predictions(rows).to_pylist()
    for day, own in judged(made).items():
        lot = [cell for cell in cells if cell["time"].date() == day]
        assert own["requests"].value == len(lot) == EACH
        assert own["error_rate"].value == sum(cell["failed"] for cell in lot) / len(lot)
        for name, share in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
            exact = np.quantile([cell["ms"] for cell in lot], share, method="inverted_cdf")
            assert own[name].value == pytest.approx(exact, rel=0.01), name


def test_coverage_and_lags():
    """Labels known, of the rows that expect one; and how old they were."""
    rows = [Row(f"i{k}", k / 10) for k in range(200)]
    kept = [row for row in rows if not predictions([row])["failed"][0].as_py()]
    labels = [Label(row.id, row.hour + 5 + k % 7, k) for k, row in enumerate(kept) if k % 10]
    made = model(plan(zone="UTC"))
    deliver(made, rows)
    deliver(made, labels)
    evaluate_all(made, as_of=DONE, start=START, end=START + HOUR)
    own = judged(made)[START.date()]
    assert own["coverage"].value == pytest.approx(len(labels) / len(kept))
    assert own["observability"].value == pytest.approx(len(kept) / len(rows))
    lags = [3600 * (label.hour - float(label.id[1:]) / 10) for label in labels]
    assert own["label_lag_p50"].value == pytest.approx(np.quantile(lags, 0.5, method="inverted_cdf"), rel=0.01)
    assert own["coverage"].status is Status.OK
