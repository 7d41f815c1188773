"""`driftline reference set|list`: what live rows are compared with, versioned and never overwritten."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config, stretch, with_model
from driftline.cli.progress import progress_on

if TYPE_CHECKING:
    from driftline.overtime import OpenModel


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "reference", allow_abbrev=False, help="set or list references", description="What the rows of a model are compared with."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser(
        "set",
        allow_abbrev=False,
        help="set a reference",
        description="Sets a reference: the table FILE, or windows that have been. The ones before it are kept.",
    )
    new.add_argument("file", metavar="FILE", nargs="?", help="Parquet, CSV, NDJSON or Arrow file, folder or glob")
    new.add_argument("--from-windows", metavar="FROM/TO", help="the windows that begin there, in the bins of the reference they have")
    new.add_argument("--version", default="", help="the model version it is for (default: all versions)")
    new.add_argument("--anchor", action="store_true", help="set it beside the active one, against slow drift")
    new.add_argument("--author", default=None, help="who sets it (default: the user)")
    new.add_argument("--reason", required=True, help="why, in a few words")
    listed = actions.add_parser("list", allow_abbrev=False, help="list them", description="All references that were ever set.")
    for action in (new, listed):
        add_config(action)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sets or lists."""
    return with_model(arguments, lambda model: _set(model, arguments) if arguments.action == "set" else _list(model))


def _set(model: OpenModel, arguments: argparse.Namespace) -> int:
    from driftline.core.errors import UsageError
    from driftline.report.text import visible

    if not arguments.reason.strip():
        raise UsageError("A reference is set for a reason, and none is given", where="--reason", hint="Say why, in a few words.")
    zone = model.loaded.plan.windows.timezone
    with progress_on(sys.stderr, wanted=True) as progress:
        made = model.set_reference(
            arguments.file,
            windows=stretch(arguments.from_windows, "--from-windows", zone),
            version=arguments.version,
            anchor=arguments.anchor,
            author=arguments.author or _user(),
            reason=arguments.reason,
            progress=progress,
        )
    known = next(each for each in model.references() if each.stored.id == made.id)
    learned = known.learned
    taught = (
        f"{learned.windows} windows taught what is normal" if learned.baselines else f"{learned.windows} windows are too few to learn from"
    )
    show(visible(f"reference {made.id}: {made.rows:,} rows of {made.source}; {taught}"))
    return 0


def _list(model: OpenModel) -> int:
    from driftline.report.text import visible

    lines = []
    for known in model.references():
        stored = known.stored
        version = f" version {stored.version}" if stored.version else ""
        when = f"{stored.made:%Y-%m-%d %H:%M} UTC"
        lines.append(
            f"{stored.id}  {stored.role}{version}  {stored.rows:,} rows of {stored.source}  {when} by {stored.author}: {stored.reason}"
        )
    show("\n".join(map(visible, lines)) or "no reference has been set")
    return 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user, as in some containers
        return "unknown"
