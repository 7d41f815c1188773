"""`driftline config show|check|schema`: what a configuration says in the end, whether it is right, and its schema for editors."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show

if TYPE_CHECKING:
    from driftline.config.load import Loaded

_VALUE_CELLS = 60


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "config",
        allow_abbrev=False,
        help="check a configuration, show what it says in the end",
        description="What the configuration of a model says, and whether it is right.",
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        allow_abbrev=False,
        help="is it right?",
        description="Prints that FILE is fine, with notes on what is worth a look, or its first mistake.",
    )
    check.add_argument("--without-secrets", action="store_true", help="do not look up the secrets, which may not be here")
    display = actions.add_parser(
        "show", allow_abbrev=False, help="what it says", description="Prints what FILE says in the complete form, and where."
    )
    display.add_argument("--resolved", action="store_true", help="every value that will be used, defaults too")
    display.add_argument("--json", action="store_true", help="every value as JSON")
    for action in (check, display):
        action.add_argument("file", metavar="FILE", help="the configuration of one model")
    actions.add_parser("schema", allow_abbrev=False, help="the JSON Schema", description="Prints the JSON Schema, for editors.")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what was asked for. Raises `ConfigError` for a mistake in the file."""
    if arguments.action == "schema":
        import json

        from driftline.config.schema import json_schema

        show(json.dumps(json_schema(), indent=2))
        return 0
    from driftline.config.load import load

    if arguments.action == "check":
        loaded = load(Path(arguments.file), os.environ, secrets=not arguments.without_secrets)
        show(f"{_visible(arguments.file)}: fine (model {_visible(loaded.plan.model)}, digest {loaded.digest})")
        for note in loaded.notes:
            show(f"note: {_visible(note)}")
    else:
        loaded = load(Path(arguments.file), os.environ, secrets=False)
        show(as_json(loaded) if arguments.json else as_text(loaded, resolved=arguments.resolved))
    return 0


def as_json(loaded: Loaded) -> str:
    """Every effective value with its origin."""
    import json

    from driftline.config.values import effective

    keys = {key: {"value": value, "origin": loaded.origins[key]} for key, value in effective(loaded.plan).items()}
    return json.dumps({"file": str(loaded.path), "digest": loaded.digest, "keys": keys}, indent=2)


def as_text(loaded: Loaded, *, resolved: bool) -> str:
    """One line for each key: its value and where it comes from. Without `resolved` only what the file says, in the complete form."""
    from driftline.config.load import DEFAULT
    from driftline.config.values import effective
    from driftline.config.written import flow
    from driftline.report.text import pad, shorten, width

    rows = []
    for key, value in effective(loaded.plan).items():
        origin = loaded.origins[key]
        if resolved or origin != DEFAULT:
            shown = "-" if value is None else shorten(_visible(flow(value)), _VALUE_CELLS, "...")
            rows.append((key, shown, origin if origin == DEFAULT else _visible(origin.rpartition(":")[0])))
    keys, values = max(len(key) for key, _, _ in rows), max(width(value) for _, value, _ in rows)
    lines = [f"  {key:<{keys}}  {pad(value, values)}  {place}" for key, value, place in rows]
    return "\n".join([f"{_visible(str(loaded.path))}: digest {loaded.digest}", *lines])


def _visible(text: str) -> str:
    from driftline.report.text import visible

    return visible(text)
