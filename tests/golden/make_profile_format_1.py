"""Makes `profile_format_1.profile`, a saved reference of format 1 with every kind of column, segments, times and labels.

Run once, when format 1 was settled: `python tests/golden/make_profile_format_1.py`. The file is never made again: what was released once
is read for ever, and `tests/units/test_codec.py` holds the counts it must give.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

import driftline

PATH = Path(__file__).with_suffix("").with_name("profile_format_1.profile")
ROWS = 240


def rows() -> pa.Table:
    """Rows that follow from their numbers alone."""
    of = range(ROWS)
    score = [((i * 37) % 101) / 101 for i in of]
    return pa.table(
        {
            "id": [f"u{i:05d}" for i in of],
            "amount": [None if i % 12 == 5 else float("nan") if i % 40 == 7 else (i * 17 % 83) / 4 for i in of],
            "visits": [i % 7 for i in of],
            "city": [None if i % 30 == 1 else ("lisbon", "porto", "", "指標")[i % 9 % 4] for i in of],
            "member": [i % 3 == 0 for i in of],
            "always": ["yes"] * ROWS,
            "never": pa.nulls(ROWS, pa.float64()),
            "parts": [[i] if i % 5 else None for i in of],
            "note": [f"{i} " + "a long remark that nobody else has written in these words " * 2 for i in of],
            "at": pa.array([1_767_225_600 + 3_600 * i for i in of], pa.timestamp("s", "UTC")),
            "channel": [("app", "web", "phone")[i % 5 % 3] for i in of],
            "score": score,
            "label": [None if i % 20 == 3 else int(score[i] * 100) % 3 % 2 for i in of],
        }
    )


if __name__ == "__main__":
    driftline.profile_reference(rows(), PATH, time="at", segments=["channel"], identifiers=["id"])
