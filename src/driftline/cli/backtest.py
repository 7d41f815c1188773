"""`driftline backtest`: the rules of now on what was measured in the past, before anybody is told by them."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config, moment, with_model
from driftline.cli.progress import progress_on
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.overtime import OpenModel

OVER, UNKNOWN = 1, 3


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "backtest",
        allow_abbrev=False,
        help="what the rules would have told of the past",
        description="Replays the rules over the stored evaluations. It sends nothing and keeps nothing. "
        "The exit code is 1 where they would have paged more often than the budget allows.",
    )
    add_config(verb)
    verb.add_argument("--from", dest="start", metavar="TIME", help="the windows that begin from then on (default: all)")
    verb.add_argument("--to", dest="end", metavar="TIME", help="and before then")
    verb.add_argument(
        "--plant",
        nargs="+",
        default=[],
        metavar="KIND",
        help="plant drift and measure how long it takes to be told: mean, scale, nulls, unit, new_level, gradual, spike, prior_shift, all",
    )
    verb.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="C",
        help="plant it into this column (default: the most important ones)",
    )
    verb.add_argument("--json", action="store_true", help="print it as JSON instead of the text")
    verb.add_argument("--quiet", action="store_true", help="print nothing; the exit code tells")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replays, prints, and returns the exit code."""
    return with_model(arguments, lambda model: backtested(model, arguments))


def backtested(model: OpenModel, arguments: argparse.Namespace) -> int:
    """Replays the rules of an open model."""
    import json

    from driftline.alerting.defaults import rules_of
    from driftline.alerting.replay import backtest
    from driftline.core.errors import UsageError
    from driftline.engine.backtest import past_of
    from driftline.engine.plant import kinds_of, plant
    from driftline.report.backtest_text import backtest_text, to_dict

    if arguments.column and not arguments.plant:
        raise UsageError("A column is named and nothing to plant into it", where="--column", hint="Say what: --plant all.")
    zone, opened = model.loaded.plan.windows.timezone, model.model
    start, end = moment(arguments.start, "--from", zone), moment(arguments.end, "--to", zone)
    if start is not None and end is not None and end <= start:
        raise UsageError(
            f"The stretch from {start:%Y-%m-%d %H:%M} ends before it begins", where="--to", hint="Name the earlier time first."
        )
    kinds, rules = kinds_of(arguments.plant), rules_of(opened.plan.alerts)
    with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
        past = past_of(opened, rules, now=datetime.now(UTC), start=start, end=end)
        found = backtest(past.ticks, rules, past.frame, past.known)
        planted = plant(opened, rules, past, kinds, arguments.column, progress) if kinds else []
    if arguments.json:
        show(json.dumps(to_dict(found, planted), indent=2))
    elif not arguments.quiet:
        nothing = "no window has been evaluated there: there is nothing to replay; 'driftline backfill' evaluates the past"
        show(nothing if found is None else backtest_text(found, planted, zone=zone, **screen_settings()))
    if found is None:
        return UNKNOWN
    return 0 if found.may_page else OVER
