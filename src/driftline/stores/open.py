"""A store by its address: a path, `sqlite:///path`, `postgresql://user:password@host/database` or `memory:`."""

from __future__ import annotations

from driftline.core.errors import StoreError, UsageError
from driftline.ports import Store
from driftline.stores.cells import shown

_FORMS = "Write a path such as driftline.db, sqlite:///PATH, postgresql://USER:PASSWORD@HOST/DATABASE, or memory:."


def open_store(where: str, *, create: bool = True) -> Store:
    """The store at an address. `create`: make it where there is none; without, a store that may only be read can be opened too.

    Raises `UsageError` for an address of no known form, and `StoreError`.
    """
    scheme, separator, rest = where.partition("://")
    if where == "memory:":
        from driftline.stores.memory import MemoryStore

        return MemoryStore()
    if separator and scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _postgresql(f"postgresql://{rest}", create=create)
    path = rest.removeprefix("/") if separator and scheme == "sqlite" else where
    if not path or "\0" in path or (separator and (scheme != "sqlite" or not rest.startswith("/"))):
        # Only the word before the colon: there may be a password behind it.
        named = f"'{scheme}://...'" if separator else shown(where)
        raise UsageError(f"There is no store of the form {named}", hint=_FORMS)
    return _sqlite(path, create=create)


def _sqlite(path: str, *, create: bool) -> Store:
    try:
        from driftline.stores.sql import sqlite_store
    except ModuleNotFoundError as error:
        raise _missing(error, "monitor") from None
    return sqlite_store(path, create=create)


def _postgresql(where: str, *, create: bool) -> Store:
    try:
        import psycopg  # noqa: F401 -- asked for here, so that its absence is said in our words

        from driftline.stores.sql import postgresql_store
    except ModuleNotFoundError as error:
        raise _missing(error, "postgres") from None
    except ImportError:  # psycopg without its library libpq
        raise StoreError("The driver of PostgreSQL does not load", hint="Install it: pip install 'driftline[postgres]'.") from None
    return postgresql_store(where, create=create)


def _missing(error: ModuleNotFoundError, extra: str) -> StoreError:
    return StoreError(
        f"The package '{error.name}' is not installed, and the store needs it", hint=f"Install it: pip install 'driftline[{extra}]'."
    )
