"""What every key of a configuration file means, with an example: the text of error messages, of the JSON Schema and of a drafted file.

`docs/reference/configuration.md` says the same at length; tests hold all three to the specs.
"""

from __future__ import annotations

from collections.abc import Mapping

from driftline.config.meanings_of_alerts import ALERTS

MEANINGS: Mapping[str, tuple[str, str]] = {
    "version": ("version of this format of configuration files", "version: 1"),
    "model": ("name of the model, under which everything about it is kept", "model: credit-default"),
    "description": ("what the model decides, in a line", "description: Default within 45 days"),
    "owner": ("who is responsible; one text alone is the team", "owner: credit-ml"),
    "owner.team": ("team that is responsible", "owner: {team: credit-ml}"),
    "owner.email": ("address that people write to", "owner: {email: credit-ml@example.com}"),
    "task": ("what the model does; one word alone is its type", "task: binary"),
    "task.type": ("kind of task; recognised from the columns where left out", "task: {type: binary}"),
    "task.threshold": ("score from which a binary model decides", "task: {threshold: 0.62}"),
    "task.positive": ("positive class of a binary label", "task: {positive: 1}"),
    "task.scores": ("probability column of each class of a multiclass model", "task: {scores: {cat: p_cat, dog: p_dog}}"),
    "data": ("where rows are found when a command names no files", "data: {predictions: lake/predictions/*.parquet}"),
    "data.predictions": ("files, folders or globs of predictions", "data: {predictions: lake/predictions/*.parquet}"),
    "data.labels": ("files, folders or globs of labels", "data: {labels: lake/labels/*.parquet}"),
    "data.reference": ("table that windows are compared with, such as the training rows", "data: {reference: train.parquet}"),
    "columns": ("which columns hold what", "columns: {id: application_id, time: scored_at}"),
    "columns.id": ("identifier of a prediction, which joins its label", "columns: {id: application_id}"),
    "columns.time": ("when the prediction was made", "columns: {time: scored_at}"),
    "columns.prediction": ("output of the model: a score, a class or a number", "columns: {prediction: score}"),
    "columns.label": ("true outcome, among the labels", "columns: {label: defaulted}"),
    "columns.label_id": ("identifier among the labels, where it has another name there", "columns: {label_id: loan_id}"),
    "columns.label_time": ("when a label became known", "columns: {label_time: default_at}"),
    "columns.version": ("version of the model that made the prediction", "columns: {version: model_version}"),
    "columns.latency": ("milliseconds that the request took", "columns: {latency: latency_ms}"),
    "columns.error": ("true where the request failed and there is no prediction", "columns: {error: failed}"),
    "columns.ignore": ("columns that are left out", "columns: {ignore: [employer_name]}"),
    "columns.identifiers": (
        "further identifiers: their duplicates are counted, not their distribution",
        "columns: {identifiers: [user_id]}",
    ),
    "columns.kinds": ("how columns are summarised, where the guess is wrong", "columns: {kinds: {zip: categorical}}"),
    "columns.sources": (
        "columns that come from one upstream source; what breaks them together is told once",
        "columns: {sources: {bureau_api: [bureau_score, inquiries]}}",
    ),
    "labels": ("how labels come; one word alone is their kind", "labels: {kind: event, negative_after: 45d}"),
    "labels.kind": (
        "outcome: every eligible prediction gets a label; event: only positives are told; none: there are no labels",
        "labels: {kind: event, negative_after: 45d}",
    ),
    "labels.matures_after": ("age from which the labels of a window are final", "labels: {matures_after: 48d}"),
    "labels.negative_after": (
        "age from which silence is a negative; for labels of kind event",
        "labels: {kind: event, negative_after: 45d}",
    ),
    "labels.eligible": (
        "columns of the predictions and the values with which a row can get a label",
        "labels: {eligible: {decision: approved}}",
    ),
    "labels.void": ("columns of the labels and the values that say there will never be one", "labels: {void: {status: cancelled}}"),
    "labels.expected_coverage": ("share of eligible rows with a label once they are mature", "labels: {expected_coverage: 0.98}"),
    "labels.max_orphans": ("share of labels without a prediction that is tolerated", "labels: {max_orphans: 0.001}"),
    "segments": ("columns whose levels are also judged by themselves", "segments: [channel, region]"),
    "depends_on": (
        "other models of the same store, each with the columns that it produces for this one",
        "depends_on: {income-estimator: [income_estimate]}",
    ),
    "windows": ("how time is cut; one duration alone is the base", "windows: {base: 1d, timezone: Europe/Lisbon}"),
    "windows.base": ("length of a window: a part of a day, or whole days", "windows: {base: 1h}"),
    "windows.timezone": ("time zone whose midnight a day begins at", "windows: {timezone: Europe/Lisbon}"),
    "windows.widen_to": ("how far windows are joined backwards where one has too few rows", "windows: {widen_to: 14d}"),
    "windows.future": ("how far ahead of the clock an event may be", "windows: {future: 10m}"),
    "storage": ("where things are kept, and how long; one text alone is the store", "storage: {store: driftline.db}"),
    "storage.store": (
        "SQLite file or PostgreSQL URL of the store of windows",
        "storage: {store: 'postgresql://user:$PGPASSWORD@host/db'}",
    ),
    "storage.lake": ("folder of the log of rows", "storage: {lake: driftline.lake}"),
    "storage.rows": ("what is kept of the features of single rows; one word alone is 'keep'", "storage: {rows: sample}"),
    "storage.rows.keep": ("none; a sample, picked by the hash of the identifier; or all", "storage: {rows: {keep: sample}}"),
    "storage.rows.sample": ("share of the rows in a sample", "storage: {rows: {keep: sample, sample: 0.05}}"),
    "storage.rows.for": ("how long features of single rows are kept", "storage: {rows: {keep: all, for: 30d}}"),
    "storage.predictions_for": ("how long identifiers, outputs and labels of single rows are kept", "storage: {predictions_for: 400d}"),
    "storage.fold_after": ("age from which the parts of a window become one", "storage: {fold_after: 7d}"),
    "serving": ("step 1, operations: traffic, errors and latency", "serving: {availability: 0.995, latency: 800}"),
    "serving.availability": ("objective for requests that do not fail; one number alone is the target", "serving: {availability: 0.995}"),
    "serving.availability.target": ("share of requests that must not fail", "serving: {availability: {target: 0.995}}"),
    "serving.availability.window": ("span over which the share is held", "serving: {availability: {window: 28d}}"),
    "serving.latency": ("objective for the time of answers; one number alone is 'within'", "serving: {latency: 800}"),
    "serving.latency.within": ("milliseconds within which a request must be answered", "serving: {latency: {within: 800}}"),
    "serving.latency.target": ("share of requests that must be answered in time", "serving: {latency: {within: 800, target: 0.99}}"),
    "serving.latency.window": ("span over which the share is held", "serving: {latency: {within: 800, window: 28d}}"),
    "serving.absent_p": ("how improbable a quiet window must be to count as absence of traffic", "serving: {absent_p: 0.000001}"),
    "performance": ("step 1, quality: what is shown and what is tolerated", "performance: {tolerated: {roc_auc: 0.02}}"),
    "performance.metrics": ("quality metrics to show; all that fit the task where left out", "performance: {metrics: [roc_auc, log_loss]}"),
    "performance.headline": ("quality metrics that may raise an alarm; two per task where left out", "performance: {headline: [roc_auc]}"),
    "performance.tolerated": ("loss of a metric that is acceptable, in its unit", "performance: {tolerated: {roc_auc: 0.02}}"),
    "performance.tolerated_share": (
        "loss of a metric that is acceptable, as a share of the reference's value",
        "performance: {tolerated_share: {mae: 0.10}}",
    ),
    "performance.alpha": ("chance that a window is called worse although it is not", "performance: {alpha: 0.01}"),
    "performance.least_rows": ("labelled rows below which nothing is said", "performance: {least_rows: 30}"),
    "drift": ("step 2: drift of the inputs", "drift: {importance: {income: 0.3}}"),
    "drift.importance": ("share of importance of columns; they rank by it, and their floor follows", "drift: {importance: {income: 0.3}}"),
    "drift.least_rows": ("rows below which a column is not judged of which only missing values are known", "drift: {least_rows: 30}"),
    "drift.false_alarms_per_month": (
        "windows a month that may be called drifted although nothing has changed; a quarter of the false tickets where left out",
        "drift: {false_alarms_per_month: 1}",
    ),
    "predictions": ("step 3: drift of the output", "predictions: {near_threshold: 0.05}"),
    "predictions.near_threshold": ("half the width of the band of scores around the threshold", "predictions: {near_threshold: 0.05}"),
    "predictions.false_alarms_per_month": (
        "windows a month that may be called drifted although nothing has changed; a quarter of the false tickets where left out",
        "predictions: {false_alarms_per_month: 1}",
    ),
    **ALERTS,
}
"""Dotted keys in the order of the file: what each means, and a line that uses it."""


def meaning(key: str) -> str:
    """What a key means; nothing for one that is not described yet."""
    return MEANINGS.get(key, ("", ""))[0]


def example(key: str) -> str:
    """A line that uses a key."""
    return MEANINGS.get(key, ("", ""))[1]
