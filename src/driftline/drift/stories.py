"""Stories: what each test has to say to people, in a few words with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from driftline.drift.pairs import OrderedPair, Pair, edge, named_cells
from driftline.drift.result import Result
from driftline.profiles.counting import NAN
from driftline.profiles.levels import NO_EXAMPLES
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column, Kind

SAME_MEAN = 0.1
"""A mean that moves by less than a tenth of a standard deviation is told as much the same."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a story may need: the column, both profiles, the pairs of its family and its row there."""

    column: Column
    position: int
    reference: Profile
    current: Profile
    pair: Pair | None = None
    fine: OrderedPair | None = None
    place: int = -1

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest finite value of the current rows."""
        assert self.fine is not None
        low, high = self.fine.extremes[self.place, 1]
        return float(low), float(high)


def tell(result: Result, case: Case) -> str:
    """The story of a test that has crossed its limit."""
    return _STORIES[result.kind](result, case)


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share as a percentage with the digits that matter."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"


def mean_shift(case: Case) -> tuple[float, float, float] | None:
    """Mean before, mean now and the shift in reference standard deviations, where all are finite."""
    if case.fine is None:
        return None
    (before, spread), (now, _) = case.fine.moments[case.place]
    shift = (now - before) / spread if spread > 0 else float("nan")
    return (float(before), float(now), float(shift)) if np.isfinite([before, now, shift]).all() else None


def _location(result: Result, case: Case) -> str:
    moved = mean_shift(case)
    direction = "higher" if result.value > 0 else "lower"
    if moved is None or (moved[2] > 0) != (result.value > 0) or abs(moved[2]) > 20:
        return f"values are {direction}, about {abs(result.value):.2g} sd on the ranks"
    return f"mean {moved[2]:+.2f} sd ({number(moved[0])} to {number(moved[1])})"


def _shape(result: Result, case: Case) -> str:
    changed = spread_change(case)
    if changed:
        before, now = changed
        return f"spread {_ratio(now / before)} times the reference's (sd {number(before)} to {number(now)})"
    moved = mean_shift(case)
    alike = "mean and spread" if moved is not None and abs(moved[2]) < SAME_MEAN else "spread"
    return f"another shape with much the same {alike} ({_largest_changes(case)})"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 100 else number(ratio)


def spread_change(case: Case) -> tuple[float, float] | None:
    """Standard deviation before and now, where it has changed by more than a quarter."""
    if case.fine is None:
        return None
    before, now = case.fine.moments[case.place, :, 1].tolist()
    known = before > 0 and np.isfinite([before, now]).all()
    return (before, now) if known and not 0.8 <= now / before <= 1.25 else None


def _distance(result: Result, case: Case) -> str:
    return f"the mix has changed: {_largest_changes(case)}"


def _largest_changes(case: Case) -> str:
    """The two cells whose shares have changed most."""
    assert case.pair is not None
    p, q = (side[case.place].tolist() for side in case.pair.shares)
    named = sorted(named_cells(case.column, len(p)), key=lambda cell: -abs(q[cell[0]] - p[cell[0]]))[:2]
    quote = "'" if case.column.is_levels else ""
    return ", ".join(f"{quote}{name}{quote} {percent(p[i])} to {percent(q[i])}" for i, name in named)


def _spike(result: Result, case: Case) -> str:
    low, high = case.column.edges[result.cell], case.column.edges[result.cell + 1]
    where = f"{number(low)}" if case.column.points[result.cell] else f"{edge(low)} to {edge(high)}"
    return f"{percent(result.value)} of rows pile up at {where} (reference {percent(result.reference or 0)})"


def _level(result: Result, case: Case) -> str:
    column = case.column
    if column.is_levels:
        name = f"'{column.levels[result.cell]}'"
    else:
        at = column.coarse.index(result.cell) if column.kind is Kind.INTEGER else result.cell
        name = number(column.edges[at])
    return f"{name} {percent(result.reference or 0)} to {percent(result.value)} of rows"


def _missing(result: Result, case: Case) -> str:
    if result.value == 1.0:
        return f"every row is missing (reference {percent(result.reference or 0)})"
    word = "missing"
    if case.column.is_numeric:
        cells = case.current.counts[case.current.schema.cells(case.position)]
        word = "not a number" if cells[NAN] > 0.9 * cells[: NAN + 1].sum() > 0 else "missing"
    return f"{word} {percent(result.value)} (reference {percent(result.reference or 0)})"


def _infinite(result: Result, case: Case) -> str:
    return f"infinite {percent(result.value)} (reference {percent(result.reference or 0)})"


def _range(case: Case) -> str:
    return f"{number(case.column.edges[0])} to {number(np.nextafter(case.column.edges[-1], -np.inf))}"


def _far(result: Result, case: Case) -> str:
    low, high = case.extremes
    seen = f", up to {number(high)}" if high > case.column.edges[-1] else f", down to {number(low)}"
    return f"{percent(result.value)} of rows far outside {_range(case)}{seen}"


def _out(result: Result, case: Case) -> str:
    return f"{percent(result.value)} of rows outside {_range(case)}, the range of the reference"


def _varies(result: Result, case: Case) -> str:
    if case.column.is_levels:
        return f"no longer constant: {percent(result.value)} of rows are not '{case.column.levels[0]}'"
    low, high = case.extremes
    where = number(low) if low == high else f"{number(low)} to {number(high)}"
    return f"no longer constant: {percent(result.value)} of rows are not {number(case.column.edges[0])}, values now {where}"


def _unseen(result: Result, case: Case) -> str:
    examples = sorted(e for e in case.current.examples.get(case.position, NO_EXAMPLES) if e)[:3]
    known = case.current.counts[case.current.schema.cells(case.position)][1:FIRST_LEVEL]
    names = f", such as {', '.join(repr(e) for e in examples)}" if examples and known.any() else ""
    return f"{percent(result.value)} of rows have levels the reference never had{names}"


def _constant(result: Result, case: Case) -> str:
    if case.column.is_levels:
        cells = case.current.counts[case.current.schema.cells(case.position)][FIRST_LEVEL:]
        value = f"'{case.column.levels[int(cells.argmax())]}'" if cells.any() else "one unseen level"
    else:
        value = number(case.extremes[0])
    return f"every row is {value}; the reference varies"


def _duplicates(result: Result, case: Case) -> str:
    return f"{percent(result.value)} of rows repeat an identifier (reference {percent(result.reference or 0)})"


def _decisions(result: Result, case: Case) -> str:
    return f"decisions at or above the threshold {percent(result.reference or 0)} to {percent(result.value)}"


_STORIES: Mapping[str, Callable[[Result, Case], str]] = {
    "location": _location,
    "shape": _shape,
    "distance": _distance,
    "spike": _spike,
    "level": _level,
    "missing": _missing,
    "infinite": _infinite,
    "far_out_of_range": _far,
    "out_of_range": _out,
    "unseen": _unseen,
    "varies": _varies,
    "constant": _constant,
    "duplicate_ids": _duplicates,
    "decision_rate": _decisions,
}
