"""The command `driftline`. Each verb is a file here; heavy imports happen only once a verb runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from driftline.cli import compare, explain, profile
from driftline.core.errors import DriftlineError

OK, ALARM, BAD_INPUT, UNKNOWN = 0, 1, 2, 3
INTERRUPTED = 130

EPILOG = """exit codes: 0 fine, 1 something at or above --fail-on, 2 usage or data error, 3 not enough data to judge anything"""


def parser() -> argparse.ArgumentParser:
    """The command line as argparse sees it."""
    top = argparse.ArgumentParser(
        prog="driftline", description="Watches machine-learning models: tells early, rarely wrongly, and says what to do.", epilog=EPILOG
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND")
    for verb in (compare, profile, explain):
        verb.add_to(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    top = parser()
    arguments = top.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"driftline {version('driftline')}")
        return OK
    if arguments.verb is None:
        top.print_help()
        return BAD_INPUT
    return guarded(lambda: int(arguments.run(arguments)))


def guarded(run: Callable[[], int]) -> int:
    """Runs a verb; what goes wrong on purpose becomes one sentence and exit code 2, and never reads as fine."""
    try:
        code = run()
        sys.stdout.flush()
    except DriftlineError as error:
        print(f"driftline: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("driftline: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED
    except MemoryError:
        print("driftline: there is not enough memory. Compare fewer columns or segments.", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output has gone; what it has seen is complete. Python must not try to flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD_INPUT
    return code
