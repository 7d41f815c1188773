"""The comparison as text for a terminal or a CI log: the verdict, then only what is not fine, on one screen.

State words carry the meaning; colour is added on top where the caller knows that the terminal shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from driftline.core.verdicts import Cause, ColumnVerdict, Comparison, Verdict
from driftline.report import numbers, text
from driftline.report.screen import Screen
from driftline.report.stories import alike, story_beside, story_of_several
from driftline.report.table import COLOURS, NAME_CELLS, Row, Table
from driftline.report.words import SHORT, column_measure, is_fine, quality_figures, quality_state, short_state, verdict_text

SCREEN = 25
_QUALITY_SHOWN = 5
_EXCLUDED_SHOWN = 3
_NAMED_OF_SEVERAL = 3


def terminal_text(
    comparison: Comparison, *, width: int = 100, colour: bool = False, ascii_only: bool = False, verbose: bool = False, next_step: str = ""
) -> str:
    """The comparison in at most 25 lines (one or more for every column where `verbose`), each at most `width` cells wide.

    Ends without a newline. `next_step` is the last line, unshortened, so that a command in it can be copied.
    """
    page = _Page(Screen(max(width, 60), colour, ascii_only))
    head = page.heading(comparison)
    last = [page.screen.safe(next_step)] if next_step else []
    if verbose:
        everything = Table(page.screen).lines([page.column_row(column) for column in comparison.columns], None)
        return "\n".join([*head, *everything, *page.quality(comparison, 2), *page.remarks(comparison, None, None), *last])
    rows = [page.row_of(together) for together in alike([c for c in comparison.columns if not is_fine(c)])]
    quality, remarks = page.quality(comparison, 2), page.remarks(comparison, notes=3, lines=2)
    room = SCREEN - len(head) - len(last) - len(quality) - len(remarks)
    if not Table(page.screen).holds(rows, room):
        remarks = page.remarks(comparison, notes=2, lines=1)
        if len(rows) > SCREEN - len(head) - len(last) - len(quality) - len(remarks):
            quality = page.quality(comparison, 1)
        room = SCREEN - len(head) - len(last) - len(quality) - len(remarks)
    return "\n".join([*head, *page.columns(rows, room), *quality, *remarks, *last])


@dataclass(frozen=True, slots=True)
class _Page:
    screen: Screen

    def heading(self, comparison: Comparison) -> list[str]:
        current, reference = comparison.provenance.current, comparison.provenance.reference
        tables = (
            f"{self.screen.short(current.name, 32)} ({numbers.plural(current.rows, 'row')}) vs "
            f"{self.screen.short(reference.name, 32)} ({numbers.plural(reference.rows, 'row')})"
        )
        verdict = f"verdict: {verdict_text(comparison)}"
        code = COLOURS[SHORT[comparison.verdict]]
        if text.width(tables) + 5 + len(verdict) <= self.screen.width:
            return [f"{tables}     {self.screen.painted(verdict, code)}"]
        return [*text.wrap(tables, self.screen.width), *(self.screen.painted(line, code) for line in text.wrap(verdict, self.screen.width))]

    def columns(self, rows: Sequence[Row], room: int) -> list[str]:
        """As many rows as `room` lines hold, with as much of their stories as there are lines to spare."""
        kept = len(rows) if len(rows) <= room else max(room - 1, 1)
        lines = Table(self.screen).lines(rows[:kept], room if kept == len(rows) else kept)
        if kept < len(rows):
            left: Counter[str] = Counter()
            for row in rows[kept:]:
                left[row.state] += row.columns
            rest = ", ".join(f"{numbers.count(n)} {state}" for state, n in left.items())
            lines.append(f"  {self.screen.ellipsis} and {numbers.count(left.total())} more: {rest}")
        return lines

    def row_of(self, together: Sequence[ColumnVerdict]) -> Row:
        if len(together) == 1:
            return self.column_row(together[0])
        named = ", ".join(self.screen.short(column.name, NAME_CELLS) for column in together[:_NAMED_OF_SEVERAL])
        rest = f", {self.screen.ellipsis}" if len(together) > _NAMED_OF_SEVERAL else ""
        story = f"{self.screen.safe(story_of_several(together))} ({named}{rest})"
        measure = "not enough data"
        return Row(short_state(together[0]), f"{numbers.count(len(together))} columns", measure, measure, story, columns=len(together))

    def column_row(self, column: ColumnVerdict) -> Row:
        cause = column.cause.value if column.cause in (Cause.PIPELINE, Cause.POPULATION) else ""
        name = f"{self.screen.short(column.name, NAME_CELLS - 13)} (prediction)" if column.role == "prediction" else column.name
        story = self.screen.safe(story_beside(column))
        return Row(short_state(column), name, column_measure(column), column_measure(replace(column, limit=None)), story, cause)

    def quality(self, comparison: Comparison, lines: int) -> list[str]:
        """The first headline metrics, in about `lines` lines each."""
        headlines = [q for q in comparison.quality if q.headline and not q.segment][:_QUALITY_SHOWN]
        rows = [
            Row(
                quality_state(q),
                numbers.measure_name(q.metric),
                quality_figures(q),
                quality_figures(replace(q, reference_low=None)),
                self.screen.safe(q.note),
            )
            for q in headlines
        ]
        shown = Table(self.screen).lines(rows, max(lines * len(rows) if len(rows) <= 2 else 0, len(rows) + 1))
        others = sum(q.verdict is Verdict.DRIFTED for q in comparison.quality if q not in headlines)
        if others:
            shown.append(
                self.screen.short(
                    f"  {numbers.plural(others, 'more quality figure')} changed (other metrics or segments)", self.screen.width
                )
            )
        return shown

    def remarks(self, comparison: Comparison, notes: int | None, lines: int | None) -> list[str]:
        """The first `notes` notes and the excluded columns, in at most `lines` lines each; None for all of them."""
        shown = [line for note in comparison.notes[:notes] for line in self.remark(f"note: {note}", lines)]
        left = 0 if notes is None else len(comparison.notes) - notes
        if left > 0:
            shown.append(f"{self.screen.ellipsis} and {numbers.plural(left, 'more note')}")
        excluded = comparison.excluded
        if excluded:
            named = excluded[: None if lines is None else _EXCLUDED_SHOWN]
            listed = ", ".join(f"{text.shorten(text.visible(e.name), NAME_CELLS)} ({e.reason})" for e in named)
            rest = f", {text.ELLIPSIS}" if len(named) < len(excluded) else ""
            shown.extend(self.remark(f"not compared: {numbers.plural(len(excluded), 'column')}: {listed}{rest}", lines))
        return shown

    def remark(self, story: str, lines: int | None) -> list[str]:
        first, *more = self.screen.told(self.screen.safe(story), "", self.screen.width - 2, len(story) if lines is None else lines)
        return [first, *("  " + line for line in more)]
