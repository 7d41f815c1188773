"""Stories: what each test has to say to people, in a few words with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from driftline.drift.pairs import OrderedPair
from driftline.drift.tested import Test
from driftline.profiles.counting import NAN
from driftline.profiles.levels import NO_EXAMPLES
from driftline.profiles.profile import Profile
from driftline.profiles.schema import FIRST_LEVEL, Column


@dataclass(frozen=True, slots=True)
class Case:
    """All that a story may need: the column, both profiles, and for a numeric column the ordered pair and its row there."""

    column: Column
    position: int
    reference: Profile
    current: Profile
    fine: OrderedPair | None = None
    place: int = -1

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest finite value of the current rows."""
        assert self.fine is not None
        low, high = self.fine.extremes[self.place, 1]
        return float(low), float(high)


def tell(test: Test, case: Case) -> str:
    """The story of a test that has crossed its limit."""
    return _STORIES[test.kind](test, case)


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share as a percentage with the digits that matter."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"


def mean_shift(case: Case) -> tuple[float, float, float] | None:
    """Mean before, mean now and the shift in reference standard deviations, where all are finite."""
    if case.fine is None:
        return None
    (before, spread), (now, _) = case.fine.moments[case.place]
    shift = (now - before) / spread if spread > 0 else float("nan")
    return (float(before), float(now), float(shift)) if np.isfinite([before, now, shift]).all() else None


def _location(test: Test, case: Case) -> str:
    moved = mean_shift(case)
    direction = "higher" if test.value > 0 else "lower"
    if moved is None or (moved[2] > 0) != (test.value > 0) or abs(moved[2]) > 20:
        return f"values are {direction}, about {abs(test.value):.2g} sd on the ranks"
    return f"mean {moved[2]:+.2f} sd ({number(moved[0])} to {number(moved[1])})"


def _shape(test: Test, case: Case) -> str:
    moved = mean_shift(case)
    assert case.fine is not None
    before, now = case.fine.moments[case.place, :, 1]
    if before > 0 and np.isfinite([before, now]).all() and not 0.8 <= now / before <= 1.25:
        return f"spread {now / before:.2g} times the reference's (sd {number(before)} to {number(now)})"
    return f"another shape{f', mean {moved[2]:+.2f} sd' if moved else ''}"


def _distance(test: Test, case: Case) -> str:
    return "the mix of levels has changed" if case.column.is_levels else "the shares of the bins have changed"


def _spike(test: Test, case: Case) -> str:
    low, high = case.column.edges[test.cell], case.column.edges[test.cell + 1]
    where = f"{number(low)}" if case.column.points[test.cell] else f"{low:.4g} to {high:.4g}"
    return f"{percent(test.value)} of rows pile up at {where} (reference {percent(test.reference or 0)})"


def _level(test: Test, case: Case) -> str:
    name = f"'{case.column.levels[test.cell]}'" if case.column.is_levels else f"value {number(case.column.edges[_first(case, test.cell)])}"
    return f"{name} {percent(test.reference or 0)} to {percent(test.value)} of rows"


def _first(case: Case, group: int) -> int:
    return case.column.coarse.index(group)


def _missing(test: Test, case: Case) -> str:
    if test.value == 1.0:
        return f"every row is missing (reference {percent(test.reference or 0)})"
    word = "missing"
    if case.column.is_numeric:
        cells = case.current.counts[case.current.schema.cells(case.position)]
        word = "not a number" if cells[NAN] > 0.9 * cells[: NAN + 1].sum() > 0 else "missing"
    return f"{word} {percent(test.value)} (reference {percent(test.reference or 0)})"


def _infinite(test: Test, case: Case) -> str:
    return f"infinite {percent(test.value)} (reference {percent(test.reference or 0)})"


def _range(case: Case) -> str:
    return f"{number(case.column.edges[0])} to {number(np.nextafter(case.column.edges[-1], -np.inf))}"


def _far(test: Test, case: Case) -> str:
    low, high = case.extremes
    seen = f", up to {number(high)}" if high > case.column.edges[-1] else f", down to {number(low)}"
    return f"{percent(test.value)} of rows far outside {_range(case)}{seen}"


def _out(test: Test, case: Case) -> str:
    return f"{percent(test.value)} of rows outside {_range(case)}, the range of the reference"


def _unseen(test: Test, case: Case) -> str:
    examples = sorted(e for e in case.current.examples.get(case.position, NO_EXAMPLES) if e)[:3]
    known = case.current.counts[case.current.schema.cells(case.position)][1:FIRST_LEVEL]
    names = f", such as {', '.join(repr(e) for e in examples)}" if examples and known.any() else ""
    return f"{percent(test.value)} of rows have levels the reference never had{names}"


def _constant(test: Test, case: Case) -> str:
    if case.column.is_levels:
        cells = case.current.counts[case.current.schema.cells(case.position)][FIRST_LEVEL:]
        value = f"'{case.column.levels[int(cells.argmax())]}'" if cells.any() else "one unseen level"
    else:
        value = number(case.extremes[0])
    return f"every row is {value}; the reference varies"


def _duplicates(test: Test, case: Case) -> str:
    return f"{percent(test.value)} of rows repeat an identifier (reference {percent(test.reference or 0)})"


def _decisions(test: Test, case: Case) -> str:
    return f"decisions at or above the threshold {percent(test.reference or 0)} to {percent(test.value)}"


_STORIES: Mapping[str, Callable[[Test, Case], str]] = {
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
    "constant": _constant,
    "duplicate_ids": _duplicates,
    "decision_rate": _decisions,
}
