"""A year of a model, made up: nine months of days with the troubles that a year brings, for the texts and the page over time.

What happens: a hot summer (temp and humid drift, 24 June to 10 July), a broken sensor (visib, 3 days of July), a column that drifts at one
airport only (September), worse quality in October that the labels show late, an outage of the service (19 November), days without rows
(1 and 2 December) and one that nobody evaluated (3 December), a small day (25 December) and drift that lasts until the end (carrier).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from driftline.core.ledger import Evaluation, Step
from driftline.core.records import Basis, Measurement, Scope, Segment, Status, Window
from driftline.report.timeline import ModelState

ZONE = ZoneInfo("America/New_York")
COLUMNS = ("temp", "humid", "visib", "wind_speed", "pressure", "distance", "carrier", "origin", "dest", "hour", "month_day")
HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    '" onmouseover="alert(2)" x=\'',
    "total\u202eeruces\u202c",
    "=cmd|' /C calc'!A0",
)
FIRST, LAST = date(2013, 4, 1), date(2013, 12, 31)
PLAN, REFERENCE = "sha256:5b1f0c", "r-2013q1-84d2"
SILENT = (date(2013, 12, 1), date(2013, 12, 2))
EWR: Segment = (("origin", "EWR"),)


@dataclass
class Chance:
    """Numbers from 0 to 1 that look like chance and are the same for ever."""

    seed: int
    drawn: int = 0

    def random(self) -> float:
        self.drawn += 1
        return zlib.crc32(f"{self.seed}:{self.drawn}".encode()) / 2**32


def day(at: date) -> Window:
    """A day of New York, 23 or 25 hours long where the clock changes."""
    start = datetime(at.year, at.month, at.day, tzinfo=ZONE)
    after = at + timedelta(days=1)
    return Window(start.astimezone(UTC), datetime(after.year, after.month, after.day, tzinfo=ZONE).astimezone(UTC))


def days(first: date = FIRST, last: date = LAST) -> Iterator[date]:
    at = first
    while at <= last:
        if at != date(2013, 12, 3):
            yield at
        at += timedelta(days=1)


def year(*, columns: tuple[str, ...] = COLUMNS, first: date = FIRST, last: date = LAST, as_of: date = LAST) -> list[Evaluation]:
    """All evaluations of the three steps, the same for the same arguments."""
    found: list[Evaluation] = []
    for at in days(first, last):
        chance = Chance(at.toordinal())
        scope = Scope("flights", window=day(at))
        if at in SILENT:
            found += [silence(step, at, scope, len(found) + i) for i, step in enumerate(Step, 1)]
            continue
        made = datetime(at.year, at.month, at.day, 6, tzinfo=UTC) + timedelta(days=2)
        for step, measured in (
            (Step.PERFORMANCE, [*operations(at, scope, chance), *quality(at, as_of, scope, chance)]),
            (Step.DRIFT, [m for column in columns for m in drift(column, at, scope, chance)]),
            (Step.PREDICTIONS, predictions(at, scope, chance)),
        ):
            found.append(Evaluation(step, day(at), made, made, at.toordinal(), PLAN, REFERENCE, tuple(measured), number=len(found) + 1))
    return found


def silence(step: Step, at: date, scope: Scope, number: int) -> Evaluation:
    """A day without a row: step 1 expects some, the others have nothing to say."""
    if step is Step.PERFORMANCE:
        low = "0 requests, and 790 are expected on this weekday"
        found: tuple[Measurement, ...] = (
            Measurement("requests", 0.0, scope, 0, limit=520.0, note=low, beyond=True),
            Measurement("absence", 0.0, scope, 0, limit=1e-6, note=low, beyond=True),
            Measurement("coverage", None, scope, 0, status=Status.NODATA),
        )
    else:
        found = (Measurement("verdict", None, scope, 0, status=Status.NODATA, note="no rows in this window"),)
    made = datetime(at.year, at.month, at.day, 6, tzinfo=UTC) + timedelta(days=2)
    return Evaluation(step, day(at), made, made, at.toordinal(), PLAN, REFERENCE, found, number=number)


def state() -> ModelState:
    return ModelState(
        model="flights",
        description="arrival delay in minutes",
        base_window="1d",
        time_zone="America/New_York",
        reference="flights-2013q1.parquet",
        reference_version="1",
        reference_made=datetime(2013, 4, 1, 7, tzinfo=UTC),
        reference_rows=78_214,
        last_predictions=datetime(2014, 1, 1, 4, 59, tzinfo=UTC),
        last_labels=datetime(2014, 1, 1, 9, 30, tzinfo=UTC),
        rejected={"arrives before it departs": 3, "no identifier": 12, "time in the future": 8},
        deliveries=551,
        duplicates=812,
        waiting=41,
        as_of=datetime(2014, 1, 1, 10, tzinfo=UTC),
        config="flights.yaml",
    )


def rows(at: date) -> int:
    return 12 if at == date(2013, 12, 25) else 700 + 90 * (at.weekday() < 5) + at.toordinal() % 37


def operations(at: date, scope: Scope, chance: Chance) -> list[Measurement]:
    n, outage = rows(at), at == date(2013, 11, 19)
    errors = (0.21 if outage else 0.002) + 0.001 * chance.random()
    p95 = 41 + 3 * chance.random() + 160 * outage
    calm = at == date(2013, 12, 25)
    expected = "expected 790 on this weekday, from 39 weeks; 520 to 1,040 is normal"
    return [
        Measurement("requests", float(n), scope, n, low=520.0, high=1040.0, limit=520.0, note=expected, beyond=calm),
        Measurement("absence", 1e-9 if calm else 0.4, scope, n, limit=1e-6, beyond=calm, note="rows came far below what is expected"),
        Measurement("error_rate", errors, scope, n, low=errors * 0.6, high=errors * 1.5, limit=0.01, beyond=outage),
        Measurement("latency_p50", 12 + chance.random(), scope, n),
        Measurement("latency_p95", p95, scope, n, low=p95 - 2, high=p95 + 2, limit=100.0, beyond=outage),
        Measurement("latency_p99", p95 * 1.6, scope, n),
        Measurement("arrival_lag_p95", 5400 + 900 * chance.random(), scope, n),
        Measurement("availability", 1 - errors, scope, n, limit=0.995, beyond=outage, note="0.5 % may fail over 28 days"),
        Measurement("error_budget_left", -0.4 if outage else 0.62, scope, n * 28, "availability", limit=0.0, beyond=outage),
        Measurement("burn_rate", 42.0 if outage else 0.4, scope, n, "availability 14.4x over 1d", limit=14.4, beyond=outage),
    ]


def quality(at: date, as_of: date, scope: Scope, chance: Chance) -> Iterator[Measurement]:
    n, age = rows(at), (as_of - at).days
    bad = date(2013, 10, 7) <= at <= date(2013, 10, 20)
    base = 16.2 + 1.4 * math.sin(at.toordinal() / 40) + chance.random() + (6.5 if bad else 0)
    note = "6.1 minutes worse than the reference, tolerated 1.7\nNewcombe 1998, alpha 0.005" if bad else ""
    if age >= 2:
        yield quality_of("mae", base, scope, n - 9, Basis.MATURED, note, limit=19.4, beyond=base - 0.8 > 19.4)
        yield Measurement("rmse", base * 1.6, scope, n - 9, basis=Basis.MATURED)
    else:
        yield quality_of("mae", base * 0.97, scope, n // 2, Basis.SAME_AGE, "of flights that have landed", limit=19.4, beyond=False)
    if n < 100:
        yield Measurement("mae", None, scope, n, basis=Basis.ESTIMATED, status=Status.INSUFFICIENT, note="12 rows are too few to estimate")
    else:
        yield quality_of("mae", base - 0.3 - (3 if bad else 0), scope, n, Basis.ESTIMATED, "assumes that delays keep their causes")
    covered = 0.41 if age < 2 else 0.985
    yield Measurement("coverage", covered, scope, n, low=covered - 0.02, high=min(1, covered + 0.02), limit=0.95, beyond=False)
    yield Measurement("observability", 0.975, scope, n)
    yield Measurement("orphan_share", 0.0004, scope, n, limit=0.001, beyond=False)
    yield Measurement("label_lag_p50", 7200 + 600 * chance.random(), scope, n)


def quality_of(metric: str, value: float, scope: Scope, n: int, basis: Basis, note: str, **more) -> Measurement:
    return Measurement(metric, value, scope, n, low=value - 0.8, high=value + 0.8, basis=basis, note=note, **more)


def drift(column: str, at: date, scope: Scope, chance: Chance) -> Iterator[Measurement]:
    n = rows(at)
    if n < 100:
        yield Measurement("verdict", None, scope, n, column, status=Status.INSUFFICIENT, note="12 rows show a drift from PSI 0.9 on")
        return
    size, code, story = happened(column, at, chance)
    derivation = "; limit 0.1: the higher of the floor 0.1 with the 0.011 that chance gives on average" if code else ""
    yield Measurement("verdict", float(code), scope, n, column, note=f"{story}{derivation}", beyond=code > 0)
    yield Measurement("psi", size, scope, n, column, limit=0.1, beyond=size > 0.1)
    yield Measurement("missing", 0.31 if code == 2 else 0.004, scope, n, column, limit=0.012, beyond=code == 2)
    strange = column == "pressure" and at in (date(2013, 5, 14), date(2013, 8, 30))
    surprise = 5.9 if strange else 1 + 2 * chance.random()
    yield Measurement(
        "surprise",
        surprise,
        scope,
        n,
        column,
        limit=4.6,
        beyond=strange,
        note="spread is 5.9 normal wobbles above the reference; limits 4.60 and 11.2: 60 windows rehearsed" if strange else "",
    )
    yield Measurement("accumulated", 2 + 3 * chance.random(), scope, n, column, limit=11.2, beyond=False)
    if column == "dest":
        local = date(2013, 9, 9) <= at <= date(2013, 9, 20)
        here = Scope("flights", segment=EWR, window=scope.window)
        told = "level BOS up 12 pp" if local else ""
        yield Measurement("verdict", float(local), here, n // 3, column, note=told, beyond=local)
    if column == "temp":
        yield Measurement("anchor_verdict", float(code > 0), scope, n, column, note=story, beyond=code > 0)


def happened(column: str, at: date, chance: Chance) -> tuple[float, int, str]:
    """PSI, verdict and story of a column on a day."""
    quiet = 0.02 + 0.03 * chance.random()
    hot = date(2013, 6, 24) <= at <= date(2013, 7, 10) and at != date(2013, 6, 29)
    if column in ("temp", "humid") and hot:
        sd = 2.1 if column == "temp" else 1.2
        return 0.3 * sd + 0.05 * chance.random(), 1, f"mean +{sd:.1f} sd"
    if column == "visib" and date(2013, 7, 22) <= at <= date(2013, 7, 24):
        return 0.9, 2, "missing 31.0 %, was 0.40 %"
    if column == "carrier" and at >= date(2013, 11, 11):
        return 0.2 + 0.1 * chance.random(), 1, "level FL down 6 pp, WN up 5 pp"
    if column == "wind_speed" and at == date(2013, 8, 9):
        return 0.19, 1, "tail: above 40 in 4 % of rows"
    return quiet, 0, ""


def predictions(at: date, scope: Scope, chance: Chance) -> list[Measurement]:
    n = rows(at)
    if n < 100:
        return [Measurement("verdict", None, scope, n, "arr_delay_predicted", status=Status.INSUFFICIENT, note="12 rows are too few")]
    moved = date(2013, 6, 25) <= at <= date(2013, 7, 9)
    rate = 0.21 + 0.02 * chance.random() + 0.11 * moved
    told = "mean 6.1 → 14.9; above 15: 22.0 % → 33.1 %" if moved else ""
    wide = Scope("flights", window=Window(scope.window.start - timedelta(days=6), scope.window.end))
    return [
        Measurement("verdict", float(moved), scope, n, "arr_delay_predicted", note=told, beyond=moved),
        Measurement("psi", 0.24 if moved else 0.02 + 0.02 * chance.random(), scope, n, "arr_delay_predicted", limit=0.05, beyond=moved),
        Measurement("decision_rate", rate, scope, n, "arr_delay_predicted", low=rate - 0.03, high=rate + 0.03, limit=0.3, beyond=moved),
        Measurement("near_threshold", 0.08 + 0.01 * chance.random(), scope, n, "arr_delay_predicted"),
        Measurement("verdict", 0.0, Scope("flights", "2", (), wide.window), n * 7, "arr_delay_predicted", beyond=False),
    ]


def wide(columns: int, *, first: date = date(2013, 1, 1), troubled: int = 12) -> list[Evaluation]:
    """A year of many columns, the first of them with the names of the example."""
    names = (*COLUMNS, *(f"feature_{i}" for i in range(len(COLUMNS), columns)))[:columns]
    return year(columns=names, first=first)


def hostile() -> list[Evaluation]:
    """A month whose columns, segments, versions and notes are written by an enemy."""
    found = []
    for evaluation in year(columns=("temp", "visib"), first=date(2013, 7, 1), last=date(2013, 7, 31)):
        poisoned = []
        for i, m in enumerate(evaluation.measurements):
            name = HOSTILE[i % len(HOSTILE)]
            scope = Scope(name, name if i % 4 == 1 else "", ((name, name),) if i % 4 == 3 else (), m.scope.window)
            metric = name if i % 7 == 5 else m.metric
            poisoned.append(
                Measurement(
                    metric,
                    m.value,
                    scope,
                    m.n,
                    m.column and name,
                    m.low,
                    m.high,
                    m.limit,
                    m.basis,
                    m.status,
                    f"{name}; limit {name}",
                    m.beyond,
                )
            )
        found.append(
            Evaluation(
                evaluation.step,
                evaluation.window,
                evaluation.as_of,
                evaluation.made,
                1,
                HOSTILE[0],
                HOSTILE[2],
                tuple(poisoned),
                evaluation.number,
            )
        )
    return found


def goldens() -> dict[str, str]:
    """The texts as they are kept beside this file."""
    from driftline.report.episodes import chronicle
    from driftline.report.evaluation_text import chronicle_text, evaluation_text
    from driftline.report.measurements import Choice, csv_text, rows_of, table_text
    from driftline.report.timeline import timeline_of
    from driftline.report.timeline_text import timeline_text

    zone, whole = "America/New_York", year()
    summer = [e for e in whole if date(2013, 6, 22) <= e.window.start.astimezone(ZONE).date() <= date(2013, 6, 26)]
    lines = timeline_of(whole, state())
    rows = rows_of(summer, Choice(beyond=True))
    page = "page: driftline report -c flights.yaml"
    return {
        "timeline_chronicle.txt": chronicle_text(chronicle(whole), zone=zone, width=120) + "\n",
        "timeline_year.txt": evaluation_text(whole, zone=zone) + "\n",
        "timeline_days.txt": evaluation_text(summer, zone=zone, next_step="more: driftline show -c flights.yaml") + "\n",
        "timeline_show.txt": timeline_text(lines, next_step=page) + "\n",
        "timeline_show_ascii_80.txt": timeline_text(lines, width=80, ascii_only=True, next_step=page) + "\n",
        "timeline_show_verbose.txt": timeline_text(lines, verbose=True) + "\n",
        "timeline_query.txt": table_text(rows, zone=zone) + "\n",
        "timeline_query.csv": csv_text(rows),
    }


if __name__ == "__main__":
    from pathlib import Path

    for name, written in goldens().items():
        Path(__file__).with_name(name).write_text(written, encoding="utf-8", newline="\n")
