"""The Python face of step 4 on one model: `model.alerts`. Alerts, incidents, silences, and what people are told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from driftline.alerting import incidents as handling
from driftline.alerting.budget import Forecast, forecast
from driftline.alerting.defaults import rules_of
from driftline.alerting.notices import active_notices
from driftline.alerting.precision import Precision, precision, proposal
from driftline.alerting.records import (
    Board,
    Closing,
    Incident,
    Notice,
    Outgoing,
    Reaction,
    Sending,
    Silence,
    Stage,
    Transition,
)
from driftline.alerting.rules import Rule
from driftline.alerting.silences import ended, make_silence
from driftline.alerting.words import About
from driftline.channels.heartbeat import heartbeat
from driftline.channels.open import open_channel
from driftline.config.load import Loaded, load
from driftline.config.secrets import ALERTS, Secret
from driftline.core.durations import duration
from driftline.core.errors import UnknownName, UsageError
from driftline.engine.chances import chances_of
from driftline.engine.deliver import Delivered, deliver, gather_digest, test_notice
from driftline.engine.model import Model, segments_of
from driftline.engine.react import LOOKED_AT, Reacted, react
from driftline.ports import Answer, Channel, Store

LASTING = 2
"""An alert is pushed to those who forget as lasting so many windows, since the next run is one away."""
SENDING = " notices"
"""Only one process sends the notices of a model at a time, and holds up no other work on it: a receiver may be slow."""
ALL = 1_000_000
FIELDS = ("url", "secret", "old_secret", "routing_key")


class Alerts:
    """Step 4 of one model. Times are aware datetimes; `now` is the clock unless it is given."""

    def __init__(self, loaded: Loaded, store: Store, model: Callable[[], Model], environment: Mapping[str, str]) -> None:
        self._loaded, self._store, self._model, self._environment = loaded, store, model, environment

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._loaded.plan.model

    def run(self, *, now: datetime | None = None, send: bool = True, dry: bool = False) -> tuple[Reacted, Delivered]:
        """Takes in what the steps have found since the last run, and sends what is due unless `send` is false. `dry`: nothing is kept, and
        nothing is sent.

        Raises `UsageError` for rules that do not hold together.
        """
        moment = now or datetime.now(UTC)
        with self._store.exclusive(self.name):
            done = react(self._model(), now=moment, dry=dry)
        return done, self.notices.send(now=moment) if send and not dry else Delivered()

    @property
    def silences(self) -> Silences:
        """The silences of the model."""
        return Silences(self._store, self.name)

    @property
    def notices(self) -> Notices:
        """What is on its way to people."""
        return Notices(self._loaded, self._store, self._environment)

    def board(self) -> Board:
        """How all alerts stand that are not simply fine."""
        return self._store.board(self.name)

    def incidents(self, *, stages: Collection[Stage] = tuple(Stage), last: int = 100) -> list[Incident]:
        """The incidents in one of these stages, the latest opened first."""
        return self._store.incidents(self.name, stages=stages, last=last)

    def incident(self, id: str) -> tuple[Incident, list[Transition], list[Outgoing]]:  # noqa: A002 - what it is called everywhere else
        """An incident, the transitions of its alerts while it lasted, and what was sent of it. Raises `UnknownName`."""
        found = self._incident(id)
        prints = {member.key.fingerprint for member in found.members}
        start = found.opened - 30 * duration(self._loaded.plan.windows.base)
        transitions = [t for t in self._store.transitions(self.name, start=start, end=found.ended) if t.key.fingerprint in prints]
        return found, transitions, [each for each in self._store.outgoing(self.name) if each.notice.incident == found.id]

    def acknowledge(self, id: str, *, author: str, reason: str = "", now: datetime | None = None) -> Incident:  # noqa: A002
        """Takes an incident: nobody is reminded of it any more. Raises `UnknownName`, and `UsageError` where that makes no sense."""
        return self._act(id, lambda incident, at: handling.acknowledge(incident, author, reason, at), now)

    def close(
        self,
        id: str,  # noqa: A002
        closing: Closing | str,
        *,
        author: str,
        reason: str = "",
        now: datetime | None = None,
    ) -> Incident:
        """Closes an incident with what it was: from this the precision of rules is counted. Raises as `acknowledge`."""
        known = [str(each) for each in Closing]
        if str(closing) not in known:
            raise UnknownName("closing", str(closing), known)
        return self._act(id, lambda incident, at: handling.close(incident, Closing(str(closing)), author, reason, at), now)

    def expected(self) -> Forecast:
        """False alarms in a month when nothing is wrong, at most: of each rule, and in all."""
        model = self._model()
        return forecast(self.rules(), chances_of(model.plan, segments=segments_of(model)))

    def rules(self) -> dict[str, Rule]:
        """The rules in force. Raises `UsageError` for those that do not hold together."""
        return rules_of(self._loaded.plan.alerts)

    def precision(self) -> tuple[tuple[Precision, ...], list[str]]:
        """How often each rule was right, by what its incidents were closed as; and what is proposed where it was mostly wrong."""
        closed = self.incidents(stages=(Stage.CLOSED,), last=ALL)
        return precision(closed), [text for rule in self.rules().values() if (text := proposal(rule, closed))]

    def _incident(self, id: str) -> Incident:  # noqa: A002
        found = self._store.incident(self.name, id)
        if found is None:
            raise UnknownName("incident", id, [incident.id for incident in self.incidents(last=20)])
        return found

    def _act(self, id: str, act: Callable[[Incident, datetime], Incident], now: datetime | None) -> Incident:  # noqa: A002
        """Changes an incident, on the board too where that remembers it."""
        moment = now or datetime.now(UTC)
        with self._store.exclusive(self.name):
            changed = act(self._incident(id), moment)
            board = self._store.board(self.name)
            remembered = tuple(changed if each.id == changed.id else each for each in board.incidents)
            board = replace(board, incidents=remembered, revision=board.revision + 1)
            self._store.react(self.name, Reaction(board, incidents=(changed,)))
            return changed


class Silences:
    """The silences of one model: nobody is told of alerts that one fits, which are kept and shown all the same."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def add(
        self,
        matchers: Sequence[str],
        *,
        author: str,
        comment: str,
        until: datetime | timedelta,
        now: datetime | None = None,
    ) -> Silence:
        """Nobody is told of alerts that fit all of `matchers` (`column=income`, `alertname=*Drift`) until then. Raises `UsageError`."""
        moment = now or datetime.now(UTC)
        ends = moment + until if isinstance(until, timedelta) else until
        made = make_silence(matchers, author=author, comment=comment, starts=moment, ends=ends, made=moment)
        self._store.put_silence(self._name, made)
        return made

    def all(self, *, at: datetime | None = None) -> list[Silence]:
        """All silences, those in force at a moment where one is given."""
        return self._store.silences(self._name, at=at)

    def end(self, id: str, *, author: str, now: datetime | None = None) -> Silence:  # noqa: A002
        """Ends a silence before its time. Raises `UnknownName`, `UsageError` where it is over."""
        found = [each for each in self.all() if each.id == id]
        if not found:
            raise UnknownName("silence", id, [each.id for each in self.all()])
        over = ended(found[-1], author, now or datetime.now(UTC))
        self._store.put_silence(self._name, over)
        return over


