"""Inhibition: while one alert fires, others that follow from it are kept and nobody is told of them.

    inhibited(active, facts) -> {fingerprint: why}

What mutes what is the table below, and nobody configures it. An alert that is itself muted still mutes others, so that a chain is told by
its first link; nobody mutes what mutes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from driftline.alerting.records import Alert, Key
from driftline.alerting.rules import Rule
from driftline.core.records import Basis, segment_name

INHIBITED = "inhibited"
"""How every reason begins."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model beside its alerts.

    `importance` and `sources`: of columns. `upstream`: columns that models with an open incident produce. `warming`: a version of the
    model without a reference of its own has served for less than three windows. `rules`: by name.
    """

    importance: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    upstream: frozenset[str] = frozenset()
    warming: bool = False
    rules: Mapping[str, Rule] = field(default_factory=dict)


class Where(StrEnum):
    """How the two alerts of a row belong together: of the same model, column, source of columns, or column and segment."""

    MODEL = "model"
    COLUMN = "column"
    SOURCE = "source"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Row:
    """While one of `who` fires, `whom` is muted where both belong together. No `whom`: everything else but the group `spared`."""

    who: tuple[str, ...]
    whom: tuple[str, ...]
    where: Where
    bases: frozenset[Basis] = frozenset(Basis)
    spared: str = ""


SEGMENTS = ("SegmentFaulty", "SegmentDrift")
OUTPUTS = ("PredictionDrift", "DecisionRate")
ON_COLUMN = ("ColumnDrift", "AnchorDrift", "SegmentDrift")
DRIFT = (*ON_COLUMN, "WideDrift", *OUTPUTS)

TABLE = (
    Row(("TrafficAbsent",), (), Where.MODEL, spared="serving"),
    Row(("SchemaBreak",), ("NullSpike",), Where.COLUMN),
    Row(("SchemaBreak", "NullSpike"), ("ColumnFaulty",), Where.COLUMN),
    Row(("SchemaBreak", "NullSpike", "ColumnFaulty"), ("ColumnDrift", "AnchorDrift", *SEGMENTS), Where.COLUMN),
    Row(("SchemaBreak", "NullSpike", "ColumnFaulty"), ("ColumnDrift",), Where.SOURCE),
    Row(("PredictionsMissing",), ("PredictionFaulty",), Where.MODEL),
    Row(("SchemaBreak", "NullSpike", "ColumnFaulty", "PredictionsMissing", "PredictionFaulty"), OUTPUTS, Where.MODEL),
    Row(("WideDrift",), OUTPUTS, Where.MODEL),
    Row(("SegmentFaulty",), ("SegmentDrift",), Where.ROWS),
    Row(
        ("LabelFeedLate",),
        ("QualityBelowFloor", "QualityEarly"),
        Where.MODEL,
        bases=frozenset({Basis.MATURED, Basis.SAME_AGE}),
    ),
    Row(("QualityBelowFloor",), ("QualityEarly", "QualityEstimated", "WideDrift", "ColumnDrift", *OUTPUTS), Where.MODEL),
)
"""Who mutes, whom, and which of them belong together. The first row that fits gives the reason. Beside it, a rule on the share of what
another one finds mutes that one (`WideDrift` mutes `ColumnDrift`)."""

WARMING = f"{INHIBITED}: a new version of the model serves that has no reference of its own yet"
UPSTREAM = f"{INHIBITED}: the model that produces this column has an open incident"


def inhibited(active: Sequence[Alert], facts: Facts) -> dict[str, str]:
    """Of the alerts that fire, those that are muted by another one or by a fact, and why, by fingerprint."""
    firing = _Firing(active, facts)
    rows = _rows(facts.rules)
    followed: dict[Key, Key] = {}
    why: dict[str, str] = {}
    for alert in sorted(active, key=lambda each: in_order(each.key)):
        by = next((key for key in firing.over(alert, rows) if not _leads_to(followed, key, alert.key)), None)
        fact = "" if by is not None else _by_fact(alert.key, facts)
        if by is not None:
            followed[alert.key] = by
            why[alert.key.fingerprint] = blame(by)
        elif fact:
            why[alert.key.fingerprint] = fact
    return why


def blame(key: Key) -> str:
    """The reason that names an alert as the one that mutes: `inhibited by NullSpike (bureau_score)`."""
    return f"{INHIBITED} by {name_of(key)}"


def name_of(key: Key) -> str:
    """An alert as people call it: its rule, and what it is about."""
    about = [key.column, segment_name(key.segment) if key.segment else "", f"version {key.version}" if key.version else "", key.reason]
    if key.metric and not key.column and key.metric not in ("verdict", "absence"):
        about.insert(0, key.metric)
    told = ", ".join(part for part in about if part)
    return f"{key.rule} ({told})" if told else key.rule


def in_order(key: Key) -> tuple[object, ...]:
    """What identities are sorted by: the same order as their own, and quicker."""
    return key.rule, key.metric, key.basis, key.column, key.segment, key.version, key.reason


def _rows(rules: Mapping[str, Rule]) -> tuple[Row, ...]:
    """The table with the rows of those rules that speak of the share of another one."""
    shares = sorted((name, str(rule.settings["rule"])) for name, rule in rules.items() if rule.condition == "share_of")
    return TABLE + tuple(Row((name,), (other,), Where.MODEL) for name, other in shares)


def _by_fact(key: Key, facts: Facts) -> str:
    if facts.warming and key.rule in DRIFT:
        return WARMING
    return UPSTREAM if key.column in facts.upstream and key.rule in ON_COLUMN else ""


def _leads_to(followed: Mapping[Key, Key], start: Key, end: Key) -> bool:
    """Whether `end` is `start`, or mutes it over any number of others."""
    at: Key | None = start
    while at is not None:
        if at == end:
            return True
        at = followed.get(at)
    return False


class _Firing:
    """The alerts that may mute others, found by their rule and by what belongs together. Those about lost evidence mute nobody."""

    def __init__(self, active: Iterable[Alert], facts: Facts) -> None:
        self.sources = facts.sources
        self.found: dict[tuple[str, Where, object], list[Key]] = defaultdict(list)
        for alert in sorted((each for each in active if not each.key.reason), key=lambda each: (-each.severity.rank, in_order(each.key))):
            for where in Where:
                place = self._place(alert.key, where)
                if place is not None:
                    self.found[alert.key.rule, where, place].append(alert.key)

    def over(self, alert: Alert, rows: Sequence[Row]) -> Iterator[Key]:
        """Those that mute an alert, in order of the table."""
        key = alert.key
        for row in rows:
            if not _mutes(row, alert):
                continue
            place = self._place(key, row.where)
            if place is None:
                continue
            for rule in row.who:
                yield from self.found.get((rule, row.where, place), ())

    def _place(self, key: Key, where: Where) -> object:
        """What two alerts must share; None where there is nothing to share."""
        if where is Where.MODEL:
            return ""
        if where is Where.SOURCE:
            return self.sources.get(key.column)
        if not key.column:
            return None
        return key.column if where is Where.COLUMN else (key.column, key.segment, key.version)


def _mutes(row: Row, alert: Alert) -> bool:
    key = alert.key
    if row.whom:
        return key.rule in row.whom and key.basis in row.bases
    # An alert about lost evidence is muted whatever its group: without rows there is none. That of the muting rule itself is not.
    return key.rule not in row.who and (bool(key.reason) or alert.group != row.spared)
