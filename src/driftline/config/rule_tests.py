"""Files with tests of rules: from YAML to the records that `alerting/rule_tests.py` plays through, each mistake with its place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from driftline.alerting.records import State
from driftline.alerting.rule_tests import MOST, ROWS, UNWATCHED, Expected, RuleTest, Series, points
from driftline.config.load import LARGEST
from driftline.config.nodes import Listing, Node, Place, Scalar, Table, is_number, parse, shortened
from driftline.core.durations import duration
from driftline.core.errors import ConfigError, UnknownName, UsageError, nearest
from driftline.core.ledger import Step
from driftline.core.records import ALL_ROWS, Basis, Segment

Word = TypeVar("Word", bound=StrEnum)

FILE_KEYS = ("config", "window", "tests")
TEST_KEYS = ("name", "series", "expect")
SERIES_KEYS = ("step", "metric", "column", "segment", "version", "basis", "limit", "side", "beyond", "rows", "values")
EXPECT_KEYS = ("window", "rule", "column", "metric", "segment", "version", "reason", "state")
ALL = "all"
SIDES = ("above", "below")


@dataclass(frozen=True, slots=True)
class TestFile:
    """The tests of one file. `config`: whose rules; `window`: the length of a window, None where it is that of the configuration."""

    __test__ = False  # of rules, and not of pytest

    path: Path
    config: Path
    window: timedelta | None
    tests: tuple[RuleTest, ...]

    def check(self, rules: Collection[str]) -> None:
        """Raises `ConfigError` for a rule that does not exist."""
        for test in self.tests:
            for expected in test.expected:
                if expected.rule not in rules:
                    error = UnknownName("rule", expected.rule, rules)
                    raise ConfigError(error.what, where=expected.where, hint=error.hint)


def read_rule_tests(path: Path) -> TestFile:
    """The tests of a file. Raises `ConfigError` with `file:line:column` for the first mistake."""
    reading = _Reading(str(path))
    tree = parse(_text(path), str(path))
    reading.check_keys(tree, FILE_KEYS, needed=("config", "tests"))
    config = path.parent / reading.text(tree, "config")
    written = reading.text(tree, "window")
    try:
        window = duration(written) if written else None
    except UsageError as error:
        raise reading.error(error, reading.place(tree, "window")) from None
    tests = tuple(reading.test(each) for each in reading.tables(tree, "tests"))
    names = set()
    for node, test in zip(reading.tables(tree, "tests"), tests, strict=True):
        if test.name in names:
            raise reading.said(f"There are two tests with the name '{shortened(test.name)}'", reading.place(node, "name"), "Rename one.")
        names.add(test.name)
    return TestFile(path, config, window, tests)


def _text(path: Path) -> str:
    """The file as text. Raises `ConfigError`."""
    hint = "Name a file with tests of rules, such as rules-test.yaml."
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", "") or "this is no path").lower()
        raise ConfigError(f"The tests cannot be read: {reason}", where=str(path), hint=hint) from None
    if len(data) > LARGEST:
        raise ConfigError(f"The file is larger than {LARGEST // 1_000_000} MB", where=str(path), hint="Use several files.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("The file is not UTF-8", where=str(path), hint="Save it as UTF-8.") from None


@dataclass(frozen=True, slots=True)
class _Keys:
    """What reads the keys of the tables of one file."""

    name: str

    def check_keys(self, table: Table, known: Collection[str], *, needed: Collection[str]) -> None:
        """Raises `ConfigError` for a key that is not known and for one that is missing."""
        for key, _ in table.entries:
            if key.text not in known:
                near = nearest(key.text, known)
                hint = (f"Did you mean '{near}'? " if near else "") + f"Known: {', '.join(known)}."
                raise self.said(f"There is no key '{shortened(key.text)}'", key.place, hint)
        for name in needed:
            if table.get(name) is None:
                raise self.said(f"The key '{name}' is missing", table.place, f"Needed: {', '.join(needed)}.")

    def tables(self, table: Table, key: str) -> tuple[Table, ...]:
        """A list of keys with values. Raises `ConfigError` for anything else, and for an empty one."""
        node = table.get(key)
        items = node.items if isinstance(node, Listing) else ()
        found = tuple(item for item in items if isinstance(item, Table))
        if not found or len(found) < len(items):
            at = next((item.place for item in items if not isinstance(item, Table)), self.place(table, key))
            raise self.said(f"'{key}' is a list of keys with values", at, f"Write '{key}:' and below it '- {{KEY: VALUE}}'.")
        return found

    def _scalar(self, table: Table, key: str) -> Scalar | None:
        """One value; None where there is none. Raises `ConfigError` for a list or a table."""
        node: Node | None = table.get(key)
        if node is not None and not isinstance(node, Scalar):
            raise self.said(f"'{key}' holds more than one value", node.place, "Write one, in quotes where it has spaces or signs.")
        return node

    def text(self, table: Table, key: str) -> str:
        """A text as it is written; empty where there is none."""
        node = self._scalar(table, key)
        if node is not None and not node.text.strip():
            raise self.said(f"'{key}' is empty", node.place, "Take it out, or give it a value.")
        return "" if node is None else node.text

    def number(self, table: Table, key: str) -> float | None:
        node = self._scalar(table, key)
        if node is None:
            return None
        if node.quoted or not is_number(node.text) or abs(float(node.text)) == float("inf"):
            raise self.said(f"'{key}' is a number, and '{shortened(node.text)}' is not", node.place, "Such as 0.01, without quotes.")
        return float(node.text)

    def whole(self, table: Table, key: str, most: int) -> int | None:
        node = self._scalar(table, key)
        if node is None:
            return None
        if node.quoted or not (node.text.isascii() and node.text.isdigit()) or not 0 < int(node.text[:18]) <= most or len(node.text) > 18:
            raise self.said(f"'{key}' is a whole number from 1 to {most:,}, and '{shortened(node.text)}' is not", node.place, "Such as 2.")
        return int(node.text)

    def one_of(self, table: Table, key: str, words: Collection[str]) -> str:
        """One of a few words; empty where there is none."""
        text = self.text(table, key)
        if text and text not in words:
            near = nearest(text, words)
            hint = (f"Did you mean '{near}'? " if near else "") + f"Known: {', '.join(words)}."
            raise self.said(f"'{shortened(text)}' is no {key}", self.place(table, key), hint)
        return text

    def word(self, table: Table, key: str, kind: type[Word]) -> Word | None:
        text = self.one_of(table, key, tuple(kind))
        return kind(text) if text else None

    def place(self, table: Table, key: str) -> Place:
        """Where the value of a key is; where the table is, if there is none."""
        node = table.get(key)
        return table.place if node is None else node.place

    def error(self, error: UsageError, place: Place) -> ConfigError:
        return self.said(error.what, place, error.hint)

    def said(self, what: str, place: Place, hint: str) -> ConfigError:
        return ConfigError(what, where=place.within(self.name), hint=hint)


@dataclass(frozen=True, slots=True)
class _Reading(_Keys):
    """What reads the tests of one file."""

    def test(self, table: Table) -> RuleTest:
        self.check_keys(table, TEST_KEYS, needed=TEST_KEYS)
        series = tuple(self.series(each) for each in self.tables(table, "series"))
        windows = {len(each.points) for each in series}
        if len(windows) > 1:
            lengths = ", ".join(str(len(each.points)) for each in series)
            hint = "Say of every window what is measured; _ is nothing."
            raise self.said(f"The series have different numbers of windows: {lengths}", self.place(table, "series"), hint)
        expected = tuple(self.expected(each, max(windows)) for each in self.tables(table, "expect"))
        return RuleTest(self.text(table, "name"), series, expected)

    def series(self, table: Table) -> Series:
        self.check_keys(table, SERIES_KEYS, needed=("step", "metric", "values"))
        limit = self.number(table, "limit")
        side = self.one_of(table, "side", SIDES) or SIDES[0]
        if limit is None and table.get("side") is not None:
            raise self.said("A side is one of a limit, and there is none", self.place(table, "side"), "Add 'limit: 0.01'.")
        rows = self.whole(table, "rows", 10**12)
        try:
            values = points(self.text(table, "values"), limit=limit, below=side == "below", beyond=self.text(table, "beyond"))
        except UsageError as error:
            raise self.error(error, self.place(table, error.where)) from None
        step, basis = self.word(table, "step", Step), self.word(table, "basis", Basis)
        assert step is not None
        return Series(
            step,
            self.text(table, "metric"),
            values,
            column=self.text(table, "column"),
            segment=self.segment(table) or ALL_ROWS,
            version=self.text(table, "version"),
            basis=basis or Basis.OBSERVED,
            limit=limit,
            n=rows or ROWS,
        )

    def expected(self, table: Table, windows: int) -> Expected:
        self.check_keys(table, EXPECT_KEYS, needed=("window", "rule", "state"))
        window = self.whole(table, "window", MOST)
        assert window is not None
        if window > windows:
            raise self.said(f"There is no window {window}: the test has {windows}", self.place(table, "window"), "They count from 1.")
        state = self.one_of(table, "state", (*State, UNWATCHED))
        return Expected(
            window,
            self.text(table, "rule"),
            None if state == UNWATCHED else State(state),
            column=self.text(table, "column") or None,
            metric=self.text(table, "metric") or None,
            segment=self.segment(table),
            version=self.text(table, "version") or None,
            reason=self.text(table, "reason"),
            where=self.place(table, "rule").within(self.name),
        )

    def segment(self, table: Table) -> Segment | None:
        """`channel=app, region=north`, or all rows. None where nothing is said."""
        text = self.text(table, "segment")
        if not text or text == ALL:
            return ALL_ROWS if text else None
        pairs = [part.partition("=") for part in text.split(", ")]
        if not all(column and sign for column, sign, _ in pairs):
            hint = "Write 'channel=app', 'channel=app, region=north', or 'all'."
            raise self.said(f"'{shortened(text)}' is no segment", self.place(table, "segment"), hint)
        return tuple(sorted((column, level) for column, _, level in pairs))
