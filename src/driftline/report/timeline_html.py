"""The model over time as one HTML page that needs nothing else: no request, no script, readable in print and without colour.

timeline_html(timeline) -> str
"""

from __future__ import annotations

from collections.abc import Iterable

from driftline.core.ledger import Evaluation
from driftline.report.environment import environment
from driftline.report.incidents_page import SAID as SEVERITIES
from driftline.report.incidents_page import section_of
from driftline.report.states import Group
from driftline.report.timeline import Timeline
from driftline.report.timeline_page import LOOKS, SAID, page_of
from driftline.report.timeline_words import feed_text, matured_until, reference_text


def timeline_html(timeline: Timeline) -> str:
    """The whole page: under 2 MB for a year of days and fifty columns."""
    template = environment().get_template("timeline.html.j2")
    ongoing, page, alerts = timeline.ongoing, page_of(timeline), timeline.state.alerts
    return template.render(
        page=page,
        alerts=section_of(alerts, timeline.clock, page.axis) if alerts is not None else None,
        words=SEVERITIES,
        timeline=timeline,
        state=timeline.state,
        clock=timeline.clock,
        ongoing=ongoing,
        verdict=LOOKS[ongoing[0].state] if ongoing else "stable",
        looks=LOOKS,
        said=SAID,
        reference=reference_text(timeline),
        feed=feed_text(timeline),
        matured=matured_until(timeline),
        rows=sum(point.measurement.n for series in timeline.of(Group.OPERATIONS) if series.metric == "requests" for point in series.points),
        plans=_used(((e.plan, e) for found in timeline.steps.values() for e in found), timeline),
        references=_used(((e.reference, e) for found in timeline.steps.values() for e in found), timeline),
    )


def _used(named: Iterable[tuple[str, Evaluation]], timeline: Timeline) -> list[tuple[str, str, int]]:
    """Each plan or reference with the windows it was used in, the latest first, at most 20."""
    found: dict[str, list[Evaluation]] = {}
    for name, evaluation in named:
        found.setdefault(name, []).append(evaluation)
    spans = []
    for name, evaluations in found.items():
        windows = sorted({e.window for e in evaluations})
        spans.append((windows[-1], name, timeline.clock.span(windows[0], windows[-1]), len(windows)))
    return [(name, span, count) for _, name, span, count in sorted(spans, key=lambda one: (one[0], one[1]), reverse=True)[:20]]
