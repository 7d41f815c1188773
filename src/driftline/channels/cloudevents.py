"""The format of a webhook that is ours: CloudEvents 1.0, with the headers of Standard Webhooks, signed where there is a secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from driftline.alerting.records import Kind, Notice
from driftline.channels.fitting import fitted, is_over, moment
from driftline.core.errors import UsageError

CONTENT_TYPE = "application/cloudevents+json"
_PREFIX = "whsec_"
_SHORTEST = 24


def body(notice: Notice) -> bytes:
    """The event as structured JSON, the same each time it is sent."""
    return fitted(notice, _event)


def headers(notice: Notice, content: bytes, secrets: Sequence[str], *, now: datetime) -> dict[str, str]:
    """The headers of one attempt at `now`, with a signature per secret. Raises `UsageError` for a secret that is none."""
    stamp = str(int(now.timestamp()))
    found = {"Content-Type": CONTENT_TYPE, "webhook-id": notice.id, "webhook-timestamp": stamp}
    signed = b".".join((notice.id.encode(), stamp.encode(), content))
    signatures = [base64.b64encode(hmac.digest(key(secret), signed, hashlib.sha256)).decode() for secret in secrets]
    if signatures:
        found["webhook-signature"] = " ".join(f"v1,{signature}" for signature in signatures)
    return found


def key(secret: str) -> bytes:
    """The bytes that a secret stands for: `whsec_` and base64, or the bytes of any other text. Raises `UsageError`."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        found = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) < _SHORTEST:
        raise UsageError("The secret is not 'whsec_' and base64 of at least 24 bytes", hint="Make one: whsec_$(openssl rand -base64 32).")
    return found


def _event(notice: Notice) -> dict[str, Any]:
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": notice.id,
        "source": f"/driftline/models/{quote(notice.model, safe='', errors='replace')}",
        "type": _type(notice.kind),
        "time": moment(notice.made),
        "datacontenttype": "application/json",
        "data": _data(notice),
    }
    return found | ({"subject": f"incident/{notice.incident}"} if _is_alert(notice.kind) and notice.incident else {})


def _data(notice: Notice) -> dict[str, Any]:
    return {
        "status": notice.status,
        "kind": notice.kind,
        "severity": notice.severity,
        "incident_id": notice.incident,
        "model": notice.model,
        "summary": notice.summary,
        "details": notice.details,
        "labels": notice.labels,
        "annotations": notice.annotations,
        "evidence": notice.evidence,
        "starts_at": moment(notice.starts_at),
        "ends_at": moment(notice.ends_at) if notice.ends_at and is_over(notice) else None,
        "alerts": notice.alerts,
    }


def _type(kind: Kind) -> str:
    return f"dev.driftline.alert.{kind}.v1" if _is_alert(kind) else f"dev.driftline.{kind}.v1"


def _is_alert(kind: Kind) -> bool:
    return kind not in (Kind.DIGEST, Kind.TEST)
