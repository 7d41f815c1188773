"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import inspect

import pytest

CATALOGUES = ["driftline.drift.measures", "driftline.performance.quality"]


def test_examples_in_docstrings_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_every_entry_of_a_catalogue_has_an_example(catalogue: str) -> None:
    entries = [
        function
        for name, function in inspect.getmembers(importlib.import_module(catalogue), inspect.isfunction)
        if function.__module__ == catalogue and not name.startswith("_")
    ]
    assert entries
    assert [entry.__name__ for entry in entries if ">>>" not in (inspect.getdoc(entry) or "")] == []
