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
    "spike": "many rows pile up at one value, as a default filled in would",
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
PILE = 0.05
"""From this rise of a single bin on, a pile of rows looks like a default filled in; below it may be a new habit of the world."""
UNKNOWN = {
    "varies": "a column that never varied now does",
    "spike": "some rows pile up in a narrow range",
    "missing": "fewer values are missing than before",
}


def guess(findings: Sequence[Finding]) -> tuple[Cause, str]:
    """The cause that fits the findings which crossed their limit, and why. `NONE` where none did."""
    crossed = [finding for finding in findings if finding.crossed]
    kinds = [finding.kind for finding in crossed]
    if not kinds:
        return Cause.NONE, ""
    unseen = next((f.value or 0.0 for f in findings if f.crossed and f.kind == "unseen"), 0.0)
    if unseen > REPLACED:
        return Cause.PIPELINE, "most levels are new: a changed spelling or mapping"
    broken = [PIPELINE[finding.kind] for finding in crossed if _looks_broken(finding)]
    if broken:
        return Cause.PIPELINE, "; ".join(dict.fromkeys(broken))
    moved = [POPULATION[kind] for kind in kinds if kind in POPULATION]
    if moved:
        return Cause.POPULATION, "; ".join(dict.fromkeys(moved))
    return Cause.UNKNOWN, "; ".join(UNKNOWN[kind] for kind in kinds if kind in UNKNOWN)


def _looks_broken(finding: Finding) -> bool:
    """Whether a finding is of the kind a broken job leaves behind."""
    rise = (finding.value or 0.0) - (finding.reference or 0.0)
    if finding.kind == "missing":
        return rise > 0
    return rise >= PILE if finding.kind == "spike" else finding.kind in PIPELINE
