"""What alerting costs: ten thousand alerts at once, and a window after ten, a hundred, a thousand windows of history and more.

    python benchmarks/speed/alerts.py            # half a minute; --quick: a few seconds

`many`: as many columns as asked for leave their limits in the same window, stay beyond, and come back; by one rule that fires at once, and
by the default rules, which tell it as one wide drift and mute the rest. `history`: a model of 200 columns of which now and then some drift
for some windows while one never ends. Figures are milliseconds of CPU of `alerting` for one tick, and what it takes to write the board as a
store writes it and to read it back. Seconds are those of one machine; the ratios carry over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from compare import machine

from driftline.alerting.defaults import rules_of
from driftline.alerting.inhibition import Facts
from driftline.alerting.observe import Look
from driftline.alerting.records import EMPTY, Board
from driftline.alerting.rules import Rule
from driftline.alerting.spec import AlertsSpec
from driftline.alerting.step import Frame, Tick, alerting, nothing_late
from driftline.core.ledger import Step
from driftline.core.records import Measurement, Scope, Window
from driftline.stores.plain import packed, unpacked

DAY, START = timedelta(days=1), datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS, CHANCE, LASTS, TICKS = 200, 0.02, 4, 25
"""Of `history`: columns, the share of them that begins to drift in a window, for how many windows, and over how many the cost is taken."""
NOTE = "location is 6.1 normal wobbles above the reference; limits 4.90 and 21.3: 60 windows rehearsed for 0.017 false alarms a window"
FLAT = 2.0
"""How many times as much a window may cost after a hundred times the history."""


def window(i: int) -> Window:
    return Window(START + i * DAY, START + (i + 1) * DAY)


def tick(i: int, beyond: Sequence[bool]) -> Tick:
    """A window in which some columns have drifted."""
    scope, at = Scope("m", window=window(i)), window(i)
    measured = [
        Measurement("verdict", float(bad), scope, 1_000, f"column {c:05d}", limit=0.5, note=NOTE if bad else "", beyond=bad)
        for c, bad in enumerate(beyond)
    ]
    return Tick(at, at.end, (Look(Step.DRIFT, measured),))


class Running:
    """Alerting over ticks: milliseconds of CPU of each."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules, self.board = rules, EMPTY
        self.frame = Frame("m", DAY, "plan", START, Facts(rules=rules), nothing_late)
        self.windows = 0

    def take(self, beyond: Sequence[bool]) -> tuple[float, Any]:
        """The next window: what it cost, and what came of it."""
        now = tick(self.windows, beyond)
        self.windows += 1
        cost, folded = timed(lambda: alerting(self.board, [now], self.rules, self.frame))
        self.board = folded.board
        return cost, folded


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    found = action()
    return 1e3 * (time.process_time() - started), found


def one_rule() -> Mapping[str, Rule]:
    """A rule of one's own, and nothing else."""
    said: Mapping[str, Any] = {"step": Step.DRIFT, "metric": ("verdict",), "when": {"above": {"value": 0.5}}, "group": "inputs"}
    return rules_of(AlertsSpec(defaults=False, rules={"Each": Rule(**said)}))


def many(alerts: int) -> None:
    """So many alerts in one window, and the windows after it."""
    for name, rules in (("one rule", one_rule()), ("default rules", rules_of(AlertsSpec()))):
        print(f"\n## {alerts:,} columns at once: {name}\n")
        print("| window | columns | ms | changes of state | active alerts | incidents on the board |\n|---|---|--:|--:|--:|--:|")
        running = Running(rules)
        for i in range(8):
            bad = i in (1, 2, 3)
            cost, folded = running.take([bad] * alerts)
            active = sum(alert.state.is_active for alert in folded.board.alerts.values())
            shown = [f"{i + 1}", "beyond" if bad else "fine", f"{cost:,.0f}", f"{len(folded.transitions):,}", f"{active:,}"]
            print(f"| {' | '.join([*shown, str(len(folded.board.incidents))])} |", flush=True)
            if i == 3:
                stored = board_cost(running.board)
        print(f"\nThe board after window 4: {stored}.")


def board_cost(board: Board) -> str:
    """Writing and reading it, and its bytes."""
    writing, data = timed(lambda: packed(board))
    reading, again = timed(lambda: unpacked(Board, data, where="here"))
    assert again == board
    return f"written in {writing:,.0f} ms, read in {reading:,.0f} ms, {len(data) / 1e3:,.1f} kB"


def _stored(board: Board) -> Board:
    return unpacked(Board, packed(board), where="here")


def come_and_go(seed: int) -> Iterator[Sequence[bool]]:
    """Columns that drift now and then; the first one for good."""
    rng, left = np.random.default_rng(seed), np.zeros(COLUMNS, np.int64)
    while True:
        left = np.where(rng.random(COLUMNS) < CHANCE, LASTS, np.maximum(left - 1, 0))
        left[0] = 1
        yield (left > 0).tolist()


def history(lengths: Sequence[int]) -> float:
    """The cost of a window by the windows before it; the largest ratio to the first."""
    print(f"\n## {COLUMNS} columns that come and go, default rules: the least of {TICKS} windows\n")
    print("| windows before | ms | ratio | written and read, ms | kB | alerts | incidents | members |\n|--:|--:|--:|--:|--:|--:|--:|--:|")
    running, stream, costs = Running(rules_of(AlertsSpec())), come_and_go(7), list[float]()
    for length in lengths:
        while running.windows < length:
            running.take(next(stream))
        costs.append(min(running.take(next(stream))[0] for _ in range(TICKS)))
        board = running.board
        turns = [timed(partial(_stored, board))[0] for _ in range(TICKS)]
        members = sum(len(incident.members) for incident in board.incidents)
        facts = [f"{len(board.alerts)}", f"{len(board.incidents)}", f"{members}"]
        told = [
            f"{length:,}",
            f"{costs[-1]:.1f}",
            f"{costs[-1] / costs[0]:.2f}x",
            f"{min(turns):.1f}",
            f"{len(packed(board)) / 1e3:.1f}",
        ]
        print(f"| {' | '.join([*told, *facts])} |", flush=True)
    return max(costs) / costs[0]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the alerts and of the history")
    parser.add_argument("--alerts", type=int, default=10_000)
    said = parser.parse_args(arguments)
    print(machine())
    many(said.alerts // 10 if said.quick else said.alerts)
    return int(history((10, 100) if said.quick else (10, 100, 1_000, 2_000)) > FLAT)


if __name__ == "__main__":
    sys.exit(main())
