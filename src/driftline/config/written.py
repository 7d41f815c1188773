"""Values as YAML that every reader takes for what they are: plain where that is safe, in double quotes with escapes where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from driftline.config.nodes import NULLS, ODD_NUMBER, TRAPS, is_number

_PLAIN = re.compile(r"(\.{0,2}/|[A-Za-z_$])[\w./$*@+-]*( [\w./$*@+-]+)*", re.ASCII)
_DURATION = re.compile(r"[0-9]{1,6}[smhdw]")
LONGEST_KEY = 128
"""YAML takes no key of more than 1,024 characters before a colon; ours are written out long before that."""


def text(value: str) -> str:
    """A text as one line of YAML that is read as the same text."""
    odd = value.casefold() in TRAPS | NULLS | {"true", "false"} or is_number(value) or ODD_NUMBER.fullmatch(value)
    if _DURATION.fullmatch(value) or (_PLAIN.fullmatch(value) and not odd):
        return value
    return f'"{"".join(_escaped(char) for char in value)}"'


def flow(value: Any) -> str:
    """A plain value (text, number, flag, list, mapping) on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(name))}: {flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return text(value) if isinstance(value, str) else json.dumps(value)


def remark(words: str, most: int = 110) -> str:
    """Words as they can stand in a comment: on one line, without signs that a terminal would act on, cut where they are long."""
    safe = "".join(char if char.isprintable() else _escaped(char) for char in words)
    return safe if len(safe) <= most else f"{safe[: most - 3]}..."


def _key(name: str) -> str:
    """A key; `? ` before a long one, which YAML otherwise does not see to be a key."""
    return text(name) if len(name) <= LONGEST_KEY else f"? {text(name)} "


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
