"""The page model over time: what the HTML shows, decided here so that the templates only lay it out. Its size is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from driftline.core.ledger import Step
from driftline.core.records import Window
from driftline.report import figures, numbers
from driftline.report.episodes import Episode
from driftline.report.reading import Subject
from driftline.report.states import BAD, RANK, Group, State, story_of
from driftline.report.strips import strip
from driftline.report.time_axis import TimeAxis
from driftline.report.timeline import Series, Timeline
from driftline.report.timeline_figures import Charts, Figure, room_for_columns
from driftline.report.timeline_words import headline, series_name

MOST_WINDOWS = 400
MOST_EPISODES = 400
MOST_ROWS = 400
MOST_COLUMNS = 200
_STORY = 240

LOOKS = {
    **dict.fromkeys((State.ERROR, State.DATA, State.WORSE), "faulty"),
    **dict.fromkeys((State.BEYOND, State.DRIFT, State.UNUSUAL), "drifted"),
    **dict.fromkeys((State.UNKNOWN, State.NODATA), "insufficient"),
    State.OK: "stable",
    State.NONE: "new",
}
SAID = {
    State.ERROR: "Error",
    State.DATA: "Data problem",
    State.WORSE: "Worse",
    State.BEYOND: "Beyond limit",
    State.DRIFT: "Drifted",
    State.UNUSUAL: "Unusual",
    State.UNKNOWN: "Not enough data",
    State.NODATA: "No data",
    State.OK: "Fine",
    State.NONE: "Not judged",
}
_PARTS = (
    ("1", "Operations", Group.OPERATIONS, Step.PERFORMANCE),
    ("1", "Quality", Group.QUALITY, Step.PERFORMANCE),
    ("2", "Data", Group.DATA, Step.DRIFT),
    ("3", "Predictions", Group.PREDICTIONS, Step.PREDICTIONS),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One step on the strip at the top: its number, its name, its state now, a few words and the window they are of;
    `anchor` is its section."""

    number: str
    name: str
    state: State | None
    words: str
    when: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One subject on the heat strip."""

    name: str
    state: State
    bad: int
    judged: int
    drawing: Markup


@dataclass(frozen=True, slots=True)
class LatestRow:
    """One measurement of the latest window."""

    group: Group
    name: str
    state: State
    value: str
    interval: str
    limit: str
    n: int
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template is given."""

    timeline: Timeline
    headline: str
    parts: tuple[Part, ...]
    episodes: tuple[Episode, ...]
    left_out: int
    lanes: tuple[Lane, ...]
    columns: tuple[Lane, ...]
    more_columns: int
    charts: dict[str, tuple[Figure, ...]]
    latest: tuple[LatestRow, ...]
    more_latest: int
    labels: tuple[tuple[float, str], ...]
    drawn: tuple[Window, Window] | None
    axis: TimeAxis | None = None


def page_of(timeline: Timeline) -> Page:
    """The page of a timeline: all of its chronicle, and the last 400 windows drawn."""
    windows = timeline.windows[-MOST_WINDOWS:]
    axis = TimeAxis.of(windows) if windows else None
    charts: dict[str, tuple[Figure, ...]] = {}
    if axis:
        drawing = Charts(timeline, axis, frozenset(windows))
        for group in (Group.OPERATIONS, Group.QUALITY, Group.LABELS, Group.PREDICTIONS):
            charts[group.value] = tuple(drawing.of(group, room=12))
        charts[Group.DATA.value] = tuple(drawing.of(Group.DATA, room_for_columns(timeline, len(windows), sum(map(len, charts.values())))))
    columns = _columns(timeline, windows, axis) if axis else []
    rows = list(_latest(timeline))
    episodes = sorted(timeline.episodes, key=lambda e: (not e.ongoing, -e.windows))[:MOST_EPISODES]
    kept = {id(episode) for episode in episodes}
    return Page(
        timeline=timeline,
        headline=headline(timeline),
        parts=tuple(_part(timeline, *part) for part in _PARTS),
        episodes=tuple(episode for episode in timeline.episodes if id(episode) in kept),
        left_out=len(timeline.episodes) - len(episodes),
        lanes=tuple(_groups(timeline, windows, axis)) if axis else (),
        columns=tuple(columns[:MOST_COLUMNS]),
        more_columns=max(len(columns) - MOST_COLUMNS, 0),
        charts=charts,
        latest=tuple(rows[:MOST_ROWS]),
        more_latest=max(len(rows) - MOST_ROWS, 0),
        labels=tuple(axis.labels(timeline.clock, most=12)) if axis else (),
        drawn=(windows[0], windows[-1]) if windows else None,
        axis=axis,
    )


