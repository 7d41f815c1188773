"""A series of values in one word: `▁▂▂▅█ ▂`. A gap is a space, a window with too few rows a question mark.

sparkline(values, *, ascii_only=False, low=None, high=None) -> str
"""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-~=+*#"
GAP, UNKNOWN = " ", "?"


def sparkline(
    values: Sequence[float | str | None], *, ascii_only: bool = False, low: float | None = None, high: float | None = None
) -> str:
    """One sign for each value, from the lowest to the highest of them unless `low` and `high` say other ends of the scale.

    None is a gap, a text is put there as it is (`?`). Infinite values stand at the ends. Equal values stand in the lower middle.
    """
    signs = ASCII if ascii_only else BLOCKS
    finite = [value for value in values if isinstance(value, (int, float)) and abs(value) != float("inf")]
    bottom = min(finite, default=0.0) if low is None else low
    top = max(finite, default=0.0) if high is None else high
    return "".join(_sign(value, signs, bottom, top) for value in values)


def _sign(value: float | str | None, signs: str, bottom: float, top: float) -> str:
    if value is None:
        return GAP
    if isinstance(value, str):
        return value
    if top / 2 <= bottom / 2:  # as below: half of the smallest number is nothing
        return signs[2] if value == bottom else signs[0 if value < bottom else -1]
    # Halves first, so that the difference of two huge numbers stays finite.
    share = (value / 2 - bottom / 2) / (top / 2 - bottom / 2) if abs(value) != float("inf") else float(value > 0)
    return signs[min(max(int(share * len(signs)), 0), len(signs) - 1)]
