"""Catalog: functions that users may name.

A catalogue is one Python file. Every public function defined there is an entry under its own name, and its signature is its typed schema:
the first parameter is the record it works on, keyword-only parameters are what users may set. There is nothing else to register.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import ModuleType
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import create_model

from driftline.core.errors import UnknownName, UsageError
from driftline.core.spec import Spec

P = ParamSpec("P")
R = TypeVar("R")


class Catalog(Generic[P, R]):
    """The public functions of one module, by name, in the order they are written there."""

    def __init__(self, noun: str, functions: Mapping[str, Callable[P, R]]) -> None:
        self.noun = noun
        self._functions = dict(functions)

    @classmethod
    def of(cls, noun: str, module: ModuleType) -> Catalog[P, R]:
        """The catalogue of a module. `noun` is what an entry is called in messages: 'drift measure'."""
        found = {
            name: value
            for name, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        }
        return cls(noun, found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __getitem__(self, name: str) -> Callable[P, R]:
        if name not in self._functions:
            raise UnknownName(self.noun, name, self._functions)
        return self._functions[name]

    def parameters(self, name: str) -> type[Spec]:
        """The keyword-only parameters of an entry as a strict spec, defaults included."""
        return _parameters(self[name])

    def bind(self, name: str, settings: Mapping[str, Any] | None = None) -> Callable[..., R]:
        """The entry with its settings checked and filled in: a function of its record alone."""
        chosen = self.parameters(name).read(settings or {})
        return partial(self[name], **{field: getattr(chosen, field) for field in type(chosen).model_fields})

    def one_of(self, name: str) -> type[Spec]:
        """A spec called `name` in which exactly one entry is chosen, with its settings: a key per entry, each None but one."""
        choices: dict[str, Any] = {entry: (self.parameters(entry) | None, None) for entry in self}

        def chosen(spec: Spec, _context: object) -> None:
            said = [entry for entry in choices if getattr(spec, entry) is not None]
            if len(said) != 1:
                known = ", ".join(choices)
                raise UsageError(
                    f"One {self.noun} is needed, and {len(said) or 'none'} {'are' if said else 'is'} given", hint=f"Known: {known}."
                )

        return create_model(name, __base__=type(name, (Spec,), {"model_post_init": chosen}), **choices)

    def summary(self, name: str) -> str:
        """The first sentence of the entry's docstring."""
        return (inspect.getdoc(self[name]) or "").split("\n\n")[0].replace("\n", " ")


@cache
def _parameters(function: Callable[..., Any]) -> type[Spec]:
    hints = get_type_hints(function, include_extras=True)  # the bounds of a parameter are part of its type
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(f"{function.__name__} settings", __base__=Spec, **fields)
