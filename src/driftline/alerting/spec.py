"""What users say about alerts beside the rules: the budget of false alarms, times when nobody is told, reminders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from driftline.alerting.rules import NAME, Rule
from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.records import Window
from driftline.core.spec import Field, Spec


class BudgetSpec(Spec):
    """False alarms that are allowed per model and month: the limits of steps 1 to 3 follow from it.

    `over_budget`: what happens to those beyond it. `digest`: a ticket waits for the digest, a page goes out as a ticket; `send`: they are
    sent all the same. `confirmed`: why pages are wanted although the rules would have made more of them in the past than the budget allows.
    """

    pages_per_month: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    tickets_per_month: Annotated[float, Field(gt=0.0, le=100.0)] = 4.0
    over_budget: Literal["digest", "send"] = "digest"
    confirmed: str = ""


class MutedSpec(Spec):
    """A known event: alerts on windows that begin in [start, end) are kept and nobody is told. A file says `from` and `to`.

    `column`: patterns of the columns it explains; all alerts where there are none.
    """

    from_: str
    to: str
    column: tuple[str, ...] = ()

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for times that are none, or that end before they begin."""
        for name, text in (("from", self.from_), ("to", self.to)):
            try:
                _moment(text)
            except (ValueError, OverflowError):
                raise UsageError(f"'{text}' is no time", where=name, hint="Write '2026-11-27' or '2026-11-27T06:00'.") from None
        if _moment(self.to) <= _moment(self.from_):
            raise UsageError("It ends before it begins", where="to", hint="Write the earlier time as 'from'.")

    def window(self) -> Window:
        """The stretch of time, UTC where no offset is written."""
        return Window(_moment(self.from_), _moment(self.to))


def _moment(text: str) -> datetime:
    """A time in UTC, which it also is where no offset is written. Raises `ValueError`, `OverflowError`."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


class AlertsSpec(Spec):
    """Step 4. `rules`: by name; one of the name of a default rule changes what it says of that and keeps the rest. `defaults`: whether
    there are default rules. `muted`: known events. `repeat`: after how long a page that nobody has taken is told again."""

    defaults: bool = True
    rules: Mapping[str, Rule] = {}
    budget: BudgetSpec = BudgetSpec()
    muted: Mapping[str, MutedSpec] = {}
    repeat: str = "1d"

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a name that is none and a span that is none."""
        for name in self.rules:
            if not NAME.fullmatch(name):
                hint = "Use up to 60 letters, digits, - and _, beginning with a letter: IncomeDrift."
                raise UsageError(f"{name[:60]!r} is no name of a rule", where="rules", hint=hint)
        duration(self.repeat)

    @property
    def repeat_after(self) -> timedelta:
        """The span of `repeat`."""
        return duration(self.repeat)
