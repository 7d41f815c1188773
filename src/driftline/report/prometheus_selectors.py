"""Selectors of Prometheus: which time series are meant, and an example of a series that fits one.

A selector is a name, and labels in braces where they are needed: `http_requests_total{job="eta",code=~"5.."}`. Nothing else is taken, so
that what users give can be put into any expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from driftline.core.errors import UsageError

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_MATCHER = re.compile(r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\[\\"'])*"|'(?:[^'\\]|\\[\\"'])*'|`[^`]*`)\s*""")
_ESCAPE = re.compile(r"\\(.)")
_COMMON = ("500", "5xx", "503", "200", "2xx", "error", "true", "GET", "POST", "x")
_PLAINER = (
    (re.compile(r"\(\?:|\(\?i\)|[()^$]"), ""),
    (re.compile(r"\\d"), "0"),
    (re.compile(r"\\(.)"), r"\1"),
    (re.compile(r"\[([^\]^\\])[^\]]*\]"), r"\1"),
    (re.compile(r"\{\d+(,\d*)?\}"), ""),
    (re.compile(r"\.[*?]"), ""),
    (re.compile(r"\.\+?"), "0"),
    (re.compile(r"[+*?]"), ""),
)
_HINT = 'Write it as \'http_requests_total{job="eta",code=~"5.."}\'.'
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. `sign` is `=`, `!=`, `=~` or `!~`."""

    label: str
    sign: str
    value: str

    def fits(self, value: str) -> bool:
        """Whether a label with this value, empty where there is none, meets it."""
        same = value == self.value if self.sign in ("=", "!=") else re.fullmatch(self.value, value) is not None
        return same != self.sign.startswith("!")

    def __str__(self) -> str:
        return f"{self.label}{self.sign}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Time series of one name whose labels meet all conditions."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        inside = ",".join(map(str, self.matchers))
        return f"{self.name}{{{inside}}}" if inside else self.name

    def with_(self, label: str, sign: str, value: str) -> Selector:
        """The same with one more condition."""
        return replace(self, matchers=(*self.matchers, Matcher(label, sign, value)))

    def fits(self, series: Series) -> bool:
        """Whether a series is one of those that are meant."""
        return series.name == self.name and all(matcher.fits(series.labels.get(matcher.label, "")) for matcher in self.matchers)


@dataclass(frozen=True, slots=True)
class Series:
    """The identity of one time series."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        inside = ",".join(f"{label}={quoted(value)}" for label, value in self.labels.items())
        return f"{self.name}{{{inside}}}"


def read_selector(text: str, option: str) -> Selector:
    """The selector that a text means. Raises `UsageError` for anything else, such as an expression."""
    if len(text) > _LONGEST or not text.isprintable():
        raise UsageError("A selector is one line of at most 1,000 visible characters", where=option, hint=_HINT)
    named = _METRIC.match(text.strip())
    if named is None:
        raise UsageError(f"'{text}' has no name of series before its labels", where=option, hint=_HINT)
    rest = text.strip()[named.end() :].lstrip()
    return Selector(named[0], _matchers(rest, text, option) if rest else ())


def _matchers(rest: str, text: str, option: str) -> tuple[Matcher, ...]:
    """What stands in the braces. Raises `UsageError`."""
    wrong = UsageError(f"'{text}' is no selector of series", where=option, hint=_HINT)
    if not (rest.startswith("{") and rest.endswith("}")):
        raise wrong
    inside, found = rest[1:-1].strip(), []
    while inside:
        one = _MATCHER.match(inside)
        if one is None:
            raise wrong
        found.append(Matcher(one[1], one[2], _unquoted(one[3])))
        inside = inside[one.end() :]
        if inside and not inside.startswith(","):
            raise wrong
        inside = inside[1:].strip()
    for matcher in found:
        if matcher.sign in ("=~", "!~"):
            try:
                re.compile(matcher.value)
            except re.error:
                raise UsageError(f"'{matcher.value}' is no pattern", where=option, hint="Write it as '5..' or 'a|b'.") from None
    return tuple(found)


def quoted(text: str) -> str:
    """A text in double quotes, as both PromQL and YAML read it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    """What a text in quotes says."""
    return text[1:-1] if text.startswith("`") else _ESCAPE.sub(r"\1", text[1:-1])


def example(selector: Selector, option: str) -> Series:
    """A series that a selector means, with as few labels as that takes. Raises `UsageError` where none is found."""
    labels: dict[str, str] = {}
    for matcher in selector.matchers:
        if not matcher.fits(labels.get(matcher.label, "")):
            labels[matcher.label] = next((value for value in _tried(matcher) if matcher.fits(value)), "")
    found = Series(selector.name, labels)
    if not selector.fits(found):
        raise _no_example(str(selector), option)
    return found


def example_outside(selector: Selector, other: Selector, option: str) -> Series:
    """A series that `selector` means and `other` does not. Raises `UsageError` where none is found."""
    found = example(selector, option)
    if not other.fits(found):
        return found
    for matcher in other.matchers:
        for value in _tried(matcher):
            changed = Series(found.name, {**found.labels, matcher.label: value})
            if selector.fits(changed) and not other.fits(changed):
                return changed
    raise _no_example(f"{selector}, and not {other},", option)


def _no_example(text: str, option: str) -> UsageError:
    return UsageError(f"No example of a series that fits {text} was found", where=option, hint="The tests need one: use simpler patterns.")


def _tried(matcher: Matcher) -> list[str]:
    """Values that may meet a condition or its opposite: of a pattern its alternatives with their signs made plain."""
    if matcher.sign in ("=", "!="):
        return [matcher.value, *_COMMON]
    found = []
    for part in matcher.value.split("|"):
        for old, new in _PLAINER:
            part = old.sub(new, part)
        found.append(part)
    return [*found, *_COMMON]