def _part(timeline: Timeline, number: str, name: str, group: Group, step: Step) -> Part:
    evaluated = timeline.steps.get(step)
    if not evaluated:
        return Part(number, name, None, "has not run", "", group.value)
    words = [word for subject, word in timeline.words[step, evaluated[-1].window].items() if subject.group is group]
    bad = sum(word in BAD for word in words)
    state = min(words, key=RANK.__getitem__, default=None) if bad or State.OK not in words else State.OK
    told = f"{numbers.count(bad)} of {numbers.count(len(words))} not fine" if bad else f"{numbers.count(len(words))} judged"
    if state is None or not (bad or State.OK in words):
        told = "nothing could be judged"
    return Part(number, name, state or State.NODATA, told, timeline.clock.window(evaluated[-1].window), group.value)


def _groups(timeline: Timeline, windows: Sequence[Window], axis: TimeAxis) -> Iterator[Lane]:
    """The worst of each part of the page over time."""
    chosen = frozenset(windows)
    names = {Group.OPERATIONS: "1 Operations", Group.QUALITY: "1 Quality", Group.LABELS: "1 Labels"}
    names |= {Group.DATA: "2 Data", Group.PREDICTIONS: "3 Predictions"}
    for group, name in names.items():
        step = Step.DRIFT if group is Group.DATA else Step.PREDICTIONS if group is Group.PREDICTIONS else Step.PERFORMANCE
        found = [(e.window, _worst(timeline.words[step, e.window], group)) for e in timeline.steps.get(step, ()) if e.window in chosen]
        states = [(window, state) for window, state in found if state is not None]
        if states:
            yield _lane(f"lane-{group.value}", name, states, axis, timeline)


def _worst(standings: Mapping[Subject, State], group: Group) -> State | None:
    words = {word for subject, word in standings.items() if subject.group is group}
    bad = words & BAD
    if bad:
        return min(bad, key=RANK.__getitem__)
    return State.OK if State.OK in words else min(words, key=RANK.__getitem__, default=None)


def _columns(timeline: Timeline, windows: Sequence[Window], axis: TimeAxis) -> list[Lane]:
    """The verdicts of each column over time: what is not fine now first, then what was in trouble most often."""
    chosen = frozenset(windows)
    named = {series.column for series in timeline.series}
    found: dict[str, list[tuple[Window, State]]] = {}
    for step in (Step.DRIFT, Step.PREDICTIONS):
        for evaluation in timeline.steps.get(step, ()):
            words = timeline.words[step, evaluation.window] if evaluation.window in chosen else {}
            for subject, word in words.items():
                if not subject.family and subject.name in named:
                    found.setdefault(subject.name, []).append((evaluation.window, word))
    lanes = [_lane(f"column-{i}", name, states, axis, timeline) for i, (name, states) in enumerate(found.items())]
    return sorted(lanes, key=lambda lane: (lane.state not in BAD, -lane.bad))


def _lane(id_: str, name: str, states: Sequence[tuple[Window, State]], axis: TimeAxis, timeline: Timeline) -> Lane:
    bad = sum(state in BAD for _, state in states)
    judged = sum(state in BAD or state is State.OK for _, state in states)
    words = f"{SAID[states[-1][1]]} on {timeline.clock.window(states[-1][0])}; not fine in {bad} of {judged} judged windows."
    return Lane(name, states[-1][1], bad, judged, strip(id_, name, words, states, axis))


def _latest(timeline: Timeline) -> Iterator[LatestRow]:
    """What the latest window of each step says: what is not fine first, then all rows, then segments, versions and other comparisons."""
    current = [s for s in timeline.series if timeline.is_current(s) and not s.is_silence]
    current.sort(key=lambda s: (s.latest.state not in BAD, not s.all_rows or bool(figures.family_of(s.metric)[0])))
    for series in current:
        yield _row(series)


def _row(series: Series) -> LatestRow:
    m = series.latest.measurement
    limit = "" if m.limit is None else figures.amount(m.metric, m.limit)
    note = m.note if len(m.note) <= _STORY else (story_of(m, named=True) or m.note)
    named = series_name(series)
    return LatestRow(
        series.group, named, series.latest.state, figures.amount(m.metric, m.value), figures.interval(m), limit, m.n, note[:_STORY]
    )
