"""Delivery: what waits in the outbox is sent, and what became of each notice is kept right after it was sent.

Who dies between the two sends it again, with the same id: everything arrives at least once. Only one may deliver for a model at a time;
the caller sees to that with `store.exclusive(model)`. Nothing here raises because of a channel.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from driftline.alerting.records import Kind, Notice, Outgoing, Sending
from driftline.core.verdicts import Severity
from driftline.ports import Answer, Channel, Outbox

RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
)
"""How long after each failure it is tried again: for a little over two days."""
JITTER = 0.1
LONGEST_WAIT = timedelta(days=1)
PATIENCE = 3
"""Failures in a row after which a channel is left alone for the rest of a run, so that a slow one does not hold up others for ever."""
_ALL = 1_000_000
_RECENTLY = 1_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run of delivery did. `failed` are tried again, `dead` never; `waiting` are left in the outbox. `repeated`: told again to
    receivers that forget. `errors`: the last one of each channel that failed, in a few words without a secret."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    waiting: int = 0
    repeated: int = 0
    errors: Mapping[str, str] = field(default_factory=dict)


def deliver(
    store: Outbox,
    model: str,
    channels: Mapping[str, Channel],
    *,
    now: datetime,
    jitter: Callable[[], float] = random.random,
    active: Sequence[Notice] | Mapping[str, Sequence[Notice]] = (),
) -> Delivered:
    """Sends what is due until nothing more is, then `active` to channels that forget: all incidents that are active, and those that ended
    less than five minutes ago; by channel where not all of these are told the same. `jitter` gives numbers in [0, 1).

    The caller holds `store.exclusive(model)`."""
    run = _Run(store, model, channels, now, jitter)
    while run.round():
        pass
    run.repeat(active)
    waiting = len(store.outgoing(model, states=(Sending.WAITING,), last=_ALL))
    counts = run.counts
    return Delivered(counts["sent"], counts["failed"], counts["dead"], waiting, counts["repeated"], run.errors)


class _Run:
    """One run of delivery, and what it has seen of each channel so far."""

    def __init__(self, store: Outbox, model: str, channels: Mapping[str, Channel], now: datetime, jitter: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self._store, self._model, self._channels, self._now, self._jitter = store, model, channels, now, jitter
        self._tried: set[int] = set()
        self._failures: Counter[str] = Counter()

    def round(self) -> bool:
        """Sends what is due now; whether there was anything. The next notice of an incident is due when the one before has arrived."""
        due = [
            each for each in self._store.due(self._model, now=self._now) if each.number not in self._tried and not self._rests(each.channel)
        ]
        for outgoing in due:
            # A failure of this round may have been the last that its channel was allowed, or all of its notices are given up.
            if outgoing.number not in self._tried and not self._rests(outgoing.channel):
                self._tried.add(outgoing.number)
                self._one(outgoing)
        return bool(due)

    def repeat(self, active: Sequence[Notice] | Mapping[str, Sequence[Notice]]) -> None:
        """Tells those who forget of everything that is active."""
        for name, channel in self._channels.items():
            told = active.get(name, ()) if isinstance(active, Mapping) else active
            for notice in told if _forgets(channel) else ():
                if self._rests(name):
                    break
                answer = self._asked(name, channel, notice)
                self.counts["repeated"] += answer.delivered

    def _rests(self, channel: str) -> bool:
        return self._failures[channel] >= PATIENCE

    def _one(self, outgoing: Outgoing) -> None:
        channel = self._channels.get(outgoing.channel)
        if channel is None:
            self._give_up([outgoing], f"The channel '{outgoing.channel}' is not configured any more.")
            return
        answer = self._asked(outgoing.channel, channel, outgoing.notice)
        after = replace(outgoing, attempts=outgoing.attempts + 1, error=answer.said, settled=self._now)
        if answer.delivered:
            self.counts["sent"] += 1
            self._store.settle(self._model, [replace(after, state=Sending.DELIVERED, error="")])
        elif answer.gone:
            self._give_up([after], answer.said)
            rest = [
                each for each in self._store.outgoing(self._model, states=(Sending.WAITING,), last=_ALL) if each.channel == after.channel
            ]
            self._give_up([each for each in rest if each.number != after.number], f"Not sent, because of an earlier notice: {answer.said}.")
        elif not answer.again or after.attempts > len(RETRIES):
            self._give_up([after], answer.said)
        else:
            self.counts["failed"] += 1
            self._store.settle(self._model, [replace(after, due=self._now + self._wait(after.attempts, answer), settled=None)])

    def _asked(self, name: str, channel: Channel, notice: Notice) -> Answer:
        """What the channel answers; what it raises, against its promise, is an answer too."""
        try:
            answer = channel.send(notice, now=self._now)
        except Exception as error:  # noqa: BLE001 -- one channel must not stop the others; its text may hold a secret
            answer = Answer(False, f"the channel failed with {type(error).__name__}")
        if answer.delivered:
            self._failures[name] = 0
        else:
            self._failures[name] += 1
            self.errors[name] = answer.said
        return answer

    def _wait(self, attempts: int, answer: Answer) -> timedelta:
        planned = RETRIES[attempts - 1] * (1 + JITTER * (2 * self._jitter() - 1))
        return max(planned, min(timedelta(seconds=answer.after or 0.0), LONGEST_WAIT))

    def _give_up(self, outgoing: Sequence[Outgoing], why: str) -> None:
        dead = [replace(each, state=Sending.DEAD, error=why, settled=self._now) for each in outgoing]
        if dead:
            self.counts["dead"] += len(dead)
            self.errors[dead[0].channel] = why
            self._tried |= {each.number for each in dead}
            self._store.settle(self._model, dead)


def _forgets(channel: Channel) -> bool:
    try:
        return channel.forgets
    except Exception:  # noqa: BLE001 -- as above
        return False


def gather_digest(store: Outbox, model: str, channels: Sequence[str], every: timedelta, now: datetime) -> int:
    """Makes one digest for `channels` of all notices that are held, where the time for one has come; how many it holds. The caller holds
    `store.exclusive(model)`."""
    held = store.outgoing(model, states=(Sending.HELD,), last=_ALL)
    if not held or not channels:
        return 0
    made = store.outgoing(model, states=(Sending.WAITING, Sending.DELIVERED, Sending.DEAD), last=_RECENTLY)
    last = max((each.notice.made for each in made if each.notice.kind is Kind.DIGEST), default=None)
    if not digest_due([each.notice for each in held], last, every, now):
        return 0
    notices = list({each.notice.id: each.notice for each in held}.values())
    digest = digest_of(model, notices, now=now)
    settled = [replace(each, state=Sending.DIGESTED, settled=now) for each in held]
    store.settle(model, settled, more=[Outgoing(channel, digest, due=now) for channel in dict.fromkeys(channels)])
    return len(notices)


def digest_due(held: Sequence[Notice], last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time for a digest: `every` after the last one; the first one so long after the oldest notice that is held."""
    return bool(held) and now - (last or min(notice.made for notice in held)) >= every


