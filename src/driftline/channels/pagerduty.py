"""The format of a webhook that PagerDuty takes: Events API v2, one of its incidents per incident of ours.

A digest is a change event there, which nobody is paged for. A test is an alert of severity info that people resolve themselves.
"""

from __future__ import annotations

from typing import Any

from driftline.alerting.records import Kind, Notice
from driftline.channels.fitting import cut, fitted, is_over, links, moment
from driftline.core.verdicts import Severity

CONTENT_TYPE = "application/json"
ADDRESS = "https://events.pagerduty.com/v2/enqueue"
_ALERTS, _CHANGES = "/v2/enqueue", "/v2/change/enqueue"
_LONGEST_KEY = 255
_LONGEST_SUMMARY = 1_024
_SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "info", Severity.NONE: "info"}


def address(notice: Notice, url: str) -> str:
    """Where the notice goes: to `url`, or to the place for changes beside it."""
    there = url or ADDRESS
    return there.removesuffix(_ALERTS) + _CHANGES if notice.kind is Kind.DIGEST and there.endswith(_ALERTS) else there


def body(notice: Notice, routing_key: str) -> bytes:
    """The event with its routing key."""
    build = _change if notice.kind is Kind.DIGEST else _event
    return fitted(notice, lambda shorter: build(shorter, routing_key))


def _event(notice: Notice, routing_key: str) -> dict[str, Any]:
    found = {
        "routing_key": routing_key,
        "event_action": _action(notice),
        "dedup_key": cut(notice.incident or notice.id, _LONGEST_KEY),
        "payload": {
            "summary": cut(notice.summary, _LONGEST_SUMMARY),
            "source": f"driftline {notice.model}",
            "severity": "info" if notice.kind is Kind.TEST else _SEVERITIES[notice.severity],
            "timestamp": moment(notice.starts_at),
            "component": notice.model,
            "group": notice.labels.get("project", notice.model),
            "class": notice.labels.get("alertname", str(notice.kind)),
            "custom_details": _details(notice),
        },
        "links": _links(notice),
        "client": "driftline",
    }
    dashboard = links(notice).get("dashboard_url")
    return found | ({"client_url": dashboard} if dashboard else {})


def _change(notice: Notice, routing_key: str) -> dict[str, Any]:
    return {
        "routing_key": routing_key,
        "payload": {
            "summary": cut(notice.summary, _LONGEST_SUMMARY),
            "source": f"driftline {notice.model}",
            "timestamp": moment(notice.made),
            "custom_details": _details(notice),
        },
        "links": _links(notice),
    }


def _action(notice: Notice) -> str:
    if is_over(notice):
        return "resolve"
    return "acknowledge" if notice.status == "acknowledged" else "trigger"


def _details(notice: Notice) -> dict[str, Any]:
    return {
        "notice_id": notice.id,
        "kind": notice.kind,
        "severity": notice.severity,
        "details": notice.details,
        "labels": notice.labels,
        "annotations": notice.annotations,
        "evidence": notice.evidence,
        "alerts": notice.alerts,
    }


def _links(notice: Notice) -> list[dict[str, str]]:
    return [{"href": href, "text": name.removesuffix("_url")} for name, href in links(notice).items()]
