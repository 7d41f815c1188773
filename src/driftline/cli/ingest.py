"""`driftline ingest predictions|labels [FILES...]`: rows into the store, each exactly once."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config, moment, with_model
from driftline.cli.progress import progress_on

if TYPE_CHECKING:
    from driftline.engine.ingest import Ingested
    from driftline.overtime import OpenModel

KINDS = ("predictions", "labels")


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "ingest",
        allow_abbrev=False,
        help="take predictions or labels",
        description="Takes the rows of FILES, or of the files that the configuration names. The same rows again change nothing.",
    )
    verb.add_argument("kind", choices=KINDS, help="what the rows are")
    verb.add_argument("files", metavar="FILES", nargs="*", help="Parquet, CSV, NDJSON or Arrow files, folders or globs")
    add_config(verb)
    verb.add_argument("--arrived", metavar="TIME", help="when the rows arrived (default: now)")
    verb.add_argument("--json", action="store_true", help="print the counts as JSON")
    verb.add_argument("--quiet", action="store_true", help="print nothing")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ingests and says what came of each file."""
    return with_model(arguments, lambda model: take(model, arguments))


def take(model: OpenModel, arguments: argparse.Namespace) -> int:
    """Ingests into an open model."""
    from driftline.core.errors import UsageError
    from driftline.core.ledger import RowKind

    named = getattr(model.loaded.plan.data, arguments.kind)
    if not arguments.files and not named:
        raise UsageError(
            f"No files of {arguments.kind} are named",
            where=arguments.config,
            hint=f"Give them here, or name them as data.{arguments.kind}.",
        )
    model.ensure_reference()
    arrived = moment(arguments.arrived, "--arrived", model.loaded.plan.windows.timezone)
    with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
        done = model.ingest_files(RowKind(arguments.kind), arguments.files, now=arrived, progress=progress)
    if arguments.json:
        show(json.dumps([as_dict(each) for each in done], indent=2))
    elif not arguments.quiet:
        show("\n".join(line(each) for each in done))
    return 0


def as_dict(done: Ingested) -> dict[str, Any]:
    """What came of one file, as numbers."""
    counts: dict[str, int] = {}
    for delivery in done.deliveries:
        for name, count in delivery.counts.items():
            counts[name] = counts.get(name, 0) + count
    return {
        "source": done.source,
        "kind": done.kind.value,
        "passed_over": done.whole_again,
        "rows": total(done, "rows") + done.again,
        "accepted": total(done, "accepted"),
        "duplicates": total(done, "duplicates") + done.again,
        "contradictions": total(done, "contradictions"),
        "rejected": total(done, "rejected"),
        **counts,
    }


def line(done: Ingested) -> str:
    """`week.parquet: 970 of 1,000 predictions taken, 28 had come before, 2 rejected (no identifier 2)`."""
    from driftline.report.text import visible

    if done.whole_again:
        return f"{visible(done.source)}: taken before, not read again"
    if not done.deliveries and not done.again:
        return f"{visible(done.source)}: no {done.kind.value} in it yet"
    counts = as_dict(done)
    parts = [f"{counts['accepted']:,} of {counts['rows']:,} {done.kind.value} taken"]
    if counts["duplicates"]:
        parts.append(f"{counts['duplicates']:,} had come before")
    if counts["contradictions"]:
        what = "dropped" if done.kind.value == "predictions" else "kept"
        parts.append(f"{counts['contradictions']:,} contradict what came before ({what})")
    if counts["rejected"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in done.reasons.most_common())
        parts.append(f"{counts['rejected']:,} rejected ({reasons})")
    if counts.get("unknown_version"):
        parts.append(f"{counts['unknown_version']:,} of a version without a reference")
    if counts.get("corrected"):
        parts.append(f"{counts['corrected']:,} correct a label that was known")
    if counts.get("waiting"):
        parts.append(f"{counts['waiting']:,} wait for their prediction")
    return f"{visible(done.source)}: {', '.join(parts)}"


def total(done: Ingested, name: str) -> int:
    """The sum over the deliveries of a file."""
    deliveries: Sequence[Any] = done.deliveries
    return sum(getattr(delivery, name) for delivery in deliveries)
