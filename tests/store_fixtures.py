"""Stores of every kind, one after the other: `pytest_plugins = ["store_fixtures"]` in a file of tests brings them."""

import pytest

from driftline.stores.open import open_store
from stored import KINDS, address


@pytest.fixture(params=KINDS)
def where(request, tmp_path):
    return address(request.param, tmp_path)


@pytest.fixture
def store(where):
    opened = open_store(where)
    yield opened
    opened.close()


@pytest.fixture
def again(where, store):
    """The same store as another process would open it; memory is known to its own process alone."""
    opened = store if where == "memory:" else open_store(where)
    yield opened
    opened.close()
