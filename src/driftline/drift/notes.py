"""Notes: a verdict in one line, as a colleague would say it, and how its limit was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driftline.core.verdicts import Finding, MeasureValue, Verdict
from driftline.drift.conclusions import FIRST
from driftline.drift.floors import Floor
from driftline.drift.stories import Case, spread_change
from driftline.profiles.schema import Kind

DISTRIBUTION = ("location", "shape", "distance", "spike", "level")
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "unit_change": (*DISTRIBUTION, "far_out_of_range", "out_of_range", "decision_rate"),
    "constant": (*DISTRIBUTION, "decision_rate"),
    "missing": ("distance",),
    "infinite": ("distance",),
    "far_out_of_range": ("out_of_range", "distance"),
    "unseen": ("distance", "level"),
    "spike": ("location", "shape", "distance", "level"),
    "location": ("distance", "level"),
    "level": ("distance",),
    "distance": ("level",),
    "shape": ("distance", "level"),
    "out_of_range": ("distance",),
    "decision_rate": ("distance",),
}
"""What a finding makes not worth telling, since it follows from it."""
PILE = 0.10
"""A pile of rows at one value explains that the distribution has moved from this rise on."""
TOLD = 3
FIXED = ("unseen", "constant")


@dataclass(frozen=True, slots=True)
class Line:
    """Where the limits of a table come from: the probability it may spend, and the number of columns that share it."""

    alpha: float
    columns: int

    @property
    def per_column(self) -> float:
        return self.alpha / max(self.columns, 1)

    def derivation(self, lead: Finding, alphas: Mapping[str, float], floor: Floor, own: MeasureValue | None) -> str:
        """How the limit of the deciding number was found, in one sentence that can be checked with a pocket calculator."""
        alpha = alphas.get(lead.kind)
        table = f"{self.alpha:.2g} per table / {self.columns} columns"
        if alpha is None or lead.limit is None:
            return f"asked because the tests of this column, which share {table}, found a change"
        shared = f"{table} x {100 * alpha / self.per_column:.3g} % for this test = {alpha:.2g} by chance"
        if own is not None and lead.measure == own.name:
            least = f"the floor {floor.at(own.name):.3g} ({_source(floor)}) with the {own.chance:.2g} that chance gives on average"
            return f"limit {lead.limit:.3g}: the higher of {least}, and what is exceeded with probability {shared}"
        if lead.kind in FIXED:
            return f"limit {lead.limit:.3g} is fixed, and what was found must be less likely than {shared}"
        weighed = "" if lead.kind in ("spike", "varies") else f" ({_source(floor)})"
        least = f"the further of the smallest change that counts{weighed} and what is exceeded with probability {shared}"
        return f"limit {lead.limit:.3g}: {least}"


def told(lead: Finding, crossed: Sequence[Finding], case: Case) -> list[Finding]:
    """What deserves to be told of the findings that crossed, first things first, without what follows from another."""
    telling: list[Finding] = []
    known: set[str] = set()
    for finding in _in_order(lead, crossed, case):
        if finding.kind not in known:
            telling.append(finding)
            known.update(EXPLAINS.get(finding.kind, ()) if _explains(finding) else ())
            if finding.kind == "location" and not spread_change(case):
                known.add("shape")
    return telling


def note_of(verdict: Verdict, telling: Sequence[Finding], case: Case, visible: float | None, floor: Floor) -> str:
    """The story of a column in one line; empty where it is stable."""
    if verdict is Verdict.INSUFFICIENT:
        n = int(case.current.counts[case.current.schema.cells(case.position)].sum())
        if visible is None:
            return f"{n:,} rows with too few values to judge"
        return f"{n:,} rows show a PSI from {visible:.2g} on; needed is {2 * floor.psi:.2g}"
    return "; ".join(finding.text for finding in telling[:TOLD])


def _in_order(lead: Finding, crossed: Sequence[Finding], case: Case) -> list[Finding]:
    """What deserves to be told first.

    The mix of levels says more than its level that changed most. A value that repeats heavily is the story of a continuous column, and
    moves its location too.
    """

    def rank(finding: Finding) -> tuple[bool, float]:
        place = float(FIRST.index(finding.kind))
        if case.column.is_levels and finding.kind == "distance":
            return (True, FIRST.index("level") - 0.5)
        if finding.kind in ("level", "spike") and case.column.kind is Kind.NUMERIC and _explains(finding):
            place = FIRST.index("location") - 0.5
        return (finding is not lead or finding.kind == "distance", place)

    return sorted(crossed, key=rank)


def _source(floor: Floor) -> str:
    """Where a floor comes from: the importance of the column, or its own history."""
    if floor.windows:
        return f"the unrest of {floor.windows} windows of the reference as long as the current rows"
    return f"{floor.name} importance"


def _explains(finding: Finding) -> bool:
    """Whether a finding is large enough to be what moved the rest."""
    return finding.kind != "spike" or (finding.value or 0.0) - (finding.reference or 0.0) >= PILE
