"""The verdict about every column of a table: drifted, faulty, stable, or not enough data.

`judge` is the one place where tests become verdicts. It works on two profiles of one schema and knows nothing of files, time or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from driftline.core.catalog import Catalog
from driftline.core.verdicts import Cause, Chart, ColumnVerdict, Finding, MeasureValue, Severity, Verdict
from driftline.drift import measures
from driftline.drift.causes import guess
from driftline.drift.choice import choose_measure
from driftline.drift.decisions import decision_test
from driftline.drift.findings import TITLES, Line, finding_of, is_fault
from driftline.drift.floors import FLOORS, effect_limit, standing
from driftline.drift.noise import chance, chance_limit, smallest_noncentrality, visible_shift
from driftline.drift.pairs import OrderedPair, Pair, cell_names
from driftline.drift.spec import DriftSpec
from driftline.drift.stories import Case, mean_shift
from driftline.drift.tested import LEVEL_TESTS, NUMERIC_TESTS, OTHER_TESTS, Test, level_tests, numeric_tests, other_tests
from driftline.drift.units import unit_factor, unit_name
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Column, Role

Floats = NDArray[np.float64]

MEASURES: Catalog[..., Floats] = Catalog.of("drift measure", measures)
ORDERED = ("ks", "wasserstein")
CHARTED = 24


@dataclass(frozen=True)
class Family:
    """The judged columns of one kind with what is computed for all of them at once. `at` gives a column's row by its position."""

    at: Mapping[int, int]
    tests: Sequence[Mapping[str, Test]]
    pair: Pair | None
    fine: OrderedPair | None
    alpha: float

    @cached_property
    def values(self) -> Mapping[str, tuple[Floats, Floats, Floats]]:
        """Of every measure the values, the means by chance and the limits by chance."""
        assert self.pair is not None
        pairs = {name: self.fine if name in ORDERED else self.pair for name in MEASURES}
        return {
            name: (MEASURES[name](pair), chance(name, pair), chance_limit(name, pair, self.alpha))
            for name, pair in pairs.items()
            if pair is not None
        }


def judge(
    reference: Profile,
    current: Profile,
    spec: DriftSpec,
    *,
    share: float = 1.0,
    columns: Sequence[int] | None = None,
    threshold: float | None = None,
) -> list[ColumnVerdict]:
    """The verdict about each column (positions in the schema; all that the current rows have), in the order of the schema.

    `share` is the part of `spec.alpha` that these verdicts may spend together; `threshold` the decision threshold of a score.
    """
    schema = reference.schema
    chosen = [i for i in (range(len(schema.columns)) if columns is None else columns) if current.seen[i]]
    floors = {i: _standing(schema.columns[i], spec) for i in chosen}
    per_column = share * spec.alpha / max(len(chosen), 1)
    families = _families(reference, current, chosen, floors, per_column, threshold)
    line = Line(spec.alpha * share, len(chosen))
    verdicts = []
    for position in chosen:
        family = next(f for f in families if position in f.at)
        row = family.at[position]
        case = Case(schema.columns[position], position, reference, current, family.fine, row if family.fine is not None else -1)
        verdicts.append(_verdict(case, family, row, floors[position], line, spec))
    return verdicts


def _families(
    reference: Profile, current: Profile, chosen: Sequence[int], floors: Mapping[int, str], per_column: float, threshold: float | None
) -> list[Family]:
    schema = reference.schema
    numeric = [i for i in chosen if schema.columns[i].is_numeric]
    levels = [i for i in chosen if schema.columns[i].is_levels]
    others = [i for i in chosen if not (schema.columns[i].is_numeric or schema.columns[i].is_levels)]
    rows = [schema.numeric.index(i) for i in numeric]
    tests, coarse, fine, _ = numeric_tests(reference, current, rows, [floors[i] for i in numeric])
    for k, i in enumerate(numeric):
        if threshold is not None and schema.columns[i].role is Role.PREDICTION:
            tests[k]["decision_rate"] = decision_test(reference, current, i, threshold, floors[i])
    level, pair = level_tests(reference, current, levels, [floors[i] for i in levels])
    other = [other_tests(reference, current, i, floors[i]) for i in others]
    return [
        Family({i: k for k, i in enumerate(numeric)}, tests, coarse, fine, per_column / len(NUMERIC_TESTS)),
        Family({i: k for k, i in enumerate(levels)}, level, pair, None, per_column / len(LEVEL_TESTS)),
        Family({i: k for k, i in enumerate(others)}, other, None, None, per_column / len(OTHER_TESTS)),
    ]


