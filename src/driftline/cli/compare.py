"""`driftline compare REFERENCE CURRENT`: two tables in, a verdict out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.columns import add_column_options, column_settings, numbers
from driftline.cli.output import check_files, show
from driftline.cli.progress import progress_on
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.api import Result

SEVERITIES = ("info", "warning", "critical", "never")
ALARM, UNKNOWN = 1, 3


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "compare",
        allow_abbrev=False,
        help="two tables in, a verdict out",
        description="Compares CURRENT with REFERENCE: data faults, drift of inputs and predictions, and quality where labels are given.",
    )
    verb.add_argument("reference", metavar="REFERENCE", help="Parquet, CSV, NDJSON or Arrow file, folder, glob, or a saved .profile")
    verb.add_argument("current", metavar="CURRENT", help="file, folder or glob of the rows to judge")
    add_column_options(verb)
    limits = verb.add_argument_group("limits")
    limits.add_argument("--importance", metavar="COLUMN=SHARE", action="append", default=[], help="weigh a column (repeatable)")
    limits.add_argument("--tolerate", metavar="METRIC=LOSS", action="append", default=[], help="tolerated loss of a quality metric")
    limits.add_argument("--alpha", type=float, default=0.01, help="chance that an unchanged table shows drift (default 0.01)")
    limits.add_argument("--fail-on", choices=SEVERITIES, default="warning", help="exit with 1 from this severity on (default warning)")
    output = verb.add_argument_group("output")
    output.add_argument("--html", metavar="FILE", help="write the report as one HTML page")
    output.add_argument("--json", metavar="FILE", help="write the result as JSON; - prints it instead of the text")
    output.add_argument("--verbose", action="store_true", help="a line for every column")
    output.add_argument("--quiet", action="store_true", help="print nothing but what --json - asks for; the exit code tells")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares, writes what was asked for, prints, and returns the exit code."""
    settings = {
        **column_settings(arguments),
        "importance": numbers(arguments.importance, "--importance"),
        "tolerated": numbers(arguments.tolerate, "--tolerate"),
        "alpha": arguments.alpha,
    }
    from driftline.api import compare

    check_files([arguments.html, arguments.json], inputs=[arguments.reference, arguments.current])
    with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
        result = compare(arguments.reference, arguments.current, **settings, progress=progress)
    if arguments.html is not None:
        result.to_html(arguments.html)
    if arguments.json == "-":
        show(result.to_json().rstrip())
    elif arguments.json is not None:
        result.to_json(arguments.json)
    if arguments.json != "-" and not arguments.quiet:
        show(text(result, arguments))
    return exit_code(result, arguments.fail_on)


def exit_code(result: Result, fail_on: str) -> int:
    """1 from the severity on that was asked for, 3 where nothing could be judged, else 0."""
    from driftline.core.verdicts import Severity, Verdict

    if fail_on != "never" and result.severity.rank >= Severity(fail_on).rank:
        return ALARM
    return UNKNOWN if result.verdict is Verdict.INSUFFICIENT else 0


def text(result: Result, arguments: argparse.Namespace) -> str:
    """The text for this terminal: its width, its colours, its alphabet."""
    from driftline.report.terminal import terminal_text

    return terminal_text(result.comparison, **screen_settings(), verbose=arguments.verbose, next_step=next_step(arguments))


def next_step(arguments: argparse.Namespace) -> str:
    """What to type or open next."""
    if arguments.html is not None:
        return f"report: {Path(arguments.html)}"
    if arguments.json is not None:
        return f"why: driftline explain {arguments.json} COLUMN"
    return "more: --html report.html for the charts and every limit, --verbose for every column"
