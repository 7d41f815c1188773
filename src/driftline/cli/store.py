"""`driftline store size|tidy|erase`: what is kept, and what goes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config, with_model

if TYPE_CHECKING:
    from driftline.overtime import OpenModel


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "store", allow_abbrev=False, help="size, upkeep and deletion of what is kept", description="What is kept of a model, and what goes."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    size = actions.add_parser("size", allow_abbrev=False, help="bytes by table", description="Bytes of the store and of the row log.")
    tidy = actions.add_parser(
        "tidy",
        allow_abbrev=False,
        help="fold, compact, forget",
        description="Folds the parts of old windows, compacts the row log, and forgets what the configuration keeps no longer.",
    )
    erase = actions.add_parser(
        "erase",
        allow_abbrev=False,
        help="remove the rows of identifiers",
        description="Removes the rows of these identifiers from the row log. What was counted of them stays counted.",
    )
    erase.add_argument("ids", metavar="ID", nargs="+", help="identifiers of predictions")
    for action in (size, tidy, erase):
        add_config(action)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Does what was asked for and says how much it was."""

    def act(model: OpenModel) -> int:
        if arguments.action == "size":
            show("\n".join(f"{name:<24} {count:>15,}" for name, count in sorted(model.size().items())))
        elif arguments.action == "tidy":
            done = model.tidy()
            show(f"{done['folded_parts']:,} parts folded, {done['forgotten_rows']:,} rows forgotten")
        else:
            show(f"{model.erase(arguments.ids):,} rows removed")
        return 0

    return with_model(arguments, act)
