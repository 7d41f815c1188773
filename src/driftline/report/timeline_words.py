"""The words about a model over time that the terminal text and the page share.

headline(timeline) -> str        the state of the model in one sentence
"""

from __future__ import annotations

from driftline.core.ledger import Step
from driftline.core.records import Basis, Window
from driftline.report import figures, numbers, text
from driftline.report.episodes import Episode
from driftline.report.reading import is_judged
from driftline.report.states import Group, State
from driftline.report.timeline import Series, Timeline


def headline(timeline: Timeline) -> str:
    """The state of the model in one sentence, without its full stop. What could not be judged does not read as fine."""
    if not timeline.steps:
        return "Nothing has been evaluated yet"
    now = timeline.ongoing
    if now:
        rest = f", and {numbers.count(len(now) - 1)} more" if len(now) > 1 else ""
        return f"{_happening(now[0], timeline)}{rest}"
    unknown = [step.value for step, found in timeline.steps.items() if not is_judged(found[-1])]
    when = timeline.clock.window(timeline.windows[-1])
    if len(unknown) == len(timeline.steps):
        return f"Nothing could be judged in the latest window ({when}): there is too little data"
    but = f"; {' and '.join(unknown)} could not be judged" if unknown else ""
    missing = [step.value for step in Step if step not in timeline.steps]
    but += f"; {' and '.join(missing)} has not run" if missing else ""
    return f"Nothing is wrong in the latest window ({when}){but}"


def _happening(episode: Episode, timeline: Timeline) -> str:
    """`temp and humid have drifted since 2013-06-24`."""
    names = [text.shorten(text.visible(name), 40) for name in episode.subjects[:2]]
    left = len(episode.subjects) - len(names)
    who = f"{', '.join(names)} and {left} more" if left else " and ".join(names)
    several = len(episode.subjects) > 1
    what = {
        State.ERROR: "could not be measured",
        State.DATA: "have data problems" if several else "has a data problem",
        State.WORSE: "are worse than tolerated" if several else "is worse than tolerated",
        State.BEYOND: "are beyond their limits" if several else "is beyond its limit",
        State.DRIFT: "have drifted" if several else "has drifted",
        State.UNUSUAL: "are unusual" if several else "is unusual",
    }[episode.state]
    return f"{who} {what} since {timeline.clock.window(episode.first).split(' .. ')[0]}"


def series_name(series: Series) -> str:
    """The name of a series: `MAE matured`, `temp`, `temp PSI`, `decision rate (origin=EWR)`."""
    metric = figures.title(series.metric)
    named = f"{series.column} {metric}".removesuffix(" verdict") if series.column is not None else metric
    basis = figures.BASES[series.basis]
    where = ", ".join([*(f"{c}={level}" for c, level in series.segment), *([f"version {series.version}"] if series.version else [])])
    return f"{named}{f' {basis}' if basis else ''}{f' ({where})' if where else ''}"


def is_from_zero(series: Series) -> bool:
    """Whether the scale of a series begins at 0: counts, rates, times and distances, but not what stays near 1 or may be anything."""
    signed = ("availability", "latency_within", "error_budget_left", "mean")
    return series.group is not Group.QUALITY and not series.metric.startswith(signed)


def matured_until(timeline: Timeline) -> Window | None:
    """The last window whose quality rests on final labels."""
    found = [p.window for s in timeline.of(Group.QUALITY) if s.basis is Basis.MATURED for p in s.points if p.measurement.value is not None]
    return max(found, default=None)


def reference_text(timeline: Timeline) -> str:
    """What is compared with: its name, version, rows and when it was set; empty where nothing is known."""
    state = timeline.state
    if not state.reference:
        return ""
    parts = [f"reference {state.reference}"]
    parts += [f"version {state.reference_version}"] if state.reference_version else []
    parts += [numbers.plural(state.reference_rows, "row")] if state.reference_rows else []
    parts += [f"set {timeline.clock.moment(state.reference_made)}"] if state.reference_made else []
    parts += [f"anchor {state.anchor}"] if state.anchor else []
    return ", ".join(parts)


def feed_text(timeline: Timeline) -> str:
    """Rows that were not taken or wait: `rejected: 23 rows (no identifier 12, ...), 812 duplicates, 41 labels without a prediction yet`."""
    state = timeline.state
    total = sum(state.rejected.values())
    parts = []
    if total:
        reasons = sorted(state.rejected.items(), key=lambda item: (-item[1], item[0]))
        told = ", ".join(f"{text.shorten(text.visible(reason), 40)} {numbers.count(n)}" for reason, n in reasons if n)
        parts.append(f"rejected: {numbers.plural(total, 'row')} ({told})")
    parts += [numbers.plural(state.duplicates, "duplicate row")] if state.duplicates else []
    parts += [f"{numbers.plural(state.waiting, 'label')} without a prediction yet"] if state.waiting else []
    return "; ".join(parts)
