"""Tables for a terminal: state, name and measure in aligned columns, and the story beside or beneath, as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftline.core.verdicts import Cause
from driftline.report import text
from driftline.report.screen import Screen

COLOURS = {"DATA": "1;31", "DRIFT": "1;33", "WORSE": "1;31", "CHANGED": "1;33", "?": "36", "note": "36", "ok": "32"}
NAME_CELLS = 24
_STORY_CELLS = 40  # with less room beside its measure, a story goes beneath it
_LEAST_STORY_CELLS = 24
_LINES_OF_A_STORY = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. `brief` is the measure for tables that are short of room; a row may speak for several columns."""

    state: str
    name: str
    measure: str
    brief: str
    story: str
    cause: str = ""
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The beginnings of the rows of a table, and where their stories go: beside them, or beneath where they are longer than the `room`
    beside. `cells` is the width of the lines below the first."""

    starts: tuple[str, ...]
    room: int
    indent: int
    cells: int
    brief: bool

    @property
    def beside(self) -> bool:
        return self.room == self.cells


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one screen, laid out."""

    screen: Screen

    def holds(self, rows: Sequence[Row], room: int) -> bool:
        """Whether some layout tells every story in full in `room` lines."""
        return any(self.height(layout, rows) <= room for layout in self.layouts(rows))

    def height(self, layout: Layout, rows: Sequence[Row]) -> int:
        return sum(len(self.lines_of(row, layout)) for row in rows)

    def layouts(self, rows: Sequence[Row]) -> list[Layout]:
        """The layouts that are readable at this width, the preferred one first: beside the measures where that takes no more lines,
        and last the brief one."""
        beside, brief = self.layout(rows, beside=True, brief=False), self.layout(rows, beside=True, brief=True)
        beneath = self.layout(rows, beside=False, brief=False)
        full = [beside, beneath] if beside.cells >= _STORY_CELLS else [beneath]
        full.sort(key=lambda layout: self.height(layout, rows))
        return [*full, brief] if brief.cells >= _LEAST_STORY_CELLS else full

    def layout(self, rows: Sequence[Row], *, beside: bool, brief: bool) -> Layout:
        states = max([5, *(len(row.state) for row in rows)])
        names = [self.screen.short(row.name, min(NAME_CELLS, self.screen.width // 4)) for row in rows]
        name_cells = max(map(text.width, names), default=0)
        most = self.screen.width - (2 + states + 2 + name_cells + 2)
        measures = [self.screen.short(row.brief if brief else row.measure, most) for row in rows]
        measure_cells = max(map(text.width, measures), default=0)
        starts = tuple(
            f"  {self.screen.painted(row.state, COLOURS[row.state])}{' ' * (states - len(row.state))}  "
            f"{text.pad(name, name_cells)}  {text.pad(measure, measure_cells)}"
            for row, name, measure in zip(rows, names, measures, strict=True)
        )
        start = 2 + states + 2 + name_cells + 2 + measure_cells + 2
        indent = start if beside else 2 + states + 4
        return Layout(starts, self.screen.width - start, indent, self.screen.width - indent, brief)

    def lines_of(self, row: Row, layout: Layout, most: int = 1 + _LINES_OF_A_STORY) -> list[str]:
        """The story of a row in at most so many lines, the first of them beside the measure."""
        tag = _tag(row.cause, brief=layout.brief)
        whole = f"{row.story}  {tag}" if tag else row.story
        if text.width(whole) <= layout.room:
            return [whole.strip()]
        if layout.beside:
            return self.screen.told(row.story, tag, layout.cells, min(most, _LINES_OF_A_STORY))
        return ["", *(self.screen.told(row.story, tag, layout.cells, most - 1) if most > 1 else [])]

    def lines(self, rows: Sequence[Row], room: int | None) -> list[str]:
        """State, name and measure in aligned columns with the story beside or beneath: the first layout that tells all in `room` lines;
        where none does, each row in turn gets one more line while there is one to spare."""
        if not rows:
            return []
        layouts = self.layouts(rows)
        layout = next((one for one in layouts if room is None or self.height(one, rows) <= room), layouts[-1])
        wanted = [len(self.lines_of(row, layout)) for row in rows]
        shares = wanted if room is None else shared(wanted, room)
        lines = []
        for row, start, share in zip(rows, layout.starts, shares, strict=True):
            first, *below = self.lines_of(row, layout, share)
            lines += [f"{start}  {first}".rstrip(), *(" " * layout.indent + line for line in below)]
        return lines


def shared(wanted: Sequence[int], room: int) -> list[int]:
    """`room` lines for stories that want some each: all get one, then each in turn one more while there is one to spare."""
    shares = [1] * len(wanted)
    for _ in range(max(wanted, default=0)):
        for i, want in enumerate(wanted):
            if shares[i] < want and sum(shares) < room:
                shares[i] += 1
    return shares


def _tag(cause: str, *, brief: bool) -> str:
    """Where room is short, only the cause that asks for action at once is named."""
    if brief:
        return f"({cause}?)" if cause == Cause.PIPELINE else ""
    return cause and f"looks like: {cause}"
