"""What the terminal can show: its width, its colours, its alphabet."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any


def screen_settings() -> dict[str, Any]:
    """The settings that every text of the report takes."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return {
        "width": max(60, min(shutil.get_terminal_size((100, 24)).columns, 140)),
        "colour": sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb",
        "ascii_only": not encoding.startswith("utf"),
    }
