"""What is measured of every column in every window, whether or not anything has happened: an alert needs to see that all is well again.

Of all rows and against the active reference only. `unreadable` is the share of rows that do not have the column in a type that can be
counted, `missing_rate` that of the missing values, `decision_rate` that of the scores at or above the decision threshold. They agree with
the verdict: it is 2 wherever one of the first two is beyond its limit, and not 0 where the decision rate is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driftline.core.records import Measurement, Scope, Status
from driftline.core.verdicts import ColumnVerdict, Finding, Verdict
from driftline.drift.findings import missing_fault_limit
from driftline.drift.measurements import ABSENT, LEAST_ROWS, WATCHED
from driftline.profiles.profile import Profile

MISSING, DECISIONS = "missing", "decision_rate"
ALL = 1.0
"""The share of unreadable rows that is a fault: a column that comes back, or has just gone, is in some rows of the window."""


def asked_always(columns: Sequence[int], *, brief: bool, decides: bool = False) -> Mapping[int, Sequence[str]]:
    """The tests that `judge` is asked for, by position, so that there is something to say in every window."""
    kinds = (*(() if brief else (MISSING,)), *((DECISIONS,) if decides else ()))
    return dict.fromkeys(columns, kinds) if kinds else {}


def rates(
    judged: Sequence[ColumnVerdict], final: Sequence[ColumnVerdict], scope: Scope, ordinary: Mapping[str, Sequence[str]]
) -> Mapping[str, Sequence[Measurement]]:
    """The rates of each column that was `judged`, `final` being the verdicts about the window, by column. `ordinary`: kinds of findings by
    column that windows of the reference show themselves."""
    return {
        verdict.name: [
            _rate(verdict, end, finding, finding.kind in ordinary.get(verdict.name, ()), scope)
            for finding in verdict.findings
            if finding.kind in (MISSING, DECISIONS)
        ]
        for verdict, end in zip(judged, final, strict=True)
    }


def _rate(verdict: ColumnVerdict, end: ColumnVerdict, finding: Finding, usual: bool, scope: Scope) -> Measurement:  # noqa: FBT001 - one of two
    fault = finding.kind == MISSING
    counts = finding.fault if fault else end.verdict in (Verdict.DRIFTED, Verdict.FAULTY)
    beyond = finding.crossed and counts and not usual
    limit = missing_fault_limit(finding) if fault else finding.limit
    few = verdict.n < LEAST_ROWS if fault else end.verdict is Verdict.INSUFFICIENT
    status = Status.NODATA if verdict.n == 0 else Status.INSUFFICIENT if few and not beyond else Status.OK
    return Measurement(
        finding.measure,
        finding.value if verdict.n else None,
        scope,
        verdict.n,
        verdict.name,
        limit=limit,
        status=status,
        note=_note(finding, limit, usual=usual, beyond=beyond) if finding.crossed or end.measure == finding.measure else "",
        beyond=beyond if status is Status.OK and finding.limit is not None else None,
    )


def _note(finding: Finding, limit: float | None, *, usual: bool, beyond: bool) -> str:
    """The story and where the limit comes from. Nothing is told of rates that are as they were: there is one for each column and window."""
    if limit is None or finding.alpha is None:
        return finding.text
    why = ""
    if finding.crossed and not beyond:
        within = "no fault" if finding.kind == MISSING else "the verdict on the score is stable"
        why = " (windows of the reference show it too)" if usual else f" ({within})"
    least = "the smallest rise that is a fault" if finding.kind == MISSING else "the smallest change that counts"
    chance = f"what is exceeded with probability {finding.alpha:.2g} by chance"
    story = f"{finding.text}{why}; " if finding.crossed else ""
    return f"{story}limit {limit:.3g}: the further of {least} and {chance}"


def unreadable(current: Profile, columns: Sequence[int], scope: Scope) -> list[Measurement]:
    """Whether each of these columns (positions in the schema) can be read: parts of a window without the column have counted none of their
    rows for it. Of a column that no row has the missing rate is not known, so an alert about it goes on."""
    found: list[Measurement] = []
    for position in columns if current.rows else ():
        column, gone = current.schema.columns[position], not current.seen[position]
        if column.role not in WATCHED:
            continue
        lacking = current.rows - int(current.counts[current.schema.cells(position)].sum())
        if gone:
            found.append(Measurement("missing_rate", None, scope, 0, column.name, status=Status.NODATA, note=ABSENT))
        note = ABSENT if gone else f"{lacking:,} rows came without it, or with values of another type" if lacking else ""
        share = lacking / current.rows
        found.append(Measurement("unreadable", share, scope, current.rows, column.name, limit=ALL, note=note, beyond=gone))
    return found
