"""Makes `store_1.db`, a store of version 1 with something in every table.

Run once, when version 1 was settled: `python tests/golden/make_store_1.py`. The file is never made again: what was released once is read
for ever, and `tests/units/test_stores_migrations.py` holds what must be found in it.
"""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from driftline.core.ledger import Delivery, Evaluation, PartKind, Reject, RowKind, Step, StoredPart, StoredReference
from driftline.core.records import Basis, Measurement, Scope, Status, Window
from driftline.stores.open import open_store

PATH = Path(__file__).with_name("store_1.db")
START = datetime(2026, 10, 25, tzinfo=UTC)
FIRST, SECOND = (Window(START + timedelta(hours=i), START + timedelta(hours=i + 1)) for i in range(2))

PREDICTIONS = Delivery(1, RowKind.PREDICTIONS, "sha-1", "monday.parquet", START, 5, 3, 1, 0, 1, {"future": 1}, FIRST.start, SECOND.start)
LABELS = Delivery(2, RowKind.LABELS, "sha-2", "labels \ud800.csv", START + timedelta(microseconds=1), 2, 2)
PARTS = [
    StoredPart(PartKind.ROWS, "schema", "v1", FIRST, 1, 1, 2, bytes(range(256))),
    StoredPart(PartKind.ROWS, "schema", "v2 指標", FIRST, 1, 1, 1, b""),
]
COHORT = StoredPart(PartKind.COHORT, "schema", "v1", FIRST, 0, 2, 2, b"cohort")
REJECT = Reject(1, "monday.parquet", 4, "amount", "no number", "twelve\0")
MEASUREMENTS = (
    Measurement(
        "psi", 0.1 + 0.2, Scope("credit", "v1", (("channel", "app"),), FIRST), 2, "amount", limit=math.inf, note="few rows", beyond=False
    ),
    Measurement("auc", None, Scope("credit"), 0, basis=Basis.MATURED, status=Status.INSUFFICIENT),
)
EARLIER = Evaluation(Step.DRIFT, FIRST, START, START, 1, "plan", "r1", (), 1)
LATER = Evaluation(Step.DRIFT, FIRST, START, START + timedelta(days=1), 2, "plan", "r1", MEASUREMENTS, 2)
REFERENCE = StoredReference("r1", "v1", "active", START, "ann", "first", "train.parquet", 500, b"data", b"learned", b"history", 1)


def make() -> None:
    PATH.unlink(missing_ok=True)
    store = open_store(str(PATH))
    store.accept("credit", PREDICTIONS, parts=PARTS, rejects=[REJECT], rows=[FIRST, SECOND])
    store.accept("credit", LABELS, labels=[FIRST])
    store.put("credit", [COHORT])
    store.save("credit", [EARLIER])
    store.save("credit", [LATER])
    store.add_reference("credit", REFERENCE)
    store.close()
    with sqlite3.connect(PATH) as connection:
        connection.execute("UPDATE schema_version SET applied_us = 0")
    connection.close()
    for path in PATH.with_name("store_1.db.locks").iterdir():
        path.unlink()
    PATH.with_name("store_1.db.locks").rmdir()


if __name__ == "__main__":
    make()
