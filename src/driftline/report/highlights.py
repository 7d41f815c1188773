"""Which series of a part of the page are worth a line on one screen, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence

from driftline.core.records import Basis
from driftline.report.figures import family_of
from driftline.report.states import BAD, MONITOR, Group
from driftline.report.timeline import Series, Timeline

_ALWAYS = {
    Group.OPERATIONS: ("requests", "error_rate", "latency_p95", "error_budget_left"),
    Group.LABELS: ("coverage",),
}
_QUALITY_METRICS = 2
_BAD_COLUMNS = 3
_LATELY = 3
_PREDICTION_LINES = 3
_BASES = (Basis.MATURED, Basis.OBSERVED, Basis.SAME_AGE, Basis.ESTIMATED, Basis.PROXY)
_FINAL = (Basis.MATURED, Basis.OBSERVED)
_DETAILS = ("missing", *sorted(MONITOR))


def highlights(timeline: Timeline, group: Group, *, verbose: bool = False) -> list[Series]:
    """The series to show: few by default, where `verbose` all of all rows and whatever is on the wrong side in a segment or version."""
    series = timeline.of(group)
    if verbose:
        others = [s for s in timeline.series if s.group is group and s not in series and s.latest.state in BAD]
        return [*(in_bases(series, None) if group is Group.QUALITY else series), *others]
    if group is Group.QUALITY:
        return in_bases(series, _QUALITY_METRICS)
    if group is Group.DATA:
        bad = _by_detail([s for s in series if _bad_lately(s, timeline)])
        first = {s.column: s for s in reversed(bad)}
        return [s for s in bad if first[s.column] is s][:_BAD_COLUMNS]
    if group is Group.PREDICTIONS:
        return _by_detail(series)[:_PREDICTION_LINES]
    named = [s for metric in _ALWAYS[group] for s in series if s.metric == metric]
    return [*named, *(s for s in series if s not in named and s.latest.state in BAD)]


def in_bases(series: Sequence[Series], most: int | None) -> list[Series]:
    """The series of `most` quality metrics, or all, the bases of each together: first those that are judged by final labels, then those
    that are judged at all."""
    final = [s for s in series if s.judged and s.basis in _FINAL]
    shown = (final or [s for s in series if s.judged] or series) if most else series
    metrics = list(dict.fromkeys(s.metric for s in sorted(shown, key=lambda s: (s not in final, not s.judged, not s.bad))))
    return [s for metric in metrics[:most] for basis in _BASES for s in series if s.metric == metric and s.basis is basis]


def _by_detail(series: Sequence[Series]) -> list[Series]:
    """The verdicts, then the decisions, then what is judged or has a limit, the monitor last: the verdict has heard it."""

    def detail(s: Series) -> int:
        name = family_of(s.metric)[1]
        if name in ("verdict", "decision_rate"):
            return ("verdict", "decision_rate").index(name)
        limited = s.latest.measurement.limit is not None
        return 5 if name in _DETAILS else 2 if s.judged else 3 if limited else 4

    return sorted(series, key=detail)


def _bad_lately(series: Series, timeline: Timeline) -> bool:
    return timeline.is_current(series) and any(point.state in BAD for point in series.points[-_LATELY:])
