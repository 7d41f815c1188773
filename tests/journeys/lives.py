"""Models lived through day by day with the real command: files come, `driftline run` takes them, receivers on this machine are told."""

import contextlib
import io
import json
import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from unittest import mock

import numpy as np
import pyarrow as pa
from worlds import US, put, sigmoid

from driftline.alerting.lifecycle import in_force
from driftline.alerting.records import Stage
from driftline.cli.main import main
from driftline.overtime import open_model

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
"""The first day of the small model in life, a Monday."""
ROWS = 200
LAG = 2
"""Days after which the outcomes of a day are told."""
SMALL = """
model: loans
task: {type: binary, threshold: 0.5}
data: {predictions: scored/*.parquet, labels: paid/*.parquet, reference: reference.parquet}
columns: {id: id, time: at, prediction: score, label: paid, label_time: known}
labels: {matures_after: 4d}
segments: [channel]
windows: {base: 1d, widen_to: 2d}
performance: {metrics: [roc_auc], tolerated: {roc_auc: 0.05}}
drift: {importance: {bureau: 0.5, income: 0.3}}
alerts:
"""
TELL_ALL = """
  channels: {ops: {type: webhook, url: $HOOK, allow: [127.0.0.1], timeout: 5}}
  notify: {critical: ops, warning: ops, digest: ops}
  repeat: 30d
"""
KEY = "whsec_" + "QUJDRA" * 6
_made: dict = {}


class Said(NamedTuple):
    """How a run of the command ended."""

    code: int
    out: str
    err: str


def applicants(number, rows=ROWS, *, seed=1, lost=0.0, shift=0.0, flipped=False):
    """The predictions and outcomes of day `number`. `lost`: share without a bureau score; `shift`: of the income, in standard deviations;
    `flipped`: the outcome is the opposite of what it used to be."""
    draw = np.random.default_rng([seed, number + 1000])
    income, bureau = draw.normal(50 + 10 * shift, 10, rows), draw.normal(600, 50, rows)
    score = sigmoid((draw.normal(50, 10, rows) - 50) / 10 + (bureau - 600) / 50)
    paid = draw.random(rows) < (1 - score if flipped else score)
    at = np.sort(draw.uniform(0, 86_400, rows)) + 86_400 * number
    times = [FIRST + timedelta(seconds=float(second)) for second in at]
    names = [f"{seed}-{number:04}-{i:04}" for i in range(rows)]
    scored = {
        "id": pa.array(names, pa.string()),
        "at": pa.array(times, US),
        "income": income,
        "bureau": pa.array(bureau, mask=draw.random(rows) < lost),
        "channel": pa.array(draw.choice(["app", "web"], rows).tolist(), pa.string()),
        "score": score,
    }
    known = pa.array([time + timedelta(hours=36) for time in times], US)
    return pa.table(scored), pa.table({"id": scored["id"], "paid": paid.astype(int), "known": known})


def reference(days=40):
    """The days before FIRST, with their outcomes."""
    if days not in _made:
        made = [applicants(number, seed=7) for number in range(-days, 0)]
        _made[days] = pa.concat_tables([scored.append_column("paid", told["paid"]) for scored, told in made])
    return _made[days]


def said(*argv, **environment):
    """The command in this process, with these variables; how it ended."""
    out, err = io.StringIO(), io.StringIO()
    known = {"COLUMNS": "110", **{name: str(value) for name, value in environment.items()}}
    with mock.patch.dict(os.environ, known), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(part) for part in argv])
        except SystemExit as end:
            code = int(end.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


class Life:
    """One model in a folder, of which every day is lived through once."""

    first = FIRST

    def __init__(self, folder, alerts="", **environment):
        self.folder, self.environment = folder, environment
        self.file = folder / "driftline.yaml"
        self.outcomes: dict = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(SMALL + (alerts or " {}\n"), encoding="utf-8")
        put(folder / "reference.parquet", reference())

    def at(self, number, hours=0.0):
        """The beginning of a day."""
        return self.first + timedelta(days=number, hours=hours)

    def comes(self, number, *, labels=True, scored=True, **knobs):
        """The files of one day come: its predictions, and the outcomes of those a while ago."""
        table, self.outcomes[number] = applicants(number, **knobs)
        if scored:
            put(self.folder / f"scored/{number:03}.parquet", table)
        if not scored:
            del self.outcomes[number]
        if labels:
            self.pays(number)

    def pays(self, number):
        """The outcomes come that are told on a day."""
        if number - LAG in self.outcomes:
            put(self.folder / f"paid/{number:03}.parquet", self.outcomes[number - LAG])

    def does(self, verb, *argv):
        """A command on this model."""
        return said(verb, *argv, "-c", self.file, **self.environment)

    def runs(self, number, *argv):
        """`driftline run` two hours after day `number` has ended."""
        end, now = self.at(number + 1).isoformat(), self.at(number + 1, 2).isoformat()
        return self.does("run", "--as-of", end, "--arrived", now, *argv)

    def day(self, number, **knobs):
        """A day comes, and is run."""
        self.comes(number, **knobs)
        ran = self.runs(number)
        assert ran.code in (0, 1, 3), ran
        assert ran.err == "", ran
        return ran

    def model(self):
        """The model in Python."""
        return open_model(self.file, environment={name: str(value) for name, value in self.environment.items()})

    def asked(self, of):
        """What `of` says of the alerts of the model."""
        with self.model() as model:
            return of(model.alerts)

    def incidents(self, *stages):
        return self.asked(lambda alerts: alerts.incidents(stages=stages or tuple(Stage)))

    def firing(self):
        """The rules and columns that fire now, muted or not."""
        return self.asked(lambda alerts: {(a.key.rule, a.key.column) for a in alerts.board().alerts.values() if a.state.is_active})

    def history(self):
        """The transitions that hold by now, of every alert: what it was, what it became, and the window that said so."""
        with self.model() as model:
            found = model.store.transitions(model.name)
        by: dict = {}
        for each in found:
            by.setdefault(each.key, []).append(each)
        return {
            (key.rule, key.metric, str(key.basis), key.column, key.segment, key.reason, str(t.before), str(t.after), t.window)
            for key, told in by.items()
            for t in in_force(told)
        }


def events(got, path=None):
    """The CloudEvents that a receiver was sent."""
    return [json.loads(each.body) for each in got if path is None or each.path == path]


def kinds(got, path=None):
    """Which kinds of news came, in their order."""
    return [event["type"].split(".")[-2] for event in events(got, path)]
