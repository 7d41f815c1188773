"""Alerts, members and incidents for the tests of step 4, made from a few words: `alert("NullSpike", "income", at=3)`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from driftline.alerting.defaults import default_rules
from driftline.alerting.incidents import gather
from driftline.alerting.inhibition import Facts, inhibited
from driftline.alerting.notices import Spent, decide
from driftline.alerting.records import Alert, Incident, Key, Level, Outgoing, Sending, Sight, Silence, State
from driftline.alerting.silences import make_silence
from driftline.alerting.spec import AlertsSpec
from driftline.alerting.words import About
from driftline.core.records import ALL_ROWS, Basis, Window
from driftline.core.verdicts import Severity

T0 = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = default_rules()
BASES = {
    "QualityBelowFloor": Basis.MATURED,
    "QualityEarly": Basis.SAME_AGE,
    "QualityEstimated": Basis.ESTIMATED,
}
NOTIFY = {Severity.CRITICAL: ("pager",), Severity.WARNING: ("tickets",), Severity.INFO: ("mail",)}
ABOUT = About(rules=RULES)
PIPELINE = "31.2 % missing (was 0.4 %); looks like: pipeline; limit 0.0083: the further of the smallest change that counts"


def hour(n: float) -> datetime:
    return T0 + n * HOUR


def window(end: float) -> Window:
    """The hour that ends so many hours after the start."""
    return Window(hour(end - 1), hour(end))


def key(rule, column="", segment=ALL_ROWS, reason="", version="", metric=None):
    found = RULES.get(rule)
    named = metric if metric is not None else (found.metric[0] if found is not None and found.metric else "value")
    return Key(rule, named, BASES.get(rule, Basis.OBSERVED), column, segment, version, reason)


def sight(of, end, value=2.0, limit=1.0, note="", level=Level.BEYOND):
    return Sight(of, window(end), level, value, limit, 2400, note)


def alert(rule, column="", *, at=1.0, now=None, state=State.FIRING, severity=None, group=None, value=2.0, limit=1.0, note="", **identity):
    """An alert that began to fire with the window that ends at hour `at`, and was last seen in the one that ends at `now`."""
    named = key(rule, column, **identity)
    found = RULES.get(rule)
    severity = severity or (found.severity if found is not None else Severity.WARNING)
    group = group or ((found.group or rule) if found is not None else rule)
    last = sight(named, at if now is None else now, value, limit, note)
    fired = hour(at) if state.is_active else None
    return Alert(named, severity, group, state, hour(at), last, seen=last.window.start, fired=fired)


def board(*alerts):
    return {each.key.fingerprint: each for each in alerts}


def gathered(incidents, alerts, now, muted_by=None, *, base=HOUR):
    """What `gather` makes of these at hour `now`. `muted_by`: reasons by alert."""
    why = {of.fingerprint: text for of, text in (muted_by or {}).items()}
    return gather(tuple(incidents), board(*alerts), why, "credit", hour(now), base)


class Life:
    """A model whose alerts come and go: `sees` is one run of alerting at an hour, and gives what is sent as short texts."""

    def __init__(self, *, notify=NOTIFY, sent=Spent(), **spec):  # noqa: B008 - frozen
        self.notify, self.sent, self.spec = notify, sent, AlertsSpec(**spec)
        self.incidents: tuple[Incident, ...] = ()
        self.silences: list[Silence] = []
        self.outgoing: list[Outgoing] = []

    def sees(self, now, *alerts):
        shown = board(*(replace(each, last=replace(each.last, window=window(now))) for each in alerts))
        why = inhibited([each for each in shown.values() if each.state.is_active], Facts(rules=RULES))
        self.incidents, _ = gather(self.incidents, shown, why, "credit", hour(now), HOUR)
        return self.decides(now)

    def decides(self, now):
        self.incidents, out = decide(
            self.incidents, silences=self.silences, spec=self.spec, notify=self.notify, sent=self.sent, now=hour(now), about=ABOUT
        )
        self.outgoing += out
        return [
            f"{each.notice.kind} {each.notice.severity} to {each.channel}" + (" held" if each.state is Sending.HELD else "") for each in out
        ]

    def silence(self, starts, ends, *matchers):
        made, until = hour(starts), hour(ends)
        silence = make_silence(matchers or ("alertname=*",), author="ann", comment="known", starts=made, ends=until, made=made)
        self.silences.append(silence)

    def acts(self, act, *args, now=0):
        self.incidents = tuple(act(each, *args, hour(now)) for each in self.incidents)

    @property
    def last(self):
        return self.outgoing[-1].notice
