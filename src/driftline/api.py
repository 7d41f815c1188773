"""The Python face: what a notebook or a job calls. The same engine as the command line, and results that show themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from driftline.core.errors import UnknownName
from driftline.core.verdicts import ColumnVerdict, Comparison, QualityVerdict, Severity, Verdict
from driftline.engine.compare import compare as run
from driftline.engine.files import read_reference, write_reference, write_text
from driftline.engine.reference import Progress, make_reference, silent
from driftline.engine.spec import CompareSpec
from driftline.profiles.outcomes import Task
from driftline.profiles.reference import Reference
from driftline.profiles.roles import resolve
from driftline.profiles.schema import Kind
from driftline.report.document import to_json
from driftline.report.html import html_fragment, html_report
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
        return self._written(html_report(self.comparison), path)

    def __str__(self) -> str:
        return terminal_text(self.comparison)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_fragment(self.comparison)

    @staticmethod
    def _written(text: str, path: str | os.PathLike[str] | None) -> str:
        if path is not None:
            write_text(Path(path), text)
        return text


def compare(
    reference: object,
    current: object,
    *,
    prediction: str | None = None,
    label: str | None = None,
    segments: Sequence[str] = (),
    time: str | None = None,
    threshold: float | None = None,
    positive: str | None = None,
    task: str | None = None,
    scores: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    identifiers: Sequence[str] = (),
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
    spec = _spec(
        prediction, label, segments, time, threshold, positive, task, scores, ignore, identifiers, kinds, importance, tolerated, alpha
    )
    known = reference if isinstance(reference, Reference) else _reference(reference)
    return Result(run(known, open_source(current, name="current"), spec, now=datetime.now(UTC), progress=progress))


def profile_reference(
    reference: object,
    path: str | os.PathLike[str] | None = None,
    *,
    prediction: str | None = None,
    label: str | None = None,
    segments: Sequence[str] = (),
    time: str | None = None,
    threshold: float | None = None,
    positive: str | None = None,
    task: str | None = None,
    scores: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    identifiers: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Reference:
    """Profiles a reference once, to be used in place of its table ever after; saved to `path` where one is given.

    Raises `UsageError`, `DataError` and `WriteError`.
    """
    spec = _spec(prediction, label, segments, time, threshold, positive, task, scores, ignore, identifiers, kinds, None, None, 0.01)
    source = open_source(reference, name="reference")
    columns, _ = resolve(spec.columns(), (source.schema,), source.name)
    made = make_reference(source, spec, columns, progress)
    if path is not None:
        write_reference(Path(path), made)
    return made


def load_reference(path: str | os.PathLike[str]) -> Reference:
    """A reference saved before. Raises `SourceError` where there is no such file and `FormatError` where it is no profile."""
    return read_reference(Path(path))


def _reference(thing: object) -> Any:
    if isinstance(thing, (str, os.PathLike)) and os.fspath(thing).endswith(SAVED):
        return load_reference(thing)
    return open_source(thing, name="reference")


def _spec(
    prediction: str | None,
    label: str | None,
    segments: Sequence[str],
    time: str | None,
    threshold: float | None,
    positive: str | None,
    task: str | None,
    scores: Mapping[str, str] | None,
    ignore: Sequence[str],
    identifiers: Sequence[str],
    kinds: Mapping[str, str] | None,
    importance: Mapping[str, float] | None,
    tolerated: Mapping[str, float] | None,
    alpha: float,
) -> CompareSpec:
    return CompareSpec(
        prediction=prediction,
        label=label,
        segments=_names(segments),
        time=time,
        threshold=None if threshold is None else float(threshold),
        positive=None if positive is None else str(positive),
        task=None if task is None else _choice(Task, "task", task),
        scores=dict(scores or {}),
        ignore=_names(ignore),
        identifiers=_names(identifiers),
        kinds={name: _choice(Kind, "kind of column", kind) for name, kind in (kinds or {}).items()},
        importance={name: float(weight) for name, weight in (importance or {}).items()},
        tolerated={name: float(loss) for name, loss in (tolerated or {}).items()},
        alpha=float(alpha),
    )


def _names(names: Sequence[str]) -> tuple[str, ...]:
    """One name alone is a list of one."""
    return (names,) if isinstance(names, str) else tuple(names)


def _choice(choices: Any, noun: str, name: str) -> Any:
    if name not in [member.value for member in choices]:
        raise UnknownName(noun, name, [member.value for member in choices])
    return choices(name)


