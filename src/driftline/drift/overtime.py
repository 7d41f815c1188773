"""Over time: the verdict about a column in one window, once the windows of the reference have told what is ordinary.

A comparison of two tables asks whether they differ. Windows of a healthy stream do differ: a day has one weekday, a calm night one wind
speed. So a kind of finding that the windows of the reference show themselves is ordinary and says nothing; and whether a column has
drifted is told by the monitor, where there is one, since its lines were rehearsed on such windows. The distances stay beside it as the
story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from driftline.core.verdicts import ColumnVerdict, Finding, Verdict
from driftline.drift.judge import judge
from driftline.drift.monitor import Watch
from driftline.drift.spec import DriftSpec
from driftline.drift.unrest import Unrest
from driftline.profiles.profile import Profile

MOST_WINDOWS = 120
"""Windows of the reference that are judged to learn what is ordinary; the latest of more."""
MANY_WINDOWS = 50
"""From so many windows on, a finding in a single one is chance and does not make its kind ordinary."""

Ordinary = Mapping[str, Sequence[str]]
"""Kinds of findings by column that the windows of the reference show themselves."""


@dataclass(frozen=True, slots=True)
class Normal:
    """What is known of the windows of the reference. `watches`: what the monitor says of this window, by column."""

    unrest: Mapping[int, Unrest] = field(default_factory=dict)
    ordinary: Ordinary = field(default_factory=dict)
    watches: Mapping[str, Watch] = field(default_factory=dict)
    monitored: bool = False


UNKNOWN = Normal()


def learn_ordinary(
    reference: Profile, history: Sequence[Profile], spec: DriftSpec, unrest: Mapping[int, Unrest], *, threshold: float | None = None
) -> Ordinary:
    """The kinds of findings that windows of the reference show when each is judged as a live one would be."""
    windows = [window for window in history[-MOST_WINDOWS:] if window.rows]
    least = 2 if len(windows) >= MANY_WINDOWS else 1
    seen: Counter[tuple[str, str]] = Counter()
    for window in windows:
        for verdict in judge(reference, window, spec, unrest=unrest, threshold=threshold, brief=True):
            seen.update({(verdict.name, finding.kind) for finding in verdict.findings if finding.crossed})
    ordinary: dict[str, list[str]] = {}
    for (column, kind), count in sorted(seen.items()):
        if count >= least:
            ordinary.setdefault(column, []).append(kind)
    return ordinary


def settled(verdict: ColumnVerdict, normal: Normal) -> ColumnVerdict:
    """The verdict of two tables as a verdict about a window."""
    usual = normal.ordinary.get(verdict.name, ())
    strange = [finding for finding in verdict.findings if finding.crossed and finding.kind not in usual]
    faults = [finding for finding in strange if finding.fault]
    if faults and verdict.verdict is Verdict.FAULTY:
        return verdict if len(faults) == len([f for f in verdict.findings if f.crossed]) else _led_by(verdict, Verdict.FAULTY, faults)
    watch = normal.watches.get(verdict.name)
    if watch is not None:
        return _watched(verdict, watch, strange)
    if verdict.verdict in (Verdict.DRIFTED, Verdict.FAULTY) and (normal.monitored or not strange):
        return replace(verdict, verdict=Verdict.STABLE, note="as restless as the windows of the reference")
    return _led_by(verdict, Verdict.DRIFTED, strange) if verdict.verdict is Verdict.FAULTY else verdict


def in_segment(verdict: ColumnVerdict, normal: Normal) -> ColumnVerdict:
    """The same for the rows of a segment, which has no monitor of its own."""
    return settled(verdict, replace(normal, watches={}, monitored=False))


def _watched(verdict: ColumnVerdict, watch: Watch, strange: Sequence[Finding]) -> ColumnVerdict:
    """The monitor's word, with the story of the comparison where that saw something too."""
    if not watch.beyond:
        if verdict.verdict is Verdict.INSUFFICIENT:
            return verdict
        return replace(verdict, verdict=Verdict.STABLE, note="", derivation=watch.note)
    jumped = watch.surprise >= watch.surprise_limit
    value, limit = (watch.surprise, watch.surprise_limit) if jumped else (watch.accumulated, watch.accumulated_limit)
    story = strange[0].text if strange else verdict.note if verdict.verdict is Verdict.DRIFTED else ""
    return replace(
        verdict,
        verdict=Verdict.DRIFTED,
        measure="surprise" if jumped else "accumulated",
        value=value,
        limit=limit,
        note=f"{story}; {watch.note}" if story else watch.note,
        derivation="",
    )


def _led_by(verdict: ColumnVerdict, what: Verdict, findings: Sequence[Finding]) -> ColumnVerdict:
    """The verdict with what is left of its findings."""
    if not findings:
        return replace(verdict, verdict=Verdict.STABLE, note="as restless as the windows of the reference")
    lead = findings[0]
    note = "; ".join(finding.text for finding in findings)
    return replace(verdict, verdict=what, measure=lead.measure, value=lead.value, limit=lead.limit, note=note, findings=tuple(findings))
