"""`driftline show` and `driftline report`: the state of a model over its last windows, on the terminal and as a page."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from driftline.cli.output import check_files, show
from driftline.cli.overtime import add_as_of, add_config, moment, several, stretch, with_model
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.overtime import OpenModel
    from driftline.report.timeline import Timeline

LAST = 60


def add_to(verbs: Any) -> None:
    """Adds the verbs to the command line."""
    verb = verbs.add_parser(
        "show",
        allow_abbrev=False,
        help="the state of a model over its last windows",
        description="Shows the state of a model: what is not fine first, then every important measurement over the last windows.",
    )
    _add_common(verb)
    verb.add_argument("--verbose", action="store_true", help="every measurement and every episode")
    verb.set_defaults(run=run)
    verb = verbs.add_parser(
        "report",
        allow_abbrev=False,
        help="the same as one HTML page",
        description="Writes the report of a model over time as one HTML page that needs no network.",
    )
    _add_common(verb)
    verb.add_argument("--html", metavar="FILE", default="driftline-report.html", help="where to write it (default driftline-report.html)")
    verb.set_defaults(run=report)


def _add_common(verb: Any) -> None:
    add_config(verb)
    verb.add_argument("--last", metavar="N", type=several, default=None, help=f"the last N windows (show: {LAST}, report: all)")
    verb.add_argument("--window", metavar="FROM/TO", help="the windows that begin there")
    add_as_of(verb)


def run(arguments: argparse.Namespace) -> int:
    """Prints the state."""
    from driftline.report.timeline_text import timeline_text

    def act(model: OpenModel) -> int:
        last = LAST if arguments.last is None and arguments.window is None else arguments.last
        next_step = f"more: driftline report -c {arguments.config}"
        show(timeline_text(timeline(model, arguments, last), **screen_settings(), verbose=arguments.verbose, next_step=next_step))
        return 0

    return with_model(arguments, act)


def report(arguments: argparse.Namespace) -> int:
    """Writes the page."""
    from pathlib import Path

    from driftline.engine.files import write_text
    from driftline.report.timeline_html import timeline_html

    def act(model: OpenModel) -> int:
        check_files([arguments.html], inputs=[arguments.config])
        write_text(Path(arguments.html), timeline_html(timeline(model, arguments, arguments.last)))
        show(f"report: {arguments.html}")
        return 0

    return with_model(arguments, act)


def timeline(model: OpenModel, arguments: argparse.Namespace, last: int | None) -> Timeline:
    """The evaluations that were asked for, as one page."""
    from driftline.core.ledger import Step
    from driftline.report.timeline import timeline_of

    zone = model.loaded.plan.windows.timezone
    as_of = moment(arguments.as_of, "--as-of", zone)
    start, end = stretch(arguments.window, "--window", zone) or (None, None)
    if last is not None and start is None:
        start = first_of(model, last)
    evaluations = model.evaluations(start=start, end=end, every=as_of is not None)
    if as_of is not None:
        counting = {(e.step, e.window): e for e in evaluations if e.as_of <= as_of}
        evaluations = sorted(counting.values(), key=lambda e: (e.window, list(Step).index(e.step)))
    return timeline_of(evaluations, model.state(as_of))


def first_of(model: OpenModel, last: int) -> datetime | None:
    """Where the last N windows with rows begin; None for more than there can be."""
    windows = [touched.window for touched in model.store.windows(model.name)]
    try:
        return windows[-1].start - (windows[-1].end - windows[-1].start) * (last - 1) - timedelta(hours=2) if windows else None
    except OverflowError:
        return None
