"""The comparison as text for a terminal or a CI log: the verdict, then only what is not fine, on one screen.

State words carry the meaning; colour is added on top where the caller knows that the terminal shows it. Every piece of text from the data
passes `text.visible`, so no name can move the cursor or turn a line around.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from driftline.core.verdicts import Cause, ColumnVerdict, Comparison, Verdict
from driftline.report import numbers, text
from driftline.report.words import SHORT, column_measure, is_fine, quality_figures, quality_state, short_state, verdict_text

SCREEN = 25
_NAME_CELLS = 24
_STORY_CELLS = 24
_LINES_OF_A_STORY = 4
_STORY_LEFT = 6  # fewer cells of a story beside its cause tell nothing
_QUALITY_SHOWN = 5
_EXCLUDED_SHOWN = 3

_COLOURS = {"DATA": "1;31", "DRIFT": "1;33", "WORSE": "1;31", "CHANGED": "1;33", "?": "36", "note": "36", "ok": "32"}


def terminal_text(
    comparison: Comparison, *, width: int = 100, colour: bool = False, ascii_only: bool = False, verbose: bool = False, next_step: str = ""
) -> str:
    """The comparison in at most 25 lines (one or more for every column where `verbose`), each at most `width` cells wide.

    Ends without a newline. `next_step` is the last line, unshortened, so that a command in it can be copied.
    """
    page = _Page(max(width, 60), colour, ascii_only)
    head = page.heading(comparison)
    last = [page.safe(next_step)] if next_step else []
    quality = page.quality(comparison)
    if verbose:
        return "\n".join([*head, *page.columns(comparison.columns, None), *quality, *page.remarks(comparison, None, None), *last])
    shown = [c for c in comparison.columns if not is_fine(c)]
    remarks = page.remarks(comparison, notes=3, lines=2)
    room = SCREEN - len(head) - len(quality) - len(last)
    if len(page.columns(shown, None)) > room - len(remarks):
        remarks = page.remarks(comparison, notes=2, lines=1)
    return "\n".join([*head, *page.columns(shown, room - len(remarks)), *quality, *remarks, *last])


@dataclass(frozen=True, slots=True)
class _Row:
    state: str
    name: str
    measure: str
    story: str
    cause: str


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    colour: bool
    ascii_only: bool

    def safe(self, raw: str) -> str:
        seen = text.visible(raw)
        return text.plain(seen) if self.ascii_only else seen

    @property
    def ellipsis(self) -> str:
        return self.safe(text.ELLIPSIS)

    def short(self, raw: str, most: int) -> str:
        return text.shorten(self.safe(raw), most, self.ellipsis)

    def painted(self, word: str, code: str) -> str:
        return f"\x1b[{code}m{word}\x1b[0m" if self.colour and code else word

    def heading(self, comparison: Comparison) -> list[str]:
        current, reference = comparison.provenance.current, comparison.provenance.reference
        tables = (
            f"{self.short(current.name, 32)} ({numbers.count(current.rows)} rows) vs "
            f"{self.short(reference.name, 32)} ({numbers.count(reference.rows)} rows)"
        )
        verdict = f"verdict: {verdict_text(comparison)}"
        code = _COLOURS[SHORT[comparison.verdict]]
        if text.width(tables) + 5 + len(verdict) <= self.width:
            return [f"{tables}     {self.painted(verdict, code)}"]
        return [*text.wrap(tables, self.width), *(self.painted(line, code) for line in text.wrap(verdict, self.width))]

    def columns(self, columns: Sequence[ColumnVerdict], room: int | None) -> list[str]:
        """As many columns as `room` lines hold, the first ones with their full story where there are lines to spare."""
        kept = len(columns) if room is None or len(columns) <= room else max(room - 1, 1)
        lines = self.table([self.column_row(column) for column in columns[:kept]], room if kept == len(columns) else kept)
        if kept < len(columns):
            left = Counter(short_state(column) for column in columns[kept:])
            rest = ", ".join(f"{numbers.count(n)} {state}" for state, n in left.items())
            lines.append(f"  {self.ellipsis} and {numbers.count(len(columns) - kept)} more: {rest}")
        return lines

    def column_row(self, column: ColumnVerdict) -> _Row:
        cause = f"looks like: {column.cause.value}" if column.cause in (Cause.PIPELINE, Cause.POPULATION) else ""
        name = f"{self.short(column.name, _NAME_CELLS - 13)} (prediction)" if column.role == "prediction" else column.name
        return _Row(short_state(column), name, column_measure(column), self.safe(column.note), cause)

    def table(self, rows: Sequence[_Row], room: int | None) -> list[str]:
        """State, name and measure in aligned columns with the story wrapped beside them; every row has one line, and what `room` has to
        spare goes to the first rows."""
        if not rows:
            return []
        states = max(5, *(len(row.state) for row in rows))
        names = [self.short(row.name, min(_NAME_CELLS, self.width // 4)) for row in rows]
        name_cells = max(map(text.width, names))
        measures = [self.short(row.measure, self.width - (2 + states + 2 + name_cells + 2)) for row in rows]
        measure_cells = max(map(text.width, measures))
        indent = 2 + states + 2 + name_cells + 2 + measure_cells + 2
        spare = _LINES_OF_A_STORY * len(rows) if room is None else max(room - len(rows), 0)
        lines = []
        for row, name, measure in zip(rows, names, measures, strict=True):
            state = self.painted(row.state, _COLOURS[row.state]) + " " * (states - len(row.state))
            first = f"  {state}  {text.pad(name, name_cells)}  {text.pad(measure, measure_cells)}  "
            if self.width - indent >= _STORY_CELLS:
                beside, *below = self.told(row.story, row.cause, self.width - indent, min(spare + 1, _LINES_OF_A_STORY))
                lines.extend([(first + beside).rstrip(), *(" " * indent + line for line in below)])
            else:
                below = self.told(row.story, row.cause, self.width - states - 4, min(spare, _LINES_OF_A_STORY)) if spare else []
                lines.extend([first.rstrip(), *(" " * (states + 4) + line for line in below if line)])
            spare -= len(below)
        return lines

    def told(self, story: str, cause: str, cells: int, most_lines: int) -> list[str]:
        """The story wrapped and, where it is too long, cut; the cause ends the last line whole, on a line of its own if it must."""
        lines = text.wrap(story, cells) or [""]
        tail = f"  {cause}" if cause else ""
        if len(lines) <= most_lines and text.width(lines[-1] + tail) <= cells:
            return [*lines[:-1], (lines[-1] + tail).strip()]
        if len(lines) < most_lines:
            return [*lines, cause]
        if cells - len(tail) < _STORY_LEFT:
            return [*lines[: most_lines - 1], cause]
        left = " ".join(lines[most_lines - 1 :])
        return [*lines[: most_lines - 1], (text.shorten(left, cells - len(tail), self.ellipsis) + tail).strip()]

    def quality(self, comparison: Comparison) -> list[str]:
        headlines = [q for q in comparison.quality if q.headline and not q.segment][:_QUALITY_SHOWN]
        rows = [
            _Row(quality_state(q), numbers.measure_name(q.metric), quality_figures(q), self.safe(q.note), "") for q in headlines
        ]
        lines = self.table(rows, len(rows) + 1)
        others = sum(q.verdict is Verdict.DRIFTED for q in comparison.quality if q not in headlines)
        if others:
            lines.append(self.short(f"  {numbers.plural(others, 'more quality figure')} changed (other metrics or segments)", self.width))
        return lines

    def remarks(self, comparison: Comparison, notes: int | None, lines: int | None) -> list[str]:
        """The first `notes` notes and the excluded columns, in at most `lines` lines each; None for all of them."""
        shown = [line for note in comparison.notes[:notes] for line in self.remark(f"note: {note}", lines)]
        left = 0 if notes is None else len(comparison.notes) - notes
        if left > 0:
            shown.append(f"{self.ellipsis} and {numbers.plural(left, 'more note')}")
        excluded = comparison.excluded
        if excluded:
            named = excluded[: None if lines is None else _EXCLUDED_SHOWN]
            listed = ", ".join(f"{text.shorten(text.visible(e.name), _NAME_CELLS)} ({e.reason})" for e in named)
            rest = f", {text.ELLIPSIS}" if len(named) < len(excluded) else ""
            shown.extend(self.remark(f"not compared: {numbers.plural(len(excluded), 'column')}: {listed}{rest}", lines))
        return shown

    def remark(self, story: str, lines: int | None) -> list[str]:
        first, *more = self.told(self.safe(story), "", self.width - 2, len(story) if lines is None else lines)
        return [first, *("  " + line for line in more)]
