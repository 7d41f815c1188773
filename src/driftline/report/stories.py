"""Stories: what is told about a column in one line, without what stands beside it already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from driftline.core.verdicts import ColumnVerdict, SegmentVerdict, Verdict
from driftline.report import numbers

SEVERAL = 3
"""From so many columns on that have too few rows for the same reason, one line speaks for all of them."""

_BAD = (Verdict.FAULTY, Verdict.DRIFTED)
_RATE = re.compile(r"(?:(?P<name>[a-z ]+) )?(?P<number>\d+(?:\.(?P<decimals>\d+))?) ?%(?P<of> of rows(?: have)?)?")
_IN_BRACKETS = re.compile(r"\((?P<inner>[^()]*)\)")


def story(column: ColumnVerdict) -> str:
    """The story of a column in full."""
    if column.verdict is Verdict.INSUFFICIENT:
        return _too_few([column]) if _visible_drift_is_too_large(column) else column.note
    segment = deciding_segment(column)
    return column.note if segment is None else f"only {drifted_segments(column)}: {segment.note}"


def story_beside(column: ColumnVerdict) -> str:
    """The story of a column whose measure and value are shown just before it, without saying them again."""
    segment = deciding_segment(column)
    if segment is None:
        return _without_measure(story(column), column)
    return f"only {drifted_segments(column)}: {_without_measure(segment.note, column)}"


def deciding_segment(column: ColumnVerdict) -> SegmentVerdict | None:
    """The segment whose numbers the column shows, where it drifted in segments and not in all rows together; else None."""
    shown = (column.verdict, column.measure, column.value, column.limit)
    if column.verdict not in _BAD:
        return None
    candidates = (s for s in column.segments if (s.verdict, s.measure, s.value, s.limit) == shown)
    return next((s for s in candidates if column.note.startswith(f"{s.segment}: ")), None)


def drifted_segments(column: ColumnVerdict) -> str:
    """The segments that drifted, the deciding one first: `origin=EWR and 1 more`."""
    deciding = deciding_segment(column)
    others = sum(s.verdict in _BAD for s in column.segments if s is not deciding)
    name = "" if deciding is None else deciding.segment
    return f"{name} and {numbers.count(others)} more" if others else name


def alike(columns: Sequence[ColumnVerdict]) -> Iterator[list[ColumnVerdict]]:
    """The columns one by one, except that several with too few rows for the same reason come together."""
    for reason, together in groupby(columns, _reason):
        group = list(together)
        if reason and len(group) >= SEVERAL:
            yield group
        else:
            yield from ([column] for column in group)


def story_of_several(columns: Sequence[ColumnVerdict]) -> str:
    """What is said of columns that `alike` put together."""
    if all(map(_visible_drift_is_too_large, columns)):
        return _too_few(columns)
    return f"{_span([numbers.count(n) for n in sorted(column.n for column in columns)])} rows with too few values to judge"


def _reason(column: ColumnVerdict) -> str:
    if column.verdict is not Verdict.INSUFFICIENT:
        return ""
    if column.smallest_visible is None:
        return "no distribution"
    return "few rows" if _visible_drift_is_too_large(column) else ""


def _visible_drift_is_too_large(column: ColumnVerdict) -> bool:
    return column.smallest_visible is not None and column.floor is not None and column.smallest_visible > 2 * column.floor


def _too_few(columns: Sequence[ColumnVerdict]) -> str:
    rows = _span([numbers.count(n) for n in sorted(column.n for column in columns)])
    visible = _span([_psi(psi) for psi in sorted(column.smallest_visible or 0 for column in columns)])
    enough = _span([_psi(2 * floor) for floor in sorted(column.floor or 0 for column in columns)])
    return f"{rows} {'row' if rows == '1' else 'rows'} can only show a drift from PSI {visible} on; {enough} would be enough to judge"


def _span(written: Sequence[str]) -> str:
    """The first and the last of sorted values: `0.44 to 1.5`, or the one value that all are."""
    return written[0] if written[0] == written[-1] else f"{written[0]} to {written[-1]}"


def _psi(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.2g}" if value < 100 else numbers.number(value)


def _without_measure(note: str, column: ColumnVerdict) -> str:
    """The note without a beginning that says the measure and its value once more: `missing 19.3 % (reference 1 %)` beside `missing 19.3 %`
    becomes `reference 1 %`, and `0.6 % of rows outside 0 to 1` beside `out of range 0.6 %` becomes `outside 0 to 1`."""
    found = _RATE.match(note)
    if found is None or column.value is None or not numbers.is_rate(column.measure):
        return note
    same_name = found["name"] == numbers.measure_name(column.measure).removesuffix(" rate")
    half_a_digit = 0.5 * 10 ** -len(found["decimals"] or "")
    same_value = abs(100 * column.value - float(found["number"])) < half_a_digit + 1e-9
    if not same_value or not (same_name or (found["name"] is None and found["of"])):
        return note
    rest = note[found.end() :].lstrip(" ,;")
    return _IN_BRACKETS.sub(r"\g<inner>", rest, count=1) if rest.startswith("(") else rest
