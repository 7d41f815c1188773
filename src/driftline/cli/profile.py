"""`driftline profile REFERENCE -o FILE`: profile a reference once, use it in place of its table ever after."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from driftline.cli.columns import add_column_options, column_settings
from driftline.cli.output import check_files, show
from driftline.cli.progress import progress_on


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "profile",
        allow_abbrev=False,
        help="profile a reference once and save it",
        description="Profiles REFERENCE and saves it. It holds counts, never rows, and takes the table's place in `compare`.",
    )
    verb.add_argument("reference", metavar="REFERENCE", help="Parquet, CSV, NDJSON or Arrow file, folder or glob")
    verb.add_argument("-o", "--output", metavar="FILE", required=True, help="where to save it; the name ends with .profile")
    verb.add_argument("--quiet", action="store_true", help="print nothing")
    add_column_options(verb)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Profiles, saves, and prints how each column is summarised and why."""
    from driftline.core.errors import UsageError

    if not arguments.output.endswith(".profile"):
        raise UsageError(f"A saved reference ends with .profile, and '{arguments.output}' does not", hint="Add the ending.")
    from driftline.api import profile_reference
    from driftline.report.schema import schema_text

    check_files([arguments.output], inputs=[arguments.reference])
    with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
        reference = profile_reference(arguments.reference, arguments.output, **column_settings(arguments), progress=progress)
    if not arguments.quiet:
        show(f"{schema_text(reference)}\nsaved: {arguments.output}")
    return 0
