"""Can an estimate without labels be trusted? Estimated beside realised quality on synthetic models whose labels come later.

    python benchmarks/trust/estimation.py --quick          # car loans and car prices, a few seconds
    python benchmarks/trust/estimation.py                  # and credit cards (three classes) and census data
    python benchmarks/trust/estimation.py --wheel PATH     # without the network

The data sets are those that the package nannyml carries; its wheel is read as an archive, nothing in it is imported. Beside the estimate
stand the reference's value and an estimate row by row: CBPE by scikit-learn (calibrated score of every row) for classes, boosted trees on
all columns for the loss of a regression. Both know the rows; ours knows their profile.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from driftline.core.records import Measurement, Scope
from driftline.engine.reference import make_reference
from driftline.engine.spec import CompareSpec
from driftline.performance.estimation import BackTests, Estimator, Refusal, back_test, estimate, expected_values, learn_estimator, realised
from driftline.performance.intervals import interval
from driftline.performance.step import METRICS, PerformanceSpec
from driftline.profiles.cells import sample_losses
from driftline.profiles.gather import profile
from driftline.profiles.profile import Profile
from driftline.sources.open import open_source

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "nannyml"
FOLDER = "nannyml/datasets/data/"
SPEC = PerformanceSpec()
LATE, MATURED = 2, 12
"""Chunks until the labels of a chunk are there and it joins the back-test, and how many chunks that has."""
Given = Mapping[str, float]
Known = tuple[Given, Given, int]
"""Of a chunk: what was expected, what came true, and on how many labelled rows."""


@dataclass(frozen=True)
class Case:
    """One model: its files, its columns, how long a chunk is and which metrics are shown."""

    name: str
    reference: str
    live: str
    labels: str
    prediction: str
    label: str
    metrics: tuple[str, ...]
    rows: int = 5000
    without: tuple[str, ...] = ("id",)
    scores: Mapping[str, str] = field(default_factory=dict)


CLASSES = ("prepaid_card", "highstreet_card", "upmarket_card")
CASES = (
    Case(
        "car loans: two classes",
        "synthetic_car_loan_reference.csv",
        "synthetic_car_loan_analysis.csv",
        "synthetic_car_loan_analysis_target.csv",
        "y_pred_proba",
        "repaid",
        ("roc_auc", "average_precision", "accuracy", "f1", "brier", "positive_share"),
        without=("id", "y_pred"),
    ),
    Case(
        "car prices: a regression",
        "regression_synthetic_reference.csv",
        "regression_synthetic_analysis.csv",
        "regression_synthetic_analysis_targets.csv",
        "y_pred",
        "y_true",
        ("mae", "rmse"),
    ),
    Case(
        "credit cards: three classes",
        "mc_reference.csv",
        "mc_analysis.csv",
        "mc_analysis_gt.csv",
        "y_pred",
        "y_true",
        ("accuracy",),
        scores={name: f"y_pred_proba_{name}" for name in CLASSES},
    ),
    Case(
        "census, employment: two classes",
        "employment_MA_reference.pq",
        "employment_MA_analysis.pq",
        "employment_MA_analysis_target.pq",
        "predicted_probability",
        "employed",
        ("roc_auc", "average_precision", "accuracy", "f1", "brier", "positive_share"),
        without=("id", "prediction"),
    ),
)


def wheel(given: Path | None) -> Path:
    """The archive with the data: the one given, the one fetched before, or a new one."""
    found = given or next(iter(sorted(CACHE.glob("nannyml-*.whl"))), None)
    if found is None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(CACHE), "nannyml"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        found = next(iter(sorted(CACHE.glob("nannyml-*.whl"))), None)
        if done.returncode or found is None:
            sys.exit(
                "The data sets could not be fetched with 'pip download --no-deps nannyml'; fetch the wheel yourself and say --wheel PATH."
            )
    if not zipfile.is_zipfile(found):
        sys.exit(f"{found} is no wheel; say --wheel PATH with that of nannyml.")
    return found


def read(archive: zipfile.ZipFile, name: str) -> pa.Table:
    data = io.BytesIO(archive.read(FOLDER + name))
    return pa.parquet.read_table(data) if name.endswith(".pq") else pa.csv.read_csv(data)


def tables(archive: zipfile.ZipFile, case: Case) -> tuple[pa.Table, pa.Table]:
    """The reference, and the live rows with the labels that came later."""
    before, after, labels = (read(archive, name) for name in (case.reference, case.live, case.labels))
    kind = before.schema.field(case.label).type
    after = after.append_column(case.label, labels.column(case.label).cast(kind))
    kept = [name for name in before.column_names if name not in case.without and name in after.column_names]
    return before.select(kept), after.select(kept)


def row_by_row(case: Case, before: pa.Table) -> Callable[[pa.Table], Given]:
    """An estimate that knows every row, learned on the reference."""
    if case.metrics[0] == "mae":
        return _trees(case, before)
    label = _numbers(before, case.label) if not case.scores else None
    model = IsotonicRegression(out_of_bounds="clip")
    if case.scores:
        right = np.array(before.column(case.prediction).to_pylist()) == np.array(before.column(case.label).to_pylist())
        model.fit(_surest(case, before), right)
        return lambda rows: {"accuracy": float(model.predict(_surest(case, rows)).mean())}
    model.fit(_numbers(before, case.prediction), label)
    return lambda rows: _cbpe(_numbers(rows, case.prediction), model.predict(_numbers(rows, case.prediction)))


def _cbpe(score: np.ndarray, p: np.ndarray) -> Given:
    truth, twice, weight = np.repeat([1, 0], len(score)), np.tile(score, 2), np.concatenate([p, 1 - p])
    decided = score >= 0.5
    hit = p[decided].sum()
    return {
        "roc_auc": roc_auc_score(truth, twice, sample_weight=weight),
        "average_precision": average_precision_score(truth, twice, sample_weight=weight),
        "accuracy": float(np.where(decided, p, 1 - p).mean()),
        "f1": float(2 * hit / (decided.sum() + p.sum())),
        "brier": float((p * (1 - score) ** 2 + (1 - p) * score**2).mean()),
        "positive_share": float(p.mean()),
    }


def _trees(case: Case, before: pa.Table) -> Callable[[pa.Table], Given]:
    names = [name for name in before.column_names if name not in (case.label, "timestamp")]
    levels = {n: sorted(set(before.column(n).to_pylist())) for n in names if pa.types.is_string(before.schema.field(n).type)}

    def features(rows: pa.Table) -> np.ndarray:
        return np.stack([_codes(rows, n, levels[n]) if n in levels else _numbers(rows, n) for n in names], axis=1)

    error = np.abs(_numbers(before, case.prediction) - _numbers(before, case.label))
    models = [HistGradientBoostingRegressor(random_state=0).fit(features(before), loss) for loss in (error, error**2)]

    def ask(rows: pa.Table) -> Given:
        mean, square = (float(model.predict(features(rows)).mean()) for model in models)
        return {"mae": mean, "rmse": max(square, 0.0) ** 0.5}

    return ask


def _numbers(rows: pa.Table, name: str) -> np.ndarray:
    return np.array(rows.column(name).to_pylist(), float)


def _codes(rows: pa.Table, name: str, levels: Sequence[str]) -> np.ndarray:
    return np.searchsorted(levels, rows.column(name).to_pylist()).astype(float)


def _surest(case: Case, rows: pa.Table) -> np.ndarray:
    return np.max([_numbers(rows, column) for column in case.scores.values()], axis=0)


@dataclass
class Score:
    """What is known of one metric over the chunks."""

    ours: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)


def run(archive: zipfile.ZipFile, case: Case) -> None:
    before, after = tables(archive, case)
    spec = CompareSpec(prediction=case.prediction, label=case.label, time="timestamp", scores=case.scores)
    spec = spec if "timestamp" in before.column_names else spec.but(time=None)
    reference = make_reference(open_source(before, name="reference"), spec, spec.columns())
    started = time.perf_counter()
    sample = None if case.metrics[0] == "roc_auc" else sample_losses(before.to_batches(), reference.schema)
    estimator = learn_estimator(reference, sample)
    learned = time.perf_counter() - started
    print(f"\n## {case.name}\n\n{len(before):,} reference rows, {len(after):,} live rows; learned in {learned:.2f} s")
    if isinstance(estimator, Refusal):
        print(f"refused: {estimator.reason}")
        return
    by_row, usual = row_by_row(case, before), realised(reference.profile.outcomes)
    scores = {metric: Score() for metric in case.metrics}
    print("\n| rows | metric | estimated | realised | error | reference | row by row |\n|--:|---|---|---|--:|--:|--:|")
    spent, known = 0.0, list[Known]()
    for start in range(0, len(after) - case.rows + 1, case.rows):
        rows = after.slice(start, case.rows)
        now = profile(rows.to_batches(), reference.schema)
        tests = tested(known[-MATURED - LATE : -LATE])
        known.append((expected_values(estimator, now, reference, SPEC), realised(now.outcomes), now.outcomes.rows))
        started = time.perf_counter()
        found = {m.metric: m for m in estimate(estimator, now, reference, Scope(), back_test=tests, spec=SPEC)}
        spent = time.perf_counter() - started
        given = by_row(rows)
        anyway = _anyway(estimator, now) if found[case.metrics[0]].value is None else {}
        for metric in case.metrics:
            line = _line(found[metric], now, usual[metric], given[metric], anyway.get(metric), scores[metric])
            if metric == case.metrics[0]:
                print(f"| {start + case.rows:,} | {line}")
    reasons = {m.note for m in found.values() if m.value is None}
    for reason in reasons:
        print(f"\nrefused at last: {reason}")
    _print_means(scores, spent)


def tested(known: Sequence[Known]) -> BackTests:
    """The back-test by metric of chunks whose labels are there."""
    metrics = {metric for expected, came, _ in known for metric in expected.keys() & came.keys()}
    return {m: back_test([(expected[m], came[m], n) for expected, came, n in known if m in expected and m in came]) for m in metrics}


def _anyway(estimator: Estimator, now: Profile) -> Given:
    """What a refused loss model would have said."""
    values = {name: max(model.mean(now.schema, now.counts), 0.0) for name, model in estimator.losses.items()}
    return {name: value**0.5 if name == "rmse" else 1 - value if name == "accuracy" else value for name, value in values.items()}


def _line(m: Measurement, now: Profile, usual: float, given: float, anyway: float | None, score: Score) -> str:
    truth = realised(now.outcomes)[m.metric]
    score.reference.append(usual - truth)
    score.rows.append(given - truth)
    ends = interval(METRICS[m.metric], now.outcomes) if m.metric in METRICS else None
    came = f"{truth:.4g}" + (f" [{ends[0]:.4g}, {ends[1]:.4g}]" if ends else "")
    if m.value is None:
        if anyway is not None:
            score.refused.append(anyway - truth)
        words = "refused" + (f" ({anyway:.4g})" if anyway is not None else "")
        return f"{m.metric} | {words} | {came} | | {usual:.4g} | {given:.4g} |"
    score.ours.append(m.value - truth)
    score.inside.append(m.low <= truth <= m.high)
    alarm = " beyond" if m.beyond else ""
    return f"{m.metric} | {m.value:.4g} [{m.low:.4g}, {m.high:.4g}]{alarm} | {came} | {m.value - truth:+.2g} | {usual:.4g} | {given:.4g} |"


def _print_means(scores: Mapping[str, Score], spent: float) -> None:
    print("\nMean absolute error over all chunks; `refused`: what a refused model would have been off by, as if it had answered\n")
    print(
        "| metric | estimated | given for | inside its interval | refused | reference value | row by row |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for metric, score in scores.items():
        mean = lambda errors: f"{np.abs(errors).mean():.2g}" if errors else "-"  # noqa: E731 - said once
        share = f"{np.mean(score.inside):.0%}" if score.inside else "-"
        chunks = f"{len(score.ours)} of {len(score.reference)}"
        print(
            f"| {metric} | {mean(score.ours)} | {chunks} | {share} | {mean(score.refused)} | {mean(score.reference)} | {mean(score.rows)} |"
        )
    print(f"\n{1000 * spent:.1f} ms per chunk for all metrics, from its profile")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the first two models only")
    parser.add_argument("--wheel", type=Path, help="the wheel of nannyml, where it is at hand")
    said = parser.parse_args()
    started = time.perf_counter()
    with zipfile.ZipFile(wheel(said.wheel)) as archive:
        for case in CASES[:2] if said.quick else CASES:
            run(archive, case)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
