"""Repeats: which rows of a delivery are new, which have come before, and which say something else than before.

A prediction is known by its identifier and the day of its event, in UTC: the first one that came counts. Labels may change; of them only
what says nothing new is a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.profiles.values import from_integers, integers, true_rows

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """`new` says which rows are taken, (n,). `duplicates` are dropped because nothing about them is new; `contradictions` say something
    else about what is known: of predictions they are dropped, of labels they are kept."""

    new: Mask
    duplicates: int
    contradictions: int


def among_predictions(log: pa.Table, known: pa.Table) -> Repeats:
    """Of predictions `log`, in the order in which they came; `known` are logged ones with the same identifiers."""
    before = len(known)
    both = pa.concat_tables([_like(known, log.schema), log]).combine_chunks()
    if not len(both):
        return Repeats(np.zeros(0, np.bool_), 0, 0)
    ids = _keys(both["id"])
    if int(ids.max()) == len(both) - 1:  # every row has an identifier of its own
        return Repeats(np.ones(len(log), np.bool_), 0, 0)
    first = _first(ids, integers(both["time"].chunk(0).cast(pa.int64())) // DAY)
    rows = np.arange(len(both))
    new = (first == rows)[before:]
    again = np.flatnonzero(~new) + before
    same = _same(both, again, first[again])
    return Repeats(new, int(same.sum()), int((~same).sum()))


def among_labels(log: pa.Table, latest: pa.Table, *, told: Mask) -> Repeats:
    """Of labels `log`; `latest` are the labels that count so far of the same identifiers.

    Where a label brings its time (`told`, (n,)) only the same label of the same time is a repeat, so that the order of deliveries does
    not matter. Without, a label is known since it came, and the same label once more says nothing new.
    """
    if not len(log):
        return Repeats(np.zeros(0, np.bool_), 0, 0)
    before = len(latest)
    both = pa.concat_tables([_like(latest, log.schema), log]).combine_chunks()
    ids, label, void, known = (_keys(both[name]) for name in ("id", "label", "void", "known"))
    first = [_first_of(np.stack(codes))[before:] for codes in ((ids, label, void), (ids, label, void, known))]
    new = np.where(told, first[1], first[0])
    at_once = np.stack([ids[before:], known[before:]])
    _, moment = np.unique(at_once[:, new], axis=1, return_inverse=True)
    more = int(new.sum()) - len(np.unique(moment))
    return Repeats(new, int((~new).sum()), more)


def _like(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema, null where the table has none."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _keys(column: pa.ChunkedArray) -> Ints:
    """A number for each value of a column, the same for the same value; null has one of its own."""
    chunk = column.combine_chunks()
    array = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
    encoded = array.dictionary_encode(null_encoding="encode")
    return integers(encoded.indices).astype(np.int64)


def _first_of(codes: Ints) -> Mask:
    """Which columns of (keys, n) are not like one before them, (n,)."""
    _, where = np.unique(codes, axis=1, return_inverse=True)
    first: Mask = _first(where.ravel().astype(np.int64)) == np.arange(codes.shape[1])
    return first


def _first(*keys: Ints) -> Ints:
    """For each row the first row with the same keys, (n,)."""
    code = keys[0]
    for more in keys[1:]:
        _, day = np.unique(more, return_inverse=True)
        code = code * (int(day.max(initial=0)) + 1) + day
    _, index, where = np.unique(code, return_index=True, return_inverse=True)
    return np.asarray(index[where], np.int64)


def _same(table: pa.Table, rows: Ints, others: Ints) -> Mask:
    """Whether two rows of a table hold the same in every column, (n,)."""
    same = np.ones(len(rows), np.bool_)
    if not len(rows):
        return same
    for name in table.column_names:
        left, right = (table[name].chunk(0).take(from_integers(at)) for at in (rows, others))
        equal = true_rows(pc.equal(left, right))
        nulls = true_rows(pc.and_(pc.is_null(left), pc.is_null(right)))
        same &= equal | nulls
    return same
