"""Step 4 as reports show it: what is known of the alerts of a model beside its evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from driftline.alerting.budget import Forecast
from driftline.alerting.notices import Spent
from driftline.alerting.precision import Precision
from driftline.alerting.records import Board, Incident, Outgoing, Silence
from driftline.core.verdicts import Severity
from driftline.report.alert_words import muted_of


@dataclass(frozen=True, slots=True)
class AlertsShown:
    """How the alerts of a model stand. `silences` are those in force, `given_up` the notices that no receiver took.

    `expected` are false alarms a month when nothing is wrong, `severities` those of the rules by name. `pages_allowed` and
    `tickets_allowed` are the budget of a month, `spent` what is used of it.
    """

    board: Board
    incidents: Sequence[Incident] = ()
    silences: Sequence[Silence] = ()
    given_up: Sequence[Outgoing] = ()
    precision: Sequence[Precision] = ()
    proposals: Sequence[str] = ()
    expected: Forecast = field(default_factory=lambda: Forecast((), 0.0, 0.0))
    severities: Mapping[str, Severity] = field(default_factory=dict)
    pages_allowed: float = 0.0
    tickets_allowed: float = 0.0
    spent: Spent = field(default_factory=Spent)

    @property
    def muted(self) -> dict[str, str]:
        """Why nobody is told of alerts, by fingerprint."""
        return muted_of(self.board.incidents)
