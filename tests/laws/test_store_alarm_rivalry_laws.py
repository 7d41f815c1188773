"""What every store keeps to when several are alerted at once, and after any history: it reads as the plain model in memory does."""

import itertools
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline.alerting.records import (
    Board,
    Reaction,
    Sending,
    Stage,
)
from driftline.core.errors import StoreError
from driftline.stores.memory import MemoryStore
from driftline.stores.open import open_store
from stored import (
    DATABASES,
    HOUR,
    KINDS,
    T0,
    address,
    alert,
    everything,
    hour,
    incident,
    outgoing,
    silence,
    transition,
)

pytestmark = pytest.mark.slow

pytest_plugins = ["store_fixtures"]


def ids(found):
    return [(each.notice.id, each.channel) for each in found]


# ------------------------------------------------------------- several at once

RIVAL = """
import sys
from driftline.alerting.records import Board, Reaction
from driftline.core.errors import StoreError
from driftline.stores.open import open_store
from stored import outgoing, transition

where, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(where)
done = 0
while done < count:
    revision = store.board("m").revision + 1
    try:
        store.react("m", Reaction(Board(revision), (transition(done),), (), (outgoing(f"{name}-{done}"), outgoing(f"{done}"))))
    except StoreError as error:
        assert "was not kept" in str(error), error
    else:
        done += 1
        print(revision, flush=True)
store.close()
"""


@pytest.mark.parametrize("where", DATABASES, indirect=True)
def test_of_two_processes_that_read_the_same_board_one_wins(where):
    command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{RIVAL}", where]
    rivals = [subprocess.Popen([*command, name, "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in ("a", "b")]
    told = [rival.communicate(timeout=60) for rival in rivals]
    assert [(rival.returncode, err) for rival, (_, err) in zip(rivals, told, strict=True)] == [(0, "")] * 2
    assert sorted(int(line) for out, _ in told for line in out.split()) == list(range(1, 41))
    store = open_store(where, create=False)
    assert store.board("m").revision == 40
    assert [each.number for each in store.transitions("m")] == list(range(1, 41))
    assert [each.number for each in store.outgoing("m")] == list(range(1, 61))  # twenty of them both wanted to send
    assert len(set(ids(store.outgoing("m")))) == 60
    store.close()


def test_of_reactions_in_threads_exactly_one_wins(store, again):
    store.react("m", Reaction(Board(1)))
    won, lost, start = [], [], threading.Barrier(6)

    def work(i):
        start.wait(30)
        try:
            (store, again)[i % 2].react("m", Reaction(Board(2, i), (transition(i),), (), (outgoing(f"n{i}"),)))
            won.append(i)
        except StoreError as error:
            lost.append(error.what)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(won), len(lost)) == (1, 5)
    assert all("Revision 2" in what and "the last one is 2" in what for what in lost)
    assert store.board("m") == Board(2, won[0])
    assert ids(store.outgoing("m")) == [(f"n{won[0]}", "mail")]
    assert [each.window for each in store.transitions("m")] == [hour(won[0])]


# ------------------------------------------------------ against the plain model

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["react", "late", "settle", "more", "silence"]), st.integers(0, 3), st.integers(0, 3), st.booleans()),
    max_size=20,
)


def act(store, model, action):
    """One action with numbers that follow from what is in the store; what it was refused with."""
    name, i, j, flag = action
    board = store.board(model)
    sends = outgoing(f"n{i}{j}", ("mail", "chat")[flag], incident=("", "a", "b", "c")[j], due=T0 + i * HOUR)
    try:
        if name in {"react", "late"}:
            one = replace(incident(f"inc_{j}"), opened=T0 + i % 2 * HOUR, stage=list(Stage)[i])
            revision = board.revision + (1 if name == "react" else i)
            alerts = {**board.alerts, str(i): alert(j)} if flag else {}
            store.react(
                model, Reaction(Board(revision, i, alerts, (one,)), (transition(i),) * j, (one,), (sends, replace(sends, error="2")))
            )
        elif name == "settle":
            some = store.due(model, now=T0 + i * HOUR) or store.outgoing(model, last=j)
            store.settle(model, [replace(each, state=list(Sending)[j], attempts=i, error="e") for each in some], more=[sends] * flag)
        elif name == "more":
            store.settle(model, [replace(sends, number=i)] if flag else [], more=[sends])
        else:
            store.put_silence(model, silence(f"s{i}", made=T0 + j * HOUR, ends=T0 + (2 + flag) * HOUR))
    except StoreError as error:
        return error.what
    return None


@pytest.mark.parametrize("kind", KINDS[1:])
def test_any_history_of_alerts_reads_as_in_the_plain_model(kind, tmp_path_factory):
    store = open_store(address(kind, tmp_path_factory.mktemp("store")))
    numbers = itertools.count()

    @given(ACTIONS)
    @settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    def law(actions):
        model, plain = f"model {next(numbers)}", MemoryStore()
        for action in actions:
            assert act(store, model, action) == act(plain, model, action)
            for hours in range(4):
                assert store.due(model, now=T0 + hours * HOUR) == plain.due(model, now=T0 + hours * HOUR)
        assert everything(store, model) == everything(plain, model)
        for stage in Stage:
            assert store.incidents(model, stages=[stage]) == plain.incidents(model, stages=[stage])
        assert store.silences(model, at=T0 + 2 * HOUR) == plain.silences(model, at=T0 + 2 * HOUR)
        assert store.transitions(model, start=T0 + HOUR, end=T0 + 2 * HOUR) == plain.transitions(model, start=T0 + HOUR, end=T0 + 2 * HOUR)

    law()
    store.close()
