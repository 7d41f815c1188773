"""The short verdict after a command: what each step found in the windows it has just evaluated.

    evaluation_text(evaluations, *, zone="UTC", width=100, colour=False, ascii_only=False, verbose=False, next_step="") -> str
    chronicle_text(episodes, *, zone="UTC", width=100, colour=False, ascii_only=False, most=None) -> str

A window in trouble has a line with its counts and a few lines with its stories; quiet windows are summed up; where many windows are in
trouble, the chronicle speaks for them. `chronicle_text` is the time line of a year: one line for each episode, in order of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Status, Window
from driftline.report import numbers, text
from driftline.report.episodes import Episode, by_step, chronicle
from driftline.report.moments import Clock
from driftline.report.reading import Trouble, counts_of, is_judged, troubles_of
from driftline.report.screen import Screen
from driftline.report.states import RANK, State

COLOURS = {
    State.ERROR: "1;31",
    State.DATA: "1;31",
    State.WORSE: "1;31",
    State.BEYOND: "1;33",
    State.DRIFT: "1;33",
    State.UNUSUAL: "33",
    State.UNKNOWN: "36",
    State.NODATA: "36",
    State.OK: "32",
    State.NONE: "",
}
MOST_WINDOWS = 8
"""With more windows in trouble than this, a step tells episodes."""

_NAMED = 3
_STORIES = 3
_NAME_CELLS = 24
_SUBJECT_CELLS = 20
_ALWAYS = 0.8
_LEAST_STORY = 16
_WORDS = {
    State.ERROR: ("ERROR", "ERRORS"),
    State.DATA: ("DATA PROBLEM", "DATA PROBLEMS"),
    State.WORSE: ("worse", "worse"),
    State.BEYOND: ("beyond its limit", "beyond their limits"),
    State.DRIFT: ("drifted", "drifted"),
    State.UNUSUAL: ("unusual", "unusual"),
    State.UNKNOWN: ("not enough data", "not enough data"),
    State.NODATA: ("no data", "no data"),
    State.OK: ("fine", "fine"),
}


def evaluation_text(
    evaluations: Sequence[Evaluation],
    *,
    zone: str = "UTC",
    width: int = 100,
    colour: bool = False,
    ascii_only: bool = False,
    verbose: bool = False,
    next_step: str = "",
) -> str:
    """The verdicts of the evaluations, by step and in order of time, each line at most `width` cells wide; no newline at the end.

    `verbose` tells every window and every story. `next_step` is the last line, whole, so that a command in it can be copied.
    """
    page = Lines(Screen(max(width, 60), colour, ascii_only), Clock.of(zone))
    lines = [line for evaluated in by_step(evaluations).values() for line in page.step(evaluated, verbose=verbose)]
    last = [page.screen.safe(next_step)] if next_step else []
    return "\n".join([*(lines or ["nothing to evaluate: no window has changed"]), *last])


def chronicle_text(
    episodes: Sequence[Episode],
    *,
    zone: str = "UTC",
    width: int = 100,
    colour: bool = False,
    ascii_only: bool = False,
    most: int | None = None,
) -> str:
    """One line for each episode. With more than `most`, the shortest are only counted."""
    return "\n".join(Lines(Screen(max(width, 60), colour, ascii_only), Clock.of(zone)).chronicle(episodes, most))


def counted(counts: dict[State, int], named: dict[State, list[str]], *, fine: str = "fine") -> str:
    """Counts in words: `1 DATA PROBLEM (visib), 2 drifted (temp, humid), 8 stable`."""
    parts = []
    for state in sorted(counts, key=RANK.__getitem__):
        if state is State.NONE or not counts[state]:
            continue
        one, many = (fine, fine) if state is State.OK else _WORDS[state]
        names = named.get(state, [])
        listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        parts.append(numbers.plural(counts[state], one, many) + (f" ({listed})" if listed else ""))
    return ", ".join(parts) or "nothing to judge"


def _is_silent(evaluation: Evaluation) -> bool:
    return all(m.status is Status.NODATA for m in evaluation.measurements)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines about evaluations for one screen and one time zone."""

    screen: Screen
    clock: Clock

    def step(self, evaluations: Sequence[Evaluation], *, verbose: bool = False) -> Iterator[str]:
        """What one step found in its windows, which are given in order of time."""
        alike = [list(together) for _, together in groupby(evaluations, _window if verbose else _summary)]
        troubled = [found for found in alike if troubles_of(found[-1])]
        if len(troubled) > MOST_WINDOWS and not verbose:
            when = self.clock.span(evaluations[0].window, evaluations[-1].window)
            bad = sum(map(len, troubled))
            told = f"{numbers.plural(len(evaluations), 'window')}, {numbers.count(bad)} not fine"
            yield self.screen.short(f"{evaluations[0].step.value} {when}: {told}", self.screen.width)
            yield from ("  " + line for line in self._narrower(2).chronicle(chronicle(evaluations), None))
            return
        for found in alike:
            yield from self.windows(found, verbose=verbose)

    def windows(self, evaluations: Sequence[Evaluation], *, verbose: bool = False) -> Iterator[str]:
        """Consecutive windows in which one step found the same: a line of counts, then the stories of the last of them."""
        evaluation, troubles = evaluations[-1], troubles_of(evaluations[-1])
        named: dict[State, list[str]] = {}
        for trouble in troubles:
            named.setdefault(trouble.state, []).append(text.shorten(text.visible(trouble.subject.said), _NAME_CELLS))
        worst = troubles[0].state if troubles else State.OK if is_judged(evaluation) else State.UNKNOWN
        several = len(evaluations)
        if not troubles and all(map(_is_silent, evaluations)):
            told = f"no rows in {numbers.count(several)} windows" if several > 1 else "no rows"
        elif several > 1 and not troubles:
            fine = "fine" if worst is State.OK else "with too little data to judge anything"
            told = f"{numbers.plural(several, 'window')} {fine}"
        else:
            told = counted(counts_of(evaluation), named, fine="fine" if evaluation.step is Step.PERFORMANCE else "stable")
            told += f" in each of {numbers.count(several)} windows" if several > 1 else ""
        start = self.screen.safe(f"{evaluation.step.value} {self.clock.span(evaluations[0].window, evaluation.window)}: ")
        for i, line in enumerate(text.wrap(self.screen.safe(told), self.screen.width - len(start))):
            yield (" " * len(start) if i else start) + self.screen.painted(line, COLOURS[worst])
        shown = troubles if verbose else troubles[:_STORIES]
        cells = min(max((text.width(self.screen.safe(t.subject.said)) for t in shown), default=0), _NAME_CELLS)
        for trouble in shown:
            yield from self._story(trouble, cells, lines=4 if verbose else 2)
        if len(troubles) > len(shown):
            yield self.screen.safe(f"  … and {len(troubles) - len(shown)} more")

    def chronicle(self, episodes: Sequence[Episode], most: int | None) -> list[str]:
        """A line for each episode, the shortest ones left out where there are more than `most`."""
        kept = list(episodes)
        if most is not None and len(kept) > most:
            longest = sorted(kept, key=lambda e: (not e.ongoing, -e.windows, RANK[e.state]))[: max(most - 1, 1)]
            kept = [episode for episode in episodes if episode in longest]
        whens = [self._when(episode) for episode in kept]
        steps = [e.step.value for e in kept] if len({e.step for e in kept}) > 1 else [""] * len(kept)
        words = [e.state.value for e in kept]
        cells = [max(map(text.width, column), default=0) for column in (whens, steps, words)]
        most_cells = min(_SUBJECT_CELLS, max(self.screen.width - sum(cells) - _LEAST_STORY, 8))
        names = [self.screen.short(", ".join(e.subjects), most_cells) for e in kept]
        cells.append(max(map(text.width, names), default=0))
        lines = []
        for episode, row in zip(kept, zip(whens, steps, words, names, strict=True), strict=True):
            padded = [text.pad(cell, width) for cell, width in zip(row, cells, strict=True)]
            padded[2] = self.screen.painted(row[2], COLOURS[episode.state]) + padded[2][len(row[2]) :]
            room = self.screen.width - sum(width + 2 for width in cells if width)
            story = self.screen.cut(self.screen.safe(_told(episode)), room)
            lines.append("  ".join([*(cell for cell, width in zip(padded, cells, strict=True) if width), story]).rstrip())
        if len(kept) < len(episodes):
            left = len(episodes) - len(kept)
            lines.append(self.screen.safe(f"… and {numbers.plural(left, 'shorter episode')}"))
        return lines

    def _when(self, episode: Episode) -> str:
        span = self.clock.brief(episode.first, episode.last)
        return f"{span.split(' .. ')[0]} .. now" if episode.ongoing else span

    def _story(self, trouble: Trouble, cells: int, lines: int) -> list[str]:
        name = self.screen.short(trouble.subject.said, cells)
        word = self.screen.painted(trouble.state.value, COLOURS[trouble.state]) + " " * (7 - len(trouble.state))
        indent = 2 + 7 + 2 + cells + 2
        first, *more = self.screen.told(self.screen.safe(trouble.story), "", self.screen.width - indent, lines)
        return [f"  {word}  {text.pad(name, cells)}  {first}".rstrip(), *(" " * indent + line for line in more)]

    def _narrower(self, cells: int) -> Lines:
        return Lines(Screen(self.screen.width - cells, self.screen.colour, self.screen.ascii_only), self.clock)


def _window(evaluation: Evaluation) -> Window:
    return evaluation.window


def _summary(evaluation: Evaluation) -> tuple[object, ...]:
    """What makes windows alike: the same troubles, and where there are none, whether anything could be judged."""
    troubles = troubles_of(evaluation)
    return (is_judged(evaluation), *((trouble.subject, trouble.state, trouble.where[:1]) for trouble in troubles))


def _told(episode: Episode) -> str:
    """How often, where it is far from always, and the story."""
    often = "" if episode.windows > _ALWAYS * episode.of else f"{episode.windows} of {episode.of} windows: "
    return often + episode.story
