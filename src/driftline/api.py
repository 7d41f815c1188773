"""The Python face: what a notebook or a job calls. The same engine as the command line, and results that show themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeGuard

from driftline.core.errors import UnknownName, UsageError
from driftline.core.verdicts import ColumnVerdict, Comparison, QualityVerdict, Severity, Verdict
from driftline.engine.compare import compare as run
from driftline.engine.files import read_reference, write_reference, write_text
from driftline.engine.options import read_options
from driftline.engine.reference import Progress, make_reference, silent
from driftline.engine.settle import settle
from driftline.ports import Source
from driftline.profiles.reference import Reference
from driftline.report.document import to_json
from driftline.report.terminal import terminal_text
from driftline.sources.open import open_source

SAVED = ".profile"


class Result:
    """What a comparison found. Shows its verdict table in a notebook and its text when printed.

    `result["income"]` is the verdict about a column, `len(result)` the number of columns.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    @property
    def verdict(self) -> Verdict:
        """The verdict about the whole table."""
        return self.comparison.verdict

    @property
    def severity(self) -> Severity:
        """The worst severity of any column or quality metric."""
        return self.comparison.severity

    @property
    def columns(self) -> tuple[ColumnVerdict, ...]:
        """The verdict about each column, what matters most first."""
        return self.comparison.columns

    @property
    def quality(self) -> tuple[QualityVerdict, ...]:
        """The verdict about each quality metric, where there are labels."""
        return self.comparison.quality

    def __getitem__(self, name: str) -> ColumnVerdict:
        found = self.comparison.column(name)
        if found is None:
            raise UnknownName("column", name, [column.name for column in self.columns])
        return found

    def __iter__(self) -> Iterator[ColumnVerdict]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def top(self, count: int = 5) -> tuple[ColumnVerdict, ...]:
        """The columns that matter most."""
        return self.columns[:count]

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as plain dictionaries (`docs/reference/json.md`)."""
        return self.comparison.to_dict()

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The JSON document; also written to `path` where one is given. Raises `WriteError`."""
        return self._written(to_json(self.comparison), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The report as one HTML page; also written to `path` where one is given. Raises `WriteError`."""
        from driftline.report.html import html_report

        return self._written(html_report(self.comparison), path)

    def __str__(self) -> str:
        return terminal_text(self.comparison)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from driftline.report.html import html_fragment

        return html_fragment(self.comparison)

    @staticmethod
    def _written(text: str, path: str | os.PathLike[str] | None) -> str:
        if path is not None:
            write_text(Path(path), text)
        return text


def compare(  # noqa: PLR0913 - what people may say, one by one
    reference: object,
    current: object,
    *,
    prediction: str | None = None,
    label: str | None = None,
    segments: Iterable[str] = (),
    time: str | None = None,
    threshold: float | None = None,
    positive: object = None,
    task: str | None = None,
    scores: Mapping[Any, str] | None = None,
    ignore: Iterable[str] = (),
    identifiers: Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    importance: Mapping[str, float] | None = None,
    tolerated: Mapping[str, float] | None = None,
    alpha: float = 0.01,
    progress: Progress = silent,
) -> Result:
    """Compares two tables and says what has changed, what is broken, and what cannot be told.

    `reference` and `current` are files, folders, globs, pandas, polars, pyarrow or DuckDB tables, anything with `__arrow_c_stream__`;
    `reference` may also be a `Reference` or a saved `.profile`. Columns: `prediction`, `label`, `time`, `segments`; `threshold` is the
    score from which a binary model decides, `positive` its positive class, `scores` the probability column of each class.
    `ignore` leaves columns out. `importance` weighs columns, `tolerated` sets the loss of a quality metric that is acceptable. `alpha` is
    the probability that a table without any change shows a drifted column.

    Raises `UsageError` for a call that does not fit the tables, `DataError` for tables that cannot be used.
    """
    spec = read_options(
        prediction=prediction,
        label=label,
        segments=segments,
        time=time,
        threshold=threshold,
        positive=positive,
        task=task,
        scores=scores,
        ignore=ignore,
        identifiers=identifiers,
        kinds=kinds,
        importance=importance,
        tolerated=tolerated,
        alpha=alpha,
    )
    known = load_reference(reference) if _is_saved(reference) else reference
    before = known if isinstance(known, Reference) else open_source(known, name="reference")
    return Result(run(before, _rows(current, "current"), spec, now=datetime.now(UTC), progress=progress))


def profile_reference(  # noqa: PLR0913 - as above
    reference: object,
    path: str | os.PathLike[str] | None = None,
    *,
    prediction: str | None = None,
    label: str | None = None,
    segments: Iterable[str] = (),
    time: str | None = None,
    threshold: float | None = None,
    positive: object = None,
    task: str | None = None,
    scores: Mapping[Any, str] | None = None,
    ignore: Iterable[str] = (),
    identifiers: Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Reference:
    """Profiles a reference once, to be used in place of its table ever after; saved to `path` where one is given.

    Raises `UsageError`, `DataError` and `WriteError`.
    """
    spec = read_options(
        prediction=prediction,
        label=label,
        segments=segments,
        time=time,
        threshold=threshold,
        positive=positive,
        task=task,
        scores=scores,
        ignore=ignore,
        identifiers=identifiers,
        kinds=kinds,
    )
    source = _rows(reference, "reference")
    columns, _ = settle(spec, (source.schema,), source.name)
    made = make_reference(source, spec, columns, progress)
    if path is not None:
        write_reference(Path(path), made)
    return made


def load_reference(path: str | os.PathLike[str]) -> Reference:
    """A reference saved before. Raises `SourceError` where there is no such file and `FormatError` where it is no profile."""
    return read_reference(Path(path))


def _rows(thing: object, name: str) -> Source:
    if isinstance(thing, Reference) or _is_saved(thing):
        raise UsageError(f"The {name} table is a saved reference, which holds no rows", hint="Give the table of the rows.")
    return open_source(thing, name=name)


def _is_saved(thing: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(thing, (str, os.PathLike)) and str(thing).endswith(SAVED)
