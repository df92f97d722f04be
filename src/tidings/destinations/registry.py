"""Every kind of destination, by the type of the webhook."""

from collections.abc import Mapping

from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Channel, Destination, Headers


class ByKind:
    """`Destination` of all webhooks: the one of its kind does it."""

    def __init__(self, kinds: Mapping[str, Destination]) -> None:
        """`kinds` by `webHookType`; each that a webhook may have."""
        self._kinds = dict(kinds)

    def open(self, webhook: Webhook) -> Channel:
        return self._kinds[webhook.kind].open(webhook)

    def carried(self, webhook: Webhook) -> Headers:
        return self._kinds[webhook.kind].carried(webhook)
