"""What to do next, in the order in which it should be done, from nothing but the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftline.core.verdicts import Cause, ColumnVerdict, Comparison, QualityVerdict, Verdict
from driftline.report.numbers import measure_name, plural
from driftline.report.text import shorten, visible

MOST = 4
_NAMED = 3
_LEVEL_ONLY = frozenset({"observed_expected", "bias"})
"""Metrics that a new calibration can repair."""


def next_steps(comparison: Comparison) -> tuple[str, ...]:
    """One to four sentences, one action each, the most urgent first."""
    return tuple(_steps(comparison))[:MOST] or ("Nothing to do: no column crossed its limit.",)


def _steps(comparison: Comparison) -> Iterator[str]:
    by_verdict = {verdict: [c for c in comparison.columns if c.verdict is verdict] for verdict in Verdict}
    faulty, drifted, unsure = by_verdict[Verdict.FAULTY], by_verdict[Verdict.DRIFTED], by_verdict[Verdict.INSUFFICIENT]
    broken = [c for c in drifted if c.cause is Cause.PIPELINE]
    moved = [c for c in drifted if c.cause is not Cause.PIPELINE]
    if faulty:
        yield f"Repair the data first: {_names(faulty)}. Until then, numbers that rest on {_it(faulty)} say little about the world."
    if broken:
        yield f"Ask whoever fills {_names(broken)} what changed: the drift looks like a broken job and not like a change of the world."
    yield from _about_quality(comparison, moved, suspect=[*faulty, *broken])
    if unsure:
        yield f"Wait for more rows before judging {_names(unsure)}."


def _about_quality(comparison: Comparison, moved: Sequence[ColumnVerdict], suspect: Sequence[ColumnVerdict]) -> Iterator[str]:
    """What quality asks for where it was lost; where it was not, drift alone is a reason to look and none to retrain."""
    judged = [q for q in comparison.quality if q.headline and not q.segment]
    worse = [q for q in judged if q.verdict is Verdict.DRIFTED]
    if worse:
        yield _about_loss(comparison, worse, moved, suspect)
    elif moved and not comparison.quality:
        yield f"Look at what moved in {_names(moved)}. Whether it hurts is not known without labels: compare again with them later."
    elif moved and any(q.verdict is Verdict.INSUFFICIENT for q in judged):
        yield f"Look at what moved in {_names(moved)}. Whether it hurts is not known yet: the labels at hand are too few."
    elif moved:
        yield f"Look at what moved in {_names(moved)}. Quality holds on the labels at hand, so there is no reason to retrain yet."


def _about_loss(
    comparison: Comparison, worse: Sequence[QualityVerdict], moved: Sequence[ColumnVerdict], suspect: Sequence[ColumnVerdict]
) -> str:
    metrics = list(dict.fromkeys(q.metric for q in worse))
    lost = f"Quality changed ({', '.join(map(measure_name, metrics[:_NAMED]))})"
    if any(c.verdict is Verdict.FAULTY for c in suspect):
        return f"{lost}: judge it again once the data is repaired, and think about retraining only if the loss stays."
    segments = list(dict.fromkeys(q.segment for q in comparison.quality if q.segment and q.verdict is Verdict.DRIFTED))
    everywhere = len(segments) == len({q.segment for q in comparison.quality if q.segment})
    if segments and everywhere:
        where = "every segment lost, so no single one is to blame"
    else:
        where = f"look at {_listed(segments, 'more segment')} first" if segments else "look at which rows lost most first"
    cure = "recalibrating may be enough, else retrain" if _LEVEL_ONLY.issuperset(metrics) else "then think about retraining"
    because = f" on rows as they are now ({_names(moved)} moved)" if moved else " on newer labels"
    return f"{lost}: {where}; {cure}{because}."


def _names(columns: Sequence[ColumnVerdict]) -> str:
    return _listed([c.name for c in columns], "more column")


def _listed(names: Sequence[str], more: str) -> str:
    named = ", ".join(f"“{shorten(visible(name), 40)}”" for name in names[:_NAMED])
    left = len(names) - _NAMED
    return named if left <= 0 else f"{named} and {plural(left, more)}"


def _it(columns: Sequence[ColumnVerdict]) -> str:
    return "it" if len(columns) == 1 else "them"
