"""Alerts, incidents, silences and notices as plain values, for JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from driftline.alerting.records import Alert, Key
from driftline.core.records import Window


def json_text(value: object) -> str:
    """The value as JSON. What is infinite or not a number is null there."""
    return json.dumps(plain(value), indent=2, ensure_ascii=True)


def alert_of(alert: Alert, model: str, muted: str = "") -> dict[str, Any]:
    """An alert with its labels and fingerprint, and why nobody is told of it."""
    found = plain(alert)
    found.pop("recent")
    return {"fingerprint": alert.key.fingerprint, "labels": alert.key.labels(model), **found, "muted_by": muted}


def plain(value: Any) -> Any:
    """Records as dictionaries, moments as ISO 8601, everything else as it is."""
    if isinstance(value, Window):
        return {"start": value.start.isoformat(), "end": value.end.isoformat()}
    if isinstance(value, Key):
        return {**{f.name: plain(getattr(value, f.name)) for f in fields(value)}, "fingerprint": value.fingerprint}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.value if isinstance(value, Enum) else value