class Notices:
    """What is on its way to people, and the channels it goes by."""

    def __init__(self, loaded: Loaded, store: Store, environment: Mapping[str, str]) -> None:
        self._loaded, self._store, self._name, self._environment = loaded, store, loaded.plan.model, environment

    def send(self, *, now: datetime | None = None) -> Delivered:
        """Sends what is due, without looking for anything new."""
        with self._store.exclusive(self._name + SENDING):
            return self._send(now or datetime.now(UTC))

    def all(self, *, states: Collection[Sending] = tuple(Sending), last: int = 100) -> list[Outgoing]:
        """What was sent, waits, or was given up; the latest last."""
        return self._store.outgoing(self._name, states=states, last=last)

    def retry(self, *, now: datetime | None = None) -> int:
        """Puts what was given up on its way again; how many these are."""
        moment = now or datetime.now(UTC)
        with self._store.exclusive(self._name + SENDING):
            dead = self._store.outgoing(self._name, states=(Sending.DEAD,))
            self._store.settle(self._name, [replace(each, state=Sending.WAITING, attempts=0, due=moment, settled=None) for each in dead])
            return len(dead)

    def test(self, *names: str, now: datetime | None = None) -> dict[str, Answer]:
        """Sends a notice that says it is a test to these channels, or to all; what each answered. Raises `UnknownName`, `UsageError`."""
        channels = self._channels(self._secrets())
        if not channels:
            raise UsageError("No channel is configured", where="alerts.channels", hint="Describe one, and name it in 'alerts.notify'.")
        for name in names:
            if name not in channels:
                raise UnknownName("channel", name, channels)
        moment = now or datetime.now(UTC)
        return {name: channels[name].send(test_notice(self._name, moment, name), now=moment) for name in names or channels}

    def _send(self, now: datetime) -> Delivered:
        """Delivers; nobody else does so meanwhile."""
        plan, secrets = self._loaded.plan.alerts, self._secrets()
        channels = self._channels(secrets)
        gather_digest(self._store, self._name, plan.notify.digest or plan.notify.info, duration(plan.digest_every), now)
        done = deliver(self._store, self._name, channels, now=now, active=self._active(channels, now))
        url = secrets.get("alerts.heartbeat")
        if url is not None:
            answer = heartbeat(url.reveal())
            if not answer.delivered:
                done = replace(done, errors={**done.errors, "heartbeat": answer.said})
        return done

    def _active(self, channels: Mapping[str, Channel], now: datetime) -> dict[str, list[Notice]]:
        """What each channel that forgets must be told again."""
        forgetful = [name for name, channel in channels.items() if channel.forgets]
        if not forgetful:
            return {}
        plan, silences = self._loaded.plan, self._store.silences(self._name, at=now)
        about = About(rules=rules_of(plan.alerts), importance=plan.drift.importance)
        incidents = self._store.incidents(self._name, last=LOOKED_AT)
        return {name: active_notices(incidents, name, silences=silences, spec=plan.alerts, now=now, about=about) for name in forgetful}

    def _secrets(self) -> Mapping[str, Secret]:
        """The secrets of the channels, looked up when something is sent and not before: who only looks needs none of them.

        Raises `ConfigError` for one that is not there.
        """
        plan = self._loaded.plan.alerts
        return load(self._loaded.path, self._environment, secrets=ALERTS).secrets if plan.channels or plan.heartbeat else {}

    def _channels(self, secrets: Mapping[str, Secret]) -> Mapping[str, Channel]:
        """The channels of the plan, with their secrets."""
        plan = self._loaded.plan
        lasting = LASTING * duration(plan.windows.base)
        found = {}
        for name, spec in plan.alerts.channels.items():
            known = {field: secrets.get(f"alerts.channels.{name}.{field}") for field in FIELDS}
            shown = {field: secret.reveal() for field, secret in known.items() if secret is not None}
            found[name] = open_channel(name, spec, shown, lasting=lasting)
        return found
