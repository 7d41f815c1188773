"""The command `driftline`. Each verb is a file here; heavy imports happen only once a verb runs."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence

from driftline.cli import (
    alerts,
    backtest,
    compare,
    config,
    explain,
    export,
    ingest,
    init,
    notify,
    profile,
    query,
    reference,
    rules,
    show,
    steps,
    store,
)
from driftline.core.errors import DriftlineError

OK, ALARM, BAD_INPUT, UNKNOWN = 0, 1, 2, 3
INTERRUPTED = 130

EPILOG = """exit codes: 0 fine, 1 something at or above --fail-on, 2 usage or data error, 3 not enough data to judge anything"""


def parser() -> argparse.ArgumentParser:
    """The command line as argparse sees it."""
    top = argparse.ArgumentParser(
        prog="driftline", description="Watches machine-learning models: tells early, rarely wrongly, and says what to do.", epilog=EPILOG
    )
    top.add_argument("--version", dest="tell_version", action="store_true", help="print the version and stop")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND")
    for verb in (
        compare,
        profile,
        explain,
        init,
        config,
        reference,
        ingest,
        steps,
        alerts,
        notify,
        rules,
        backtest,
        show,
        query,
        export,
        store,
    ):
        verb.add_to(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    top = parser()
    arguments, more = top.parse_known_args(argv)
    if more and getattr(arguments, "files", None) is not None and not any(word.startswith("-") for word in more):
        arguments.files += more  # argparse takes no files that come after an option
    elif more:
        top.error(f"unrecognized arguments: {' '.join(more)}")
    if arguments.tell_version:
        from importlib.metadata import version

        print(f"driftline {version('driftline')}")
        return OK
    if arguments.verb is None:
        top.print_help()
        return BAD_INPUT
    return guarded(lambda: int(arguments.run(arguments)))


def guarded(run: Callable[[], int]) -> int:
    """Runs a verb; what goes wrong becomes one sentence and exit code 2, and never reads as fine or as an alarm."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that this terminal cannot show is no reason to fail
    try:
        return run()
    except DriftlineError as error:
        return failed(str(error))
    except KeyboardInterrupt:
        return failed("interrupted; nothing was written.", INTERRUPTED)
    except MemoryError:
        return failed("there is not enough memory. Compare fewer columns or segments.")
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means an alarm
        import traceback

        traceback.print_exc()
        return failed("this is a fault of driftline, not of the tables. Please report it with the lines above.")


def failed(sentence: str, code: int = BAD_INPUT) -> int:
    """Says on the error stream what went wrong, on one line whatever the names in it hold."""
    print("driftline: " + "".join(c if c.isprintable() else repr(c)[1:-1] for c in sentence), file=sys.stderr)
    return code
