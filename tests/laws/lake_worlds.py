"""Small worlds of deliveries for the laws of lakes: few identifiers, few days, few values, so that everything meets everything."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pyarrow as pa

from driftline.core.ledger import RowKind

START = datetime(2026, 3, 28, 22, tzinfo=UTC)
ARRIVED = datetime(2026, 5, 1, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")
EVERYTHING = 1 << 40
IDS = [f"id {number}" for number in range(8)]


@dataclass(frozen=True)
class Batch:
    """One delivery: its rows as tuples, predictions (id, hour, score) or labels (id, hour known, value or None for void)."""

    kind: RowKind
    rows: tuple[tuple[str, int, float | None], ...]

    def table(self) -> pa.Table:
        ids, hours, values = (list(column) for column in zip(*self.rows, strict=True))
        times = pa.array([hour(number) for number in hours], TIME)
        if self.kind is RowKind.LABELS:
            void = [value is None for value in values]
            return pa.table({"id": ids, "known": times, "label": pa.array(values, pa.float64()), "void": void})
        columns = {"id": ids, "time": times, "version": ["v1"] * len(ids), "eligible": [True] * len(ids), "score": values}
        return pa.table(columns)


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


hours = st.integers(0, 90)
scores = st.sampled_from([0.0, 0.25, 0.5, 1.0])
predictions = st.lists(st.tuples(st.sampled_from(IDS), hours, scores), min_size=1, max_size=6)
labels = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([0, 5, 30, 50, 90]), st.none() | scores), min_size=1, max_size=8)
batches = st.builds(Batch, st.just(RowKind.PREDICTIONS), predictions.map(tuple)) | st.builds(
    Batch, st.just(RowKind.LABELS), labels.map(tuple)
)
deliveries = st.lists(batches, min_size=1, max_size=6)


def oracle(batches: list[Batch], *, start: datetime, end: datetime, through: int, as_of: datetime | None) -> list[dict]:
    """What `joined` answers, as the words of the port say it, one row after the other; the batches have the sequences 1, 2, ..."""
    answer = []
    for sequence, batch in enumerate(batches, 1):
        for name, made, score in batch.rows:
            if batch.kind is not RowKind.PREDICTIONS or sequence > through or not start <= hour(made) < end:
                continue
            told = [
                (hour(known), number, value is not None, -1.0 if value is None else value)
                for number, other in enumerate(batches, 1)
                for about, known, value in other.rows
                if other.kind is RowKind.LABELS and number <= through and about == name and (as_of is None or hour(known) <= as_of)
            ]
            row = {"id": name, "time": hour(made), "score": score, "sequence": sequence}
            if told:
                known, _, valued, value = max(told)
                changes = len({(valued, value) for _, _, valued, value in told}) - 1
                row |= {"label": value if valued else None, "known": known, "void": not valued, "changes": changes}
            else:
                row |= {"label": None, "known": None, "void": None, "changes": 0}
            answer.append(row)
    return sorted(answer, key=lambda row: (row["time"], row["id"], row["sequence"], row["score"]))
