"""driftline watches machine-learning models in production: early, rarely wrong, and with what to do next."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline.alerts import Alerts
    from driftline.api import Result, compare, load_reference, profile_reference
    from driftline.core.errors import DataError, DriftlineError, UsageError
    from driftline.core.verdicts import ColumnVerdict, Comparison, Finding, QualityVerdict, Severity, Verdict
    from driftline.overtime import OpenModel, open_model
    from driftline.profiles.reference import Reference

_HOMES = {
    "compare": "driftline.api",
    "load_reference": "driftline.api",
    "profile_reference": "driftline.api",
    "open_model": "driftline.overtime",
    "OpenModel": "driftline.overtime",
    "Alerts": "driftline.alerts",
    "Result": "driftline.api",
    "Reference": "driftline.profiles.reference",
    "ColumnVerdict": "driftline.core.verdicts",
    "Comparison": "driftline.core.verdicts",
    "Finding": "driftline.core.verdicts",
    "QualityVerdict": "driftline.core.verdicts",
    "Severity": "driftline.core.verdicts",
    "Verdict": "driftline.core.verdicts",
    "DataError": "driftline.core.errors",
    "DriftlineError": "driftline.core.errors",
    "UsageError": "driftline.core.errors",
}

__all__ = [
    "Alerts",
    "ColumnVerdict",
    "Comparison",
    "DataError",
    "DriftlineError",
    "Finding",
    "OpenModel",
    "QualityVerdict",
    "Reference",
    "Result",
    "Severity",
    "UsageError",
    "Verdict",
    "compare",
    "load_reference",
    "open_model",
    "profile_reference",
]


def __getattr__(name: str) -> Any:
    """Loads a name when it is first asked for, so that `import driftline` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'driftline' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
