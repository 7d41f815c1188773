"""Chats, mails and a hundred other services through the library apprise, each known by a URL that holds its secrets.

The library makes its own connections: what `http.py` promises about addresses, proxies and time is not promised here. Redirects are not
followed where its version can be told so. The URL is set by whoever runs driftline, as all channels are.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from driftline.alerting.records import Notice
from driftline.channels import text
from driftline.channels.fitting import is_over
from driftline.core.verdicts import Severity
from driftline.ports import Answer

_LOGGERS = ("apprise", "requests", "urllib3.connectionpool", "urllib3.util.retry", "requests_oauthlib", "oauthlib")


@dataclass(frozen=True, slots=True)
class Apprise:
    """One service, or several with commas between their URLs: then a notice is delivered when all of them took it."""

    url: str = field(repr=False)

    @property
    def forgets(self) -> bool:
        return False

    def send(self, notice: Notice, *, now: datetime) -> Answer:
        """Hands the title and the text to the service. Raises nothing."""
        with _silent():
            try:
                import apprise

                return self._sent(apprise, notice)
            except ModuleNotFoundError as error:
                return Answer(False, f"the package '{error.name}' is not installed; install it: pip install 'driftline[notify]'")
            except Exception as error:  # noqa: BLE001 -- of a hundred plugins nobody knows what they raise; its text may hold the URL
                return Answer(False, f"apprise failed with {type(error).__name__}")

    def _sent(self, apprise: Any, notice: Notice) -> Answer:
        asset = apprise.AppriseAsset(app_id="driftline", app_desc="driftline", app_url="")
        if hasattr(asset, "http_redirects"):
            asset.http_redirects = False
        services = apprise.Apprise(asset=asset)
        if not services.add(self.url) or not len(services):
            return Answer(False, "the address is none that apprise knows; its documentation lists them")
        kind = apprise.NotifyType.SUCCESS if is_over(notice) else getattr(apprise.NotifyType, _kind(notice))
        delivered = services.notify(
            title=text.title(notice), body=text.body(notice), notify_type=kind, body_format=apprise.NotifyFormat.TEXT
        )
        return Answer(True) if delivered else Answer(False, "the service did not take the message")


def _kind(notice: Notice) -> str:
    return {Severity.CRITICAL: "FAILURE", Severity.WARNING: "WARNING"}.get(notice.severity, "INFO")


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps quiet whoever would write the URL into a log: apprise when it fails, the HTTP client below it at any time."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings(action="ignore"):  # of its plugins, which speak of their own affairs
            yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
