"""The options that say what the columns are: the same for every verb that reads a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from driftline.core.errors import UsageError


def add_column_options(verb: argparse.ArgumentParser) -> None:
    """Adds the options that say what the columns are for."""
    group = verb.add_argument_group("columns")
    group.add_argument("--prediction", metavar="COLUMN", help="the model's output (guessed from the name where left out)")
    group.add_argument("--label", metavar="COLUMN", help="the true outcome, where known")
    group.add_argument("--segment", metavar="COLUMN", action="append", default=[], help="also judge each level of it (repeatable)")
    group.add_argument("--time", metavar="COLUMN", help="when each row happened")
    group.add_argument("--threshold", metavar="SCORE", type=float, help="the score from which a binary model decides (0.5 with labels)")
    group.add_argument("--positive", metavar="LEVEL", help="the positive class of a binary label")
    group.add_argument("--task", choices=("binary", "multiclass", "regression"), help="recognised from the columns where left out")
    group.add_argument("--score", metavar="CLASS=COLUMN", action="append", default=[], help="probability of a class (repeatable)")
    group.add_argument("--ignore", metavar="COLUMN", action="append", default=[], help="leave it out (repeatable)")
    group.add_argument("--id", metavar="COLUMN", action="append", default=[], help="an identifier; duplicates are counted (repeatable)")
    group.add_argument(
        "--kind", metavar="COLUMN=KIND", action="append", default=[], help="how a column is summarised, such as zip=categorical"
    )


def column_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options as keyword arguments of `driftline.compare`."""
    return {
        "prediction": arguments.prediction,
        "label": arguments.label,
        "segments": listed(arguments.segment),
        "time": arguments.time,
        "threshold": arguments.threshold,
        "positive": arguments.positive,
        "task": arguments.task,
        "scores": pairs(arguments.score, "--score"),
        "ignore": listed(arguments.ignore),
        "identifiers": listed(arguments.id),
        "kinds": pairs(arguments.kind, "--kind"),
    }


def listed(values: Sequence[str]) -> tuple[str, ...]:
    """Names given one by one."""
    return tuple(dict.fromkeys(values))


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping. Raises `UsageError`."""
    found = {}
    for value in values:
        name, equals, what = value.rpartition("=")
        if not equals or not name or not what:
            raise UsageError(f"{option} takes NAME=VALUE, and '{value}' is not that", hint=f"Write it as {option} name=value.")
        found[name] = what
    return found


def numbers(values: Sequence[str], option: str) -> dict[str, float]:
    """`NAME=NUMBER` options as a mapping. Raises `UsageError`."""
    found = {}
    for name, text in pairs(values, option).items():
        try:
            found[name] = float(text)
        except ValueError:
            raise UsageError(f"{option} takes a number for '{name}', and '{text}' is none") from None
    return found
