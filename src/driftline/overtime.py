"""The Python face of a model over time: what a job, a notebook or the command line calls on one configuration file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, TypeVar

from driftline.alerting.notices import Spent
from driftline.alerting.records import Sending
from driftline.alerts import Alerts
from driftline.config.load import Loaded, load
from driftline.config.secrets import STORE
from driftline.core.durations import duration
from driftline.core.errors import EmptyTable, SourceError, UnknownName, UsageError
from driftline.core.ledger import Delivery, Evaluation, Reject, RowKind, Step, StoredReference
from driftline.engine import upkeep
from driftline.engine.evaluate import Evaluated, complete, evaluate, look
from driftline.engine.feedback import with_feedback
from driftline.engine.ingest import Ingested, accept_mark, ingest
from driftline.engine.model import ACTIVE, ANCHOR, Known, Model
from driftline.engine.reference import Progress, silent
from driftline.engine.references import Saying, reference_from_windows, set_reference
from driftline.lakes.open import open_lake
from driftline.ports import Lake, Store
from driftline.report.alerts_shown import AlertsShown
from driftline.report.timeline import ModelState
from driftline.sources.open import mark_of, open_source, tables_of
from driftline.stores.open import open_store

STEPS = tuple(Step)
E = TypeVar("E", bound=StrEnum)


def open_model(path: str | os.PathLike[str], *, environment: Mapping[str, str] | None = None) -> OpenModel:
    """The model of a configuration file, with its store and row log opened, and made where there are none.

    `environment` is where `$NAME` is looked up, the process's own unless given. Raises `ConfigError` with `file:line:column` for a mistake
    in the file, `StoreError` and `LakeError`.
    """
    known = os.environ if environment is None else environment
    loaded = load(Path(path), known, secrets=STORE)
    store = open_store(loaded.beside(loaded.secrets["storage.store"].reveal()))
    try:
        lake = open_lake(loaded.beside(loaded.plan.storage.lake), loaded.plan.model)
    except BaseException:
        store.close()
        raise
    return OpenModel(loaded, store, lake, known)


class Kept:
    """What is kept of a model over time: its references, evaluations and rejected rows. Close it, or use `with`."""

    def __init__(self, loaded: Loaded, store: Store, lake: Lake, environment: Mapping[str, str]) -> None:
        self.loaded = loaded
        self.environment = environment
        self.store = store
        self.lake = lake
        self._known: Sequence[Known] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the store."""
        self.store.close()

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.loaded.plan.model

    @property
    def model(self) -> Model:
        """The model with the references that are set by now."""
        model = Model.open(self.loaded.plan, self.loaded.digest, self.store, self.lake, known=self._known)
        self._known = model.references
        return model

    @property
    def alerts(self) -> Alerts:
        """Step 4: alerts, incidents, silences, and what people are told."""
        return Alerts(self.loaded, self.store, lambda: self.model, self.environment)

    def references(self) -> Sequence[Known]:
        """All references that were ever set, the latest last."""
        return self.model.references

    def evaluations(self, *, start: datetime | None = None, end: datetime | None = None, every: bool = False) -> list[Evaluation]:
        """What was found, the latest of each step and window; all that was ever found with `every`."""
        return self.store.evaluations(self.name, start=start, end=end, every=every)

    def rejects(self, last: int = 100) -> list[Reject]:
        """The last rows that were not taken."""
        return self.store.rejects(self.name, last=last)

    def state(self, as_of: datetime | None = None) -> ModelState:
        """What is known of the model beside its measurements, for reports."""
        deliveries = self.store.deliveries(self.name, last=1_000_000)
        plan, known = self.loaded.plan, self.references()
        active = [each for each in known if each.stored.role == ACTIVE]
        anchors = [each for each in known if each.stored.role == ANCHOR]
        ends = {kind: [d.last for d in deliveries if d.kind is kind and d.last is not None] for kind in RowKind}
        rejected: dict[str, int] = {}
        for delivery in deliveries:
            for name, count in delivery.counts.items():
                if name.startswith("rejected: "):
                    reason = name.removeprefix("rejected: ")
                    rejected[reason] = rejected.get(reason, 0) + count
        return ModelState(
            model=plan.model,
            description=plan.description,
            base_window=plan.windows.base,
            time_zone=plan.windows.timezone,
            reference=active[-1].stored.source if active else "",
            reference_version=active[-1].stored.version if active else "",
            reference_made=active[-1].stored.made if active else None,
            reference_rows=active[-1].stored.rows if active else 0,
            anchor=anchors[-1].stored.source if anchors else "",
            last_predictions=max(ends[RowKind.PREDICTIONS], default=None),
            last_labels=max(ends[RowKind.LABELS], default=None),
            rejected=rejected,
            deliveries=sum(1 for delivery in deliveries if delivery.rows),
            duplicates=sum(delivery.duplicates for delivery in deliveries),
            waiting=self._waiting(as_of),
            as_of=as_of,
            config=str(self.loaded.path),
            versions={"driftline": version("driftline")},
            alerts=self._alerts() if as_of is None else None,
        )

    def tidy(self, *, now: datetime | None = None) -> Mapping[str, int]:
        """Folds the parts of old windows, compacts the row log, and forgets what the configuration keeps no longer."""
        return upkeep.tidy(self.model, now=now or datetime.now(UTC))

    def erase(self, identifiers: Iterable[str]) -> int:
        """Removes the rows of these identifiers from the row log; their number. What was counted of them stays counted."""
        with self.store.exclusive(self.name):
            return self.lake.erase(list(identifiers))

    def size(self) -> Mapping[str, int]:
        """Bytes of the store and of the row log."""
        return {**self.store.size(), **{f"lake.{name}": count for name, count in self.lake.size().items()}}

    def _alerts(self) -> AlertsShown | None:
        """Step 4 as it stands now; None where it has never run. How it stood in the past is not kept as a whole."""
        board, now, alerts = self.store.board(self.name), datetime.now(UTC), self.alerts
        if not board.revision:
            return None
        incidents, budget, (precision, proposals) = alerts.incidents(last=1_000), self.loaded.plan.alerts.budget, alerts.precision()
        return AlertsShown(
            board=board,
            incidents=incidents,
            silences=alerts.silences.all(at=now),
            given_up=alerts.notices.all(states=(Sending.DEAD,), last=20),
            precision=precision,
            proposals=proposals,
            expected=alerts.expected(),
            severities={name: rule.severity for name, rule in alerts.rules().items()},
            pages_allowed=budget.pages_per_month,
            tickets_allowed=budget.tickets_per_month,
            spent=Spent.of(incidents, now),
        )

    def _waiting(self, as_of: datetime | None) -> int:
        if not self.loaded.plan.columns.label:
            return 0
        since = (as_of or datetime.now(UTC)) - max(self.loaded.plan.labels.maturity, duration(self.loaded.plan.windows.base))
        return self.lake.waiting(since=since, through=self.store.sequence(self.name))[1]


