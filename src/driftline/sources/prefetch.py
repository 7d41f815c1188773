"""Prefetch: the next items of an iterator are made in the background while the caller works on the current one.

Reading releases the interpreter lock while Arrow decompresses and decodes, so one thread is enough to hide most of the reading behind
the counting. The order is kept, an exception arrives where the item would have, and the thread ends with the generator, early or late.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


def prefetch(items: Iterator[T], ahead: int = AHEAD) -> Iterator[T]:
    """The same items in the same order, at most `ahead` of them made before they are asked for.

    Nothing starts before the first item is asked for. A caller that stops early closes the generator (a `for` loop that is left does
    so), and the thread is joined then: it ends after the item it is working on.
    """
    ready: queue.Queue[_Item[T] | BaseException | None] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()
    worker = threading.Thread(target=_work, args=(items, ready, stopped), name="driftline-prefetch", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item.value
    finally:
        stopped.set()
        _empty(ready)
        worker.join()


def _work(items: Iterator[T], ready: queue.Queue[_Item[T] | BaseException | None], stopped: threading.Event) -> None:
    try:
        for item in items:
            if stopped.is_set():
                break
            ready.put(_Item(item))
        if not stopped.is_set():
            ready.put(None)
    except BaseException as error:  # noqa: BLE001 - carried to the caller, whatever it is
        if not stopped.is_set():
            ready.put(error)
    finally:
        if close := getattr(items, "close", None):
            close()


def _empty(ready: queue.Queue[_Item[T] | BaseException | None]) -> None:
    while True:
        try:
            ready.get_nowait()
        except queue.Empty:
            return
