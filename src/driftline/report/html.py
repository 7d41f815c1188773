"""The comparison as HTML: one file that needs nothing else, and a fragment for notebooks.

Names and levels are written by whoever fills the tables, so everything is escaped twice over: templates escape every expression, and before
that invisible characters (control codes, bidirectional overrides) are written out. The page carries no script that runs, and its
content security policy forbids the browser to load or run anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from driftline.core.verdicts import ColumnVerdict, Comparison
from driftline.report import numbers
from driftline.report.environment import environment
from driftline.report.page import page_of
from driftline.report.stories import alike, story_beside, story_of_several
from driftline.report.text import shorten, visible
from driftline.report.words import (
    QUALITY_FULL,
    QUALITY_LOOKS,
    column_measure,
    full_state,
    look,
    quality_figures,
    quality_state,
    verdict_text,
)

FRAGMENT_ROWS = 12


def html_report(comparison: Comparison) -> str:
    """The whole report as one HTML page: no request, no script, under 2 MB for a thousand columns."""
    page = page_of(comparison)
    template = environment().get_template("report.html.j2")
    return template.render(page=page, comparison=comparison, document=json_block(page.document))


def html_fragment(comparison: Comparison) -> str:
    """The verdict for a notebook: a table of at most 12 rows, styled inline, without script, legible on light and dark paper."""
    quality = [q for q in comparison.quality if q.headline and not q.segment]
    room = FRAGMENT_ROWS - 2 - min(len(quality), 3)
    groups = list(alike(comparison.columns))
    rows = [_fragment_row(together) for together in groups[:room]]
    for q in quality[:3]:
        state = quality_state(q)
        rows.append((QUALITY_FULL[state], QUALITY_LOOKS[state], numbers.measure_name(q.metric), quality_figures(q), q.note))
    left = Counter(full_state(c).lower() for together in groups[room:] for c in together)
    more = ", ".join(f"{numbers.count(n)} {state}" for state, n in left.items())
    template = environment().get_template("fragment.html.j2")
    return template.render(comparison=comparison, verdict=verdict_text(comparison), rows=rows, more=more)


def _fragment_row(together: Sequence[ColumnVerdict]) -> tuple[str, str, str, str, str]:
    """State, look, name, measure and story of one column, or of several with too few rows."""
    first = together[0]
    if len(together) == 1:
        return full_state(first), look(first), first.name, column_measure(first), story_beside(first)
    named = ", ".join(shorten(visible(c.name), 40) for c in together[:3]) + (", …" if len(together) > 3 else "")
    return full_state(first), look(first), numbers.plural(len(together), "column"), "", f"{story_of_several(together)} ({named})"


def json_block(document: Mapping[str, Any]) -> Markup:
    """JSON that can stand inside a script element: no `<`, `>` or `&`, so nothing in it can end the element or open a comment."""
    written = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=str)
    for char in "<>&":
        written = written.replace(char, f"\\u{ord(char):04x}")
    return Markup(written)  # noqa: S704 (nothing is left in it that HTML gives a meaning)
