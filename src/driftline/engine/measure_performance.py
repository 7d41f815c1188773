"""Step 1 on one window: how the model was served, whether its labels come, how right it was, and how right it seems without labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any

from driftline.core.durations import duration
from driftline.core.ledger import PartKind, StoredPart
from driftline.core.records import ALL_ROWS, Measurement, Scope, Segment, Status, Window, segment_name
from driftline.engine.cohorts import cohorts
from driftline.engine.model import Known, Model, quality_alpha
from driftline.engine.timeline import AHEAD, Timeline
from driftline.performance.estimation import BackTests, Refusal, back_test, estimate, expected_values, realised
from driftline.performance.maturity import label_health, matured, orphan_share, quality
from driftline.performance.operational import OperationalSpec, PastTraffic, operational
from driftline.performance.restless import with_slack
from driftline.performance.slo import Burning, SloSpec, burns_for, slo
from driftline.performance.step import HEADLINES
from driftline.profiles.cohort import Cohort
from driftline.profiles.outcomes import Summary
from driftline.profiles.traffic import Traffic

PAST_TRAFFIC = timedelta(weeks=8)
DAY, HOURS = timedelta(days=1), 24
PAST_COHORTS = 28
"""Matured windows that a young one is compared with."""
BACK_TESTED = 60
"""Matured windows over which estimates are held against what came true."""
WIDER = (2, 4, 8, 16, 32)
"""How many windows are joined, one try after the other, until the rows suffice."""
SERVED = ("error_rate", "latency_p50", "latency_p95", "latency_p99")
"""What is also measured of each version, where there are several."""

Estimates = Mapping[str, Any]


class Performance:
    """Step 1 for the windows of one evaluation; what several windows need is read once."""

    def __init__(self, model: Model, timeline: Timeline, *, as_of: datetime, through: int) -> None:
        self.model, self.timeline = model, timeline
        self.as_of, self.through = as_of, through
        self.base = model.tiling.length
        self.spec = model.plan.performance.but(alpha=quality_alpha(model.plan))
        """What holds for quality by labels."""
        self._rows: dict[Window, int] | None = None
        self._cohorts: dict[Window, Mapping[str, Cohort]] = {}
        self._estimates: dict[Window, Estimates] = {}
        self._realised: dict[Window, tuple[Mapping[str, float], int]] = {}
        self._joins: dict[tuple[Window, int], Cohort | None] = {}
        self._read_to: datetime | None = None
        self.partly: set[Window] = set()
        """Windows of which labels were left out because they became known after `as_of`."""

    def measure(self, window: Window) -> tuple[list[Measurement], str, list[StoredPart]]:
        """The measurements of a window, the reference they rest on, and what to keep for the windows after it."""
        versions = self.timeline.traffic(window)
        found = self._operations(window, versions) + self._objectives(window)
        known = self.model.active(max(versions, default=""))
        kept: list[StoredPart] = []
        if self.model.outcomes() is not None:
            found += self._labels(window, known)
            found += self._quality(window, known)
            estimates, kept = self._estimated(window, known)
            found += estimates
        return found, known.stored.id, kept

    def _scope(self, window: Window, version: str = "", segment: Segment = ALL_ROWS) -> Scope:
        return Scope(self.model.name, version, segment, window)

    # Operations

    def _operations(self, window: Window, versions: Mapping[str, Traffic]) -> list[Measurement]:
        spec = OperationalSpec(absent_p=self.model.plan.serving.absent_p)
        found = operational(_all(versions.values()), self._past(window), self._scope(window), spec)
        if len(versions) > 1:
            for version, own in versions.items():
                each = operational(own, PastTraffic(), self._scope(window, version), spec)
                found += [m for m in each if m.metric in SERVED]
        return found

    def _past(self, window: Window) -> PastTraffic:
        tiling, windows = self.model.tiling, self.timeline.windows
        if self._rows is None:
            self._rows = self.model.store.rows(self.model.name, start=windows[0].start, end=windows[-1].end)
        rows, first = self._rows, window.start - PAST_TRAFFIC
        before = [w for w in self.timeline.back(window, int(PAST_TRAFFIC / self.base) + 1)[:-1] if w.start >= first]
        day = HOURS if self.base < DAY else 0
        return PastTraffic(tiling.phase(window), tuple((tiling.phase(w), rows.get(w, 0)) for w in before), day)

    def _objectives(self, window: Window) -> list[Measurement]:
        serving = self.model.plan.serving
        specs = []
        if serving.availability is not None:
            specs.append(SloSpec(target=serving.availability.target, window=serving.availability.window))
        if serving.latency is not None:
            specs.append(SloSpec(target=serving.latency.target, window=serving.latency.window, within=serving.latency.within))
        found: list[Measurement] = []
        served: dict[str, Traffic] = {}
        for spec, burns in [(spec, burns_for(spec, self.base)) for spec in specs]:
            spans = {spec.window, *(burn.long for burn in burns), *(burn.short for burn in burns)}
            served |= {span: self._served(window, span) for span in sorted(spans) if span not in served}
            burning = [Burning(burn, served[burn.long], served[burn.short]) for burn in burns]
            found += slo(served[spec.window], burning, self._scope(window), spec)
        return found

    def _served(self, window: Window, span: str) -> Traffic:
        return self.timeline.served(self.timeline.back(window, max(1, duration(span) // self.base)))

    # Labels and quality

    def _labels(self, window: Window, known: Known) -> list[Measurement]:
        cohort, found = self._cohort(window, known), list[Measurement]()
        labels, age = self.model.plan.labels, self.as_of - window.end
        if cohort is not None:
            found += label_health(cohort, self._past_cohorts(window, known), self._scope(window), labels, age)
        if window == self.timeline.windows[-1]:
            # A prediction may come after its label: those of the last maturity are counted once, with the newest window.
            since = self.as_of - max(labels.maturity, self.base)
            found.append(orphan_share(*self.model.lake.waiting(since=since, through=self.through), self._scope(window), labels))
        return found

    def _quality(self, window: Window, known: Known) -> list[Measurement]:
        cohort = self._cohort(window, known)
        if cohort is None:
            return []
        if self.as_of - window.end < self.model.plan.labels.maturity:
            return self._judged(cohort, window, known)  # it waits for others to be compared with, not for more rows
        rows, width = self._enough(window, known, cohort, 1)
        found = self._judged(rows, self._back(window, width), known, width=width)
        for segment in self._segments(rows, known):
            own, more = self._enough(window, known, rows, width, segment)
            found += self._headlines(own, self._back(window, more), known, more, segment)
        found = located(found)
        versions = self._of_window(window)
        for version, own in versions.items() if len(versions) > 1 else ():
            found += self._judged(own, window, self.model.active(version), version=version)
        return found

    def _enough(self, window: Window, known: Known, cohort: Cohort, width: int, segment: Segment = ALL_ROWS) -> tuple[Cohort, int]:
        """The rows of the last `width` windows, or of as many before them as it takes to judge a segment; and how many these are."""
        most = duration(self.model.plan.windows.widen_to) // self.base
        for count in sorted({*(count for count in WIDER if count < most), most}):
            if count <= width:
                continue
            if not _too_few(self._headlines(cohort, self._back(window, width), known, width, segment)):
                break
            wider = self._joined(window, count, known)
            if wider is not None:
                cohort, width = wider, count
        return cohort, width

    def _back(self, window: Window, width: int) -> Window:
        """So many windows as one."""
        return Window(self.timeline.back(window, width)[0].start, window.end)

    def _segments(self, cohort: Cohort, known: Known) -> list[Segment]:
        """Those whose labelled rows the reference has too."""
        own = known.reference.segments
        return [each for each in cohort.outcomes if each != ALL_ROWS and each in own and own[each].outcomes is not None]

    def _headlines(self, cohort: Cohort, window: Window, known: Known, width: int, segment: Segment = ALL_ROWS) -> list[Measurement]:
        """The metrics that may raise an alarm, of all rows or of a segment."""
        plan, profile = self.model.plan, known.reference.segments[segment] if segment else known.reference.profile
        spec = with_slack(self.spec, known.learned.slacks, profile.outcomes, width)
        only = spec.but(metrics=spec.headline or HEADLINES[cohort.plan.task])
        scope, age = self._scope(window, segment=segment), self.as_of - window.end
        return quality(cohort, [], profile.outcomes, scope, plan.labels, only, age=age)

    def _judged(self, cohort: Cohort, window: Window, known: Known, *, width: int = 1, version: str = "") -> list[Measurement]:
        """The quality of all rows, or of those of one version. `width` is how many windows these are."""
        reference, age, plan = known.reference, self.as_of - window.end, self.model.plan
        past = [] if age >= plan.labels.maturity else self._past_cohorts(window, known)
        spec = with_slack(self.spec, known.learned.slacks, reference.profile.outcomes, width)
        return quality(cohort, past, reference.profile.outcomes, self._scope(window, version), plan.labels, spec, age=age)

    def _joined(self, window: Window, count: int, known: Known) -> Cohort | None:
        if (window, count) not in self._joins:
            self._joins = {key: cohort for key, cohort in self._joins.items() if key[0] == window}
            stretch = self.timeline.back(window, count)
            found = [cohort for each in stretch if (cohort := self._cohort(each, known)) is not None]
            self._joins[window, count] = reduce(add, found) if len(found) > 1 else None
        return self._joins[window, count]

    def _past_cohorts(self, window: Window, known: Known) -> list[Cohort]:
        """Those of windows before this one that are final, the latest of them."""
        maturity = self.model.plan.labels.maturity
        stretch = self.timeline.back(window, PAST_COHORTS + 1 + int(maturity / self.base))[:-1]
        final = [each for each in stretch if self.as_of - each.end >= maturity]
        return [cohort for each in final[-PAST_COHORTS:] if (cohort := self._cohort(each, known)) is not None]

    def _cohort(self, window: Window, known: Known) -> Cohort | None:
        """All versions of a window that share the plan of a reference."""
        plan = known.reference.schema.outcomes
        fitting = [cohort for cohort in self._of_window(window).values() if cohort.plan == plan and cohort.rows]
        return reduce(add, fitting) if fitting else None

    def _of_window(self, window: Window) -> Mapping[str, Cohort]:
        if window not in self._cohorts:
            stretch = self.timeline.from_(window, AHEAD)
            self._cohorts.update({each: {} for each in stretch})
            found, partly = cohorts(self.model, stretch[0].start, stretch[-1].end, as_of=self.as_of, through=self.through)
            self._cohorts.update(found)
            self.partly.update(partly)
        return self._cohorts[window]

    # Quality without labels

    def _estimated(self, window: Window, known: Known) -> tuple[list[Measurement], list[StoredPart]]:
        learned, reference = known.learned, known.reference
        part = self.timeline.of_schema(window, reference.schema.id)
        if part is None:
            return [], []
        estimator = learned.estimator or Refusal(learned.refusal)
        tests = self._back_tests(window, known)
        scope, slacks = self._scope(window), learned.slacks
        spec = with_slack(self.model.plan.performance, slacks, reference.profile.outcomes, 1)
        found = estimate(estimator, part.profile, reference, scope, back_test=tests, spec=spec)
        if isinstance(estimator, Refusal):
            return found, []
        facts = {"estimated": expected_values(estimator, part.profile, reference, spec)}
        self._estimates[window] = facts
        data = json.dumps(facts).encode()
        return found, [StoredPart(PartKind.ESTIMATES, known.stored.id, "", window, 0, self.through, 0, data)]

    def _final(self, window: Window, known: Known) -> Summary | None:
        cohort = self._cohort(window, known)
        return None if cohort is None else matured(cohort, window, self.as_of, self.model.plan.labels)

    def _back_tests(self, window: Window, known: Known) -> BackTests:
        """Estimates of the windows before this one against what came true."""
        stretch = self.timeline.back(window, BACK_TESTED + 1 + int(self.model.plan.labels.maturity / self.base))[:-1]
        if not stretch:
            return {}
        start = stretch[0].start if self._read_to is None else max(self._read_to, stretch[0].start)
        if start < window.start:
            stored = self.model.store.parts(self.model.name, PartKind.ESTIMATES, start=start, end=window.start)
            for part in stored:
                if part.schema == known.stored.id:
                    self._estimates.setdefault(part.window, json.loads(part.data))  # what was just estimated is newer
            self._read_to = window.start
        pairs: dict[str, list[tuple[float, float, int]]] = {}
        for each in stretch:
            if each not in self._estimates:
                continue
            estimated, (came_true, n) = self._estimates[each]["estimated"], self._came_true(each, known)
            for metric, value in came_true.items():
                if metric in estimated:
                    pairs.setdefault(metric, []).append((estimated[metric], value, n))
        return {metric: back_test(own[-BACK_TESTED:]) for metric, own in pairs.items()}

    def _came_true(self, window: Window, known: Known) -> tuple[Mapping[str, float], int]:
        """The realised quality of a window that is final, by what was known by `as_of`, and its rows; nothing of others."""
        if window not in self._realised:
            summary = self._final(window, known)
            self._realised[window] = ({}, 0) if summary is None else (realised(summary) or {}, summary.rows)
        return self._realised[window]


def reach(model: Model) -> int:
    """How many windows before its own the measurements of a window may rest on. Labels of others are taken as known when it was judged."""
    base, serving = model.tiling.length, model.plan.serving
    spans = [PAST_TRAFFIC, *(duration(slo.window) for slo in (serving.availability, serving.latency) if slo is not None)]
    back_tested = BACK_TESTED + int(model.plan.labels.maturity / base) + 1
    return max(*(int(span / base) + 1 for span in spans), back_tested, duration(model.plan.windows.widen_to) // base)


def _all(traffic: Iterable[Traffic]) -> Traffic:
    return Traffic.total(list(traffic))


def _too_few(found: Iterable[Measurement]) -> bool:
    """Whether a headline could not be judged for want of rows."""
    return any(m.status is Status.INSUFFICIENT and m.n for m in found)


def located(found: list[Measurement]) -> list[Measurement]:
    """The same, with the segments named in a metric of all rows that is worse, where it is worse in some of them and fine in others."""
    told = [m for m in found if m.scope.segment and m.beyond is not None]
    bad = {m.metric: [each for each in told if each.metric == m.metric and each.beyond] for m in told if m.beyond}
    some = {metric: own for metric, own in bad.items() if any(m.metric == metric and not m.beyond for m in told)}
    return [
        replace(m, note=f"only {', '.join(segment_name(each.scope.segment) for each in some[m.metric])}: {m.note}")
        if m.beyond and not m.scope.segment and m.metric in some
        else m
        for m in found
    ]
