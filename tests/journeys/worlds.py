"""Two simulated models as the examples of the documentation describe them: a credit decision with late defaults, and minutes to arrival."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
US = pa.timestamp("us", "UTC")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def configuration(name, folder, *changes):
    """The example as it stands in the documentation, in a folder, with these texts replaced."""
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


CREDIT = datetime(2026, 2, 1, tzinfo=UTC)
"""The first day of the credit model in life."""


def applications(number, rows=300, seed=1, *, lost=""):
    """The applications of day `number` after CREDIT as dict of arrays: columns of the predictions, and `default` with `days` until it is
    known. `lost`: a channel without its bureau scores."""
    draw = np.random.default_rng([seed, number + 1000])
    channel = draw.choice(["app", "web", "branch"], rows, p=[0.6, 0.25, 0.15])
    income = np.exp(draw.normal(7.8, 0.4, rows))
    bureau = draw.normal(620, 80, rows)
    debt = draw.gamma(4, 0.09, rows)
    prior = draw.random(rows) < 0.02
    logit = -1.2 - 0.012 * (bureau - 620) - 0.8 * (np.log(income) - 7.8) + 1.5 * (debt - 0.36) + 1.0 * prior
    missing = (channel == lost) | (draw.random(rows) < 0.004)
    score = sigmoid(np.where(missing, logit + 0.012 * (bureau - 620), logit))
    at = np.sort(draw.uniform(0, 86_400, rows)) + 86_400 * number
    return {
        "application_id": [f"{seed}-{number:04}-{i:04}" for i in range(rows)],
        "scored_at": [CREDIT + timedelta(seconds=float(second)) for second in at],
        "customer_id": [f"c{x}" for x in draw.integers(0, 10**9, rows)],
        "employer_name": ["Acme"] * rows,
        "bureau_score": pa.array(np.round(bureau), mask=missing),
        "income_monthly": np.round(income),
        "debt_to_income": np.round(debt, 3),
        "employment_months": draw.poisson(40, rows),
        "loan_amount": draw.choice([1000, 2000, 5000, 10_000, 20_000], rows),
        "prior_default": prior,
        "channel": channel,
        "region": draw.choice([f"r{i}" for i in range(8)], rows),
        "score": score,
        "decision": np.where(score < 0.4, "approved", "declined"),
        "model_version": ["14"] * rows,
        "latency_ms": np.exp(draw.normal(5, 0.4, rows)),
        "failed": np.zeros(rows, bool),
    }, {"default": draw.random(rows) < sigmoid(logit), "days": draw.gamma(4, 5.5, rows).clip(1, 44)}


def credit_table(cells):
    return pa.table({name: pa.array(values, US) if name == "scored_at" else values for name, values in cells.items()})


def credit_reference(days=60, rows=300):
    """The booked and the declined applications of the days before CREDIT; only the booked have labels."""
    tables = []
    for number in range(-days, 0):
        cells, truth = applications(number, rows, seed=7)
        approved = np.asarray(cells["decision"]) == "approved"
        tables.append(credit_table({**cells, "defaulted": pa.array(truth["default"].astype(int), mask=~approved)}))
    return pa.concat_tables(tables)


def told(cells, truth):
    """The defaults of approved applications: identifier, when each is known, by the hour."""
    return [
        (name, at + timedelta(days=float(days)))
        for name, at, decision, default, days in zip(
            cells["application_id"], cells["scored_at"], cells["decision"], truth["default"], truth["days"], strict=True
        )
        if default and decision == "approved"
    ]


def defaults(rows):
    """The table of labels of (identifier, known, value)."""
    return pa.table(
        {
            "application_id": pa.array([row[0] for row in rows], pa.string()),
            "defaulted": pa.array([row[2] if len(row) > 2 else 1 for row in rows], pa.int64()),
            "known_at": pa.array([row[1] for row in rows], US),
            "status": pa.array(["booked"] * len(rows)),
        }
    )


def put(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


ETA = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday: the first hour of the ETA model in life. In Berlin it is one o'clock; the clocks go forward on 29 March."""
BUSY = np.array([8, 6, 5, 5, 6, 12, 30, 60, 80, 60, 50, 50, 55, 55, 50, 55, 70, 90, 80, 60, 45, 35, 20, 12])
"""Trips in each hour of a day, at the scale of a small town."""


def trips(hour, seed=2, *, scale=1.0, miles=False, failing=0.0, slow=1.0, late=0.0, version="7"):
    """The trips that begin in one hour after ETA: columns of the predictions, and when each arrived after how many minutes.

    `miles`: the distance comes in another unit, and the prediction follows. `failing`: share without an answer. `late`: minutes by which
    trips of one city take longer than they did.
    """
    draw = np.random.default_rng([seed, hour + 10_000])
    rows = draw.poisson(scale * BUSY[hour % 24])
    rain = np.where(draw.random(rows) < 0.2, draw.gamma(1, 2, rows), 0.0)
    dist = draw.gamma(3, 2, rows) + 0.3
    speed = draw.normal(30 if 7 <= hour % 24 <= 19 else 40, 5, rows).clip(8)
    minutes = dist / speed * 60 + 2
    seen = np.where(miles, dist * 0.621371, dist)
    city = draw.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    actual = minutes * np.exp(draw.normal(0, 0.18, rows)) + np.where(city == "west", late, 0)
    at = np.sort(draw.uniform(0, 3600, rows)) + 3600 * hour
    failed = draw.random(rows) < failing
    eta = seen / speed * 60 + 2
    return {
        "trip_id": pa.array([f"t{seed}-{hour:05}-{i:03}" for i in range(rows)], pa.string()),
        "requested_at": pa.array([ETA + timedelta(seconds=float(second)) for second in at], US),
        "traffic_speed": speed,
        "dist_km": seen,
        "rain_mm": rain,
        "city": city,
        "driver_rating": draw.beta(20, 2, rows) * 5,
        "eta_min": pa.array(eta, mask=failed),
        "model_version": pa.array([version] * rows, pa.string()),
        "latency_ms": np.exp(draw.normal(3.6, 0.3, rows)) * slow,
        "failed": failed,
    }, actual


def trips_table(hours, **knobs):
    """The trips of some hours as one table, and the table of their arrivals. A twentieth is cancelled."""
    tables, arrivals = [], []
    for hour in hours:
        cells, actual = trips(hour, **knobs)
        tables.append(pa.table(cells))
        draw = np.random.default_rng([3, hour + 10_000])
        void = draw.random(len(actual)) < 0.05
        known = np.asarray(cells["requested_at"]).astype("datetime64[us]") + (actual * 60e6).astype("timedelta64[us]")
        arrivals.append(
            pa.table(
                {
                    "trip_id": cells["trip_id"],
                    "actual_min": pa.array(actual, mask=void),
                    "arrived_at": pa.array(known, US),
                    "status": pa.array(np.where(void, "cancelled", "done").tolist(), pa.string()),
                }
            )
        )
    return pa.concat_tables(tables), pa.concat_tables(arrivals)
