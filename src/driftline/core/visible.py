"""Text from the data made safe to show: nothing invisible, nothing that moves a cursor or turns a line around.

Column names and levels are written by whoever fills the tables, so they are treated as hostile, on a screen and in a message.
"""

from __future__ import annotations

import unicodedata

# Control, format, surrogate, private, unassigned, line and paragraph separators: shown as their code point.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
JOINER = "\u200d"
"""Holds emoji together; harmless elsewhere."""


def visible(text: str) -> str:
    """The text with every character that cannot be seen written as its escape: `\\x1b`, `\\n`, `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSEEN and char != JOINER else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return named.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
