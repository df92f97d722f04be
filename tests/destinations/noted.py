"""A driver that notes what it is handed."""

import msgspec

from tests.destinations.messages import hook
from tidings.core.connections.connection import Connection
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, MessagePreview
from tidings.destinations.unreachable import UndialledChannel


class Noted:
    """A driver that notes what it is to open."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, Connection | None]] = []

    def open(self, webhook: Webhook, connection: Connection | None) -> UndialledChannel:
        self.opened.append((webhook.kind, connection))
        return UndialledChannel(webhook, "")

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview("NOTE", headers, body)


def webhook(kind: str, connection: str = "") -> Webhook:
    return msgspec.structs.replace(hook("https://a.b/"), kind=kind, connection=connection)
