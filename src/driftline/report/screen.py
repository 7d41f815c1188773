"""The screen that a text is written for: its width, its colours, its alphabet.

Every piece of text from the data passes `Screen.safe`, so no name can move the cursor or turn a line around.
"""

from __future__ import annotations

from dataclasses import dataclass

from driftline.report import text

_STORY_LEFT = 6  # fewer cells of a story beside its end tell nothing


@dataclass(frozen=True, slots=True)
class Screen:
    """A terminal or a log, `width` cells wide."""

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

    def told(self, story: str, end: str, cells: int, most_lines: int) -> list[str]:
        """The story wrapped and, where it is too long, cut; `end` ends the last line whole, on a line of its own if it must."""
        lines = text.wrap(story, cells) or [""]
        tail = f"  {end}" if end else ""
        if len(lines) <= most_lines and text.width(lines[-1] + tail) <= cells:
            return [*lines[:-1], (lines[-1] + tail).strip()]
        if len(lines) < most_lines:
            return [*lines, end]
        if cells - len(tail) < _STORY_LEFT:
            return [*lines[: most_lines - 1], end]
        left = " ".join(lines[most_lines - 1 :])
        return [*lines[: most_lines - 1], (self.cut(left, cells - len(tail)) + tail).strip()]

    def cut(self, story: str, cells: int) -> str:
        """The beginning of a story, up to a whole word where that loses little."""
        cut = text.shorten(story, cells, self.ellipsis)
        whole, _, part = cut.rpartition(" ")
        return whole.rstrip(" (,;:") + self.ellipsis if cut != story and whole and text.width(part) <= _STORY_LEFT * 2 else cut
