"""The format of a webhook that Alertmanager sends, version 4: whatever receives those receives ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.alerting.records import Notice
from driftline.channels.fitting import fitted, is_link, is_over, links, moment

CONTENT_TYPE = "application/json"
NEVER = "0001-01-01T00:00:00Z"
"""What stands for an end that has not come."""


def body(notice: Notice, receiver: str) -> bytes:
    """The message of the webhook; `receiver` is the name of the channel."""
    whole = len(notice.alerts)
    return fitted(notice, lambda shorter: _message(shorter, receiver, left_out=whole - len(shorter.alerts)))


def _message(notice: Notice, receiver: str, *, left_out: int) -> dict[str, Any]:
    alerts = [_alert(notice, alert) for alert in notice.alerts] or [_alert(notice, {})]
    annotations = {"summary": notice.summary, **_texts(notice.annotations)}
    if notice.details:
        annotations["description"] = "\n".join(notice.details)
    return {
        "version": "4",
        "groupKey": notice.incident or notice.id,
        "truncatedAlerts": left_out,
        "status": _status(over=is_over(notice)),
        "receiver": receiver,
        "groupLabels": {"model": notice.model},
        "commonLabels": _shared([alert["labels"] for alert in alerts]),
        "commonAnnotations": annotations,
        "externalURL": links(notice).get("dashboard_url", ""),
        "alerts": alerts,
    }


def _alert(notice: Notice, alert: Mapping[str, object]) -> dict[str, Any]:
    """One of its alerts; where none is named, the notice itself."""
    ends = alert.get("ends_at") if alert else notice.ends_at and moment(notice.ends_at)
    over = is_over(notice) or bool(alert and ends)
    annotations = _texts(alert.get("annotations") or notice.annotations)
    # The severity is no label: a problem that grows worse would be another alert.
    return {
        "status": _status(over=over),
        "labels": _texts(alert.get("labels") or notice.labels),
        "annotations": {"summary": notice.summary, "severity": str(notice.severity), **annotations},
        "startsAt": str(alert.get("starts_at") or moment(notice.starts_at)),
        "endsAt": str(ends or moment(notice.made)) if over else NEVER,
        "generatorURL": next((text for name, text in annotations.items() if name == "dashboard_url" and is_link(text)), ""),
        "fingerprint": str(alert.get("fingerprint") or notice.incident or notice.id),
    }


def _status(*, over: bool) -> str:
    return "resolved" if over else "firing"


def _texts(found: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}


def _shared(labels: list[dict[str, str]]) -> dict[str, str]:
    """Labels that all of them have with the same value."""
    return {name: value for name, value in labels[0].items() if all(each.get(name) == value for each in labels)}
