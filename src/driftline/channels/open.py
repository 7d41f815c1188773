"""A channel by what is said of it: the one place that knows all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from driftline.channels.spec import ChannelSpec
from driftline.ports import Channel


def open_channel(name: str, spec: ChannelSpec, secrets: Mapping[str, str], *, lasting: timedelta) -> Channel:
    """The channel called `name`. `secrets`: what the keys `url`, `secret`, `old_secret` and `routing_key` stand for; those that are not
    set may be missing. `lasting`: how long a receiver that forgets believes an alert without being told again.

    Nothing is sent and nothing is refused here: a bad address or secret is what every `send` answers with.
    """
    url = secrets.get("url", "")
    if spec.type == "apprise":
        from driftline.channels.apprise import Apprise

        return Apprise(url)
    from driftline.channels.http import Client

    client = Client(spec.allow, spec.timeout)
    if spec.type == "alertmanager":
        from driftline.channels.alertmanager import Alertmanager

        return Alertmanager(url, client, lasting)
    from driftline.channels.webhook import Webhook

    return Webhook(name, url, client, spec.format, *(secrets.get(each, "") for each in ("secret", "old_secret", "routing_key")))