class OpenModel(Kept):
    """A model over time. Times are aware datetimes; `now` and `as_of` are the clock unless they are given."""

    def ingest_predictions(self, rows: object, *, now: datetime | None = None, progress: Progress = silent) -> list[Delivery]:
        """Takes predictions: a file, folder, glob, any table that `compare` takes, or an iterable of tables.

        `now` is when they arrive. Raises `UsageError` where no reference is set or a column is missing, `DataError` for rows that cannot be
        read; single rows that cannot be used are rejected, kept and counted.
        """
        return [delivery for done in self._ingest(RowKind.PREDICTIONS, rows, now, progress) for delivery in done.deliveries]

    def ingest_labels(self, rows: object, *, now: datetime | None = None, progress: Progress = silent) -> list[Delivery]:
        """Takes labels; the same otherwise."""
        return [delivery for done in self._ingest(RowKind.LABELS, rows, now, progress) for delivery in done.deliveries]

    def ingest_files(
        self, kind: RowKind | str, paths: Sequence[str] = (), *, now: datetime | None = None, progress: Progress = silent
    ) -> list[Ingested]:
        """Takes the files of these paths, or of those that the configuration names; files that were taken whole before are passed over, and
        of those of the configuration also files without rows, and globs of labels that match nothing yet.

        `kind` is `predictions` or `labels`.
        """
        kind = _member(RowKind, "kind of rows", kind)
        model, moment = self.model, now or datetime.now(UTC)
        named = self.loaded.plan.data.predictions if kind is RowKind.PREDICTIONS else self.loaded.plan.data.labels
        done, files = list[Ingested](), list[str]()
        for path in paths or [self.loaded.beside(path) for path in named]:
            try:
                files += tables_of(path)
            except SourceError:
                if paths or kind is RowKind.PREDICTIONS or not set("*?[") & set(path):
                    raise
                done.append(Ingested(path, kind))  # labels come late, the first of them too
        for file in dict.fromkeys(files):
            mark = f"file {mark_of(file)}"
            if self.store.delivered(self.name, kind, mark) is not None:
                done.append(Ingested(file, kind, whole_again=True))
                continue
            try:
                done.append(ingest(model, kind, open_source(file, name=file), now=moment, progress=progress))
            except EmptyTable:
                if paths:
                    raise
                done.append(Ingested(file, kind))  # an hour without a row must not keep all later files from being taken
            accept_mark(model, kind, mark, file, arrived=moment)
        return done

    def evaluate(
        self,
        *steps: Step | str,
        as_of: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        now: datetime | None = None,
        progress: Progress = silent,
    ) -> list[Evaluated]:
        """Evaluates the steps (`performance`, `drift`, `predictions`), all where none is named: the windows that are due, or all that begin
        in [start, end). Raises `UnknownName` for a step that does not exist."""
        moment = now or datetime.now(UTC)
        model, of = with_feedback(self.model, at=as_of or moment), as_of or moment
        sight = look(model, as_of=of)
        return [
            evaluate(model, step, as_of=of, now=moment, start=start, end=end, sight=sight, progress=progress)
            for step in ([_member(Step, "step", step) for step in steps] or STEPS)
        ]

    def run(self, *, as_of: datetime | None = None, now: datetime | None = None, progress: Progress = silent) -> list[Evaluated]:
        """Sets the configured reference where there is none, takes the configured data, evaluates steps 1 to 3, and runs step 4 on what
        they found: what is due is sent. `alerts` says how things stand then."""
        self.ensure_reference(now=now, progress=progress)
        for kind in RowKind:
            if self.loaded.plan.data.predictions if kind is RowKind.PREDICTIONS else self.loaded.plan.data.labels:
                self.ingest_files(kind, now=now, progress=progress)
        done = self.evaluate(as_of=as_of, now=now, progress=progress)
        self.alerts.run(now=now)
        return done

    def backfill(self, start: datetime, end: datetime, *, now: datetime | None = None, progress: Progress = silent) -> list[Evaluated]:
        """Evaluates the windows that end in (start, end] one after the other, each as of its end, as if it had been lived through.

        Raises `UsageError` for a stretch that ends before it begins.
        """
        if end <= start:
            raise UsageError(f"The stretch from {start:%Y-%m-%d %H:%M} ends before it begins", hint="Name the earlier time first.")
        model, moment = self.model, now or datetime.now(UTC)
        done: dict[Step, Evaluated] = {step: Evaluated(step) for step in STEPS}
        model.active("")  # says so where no reference is set
        windows = [window for window in complete(model, as_of=end) if window.end > start]
        for i, window in enumerate(windows):
            progress("backfilling", i, len(windows))
            model = with_feedback(model, at=window.end)
            sight = look(model, as_of=window.end)
            for step in STEPS:
                found = evaluate(model, step, as_of=window.end, now=moment, sight=sight)
                done[step].evaluations += found.evaluations
                done[step].looked += found.looked
        return list(done.values())

    def set_reference(  # noqa: PLR0913 - what is said of a reference, one by one
        self,
        table: object = None,
        *,
        windows: tuple[datetime, datetime] | None = None,
        version: str = "",
        anchor: bool = False,
        author: str,
        reason: str,
        now: datetime | None = None,
        progress: Progress = silent,
    ) -> StoredReference:
        """Sets what live rows are compared with: a table, or the windows that begin in [from, to). It never replaces another one."""
        if (table is None) == (windows is None):
            raise UsageError("A reference is a table or a stretch of windows, and one of them is needed", hint="Name one of the two.")
        saying = Saying(ANCHOR if anchor else ACTIVE, version, author, reason, now or datetime.now(UTC))
        if windows is not None:
            return reference_from_windows(self.model, *windows, saying)
        return set_reference(self.model, open_source(table, name="reference"), saying, progress)

    def ensure_reference(self, *, now: datetime | None = None, progress: Progress = silent) -> StoredReference | None:
        """Sets the reference that the configuration names, where none has been set; None where there is one."""
        if self.store.references(self.name):
            return None
        path = self.loaded.plan.data.reference
        if not path:
            raise UsageError(
                f"The model '{self.name}' has no reference yet",
                where=str(self.loaded.path),
                hint="Name it as 'data.reference', or set one: driftline reference set FILE.",
            )
        return self.set_reference(
            self.loaded.beside(path), author="driftline", reason="named in the configuration", now=now, progress=progress
        )

    def _ingest(self, kind: RowKind, rows: object, now: datetime | None, progress: Progress) -> list[Ingested]:
        model, moment = self.model, now or datetime.now(UTC)
        tables: Iterable[Any] = rows if _is_several(rows) else [rows]  # type: ignore[assignment]
        return [ingest(model, kind, open_source(table, name=kind.value), now=moment, progress=progress) for table in tables]


def _member(kind: type[E], noun: str, name: str) -> E:
    """One of a few words. Raises `UnknownName`."""
    known = [str(member) for member in kind]
    if str(name) not in known:
        raise UnknownName(noun, str(name), known)
    return kind(str(name))


def _is_several(rows: object) -> bool:
    """Whether these are tables rather than one: a list or an iterator of them."""
    plain = (str, bytes, os.PathLike, Mapping)
    return isinstance(rows, Iterable) and not isinstance(rows, plain) and not hasattr(rows, "__arrow_c_stream__") and _of_tables(rows)


def _of_tables(rows: object) -> bool:
    return isinstance(rows, (list, tuple)) or hasattr(rows, "__next__")
