"""Pieces of SVG that are short and safe."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from driftline.report.text import visible


def pen(points: Sequence[tuple[float, float]]) -> str:
    """A path through points, relative and to a tenth of a unit, so that it is short."""
    at = [(round(10 * x), round(10 * y)) for x, y in points]
    parts = [f"M{_tenths(at[0][0])} {_tenths(at[0][1])}"]
    for (x0, y0), (x1, y1) in pairwise(at):
        down = _tenths(y1 - y0)
        parts.append(f"l{_tenths(x1 - x0)}{down if down.startswith('-') else ' ' + down}")
    return "".join(parts)


def path(name: str, drawn: str) -> str:
    """A path with its class; nothing where nothing is drawn."""
    return f'<path class="{name}" d="{drawn}"/>' if drawn else ""


def described(id_: str, title: str, description: str, parts: Sequence[str], box: str, name: str, *, stretch: bool = False) -> Markup:
    """An image with a title and a description for those who do not see it. `parts` must be safe: numbers, our own words, escaped labels."""
    fit = ' preserveAspectRatio="none"' if stretch else ""
    head = f'<svg class="{name}" viewBox="{box}"{fit} role="img" aria-labelledby="{id_}-t {id_}-d" focusable="false">'
    words = f'<title id="{id_}-t">{escape(visible(title))}</title><desc id="{id_}-d">{escape(visible(description))}</desc>'
    return Markup(f"{head}{words}{''.join(parts)}</svg>")  # noqa: S704 (as the docstring says)


def _tenths(tenths: int) -> str:
    return f"{tenths / 10:g}".replace("0.", ".", 1) if abs(tenths) < 10 else f"{tenths / 10:g}"
