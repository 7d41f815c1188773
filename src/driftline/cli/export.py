"""`driftline export prometheus-rules`: the objectives of serving for a Prometheus, which sees each request at once."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.cli.output import check_files, show
from driftline.cli.overtime import add_config

if TYPE_CHECKING:
    from driftline.config.plan import Plan
    from driftline.report.prometheus_rules import Selectors

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "export", allow_abbrev=False, help="rules for other tools", description="Writes what other tools need to watch the model too."
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    rules = actions.add_parser(
        "prometheus-rules",
        allow_abbrev=False,
        help="alerts on the objectives of serving, with tests",
        description="Writes rules for Prometheus on the objectives in 'serving', and tests of them for promtool.",
    )
    add_config(rules)
    rules.add_argument("-o", "--output", metavar="DIR", default=".", help="the folder to write to (default: this one)")
    for name, words in (
        ("requests", "the counter of all requests (default http_requests_total of the job MODEL)"),
        ("errors", "the counter of those that failed (default those with code=~'5..')"),
        ("latency", "the histogram of latencies in seconds (default http_request_duration_seconds_bucket of the job MODEL)"),
    ):
        rules.add_argument(f"--{name}", metavar="SELECTOR", help=words)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes both files and says where. Raises `UsageError` for a plan without objectives and for what is no selector."""
    from driftline.config.load import load
    from driftline.engine.files import write_text
    from driftline.report.prometheus_rules import Served, rules_text, slos_of
    from driftline.report.prometheus_tests import tests_text

    loaded = load(Path(arguments.config), os.environ, secrets=False)
    plan = loaded.plan
    slos = slos_of(plan.serving, arguments.config)
    served = Served(
        plan.model,
        f"{Path(arguments.config).name} (plan {loaded.digest})",
        slos,
        plan.serving.absent_p,
        selectors(arguments, plan),
        runbooks(plan),
    )
    name = file_name(plan.model)
    rules, tests = (Path(arguments.output) / f"{name}.{ending}" for ending in ("rules.yml", "rules.test.yml"))
    texts = {rules: rules_text(served), tests: tests_text(served, rules.name)}
    check_files([str(path) for path in texts], inputs=[arguments.config])
    for path, text in texts.items():
        write_text(path, text)
    lines = [f"{rules}: {', '.join(slo.name for slo in slos)} and absence, from {served.traffic}", f"{tests}: its tests"]
    lines.append(f"check them: promtool check rules {shlex.quote(str(rules))} && promtool test rules {shlex.quote(str(tests))}")
    show("\n".join(map(_visible, lines)))
    return 0


def selectors(arguments: argparse.Namespace, plan: Plan) -> Selectors:
    """The series that are asked for, and the usual ones for the rest. Raises `UsageError`."""
    from driftline.core.errors import UsageError
    from driftline.report.prometheus_rules import BUCKET, Selectors
    from driftline.report.prometheus_selectors import Selector, read_selector

    usual = Selectors.usual(plan.model)
    given = {name: getattr(arguments, name) for name in ("requests", "errors", "latency")}
    if plan.serving.availability is not None and (given["requests"] is None) != (given["errors"] is None):
        missing = "errors" if given["errors"] is None else "requests"
        hint = "Name both: a counter of failures that does not exist would read as no failures."
        raise UsageError("One of '--requests' and '--errors' is given without the other", where=f"--{missing}", hint=hint)
    read = {name: getattr(usual, name) if text is None else read_selector(text, f"--{name}") for name, text in given.items()}
    latency: Selector = read["latency"]
    if any(matcher.label == "le" for matcher in latency.matchers):
        raise UsageError("The buckets are chosen here", where="--latency", hint="Leave the label 'le' out.")
    if not latency.name.endswith(BUCKET):
        latency = Selector(f"{latency.name}{BUCKET}", latency.matchers)
    return Selectors(read["requests"], read["errors"], latency)


def runbooks(plan: Plan) -> dict[str, str]:
    """The pages that the rules of the plan name, by the name of the alert."""
    from driftline.alerting.defaults import rules_of

    return {name: rule.runbook for name, rule in rules_of(plan.alerts).items() if rule.runbook}


def file_name(model: str) -> str:
    """The name of a model as that of a file: where signs had to go, a piece of its hash keeps two models apart."""
    import hashlib

    safe = _UNSAFE.sub("_", model).strip("._-")
    return safe if safe == model else f"{safe or 'model'}-{hashlib.sha256(model.encode()).hexdigest()[:6]}"


def _visible(text: str) -> str:
    from driftline.report.text import visible

    return visible(text)
