"""Quality of each class of a multiclass model by itself: shown beside the headlines, never judged."""

from __future__ import annotations

from driftline.core.verdicts import QualityVerdict, Severity, Verdict
from driftline.performance.agreement import by_class
from driftline.performance.intervals import wilson
from driftline.profiles.outcomes import Confusion

SHOWN = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def class_quality(current: Confusion, reference: Confusion | None) -> list[QualityVerdict]:
    """Precision, recall and F1 of every class, the first two with Wilson's 95 % interval; `label` names the class, `n` its true rows."""
    now, before = _figures(current), _figures(reference) if reference is not None else {}
    nothing = (None, None, None, 0)
    rows = []
    for (name, metric), (value, low, high, n) in now.items():
        then = before.get((name, metric), nothing)
        rows.append(
            QualityVerdict(
                metric=metric,
                verdict=Verdict.STABLE,
                severity=Severity.NONE,
                value=value,
                low=low,
                high=high,
                n=n,
                reference=then[0],
                reference_low=then[1],
                reference_high=then[2],
                reference_n=then[3],
                better="higher",
                label=name,
            )
        )
    return rows


def _figures(summary: Confusion) -> dict[tuple[str, str], tuple[float | None, float | None, float | None, int]]:
    """By class and metric: value, interval, true rows."""
    found = {}
    decided = summary.matrix.sum(axis=0).tolist()
    for k, one in enumerate(by_class(summary.matrix, summary.plan.classes)):
        for metric, value, whole in (("precision", one.precision, decided[k]), ("recall", one.recall, one.rows), ("f1", one.f1, 0)):
            low, high = wilson(value * whole, whole, SHOWN) if value is not None and whole else (None, None)
            found[one.name, metric] = (value, low, high, one.rows)
    return found
