"""What every store refuses, in the same words."""

from __future__ import annotations

from driftline.core.errors import StoreError
from driftline.core.ledger import StoredPart
from driftline.stores.cells import shown

AGAIN = "Do it again: nothing of this was kept."


def not_next(model: str, sequence: int, last: int, *, where: str) -> StoreError:
    """The error of a delivery that others overtook."""
    what = f"Delivery {sequence} of model {shown(model)} was not accepted: the last one is {last}, so it is not the next"
    return StoreError(what, where=where, hint=AGAIN)


def known_content(model: str, sequence: int, *, where: str) -> StoreError:
    """The error of a delivery that comes twice."""
    what = f"The same content was accepted before, as delivery {sequence} of model {shown(model)}"
    return StoreError(what, where=where, hint="There is nothing to do.")


def replaced(model: str, part: StoredPart, *, where: str) -> StoreError:
    """The error of parts that are no longer as they were read: to stand for them would count rows twice."""
    what = f"Part {part.name} ({part.kind}) of window {part.window} of model {shown(model)} is no longer the one that was read"
    return StoreError(what, where=where, hint=AGAIN)


def unknown(model: str, reference: str, *, where: str) -> StoreError:
    """The error of a reference that was never set."""
    return StoreError(f"Model {shown(model)} has no reference {shown(reference)}", where=where, hint="Set one first.")


def overtaken(model: str, revision: int, last: int, *, where: str) -> StoreError:
    """The error of a run of alerting that decided on what others have changed since."""
    what = f"Revision {revision} of the alerts of model {shown(model)} was not kept: the last one is {last}, so it is not the next"
    return StoreError(what, where=where, hint=AGAIN)


def never_sent(model: str, number: int, *, where: str) -> StoreError:
    """The error of a notice that was settled and is not there."""
    return StoreError(f"Model {shown(model)} has no notice {number} on its way", where=where, hint=AGAIN)
