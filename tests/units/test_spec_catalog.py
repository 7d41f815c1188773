"""Specs refuse what is not known and say what is near; a catalogue is its functions and their signatures."""

from __future__ import annotations

import types

import pytest
from pydantic import ValidationError

from driftline.core.catalog import Catalog
from driftline.core.errors import UnknownName, UsageError, nearest
from driftline.core.spec import Spec


class Limits(Spec):
    alpha: float = 0.01
    names: tuple[str, ...] = ()
    needed: int


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    with pytest.raises(UnknownName) as caught:
        Limits.read({"needed": 1, "alhpa": 0.1})
    assert str(caught.value) == "There is no key 'alhpa'. Did you mean 'alpha'? Known: alpha, names, needed."


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"needed": "3"}, "needed: '3' does not fit"),  # strict: text is no number
        ({"needed": 1, "alpha": float("nan")}, "alpha: nan does not fit"),
        ({"needed": 1, "names": ["a"]}, "names: \\['a'\\] does not fit"),
        ({}, "The key 'needed' is missing"),
        ({"needed": True}, "needed: True does not fit"),
    ],
)
def test_a_value_that_does_not_fit_is_named(values, says):
    with pytest.raises(UsageError, match=says):
        Limits(**values)


def test_a_spec_is_frozen_and_changes_by_copy():
    limits = Limits(needed=1)
    with pytest.raises(ValidationError):
        limits.alpha = 0.5
    assert limits.but(alpha=0.5) == Limits(needed=1, alpha=0.5)
    assert limits.alpha == 0.01
    with pytest.raises(UnknownName):
        limits.but(aplha=0.5)


def catalogue() -> Catalog:
    room = types.ModuleType("room")
    exec(  # noqa: S102 - a module as a user would write it, without a file
        "def near(pair: object) -> float:\n    '''Close by.\n\n    More.'''\n    return 0.0\n"
        "def far(pair: object, *, reach: float = 2.0) -> float:\n    return reach\n"
        "def _hidden(pair: object) -> float:\n    return 1.0\n"
        "constant = 3\n",
        room.__dict__,
    )
    return Catalog.of("measure", room)


def test_a_catalogue_holds_the_public_functions_in_order():
    known = catalogue()
    assert list(known) == ["near", "far"]
    assert len(known) == 2
    assert "_hidden" not in known
    assert known.summary("near") == "Close by."


def test_an_unknown_entry_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match=r"There is no measure 'fra'. Did you mean 'far'\? Known: far, near."):
        catalogue()["fra"]


def test_the_signature_is_the_schema():
    known = catalogue()
    assert known.bind("far")(None) == 2.0
    assert known.bind("far", {"reach": 3.0})(None) == 3.0
    with pytest.raises(UnknownName, match=r"There is no key 'raech'. Did you mean 'reach'\?"):
        known.bind("far", {"raech": 3.0})
    with pytest.raises(UsageError, match="reach: 'x' does not fit"):
        known.bind("far", {"reach": "x"})
    with pytest.raises(UnknownName):
        known.bind("near", {"reach": 3.0})


def test_the_nearest_name_ignores_case_and_gives_up_on_strangers():
    assert nearest("INCOME", ["income", "region"]) == "income"
    assert nearest("zzz", ["income", "region"]) is None
