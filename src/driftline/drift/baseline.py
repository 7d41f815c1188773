"""Baseline: what the windows of a reference taught about the normal wobble of its columns, at one window length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import IncompatibleProfiles
from driftline.drift.observed import history_observed, observed, unexpected
from driftline.drift.phases import Phases, learn_phases
from driftline.drift.rehearsal import Lines, rehearse
from driftline.drift.signals import ORDERS, Layout, Polynomials, Reading, layout, legendre, polynomials, read
from driftline.drift.wobble import Wobble, learn_wobble, left_out
from driftline.profiles.profile import Profile

Floats = NDArray[np.float64]

FEWEST = 15
"""Windows below which the wobble of a column cannot be told from chance."""
FAT = 0.25
"""A polynomial after the first is left out where its mean over a usual window has a larger excess kurtosis than this."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a reference taught about the normal wobble of its columns at one window length.

    names: (signals,) column and signal; the first of them are polynomials, whose weights are `poly`, the rest rates, of whose rows
    `counts` (2, rates) hold how many of how many the reference has. `columns` are the places in the schema.
    """

    schema_id: str
    columns: tuple[int, ...]
    names: tuple[tuple[str, str], ...]
    poly: Polynomials
    counts: Floats
    wobble: Wobble
    phases: Phases
    lines: Lines
    windows: int
    rate: float

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Facts that JSON can hold, and arrays."""
        facts = {
            "schema": self.schema_id,
            "columns": list(self.columns),
            "names": [list(name) for name in self.names],
            "lines": [self.lines.surprise, self.lines.accumulated],
            "windows": self.windows,
            "rate": self.rate,
        }
        poly, wobble, phases = self.poly, self.wobble, self.phases
        return facts, {
            "at": poly.at,
            "order": poly.order,
            "weights": poly.weights,
            "skewness": poly.skewness,
            "kurtosis": poly.kurtosis,
            "counts": self.counts,
            "kappa": wobble.kappa,
            "independent": wobble.windows,
            "degrees": wobble.degrees,
            "rows": wobble.rows,
            "likeness": wobble.likeness,
            "seen": wobble.seen,
            "phases": phases.numbers,
            "means": phases.means,
        }

    @classmethod
    def from_arrays(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Baseline:
        """The baseline that `to_arrays` took apart."""
        return cls(
            facts["schema"],
            tuple(facts["columns"]),
            tuple((column, signal) for column, signal in facts["names"]),
            Polynomials(*(arrays[name] for name in ("at", "order", "weights", "skewness", "kurtosis"))),
            arrays["counts"],
            Wobble(*(arrays[name] for name in ("kappa", "independent", "degrees", "rows", "likeness", "seen"))),
            Phases(arrays["phases"], arrays["means"]),
            Lines(*facts["lines"]),
            facts["windows"],
            facts["rate"],
        )


def learn(
    reference: Profile,
    history: Sequence[Profile],
    phases: Sequence[int],
    *,
    alarms_per_window: float,
    columns: Sequence[int] | None = None,
    seed: int = 0,
) -> Baseline | None:
    """The normal wobble of the columns (places in the schema; all if None). None where there are fewer than 15 windows,
    or no column at all.

    `history` is the reference cut into windows, `phases` the hour of the week, the weekday or 0 of each. `alarms_per_window` is how many
    false alarms a window all columns may raise together; each chart gets half.
    """
    if len(history) < FEWEST:
        return None
    chosen = tuple(i for i in (range(len(reference.schema.columns)) if columns is None else columns) if reference.seen[i])
    lay = layout(reference.schema, chosen)
    powers = legendre(lay, reference.counts)
    poly = _thin(polynomials(lay, reference.counts, powers), lay, history)
    names = _names(lay, poly)
    if not names:
        return None
    seen, whole = history_observed(lay, poly, powers, reference, history)
    root = np.sqrt(seen.rows)
    effects = np.where(root > 0, seen.scores / np.maximum(root, 1e-300), 0.0)
    found, expected = learn_phases(effects, phases)
    residuals = unexpected(poly, seen, expected)
    groups = _groups(names)
    wobble, kin = learn_wobble(residuals, seen.rows, groups)
    standardised = wobble.standardised(residuals, seen.rows)
    replayed = left_out(wobble, residuals, seen.rows, kin)
    lines = rehearse(standardised, replayed, wobble, rate=alarms_per_window / 2, seed=seed)
    counts = np.stack([whole.x, whole.n])
    return Baseline(reference.schema.id, chosen, names, poly, counts, wobble, found, lines, len(history), alarms_per_window)


def scores(baseline: Baseline, reference: Profile, window: Profile, phase: int) -> NDArray[np.float32]:
    """How many normal wobbles each signal of a window is away, as normal scores, (signals,); 0 where nothing can be said.

    Raises `IncompatibleProfiles` where a profile has another schema than the baseline.
    """
    for profile in (reference, window):
        if profile.schema.id != baseline.schema_id:
            raise IncompatibleProfiles(
                f"A profile made with schema {profile.schema.id} cannot be judged by a baseline of schema {baseline.schema_id}",
                hint="Learn the baseline again from the reference in use.",
            )
    lay = layout(reference.schema, baseline.columns)
    powers = legendre(lay, reference.counts)
    whole = Reading(read(lay, reference.counts, powers).sums, baseline.counts[0], baseline.counts[1])
    seen = observed(baseline.poly, read(lay, window.counts, powers), whole)
    residuals = unexpected(baseline.poly, seen, baseline.phases.of(phase))
    standardised = baseline.wobble.standardised(residuals, seen.rows)
    judged = baseline.wobble.judged(standardised, seen.rows)
    return np.where(seen.rows > 0, judged, 0.0).astype(np.float32)


def _thin(poly: Polynomials, lay: Layout, history: Sequence[Profile]) -> Polynomials:
    """Without those that so few rows carry that their mean over a usual window is far from normal."""
    if not len(poly.at):
        return poly
    held = np.stack([np.add.reduceat(window.counts[lay.ordered], lay.starts) for window in history])
    usual = np.maximum(np.median(held, axis=0), 1)[poly.at]
    kept = (poly.order == 0) | ((poly.kurtosis - 3) / usual <= FAT)
    return Polynomials(poly.at[kept], poly.order[kept], poly.weights[kept], poly.skewness[kept], poly.kurtosis[kept])


def _names(lay: Layout, poly: Polynomials) -> tuple[tuple[str, str], ...]:
    numbers = [lay.number_names[i] for i in poly.at.tolist()]
    return (*((name, ORDERS[k]) for name, k in zip(numbers, poly.order.tolist(), strict=True)), *lay.rates)


def _groups(names: Sequence[tuple[str, str]]) -> list[int]:
    """Signals of one kind have one number: all levels together, everything else by its name."""
    kinds: dict[str, int] = {}
    return [kinds.setdefault("level" if signal.startswith("level '") else signal, len(kinds)) for _, signal in names]
