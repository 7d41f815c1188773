"""The words for verdicts and figures that the terminal text, the report and the notebook fragment share."""

from __future__ import annotations

from driftline.core.verdicts import ColumnVerdict, Comparison, QualityVerdict, Severity, Verdict
from driftline.report import numbers

SHORT = {Verdict.FAULTY: "DATA", Verdict.DRIFTED: "DRIFT", Verdict.INSUFFICIENT: "?", Verdict.STABLE: "ok"}
FULL = {Verdict.FAULTY: "Data problem", Verdict.DRIFTED: "Drifted", Verdict.STABLE: "Stable", Verdict.INSUFFICIENT: "Not enough data"}

QUALITY_FULL = {"WORSE": "Worse", "CHANGED": "Changed", "ok": "Stable", "?": "Not enough data"}
QUALITY_LOOKS = {"WORSE": "faulty", "CHANGED": "drifted", "ok": "stable", "?": "insufficient"}
"""The verdict whose colour and icon a quality state borrows."""


def verdict_text(comparison: Comparison) -> str:
    """The counts in words: `1 DATA PROBLEM, 2 drifted, 24 stable, 1 not enough data`."""
    found = {verdict: comparison.counts.get(verdict.value, 0) for verdict in Verdict}
    changed = sum(q.headline and not q.segment and q.verdict in (Verdict.DRIFTED, Verdict.FAULTY) for q in comparison.quality)
    parts = [
        numbers.plural(found[Verdict.FAULTY], "DATA PROBLEM", "DATA PROBLEMS") if found[Verdict.FAULTY] else "",
        f"{numbers.count(found[Verdict.DRIFTED])} drifted" if found[Verdict.DRIFTED] else "",
        f"quality changed ({numbers.plural(changed, 'metric')})" if changed else "",
        f"{numbers.count(found[Verdict.STABLE])} stable" if found[Verdict.STABLE] else "",
        f"{numbers.count(found[Verdict.INSUFFICIENT])} not enough data" if found[Verdict.INSUFFICIENT] else "",
        f"{numbers.count(comparison.counts['new'])} new" if comparison.counts.get("new") else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing was compared"


def is_fine(column: ColumnVerdict) -> bool:
    """Whether there is nothing to tell about a column. A new column is stable and yet worth a line."""
    return column.verdict is Verdict.STABLE and column.severity is Severity.NONE


def short_state(column: ColumnVerdict) -> str:
    """The state of a column as one short word: `DATA`, `DRIFT`, `?`, `note`, `ok`."""
    return "note" if column.verdict is Verdict.STABLE and not is_fine(column) else SHORT[column.verdict]


def full_state(column: ColumnVerdict) -> str:
    """The state of a column as people say it: `Data problem`, `Drifted`, `New column`, `Stable`."""
    return "New column" if column.kind == "new" else FULL[column.verdict]


def look(column: ColumnVerdict) -> str:
    """The colour and icon of the state of a column."""
    return "new" if column.kind == "new" else column.verdict.value


def column_measure(column: ColumnVerdict) -> str:
    """The deciding measure with its value and limit: `PSI 0.183 (limit 0.100)`, `missing 31.2 % (limit 1.20 %)`. Where rows are too few
    for one, their number."""
    if column.value is None:
        return numbers.plural(column.n, "row") if column.verdict is Verdict.INSUFFICIENT else numbers.measure_name(column.measure)
    named = numbers.measure_name(column.measure)
    value = f"{named.removesuffix(' rate')} {numbers.amount(column.measure, column.value)}"
    return value if column.limit is None else f"{value} (limit {numbers.amount(column.measure, column.limit)})"


def quality_state(quality: QualityVerdict) -> str:
    """The state of a quality metric: `WORSE`, `CHANGED`, `?`, `ok`; worse only where the metric has a direction."""
    if quality.verdict is Verdict.INSUFFICIENT or quality.value is None:
        return "?"
    if quality.verdict is Verdict.STABLE:
        return "ok"
    if quality.reference is None or quality.better not in ("higher", "lower"):
        return "CHANGED"
    return "WORSE" if (quality.value < quality.reference) == (quality.better == "higher") else "CHANGED"


def quality_figures(quality: QualityVerdict) -> str:
    """The metric now and on the reference, each with its interval: `0.712 [0.695, 0.729] was 0.781 [0.776, 0.786]`."""
    now = _with_interval(quality.metric, quality.value, quality.low, quality.high)
    if quality.reference is None:
        return now
    return f"{now} was {_with_interval(quality.metric, quality.reference, quality.reference_low, quality.reference_high)}"


def interval(metric: str, low: float | None, high: float | None) -> str:
    """An interval in the unit of its metric: `0.695 to 0.729`; empty where it is not known."""
    return "" if low is None or high is None else f"{numbers.amount(metric, low)} to {numbers.amount(metric, high)}"


def _with_interval(metric: str, value: float | None, low: float | None, high: float | None) -> str:
    shown = numbers.amount(metric, value)
    if low is None or high is None:
        return shown
    return f"{shown} [{numbers.amount(metric, low)}, {numbers.amount(metric, high)}]"
