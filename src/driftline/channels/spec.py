"""What users say about a channel."""

from __future__ import annotations

from typing import Annotated, Literal

from driftline.core.errors import UsageError
from driftline.core.spec import Field, Spec

FORMATS = ("cloudevents", "alertmanager", "pagerduty")


class ChannelSpec(Spec):
    """One way to tell people. `type`: `webhook` posts JSON to `url`; `alertmanager` pushes to the API of one at `url`; `apprise` reaches a
    hundred services by their URLs.

    `url`, `secret`, `old_secret` and `routing_key` are secrets: names of environment variables or `file:PATH`. `secret` signs webhooks;
    with `old_secret` they bear a second signature while keys are changed. `format`: the body of a webhook. `allow`: hosts in private
    networks that may be reached, and by plain http. `timeout`: seconds.
    """

    type: Literal["webhook", "alertmanager", "apprise"]
    url: str = ""
    secret: str = ""
    old_secret: str = ""
    routing_key: str = ""
    format: Literal["cloudevents", "alertmanager", "pagerduty"] = "cloudevents"
    allow: tuple[str, ...] = ()
    timeout: Annotated[float, Field(gt=0.0, le=60.0)] = 15.0

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for what a type needs or has no use for."""
        if self.format == "pagerduty" and not self.routing_key:
            raise UsageError("PagerDuty needs its routing key", where="routing_key", hint="Write 'routing_key: $PAGERDUTY_KEY'.")
        if not self.url and self.format != "pagerduty":
            raise UsageError("A channel needs an address", where="url", hint="Write 'url: $NAME' with the name of an environment variable.")
        if self.type != "webhook" and self.format != "cloudevents":
            raise UsageError(f"'format' is for a webhook, and this one is {self.type}", where="format", hint="Take it out.")
