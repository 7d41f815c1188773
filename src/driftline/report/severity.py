"""How much it matters: the severity of what evaluations found, which decides the exit code of a command."""

from __future__ import annotations

from collections.abc import Iterable

from driftline.core.ledger import Evaluation
from driftline.core.records import Basis
from driftline.core.verdicts import Severity
from driftline.report.reading import troubles_of
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
    """The worst of all troubles. An estimate of quality is never more than information: only labels prove it."""
    found = [
        Severity.INFO if trouble.subject.basis is Basis.ESTIMATED else SEVERITIES[trouble.state]
        for evaluation in evaluations
        for trouble in troubles_of(evaluation)
    ]
    return max(found, key=lambda severity: severity.rank, default=Severity.NONE)
