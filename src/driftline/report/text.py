"""Text from the data made safe to show: nothing invisible, nothing that moves a cursor or turns a line around, never too wide.

Column names and levels are written by whoever fills the tables, so they are treated as hostile.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from driftline.core.visible import JOINER
from driftline.core.visible import visible as visible  # noqa: PLC0414 - texts are made safe by their own page

ELLIPSIS = "…"

_UNIT = re.compile(r"(?<=\d) (?=%|pp\b|sd\b)")

_PLAIN = str.maketrans(
    {
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{PLUS-MINUS SIGN}": "+/-",
        "\N{GREATER-THAN OR EQUAL TO}": ">=",
        "\N{LESS-THAN OR EQUAL TO}": "<=",
        "\N{INFINITY}": "inf",
    }
)


def plain(text: str) -> str:
    """The text in ASCII: signs of ours by their look (`->`, `...`), everything else as its escape."""
    return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def width(text: str) -> int:
    """How many cells of a terminal the text takes: 2 for a wide East-Asian character or an emoji, 0 for a combining mark."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if char == JOINER or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, most: int, ellipsis: str = ELLIPSIS) -> str:
    """The text in at most `most` cells, its end replaced by an ellipsis where it is longer and where there is room for one."""
    if width(text) <= most:
        return text
    if width(ellipsis) > most:
        ellipsis = ""
    room, taken = most - width(ellipsis), 0
    kept = []
    for char in text:
        taken += _cells(char)
        if taken > room:
            break
        kept.append(char)
    return "".join(kept).rstrip() + ellipsis


def pad(text: str, cells: int) -> str:
    """The text filled with spaces up to `cells` cells."""
    return text + " " * (cells - width(text))


def bound(text: str) -> str:
    """The text with each number bound to its unit (`%`, `pp`, `sd`) by a non-breaking space."""
    return _UNIT.sub("\u00a0", text)


def wrap(text: str, cells: int) -> list[str]:
    """The text on lines of at most `cells` cells, broken at spaces; a word that is longer than a line is cut. A number stays with its
    unit, and a non-breaking space, written as a space, holds other words together."""
    lines: list[str] = []
    line = ""
    for word in _words(bound(text), cells):
        longer = f"{line} {word}" if line else word
        if width(longer) <= cells:
            line = longer
            continue
        lines.append(line)
        line = word
    return [full.replace("\u00a0", " ").rstrip() for full in [*lines, line] if full]


def _words(text: str, cells: int) -> Iterator[str]:
    for word in text.split(" "):
        rest = word
        while width(rest) > cells:
            end = len(shorten(rest, cells, "")) or 1
            yield rest[:end]
            rest = rest[end:]
        yield rest
