"""The verdict about every column of a table: drifted, faulty, stable, or not enough data.

`judge` is the one place where tests become verdicts. It works on two profiles of one schema and knows nothing of files, time or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import IncompatibleProfiles
from driftline.core.verdicts import ColumnVerdict, Finding, MeasureValue, Severity, Verdict
from driftline.drift.causes import guess
from driftline.drift.choice import choose_measure, measure_of
from driftline.drift.conclusions import conclude, lead_of, visible_drift
from driftline.drift.decisions import decision_test
from driftline.drift.findings import TITLES, finding_of, has_crossed, primary_finding, settled
from driftline.drift.floors import FLOORS, Floor, effect_limit, standing
from driftline.drift.notes import Line, note_of, told
from driftline.drift.pairs import chart
from driftline.drift.shares import LEVEL_WEIGHTS, split
from driftline.drift.spec import DriftSpec
from driftline.drift.stories import Case
from driftline.drift.surveyed import DECIDING, MEASURES, Survey, survey
from driftline.drift.tails import chi2_quantile
from driftline.drift.tested import Tested, asked_of, level_tests, numeric_tests, other_tests
from driftline.drift.units import unit_factor, unit_name
from driftline.drift.unrest import Unrest
from driftline.profiles.profile import Profile
from driftline.profiles.schema import Column, Role

Floats = NDArray[np.float64]

NO_UNREST: Mapping[int, Unrest] = MappingProxyType({})
NOTHING_ASKED: Mapping[int, Sequence[str]] = MappingProxyType({})
SHIFTED = ("location", "shape", "distance", "far_out_of_range")


@dataclass(frozen=True)
class Family:
    """The judged columns of one kind with what is computed for all of them at once. `at` gives a column's row by its position.

    `alphas` is the probability that each test of each column may spend, `floors` the standing of each column. `brief` as in `judge`.
    """

    at: Mapping[int, int]
    tested: Tested
    alphas: Sequence[Mapping[str, float]]
    floors: Sequence[Floor]
    brief: bool = False

    @cached_property
    def survey(self) -> Survey | None:
        """The measures of all columns; None where no distribution is known."""
        if self.tested.pair is None or not self.at:
            return None
        tails = np.array([alphas.get("distance", alphas.get("level", min(alphas.values()))) for alphas in self.alphas])
        least = {name: np.array([floor.at(name) for floor in self.floors]) for name in FLOORS}
        return survey(self.tested.pair, self.tested.fine, tails, least, DECIDING if self.brief else tuple(MEASURES))


def judge(  # noqa: PLR0913 - two profiles and a spec; the rest are settings with names and defaults
    reference: Profile,
    current: Profile,
    spec: DriftSpec,
    *,
    share: float = 1.0,
    columns: Sequence[int] | None = None,
    threshold: float | None = None,
    unrest: Mapping[int, Unrest] = NO_UNREST,
    asked: Mapping[int, Sequence[str]] = NOTHING_ASKED,
    brief: bool = False,
) -> list[ColumnVerdict]:
    """The verdict about each column (positions in the schema; all that the current rows have), in the order of the schema.

    `share` is the part of `spec.alpha` that these verdicts may spend together; `threshold` the decision threshold of a score; `unrest`
    what is known of how restless each column is by itself, which raises its floors. `asked` names tests by position whose findings are
    wanted even where they have not crossed; `brief` leaves out the chart, and all measures but those that can decide. Raises
    `IncompatibleProfiles` where the two profiles have different schemas.
    """
    schema = reference.schema
    if schema is not current.schema and schema.id != current.schema.id:
        raise IncompatibleProfiles(
            f"A profile made with schema {current.schema.id} cannot be compared with one made with schema {schema.id}",
            hint="Profile the rows again with the schema of the reference.",
        )
    chosen = [i for i in (range(len(schema.columns)) if columns is None else columns) if current.seen[i]]
    line = Line(share * spec.alpha, len(chosen))
    rows = np.stack([np.add.reduceat(profile.counts, schema.offsets[:-1]) for profile in (current, reference)], axis=1).tolist()
    floors = {i: _floor(schema.columns[i], rows[i], spec, line, unrest.get(i)) for i in chosen}
    families = _families(reference, current, floors, line, threshold, brief=brief)
    found = {position: family for family in families for position in family.at}
    verdicts = []
    for position in chosen:
        family = found[position]
        row = family.at[position]
        case = Case(schema.columns[position], position, reference, current, family.tested.pair, family.tested.fine, row)
        verdicts.append(_verdict(case, family, line, spec, asked.get(position, ()), rows[position]))
    return verdicts


def _families(
    reference: Profile, current: Profile, floor_of: Mapping[int, Floor], line: Line, threshold: float | None, *, brief: bool
) -> list[Family]:
    schema, chosen = reference.schema, list(floor_of)
    numeric = [i for i in chosen if schema.columns[i].is_numeric]
    levels = [i for i in chosen if schema.columns[i].is_levels]
    others = [i for i in chosen if not (schema.columns[i].is_numeric or schema.columns[i].is_levels)]
    families = []
    for positions in (numeric, levels, others):
        floors = [floor_of[i] for i in positions]
        decides = [threshold is not None and schema.columns[i].is_numeric and schema.columns[i].role is Role.PREDICTION for i in positions]
        if positions is numeric:
            rows = {position: row for row, position in enumerate(schema.numeric)}
            tested = numeric_tests(reference, current, [rows[i] for i in positions], floors)
            for k in np.flatnonzero(decides).tolist():
                assert threshold is not None
                tested.results[k]["decision_rate"] = decision_test(reference, current, positions[k], threshold, floors[k])
        else:
            tested = (level_tests if positions is levels else other_tests)(reference, current, positions, floors)
        alphas = [_alphas(schema.columns[i], line, decides=d) for i, d in zip(positions, decides, strict=True)]
        families.append(Family({i: k for k, i in enumerate(positions)}, tested, alphas, floors, brief))
    return families


def _floor(column: Column, rows: Sequence[int], spec: DriftSpec, line: Line, unrest: Unrest | None) -> Floor:
    """The floor of a column by its importance, raised where its own history is restless. `rows`: current ones, those of the reference."""
    floor = Floor.of("top" if column.role is Role.PREDICTION else standing(spec.standing(column.name)))
    if unrest is None or min(rows) == 0:
        return floor
    n, m = rows
    return floor.raised(*unrest.bounds(1 / n + 1 / m, line.per_column), windows=unrest.windows)


def _alphas(column: Column, line: Line, *, decides: bool) -> Mapping[str, float]:
    """The probability that each test of a column may spend."""
    kinds = asked_of(column, decides=decides)
    return _parts(kinds, line.per_column, column.is_levels and "level" in kinds)


@lru_cache(maxsize=256)
def _parts(kinds: Sequence[str], alpha: float, levels: bool) -> Mapping[str, float]:  # noqa: FBT001 - one of two sets of weights
    shares = split(kinds, LEVEL_WEIGHTS) if levels else split(kinds)
    return MappingProxyType({kind: alpha * part for kind, part in shares.items()})


def _verdict(case: Case, family: Family, line: Line, spec: DriftSpec, asked: Sequence[str], rows: Sequence[int]) -> ColumnVerdict:
    alphas, floor, column = family.alphas[case.place], family.floors[case.place], case.column
    measure, why = (measure_of(column), "") if family.brief else choose_measure(case.reference, case.position)
    values = family.survey.of(case.place) if family.survey else ()
    own, values = _settle(case, family, measure, values)
    findings = _findings(case, family, measure, own, asked)
    n, m = rows
    visible = visible_drift(case, alphas)
    crossed = [f for f in findings if f.crossed]
    verdict = conclude(crossed, visible, floor, n, spec, known="level" in alphas or "distance" in alphas)
    lead = lead_of(findings, crossed, measure)
    telling = told(lead, crossed, case)
    cause, evidence = guess(telling)
    return ColumnVerdict(
        name=column.name,
        role=column.role.value,
        kind=column.kind.value,
        verdict=verdict,
        severity=severity_of(verdict, column.role, spec.importance.get(column.name)),
        measure=lead.measure,
        value=lead.value,
        limit=lead.limit,
        n=n,
        reference_n=m,
        cause=cause,
        note=note_of(verdict, telling, case, visible, floor),
        evidence=evidence,
        why_measure=why,
        derivation=line.derivation(lead, alphas, floor, own),
        importance=spec.importance.get(column.name),
        floor=floor.psi,
        smallest_visible=visible,
        measures=values,
        findings=(*(crossed or [lead]), *(f for f in findings if f.kind in asked and f not in crossed and f is not lead)),
        chart=chart(case.pair, case.place, column) if case.pair is not None and not family.brief else None,
    )


def severity_of(verdict: Verdict, role: Role, importance: float | None) -> Severity:
    """Drift is a warning; a fault is critical where the model uses the column."""
    if verdict is Verdict.FAULTY:
        used = role in (Role.FEATURE, Role.PREDICTION, Role.SEGMENT) and importance != 0
        return Severity.CRITICAL if used else Severity.WARNING
    return Severity.WARNING if verdict is Verdict.DRIFTED else Severity.NONE


def _settle(
    case: Case, family: Family, measure: str, values: tuple[MeasureValue, ...]
) -> tuple[MeasureValue | None, tuple[MeasureValue, ...]]:
    """The measure that speaks for the test of the distance, with a limit that agrees with the test, and all measures with it."""
    tested, alpha = family.tested, family.alphas[case.place].get("distance")
    own = next((v for v in values if v.name == measure), next((v for v in values if v.name == "psi"), None))
    if own is None or alpha is None or tested.statistic is None or tested.degrees is None or tested.pair is None:
        return None, values
    statistic, p = float(tested.statistic[case.place]), tested.results[case.place]["distance"].p
    grown = float(chi2_quantile(alpha, tested.degrees[case.place])) / statistic if statistic > 0 else 1.0
    floor, unit = np.array(family.floors[case.place].at(own.name)), tested.pair.unit[case.place]
    least = float(effect_limit(own.name, floor, np.array(own.chance), unit))
    own = settled(own, least, grown**0.5 if own.name == "js" else grown, p, alpha)
    return own, tuple(own if v.name == own.name else v for v in values)


def _findings(case: Case, family: Family, measure: str, own: MeasureValue | None, asked: Sequence[str]) -> list[Finding]:
    """What the tests of a column say that have crossed, or are asked for, and the one of its measure, and whether the unit has changed."""
    floor, found = family.floors[case.place], []
    results, alphas = family.tested.results[case.place], family.alphas[case.place]
    for kind, alpha in alphas.items():
        result = results.get(kind)
        if result is None:
            continue
        if kind == "distance":
            found.append(primary_finding(result, case, alpha, own))
        elif TITLES[kind] == measure or kind in asked or has_crossed(result, alpha):
            found.append(finding_of(result, case, alpha, floor, rising=kind == "missing" and kind in asked))
    if case.fine is not None and any(f.crossed and f.kind in SHIFTED for f in found):
        factor = unit_factor(case.fine, case.place)
        if factor is not None:
            text = f"values are the reference's {unit_name(factor)}"
            found.insert(0, Finding("unit_change", TITLES["unit_change"], factor, None, text, crossed=True, fault=True))
    return [replace(f, measure=measure) if f.measure == "" else f for f in found]
