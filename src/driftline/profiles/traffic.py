"""Traffic: how a model was served in one window, as counts, sums and two histograms that merge by `+`.

Every request is counted once. Its latency is in the histogram where it is a positive number of milliseconds up to 10⁹ (11 days), and in
`unknown` where it is missing, 0, negative, larger, NaN or infinite; so nothing that is no latency moves a quantile. The arrival lag is the
time from the event to the arrival of its row, in seconds; an event ahead of its arrival, on a clock that runs fast, has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline.core.errors import FormatError
from driftline.profiles.magnitudes import LEAST, MOST, SIZE, Floats, Ints, Magnitudes, buckets, gathered, merged

Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

SECOND = 1_000_000_000
NEVER = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)
"""First and last time of no request."""


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """The requests of one window. Counts merge exactly, sums to rounding.

    `requests`; `reported`: those of which it is known whether they failed; `errors`: those that failed; `unknown`: those whose latency is
    none. `latency` holds milliseconds, `lag` seconds, both exact to 1 %. `times`: first and last event, nanoseconds since 1970.
    """

    requests: int
    reported: int
    errors: int
    unknown: int
    latency: Magnitudes
    latency_sum: float
    lag: Magnitudes
    lag_sum: float
    lag_max: float
    times: tuple[int, int]

    @classmethod
    def zero(cls) -> Traffic:
        """No request."""
        return cls(0, 0, 0, 0, Magnitudes.zero(), 0.0, Magnitudes.zero(), 0.0, 0.0, NEVER)

    @classmethod
    def total(cls, lots: Iterable[Traffic]) -> Traffic:
        """The requests of many windows, much quicker than one `+` after another."""
        all_ = [cls.zero(), *lots]
        return cls(
            sum(each.requests for each in all_),
            sum(each.reported for each in all_),
            sum(each.errors for each in all_),
            sum(each.unknown for each in all_),
            Magnitudes.total(each.latency for each in all_),
            sum(each.latency_sum for each in all_),
            Magnitudes.total(each.lag for each in all_),
            sum(each.lag_sum for each in all_),
            max(each.lag_max for each in all_),
            (min(each.times[0] for each in all_), max(each.times[1] for each in all_)),
        )

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic.total((self, other))

    @property
    def timed(self) -> int:
        """Requests with a latency."""
        return self.latency.count

    def quantile(self, share: float) -> float | None:
        """The latency in milliseconds that this share of the requests did not exceed, to 1 %; None without latencies."""
        return self.latency.quantile(share)

    def share_below(self, milliseconds: float) -> float | None:
        """The share of requests answered within so many milliseconds, of those with a latency; None without latencies.

        Exact for a limit within 2 % of the one asked for.
        """
        return self.latency.share_below(milliseconds)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it: `counts` (4,), `sums` (3,), `times` (2,), and `latency` and `lag` as pairs of bucket and count, (k, 2)."""
        return {
            "counts": np.array([self.requests, self.reported, self.errors, self.unknown], np.int64),
            "sums": np.array([self.latency_sum, self.lag_sum, self.lag_max]),
            "times": np.array(self.times, np.int64),
            "latency": self.latency.cells,
            "lag": self.lag.cells,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Traffic:
        """What `to_arrays` wrote. Raises `FormatError` for anything else."""
        for name, (shape, kind) in {"counts": ((4,), np.int64), "sums": ((3,), np.float64), "times": ((2,), np.int64)}.items():
            if name not in arrays or arrays[name].shape != shape or arrays[name].dtype != kind:
                raise FormatError(f"The stored traffic has no fitting '{name}'", hint="Make it again from its rows.")
        latency, lag = (Magnitudes.from_array(arrays.get(name, np.zeros(0))) for name in ("latency", "lag"))
        return _put_together(arrays["counts"], arrays["sums"], arrays["times"], latency, lag)


class TrafficCounter:
    """Counts batches of requests by group; memory depends on groups and filled buckets, never on rows."""

    def __init__(self) -> None:
        self._groups = 0
        self._counts = np.zeros((0, 4), np.int64)
        self._sums = np.zeros((0, 3))
        self._times = np.zeros((0, 2), np.int64)
        self._latency = self._lag = np.zeros((0, 2), np.int64)

    def add(
        self,
        group: Index | None,
        groups: int,
        *,
        rows: int,
        latency_ms: Floats | None,
        failed: Mask | None,
        times_ns: Ints,
        arrived_ns: int,
    ) -> None:
        """Counts a batch. `group`: the group of each row, (rows,), all below `groups`; None where all are of the first.

        `latency_ms` (rows,), NaN where missing, None where nobody measures it; `failed` (rows,), None where nobody says; `times_ns` (rows,)
        the event times; `arrived_ns` when the batch arrived.
        """
        self._grow(max(groups, 1))
        if not rows:
            return
        index = np.zeros(rows, np.intp) if group is None else group
        self._counts[:, 0] += self._rows(index)
        if failed is not None:
            self._counts[:, 1] += self._rows(index)
            self._counts[:, 2] += self._rows(index[failed])
        if latency_ms is not None:
            usable = (latency_ms > 0) & (latency_ms <= MOST)
            self._counts[:, 3] += self._rows(index[~usable])
            self._latency = merged(self._latency, self._keys(index[usable], latency_ms[usable]))
            self._sums[:, 0] += np.bincount(index[usable], latency_ms[usable], minlength=self._groups)
        np.minimum.at(self._times[:, 0], index, times_ns)
        np.maximum.at(self._times[:, 1], index, times_ns)
        self._arrive(index, times_ns, arrived_ns)

    def traffic(self) -> list[Traffic]:
        """The traffic of each group, in the order of their numbers."""
        ends = np.arange(self._groups + 1) * SIZE
        latency, lag = (np.searchsorted(cells[:, 0], ends) for cells in (self._latency, self._lag))
        found = []
        for g in range(self._groups):
            own = np.array([g * SIZE, 0], np.int64)
            parts = [Magnitudes(cells[at[g] : at[g + 1]] - own) for cells, at in ((self._latency, latency), (self._lag, lag))]
            found.append(_put_together(self._counts[g], self._sums[g], self._times[g], parts[0], parts[1]))
        return found

    def _arrive(self, index: Index, times_ns: Ints, arrived_ns: int) -> None:
        behind = times_ns <= arrived_ns
        if not behind.all():
            index, times_ns = index[behind], times_ns[behind]
        # In floats, good to a microsecond: whole nanoseconds would run over where a time is centuries ago.
        seconds = (float(arrived_ns) - times_ns.astype(np.float64)) / SECOND
        self._lag = merged(self._lag, self._keys(index, np.maximum(seconds, LEAST)))
        self._sums[:, 1] += np.bincount(index, seconds, minlength=self._groups)
        np.maximum.at(self._sums[:, 2], index, seconds)

    def _rows(self, index: Index) -> Ints:
        return np.bincount(index, minlength=self._groups).astype(np.int64)

    def _keys(self, index: Index, values: Floats) -> Ints:
        """Rows by group and bucket, (k, 2)."""
        return gathered(index * SIZE + buckets(values))

    def _grow(self, groups: int) -> None:
        more = groups - self._groups
        if more <= 0:
            return
        self._groups = groups
        self._counts = np.concatenate([self._counts, np.zeros((more, 4), np.int64)])
        self._sums = np.concatenate([self._sums, np.zeros((more, 3))])
        self._times = np.concatenate([self._times, np.tile(np.array(NEVER, np.int64), (more, 1))])


def _put_together(counts: Ints, sums: Floats, times: Ints, latency: Magnitudes, lag: Magnitudes) -> Traffic:
    requests, reported, errors, unknown = counts.tolist()
    latency_sum, lag_sum, lag_max = sums.tolist()
    first, last = times.tolist()
    return Traffic(requests, reported, errors, unknown, latency, latency_sum, lag, lag_sum, lag_max, (first, last))
