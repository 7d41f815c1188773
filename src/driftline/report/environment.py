"""The templates with their filters. Every expression is escaped, and before that invisible characters are written out."""

from __future__ import annotations

import json
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from driftline.report import figures, numbers
from driftline.report.stories import story
from driftline.report.text import bound, shorten, visible
from driftline.report.words import FULL, full_state, interval, look, verdict_text

_LONGEST_NAME = 120
_LONGEST_STORY = 300


@cache
def environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("driftline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": lambda value, metric: figures.amount(metric, value),
        "amount": lambda value, measure: numbers.amount(measure, value),
        "number": numbers.number,
        "count": numbers.count,
        "plural": numbers.plural,
        "percent": numbers.percent,
        "points": numbers.points,
        "p": numbers.probability,
        "p_sign": lambda p: "< 1e-16" if p < 1e-16 else f"= {numbers.probability(p)}",
        "size": numbers.size_of,
        "measure": numbers.measure_name,
        "name": lambda name: shorten(visible(name), _LONGEST_NAME),
        "story_cut": lambda told: shorten(visible(told), _LONGEST_STORY),
        "setting": lambda value: json.dumps(value, ensure_ascii=False, default=str),
        "state": lambda verdict: FULL[verdict],
        "column_state": full_state,
        "look": look,
        "story": story,
    }
    environment.globals |= {"interval": interval, "verdict_text": verdict_text}
    return environment


def _shown(value: object) -> object:
    """What an expression in a template is written as: invisible characters made visible, markup of ours left alone."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else bound(visible(value))
