"""`driftline init REFERENCE`: a ready, commented configuration, drafted from the reference of a model."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.columns import add_column_options, column_settings
from driftline.cli.output import check_files, show
from driftline.cli.progress import progress_on

if TYPE_CHECKING:
    from driftline.config.guesses import Facts, Guess

DEFAULT = "driftline.yaml"


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "init",
        allow_abbrev=False,
        help="draft the configuration of a model from its reference",
        description="Reads REFERENCE and writes a ready configuration: every guess with its reason, everything else one # away.",
    )
    verb.add_argument("reference", metavar="REFERENCE", help="Parquet, CSV, NDJSON or Arrow file, folder or glob")
    verb.add_argument("-o", "--output", metavar="FILE", default=DEFAULT, help=f"where to write it (default {DEFAULT}); - prints it")
    verb.add_argument("--model", metavar="NAME", help="name of the model (default: the name of the reference)")
    verb.add_argument("--force", action="store_true", help="replace the file where there is one")
    add_column_options(verb)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Drafts, writes, and says what to look at again."""
    _check(arguments)
    from driftline.config.draft import Asked, draft
    from driftline.engine.files import write_text
    from driftline.engine.options import read_options

    spec = read_options(**{name: value for name, value in column_settings(arguments).items() if value not in (None, (), {})})
    facts = _facts(arguments, spec)
    asked = Asked(
        model=_model(arguments),
        reference=_beside(arguments.reference, arguments.output),
        file=DEFAULT if arguments.output == "-" else arguments.output,
        threshold=spec.threshold,
        positive=spec.positive,
        task=spec.task,
        scores=spec.scores,
        ignore=spec.ignore,
        identifiers=spec.identifiers,
        kinds=spec.kinds,
    )
    written = draft(facts, asked)
    if arguments.output == "-":
        show(written.rstrip("\n"))
        return 0
    write_text(Path(arguments.output), written)
    show(_told(facts, asked.model, arguments.output))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Raises `UsageError` and `WriteError` for what cannot be done, before the reference is read."""
    from driftline.config.plan import LONGEST_NAME, is_name
    from driftline.core.errors import UsageError

    if arguments.model is not None and not is_name(arguments.model):
        raise UsageError(f"{arguments.model!r} is no name of a model", hint=f"Use up to {LONGEST_NAME} visible characters.")
    for option in ("prediction", "label", "time"):
        if getattr(arguments, option) == "":
            raise UsageError(f"'--{option}' names no column", hint="Leave it out, or name one.")
    if "" in arguments.id[:1]:
        raise UsageError("'--id' names no column", hint="Leave it out, or name one.")
    check_files([arguments.output], inputs=[arguments.reference])
    if arguments.output != "-" and os.path.lexists(arguments.output) and not arguments.force:
        raise UsageError(
            "The file is there already, and is not replaced", where=arguments.output, hint="Say --force, or choose another -o."
        )


def _facts(arguments: argparse.Namespace, spec: Any) -> Facts:
    """What the reference tells."""
    from driftline.config.guesses import guess
    from driftline.core.errors import UsageError
    from driftline.engine.reference import make_reference
    from driftline.engine.settle import settle
    from driftline.sources.open import open_source

    if arguments.reference.endswith(".profile"):
        raise UsageError("A saved reference is named, which holds no rows", hint="Give the table of the rows.")
    source = open_source(arguments.reference, name="reference")
    columns, _ = settle(spec, (source.schema,), source.name)
    with progress_on(sys.stderr, wanted=True) as progress:
        reference = make_reference(source, spec, columns, progress)
    return guess(reference, spec.columns(), columns)


def _model(arguments: argparse.Namespace) -> Guess:
    from driftline.config.guesses import SAID, Guess
    from driftline.config.plan import is_name

    if arguments.model is not None:
        return Guess(arguments.model, SAID)
    stem = Path(arguments.reference).name.split(".")[0]
    usable = is_name(stem) and not any(sign in stem for sign in "*?[")
    return Guess(stem if usable else "model", "from the name of the reference; everything about the model is kept under it", sure=False)


def _beside(reference: str, output: str) -> str:
    """The reference as a file beside the output finds it."""
    if Path(reference).is_absolute():
        return reference
    folder = Path() if output == "-" else Path(output).parent
    return os.path.relpath(reference, folder)


def _told(facts: Facts, model: Guess, output: str) -> str:
    from driftline.config.written import remark

    found = {"model": model, "id": facts.id, "time": facts.time, "prediction": facts.prediction, "label": facts.label}
    lines = [f"  {key:<10}  {remark(guess.value, 40)}: {remark(guess.reason)}" for key, guess in found.items() if guess is not None]
    missing = [f"  {key:<10}  not known; name it in the file" for key, guess in found.items() if guess is None]
    name = remark(output, 10_000)
    return "\n".join([f"written: {name}", *lines, *missing, f"next: look at what is marked (?), then driftline config check {name}"])
