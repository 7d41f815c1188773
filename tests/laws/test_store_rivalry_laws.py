"""What every store keeps to when several use it at once, and after any history: it reads as the plain model in memory does."""

import itertools
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline.core.errors import StoreError
from driftline.core.ledger import PartKind, Reject, RowKind, Step
from driftline.core.records import Measurement, Scope, Status
from driftline.stores.memory import MemoryStore
from driftline.stores.open import open_store
from stored import DATABASES, FAR, KINDS, T0, address, delivery, evaluation, everything, hour, part, reference

pytest_plugins = ["store_fixtures"]

# ------------------------------------------------------------- several at once

RIVAL = """
import sys
from datetime import UTC, datetime
from driftline.core.errors import StoreError
from driftline.core.ledger import Delivery, RowKind
from driftline.stores.open import open_store

where, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(where)
done = 0
while done < count:
    number = store.sequence("m") + 1
    delivery = Delivery(number, RowKind.PREDICTIONS, f"{name}-{done}", name, datetime.now(UTC), 1, 1)
    try:
        store.accept("m", delivery)
    except StoreError as error:
        assert "was not accepted" in str(error), error
    else:
        done += 1
        print(number, flush=True)
store.close()
"""


@pytest.mark.parametrize("where", DATABASES, indirect=True)
def test_two_processes_never_use_a_number_twice(where):
    # Both make the store as well: that is decided between them too.
    command = [sys.executable, "-W", "error", "-c", RIVAL, where]
    rivals = [subprocess.Popen([*command, name, "25"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in ("a", "b")]
    told = [rival.communicate(timeout=60) for rival in rivals]
    assert [(rival.returncode, err) for rival, (_, err) in zip(rivals, told, strict=True)] == [(0, "")] * 2
    numbers = sorted(int(line) for out, _ in told for line in out.split())
    assert numbers == list(range(1, 51))
    store = open_store(where, create=False)
    assert [d.sequence for d in store.deliveries("m", last=100)] == numbers[::-1]
    assert len({d.digest for d in store.deliveries("m", last=100)}) == 50
    store.close()


def in_threads(count, work):
    """Runs `work(i)` in threads; what went wrong in any of them."""
    wrong = []

    def one(i):
        try:
            work(i)
        except BaseException as error:  # noqa: BLE001 -- told to the thread of the test
            wrong.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return wrong


def test_several_threads_use_one_store(store):
    def work(i):
        for n in range(1, 11):
            store.accept(f"m{i}", delivery(n), parts=[part(n)], rows=[hour(n)])
            store.save("shared", [evaluation(n, through=i)])
            assert len(store.parts(f"m{i}", PartKind.ROWS, start=T0, end=FAR)) == n

    assert in_threads(6, work) == []
    assert [store.sequence(f"m{i}") for i in range(6)] == [10] * 6
    assert sorted(e.number for e in store.evaluations("shared", every=True)) == list(range(1, 61))
    latest = {e.window: e.number for e in sorted(store.evaluations("shared", every=True), key=lambda e: e.number)}
    assert {e.window: e.number for e in store.evaluations("shared")} == latest


def test_only_one_holds_a_model(store, again):
    inside = []

    def work(i):
        with (store, again)[i % 2].exclusive("m"):
            inside.append(1)
            assert sum(inside) == 1
            inside.append(-1)

    assert in_threads(6, work) == []
    assert len(inside) == 12


def test_other_models_may_be_held_meanwhile(store):
    with store.exclusive("m"), store.exclusive("n", wait=0), store.exclusive("m2", wait=0):
        store.accept("m", delivery(1))
    with store.exclusive("m", wait=0):
        pass


def test_whoever_waits_too_long_learns_who_holds_it(store, again):
    with store.exclusive("m"), pytest.raises(StoreError, match=rf"Waited 0.05 seconds for model 'm', and .*{os.getpid()}.* holds it"):  # noqa: SIM117
        with again.exclusive("m", wait=0.05):
            pass


def test_a_model_is_let_go_after_an_error(store):
    with pytest.raises(KeyError), store.exclusive("m"):
        raise KeyError
    with store.exclusive("m", wait=0):
        pass


# ------------------------------------------------------ against the plain model

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(0, 3), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("again"), st.integers(0, 3), st.just(0), st.just(False)),
        st.tuples(st.just("fold"), st.integers(0, 3), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("save"), st.integers(0, 3), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("reference"), st.integers(0, 3), st.integers(0, 2), st.booleans()),
    ),
    max_size=25,
)


def act(store, model, action):
    """One action with numbers that follow from what is in the store; whether it was refused."""
    name, i, j, flag = action
    last = store.sequence(model)
    try:
        if name == "accept":
            made = delivery(last + 1, kind=RowKind.LABELS if flag else RowKind.PREDICTIONS, counts={"future": i})
            parts = [
                part(i, last + 1, version=f"v{j}", rows=i + j, data=bytes([last % 256])),
                part(i, 0, through=last + 1, kind=PartKind.COHORT),
            ]
            refused = [Reject(last + 1, "f", row, "c", f"reason {row}", "") for row in range(j)]
            store.accept(model, made, parts=parts, rejects=refused, rows=[hour(i), hour(j)], labels=[hour(j)] if flag else [])
        elif name == "again":
            store.accept(model, delivery(last + 1, digest=f"sha-{i}"))
        elif name == "fold":
            window = [p for p in store.parts(model, PartKind.ROWS, start=hour(i).start, end=hour(i).end) if p.version == f"v{j}"]
            if window:
                store.put(model, [replace(window[-1], rows=sum(p.rows for p in window), data=b"folded")], instead_of=window)
            if flag:
                store.put(model, [], instead_of=window)
        elif name == "save":
            scope = Scope(model, window=hour(i))
            measured = Measurement("psi", None if flag else j / 7, scope, j, status=Status.NODATA if flag else Status.OK)
            store.save(model, [replace(evaluation(i, list(Step)[j], last), measurements=(measured,))] * (1 + flag))
        else:
            store.add_reference(model, reference(f"r{i}", version=f"v{j}", history=bytes([i, j])))
    except StoreError as error:
        return error.what
    return None


@pytest.mark.parametrize("kind", KINDS[1:])
def test_any_history_reads_as_in_the_plain_model(kind, tmp_path_factory):
    store = open_store(address(kind, tmp_path_factory.mktemp("store")))
    numbers = itertools.count()

    @given(ACTIONS)
    @settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    def law(actions):
        model, plain = f"model {next(numbers)}", MemoryStore()
        for action in actions:
            assert act(store, model, action) == act(plain, model, action)
        assert everything(store, model) == everything(plain, model)
        for stored in plain.references(model):
            assert store.history(model, stored.id) == plain.history(model, stored.id)

    law()
    store.close()
