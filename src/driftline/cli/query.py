"""`driftline query` and `driftline rejects`: measurements and rejected rows for other tools."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.output import check_files, show
from driftline.cli.overtime import add_config, several, stretch, with_model
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.overtime import OpenModel

FORMATS = ("table", "csv", "json", "jsonl", "parquet")


def add_to(verbs: Any) -> None:
    """Adds the verbs to the command line."""
    verb = verbs.add_parser(
        "query",
        allow_abbrev=False,
        help="measurements as a table, CSV, JSON or Parquet",
        description="Prints or writes measurements. All filters may be repeated; without one everything is taken.",
    )
    add_config(verb)
    verb.add_argument("--window", metavar="FROM/TO", help="the windows that begin there")
    for name, words in (
        ("metric", "only this metric"),
        ("column", "only this column"),
        ("step", "only this step"),
        ("segment", "only this segment, such as region=north; 'all' is all rows together"),
        ("basis", "only on this basis: observed, matured, same_age, estimated"),
    ):
        verb.add_argument(f"--{name}", action="append", default=[], metavar=name.upper(), help=words)
    verb.add_argument("--beyond", action="store_true", help="only what is beyond its limit")
    verb.add_argument("--every", action="store_true", help="also what has been replaced by a later evaluation")
    verb.add_argument("--format", choices=FORMATS, help="default: by the ending of the output, else table")
    verb.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: print it)")
    verb.set_defaults(run=run)
    verb = verbs.add_parser(
        "rejects", allow_abbrev=False, help="rows that were not taken, and why", description="Prints the last rows that were not taken."
    )
    add_config(verb)
    verb.add_argument("--last", metavar="N", type=several, default=20, help="how many (default 20)")
    verb.add_argument("--json", action="store_true", help="print them as JSON")
    verb.set_defaults(run=rejects)


def run(arguments: argparse.Namespace) -> int:
    """Prints or writes the measurements."""
    kind = format_of(arguments)

    def act(model: OpenModel) -> int:
        from driftline.report.measurements import csv_text, json_lines, json_text, rows_of, table_text

        zone = model.loaded.plan.windows.timezone
        start, end = stretch(arguments.window, "--window", zone) or (None, None)
        rows = rows_of(model.evaluations(start=start, end=end, every=arguments.every), choice(arguments))
        if kind == "parquet":
            from driftline.engine.query import write_parquet

            write_parquet(Path(arguments.output), rows)
            return 0
        if kind == "table":
            settings = screen_settings()
            text = table_text(rows, zone=zone, width=settings["width"], ascii_only=settings["ascii_only"])
        else:
            text = {"csv": csv_text, "json": json_text, "jsonl": json_lines}[kind](rows)
        put(text, arguments.output)
        return 0

    check_files([arguments.output], inputs=[arguments.config])
    return with_model(arguments, act)


def format_of(arguments: argparse.Namespace) -> str:
    """The format that is asked for, or that the name of the output says. Raises `UsageError`."""
    from driftline.core.errors import UsageError

    ending = Path(arguments.output).suffix.lstrip(".") if arguments.output else ""
    found = arguments.format or {"ndjson": "jsonl", "txt": "table"}.get(ending, ending if ending in FORMATS else "table")
    if found == "parquet" and not arguments.output:
        raise UsageError("Parquet is not for a terminal", where="--format", hint="Name a file with -o.")
    return str(found)


def choice(arguments: argparse.Namespace) -> Any:
    """The filters as one record. Raises `UnknownName` for a step or basis that does not exist."""
    from driftline.core.errors import UnknownName
    from driftline.core.ledger import Step
    from driftline.core.records import Basis
    from driftline.report.measurements import Choice

    for noun, names, kind in (("step", arguments.step, Step), ("basis", arguments.basis, Basis)):
        known = [str(member) for member in kind]
        for name in names:
            if name not in known:
                raise UnknownName(noun, name, known, where=f"--{noun}")
    return Choice(
        metrics=tuple(arguments.metric),
        columns=tuple(arguments.column),
        steps=tuple(Step(name) for name in arguments.step),
        segments=tuple(arguments.segment),
        basis=tuple(Basis(name) for name in arguments.basis),
        beyond=True if arguments.beyond else None,
    )


def put(text: str, output: str | None) -> None:
    """Prints, or writes."""
    if output is None:
        if sys.stdout.isatty():  # names and levels are anybody's text, and a terminal obeys what it is sent
            text = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
        show(text.rstrip("\n"))
        return
    from driftline.engine.files import write_text

    write_text(Path(output), text if text.endswith("\n") else f"{text}\n")


def rejects(arguments: argparse.Namespace) -> int:
    """Prints rejected rows, the latest first."""
    import json
    from dataclasses import asdict

    from driftline.report.text import visible

    def act(model: OpenModel) -> int:
        found = model.rejects(arguments.last)
        if arguments.json:
            show(json.dumps([asdict(each) for each in found], indent=2))
        else:
            lines = [f"{each.source}, row {each.row:,}: {each.reason} in column '{each.column}': {each.value!r}" for each in found]
            show("\n".join(map(visible, lines)) or "no row has been rejected")
        return 0

    return with_model(arguments, act)