def digest_of(model: str, held: Sequence[Notice], *, now: datetime) -> Notice:
    """One notice of several: a line for each, the gravest first. The same notices make the same id."""
    ranked = sorted(held, key=lambda notice: (-notice.severity.rank, notice.starts_at, notice.id))
    counts = Counter(notice.severity for notice in ranked)
    said = ", ".join(f"{counts[severity]} {severity}" for severity in reversed(Severity) if counts[severity])
    name = _id("dig", model, *sorted(notice.id for notice in held))
    return Notice(
        id=name,
        kind=Kind.DIGEST,
        incident=name,  # what it joins is itself: no other notice waits for it
        model=model,
        status="digest",
        severity=ranked[0].severity,
        summary=f"{len(ranked)} {'notice' if len(ranked) == 1 else 'notices'} kept for the digest: {said}",
        details=tuple(f"{notice.severity}, {notice.kind}, {_day(notice.starts_at)}: {notice.summary}" for notice in ranked),
        labels={"alertname": "Digest", "model": model},
        annotations={},
        evidence={"notices": len(ranked), "by_severity": {str(severity): count for severity, count in counts.items()}},
        starts_at=min(notice.starts_at for notice in ranked),
        ends_at=max(notice.ends_at or notice.starts_at for notice in ranked),
        made=now,
    )


def test_notice(model: str, now: datetime, channel: str) -> Notice:
    """What is sent to find out whether a channel works."""
    name = _id("tst", model, channel, now.isoformat())
    return Notice(
        id=name,
        kind=Kind.TEST,
        incident=name,
        model=model,
        status="test",
        severity=Severity.INFO,
        summary=f"This is a test of the channel '{channel}': nothing is wrong, and nothing needs to be done",
        details=(),
        labels={"alertname": "Test", "model": model},
        annotations={},
        evidence={},
        starts_at=now,
        ends_at=None,
        made=now,
    )


def _id(kind: str, *parts: str) -> str:
    return f"{kind}_{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()[:16]}"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
