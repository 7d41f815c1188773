"""`driftline performance|drift|predictions|run|backfill`: the steps on the windows of a model, each alone or all in order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_as_of, add_config, moment, stretch, with_model
from driftline.cli.progress import progress_on
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.engine.evaluate import Evaluated
    from driftline.engine.ingest import Ingested
    from driftline.overtime import OpenModel

SEVERITIES = ("info", "warning", "critical", "never")
ALARM, UNKNOWN = 1, 3
MOST_NOTES = 3
"""Files of which `run` tells that something was amiss; `ingest` tells of each."""

VERBS = {
    "performance": ("step 1: how the model serves and how right it is", "Evaluates step 1 on the windows that are due."),
    "drift": ("step 2: whether the inputs have drifted", "Evaluates step 2 on the windows that are due."),
    "predictions": ("step 3: whether the outputs have drifted", "Evaluates step 3 on the windows that are due."),
    "run": (
        "take the configured files, evaluate all steps, and tell whom it concerns",
        "Takes the files that the configuration names, evaluates steps 1 to 3, then runs step 4: alerts, and what people are told.",
    ),
}


def add_to(verbs: Any) -> None:
    """Adds the verbs to the command line."""
    for name, (words, description) in VERBS.items():
        verb = verbs.add_parser(name, allow_abbrev=False, help=words, description=description)
        verb.add_argument("--window", metavar="FROM/TO", help="evaluate the windows that begin there, due or not")
        _add_common(verb)
        add_as_of(verb)
        if name == "run":
            verb.add_argument("--arrived", metavar="TIME", help="when the rows of the configured files arrived (default: now)")
        verb.set_defaults(run=partial(run, name))
    verb = verbs.add_parser(
        "backfill",
        allow_abbrev=False,
        help="evaluate a stretch of the past as if it had been lived through",
        description="Evaluates all steps on the windows that end in (FROM, TO] and have not been, one after the other, each as of its end.",
    )
    verb.add_argument("--from", dest="start", metavar="TIME", required=True, help="where to begin")
    verb.add_argument("--to", dest="end", metavar="TIME", help="where to end (default: now)")
    _add_common(verb)
    verb.set_defaults(run=backfill)


def _add_common(verb: Any) -> None:
    add_config(verb)
    verb.add_argument("--fail-on", choices=SEVERITIES, default="warning", help="exit with 1 from this severity on (default warning)")
    verb.add_argument("--json", action="store_true", help="print the measurements as JSON instead of the text")
    verb.add_argument("--verbose", action="store_true", help="every window and every story")
    verb.add_argument("--quiet", action="store_true", help="print nothing; the exit code tells")


def run(verb: str, arguments: argparse.Namespace) -> int:
    """Evaluates, prints a short verdict, and returns the exit code."""
    return with_model(arguments, lambda model: evaluated(verb, model, arguments))


def evaluated(verb: str, model: OpenModel, arguments: argparse.Namespace) -> int:
    """Evaluates an open model."""
    from driftline.core.ledger import RowKind, Step

    zone, data = model.loaded.plan.windows.timezone, model.loaded.plan.data
    as_of = moment(arguments.as_of, "--as-of", zone)
    chosen = stretch(arguments.window, "--window", zone) or (None, None)
    steps = tuple(Step) if verb == "run" else (Step(verb),)
    taken: list[Ingested] = []
    with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
        if verb == "run":
            model.ensure_reference(progress=progress)
            arrived = moment(arguments.arrived, "--arrived", zone)
            for kind, paths in ((RowKind.PREDICTIONS, data.predictions), (RowKind.LABELS, data.labels)):
                if paths:
                    taken += model.ingest_files(kind, now=arrived, progress=progress)
        done = model.evaluate(*steps, as_of=as_of, start=chosen[0], end=chosen[1], progress=progress)
    alerts = alerted(model, arguments) if verb == "run" else []
    return told(model, done, arguments, [*amiss(taken), *without(model, steps[0], done)], alerts)


def alerted(model: OpenModel, arguments: argparse.Namespace) -> list[str]:
    """Runs step 4 on what was found, and says in a line or two how things stand."""
    from driftline.cli.alerts import counts_of, muted_of, paper_of
    from driftline.report.alerts_text import brief_text, sent_text

    done, delivered = model.alerts.run(now=moment(arguments.arrived, "--arrived", model.loaded.plan.windows.timezone))
    paper = paper_of(model)
    return [*brief_text(done.board, muted_of(done.incidents), paper), *sent_text(counts_of(delivered), delivered.errors, paper)]


def backfill(arguments: argparse.Namespace) -> int:
    """Evaluates the past, window by window."""

    def act(model: OpenModel) -> int:
        zone = model.loaded.plan.windows.timezone
        start = moment(arguments.start, "--from", zone)
        end = moment(arguments.end, "--to", zone) or datetime.now(UTC)
        assert start is not None
        with progress_on(sys.stderr, wanted=not arguments.quiet) as progress:
            done = model.backfill(start, end, progress=progress)
        return told(model, done, arguments, [])

    return with_model(arguments, act)


def amiss(taken: Sequence[Ingested]) -> list[str]:
    """What people should know of the files that were taken on the way: those without rows, and those with rows that were not taken or have
    no reference."""
    from driftline.cli.ingest import as_dict, line

    odd = ("rejected", "contradictions", "unknown_version")
    empty = [each for each in taken if not (each.deliveries or each.again or each.whole_again)]
    notes = [f"note: {line(each)}" for each in taken if each in empty or any(as_dict(each).get(name) for name in odd)]
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"note: … and {len(notes) - MOST_NOTES} more files like these"]
    return notes


def without(model: OpenModel, first: Any, done: Sequence[Evaluated]) -> list[str]:
    """What is said where a step is evaluated whose predecessors have not been: it works all the same."""
    from driftline.core.ledger import Step

    before = [step for step in Step if list(Step).index(step) < list(Step).index(first)]
    missing = [step.value for step in before if not model.store.evaluated(model.name, step)]
    if not missing or not done[0].looked:
        return []
    return [f"note: {', '.join(missing)} not evaluated yet; 'driftline run' evaluates all steps in order"]


def told(
    model: OpenModel, done: Sequence[Evaluated], arguments: argparse.Namespace, notes: Sequence[str], alerts: Sequence[str] = ()
) -> int:
    """Prints what was found and how the alerts stand, and returns the exit code."""
    from driftline.report.evaluation_text import evaluation_text
    from driftline.report.measurements import json_text, rows_of
    from driftline.report.reading import is_judged
    from driftline.report.severity import severity_of

    found = [e for each in done for e in sorted([*each.evaluations, *each.same], key=lambda e: e.window)]
    if arguments.json:
        show(json_text(rows_of(found)).rstrip("\n"))
    elif not arguments.quiet:
        more = [f"note: {note}" for each in done for note in each.notes] + list(notes)
        zone = model.loaded.plan.windows.timezone
        text = evaluation_text(found, zone=zone, **screen_settings(), verbose=arguments.verbose)
        show("\n".join([*more, text, *alerts, f"more: driftline show -c {arguments.config}"]))
    if arguments.fail_on != "never" and severity_of(found).rank >= _rank(arguments.fail_on):
        return ALARM
    if any(is_judged(evaluation) for evaluation in found):
        return 0
    asked = getattr(arguments, "window", None) is not None
    return UNKNOWN if found or asked or not model.store.windows(model.name) else 0


def _rank(name: str) -> int:
    from driftline.core.verdicts import Severity

    return Severity(name).rank
