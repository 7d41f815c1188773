"""`driftline alerts|incidents|ack|close|silence`: step 4 on a model, and what people do about it."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from driftline.cli.output import show
from driftline.cli.overtime import add_config, moment, several, with_model
from driftline.cli.screen import screen_settings

if TYPE_CHECKING:
    from driftline.alerting.records import Incident
    from driftline.engine.deliver import Delivered
    from driftline.engine.react import Reacted
    from driftline.overtime import OpenModel
    from driftline.report.paper import Paper

ALARM = 1
ALL = 1_000_000
LISTED = 5
"""Ids that are named where what was given fits several."""
SEVERITIES = ("info", "warning", "critical", "never")
CLOSINGS = ("real_fixed", "real_accepted", "expected_event", "false_alarm", "duplicate")


def add_to(verbs: Any) -> None:
    """Adds the verbs to the command line."""
    verb = verbs.add_parser(
        "alerts",
        allow_abbrev=False,
        help="step 4: who has to be told of what",
        description="Runs step 4 on what the other steps have found since it last ran, sends what is due, and prints the alerts.",
    )
    add_config(verb)
    verb.add_argument("--dry-run", action="store_true", help="keep nothing and send nothing")
    verb.add_argument("--no-send", action="store_true", help="keep what is to be sent, and send it later: driftline notify send")
    verb.add_argument("--fail-on", choices=SEVERITIES, default="warning", help="exit with 1 while such an alert fires (default warning)")
    verb.add_argument("--json", action="store_true", help="print the alerts as JSON")
    verb.add_argument("--verbose", action="store_true", help="every alert by itself, and where its limit comes from")
    verb.set_defaults(run=alerts)
    _incidents(verbs)
    _silence(verbs)


def _incidents(verbs: Any) -> None:
    verb = verbs.add_parser(
        "incidents",
        allow_abbrev=False,
        help="alerts that are one problem, and what became of them",
        description="Prints the open pages and tickets, or everything about one incident.",
    )
    add_config(verb)
    verb.add_argument("incident", nargs="?", metavar="INCIDENT", help="the id of one incident, or how it begins")
    verb.add_argument("--all", action="store_true", help="also those that are only information, over or closed")
    verb.add_argument("--last", metavar="N", type=several, default=20, help="at most so many (default 20)")
    verb.add_argument("--precision", action="store_true", help="how often each rule was right, by what incidents were closed as")
    verb.add_argument("--json", action="store_true", help="print them as JSON, also those that are only information")
    verb.add_argument("--verbose", action="store_true", help="of one: every alert and change, and where limits come from")
    verb.set_defaults(run=incidents)
    for name, words in (("ack", "take an incident: no more reminders"), ("close", "close an incident, and say what it was")):
        verb = verbs.add_parser(name, allow_abbrev=False, help=words, description=f"{words[0].upper()}{words[1:]}.")
        add_config(verb)
        verb.add_argument("incident", metavar="INCIDENT", help="its id, or how it begins")
        if name == "close":
            verb.add_argument("--as", dest="closing", choices=CLOSINGS, required=True, help="what it was")
        verb.add_argument("--author", metavar="NAME", help="who you are (default: the user of this machine)")
        verb.add_argument("--reason", metavar="TEXT", default="", help="why")
        verb.set_defaults(run=partial(act, name))


def _silence(verbs: Any) -> None:
    verb = verbs.add_parser(
        "silence",
        allow_abbrev=False,
        help="tell nobody of some alerts for a while",
        description="Silences alerts by their labels, lists the silences, or ends one. What is silenced is kept and shown.",
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", allow_abbrev=False, help="silence alerts whose labels all fit")
    add.add_argument("matchers", nargs="+", metavar="LABEL=TEXT", help="such as column=income or 'alertname=*Drift'")
    add.add_argument("--for", dest="span", metavar="DURATION", help="for so long: 4h, 2d")
    add.add_argument("--until", metavar="TIME", help="or until then")
    add.add_argument("--comment", metavar="TEXT", required=True, help="why")
    add.add_argument("--author", metavar="NAME", help="who you are (default: the user of this machine)")
    listing = actions.add_parser("list", allow_abbrev=False, help="the silences in force")
    listing.add_argument("--all", action="store_true", help="also those that are over")
    listing.add_argument("--json", action="store_true", help="print them as JSON")
    end = actions.add_parser("end", allow_abbrev=False, help="end one before its time")
    end.add_argument("silence", metavar="SILENCE", help="its id, or how it begins")
    end.add_argument("--author", metavar="NAME", help="who you are (default: the user of this machine)")
    for action, run in ((add, add_silence), (listing, list_silences), (end, end_silence)):
        add_config(action)
        action.set_defaults(run=run)


def alerts(arguments: argparse.Namespace) -> int:
    """Runs step 4 and prints how things stand."""

    def act(model: OpenModel) -> int:
        done, delivered = model.alerts.run(send=not arguments.no_send, dry=arguments.dry_run)
        told(model, done, delivered, arguments)
        return exit_code(done, arguments.fail_on)

    return with_model(arguments, act)


def told(model: OpenModel, done: Reacted, delivered: Delivered, arguments: argparse.Namespace) -> None:
    """Prints the alerts, what was sent, and what false alarms are to be expected."""
    from driftline.report.alert_words import OPEN, in_turn
    from driftline.report.alerts_json import alert_of, json_text
    from driftline.report.alerts_text import alerts_text, expected_text, sent_text

    muted = muted_of(done.incidents)
    if arguments.json:
        found = [alert_of(a, model.name, muted.get(a.key.fingerprint, "")) for a in done.board.alerts.values() if a.state.value != "ok"]
        show(json_text(found))
        return
    paper = paper_of(model)
    lines = [alerts_text(done.board, muted, paper, verbose=arguments.verbose)]
    lines += sent_text(counts_of(delivered), delivered.errors, paper)
    lines.append(expected_text(model.alerts.expected(), paper))
    open_ = [incident for incident in in_turn(done.incidents) if incident.stage in OPEN]
    if open_:
        lines.append(f"more: driftline incidents {open_[0].id} -c {arguments.config}")
    show("\n".join(lines))


def counts_of(done: Delivered) -> dict[str, int]:
    """What delivery did, in words."""
    return {"sent": done.sent, "to be tried again": done.failed, "given up": done.dead, "waiting": done.waiting}


def exit_code(done: Reacted, fail_on: str) -> int:
    """1 where an alert of this severity fires that people are told of."""
    from driftline.core.verdicts import Severity

    if fail_on == "never":
        return 0
    muted = muted_of(done.incidents)
    firing = [a for a in done.board.alerts.values() if a.state.is_active and a.key.fingerprint not in muted]
    return ALARM if any(alert.severity.rank >= Severity(fail_on).rank for alert in firing) else 0


def muted_of(incidents: Iterable[Incident]) -> dict[str, str]:
    """Why nobody is told of alerts, by fingerprint."""
    from driftline.report import alert_words

    return alert_words.muted_of(incidents)


def incidents(arguments: argparse.Namespace) -> int:
    """Prints incidents, or one."""

    def act(model: OpenModel) -> int:
        from driftline.report.alerts_json import json_text
        from driftline.report.incidents_text import precision_text

        if arguments.incident:
            show(one(model, arguments))
        elif arguments.precision:
            found, proposals = model.alerts.precision()
            whole = {"precision": found, "proposals": proposals}
            show(json_text(whole) if arguments.json else precision_text(found, proposals, paper_of(model)))
        else:
            show(several_of(model, arguments))
        return 0

    return with_model(arguments, act)


def one(model: OpenModel, arguments: argparse.Namespace) -> str:
    """Everything about an incident."""
    from driftline.alerting.records import Stage
    from driftline.report.alerts_json import json_text
    from driftline.report.incidents_text import incident_text

    found, transitions, outgoing = model.alerts.incident(incident_id(model, arguments.incident))
    if arguments.json:
        return json_text({"incident": found, "transitions": transitions, "notices": outgoing})
    where = f"{found.id} -c {arguments.config}"
    close = f"say what it was: driftline close {where} --as {CLOSINGS[0]}  (or {', '.join(CLOSINGS[1:])})"
    step = "" if found.stage is Stage.CLOSED else f"take it: driftline ack {where}" if found.stage is Stage.OPEN else close
    return incident_text(found, transitions, outgoing, paper_of(model), verbose=arguments.verbose, next_step=step)


def several_of(model: OpenModel, arguments: argparse.Namespace) -> str:
    """The open incidents, or all. Those that are only information are counted, and listed with all and for machines."""
    from driftline.alerting.records import Stage
    from driftline.core.verdicts import Severity
    from driftline.report.alert_words import OPEN, in_turn
    from driftline.report.alerts_json import json_text
    from driftline.report.incidents_text import incidents_text

    if arguments.json:
        return json_text(model.alerts.incidents(stages=tuple(Stage) if arguments.all else OPEN, last=arguments.last))
    listed = model.alerts.incidents(stages=OPEN, last=ALL)
    quiet = 0 if arguments.all else sum(incident.severity is Severity.INFO for incident in listed)
    if arguments.all:
        listed += model.alerts.incidents(stages=(Stage.RESOLVED, Stage.CLOSED), last=arguments.last)
    else:
        listed = [incident for incident in listed if incident.severity is not Severity.INFO]
    shown = in_turn(listed)[: arguments.last]
    more = f"more: driftline incidents {shown[0].id} -c {arguments.config}" if shown else ""
    return incidents_text(shown, paper_of(model), quiet=quiet, all_=arguments.all, next_step=more)


def act(what: str, arguments: argparse.Namespace) -> int:
    """Takes or closes an incident."""

    def do(model: OpenModel) -> int:
        author, which = arguments.author or user(), incident_id(model, arguments.incident)
        found: Incident
        if what == "ack":
            found = model.alerts.acknowledge(which, author=author, reason=arguments.reason)
        else:
            found = model.alerts.close(which, arguments.closing, author=author, reason=arguments.reason)
        show(paper_of(model).screen.safe(f"{found.id}: {found.stage} by {author}" + (f" as {found.closing}" if found.closing else "")))
        return 0

    return with_model(arguments, do)


def incident_id(model: OpenModel, given: str) -> str:
    """The id of the incident whose id begins like this. Raises `UsageError` where several do."""
    if model.store.incident(model.name, given) is not None:
        return given
    return begun("incident", given, [incident.id for incident in model.alerts.incidents(last=ALL)])


def begun(noun: str, given: str, ids: Sequence[str]) -> str:
    """The one id that begins like this, or what was given where none does."""
    from driftline.core.errors import UsageError

    found = [each for each in ids if each.startswith(given)] if given else []
    if len(found) > 1 and given not in found:
        listed = ", ".join(found[:LISTED]) + (", ..." if len(found) > LISTED else "")
        raise UsageError(f"'{given}' is the beginning of {len(found)} {noun}s: {listed}", hint="Write more of it.")
    return found[0] if len(found) == 1 else given


def add_silence(arguments: argparse.Namespace) -> int:
    """Makes a silence."""

    def act(model: OpenModel) -> int:
        from driftline.core.durations import duration
        from driftline.core.errors import UsageError

        ends = moment(arguments.until, "--until", model.loaded.plan.windows.timezone)
        if (arguments.span is None) == (ends is None):
            raise UsageError("A silence ends", where="--for", hint="Say for how long, --for 4h, or until when, --until 2026-11-30.")
        until = duration(arguments.span) if arguments.span is not None else ends
        assert until is not None
        author = arguments.author or user()
        made = model.alerts.silences.add(arguments.matchers, author=author, comment=arguments.comment, until=until)
        show(f"{made.id}: until {paper_of(model).clock.moment(made.ends)}")
        return 0

    return with_model(arguments, act)


def list_silences(arguments: argparse.Namespace) -> int:
    """Prints the silences."""

    def act(model: OpenModel) -> int:
        from driftline.report.alerts_json import json_text
        from driftline.report.outbox_text import silences_text

        now = datetime.now(UTC)
        found = model.alerts.silences.all(at=None if arguments.all else now)
        show(json_text(found) if arguments.json else silences_text(found, now, paper_of(model)))
        return 0

    return with_model(arguments, act)


def end_silence(arguments: argparse.Namespace) -> int:
    """Ends a silence."""

    def act(model: OpenModel) -> int:
        which = begun("silence", arguments.silence, [silence.id for silence in model.alerts.silences.all()])
        over = model.alerts.silences.end(which, author=arguments.author or user())
        show(f"{over.id}: over")
        return 0

    return with_model(arguments, act)


def paper_of(model: OpenModel) -> Paper:
    """The terminal, in the time zone of the model."""
    from driftline.report.paper import Paper

    return Paper.of(zone=model.loaded.plan.windows.timezone, **screen_settings())


def user() -> str:
    """The user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
