"""A webhook: JSON posted to an address, in one of three formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from driftline.alerting.records import Notice
from driftline.channels import alertmanager_v4, cloudevents, pagerduty
from driftline.channels.http import Client
from driftline.core.errors import UsageError
from driftline.ports import Answer


@dataclass(frozen=True, slots=True)
class Webhook:
    """`name` is the channel's. `secret` signs, and so does `old_secret` while keys are changed; `routing_key` is for PagerDuty."""

    name: str
    url: str = field(repr=False)
    client: Client
    format: str = "cloudevents"
    secret: str = field(default="", repr=False)
    old_secret: str = field(default="", repr=False)
    routing_key: str = field(default="", repr=False)

    @property
    def forgets(self) -> bool:
        return False

    def send(self, notice: Notice, *, now: datetime) -> Answer:
        """Posts the notice, signed where there is a secret. Raises nothing."""
        try:
            url, body, headers = self._request(notice, now)
        except UsageError as error:
            return Answer(False, error.what[0].lower() + error.what[1:])
        return self.client.post(url, body, headers, now=now)

    def _request(self, notice: Notice, now: datetime) -> tuple[str, bytes, Mapping[str, str]]:
        """The address, the body and the headers. Raises `UsageError` for a secret that is none."""
        if self.format == "pagerduty":
            body = pagerduty.body(notice, self.routing_key)
            return pagerduty.address(notice, self.url), body, {"Content-Type": pagerduty.CONTENT_TYPE}
        is_ours = self.format == "cloudevents"
        body = cloudevents.body(notice) if is_ours else alertmanager_v4.body(notice, self.name)
        secrets = [secret for secret in (self.secret, self.old_secret) if secret]
        headers = cloudevents.headers(notice, body, secrets, now=now)
        return self.url, body, headers if is_ours else {**headers, "Content-Type": alertmanager_v4.CONTENT_TYPE}
