"""What a file says about step 4 beside the rules: the channels, who is told of what, the digest, and a sign of life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from driftline.alerting.rules import NAME
from driftline.alerting.spec import AlertsSpec
from driftline.channels.spec import ChannelSpec
from driftline.config.fields import Duration, check_durations
from driftline.core.errors import UsageError, nearest
from driftline.core.spec import Spec

HOW_TO_NAME: Final = "Use up to 60 letters, digits, - and _, beginning with a letter."


class NotifySpec(Spec):
    """The channels that are told of each severity. One without channels is kept and sent nowhere. `digest`: where the digest goes."""

    critical: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    info: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()


class AlertsPlan(AlertsSpec):
    """Step 4, with the ways to tell people. `heartbeat`: an address that is called after each run, so that its silence is noticed
    elsewhere; it is a secret, like the addresses of channels."""

    channels: Mapping[str, ChannelSpec] = {}
    notify: NotifySpec = NotifySpec()
    digest_every: Duration = "1w"
    heartbeat: str = ""

    def model_post_init(self, context: object) -> None:
        """Raises `UsageError` for names that are none, a duration that is none, and a channel that does not exist."""
        super().model_post_init(context)
        check_durations(self)
        for where, names in (("channels", self.channels), ("muted", self.muted)):
            for name in names:
                if not NAME.fullmatch(name):
                    raise UsageError(f"{name[:60]!r} is no name in '{where}'", where=where, hint=HOW_TO_NAME)
        for key in NotifySpec.model_fields:
            for name in getattr(self.notify, key):
                if name not in self.channels:
                    raise UsageError(f"There is no channel '{name[:60]}'", where=f"notify.{key}", hint=self._instead_of(name))

    def _instead_of(self, name: str) -> str:
        if not self.channels:
            return "Describe it in 'alerts.channels' first, and name it here."
        near = nearest(name, self.channels)
        return f"{f'Did you mean {near!r}? ' if near else ''}Known: {', '.join(sorted(self.channels)[:20])}."
