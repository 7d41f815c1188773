"""Measurements as a flat table for other tools: what `driftline query` prints. Parquet is written by `engine/query.py` from the same rows.

rows_of(evaluations, Choice(metrics=, columns=, steps=, segments=, status=, basis=, beyond=)) -> list[dict]   keys: COLUMNS, in order
table_text(rows, *, width, ascii_only) -> str
csv_text(rows) -> str
json_text(rows) -> str,  json_lines(rows) -> str
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from driftline.core.errors import UnknownName
from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement, Status, segment_name
from driftline.report import text
from driftline.report.moments import Clock
from driftline.report.screen import Screen
from driftline.report.states import state_of, story_of_note

COLUMNS = (
    *("model", "step", "window_start", "window_end", "metric", "column", "version", "segment", "basis"),
    *("value", "low", "high", "limit", "beyond", "status", "n", "scope_start", "scope_end", "note"),
    *("as_of", "made", "plan", "reference", "number"),
)
"""The columns of a row. `window_start` and `window_end` are the window that was evaluated, `scope_start` and `scope_end` the rows that the
number rests on, which may be more. `segment` is empty for all rows."""

ALL_ROWS = "all"
_RIGHT = {6, 7, 9}
_LEAST_NOTE = 16
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which measurements are asked for. An empty choice is all. A segment is chosen by its name (`origin=EWR`), by its column (`origin`),
    or as `all` for all rows together; `beyond` True keeps what is beyond its limit, False what was judged and is not."""

    metrics: Collection[str] = ()
    columns: Collection[str] = ()
    steps: Collection[Step] = ()
    segments: Collection[str] = ()
    status: Collection[Status] = ()
    basis: Collection[Basis] = ()
    beyond: bool | None = None

    def takes(self, step: Step, m: Measurement) -> bool:
        return (
            (not self.metrics or m.metric in self.metrics)
            and (not self.columns or m.column in self.columns)
            and (not self.steps or step in self.steps)
            and (not self.segments or any(name in self.segments for name in _segment_names(m)))
            and (not self.status or m.status in self.status)
            and (not self.basis or m.basis in self.basis)
            and (self.beyond is None or m.beyond is self.beyond)
        )

    def check(self, measurements: Sequence[Measurement]) -> None:
        """Raises `UnknownName` for a metric, column or segment that no measurement has, so that a slip of the pen does not read as
        "nothing found"."""
        if not measurements:
            return
        for noun, asked, known in (
            ("metric", self.metrics, {m.metric for m in measurements}),
            ("column", self.columns, {m.column for m in measurements if m.column is not None}),
            ("segment", self.segments, {ALL_ROWS, *(name for m in measurements for name in _segment_names(m))}),
        ):
            for name in sorted(set(asked) - known):
                raise UnknownName(noun, name, known)


def rows_of(evaluations: Iterable[Evaluation], choice: Choice | None = None) -> list[dict[str, Any]]:
    """One row for each measurement that is asked for, in the order of the evaluations. Numbers stay numbers, times are aware, what is not
    known is None. Raises `UnknownName` for a metric, column or segment that no evaluation has."""
    found = [(evaluation, m) for evaluation in evaluations for m in evaluation.measurements]
    if choice is None:
        return [_row(evaluation, m) for evaluation, m in found]
    choice.check([m for _, m in found])
    return [_row(evaluation, m) for evaluation, m in found if choice.takes(evaluation.step, m)]


def table_text(rows: Sequence[Mapping[str, Any]], *, zone: str = "UTC", width: int = 100, ascii_only: bool = False) -> str:
    """The rows as an aligned table: window, step, what, rows, value, limit, state, n, note; the note takes what room is left, if any."""
    screen, clock = Screen(max(width, 60), colour=False, ascii_only=ascii_only), Clock.of(zone)
    head = ("window", "step", "metric", "column", "rows", "basis", "value", "limit", "state", "n")
    lines = [head, *(tuple(screen.short(cell, 28) for cell in _cells(row, clock)) for row in rows)]
    shown = [i for i in range(len(head)) if any(line[i] for line in lines[1:]) or i in (0, 2, 6)]
    cells = {i: max(text.width(line[i]) for line in lines) for i in shown}
    starts = [
        "  ".join(" " * (cells[i] - text.width(line[i])) + line[i] if i in _RIGHT else text.pad(line[i], cells[i]) for i in shown)
        for line in lines
    ]
    room = screen.width - text.width(starts[0]) - 2
    notes = ["note", *(story_of_note(str(row["note"])) for row in rows)] if room >= _LEAST_NOTE else [""] * len(starts)
    return "\n".join(f"{start}  {screen.cut(screen.safe(note), room)}".rstrip() for start, note in zip(starts, notes, strict=True))


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as CSV with a line of names. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    lines = [COLUMNS, *([_csv_cell(row[name]) for name in COLUMNS] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """One JSON object for each row, a line each."""
    return "".join(_json(row) + "\n" for row in rows)


def json_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as one JSON array, a row on a line."""
    written = ",\n".join(map(_json, rows))
    return f"[\n{written}\n]\n" if written else "[]\n"


def _segment_names(m: Measurement) -> tuple[str, ...]:
    if not m.scope.segment:
        return (ALL_ROWS,)
    return (segment_name(m.scope.segment), *(column for column, _ in m.scope.segment))


def _row(evaluation: Evaluation, m: Measurement) -> dict[str, Any]:
    scope = m.scope.window or evaluation.window
    values = (
        *(m.scope.model, evaluation.step.value, evaluation.window.start, evaluation.window.end, m.metric, m.column, m.scope.version),
        *(segment_name(m.scope.segment) if m.scope.segment else "", m.basis.value, m.value, m.low, m.high, m.limit, m.beyond),
        *(m.status.value, m.n, scope.start, scope.end, m.note),
        *(evaluation.as_of, evaluation.made, evaluation.plan, evaluation.reference, evaluation.number),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _cells(row: Mapping[str, Any], clock: Clock) -> tuple[str, ...]:
    from driftline.core.records import Scope, Window
    from driftline.report.figures import BASES, amount

    m = Measurement(row["metric"], row["value"], Scope(), row["n"], status=Status(row["status"]), beyond=row["beyond"])
    where = ", ".join(part for part in (row["segment"], f"version {row['version']}" if row["version"] else "") if part)
    return (
        clock.window(Window(row["window_start"], row["window_end"])),
        row["step"],
        row["metric"],
        row["column"] or "",
        where,
        BASES[Basis(row["basis"])],
        amount(row["metric"], row["value"]),
        "" if row["limit"] is None else amount(row["metric"], row["limit"]),
        state_of(Step(row["step"]), m).value,
        f"{row['n']:,}",
    )


def _csv_cell(value: object) -> str:
    if isinstance(value, str):
        # A lone surrogate cannot be written as UTF-8, and a NUL ends a cell for many readers.
        shown = value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
        shown = f"'{shown}" if shown.startswith(_RISKY) else shown
        # Python's own writer leaves a carriage return bare where lines end with a line feed, and readers break the line there.
        return '"' + shown.replace('"', '""') + '"' if any(char in shown for char in ',"\r\n') else shown
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return _iso(value) if isinstance(value, datetime) else str(value)


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps({name: _plain(value) for name, value in row.items()}, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
