"""Addresses of stores of every kind, and small records to put into them."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from driftline.alerting.records import (
    Alert,
    Incident,
    Key,
    Kind,
    Level,
    Member,
    Notice,
    Outgoing,
    Sight,
    Silence,
    Stage,
    State,
    Transition,
)
from driftline.core.errors import DriftlineError
from driftline.core.ledger import Delivery, Evaluation, PartKind, RowKind, Step, StoredPart, StoredReference
from driftline.core.records import Basis, Window
from driftline.core.verdicts import Severity
from driftline.stores.memory import MemoryStore
from driftline.stores.open import open_store
from postgres import started

T0 = datetime(2026, 3, 28, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
DATABASES = ["sqlite", "postgresql"]
KINDS = ["memory", *DATABASES]


def address(kind, folder):
    return {"memory": lambda: "memory:", "sqlite": lambda: str(folder / "store.db"), "postgresql": lambda: started().fresh()}[kind]()


@contextlib.contextmanager
def open_one(where, **more):
    store = open_store(str(where), **more)
    try:
        yield store
    finally:
        store.close()


def refused(where, **more):
    with pytest.raises(DriftlineError) as caught:
        open_store(str(where), **more)
    return caught.value


def hour(i):
    return Window(T0 + i * HOUR, T0 + (i + 1) * HOUR)


def delivery(sequence, digest=None, kind=RowKind.PREDICTIONS, **more):
    return Delivery(
        sequence, kind, f"sha-{sequence}" if digest is None else digest, f"day-{sequence}.parquet", T0, rows=100, accepted=100, **more
    )


def part(i=0, name=1, *, through=None, rows=10, data=b"data", kind=PartKind.ROWS, schema="s1", version="v1"):
    return StoredPart(kind, schema, version, hour(i), name, name if through is None else through, rows, data)


def evaluation(i=0, step=Step.DRIFT, through=1, **more):
    return Evaluation(step, hour(i), T0, T0, through, "plan", "reference", (), **more)


def reference(name="r1", **more):
    facts = {
        "version": "v1",
        "role": "active",
        "made": T0,
        "author": "ann",
        "reason": "first",
        "source": "train.parquet",
        "rows": 5,
        "data": b"d",
    }
    return StoredReference(name, **{**facts, **more})


KEY = Key("Drift", "psi", Basis.OBSERVED, "amount")


def sight(i=0, *, key=KEY, **more):
    return Sight(key, hour(i), **{"level": Level.BEYOND, "value": 0.3, "limit": 0.1, "n": 100, **more})


def alert(i=0):
    return Alert(
        KEY, Severity.WARNING, "drift", State.FIRING, hour(i).end, sight(i), hour(i).start, hour(i).end, ((hour(i).start, Level.BEYOND),)
    )


def transition(i=0, *, key=KEY):
    return Transition(
        key, State.OK, State.FIRING, hour(i), hour(i).end, T0, 0.3, 0.1, 100, "derivation", "", "plan", Severity.WARNING
    )  # fmt: skip


def incident(name="inc_1"):
    member = Member(KEY, Severity.WARNING, T0, sight(), sight())
    return Incident(name, "m", "drift", Stage.OPEN, Severity.WARNING, T0, T0, (member,))


def silence(name="s1", **more):
    facts = {"matchers": {"column": "amount*"}, "author": "ann", "comment": "", "starts": T0, "ends": T0 + 5 * HOUR, "made": T0}
    return Silence(name, **{**facts, **more})


def notice(name="n1", **more):
    facts = {
        "kind": Kind.FIRING,
        "incident": "inc_1",
        "model": "m",
        "status": "firing",
        "severity": Severity.WARNING,
        "summary": "amount drifted",
        "details": (),
        "labels": {"alertname": "Drift"},
        "annotations": {},
        "evidence": {"value": 0.3},
        "starts_at": T0,
        "ends_at": None,
        "made": T0,
    }
    return Notice(name, **{**facts, **more})


def outgoing(name="n1", channel="mail", *, incident="inc_1", due=T0, **more):
    return Outgoing(channel, notice(name, incident=incident), due, **more)


def everything(store, model):
    """All that can be read of a model."""
    parts = [store.parts(model, kind, start=LONG_AGO, end=FAR) for kind in PartKind]
    known = [store.deliveries(model, last=1000), store.sequence(model), store.rejects(model, last=1000), dict(store.rejected(model))]
    found = [store.evaluations(model, every=True), store.evaluations(model), [store.evaluated(model, step) for step in Step]]
    return [
        model in store.models(),
        *known,
        store.windows(model),
        *parts,
        store.rows(model, start=LONG_AGO, end=FAR),
        *found,
        store.evaluations_after(model, 0),
        store.references(model),
        store.board(model),
        store.transitions(model),
        store.incidents(model, last=10_000),
        store.silences(model),
        store.outgoing(model, last=10_000),
        store.due(model, now=FAR),
    ]


NOTHING = everything(MemoryStore(), "m")
