"""What to do next, in the order in which it should be done, from nothing but the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftline.core.verdicts import Cause, ColumnVerdict, Comparison, Verdict
from driftline.report.numbers import measure_name, plural
from driftline.report.text import shorten, visible

_NAMED = 3


def next_steps(comparison: Comparison) -> tuple[str, ...]:
    """One to five sentences; never empty."""
    return tuple(_steps(comparison)) or ("Nothing to do: no column crossed its limit.",)


def _steps(comparison: Comparison) -> Iterator[str]:
    by_verdict = {verdict: [c for c in comparison.columns if c.verdict is verdict] for verdict in Verdict}
    faulty, drifted, unsure = by_verdict[Verdict.FAULTY], by_verdict[Verdict.DRIFTED], by_verdict[Verdict.INSUFFICIENT]
    if faulty:
        yield f"Repair the data first: {_names(faulty)}. Until then, numbers that rest on {_it(faulty)} say little about the world."
    broken = [c for c in drifted if c.cause is Cause.PIPELINE]
    if broken:
        yield f"Ask whoever fills {_names(broken)} what changed: the drift looks like a broken job and not like other customers."
    worse = [q for q in comparison.quality if q.headline and not q.segment and q.verdict is Verdict.DRIFTED]
    if worse:
        named = ", ".join(dict.fromkeys(measure_name(q.metric) for q in worse[:_NAMED]))
        after = " once the data is repaired" if faulty or broken else ""
        where = "see which segments lost most and " if any(q.segment for q in comparison.quality) else ""
        yield f"Quality changed ({named}): {where}think about retraining{after}."
    elif drifted and comparison.quality:
        yield "Quality holds on the labels at hand: watch the drift, there is no reason to retrain yet."
    elif drifted:
        yield "No labels were given, so this shows what moved and not whether it hurts: compare again with a label column later."
    if unsure:
        yield f"Wait for more rows before judging {_names(unsure)}."


def _names(columns: Sequence[ColumnVerdict]) -> str:
    named = ", ".join(f"“{shorten(visible(c.name), 40)}”" for c in columns[:_NAMED])
    left = len(columns) - _NAMED
    return named if left <= 0 else f"{named} and {plural(left, 'more column')}"


def _it(columns: Sequence[ColumnVerdict]) -> str:
    return "it" if len(columns) == 1 else "them"
