"""How much it matters: the severity of what evaluations found, which decides the exit code of a command."""

from __future__ import annotations

from collections.abc import Iterable

from driftline.core.ledger import Evaluation
from driftline.core.records import Basis
from driftline.core.verdicts import Severity
from driftline.report.reading import BUDGETS, Trouble, troubles_of
from driftline.report.states import State

SEVERITIES = {
    State.ERROR: Severity.CRITICAL,
    State.DATA: Severity.CRITICAL,
    State.WORSE: Severity.WARNING,
    State.BEYOND: Severity.WARNING,
    State.DRIFT: Severity.WARNING,
    State.UNUSUAL: Severity.INFO,
}


def severity_of(evaluations: Iterable[Evaluation]) -> Severity:
    """The worst of all troubles. An estimate of quality is never more than information: only labels prove it. Nor is a budget that is
    gone where burn rates are watched: they tell while it is used up, and one bad hour would else be told for a month."""
    found = [_severity(trouble, _burns(evaluation)) for evaluation in evaluations for trouble in troubles_of(evaluation)]
    return max(found, key=lambda severity: severity.rank, default=Severity.NONE)


def _severity(trouble: Trouble, burns: bool) -> Severity:  # noqa: FBT001 - whether burn rates are watched
    known = trouble.subject.basis is Basis.ESTIMATED or (burns and trouble.subject.name in BUDGETS)
    return min(Severity.INFO, SEVERITIES[trouble.state], key=lambda severity: severity.rank) if known else SEVERITIES[trouble.state]


def _burns(evaluation: Evaluation) -> bool:
    return any(m.metric == "burn_rate" for m in evaluation.measurements)
