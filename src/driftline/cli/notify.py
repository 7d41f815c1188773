"""`driftline notify test|send|list|retry`: whether channels work, and what is on its way."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from driftline.cli.alerts import counts_of, paper_of
from driftline.cli.output import show
from driftline.cli.overtime import add_config, several, with_model

if TYPE_CHECKING:
    from driftline.overtime import OpenModel

FAILED = 1


def add_to(verbs: Any) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "notify",
        allow_abbrev=False,
        help="try channels, send what waits, see what was given up",
        description="Tries channels, sends what waits, and shows what was sent, waits, or was given up.",
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    test = actions.add_parser("test", allow_abbrev=False, help="send a notice that says it is a test")
    test.add_argument("channels", nargs="*", metavar="CHANNEL", help="to these (default: to all)")
    send = actions.add_parser("send", allow_abbrev=False, help="send what is due, without looking for anything new")
    listing = actions.add_parser("list", allow_abbrev=False, help="what was sent, waits, or was given up")
    listing.add_argument("--last", metavar="N", type=several, default=20, help="the last so many (default 20)")
    listing.add_argument("--dead", action="store_true", help="only what was given up")
    listing.add_argument("--json", action="store_true", help="print them as JSON")
    retry = actions.add_parser("retry", allow_abbrev=False, help="put what was given up on its way again, and send it")
    for action, run in ((test, try_out), (send, send_due), (listing, list_notices), (retry, try_again)):
        add_config(action)
        action.set_defaults(run=run)


def try_out(arguments: argparse.Namespace) -> int:
    """Tries channels; 1 where one does not work."""

    def act(model: OpenModel) -> int:
        answers = model.alerts.notices.test(*arguments.channels)
        paper = paper_of(model)
        said = [f"{name}: {'delivered' if a.delivered else f'FAILED: {a.said}'}" for name, a in answers.items()]
        show("\n".join(line for each in said for line in paper.wrapped(each)))
        return 0 if all(answer.delivered for answer in answers.values()) else FAILED

    return with_model(arguments, act)


def send_due(arguments: argparse.Namespace) -> int:
    """Sends what is due; 1 where something could not be sent."""

    def act(model: OpenModel) -> int:
        from driftline.report.alerts_text import sent_text

        done = model.alerts.notices.send()
        show("\n".join(sent_text(counts_of(done), done.errors, paper_of(model))) or "nothing was due")
        return FAILED if done.errors else 0

    return with_model(arguments, act)


def list_notices(arguments: argparse.Namespace) -> int:
    """Prints what was sent, waits, or was given up."""

    def act(model: OpenModel) -> int:
        from driftline.alerting.records import Sending
        from driftline.report.alerts_json import json_text
        from driftline.report.outbox_text import outgoing_text

        states = (Sending.DEAD,) if arguments.dead else tuple(Sending)
        found = model.alerts.notices.all(states=states, last=arguments.last)
        show(json_text(found) if arguments.json else outgoing_text(found, paper_of(model)))
        return 0

    return with_model(arguments, act)


def try_again(arguments: argparse.Namespace) -> int:
    """Puts what was given up on its way again."""

    def act(model: OpenModel) -> int:
        from driftline.report import numbers
        from driftline.report.alerts_text import sent_text

        count = model.alerts.notices.retry()
        done = model.alerts.notices.send()
        said = f"{numbers.plural(count, 'notice')} on the way again" if count else "nothing was given up"
        show("\n".join([said, *sent_text(counts_of(done), done.errors, paper_of(model))]))
        return FAILED if done.errors else 0

    return with_model(arguments, act)
