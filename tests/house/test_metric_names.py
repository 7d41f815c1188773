"""Every metric that steps 1 to 3 measure of a model over time is named on the page of measurements, or on a page that it hands over to."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

DAYS = 6
START = datetime(2026, 3, 2, tzinfo=UTC)
PLAN = """
model: loans
columns: {id: id, time: at, prediction: score, label: bad, label_time: told, version: version, latency: ms, error: failed}
labels: {matures_after: 2d, void: {status: cancelled}, eligible: {channel: [app, shop]}}
storage: {store: 'memory:', lake: 'memory:'}
segments: channel
serving: {availability: 0.9, latency: 800}
windows: 1d
"""
HANDED_OVER = ("measures.md", "checks.md", "metrics.md")


def day(number: int, rows: int, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """Predictions of one day with everything that can be said of them, and labels that come within a day."""
    score, income = rng.random(rows), rng.normal(10 + 0.2 * max(number, 0), 1, rows)
    at = (
        np.datetime64(START.replace(tzinfo=None), "us")
        + rng.integers(0, 86_400, rows).astype("timedelta64[s]")
        + np.timedelta64(number, "D")
    )
    ids = [f"{number}-{i}" for i in range(rows)]
    failed = rng.random(rows) < 0.01
    predictions = pa.table(
        {
            "id": ids,
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "income": income,
            "channel": rng.choice(["app", "shop", "test"], rows),
            "score": pa.array(score, mask=failed),
            "version": rng.choice(["7", "8"], rows),
            "ms": rng.gamma(4, 50, rows) * (rng.random(rows) < 0.98),
            "failed": failed,
        }
    )
    told = pa.array(at + (rng.random(rows) * 86_400e6).astype("timedelta64[us]"), pa.timestamp("us", "UTC"))
    bad = np.where(rng.random(rows) < 0.01, 7, rng.random(rows) < score).astype(int)
    return predictions, pa.table({"id": ids, "bad": bad, "told": told, "status": rng.choice(["kept", "cancelled"], rows, p=[0.95, 0.05])})


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The metrics of a small model, without what they compare with."""
    from driftline import open_model
    from driftline.report.figures import family_of

    rng, file = np.random.default_rng(1), tmp_path_factory.mktemp("model") / "loans.yaml"
    file.write_text(PLAN, encoding="utf-8")
    past = [predictions.append_column("bad", labels["bad"]) for predictions, labels in (day(number, 150, rng) for number in range(-18, 0))]
    reference = pa.concat_tables(past)
    reference = reference.filter(pa.array(np.isin(reference["bad"].to_numpy(), [0, 1])))
    with open_model(file) as model:
        for anchor in (True, False):
            model.set_reference(reference, anchor=anchor, author="ann", reason="test", now=START)
        for number in range(DAYS):
            predictions, labels = day(number, 300, rng)
            later = START + timedelta(days=number + 2)
            model.ingest_predictions(predictions, now=later)
            model.ingest_labels(labels, now=later)
            model.ingest_labels(labels.slice(0, 5).set_column(2, "told", pa.array([later] * 5)), now=later)
        model.evaluate(as_of=START + timedelta(days=DAYS), now=START)
        return {family_of(m.metric)[1] for e in model.evaluations() for m in e.measurements}


def names(root: Path, pages: tuple[str, ...]) -> set[str]:
    return {name for page in pages for name in re.findall(r"`(\w+)`", (root / "docs" / "reference" / page).read_text(encoding="utf-8"))}


def test_the_metrics_are_on_the_page(measured: set[str], root: Path) -> None:
    assert {"requests", "burn_rate", "coverage", "roc_auc", "verdict", "accumulated", "near_threshold"} <= measured
    assert measured - names(root, ("measurements.md", *HANDED_OVER)) == set()


def test_the_page_hands_over(root: Path) -> None:
    page = (root / "docs" / "reference" / "measurements.md").read_text(encoding="utf-8")
    assert [other for other in HANDED_OVER if f"({other})" not in page] == []
