"""A configuration drafted from what a reference tells: ready to run, every guess with its reason, everything else one `#` away."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from driftline.config.guesses import Facts, Guess
from driftline.config.meanings import meaning
from driftline.config.plan import Plan
from driftline.config.values import effective
from driftline.config.written import flow, remark, text
from driftline.profiles.outcomes import Task
from driftline.profiles.schema import Kind

MOST_COLUMNS = 100
CONFIRM = "(?)"


@dataclass(frozen=True, slots=True)
class Asked:
    """What people said, for the file to repeat: the model and why it is called so, the path of the reference from the new file, the name
    of that file, and their settings."""

    model: Guess
    reference: str
    file: str
    threshold: float | None = None
    positive: str | None = None
    task: Task | None = None
    scores: Mapping[str, str] | None = None
    ignore: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] | None = None


def draft(facts: Facts, asked: Asked) -> str:
    """The text of the file. It loads as it is."""
    defaults = effective(Plan.read({"model": "x", "columns": {"id": "i", "time": "t"}}))
    blocks = (
        _head(facts, asked),
        _model(asked),
        _task(facts, asked),
        _data(asked),
        _columns(facts, asked),
        _kinds(facts),
        _labels(facts),
        _segments(facts),
        _rest(defaults),
        _next(asked),
    )
    return "\n".join("".join(f"{line.rstrip()}\n" for line in block) for block in blocks)


def _head(facts: Facts, asked: Asked) -> Iterator[str]:
    yield f"# Drafted from {remark(asked.reference)} ({facts.rows:,} rows). The words after a value say why it was chosen."
    yield f"# Look again at what is marked {CONFIRM}. Keys behind a # are optional, and show their defaults or an example."


def _model(asked: Asked) -> Iterator[str]:
    yield "version: 1"
    yield _line("model", asked.model)
    yield f"# description: WORDS  # {meaning('description')}"
    yield f"# owner: {{team: NAME, email: team@example.com}}  # {meaning('owner')}"


def _task(facts: Facts, asked: Asked) -> Iterator[str]:
    plan = facts.outcomes
    kind = asked.task or (plan.task if plan is not None else None)
    if kind is None:
        yield f"# task: binary  # or multiclass, regression; {meaning('task.type')}"
        return
    yield "task:"
    yield f"  type: {kind}{_why(plan.reason if plan is not None and asked.task is None else 'as you said')}"
    if asked.threshold is not None:
        yield f"  threshold: {flow(asked.threshold)}  # as you said"
    elif kind is Task.BINARY:
        threshold = plan.threshold if plan is not None and plan.threshold is not None else 0.5
        yield f"  threshold: {flow(threshold)}  # {CONFIRM} {meaning('task.threshold')}; half is only a guess"
    if kind is Task.BINARY and plan is not None:
        why = "as you said" if asked.positive else f"the other class is {flow(plan.classes[0])}"
        yield f"  positive: {flow(plan.classes[-1])}{_why(why)}"
    if asked.scores:
        yield f"  scores: {flow(asked.scores)}"


def _data(asked: Asked) -> Iterator[str]:
    yield "data:"
    yield f"  # predictions: predictions/*.parquet  # {meaning('data.predictions')}"
    yield f"  # labels: labels/*.parquet  # {meaning('data.labels')}"
    yield f"  reference: {text(asked.reference)}"


def _columns(facts: Facts, asked: Asked) -> Iterator[str]:
    yield "columns:"
    yield f"  {_line('id', facts.id)}"
    yield f"  {_line('time', facts.time)}"
    for key, found in (("prediction", facts.prediction), ("label", facts.label)):
        yield f"  {_line(key, found)}" if found is not None else f"  # {key}: NAME  # {CONFIRM} {meaning(f'columns.{key}')}"
    for key in ("label_id", "label_time", "version", "latency", "error"):
        guessed = facts.maybe.get(key)
        why = "a guess from its name: " if guessed is not None else ""
        yield f"  # {key}: {flow(guessed) if guessed is not None else 'NAME'}  # {why}{meaning(f'columns.{key}')}"
    further = [name for name in asked.identifiers if name != facts.id.value]
    for key, value in (("ignore", asked.ignore), ("identifiers", further), ("kinds", asked.kinds)):
        yield (
            f"  {key}: {flow(value)}"
            if value
            else f"  # {key}: {'{NAME: categorical}' if key == 'kinds' else '[NAME]'}  # {_of('columns', key)}"
        )


def _kinds(facts: Facts) -> Iterator[str]:
    yield "# How the columns of the reference are summarised, and why. 'columns.kinds' decides otherwise, 'columns.ignore' leaves one out."
    for column in facts.columns[:MOST_COLUMNS]:
        yield f"#   {remark(flow(column.name), 40)}: {column.kind}, {remark(column.reason, 80)}"
    if len(facts.columns) > MOST_COLUMNS:
        yield f"#   and {len(facts.columns) - MOST_COLUMNS:,} more"


def _labels(facts: Facts) -> Iterator[str]:
    if facts.label is None:
        yield f"labels: none  # {CONFIRM} no label column is known: name it above, and write outcome or event here"
        return
    yield "labels:"
    yield f"  kind: outcome  # {CONFIRM} {meaning('labels.kind')}"
    yield f"  matures_after: 1d  # {CONFIRM} {meaning('labels.matures_after')}"
    yield f"  # negative_after: 45d  # {meaning('labels.negative_after')}"
    yield f"  # eligible: {{COLUMN: VALUE}}  # {meaning('labels.eligible')}"
    yield f"  # void: {{COLUMN: VALUE}}  # {meaning('labels.void')}"
    yield f"  # expected_coverage: 0.95  # {meaning('labels.expected_coverage')}"


def _segments(facts: Facts) -> Iterator[str]:
    if facts.segments:
        yield f"segments: {flow(facts.segments)}"
        return
    yield f"# segments: {flow(facts.few_levels or ['NAME'])}  # {meaning('segments')}"


def _rest(defaults: Mapping[str, object]) -> Iterator[str]:
    """The sections about which a reference tells nothing, with their defaults."""
    yield "windows:"
    yield f"  base: 1d  # {CONFIRM} {meaning('windows.base')}"
    yield from (_optional("windows", key, defaults) for key in ("timezone", "widen_to"))
    yield "storage:"
    yield f"  store: {text(str(defaults['storage.store']))}  # {meaning('storage.store')}"
    yield f"  lake: {text(str(defaults['storage.lake']))}  # {meaning('storage.lake')}"
    yield f"  # rows: sample  # {meaning('storage.rows')}"
    yield from (_optional("storage", key, defaults) for key in ("predictions_for",))
    yield f"# serving: {{availability: 0.995, latency: 800}}  # {meaning('serving')}"
    yield f"# performance: {{tolerated: {{roc_auc: 0.02}}}}  # {meaning('performance.tolerated')}"
    yield f"# drift: {{importance: {{NAME: 0.3}}}}  # {meaning('drift.importance')}"
    chat = "{channels: {chat: {type: apprise, url: $CHAT_URL}}, notify: {critical: chat, warning: chat}}"
    yield f"# alerts: {chat}  # nobody is told until a channel is named"


def _next(asked: Asked) -> Iterator[str]:
    name = remark(shlex.quote(asked.file), 10_000)
    yield "# Next:"
    yield f"#   driftline config check {name}"
    yield f"#   driftline ingest predictions FILES... -c {name}"
    yield f"#   driftline run -c {name}"


def _line(key: str, found: Guess) -> str:
    return f"{key}: {text(found.value)}  # {'' if found.sure else CONFIRM + ' '}{remark(found.reason)}"


def _why(reason: str) -> str:
    return f"  # {remark(reason, 160)}"


def _of(path: str, key: str) -> str:
    return meaning(f"{path}.{key}")


def _optional(path: str, key: str, defaults: Mapping[str, object]) -> str:
    return f"  # {key}: {flow(defaults[f'{path}.{key}'])}  # {_of(path, key)}"
