"""What a comparison says: the record behind the terminal text, the JSON, the report and the Python result.

The field names here are the keys of the JSON document (`docs/reference/json.md`); `Comparison.to_dict` is the only writer of it.
Numbers are plain Python values, never NaN; what could not be computed is None.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

FORMAT = "driftline.comparison/1"


class Verdict(StrEnum):
    """The answer about a column, a quality metric or a table."""

    STABLE = "stable"
    DRIFTED = "drifted"
    FAULTY = "faulty"
    INSUFFICIENT = "insufficient"


class Severity(StrEnum):
    """How much a verdict matters; `none` where there is nothing to do."""

    NONE = "none"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for none up to 3 for critical."""
        return list(Severity).index(self)


class Cause(StrEnum):
    """Where a change seems to come from: a broken job, or the world."""

    NONE = ""
    PIPELINE = "pipeline"
    POPULATION = "population"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence that crossed its limit, or would have to cross it to count.

    `kind` names the test (`location`, `shape`, `spike`, `distance`, `level`, `missing`, `infinite`, `out_of_range`, `unseen`,
    `constant`, `unit_change`, `type_change`, `missing_column`, `new_column`, `duplicate_ids`, `decision_rate`, ...). `value`, `limit` and
    `reference` share the unit of `measure`. `p` is the probability of a value this far out without a change, `alpha` the bound it is
    held to. `text` is the story in a few words for people.
    """

    kind: str
    measure: str
    value: float | None
    limit: float | None
    text: str
    crossed: bool
    fault: bool = False
    reference: float | None = None
    p: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class MeasureValue:
    """One distance of one column: its value, the level chance alone gives on average, and the limit for this n."""

    name: str
    value: float
    chance: float
    limit: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Shares of reference and current rows over the same few bins; `labels` name the bins. All three have the same length."""

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegmentVerdict:
    """The verdict about one column inside one segment of the rows; `value` and `limit` are of the `measure` that decided there."""

    segment: str
    verdict: Verdict
    n: int
    measure: str
    value: float | None
    limit: float | None
    note: str


@dataclass(frozen=True, slots=True)
class ColumnVerdict:
    """All that is said about one column.

    `role` is feature, prediction, label, id, time or segment; `kind` is how the column is summarised. `measure`, `value`, `limit` are
    the evidence that decided. `smallest_visible` is the effect (as a PSI) that this many rows would show with 80 % probability,
    `floor` the effect from which drift counts. `why_measure` is why this measure was chosen, `note` the story in one line.
    """

    name: str
    role: str
    kind: str
    verdict: Verdict
    severity: Severity
    measure: str
    value: float | None
    limit: float | None
    n: int
    reference_n: int
    cause: Cause
    note: str
    evidence: str = ""
    why_measure: str = ""
    derivation: str = ""
    importance: float | None = None
    floor: float | None = None
    smallest_visible: float | None = None
    measures: tuple[MeasureValue, ...] = ()
    findings: tuple[Finding, ...] = ()
    segments: tuple[SegmentVerdict, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class QualityVerdict:
    """One quality metric on both tables, each with its 95 % interval. `better` is `higher`, `lower` or `target`.

    `label` names the class where the metric is of one class of a multiclass model.
    """

    metric: str
    verdict: Verdict
    severity: Severity
    value: float | None
    low: float | None
    high: float | None
    n: int
    reference: float | None
    reference_low: float | None
    reference_high: float | None
    reference_n: int
    better: str
    note: str = ""
    headline: bool = False
    segment: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Excluded:
    """A column that was not compared, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class TableInfo:
    """Where one of the two tables came from.

    `fingerprint` is `sha256:...` of the files' bytes, `sha256-ends:...` of the size and the first and last MiB where a file is larger
    than 64 MiB, or empty where there is no file. `bytes` is the size of the files together.
    """

    name: str
    rows: int
    files: tuple[str, ...] = ()
    fingerprint: str = ""
    bytes: int = 0
    first_time: str = ""
    last_time: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What it takes to repeat a comparison."""

    reference: TableInfo
    current: TableInfo
    schema_id: str
    created: str
    versions: dict[str, str]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables compared. `columns` are ranked: what matters most first."""

    verdict: Verdict
    severity: Severity
    headline: str
    counts: dict[str, int]
    columns: tuple[ColumnVerdict, ...]
    quality: tuple[QualityVerdict, ...]
    excluded: tuple[Excluded, ...]
    notes: tuple[str, ...]
    provenance: Provenance
    task: str = ""
    alpha: float = 0.01

    def column(self, name: str) -> ColumnVerdict | None:
        """The verdict about the column called `name`, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as plain dictionaries, lists, strings and finite numbers."""
        return {"format": FORMAT, **_plain(asdict(self))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, StrEnum):
        return value.value
    return value
