"""`driftline explain RESULT.json COLUMN`: why a column got its verdict, from a saved result."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from driftline.cli.output import show


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "explain",
        allow_abbrev=False,
        help="why a column got its verdict",
        description="Prints all that a saved result (compare --json RESULT.json) knows of COLUMN: tests, limits and where they come from.",
    )
    verb.add_argument("result", metavar="RESULT.json", help="what `driftline compare --json` wrote")
    verb.add_argument("column", metavar="COLUMN", help="the column to explain")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reads the result and prints the column."""
    import json

    from driftline.core.errors import SourceError
    from driftline.report.explanation import explanation

    try:
        document = json.loads(Path(arguments.result).read_text("utf-8"))
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise SourceError(f"The result cannot be read: {reason}", where=arguments.result, hint="Check the path.") from None
    except (ValueError, RecursionError):
        raise SourceError(
            "The file is no JSON", where=arguments.result, hint="Give a file that 'driftline compare --json' wrote."
        ) from None
    show(explanation(document, arguments.column, where=arguments.result))
    return 0
