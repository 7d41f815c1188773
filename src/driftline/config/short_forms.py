"""The small form: what may be written shorter, all in one place. A small file means exactly what the complete one means.

Besides these, a list of one may be written without its brackets: `segments: channel` is `segments: [channel]`.
"""

from __future__ import annotations

from collections.abc import Mapping

ALONE: Mapping[str, str] = {
    "owner": "team",
    "task": "type",
    "labels": "kind",
    "windows": "base",
    "storage": "store",
    "storage.rows": "keep",
    "serving.availability": "target",
    "serving.latency": "within",
}
"""Sections that may hold one value alone, and the key it stands for: `task: binary` is `task: {type: binary}`.

The conditions of rules need no entry: `when: beyond_limit` names one without settings, and `when: {above: 0.05}` gives the first setting of
one that needs no other.
"""

RENAMED: Mapping[str, str] = {"window": "windows"}
"""Other names of keys, for what reads better short: `window: 1d` is `windows: {base: 1d}`. Only one of the two may stand in a file."""

ELSEWHERE: Mapping[str, str] = {
    "window": "Write 'window: 1d', or the complete form 'windows: {base: 1d}'.",
    "notify": "It is 'alerts.notify'.",
    "sources": "It is 'columns.sources'.",
    "upstream": "It is 'depends_on'.",
    "alerts.channel": "Write 'channels', with a name for each: channels: {pager: {type: webhook, url: $PAGER_URL}}.",
    "alerts.owner": "It is 'owner', beside 'alerts'.",
    "alerts.silences": "A known event is an entry of 'alerts.muted'.",
    "alerts.rules.*.name": "The name of a rule is the key above it.",
    "alerts.rules.*.for": "It is 'hold'.",
    "alerts.rules.*.feature": "It is 'column'.",
    "alerts.rules.*.metrics": "It is 'metric', which may be a list.",
    "alerts.rules.*.columns": "It is 'column', which may be a list.",
    "alerts.rules.*.threshold": "Write 'when: {above: 0.05}' or 'when: {below: 0.9}'.",
    "alerts.rules.*.channel": "Who is told follows from the severity: see 'alerts.notify'.",
    "alerts.rules.*.notify": "Who is told follows from the severity: see 'alerts.notify'.",
    "alerts.muted.*.start": "It is 'from'.",
    "alerts.muted.*.end": "It is 'to'.",
    "retrain": "Decisions about retraining are not built yet.",
    "project": "Write it into 'description'.",
    "label": "The column is 'columns.label', and how labels come is said in 'labels'.",
    "features": "Importance is 'drift.importance', kinds of columns are 'columns.kinds', and 'columns.ignore' leaves columns out.",
    "importance": "It is 'drift.importance'.",
    "threshold": "It is 'task.threshold'.",
    "quality": "It is 'performance'.",
    "slo": "It is 'serving'.",
    "columns.features": "All columns without another role are features; 'columns.ignore' leaves columns out.",
    "columns.segments": "It is 'segments', beside 'columns'.",
    "columns.output": "It is 'columns.prediction'.",
    "columns.score": "It is 'columns.prediction'.",
    "columns.threshold": "It is 'task.threshold'.",
    "columns.positive": "It is 'task.positive'.",
    "drift.alpha": "Write 'false_alarms_per_month', from which alpha follows.",
    "predictions.alpha": "Write 'false_alarms_per_month', from which alpha follows.",
    "predictions.threshold": "It is 'task.threshold'.",
    "storage.password": "Write a URL with the name of an environment variable: postgresql://user:$PGPASSWORD@host/db.",
}
"""Keys that people are known to try, and what to write instead."""