def _standing(column: Column, spec: DriftSpec) -> str:
    return "top" if column.role is Role.PREDICTION else standing(spec.standing(column.name))


def _verdict(case: Case, family: Family, row: int, floor: str, line: Line, spec: DriftSpec) -> ColumnVerdict:
    measure, why = choose_measure(case.reference, case.position)
    all_measures = _measure_values(family, row, floor)
    findings = _findings(case, family, row, floor, measure, all_measures)
    n, m = _present(case, family, row)
    visible = _visible(case, family, row, n, m)
    crossed = [f for f in findings if f.crossed]
    verdict = _conclude(crossed, visible, floor, n, spec, known=family.pair is not None)
    lead = _lead(findings, crossed, measure)
    cause, evidence = guess(findings) if verdict in (Verdict.DRIFTED, Verdict.FAULTY) else (Cause.NONE, "")
    return ColumnVerdict(
        name=case.column.name,
        role=case.column.role.value,
        kind=case.column.kind.value,
        verdict=verdict,
        severity=severity_of(verdict, case.column.role, spec.importance.get(case.column.name)),
        measure=lead.measure,
        value=lead.value,
        limit=lead.limit,
        n=int(n),
        reference_n=int(m),
        cause=cause,
        note=_note(verdict, lead, crossed, case, visible, floor, n),
        evidence=evidence,
        why_measure=why,
        derivation=line.derivation(lead, family.alpha, floor, all_measures),
        importance=spec.importance.get(case.column.name),
        floor=FLOORS["psi"][floor],
        smallest_visible=visible,
        measures=all_measures,
        findings=tuple(crossed) if crossed else (lead,),
        chart=_chart(case, family, row),
    )


def severity_of(verdict: Verdict, role: Role, importance: float | None) -> Severity:
    """Drift is a warning; a fault is critical where the model uses the column."""
    if verdict is Verdict.FAULTY:
        used = role in (Role.FEATURE, Role.PREDICTION, Role.SEGMENT) and importance != 0
        return Severity.CRITICAL if used else Severity.WARNING
    return Severity.WARNING if verdict is Verdict.DRIFTED else Severity.NONE


def _findings(
    case: Case, family: Family, row: int, floor: str, measure: str, values: tuple[MeasureValue, ...]
) -> list[Finding]:
    """What every test of the column says; a unit change explains the distribution tests away."""
    found = []
    primary = next((v for v in values if v.name == measure), values[0] if values else None)
    for test in family.tests[row].values():
        found.append(finding_of(test, case, family.alpha, floor, primary if test.kind == "distance" else None))
    shifted = any(f.crossed and f.kind in ("location", "shape", "distance", "far_out_of_range") for f in found)
    if shifted and family.fine is not None:
        factor = unit_factor(family.fine, row)
        if factor is not None:
            text = f"values are the reference's {unit_name(factor)}"
            found.insert(0, Finding("unit_change", TITLES["unit_change"], factor, 1.0, text, crossed=True, fault=True))
    return found


def _measure_values(family: Family, row: int, floor: str) -> tuple[MeasureValue, ...]:
    if family.pair is None:
        return ()
    unit = float(family.pair.unit[row])
    result = []
    for name, (value, mean, limit) in family.values.items():
        if np.isfinite(value[row]) and np.isfinite(unit):
            expected = float(mean[row])
            highest = max(effect_limit(name, floor, expected, unit), float(limit[row]))
            result.append(MeasureValue(name, float(value[row]), expected, highest))
    return tuple(result)


