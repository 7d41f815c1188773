"""The comparison as a JSON text."""

from __future__ import annotations

import json

from driftline.core.verdicts import Comparison


def to_json(comparison: Comparison) -> str:
    """The JSON document, two spaces deep, with a line end. Never NaN or Infinity, never a lone surrogate."""
    return json.dumps(comparison.to_dict(), indent=2, allow_nan=False) + "\n"
