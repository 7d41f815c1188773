"""What texts about alerts are written on: a screen and a time zone, and the few shapes of lines that they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from driftline.alerting.records import Key
from driftline.core.verdicts import Severity
from driftline.report import numbers, text
from driftline.report.alert_words import WORDS, muted_lines
from driftline.report.moments import Clock
from driftline.report.screen import Screen

COLOURS = {"PAGE": "1;31", "TICKET": "1;33", "info": "36", "muted": "36"}
INDENT = 10
"""Cells before a story: two, the widest word of a severity, two more."""
_WORD = 6
_REASONS = 6


@dataclass(frozen=True, slots=True)
class Paper:
    """What the texts are written on. What comes from the data passes `screen.safe` before a colour is put on it, and not after."""

    screen: Screen
    clock: Clock

    @classmethod
    def of(cls, *, zone: str = "UTC", width: int = 100, colour: bool = False, ascii_only: bool = False) -> Paper:
        return cls(Screen(max(width, 60), colour, ascii_only), Clock.of(zone))

    def told(self, story: str, most: int = 3, indent: int = INDENT) -> list[str]:
        """A story on lines of its own, cut where it is too long."""
        lines = self.screen.told(self.screen.safe(story), "", self.screen.width - indent, most) if story else []
        return [" " * indent + line for line in lines]

    def word(self, severity: Severity, *, muted: bool = False) -> str:
        """The severity in a word, as wide as the widest of them."""
        word = "muted" if muted else WORDS.get(severity, str(severity))
        return self.screen.painted(word, COLOURS.get(word, "")) + " " * (_WORD - len(word))

    def headed(self, severity: Severity, name: str, end: str) -> list[str]:
        """`  PAGE    name  end`; what does not fit beside the name is a line of its own."""
        room = self.screen.width - INDENT
        whole = self.screen.safe(f"{name}  {end}".rstrip())
        first = f"  {self.word(severity)}  "
        if text.width(whole) <= room:
            return [first + whole]
        return [first + self.screen.short(name, room), *self.told(end)]

    def wrapped(self, said: str, indent: int = 2) -> list[str]:
        """A sentence on as many lines as it needs, those after the first indented."""
        lines = text.wrap(self.screen.safe(said), self.screen.width - indent)
        return [lines[0], *(" " * indent + line for line in lines[1:])] if lines else []

    def muted(self, named: Iterable[tuple[str, Key]], *, verbose: bool) -> list[str]:
        """Of whom nobody is told and why: a line for each reason, and all names where `verbose`."""
        found = muted_lines(named, all_=verbose)
        kept = found if verbose else found[:_REASONS]
        lines = ["muted: nobody is told of these"] if found else []
        for line in kept:
            lines += self.told(line, 40 if verbose else 1, 2)
        left = len(found) - len(kept)
        return [*lines, self.screen.safe(f"  … and for {numbers.plural(left, 'more reason')}: --verbose")] if left else lines

    def columns(self, rows: Sequence[Sequence[str]], most: int = 36) -> Iterable[str]:
        """Rows of a table without its head: cells of one width, the last one as it is, and no line too wide."""
        safe = [[self.screen.short(cell, most) for cell in row[:-1]] + [self.screen.safe(row[-1])] for row in rows]
        widths = [max(map(text.width, column)) for column in zip(*(row[:-1] for row in safe), strict=True)]
        for row in safe:
            cells = [text.pad(cell, wide) for cell, wide in zip(row[:-1], widths, strict=True)]
            yield self.screen.short("  " + "  ".join([*cells, row[-1]]).rstrip(), self.screen.width)
