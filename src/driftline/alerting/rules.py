"""Rules: which measurements are watched, what is held against them, for how long, and how much it matters.

A rule watches every identity among the measurements of its step that its patterns fit: each is an alert of its own. Patterns are those of
file names: `latency_*`, `channel=*`. Severity `critical` pages, `warning` is a ticket, `info` waits for the digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from driftline.alerting.conditions import COMBINING, CONDITIONS, REMEMBERING, Evidence, Judged
from driftline.alerting.records import Key
from driftline.core.durations import duration
from driftline.core.errors import UsageError
from driftline.core.ledger import Step
from driftline.core.records import Basis, Measurement, segment_name
from driftline.core.spec import Field, Spec
from driftline.core.verdicts import Severity

if TYPE_CHECKING:
    When = Any
else:
    When = CONDITIONS.one_of("When")

ALL, EACH = "all", "each"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
_HOLD = re.compile(r"\s*(\d{1,3})\s*(?:of\s*(\d{1,3})\s*)?")
_WINDOWS = re.compile(r"\s*(\d{1,3})\s*(?:windows?\s*)?")


class Rule(Spec):
    """One rule. Left out, everything fits: any step, any metric, any column, but of segments and versions only all rows together.

    `metric`, `column`, `segment`: patterns; `segment` speaks of names such as `channel=app`, of `all` rows, or of `each` segment.
    `version`: all versions together, or each by itself. `basis`: what the measurement may rest on. `least_importance`: only columns that
    matter so much. `hold`: windows that must be beyond the limit before it fires, `2 of 3`, `2`, or a duration. `clear`: share of a
    threshold below which it may end. `keep_firing_for`: windows (or a duration) that must be clear before it ends. `group`: the kind of
    problem it belongs to; alerts of one group are told together. `runbook`: the address of a page that says what to do. `waits` (of default
    rules): its evidence comes late by nature, and that it is missing is nothing to tell.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"name", "waits"})

    name: str = ""
    waits: bool = False
    enabled: bool = True
    step: Step | None = None
    metric: tuple[str, ...] = ()
    column: tuple[str, ...] = ()
    segment: tuple[str, ...] = (ALL,)
    version: Literal["all", "each"] = "all"
    basis: tuple[Basis, ...] = (Basis.OBSERVED, Basis.MATURED)
    least_importance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    when: When | None = None
    hold: str = "1"
    clear: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    keep_firing_for: str = "1"
    severity: Severity = Severity.WARNING
    group: str = ""
    runbook: str = ""
    description: str = ""

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for a hold or a span that is none."""
        for name in ("hold", "keep_firing_for"):
            try:
                (_held if name == "hold" else _span)(getattr(self, name), timedelta(days=1))
            except UsageError as error:
                raise UsageError(error.what, where=name, hint=error.hint) from None
        if self.severity is Severity.NONE:
            raise UsageError(
                "An alert has a severity", where="severity", hint="Use critical, warning or info; 'enabled: false' switches it off."
            )

    @cached_property
    def condition(self) -> str:
        """The name of its condition; empty where none is given."""
        if self.when is None:
            return ""
        return next(name for name in CONDITIONS if getattr(self.when, name) is not None)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The parameters of its condition."""
        chosen = getattr(self.when, self.condition)
        return {name: getattr(chosen, name) for name in type(chosen).model_fields}

    @cached_property
    def combines(self) -> bool:
        """Whether it speaks of other rules and watches no measurement of its own."""
        return self.condition in COMBINING

    @property
    def remembers(self) -> bool:
        """Whether its alerts are remembered even while all is fine."""
        return self.condition in REMEMBERING

    def held(self, base: timedelta) -> tuple[int, int]:
        """k of n windows of length `base` that must be beyond the limit before it fires."""
        return _held(self.hold, base)

    def kept(self, base: timedelta) -> int:
        """Windows that must be clear before it ends."""
        return _span(self.keep_firing_for, base)

    def judge(self, evidence: Evidence) -> Judged:
        """What its condition says."""
        return CONDITIONS[self.condition](evidence, **self.settings)

    def watches(self, step: Step, metric: str, basis: Basis) -> bool:
        """Whether such a measurement can be anything to it, whatever its column and rows."""
        return not self.combines and self.step in (None, step) and basis in self.basis and _fits(self.metric, metric)

    def key_of(self, step: Step, measurement: Measurement, importance: Mapping[str, float]) -> Key | None:
        """The identity of a measurement, None where the rule does not watch it."""
        if not self.watches(step, measurement.metric, measurement.basis) or not _fits(self.column, measurement.column or ""):
            return None
        if not self._watches_rows(measurement) or importance.get(measurement.column or "", 0.0) < self.least_importance:
            return None
        scope = measurement.scope
        return Key(self.name, measurement.metric, measurement.basis, measurement.column or "", scope.segment, scope.version)

    def _watches_rows(self, measurement: Measurement) -> bool:
        scope = measurement.scope
        if bool(scope.version) != (self.version == EACH):
            return False
        if not scope.segment:
            return ALL in self.segment
        return EACH in self.segment or any(fnmatchcase(segment_name(scope.segment), p) for p in self.segment if p != ALL)


def _fits(patterns: tuple[str, ...], name: str) -> bool:
    return not patterns or name in patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _held(text: str, base: timedelta) -> tuple[int, int]:
    """`2 of 3` as (2, 3); `2` as (2, 2); a duration as so many windows. Raises `UsageError`."""
    found = _HOLD.fullmatch(text)
    if found is None:
        n = _span(text, base)
        return n, n
    k, n = int(found[1]), int(found[2] or found[1])
    if not 0 < k <= n:
        raise UsageError(f"'{text}' are no windows to hold", hint="Write '2 of 3', '2', or a duration such as 6h.")
    return k, n


def _span(text: str, base: timedelta) -> int:
    """`2` or `2 windows` as 2; a duration as the windows that cover it. Raises `UsageError`."""
    found = _WINDOWS.fullmatch(text)
    if found is not None and int(found[1]):
        return int(found[1])
    try:
        return max(1, -(-duration(text) // base))
    except UsageError:
        raise UsageError(f"'{text}' is no number of windows", hint="Write '2', '2 of 3', or a duration such as 6h.") from None
