"""Alerts pushed to an Alertmanager, which groups, silences and routes them.

An Alertmanager takes an alert as over when its end has passed, and it forgets all alerts when it restarts. So each push carries an end
some time ahead, and what is active is pushed again with every run. Labels are the identity of an alert and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from driftline.alerting.records import Kind, Notice
from driftline.channels.fitting import cut, encoded, is_link, is_over, moment
from driftline.channels.http import Client
from driftline.ports import Answer

PATH = "/api/v2/alerts"
AT_ONCE = 100
_SHORT = timedelta(minutes=5)
"""How long a test or a digest is shown: neither has an end of its own."""
_LONGEST = 1_000
_NO_NAME = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """One at `url`. `lasting`: how long an alert is believed without being told of again; longer than the time between two runs."""

    url: str = field(repr=False)
    client: Client
    lasting: timedelta

    @property
    def forgets(self) -> bool:
        return True

    def send(self, notice: Notice, *, now: datetime) -> Answer:
        """Pushes the alerts of the notice, each with its end. Raises nothing."""
        alerts = self.alerts(notice, now=now)
        said = Answer(True)
        for first in range(0, len(alerts), AT_ONCE):
            body = encoded(alerts[first : first + AT_ONCE])
            said = self.client.post(_address(self.url), body, {"Content-Type": "application/json"}, now=now)
            if not said.delivered:
                break
        return said

    def alerts(self, notice: Notice, *, now: datetime) -> list[dict[str, Any]]:
        """What is pushed: an alert for each of the notice's, or one for the notice itself."""
        lasting = self.lasting if notice.kind not in (Kind.DIGEST, Kind.TEST) else _SHORT
        return [_pushed(notice, alert, now=now, lasting=lasting) for alert in notice.alerts or ({},)]


def _pushed(notice: Notice, alert: Mapping[str, object], *, now: datetime, lasting: timedelta) -> dict[str, Any]:
    written = _time(alert.get("ends_at")) or (notice.ends_at if is_over(notice) else None)
    ends = min(written or now, now) if written or is_over(notice) else now + lasting
    # Times of events may be ahead of this clock, and an alert has to begin before it ends.
    starts = min(_time(alert.get("starts_at")) or notice.starts_at, ends - timedelta(seconds=1))
    annotations = _annotations(notice, alert)
    found = {
        "labels": _labels(alert.get("labels") or notice.labels, notice),
        "annotations": annotations,
        "startsAt": moment(starts),
        "endsAt": moment(ends),
    }
    page = next((annotations[name] for name in ("dashboard_url", "runbook_url") if is_link(annotations.get(name, ""))), "")
    return found | ({"generatorURL": page} if page else {})


def _labels(labels: object, notice: Notice) -> dict[str, str]:
    found = {"alertname": f"driftline_{notice.kind}", "model": notice.model}
    for name, value in _texts(labels):
        found[_label(name)] = value
    return {name: value for name, value in found.items() if value}


def _annotations(notice: Notice, alert: Mapping[str, object]) -> dict[str, str]:
    """Texts about the alert: these may change from one push to the next."""
    found = {"summary": cut(notice.summary, _LONGEST), "severity": str(notice.severity), "incident": notice.incident}
    if notice.details and not alert:
        found["description"] = cut("\n".join(notice.details), 10 * _LONGEST)
    for name, value in (*_texts(notice.annotations), *_texts(alert.get("annotations"))):
        found[_label(name)] = value
    return {name: value for name, value in found.items() if value}


def _texts(found: object) -> Iterable[tuple[str, str]]:
    if not isinstance(found, Mapping):
        return []
    return [(str(name), cut(str(value), _LONGEST)) for name, value in found.items() if value is not None]


def _label(name: str) -> str:
    found = _NO_NAME.sub("_", name) or "_"
    return f"_{found}" if found[0].isdigit() else found


def _time(text: object) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _address(url: str) -> str:
    return url.rstrip("/").removesuffix(PATH) + PATH
