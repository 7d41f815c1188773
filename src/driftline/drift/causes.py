"""A guess at the cause: a broken job, or a changed world. With the evidence, since it is a guess.

A pipeline breaks in ways the world does not: values go missing, pile up at one value, change their unit or their type, in one column or
one segment. The world moves whole distributions, smoothly, in several columns at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from driftline.core.verdicts import Cause, Finding

PIPELINE = {
    "missing": "values went missing",
    "infinite": "infinite values appeared",
    "far_out_of_range": "values lie far outside anything the reference had",
    "constant": "the column stopped varying",
    "unit_change": "the values are the reference's times a known factor",
    "type_change": "the type changed",
    "missing_column": "the column is gone",
    "duplicate_ids": "identifiers repeat",
    "spike": "rows pile up at one value, as a default filled in would",
}
POPULATION = {
    "location": "the whole distribution moved",
    "shape": "the whole distribution changed its shape",
    "distance": "the shares changed without missing or impossible values",
    "level": "a known level became more or less frequent",
    "unseen": "new levels appeared beside the known ones",
    "out_of_range": "values went somewhat beyond the range of the reference",
    "decision_rate": "the scores moved across the threshold",
}
REPLACED = 0.5
UNKNOWN = {"varies": "a column that never varied now does"}


def guess(findings: Sequence[Finding]) -> tuple[Cause, str]:
    """The cause that fits the findings which crossed their limit, and why. `NONE` where none did."""
    kinds = [finding.kind for finding in findings if finding.crossed]
    if not kinds:
        return Cause.NONE, ""
    unseen = next((f.value or 0.0 for f in findings if f.crossed and f.kind == "unseen"), 0.0)
    if unseen > REPLACED:
        return Cause.PIPELINE, "most levels are new: a changed spelling or mapping"
    broken = [PIPELINE[kind] for kind in kinds if kind in PIPELINE]
    if broken:
        return Cause.PIPELINE, "; ".join(dict.fromkeys(broken))
    moved = [POPULATION[kind] for kind in kinds if kind in POPULATION]
    if moved:
        return Cause.POPULATION, "; ".join(dict.fromkeys(moved))
    return Cause.UNKNOWN, "; ".join(UNKNOWN[kind] for kind in kinds if kind in UNKNOWN)