def _present(case: Case, family: Family, row: int) -> tuple[int, int]:
    """Rows of the column in the current and the reference table."""
    cells = case.current.schema.cells(case.position)
    return int(case.current.counts[cells].sum()), int(case.reference.counts[cells].sum())


def _visible(case: Case, family: Family, row: int, n: int, m: int) -> float | None:
    """The smallest drift, as a PSI, that these rows show with 80 % probability."""
    if family.pair is None:
        return None
    if family.fine is not None:
        finite = [float(side[row, 2:-1].sum()) for side in (family.fine.current, family.fine.reference)]
        if min(finite) == 0:
            return None
        return visible_shift(1 / finite[0] + 1 / finite[1], family.alpha) ** 2
    if min(n, m) == 0:
        return None
    degrees = max(float(family.pair.live[row].sum()) - 1, 1.0)
    return smallest_noncentrality(degrees, family.alpha) * (1 / n + 1 / m)


def _conclude(crossed: Sequence[Finding], visible: float | None, floor: str, n: int, spec: DriftSpec, *, known: bool) -> Verdict:
    if any(is_fault(finding) for finding in crossed):
        return Verdict.FAULTY
    if crossed:
        return Verdict.DRIFTED
    if known:
        blind = visible is None or visible > 2 * FLOORS["psi"][floor]
    else:
        blind = n < spec.least_rows
    return Verdict.INSUFFICIENT if blind else Verdict.STABLE


def _lead(findings: Sequence[Finding], crossed: Sequence[Finding], measure: str) -> Finding:
    """The finding that decides: a fault first, then the measure of the column, then whatever crossed its limit furthest."""
    faults = [f for f in crossed if is_fault(f)]
    if faults:
        return faults[0]
    own = next((f for f in findings if f.measure == measure), findings[0])
    if own.crossed or not crossed:
        return own
    return max(crossed, key=lambda f: abs(f.value or 0.0) / max(abs(f.limit or 0.0), 1e-12))


def _note(
    verdict: Verdict, lead: Finding, crossed: Sequence[Finding], case: Case, visible: float | None, floor: str, n: int
) -> str:
    if verdict is Verdict.INSUFFICIENT:
        if visible is None:
            return f"{n:,} rows with a value are too few to judge"
        return f"{n:,} rows show a PSI from {visible:.2g} on; needed is {2 * FLOORS['psi'][floor]:.2g}"
    if not crossed:
        return ""
    order = [lead, *(f for f in crossed if f is not lead)]
    if any(f.kind == "unit_change" for f in crossed):
        order = [lead]
    texts = [f.text for f in order if f.kind != "distance" or len(order) == 1]
    moved = mean_shift(case)
    if moved and not any("mean" in t or "times" in t for t in texts) and lead.kind in ("distance", "shape"):
        texts.append(f"mean {moved[2]:+.2f} sd")
    return "; ".join(dict.fromkeys(texts[:3]))


def _chart(case: Case, family: Family, row: int) -> Chart | None:
    """Shares over the coarse cells that have rows; of many levels those that matter most."""
    if family.pair is None:
        return None
    p, q = (side[row] for side in family.pair.shares)
    names = cell_names(case.column)
    cells = p.shape[0]
    if case.column.is_numeric:
        groups = len(names) - 5
        places = [*range(3 + groups), cells - 2, cells - 1]
    else:
        places = list(range(len(names)))
    kept = [(name, float(p[i]), float(q[i])) for name, i in zip(names, places, strict=True) if p[i] > 0 or q[i] > 0]
    if len(kept) > CHARTED:
        best = sorted(range(len(kept)), key=lambda k: -max(kept[k][1], kept[k][2], 2 * abs(kept[k][1] - kept[k][2])))[: CHARTED - 1]
        rest = [kept[k] for k in range(len(kept)) if k not in best]
        kept = [kept[k] for k in sorted(best)] + [(f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest))]
    return Chart(*(tuple(part) for part in zip(*kept, strict=True))) if kept else None


